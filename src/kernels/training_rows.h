/* SPDX-License-Identifier: MIT */
/* training_rows.h - norms, gates and losses of one row, written once over vectors of 16 lanes.
 *
 * A file that includes this has defined the type `vec`, EG_LANES numbers, and its operations:
 *
 *   vec_load(p), vec_store(p, a)           16 numbers at any address
 *   vec_all(x)                             x in every lane
 *   vec_add, vec_sub, vec_mul, vec_div     rounded once
 *   vec_fma(a, b, c)                       a * b + c, rounded once
 *   vec_max(a, b)                          a > b ? a : b, so that a NaN in a gives b
 *   vec_min(a, b)                          a < b ? a : b
 *   vec_power_of_two(a)                    2^k, k in the low bits of a; +0 for k = -127
 *
 * Since every lane's steps stand here, all instruction sets give the same bits. */
#ifndef EG_KERNELS_TRAINING_ROWS_H
#define EG_KERNELS_TRAINING_ROWS_H

#include "base/compiler.h"
#include "kernels/kernels.h"
#include "kernels/training.h"

#include <math.h>
#include <string.h>

/* ---- the ends of rows ---------------------------------------------------------------------- */

/* The first min(left, 16) numbers at p, and `fill` in the other lanes. */
static inline vec vec_get(const eg_real *p, size_t left, eg_real fill)
{
    eg_real part[EG_LANES];

    if (left >= EG_LANES) {
        return vec_load(p);
    }
    for (size_t l = 0; l < EG_LANES; l++) {
        part[l] = l < left ? p[l] : fill;
    }
    return vec_load(part);
}

/* The first min(left, 16) lanes go to p. */
static inline void vec_put(eg_real *p, vec a, size_t left)
{
    eg_real part[EG_LANES];

    if (left >= EG_LANES) {
        vec_store(p, a);
        return;
    }
    vec_store(part, a);
    memcpy(p, part, left * sizeof *p);
}

static inline void vec_put_sum(eg_real *p, vec a, size_t left)
{
    vec_put(p, vec_add(vec_get(p, left, 0), a), left);
}

/* Lanes fold in halves, 16 -> 8 -> 4 -> 2 -> 1. */
static inline eg_real vec_fold_sum(vec a)
{
    eg_real lane[EG_LANES];

    vec_store(lane, a);
    for (size_t half = EG_LANES / 2; half > 0; half /= 2) {
        for (size_t l = 0; l < half; l++) {
            lane[l] += lane[l + half];
        }
    }
    return lane[0];
}

static inline eg_real vec_fold_max(vec a)
{
    eg_real lane[EG_LANES];
    eg_real max;

    vec_store(lane, a);
    max = lane[0];
    for (size_t l = 1; l < EG_LANES; l++) {
        max = lane[l] > max ? lane[l] : max;
    }
    return max;
}

/* ---- exp ----------------------------------------------------------------------------------- */

#ifdef EG_TRAIN_DOUBLE

static inline vec vec_exp(vec a)
{
    eg_real lane[EG_LANES];

    vec_store(lane, a);
    for (size_t l = 0; l < EG_LANES; l++) {
        lane[l] = exp(lane[l]);
    }
    return vec_load(lane);
}

#else

/* e^x = 2^k e^r, k the integer nearest to x / ln 2, |r| <= ln 2 / 2 = 0.347; e^r by its Taylor
 * series to r^7 / 7!, whose rest is below 0.347^8 / 8! < 2^-27. The parts of ln 2: the first has 9
 * zeros at the end, so that k times it is exact. Below -87.7 the result is +0, above 88 that of 88.
 * A NaN stays one. */
static inline vec vec_exp(vec a)
{
    static const float over_factorial[] = {1.0f / 5040, 1.0f / 720, 1.0f / 120, 1.0f / 24,
                                           1.0f / 6,    1.0f / 2,   1.0f,       1.0f};
    const vec shift = vec_all(0x1.8p23f); /* a float of this size has its last bit worth 1 */

    a = vec_min(vec_all(88.0f), vec_max(vec_all(-88.0f), a));

    vec shifted = vec_fma(a, vec_all(0x1.715476p0f), shift);
    vec k = vec_sub(shifted, shift);
    vec r = vec_fma(k, vec_all(-0x1.62e4p-1f), a);

    r = vec_fma(k, vec_all(-0x1.7f7d1cp-20f), r);

    vec p = vec_all(over_factorial[0]);

    EG_UNROLL
    for (size_t i = 1; i < sizeof over_factorial / sizeof over_factorial[0]; i++) {
        p = vec_fma(p, r, vec_all(over_factorial[i]));
    }
    return vec_mul(p, vec_power_of_two(shifted));
}

#endif

/* ---- RMSNorm ------------------------------------------------------------------------------- */

static void norm(eg_real *y, eg_real *inv, const eg_real *x, const eg_real *w, eg_real eps,
                 size_t dim)
{
    vec squares = vec_all(0);

    for (size_t i = 0; i < dim; i += EG_LANES) {
        vec xi = vec_get(x + i, dim - i, 0);
        squares = vec_fma(xi, xi, squares);
    }
    *inv = 1 / eg_real_sqrt(vec_fold_sum(squares) / (eg_real)dim + eps);

    const vec r = vec_all(*inv);

    for (size_t i = 0; i < dim; i += EG_LANES) {
        vec scaled = vec_mul(vec_get(x + i, dim - i, 0), r);
        vec_put(y + i, vec_mul(scaled, vec_get(w + i, dim - i, 0)), dim - i);
    }
}

/* y = x * inv * w with inv = (mean(x^2) + eps)^(-1/2), so d(inv)/dx_i = -inv^3 x_i / dim and
 * dx_i = inv * (w_i dy_i - x_i inv^2 mean(w dy x)). */
static void norm_back(eg_real *dx, const eg_real *dy, const eg_real *x, const eg_real *w,
                      eg_real inv, size_t dim)
{
    vec along = vec_all(0);

    for (size_t i = 0; i < dim; i += EG_LANES) {
        vec g = vec_mul(vec_get(dy + i, dim - i, 0), vec_get(w + i, dim - i, 0));
        along = vec_fma(g, vec_get(x + i, dim - i, 0), along);
    }

    const vec r = vec_all(inv);
    const vec back = vec_all(-inv * inv * (vec_fold_sum(along) / (eg_real)dim));

    for (size_t i = 0; i < dim; i += EG_LANES) {
        vec g = vec_mul(vec_get(dy + i, dim - i, 0), vec_get(w + i, dim - i, 0));
        vec d = vec_fma(vec_get(x + i, dim - i, 0), back, g);
        vec_put_sum(dx + i, vec_mul(d, r), dim - i);
    }
}

/* dw_i = sum over rows of dy_i x_i inv. Four sums, of every fourth row, so that they do not wait
 * for each other. */
static void norm_weights(eg_real *dw, const eg_real *dy, const eg_real *x, const eg_real *inv,
                         size_t n, size_t dim, size_t columns)
{
    vec sum[4] = {vec_all(0), vec_all(0), vec_all(0), vec_all(0)};

    for (size_t first = 0; first < n; first += 4) {
        EG_UNROLL
        for (size_t s = 0; s < 4; s++) {
            const size_t i = first + s;

            if (i < n) {
                vec scaled = vec_mul(vec_get(x + i * dim, columns, 0), vec_all(inv[i]));
                sum[s] = vec_fma(vec_get(dy + i * dim, columns, 0), scaled, sum[s]);
            }
        }
    }
    vec_put_sum(dw, vec_add(vec_add(sum[0], sum[1]), vec_add(sum[2], sum[3])), columns);
}

/* ---- gate ---------------------------------------------------------------------------------- */

/* 1 / (1 + e^-a). */
static inline vec vec_sigmoid(vec a)
{
    vec e = vec_exp(vec_sub(vec_all(0), a));

    return vec_div(vec_all(1), vec_add(vec_all(1), e));
}

static void gate_row(eg_real *y, const eg_real *gate, const eg_real *up, size_t n)
{
    for (size_t i = 0; i < n; i += EG_LANES) {
        vec g = vec_get(gate + i, n - i, 0);
        vec silu = vec_mul(g, vec_sigmoid(g));
        vec_put(y + i, vec_mul(silu, vec_get(up + i, n - i, 0)), n - i);
    }
}

/* y = g s(g) u, s' = s (1 - s): dg = dy u s (1 + g (1 - s)), du = dy g s. */
static void gate_row_back(eg_real *dgate, eg_real *dup, const eg_real *dy, const eg_real *gate,
                          const eg_real *up, size_t n)
{
    const vec one = vec_all(1);

    for (size_t i = 0; i < n; i += EG_LANES) {
        vec g = vec_get(gate + i, n - i, 0);
        vec s = vec_sigmoid(g);
        vec d = vec_mul(vec_get(dy + i, n - i, 0), s);
        vec slope = vec_fma(g, vec_sub(one, s), one);

        vec_put_sum(dgate + i, vec_mul(vec_mul(d, vec_get(up + i, n - i, 0)), slope), n - i);
        vec_put_sum(dup + i, vec_mul(d, g), n - i);
    }
}

/* ---- losses -------------------------------------------------------------------------------- */

static inline eg_real largest(const eg_real *x, size_t n)
{
    vec max = vec_all(-INFINITY);

    for (size_t i = 0; i < n; i += EG_LANES) {
        max = vec_max(vec_get(x + i, n - i, -INFINITY), max);
    }
    return vec_fold_max(max);
}

/* The first of the largest. */
static inline size_t place_of(const eg_real *x, eg_real max, size_t n)
{
    size_t i = 0;

    while (i < n && x[i] != max) {
        i++;
    }
    return i;
}

/* x_i becomes e^(x_i - max); the sum of these. */
static inline eg_real exponentials(eg_real *x, eg_real max, size_t n)
{
    const vec m = vec_all(max);
    vec sum = vec_all(0);

    for (size_t i = 0; i < n; i += EG_LANES) {
        vec e = vec_exp(vec_sub(vec_get(x + i, n - i, -INFINITY), m));

        sum = vec_add(sum, e);
        vec_put(x + i, e, n - i);
    }
    return vec_fold_sum(sum);
}

/* loss = log(sum of e^x) - x_label; d(loss)/dx_i = softmax(x)_i - (i = label). */
static double loss_tokens(bool *right, eg_real *logits, size_t label, size_t vocab, eg_real scale)
{
    const eg_real max = largest(logits, vocab);
    const eg_real wanted = logits[label];

    *right = wanted == max && place_of(logits, max, vocab) == label;

    const eg_real sum = exponentials(logits, max, vocab);
    const vec factor = vec_all(scale / sum);

    if (scale != 0) {
        for (size_t i = 0; i < vocab; i += EG_LANES) {
            vec p = vec_mul(vec_get(logits + i, vocab - i, 0), factor);
            vec_put(logits + i, p, vocab - i);
        }
        logits[label] -= scale;
    }
    return (double)eg_real_log(sum) + ((double)max - (double)wanted);
}

/* With p = softmax(teacher): loss = log(sum of e^x) - sum of p_i x_i; d(loss)/dx_i = softmax(x)_i -
 * p_i. */
static double loss_law(bool *right, eg_real *logits, eg_real *teacher, size_t vocab, eg_real scale)
{
    const eg_real max = largest(logits, vocab);
    const eg_real teacher_max = largest(teacher, vocab);

    *right = place_of(logits, max, vocab) == place_of(teacher, teacher_max, vocab);

    const eg_real mass = exponentials(teacher, teacher_max, vocab);
    const vec m = vec_all(max);
    vec cross = vec_all(0); /* sum of e^(teacher - its max) (x - max) */

    for (size_t i = 0; i < vocab; i += EG_LANES) {
        vec below = vec_sub(vec_get(logits + i, vocab - i, max), m);
        cross = vec_fma(vec_get(teacher + i, vocab - i, 0), below, cross);
    }

    const eg_real sum = exponentials(logits, max, vocab);

    if (scale != 0) {
        const vec factor = vec_all(scale / sum);
        const vec taught = vec_all(-scale / mass);

        for (size_t i = 0; i < vocab; i += EG_LANES) {
            vec p = vec_mul(vec_get(logits + i, vocab - i, 0), factor);
            p = vec_fma(vec_get(teacher + i, vocab - i, 0), taught, p);
            vec_put(logits + i, p, vocab - i);
        }
    }
    return (double)eg_real_log(sum) - (double)vec_fold_sum(cross) / (double)mass;
}

/* With a = |d| and q = min(a, 1), q (a - q / 2) is d^2 / 2 below 1 and a - 1/2 above; its slope is
 * d cut to [-1, 1]. */
static double loss_features(eg_real *dx, const eg_real *x, const eg_real *y, size_t dim,
                            eg_real scale)
{
    const vec one = vec_all(1);
    const vec minus_one = vec_all(-1);
    const vec factor = vec_all(scale / (eg_real)dim);
    vec sum = vec_all(0);

    for (size_t i = 0; i < dim; i += EG_LANES) {
        vec d = vec_sub(vec_get(x + i, dim - i, 0), vec_get(y + i, dim - i, 0));
        vec a = vec_max(d, vec_sub(vec_all(0), d));
        vec q = vec_min(a, one);

        sum = vec_fma(q, vec_fma(q, vec_all((eg_real)-0.5), a), sum);
        if (dx != NULL) {
            vec slope = vec_max(vec_min(d, one), minus_one);
            vec_put_sum(dx + i, vec_mul(slope, factor), dim - i);
        }
    }
    return (double)vec_fold_sum(sum) / (double)dim;
}

#endif
