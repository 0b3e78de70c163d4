/* SPDX-License-Identifier: MIT */
/* pass.c - runs a list of operations over rows: one parallel region per pass.
 *
 * With OpenBLAS (not canonical) the products are done outside of any region, since
 * the library brings threads of its own, and every other operation in a region. */
#include "base/error.h"
#include "base/fpguard.h"
#include "target/layer.h"

#include <omp.h>

/* Columns of the widest product, for OpenBLAS's panel. */
static size_t widest(const eagle_config *c)
{
    const size_t fused = 2 * (size_t)c->dim; /* fc of the extrapolator */
    const size_t heads = (size_t)c->n_heads * (size_t)c->head_dim;
    const size_t wide = fused > heads ? fused : heads;

    return wide > (size_t)c->ffn_dim ? wide : (size_t)c->ffn_dim;
}

void eg_pass_make(eg_pass *out, const eagle_config *config, const eg_compute *compute,
                  eg_kvcache *kv, const float *inv_freq, const eg_pass_room *room, eg_arena *arena)
{
    const size_t rows = (size_t)room->rows;
    const size_t dim = (size_t)config->dim;
    const size_t heads = (size_t)config->n_heads * (size_t)config->head_dim;
    const size_t kv_heads = (size_t)config->n_kv_heads * (size_t)config->head_dim;
    const size_t ffn = (size_t)config->ffn_dim;
    const size_t half = (size_t)config->head_dim / 2;
    const size_t group = (size_t)(config->n_heads / config->n_kv_heads);

    *out = (eg_pass){
        .compute = *compute,
        .config = config,
        .room = *room,
        .kv = kv,
        .inv_freq = inv_freq,
        .x = eg_arena_floats(arena, rows * dim),
        .y = eg_arena_floats(arena, rows * dim),
        .q = eg_arena_floats(arena, rows * heads),
        .k = eg_arena_floats(arena, rows * kv_heads),
        .v = eg_arena_floats(arena, rows * kv_heads),
        .attn = eg_arena_floats(arena, rows * heads),
        .gate = eg_arena_floats(arena, rows * ffn),
        .up = eg_arena_floats(arena, rows * ffn),
        .cos = eg_arena_floats(arena, rows * half),
        .sin = eg_arena_floats(arena, rows * half),
        .logits = eg_arena_floats(arena, (size_t)room->logits * (size_t)config->vocab),
        .scores = eg_arena_floats(arena, (size_t)compute->threads * group * (size_t)room->slots),
        .rooms = eg_arena_floats(arena, (size_t)compute->threads * EG_MATMUL_ROOM),
        .panel =
            eg_gemm_available() ? eg_arena_floats(arena, eg_gemm_scratch(widest(config))) : NULL,
        .fault = eg_arena_take(arena, EG_FOR_WORK, rows, sizeof(int32_t)),
    };
    eg_team_init(&out->team, compute->threads);
}

/* ---- the probe ----------------------------------------------------------------------- */

static void see(const eg_pass *p, eagle_site site, int32_t layer, int32_t dim, const float *data)
{
    p->probe->see(p->probe->ctx, site, layer, p->n_rows, dim, data, dim);
}

/* Shows what the operation that ends at `site` has made. */
static void show(const eg_pass *p, eagle_site site, int32_t layer)
{
    const eagle_config *c = p->config;
    const int32_t heads = c->n_heads * c->head_dim;
    const int32_t kv_heads = c->n_kv_heads * c->head_dim;

    switch (site) {
    case EAGLE_SITE_ATTN_NORM:
        see(p, EAGLE_SITE_LAYER_IN, layer, c->dim, p->x);
        see(p, site, layer, c->dim, p->y);
        break;
    case EAGLE_SITE_Q:
        see(p, EAGLE_SITE_Q, layer, heads, p->q);
        see(p, EAGLE_SITE_K, layer, kv_heads, p->k);
        see(p, EAGLE_SITE_V, layer, kv_heads, p->v);
        break;
    case EAGLE_SITE_Q_ROPE:
        see(p, EAGLE_SITE_Q_ROPE, layer, heads, p->q);
        see(p, EAGLE_SITE_K_ROPE, layer, kv_heads, p->k);
        break;
    case EAGLE_SITE_ATTN: see(p, site, layer, heads, p->attn); break;
    case EAGLE_SITE_ACT: see(p, site, layer, c->ffn_dim, p->gate); break;
    case EAGLE_SITE_MLP_NORM: see(p, site, layer, c->dim, p->y); break;
    case EAGLE_SITE_LOGITS:
    case EAGLE_SITE_HEAD_LOGITS: break; /* shown by the pass's owner when all is done */
    default: see(p, site, layer, c->dim, p->x); break;
    }
}

/* ---- running ------------------------------------------------------------------------- */

static int32_t count_steps(const eg_program *g)
{
    return g->n_before + g->n_layers * EG_LAYER_OPERATIONS + g->n_after;
}

/* Operation i of the program; *layer is its layer's index, or -1. */
static const eg_operation *step(const eg_program *g, int32_t i, int32_t *layer)
{
    const int32_t in_layers = i - g->n_before;
    const int32_t after = in_layers - g->n_layers * EG_LAYER_OPERATIONS;

    *layer = -1;
    if (i < g->n_before) {
        return &g->before[i];
    }
    if (after >= 0) {
        return &g->after[after];
    }
    *layer = in_layers / EG_LAYER_OPERATIONS;
    return &eg_layer_operations[in_layers % EG_LAYER_OPERATIONS];
}

/* One worker's part of operations [begin, end). Worker 0 keeps the books between two barriers. */
static void work(eg_pass *p, const eg_program *g, const eg_worker *worker, int32_t begin,
                 int32_t end)
{
    for (int32_t i = begin; i < end; i++) {
        int32_t layer;
        const eg_operation *operation = step(g, i, &layer);

        if (worker->id == 0 && layer >= 0 && layer != p->layer_index) {
            p->layer = &g->layers[layer];
            p->layer_index = layer;
        }
        if (layer >= 0 && (i - g->n_before) % EG_LAYER_OPERATIONS == 0) {
            eg_team_wait(worker); /* the layer is set before anyone reads it */
        }
        operation->run(p, worker);
        eg_team_wait(worker);
        if (p->probe != NULL) {
            if (worker->id == 0) {
                const int32_t shown = layer < 0 ? 0 : layer;

                show(p, operation->site, g->is_head ? -1 - shown : shown);
            }
            eg_team_wait(worker);
        }
    }
}

/* Operations [begin, end) in one parallel region; NULL, or what is wrong with a thread. */
static const char *region(eg_pass *p, const eg_program *g, int32_t begin, int32_t end)
{
    const char *unfit = NULL;

#pragma omp parallel num_threads(p->compute.threads)
    {
        const eg_worker worker = {
            .team = &p->team, .id = omp_get_thread_num(), .n = omp_get_num_threads()};
        const char *fault = eg_fpguard_fault();

#pragma omp single
        p->team.n = worker.n; /* the system may give fewer threads than were asked for */

        if (fault != NULL) {
#pragma omp critical
            unfit = fault;
        }
        work(p, g, &worker, begin, end);
    }
    return unfit;
}

static const char *run_fast(eg_pass *p, const eg_program *g)
{
    const int32_t n = count_steps(g);
    const char *unfit = NULL;

    eg_gemm_threads(p->compute.threads);
    for (int32_t i = 0; i < n; i++) {
        int32_t layer;

        if (!step(g, i, &layer)->product) {
            const char *fault = region(p, g, i, i + 1);

            unfit = fault != NULL ? fault : unfit;
        } else {
            p->team.n = 1;
            work(p, g, &(eg_worker){.team = &p->team, .id = 0, .n = 1}, i, i + 1);
        }
    }
    return unfit;
}

eagle_status eg_pass_run(eg_pass *p, const eg_program *program, eagle_error *err)
{
    p->layer = NULL;
    p->layer_index = -1;
    for (int32_t i = 0; i < p->n_rows; i++) {
        p->fault[i] = 0;
    }
    const char *unfit =
        p->fast ? run_fast(p, program) : region(p, program, 0, count_steps(program));

    if (unfit != NULL) {
        return eg_fail(err, EAGLE_ENUMERIC, "unfit floating-point environment: %s", unfit);
    }
    return EAGLE_OK;
}
