/* SPDX-License-Identifier: MIT */
/* dynamic_tree.c - EAGLE-2's tree (Li et al. 2024b, section 4): expand the most promising nodes
 * level by level, then keep the best of all that were seen.
 *
 *   level 1      the K most likely tokens after the root
 *   level l + 1  each of the K beam nodes gets its K most likely children; the best K of these
 *                K^2 are the next beam
 *   at the end   the N best of all K + (L - 1) K^2 candidates
 *
 * "Best" is by score, the sum of draft log-probabilities from the root; among equals the
 * shallower, then the one created first. A child's score never exceeds its parent's, so the
 * kept nodes are closed under parents. They are numbered in order of creation.
 *
 * Reference: SafeAILab's topK_genrate leaves ties to its library, and hangs nodes on wrong
 * parents when the closure breaks (docs/reference-differences.md). */
#include "base/error.h"
#include "draft/extrapolating.h"

#include <stdio.h>

typedef struct {
    eagle_drafter base; /* first */
    int32_t width;      /* K */
} dynamic_recipe;

/* A node that may be kept. */
typedef struct {
    int32_t token;
    int32_t parent; /* candidate, or -1: the root     */
    int32_t depth;
    float score;
    int32_t slot; /* its tree slot, once expanded       */
    int32_t node; /* its number in the tree, once kept  */
    bool kept;
} candidate;

typedef struct {
    eg_extrapolating e; /* first */
    candidate *all;     /* [K + (L - 1) K^2] in order of creation          */
    int32_t n;          /* candidates so far                               */
    int32_t *best;      /* [N] the candidates that are kept                */
    int32_t *beam;      /* [K] candidates that are expanded next           */
    int32_t n_beam;
    int32_t *top; /* [K] most likely tokens of one row               */
} dynamic_drafting;

static const dynamic_recipe *recipe(const dynamic_drafting *d)
{
    return (const dynamic_recipe *)d->e.base.drafter;
}

#define MAX_LEVELS 64 /* up to here the product below fits */
#define MAX_WIDTH  1024

static int32_t n_candidates(int32_t levels, int32_t width)
{
    return width + (levels - 1) * width * width;
}

/* ---- choosing ------------------------------------------------------------------------ */

/* Does candidate a come before b? A total order: no two candidates are equal. */
static bool better(const candidate *all, int32_t a, int32_t b)
{
    if (all[a].score != all[b].score) {
        return all[a].score > all[b].score;
    }
    return all[a].depth != all[b].depth ? all[a].depth < all[b].depth : a < b;
}

/* Restores the heap below `at`: the worst candidate is on top. */
static void sift(int32_t *heap, int32_t n, int32_t at, const candidate *all)
{
    for (;;) {
        int32_t worst = at;

        for (int32_t child = 2 * at + 1; child <= 2 * at + 2 && child < n; child++) {
            if (better(all, heap[worst], heap[child])) {
                worst = child;
            }
        }
        if (worst == at) {
            return;
        }
        const int32_t swap = heap[at];

        heap[at] = heap[worst];
        heap[worst] = swap;
        at = worst;
    }
}

/* Writes the best `keep` of candidates [begin, end) to out, best first; returns how many. */
static int32_t choose(int32_t *out, const candidate *all, int32_t begin, int32_t end, int32_t keep)
{
    const int32_t n = end - begin < keep ? end - begin : keep;

    for (int32_t i = 0; i < n; i++) {
        out[i] = begin + i;
    }
    for (int32_t i = n / 2 - 1; i >= 0; i--) {
        sift(out, n, i, all);
    }
    for (int32_t i = begin + n; n > 0 && i < end; i++) {
        if (better(all, i, out[0])) {
            out[0] = i;
            sift(out, n, 0, all);
        }
    }
    for (int32_t left = n - 1; left > 0; left--) { /* heap sort: the worst to the end */
        const int32_t swap = out[0];

        out[0] = out[left];
        out[left] = swap;
        sift(out, left, 0, all);
    }
    return n;
}

/* ---- growing ------------------------------------------------------------------------- */

/* Appends the K most likely children of `parent` (-1: the root). A row that is not finite
 * has none. */
static void add_children(dynamic_drafting *d, int32_t parent, const float *logits)
{
    const dynamic_recipe *r = recipe(d);
    const size_t vocab = (size_t)r->base.head->config.vocab;
    const float above = parent < 0 ? 0.0f : d->all[parent].score;
    eg_log_norm norm;

    if (!eg_log_norm_of(&norm, d->e.head.pass.compute.kernels, logits, vocab)) {
        return;
    }
    eg_topk(d->top, logits, vocab, (size_t)r->width);
    for (int32_t i = 0; i < r->width; i++) {
        d->all[d->n++] = (candidate){
            .token = d->top[i],
            .parent = parent,
            .depth = parent < 0 ? 1 : d->all[parent].depth + 1,
            .score = above + eg_log_prob(&norm, logits[d->top[i]]),
        };
    }
}

/* Runs the head on the beam and appends the children of its nodes; they are the next beam. */
static eagle_status grow_level(dynamic_drafting *d, eagle_error *err)
{
    const dynamic_recipe *r = recipe(d);
    const size_t vocab = (size_t)r->base.head->config.vocab;
    const int32_t begin = d->n;
    const float *logits;
    int32_t first;

    for (int32_t j = 0; j < d->n_beam; j++) {
        const candidate *node = &d->all[d->beam[j]];

        d->e.token[j] = node->token;
        d->e.hang[j] = node->parent < 0 ? -1 : d->all[node->parent].slot;
    }
    eagle_status st =
        eg_extrapolation_expand(&first, &logits, &d->e.head, d->e.token, d->e.hang, d->n_beam, err);

    if (st != EAGLE_OK) {
        return st;
    }
    for (int32_t j = 0; j < d->n_beam; j++) {
        d->all[d->beam[j]].slot = first + j;
        add_children(d, d->beam[j], logits + (size_t)j * vocab);
    }
    d->n_beam = choose(d->beam, d->all, begin, d->n, r->width);
    return EAGLE_OK;
}

/* Keeps the best candidates and numbers them in order of creation. */
static void keep_best(dynamic_drafting *d, eagle_tree *tree)
{
    const int32_t n = choose(d->best, d->all, 0, d->n, d->e.base.drafter->max_nodes);

    for (int32_t i = 0; i < n; i++) {
        d->all[d->best[i]].kept = true;
    }
    for (int32_t i = 0; i < d->n; i++) {
        candidate *c = &d->all[i];

        if (c->kept) {
            c->node = eagle_tree_add(tree, c->parent < 0 ? 0 : d->all[c->parent].node, c->token,
                                     c->score);
        }
    }
}

static eagle_status propose(eg_drafting *drafting, eagle_tree *tree, const eg_draft_input *input,
                            eagle_error *err)
{
    dynamic_drafting *d = (dynamic_drafting *)drafting;
    const dynamic_recipe *r = recipe(d);
    const int32_t levels = r->base.levels < input->max_depth ? r->base.levels : input->max_depth;
    const float *logits;

    d->n = 0;
    eg_extrapolation_prune(&d->e.head);
    if (levels < 1 || d->e.head.n_stable == 0) {
        return EAGLE_OK;
    }
    eagle_status st = eg_extrapolation_root(&logits, &d->e.head, err);

    if (st != EAGLE_OK) {
        return st;
    }
    add_children(d, -1, logits);
    d->n_beam = choose(d->beam, d->all, 0, d->n, r->width);
    for (int32_t level = 1; st == EAGLE_OK && level < levels && d->n_beam > 0; level++) {
        st = grow_level(d, err);
    }
    if (st == EAGLE_OK) {
        keep_best(d, tree);
    }
    return st;
}

/* ---- the recipe ------------------------------------------------------------------------ */

static void init(eg_drafting *drafting, const eagle_drafter *drafter, const eg_draft_setup *setup,
                 eg_arena *arena)
{
    const dynamic_recipe *r = (const dynamic_recipe *)drafter;
    dynamic_drafting *d = (dynamic_drafting *)drafting;
    const size_t width = (size_t)r->width;
    const eg_tree_room room = {
        .slots = (r->base.levels - 1) * r->width, .depth = r->base.levels, .width = r->width};

    eg_extrapolating_init(&d->e, drafter, setup, &room, arena);
    d->all = eg_arena_take(arena, EG_FOR_WORK, (size_t)n_candidates(r->base.levels, r->width),
                           sizeof *d->all);
    d->best = eg_arena_take(arena, EG_FOR_WORK, (size_t)drafter->max_nodes, sizeof *d->best);
    d->beam = eg_arena_take(arena, EG_FOR_WORK, width, sizeof *d->beam);
    d->top = eg_arena_take(arena, EG_FOR_WORK, width, sizeof *d->top);
}

static const eg_drafter_class dynamic_class = {
    .state_size = sizeof(dynamic_drafting),
    .init = init,
    .propose = propose,
    .observe = eg_extrapolating_observe,
    .rewind = eg_extrapolating_rewind,
    .hash = eg_extrapolating_hash,
    .set_probe = eg_extrapolating_set_probe,
};

eagle_status eagle_drafter_dynamic(eagle_drafter **out, const eagle_head *head, int32_t levels,
                                   int32_t width, int32_t nodes, eagle_error *err)
{
    const int32_t vocab = head->config.vocab;
    const int32_t k = width < vocab ? width : vocab;
    const bool fits = levels >= 1 && levels <= MAX_LEVELS && k >= 1 && k <= MAX_WIDTH && nodes >= 1;
    const int32_t most = fits ? n_candidates(levels, k) : 0;
    const int32_t kept = nodes < most ? nodes : most;

    *out = NULL;
    if (!fits || kept > EAGLE_MAX_NODES) {
        return eg_fail(err, EAGLE_EINVAL,
                       "a dynamic tree of %d levels, width %d, %d nodes: needs 1..%d, 1..%d, 1..%d",
                       levels, width, nodes, MAX_LEVELS, MAX_WIDTH, EAGLE_MAX_NODES);
    }
    dynamic_recipe *r = eg_drafter_new(
        sizeof *r, &(eagle_drafter){.class = &dynamic_class, .head = head, .max_nodes = kept}, err);

    if (r == NULL) {
        return EAGLE_ENOMEM;
    }
    r->base.levels = levels;
    r->width = k;
    snprintf(r->base.description, sizeof r->base.description, "dynamic L%d K%d N%d", r->base.levels,
             r->width, kept);
    *out = &r->base;
    return EAGLE_OK;
}
