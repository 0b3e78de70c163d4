/* SPDX-License-Identifier: MIT */
/* static_tree.c - EAGLE-1's tree (Li et al. 2024a, section 4.2): a fixed shape of ranks, filled level
 * by level with the most likely tokens, or with tokens drawn from the draft's law.
 *
 * Only nodes that have children are run through the head. Nodes are numbered by (depth, path),
 * as in the shape; a node that cannot be filled (the context ends, a row is not finite, a
 * law has no weight left) is left out with all below it.
 *
 * Drawn children keep their order: a residual is defined by it (docs/5-verification.md). */
#include "base/alloc.h"
#include "base/error.h"
#include "draft/extrapolating.h"
#include "sample/draws.h"
#include "sample/law.h"

#include <stdio.h>
#include <stdlib.h>

/* The shape, laid out for drafting. Entry 0 is the root. */
typedef struct {
    eagle_drafter base;  /* first */
    int32_t n;           /* nodes, root included                                    */
    int32_t levels;      /* depth of the deepest node                               */
    int32_t width;       /* most nodes of one level that have children              */
    int32_t n_inner;     /* nodes that have children, root included                 */
    int32_t *parent;     /* [n]                                                     */
    int32_t *rank;       /* [n]                                                     */
    int32_t *depth;      /* [n]                                                     */
    int32_t *n_children; /* [n] 1 + the largest rank among the children; 0: a leaf  */
    int32_t most;        /* largest n_children                                      */
} static_recipe;

typedef struct {
    eg_extrapolating e; /* first */
    int32_t *node;      /* [n] number in the tree of each node of the shape, or -1      */
    int32_t *slot;      /* [n] tree slot of each node that was run                      */
    int32_t *filled;    /* [n] children that its row could fill                         */
    int32_t *child;     /* [n, most] tokens of its children, by rank                    */
    float *log_prob;    /* [n, most] their log-probabilities                            */
    int32_t *run;       /* [width] shape nodes of one pass                              */
    uint64_t *law;      /* [n_inner, vocab] laws of drawn children, else NULL           */
    int32_t *order;     /* [vocab] scratch of a law, else NULL                          */
    int32_t n_laws;     /* laws in use                                                  */
} static_drafting;

/* ---- filling ---------------------------------------------------------------------------- */

/* Children that are drawn: the law of this row stays with the tree. */
static void draw_children(static_drafting *d, int32_t at, const float *logits, eagle_tree *tree,
                          const eg_draft_input *input)
{
    const static_recipe *r = (const static_recipe *)d->e.drafter;
    const int32_t vocab = r->base.head->config.vocab;
    const int32_t node = d->node[at];
    uint64_t *law = d->law + (size_t)d->n_laws++ * (size_t)vocab;

    eg_law_make(law, d->order, logits, vocab, input->sampling);
    tree->law[node] = law;
    d->filled[at] = eg_draw_children(d->child + at * r->most, law, vocab, r->n_children[at],
                                     tree->pos + r->depth[at] + 1, node, input->draws);
}

/* The tokens that the row of shape node `at` gives to its children. */
static void fill(static_drafting *d, int32_t at, const float *logits, eagle_tree *tree,
                 const eg_draft_input *input)
{
    const static_recipe *r = (const static_recipe *)d->e.drafter;
    const size_t vocab = (size_t)r->base.head->config.vocab;
    eg_log_norm norm;

    d->filled[at] = 0;
    if (!eg_log_norm_of(&norm, d->e.head.pass.compute.kernels, logits, vocab)) {
        return;
    }
    if (r->base.drawn) {
        draw_children(d, at, logits, tree, input);
    } else {
        eg_topk(d->child + at * r->most, logits, vocab, (size_t)r->n_children[at]);
        d->filled[at] = r->n_children[at];
    }
    for (int32_t i = 0; i < d->filled[at]; i++) {
        d->log_prob[at * r->most + i] = eg_log_prob(&norm, logits[d->child[at * r->most + i]]);
    }
}

/* Adds the nodes of a level to the tree, in the shape's order. */
static void add_level(static_drafting *d, int32_t level, eagle_tree *tree)
{
    const static_recipe *r = (const static_recipe *)d->e.drafter;

    for (int32_t i = 1; i < r->n; i++) {
        const int32_t above = r->parent[i];
        const int32_t rank = r->rank[i];

        if (r->depth[i] != level || d->node[above] < 0 || rank >= d->filled[above]) {
            continue;
        }
        const int32_t parent = d->node[above];

        d->node[i] = eagle_tree_add(tree, parent, d->child[above * r->most + rank],
                                    tree->score[parent] + d->log_prob[above * r->most + rank]);
    }
}

/* Runs the head on the nodes of a level that have children, and finds those. */
static eagle_status run_level(static_drafting *d, int32_t level, eagle_tree *tree,
                              const eg_draft_input *input, eagle_error *err)
{
    const static_recipe *r = (const static_recipe *)d->e.drafter;
    const size_t vocab = (size_t)r->base.head->config.vocab;
    const float *logits;
    int32_t first;
    int32_t n = 0;

    for (int32_t i = 1; i < r->n; i++) {
        if (r->depth[i] == level && r->n_children[i] > 0 && d->node[i] >= 0) {
            d->run[n] = i;
            d->e.token[n] = tree->token[d->node[i]];
            d->e.hang[n] = level == 1 ? -1 : d->slot[r->parent[i]];
            n++;
        }
    }
    if (n == 0) {
        return EAGLE_OK;
    }
    eagle_status st =
        eg_extrapolation_expand(&first, &logits, &d->e.head, d->e.token, d->e.hang, n, err);

    for (int32_t j = 0; st == EAGLE_OK && j < n; j++) {
        d->slot[d->run[j]] = first + j;
        fill(d, d->run[j], logits + (size_t)j * vocab, tree, input);
    }
    return st;
}

static eagle_status propose(eg_drafting *drafting, eagle_tree *tree, const eg_draft_input *input,
                            eagle_error *err)
{
    static_drafting *d = (static_drafting *)drafting;
    const static_recipe *r = (const static_recipe *)d->e.drafter;
    const int32_t levels = r->levels < input->max_depth ? r->levels : input->max_depth;
    const float *logits;

    eg_extrapolation_prune(&d->e.head);
    if (levels < 1 || d->e.head.n_stable == 0) {
        return EAGLE_OK;
    }
    d->n_laws = 0;
    for (int32_t i = 1; i < r->n; i++) {
        d->node[i] = -1;
        d->filled[i] = 0;
    }
    eagle_status st = eg_extrapolation_root(&logits, &d->e.head, err);

    if (st != EAGLE_OK) {
        return st;
    }
    fill(d, 0, logits, tree, input);
    add_level(d, 1, tree);
    for (int32_t level = 1; st == EAGLE_OK && level < levels; level++) {
        st = run_level(d, level, tree, input, err);
        if (st == EAGLE_OK) {
            add_level(d, level + 1, tree);
        }
    }
    return st;
}

/* ---- a session's state --------------------------------------------------------------------- */

static eg_tree_room room_of(const eagle_drafter *drafter)
{
    const static_recipe *r = (const static_recipe *)drafter;

    return (eg_tree_room){.slots = r->n_inner - 1, .depth = r->levels, .width = r->width};
}

static void free_drafting(eg_drafting *drafting)
{
    static_drafting *d = (static_drafting *)drafting;

    if (d != NULL) {
        free(d->order);
        free(d->law);
        free(d->run);
        free(d->log_prob);
        free(d->child);
        free(d->filled);
        free(d->slot);
        free(d->node);
        eg_extrapolating_clear(&d->e);
        free(d);
    }
}

/* The arrays of the state; false without memory. */
static bool allocate(static_drafting *d, const static_recipe *r)
{
    const size_t n = (size_t)r->n;
    const size_t vocab = (size_t)r->base.head->config.vocab;

    d->node = eg_alloc(n, sizeof *d->node);
    d->slot = eg_alloc(n, sizeof *d->slot);
    d->filled = eg_alloc(n, sizeof *d->filled);
    d->child = eg_alloc(n * (size_t)r->most, sizeof *d->child);
    d->log_prob = eg_alloc(n * (size_t)r->most, sizeof *d->log_prob);
    d->run = eg_alloc((size_t)r->width, sizeof *d->run);
    if (r->base.drawn) {
        d->law = eg_alloc((size_t)r->n_inner, vocab * sizeof *d->law);
        d->order = eg_alloc(vocab, sizeof *d->order);
    }
    return d->node && d->slot && d->filled && d->child && d->log_prob && d->run &&
           (!r->base.drawn || (d->law && d->order));
}

static eagle_status start(eg_drafting **out, const eagle_drafter *drafter,
                          const eg_draft_setup *setup, eagle_error *err)
{
    const static_recipe *r = (const static_recipe *)drafter;
    const eg_tree_room room = room_of(drafter);
    static_drafting *d = eg_alloc(1, sizeof *d);

    *out = NULL;
    if (d == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory to draft");
    }
    eagle_status st = eg_extrapolating_init(&d->e, drafter, setup, &room, err);

    if (st == EAGLE_OK && !allocate(d, r)) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory for a tree of %d nodes", r->n);
    }
    if (st != EAGLE_OK) {
        free_drafting(&d->e.base);
        return st;
    }
    *out = &d->e.base;
    return EAGLE_OK;
}

static void bill(uint64_t *head_kv, uint64_t *work, const eagle_drafter *drafter,
                 const eg_draft_setup *setup)
{
    const static_recipe *r = (const static_recipe *)drafter;
    const eg_tree_room room = room_of(drafter);

    eg_extrapolating_bill(head_kv, work, drafter, setup, &room);
    if (r->base.drawn) {
        *work += ((uint64_t)r->n_inner * sizeof(uint64_t) + sizeof(int32_t)) *
                 (uint64_t)r->base.head->config.vocab;
    }
}

/* ---- the recipe ------------------------------------------------------------------------------ */

static void free_recipe(eagle_drafter *drafter)
{
    static_recipe *r = (static_recipe *)drafter;

    free(r->n_children);
    free(r->depth);
    free(r->rank);
    free(r->parent);
    free(r);
}

static const eg_drafter_class static_class = {
    .start = start,
    .propose = propose,
    .observe = eg_extrapolating_observe,
    .rewind = eg_extrapolating_rewind,
    .hash = eg_extrapolating_hash,
    .set_probe = eg_extrapolating_set_probe,
    .free = free_drafting,
    .bill = bill,
    .free_recipe = free_recipe,
};

/* Copies the shape and counts what the passes need. */
static void lay_out(static_recipe *r, const eagle_shape *shape)
{
    r->levels = eagle_shape_depth(shape);
    for (int32_t i = 1; i < r->n; i++) {
        r->parent[i] = eagle_shape_parent(shape, i);
        r->rank[i] = eagle_shape_rank(shape, i);
        r->depth[i] = eagle_shape_level(shape, i);
        int32_t *n_children = &r->n_children[r->parent[i]];

        *n_children = r->rank[i] + 1 > *n_children ? r->rank[i] + 1 : *n_children;
        r->most = *n_children > r->most ? *n_children : r->most;
    }
    for (int32_t i = 0, level = 0, on_level = 0; i < r->n; i++) {
        if (r->depth[i] != level) {
            level = r->depth[i];
            on_level = 0;
        }
        on_level += r->n_children[i] > 0;
        r->n_inner += r->n_children[i] > 0;
        r->width = on_level > r->width ? on_level : r->width;
    }
}

/* Drawn children are a sequence: few enough for 320 bits, and no rank left out. */
static eagle_status check_drawn(const static_recipe *r, eagle_error *err)
{
    for (int32_t i = 0; i < r->n; i++) {
        int32_t listed = 0;

        for (int32_t j = 1; j < r->n; j++) {
            listed += r->parent[j] == i;
        }
        if (r->n_children[i] > EG_MAX_DRAWN) {
            return eg_fail(err, EAGLE_EINVAL,
                           "drawn children: node %d of the tree has %d, at most %d are possible", i,
                           r->n_children[i], EG_MAX_DRAWN);
        }
        if (listed != r->n_children[i]) {
            return eg_fail(err, EAGLE_EINVAL,
                           "drawn children: node %d of the tree leaves out a rank", i);
        }
    }
    return EAGLE_OK;
}

eagle_status eagle_drafter_static(eagle_drafter **out, const eagle_head *head,
                                  const eagle_shape *shape, bool drawn, eagle_error *err)
{
    const int32_t n = eagle_shape_nodes(shape) + 1;
    eagle_status st = EAGLE_OK;

    *out = NULL;
    if (n > EAGLE_MAX_NODES + 1) {
        return eg_fail(err, EAGLE_EINVAL, "a tree of %d nodes, at most %d are possible", n - 1,
                       EAGLE_MAX_NODES);
    }
    if (eagle_shape_max_rank(shape) >= head->config.vocab) {
        return eg_fail(err, EAGLE_EFIT, "the tree asks for rank %d of %d tokens",
                       eagle_shape_max_rank(shape), head->config.vocab);
    }
    static_recipe *r = eg_alloc(1, sizeof *r);

    if (r == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a drafter");
    }
    r->n = n;
    r->parent = eg_alloc((size_t)n, sizeof *r->parent);
    r->rank = eg_alloc((size_t)n, sizeof *r->rank);
    r->depth = eg_alloc((size_t)n, sizeof *r->depth);
    r->n_children = eg_alloc((size_t)n, sizeof *r->n_children);
    if (!r->parent || !r->rank || !r->depth || !r->n_children) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory for a tree of %d nodes", n);
        goto done;
    }
    lay_out(r, shape);
    r->base =
        (eagle_drafter){.class = &static_class, .head = head, .max_nodes = n - 1, .drawn = drawn};
    snprintf(r->base.description, sizeof r->base.description, "static N%d%s", n - 1,
             drawn ? " drawn" : "");
    st = drawn ? check_drawn(r, err) : EAGLE_OK;
    if (st == EAGLE_OK) {
        *out = &r->base;
        r = NULL;
    }

done:
    if (r != NULL) {
        free_recipe(&r->base);
    }
    return st;
}
