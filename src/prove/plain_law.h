/* SPDX-License-Identifier: MIT */
/* plain_law.h - plain sampling's law, written a second time.
 *
 * What every proof compares with. It shares no code with sample/ but the exponential, which has a
 * proof of its own over all inputs (`eagle selftest --exhaustive`); with GMP's fractions it is all
 * that has to be believed. Kept below 80 lines, so that it can be. */
#ifndef EG_PROVE_PLAIN_LAW_H
#define EG_PROVE_PLAIN_LAW_H

#include "eagle/verify.h"

#include <gmp.h>

/* Scratch. */
typedef struct {
    float logit;
    int32_t id;
} eg_ranked;

/* p[i] = the probability that plain sampling takes token i after these logits
 * (docs/5-verification.md):
 *
 *   w = max(1, floor(2^45 exp(fl((l - max) / T)))), kept by top-k, then top-p, then min-p;
 *   p = w / sum w.      At temperature 0 the arg max alone, the lowest id among equals.
 *
 *   p       [vocab] initialised fractions
 *   order   [vocab] scratch
 *   logits  [vocab] finite */
void eg_plain_law(mpq_t *p, eg_ranked *order, const float *logits, int32_t vocab,
                  const eagle_sampling *s);

#endif
