/* SPDX-License-Identifier: MIT */
/* training_attend.h - causal attention of one unit, there and back, written once over vectors of 16
 * lanes (training_rows.h says what a file that includes this has defined).
 *
 * Queries are taken in blocks of 16, one per lane, and everything that belongs to a block is kept
 * transposed: scores [key, 16], outputs [head_dim, 16]. So softmax runs down the keys without
 * any sum across lanes, and each product is small matrices times rows of full vectors:
 *
 *   S = K Q^T            [keys, head_dim] x [head_dim, 16]
 *   O = V^T P            [head_dim, keys] x [keys, 16]
 *
 * On the way back the probabilities are made again from the scores and their logarithmic sum
 * (Dao et al., "FlashAttention", 2022, algorithm 4), with D = sum over d of dO O of each query:
 *
 *   P = e^(S - lse)      dP = V dO^T      dS = P (dP - D)
 *   dV += P dO           dK += dS Q       dQ^T += K^T dS
 *
 * 1 / sqrt(head_dim) is multiplied into the queries as they are transposed, and into dQ at the
 * end. */
#ifndef EG_KERNELS_TRAINING_ATTEND_H
#define EG_KERNELS_TRAINING_ATTEND_H

#include "kernels/training_rows.h"

#define KEYS EG_ATTEND_KEYS

/* ---- small products ------------------------------------------------------------------------ */

/* c [m, n] = a b, or += with `add`; n is a multiple of 16. Element (i, l) of a stands at
 * a[i * a_row + l * a_column], so that a may be a transpose. Each number of c is one chain of fused
 * multiply-adds in rising l, so its bits do not depend on the tiles. */
typedef struct {
    eg_real *c;
    size_t c_row;
    const eg_real *a;
    size_t a_row;
    size_t a_column;
    const eg_real *b;
    size_t b_row;
    size_t m;
    size_t n;
    size_t k;
    bool add;
} small_product;

/* 16 columns j of `rows` <= TILE_ROWS rows i, their sums in registers. */
EG_INLINE void product_tile(const small_product *p, size_t i, size_t j, size_t rows)
{
    eg_real *c = p->c + i * p->c_row + j;
    const eg_real *a = p->a + i * p->a_row;
    const eg_real *b = p->b + j;
    vec sum[TILE_ROWS];

    EG_UNROLL
    for (size_t r = 0; r < rows; r++) {
        sum[r] = p->add ? vec_load(c + r * p->c_row) : vec_all(0);
    }
    for (size_t l = 0; l < p->k; l++, a += p->a_column, b += p->b_row) {
        const vec bl = vec_load(b);

        EG_UNROLL
        for (size_t r = 0; r < rows; r++) {
            sum[r] = vec_fma(vec_all(a[r * p->a_row]), bl, sum[r]);
        }
    }
    EG_UNROLL
    for (size_t r = 0; r < rows; r++) {
        vec_store(c + r * p->c_row, sum[r]);
    }
}

static void multiply(const small_product *p)
{
    for (size_t j = 0; j < p->n; j += EG_LANES) {
        size_t i = 0;

        for (; i + TILE_ROWS <= p->m; i += TILE_ROWS) {
            product_tile(p, i, j, TILE_ROWS);
        }
        for (; i < p->m; i++) {
            product_tile(p, i, j, 1);
        }
    }
}

/* ---- a unit's memory ----------------------------------------------------------------------- */

/* Blocks are transposed where their name ends in t. `row` is head_dim rounded up to full
 * vectors. */
typedef struct {
    size_t dim; /* head_dim          */
    size_t row;
    eg_real scale; /* 1 / sqrt(dim)  */
    eg_real *k;    /* [keys, dim] keys: n rounded up to full blocks; zeros beyond n */
    eg_real *v;    /* [keys, dim]                                                   */
    eg_real *st;   /* [keys, 16] scores, then probabilities of a block's queries    */
    eg_real *qt;   /* [dim, 16] queries, scaled                                     */
    eg_real *ot;   /* [dim, 16] outputs                                             */

    /* The way back only. */
    eg_real *q;   /* [16, row] queries, scaled */
    eg_real *g;   /* [16, row] dO              */
    eg_real *gt;  /* [dim, 16] dO              */
    eg_real *dst; /* [KEYS, 16] dP, then dS    */
    eg_real *dqt; /* [dim, 16]                 */
    eg_real *dk;  /* [keys, row]               */
    eg_real *dv;  /* [keys, row]               */
} workspace;

static inline size_t round_up(size_t n)
{
    return (n + EG_LANES - 1) / EG_LANES * EG_LANES;
}

static inline eg_real *take(eg_real **scratch, size_t n)
{
    eg_real *taken = *scratch;

    *scratch += n;
    return taken;
}

/* to [round_up(n), to_row] = the n rows of `from`, `dim` long, times `scale`; the rest is 0. to_row
 * is dim, or that rounded up. */
static void pack(eg_real *to, size_t to_row, const eg_real *from, size_t from_row, size_t n,
                 size_t dim, eg_real scale)
{
    for (size_t i = 0; i < n; i++) {
        for (size_t d = 0; d < to_row; d += EG_LANES) {
            vec x = vec_get(from + i * from_row + d, dim - d, 0);

            vec_put(to + i * to_row + d, vec_mul(x, vec_all(scale)), to_row - d);
        }
    }
    memset(to + n * to_row, 0, (round_up(n) - n) * to_row * sizeof *to);
}

/* to [dim, 16] = the transpose of a packed block [16, row]. */
static void transpose(eg_real *to, const eg_real *packed, size_t row, size_t dim)
{
    for (size_t d = 0; d < dim; d++) {
        for (size_t l = 0; l < EG_LANES; l++) {
            to[d * EG_LANES + l] = packed[l * row + d];
        }
    }
}

/* The sizes add up to eg_attend_unit_scratch(). */
static workspace prepare(const eg_attend_unit *u)
{
    const size_t dim = u->head_dim;
    const size_t row = round_up(dim);
    const size_t keys = round_up(u->n);
    eg_real *left = u->scratch;
    workspace w = {.dim = dim,
                   .row = row,
                   .scale = 1 / eg_real_sqrt((eg_real)dim),
                   .k = take(&left, keys * dim),
                   .v = take(&left, keys * dim),
                   .st = take(&left, (keys < KEYS ? KEYS : keys) * EG_LANES),
                   .qt = take(&left, dim * EG_LANES),
                   .ot = take(&left, dim * EG_LANES),
                   .q = take(&left, EG_LANES * row),
                   .g = take(&left, EG_LANES * row),
                   .gt = take(&left, dim * EG_LANES),
                   .dst = take(&left, KEYS * EG_LANES),
                   .dqt = take(&left, dim * EG_LANES),
                   .dk = take(&left, keys * row),
                   .dv = take(&left, keys * row)};

    pack(w.k, dim, u->k, u->kv_stride, u->n, dim, 1);
    pack(w.v, dim, u->v, u->kv_stride, u->n, dim, 1);
    return w;
}

/* ---- both ways ----------------------------------------------------------------------------- */

/* Up to 16 query rows of one head. */
typedef struct {
    size_t first; /* row of the sequence      */
    size_t n;     /* rows, 16 but at the end  */
    size_t at;    /* first row's q, out, ...  */
    size_t lse;   /* first row's lse          */
} query_block;

static query_block block_of(const eg_attend_unit *u, size_t head, size_t first)
{
    const size_t left = u->n - first;

    return (query_block){.first = first,
                         .n = left < EG_LANES ? left : EG_LANES,
                         .at = first * u->q_stride + head * u->head_dim,
                         .lse = first * u->lse_stride + head};
}

/* st [n, 16] = scores of keys first .. first + n - 1 for a block's queries. A query sees no key
 * beyond its own row: there e^score is to be 0. Lanes beyond the sequence hold zeros: their
 * scores are 0, and nobody reads what comes of them. */
static void score(const workspace *w, const query_block *b, size_t first, size_t n)
{
    multiply(&(small_product){.c = w->st,
                              .c_row = EG_LANES,
                              .a = w->k + first * w->dim,
                              .a_row = w->dim,
                              .a_column = 1,
                              .b = w->qt,
                              .b_row = EG_LANES,
                              .m = n,
                              .n = EG_LANES,
                              .k = w->dim});
    for (size_t key = b->first + 1; key < first + n; key++) {
        for (size_t l = 0; l < key - b->first; l++) {
            w->st[(key - first) * EG_LANES + l] = -INFINITY;
        }
    }
}

/* ---- forward ------------------------------------------------------------------------------- */

/* The largest score of each lane. */
static inline vec max_down(const eg_real *st, size_t keys)
{
    vec max = vec_load(st);

    for (size_t j = 1; j < keys; j++) {
        max = vec_max(vec_load(st + j * EG_LANES), max);
    }
    return max;
}

/* Scores [keys, 16] become e^(score - max), which are added to *sum. */
static inline void exp_down(vec *sum, eg_real *st, size_t keys, vec max)
{
    for (size_t j = 0; j < keys; j++) {
        vec e = vec_exp(vec_sub(vec_load(st + j * EG_LANES), max));

        *sum = vec_add(*sum, e);
        vec_store(st + j * EG_LANES, e);
    }
}

static void attend_block(const eg_attend_unit *u, const workspace *w, const query_block *b)
{
    const size_t keys = b->first + EG_LANES;
    eg_real sums[EG_LANES];
    eg_real maxima[EG_LANES];
    vec sum = vec_all(0);

    pack(w->q, w->row, u->q + b->at, u->q_stride, b->n, w->dim, w->scale);
    transpose(w->qt, w->q, w->row, w->dim);
    score(w, b, 0, keys);

    const vec max = max_down(w->st, keys);

    memset(w->ot, 0, w->dim * EG_LANES * sizeof *w->ot);
    for (size_t first = 0; first < keys; first += KEYS) {
        const size_t n = keys - first < KEYS ? keys - first : KEYS;
        eg_real *st = w->st + first * EG_LANES;

        exp_down(&sum, st, n, max);
        multiply(&(small_product){.c = w->ot,
                                  .c_row = EG_LANES,
                                  .a = w->v + first * w->dim,
                                  .a_row = 1,
                                  .a_column = w->dim,
                                  .b = st,
                                  .b_row = EG_LANES,
                                  .m = w->dim,
                                  .n = EG_LANES,
                                  .k = n,
                                  .add = true});
    }

    const vec inverse = vec_div(vec_all(1), sum);

    for (size_t d = 0; d < w->dim; d++) {
        vec_store(w->ot + d * EG_LANES, vec_mul(vec_load(w->ot + d * EG_LANES), inverse));
    }
    vec_store(sums, sum);
    vec_store(maxima, max);
    for (size_t l = 0; l < b->n; l++) {
        u->lse[b->lse + l * u->lse_stride] = maxima[l] + eg_real_log(sums[l]);
        for (size_t d = 0; d < w->dim; d++) {
            u->out[b->at + l * u->q_stride + d] = w->ot[d * EG_LANES + l];
        }
    }
}

static void attend(const eg_attend_unit *u)
{
    const workspace w = prepare(u);

    for (size_t head = 0; head < u->n_q; head++) {
        for (size_t first = 0; first < u->n; first += EG_LANES) {
            const query_block b = block_of(u, head, first);

            attend_block(u, &w, &b);
        }
    }
}

/* ---- back ---------------------------------------------------------------------------------- */

/* Of a block's queries: the logarithm of the sum of exponentials, and D. */
typedef struct {
    vec lse;
    vec d;
} block_sums;

/* q, qt, g, gt and ot of a block. */
static block_sums load_block(const eg_attend_unit *u, const workspace *w, const query_block *b)
{
    eg_real lse[EG_LANES] = {0};
    block_sums sums = {.d = vec_all(0)};

    pack(w->q, w->row, u->y + b->at, u->q_stride, b->n, w->dim, 1);
    transpose(w->ot, w->q, w->row, w->dim);
    pack(w->q, w->row, u->q + b->at, u->q_stride, b->n, w->dim, w->scale);
    transpose(w->qt, w->q, w->row, w->dim);
    pack(w->g, w->row, u->dy + b->at, u->q_stride, b->n, w->dim, 1);
    transpose(w->gt, w->g, w->row, w->dim);

    for (size_t l = 0; l < b->n; l++) {
        lse[l] = u->y_lse[b->lse + l * u->lse_stride];
    }
    sums.lse = vec_load(lse);
    for (size_t d = 0; d < w->dim; d++) {
        sums.d = vec_fma(vec_load(w->gt + d * EG_LANES), vec_load(w->ot + d * EG_LANES), sums.d);
    }
    return sums;
}

/* dk, dv and dqt of keys first .. first + n - 1 and a block's queries. */
static void attend_keys_back(const workspace *w, const query_block *b, const block_sums *sums,
                             size_t first, size_t n)
{
    score(w, b, first, n);
    multiply(&(small_product){.c = w->dst,
                              .c_row = EG_LANES,
                              .a = w->v + first * w->dim,
                              .a_row = w->dim,
                              .a_column = 1,
                              .b = w->gt,
                              .b_row = EG_LANES,
                              .m = n,
                              .n = EG_LANES,
                              .k = w->dim});
    for (size_t j = 0; j < n * EG_LANES; j += EG_LANES) {
        vec p = vec_exp(vec_sub(vec_load(w->st + j), sums->lse));

        vec_store(w->st + j, p);
        vec_store(w->dst + j, vec_mul(p, vec_sub(vec_load(w->dst + j), sums->d)));
    }
    multiply(&(small_product){.c = w->dv + first * w->row,
                              .c_row = w->row,
                              .a = w->st,
                              .a_row = EG_LANES,
                              .a_column = 1,
                              .b = w->g,
                              .b_row = w->row,
                              .m = n,
                              .n = w->row,
                              .k = EG_LANES,
                              .add = true});
    multiply(&(small_product){.c = w->dk + first * w->row,
                              .c_row = w->row,
                              .a = w->dst,
                              .a_row = EG_LANES,
                              .a_column = 1,
                              .b = w->q,
                              .b_row = w->row,
                              .m = n,
                              .n = w->row,
                              .k = EG_LANES,
                              .add = true});
    multiply(&(small_product){.c = w->dqt,
                              .c_row = EG_LANES,
                              .a = w->k + first * w->dim,
                              .a_row = 1,
                              .a_column = w->dim,
                              .b = w->dst,
                              .b_row = EG_LANES,
                              .m = w->dim,
                              .n = EG_LANES,
                              .k = n,
                              .add = true});
}

static void attend_block_back(const eg_attend_unit *u, const workspace *w, const query_block *b)
{
    const size_t keys = b->first + EG_LANES;
    const block_sums sums = load_block(u, w, b);

    memset(w->dqt, 0, w->dim * EG_LANES * sizeof *w->dqt);
    for (size_t first = 0; first < keys; first += KEYS) {
        attend_keys_back(w, b, &sums, first, keys - first < KEYS ? keys - first : KEYS);
    }
    for (size_t l = 0; l < b->n; l++) {
        for (size_t d = 0; d < w->dim; d++) {
            u->dq[b->at + l * u->q_stride + d] += w->dqt[d * EG_LANES + l] * w->scale;
        }
    }
}

static void attend_back(const eg_attend_unit *u)
{
    const workspace w = prepare(u);
    const size_t size = round_up(u->n) * w.row * sizeof(eg_real);

    memset(w.dk, 0, size);
    memset(w.dv, 0, size);
    for (size_t head = 0; head < u->n_q; head++) {
        for (size_t first = 0; first < u->n; first += EG_LANES) {
            const query_block b = block_of(u, head, first);

            attend_block_back(u, &w, &b);
        }
    }
    for (size_t i = 0; i < u->n; i++) {
        for (size_t d = 0; d < w.dim; d++) {
            u->dk[i * u->kv_stride + d] += w.dk[i * w.row + d];
            u->dv[i * u->kv_stride + d] += w.dv[i * w.row + d];
        }
    }
}

#endif
