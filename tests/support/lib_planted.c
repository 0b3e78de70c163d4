/* SPDX-License-Identifier: MIT */
/* lib_planted.c - another implementation, with a fault of one's choice. */
#include "support/lib_planted.h"

#include "base/alloc.h"
#include "model/model.h"
#include "prove/float_rules.h"
#include "sample/law.h"
#include "target/target.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { CTX = 256, NODES = 7, PROMPT = 6, CHUNK = 16, SITES = 4096, CHANCES = 64 };

typedef struct {
    eg_claim_site list[SITES];
    eagle_tensor tensor[SITES];
    int32_t n;
} recorded;

typedef struct {
    const planted_options *o;
    const toy *t;
    eg_arena arena;
    eg_forward f;
    eg_row row[CHUNK];
    int32_t slot[NODES * (NODES + 1)];
    int32_t token[CTX];
    int32_t n;    /* tokens                                           */
    int32_t n_kv; /* rows of them in the cache: all but the last one  */
    int32_t left; /* and rows that should not be there, behind them   */
    eg_claim *claim;
    recorded *sites; /* of the pass at work, or NULL */
    eagle_probe probe;
    uint64_t random;
    eagle_path *path;
    eagle_session *right; /* knows the tokens */
} engine;

static void need(bool ok, const char *what)
{
    if (!ok) {
        fprintf(stderr, "planted: %s\n", what);
        abort();
    }
}

static void *take(engine *e, size_t n, size_t size)
{
    void *p = eg_arena_take(&e->claim->arena, EG_FOR_WORK, n, size);

    need(p != NULL || n == 0, "no memory");
    return p;
}

/* ---- what the probe does: rounding, a wrong operation, and recording ------------------------- */

static void spoil(const engine *e, eagle_site site, int32_t layer, int32_t n_rows, int32_t dim,
                  float *data)
{
    if (e->o->fault == PLANTED_OPERATION && site == EAGLE_SITE_ACT && layer == 1) {
        for (int32_t i = 0; i < n_rows * dim; i++) {
            data[i] *= 1.125f;
        }
    }
    /* The feature is shown when the logits have been made of it: too late to round it. */
    if (e->o->dtype != EAGLE_F32 && site != EAGLE_SITE_FEATURE) {
        for (int32_t i = 0; i < n_rows; i++) {
            uint16_t half[64];

            for (int32_t at = 0; at < dim; at += 64) {
                const size_t n = (size_t)(dim - at < 64 ? dim - at : 64);
                float *row = data + (size_t)i * (size_t)dim + at;

                eg_narrow(half, row, e->o->dtype, n);
                eg_widen(row, half, e->o->dtype, n);
            }
        }
    }
}

static bool is_recorded(const engine *e, eagle_site site)
{
    if (e->o->few_sites) {
        return site == EAGLE_SITE_EMBED || site == EAGLE_SITE_K_ROPE || site == EAGLE_SITE_V ||
               site == EAGLE_SITE_RESID_MLP || site == EAGLE_SITE_FEATURE;
    }
    return site != EAGLE_SITE_LOGITS; /* which is recorded as such */
}

static void see(void *ctx, eagle_site site, int32_t layer, int32_t n_rows, int32_t dim,
                const float *data, int32_t stride)
{
    engine *e = ctx;

    need(stride == dim, "rows lie side by side");
    spoil(e, site, layer, n_rows, dim, (float *)(uintptr_t)data);
    if (e->sites != NULL && is_recorded(e, site)) {
        const size_t n = (size_t)n_rows * (size_t)dim;
        float *copy = take(e, n, sizeof *copy);
        eagle_tensor *t = &e->sites->tensor[e->sites->n];

        need(e->sites->n < SITES, "too many sites");
        memcpy(copy, data, n * sizeof *copy);
        *t = (eagle_tensor){.name = eagle_site_name(site),
                            .dtype = EAGLE_F32,
                            .rank = 2,
                            .shape = {n_rows, dim},
                            .data = copy,
                            .size = n * sizeof *copy};
        e->sites->list[e->sites->n++] = (eg_claim_site){.site = site, .layer = layer, .tensor = t};
    }
}

/* Runs the rows; with `keep` their sites are recorded. */
static void pass(engine *e, int32_t n, const eg_claim_site **site, int32_t *n_sites)
{
    eagle_error err;

    e->sites =
        site != NULL && (e->o->sites || e->o->few_sites) ? take(e, 1, sizeof *e->sites) : NULL;
    e->f.pass.probe = &e->probe;
    need(eg_forward_run(&e->f, e->row, n, false, &err) == EAGLE_OK, "forward");
    if (e->sites != NULL) {
        *site = e->sites->list;
        *n_sites = e->sites->n;
    }
}

/* ---- drafting -------------------------------------------------------------------------------- */

/* The token that our target says next. */
static int32_t right_token(engine *e, const int32_t *token, int32_t n)
{
    const int32_t vocab = toy_config(e->t, false)->vocab;
    eagle_rows rows;
    eagle_error err;

    need(eagle_session_rewind(e->right, 0, &err) == EAGLE_OK, "rewind");
    need(eagle_session_feed(NULL, e->right, token, n - 1, &err) == EAGLE_OK || n == 1, "feed");
    need(eagle_session_feed(&rows, e->right, token + n - 1, 1, &err) == EAGLE_OK, "feed");
    return eg_law_best(rows.logits, vocab);
}

/* Root; a wrong child and a right one; below the right one a wrong and a right one; below the wrong
 * one a child, and below that one more. */
static void draft(engine *e, eagle_tree *tree)
{
    const int32_t vocab = toy_config(e->t, false)->vocab;
    int32_t text[CTX];

    memcpy(text, e->token, (size_t)e->n * sizeof *text);
    eagle_tree_reset(tree, e->token[e->n - 1], e->n - 1);
    if (e->o->plain || e->n_kv == e->n) {
        return;
    }
    const int32_t one = right_token(e, text, e->n);

    text[e->n] = one;
    const int32_t two = right_token(e, text, e->n + 1);
    const int32_t wrong = eagle_tree_add(tree, 0, (one + 5) % vocab, -1.0f);
    const int32_t right = eagle_tree_add(tree, 0, one, -2.0f);

    eagle_tree_add(tree, wrong, (one + 9) % vocab, -3.0f);
    eagle_tree_add(tree, right, (two + 7) % vocab, -3.0f);
    eagle_tree_add(tree, right, two, -4.0f);
    if (e->o->fault == PLANTED_DUPLICATE) {
        tree->token[4] = tree->token[5];
    }
}

/* ---- a round --------------------------------------------------------------------------------- */

static bool faulty(const engine *e, int32_t round, planted_fault fault)
{
    return e->o->fault == fault && round >= e->o->from_round;
}

/* Which slots node i attends to, itself last. */
static int32_t attends(const engine *e, int32_t *slot, const eagle_tree *tree, int32_t i,
                       int32_t round)
{
    int32_t n = 0;

    for (int32_t a = 0; a <= i; a++) {
        bool on_path = false;

        for (int32_t b = i; b >= 0; b = tree->parent[b]) {
            on_path = on_path || b == a;
        }
        on_path = on_path && !(a == 0 && i > 0 && faulty(e, round, PLANTED_NO_ROOT));
        if (on_path || faulty(e, round, PLANTED_TRIANGLE) ||
            (faulty(e, round, PLANTED_SIBLING) && a > 0 && tree->parent[a] == tree->parent[i])) {
            slot[n++] = e->n_kv + e->left + a;
        }
    }
    return n;
}

/* Runs the target over the tree; returns its rows of logits, the run's own. */
static float *score(engine *e, const eagle_tree *tree, int32_t round, eg_claim_round *out)
{
    const size_t vocab = (size_t)toy_config(e->t, false)->vocab;
    int32_t used = 0;

    for (int32_t i = 0; i < tree->n_nodes; i++) {
        const int32_t n = attends(e, e->slot + used, tree, i, round);
        const int32_t shift = i > 0 && faulty(e, round, PLANTED_POSITION);

        e->row[i] = (eg_row){.token = tree->token[i],
                             .pos = tree->pos + tree->depth[i] + shift,
                             .n_run = e->n_kv + e->left,
                             .path = e->slot + used,
                             .n_path = n,
                             .wants_logits = true};
        used += n;
    }
    pass(e, tree->n_nodes, &out->site, &out->n_sites);
    float *logits = take(e, (size_t)tree->n_nodes * vocab, sizeof *logits);

    for (int32_t i = 0; i < tree->n_nodes; i++) {
        const int32_t from = i > 0 && faulty(e, round, PLANTED_ROW) ? i - 1 : i;

        memcpy(logits + (size_t)i * vocab, e->f.pass.logits + (size_t)from * vocab,
               vocab * sizeof *logits);
    }
    return logits;
}

/* ---- decisions ------------------------------------------------------------------------------- */

static void decide_greedily(engine *e, const eagle_tree *tree, const float *logits, int32_t round)
{
    const int32_t vocab = toy_config(e->t, false)->vocab;
    const size_t width = (size_t)vocab;
    eagle_path *p = e->path;
    int32_t node = 0;

    p->n = 0;
    while (node >= 0) {
        const int32_t token = eg_law_best(logits + (size_t)node * width, vocab);

        p->row[p->n] = node;
        p->token[p->n] = token;
        node = eagle_tree_child(tree, node, token);
        p->node[p->n++] = node;
    }
    if (faulty(e, round, PLANTED_BONUS) && p->n > 1) {
        const int32_t parent = tree->parent[p->row[p->n - 1]];

        p->token[p->n - 1] = eg_law_best(logits + (size_t)parent * width, vocab);
    }
    if (faulty(e, round, PLANTED_TIE)) { /* the second best: meant for toys whose logits are tied */
        int32_t order[2];

        eg_topk(order, logits + (size_t)p->row[p->n - 1] * width, width, 2);
        p->token[p->n - 1] = order[1];
    }
}

typedef struct {
    eg_claim_draw draw[CHANCES];
    double coin[CHANCES];
    eagle_draw_key key[CHANCES];
    int32_t n;
} chances;

static void toss(engine *e, chances *c, eagle_draw_purpose purpose, int32_t pos, int32_t index)
{
    const eg_claim_draw *before = c->n > 0 ? &c->draw[c->n - 1] : NULL;
    double coin = (double)(toy_random(&e->random) >> 40) * 0x1p-24;

    if (e->o->fault == PLANTED_COIN && purpose == EAGLE_DRAW_RESIDUAL && before != NULL) {
        coin = c->coin[c->n - 1];
    }
    c->key[c->n] = (eagle_draw_key){purpose, pos, index};
    c->draw[c->n] = (eg_claim_draw){
        .accept = purpose == EAGLE_DRAW_ACCEPT, .purpose = purpose, .pos = pos, .index = index};
    c->coin[c->n++] = coin;
}

/* The rule "plain" in floats, with all coins of the round tossed beforehand. */
static void decide_by_coins(engine *e, const eagle_tree *tree, const float *logits,
                            eg_claim_round *out)
{
    const int32_t vocab = toy_config(e->t, false)->vocab;
    eagle_sampling s;
    eg_float_rule rule;
    eg_float_choice last;
    eagle_error err;
    chances *c = take(e, 1, sizeof *c);
    double *p = take(e, (size_t)tree->n_nodes * (size_t)vocab, sizeof *p);
    uint64_t w[512];
    int32_t order[512];

    eagle_sampling_defaults(&s);
    s.temperature = e->o->fault == PLANTED_HOT ? 1.0f : e->o->temperature;
    s.mode = EAGLE_VERIFY_REJECTION;
    for (int32_t i = 0; i < tree->n_nodes; i++) {
        double sum = 0.0;

        eg_law_make(w, order, logits + (size_t)i * (size_t)vocab, vocab, &s);
        for (int32_t v = 0; v < vocab; v++) {
            sum += (double)w[v];
        }
        for (int32_t v = 0; v < vocab; v++) {
            p[i * vocab + v] = (double)w[v] / sum;
        }
    }
    for (int32_t pos = tree->pos + 1; pos <= tree->pos + 3; pos++) {
        toss(e, c, EAGLE_DRAW_ACCEPT, pos, 0);
        toss(e, c, EAGLE_DRAW_ACCEPT, pos, 1);
        toss(e, c, EAGLE_DRAW_RESIDUAL, pos, 0);
        toss(e, c, EAGLE_DRAW_TARGET, pos, 0);
    }
    eg_recorded_coins list = {.key = c->key, .coin = c->coin, .n = c->n, .narrow = -1};
    const eg_coins coins = eg_recorded_coins_of(&list);
    const eg_float_tree in = {.tree = tree, .vocab = vocab, .p = p};

    need(eg_float_rule_named(&rule, "plain"), "rule");
    need(eg_float_rule_walk(e->path, &last, &rule, &in, &coins, &err) == EAGLE_OK, "walk");
    out->n_draws = c->n;
    out->draw = c->draw;
    out->coin = c->coin;
}

/* ---- commit ---------------------------------------------------------------------------------- */

static void commit(engine *e, int32_t round)
{
    const eagle_path *p = e->path;
    const bool first = e->n_kv == e->n; /* after the prompt */
    const int32_t base = e->n_kv + e->left;

    for (int32_t i = 0; i < p->n - 1; i++) {
        int32_t from = p->node[i];

        if (faulty(e, round, PLANTED_STALE) && i == 0 && from > 1) {
            from = from - 1; /* the elder sibling's, which was refused */
        }
        if (!faulty(e, round, PLANTED_UNMOVED)) {
            eg_kvcache_move(&e->f.kv, base + 1 + i, base + from);
        }
    }
    if (e->o->fault == PLANTED_LEFT && round == e->o->from_round) {
        e->left = 1; /* the cache is cropped one row short: node p->n lies there */
    }
    e->n_kv += first ? 0 : p->n;
    memcpy(e->token + e->n, p->token, (size_t)p->n * sizeof *p->token);
    e->n += p->n;
}

static const int32_t *copy(engine *e, const int32_t *from, int32_t n)
{
    int32_t *to = take(e, (size_t)n, sizeof *to);

    memcpy(to, from, (size_t)n * sizeof *to);
    return to;
}

static void record(engine *e, eg_claim_round *out, const eagle_tree *tree, float *logits)
{
    const int32_t vocab = toy_config(e->t, false)->vocab;
    const int32_t n = tree->n_nodes;
    int32_t *pos = take(e, (size_t)n, sizeof *pos);
    eagle_tensor *t = take(e, 1, sizeof *t);

    for (int32_t i = 0; i < n; i++) {
        pos[i] = tree->pos + tree->depth[i];
    }
    *t = (eagle_tensor){.name = "logits",
                        .dtype = EAGLE_F32,
                        .rank = 2,
                        .shape = {n, vocab},
                        .data = logits,
                        .size = (size_t)n * (size_t)vocab * sizeof(float)};
    out->first = tree->pos + 1;
    out->n_nodes = n;
    out->n_verify = n;
    out->token = copy(e, tree->token, n);
    out->parent = copy(e, tree->parent, n);
    out->depth = copy(e, tree->depth, n);
    out->pos = pos;
    out->logits = e->o->no_logits ? NULL : t;
    out->n_path = e->path->n;
    out->path_token = copy(e, e->path->token, e->path->n);
    out->path_node = copy(e, e->path->node, e->path->n);
    out->path_row = copy(e, e->path->row, e->path->n);
}

static void one_round(engine *e, eagle_tree *tree, eg_claim_round *out, int32_t r)
{
    const size_t vocab = (size_t)toy_config(e->t, false)->vocab;
    float *logits = NULL;

    draft(e, tree);
    if (r == 0) { /* the prompt's last row has been computed */
        logits = take(e, vocab, sizeof *logits);
        memcpy(logits, e->f.pass.logits, vocab * sizeof *logits);
    } else {
        logits = score(e, tree, r, out);
    }
    if (e->o->temperature > 0.0f) {
        decide_by_coins(e, tree, logits, out);
    } else {
        decide_greedily(e, tree, logits, r);
    }
    record(e, out, tree, logits);
    commit(e, r);
}

/* ---- a run ----------------------------------------------------------------------------------- */

static void prefill(engine *e)
{
    static const int32_t prompt[PROMPT] = {1, 9, 4, 7, 11, 3};

    memcpy(e->token, prompt, sizeof prompt);
    for (int32_t i = 0; i < PROMPT; i++) {
        e->row[i] =
            (eg_row){.token = prompt[i], .pos = i, .n_run = i + 1, .wants_logits = i == PROMPT - 1};
    }
    e->n = PROMPT;
    e->n_kv = PROMPT;
    pass(e, PROMPT, &e->claim->site, &e->claim->n_sites);
}

static void open(engine *e, const toy *t)
{
    const eg_pass_room room = {.rows = CHUNK, .logits = CHUNK, .slots = CTX + NODES};
    const eg_compute compute = {.kernels = eg_kernels_for(EAGLE_ISA_AUTO), .threads = 1};
    eagle_session_options opt;
    eagle_error err;

    eagle_session_defaults(&opt);
    opt.threads = 1;
    need(eagle_session_create(&e->right, toy_model(t), NULL, &opt, &err) == EAGLE_OK, "session");
    need(eagle_path_create(&e->path, NODES + 1, toy_config(t, false)->vocab, EAGLE_VERIFY_REJECTION,
                           &err) == EAGLE_OK,
         "path");
    eg_forward_make(&e->f, &toy_model(t)->target, &compute, &room, &e->arena);
    need(!e->arena.failed, "no memory");
}

static void describe(engine *e, eg_claim_round *round)
{
    const planted_options *o = e->o;
    eg_claim *c = e->claim;

    c->producer = "planted";
    c->dtype = o->dtype;
    c->level = o->no_logits ? 0 : o->sites ? 4 : o->few_sites ? 3 : 2;
    c->vocab = toy_config(e->t, false)->vocab;
    c->has_sampling = true;
    eagle_sampling_defaults(&c->sampling);
    c->sampling.temperature = o->temperature;
    c->sampling.mode = o->temperature > 0.0f ? EAGLE_VERIFY_REJECTION : EAGLE_VERIFY_GREEDY;
    c->mode_known = true;
    c->likeliest = true;
    c->rule = o->temperature > 0.0f ? "plain" : "";
    c->n_prompt = PROMPT;
    c->n = e->n;
    c->token = copy(e, e->token, e->n);
    c->n_rounds = o->no_logits ? 0 : o->rounds;
    c->round = round;
}

void planted_run(eagle_claims *claims, const toy *t, const planted_options *options)
{
    engine *e = calloc(1, sizeof *e);
    eagle_tree *tree = NULL;
    eagle_error err;

    need(e != NULL && eagle_tree_create(&tree, NODES, &err) == EAGLE_OK, "no memory");
    need(eg_claims_add(&e->claim, claims, "planted", &err) == EAGLE_OK, "claim");
    e->o = options;
    e->t = t;
    e->random = 7;
    e->probe = (eagle_probe){.see = see, .ctx = e};
    open(e, t);
    eg_claim_round *round = take(e, (size_t)options->rounds, sizeof *round);

    prefill(e);
    for (int32_t r = 0; r < options->rounds; r++) {
        one_round(e, tree, &round[r], r);
    }
    describe(e, round);
    eagle_session_free(e->right);
    eagle_path_free(e->path);
    eagle_tree_free(tree);
    eg_arena_free(&e->arena);
    free(e);
}

eagle_claims *planted_claims(void)
{
    eagle_claims *claims = eg_alloc(1, sizeof *claims);

    need(claims != NULL, "no memory");
    return claims;
}
