/* SPDX-License-Identifier: MIT */
/* bootstrap.h - how far a figure over prompts would move with other prompts. */
#ifndef EG_EVALUATE_BOOTSTRAP_H
#define EG_EVALUATE_BOOTSTRAP_H

#include "eagle/evaluate.h"

/* A prompt's part of a figure: numbers that are summed before anything is divided. */
#define EG_PARTS 4
typedef struct {
    double x[EG_PARTS];
} eg_parts;

/* A figure from the sums over some prompts. */
typedef double eg_figure(const eg_parts *sum);

/* The figure over all `n` prompts, and its interval of 95 % from `resamples` >= 1 sets of n prompts
 * that are drawn with replacement: the percentiles, one in forty left out at either end. n == 0
 * gives zeros. EAGLE_ENOMEM. */
eagle_status eg_bootstrap(eagle_interval *out, eg_figure *figure, const eg_parts *part, int32_t n,
                          int32_t resamples, uint64_t seed, eagle_error *err);

#endif
