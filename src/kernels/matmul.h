/* SPDX-License-Identifier: MIT */
/* matmul.h - the matrix product in tiles: what an instruction set brings, and who walks memory.
 *
 * A tile is a few rows of weights times a few tokens, its sums in registers. Tiles are the same
 * code for one token as for many, so the bits of a row cannot depend on the batch. */
#ifndef EG_KERNELS_MATMUL_H
#define EG_KERNELS_MATMUL_H

#include "kernels/kernels.h"

#include <stddef.h>

/* One tile's work: `n` elements of `rows` rows times `tokens` vectors. */
typedef struct {
    const void *w;   /* the first row at the first element, of those that are ones */
    size_t w_stride; /* elements from row to row                */
    size_t rows;     /* eg_matmul_parts.rows or 1               */
    const float *x;  /* the first vector at the first element   */
    size_t x_stride; /* 0: woven, 16 elements of each in turn   */
    size_t tokens;   /* 1 .. eg_matmul_parts.tokens             */
    size_t skip;     /* so many of the first 16 are no elements; eg_matmul_streams only */
    size_t n;        /* a multiple of 16 unless the row ends    */

    /* The 16 lanes of each sum, [tokens, rows, 16]: where to go on, NULL to begin at +0, and where
     * to leave them, NULL to fold them into y. */
    const float *from;
    float *to;
    float *y; /* y[t * y_stride + r * y_step] */
    size_t y_stride;
    size_t y_step;

    /* As w: what a tile may fetch for a later one, of each of `rows` rows so many bytes for every
     * 16 elements. NULL for nothing. */
    const void *ahead;
    size_t ahead_step;
} eg_tile;

typedef void eg_tile_fn(const eg_tile *tile);

typedef void eg_widen_fn(float *y, const void *x, size_t n);

/* What one instruction set has for one type of weights, for so many tokens. */
typedef struct {
    size_t size;   /* bytes of a weight                                       */
    size_t rows;   /* of a whole tile; those left over are taken one by one   */
    size_t tokens; /* most tokens of a tile                                   */
    size_t group;  /* tiles of rows that share a piece of few tokens          */
    size_t few;    /* tokens up to which the weights' way from memory decides */
    size_t piece;  /* of k, for so few tokens; shorter for the more of them   */
    size_t ahead;  /* bytes that a stream is fetched ahead; eg_matmul_streams only    */
    eg_tile_fn *tile;
    eg_widen_fn *widen;   /* copies weights as float32      */
    eg_tile_fn *tile_f32; /* for weights copied so          */
} eg_matmul_parts;

/* y[t * y_stride + r] = canonical dot(row r of w, vector t of x), as eg_matmul_fn. */
void eg_matmul_tiled(float *y, size_t y_stride, const void *w, size_t n_rows, const eg_vectors *x,
                     const eg_matmul_parts *parts);

/* The same for an instruction set whose arithmetic keeps up with memory (matmul_streams.c): it
 * needs no `group`, `few` and `widen`. Its tiles get woven vectors and always something to
 * fetch. */
void eg_matmul_streams(float *y, size_t y_stride, const void *w, size_t n_rows, const eg_vectors *x,
                       const eg_matmul_parts *parts);

#endif
