/* SPDX-License-Identifier: MIT */
/* feeder.h - the order in which a training sees its texts, batch by batch.
 *
 * Each epoch takes the corpus's documents, cut into pieces of at most `length` tokens, in an order
 * that is a function of (seed, epoch), and packs them end to end: a batch is full unless the
 * next piece does not fit; then that piece is cut, and its rest begins the next batch. Pieces of
 * one document, and the parts of a piece that was cut, overlap by one token: so every token but the
 * first is learned once per epoch.
 *
 * A batch lacks one row where only one was left, since a sequence of one row teaches nothing, and
 * more where it has as many sequences as there is room for. */
#ifndef EG_TRAIN_FEEDER_H
#define EG_TRAIN_FEEDER_H

#include "base/arena.h"
#include "eagle/corpus.h"
#include "train/batch.h"

/* A place in the texts: all that a checkpoint must keep. Zeroed, it is the beginning. */
typedef struct {
    int64_t epoch;
    int64_t piece; /* of the epoch's order                    */
    int64_t used;  /* tokens of that piece already in a batch */
} eg_place;

/* Where a batch's sequence comes from. */
typedef struct {
    int32_t document;
    int32_t first; /* token of the document */
} eg_origin;

typedef struct eg_feeder eg_feeder;

/* Room for at least two rows, one sequence of length two. After `epochs` of them batches are
 * empty; 0: it never ends, and a batch may hold the end of one epoch and the beginning of the
 * next. NULL when the arena counts or has failed. `corpus` is borrowed. */
eg_feeder *eg_feeder_make(eg_arena *arena, const eagle_corpus *corpus, const eg_batch_room *room,
                          uint64_t seed, int64_t epochs);

/* The next batch, without features, valid until the next call; *origin [batch->n_sequences], if
 * `origin` is not NULL. */
void eg_feeder_next(eg_batch *batch, const eg_origin **origin, eg_feeder *f);

/* Where the next batch begins. Going there gives the same batches as having walked there. */
eg_place eg_feeder_place(const eg_feeder *f);

/* False, and nothing changes, when there is no such place. */
bool eg_feeder_seek(eg_feeder *f, eg_place place);

/* Pieces of one epoch: place.piece / this is the fraction of it that is done. */
int64_t eg_feeder_pieces(const eg_feeder *f);

#endif
