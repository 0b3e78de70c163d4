/* SPDX-License-Identifier: MIT */
/* static_tree.c - EAGLE-1's tree (Li et al. 2024a, section 4.2): a fixed shape of ranks, filled
 * level by level with the most likely tokens, or with tokens drawn from the draft's law.
 *
 * Only nodes that have children are run through the head. Nodes are numbered by (depth, path),
 * as in the shape; a node that cannot be filled (the context ends, a row is not finite, a
 * law has no weight left) is left out with all below it.
 *
 * Drawn children keep their order: a residual is defined by it (docs/5-verification.md). */
#include "base/error.h"
#include "draft/extrapolating.h"
#include "sample/draws.h"
#include "sample/law.h"

#include <stdio.h>

/* A node of the shape. */
typedef struct {
    int32_t parent;
    int32_t rank;
    int32_t depth;
    int32_t n_children; /* 1 + the largest rank among the children; 0: a leaf */
} place;

/* The shape, laid out for drafting. Entry 0 is the root. */
typedef struct {
    eagle_drafter base; /* first */
    int32_t n;          /* nodes, root included                                    */
    int32_t width;      /* most nodes of one level that have children              */
    int32_t n_inner;    /* nodes that have children, root included                 */
    int32_t most;       /* largest n_children                                      */
    place place[];      /* [n]                                                     */
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

static const static_recipe *recipe(const static_drafting *d)
{
    return (const static_recipe *)d->e.base.drafter;
}

/* ---- filling ---------------------------------------------------------------------------- */

/* Children that are drawn: the law of this row stays with the tree. */
static void draw_children(static_drafting *d, int32_t at, const float *logits, eagle_tree *tree,
                          const eg_draft_input *input)
{
    const static_recipe *r = recipe(d);
    const int32_t vocab = r->base.head->config.vocab;
    const int32_t node = d->node[at];
    uint64_t *law = d->law + (size_t)d->n_laws++ * (size_t)vocab;

    eg_law_make(law, d->order, logits, vocab, input->sampling);
    tree->law[node] = law;
    d->filled[at] = eg_draw_children(d->child + at * r->most, law, vocab, r->place[at].n_children,
                                     tree->pos + r->place[at].depth + 1, node, input->draws);
}

/* The tokens that the row of shape node `at` gives to its children. */
static void fill(static_drafting *d, int32_t at, const float *logits, eagle_tree *tree,
                 const eg_draft_input *input)
{
    const static_recipe *r = recipe(d);
    const size_t vocab = (size_t)r->base.head->config.vocab;
    eg_log_norm norm;

    d->filled[at] = 0;
    if (!eg_log_norm_of(&norm, d->e.head.pass.compute.kernels, logits, vocab)) {
        return;
    }
    if (r->base.drawn) {
        draw_children(d, at, logits, tree, input);
    } else {
        eg_topk(d->child + at * r->most, logits, vocab, (size_t)r->place[at].n_children);
        d->filled[at] = r->place[at].n_children;
    }
    for (int32_t i = 0; i < d->filled[at]; i++) {
        d->log_prob[at * r->most + i] = eg_log_prob(&norm, logits[d->child[at * r->most + i]]);
    }
}

/* Adds the nodes of a level to the tree, in the shape's order. */
static void add_level(static_drafting *d, int32_t level, eagle_tree *tree)
{
    const static_recipe *r = recipe(d);

    for (int32_t i = 1; i < r->n; i++) {
        const int32_t above = r->place[i].parent;
        const int32_t rank = r->place[i].rank;

        if (r->place[i].depth != level || d->node[above] < 0 || rank >= d->filled[above]) {
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
    const static_recipe *r = recipe(d);
    const size_t vocab = (size_t)r->base.head->config.vocab;
    const float *logits;
    int32_t first;
    int32_t n = 0;

    for (int32_t i = 1; i < r->n; i++) {
        if (r->place[i].depth == level && r->place[i].n_children > 0 && d->node[i] >= 0) {
            d->run[n] = i;
            d->e.token[n] = tree->token[d->node[i]];
            d->e.hang[n] = level == 1 ? -1 : d->slot[r->place[i].parent];
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
    const static_recipe *r = recipe(d);
    const int32_t levels = r->base.levels < input->max_depth ? r->base.levels : input->max_depth;
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

/* ---- the recipe --------------------------------------------------------------------------- */

static void init(eg_drafting *drafting, const eagle_drafter *drafter, const eg_draft_setup *setup,
                 eg_arena *arena)
{
    const static_recipe *r = (const static_recipe *)drafter;
    static_drafting *d = (static_drafting *)drafting;
    const size_t n = (size_t)r->n;
    const size_t children = n * (size_t)r->most;
    const size_t vocab = (size_t)drafter->head->config.vocab;
    const eg_tree_room room = {.slots = r->n_inner - 1, .depth = r->base.levels, .width = r->width};

    eg_extrapolating_init(&d->e, drafter, setup, &room, arena);
    d->node = eg_arena_take(arena, EG_FOR_WORK, n, sizeof *d->node);
    d->slot = eg_arena_take(arena, EG_FOR_WORK, n, sizeof *d->slot);
    d->filled = eg_arena_take(arena, EG_FOR_WORK, n, sizeof *d->filled);
    d->child = eg_arena_take(arena, EG_FOR_WORK, children, sizeof *d->child);
    d->log_prob = eg_arena_take(arena, EG_FOR_WORK, children, sizeof *d->log_prob);
    d->run = eg_arena_take(arena, EG_FOR_WORK, (size_t)r->width, sizeof *d->run);
    if (drafter->drawn) {
        d->law = eg_arena_take(arena, EG_FOR_WORK, (size_t)r->n_inner, vocab * sizeof *d->law);
        d->order = eg_arena_take(arena, EG_FOR_WORK, vocab, sizeof *d->order);
    }
}

static const eg_drafter_class static_class = {
    .state_size = sizeof(static_drafting),
    .init = init,
    .propose = propose,
    .observe = eg_extrapolating_observe,
    .rewind = eg_extrapolating_rewind,
    .hash = eg_extrapolating_hash,
    .set_probe = eg_extrapolating_set_probe,
};

/* Copies the shape and counts what the passes need. */
static void lay_out(static_recipe *r, const eagle_shape *shape)
{
    r->base.levels = eagle_shape_depth(shape);
    for (int32_t i = 1; i < r->n; i++) {
        r->place[i].parent = eagle_shape_parent(shape, i);
        r->place[i].rank = eagle_shape_rank(shape, i);
        r->place[i].depth = eagle_shape_level(shape, i);
        int32_t *n_children = &r->place[r->place[i].parent].n_children;

        *n_children = r->place[i].rank + 1 > *n_children ? r->place[i].rank + 1 : *n_children;
        r->most = *n_children > r->most ? *n_children : r->most;
    }
    for (int32_t i = 0, level = 0, on_level = 0; i < r->n; i++) {
        if (r->place[i].depth != level) {
            level = r->place[i].depth;
            on_level = 0;
        }
        on_level += r->place[i].n_children > 0;
        r->n_inner += r->place[i].n_children > 0;
        r->width = on_level > r->width ? on_level : r->width;
    }
}

/* Drawn children are a sequence: few enough for 320 bits, and no rank left out. */
static eagle_status check_drawn(const static_recipe *r, eagle_error *err)
{
    for (int32_t i = 0; i < r->n; i++) {
        int32_t listed = 0;

        for (int32_t j = 1; j < r->n; j++) {
            listed += r->place[j].parent == i;
        }
        if (r->place[i].n_children > EG_MAX_DRAWN) {
            return eg_fail(err, EAGLE_EINVAL,
                           "drawn children: node %d of the tree has %d, at most %d are possible", i,
                           r->place[i].n_children, EG_MAX_DRAWN);
        }
        if (listed != r->place[i].n_children) {
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

    *out = NULL;
    if (eagle_shape_max_rank(shape) >= head->config.vocab) {
        return eg_fail(err, EAGLE_EFIT, "the tree asks for rank %d of %d tokens",
                       eagle_shape_max_rank(shape), head->config.vocab);
    }
    static_recipe *r = eg_drafter_new(
        sizeof *r + (size_t)n * sizeof *r->place,
        &(eagle_drafter){.class = &static_class, .head = head, .max_nodes = n - 1, .drawn = drawn},
        err);

    if (r == NULL) {
        return EAGLE_ENOMEM;
    }
    r->n = n;
    lay_out(r, shape);
    eagle_status st = drawn ? check_drawn(r, err) : EAGLE_OK;

    if (st != EAGLE_OK) {
        eagle_drafter_free(&r->base);
        return st;
    }
    snprintf(r->base.description, sizeof r->base.description, "static N%d%s", n - 1,
             drawn ? " drawn" : "");
    *out = &r->base;
    return EAGLE_OK;
}
