/* SPDX-License-Identifier: MIT */
/* law.h - logits -> integer law: the weights that all sampling is defined by. */
#ifndef EG_SAMPLE_LAW_H
#define EG_SAMPLE_LAW_H

#include "eagle/verify.h"

/* Largest vocabulary: weights of at most 2^45 then sum to at most 2^63. */
#define EG_LAW_VOCAB (1 << 18)

/* The arg max, the lowest id among equals. No NaN. */
int32_t eg_law_best(const float *logits, int32_t vocab);

/* Makes the law of finite logits l under temperature, top-k, top-p and min-p:
 *
 *   w = max(1, floor(2^45 exp(fl((l - max) / T))))   in the kept set,   0 outside
 *
 * At temperature 0 the arg max has weight 1 and is alone. `sampling` must have passed
 * eagle_sampling_check(); its mode does not matter, so that draft laws are made here too.
 *
 *   w       [vocab] receives the weights, vocab <= EG_LAW_VOCAB
 *   order   [vocab] scratch
 *   logits  [vocab] */
void eg_law_make(uint64_t *w, int32_t *order, const float *logits, int32_t vocab,
                 const eagle_sampling *sampling);

#define EG_DECIMAL_PLACES 18 /* 10^18 < 2^60 */

/* Compares part with fraction x whole, exactly: below 0, 0 or above 0 as `part` is less, equal or
 * more. 0 <= fraction.places <= EG_DECIMAL_PLACES. */
int eg_decimal_compare(uint64_t part, eagle_decimal fraction, uint64_t whole);

#endif
