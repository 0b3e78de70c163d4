/* SPDX-License-Identifier: MIT */
/* dot_avx512.c - the matrix product with AVX-512, in the order of dot_portable.c.
 *
 * One register holds the 16 lanes of a sum. 6 rows x 4 tokens are 24 of the 32 registers; the rows'
 * weights take six more, the vectors come one after the other: 10 loads feed 24 multiply-adds. */
#include "base/alloc.h"
#include "base/compiler.h"
#include "kernels/fold_avx512.h"
#include "kernels/matmul.h"
#include "kernels/order.h"
#include "kernels/variants.h"

#include <immintrin.h>
#include <stdalign.h>
#include <stdbool.h>

#define ROWS     6               /* most rows of a tile                       */
#define FEW      4               /* tokens for which few streams are best     */
#define FEW_ROWS 2               /* and rows of a tile for so few             */
#define FEW_16   4               /* the same for weights of 16 bits           */
#define TOKENS   4               /* most tokens of a tile                     */
#define AHEAD    2048            /* bytes: see eg_matmul_parts                */
#define PIECE    512             /* of k: see eg_matmul_parts                 */
#define PIECE_16 1024            /* and for weights of 16 bits                */
#define SUMS     (ROWS * TOKENS) /* sums of a tile, in registers              */

/* ---- sixteen weights, widened ---------------------------------------------------------------- */

EG_INLINE size_t size_of(eagle_dtype dtype)
{
    return dtype == EAGLE_F32 ? sizeof(float) : sizeof(uint16_t);
}

EG_INLINE __m512 load16(const void *w, eagle_dtype dtype)
{
    if (dtype == EAGLE_F32) {
        return _mm512_loadu_ps(w);
    }

    __m256i half = _mm256_loadu_si256(w);

    if (dtype == EAGLE_F16) {
        return _mm512_cvtph_ps(half);
    }
    return _mm512_castsi512_ps(_mm512_slli_epi32(_mm512_cvtepu16_epi32(half), 16));
}

/* The lanes that the mask has, the first of them (`skip`) from w, else zeros; reads no others,
 * which an emulation's masked load would. Lane 0 may lie before the array, where C has no pointers:
 * so an address. */
EG_INLINE __m512 load_masked(const char *w, size_t skip, __mmask16 mask, eagle_dtype dtype)
{
#if defined(__AVX512F__)
    const void *lane0 = (const void *)((uintptr_t)w - skip * size_of(dtype)); // NOLINT

    if (dtype == EAGLE_F32) {
        return _mm512_maskz_loadu_ps(mask, lane0);
    }

    __m256i half = _mm256_maskz_loadu_epi16(mask, lane0);

    return load16(&half, dtype);
#else
    float few[EG_LANES] = {0}; /* or 16 halves */

    for (size_t l = 0; l < EG_LANES; l++) {
        if ((mask >> l & 1) != 0) {
            memcpy((char *)few + l * size_of(dtype), w + (l - skip) * size_of(dtype),
                   size_of(dtype));
        }
    }
    return load16(few, dtype);
#endif
}

/* Keeps a value that is used more than once in its register: GCC 12 would load it again for each
 * use. */
EG_INLINE __m512 keep(__m512 v)
{
#if defined(__AVX512F__) && defined(__GNUC__)
    __asm__("" : "+v"(v));
#endif
    return v;
}

/* ---- tiles ----------------------------------------------------------------------------------- */

/* sum[t * rows + r] += w[r] x x[t], lane by lane; 16 elements of row r at w + r * row, of vector t
 * at x + 16 t. */
EG_INLINE void step(__m512 sum[SUMS], const char *w, size_t row, const float *x, eagle_dtype dtype,
                    size_t rows, size_t tokens)
{
    __m512 weights[ROWS];

    EG_UNROLL
    for (size_t r = 0; r < rows; r++) {
        weights[r] = keep(load16(w + r * row, dtype));
    }
    EG_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        __m512 vector = keep(_mm512_loadu_ps(x + t * EG_LANES));

        EG_UNROLL
        for (size_t r = 0; r < rows; r++) {
            sum[t * rows + r] = _mm512_fmadd_ps(weights[r], vector, sum[t * rows + r]);
        }
    }
}

/* Lanes skip .. n - 1 of 16, n maybe more. */
EG_INLINE __mmask16 mask_of(size_t skip, size_t n)
{
    return (__mmask16)((n < EG_LANES ? (1u << n) - 1 : 0xffffu) & 0xffffu << skip);
}

/* The same as step() for lanes skip .. n - 1 of 16, n maybe more; lane `skip` of row r at w + r *
 * row. The other lanes keep their value. */
EG_INLINE void masked_step(__m512 sum[SUMS], const char *w, size_t row, const float *x, size_t skip,
                           size_t n, eagle_dtype dtype, size_t rows, size_t tokens)
{
    const __mmask16 mask = mask_of(skip, n);

    EG_UNROLL
    for (size_t s = 0; s < rows * tokens; s++) {
        __m512 weights = load_masked(w + s % rows * row, skip, mask, dtype);
        __m512 vector = _mm512_loadu_ps(x + s / rows * EG_LANES);

        sum[s] = _mm512_mask_mov_ps(sum[s], mask, _mm512_fmadd_ps(weights, vector, sum[s]));
    }
}

/* 16 lanes -> 1, into y. */
EG_INLINE void fold(const eg_tile *tile, const float *lanes, size_t rows, size_t tokens)
{
    const size_t n = rows * tokens;
    float folded[(SUMS + 15) / 16 * 16];

    EG_UNROLL
    for (size_t s = 0; s < n; s += 16) {
        __m512 sum[16];

        EG_UNROLL
        for (size_t i = 0; i < 16; i++) { /* beyond the last sum: that one again */
            sum[i] = _mm512_loadu_ps(lanes + (s + i < n ? s + i : n - 1) * EG_LANES);
        }
        _mm512_storeu_ps(folded + s, eg_fold_sixteen(sum));
    }
    EG_UNROLL
    for (size_t s = 0; s < n; s++) {
        tile->y[s / rows * tile->y_stride + s % rows * tile->y_step] = folded[s];
    }
}

EG_INLINE void run_tile(const eg_tile *tile, eagle_dtype dtype, size_t rows, size_t tokens)
{
    const size_t whole = tile->n - tile->n % EG_LANES;
    const size_t row = tile->w_stride * size_of(dtype);
    const char *w = tile->w;
    const char *ahead = tile->ahead;
    const float *x = tile->x;
    size_t i = 0;
    alignas(EG_ALIGN) float own[SUMS * EG_LANES];
    float *lanes = tile->to != NULL ? tile->to : own;
    __m512 sum[SUMS];

    EG_UNROLL
    for (size_t s = 0; s < rows * tokens; s++) {
        sum[s] =
            tile->from == NULL ? _mm512_setzero_ps() : _mm512_loadu_ps(tile->from + s * EG_LANES);
    }
    if (tile->skip > 0 && whole > 0) {
        masked_step(sum, w, row, x, tile->skip, EG_LANES, dtype, rows, tokens);
        w += (EG_LANES - tile->skip) * size_of(dtype);
        x += EG_LANES * tokens;
        i += EG_LANES;
    }
    for (; i < whole; i += EG_LANES) {
        if (rows > 1 && tokens > 1) { /* for one, the processor's own prefetching does it all */
            EG_UNROLL
            for (size_t r = 0; r < rows; r++) {
                _mm_prefetch(ahead + r * row, _MM_HINT_T0);
            }
            ahead += tile->ahead_step;
        }
        step(sum, w, row, x, dtype, rows, tokens);
        w += EG_LANES * size_of(dtype);
        x += EG_LANES * tokens;
    }
    if (i < tile->n) {
        masked_step(sum, w, row, x, i == 0 ? tile->skip : 0, tile->n - i, dtype, rows, tokens);
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
    default: run_tile(tile, dtype, rows, TOKENS); break;
    }
}

EG_INLINE void choose_tile(const eg_tile *tile, eagle_dtype dtype)
{
    switch (tile->rows) {
    case 1: choose_tokens(tile, dtype, 1); break;
    case FEW_ROWS: choose_tokens(tile, dtype, FEW_ROWS); break;
    case FEW_16: choose_tokens(tile, dtype, FEW_16); break;
    default: choose_tokens(tile, dtype, ROWS); break;
    }
}

/* ---- the matrix product ---------------------------------------------------------------------- */

static void tile_f32(const eg_tile *tile)
{
    choose_tile(tile, EAGLE_F32);
}

static void tile_f16(const eg_tile *tile)
{
    choose_tile(tile, EAGLE_F16);
}

static void tile_bf16(const eg_tile *tile)
{
    choose_tile(tile, EAGLE_BF16);
}

EG_INLINE size_t rows_for(size_t tokens, eagle_dtype dtype)
{
    if (tokens > FEW) {
        return ROWS;
    }
    return dtype == EAGLE_F32 ? FEW_ROWS : FEW_16;
}

EG_INLINE void matmul(float *y, size_t y_stride, const void *w, size_t n_rows, const eg_vectors *x,
                      eagle_dtype dtype, eg_tile_fn *tile)
{
    eg_matmul_streams(y, y_stride, w, n_rows, x,
                      &(eg_matmul_parts){.size = size_of(dtype),
                                         .rows = rows_for(x->n, dtype),
                                         .tokens = TOKENS,
                                         .piece = x->n == 1            ? x->dim
                                                  : dtype == EAGLE_F32 ? PIECE
                                                                       : PIECE_16,
                                         .ahead = AHEAD,
                                         .tile = tile});
}

void eg_matmul_f32_avx512(float *y, size_t y_stride, const void *w, size_t n_rows,
                          const eg_vectors *x)
{
    matmul(y, y_stride, w, n_rows, x, EAGLE_F32, tile_f32);
}

void eg_matmul_f16_avx512(float *y, size_t y_stride, const void *w, size_t n_rows,
                          const eg_vectors *x)
{
    matmul(y, y_stride, w, n_rows, x, EAGLE_F16, tile_f16);
}

void eg_matmul_bf16_avx512(float *y, size_t y_stride, const void *w, size_t n_rows,
                           const eg_vectors *x)
{
    matmul(y, y_stride, w, n_rows, x, EAGLE_BF16, tile_bf16);
}
