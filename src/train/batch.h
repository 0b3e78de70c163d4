/* SPDX-License-Identifier: MIT */
/* batch.h - the rows of one training step: pieces of documents, packed end to end, no padding. */
#ifndef EG_TRAIN_BATCH_H
#define EG_TRAIN_BATCH_H

#include "kernels/real.h"

#include <stddef.h>
#include <stdint.h>

/* Sequence s is the rows start[s] .. start[s + 1] - 1; row i of it stands at position
 * i - start[s] and attends to the rows of its sequence up to itself. */
typedef struct {
    size_t n; /* rows                                                          */
    size_t n_sequences;
    const int32_t *start; /* [n_sequences + 1] start[n_sequences] = n                      */
    const int32_t *token; /* [n]                                                           */
    const uint8_t *learn; /* [n] 1: a token to be learned; 0: context only, such as a question */

    /* For heads. */
    const eg_real *feature; /* [n, dim] the target's features; NULL for a target           */
    const eg_real *noise;   /* [n, dim] added to the features that the head reads, not to
                             * those that it is to predict; NULL: none                     */
} eg_batch;

/* What a batch may be at most: what memory is planned for. */
typedef struct {
    size_t rows;      /* of a batch      */
    size_t sequences; /* of a batch      */
    size_t length;    /* of a sequence   */
} eg_batch_room;

#endif
