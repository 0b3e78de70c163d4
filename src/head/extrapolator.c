/* SPDX-License-Identifier: MIT */
/* extrapolator.c - the FeatExtrapolator's passes: refresh with true features, expand a tree. */
#include "head/extrapolator.h"

#include <assert.h>
#include <stddef.h>
#include <string.h>

static eg_extrapolation *owner(eg_pass *p)
{
    return (eg_extrapolation *)((char *)p - offsetof(eg_extrapolation, pass));
}

/* fused = [embed(token), feature], the embedding first. */
static void side_by_side(eg_pass *p, const eg_worker *worker)
{
    const eg_extrapolation *e = owner(p);
    const size_t dim = (size_t)p->config->dim;
    const eg_span share = eg_worker_span(worker, (size_t)p->n_rows, 1);

    for (size_t i = share.begin; i < share.end; i++) {
        float *fused = e->fused + i * 2 * dim;

        eg_matrix_row(fused, &e->head->embed, p->rows[i].token);
        memcpy(fused + dim, e->in[i], dim * sizeof(float));
        eg_pass_rotation(p, (int32_t)i);
    }
}

static void fuse(eg_pass *p, const eg_worker *worker)
{
    const eg_extrapolation *e = owner(p);
    const size_t width = 2 * (size_t)p->config->dim;
    const eg_vectors x = {.data = e->fused, .n = (size_t)p->n_rows, .dim = width, .stride = width};

    eg_linear(p, worker, p->x, &e->head->fc, &x);
}

/* Keeps each slot's output: there is no final norm. */
static void keep(eg_pass *p, const eg_worker *worker)
{
    const eg_extrapolation *e = owner(p);
    const size_t dim = (size_t)p->config->dim;
    const eg_span share = eg_worker_span(worker, (size_t)p->n_rows, 1);

    for (size_t i = share.begin; i < share.end; i++) {
        memcpy(e->out + (size_t)eg_row_slot(&p->rows[i]) * dim, p->x + i * dim,
               dim * sizeof(float));
    }
}

static void lm_head(eg_pass *p, const eg_worker *worker)
{
    const size_t dim = (size_t)p->config->dim;
    const eg_vectors x = {.data = p->x, .n = (size_t)p->n_rows, .dim = dim, .stride = dim};

    eg_linear(p, worker, p->logits, &owner(p)->head->target->lm_head, &x);
}

static const eg_operation begin[] = {{side_by_side, EAGLE_SITE_HEAD_LOGITS, false},
                                     {fuse, EAGLE_SITE_HEAD_FUSED, true}};
static const eg_operation end[] = {{keep, EAGLE_SITE_HEAD_OUT, false},
                                   {lm_head, EAGLE_SITE_HEAD_LOGITS, true}};

void eg_extrapolation_make(eg_extrapolation *out, const eagle_head *head, const eg_compute *compute,
                           const eg_extrapolation_room *room, eg_arena *arena)
{
    const eagle_config *c = &head->config;
    const size_t rows = (size_t)room->rows;
    const size_t tree = (size_t)room->tree;
    const size_t dim = (size_t)c->dim;
    const eg_pass_room pass = {
        .rows = room->rows, .logits = room->logits, .slots = room->stable + room->tree};

    out->head = head;
    out->max_depth = room->depth;
    out->kv = eg_kvcache_make(c, 1, pass.slots, EG_FOR_HEAD_KV, arena);
    eg_pass_make(&out->pass, c, compute, &out->kv, head->inv_freq, &pass, arena);
    out->fused = eg_arena_floats(arena, rows * 2 * dim);
    out->out = eg_arena_take(arena, EG_FOR_HEAD_KV, (size_t)pass.slots, dim * sizeof(float));
    out->in = eg_arena_take(arena, EG_FOR_WORK, rows, sizeof *out->in);
    out->rows = eg_arena_take(arena, EG_FOR_WORK, rows, sizeof *out->rows);
    out->path = eg_arena_take(arena, EG_FOR_WORK, (size_t)room->logits * (size_t)room->depth,
                              sizeof *out->path);
    out->parent = eg_arena_take(arena, EG_FOR_WORK, tree, sizeof *out->parent);
    out->level = eg_arena_take(arena, EG_FOR_WORK, tree, sizeof *out->level);
}

/* Runs a program over n rows; with logits, a probe sees them at the end. */
static eagle_status run_program(eg_extrapolation *e, const eg_program *program, int32_t n,
                                bool logits, eagle_error *err)
{
    const int32_t vocab = e->head->config.vocab;
    const eagle_probe *probe = e->pass.probe;

    e->pass.n_rows = n;
    eagle_status st = eg_pass_run(&e->pass, program, err);

    if (st == EAGLE_OK && logits && probe != NULL) {
        probe->see(probe->ctx, EAGLE_SITE_HEAD_LOGITS, 0, n, vocab, e->pass.logits, vocab);
    }
    return st;
}

/* Runs the n rows that are set up in e->rows and e->in. */
static eagle_status run(eg_extrapolation *e, int32_t n, bool logits, bool fast, eagle_error *err)
{
    const eg_program program = {.before = begin,
                                .n_before = 2,
                                .layers = &e->head->layer,
                                .n_layers = 1,
                                .is_head = true,
                                .after = end,
                                .n_after = logits ? 2 : 1};

    e->pass.rows = e->rows;
    e->pass.fast = fast;
    return run_program(e, &program, n, logits, err);
}

eagle_status eg_extrapolation_refresh(eg_extrapolation *e, const int32_t *token,
                                      const float *feature, int32_t n, bool fast, eagle_error *err)
{
    const size_t dim = (size_t)e->head->config.dim;
    eagle_status st = EAGLE_OK;

    e->n_tree = 0;
    for (int32_t done = 0; st == EAGLE_OK && done < n;) {
        const int32_t rows = n - done < e->pass.room.rows ? n - done : e->pass.room.rows;

        for (int32_t i = 0; i < rows; i++) {
            const int32_t slot = e->n_stable + i;

            e->rows[i] = (eg_row){.token = token[done + i], .pos = slot, .n_run = slot + 1};
            e->in[i] = feature + (size_t)(done + i) * dim;
        }
        st = run(e, rows, false, fast, err);
        if (st == EAGLE_OK) {
            e->n_stable += rows;
            done += rows;
        }
    }
    return st;
}

eagle_status eg_extrapolation_root(const float **logits, eg_extrapolation *e, eagle_error *err)
{
    const size_t dim = (size_t)e->head->config.dim;
    const eg_program program = {.after = &end[1], .n_after = 1};

    assert(e->n_stable >= 1);
    memcpy(e->pass.x, e->out + (size_t)(e->n_stable - 1) * dim, dim * sizeof(float));
    e->pass.fast = false;
    *logits = e->pass.logits;
    return run_program(e, &program, 1, true, err);
}

/* Sets up row i: tree slot e->n_tree + i. */
static void hang(eg_extrapolation *e, int32_t i, int32_t token, int32_t parent)
{
    const size_t dim = (size_t)e->head->config.dim;
    const int32_t slot = e->n_tree + i;
    const int32_t level = parent < 0 ? 1 : e->level[parent] + 1;
    int32_t *path = e->path + (size_t)i * (size_t)e->max_depth;

    assert(level <= e->max_depth);
    e->parent[slot] = parent;
    e->level[slot] = level;
    for (int32_t at = slot, left = level; left > 0; at = e->parent[at], left--) {
        path[left - 1] = e->n_stable + at;
    }
    e->rows[i] = (eg_row){.token = token,
                          .pos = e->n_stable + level - 1,
                          .n_run = e->n_stable,
                          .path = path,
                          .n_path = level};
    e->in[i] = e->out + (size_t)(parent < 0 ? e->n_stable - 1 : e->n_stable + parent) * dim;
}

eagle_status eg_extrapolation_expand(int32_t *first, const float **logits, eg_extrapolation *e,
                                     const int32_t *token, const int32_t *parent, int32_t n,
                                     eagle_error *err)
{
    assert(n >= 1 && n <= e->pass.room.logits);
    for (int32_t i = 0; i < n; i++) {
        hang(e, i, token[i], parent[i]);
    }
    eagle_status st = run(e, n, true, false, err);

    *first = e->n_tree;
    *logits = e->pass.logits;
    if (st == EAGLE_OK) {
        e->n_tree += n;
    }
    return st;
}

void eg_extrapolation_prune(eg_extrapolation *e)
{
    e->n_tree = 0;
}

void eg_extrapolation_rewind(eg_extrapolation *e, int32_t n)
{
    e->n_tree = 0;
    e->n_stable = n < e->n_stable ? n : e->n_stable;
}

void eg_extrapolation_hash(eagle_sha256 *sha, const eg_extrapolation *e)
{
    eg_kvcache_hash(sha, &e->kv, e->n_stable);
    eagle_sha256_floats(sha, e->out, (size_t)e->n_stable * (size_t)e->head->config.dim);
}
