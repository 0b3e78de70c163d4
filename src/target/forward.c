/* SPDX-License-Identifier: MIT */
/* forward.c - the target's forward pass: rows to features and logits.
 *
 *   x = embed(token);  layers;  f = norm(x);  logits = Whead f
 *
 * f is EAGLE's feature: the vector that the LM head multiplies (Li et al. 2024a, section 3). */
#include "target/target.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

/* The operations get the pass; the pass is the member of an eg_forward. */
static eg_forward *owner(eg_pass *p)
{
    return (eg_forward *)((char *)p - offsetof(eg_forward, pass));
}

static void embed(eg_pass *p, const eg_worker *worker)
{
    const eg_forward *f = owner(p);
    const size_t dim = (size_t)p->config->dim;
    const eg_span share = eg_worker_span(worker, (size_t)p->n_rows, 1);

    for (size_t i = share.begin; i < share.end; i++) {
        eg_matrix_row(p->x + i * dim, &f->target->embed, p->rows[i].token);
        eg_pass_rotation(p, (int32_t)i);
    }
}

static void final_norm(eg_pass *p, const eg_worker *worker)
{
    eg_forward *f = owner(p);
    const size_t dim = (size_t)p->config->dim;
    const int32_t n_layers = p->config->n_layers;
    const eg_span share = eg_worker_span(worker, (size_t)p->n_rows, 1);

    for (size_t i = share.begin; i < share.end; i++) {
        const float *x = p->x + i * dim;
        float *feature = f->feature + i * dim;

        eg_pass_check(p, (int32_t)i, x, dim, n_layers);
        p->compute.kernels->rmsnorm(feature, x, f->target->norm, p->config->rms_eps, dim);
        eg_pass_check(p, (int32_t)i, feature, dim, n_layers + 1);
    }
}

/* Brings the features that want logits together in y. */
static void gather(eg_pass *p, const eg_worker *worker)
{
    const eg_forward *f = owner(p);
    const size_t dim = (size_t)p->config->dim;
    const eg_span share = eg_worker_span(worker, (size_t)f->n_wanting, 1);

    for (size_t j = share.begin; j < share.end; j++) {
        memcpy(p->y + j * dim, f->feature + (size_t)f->wanting[j] * dim, dim * sizeof(float));
    }
}

static void lm_head(eg_pass *p, const eg_worker *worker)
{
    const eg_forward *f = owner(p);
    const size_t dim = (size_t)p->config->dim;
    const eg_vectors x = {.data = p->y, .n = (size_t)f->n_wanting, .dim = dim, .stride = dim};

    if (f->n_wanting > 0) {
        eg_linear(p, worker, p->logits, &f->target->lm_head, &x);
    }
}

static void check_logits(eg_pass *p, const eg_worker *worker)
{
    const eg_forward *f = owner(p);
    const size_t vocab = (size_t)p->config->vocab;
    const eg_span share = eg_worker_span(worker, (size_t)f->n_wanting, 1);

    for (size_t j = share.begin; j < share.end; j++) {
        eg_pass_check(p, f->wanting[j], p->logits + j * vocab, vocab, p->config->n_layers + 1);
    }
}

static const eg_operation begin[] = {{embed, EAGLE_SITE_EMBED, false}};
static const eg_operation end[] = {{final_norm, EAGLE_SITE_LOGITS, false},
                                   {gather, EAGLE_SITE_LOGITS, false},
                                   {lm_head, EAGLE_SITE_LOGITS, true},
                                   {check_logits, EAGLE_SITE_LOGITS, false}};

void eg_forward_make(eg_forward *out, const eg_target *target, const eg_compute *compute,
                     const eg_pass_room *room, eg_arena *arena)
{
    const eagle_config *c = &target->config;

    out->target = target;
    out->kv = eg_kvcache_make(c, c->n_layers, room->slots, EG_FOR_TARGET_KV, arena);
    eg_pass_make(&out->pass, c, compute, &out->kv, target->inv_freq, room, arena);
    out->feature = eg_arena_floats(arena, (size_t)room->rows * (size_t)c->dim);
    out->wanting = eg_arena_take(arena, EG_FOR_WORK, (size_t)room->logits, sizeof(int32_t));
}

static void show(const eg_forward *f, eagle_site site, int32_t n, int32_t dim, const float *data)
{
    const eagle_probe *probe = f->pass.probe;

    if (probe != NULL && n > 0) {
        probe->see(probe->ctx, site, 0, n, dim, data, dim);
    }
}

eagle_status eg_forward_run(eg_forward *f, const eg_row *rows, int32_t n, bool fast,
                            eagle_error *err)
{
    const eg_program program = {.before = begin,
                                .n_before = 1,
                                .layers = f->target->layers,
                                .n_layers = f->target->config.n_layers,
                                .after = end,
                                .n_after = 4};

    assert(n >= 1 && n <= f->pass.room.rows);
    f->n_wanting = 0;
    for (int32_t i = 0; i < n; i++) {
        if (rows[i].wants_logits) {
            assert(f->n_wanting < f->pass.room.logits);
            f->wanting[f->n_wanting++] = i;
        }
    }
    f->pass.rows = rows;
    f->pass.n_rows = n;
    f->pass.fast = fast;
    eagle_status st = eg_pass_run(&f->pass, &program, err);

    if (st == EAGLE_OK) {
        show(f, EAGLE_SITE_FEATURE, n, f->target->config.dim, f->feature);
        show(f, EAGLE_SITE_LOGITS, f->n_wanting, f->target->config.vocab, f->pass.logits);
    }
    return st;
}

eagle_status eg_forward_logits(eg_forward *f, const float *feature, eagle_error *err)
{
    const eg_program program = {.after = &end[2], .n_after = 2};

    memcpy(f->pass.y, feature, (size_t)f->target->config.dim * sizeof(float));
    f->n_wanting = 1;
    f->wanting[0] = 0;
    f->pass.n_rows = 1;
    f->pass.fast = false;
    eagle_status st = eg_pass_run(&f->pass, &program, err);

    if (st == EAGLE_OK) {
        show(f, EAGLE_SITE_LOGITS, 1, f->target->config.vocab, f->pass.logits);
    }
    return st;
}
