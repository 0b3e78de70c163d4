/* SPDX-License-Identifier: MIT */
/* weights_head.c - named tensors to a FeatExtrapolator (SafeAILab's EAGLE-1/2 checkpoints). */
#include "base/alloc.h"
#include "base/error.h"
#include "kernels/mathf.h"
#include "model/weights.h"

#include <stdlib.h>
#include <string.h>

/* Do head and target belong together? The head may have heads of its own kind. */
static eagle_status check_fit(const eagle_config *head, const eagle_config *target,
                              eagle_error *err)
{
    if (head->dim != target->dim) {
        return eg_fail(err, EAGLE_EFIT, "the head's hidden size is %d, the target's %d", head->dim,
                       target->dim);
    }
    if (head->vocab != target->vocab) {
        return eg_fail(err, EAGLE_EFIT, "the head's vocabulary is %d, the target's %d", head->vocab,
                       target->vocab);
    }
    return EAGLE_OK;
}

/* fc carries a bias if the tensor is there; the configuration must not say otherwise. */
static eagle_status take_fc(eagle_head *head, eg_tensor_source *source, eagle_error *err)
{
    const eagle_config *c = &head->config;
    const bool bias = eg_has_tensor(source, "", "fc.bias");
    eagle_status st = eg_take_matrix(&head->fc, source, "", "fc.weight", c->dim, 2 * c->dim, err);

    if (st != EAGLE_OK) {
        return st;
    }
    if (bias != c->fc_bias) {
        return eg_fail(err, EAGLE_EFIT, "tensor fc.bias is %s, the configuration says bias %s",
                       bias ? "there" : "missing", c->fc_bias ? "true" : "false");
    }
    return bias ? eg_take_vector(&head->fc.bias, source, "", "fc.bias", c->dim, err) : EAGLE_OK;
}

/* Some exporters add the LM head, which is the target's all the same. */
static bool harmless(const char *name)
{
    return strcmp(name, "lm_head.weight") == 0 ||
           strcmp(name, "layers.0.self_attn.rotary_emb.inv_freq") == 0;
}

eagle_status eg_head_init(eagle_head *out, const eg_target *target, const eagle_config *config,
                          const eagle_tensor *tensors, int32_t n, eagle_error *err)
{
    const eg_layer_parts parts = {.qkv_bias = config->qkv_bias};
    eg_tensor_source source = {0};
    eagle_status st = EAGLE_OK;

    *out = (eagle_head){.config = *config, .target = target};
    st = check_fit(config, &target->config, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    st = eg_source_begin(&source, &out->vectors, eg_layer_floats(config, 1) + (size_t)config->dim,
                         tensors, n, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    out->inv_freq = eg_alloc((size_t)config->head_dim / 2, sizeof(float));
    if (out->inv_freq == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory for the head's frequencies");
        goto done;
    }
    if (!eg_rope_frequencies(out->inv_freq, &config->rope, (size_t)config->head_dim)) {
        st = eg_fail(err, EAGLE_EUNSUPPORTED, "rope_theta %.17g: its powers cannot be rounded",
                     config->rope.theta);
        goto done;
    }
    st = take_fc(out, &source, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    st = eg_take_layer(&out->layer, &source, config, parts, "layers.0", err);
    if (st != EAGLE_OK) {
        goto done;
    }
    out->own_embedding = eg_has_tensor(&source, "", "embed_tokens.weight");
    out->embed = target->embed;
    if (out->own_embedding) {
        st = eg_take_matrix(&out->embed, &source, "", "embed_tokens.weight", config->vocab,
                            config->dim, err);
    }
    if (st == EAGLE_OK) {
        st = eg_source_end(&source, harmless, err);
    }

done:
    eg_source_free(&source);
    if (st != EAGLE_OK) {
        eg_head_release(out);
    }
    return st;
}

void eg_head_release(eagle_head *head)
{
    free(head->inv_freq);
    free(head->vectors);
    *head = (eagle_head){0};
}
