/* SPDX-License-Identifier: MIT */
/* tree.c - the token tree as flat arrays (docs/4-tree.md).
 *
 * Trees have tens of nodes, so that children are found by a scan of the later nodes: no links
 * to keep right, and a tree from elsewhere needs only its arrays. */
#include "tree/tree.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdlib.h>

eagle_status eagle_tree_create(eagle_tree **out, int32_t cap, eagle_error *err)
{
    *out = NULL;
    if (cap < 1) {
        return eg_fail(err, EAGLE_EINVAL, "tree: room for %d nodes, needs at least 1", cap);
    }
    const size_t n = (size_t)cap;
    eagle_tree *tree = eg_alloc(1, sizeof *tree);

    if (tree != NULL) {
        tree->token = eg_alloc(3 * n, sizeof *tree->token); /* with parents and depths */
        tree->score = eg_alloc(n, sizeof *tree->score);
        tree->law = eg_alloc(n, sizeof *tree->law);
    }
    if (tree == NULL || tree->token == NULL || tree->score == NULL || tree->law == NULL) {
        eagle_tree_free(tree);
        return eg_fail(err, EAGLE_ENOMEM, "tree: no memory for %d nodes", cap);
    }
    tree->cap = cap;
    tree->parent = tree->token + n;
    tree->depth = tree->token + 2 * n;
    eagle_tree_reset(tree, 0, 0);
    *out = tree;
    return EAGLE_OK;
}

void eagle_tree_free(eagle_tree *tree)
{
    if (tree != NULL) {
        free(tree->law);
        free(tree->score);
        free(tree->token);
    }
    free(tree);
}

static void set_node(eagle_tree *tree, int32_t node, int32_t parent, int32_t token, float score)
{
    tree->token[node] = token;
    tree->parent[node] = parent;
    tree->depth[node] = parent < 0 ? 0 : tree->depth[parent] + 1;
    if (tree->score != NULL) {
        tree->score[node] = score;
    }
    if (tree->law != NULL) {
        tree->law[node] = NULL;
    }
}

void eagle_tree_reset(eagle_tree *tree, int32_t root_token, int32_t pos)
{
    tree->n_nodes = 1;
    tree->n_verify = 1;
    tree->pos = pos;
    set_node(tree, 0, -1, root_token, 0.0f);
}

int32_t eagle_tree_add(eagle_tree *tree, int32_t parent, int32_t token, float score)
{
    int32_t node = tree->n_nodes;

    if (node >= tree->cap || parent < 0 || parent >= node || tree->n_verify < node ||
        eagle_tree_child(tree, parent, token) >= 0) {
        return -1;
    }
    set_node(tree, node, parent, token, score);
    tree->n_nodes = node + 1;
    tree->n_verify = node + 1;
    return node;
}

int32_t eagle_tree_child(const eagle_tree *tree, int32_t node, int32_t token)
{
    int32_t child = eagle_tree_next_child(tree, node, 0);

    while (child >= 0 && tree->token[child] != token) {
        child = eagle_tree_next_child(tree, node, child);
    }
    return child;
}

int32_t eagle_tree_next_child(const eagle_tree *tree, int32_t node, int32_t after)
{
    /* A child has a higher number than its parent. */
    for (int32_t i = (after > node ? after : node) + 1; i < tree->n_verify; i++) {
        if (tree->parent[i] == node) {
            return i;
        }
    }
    return -1;
}

int32_t eg_tree_path(int32_t *path, const eagle_tree *tree, int32_t node)
{
    int32_t n = tree->depth[node] + 1;

    for (int32_t d = n - 1; d >= 0; d--) {
        path[d] = node;
        node = tree->parent[node];
    }
    return n;
}

bool eg_tree_new_sibling(const int32_t *parent, const int32_t *token, int32_t i)
{
    for (int32_t j = 0; j < i; j++) {
        if (parent[j] == parent[i] && token[j] == token[i]) {
            return false;
        }
    }
    return true;
}

/* Node i > 0, its predecessors being in order. */
static eagle_status check_node(const eagle_tree *tree, int32_t i, eagle_error *err)
{
    int32_t parent = tree->parent[i];

    if (parent < 0 || parent >= i) {
        return eg_fail(err, EAGLE_EFORMAT, "tree node %d: parent %d is no earlier node", i, parent);
    }
    if (tree->depth[i] != tree->depth[parent] + 1) {
        return eg_fail(err, EAGLE_EFORMAT, "tree node %d: depth %d below a parent of depth %d", i,
                       tree->depth[i], tree->depth[parent]);
    }
    if (!eg_tree_new_sibling(tree->parent, tree->token, i)) {
        return eg_fail(err, EAGLE_EFORMAT, "tree node %d: a sibling has its token %d already", i,
                       tree->token[i]);
    }
    return EAGLE_OK;
}

eagle_status eagle_tree_check(const eagle_tree *tree, int32_t vocab, eagle_error *err)
{
    if (tree->n_nodes < 1 || tree->n_nodes > tree->cap) {
        return eg_fail(err, EAGLE_EFORMAT, "tree: %d nodes, needs 1 to %d", tree->n_nodes,
                       tree->cap);
    }
    if (tree->n_verify < 1 || tree->n_verify > tree->n_nodes) {
        return eg_fail(err, EAGLE_EFORMAT, "tree: %d nodes to walk of %d", tree->n_verify,
                       tree->n_nodes);
    }
    /* The deepest node decides position pos + n_nodes. */
    if (tree->pos < 0 || tree->pos > INT32_MAX - tree->n_nodes) {
        return eg_fail(err, EAGLE_EFORMAT, "tree: root at position %d", tree->pos);
    }
    if (tree->parent[0] != -1 || tree->depth[0] != 0) {
        return eg_fail(err, EAGLE_EFORMAT, "tree node 0: parent %d, depth %d; a root has -1, 0",
                       tree->parent[0], tree->depth[0]);
    }
    for (int32_t i = 0; i < tree->n_nodes; i++) {
        if (tree->token[i] < 0 || tree->token[i] >= vocab) {
            return eg_fail(err, EAGLE_EFORMAT, "tree node %d: token %d of a vocabulary of %d", i,
                           tree->token[i], vocab);
        }
        if (tree->score != NULL && !(tree->score[i] <= 0.0f)) {
            return eg_fail(err, EAGLE_EFORMAT, "tree node %d: score %g is no log-probability", i,
                           (double)tree->score[i]);
        }
        eagle_status st = i > 0 ? check_node(tree, i, err) : EAGLE_OK;

        if (st != EAGLE_OK) {
            return st;
        }
    }
    return EAGLE_OK;
}
