/* SPDX-License-Identifier: MIT */
/* extrapolating.c - what drafters with a FeatExtrapolator share. */
#include "draft/extrapolating.h"

#include "base/alloc.h"
#include "base/error.h"
#include "kernels/mathf.h"

#include <stdlib.h>

static eg_extrapolation_room room_of(const eg_draft_setup *setup, const eg_tree_room *room)
{
    return (eg_extrapolation_room){.stable = setup->ctx,
                                   .tree = room->slots > 0 ? room->slots : 1,
                                   .depth = room->depth > 0 ? room->depth : 1,
                                   .rows = setup->chunk > room->width ? setup->chunk : room->width,
                                   .logits = room->width > 0 ? room->width : 1};
}

eagle_status eg_extrapolating_init(eg_extrapolating *out, const eagle_drafter *drafter,
                                   const eg_draft_setup *setup, const eg_tree_room *room,
                                   eagle_error *err)
{
    const eg_extrapolation_room head_room = room_of(setup, room);
    const size_t width = (size_t)head_room.logits;

    *out = (eg_extrapolating){
        .base.class = drafter->class, .drafter = drafter, .width = head_room.logits};
    out->token = eg_alloc(width, sizeof *out->token);
    out->hang = eg_alloc(width, sizeof *out->hang);
    if (out->token == NULL || out->hang == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a level of %zu nodes", width);
    }
    return eg_extrapolation_create(&out->head, drafter->head, &setup->compute, &head_room, err);
}

void eg_extrapolating_clear(eg_extrapolating *e)
{
    eg_extrapolation_free(&e->head);
    free(e->hang);
    free(e->token);
}

void eg_extrapolating_bill(uint64_t *head_kv, uint64_t *work, const eagle_drafter *drafter,
                           const eg_draft_setup *setup, const eg_tree_room *room)
{
    const eg_extrapolation_room head_room = room_of(setup, room);
    const eagle_config *c = &drafter->head->config;
    const uint64_t slots = (uint64_t)head_room.stable + (uint64_t)head_room.tree;
    const uint64_t all = eg_extrapolation_bytes(drafter->head, &setup->compute, &head_room);

    *head_kv = eg_kvcache_bytes(1, c->n_kv_heads, c->head_dim, (int32_t)slots) +
               slots * (uint64_t)c->dim * sizeof(float);
    *work = all - *head_kv;
}

eagle_status eg_extrapolating_observe(eg_drafting *drafting, const int32_t *token,
                                      const float *feature, int32_t n, bool fast, eagle_error *err)
{
    eg_extrapolating *e = (eg_extrapolating *)drafting;

    eg_extrapolation_prune(&e->head);
    return eg_extrapolation_refresh(&e->head, token, feature, n, fast, err);
}

/* Slot i carries token i + 1: n tokens leave n - 1 slots. */
void eg_extrapolating_rewind(eg_drafting *drafting, int32_t n)
{
    eg_extrapolation_rewind(&((eg_extrapolating *)drafting)->head, n > 0 ? n - 1 : 0);
}

void eg_extrapolating_hash(eagle_sha256 *sha, const eg_drafting *drafting)
{
    eg_extrapolation_hash(sha, &((const eg_extrapolating *)drafting)->head);
}

void eg_extrapolating_set_probe(eg_drafting *drafting, const eagle_probe *probe)
{
    ((eg_extrapolating *)drafting)->head.pass.probe = probe;
}

bool eg_log_norm_of(eg_log_norm *out, const eg_kernels *kernels, const float *logits, size_t vocab)
{
    if (!eg_all_finite(logits, vocab)) {
        return false;
    }
    out->max = logits[eg_argmax(logits, vocab)];
    out->log_sum = eg_logf(kernels->sum_exp(logits, out->max, vocab));
    return true;
}

float eg_log_prob(const eg_log_norm *norm, float logit)
{
    const float log_prob = (logit - norm->max) - norm->log_sum;

    return log_prob < 0.0f ? log_prob : 0.0f;
}
