/* SPDX-License-Identifier: MIT */
/* tree.h - what the other folders need of trees beyond eagle/tree.h. */
#ifndef EG_TREE_TREE_H
#define EG_TREE_TREE_H

#include "eagle/tree.h"

#include <stdbool.h>

/* Writes the path from the root to `node`, both included: path[d] is the ancestor of depth d.
 * Returns its length, depth[node] + 1. These are the tree slots that the node attends to, in
 * order of position.
 *
 *   path  [depth[node] + 1], at most [n_nodes] */
int32_t eg_tree_path(int32_t *path, const eagle_tree *tree, int32_t node);

/* True unless an earlier entry than `i` has the parent and the token of entry i. */
bool eg_tree_new_sibling(const int32_t *parent, const int32_t *token, int32_t i);

#endif
