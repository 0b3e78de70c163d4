/* SPDX-License-Identifier: MIT */
/* walk.c - from the root down: one token per node, until a token is no child. */
#include "verify/walk.h"

#include "base/alloc.h"
#include "base/error.h"
#include "sample/law.h"

#include <math.h>
#include <stdlib.h>

/* Nodes of a tree, so that a sibling's number fits in a key. */
#define MAX_NODES 65536

/* ---- paths --------------------------------------------------------------------------------- */

static void free_space(eg_space *space)
{
    if (space != NULL) {
        free(space->left);
        free(space->p);
        free(space->child);
    }
    free(space);
}

/* NULL without memory. */
static eg_space *new_space(size_t cap, int32_t vocab, eagle_verify_mode mode)
{
    const size_t n = (size_t)vocab;
    const size_t n_law = mode == EAGLE_VERIFY_GREEDY ? 0 : n;
    const size_t n_drawn = mode == EAGLE_VERIFY_REJECTION ? n : 0;
    eg_space *space = eg_alloc(1, sizeof *space);

    if (space != NULL) {
        space->child = eg_alloc(2 * cap + n_law, sizeof *space->child); /* with number and order */
        space->p = eg_alloc(n_law, sizeof *space->p);
        space->left = eg_alloc(n_drawn, sizeof *space->left);
    }
    if (space == NULL || space->child == NULL || space->p == NULL || space->left == NULL) {
        free_space(space);
        return NULL;
    }
    space->mode = mode;
    space->vocab = vocab;
    space->number = space->child + cap;
    space->order = space->child + 2 * cap;
    return space;
}

eagle_status eagle_path_create(eagle_path **out, int32_t cap_nodes, int32_t vocab,
                               eagle_verify_mode mode, eagle_error *err)
{
    *out = NULL;
    if (cap_nodes < 1 || cap_nodes > MAX_NODES || vocab < 1) {
        return eg_fail(err, EAGLE_EINVAL, "path: %d nodes (1 to %d), vocabulary of %d", cap_nodes,
                       MAX_NODES, vocab);
    }
    if (vocab > EG_LAW_VOCAB) {
        return eg_fail(err, EAGLE_EUNSUPPORTED,
                       "vocabulary of %d: integer laws are exact up to %d tokens", vocab,
                       EG_LAW_VOCAB);
    }
    const size_t cap = (size_t)cap_nodes;
    eagle_path *path = eg_alloc(1, sizeof *path);

    if (path != NULL) {
        path->token = eg_alloc(3 * cap, sizeof *path->token); /* with node and row */
        path->source = eg_alloc(cap, sizeof *path->source);
        path->space = new_space(cap, vocab, mode);
    }
    if (path == NULL || path->token == NULL || path->source == NULL || path->space == NULL) {
        eagle_path_free(path);
        return eg_fail(err, EAGLE_ENOMEM, "path: no memory for %d nodes, vocabulary of %d",
                       cap_nodes, vocab);
    }
    path->cap = cap_nodes;
    path->node = path->token + cap;
    path->row = path->token + 2 * cap;
    *out = path;
    return EAGLE_OK;
}

void eagle_path_free(eagle_path *path)
{
    if (path != NULL) {
        free_space(path->space);
        free(path->source);
        free(path->token);
    }
    free(path);
}

/* ---- the walk ------------------------------------------------------------------------------- */

static bool has_drawn_children(const eagle_tree *tree)
{
    for (int32_t i = 0; i < tree->n_verify && tree->law != NULL; i++) {
        if (tree->law[i] != NULL && eagle_tree_next_child(tree, i, 0) >= 0) {
            return true;
        }
    }
    return false;
}

static eagle_status check_fit(const eagle_path *path, const eg_walk *walk, eagle_error *err)
{
    const eagle_rows *rows = walk->rows;

    if (rows->vocab != walk->space->vocab || walk->sampling->mode != walk->space->mode) {
        return eg_fail(
            err, EAGLE_EFIT,
            "verify: the path was made for a vocabulary of %d and mode %d, not %d and %d",
            walk->space->vocab, (int)walk->space->mode, rows->vocab, (int)walk->sampling->mode);
    }
    eagle_status st = eagle_tree_check(walk->tree, rows->vocab, err);

    if (st != EAGLE_OK) {
        return st;
    }
    if (walk->tree->n_verify > rows->n || walk->tree->n_verify > path->cap) {
        return eg_fail(err, EAGLE_EFIT, "verify: %d nodes to walk, %d rows, a path for %d nodes",
                       walk->tree->n_verify, rows->n, path->cap);
    }
    return eagle_sampling_check(walk->sampling, has_drawn_children(walk->tree), err);
}

/* A row that decides must be finite: a NaN is no token. */
static eagle_status check_row(const eg_walk *walk, int32_t node, eagle_error *err)
{
    const eagle_rows *rows = walk->rows;

    if (rows->fault != NULL) {
        char text[EG_FAULT_TEXT];

        return rows->fault[node] == 0
                   ? EAGLE_OK
                   : eg_fail(err, EAGLE_ENUMERIC,
                             "tree node %d, position %d: a NaN or an infinity in %s", node,
                             eg_walk_pos(walk, node) - 1,
                             eg_fault_text(text, rows->fault[node], rows->n_layers));
    }
    const float *logits = eg_walk_logits(walk, node);

    for (int32_t i = 0; i < rows->vocab; i++) {
        if (!isfinite(logits[i])) {
            return eg_fail(err, EAGLE_ENUMERIC, "tree node %d, position %d: logit %d is %g", node,
                           eg_walk_pos(walk, node) - 1, i, (double)logits[i]);
        }
    }
    return EAGLE_OK;
}

static eagle_source source_of(const eg_walk *walk, int32_t node, const eg_step *step)
{
    if (step->child >= 0) {
        return EAGLE_SOURCE_ACCEPTED;
    }
    if (eagle_tree_next_child(walk->tree, node, 0) >= 0) {
        return EAGLE_SOURCE_RESIDUAL;
    }
    return node > 0 ? EAGLE_SOURCE_BONUS : EAGLE_SOURCE_PLAIN;
}

eagle_status eagle_verify(eagle_path *path, const eagle_tree *tree, const eagle_rows *rows,
                          const eagle_sampling *sampling, const eagle_draws *draws,
                          eagle_error *err)
{
    static eg_step_fn *const rule[] = {[EAGLE_VERIFY_GREEDY] = eg_step_greedy,
                                       [EAGLE_VERIFY_COUPLED] = eg_step_coupled,
                                       [EAGLE_VERIFY_REJECTION] = eg_step_rejection};
    const eg_walk walk = {
        .tree = tree, .rows = rows, .sampling = sampling, .draws = draws, .space = path->space};
    int32_t node = 0;
    int32_t n = 0;

    eagle_status st = check_fit(path, &walk, err);

    /* A path of the tree has fewer nodes than the tree, so that cap is enough. */
    while (st == EAGLE_OK && node >= 0) {
        eg_step step;

        st = check_row(&walk, node, err);
        if (st == EAGLE_OK) {
            st = rule[sampling->mode](&step, &walk, node, err);
        }
        if (st == EAGLE_OK) {
            path->token[n] = step.token;
            path->node[n] = step.child;
            path->row[n] = node;
            path->source[n] = source_of(&walk, node, &step);
            n++;
            node = step.child;
        }
    }
    path->n = st == EAGLE_OK ? n : 0;
    return st;
}
