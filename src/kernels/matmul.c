/* SPDX-License-Identifier: MIT */
/* matmul.c - walks a matrix product tile by tile: a block of rows and tokens, in it a span of k, in it
 * group after group of rows, a piece of k at a time. What is slow depends on the number of tokens:
 *
 *   few     weights come from memory: spans are long, so that memory reads a group's rows from end
 *           to end, and the tiles fetch what comes next while they compute
 *   many    arithmetic: a span is one piece, a group is one tile of rows, and its weights are copied
 *           together first, as float32
 *
 * Vectors are copied together in both cases: 2^k bytes apart they would fight for the same places in
 * near caches. Between pieces the 16 lanes of every sum wait in memory, so cutting k changes no bit. */
#include "kernels/matmul.h"

#include "base/alloc.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

/* Found by measurement (docs/performance.md). A block's lanes take 192 KB of stack, its copied pieces
 * 104 KB; few tokens touch little of either. */
#define FEW_PIECE    8192 /* elements of all vectors together: a near cache */
#define BLOCK_PIECE  512
#define BLOCK_ROWS   64
#define BLOCK_TOKENS 48
#define BLOCK_SUMS   (BLOCK_ROWS * BLOCK_TOKENS)
#define BLOCK_X      (BLOCK_TOKENS * BLOCK_PIECE)
#define TILE_ROWS    4 /* most rows of a tile */

/* What the tiles of one block share: some rows of w times some vectors of x. */
typedef struct {
    const eg_matmul_parts *parts;
    const char *w; /* the first row */
    size_t n_rows;
    eg_vectors x; /* the vectors */
    float *y;
    size_t y_stride;
    size_t n_tiles; /* tiles of tokens                           */
    size_t group;   /* rows of a group: whole tiles              */
    size_t piece;   /* elements of k at once                     */
    size_t begin;   /* the span of k for which x is copied:      */
    size_t end;     /* one or more pieces                        */
    bool pack;      /* copy pieces of w                          */
    alignas(EG_ALIGN) float lanes[BLOCK_SUMS * EG_LANES];
    alignas(EG_ALIGN) float packed_x[BLOCK_X]; /* a span: [pieces, tokens, piece] */
    alignas(EG_ALIGN) float packed_w[TILE_ROWS * BLOCK_PIECE];
} block;

/* A piece of k of one group of rows. */
typedef struct {
    size_t r;     /* its first row, of the block's          */
    size_t rows;  /* of the group                           */
    size_t tile;  /* rows of a tile                         */
    size_t k;     /* where the piece begins                 */
    eg_vectors x; /* the vectors from k on, a piece of each */
} group;

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* The weights from row r and element k on. */
static const char *weights_at(const block *b, size_t r, size_t k)
{
    return b->w + (r * b->x.dim + k) * b->parts->size;
}

/* The weights that are needed after those of the tile at row r: the group's next tile, its next piece,
 * or the next group's first. NULL at the end of a span. */
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
    float *lanes = b->lanes + (r * g->x.n + t * g->tile) * EG_LANES;

    tile->tokens = ceil_div(g->x.n - t, b->n_tiles - index);
    tile->x = g->x.data + t * g->x.stride;
    tile->x_stride = g->x.stride;
    tile->from = g->k > 0 ? lanes : NULL;
    tile->to = g->k + g->x.dim < b->x.dim ? lanes : NULL;
    tile->y = b->y + t * b->y_stride + r;
    tile->y_stride = b->y_stride;
    tile->y_step = 1;
    return tile->tokens;
}

/* Few tokens: they stay in a near cache while the weights pass by. A tile fetches half of what comes
 * next, and one that is alone does what it can. */
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
        return (eg_vectors){b->packed_x + (k - b->begin) * b->x.n, b->x.n, n, n};
    }
    return (eg_vectors){b->x.data + k, b->x.n, n, b->x.stride};
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
    return b->pack ? b->piece : BLOCK_X / b->x.n / b->piece * b->piece;
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

/* k in equal pieces of whole lanes, of at most `most` elements. */
static size_t equal_pieces(size_t dim, size_t most)
{
    return dim <= most ? dim : ceil_div(ceil_div(dim, ceil_div(dim, most)), EG_LANES) * EG_LANES;
}

/* Elements of k at once. */
static size_t choose_piece(const eg_vectors *x, const eg_matmul_parts *parts)
{
    if (x->n <= 1) {
        return x->dim;
    }
    return equal_pieces(x->dim, x->n <= parts->few ? min_size(parts->piece, FEW_PIECE / x->n)
                                                   : BLOCK_PIECE);
}

void eg_matmul_tiled(float *y, size_t y_stride, const void *w, size_t n_rows, const eg_vectors *x,
                     const eg_matmul_parts *parts)
{
    const bool few = x->n <= parts->few;
    block b; /* not initialised as a whole: its buffers are large */

    assert(parts->few <= BLOCK_TOKENS);
    assert(parts->rows <= TILE_ROWS);
    b.parts = parts;
    b.x = *x;
    b.y_stride = y_stride;
    b.pack = !few;
    b.piece = choose_piece(x, parts);
    b.group = few ? parts->rows * parts->group : parts->rows;

    const size_t most = few ? BLOCK_SUMS / parts->few : BLOCK_ROWS;
    const size_t rows = most - most % b.group;

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
