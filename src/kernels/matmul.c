/* SPDX-License-Identifier: MIT */
/* matmul.c - walks a matrix product tile by tile: a block of rows and tokens, in it a span of k, in
 * it group after group of rows, a piece of k at a time. What is slow depends on the number of
 * tokens:
 *
 *   few     weights come from memory: spans are long, so that memory reads a group's rows from end
 *           to end, and the tiles fetch what comes next while they compute
 *   many    arithmetic: a span is one piece, a group is one tile of rows, and its weights are copied
 *           together first, as float32
 *
 * Vectors are copied together in both cases: 2^k bytes apart they would fight for the same places
 * in near caches. Between pieces the 16 lanes of every sum wait in memory, so cutting k changes no
 * bit. */
#include "kernels/matmul.h"

#include "base/alloc.h"
#include "kernels/cuts.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

/* Found by measurement (docs/performance.md). A block's lanes take 192 KB of the caller's room, its
 * copied pieces 104 KB; few tokens touch little of either. Without room 40 KB of stack: the same
 * for small products. */
#define FEW_PIECE    8192 /* elements of all vectors together: a near cache */
#define BLOCK_PIECE  512
#define BLOCK_ROWS   64
#define BLOCK_TOKENS 48
#define BLOCK_SUMS   (BLOCK_ROWS * BLOCK_TOKENS)
#define BLOCK_X      (BLOCK_TOKENS * BLOCK_PIECE)
#define TILE_ROWS    4   /* most rows of a tile */
#define OWN_PIECE    128 /* for many tokens */
#define OWN_FEW      4096
#define OWN_X        (BLOCK_TOKENS * OWN_PIECE)
#define OWN_SUMS     (BLOCK_TOKENS * TILE_ROWS)

_Static_assert(BLOCK_SUMS *EG_LANES + BLOCK_X + TILE_ROWS * BLOCK_PIECE <= EG_MATMUL_ROOM,
               "the room is what a product needs");

/* What the tiles of one block share: some rows of w times some vectors of x. */
typedef struct {
    const eg_matmul_parts *parts;
    const char *w; /* the first row */
    size_t n_rows;
    eg_vectors x; /* the vectors */
    float *y;
    size_t y_stride;
    size_t n_tiles;  /* tiles of tokens                           */
    size_t group;    /* rows of a group: whole tiles              */
    size_t piece;    /* elements of k at once                     */
    size_t begin;    /* the span of k for which x is copied:      */
    size_t end;      /* one or more pieces                        */
    bool pack;       /* copy pieces of w                          */
    size_t max_x;    /* floats of packed_x                        */
    float *packed_x; /* a span: [pieces, tokens, piece]           */
    float *packed_w; /* [TILE_ROWS, piece]                        */
    float *lanes;    /* that wait between pieces                  */
} block;

/* A piece of k of one group of rows. */
typedef struct {
    size_t r;     /* its first row, of the block's          */
    size_t rows;  /* of the group                           */
    size_t tile;  /* rows of a tile                         */
    size_t k;     /* where the piece begins                 */
    eg_vectors x; /* the vectors from k on, a piece of each */
} group;

/* The weights from row r and element k on. */
static const char *weights_at(const block *b, size_t r, size_t k)
{
    return b->w + (r * b->x.dim + k) * b->parts->size;
}

/* The weights that are needed after those of the tile at row r: the group's next tile, its next
 * piece, or the next group's first. NULL at the end of a span. */
static const char *weights_after(const block *b, const group *g, size_t r)
{
    if (r + g->tile < g->r + g->rows) {
        return weights_at(b, r + g->tile, g->k);
    }
    if (g->k + g->x.dim < b->end) {
        return weights_at(b, g->r, g->k + g->x.dim);
    }
    if (g->r + 2 * g->rows <= b->n_rows) {
        return weights_at(b, g->r + g->rows, b->begin);
    }
    return NULL;
}

/* Copies the piece of the group, which is one tile of rows. */
static void pack_group(block *b, const group *g)
{
    for (size_t i = 0; i < g->rows; i++) {
        b->parts->widen(b->packed_w + i * g->x.dim, weights_at(b, g->r + i, g->k), g->x.dim);
    }
}

/* The weights of the tile at row r: where they are, or where pack_group() put them. */
static void point_to_weights(eg_tile *tile, const block *b, const group *g, size_t r)
{
    tile->rows = g->tile;
    tile->n = g->x.dim;
    if (b->pack) {
        tile->w = b->packed_w;
        tile->w_stride = g->x.dim;
    } else {
        tile->w = weights_at(b, r, g->k);
        tile->w_stride = b->x.dim;
    }
    tile->ahead = NULL;
    tile->ahead_step = EG_LANES * b->parts->size / 2;
}

/* Tile `index` of the tokens, which begins at token t; returns its number of tokens. */
static size_t point_to_tokens(eg_tile *tile, block *b, const group *g, size_t r, size_t index,
                              size_t t)
{
    const size_t place = (r * g->x.n + t * g->tile) * EG_LANES;

    tile->tokens = ceil_div(g->x.n - t, b->n_tiles - index);
    tile->x = g->x.data + t * g->x.stride;
    tile->x_stride = g->x.stride;
    tile->from = g->k > 0 ? b->lanes + place : NULL;
    tile->to = g->k + g->x.dim < b->x.dim ? b->lanes + place : NULL;
    tile->y = b->y + t * b->y_stride + r;
    tile->y_stride = b->y_stride;
    tile->y_step = 1;
    return tile->tokens;
}

/* Few tokens: they stay in a near cache while the weights pass by. A tile fetches half of what
 * comes next, and one that is alone does what it can. */
static void run_few(block *b, const group *g)
{
    for (size_t r = g->r; r < g->r + g->rows; r += g->tile) {
        const char *next = weights_after(b, g, r);
        eg_tile tile;

        for (size_t i = 0, t = 0; i < b->n_tiles; i++) {
            point_to_weights(&tile, b, g, r);
            if (i < 2 && next != NULL && b->x.n > 1) {
                tile.ahead = next + i * (tile.n / 2) * b->parts->size;
            }
            t += point_to_tokens(&tile, b, g, r, i, t);
            b->parts->tile(&tile);
        }
    }
}

/* Many tokens: the copied weights stay in a near cache while the tokens pass by. */
static void run_many(block *b, const group *g)
{
    eg_tile tile;

    pack_group(b, g);
    for (size_t i = 0, t = 0; i < b->n_tiles; i++) {
        point_to_weights(&tile, b, g, g->r);
        t += point_to_tokens(&tile, b, g, g->r, i, t);
        b->parts->tile_f32(&tile);
    }
}

/* The vectors from k to k + n: as they are, or where copy_span() put them. */
static eg_vectors piece_of_x(const block *b, size_t k, size_t n)
{
    if (b->x.n > 1) {
        return (eg_vectors){
            .data = b->packed_x + (k - b->begin) * b->x.n, .n = b->x.n, .dim = n, .stride = n};
    }
    return (eg_vectors){.data = b->x.data + k, .n = b->x.n, .dim = n, .stride = b->x.stride};
}

/* Rows r .. r + rows in tiles of `tile`, for the span. */
static void run_group(block *b, size_t r, size_t rows, size_t tile)
{
    group g = {.r = r, .rows = rows, .tile = tile, .k = b->begin};

    do { /* at least once: a sum of nothing is +0 */
        g.x = piece_of_x(b, g.k, min_size(b->piece, b->end - g.k));
        (b->pack ? run_many : run_few)(b, &g);
        g.k += g.x.dim;
    } while (g.k < b->end);
}

/* Copies the span's vectors together, piece by piece. */
static void copy_span(block *b)
{
    float *to = b->packed_x;

    for (size_t k = b->begin; k < b->end; k += b->piece) {
        const size_t n = min_size(b->piece, b->end - k);

        for (size_t t = 0; t < b->x.n; t++, to += n) {
            memcpy(to, b->x.data + t * b->x.stride + k, n * sizeof *to);
        }
    }
}

/* Elements of k whose vectors are copied at once; one token needs no copy. */
static size_t longest_span(const block *b)
{
    if (b->x.n <= 1 || b->piece == b->x.dim) { /* which may be 0 */
        return b->x.dim;
    }
    return b->pack ? b->piece : b->max_x / b->x.n / b->piece * b->piece;
}

static void run_block(block *b)
{
    const size_t span = longest_span(b);

    b->end = 0;
    do { /* at least once, as above */
        size_t r = 0;

        b->begin = b->end;
        b->end += min_size(span, b->x.dim - b->begin);
        if (b->x.n > 1) {
            copy_span(b);
        }
        for (; r + b->group <= b->n_rows; r += b->group) {
            run_group(b, r, b->group, b->parts->rows);
        }
        for (; r + b->parts->rows <= b->n_rows; r += b->parts->rows) {
            run_group(b, r, b->parts->rows, b->parts->rows);
        }
        for (; r < b->n_rows; r++) {
            run_group(b, r, 1, 1);
        }
    } while (b->end < b->x.dim);
}

/* Elements of k at once. */
static size_t choose_piece(const eg_vectors *x, const eg_matmul_parts *parts)
{
    if (x->n <= 1) {
        return x->dim;
    }
    if (x->n > parts->few) {
        return equal_parts(x->dim, x->room != NULL ? BLOCK_PIECE : OWN_PIECE);
    }
    return equal_parts(x->dim,
                       min_size(parts->piece, (x->room != NULL ? FEW_PIECE : OWN_FEW) / x->n));
}

/* Rows of a block: whole groups, whose lanes have room while they wait. */
static size_t rows_of_block(const block *b, bool few)
{
    const bool waiting = b->piece < b->x.dim;
    const size_t sums = b->x.room == NULL && waiting ? OWN_SUMS : BLOCK_SUMS;
    const size_t most = sums / (few ? b->parts->few : BLOCK_TOKENS);

    return most - most % b->group;
}

void eg_matmul_tiled(float *y, size_t y_stride, const void *w, size_t n_rows, const eg_vectors *x,
                     const eg_matmul_parts *parts)
{
    const bool few = x->n <= parts->few;
    const bool given = x->room != NULL;
    alignas(EG_ALIGN) float own[OWN_X + TILE_ROWS * OWN_PIECE + OWN_SUMS * EG_LANES];
    block b = {.parts = parts,
               .x = *x,
               .y_stride = y_stride,
               .pack = !few,
               .piece = choose_piece(x, parts),
               .group = few ? parts->rows * parts->group : parts->rows,
               .max_x = given ? BLOCK_X : OWN_X,
               .packed_x = given ? x->room : own};

    assert(parts->few <= BLOCK_TOKENS);
    assert(parts->rows <= TILE_ROWS);
    b.packed_w = b.packed_x + b.max_x;
    b.lanes = b.packed_w + TILE_ROWS * (given ? BLOCK_PIECE : OWN_PIECE);

    const size_t rows = rows_of_block(&b, few);

    for (size_t r = 0; r < n_rows; r += rows) {
        b.w = (const char *)w + r * x->dim * parts->size;
        b.n_rows = min_size(rows, n_rows - r);
        for (size_t t = 0; t < x->n; t += BLOCK_TOKENS) {
            b.x.data = x->data + t * x->stride;
            b.x.n = min_size(BLOCK_TOKENS, x->n - t);
            b.n_tiles = ceil_div(b.x.n, parts->tokens);
            b.y = y + t * y_stride + r;
            run_block(&b);
        }
    }
}
