/* SPDX-License-Identifier: MIT */
/* matmul.c - walks a matrix product tile by tile: a block of rows and tokens, in it a span of k, in it
 * tile after tile of 4 rows, a piece of k at a time. What is slow depends on the number of tokens:
 *
 *   few     weights come from memory: spans are long, so that memory reads 4 rows from end to end,
 *           and each piece is fetched while the one before it is computed
 *   many    arithmetic: a span is one piece, and the weights are copied together first, as float32
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

/* What the tiles of one block share: some rows of w times some vectors of x. */
typedef struct {
    const eg_matmul_parts *parts;
    const char *w; /* the first row */
    size_t n_rows;
    eg_vectors x; /* the vectors */
    float *y;
    size_t y_stride;
    size_t n_tiles; /* tiles of tokens                           */
    size_t piece;   /* elements of k at once                     */
    size_t begin;   /* the span of k for which x is copied:      */
    size_t end;     /* one or more pieces                        */
    bool pack;      /* copy pieces of w                          */
    alignas(EG_ALIGN) float lanes[BLOCK_SUMS * EG_LANES];
    alignas(EG_ALIGN) float packed_x[BLOCK_X]; /* a span: [pieces, tokens, piece] */
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

/* The weights that follow those of 4 rows before k: the same rows' next piece, or the next rows' first.
 * NULL at the end of a span. */
static const char *next_piece(const block *b, size_t r, size_t k)
{
    if (k < b->end) {
        return b->w + (r * b->x.dim + k) * b->parts->size;
    }
    if (r + 2 * EG_TILE_ROWS <= b->n_rows) {
        return b->w + ((r + EG_TILE_ROWS) * b->x.dim + b->begin) * b->parts->size;
    }
    return NULL;
}

/* While 4 rows serve several tiles of tokens, the next piece may be fetched, two rows by each of the
 * first two tiles. The others are told what they have already. */
static const void *rows_ahead(const block *b, const eg_tile *tile, const char *next, size_t i)
{
    if (!b->pack && b->n_tiles > 1 && i < EG_TILE_ROWS / 2 && next != NULL) {
        return next + 2 * i * b->x.dim * b->parts->size;
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
static void run_piece(block *b, size_t r, size_t rows, size_t k, const eg_vectors *x)
{
    const char *next = next_piece(b, r, k + x->dim);
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
        tile.ahead = rows_ahead(b, &tile, next, i);
        run(&tile);
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

/* One tile of rows, for the span. */
static void run_row_tile(block *b, size_t r, size_t rows)
{
    size_t k = b->begin;

    do { /* at least once: a sum of nothing is +0 */
        eg_vectors x = piece_of_x(b, k, min_size(b->piece, b->end - k));

        run_piece(b, r, rows, k, &x);
        k += x.dim;
    } while (k < b->end);
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
        for (; r + EG_TILE_ROWS <= b->n_rows; r += EG_TILE_ROWS) {
            run_row_tile(b, r, EG_TILE_ROWS);
        }
        for (; r < b->n_rows; r++) {
            run_row_tile(b, r, 1);
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
    const size_t rows = few ? BLOCK_SUMS / parts->few : BLOCK_ROWS;
    block b; /* not initialised as a whole: its buffers are large */

    assert(parts->few <= BLOCK_TOKENS);
    b.parts = parts;
    b.x = *x;
    b.y_stride = y_stride;
    b.pack = !few;
    b.piece = choose_piece(x, parts);
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
