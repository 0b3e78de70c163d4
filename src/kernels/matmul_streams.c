/* SPDX-License-Identifier: MIT */
/* matmul_streams.c - walks a matrix product where arithmetic keeps up with memory. The rows of a tile are as far
 * apart as can be, so that memory sees a few long streams, from end to end: it gives most for those,
 * and what a stream reads next lies where the processor's own prefetching expects it.
 *
 *   the next rows, one of each stream        in a span of k, for which the vectors are woven
 *     a piece of k                           whose weights stay in the nearest cache
 *       the tiles of tokens                  each fetches its share of what the streams read next
 *
 * Between pieces the 16 lanes of every sum wait in memory, so cutting k changes no bit. */
#include "base/alloc.h"
#include "kernels/matmul.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

/* Stack: 384 KB of vectors, which a far cache holds, and 192 KB of lanes, of which little is touched
 * unless k is longer than one span. */
#define MAX_TOKENS 48
#define MIN_TOKENS 16 /* that a block takes of more, however long k is */
#define MAX_X      (MAX_TOKENS * 2048)
#define MAX_SUMS   (MAX_TOKENS * 64)

/* Some rows of w times some vectors of x. */
typedef struct {
    const eg_matmul_parts *parts;
    const char *w; /* the first row                              */
    size_t n_rows;
    size_t each;    /* rows of a stream                           */
    eg_vectors x;   /* the vectors, as they are                   */
    size_t n_tiles; /* of tokens                                  */
    size_t piece;   /* of k, at most                              */
    size_t span;    /* of k, at most                              */
    size_t begin;   /* the span at work                           */
    size_t end;
    float *y;
    size_t y_stride;
    alignas(EG_ALIGN) float woven[MAX_X]; /* a span: [pieces, tiles, piece / 16, tokens, 16] */
    alignas(EG_ALIGN) float lanes[MAX_SUMS * EG_LANES];
} block;

static size_t min_size(size_t a, size_t b)
{
    return a < b ? a : b;
}

static size_t ceil_div(size_t a, size_t b)
{
    return (a + b - 1) / b;
}

/* Tokens of tile `index`, which begins at token t. */
static size_t tokens_of(const block *b, size_t index, size_t t)
{
    return ceil_div(b->x.n - t, b->n_tiles - index);
}

/* ---- vectors ------------------------------------------------------------------------------------ */

/* Vectors t to t + tokens from k to k + n, 16 elements of each in turn; returns where it ends. */
static float *weave_tile(float *to, const eg_vectors *x, size_t t, size_t tokens, size_t k,
                         size_t n)
{
    for (size_t i = 0; i < n; i += EG_LANES) {
        const float *from = x->data + t * x->stride + k + i;

        for (size_t c = 0; c < tokens; c++, to += EG_LANES, from += x->stride) {
            if (n - i >= EG_LANES) {
                memcpy(to, from, EG_LANES * sizeof *to);
            } else {
                memcpy(to, from, (n - i) * sizeof *to);
            }
        }
    }
    return to;
}

/* All vectors of the span. */
static void weave(block *b)
{
    float *to = b->woven;

    for (size_t k = b->begin; k < b->end; k += b->piece) {
        for (size_t i = 0, t = 0; i < b->n_tiles; i++) {
            const size_t tokens = tokens_of(b, i, t);

            to = weave_tile(to, &b->x, t, tokens, k, min_size(b->piece, b->end - k));
            t += tokens;
        }
    }
}

/* ---- weights ------------------------------------------------------------------------------------ */

/* n elements from k on of rows r, r + apart, ... times all vectors. */
static void run_piece(block *b, eg_tile *tile, size_t k, size_t n, float *lanes, float *y)
{
    const float *x = b->woven + (k - b->begin) * b->x.n;
    const char *ahead = (const char *)tile->w + b->parts->ahead;

    tile->n = n;
    for (size_t i = 0, t = 0; i < b->n_tiles; i++) {
        float *own = lanes + t * tile->rows * EG_LANES;

        tile->x = b->x.n == 1 ? b->x.data + k : x;
        tile->tokens = tokens_of(b, i, t);
        tile->y = y + t * b->y_stride;
        tile->from = k > 0 ? own : NULL;
        tile->to = k + n < b->x.dim ? own : NULL;
        tile->ahead = ahead + i * n / b->n_tiles * b->parts->size;
        b->parts->tile(tile);
        x += ceil_div(n, EG_LANES) * EG_LANES * tile->tokens;
        t += tile->tokens;
    }
}

/* Rows r, r + apart, ... for the span. */
static void run_rows(block *b, size_t r, size_t rows, size_t apart, size_t n_before)
{
    const size_t size = b->parts->size;
    float *lanes = b->lanes + (b->span < b->x.dim ? n_before * b->x.n * EG_LANES : 0);
    eg_tile tile = {.w_stride = apart * b->x.dim,
                    .rows = rows,
                    .y_stride = b->y_stride,
                    .y_step = apart,
                    .ahead_step = ceil_div(EG_LANES * size, b->n_tiles)};
    size_t k = b->begin;

    do { /* at least once: a sum of nothing is +0 */
        const size_t n = min_size(b->piece, b->end - k);

        tile.w = b->w + (r * b->x.dim + k) * size;
        run_piece(b, &tile, k, n, lanes, b->y + r);
        k += n;
    } while (k < b->end);
}

static void run_block(block *b)
{
    const size_t rows = b->parts->rows;

    b->end = 0;
    do { /* at least once, as above */
        b->begin = b->end;
        b->end += min_size(b->span, b->x.dim - b->begin);
        if (b->x.n > 1) {
            weave(b);
        }
        for (size_t r = 0; r < b->each; r++) {
            run_rows(b, r, rows, b->each, r * rows);
        }
        for (size_t r = b->each * rows; r < b->n_rows; r++) { /* those left over */
            run_rows(b, r, 1, 1, r);
        }
    } while (b->end < b->x.dim);
}

/* ---- blocks ------------------------------------------------------------------------------------- */

/* k in equal parts of whole lanes, of at most `most` elements. */
static size_t equal_parts(size_t dim, size_t most)
{
    return dim <= most ? dim : ceil_div(ceil_div(dim, ceil_div(dim, most)), EG_LANES) * EG_LANES;
}

static void run_tokens(block *b, const void *w, size_t n_rows)
{
    const size_t dim = b->x.dim;
    float *y = b->y;

    b->n_tiles = ceil_div(b->x.n, b->parts->tokens);
    b->piece = equal_parts(dim, b->parts->piece);
    b->span = dim;
    if (b->x.n > 1 && ceil_div(dim, EG_LANES) * EG_LANES * b->x.n > MAX_X) {
        b->piece = min_size(b->piece, MAX_X / b->x.n / EG_LANES * EG_LANES);
        b->span = MAX_X / b->x.n / b->piece * b->piece;
    }

    const size_t most = b->span < dim ? MAX_SUMS / b->x.n : n_rows;

    for (size_t r = 0; r < n_rows; r += b->n_rows) {
        b->w = (const char *)w + r * dim * b->parts->size;
        b->y = y + r;
        b->n_rows = min_size(most, n_rows - r);
        b->each = b->n_rows / b->parts->rows;
        run_block(b);
    }
}

/* Most tokens of a block: as many as have room without cutting k, since every span weaves again for few
 * rows. */
static size_t most_tokens(size_t dim)
{
    const size_t fit = dim <= MAX_X / MAX_TOKENS ? MAX_TOKENS : MAX_X / (dim + EG_LANES);

    return fit < MIN_TOKENS ? MIN_TOKENS : fit;
}

void eg_matmul_streams(float *y, size_t y_stride, const void *w, size_t n_rows, const eg_vectors *x,
                       const eg_matmul_parts *parts)
{
    const size_t n_blocks = ceil_div(x->n, most_tokens(x->dim));
    block b; /* not initialised as a whole: its buffers are large */

    b.parts = parts;
    b.y_stride = y_stride;
    b.x = *x;
    for (size_t i = 0, t = 0; i < n_blocks; i++) {
        b.x.data = x->data + t * x->stride;
        b.x.n = ceil_div(x->n - t, n_blocks - i);
        b.y = y + t * y_stride;
        run_tokens(&b, w, n_rows);
        t += b.x.n;
    }
}
