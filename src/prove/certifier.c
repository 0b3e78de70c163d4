/* SPDX-License-Identifier: MIT */
/* certifier.c - the law of each node that a real run decided at, at full vocabulary.
 *
 * A node is verified again, with its children as leaves, for every answer of its coins; of the draw that
 * ends it, by a number of its own, the weights are read in place of running it once for each token, so
 * that a node of k children costs k + 1 runs. Children that were drawn are drawn in every way, as long as these are few. */
#include "base/alloc.h"
#include "base/error.h"
#include "eagle/prove.h"
#include "prove/enumerate.h"
#include "prove/plain_law.h"
#include "sample/draws.h"

#include <stdlib.h>
#include <string.h>

#define MAX_WAYS 4096 /* of drawing a node's children */

struct eagle_certifier {
    eagle_certified found;
    int32_t vocab;
    int32_t room; /* nodes of a star */
    eagle_path *path;
    eagle_tree *star; /* the node, and its children as leaves  */
    float *logits;    /* [room, vocab]                          */
    uint64_t *law;    /* [vocab] of drawn children              */
    eg_enumeration *all;
    mpq_t *got;  /* [vocab]                                */
    mpq_t *want; /* [vocab]                                */
    eg_ranked *order;
    mpq_t weight;
    mpq_t share;

    /* The draw that ends a run: its weights, not yet added. */
    bool picked;
    int32_t answer;
    mpz_t *pick; /* [vocab] */
    mpz_t sum;
    eagle_draws inner; /* of the enumeration */
    int32_t pos;       /* of the token that the node decides */
};

/* ---- life ------------------------------------------------------------------------------------- */

static void init_numbers(eagle_certifier *c)
{
    mpq_inits(c->weight, c->share, NULL);
    mpz_init(c->sum);
    for (int32_t i = 0; i < c->vocab; i++) {
        mpq_inits(c->got[i], c->want[i], NULL);
        mpz_init(c->pick[i]);
    }
}

eagle_status eagle_certifier_create(eagle_certifier **out, int32_t vocab, int32_t max_nodes,
                                    eagle_verify_mode mode, eagle_error *err)
{
    const size_t n = (size_t)vocab;
    eagle_certifier *c = eg_alloc(1, sizeof *c);
    eagle_status st = EAGLE_OK;

    *out = NULL;
    if (c == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "certify: no memory");
    }
    c->vocab = vocab;
    c->room = max_nodes;
    st = eagle_path_create(&c->path, max_nodes, vocab, mode, err);
    if (st == EAGLE_OK) {
        st = eagle_tree_create(&c->star, max_nodes, err);
    }
    if (st == EAGLE_OK) {
        st = eg_enumeration_create(&c->all, err);
    }
    if (st == EAGLE_OK) {
        c->logits = eg_alloc((size_t)max_nodes, n * sizeof *c->logits);
        c->law = eg_alloc(n, sizeof *c->law);
        c->order = eg_alloc(n, sizeof *c->order);
        c->pick = eg_alloc(n, sizeof *c->pick);
        c->want = eg_alloc(n, sizeof *c->want);
        c->got = eg_alloc(n, sizeof *c->got);
    }
    if (st == EAGLE_OK && (c->logits == NULL || c->law == NULL || c->order == NULL ||
                           c->pick == NULL || c->want == NULL || c->got == NULL)) {
        free(c->got);
        c->got = NULL; /* no number is initialised */
        st = eg_fail(err, EAGLE_ENOMEM, "certify: no memory for the laws of %d tokens", vocab);
    }
    if (st != EAGLE_OK) {
        eagle_certifier_free(c);
        return st;
    }
    init_numbers(c);
    *out = c;
    return EAGLE_OK;
}

void eagle_certifier_free(eagle_certifier *c)
{
    if (c == NULL) {
        return;
    }
    for (int32_t i = 0; c->got != NULL && i < c->vocab; i++) {
        mpq_clears(c->got[i], c->want[i], NULL);
        mpz_clear(c->pick[i]);
    }
    if (c->got != NULL) {
        mpq_clears(c->weight, c->share, NULL);
        mpz_clear(c->sum);
    }
    free(c->got);
    free(c->want);
    free(c->pick);
    free(c->order);
    free(c->law);
    free(c->logits);
    eg_enumeration_free(c->all);
    eagle_tree_free(c->star);
    eagle_path_free(c->path);
    free(c);
}

/* ---- draws ------------------------------------------------------------------------------------ */

/* Whether the draw is the one that decides at the node: not a child's, and the first of its run. */
static bool decides(const eagle_certifier *c, eagle_draw_key key)
{
    return !c->picked && key.purpose != EAGLE_DRAW_DRAFT && key.pos == c->pos;
}

/* A number that decided something before in this run is no fresh one: its answers are run through. */
static bool was_asked(const eagle_certifier *c, eagle_draw_key key)
{
    for (int32_t i = 0; i < eg_enumeration_count(c->all); i++) {
        const eagle_draw_key k = eg_enumeration_at(c->all, i).key;

        if (k.purpose == key.purpose && k.pos == key.pos && k.index == key.index) {
            return true;
        }
    }
    return false;
}

/* The first token that has weight. c->pick holds the weights. */
static int32_t first_weight(const eagle_certifier *c, int32_t n)
{
    int32_t i = 0;

    while (i + 1 < n && mpz_sgn(c->pick[i]) == 0) {
        i++;
    }
    return i;
}

static int32_t take(eagle_certifier *c, int32_t n)
{
    mpz_set_ui(c->sum, 0);
    for (int32_t i = 0; i < n; i++) {
        mpz_add(c->sum, c->sum, c->pick[i]);
    }
    c->picked = true;
    c->answer = first_weight(c, n);
    return c->answer;
}

/* Any token that has weight: what follows a leaf is not looked at. */
static int32_t any(const uint64_t *w, int32_t n)
{
    int32_t i = 0;

    while (i + 1 < n && w[i] == 0) {
        i++;
    }
    return i;
}

static int32_t pick(void *ctx, eagle_draw_key key, const uint64_t *w, int32_t n)
{
    eagle_certifier *c = ctx;

    if (key.purpose == EAGLE_DRAW_DRAFT || (decides(c, key) && was_asked(c, key))) {
        return c->inner.pick(c->inner.ctx, key, w, n);
    }
    if (!decides(c, key)) {
        return any(w, n);
    }
    for (int32_t i = 0; i < n; i++) {
        mpz_import(c->pick[i], 1, -1, sizeof *w, 0, 0, &w[i]);
    }
    return take(c, n);
}

static int32_t pick_wide(void *ctx, eagle_draw_key key, const eagle_wide *w, int32_t n)
{
    eagle_certifier *c = ctx;

    /* Only a residual is wide, and it is the last draw of its node. */
    if (was_asked(c, key)) {
        return c->inner.pick_wide(c->inner.ctx, key, w, n);
    }
    for (int32_t i = 0; i < n; i++) {
        mpz_import(c->pick[i], 5, -1, sizeof w->limb[0], 0, 0, w[i].limb);
    }
    return take(c, n);
}

static bool accept(void *ctx, eagle_draw_key key, uint64_t num, uint64_t den)
{
    eagle_certifier *c = ctx;

    return c->inner.accept(c->inner.ctx, key, num, den);
}

static bool accept_wide(void *ctx, eagle_draw_key key, const eagle_wide *num, const eagle_wide *den)
{
    eagle_certifier *c = ctx;

    return c->inner.accept_wide(c->inner.ctx, key, num, den);
}

/* ---- one node --------------------------------------------------------------------------------- */

/* The node as a root, with `n` children that have the tokens `token`. */
static eagle_status make_star(eagle_certifier *c, const eagle_tree *tree, int32_t node,
                              const int32_t *token, int32_t n, eagle_error *err)
{
    eagle_tree_reset(c->star, tree->token[node], tree->pos + tree->depth[node]);
    for (int32_t i = 0; i < n; i++) {
        if (eagle_tree_add(c->star, 0, token[i], 0.0f) < 0) {
            return eg_fail(err, EAGLE_EFIT, "certify: node %d has more children than there is room",
                           node);
        }
    }
    return EAGLE_OK;
}

/* Verifies the star once and adds what comes out. */
static eagle_status run_star(eagle_certifier *c, const eagle_sampling *sampling, eagle_error *err)
{
    const eagle_draws draws = {.pick = pick,
                               .accept = accept,
                               .pick_wide = pick_wide,
                               .accept_wide = accept_wide,
                               .ctx = c};
    const eagle_rows rows = {.n = c->star->n_nodes, .vocab = c->vocab, .logits = c->logits};
    eagle_status st = eagle_verify(c->path, c->star, &rows, sampling, &draws, err);

    c->found.runs++;
    if (st != EAGLE_OK) {
        return st;
    }
    eg_enumeration_weight(c->weight, c->all);
    if (!c->picked) {
        mpq_ptr mass = c->got[c->path->token[0]];

        mpq_add(mass, mass, c->weight);
        return EAGLE_OK;
    }
    if (c->path->token[0] != c->answer) {
        return eg_fail(err, EAGLE_EFAILED, "certify: token %d was drawn and token %d emitted",
                       c->answer, c->path->token[0]);
    }
    for (int32_t i = 0; i < c->vocab; i++) {
        if (mpz_sgn(c->pick[i]) != 0) {
            mpz_set(mpq_numref(c->share), c->pick[i]);
            mpz_set(mpq_denref(c->share), c->sum);
            mpq_canonicalize(c->share);
            mpq_mul(c->share, c->share, c->weight);
            mpq_add(c->got[i], c->got[i], c->share);
        }
    }
    return EAGLE_OK;
}

/* In how many ways n children can be drawn, or MAX_WAYS + 1 for more than that. */
static int64_t count_ways(const uint64_t *law, int32_t vocab, int32_t n)
{
    int64_t support = 0;
    int64_t ways = 1;

    for (int32_t i = 0; i < vocab; i++) {
        support += law[i] > 0;
    }
    for (int32_t i = 0; i < n && i < support && ways <= MAX_WAYS; i++) {
        ways *= support - i;
    }
    return ways;
}

/* Adds up the law of the token that the node decides. */
static eagle_status add_law(eagle_certifier *c, const eagle_tree *tree, int32_t node,
                            const eagle_sampling *sampling, eagle_error *err)
{
    const uint64_t *law = tree->law != NULL ? tree->law[node] : NULL;
    int32_t *token = c->path->row; /* scratch, which verification fills anew */
    int32_t n = 0;
    eagle_status st = EAGLE_OK;

    for (int32_t k = eagle_tree_next_child(tree, node, 0); k >= 0 && n < c->path->cap;
         k = eagle_tree_next_child(tree, node, k)) {
        token[n++] = tree->token[k];
    }
    if (law != NULL) {
        memcpy(c->law, law, (size_t)c->vocab * sizeof *law);
        n = n < EG_MAX_DRAWN ? n : EG_MAX_DRAWN;
    } else {
        st = make_star(c, tree, node, token, n, err);
    }
    eg_enumeration_reset(c->all);
    do {
        c->inner = eg_enumeration_draws(c->all);
        c->picked = false;
        if (law != NULL) {
            const eagle_draws draft = c->inner;
            int32_t drawn[EG_MAX_DRAWN];
            const int32_t k = eg_draw_children(drawn, c->law, c->vocab, n, c->pos, node, &draft);

            st = make_star(c, tree, node, drawn, k, err);
            c->star->law[0] = c->law;
        }
        if (st == EAGLE_OK) {
            st = run_star(c, sampling, err);
        }
    } while (st == EAGLE_OK && eg_enumeration_next(c->all));
    return st == EAGLE_OK ? eg_enumeration_fault(c->all, err) : st;
}

static eagle_status certify_node(eagle_certifier *c, const eagle_tree *tree, const eagle_rows *rows,
                                 int32_t node, const eagle_sampling *sampling, eagle_error *err)
{
    const size_t vocab = (size_t)c->vocab;
    const float *logits = rows->logits + (size_t)node * vocab;
    const uint64_t *law = tree->law != NULL ? tree->law[node] : NULL;
    int32_t n = 0;
    eagle_status st = EAGLE_OK;

    for (int32_t k = eagle_tree_next_child(tree, node, 0); k >= 0;
         k = eagle_tree_next_child(tree, node, k)) {
        n++;
    }
    if (law != NULL && count_ways(law, c->vocab, n) > MAX_WAYS) {
        c->found.skipped++;
        return EAGLE_OK;
    }
    for (int32_t i = 0; i < n + 1 && i < c->room; i++) { /* the leaves' rows do not matter */
        memcpy(c->logits + (size_t)i * vocab, logits, vocab * sizeof *logits);
    }
    for (int32_t i = 0; i < c->vocab; i++) {
        mpq_set_ui(c->got[i], 0, 1);
    }
    c->pos = tree->pos + tree->depth[node] + 1;
    st = add_law(c, tree, node, sampling, err);
    if (st != EAGLE_OK) {
        return st;
    }
    eg_plain_law(c->want, c->order, logits, c->vocab, sampling);
    c->found.nodes++;
    for (int32_t i = 0; i < c->vocab; i++) {
        if (mpq_equal(c->got[i], c->want[i]) == 0) {
            c->found.refuted++;
            break;
        }
    }
    return EAGLE_OK;
}

eagle_status eagle_certify_round(eagle_certifier *c, const eagle_tree *tree, const eagle_rows *rows,
                                 const eagle_path *path, const eagle_sampling *sampling,
                                 eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    if (rows->vocab != c->vocab || tree->n_nodes > c->room) {
        return eg_fail(err, EAGLE_EFIT, "certify: made for %d tokens and %d nodes, not %d and %d",
                       c->vocab, c->room, rows->vocab, tree->n_nodes);
    }
    for (int32_t i = 0; st == EAGLE_OK && i < path->n; i++) {
        st = certify_node(c, tree, rows, path->row[i], sampling, err);
    }
    return st;
}

const eagle_certified *eagle_certifier_found(const eagle_certifier *c)
{
    return &c->found;
}
