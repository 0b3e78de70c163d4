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

/* Rows of the largest pass: a chunk and the root that is owed, or a tree. */
static int32_t max_rows(const eagle_session_options *opt)
{
    return opt->chunk + 1 > opt->max_nodes ? opt->chunk + 1 : opt->max_nodes;
}

/* Room for the paths of all nodes. A tree of up to 512 nodes may be a chain; a larger one may
 * be 512 deep on average. */
static int32_t slots_for_paths(const eagle_session_options *opt)
{
    return opt->max_nodes * (opt->max_nodes < 512 ? opt->max_nodes : 512);
}

static eg_compute compute_of(const eagle_session_options *opt)
{
    return (eg_compute){.kernels = eg_kernels_for(opt->isa), .threads = opt->threads};
}

static eg_draft_setup setup_of(const eagle_session_options *opt, const eagle_model *model)
{
    return (eg_draft_setup){.compute = compute_of(opt),
                            .ctx = opt->ctx,
                            .chunk = opt->chunk,
                            .vocab = model->target.config.vocab};
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
        return eg_fail(err, EAGLE_EINVAL, "a context of %d positions: needs 1..%d", opt->ctx,
                       MAX_CTX);
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

eagle_status eagle_session_bill(eagle_memory_bill *out, const eagle_model *model,
                                const eagle_drafter *drafter, const eagle_session_options *opt,
                                eagle_error *err)
{
    const eagle_config *c = &model->target.config;
    eagle_session_options o;
    const eagle_tensor *t;

    *out = (eagle_memory_bill){0};
    eagle_status st = resolve(&o, opt, model, drafter, err);

    if (st != EAGLE_OK) {
        return st;
    }
    const eg_compute compute = compute_of(&o);
    const int32_t cap = o.ctx + o.max_nodes;

    for (int32_t i = 0; (t = eagle_model_tensor(model, i)) != NULL; i++) {
        out->weights += t->size;
    }
    out->target_kv = eg_kvcache_bytes(c->n_layers, c->n_kv_heads, c->head_dim, cap);
    if (drafter != NULL) {
        const eg_draft_setup setup = setup_of(&o, model);

        drafter->class->bill(&out->head_kv, &out->work, drafter, &setup);
        for (int32_t i = 0;
             drafter->head != NULL && (t = eagle_head_tensor(drafter->head, i)) != NULL; i++) {
            out->weights += t->size;
        }
    }
    out->work +=
        eg_forward_bytes(&model->target, &compute, cap, max_rows(&o), o.max_nodes) +
        (uint64_t)o.max_nodes * (uint64_t)c->dim * sizeof(float) +
        (uint64_t)slots_for_paths(&o) * sizeof(int32_t) +
        (uint64_t)c->vocab * (sizeof(uint64_t) + sizeof(int32_t)); /* the law of one node */
    return EAGLE_OK;
}

static eagle_status allocate(eagle_session *s, eagle_error *err)
{
    const eagle_session_options *o = &s->opt;
    const size_t dim = (size_t)s->model->target.config.dim;

    s->slot_cap = slots_for_paths(o);
    s->token = eg_alloc((size_t)o->ctx + 1, sizeof *s->token);
    s->pending = eg_alloc_aligned(dim, sizeof *s->pending);
    s->committed = eg_alloc_aligned((size_t)o->max_nodes, dim * sizeof *s->committed);
    s->row = eg_alloc((size_t)max_rows(o), sizeof *s->row);
    s->slot = eg_alloc((size_t)s->slot_cap, sizeof *s->slot);
    if (!s->token || !s->pending || !s->committed || !s->row || !s->slot) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a session of %d positions", o->ctx);
    }
    return EAGLE_OK;
}

eagle_status eagle_session_create(eagle_session **out, const eagle_model *model,
                                  const eagle_drafter *drafter, const eagle_session_options *opt,
                                  eagle_error *err)
{
    const char *unfit = eg_fpguard_fault();
    eagle_session *s = NULL;
    eagle_session_options o;

    *out = NULL;
    eagle_status st = resolve(&o, opt, model, drafter, err);

    if (st != EAGLE_OK) {
        return st;
    }
    if (unfit != NULL) {
        return eg_fail(err, EAGLE_ENUMERIC, "unfit floating-point environment: %s", unfit);
    }
    s = eg_alloc(1, sizeof *s);
    if (s == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a session");
    }
    s->opt = o;
    s->model = model;
    s->philox = (eagle_philox){.seed = o.seed, .stream = o.stream};
    s->draws = eagle_philox_draws(&s->philox);

    const eg_compute compute = compute_of(&o);
    const eg_draft_setup setup = setup_of(&o, model);

    st = allocate(s, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    st = eg_forward_create(&s->forward, &model->target, &compute, o.ctx + o.max_nodes, max_rows(&o),
                           o.max_nodes, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    st = eagle_tree_create(&s->tree, o.max_nodes, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    st = eagle_path_create(&s->path, o.max_nodes, model->target.config.vocab, o.sampling.mode, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    if (drafter != NULL) {
        st = drafter->class->start(&s->drafting, drafter, &setup, err);
    }
    if (st == EAGLE_OK) {
        *out = s;
        s = NULL;
    }

done:
    eagle_session_free(s);
    return st;
}

void eagle_session_free(eagle_session *s)
{
    if (s == NULL) {
        return;
    }
    if (s->drafting != NULL) {
        s->drafting->class->free(s->drafting);
    }
    eagle_path_free(s->path);
    eagle_tree_free(s->tree);
    eg_forward_free(&s->forward);
    free(s->slot);
    free(s->row);
    free(s->committed);
    free(s->pending);
    free(s->token);
    free(s);
}

const eagle_tree *eagle_session_tree(const eagle_session *s)
{
    return s->tree;
}

const eagle_rows *eagle_session_rows(const eagle_session *s)
{
    return &s->rows;
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
    if (s->drafting != NULL && s->drafting->class->set_probe != NULL) {
        s->drafting->class->set_probe(s->drafting, probe);
    }
}
