/* SPDX-License-Identifier: MIT */
/* matmul_streams.c - walks a matrix product where arithmetic keeps up with memory. The rows of a
 * tile are as far apart as can be, so that memory sees a few long streams, from end to end: it
 * gives most for those, and what a stream reads next lies where the processor's own prefetching
 * expects it.
 *
 *   the next rows, one of each stream        in a span of k, for which the vectors are woven
 *     a piece of k                           whose weights stay in the nearest cache
 *       the tiles of tokens                  each fetches its share of what the streams read next
 *
 * A file's weights begin anywhere, and a load that crosses a cache line costs two. So k is counted
 * from where 16 elements are aligned, and lanes are turned against the canonical ones by a
 * constant: they take the same elements in the same order, and the fold by halves pairs the same
 * lanes. What lies before a row is never read.
 *
 * Between pieces the 16 lanes of every sum wait in memory, so cutting k changes no bit. */
#include "base/alloc.h"
#include "kernels/cuts.h"
#include "kernels/matmul.h"

#include <assert.h>
#include <stdalign.h>
#include <stdbool.h>
#include <string.h>

/* Of the caller's room: 771 KB of vectors, which a far cache holds, and 192 KB of lanes, of which
 * little is touched unless k is longer than one span. Without it 32 KB of stack: the same for small
 * products. */
#define MAX_TOKENS 48
#define MIN_TOKENS 16 /* that a block takes of more, however long k is */
#define MAX_X      (MAX_TOKENS * (4096 + EG_LANES))
#define MAX_SUMS   (MAX_TOKENS * 64)
#define OWN_X      4096
#define MAX_ROWS   6 /* of a tile */
#define OWN_SUMS   (MAX_TOKENS * MAX_ROWS)

_Static_assert(MAX_X + MAX_SUMS * EG_LANES <= EG_MATMUL_ROOM, "the room is what a product needs");

/* Some rows of w times some vectors of x. */
typedef struct {
    const eg_matmul_parts *parts;
    const char *w; /* the first row                              */
    size_t n_rows;
    size_t each;    /* rows of a stream                           */
    size_t lead;    /* elements that k is counted from before the rows begin */
    size_t length;  /* of k: lead and the row                     */
    eg_vectors x;   /* the vectors, as they are                   */
    size_t n_tiles; /* of tokens                                  */
    size_t piece;   /* of k, at most                              */
    size_t span;    /* of k, at most                              */
    size_t begin;   /* the span at work                           */
    size_t end;
    float *y;
    size_t y_stride;
    size_t max_x;    /* floats of woven                           */
    size_t max_sums; /* whose lanes wait                          */
    float *woven;    /* a span: [pieces, tiles, piece / 16, tokens, 16] */
    float *lanes;
} block;

/* Tokens of tile `index`, which begins at token t. */
static size_t tokens_of(const block *b, size_t index, size_t t)
{
    return ceil_div(b->x.n - t, b->n_tiles - index);
}

/* ---- vectors --------------------------------------------------------------------------------- */

/* The 16 elements of a vector from k on, which are fewer at its ends: then zeros. */
static void weave_lanes(float *to, const block *b, const float *vector, size_t k)
{
    const size_t skip = k < b->lead ? b->lead - k : 0;
    const size_t end = min_size(EG_LANES, b->length - k);

    if (skip == 0 && end == EG_LANES) {
        memcpy(to, vector + (k - b->lead), EG_LANES * sizeof *to);
    } else {
        memset(to, 0, EG_LANES * sizeof *to);
        memcpy(to + skip, vector + (k + skip - b->lead), (end - skip) * sizeof *to);
    }
}

/* Vectors t to t + tokens from k to k + n, 16 elements of each in turn; returns where it ends. */
static float *weave_tile(float *to, const block *b, size_t t, size_t tokens, size_t k, size_t n)
{
    for (size_t i = 0; i < n; i += EG_LANES) {
        for (size_t c = 0; c < tokens; c++, to += EG_LANES) {
            weave_lanes(to, b, b->x.data + (t + c) * b->x.stride, k + i);
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

            to = weave_tile(to, b, t, tokens, k, min_size(b->piece, b->end - k));
            t += tokens;
        }
    }
}

/* ---- weights --------------------------------------------------------------------------------- */

/* n elements from k on of rows r, r + apart, ... times all vectors. */
static void run_piece(block *b, eg_tile *tile, size_t k, size_t n, float *lanes, float *y)
{
    const float *x = b->woven + (k - b->begin) * b->x.n;
    const char *ahead = (const char *)tile->w + b->parts->ahead;

    tile->n = n;
    tile->skip = k == 0 ? b->lead : 0;
    for (size_t i = 0, t = 0; i < b->n_tiles; i++) {
        float *own = lanes + t * tile->rows * EG_LANES;

        tile->x = x;
        tile->tokens = tokens_of(b, i, t);
        tile->y = y + t * b->y_stride;
        tile->from = k > 0 ? own : NULL;
        tile->to = k + n < b->length ? own : NULL;
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
    float *lanes = b->lanes + (b->span < b->length ? n_before * b->x.n * EG_LANES : 0);
    eg_tile tile = {.w_stride = apart * b->x.dim,
                    .rows = rows,
                    .y_stride = b->y_stride,
                    .y_step = apart,
                    .ahead_step = ceil_div(EG_LANES * size, b->n_tiles)};
    size_t k = b->begin;

    do { /* at least once: a sum of nothing is +0 */
        const size_t n = min_size(b->piece, b->end - k);

        tile.w = b->w + (r * b->x.dim + (k > 0 ? k - b->lead : 0)) * size;
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
        b->end += min_size(b->span, b->length - b->begin);
        weave(b);
        for (size_t r = 0; r < b->each; r++) {
            run_rows(b, r, rows, b->each, r * rows);
        }
        for (size_t r = b->each * rows; r < b->n_rows; r++) { /* those left over */
            run_rows(b, r, 1, 1, r);
        }
    } while (b->end < b->length);
}

/* ---- blocks ---------------------------------------------------------------------------------- */

static void run_tokens(block *b, const void *w, size_t n_rows)
{
    const size_t room = b->max_x / b->x.n;
    const size_t row = b->x.dim * b->parts->size;
    float *y = b->y;

    b->n_tiles = ceil_div(b->x.n, b->parts->tokens);
    b->piece = equal_parts(b->length, b->parts->piece);
    b->span = b->length;
    if (ceil_div(b->length, EG_LANES) * EG_LANES > room) {
        b->piece = min_size(b->piece, room / EG_LANES * EG_LANES);
        b->span = room / b->piece * b->piece;
    }

    const size_t most = b->span < b->length ? b->max_sums / b->x.n : n_rows;

    for (size_t r = 0; r < n_rows; r += b->n_rows) {
        b->w = (const char *)w + r * row;
        b->y = y + r;
        b->n_rows = min_size(most, n_rows - r);
        b->each = b->n_rows / b->parts->rows;
        run_block(b);
    }
}

/* Most tokens of a block: as many as have room without cutting k, since every span weaves again for
 * few rows. */
static size_t most_tokens(const block *b)
{
    const size_t fit = b->max_x / (b->x.dim + EG_LANES);

    return fit < MIN_TOKENS ? MIN_TOKENS : min_size(fit, MAX_TOKENS);
}

/* How many elements before w the 16 begin that are aligned in memory, for all rows; 0 when rows
 * differ. */
static size_t lead_of(const void *w, size_t dim, size_t size)
{
    const size_t off = (uintptr_t)w % (EG_LANES * size);

    return dim == 0 || dim % EG_LANES != 0 || off % size != 0 ? 0 : off / size;
}

void eg_matmul_streams(float *y, size_t y_stride, const void *w, size_t n_rows, const eg_vectors *x,
                       const eg_matmul_parts *parts)
{
    const bool given = x->room != NULL;
    alignas(EG_ALIGN) float own[OWN_X + OWN_SUMS * EG_LANES];
    block b = {.parts = parts,
               .y_stride = y_stride,
               .x = *x,
               .lead = lead_of(w, x->dim, parts->size),
               .max_x = given ? MAX_X : OWN_X,
               .max_sums = given ? MAX_SUMS : OWN_SUMS,
               .woven = given ? x->room : own};
    const size_t n_blocks = ceil_div(x->n, most_tokens(&b));

    assert(parts->rows <= MAX_ROWS);
    b.lanes = b.woven + b.max_x;
    b.length = b.lead + x->dim;
    for (size_t i = 0, t = 0; i < n_blocks; i++) {
        b.x.data = x->data + t * x->stride;
        b.x.n = ceil_div(x->n - t, n_blocks - i);
        b.y = y + t * y_stride;
        run_tokens(&b, w, n_rows);
        t += b.x.n;
    }
}
