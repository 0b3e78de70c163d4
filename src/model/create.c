/* SPDX-License-Identifier: MIT */
/* create.c - a model or head from a configuration and named tensors in memory. */
#include "base/alloc.h"
#include "base/error.h"
#include "model/model.h"
#include "model/weights.h"

#include <stdlib.h>
#include <string.h>

#define MAX_DIM    (1 << 20)
#define MAX_LAYERS 1024
#define MAX_VOCAB  (1 << 18) /* the integer law's sums fit 64 bits up to here */

static eagle_status check_range(const char *name, int64_t value, int64_t max, eagle_error *err)
{
    if (value >= 1 && value <= max) {
        return EAGLE_OK;
    }
    return eg_fail(err, EAGLE_EFORMAT, "%s is %lld, needs to lie in 1..%lld", name,
                   (long long)value, (long long)max);
}

/* Whoever made the configuration: nothing below multiplies numbers that were not checked. */
eagle_status eg_config_check(const eagle_config *c, eagle_error *err)
{
    const struct {
        const char *name;
        int64_t value;
        int64_t max;
    } ranges[] = {
        {"hidden_size", c->dim, MAX_DIM},
        {"num_hidden_layers", c->n_layers, MAX_LAYERS},
        {"num_attention_heads", c->n_heads, MAX_DIM},
        {"num_key_value_heads", c->n_kv_heads, c->n_heads},
        {"head_dim", c->head_dim, MAX_DIM},
        {"num_attention_heads x head_dim", (int64_t)c->n_heads * c->head_dim, MAX_DIM},
        {"intermediate_size", c->ffn_dim, MAX_DIM},
        {"vocab_size", c->vocab, MAX_VOCAB},
    };

    for (size_t i = 0; i < sizeof ranges / sizeof ranges[0]; i++) {
        eagle_status st = check_range(ranges[i].name, ranges[i].value, ranges[i].max, err);

        if (st != EAGLE_OK) {
            return st;
        }
    }
    if (c->n_heads % c->n_kv_heads != 0) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "num_attention_heads %d is no multiple of num_key_value_heads %d",
                       c->n_heads, c->n_kv_heads);
    }
    if (c->head_dim % 2 != 0) {
        return eg_fail(err, EAGLE_EFORMAT, "head_dim is %d, RoPE needs an even one", c->head_dim);
    }
    return EAGLE_OK;
}

static void close_backing(eg_backing *backing)
{
    if (backing != NULL) {
        backing->close(backing);
    }
}

/* A copy of the descriptions, so that a report can list them later. */
static eagle_tensor *copy_tensors(const eagle_tensor *tensors, int32_t n)
{
    eagle_tensor *copy = eg_alloc((size_t)n, sizeof *copy);

    if (copy != NULL && n > 0) {
        memcpy(copy, tensors, (size_t)n * sizeof *copy);
    }
    return copy;
}

eagle_status eg_model_create(eagle_model **out, const eagle_config *config,
                             const eagle_tensor *tensors, int32_t n_tensors, eg_backing *backing,
                             eagle_error *err)
{
    eagle_model *model = NULL;
    eagle_status st = EAGLE_OK;

    *out = NULL;
    st = eg_config_check(config, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    model = eg_alloc(1, sizeof *model);
    if (model == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory for a model");
        goto done;
    }
    model->tensor = copy_tensors(tensors, n_tensors);
    model->n_tensors = n_tensors;
    if (model->tensor == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory for %d tensor descriptions", n_tensors);
        goto done;
    }
    st = eg_target_init(&model->target, config, model->tensor, n_tensors, err);
    if (st == EAGLE_OK) {
        model->backing = backing;
        backing = NULL;
        *out = model;
        model = NULL;
    }

done:
    eagle_model_free(model);
    close_backing(backing);
    return st;
}

eagle_status eagle_model_create(eagle_model **out, const eagle_config *config,
                                const eagle_tensor *tensors, int32_t n_tensors, eagle_error *err)
{
    return eg_model_create(out, config, tensors, n_tensors, NULL, err);
}

void eagle_model_free(eagle_model *model)
{
    if (model != NULL) {
        eg_target_release(&model->target);
        free(model->tensor);
        close_backing(model->backing);
        free(model);
    }
}

const eagle_config *eagle_model_config(const eagle_model *model)
{
    return &model->target.config;
}

const eagle_tensor *eagle_model_tensor(const eagle_model *model, int32_t i)
{
    return i >= 0 && i < model->n_tensors ? &model->tensor[i] : NULL;
}

eagle_status eg_head_create(eagle_head **out, const eagle_model *model, const eagle_config *config,
                            const eagle_tensor *tensors, int32_t n_tensors, eg_backing *backing,
                            eagle_error *err)
{
    eg_owned_head *owned = NULL;
    eagle_status st = EAGLE_OK;

    *out = NULL;
    st = eg_config_check(config, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    owned = eg_alloc(1, sizeof *owned);
    if (owned == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory for a head");
        goto done;
    }
    owned->tensor = copy_tensors(tensors, n_tensors);
    owned->n_tensors = n_tensors;
    if (owned->tensor == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory for %d tensor descriptions", n_tensors);
        goto done;
    }
    st = eg_head_init(&owned->head, &model->target, config, owned->tensor, n_tensors, err);
    if (st == EAGLE_OK) {
        owned->backing = backing;
        backing = NULL;
        *out = &owned->head;
        owned = NULL;
    }

done:
    eagle_head_free(owned != NULL ? &owned->head : NULL);
    close_backing(backing);
    return st;
}

eagle_status eagle_head_create(eagle_head **out, const eagle_model *model,
                               const eagle_config *config, const eagle_tensor *tensors,
                               int32_t n_tensors, eagle_error *err)
{
    return eg_head_create(out, model, config, tensors, n_tensors, NULL, err);
}

static const eg_owned_head *owner(const eagle_head *head)
{
    return (const eg_owned_head *)head;
}

void eagle_head_free(eagle_head *head)
{
    if (head != NULL) {
        eg_owned_head *owned = (eg_owned_head *)head;

        eg_head_release(head);
        free(owned->tensor);
        close_backing(owned->backing);
        free(owned);
    }
}

const eagle_config *eagle_head_config(const eagle_head *head)
{
    return &head->config;
}

bool eagle_head_own_embedding(const eagle_head *head)
{
    return head->own_embedding;
}

const eagle_tensor *eagle_head_tensor(const eagle_head *head, int32_t i)
{
    return i >= 0 && i < owner(head)->n_tensors ? &owner(head)->tensor[i] : NULL;
}
