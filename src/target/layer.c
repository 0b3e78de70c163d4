/* SPDX-License-Identifier: MIT */
/* layer.c - one Llama decoder layer, operation by operation.
 *
 *   n = norm(x)                      y = W x (+ bias)
 *   q, k, v = Wq n, Wk n, Wv n       rotated by RoPE, k and v stored in the cache
 *   x = x + Wo attend(q, K, V)
 *   n = norm(x)
 *   x = x + Wdown (silu(Wgate n) * Wup n)
 *
 * (Touvron et al. 2023.) The workers of a team run the same list side by side. */
#include "target/layer.h"

#include "kernels/mathf.h"

#include <string.h>

static eg_vectors rows_of(const eg_pass *p, const float *data, int32_t dim)
{
    return (eg_vectors){
        .data = data, .n = (size_t)p->n_rows, .dim = (size_t)dim, .stride = (size_t)dim};
}

eg_span eg_linear(eg_pass *p, const eg_worker *worker, float *y, const eg_matrix *matrix,
                  const eg_vectors *x)
{
    const size_t rows = (size_t)matrix->rows;
    eg_span share = eg_worker_span(worker, rows, EG_MATMUL_GRAIN);
    const size_t n = share.end - share.begin;
    const char *data = matrix->data;

    if (n == 0) {
        return share;
    }
    data += share.begin * x->dim * eagle_dtype_size(matrix->dtype);
    if (p->fast) {
        eg_gemm(y + share.begin, rows, data, matrix->dtype, n, x, p->panel);
    } else {
        eg_vectors vectors = *x;

        vectors.room = p->rooms + (size_t)worker->id * EG_MATMUL_ROOM;
        eg_kernels_matmul(p->compute.kernels, matrix->dtype)(y + share.begin, rows, data, n,
                                                             &vectors);
    }
    if (matrix->bias != NULL) {
        for (size_t t = 0; t < x->n; t++) {
            eg_add(y + t * rows + share.begin, matrix->bias + share.begin, n);
        }
    }
    return share;
}

void eg_matrix_row(float *y, const eg_matrix *matrix, int32_t row)
{
    const size_t cols = (size_t)matrix->cols;
    const char *data = matrix->data;

    eg_widen(y, data + (size_t)row * cols * eagle_dtype_size(matrix->dtype), matrix->dtype, cols);
}

void eg_pass_rotation(eg_pass *p, int32_t i)
{
    const size_t half = (size_t)p->config->head_dim / 2;

    eg_rope_angles(p->cos + (size_t)i * half, p->sin + (size_t)i * half, p->inv_freq, half,
                   p->rows[i].pos);
}

void eg_pass_check(eg_pass *p, int32_t i, const float *value, size_t n, int32_t fault)
{
    if (p->fault[i] == 0 && !eg_all_finite(value, n)) {
        p->fault[i] = fault;
    }
}

static void norm_rows(eg_pass *p, const eg_worker *worker, const float *weight)
{
    const size_t dim = (size_t)p->config->dim;
    const eg_span share = eg_worker_span(worker, (size_t)p->n_rows, 1);

    for (size_t i = share.begin; i < share.end; i++) {
        if (weight == NULL) {
            memcpy(p->y + i * dim, p->x + i * dim, dim * sizeof(float));
        } else {
            p->compute.kernels->rmsnorm(p->y + i * dim, p->x + i * dim, weight, p->config->rms_eps,
                                        dim);
        }
    }
}

static void attn_norm(eg_pass *p, const eg_worker *worker)
{
    const size_t dim = (size_t)p->config->dim;
    const eg_span share = eg_worker_span(worker, (size_t)p->n_rows, 1);

    /* What the layer before left behind; an embedding counts as layer 0's. */
    for (size_t i = share.begin; i < share.end; i++) {
        eg_pass_check(p, (int32_t)i, p->x + i * dim, dim, p->layer_index > 0 ? p->layer_index : 1);
    }
    norm_rows(p, worker, p->layer->attn_norm);
}

static void qkv(eg_pass *p, const eg_worker *worker)
{
    const eg_vectors x = rows_of(p, p->y, p->config->dim);

    eg_linear(p, worker, p->q, &p->layer->q, &x);
    eg_linear(p, worker, p->k, &p->layer->k, &x);
    eg_linear(p, worker, p->v, &p->layer->v, &x);
}

/* Rotates queries and keys; stores keys and values in their slots. */
static void rotate(eg_pass *p, const eg_worker *worker)
{
    const eagle_config *c = p->config;
    const size_t hd = (size_t)c->head_dim;
    const size_t n_heads = (size_t)c->n_heads;
    const size_t n_kv = (size_t)c->n_kv_heads;
    const eg_span share = eg_worker_span(worker, (size_t)p->n_rows * (n_heads + n_kv), 1);

    for (size_t item = share.begin; item < share.end; item++) {
        const size_t i = item / (n_heads + n_kv);
        const size_t head = item % (n_heads + n_kv);
        const float *cos = p->cos + i * (hd / 2);
        const float *sin = p->sin + i * (hd / 2);

        if (head < n_heads) {
            p->compute.kernels->rope(p->q + (i * n_heads + head) * hd, cos, sin, hd);
            continue;
        }
        const size_t kv_head = head - n_heads;
        const size_t slot = (size_t)eg_row_slot(&p->rows[i]);
        float *k = p->k + (i * n_kv + kv_head) * hd;

        p->compute.kernels->rope(k, cos, sin, hd);
        memcpy(eg_kvcache_k(p->kv, p->layer_index, (int32_t)kv_head) + slot * hd, k,
               hd * sizeof(float));
        memcpy(eg_kvcache_v(p->kv, p->layer_index, (int32_t)kv_head) + slot * hd,
               p->v + (i * n_kv + kv_head) * hd, hd * sizeof(float));
    }
}

/* Attention of each KV head and row, all rows of a head before the next, so that its keys and
 * values stay in near caches. Rows of a chunk attend to more and more slots, so they are dealt out
 * in turn. */
static void attend(eg_pass *p, const eg_worker *worker)
{
    const eagle_config *c = p->config;
    const size_t hd = (size_t)c->head_dim;
    const size_t n_kv = (size_t)c->n_kv_heads;
    const size_t group = (size_t)c->n_heads / n_kv;
    float *scores = p->scores + (size_t)worker->id * group * (size_t)p->room.slots;

    for (size_t item = (size_t)worker->id; item < (size_t)p->n_rows * n_kv;
         item += (size_t)worker->n) {
        const size_t i = item % (size_t)p->n_rows;
        const size_t kv_head = item / (size_t)p->n_rows;
        const eg_row *row = &p->rows[i];
        const size_t at = (i * n_kv + kv_head) * group * hd; /* a group's heads lie side by side */
        const eg_keys keys = {
            .k = eg_kvcache_k(p->kv, p->layer_index, (int32_t)kv_head),
            .v = eg_kvcache_v(p->kv, p->layer_index, (int32_t)kv_head),
            .head_dim = hd,
            .scale = eg_attention_scale(hd),
            .first = (size_t)row->first,
            .n_run = (size_t)row->n_run,
            .path = row->path,
            .n_path = (size_t)row->n_path,
        };

        p->compute.kernels->attend(p->attn + at, p->q + at, group, &keys, scores);
    }
}

/* x = x + matrix . in: each worker adds the outputs that it computed. */
static void add_product(eg_pass *p, const eg_worker *worker, const eg_matrix *matrix,
                        const eg_vectors *in)
{
    const size_t dim = (size_t)p->config->dim;
    const eg_span share = eg_linear(p, worker, p->y, matrix, in);

    for (size_t i = 0; i < in->n; i++) {
        eg_add(p->x + i * dim + share.begin, p->y + i * dim + share.begin, share.end - share.begin);
    }
}

static void attn_out(eg_pass *p, const eg_worker *worker)
{
    const eg_vectors attn = rows_of(p, p->attn, p->config->n_heads * p->config->head_dim);

    add_product(p, worker, &p->layer->o, &attn);
}

static void mlp_norm(eg_pass *p, const eg_worker *worker)
{
    norm_rows(p, worker, p->layer->mlp_norm);
}

static void gate_up(eg_pass *p, const eg_worker *worker)
{
    const size_t ffn = (size_t)p->config->ffn_dim;
    const eg_vectors x = rows_of(p, p->y, p->config->dim);

    eg_linear(p, worker, p->gate, &p->layer->gate, &x);
    const eg_span share = eg_linear(p, worker, p->up, &p->layer->up, &x);

    for (size_t i = 0; i < x.n; i++) {
        float *gate = p->gate + i * ffn + share.begin;

        p->compute.kernels->silu_mul(gate, gate, p->up + i * ffn + share.begin,
                                     share.end - share.begin);
    }
}

static void mlp_down(eg_pass *p, const eg_worker *worker)
{
    const eg_vectors act = rows_of(p, p->gate, p->config->ffn_dim);

    add_product(p, worker, &p->layer->down, &act);
}

const eg_operation eg_layer_operations[EG_LAYER_OPERATIONS] = {
    {attn_norm, EAGLE_SITE_ATTN_NORM, false}, {qkv, EAGLE_SITE_Q, true},
    {rotate, EAGLE_SITE_Q_ROPE, false},       {attend, EAGLE_SITE_ATTN, false},
    {attn_out, EAGLE_SITE_RESID_ATTN, true},  {mlp_norm, EAGLE_SITE_MLP_NORM, false},
    {gate_up, EAGLE_SITE_ACT, true},          {mlp_down, EAGLE_SITE_RESID_MLP, true},
};
