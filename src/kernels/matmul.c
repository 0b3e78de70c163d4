/* SPDX-License-Identifier: MIT */
/* matmul.c - walks a matrix product tile by tile. What is slow depends on the number of tokens:
 *
 *   few     weights come from memory: take 4 rows at a time from end to end, for all tokens, and
 *           fetch the next 4 meanwhile
 *   many    arithmetic: take blocks of rows and tokens, a piece of k at a time, so small that all
 *           operands stay in near caches; they are copied together first, as float32: vectors 2^k
 *           bytes apart would fight for the same places there, and weights need not be aligned
 *
 * Between pieces of k the 16 lanes of every sum wait in memory, so cutting k changes no bit. */
#include "kernels/matmul.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

/* Found by measurement (docs/performance.md). A block's lanes take 192 KB of stack, its copied pieces
 * 96 KB; both are touched only for many tokens. */
#define FEW_MAX      32
#define FEW_PIECE    4096 /* elements of all vectors together: half of a near cache */
#define BLOCK_PIECE  512
#define BLOCK_ROWS   64
#define BLOCK_TOKENS 48

static_assert(EG_TILE_ROWS * FEW_MAX <= BLOCK_ROWS * BLOCK_TOKENS, "few tokens fit into lanes[]");

/* What the tiles of one block share: some rows of w times some vectors of x. */
typedef struct {
    const eg_matmul_parts *parts;
    const char *w; /* the first row */
    size_t n_rows;
    eg_vectors x; /* the vectors */
    float *y;
    size_t y_stride;
    size_t n_tiles; /* tiles of tokens                    */
    size_t piece;   /* elements of k at once              */
    bool pack;      /* copy pieces of x and w             */
    size_t n_ahead; /* rows that follow the first, in all */
    alignas(EG_ALIGN) float lanes[BLOCK_ROWS * BLOCK_TOKENS * EG_LANES];
    alignas(EG_ALIGN) float packed_x[BLOCK_TOKENS * BLOCK_PIECE];
    alignas(EG_ALIGN) float packed_w[EG_TILE_ROWS * BLOCK_PIECE];
} block;

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* While 4 rows serve several tiles of tokens, the next 4 may be fetched, two by each of the first
 * two tiles. The others are told what they have already. */
static const void *rows_ahead(const block *b, const eg_tile *tile, size_t r, size_t i)
{
    const size_t row_bytes = b->x.dim * b->parts->size;
    const size_t next = EG_TILE_ROWS + 2 * i;

    if (!b->pack && b->n_tiles > 1 && i < EG_TILE_ROWS / 2 && r + next + 2 <= b->n_ahead) {
        return (const char *)tile->w + next * row_bytes;
    }
    return tile->w;
}

/* Copies the rows' piece and makes the tile use the copy. */
static void pack_rows(block *b, eg_tile *tile)
{
    const char *w = tile->w;

    for (size_t i = 0; i < tile->rows; i++) {
        b->parts->widen(b->packed_w + i * tile->n, w + i * b->x.dim * b->parts->size, tile->n);
    }
    tile->w = b->packed_w;
    tile->w_stride = tile->n;
}

/* All tokens of one tile of rows, for the piece of k that x holds and that begins at k. */
static void run_row_tile(block *b, size_t r, size_t rows, size_t k, const eg_vectors *x)
{
    eg_tile_fn *run = b->pack ? b->parts->tile_f32 : b->parts->tile;
    float *lanes = b->lanes + r * x->n * EG_LANES;
    eg_tile tile = {.w = b->w + (r * b->x.dim + k) * b->parts->size,
                    .w_stride = b->x.dim,
                    .rows = rows,
                    .x_stride = x->stride,
                    .n = x->dim,
                    .y_stride = b->y_stride};

    if (b->pack) {
        pack_rows(b, &tile);
    }
    for (size_t i = 0, t = 0; i < b->n_tiles; i++, t += tile.tokens) {
        tile.tokens = ceil_div(x->n - t, b->n_tiles - i);
        tile.x = x->data + t * x->stride;
        tile.from = k > 0 ? lanes + t * rows * EG_LANES : NULL;
        tile.to = k + x->dim < b->x.dim ? lanes + t * rows * EG_LANES : NULL;
        tile.y = b->y + t * b->y_stride + r;
        tile.ahead = rows_ahead(b, &tile, r, i);
        run(&tile);
    }
}

/* The piece of x from k to k + n, as it is or copied together. */
static eg_vectors piece_of_x(block *b, size_t k, size_t n)
{
    eg_vectors x = {.data = b->x.data + k, .n = b->x.n, .dim = n, .stride = b->x.stride};

    if (b->pack) {
        for (size_t t = 0; t < x.n; t++) {
            memcpy(b->packed_x + t * n, x.data + t * x.stride, n * sizeof *x.data);
        }
        x.data = b->packed_x;
        x.stride = n;
    }
    return x;
}

static void run_block(block *b)
{
    size_t k = 0;

    do { /* at least once: a sum of nothing is +0 */
        eg_vectors x = piece_of_x(b, k, min_size(b->piece, b->x.dim - k));
        size_t r = 0;

        for (; r + EG_TILE_ROWS <= b->n_rows; r += EG_TILE_ROWS) {
            run_row_tile(b, r, EG_TILE_ROWS, k, &x);
        }
        for (; r < b->n_rows; r++) {
            run_row_tile(b, r, 1, k, &x);
        }
        k += x.dim;
    } while (k < b->x.dim);
}

/* k in equal pieces of whole lanes, of at most `most` elements. */
static size_t equal_pieces(size_t dim, size_t most)
{
    return dim <= most ? dim : ceil_div(ceil_div(dim, ceil_div(dim, most)), EG_LANES) * EG_LANES;
}

void eg_matmul_tiled(float *y, size_t y_stride, const void *w, size_t n_rows, const eg_vectors *x,
                     const eg_matmul_parts *parts)
{
    const bool few = x->n <= parts->few;
    const size_t rows = few ? EG_TILE_ROWS : BLOCK_ROWS;
    const size_t tokens = few ? FEW_MAX : BLOCK_TOKENS;
    block b; /* not initialised as a whole: its buffers are large */

    assert(parts->few <= FEW_MAX);
    b.parts = parts;
    b.x = *x;
    b.y_stride = y_stride;
    b.pack = !few;
    b.piece = x->n <= 1 ? x->dim
                        : equal_pieces(x->dim, few ? min_size(parts->piece, FEW_PIECE / x->n)
                                                   : BLOCK_PIECE);
    for (size_t r = 0; r < n_rows; r += rows) {
        b.w = (const char *)w + r * x->dim * parts->size;
        b.n_rows = min_size(rows, n_rows - r);
        for (size_t t = 0; t < x->n; t += tokens) {
            b.x.data = x->data + t * x->stride;
            b.x.n = min_size(tokens, x->n - t);
            b.n_tiles = ceil_div(b.x.n, parts->tokens);
            b.y = y + t * y_stride + r;
            b.n_ahead = n_rows - r;
            run_block(&b);
        }
    }
}
