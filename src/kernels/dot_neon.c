/* SPDX-License-Identifier: MIT */
/* dot_neon.c - the matrix product with NEON, in the order of dot_portable.c.
 *
 * Four registers hold the 16 lanes of a sum. One token takes all four at once; several tokens take
 * a piece of k twice, once for each half of the lanes, so that 4 rows x 3 tokens fill 24 of the 32
 * registers. */
#include "base/alloc.h"
#include "base/compiler.h"
#include "kernels/matmul.h"
#include "kernels/order.h"
#include "kernels/variants.h"

#include <arm_neon.h>
#include <stdalign.h>

#define WIDTH  4                  /* lanes of a register          */
#define REGS   (EG_LANES / WIDTH) /* registers of a sum           */
#define ROWS   4                  /* of a whole tile              */
#define TOKENS 3                  /* most tokens of a tile        */
#define FEW    12                 /* tokens: see eg_matmul_parts  */
#define PIECE  512                /* of k: see eg_matmul_parts    */
#define SUMS   (ROWS * TOKENS)    /* sums of a tile               */

/* ---- four weights, widened ------------------------------------------------------------------- */

EG_INLINE size_t size_of(eagle_dtype dtype)
{
    return dtype == EAGLE_F32 ? sizeof(float) : sizeof(uint16_t);
}

EG_INLINE float32x4_t load4(const void *w, size_t i, eagle_dtype dtype)
{
    if (dtype == EAGLE_F32) {
        return vld1q_f32((const float *)w + i);
    }

    uint16x4_t half = vld1_u16((const uint16_t *)w + i);

    if (dtype == EAGLE_F16) {
        return vcvt_f32_f16(vreinterpret_f16_u16(half));
    }
    return vreinterpretq_f32_u32(vshlq_n_u32(vmovl_u16(half), 16));
}

/* The first n < 4 of them, then zeros; reads no further. */
EG_INLINE float32x4_t load_few(const void *w, size_t i, size_t n, eagle_dtype dtype)
{
    float few[WIDTH] = {0}; /* or 4 halves */

    memcpy(few, (const char *)w + i * size_of(dtype), n * size_of(dtype));
    return load4(few, 0, dtype);
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

/* sum[t * rows + r] += w[r][i..i+4) x x[t][i..i+4), lane by lane. */
EG_INLINE void step(float32x4_t sum[SUMS], const operands *o, size_t i, eagle_dtype dtype,
                    size_t rows, size_t tokens)
{
    float32x4_t x[TOKENS];

    EG_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        x[t] = vld1q_f32(o->x[t] + i);
    }
    EG_UNROLL
    for (size_t r = 0; r < rows; r++) {
        float32x4_t w = load4(o->w[r], i, dtype);

        EG_UNROLL
        for (size_t t = 0; t < tokens; t++) {
            sum[t * rows + r] = vfmaq_f32(sum[t * rows + r], w, x[t]);
        }
    }
}

/* The same for the last n < 4 elements of a row: the other lanes keep their value. */
EG_INLINE void last_step(float32x4_t sum[SUMS], const operands *o, size_t i, size_t n,
                         eagle_dtype dtype, size_t rows, size_t tokens)
{
    const uint32_t index[WIDTH] = {0, 1, 2, 3};
    const uint32x4_t mask = vcltq_u32(vld1q_u32(index), vdupq_n_u32((uint32_t)n));

    EG_UNROLL
    for (size_t s = 0; s < rows * tokens; s++) {
        float32x4_t w = load_few(o->w[s % rows], i, n, dtype);
        float32x4_t x = load_few(o->x[s / rows], i, n, EAGLE_F32);

        sum[s] = vbslq_f32(mask, vfmaq_f32(sum[s], w, x), sum[s]);
    }
}

/* The registers first .. first + regs - 1 of all sums, left in lanes [tokens, rows, 16]. */
EG_INLINE void run_lanes(float *lanes, const eg_tile *tile, size_t first, size_t regs,
                         eagle_dtype dtype, size_t rows, size_t tokens)
{
    const operands o = operands_of(tile, dtype, rows, tokens);
    const size_t whole = tile->n - tile->n % EG_LANES;
    float32x4_t sum[REGS][SUMS];

    EG_UNROLL
    for (size_t c = 0; c < regs; c++) {
        EG_UNROLL
        for (size_t s = 0; s < rows * tokens; s++) {
            sum[c][s] = tile->from == NULL
                            ? vdupq_n_f32(0)
                            : vld1q_f32(tile->from + s * EG_LANES + (first + c) * WIDTH);
        }
    }
    for (size_t i = 0; i < whole; i += EG_LANES) {
        EG_UNROLL
        for (size_t c = 0; c < regs; c++) {
            step(sum[c], &o, i + (first + c) * WIDTH, dtype, rows, tokens);
        }
    }
    EG_UNROLL
    for (size_t c = 0; c < regs; c++) {
        const size_t i = whole + (first + c) * WIDTH;

        if (i + WIDTH <= tile->n) {
            step(sum[c], &o, i, dtype, rows, tokens);
        } else if (i < tile->n) {
            last_step(sum[c], &o, i, tile->n - i, dtype, rows, tokens);
        }
        EG_UNROLL
        for (size_t s = 0; s < rows * tokens; s++) {
            vst1q_f32(lanes + s * EG_LANES + (first + c) * WIDTH, sum[c][s]);
        }
    }
}

/* 16 lanes -> 8 -> 4 -> 2 -> 1, into y. */
EG_INLINE void fold(const eg_tile *tile, const float *lanes, size_t rows, size_t tokens)
{
    EG_UNROLL
    for (size_t s = 0; s < rows * tokens; s++, lanes += EG_LANES) {
        float32x4_t low = vaddq_f32(vld1q_f32(lanes), vld1q_f32(lanes + 2 * WIDTH));
        float32x4_t high = vaddq_f32(vld1q_f32(lanes + WIDTH), vld1q_f32(lanes + 3 * WIDTH));
        float32x4_t four = vaddq_f32(low, high);
        float32x2_t two = vadd_f32(vget_low_f32(four), vget_high_f32(four));

        tile->y[s / rows * tile->y_stride + s % rows] = vget_lane_f32(vpadd_f32(two, two), 0);
    }
}

EG_INLINE void run_tile(const eg_tile *tile, eagle_dtype dtype, size_t rows, size_t tokens)
{
    alignas(EG_ALIGN) float own[SUMS * EG_LANES];
    float *lanes = tile->to != NULL ? tile->to : own;

    if (tokens == 1) {
        run_lanes(lanes, tile, 0, REGS, dtype, rows, tokens);
    } else {
        run_lanes(lanes, tile, 0, REGS / 2, dtype, rows, tokens);
        run_lanes(lanes, tile, REGS / 2, REGS / 2, dtype, rows, tokens);
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
    default: run_tile(tile, dtype, rows, 3); break;
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

/* ---- rows, widened --------------------------------------------------------------------------- */

EG_INLINE void widen(float *y, const uint16_t *x, size_t n, eagle_dtype dtype)
{
    size_t i = 0;

    for (; i + WIDTH <= n; i += WIDTH) {
        vst1q_f32(y + i, load4(x, i, dtype));
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

/* ---- the matrix product ---------------------------------------------------------------------- */

void eg_matmul_f32_neon(float *y, size_t y_stride, const void *w, size_t n_rows,
                        const eg_vectors *x)
{
    matmul(y, y_stride, w, n_rows, x, EAGLE_F32, tile_f32, copy_f32);
}

void eg_matmul_f16_neon(float *y, size_t y_stride, const void *w, size_t n_rows,
                        const eg_vectors *x)
{
    matmul(y, y_stride, w, n_rows, x, EAGLE_F16, tile_f16, widen_f16);
}

void eg_matmul_bf16_neon(float *y, size_t y_stride, const void *w, size_t n_rows,
                         const eg_vectors *x)
{
    matmul(y, y_stride, w, n_rows, x, EAGLE_BF16, tile_bf16, widen_bf16);
}
