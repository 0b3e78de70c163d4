/* SPDX-License-Identifier: MIT */
/* lib_toy.c - tiny networks with random weights, made in memory. */
#include "support/lib_toy.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_TENSORS 512

/* The tensors of one network. */
typedef struct {
    eagle_tensor tensor[MAX_TENSORS];
    int32_t n;
} tensors;

struct toy {
    toy_options options;
    uint64_t random;
    eagle_config target_config;
    eagle_config head_config;
    tensors target;
    tensors head;
    eagle_model *model;
    eagle_head *drafts;
};

static void *must(void *pointer)
{
    if (pointer == NULL) {
        fprintf(stderr, "toy: no memory\n");
        abort();
    }
    return pointer;
}

uint64_t toy_random(uint64_t *state)
{
    uint64_t z = *state += 0x9e3779b97f4a7c15u;

    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9u;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebu;
    return z ^ (z >> 31);
}

double toy_uniform(uint64_t *state)
{
    return ((double)(toy_random(state) >> 11) + 0.5) * 0x1p-53;
}

/* Nearly normal, standard deviation about 1: a sum of uniforms. */
static float bell(uint64_t *state)
{
    float sum = 0.0f;

    for (int i = 0; i < 12; i++) {
        sum += (float)(toy_random(state) >> 40) * 0x1p-24f;
    }
    return sum - 6.0f;
}

/* Truncates to the dtype: any value of it will do. */
static void store(void *data, size_t i, float x, eagle_dtype dtype)
{
    uint32_t bits;

    memcpy(&bits, &x, sizeof bits);
    if (dtype == EAGLE_F32) {
        ((float *)data)[i] = x;
    } else if (dtype == EAGLE_BF16) {
        ((uint16_t *)data)[i] = (uint16_t)(bits >> 16);
    } else {
        const int32_t exponent = (int32_t)((bits >> 23) & 255) - 127 + 15;
        const uint32_t sign = (bits >> 16) & 0x8000u;

        ((uint16_t *)data)[i] =
            (uint16_t)(exponent <= 0 ? sign
                                     : sign | (uint32_t)exponent << 10 | ((bits >> 13) & 0x3ffu));
    }
}

/* Adds a tensor [rows, cols] (cols 0: a vector), bell x scale + center. */
static void add(toy *t, tensors *to, const char *prefix, const char *name, int32_t rows,
                int32_t cols, float scale)
{
    const size_t n = (size_t)rows * (size_t)(cols > 0 ? cols : 1);
    const eagle_dtype dtype = cols > 0 ? t->options.dtype : EAGLE_F32;
    const float center = strstr(name, "norm") != NULL ? 1.0f : 0.0f;
    char *full = must(malloc(strlen(prefix) + strlen(name) + 1));
    void *data = must(malloc(n * eagle_dtype_size(dtype)));

    sprintf(full, "%s%s", prefix, name);
    for (size_t i = 0; i < n; i++) {
        store(data, i, center + scale * bell(&t->random), dtype);
    }
    to->tensor[to->n++] = (eagle_tensor){.name = full,
                                         .dtype = dtype,
                                         .rank = cols > 0 ? 2 : 1,
                                         .shape = {rows, cols},
                                         .data = data,
                                         .size = n * eagle_dtype_size(dtype)};
}

static void add_layer(toy *t, tensors *to, const eagle_config *c, const char *prefix, bool head)
{
    const int32_t q = c->n_heads * c->head_dim;
    const int32_t kv = c->n_kv_heads * c->head_dim;
    const float s = 0.2f;

    add(t, to, prefix, "self_attn.q_proj.weight", q, c->dim, s);
    add(t, to, prefix, "self_attn.k_proj.weight", kv, c->dim, s);
    add(t, to, prefix, "self_attn.v_proj.weight", kv, c->dim, s);
    add(t, to, prefix, "self_attn.o_proj.weight", c->dim, q, s);
    add(t, to, prefix, "mlp.gate_proj.weight", c->ffn_dim, c->dim, s);
    add(t, to, prefix, "mlp.up_proj.weight", c->ffn_dim, c->dim, s);
    add(t, to, prefix, "mlp.down_proj.weight", c->dim, c->ffn_dim, s);
    add(t, to, prefix, "post_attention_layernorm.weight", c->dim, 0, s);
    if (!head) {
        add(t, to, prefix, "input_layernorm.weight", c->dim, 0, s);
    }
    if (c->attention_bias || c->qkv_bias) {
        add(t, to, prefix, "self_attn.q_proj.bias", q, 0, s);
        add(t, to, prefix, "self_attn.k_proj.bias", kv, 0, s);
        add(t, to, prefix, "self_attn.v_proj.bias", kv, 0, s);
    }
    if (c->attention_bias) {
        add(t, to, prefix, "self_attn.o_proj.bias", c->dim, 0, s);
    }
    if (c->mlp_bias) {
        add(t, to, prefix, "mlp.gate_proj.bias", c->ffn_dim, 0, s);
        add(t, to, prefix, "mlp.up_proj.bias", c->ffn_dim, 0, s);
        add(t, to, prefix, "mlp.down_proj.bias", c->dim, 0, s);
    }
}

static int32_t or (int32_t value, int32_t otherwise)
{
    return value != 0 ? value : otherwise;
}

static void make_configs(toy *t, const toy_options *o)
{
    eagle_config c = {
        .dim = or (o->dim, 32),
        .n_layers = or (o->n_layers, 2),
        .n_heads = or (o->n_heads, 4),
        .n_kv_heads = or (o->n_kv_heads, 2),
        .ffn_dim = or (o->ffn_dim, 48),
        .vocab = or (o->vocab, 40),
        .context = or (o->context, 512),
        .rms_eps = 1e-5f,
        .tied = o->tied,
        .attention_bias = o->biases,
        .mlp_bias = o->biases,
        .theta_given = true,
        .rope = {.kind = EAGLE_ROPE_DEFAULT, .theta = 10000.0},
        .bos = 1,
        .n_end = 1,
        .end = {2},
    };

    c.head_dim = or (o->head_dim, c.dim / c.n_heads);
    t->target_config = c;
    c.n_layers = 1;
    c.attention_bias = false;
    c.mlp_bias = false;
    c.fc_bias = o->biases;
    c.qkv_bias = o->biases;
    t->head_config = c;
}

toy *toy_create(const toy_options *options)
{
    toy *t = must(calloc(1, sizeof *t));
    const eagle_config *c = &t->target_config;
    eagle_error err;

    t->options = *options;
    t->random = options->seed;
    make_configs(t, options);
    add(t, &t->target, "", "model.embed_tokens.weight", c->vocab, c->dim, 1.0f);
    for (int32_t i = 0; i < c->n_layers; i++) {
        char prefix[64];

        snprintf(prefix, sizeof prefix, "model.layers.%d.", i);
        add_layer(t, &t->target, c, prefix, false);
    }
    add(t, &t->target, "", "model.norm.weight", c->dim, 0, 0.2f);
    if (!c->tied) {
        add(t, &t->target, "", "lm_head.weight", c->vocab, c->dim, options->flat ? 0.0f : 0.4f);
    }
    add(t, &t->head, "", "fc.weight", c->dim, 2 * c->dim, 0.2f);
    if (t->head_config.fc_bias) {
        add(t, &t->head, "", "fc.bias", c->dim, 0, 0.2f);
    }
    add_layer(t, &t->head, &t->head_config, "layers.0.", true);
    if (options->own_embedding) {
        add(t, &t->head, "", "embed_tokens.weight", c->vocab, c->dim, 1.0f);
    }
    if (eagle_model_create(&t->model, c, t->target.tensor, t->target.n, &err) != EAGLE_OK ||
        eagle_head_create(&t->drafts, t->model, &t->head_config, t->head.tensor, t->head.n, &err) !=
            EAGLE_OK) {
        fprintf(stderr, "toy: %s\n", err.message);
        abort();
    }
    return t;
}

static void free_tensors(tensors *list)
{
    for (int32_t i = 0; i < list->n; i++) {
        free((void *)(uintptr_t)list->tensor[i].name);
        free((void *)(uintptr_t)list->tensor[i].data);
    }
}

void toy_free(toy *t)
{
    if (t != NULL) {
        eagle_head_free(t->drafts);
        eagle_model_free(t->model);
        free_tensors(&t->head);
        free_tensors(&t->target);
        free(t);
    }
}

const eagle_model *toy_model(const toy *t)
{
    return t->model;
}

const eagle_head *toy_head(const toy *t)
{
    return t->drafts;
}

const eagle_config *toy_config(const toy *t, bool head)
{
    return head ? &t->head_config : &t->target_config;
}

const eagle_tensor *toy_tensors(int32_t *n, const toy *t, bool head)
{
    const tensors *list = head ? &t->head : &t->target;

    *n = list->n;
    return list->tensor;
}
