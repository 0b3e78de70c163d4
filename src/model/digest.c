/* SPDX-License-Identifier: MIT */
/* digest.c - names a network by all that it computes with: for proofs, and for traces. */
#include "base/alloc.h"
#include "base/error.h"
#include "eagle/model.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    const eagle_tensor *const *x = a;
    const eagle_tensor *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static void add_number(eagle_sha256 *sha, uint64_t n)
{
    unsigned char bytes[8];

    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(n >> 8 * i);
    }
    eagle_sha256_update(sha, bytes, sizeof bytes);
}

static void add_real(eagle_sha256 *sha, double x)
{
    uint64_t bits = 0;

    memcpy(&bits, &x, sizeof bits);
    add_number(sha, bits);
}

/* What a network computes with besides its tensors. */
static void add_config(eagle_sha256 *sha, const eagle_config *c)
{
    const int64_t whole[] = {c->dim,      c->n_layers,
                             c->n_heads,  c->n_kv_heads,
                             c->head_dim, c->ffn_dim,
                             c->vocab,    c->context,
                             c->tied,     c->attention_bias,
                             c->mlp_bias, c->fc_bias,
                             c->qkv_bias, (int64_t)c->rope.kind,
                             c->bos,      c->rope.original_context,
                             c->n_end};
    const double real[] = {(double)c->rms_eps, c->rope.theta, c->rope.factor,
                           c->rope.low_freq_factor, c->rope.high_freq_factor};

    for (size_t i = 0; i < sizeof whole / sizeof whole[0]; i++) {
        add_number(sha, (uint64_t)whole[i]);
    }
    for (size_t i = 0; i < sizeof real / sizeof real[0]; i++) {
        add_real(sha, real[i]);
    }
    for (int32_t i = 0; i < c->n_end; i++) {
        add_number(sha, (uint64_t)c->end[i]);
    }
}

static void add_tensor(eagle_sha256 *sha, const eagle_tensor *t)
{
    eagle_sha256_update(sha, t->name, strlen(t->name) + 1);
    eagle_sha256_update(sha, eagle_dtype_name(t->dtype), strlen(eagle_dtype_name(t->dtype)) + 1);
    add_number(sha, (uint64_t)t->rank);
    for (int32_t i = 0; i < t->rank; i++) {
        add_number(sha, (uint64_t)t->shape[i]);
    }
    eagle_sha256_update(sha, t->data, t->size);
}

/* The tensors of one network; `at` gives them by number. */
static eagle_status add_all(eagle_sha256 *sha, const void *network,
                            const eagle_tensor *(*at)(const void *network, int32_t i),
                            eagle_error *err)
{
    int32_t n = 0;

    while (at(network, n) != NULL) {
        n++;
    }
    const eagle_tensor **list = eg_alloc((size_t)n, sizeof *list);

    if (list == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %d tensors", n);
    }
    for (int32_t i = 0; i < n; i++) {
        list[i] = at(network, i);
    }
    qsort(list, (size_t)n, sizeof *list, by_name);
    add_number(sha, (uint64_t)n);
    for (int32_t i = 0; i < n; i++) {
        add_tensor(sha, list[i]);
    }
    free(list);
    return EAGLE_OK;
}

static const eagle_tensor *of_model(const void *network, int32_t i)
{
    return eagle_model_tensor(network, i);
}

static const eagle_tensor *of_head(const void *network, int32_t i)
{
    return eagle_head_tensor(network, i);
}

static eagle_status digest(char hex[65], const eagle_config *config, const void *network,
                           const eagle_tensor *(*at)(const void *network, int32_t i),
                           eagle_error *err)
{
    eagle_sha256 sha;

    eagle_sha256_init(&sha);
    add_config(&sha, config);
    const eagle_status st = add_all(&sha, network, at, err);

    eagle_sha256_hex(hex, &sha);
    return st;
}

eagle_status eagle_model_digest(char hex[65], const eagle_model *model, eagle_error *err)
{
    return digest(hex, eagle_model_config(model), model, of_model, err);
}

eagle_status eagle_head_digest(char hex[65], const eagle_head *head, eagle_error *err)
{
    return digest(hex, eagle_head_config(head), head, of_head, err);
}
