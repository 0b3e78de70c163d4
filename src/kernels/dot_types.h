/* SPDX-License-Identifier: MIT */
/* dot_types.h - the tiles and the copies of an instruction set, one per type of weights. Included
 * by dot_<isa>.c behind its choose_tile() and widen(), which these call with constants, and
 * shape_for(), which says how n tokens are cut. */
#ifndef EG_KERNELS_DOT_TYPES_H
#define EG_KERNELS_DOT_TYPES_H

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

static void copy_f32(float *y, const void *x, size_t n)
{
    memcpy(y, x, n * sizeof *y);
}

static void widen_f16(float *y, const void *x, size_t n)
{
    widen(y, x, n, EAGLE_F16);
}

static void widen_bf16(float *y, const void *x, size_t n)
{
    widen(y, x, n, EAGLE_BF16);
}

EG_INLINE void matmul(float *y, size_t y_stride, const void *w, size_t n_rows, const eg_vectors *x,
                      eagle_dtype dtype, eg_tile_fn *tile, eg_widen_fn *copy)
{
    eg_matmul_parts parts = shape_for(x->n);

    parts.size = size_of(dtype);
    parts.tile = tile;
    parts.widen = copy;
    parts.tile_f32 = tile_f32;
    eg_matmul_tiled(y, y_stride, w, n_rows, x, &parts);
}

#endif
