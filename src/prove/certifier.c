/* SPDX-License-Identifier: MIT */
/* certifier.c - the law of each node that a real run decided at, at full vocabulary.
 *
 * The run's own tree and rows are verified again: down to the node by the run's own draws, and
 * there for every answer of the coins. The draw that ends a node is run for each child's token, for
 * the first other token and for the last one; what lies between these two is no child either, and
 * its weight is read. So a node of k children costs k + 2 runs or so. Children that were drawn are
 * drawn in every way, as long as these are few. */
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
    int32_t room; /* nodes */
    eagle_path *path;
    int32_t *token; /* [room] of a tree with other children           */
    int32_t *child; /* [room] the node's: their tokens                */
    int32_t n_child;
    uint64_t *law;     /* [vocab] of drawn children                      */
    eagle_wide *class; /* [room + 2] weights of answers run apart        */
    eg_enumeration *all;
    mpq_t *got;  /* [vocab]                                        */
    mpq_t *want; /* [vocab]                                        */
    eg_ranked *order;
    mpq_t weight;
    mpq_t share;

    int32_t node;           /* that is looked at */
    int32_t pos;            /* of the token that it decides */
    eagle_draws inner;      /* of the enumeration */
    const eagle_draws *own; /* of the run: what is decided above the node */
    bool strange;           /* a run did what no weights explain */

    /* The draw that ends the node. */
    bool picked;
    bool spread;    /* the answer stands for every token that is no child, but the last one */
    int32_t answer; /* a token */
    int32_t last;   /* token that is no child */
    mpz_t *pick;    /* [vocab] its weights */
    mpz_t sum;      /* of those that the answer stands for */
};

/* ---- life ------------------------------------------------------------------------------------ */

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
        st = eg_enumeration_create(&c->all, err);
    }
    if (st == EAGLE_OK) {
        c->token = eg_alloc((size_t)max_nodes, sizeof *c->token);
        c->child = eg_alloc((size_t)max_nodes, sizeof *c->child);
        c->class = eg_alloc((size_t)max_nodes + 2, sizeof *c->class);
        c->law = eg_alloc(n, sizeof *c->law);
        c->order = eg_alloc(n, sizeof *c->order);
        c->pick = eg_alloc(n, sizeof *c->pick);
        c->want = eg_alloc(n, sizeof *c->want);
        c->got = eg_alloc(n, sizeof *c->got);
    }
    if (st == EAGLE_OK &&
        (c->token == NULL || c->child == NULL || c->class == NULL || c->law == NULL ||
         c->order == NULL || c->pick == NULL || c->want == NULL || c->got == NULL)) {
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
    free(c->class);
    free(c->child);
    free(c->token);
    eg_enumeration_free(c->all);
    eagle_path_free(c->path);
    free(c);
}

/* ---- draws ----------------------------------------------------------------------------------- */

/* Whether the draw is the one that ends the node: not a child's, and the first of its run. */
static bool decides(const eagle_certifier *c, eagle_draw_key key)
{
    return !c->picked && key.purpose != EAGLE_DRAW_DRAFT && key.pos == c->pos;
}

/* A number that decided something before in this run is no fresh one: its answers are run
 * through. */
static bool was_asked(const eagle_certifier *c, eagle_draw_key key)
{
    for (int32_t i = 0; i < eg_enumeration_count(c->all); i++) {
        if (eg_same_key(eg_enumeration_at(c->all, i).key, key)) {
            return true;
        }
    }
    return false;
}

static bool is_child(const eagle_certifier *c, int32_t token)
{
    for (int32_t k = 0; k < c->n_child; k++) {
        if (c->child[k] == token) {
            return true;
        }
    }
    return false;
}

static void set_class(eagle_certifier *c, int32_t i, const mpz_t weight)
{
    c->class[i] = (eagle_wide){{0}};
    mpz_export(c->class[i].limb, NULL, -1, sizeof c->class[i].limb[0], 0, 0, weight);
}

/* The answer to the draw whose weights stand in c->pick: each child, all others but the last, the
 * last. */
static int32_t take(eagle_certifier *c, eagle_draw_key key, int32_t n)
{
    int32_t first = -1;

    c->strange |= n != c->vocab;
    c->last = -1;
    mpz_set_ui(c->sum, 0);
    for (int32_t i = 0; i < n; i++) {
        if (mpz_sgn(c->pick[i]) != 0 && !is_child(c, i)) {
            first = first < 0 ? i : first;
            c->last = i;
            mpz_add(c->sum, c->sum, c->pick[i]);
        }
    }
    for (int32_t k = 0; k < c->n_child; k++) {
        set_class(c, k, c->pick[c->child[k]]);
    }
    c->class[c->n_child + 1] = (eagle_wide){{0}};
    if (c->last >= 0) {
        mpz_sub(c->sum, c->sum, c->pick[c->last]);
        set_class(c, c->n_child + 1, c->pick[c->last]);
    }
    set_class(c, c->n_child, c->sum);
    const int32_t class = c->inner.pick_wide(c->inner.ctx, key, c->class, c->n_child + 2);

    c->picked = true;
    c->spread = class == c->n_child;
    c->answer = class < c->n_child ? c->child[class] : c->spread ? first : c->last;
    return c->answer >= 0 ? c->answer : 0;
}

/* Any token that has weight: what follows the node is not looked at. */
static int32_t any(const uint64_t *w, int32_t n)
{
    int32_t i = 0;

    while (i + 1 < n && w[i] == 0) {
        i++;
    }
    return i;
}

static int32_t any_wide(const eagle_wide *w, int32_t n)
{
    static const eagle_wide zero;
    int32_t i = 0;

    while (i + 1 < n && memcmp(&w[i], &zero, sizeof zero) == 0) {
        i++;
    }
    return i;
}

static int32_t pick(void *ctx, eagle_draw_key key, const uint64_t *w, int32_t n)
{
    eagle_certifier *c = ctx;

    if (key.pos < c->pos) {
        return c->own->pick(c->own->ctx, key, w, n);
    }
    if (key.purpose == EAGLE_DRAW_DRAFT || (decides(c, key) && was_asked(c, key))) {
        return c->inner.pick(c->inner.ctx, key, w, n);
    }
    if (!decides(c, key)) {
        return any(w, n);
    }
    for (int32_t i = 0; i < n; i++) {
        mpz_import(c->pick[i], 1, -1, sizeof *w, 0, 0, &w[i]);
    }
    return take(c, key, n);
}

static int32_t pick_wide(void *ctx, eagle_draw_key key, const eagle_wide *w, int32_t n)
{
    eagle_certifier *c = ctx;

    if (key.pos < c->pos) {
        return c->own->pick_wide(c->own->ctx, key, w, n);
    }
    if (decides(c, key) && was_asked(c, key)) {
        return c->inner.pick_wide(c->inner.ctx, key, w, n);
    }
    if (!decides(c, key)) {
        return any_wide(w, n);
    }
    for (int32_t i = 0; i < n; i++) {
        mpz_import(c->pick[i], 5, -1, sizeof w->limb[0], 0, 0, w[i].limb);
    }
    return take(c, key, n);
}

static bool accept(void *ctx, eagle_draw_key key, uint64_t num, uint64_t den)
{
    eagle_certifier *c = ctx;

    if (key.pos < c->pos) {
        return c->own->accept(c->own->ctx, key, num, den);
    }
    return key.pos > c->pos ? num == den : c->inner.accept(c->inner.ctx, key, num, den);
}

static bool accept_wide(void *ctx, eagle_draw_key key, const eagle_wide *num, const eagle_wide *den)
{
    eagle_certifier *c = ctx;

    if (key.pos < c->pos) {
        return c->own->accept_wide(c->own->ctx, key, num, den);
    }
    return key.pos > c->pos ? memcmp(num, den, sizeof *num) == 0
                            : c->inner.accept_wide(c->inner.ctx, key, num, den);
}

/* ---- one node -------------------------------------------------------------------------------- */

/* A run, and the tree that it is a run of. */
typedef struct {
    const eagle_tree *tree;
    const eagle_rows *rows;
    const eagle_path *path;
    const eagle_sampling *sampling;
} certified_round;

/* The token that the walk decided at the node, or -1: it did not come there, or left the tree. */
static int32_t decided(const eagle_certifier *c, const eagle_tree *tree)
{
    const int32_t at = tree->depth[c->node];

    if (at >= c->path->n || c->path->row[at] != c->node) {
        return -1;
    }
    const int32_t token = c->path->token[at];
    const int32_t next = c->path->node[at];

    if (next >= 0 &&
        (next >= tree->n_verify || tree->parent[next] != c->node || tree->token[next] != token)) {
        return -1;
    }
    return token >= 0 && token < c->vocab ? token : -1;
}

/* The weight of the run goes to the tokens that its answer stands for. */
static void share_out(eagle_certifier *c)
{
    for (int32_t i = 0; i < c->vocab; i++) {
        if (i != c->last && mpz_sgn(c->pick[i]) != 0 && !is_child(c, i)) {
            mpz_set(mpq_numref(c->share), c->pick[i]);
            mpz_set(mpq_denref(c->share), c->sum);
            mpq_canonicalize(c->share);
            mpq_mul(c->share, c->share, c->weight);
            mpq_add(c->got[i], c->got[i], c->share);
        }
    }
}

/* Verifies the tree once and adds what comes out at the node. */
static eagle_status run_once(eagle_certifier *c, const certified_round *r, const eagle_tree *tree,
                             eagle_error *err)
{
    const eagle_draws draws = {.pick = pick,
                               .accept = accept,
                               .pick_wide = pick_wide,
                               .accept_wide = accept_wide,
                               .ctx = c};
    eagle_status st = eagle_verify(c->path, tree, r->rows, r->sampling, &draws, err);

    c->found.runs++;
    if (st != EAGLE_OK) {
        return st;
    }
    const int32_t token = decided(c, tree);

    if (token < 0 || (c->picked && token != c->answer)) {
        c->strange = true;
        return EAGLE_OK;
    }
    eg_enumeration_weight(c->weight, c->all);
    if (c->picked && c->spread) {
        share_out(c);
    } else {
        mpq_add(c->got[token], c->got[token], c->weight);
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

/* The node's children. */
static void list_children(eagle_certifier *c, const eagle_tree *tree)
{
    c->n_child = 0;
    for (int32_t k = eagle_tree_next_child(tree, c->node, 0); k >= 0;
         k = eagle_tree_next_child(tree, c->node, k)) {
        c->child[c->n_child++] = tree->token[k];
    }
}

/* Draws the node's children anew: c->token are the tree's tokens with them. */
static void draw_anew(eagle_certifier *c, const eagle_tree *tree)
{
    const eagle_draws draft = c->inner;
    int32_t drawn[EG_MAX_DRAWN];
    const int32_t n =
        eg_draw_children(drawn, c->law, c->vocab, c->n_child, c->pos, c->node, &draft);
    int32_t k = 0;

    memcpy(c->token, tree->token, (size_t)tree->n_nodes * sizeof *c->token);
    for (int32_t i = eagle_tree_next_child(tree, c->node, 0); i >= 0 && k < n;
         i = eagle_tree_next_child(tree, c->node, i)) {
        c->child[k] = drawn[k];
        c->token[i] = drawn[k++];
    }
}

/* Adds up the law of the token that the node decides. */
static eagle_status add_law(eagle_certifier *c, const certified_round *r, eagle_error *err)
{
    const uint64_t *law = r->tree->law != NULL ? r->tree->law[c->node] : NULL;
    eagle_tree tree = *r->tree; /* another view */
    eagle_status st = EAGLE_OK;

    if (law != NULL) {
        memcpy(c->law, law, (size_t)c->vocab * sizeof *law);
    }
    eg_enumeration_reset(c->all);
    do {
        c->inner = eg_enumeration_draws(c->all);
        c->picked = false;
        if (law != NULL && c->n_child > 0) {
            draw_anew(c, r->tree);
            tree.token = c->token;
        }
        st = run_once(c, r, &tree, err);
    } while (st == EAGLE_OK && eg_enumeration_next(c->all));
    return st == EAGLE_OK ? eg_enumeration_fault(c->all, err) : st;
}

/* Is the law at c->node plain sampling's, and has `token`, which the run emitted there, a place in
 * it? */
static eagle_status certify_node(eagle_certifier *c, const certified_round *r, int32_t token,
                                 eagle_error *err)
{
    const uint64_t *law = r->tree->law != NULL ? r->tree->law[c->node] : NULL;

    list_children(c, r->tree);
    if (law != NULL &&
        (c->n_child > EG_MAX_DRAWN || count_ways(law, c->vocab, c->n_child) > MAX_WAYS)) {
        c->found.skipped++;
        return EAGLE_OK;
    }
    for (int32_t i = 0; i < c->vocab; i++) {
        mpq_set_ui(c->got[i], 0, 1);
    }
    c->strange = false;
    c->pos = r->tree->pos + r->tree->depth[c->node] + 1;
    eagle_status st = add_law(c, r, err);

    if (st != EAGLE_OK) {
        return st;
    }
    eg_plain_law(c->want, c->order, r->rows->logits + (size_t)c->node * (size_t)c->vocab, c->vocab,
                 r->sampling);
    bool same = !c->strange && token >= 0 && token < c->vocab && mpq_sgn(c->want[token]) > 0;

    for (int32_t i = 0; i < c->vocab && same; i++) {
        same = mpq_equal(c->got[i], c->want[i]) != 0;
    }
    c->found.nodes++;
    c->found.refuted += !same;
    return EAGLE_OK;
}

/* How many tokens of the run's path its own draws bring once more. */
static eagle_status replay(int32_t *same, eagle_certifier *c, const certified_round *r,
                           eagle_error *err)
{
    eagle_status st = eagle_verify(c->path, r->tree, r->rows, r->sampling, c->own, err);
    int32_t n = 0;

    while (st == EAGLE_OK && n < r->path->n && n < c->path->n &&
           r->path->token[n] == c->path->token[n] && r->path->node[n] == c->path->node[n]) {
        n++;
    }
    *same = n;
    return st;
}

eagle_status eagle_certify_round(eagle_certifier *c, const eagle_tree *tree, const eagle_rows *rows,
                                 const eagle_path *path, const eagle_sampling *sampling,
                                 const eagle_draws *draws, eagle_error *err)
{
    const certified_round r = {.tree = tree, .rows = rows, .path = path, .sampling = sampling};
    int32_t same = 0;

    if (rows->vocab != c->vocab || tree->n_nodes > c->room) {
        return eg_fail(err, EAGLE_EFIT, "certify: made for %d tokens and %d nodes, not %d and %d",
                       c->vocab, c->room, rows->vocab, tree->n_nodes);
    }
    c->own = draws;
    eagle_status st = replay(&same, c, &r, err);

    c->node = 0;
    for (int32_t i = 0; st == EAGLE_OK && i < path->n && c->node >= 0; i++) {
        st = certify_node(c, &r, i < same ? path->token[i] : -1, err);
        c->node = path->node[i] < tree->n_verify ? path->node[i] : -1;
    }
    return st;
}

const eagle_certified *eagle_certifier_found(const eagle_certifier *c)
{
    return &c->found;
}
