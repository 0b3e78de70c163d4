/* SPDX-License-Identifier: MIT */
/* dot_avx2.c - the matrix product with AVX2, FMA and F16C, in the order of dot_portable.c.
 *
 * Two registers hold the 16 lanes of a sum, 0-7 and 8-15. One token takes both at once. Several
 * tokens take a piece of k twice, once for each half of the lanes: then 3 rows x 4 tokens or 4 x 3
 * fill 12 of the 16 registers, and 7 loads feed 12 multiply-adds. */
#include "base/alloc.h"
#include "base/compiler.h"
#include "kernels/matmul.h"
#include "kernels/order.h"
#include "kernels/variants.h"

#include <assert.h>
#include <immintrin.h>
#include <stdalign.h>
#include <stdbool.h>

#define HALF   8   /* lanes of a register            */
#define ROWS   4   /* most rows of a tile            */
#define TOKENS 4   /* most tokens of a tile          */
#define SUMS   12  /* sums of a tile, in registers   */
#define GROUP  2   /* tiles: see eg_matmul_parts     */
#define FEW    24  /* tokens: see eg_matmul_parts    */
#define PIECE  512 /* of k: see eg_matmul_parts      */

/* ---- eight weights, widened ------------------------------------------------------------------ */

EG_INLINE size_t size_of(eagle_dtype dtype)
{
    return dtype == EAGLE_F32 ? sizeof(float) : sizeof(uint16_t);
}

EG_INLINE __m256 load8(const void *w, size_t i, eagle_dtype dtype)
{
    if (dtype == EAGLE_F32) {
        return _mm256_loadu_ps((const float *)w + i);
    }

    __m128i half = _mm_loadu_si128((const __m128i *)((const uint16_t *)w + i));

    if (dtype == EAGLE_F16) {
        return _mm256_cvtph_ps(half);
    }
    return _mm256_castsi256_ps(_mm256_slli_epi32(_mm256_cvtepu16_epi32(half), 16));
}

/* The first n < 8 of them; reads no further. */
EG_INLINE __m256 load_few(const void *w, size_t i, size_t n, __m256i mask, eagle_dtype dtype)
{
    uint16_t half[HALF] = {0};

    if (dtype == EAGLE_F32) {
        return _mm256_maskload_ps((const float *)w + i, mask);
    }
    memcpy(half, (const uint16_t *)w + i, n * sizeof *half);
    return load8(half, 0, dtype);
}

/* All ones in the first n of eight lanes. */
EG_INLINE __m256i first_lanes(size_t n)
{
    return _mm256_cmpgt_epi32(_mm256_set1_epi32((int)n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}

/* ---- tiles ----------------------------------------------------------------------------------- */

/* Where the tile's rows and vectors begin: one register each, so that a load needs no sum. */
typedef struct {
    const char *w[ROWS];
    const float *x[TOKENS];
} operands;

EG_INLINE operands operands_of(const eg_tile *tile, eagle_dtype dtype, size_t rows, size_t tokens)
{
    operands o;

    EG_UNROLL
    for (size_t r = 0; r < rows; r++) {
        o.w[r] = (const char *)tile->w + r * tile->w_stride * size_of(dtype);
    }
    EG_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        o.x[t] = tile->x + t * tile->x_stride;
    }
    return o;
}

/* sum[t * rows + r] += w[r][i..i+8) x x[t][i..i+8), lane by lane: of weights and vectors the fewer
 * are loaded first and stay, since 12 sums leave four registers. */
EG_INLINE void step_high(__m256 sum[SUMS], const operands *o, size_t i, eagle_dtype dtype,
                         size_t rows, size_t tokens)
{
    __m256 x[TOKENS];

    EG_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        x[t] = _mm256_loadu_ps(o->x[t] + i);
    }
    EG_UNROLL
    for (size_t r = 0; r < rows; r++) {
        __m256 w = load8(o->w[r], i, dtype);

        EG_UNROLL
        for (size_t t = 0; t < tokens; t++) {
            sum[t * rows + r] = _mm256_fmadd_ps(w, x[t], sum[t * rows + r]);
        }
    }
}

EG_INLINE void step_wide(__m256 sum[SUMS], const operands *o, size_t i, eagle_dtype dtype,
                         size_t rows, size_t tokens)
{
    __m256 w[ROWS];

    EG_UNROLL
    for (size_t r = 0; r < rows; r++) {
        w[r] = load8(o->w[r], i, dtype);
    }
    EG_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        __m256 x = _mm256_loadu_ps(o->x[t] + i);

        EG_UNROLL
        for (size_t r = 0; r < rows; r++) {
            sum[t * rows + r] = _mm256_fmadd_ps(w[r], x, sum[t * rows + r]);
        }
    }
}

EG_INLINE void step(__m256 sum[SUMS], const operands *o, size_t i, eagle_dtype dtype, size_t rows,
                    size_t tokens)
{
    if (rows < tokens) {
        step_wide(sum, o, i, dtype, rows, tokens);
    } else {
        step_high(sum, o, i, dtype, rows, tokens);
    }
}

/* The same for the last n < 8 elements of a row: the other lanes keep their value. */
EG_INLINE void last_step(__m256 sum[SUMS], const operands *o, size_t i, size_t n, eagle_dtype dtype,
                         size_t rows, size_t tokens)
{
    __m256i mask = first_lanes(n);

    EG_UNROLL
    for (size_t s = 0; s < rows * tokens; s++) {
        __m256 w = load_few(o->w[s % rows], i, n, mask, dtype);
        __m256 x = _mm256_maskload_ps(o->x[s / rows] + i, mask);
        __m256 next = _mm256_fmadd_ps(w, x, sum[s]);

        sum[s] = _mm256_blendv_ps(sum[s], next, _mm256_castsi256_ps(mask));
    }
}

EG_INLINE void begin(__m256 sum[SUMS], const eg_tile *tile, size_t half, size_t n_sums)
{
    EG_UNROLL
    for (size_t s = 0; s < n_sums; s++) {
        sum[s] = tile->from == NULL ? _mm256_setzero_ps()
                                    : _mm256_loadu_ps(tile->from + s * EG_LANES + half * HALF);
    }
}

/* Lanes left in this half at the end of a row: 0 .. 8. */
EG_INLINE size_t left_over(size_t n, size_t half)
{
    size_t left = n % EG_LANES;

    return left <= half * HALF ? 0 : left - half * HALF < HALF ? left - half * HALF : HALF;
}

EG_INLINE void leave(float *lanes, const __m256 sum[SUMS], size_t half, size_t n_sums)
{
    EG_UNROLL
    for (size_t s = 0; s < n_sums; s++) {
        _mm256_storeu_ps(lanes + s * EG_LANES + half * HALF, sum[s]);
    }
}

/* The elements beyond the last whole block that belong to one half of the lanes. */
EG_INLINE void finish_half(__m256 sum[SUMS], const operands *o, size_t n, size_t half,
                           eagle_dtype dtype, size_t rows, size_t tokens)
{
    const size_t i = n - n % EG_LANES + half * HALF;
    const size_t left = left_over(n, half);

    if (left == HALF) {
        step(sum, o, i, dtype, rows, tokens);
    } else if (left > 0) {
        last_step(sum, o, i, left, dtype, rows, tokens);
    }
}

/* One half of the lanes of all sums, left in lanes [tokens, rows, 16]. What is fetched for later is
 * taken a line of each row in turn: memory sees as many streams as for one token, and fetches
 * along. */
EG_INLINE void run_half(float *lanes, const eg_tile *tile, size_t half, eagle_dtype dtype,
                        size_t rows, size_t tokens)
{
    const operands o = operands_of(tile, dtype, rows, tokens);
    const size_t whole = tile->n - tile->n % EG_LANES;
    const size_t row = tile->w_stride * size_of(dtype);
    const size_t pace = tile->ahead_step / 2; /* bytes of a row for 16 elements of this half */
    const char *ahead =
        tile->ahead == NULL ? NULL : (const char *)tile->ahead + half * (tile->n / EG_LANES) * pace;
    __m256 sum[SUMS];
    size_t i = 0;

    begin(sum, tile, half, rows * tokens);
    for (; tile->ahead != NULL && i + ROWS * EG_LANES <= whole; i += ROWS * EG_LANES) {
        EG_UNROLL
        for (size_t r = 0; r < ROWS; r++) {
            if (r < rows) {
                _mm_prefetch(ahead + r * row + i / EG_LANES * pace, _MM_HINT_T0);
            }
            step(sum, &o, i + r * EG_LANES + half * HALF, dtype, rows, tokens);
        }
    }
    for (; i < whole; i += EG_LANES) {
        step(sum, &o, i + half * HALF, dtype, rows, tokens);
    }
    finish_half(sum, &o, tile->n, half, dtype, rows, tokens);
    leave(lanes, sum, half, rows * tokens);
}

/* Both halves, for one token. */
EG_INLINE void run_both(float *lanes, const eg_tile *tile, eagle_dtype dtype, size_t rows)
{
    const operands o = operands_of(tile, dtype, rows, 1);
    const size_t whole = tile->n - tile->n % EG_LANES;
    __m256 a[SUMS];
    __m256 b[SUMS];

    begin(a, tile, 0, rows);
    begin(b, tile, 1, rows);
    for (size_t i = 0; i < whole; i += EG_LANES) {
        step(a, &o, i, dtype, rows, 1);
        step(b, &o, i + HALF, dtype, rows, 1);
    }
    finish_half(a, &o, tile->n, 0, dtype, rows, 1);
    finish_half(b, &o, tile->n, 1, dtype, rows, 1);
    leave(lanes, a, 0, rows);
    leave(lanes, b, 1, rows);
}

/* 16 lanes -> 8 -> 4, by the halves of what is left. */
EG_INLINE __m128 fold16(const float *lane)
{
    __m256 v = _mm256_add_ps(_mm256_loadu_ps(lane), _mm256_loadu_ps(lane + HALF));

    return _mm_add_ps(_mm256_castps256_ps128(v), _mm256_extractf128_ps(v, 1));
}

/* 4 -> 2 -> 1 for four sums at once: lane r of the result is sum r. */
EG_INLINE __m128 fold_four(__m128 a, __m128 b, __m128 c, __m128 d)
{
    __m128 ab = _mm_add_ps(_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b)); /* a02 b02 a13 b13 */
    __m128 cd = _mm_add_ps(_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));

    return _mm_add_ps(_mm_movelh_ps(ab, cd), _mm_movehl_ps(cd, ab));
}

/* 16 lanes -> 1, into y. */
EG_INLINE void fold(const eg_tile *tile, const float *lanes, size_t rows, size_t tokens)
{
    EG_UNROLL
    for (size_t t = 0; t < tokens; t++, lanes += rows * EG_LANES) {
        float *y = tile->y + t * tile->y_stride;
        __m128 four[ROWS];

        EG_UNROLL
        for (size_t r = 0; r < ROWS; r++) {
            four[r] = fold16(lanes + (r < rows ? r : 0) * EG_LANES);
        }

        __m128 one = fold_four(four[0], four[1], four[2], four[3]);

        if (rows == ROWS) {
            _mm_storeu_ps(y, one);
        } else if (rows == 3) {
            _mm_storel_pi((__m64 *)y, one);
            _mm_store_ss(y + 2, _mm_movehl_ps(one, one));
        } else {
            _mm_store_ss(y, one);
        }
    }
}

EG_INLINE void run_tile(const eg_tile *tile, eagle_dtype dtype, size_t rows, size_t tokens)
{
    alignas(EG_ALIGN) float own[SUMS * EG_LANES];
    float *lanes = tile->to != NULL ? tile->to : own;

    if (tokens == 1) {
        run_both(lanes, tile, dtype, rows);
    } else {
        run_half(lanes, tile, 0, dtype, rows, tokens);
        run_half(lanes, tile, 1, dtype, rows, tokens);
    }
    if (tile->to == NULL) {
        fold(tile, lanes, rows, tokens);
    }
}

/* Each call is a copy of run_tile() for these constants. */
EG_INLINE void choose_tokens(const eg_tile *tile, eagle_dtype dtype, size_t rows)
{
    switch (tile->tokens) {
    case 1: run_tile(tile, dtype, rows, 1); break;
    case 2: run_tile(tile, dtype, rows, 2); break;
    case 3: run_tile(tile, dtype, rows, 3); break;
    default:
        assert(rows < ROWS); /* 16 sums would leave no register */
        run_tile(tile, dtype, rows < ROWS ? rows : 3, TOKENS);
        break;
    }
}

EG_INLINE void choose_tile(const eg_tile *tile, eagle_dtype dtype)
{
    switch (tile->rows) {
    case 1: choose_tokens(tile, dtype, 1); break;
    case 3: choose_tokens(tile, dtype, 3); break;
    default: choose_tokens(tile, dtype, ROWS); break;
    }
}

/* ---- rows, widened --------------------------------------------------------------------------- */

EG_INLINE void widen(float *y, const uint16_t *x, size_t n, eagle_dtype dtype)
{
    size_t i = 0;

    for (; i + HALF <= n; i += HALF) {
        _mm256_storeu_ps(y + i, load8(x, i, dtype));
    }
    for (; i < n; i++) {
        y[i] = dtype == EAGLE_F16 ? eg_widen_f16(x[i]) : eg_widen_bf16(x[i]);
    }
}

/* Tiles of 3 rows x 4 tokens where the weights' way from memory decides. 4 x 3 for up to 3 tokens,
 * which are one tile then, and for many, whose vectors come from a farther cache: 3 of them cost
 * less. */
EG_INLINE eg_matmul_parts shape_for(size_t n)
{
    const bool wide = n > 3 && n <= FEW;

    return (eg_matmul_parts){
        .rows = wide ? 3 : 4, .tokens = wide ? 4 : 3, .group = GROUP, .few = FEW, .piece = PIECE};
}

#include "kernels/dot_types.h"

/* ---- the matrix product ---------------------------------------------------------------------- */

void eg_matmul_f32_avx2(float *y, size_t y_stride, const void *w, size_t n_rows,
                        const eg_vectors *x)
{
    matmul(y, y_stride, w, n_rows, x, EAGLE_F32, tile_f32, copy_f32);
}

void eg_matmul_f16_avx2(float *y, size_t y_stride, const void *w, size_t n_rows,
                        const eg_vectors *x)
{
    matmul(y, y_stride, w, n_rows, x, EAGLE_F16, tile_f16, widen_f16);
}

void eg_matmul_bf16_avx2(float *y, size_t y_stride, const void *w, size_t n_rows,
                         const eg_vectors *x)
{
    matmul(y, y_stride, w, n_rows, x, EAGLE_BF16, tile_bf16, widen_bf16);
}
