/* SPDX-License-Identifier: MIT */
/* session.c - making a session: options, memory, and what it would cost. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/fpguard.h"
#include "decode/state.h"

#include <stdlib.h>

#define MAX_CTX (1 << 24) /* beyond it positions are no exact float32, and sin and cos end */

void eagle_session_defaults(eagle_session_options *opt)
{
    *opt = (eagle_session_options){.ctx = 512, .chunk = 256, .max_nodes = 1};
    eagle_sampling_defaults(&opt->sampling);
}

/* Checks what the caller asked for, and fills in what was left to us. */
static eagle_status resolve(eagle_session_options *out, const eagle_session_options *opt,
                            const eagle_model *model, const eagle_drafter *drafter,
                            eagle_error *err)
{
    const int32_t drafted = drafter != NULL ? drafter->max_nodes + 1 : 1;

    *out = *opt;
    out->threads = opt->threads == 0 ? eagle_cpu_count() : opt->threads;
    out->max_nodes = opt->max_nodes > drafted ? opt->max_nodes : drafted;
    if (opt->ctx < 1 || opt->ctx > MAX_CTX) {
        return eg_fail(err, opt->ctx < 1 ? EAGLE_EINVAL : EAGLE_ELIMIT,
                       "a context of %d positions: needs 1..%d", opt->ctx, MAX_CTX);
    }
    if (opt->chunk < 1 || opt->chunk > MAX_CTX) {
        return eg_fail(err, EAGLE_EINVAL, "chunks of %d tokens: needs 1..%d", opt->chunk, MAX_CTX);
    }
    out->chunk = opt->chunk < opt->ctx ? opt->chunk : opt->ctx;
    if (out->max_nodes > EAGLE_MAX_NODES + 1) {
        return eg_fail(err, EAGLE_EINVAL, "trees of %d nodes: at most %d", out->max_nodes,
                       EAGLE_MAX_NODES + 1);
    }
    if (out->threads < 1 || out->threads > EG_MAX_THREADS) {
        return eg_fail(err, EAGLE_EINVAL, "%d threads: needs 1..%d", opt->threads, EG_MAX_THREADS);
    }
    if (eg_kernels_for(opt->isa) == NULL) {
        return eg_fail(err, EAGLE_EINVAL, "instruction set %s is not usable here",
                       eagle_isa_name(opt->isa));
    }
    if (opt->math == EAGLE_MATH_FAST && !eg_gemm_available()) {
        return eg_fail(err, EAGLE_EUNSUPPORTED,
                       "fast math: built without OpenBLAS (needs libopenblas-openmp-dev)");
    }
    if (drafter != NULL && drafter->head != NULL && drafter->head->target != &model->target) {
        return eg_fail(err, EAGLE_EFIT, "the drafter's head was made for another model");
    }
    return eagle_sampling_check(&opt->sampling, drafter != NULL && drafter->drawn, err);
}

/* Lays out, in s->arena, all that the options ask for. */
static void lay_out(eagle_session *s, const eagle_drafter *drafter)
{
    const eagle_session_options *o = &s->opt;
    const size_t dim = (size_t)s->model->target.config.dim;
    const eg_compute compute = {.kernels = eg_kernels_for(o->isa), .threads = o->threads};
    const eg_draft_setup setup = {.compute = compute, .ctx = o->ctx, .chunk = o->chunk};
    /* A chunk with the root that is owed, or a tree. */
    const eg_pass_room room = {.rows = o->chunk + 1 > o->max_nodes ? o->chunk + 1 : o->max_nodes,
                               .logits = o->max_nodes,
                               .slots = o->ctx + o->max_nodes};
    eg_arena *arena = &s->arena;

    /* A tree of up to 512 nodes may be a chain; a larger one may be 512 deep on average. */
    s->slot_cap = o->max_nodes * (o->max_nodes < 512 ? o->max_nodes : 512);
    s->token = eg_arena_take(arena, EG_FOR_WORK, (size_t)o->ctx + 1, sizeof *s->token);
    s->pending = eg_arena_floats(arena, dim);
    s->committed = eg_arena_floats(arena, (size_t)o->max_nodes * dim);
    s->row = eg_arena_take(arena, EG_FOR_WORK, (size_t)room.rows, sizeof *s->row);
    s->slot = eg_arena_take(arena, EG_FOR_WORK, (size_t)s->slot_cap, sizeof *s->slot);
    eg_forward_make(&s->forward, &s->model->target, &compute, &room, arena);
    if (drafter != NULL) {
        s->drafts = drafter->class;
        s->drafting = eg_alloc(1, drafter->class->state_size);
        if (s->drafting == NULL) {
            arena->failed = true;
            return;
        }
        s->drafting->drafter = drafter;
        drafter->class->init(s->drafting, drafter, &setup, arena);
    }
}

/* A session that is laid out, really or (`count_only`) on paper. *out is NULL on failure. */
static eagle_status make(eagle_session **out, const eagle_model *model,
                         const eagle_drafter *drafter, const eagle_session_options *opt,
                         bool count_only, eagle_error *err)
{
    eagle_session_options resolved;
    eagle_status st = resolve(&resolved, opt, model, drafter, err);

    *out = NULL;
    if (st != EAGLE_OK) {
        return st;
    }
    eagle_session *s = eg_alloc(1, sizeof *s);

    if (s == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a session");
    }
    s->opt = resolved;
    s->model = model;
    s->arena.count_only = count_only;
    lay_out(s, drafter);
    if (s->arena.failed) {
        eagle_session_free(s);
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a session of %d positions", resolved.ctx);
    }
    *out = s;
    return EAGLE_OK;
}

eagle_status eagle_session_bill(eagle_memory_bill *out, const eagle_model *model,
                                const eagle_drafter *drafter, const eagle_session_options *opt,
                                eagle_error *err)
{
    eagle_session *s;
    const eagle_tensor *t;

    *out = (eagle_memory_bill){0};
    eagle_status st = make(&s, model, drafter, opt, true, err);

    if (st != EAGLE_OK) {
        return st;
    }
    for (int32_t i = 0; (t = eagle_model_tensor(model, i)) != NULL; i++) {
        out->weights += t->size;
    }
    for (int32_t i = 0; drafter != NULL && drafter->head != NULL &&
                        (t = eagle_head_tensor(drafter->head, i)) != NULL;
         i++) {
        out->weights += t->size;
    }
    out->target_kv = s->arena.bytes[EG_FOR_TARGET_KV];
    out->head_kv = s->arena.bytes[EG_FOR_HEAD_KV];
    out->work = s->arena.bytes[EG_FOR_WORK];
    eagle_session_free(s);
    return EAGLE_OK;
}

eagle_status eagle_session_create(eagle_session **out, const eagle_model *model,
                                  const eagle_drafter *drafter, const eagle_session_options *opt,
                                  eagle_error *err)
{
    const char *unfit = eg_fpguard_fault();
    eagle_session *s;
    eagle_status st = make(&s, model, drafter, opt, false, err);

    *out = NULL;
    if (st != EAGLE_OK) {
        return st;
    }
    if (unfit != NULL) {
        st = eg_fail(err, EAGLE_ENUMERIC, "unfit floating-point environment: %s", unfit);
    }
    if (st == EAGLE_OK) {
        st = eg_team_check(s->opt.threads, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_tree_create(&s->tree, s->opt.max_nodes, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_path_create(&s->path, s->opt.max_nodes, model->target.config.vocab,
                               s->opt.sampling.mode, err);
    }
    if (st != EAGLE_OK) {
        eagle_session_free(s);
        return st;
    }
    s->philox = (eagle_philox){.seed = s->opt.seed, .stream = s->opt.stream};
    s->draws = eagle_philox_draws(&s->philox);
    *out = s;
    return EAGLE_OK;
}

void eagle_session_free(eagle_session *s)
{
    if (s != NULL) {
        eagle_path_free(s->path);
        eagle_tree_free(s->tree);
        free(s->drafting);
        eg_arena_free(&s->arena);
        free(s);
    }
}

const eagle_tree *eagle_session_tree(const eagle_session *s)
{
    return s->tree;
}

const eagle_rows *eagle_session_rows(const eagle_session *s)
{
    return &s->rows;
}

void eagle_session_set_draws(eagle_session *s, const eagle_draws *draws)
{
    s->draws = draws != NULL ? *draws : eagle_philox_draws(&s->philox);
}

const eagle_draws *eagle_session_draws(const eagle_session *s)
{
    return &s->draws;
}

const eagle_sampling *eagle_session_sampling(const eagle_session *s)
{
    return &s->opt.sampling;
}

eagle_path *eagle_session_path(eagle_session *s)
{
    return s->path;
}

const int32_t *eagle_session_tokens(const eagle_session *s)
{
    return s->token;
}

int32_t eagle_session_length(const eagle_session *s)
{
    return s->n_token;
}

void eagle_session_set_probe(eagle_session *s, const eagle_probe *probe)
{
    s->forward.pass.probe = probe;
    if (s->drafting != NULL && s->drafts->set_probe != NULL) {
        s->drafts->set_probe(s->drafting, probe);
    }
}
