/* SPDX-License-Identifier: MIT */
/* operations.c - every recorded operation, computed once more from its own recorded input.
 *
 * That tells "this operation is wrong" from "this operation was given noise": what came before does
 * not matter. Keys and values of the attention are the run's own as well: those that it
 * recorded for the prompt, for the nodes of the round, and for what it accepted. The first
 * operation, in the order of round, node, layer and site, that is further from ours than its budget
 * (budget.h) is named. */
#include "check/budget.h"
#include "check/judge.h"

#include "base/alloc.h"
#include "kernels/kernels.h"
#include "model/model.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A pass of the run: the prompt's, or a round's. */
typedef struct {
    const eg_claim_site *site; /* [n_sites] */
    int32_t n_sites;
    int32_t round; /* -1: the prompt's                                             */
    int32_t begin; /* first row at work: passes longer than our room come in parts */
    int32_t n;     /* rows at work                                                 */
} passing;

typedef struct {
    eg_judge *j;
    eg_arena arena;
    eg_forward f;
    eg_row *row;
    int32_t *slot;   /* the paths of the rows                           */
    float *recorded; /* [rows, widest]                                  */
    float *before;   /* [rows, dim] a residual stream before an addition */
    double *allowed; /* [widest]                                        */
    double *scratch; /* [2 widest]                                      */
    int32_t widest;
    bool keys_known; /* keys and values of all committed rows were recorded */
    eagle_check_divergence first;
    eg_worker worker;
} bench;

/* ---- recorded values ---------------------------------------------------------------------- */

/* Rows at work of a site into `to` [n, dim]; false when it was not recorded like that. */
static bool load(const passing *p, float *to, eagle_site which, int32_t layer, int32_t dim)
{
    const eg_claim_site *site = eg_claim_find(p->site, p->n_sites, which, layer);

    if (site == NULL || site->tensor->shape[1] != dim || site->tensor->shape[0] < p->begin + p->n) {
        return false;
    }
    for (int32_t i = 0; i < p->n; i++) {
        eg_tensor_row(to + (size_t)i * (size_t)dim, site->tensor, p->begin + i);
    }
    return true;
}

/* The input of a layer: its own site, or what the layer before gave. */
static bool load_input(const passing *p, float *to, int32_t layer, int32_t dim)
{
    return load(p, to, EAGLE_SITE_LAYER_IN, layer, dim) ||
           (layer > 0 ? load(p, to, EAGLE_SITE_RESID_MLP, layer - 1, dim)
                      : load(p, to, EAGLE_SITE_EMBED, 0, dim));
}

/* ---- comparing ---------------------------------------------------------------------------- */

/* The run's own row (of a round: the node). */
static eagle_check_divergence place(const bench *b, const passing *p, int32_t i, eagle_site site,
                                    int32_t layer)
{
    eagle_check_divergence d = {.found = true,
                                .run = b->j->run,
                                .round = p->round,
                                .node = p->round >= 0 ? p->begin + i : -1,
                                .pos = b->row[i].pos,
                                .layer = eg_site_of_a_layer(site) ? layer : -1,
                                .token = -1,
                                .our_token = -1};

    snprintf(d.site, sizeof d.site, "%s", eagle_site_name(site));
    return d;
}

/* Is a before b: an earlier node of the same pass? Passes, layers and sites come in order. */
static bool earlier(const eagle_check_divergence *a, const eagle_check_divergence *b)
{
    return !b->found || (a->round == b->round && a->pos < b->pos && a->node <= b->node) ||
           (a->round == b->round && a->node < b->node);
}

/* A value with its difference d from ours. One that fails is no measure of what is found. */
static void count_value(eagle_check_operation *o, double d, double allowed, double ours)
{
    o->values++;
    o->rms += ours * ours; /* eg_operations_report() makes a mean of the sum */
    if (d <= allowed) {
        o->error_largest = fmax(o->error_largest, d);
        o->least_shift = fmax(o->least_shift, allowed + d);
    }
}

/* Row i of what was recorded at a site with ours, under b->allowed. */
static void compare_row(bench *b, const passing *p, int32_t i, eagle_site site, int32_t layer,
                        const float *ours, int32_t dim)
{
    const float *theirs = b->recorded + (size_t)i * (size_t)dim;
    eagle_check_line *line = eg_line(b->j->report, "operations");
    eagle_check_operation *figures = &b->j->report->operation[site];
    double most = 0.0;
    int32_t at = 0;
    bool other = false;

    for (int32_t k = 0; k < dim; k++) {
        const double d = fabs((double)theirs[k] - (double)ours[k]);

        if (site == EAGLE_SITE_LOGITS && theirs[k] == -INFINITY) {
            continue; /* a token that their filters took away */
        }
        const double share = isfinite(theirs[k]) ? (d > 0.0 ? d / b->allowed[k] : 0.0) : INFINITY;

        other = other || d > 0.0;
        if (share > most) {
            most = share;
            at = k;
        }
        count_value(figures, d, b->allowed[k], (double)ours[k]);
    }
    line->n_judged++;
    line->n_different += other;
    figures->site = eagle_site_name(site);
    figures->rows++;
    figures->budget_share = fmax(figures->budget_share, most);
    if (most <= 1.0) {
        return;
    }
    eagle_check_divergence d = place(b, p, i, site, layer);

    line->n_failed++;
    d.error = fabs((double)theirs[at] - (double)ours[at]);
    d.allowed = b->allowed[at];
    d.ulps = d.error / eg_ulp(b->j->dtype, (double)ours[at]);
    d.value = (double)theirs[at];
    d.our_value = (double)ours[at];
    if (earlier(&d, &b->first)) {
        b->first = d;
    }
}

/* A site whose budget does not depend on more than its own values is compared by one of these. */
typedef void row_budget(bench *b, const eg_layer *layer, int32_t i, const float *ours);

static void compare(bench *b, const passing *p, eagle_site site, int32_t layer, const float *ours,
                    int32_t dim, row_budget *budget)
{
    const eg_target *target = &b->j->model->target;

    if (!load(p, b->recorded, site, layer, dim)) {
        return;
    }
    for (int32_t i = 0; i < p->n; i++) {
        const float *row = ours + (size_t)i * (size_t)dim;

        budget(b, &target->layers[layer], i, row);
        compare_row(b, p, i, site, layer, row, dim);
    }
}

/* ---- budgets of the sites ------------------------------------------------------------------ */

static const float *row_of(const float *data, int32_t i, int32_t dim)
{
    return data + (size_t)i * (size_t)dim;
}

static void of_embedding(bench *b, const eg_layer *layer, int32_t i, const float *ours)
{
    (void)layer;
    (void)i;
    for (int32_t k = 0; k < b->j->config->dim; k++) { /* weights of a wider type are rounded */
        b->allowed[k] = eg_ulp(b->j->dtype, (double)ours[k]);
    }
}

static void of_norm(bench *b, const eg_layer *layer, int32_t i, const float *ours)
{
    (void)layer;
    (void)i;
    eg_budget_norm(b->allowed, ours, (size_t)b->j->config->dim, b->j->dtype);
}

static void of_q(bench *b, const eg_layer *layer, int32_t i, const float *ours)
{
    eg_budget_product(b->allowed, &layer->q, row_of(b->f.pass.y, i, b->j->config->dim), ours,
                      b->j->dtype);
}

static void of_k(bench *b, const eg_layer *layer, int32_t i, const float *ours)
{
    eg_budget_product(b->allowed, &layer->k, row_of(b->f.pass.y, i, b->j->config->dim), ours,
                      b->j->dtype);
}

static void of_v(bench *b, const eg_layer *layer, int32_t i, const float *ours)
{
    eg_budget_product(b->allowed, &layer->v, row_of(b->f.pass.y, i, b->j->config->dim), ours,
                      b->j->dtype);
}

/* A rotation keeps lengths, so that the size of a pair can be taken after it. */
static void of_rotated(bench *b, int32_t i, int32_t n_heads, const float *ours)
{
    const size_t hd = (size_t)b->j->config->head_dim;

    eg_budget_rope(b->allowed, ours, (size_t)n_heads, hd, b->row[i].pos, b->j->dtype);
    for (size_t k = 0; k < (size_t)n_heads * hd; k++) {
        b->allowed[k] = b->allowed[k] * 1.5 + eg_ulp(b->j->dtype, (double)ours[k]);
    }
}

static void of_q_rope(bench *b, const eg_layer *layer, int32_t i, const float *ours)
{
    (void)layer;
    of_rotated(b, i, b->j->config->n_heads, ours);
}

static void of_k_rope(bench *b, const eg_layer *layer, int32_t i, const float *ours)
{
    (void)layer;
    of_rotated(b, i, b->j->config->n_kv_heads, ours);
}

/* The slots that row i attends to, one after the other. */
static int32_t attended(const eg_row *row, int32_t k)
{
    return k < row->n_run ? row->first + k : row->path[k - row->n_run];
}

/* out = sum p_j v_j with p = softmax(s), s = q k / sqrt(d). A score errs by ds: rounded once to the
 * type, and a sum of d products. A p changes by the factor exp(+-2 ds) and is rounded to the type;
 * so
 * |d out| <= (exp(2 ds) - 1 + 2 u + n 2^-24) max_j |v_j| and the rounding of the result. */
static void of_attention(bench *b, const eg_layer *layer, int32_t i, const float *ours)
{
    const eagle_config *c = b->j->config;
    const eg_pass *p = &b->f.pass;
    const size_t hd = (size_t)c->head_dim;
    const eg_row *row = &b->row[i];
    const int32_t n = row->n_run + row->n_path;
    const double u = eg_half_ulp(b->j->dtype);

    (void)layer;
    for (int32_t h = 0; h < c->n_heads; h++) {
        const int32_t kv_head = h / (c->n_heads / c->n_kv_heads);
        const float *keys = eg_kvcache_k(p->kv, p->layer_index, kv_head);
        const float *values = eg_kvcache_v(p->kv, p->layer_index, kv_head);
        const double q = eg_length(p->q + ((size_t)i * (size_t)c->n_heads + (size_t)h) * hd, hd);
        double *allowed = b->allowed + (size_t)h * hd;
        double longest = 0.0;

        memset(allowed, 0, hd * sizeof *allowed);
        for (int32_t k = 0; k < n; k++) {
            const size_t at = (size_t)attended(row, k) * hd;

            longest = fmax(longest, eg_length(keys + at, hd));
            for (size_t d = 0; d < hd; d++) {
                allowed[d] = fmax(allowed[d], fabs((double)values[at + d]));
            }
        }
        const double ds = q * longest / sqrt((double)hd) * (2.0 * u + (double)hd * 0x1p-24);
        const double factor = expm1(fmin(2.0 * ds, 1.0)) + 2.0 * u + (double)n * 0x1p-23;

        for (size_t d = 0; d < hd; d++) {
            allowed[d] =
                factor * allowed[d] + 4.0 * eg_ulp(b->j->dtype, (double)ours[(size_t)h * hd + d]);
        }
    }
}

static void of_attn_out(bench *b, const eg_layer *layer, int32_t i, const float *ours)
{
    const eagle_config *c = b->j->config;

    eg_budget_residual(b->allowed, &layer->o, row_of(b->f.pass.attn, i, c->n_heads * c->head_dim),
                       row_of(b->before, i, c->dim), ours, b->j->dtype);
}

static void of_mlp_out(bench *b, const eg_layer *layer, int32_t i, const float *ours)
{
    const eagle_config *c = b->j->config;

    eg_budget_residual(b->allowed, &layer->down, row_of(b->f.pass.gate, i, c->ffn_dim),
                       row_of(b->before, i, c->dim), ours, b->j->dtype);
}

/* The gate itself is computed again: the operation has overwritten it. */
static void of_act(bench *b, const eg_layer *layer, int32_t i, const float *ours)
{
    const eagle_config *c = b->j->config;
    const eg_vectors x = {
        .data = row_of(b->f.pass.y, i, c->dim), .n = 1, .dim = (size_t)c->dim, .stride = 0};
    float *gate = b->before; /* not in use here; [rows, widest] */

    (void)ours;
    eg_linear(&b->f.pass, &b->worker, gate, &layer->gate, &x);
    eg_budget_act(b->allowed, layer, x.data, gate, row_of(b->f.pass.up, i, c->ffn_dim), b->scratch,
                  b->j->dtype);
}

/* ---- one pass ------------------------------------------------------------------------------ */

static void run(bench *b, int32_t operation)
{
    eg_layer_operations[operation].run(&b->f.pass, &b->worker);
}

/* Keys and values of the rows at work into their slots; false when they were not recorded. */
static bool fill_keys(bench *b, const passing *p, int32_t layer)
{
    const eagle_config *c = b->j->config;
    const size_t hd = (size_t)c->head_dim;
    const int32_t width = c->n_kv_heads * c->head_dim;
    const bool there = load(p, b->f.pass.k, EAGLE_SITE_K_ROPE, layer, width) &&
                       load(p, b->f.pass.v, EAGLE_SITE_V, layer, width);

    for (int32_t i = 0; there && i < p->n; i++) {
        const size_t slot = (size_t)eg_row_slot(&b->row[i]);

        for (int32_t h = 0; h < c->n_kv_heads; h++) {
            const size_t from = ((size_t)i * (size_t)c->n_kv_heads + (size_t)h) * hd;

            memcpy(eg_kvcache_k(&b->f.kv, layer, h) + slot * hd, b->f.pass.k + from,
                   hd * sizeof(float));
            memcpy(eg_kvcache_v(&b->f.kv, layer, h) + slot * hd, b->f.pass.v + from,
                   hd * sizeof(float));
        }
    }
    return there;
}

static void attention_of(bench *b, const passing *p, int32_t layer)
{
    const eagle_config *c = b->j->config;
    eg_pass *w = &b->f.pass;
    const int32_t heads = c->n_heads * c->head_dim;
    const int32_t kv_heads = c->n_kv_heads * c->head_dim;

    if (load_input(p, w->x, layer, c->dim)) {
        run(b, 0);
        compare(b, p, EAGLE_SITE_ATTN_NORM, layer, w->y, c->dim, of_norm);
    }
    if (load(p, w->y, EAGLE_SITE_ATTN_NORM, layer, c->dim)) {
        run(b, 1);
        compare(b, p, EAGLE_SITE_Q, layer, w->q, heads, of_q);
        compare(b, p, EAGLE_SITE_K, layer, w->k, kv_heads, of_k);
        compare(b, p, EAGLE_SITE_V, layer, w->v, kv_heads, of_v);
    }
    if (load(p, w->q, EAGLE_SITE_Q, layer, heads) && load(p, w->k, EAGLE_SITE_K, layer, kv_heads)) {
        run(b, 2);
        compare(b, p, EAGLE_SITE_Q_ROPE, layer, w->q, heads, of_q_rope);
        compare(b, p, EAGLE_SITE_K_ROPE, layer, w->k, kv_heads, of_k_rope);
    }
    b->keys_known = fill_keys(b, p, layer) && b->keys_known;
    if (b->keys_known && load(p, w->q, EAGLE_SITE_Q_ROPE, layer, heads)) {
        run(b, 3);
        compare(b, p, EAGLE_SITE_ATTN, layer, w->attn, heads, of_attention);
    }
    if (load_input(p, w->x, layer, c->dim) && load(p, w->attn, EAGLE_SITE_ATTN, layer, heads)) {
        memcpy(b->before, w->x, (size_t)p->n * (size_t)c->dim * sizeof(float));
        run(b, 4);
        compare(b, p, EAGLE_SITE_RESID_ATTN, layer, w->x, c->dim, of_attn_out);
    }
}

static void mlp_of(bench *b, const passing *p, int32_t layer)
{
    const eagle_config *c = b->j->config;
    eg_pass *w = &b->f.pass;

    if (load(p, w->x, EAGLE_SITE_RESID_ATTN, layer, c->dim)) {
        run(b, 5);
        compare(b, p, EAGLE_SITE_MLP_NORM, layer, w->y, c->dim, of_norm);
    }
    if (load(p, w->y, EAGLE_SITE_MLP_NORM, layer, c->dim)) {
        run(b, 6);
        compare(b, p, EAGLE_SITE_ACT, layer, w->gate, c->ffn_dim, of_act);
    }
    if (load(p, w->x, EAGLE_SITE_RESID_ATTN, layer, c->dim) &&
        load(p, w->gate, EAGLE_SITE_ACT, layer, c->ffn_dim)) {
        memcpy(b->before, w->x, (size_t)p->n * (size_t)c->dim * sizeof(float));
        run(b, 7);
        compare(b, p, EAGLE_SITE_RESID_MLP, layer, w->x, c->dim, of_mlp_out);
    }
}

/* Embedding before the layers; final norm and logits after them. */
static void ends_of(bench *b, const passing *p)
{
    const eagle_config *c = b->j->config;
    const eg_target *target = &b->j->model->target;
    eg_pass *w = &b->f.pass;
    const size_t dim = (size_t)c->dim;

    if (load(p, w->x, EAGLE_SITE_RESID_MLP, c->n_layers - 1, c->dim)) {
        for (int32_t i = 0; i < p->n; i++) {
            w->compute.kernels->rmsnorm(b->f.feature + (size_t)i * dim, w->x + (size_t)i * dim,
                                        target->norm, c->rms_eps, dim);
        }
        compare(b, p, EAGLE_SITE_FEATURE, 0, b->f.feature, c->dim, of_norm);
    }
    if (p->round < 0 || b->j->claim->round[p->round].logits == NULL ||
        !load(p, w->y, EAGLE_SITE_FEATURE, 0, c->dim)) {
        return;
    }
    const eg_vectors x = {.data = w->y, .n = (size_t)p->n, .dim = dim, .stride = dim};

    eg_linear(w, &b->worker, w->logits, &target->lm_head, &x);
    for (int32_t i = 0; i < p->n; i++) {
        const float *ours = row_of(w->logits, i, c->vocab);

        eg_tensor_row(b->recorded + (size_t)i * (size_t)c->vocab,
                      b->j->claim->round[p->round].logits, p->begin + i);
        eg_budget_product(b->allowed, &target->lm_head, row_of(w->y, i, c->dim), ours, b->j->dtype);
        compare_row(b, p, i, EAGLE_SITE_LOGITS, 0, ours, c->vocab);
    }
}

static void run_pass(bench *b, const passing *p)
{
    const eagle_config *c = b->j->config;
    const eg_target *target = &b->j->model->target;
    eg_pass *w = &b->f.pass;

    w->rows = b->row;
    w->n_rows = p->n;
    w->fast = false;
    for (int32_t i = 0; i < p->n; i++) {
        eg_matrix_row(w->x + (size_t)i * (size_t)c->dim, &target->embed, b->row[i].token);
        eg_pass_rotation(w, i);
        w->fault[i] = 0;
    }
    compare(b, p, EAGLE_SITE_EMBED, 0, w->x, c->dim, of_embedding);
    for (int32_t layer = 0; layer < c->n_layers; layer++) {
        w->layer = &target->layers[layer];
        w->layer_index = layer;
        attention_of(b, p, layer);
        mlp_of(b, p, layer);
    }
    ends_of(b, p);
}

/* ---- all passes ---------------------------------------------------------------------------- */

static void run_prompt(bench *b)
{
    const eg_claim *c = b->j->claim;
    const int32_t most = b->j->ours->rows;

    for (int32_t at = 0; at < c->n_prompt; at += most) {
        const int32_t n = c->n_prompt - at < most ? c->n_prompt - at : most;
        const passing p = {
            .site = c->site, .n_sites = c->n_sites, .round = -1, .begin = at, .n = n};

        for (int32_t i = 0; i < n; i++) {
            b->row[i] = (eg_row){.token = c->token[at + i], .pos = at + i, .n_run = at + i + 1};
        }
        run_pass(b, &p);
    }
}

static eagle_status run_round(bench *b, int32_t r, eagle_error *err)
{
    const eg_claim_round *round = &b->j->claim->round[r];
    const int32_t root = eg_claim_root(b->j->claim, r);
    const passing p = {
        .site = round->site, .n_sites = round->n_sites, .round = r, .n = round->n_nodes};
    size_t total = 0;

    for (int32_t i = 0; i < round->n_nodes; i++) {
        total += (size_t)round->depth[i] + 1;
    }
    int32_t *slot = eg_alloc(total, sizeof *slot);

    if (slot == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for the paths of %d nodes", round->n_nodes);
    }
    total = 0;
    for (int32_t i = 0; i < round->n_nodes; i++) {
        int32_t *path = slot + total;
        const int32_t n = round->depth[i] + 1;

        for (int32_t a = i, k = n - 1; k >= 0; a = round->parent[a], k--) {
            path[k] = eg_ours_slot(b->j->ours, 0, a);
        }
        b->row[i] = (eg_row){.token = round->token[i],
                             .pos = root + round->depth[i],
                             .n_run = root,
                             .path = path,
                             .n_path = n};
        total += (size_t)n;
    }
    run_pass(b, &p);
    free(slot);
    return EAGLE_OK;
}

/* What the round accepted, as recorded, to its places. */
static void commit(bench *b, int32_t r)
{
    const eg_claim_round *round = &b->j->claim->round[r];
    const int32_t root = eg_claim_root(b->j->claim, r);

    for (int32_t i = 0; i < round->n_path && root + i < b->j->ours->ctx; i++) {
        eg_kvcache_move(&b->f.kv, root + i, eg_ours_slot(b->j->ours, 0, round->path_row[i]));
    }
}

static eagle_status run_all(bench *b, eagle_error *err)
{
    const eg_claim *c = b->j->claim;
    eagle_status st = EAGLE_OK;

    b->keys_known = c->n_sites > 0 && c->first_round == 0;
    run_prompt(b);
    for (int32_t r = 0; st == EAGLE_OK && r < c->n_rounds; r++) {
        if (!eg_goes_on(b->j)) {
            return eg_fail(err, EAGLE_EINCONCLUSIVE, "interrupted");
        }
        if (!b->j->walkable[r]) {
            b->keys_known = false;
            continue;
        }
        if (c->round[r].n_sites > 0 && eg_claim_root(c, r) + c->round[r].n_nodes <= c->n_prompt) {
            const bool known = b->keys_known; /* its rows are the prompt's: nothing to keep */

            st = run_round(b, r, err);
            b->keys_known = known;
        } else if (c->round[r].n_sites > 0) {
            st = run_round(b, r, err);
            commit(b, r);
        } else if (eg_claim_root(c, r) >= c->n_prompt) {
            b->keys_known = false; /* rows that were not recorded; the prompt's are */
        }
    }
    return st;
}

/* ---- figures -------------------------------------------------------------------------------- */

/* Those that were judged by name, or those that were not, whichever are fewer. */
static void name_operations(char *text, size_t size, const eagle_check_report *report)
{
    static const eagle_site judged[] = {
        EAGLE_SITE_EMBED,      EAGLE_SITE_ATTN_NORM, EAGLE_SITE_Q,      EAGLE_SITE_K,
        EAGLE_SITE_V,          EAGLE_SITE_Q_ROPE,    EAGLE_SITE_K_ROPE, EAGLE_SITE_ATTN,
        EAGLE_SITE_RESID_ATTN, EAGLE_SITE_MLP_NORM,  EAGLE_SITE_ACT,    EAGLE_SITE_RESID_MLP,
        EAGLE_SITE_FEATURE,    EAGLE_SITE_LOGITS};
    const int32_t all = (int32_t)(sizeof judged / sizeof judged[0]);
    int32_t n = 0;

    for (int32_t i = 0; i < all; i++) {
        n += report->operation[judged[i]].rows > 0;
    }
    const bool few = 2 * n <= all;
    int used = snprintf(text, size,
                        n == all ? "all %d operations"
                        : few    ? "%d operations alone:"
                                 : "%d operations, not of",
                        n);

    for (int32_t i = 0; n < all && i < all && used > 0 && (size_t)used < size; i++) {
        if ((report->operation[judged[i]].rows > 0) == few) {
            used += snprintf(text + used, size - (size_t)used, " %s", eagle_site_name(judged[i]));
        }
    }
}

/* ---- the judge ------------------------------------------------------------------------------ */

static eagle_status make(bench *b, eagle_error *err)
{
    const eg_ours *ours = b->j->ours;
    const eagle_config *c = b->j->config;
    const eg_compute compute = {.kernels = ours->forward.pass.compute.kernels, .threads = 1};
    const eg_pass_room room = {
        .rows = ours->rows, .logits = ours->rows, .slots = ours->ctx + ours->tree};
    const int32_t sizes[] = {c->dim, c->ffn_dim, c->n_heads * c->head_dim, c->vocab};

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        b->widest = sizes[i] > b->widest ? sizes[i] : b->widest;
    }
    const size_t widest = (size_t)b->widest;
    const size_t rows = (size_t)ours->rows;

    eg_forward_make(&b->f, &b->j->model->target, &compute, &room, &b->arena);
    b->row = eg_arena_take(&b->arena, EG_FOR_WORK, rows, sizeof *b->row);
    b->recorded = eg_arena_floats(&b->arena, rows * widest);
    b->before = eg_arena_floats(&b->arena, rows * widest);
    b->allowed = eg_arena_take(&b->arena, EG_FOR_WORK, widest, sizeof *b->allowed);
    b->scratch = eg_arena_take(&b->arena, EG_FOR_WORK, 2 * widest, sizeof *b->scratch);
    b->f.pass.team.n = 1;
    b->worker = (eg_worker){.team = &b->f.pass.team, .id = 0, .n = 1};
    return b->arena.failed ? eg_fail(err, EAGLE_ENOMEM, "no memory to replay operations")
                           : EAGLE_OK;
}

void eg_operations_report(eagle_check_report *report)
{
    eagle_check_line *line = eg_line(report, "operations");
    const eagle_check_operation *most = NULL;
    const eagle_check_operation *least = NULL;
    int64_t values = 0;
    int64_t fewest = INT64_MAX;
    double share = 0.0;
    char which[160];

    for (int32_t site = 0; site < EAGLE_SITE_COUNT; site++) {
        eagle_check_operation *o = &report->operation[site];

        if (o->rows > 0) {
            o->rms = o->values > 0 ? sqrt(o->rms / (double)o->values) : 0.0;
            o->least_share = 1.0 - pow(0.01, 1.0 / (double)o->rows);
            values += o->values;
            fewest = o->rows < fewest ? o->rows : fewest;
            share = fmax(share, o->budget_share);
            most = most == NULL || o->least_shift > most->least_shift ? o : most;
            least = least == NULL || o->least_shift < least->least_shift ? o : least;
        }
    }
    if (most == NULL) {
        return;
    }
    name_operations(which, sizeof which, report);
    eg_say(line,
           "%lld rows of %s, %lld values; %lld differ, %lld by more than their budget, the worst "
           "%.3g of it; found with 99 %% power: a value shifted by %.3g (%s; %.3g suffices in %s) "
           "in %.3g %% of an operation's rows",
           (long long)line->n_judged, which, (long long)values, (long long)line->n_different,
           (long long)line->n_failed, share, most->least_shift, most->site, least->least_shift,
           least->site, 100.0 * (1.0 - pow(0.01, 1.0 / (double)fewest)));
}

static void conclude(const bench *b)
{
    eg_judge *j = b->j;
    eagle_check_line *line = eg_line(j->report, "operations");
    const eagle_check_divergence *d = &b->first;
    char round[40] = "the prompt";

    if (line->n_judged == 0) {
        return;
    }
    eg_worsen(line, EAGLE_CHECK_PASS);
    if (!d->found) {
        return;
    }
    if (d->round >= 0) {
        snprintf(round, sizeof round, "round %d, node %d", d->round + j->claim->first_round,
                 d->node);
    }
    const int64_t failed = line->n_failed;
    char layer[24] = "";

    if (d->layer >= 0) {
        snprintf(layer, sizeof layer, "layer %d, ", d->layer);
    }

    eg_problem(line, EAGLE_CHECK_FAIL,
               "%s: %s, position %d, %s%s differs by %.4g from its own input's, the budget "
               "is %.4g",
               j->claim->name, round, d->pos, layer, d->site, d->error, d->allowed);
    line->n_failed = failed; /* rows, not sentences */
    if (!j->control) {
        eg_diverges(j->report, d);
    }
}

eagle_status eg_judge_operations(eg_judge *j, eagle_error *err)
{
    bench b = {.j = j};
    bool any = j->claim->n_sites > 0;

    for (int32_t r = 0; r < j->claim->n_rounds; r++) {
        any = any || j->claim->round[r].n_sites > 0;
    }
    if (!any) {
        return EAGLE_OK;
    }
    eagle_status st = make(&b, err);

    if (st == EAGLE_OK) {
        st = run_all(&b, err);
    }
    if (st == EAGLE_OK) {
        conclude(&b);
    }
    eg_arena_free(&b.arena);
    return st;
}
