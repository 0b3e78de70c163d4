/* SPDX-License-Identifier: MIT */
/* feeder.c - pieces of documents in an epoch's order, packed into batches. */
#include "train/feeder.h"

#include "sample/draws.h"
#include "train/purpose.h"

#include <assert.h>
#include <string.h>

struct eg_feeder {
    const eagle_corpus *corpus;
    eg_batch_room room;
    uint64_t seed;
    int64_t epochs; /* 0: no end */

    eg_place place;
    int64_t shuffled; /* the epoch of `piece`                    */
    eg_origin *piece; /* [n_pieces] beginnings, in epoch's order */
    int64_t n_pieces;

    int32_t *start;    /* [room.sequences + 1] */
    int32_t *token;    /* [room.rows]          */
    uint8_t *learn;    /* [room.rows]          */
    eg_origin *origin; /* [room.sequences]     */
};

/* ---- pieces ---------------------------------------------------------------------------------- */

/* Pieces of n tokens that begin `stride` = length - 1 apart, the last one with two tokens at
 * least. n >= 2. */
static int64_t count_pieces(const eagle_corpus *corpus, size_t stride)
{
    int64_t n = 0;

    for (int32_t i = 0; i < eagle_corpus_count(corpus); i++) {
        const size_t learned = (size_t)eagle_corpus_at(corpus, i).n - 1;

        n += (int64_t)((learned + stride - 1) / stride);
    }
    return n;
}

/* All pieces in the order of the corpus. */
static void list_pieces(eg_feeder *f)
{
    const size_t stride = f->room.length - 1;
    eg_origin *piece = f->piece;

    for (int32_t i = 0; i < eagle_corpus_count(f->corpus); i++) {
        const size_t n = (size_t)eagle_corpus_at(f->corpus, i).n;

        for (size_t first = 0; first + 1 < n; first += stride) {
            *piece++ = (eg_origin){.document = i, .first = (int32_t)first};
        }
    }
}

/* Random words that an exchange is drawn from. */
typedef struct {
    uint64_t seed;
    int64_t epoch;
    int64_t i;
} exchange;

static void exchange_block(void *ctx, uint32_t word[4], uint32_t number)
{
    const exchange *x = ctx;
    const uint32_t counter[4] = {number, EG_PURPOSE_ORDER, (uint32_t)x->i, (uint32_t)x->epoch};
    const uint32_t key[2] = {(uint32_t)x->seed, (uint32_t)(x->seed >> 32)};

    eg_philox4x32(word, counter, key);
}

/* Fisher and Yates: piece i changes places with one of 0 .. i, from the last one down. */
static void shuffle(eg_feeder *f, int64_t epoch)
{
    exchange x = {.seed = f->seed, .epoch = epoch};
    const eg_words words = {.block = exchange_block, .ctx = &x};

    list_pieces(f);
    for (x.i = f->n_pieces - 1; x.i > 0; x.i--) {
        const eagle_wide choices = {{(uint64_t)x.i + 1}};
        eagle_wide j;

        eg_uniform_below(&j, &choices, &words);
        const eg_origin kept = f->piece[x.i];

        f->piece[x.i] = f->piece[j.limb[0]];
        f->piece[j.limb[0]] = kept;
    }
    f->shuffled = epoch;
}

/* Tokens of a piece. */
static int64_t piece_length(const eg_feeder *f, const eg_origin *piece)
{
    const int64_t rest = eagle_corpus_at(f->corpus, piece->document).n - piece->first;

    return rest < (int64_t)f->room.length ? rest : (int64_t)f->room.length;
}

/* ---- making ---------------------------------------------------------------------------------- */

eg_feeder *eg_feeder_make(eg_arena *arena, const eagle_corpus *corpus, const eg_batch_room *room,
                          uint64_t seed, int64_t epochs)
{
    assert(room->rows >= 2 && room->sequences >= 1 && room->length >= 2);

    const int64_t n_pieces = count_pieces(corpus, room->length - 1);
    eg_feeder *f = eg_arena_take(arena, EG_FOR_WORK, 1, sizeof *f);
    eg_origin *piece = eg_arena_take(arena, EG_FOR_WORK, (size_t)n_pieces, sizeof *piece);
    int32_t *start = eg_arena_take(arena, EG_FOR_WORK, room->sequences + 1, sizeof *start);
    int32_t *token = eg_arena_take(arena, EG_FOR_WORK, room->rows, sizeof *token);
    uint8_t *learn = eg_arena_take(arena, EG_FOR_WORK, room->rows, sizeof *learn);
    eg_origin *origin = eg_arena_take(arena, EG_FOR_WORK, room->sequences, sizeof *origin);

    if (arena->count_only || arena->failed) {
        return NULL;
    }
    *f = (eg_feeder){.corpus = corpus,
                     .room = *room,
                     .seed = seed,
                     .epochs = epochs,
                     .piece = piece,
                     .n_pieces = n_pieces,
                     .start = start,
                     .token = token,
                     .learn = learn,
                     .origin = origin};
    shuffle(f, 0);
    return f;
}

/* ---- batches --------------------------------------------------------------------------------- */

static bool at_end(const eg_feeder *f)
{
    return f->epochs > 0 && f->place.epoch == f->epochs;
}

/* Moves to the next piece, and from the last one to the next epoch. */
static void next_piece(eg_feeder *f)
{
    f->place.piece++;
    f->place.used = 0;
    if (f->place.piece == f->n_pieces) {
        f->place.piece = 0;
        f->place.epoch++;
        if (!at_end(f)) {
            shuffle(f, f->place.epoch);
        }
    }
}

/* Appends the piece that is next, or as much of it as fits, as sequence s from row `row` on.
 * Returns its rows. */
static size_t append(eg_feeder *f, size_t s, size_t row)
{
    const eg_origin *piece = &f->piece[f->place.piece];
    const eagle_document d = eagle_corpus_at(f->corpus, piece->document);
    const int64_t length = piece_length(f, piece);
    const int64_t begin = f->place.used > 0 ? f->place.used - 1 : 0; /* the overlap */
    const int32_t first = piece->first + (int32_t)begin;
    const size_t room = f->room.rows - row;
    const size_t n = (size_t)(length - begin) < room ? (size_t)(length - begin) : room;

    memcpy(f->token + row, d.token + first, n * sizeof *f->token);
    memcpy(f->learn + row, d.learn + first, n);
    f->start[s] = (int32_t)row;
    f->origin[s] = (eg_origin){.document = piece->document, .first = first};
    f->place.used = begin + (int64_t)n;
    if (f->place.used == length) {
        next_piece(f);
    }
    return n;
}

void eg_feeder_next(eg_batch *batch, const eg_origin **origin, eg_feeder *f)
{
    size_t n = 0;
    size_t s = 0;

    while (s < f->room.sequences && f->room.rows - n >= 2 && !at_end(f)) {
        n += append(f, s++, n);
    }
    f->start[s] = (int32_t)n;
    *batch = (eg_batch){
        .n = n, .n_sequences = s, .start = f->start, .token = f->token, .learn = f->learn};
    if (origin != NULL) {
        *origin = f->origin;
    }
}

/* ---- places ---------------------------------------------------------------------------------- */

eg_place eg_feeder_place(const eg_feeder *f)
{
    return f->place;
}

/* Whether a place within the epoch that is shuffled is one. */
static bool is_place(const eg_feeder *f, eg_place place)
{
    return place.piece >= 0 && place.piece < f->n_pieces && place.used >= 0 &&
           place.used < piece_length(f, &f->piece[place.piece]);
}

bool eg_feeder_seek(eg_feeder *f, eg_place place)
{
    const int64_t before = f->shuffled;
    bool found;

    if (place.epoch < 0 || (f->epochs > 0 && place.epoch > f->epochs)) {
        return false;
    }
    if (f->epochs > 0 && place.epoch == f->epochs) {
        found = place.piece == 0 && place.used == 0;
    } else {
        if (place.epoch != before) {
            shuffle(f, place.epoch);
        }
        found = is_place(f, place);
        if (!found && place.epoch != before) {
            shuffle(f, before);
        }
    }
    if (found) {
        f->place = place;
    }
    return found;
}

int64_t eg_feeder_pieces(const eg_feeder *f)
{
    return f->n_pieces;
}
