/* SPDX-License-Identifier: MIT */
/* dot_neon.c - the matrix product with NEON, in the order of dot_portable.c.
 *
 * Four registers hold the 16 lanes of a sum. One token takes all four at once; several tokens take a
 * piece of k twice, once for each half of the lanes, so that 4 rows x 3 tokens fill 24 of the 32
 * registers. */
#include "base/compiler.h"
#include "kernels/matmul.h"
#include "kernels/order.h"
#include "kernels/variants.h"

#include <arm_neon.h>

#define WIDTH  4                       /* lanes of a register          */
#define REGS   (EG_LANES / WIDTH)      /* registers of a sum           */
#define TOKENS 3                       /* most tokens of a tile        */
#define FEW    12                      /* tokens: see eg_matmul_parts  */
#define SUMS   (EG_TILE_ROWS * TOKENS) /* sums of a tile               */

/* ---- four weights, widened --------------------------------------------------------------------- */

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
    const size_t size = dtype == EAGLE_F32 ? sizeof(float) : sizeof(uint16_t);
    float few[WIDTH] = {0}; /* or 4 halves */

    memcpy(few, (const char *)w + i * size, n * size);
    return load4(few, 0, dtype);
}

/* ---- tiles -------------------------------------------------------------------------------------- */

/* Four elements from i on, of all rows and tokens: sum[t * rows + r] += w x x, lane by lane. */
EG_INLINE void step(float32x4_t sum[SUMS], const eg_tile *tile, size_t i, eagle_dtype dtype,
                    size_t rows, size_t tokens)
{
    float32x4_t x[TOKENS];

    EG_UNROLL
    for (size_t t = 0; t < tokens; t++) {
        x[t] = vld1q_f32(tile->x + t * tile->x_stride + i);
    }
    EG_UNROLL
    for (size_t r = 0; r < rows; r++) {
        float32x4_t w = load4(tile->w, r * tile->w_stride + i, dtype);

        EG_UNROLL
        for (size_t t = 0; t < tokens; t++) {
            sum[t * rows + r] = vfmaq_f32(sum[t * rows + r], w, x[t]);
        }
    }
}

/* The same for the last n < 4 elements of a row: the other lanes keep their value. */
EG_INLINE void last_step(float32x4_t sum[SUMS], const eg_tile *tile, size_t i, size_t n,
                         eagle_dtype dtype, size_t rows, size_t tokens)
{
    const uint32_t index[WIDTH] = {0, 1, 2, 3};
    const uint32x4_t mask = vcltq_u32(vld1q_u32(index), vdupq_n_u32((uint32_t)n));

    EG_UNROLL
    for (size_t s = 0; s < rows * tokens; s++) {
        float32x4_t w = load_few(tile->w, s % rows * tile->w_stride + i, n, dtype);
        float32x4_t x = load_few(tile->x, s / rows * tile->x_stride + i, n, EAGLE_F32);

        sum[s] = vbslq_f32(mask, vfmaq_f32(sum[s], w, x), sum[s]);
    }
}

/* The registers first .. first + regs - 1 of all sums, from `from` to sum[]. */
EG_INLINE void run_lanes(float32x4_t out[REGS][SUMS], const eg_tile *tile, size_t first,
                         size_t regs, eagle_dtype dtype, size_t rows, size_t tokens)
{
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
            step(sum[c], tile, i + (first + c) * WIDTH, dtype, rows, tokens);
        }
    }
    EG_UNROLL
    for (size_t c = 0; c < regs; c++) {
        const size_t i = whole + (first + c) * WIDTH;

        if (i + WIDTH <= tile->n) {
            step(sum[c], tile, i, dtype, rows, tokens);
        } else if (i < tile->n) {
            last_step(sum[c], tile, i, tile->n - i, dtype, rows, tokens);
        }
        EG_UNROLL
        for (size_t s = 0; s < rows * tokens; s++) {
            out[first + c][s] = sum[c][s];
        }
    }
}

/* 16 lanes -> 8 -> 4 -> 2. */
EG_INLINE float32x2_t fold_to_two(float32x4_t sum[REGS][SUMS], size_t s)
{
    float32x4_t four = vaddq_f32(vaddq_f32(sum[0][s], sum[2][s]), vaddq_f32(sum[1][s], sum[3][s]));

    return vadd_f32(vget_low_f32(four), vget_high_f32(four));
}

/* Leaves the sums in memory, or folds them into y. */
EG_INLINE void finish(const eg_tile *tile, float32x4_t sum[REGS][SUMS], size_t rows, size_t tokens)
{
    EG_UNROLL
    for (size_t s = 0; s < rows * tokens; s++) {
        const float32x2_t two = fold_to_two(sum, s);

        if (tile->to == NULL) {
            tile->y[s / rows * tile->y_stride + s % rows] = vget_lane_f32(vpadd_f32(two, two), 0);
            continue;
        }
        for (size_t c = 0; c < REGS; c++) {
            vst1q_f32(tile->to + s * EG_LANES + c * WIDTH, sum[c][s]);
        }
    }
}

EG_INLINE void run_tile(const eg_tile *tile, eagle_dtype dtype, size_t rows, size_t tokens)
{
    float32x4_t sum[REGS][SUMS];

    if (tokens == 1) {
        run_lanes(sum, tile, 0, REGS, dtype, rows, tokens);
    } else {
        run_lanes(sum, tile, 0, REGS / 2, dtype, rows, tokens);
        run_lanes(sum, tile, REGS / 2, REGS / 2, dtype, rows, tokens);
    }
    finish(tile, sum, rows, tokens);
}

/* Each call is a copy of run_tile() for these constants. */
EG_INLINE void choose_tile(const eg_tile *tile, eagle_dtype dtype, size_t rows)
{
    switch (tile->tokens) {
    case 1: run_tile(tile, dtype, rows, 1); break;
    case 2: run_tile(tile, dtype, rows, 2); break;
    default: run_tile(tile, dtype, rows, 3); break;
    }
}

static void tile_f32(const eg_tile *tile)
{
    if (tile->rows == EG_TILE_ROWS) {
        choose_tile(tile, EAGLE_F32, EG_TILE_ROWS);
    } else {
        choose_tile(tile, EAGLE_F32, 1);
    }
}

static void tile_f16(const eg_tile *tile)
{
    if (tile->rows == EG_TILE_ROWS) {
        choose_tile(tile, EAGLE_F16, EG_TILE_ROWS);
    } else {
        choose_tile(tile, EAGLE_F16, 1);
    }
}

static void tile_bf16(const eg_tile *tile)
{
    if (tile->rows == EG_TILE_ROWS) {
        choose_tile(tile, EAGLE_BF16, EG_TILE_ROWS);
    } else {
        choose_tile(tile, EAGLE_BF16, 1);
    }
}

/* ---- the matrix product --------------------------------------------------------------------------- */

void eg_matmul_f32_neon(float *y, size_t y_stride, const void *w, size_t n_rows,
                        const eg_vectors *x)
{
    static const eg_matmul_parts parts = {sizeof(float), TOKENS, FEW, tile_f32};

    eg_matmul_tiled(y, y_stride, w, n_rows, x, &parts);
}

void eg_matmul_f16_neon(float *y, size_t y_stride, const void *w, size_t n_rows,
                        const eg_vectors *x)
{
    static const eg_matmul_parts parts = {sizeof(uint16_t), TOKENS, FEW, tile_f16};

    eg_matmul_tiled(y, y_stride, w, n_rows, x, &parts);
}

void eg_matmul_bf16_neon(float *y, size_t y_stride, const void *w, size_t n_rows,
                         const eg_vectors *x)
{
    static const eg_matmul_parts parts = {sizeof(uint16_t), TOKENS, FEW, tile_bf16};

    eg_matmul_tiled(y, y_stride, w, n_rows, x, &parts);
}
