/* SPDX-License-Identifier: MIT */
/* attend_avx512.c - attention with AVX-512: scores by sixteens, and the weighted sum of values,
 * vectorised over dimensions. Four query heads share each key and each value that is loaded; a
 * head alone takes many dimensions of values at once, so that its sums do not wait for each
 * other. */
#include "base/compiler.h"
#include "kernels/attend.h"
#include "kernels/fold_avx512.h"
#include "kernels/variants.h"
#include "kernels/variants_act.h"

#include <immintrin.h>

#define WIDTH        16 /* floats of a register                     */
#define SUMS         16 /* of a tile of scores, folded together     */
#define HEADS        4  /* most query heads of a tile               */
#define KEYS         4  /* whose dot products are computed at once  */
#define REGS         8  /* most registers of a head                 */
#define REGS_OF_FOUR 4  /* and of each of four                      */

/* ---- scores ---------------------------------------------------------------------------------- */

/* The dot products of queries h .. h + heads - 1, `heads` 1 or 4, with 16 / heads keys from k on:
 * lane i x 16 / heads + j of the result is query h + i times key j. */
EG_INLINE __m512 score_tile(const float *k, const eg_vectors *q, size_t h, size_t heads)
{
    const size_t dim = q->dim;
    __m512 sum[SUMS];

    EG_UNROLL
    for (size_t first = 0; first < SUMS; first += KEYS * heads) {
        const float *keys = k + first / heads * dim;

        EG_UNROLL
        for (size_t s = 0; s < KEYS * heads; s++) {
            sum[first + s] = _mm512_setzero_ps();
        }
        for (size_t i = 0; i < dim; i += WIDTH) {
            __m512 key[KEYS];

            EG_UNROLL
            for (size_t s = 0; s < KEYS; s++) {
                key[s] = _mm512_loadu_ps(keys + s * dim + i);
            }
            EG_UNROLL
            for (size_t s = 0; s < KEYS * heads; s++) {
                __m512 query = _mm512_loadu_ps(q->data + (h + s / KEYS) * q->stride + i);

                sum[first + s] = _mm512_fmadd_ps(key[s % KEYS], query, sum[first + s]);
            }
        }
    }
    return eg_fold_sixteen(sum);
}

/* All queries times SUMS keys. */
EG_INLINE void score_keys(float *y, size_t y_stride, const float *k, const eg_vectors *q)
{
    size_t h = 0;

    for (; h + HEADS <= q->n; h += HEADS) {
        for (size_t j = 0; j < SUMS; j += KEYS) {
            __m512 score = score_tile(k + j * q->dim, q, h, HEADS);
            float *to = y + h * y_stride + j;

            _mm_storeu_ps(to, _mm512_castps512_ps128(score));
            _mm_storeu_ps(to + y_stride, _mm512_extractf32x4_ps(score, 1));
            _mm_storeu_ps(to + 2 * y_stride, _mm512_extractf32x4_ps(score, 2));
            _mm_storeu_ps(to + 3 * y_stride, _mm512_extractf32x4_ps(score, 3));
        }
    }
    for (; h < q->n; h++) {
        _mm512_storeu_ps(y + h * y_stride, score_tile(k, q, h, 1));
    }
}

/* An eg_matmul_fn for keys: rows are short, so that folding a sum costs as much as computing it.
 * Keys beyond the last SUMS go with those before them, which are computed again. */
static void scores(float *y, size_t y_stride, const void *keys, size_t n, const eg_vectors *q)
{
    const float *k = keys;

    if (n < SUMS || q->dim % WIDTH != 0) {
        eg_matmul_f32_avx512(y, y_stride, keys, n, q);
        return;
    }
    for (size_t j = 0; j < n; j += SUMS) {
        size_t at = j + SUMS <= n ? j : n - SUMS;

        score_keys(y + at, y_stride, k + at * q->dim, q);
    }
}

/* ---- the weighted sum of values -------------------------------------------------------------- */

/* Dimensions d .. d + 16 regs - 1 of heads h .. h + heads - 1, over all slots. */
EG_INLINE void weigh_tile(const eg_weighing *g, size_t h, size_t d, size_t heads, size_t regs)
{
    float *out = g->out + h * g->dim + d;
    const float *e = g->e + h * g->e_stride;
    const float *v = g->v + d;
    __m512 sum[HEADS * REGS];

    EG_UNROLL
    for (size_t s = 0; s < heads * regs; s++) {
        sum[s] = _mm512_loadu_ps(out + s / regs * g->dim + s % regs * WIDTH);
    }
    for (size_t j = 0; j < g->n; j++, v += g->dim) {
        __m512 weight[HEADS];

        EG_UNROLL
        for (size_t i = 0; i < heads; i++) {
            weight[i] = _mm512_set1_ps(e[i * g->e_stride + j]);
        }
        EG_UNROLL
        for (size_t c = 0; c < regs; c++) {
            __m512 value = _mm512_loadu_ps(v + c * WIDTH);

            EG_UNROLL
            for (size_t i = 0; i < heads; i++) {
                sum[i * regs + c] = _mm512_fmadd_ps(weight[i], value, sum[i * regs + c]);
            }
        }
    }
    EG_UNROLL
    for (size_t s = 0; s < heads * regs; s++) {
        _mm512_storeu_ps(out + s / regs * g->dim + s % regs * WIDTH, sum[s]);
    }
}

/* All dimensions of some heads; `most` is the number of registers that a tile gives a head. */
EG_INLINE void weigh_heads(const eg_weighing *g, size_t h, size_t heads, size_t most)
{
    size_t d = 0;

    for (; d + most * WIDTH <= g->dim; d += most * WIDTH) {
        weigh_tile(g, h, d, heads, most);
    }
    for (; d + most / 2 * WIDTH <= g->dim; d += most / 2 * WIDTH) {
        weigh_tile(g, h, d, heads, most / 2);
    }
    for (; d + WIDTH <= g->dim; d += WIDTH) {
        weigh_tile(g, h, d, heads, 1);
    }
    for (; d < g->dim; d++) {
        for (size_t i = h; i < h + heads; i++) {
            for (size_t j = 0; j < g->n; j++) {
                g->out[i * g->dim + d] =
                    fmaf(g->e[i * g->e_stride + j], g->v[j * g->dim + d], g->out[i * g->dim + d]);
            }
        }
    }
}

static void weigh(const eg_weighing *g)
{
    size_t h = 0;

    for (; h + HEADS <= g->n_q; h += HEADS) {
        weigh_heads(g, h, HEADS, REGS_OF_FOUR);
    }
    for (; h < g->n_q; h++) {
        weigh_heads(g, h, 1, REGS);
    }
}

void eg_attend_avx512(float *out, const float *q, size_t n_q, const eg_keys *keys, float *scratch)
{
    static const eg_attend_parts parts = {scores, eg_exp_avx512, weigh};

    eg_attend_with(&parts, out, q, n_q, keys, scratch);
}
