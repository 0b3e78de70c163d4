/* SPDX-License-Identifier: MIT */
/* dot_avx512.c - the matrix product with AVX-512, in the order of dot_portable.c.
 *
 * One register holds the 16 lanes of a sum. 4 rows x 6 tokens are 24 of the 32 registers; the rows'
 * weights take four more, the vectors come from memory: 10 loads feed 24 multiply-adds. */
#include "base/alloc.h"
#include "base/compiler.h"
#include "kernels/matmul.h"
#include "kernels/order.h"
#include "kernels/variants.h"

#include <immintrin.h>
#include <stdalign.h>

#define ROWS   4               /* of a whole tile                */
#define TOKENS 6               /* most tokens of a tile          */
#define FEW    32              /* tokens: see eg_matmul_parts    */
#define PIECE  1024            /* of k: see eg_matmul_parts      */
#define SUMS   (ROWS * TOKENS) /* sums of a tile, in registers   */

/* ---- sixteen weights, widened ------------------------------------------------------------------ */

EG_INLINE size_t size_of(eagle_dtype dtype)
{
    return dtype == EAGLE_F32 ? sizeof(float) : sizeof(uint16_t);
}

EG_INLINE __m512 load16(const void *w, size_t i, eagle_dtype dtype)
{
    if (dtype == EAGLE_F32) {
        return _mm512_loadu_ps((const float *)w + i);
    }

    __m256i half = _mm256_loadu_si256((const __m256i *)((const uint16_t *)w + i));

    if (dtype == EAGLE_F16) {
        return _mm512_cvtph_ps(half);
    }
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/* The first n < 16 of them, then zeros; reads no further. */
EG_INLINE __m512 load_few(const void *w, size_t i, size_t n, eagle_dtype dtype)
{
    float few[EG_LANES] = {0}; /* or 16 halves */

    memcpy(few, (const char *)w + i * size_of(dtype), n * size_of(dtype));
    return load16(few, 0, dtype);
}

/* ---- tiles -------------------------------------------------------------------------------------- */

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

/* sum[t * rows + r] += w[r][i..i+16) x x[t][i..i+16), lane by lane. */
EG_INLINE void step(__m512 sum[SUMS], const operands *o, size_t i, eagle_dtype dtype, size_t rows,
                    size_t tokens)
{
    __m512 w[ROWS];

    EG_UNROLL
    for (size_t r = 0; r < rows; r++) {
        w[r] = load16(o->w[r], i, dtype);
    }
    EG_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        __m512 x = _mm512_loadu_ps(o->x[t] + i);

        EG_UNROLL
        for (size_t r = 0; r < rows; r++) {
            sum[t * rows + r] = _mm512_fmadd_ps(w[r], x, sum[t * rows + r]);
        }
    }
}

/* The same for the last n < 16 elements of a row: the other lanes keep their value. */
EG_INLINE void last_step(__m512 sum[SUMS], const operands *o, size_t i, size_t n, eagle_dtype dtype,
                         size_t rows, size_t tokens)
{
    const __mmask16 mask = (__mmask16)((1u << n) - 1);

    EG_UNROLL
    for (size_t s = 0; s < rows * tokens; s++) {
        __m512 w = load_few(o->w[s % rows], i, n, dtype);
        __m512 x = load_few(o->x[s / rows], i, n, EAGLE_F32);

        sum[s] = _mm512_mask_mov_ps(sum[s], mask, _mm512_fmadd_ps(w, x, sum[s]));
    }
}

/* 16 lanes -> 8 -> 4, by the halves of what is left. */
EG_INLINE __m128 fold16(const float *lane)
{
    __m256 v = _mm256_add_ps(_mm256_loadu_ps(lane), _mm256_loadu_ps(lane + EG_LANES / 2));

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
        __m128 first = fold16(lanes);

        if (rows == ROWS) {
            _mm_storeu_ps(y, fold_four(first, fold16(lanes + EG_LANES),
                                       fold16(lanes + 2 * EG_LANES), fold16(lanes + 3 * EG_LANES)));
        } else {
            _mm_store_ss(y, fold_four(first, first, first, first));
        }
    }
}

EG_INLINE void run_tile(const eg_tile *tile, eagle_dtype dtype, size_t rows, size_t tokens)
{
    const operands o = operands_of(tile, dtype, rows, tokens);
    const size_t whole = tile->n - tile->n % EG_LANES;
    const size_t row = tile->w_stride * size_of(dtype);
    alignas(EG_ALIGN) float own[SUMS * EG_LANES];
    float *lanes = tile->to != NULL ? tile->to : own;
    __m512 sum[SUMS];

    EG_UNROLL
    for (size_t s = 0; s < rows * tokens; s++) {
        sum[s] =
            tile->from == NULL ? _mm512_setzero_ps() : _mm512_loadu_ps(tile->from + s * EG_LANES);
    }
    for (size_t i = 0; i < whole; i += EG_LANES) {
        if (tile->ahead != NULL && rows == ROWS) { /* rows 0 and 2, then 1 and 3, and so on */
            const char *ahead =
                (const char *)tile->ahead + i / 2 * size_of(dtype) + i / EG_LANES % 2 * row;

            _mm_prefetch(ahead, _MM_HINT_T1);
            _mm_prefetch(ahead + 2 * row, _MM_HINT_T1);
        }
        step(sum, &o, i, dtype, rows, tokens);
    }
    if (whole < tile->n) {
        last_step(sum, &o, whole, tile->n - whole, dtype, rows, tokens);
    }
    EG_UNROLL
    for (size_t s = 0; s < rows * tokens; s++) {
        _mm512_storeu_ps(lanes + s * EG_LANES, sum[s]);
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
    case 4: run_tile(tile, dtype, rows, 4); break;
    case 5: run_tile(tile, dtype, rows, 5); break;
    default: run_tile(tile, dtype, rows, 6); break;
    }
}

EG_INLINE void choose_tile(const eg_tile *tile, eagle_dtype dtype)
{
    if (tile->rows == ROWS) {
        choose_tokens(tile, dtype, ROWS);
    } else {
        choose_tokens(tile, dtype, 1);
    }
}

/* ---- rows, widened ------------------------------------------------------------------------------ */

EG_INLINE void widen(float *y, const uint16_t *x, size_t n, eagle_dtype dtype)
{
    size_t i = 0;

    for (; i + EG_LANES <= n; i += EG_LANES) {
        _mm512_storeu_ps(y + i, load16(x, i, dtype));
    }
    for (; i < n; i++) {
        y[i] = dtype == EAGLE_F16 ? eg_widen_f16(x[i]) : eg_widen_bf16(x[i]);
    }
}

EG_INLINE eg_matmul_parts shape_for(size_t n)
{
    (void)n;
    return (eg_matmul_parts){
        .rows = ROWS, .tokens = TOKENS, .group = 1, .few = FEW, .piece = PIECE};
}

#include "kernels/dot_types.h"

/* ---- the matrix product -------------------------------------------------------------------------- */

void eg_matmul_f32_avx512(float *y, size_t y_stride, const void *w, size_t n_rows,
                          const eg_vectors *x)
{
    matmul(y, y_stride, w, n_rows, x, EAGLE_F32, tile_f32, copy_f32);
}

void eg_matmul_f16_avx512(float *y, size_t y_stride, const void *w, size_t n_rows,
                          const eg_vectors *x)
{
    matmul(y, y_stride, w, n_rows, x, EAGLE_F16, tile_f16, widen_f16);
}

void eg_matmul_bf16_avx512(float *y, size_t y_stride, const void *w, size_t n_rows,
                           const eg_vectors *x)
{
    matmul(y, y_stride, w, n_rows, x, EAGLE_BF16, tile_bf16, widen_bf16);
}
