/* SPDX-License-Identifier: MIT */
/* weights.c - named tensors to the target's matrices. Nothing of a matrix is copied; norm
 * weights and biases, which are small, are widened to f32. */
#include "model/weights.h"
#include "base/alloc.h"
#include "base/error.h"
#include "kernels/mathf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define NAME_CAP 256

static void join(char name[NAME_CAP], const char *prefix, const char *tail)
{
    snprintf(name, NAME_CAP, "%s%s%s", prefix, *prefix != '\0' ? "." : "", tail);
}

/* Index of the tensor, or -1. */
static int32_t find(const eg_tensor_source *source, const char *name)
{
    for (int32_t i = 0; i < source->n; i++) {
        if (strcmp(source->tensor[i].name, name) == 0) {
            return i;
        }
    }
    return -1;
}

bool eg_has_tensor(const eg_tensor_source *source, const char *prefix, const char *name)
{
    char full[NAME_CAP];

    join(full, prefix, name);
    return find(source, full) >= 0;
}

/* The tensor, checked to be a float matrix [rows, cols], or a vector [rows] when cols is 0. */
static eagle_status take(const eagle_tensor **out, eg_tensor_source *source, const char *name,
                         int32_t rows, int32_t cols, eagle_error *err)
{
    const int32_t i = find(source, name);
    const int32_t rank = cols > 0 ? 2 : 1;

    *out = NULL;
    if (i < 0) {
        return eg_fail(err, EAGLE_EFIT, "tensor %s is missing", name);
    }
    const eagle_tensor *t = &source->tensor[i];

    if (t->rank != rank || t->shape[0] != rows || (rank == 2 && t->shape[1] != cols)) {
        char found[128] = "";
        size_t used = 0;

        for (int32_t d = 0; d < t->rank; d++) {
            used += (size_t)snprintf(found + used, sizeof found - used, "%s%lld", d > 0 ? ", " : "",
                                     (long long)t->shape[d]);
            used = used < sizeof found ? used : sizeof found - 1;
        }
        return rank == 2 ? eg_fail(err, EAGLE_EFIT,
                                   "tensor %s has shape [%s], the configuration needs [%d, %d]",
                                   name, found, rows, cols)
                         : eg_fail(err, EAGLE_EFIT,
                                   "tensor %s has shape [%s], the configuration needs [%d]", name,
                                   found, rows);
    }
    if (t->dtype != EAGLE_F32 && t->dtype != EAGLE_F16 && t->dtype != EAGLE_BF16) {
        return eg_fail(err, EAGLE_EUNSUPPORTED, "tensor %s is %s, needs to be F32, F16 or BF16",
                       name, eagle_dtype_name(t->dtype));
    }
    if (t->size != (size_t)rows * (cols > 0 ? (size_t)cols : 1) * eagle_dtype_size(t->dtype)) {
        return eg_fail(err, EAGLE_EFIT, "tensor %s has %zu bytes, its shape needs others", name,
                       t->size);
    }
    source->taken[i] = true;
    *out = t;
    return EAGLE_OK;
}

eagle_status eg_take_matrix(eg_matrix *out, eg_tensor_source *source, const char *prefix,
                            const char *name, int32_t rows, int32_t cols, eagle_error *err)
{
    char full[NAME_CAP];
    const eagle_tensor *t;

    *out = (eg_matrix){0};
    join(full, prefix, name);
    eagle_status st = take(&t, source, full, rows, cols, err);

    if (st == EAGLE_OK) {
        *out = (eg_matrix){.data = t->data, .dtype = t->dtype, .rows = rows, .cols = cols};
    }
    return st;
}

eagle_status eg_take_vector(const float **out, eg_tensor_source *source, const char *prefix,
                            const char *name, int32_t n, eagle_error *err)
{
    char full[NAME_CAP];
    const eagle_tensor *t;

    *out = NULL;
    join(full, prefix, name);
    eagle_status st = take(&t, source, full, n, 0, err);

    if (st != EAGLE_OK) {
        return st;
    }
    if ((size_t)n > source->left) {
        return eg_fail(err, EAGLE_EINTERNAL, "tensor %s: the block for vectors is too small", full);
    }
    eg_widen(source->vector, t->data, t->dtype, (size_t)n);
    *out = source->vector;
    source->vector += n;
    source->left -= (size_t)n;
    return EAGLE_OK;
}

eagle_status eg_source_begin(eg_tensor_source *source, float **vectors, size_t n_floats,
                             const eagle_tensor *tensors, int32_t n, eagle_error *err)
{
    *vectors = eg_alloc_aligned(n_floats, sizeof(float));
    *source = (eg_tensor_source){.tensor = tensors,
                                 .n = n,
                                 .taken = eg_alloc((size_t)n, sizeof(bool)),
                                 .vector = *vectors,
                                 .left = n_floats};
    if (*vectors == NULL || source->taken == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %zu norm weights and biases", n_floats);
    }
    return EAGLE_OK;
}

eagle_status eg_source_end(eg_tensor_source *source, bool (*harmless)(const char *name),
                           eagle_error *err)
{
    for (int32_t i = 0; i < source->n; i++) {
        const char *name = source->tensor[i].name;

        if (!source->taken[i] && !harmless(name)) {
            return eg_fail(err, EAGLE_EFIT, "tensor %s is not part of this architecture", name);
        }
    }
    return EAGLE_OK;
}

void eg_source_free(eg_tensor_source *source)
{
    free(source->taken);
    *source = (eg_tensor_source){0};
}

size_t eg_layer_floats(const eagle_config *c, int32_t n_layers)
{
    const size_t heads = ((size_t)c->n_heads + 2 * (size_t)c->n_kv_heads) * (size_t)c->head_dim;

    return (size_t)n_layers * (2 * (size_t)c->dim /* norms */ + heads + (size_t)c->dim /* o */ +
                               2 * (size_t)c->ffn_dim + (size_t)c->dim /* down */);
}

/* A matrix with its bias, where there is one. */
static eagle_status take_linear(eg_matrix *out, eg_tensor_source *source, const char *prefix,
                                const char *name, int32_t rows, int32_t cols, bool bias,
                                eagle_error *err)
{
    char tail[NAME_CAP];

    snprintf(tail, sizeof tail, "%s.weight", name);
    eagle_status st = eg_take_matrix(out, source, prefix, tail, rows, cols, err);

    if (st == EAGLE_OK && bias) {
        snprintf(tail, sizeof tail, "%s.bias", name);
        st = eg_take_vector(&out->bias, source, prefix, tail, rows, err);
    }
    return st;
}

eagle_status eg_take_layer(eg_layer *out, eg_tensor_source *source, const eagle_config *c,
                           eg_layer_parts parts, const char *prefix, eagle_error *err)
{
    const int32_t q = c->n_heads * c->head_dim;
    const int32_t kv = c->n_kv_heads * c->head_dim;
    const struct {
        eg_matrix *matrix;
        const char *name;
        int32_t rows;
        int32_t cols;
        bool bias;
    } linears[] = {
        {&out->q, "self_attn.q_proj", q, c->dim, parts.qkv_bias},
        {&out->k, "self_attn.k_proj", kv, c->dim, parts.qkv_bias},
        {&out->v, "self_attn.v_proj", kv, c->dim, parts.qkv_bias},
        {&out->o, "self_attn.o_proj", c->dim, q, parts.o_bias},
        {&out->gate, "mlp.gate_proj", c->ffn_dim, c->dim, parts.mlp_bias},
        {&out->up, "mlp.up_proj", c->ffn_dim, c->dim, parts.mlp_bias},
        {&out->down, "mlp.down_proj", c->dim, c->ffn_dim, parts.mlp_bias},
    };
    eagle_status st = EAGLE_OK;

    *out = (eg_layer){0};
    for (size_t i = 0; st == EAGLE_OK && i < sizeof linears / sizeof linears[0]; i++) {
        st = take_linear(linears[i].matrix, source, prefix, linears[i].name, linears[i].rows,
                         linears[i].cols, linears[i].bias, err);
    }
    if (st == EAGLE_OK && parts.attn_norm) {
        st = eg_take_vector(&out->attn_norm, source, prefix, "input_layernorm.weight", c->dim, err);
    }
    if (st == EAGLE_OK) {
        st = eg_take_vector(&out->mlp_norm, source, prefix, "post_attention_layernorm.weight",
                            c->dim, err);
    }
    return st;
}

/* Tensors that some writers leave in a file and that decide nothing. */
static bool harmless(const char *name)
{
    const char *tail = "rotary_emb.inv_freq";
    const size_t size = strlen(name);

    return size >= strlen(tail) && strcmp(name + size - strlen(tail), tail) == 0;
}

static bool harmless_tied(const char *name)
{
    return harmless(name) || strcmp(name, "lm_head.weight") == 0;
}

static eagle_status take_all(eg_target *t, eg_tensor_source *source, eagle_error *err)
{
    const eagle_config *c = &t->config;
    const eg_layer_parts parts = {.qkv_bias = c->attention_bias,
                                  .o_bias = c->attention_bias,
                                  .mlp_bias = c->mlp_bias,
                                  .attn_norm = true};
    eagle_status st =
        eg_take_matrix(&t->embed, source, "model", "embed_tokens.weight", c->vocab, c->dim, err);

    for (int32_t i = 0; st == EAGLE_OK && i < c->n_layers; i++) {
        char prefix[64];

        snprintf(prefix, sizeof prefix, "model.layers.%d", i);
        st = eg_take_layer(&t->layers[i], source, c, parts, prefix, err);
    }
    if (st == EAGLE_OK) {
        st = eg_take_vector(&t->norm, source, "model", "norm.weight", c->dim, err);
    }
    if (st == EAGLE_OK && c->tied) {
        t->lm_head = t->embed;
    } else if (st == EAGLE_OK) {
        st = eg_take_matrix(&t->lm_head, source, "", "lm_head.weight", c->vocab, c->dim, err);
    }
    return st == EAGLE_OK ? eg_source_end(source, c->tied ? harmless_tied : harmless, err) : st;
}

eagle_status eg_target_init(eg_target *out, const eagle_config *config, const eagle_tensor *tensors,
                            int32_t n, eagle_error *err)
{
    eg_tensor_source source = {0};
    eagle_status st = EAGLE_OK;

    *out = (eg_target){.config = *config};
    st = eg_source_begin(&source, &out->vectors,
                         eg_layer_floats(config, config->n_layers) + (size_t)config->dim, tensors,
                         n, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    out->layers = eg_alloc((size_t)config->n_layers, sizeof(eg_layer));
    out->inv_freq = eg_alloc((size_t)config->head_dim / 2, sizeof(float));
    if (out->layers == NULL || out->inv_freq == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory for %d layers", config->n_layers);
        goto done;
    }
    if (!eg_rope_frequencies(out->inv_freq, &config->rope, (size_t)config->head_dim)) {
        st = eg_fail(err, EAGLE_EUNSUPPORTED, "rope_theta %.17g: its powers cannot be rounded",
                     config->rope.theta);
        goto done;
    }
    st = take_all(out, &source, err);

done:
    eg_source_free(&source);
    if (st != EAGLE_OK) {
        eg_target_release(out);
    }
    return st;
}

void eg_target_release(eg_target *target)
{
    free(target->inv_freq);
    free(target->layers);
    free(target->vectors);
    *target = (eg_target){0};
}
