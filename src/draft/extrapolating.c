/* SPDX-License-Identifier: MIT */
/* extrapolating.c - what drafters with a FeatExtrapolator share. */
#include "draft/extrapolating.h"

#include "kernels/mathf.h"

static int32_t at_least(int32_t least, int32_t x)
{
    return x > least ? x : least;
}

void eg_extrapolating_init(eg_extrapolating *e, const eagle_drafter *drafter,
                           const eg_draft_setup *setup, const eg_tree_room *room, eg_arena *arena)
{
    const int32_t width = at_least(1, room->width);
    const eg_extrapolation_room head = {.stable = setup->ctx,
                                        .tree = at_least(1, room->slots),
                                        .depth = at_least(1, room->depth),
                                        .rows = at_least(width, setup->chunk),
                                        .logits = width};

    e->token = eg_arena_take(arena, EG_FOR_WORK, (size_t)width, sizeof *e->token);
    e->hang = eg_arena_take(arena, EG_FOR_WORK, (size_t)width, sizeof *e->hang);
    eg_extrapolation_make(&e->head, drafter->head, &setup->compute, &head, arena);
}

eagle_status eg_extrapolating_observe(eg_drafting *drafting, const int32_t *token,
                                      const float *feature, int32_t n, bool fast, eagle_error *err)
{
    return eg_extrapolation_refresh(&((eg_extrapolating *)drafting)->head, token, feature, n, fast,
                                    err);
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
