/* SPDX-License-Identifier: MIT */
/* layer_net.c - one Llama decoder layer, forward as in target/layer.c, and back.
 *
 *   n   = norm(x)                          x itself in EAGLE-1's layer
 *   q, k, v = Wq n, Wk n, Wv n             q and k rotated by RoPE
 *   mid = x + Wo attend(q, k, v)
 *   n   = norm(mid)
 *   y   = mid + Wdown (silu(Wgate n) * Wup n)
 *
 * The way back reads the list from its end. A residual sum hands its gradient to both of its terms,
 * so one array d serves the whole way: first it holds dL/dy, which is also what mid gets directly;
 * what comes through the MLP is added, and it is dL/dmid; what comes through the attention is
 * added, and it is dL/dx. */
#include "train/layer_net.h"

#include "kernels/mathf.h"

#include <stdio.h>
#include <string.h>

void eg_clear(eg_real *x, size_t n)
{
    enum { PART = 1 << 16 };

#pragma omp parallel for num_threads(eg_train_n_threads())
    for (size_t i = 0; i < n; i += PART) {
        memset(x + i, 0, (n - i < PART ? n - i : PART) * sizeof *x);
    }
}

/* ---- laying out -------------------------------------------------------------------------- */

void eg_layer_net_name(eg_layer_net *layer, eg_parameters *p, const eagle_config *c,
                       eg_layer_parts parts, const char *prefix)
{
    const size_t dim = (size_t)c->dim;
    const size_t ffn = (size_t)c->ffn_dim;
    const size_t q = (size_t)c->n_heads * (size_t)c->head_dim;
    const size_t kv = (size_t)c->n_kv_heads * (size_t)c->head_dim;

    if (parts.attn_norm) {
        layer->attn_norm = eg_parameters_norm(p, prefix, "input_layernorm", dim, c->rms_eps);
    }
    layer->q = eg_parameters_dense(p, prefix, "self_attn.q_proj", q, dim, parts.qkv_bias);
    layer->k = eg_parameters_dense(p, prefix, "self_attn.k_proj", kv, dim, parts.qkv_bias);
    layer->v = eg_parameters_dense(p, prefix, "self_attn.v_proj", kv, dim, parts.qkv_bias);
    layer->o = eg_parameters_dense(p, prefix, "self_attn.o_proj", dim, q, parts.o_bias);
    layer->mlp_norm = eg_parameters_norm(p, prefix, "post_attention_layernorm", dim, c->rms_eps);
    layer->gate = eg_parameters_dense(p, prefix, "mlp.gate_proj", ffn, dim, parts.mlp_bias);
    layer->up = eg_parameters_dense(p, prefix, "mlp.up_proj", ffn, dim, parts.mlp_bias);
    layer->down = eg_parameters_dense(p, prefix, "mlp.down_proj", dim, ffn, parts.mlp_bias);
}

static eg_real *take(eg_arena *arena, size_t n)
{
    return eg_arena_reals(arena, EG_FOR_ACTIVATIONS, n);
}

void eg_layer_kept_make(eg_layer_kept *out, const eagle_config *c, size_t rows, eg_arena *arena)
{
    const size_t n_heads = (size_t)c->n_heads;
    const size_t q = n_heads * (size_t)c->head_dim;
    const size_t kv = (size_t)c->n_kv_heads * (size_t)c->head_dim;
    const size_t ffn = (size_t)c->ffn_dim;

    *out = (eg_layer_kept){
        .attn_inv = take(arena, rows),
        .q = take(arena, rows * q),
        .k = take(arena, rows * kv),
        .v = take(arena, rows * kv),
        .attn = take(arena, rows * q),
        .lse = take(arena, rows * n_heads),
        .mid = take(arena, rows * (size_t)c->dim),
        .mlp_inv = take(arena, rows),
        .gate = take(arena, rows * ffn),
        .up = take(arena, rows * ffn),
        .act = take(arena, rows * ffn),
    };
}

/* cos and sin of every position up to `length`, the very floats of the inference engine. */
static eg_rotation make_rotation(const eagle_config *c, size_t length, eg_arena *arena)
{
    const size_t half = (size_t)c->head_dim / 2;
    eg_real *cos = take(arena, length * half);
    eg_real *sin = take(arena, length * half);
    float *some = eg_arena_take(arena, EG_FOR_ACTIVATIONS, 3 * half, sizeof *some);

    if (cos != NULL && sin != NULL && some != NULL) {
        float *frequency = some;
        float *some_cos = some + half;
        float *some_sin = some + 2 * half;

        (void)eg_rope_frequencies(frequency, &c->rope, (size_t)c->head_dim);
        for (size_t pos = 0; pos < length; pos++) {
            eg_rope_angles(some_cos, some_sin, frequency, half, (int32_t)pos);
            for (size_t j = 0; j < half; j++) {
                cos[pos * half + j] = some_cos[j];
                sin[pos * half + j] = some_sin[j];
            }
        }
    }
    return (eg_rotation){.head_dim = (size_t)c->head_dim, .cos = cos, .sin = sin};
}

void eg_layer_work_make(eg_layer_work *out, const eagle_config *c, const eg_batch_room *room,
                        bool learn, eg_arena *arena)
{
    const size_t rows = room->rows;
    const size_t dim = (size_t)c->dim;
    const size_t ffn = (size_t)c->ffn_dim;
    const size_t q = (size_t)c->n_heads * (size_t)c->head_dim;
    const size_t kv = (size_t)c->n_kv_heads * (size_t)c->head_dim;

    *out = (eg_layer_work){.rotation = make_rotation(c, room->length, arena),
                           .attention = {.n_heads = (size_t)c->n_heads,
                                         .n_kv_heads = (size_t)c->n_kv_heads,
                                         .head_dim = (size_t)c->head_dim}};
    out->attention.scratch = take(arena, eg_attention_scratch(&out->attention, room));
    out->normed = take(arena, rows * dim);
    if (learn) {
        out->dnormed = take(arena, rows * dim);
        out->dact = take(arena, rows * ffn);
        out->dgate = take(arena, rows * ffn);
        out->dup = take(arena, rows * ffn);
        out->dattn = take(arena, rows * q);
        out->dqkv.q = take(arena, rows * q);
        out->dqkv.k = take(arena, rows * kv);
        out->dqkv.v = take(arena, rows * kv);
    }
}

/* ---- forward ----------------------------------------------------------------------------- */

/* What q, k and v are made of: n = norm(x), or x. */
static const eg_real *attention_input(const eg_layer_net *layer, const eg_layer_work *work,
                                      const eg_real *x, size_t n)
{
    if (layer->attn_norm.w == NULL) {
        return x;
    }
    eg_fwd_norm(work->normed, layer->kept.attn_inv, &layer->attn_norm, x, n);
    return work->normed;
}

static eg_qkv kept_qkv(const eg_layer_kept *kept)
{
    return (eg_qkv){.q = kept->q, .k = kept->k, .v = kept->v};
}

void eg_layer_forward(eg_real *y, const eg_layer_net *layer, const eg_layer_work *work,
                      const eg_real *x, const eg_batch *batch)
{
    const eg_layer_kept *kept = &layer->kept;
    const eg_qkv qkv = kept_qkv(kept);
    const size_t n = batch->n;
    const size_t dim = layer->o.out;
    const eg_real *in = attention_input(layer, work, x, n);

    eg_fwd_dense(kept->q, &layer->q, in, n);
    eg_fwd_dense(kept->k, &layer->k, in, n);
    eg_fwd_dense(kept->v, &layer->v, in, n);
    eg_fwd_rope(kept->q, &work->rotation, work->attention.n_heads, batch);
    eg_fwd_rope(kept->k, &work->rotation, work->attention.n_kv_heads, batch);
    eg_fwd_attention(kept->attn, kept->lse, &work->attention, &qkv, batch);
    eg_fwd_dense(kept->mid, &layer->o, kept->attn, n);
    eg_accumulate(kept->mid, x, n * dim);

    eg_fwd_norm(work->normed, kept->mlp_inv, &layer->mlp_norm, kept->mid, n);
    eg_fwd_dense(kept->gate, &layer->gate, work->normed, n);
    eg_fwd_dense(kept->up, &layer->up, work->normed, n);
    eg_fwd_gate(kept->act, kept->gate, kept->up, n * layer->gate.out);
    eg_fwd_dense(y, &layer->down, kept->act, n);
    eg_accumulate(y, kept->mid, n * dim);
}

/* ---- back -------------------------------------------------------------------------------- */

/* y = mid + Wdown (silu(Wgate n) * Wup n), n = norm(mid): d from dL/dy to dL/dmid. */
static void mlp_backward(eg_real *d, const eg_layer_net *layer, const eg_layer_work *work, size_t n)
{
    const eg_layer_kept *kept = &layer->kept;
    const size_t ffn = layer->gate.out;

    eg_clear(work->dact, n * ffn);
    eg_clear(work->dgate, n * ffn);
    eg_clear(work->dup, n * ffn);
    eg_clear(work->dnormed, n * layer->gate.in);
    eg_fwd_norm(work->normed, kept->mlp_inv, &layer->mlp_norm, kept->mid, n); /* once more */

    eg_bwd_dense(work->dact, &layer->down, d, kept->act, n);
    eg_bwd_gate(work->dgate, work->dup, work->dact, kept->gate, kept->up, n * ffn);
    eg_bwd_dense(work->dnormed, &layer->up, work->dup, work->normed, n);
    eg_bwd_dense(work->dnormed, &layer->gate, work->dgate, work->normed, n);
    eg_bwd_norm(d, &layer->mlp_norm, work->dnormed, kept->mid, kept->mlp_inv, n);
}

/* q, k, v = Wq n, Wk n, Wv n, n = norm(x): adds to d what comes to x through them. Without a
 * norm n is x, and the products may add to d themselves. */
static void qkv_backward(eg_real *d, const eg_layer_net *layer, const eg_layer_work *work,
                         const eg_real *x, size_t n)
{
    const bool normed = layer->attn_norm.w != NULL;
    const eg_real *in = attention_input(layer, work, x, n); /* once more */
    eg_real *din = normed ? work->dnormed : d;

    if (normed) {
        eg_clear(din, n * layer->q.in);
    }
    eg_bwd_dense(din, &layer->v, work->dqkv.v, in, n);
    eg_bwd_dense(din, &layer->k, work->dqkv.k, in, n);
    eg_bwd_dense(din, &layer->q, work->dqkv.q, in, n);
    if (normed) {
        eg_bwd_norm(d, &layer->attn_norm, din, x, layer->kept.attn_inv, n);
    }
}

/* mid = x + Wo attend(q, k, v): d from dL/dmid to dL/dx. */
static void attention_backward(eg_real *d, const eg_layer_net *layer, const eg_layer_work *work,
                               const eg_real *x, const eg_batch *batch)
{
    const eg_layer_kept *kept = &layer->kept;
    const eg_qkv qkv = kept_qkv(kept);
    const eg_attended attended = {.out = kept->attn, .lse = kept->lse, .dout = work->dattn};
    const size_t n = batch->n;

    eg_clear(work->dattn, n * layer->o.in);
    eg_clear(work->dqkv.q, n * layer->q.out);
    eg_clear(work->dqkv.k, n * layer->k.out);
    eg_clear(work->dqkv.v, n * layer->v.out);

    eg_bwd_dense(work->dattn, &layer->o, d, kept->attn, n);
    eg_bwd_attention(&work->dqkv, &work->attention, &qkv, &attended, batch);
    eg_bwd_rope(work->dqkv.k, &work->rotation, work->attention.n_kv_heads, batch);
    eg_bwd_rope(work->dqkv.q, &work->rotation, work->attention.n_heads, batch);
    qkv_backward(d, layer, work, x, n);
}

void eg_layer_backward(eg_real *d, const eg_layer_net *layer, const eg_layer_work *work,
                       const eg_real *x, const eg_batch *batch)
{
    mlp_backward(d, layer, work, batch->n);
    attention_backward(d, layer, work, x, batch);
}
