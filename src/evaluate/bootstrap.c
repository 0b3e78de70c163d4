/* SPDX-License-Identifier: MIT */
/* bootstrap.c - the percentile bootstrap (Efron 1979), with exact draws.
 *
 * Draw j of set b is a uniform integer below n, made from Philox blocks under the seed, with
 * (number of the block, j, b, a purpose of its own) as the counter: no draw of a session has it. */
#include "evaluate/bootstrap.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/spread.h"
#include "sample/draws.h"
#include "sample/wide.h"

#include <stdlib.h>

#define PURPOSE UINT32_C(0x626f6f74) /* in the place of a session's stream */

typedef struct {
    uint64_t seed;
    uint32_t set;
    uint32_t draw;
} place;

static void block(void *ctx, uint32_t word[4], uint32_t number)
{
    const place *p = ctx;
    const uint32_t counter[4] = {number, p->draw, p->set, PURPOSE};
    const uint32_t key[2] = {(uint32_t)p->seed, (uint32_t)(p->seed >> 32)};

    eg_philox4x32(word, counter, key);
}

static void add(eg_parts *sum, const eg_parts *part)
{
    for (int i = 0; i < EG_PARTS; i++) {
        sum->x[i] += part->x[i];
    }
}

static double resampled(eg_figure *figure, const eg_parts *part, int32_t n, uint32_t set,
                        uint64_t seed)
{
    const eagle_wide below = eg_wide_from((uint64_t)n);
    eg_parts sum = {0};

    for (int32_t j = 0; j < n; j++) {
        place p = {.seed = seed, .set = set, .draw = (uint32_t)j};
        eagle_wide i;

        eg_uniform_below(&i, &below, &(eg_words){.block = block, .ctx = &p});
        add(&sum, &part[i.limb[0]]);
    }
    return figure(&sum);
}

eagle_status eg_bootstrap(eagle_interval *out, eg_figure *figure, const eg_parts *part, int32_t n,
                          int32_t resamples, uint64_t seed, eagle_error *err)
{
    const int32_t left_out = resamples / 40; /* 2.5 % */
    eg_parts sum = {0};
    double *sorted = NULL;

    *out = (eagle_interval){0};
    if (n == 0) {
        return EAGLE_OK;
    }
    sorted = eg_alloc((size_t)resamples, sizeof *sorted);
    if (sorted == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %d resamples", resamples);
    }
    for (int32_t i = 0; i < n; i++) {
        add(&sum, &part[i]);
    }
    for (int32_t b = 0; b < resamples; b++) {
        sorted[b] = resampled(figure, part, n, (uint32_t)b, seed);
    }
    eg_sort(sorted, (size_t)resamples);
    *out = (eagle_interval){
        .mean = figure(&sum), .low = sorted[left_out], .high = sorted[resamples - 1 - left_out]};
    free(sorted);
    return EAGLE_OK;
}
