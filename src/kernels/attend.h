/* SPDX-License-Identifier: MIT */
/* attend.h - attention of one row over its slots, in canonical order, written once. What an
 * instruction set brings is its scores, its exp and its weighted sum of values.
 *
 *   s_j   = dot(q, k_j) x scale
 *   e_j   = exp(s_j - max s)
 *   out_d = (sum over j of e_j x v_jd, one fma per step, in slot order) / (sum of e_j in 16 lanes)
 *
 * Lanes of the second sum go by place in the slot list, so that it does not matter where in
 * the cache a slot lies. */
#ifndef EG_KERNELS_ATTEND_H
#define EG_KERNELS_ATTEND_H

#include "kernels/order.h"

#include <math.h>

/* A stretch of the slot list whose slots are neighbours in the cache. */
typedef struct {
    size_t place; /* in the list */
    size_t first; /* slot        */
    size_t n;
} eg_stretch;

/* A stretch's part in the weighted sums of all heads, for its slots j in order:
 * out_d = fma(e_j, v_jd, out_d). */
typedef struct {
    float *out;     /* [n_q, dim]      */
    const float *e; /* [n_q, e_stride] */
    size_t e_stride;
    const float *v; /* [n, dim]        */
    size_t n;
    size_t n_q;
    size_t dim;
} eg_weighing;

typedef void eg_weigh_fn(const eg_weighing *weighing);

typedef struct {
    eg_matmul_fn *scores; /* keys times queries, not yet scaled */
    eg_exp_fn *exp;
    eg_weigh_fn *weigh;
} eg_attend_parts;

/* The stretch that begins at `place`; n is 0 at the list's end. */
static inline eg_stretch eg_next_stretch(const eg_keys *keys, size_t place)
{
    if (place < keys->n_run) {
        return (eg_stretch){place, keys->first + place, keys->n_run - place};
    }

    size_t i = place - keys->n_run;
    eg_stretch s = {.place = place};

    if (i < keys->n_path) {
        s.first = (size_t)keys->path[i];
        s.n = 1;
        while (i + s.n < keys->n_path && (size_t)keys->path[i + s.n] == s.first + s.n) {
            s.n++;
        }
    }
    return s;
}

/* By sixteens, which compilers turn into vectors: x[i] - c, x[i] / c. */
static inline void eg_subtract(float *x, float c, size_t n)
{
    size_t i = 0;

    for (; i + EG_LANES <= n; i += EG_LANES) {
        for (size_t l = 0; l < EG_LANES; l++) {
            x[i + l] -= c;
        }
    }
    for (; i < n; i++) {
        x[i] -= c;
    }
}

static inline void eg_divide(float *x, float c, size_t n)
{
    size_t i = 0;

    for (; i + EG_LANES <= n; i += EG_LANES) {
        for (size_t l = 0; l < EG_LANES; l++) {
            x[i + l] /= c;
        }
    }
    for (; i < n; i++) {
        x[i] /= c;
    }
}

/* Turns n dot products into e_j, in place. */
static inline void eg_softmax_weights(float *s, size_t n, float scale, eg_exp_fn *exp)
{
    float lane[EG_LANES];
    float max = -INFINITY;
    size_t j = 0;

    for (size_t l = 0; l < EG_LANES; l++) {
        lane[l] = -INFINITY;
    }
    for (; j + EG_LANES <= n; j += EG_LANES) {
        for (size_t l = 0; l < EG_LANES; l++) {
            s[j + l] *= scale;
            lane[l] = s[j + l] > lane[l] ? s[j + l] : lane[l];
        }
    }
    for (; j < n; j++) {
        s[j] *= scale;
        max = s[j] > max ? s[j] : max;
    }
    for (size_t l = 0; l < EG_LANES; l++) {
        max = lane[l] > max ? lane[l] : max;
    }
    eg_subtract(s, max, n);
    exp(s, s, n);
}

static inline void eg_attend_with(const eg_attend_parts *parts, float *out, const float *q,
                                  size_t n_q, const eg_keys *keys, float *scratch)
{
    size_t n = keys->n_run + keys->n_path;
    size_t dim = keys->head_dim;
    eg_vectors queries = {.data = q, .n = n_q, .dim = dim, .stride = dim};
    eg_stretch s;

    for (s = eg_next_stretch(keys, 0); s.n > 0; s = eg_next_stretch(keys, s.place + s.n)) {
        parts->scores(scratch + s.place, n, keys->k + s.first * dim, s.n, &queries);
    }
    for (size_t h = 0; h < n_q; h++) {
        eg_softmax_weights(scratch + h * n, n, keys->scale, parts->exp);
    }

    memset(out, 0, n_q * dim * sizeof *out);
    for (s = eg_next_stretch(keys, 0); s.n > 0; s = eg_next_stretch(keys, s.place + s.n)) {
        eg_weighing weighing = {.out = out,
                                .e = scratch + s.place,
                                .e_stride = n,
                                .v = keys->v + s.first * dim,
                                .n = s.n,
                                .n_q = n_q,
                                .dim = dim};
        parts->weigh(&weighing);
    }
    for (size_t h = 0; h < n_q; h++) {
        float sum = eg_sum_lanes(scratch + h * n, n);

        eg_divide(out + h * dim, sum, dim);
    }
}

#endif
