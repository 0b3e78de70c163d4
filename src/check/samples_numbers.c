/* SPDX-License-Identifier: MIT */
/* samples_numbers.c - the numbers u in order of size, and in pairs. */
#include "base/alloc.h"
#include "base/error.h"
#include "check/samples.h"

#include <math.h>
#include <stdlib.h>

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

eagle_status eg_numbers_sorted(double **u, int64_t *n, const eagle_samples *s, eagle_error *err)
{
    const int64_t size = s->tally[EG_ALL].n;
    double *all = eg_alloc((size_t)size, sizeof *all);
    int64_t at = 0;

    *u = all;
    *n = 0;
    if (all == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %lld numbers", (long long)size);
    }
    for (int32_t r = 0; r < s->n_responses; r++) {
        for (int32_t i = 0; i < s->numbers[r].n && at < size; i++) {
            if (!isnan(s->numbers[r].u[i])) {
                all[at++] = s->numbers[r].u[i];
            }
        }
    }
    qsort(all, (size_t)at, sizeof *all, by_size);
    *n = at;
    return EAGLE_OK;
}

const char *eg_lag_name(eg_lag lag)
{
    static const char *const name[EG_N_LAGS] = {
        [EG_LAG_NEXT] = "a token's u and the next one's",
        [EG_LAG_AFTER] = "a token's u and that of the one after the next",
        [EG_LAG_ACROSS] = "the same place in the next continuation",
    };

    return name[lag];
}

static int32_t sixteenth(double u)
{
    return u < 1.0 ? (int32_t)(u * EG_LAG_BINS) : EG_LAG_BINS - 1;
}

/* Token i of `a` and token i + lag of `b`. */
static void add_pairs(eg_transitions *t, const eg_numbers *a, const eg_numbers *b, int32_t lag)
{
    for (int32_t i = 0; i < a->n && i + lag < b->n; i++) {
        if (!isnan(a->u[i]) && !isnan(b->u[i + lag])) {
            t->from[sixteenth(a->u[i])][sixteenth(b->u[i + lag])]++;
            t->n++;
        }
    }
}

void eg_numbers_pairs(eg_transitions *out, const eagle_samples *s, eg_lag lag)
{
    *out = (eg_transitions){0};
    for (int32_t r = lag == EG_LAG_ACROSS ? 1 : 0; r < s->n_responses; r++) {
        const eg_numbers *to = &s->numbers[r];

        if (lag == EG_LAG_ACROSS) {
            add_pairs(out, to - 1, to, 0);
        } else {
            add_pairs(out, to, to, lag == EG_LAG_NEXT ? 1 : 2);
        }
    }
}
