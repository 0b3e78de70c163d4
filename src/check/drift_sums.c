/* SPDX-License-Identifier: MIT */
/* drift_sums.c - how far the states of each site and layer have come from ours, in figures. */
#include "check/budget.h"
#include "check/judge.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>

eagle_status eg_drift_make(eg_drift *drift, int32_t layers, eagle_error *err)
{
    if (drift->sum != NULL) {
        return EAGLE_OK; /* a run before this one has */
    }
    drift->layers = layers;
    drift->sum = eg_alloc((size_t)EAGLE_SITE_COUNT * (size_t)layers, sizeof *drift->sum);
    return drift->sum != NULL
               ? EAGLE_OK
               : eg_fail(err, EAGLE_ENOMEM, "no memory for the figures of %d layers", layers);
}

void eg_drift_free(eg_drift *drift)
{
    free(drift->sum);
    *drift = (eg_drift){0};
}

/* 0, 1, 2, 3-4, 5-8, ...: each bucket but the first ends at a power of two. */
static int32_t bucket(double ulps)
{
    const double whole = floor(ulps + 0.5);
    int32_t at = 0;

    for (double end = 0.5; at < EAGLE_CHECK_ULPS - 1 && whole > floor(end); end *= 2.0) {
        at++;
    }
    return at;
}

void eg_drift_add(eg_drift *drift, eagle_site site, int32_t layer, eagle_dtype dtype,
                  const float *theirs, const float *ours, int32_t n)
{
    eg_drift_sum *s = &drift->sum[(size_t)site * (size_t)drift->layers + (size_t)layer];
    double square = 0.0;
    double their_square = 0.0;
    double product = 0.0;

    s->rows++;
    s->values += n;
    for (int32_t i = 0; i < n; i++) {
        const double a = (double)theirs[i];
        const double b = (double)ours[i];
        const double d = fabs(a - b);

        if (!isfinite(a)) {
            s->not_finite++;
            s->ulps[EAGLE_CHECK_ULPS - 1]++;
            continue;
        }
        s->largest = d > s->largest ? d : s->largest;
        s->sum += d;
        s->differences += d * d;
        s->ulps[bucket(d / eg_ulp(dtype, b))]++;
        square += b * b;
        their_square += a * a;
        product += a * b;
    }
    s->squares += square;
    const double cosine =
        square > 0.0 && their_square > 0.0 ? product / sqrt(square) / sqrt(their_square) : 1.0;

    s->cosine = s->rows == 1 || cosine < s->cosine ? cosine : s->cosine;
}

static double nmse(const eg_drift_sum *s)
{
    return s->differences == 0.0 ? 0.0 : s->differences / s->squares; /* infinite of zeros */
}

/* Is a the worse of two layers? */
static bool worse(const eg_drift_sum *a, const eg_drift_sum *b)
{
    return a->not_finite != b->not_finite ? a->not_finite > b->not_finite : nmse(a) > nmse(b);
}

void eg_drift_report(eagle_check_report *report, const eg_drift *drift)
{
    for (int32_t site = 0; drift->sum != NULL && site < EAGLE_SITE_COUNT; site++) {
        const eg_drift_sum *of = drift->sum + (size_t)site * (size_t)drift->layers;
        int32_t at = -1;

        for (int32_t layer = 0; layer < drift->layers; layer++) {
            if (of[layer].rows > 0 && (at < 0 || worse(&of[layer], &of[at]))) {
                at = layer;
            }
        }
        if (at < 0) {
            continue;
        }
        const eg_drift_sum *s = &of[at];
        const int64_t n = s->values - s->not_finite;
        eagle_check_drift *d = &report->drift[report->n_drifts++];

        *d = (eagle_check_drift){.site = eagle_site_name((eagle_site)site),
                                 .layer = eg_site_of_a_layer((eagle_site)site) ? at : -1,
                                 .rows = s->rows,
                                 .values = s->values,
                                 .not_finite = s->not_finite,
                                 .largest = s->largest,
                                 .mean = n > 0 ? s->sum / (double)n : 0.0,
                                 .nmse = nmse(s),
                                 .cosine_least = s->cosine};
        for (int32_t i = 0; i < EAGLE_CHECK_ULPS; i++) {
            d->ulps[i] = s->ulps[i];
        }
    }
}
