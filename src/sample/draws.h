/* SPDX-License-Identifier: MIT */
/* draws.h - what stands behind eagle_draws: random words, and choices made of them.
 *
 * A key names one uniform number U in [0,1). A question with total weight S asks for the
 * integer floor(U x S), made exactly uniform from random bits: this file is the one
 * place where random words become choices. */
#ifndef EG_SAMPLE_DRAWS_H
#define EG_SAMPLE_DRAWS_H

#include "eagle/verify.h"

/* ---- random words ----------------------------------------------------------------- */

/* Philox4x32-10 (Salmon, Moraes, Dror, Shaw 2011): 128 random bits, a bijection of `counter`. */
void eg_philox4x32(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2]);

/* An endless row of 128-bit blocks: block(ctx, word, number) writes block `number` of the row,
 * word[0] its most significant 32 bits. */
typedef struct {
    void (*block)(void *ctx, uint32_t word[4], uint32_t number);
    void *ctx;
} eg_words;

/* A uniform integer below s (s > 0). An attempt takes the fewest blocks that hold
 * bit_length(s - 1) bits, most significant block first, and of them the top bit_length(s - 1) bits;
 * a number that is not below s is thrown away and the next blocks are tried. */
void eg_uniform_below(eagle_wide *out, const eagle_wide *s, const eg_words *words);

/* ---- children ------------------------------------------------------------------------- */

/* Most drawn children of a node: their residuals fit in 320 bits. */
#define EG_MAX_DRAWN 4

/* Draws up to k <= EG_MAX_DRAWN different tokens from a draft law, without replacement: each with
 * its share of the weight that is left. Stops early when none is left.
 *
 *   token  [k] receives the tokens in the order drawn, the order in which they must be tried
 *   law    [vocab] integer weights, sum < 2^64; changed meanwhile, as before on return
 *   pos    absolute position of the token that is guessed
 *   node   the parent's number in the tree, < 8192: a part of the key
 *
 * Returns how many were drawn. */
int32_t eg_draw_children(int32_t *token, uint64_t *law, int32_t vocab, int32_t k, int32_t pos,
                         int32_t node, const eagle_draws *draws);

#endif
