/* SPDX-License-Identifier: MIT */
/* tree.h - the token tree, and the shapes that drafters give it. Needs no model.
 *
 * Node 0 is the root: the last emitted token, not yet in the target's KV cache. A
 * node of depth d is a guess for the d-th token after it. Parents come before their
 * children; the children of a node are tried in ascending node number, and are all
 * different tokens. Plain decoding is a tree of one node. */
#ifndef EAGLE_TREE_H
#define EAGLE_TREE_H

#include "eagle/status.h"

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Most nodes of a drafted tree, the root not counted: node x 8 + sibling is a draw's index
 * (verify.h), and stays below 2^16. */
#define EAGLE_MAX_NODES 8191

/* A tree as flat arrays. A view: whoever made the tree owns the arrays. */
typedef struct {
    int32_t n_nodes;  /* root included, <= cap                                         */
    int32_t n_verify; /* nodes [0, n_verify) are walked; later ones are only computed  */
    int32_t cap;      /* length of the arrays                                          */
    int32_t pos;      /* absolute position of the root's token in the sequence         */
    int32_t *token;   /* [cap]                                                         */
    int32_t *parent;  /* [cap] parent[0] == -1, parent[i] < i                          */
    int32_t *depth;   /* [cap] depth[0] == 0                                           */
    /* [cap] draft log-probability of the path from the root, <= 0; NULL if unknown. */
    float *score;
    /* [cap] integer weights [vocab] of the law that a node's children were drawn from,
     * without replacement, in their order; NULL where they were chosen without chance. The
     * array itself may be NULL: no child was drawn. */
    const uint64_t **law;
} eagle_tree;

/* Makes an empty tree for up to `cap` nodes (cap >= 1). EAGLE_ENOMEM, EAGLE_EINVAL.
 * Free with eagle_tree_free(), which accepts NULL. */
EAGLE_API eagle_status eagle_tree_create(eagle_tree **out, int32_t cap, eagle_error *err);
EAGLE_API void eagle_tree_free(eagle_tree *tree);

/* Empties the tree and sets its root. */
EAGLE_API void eagle_tree_reset(eagle_tree *tree, int32_t root_token, int32_t pos);

/* Adds a child of `parent`, to be walked, and returns its number, or -1 when the tree is
 * full, `parent` is no node or has a child of that token already, or the last nodes are not
 * to be walked. */
EAGLE_API int32_t eagle_tree_add(eagle_tree *tree, int32_t parent, int32_t token, float score);

/* The child of `node` that carries `token` and is walked, or -1. */
EAGLE_API int32_t eagle_tree_child(const eagle_tree *tree, int32_t node, int32_t token);

/* The next walked child of `node` after child number `after` (0: from the first), or -1. */
EAGLE_API int32_t eagle_tree_next_child(const eagle_tree *tree, int32_t node, int32_t after);

/* EAGLE_EFORMAT, naming the node, unless the tree keeps every rule above and all tokens
 * lie in [0, vocab). */
EAGLE_API eagle_status eagle_tree_check(const eagle_tree *tree, int32_t vocab, eagle_error *err);

/* A static shape: rank paths, closed under prefixes, without tokens. Nodes are numbered
 * by (depth, path); node 0 is the root. */
typedef struct eagle_shape eagle_shape; /* opaque */

/* Builds a shape from `n_paths` rank paths laid end to end in `ranks`, path i having
 * length[i] >= 1 ranks (0 = most likely child). Any order; a missing prefix, a repeated path,
 * a negative rank or more than EAGLE_MAX_NODES paths is EAGLE_EFORMAT. EAGLE_ENOMEM. Free with
 * eagle_shape_free(). */
EAGLE_API eagle_status eagle_shape_create(eagle_shape **out, const int32_t *ranks,
                                          const int32_t *length, int32_t n_paths, eagle_error *err);
/* A shape by name: "mc_sim_7b_63", EAGLE-1's tree of 25 nodes (spec: SafeAILab/EAGLE v1,
 * choices.py). EAGLE_EINVAL for another name. */
EAGLE_API eagle_status eagle_shape_named(eagle_shape **out, const char *name, eagle_error *err);
EAGLE_API void eagle_shape_free(eagle_shape *shape);

EAGLE_API int32_t eagle_shape_nodes(const eagle_shape *shape);    /* without the root */
EAGLE_API int32_t eagle_shape_depth(const eagle_shape *shape);    /* levels           */
EAGLE_API int32_t eagle_shape_max_rank(const eagle_shape *shape); /* largest rank     */
/* Parent (0 = root), rank and depth of node i, 1 <= i <= nodes. */
EAGLE_API int32_t eagle_shape_parent(const eagle_shape *shape, int32_t i);
EAGLE_API int32_t eagle_shape_rank(const eagle_shape *shape, int32_t i);
EAGLE_API int32_t eagle_shape_level(const eagle_shape *shape, int32_t i);

/* Recorded rounds: a tree per round, for replay. */
typedef struct eagle_rounds eagle_rounds; /* opaque */
EAGLE_API eagle_status eagle_rounds_create(eagle_rounds **out, eagle_error *err);
/* Appends a round: the root's token, then n nodes with parents (0 = root, i = node i).
 * EAGLE_ENOMEM; EAGLE_EFORMAT, naming round and node, when it is no tree of at most EAGLE_MAX_NODES
 * nodes. */
EAGLE_API eagle_status eagle_rounds_add(eagle_rounds *rounds, int32_t root, const int32_t *token,
                                        const int32_t *parent, int32_t n, eagle_error *err);
EAGLE_API void eagle_rounds_free(eagle_rounds *rounds);
EAGLE_API int32_t eagle_rounds_count(const eagle_rounds *rounds);
EAGLE_API int32_t eagle_rounds_max_nodes(const eagle_rounds *rounds); /* without the root */
/* Round r, 0 <= r < count: its root and its n nodes; returns n. The arrays stay owned by
 * `rounds`. */
EAGLE_API int32_t eagle_rounds_get(const eagle_rounds *rounds, int32_t r, int32_t *root,
                                   const int32_t **token, const int32_t **parent);

#ifdef __cplusplus
}
#endif
#endif
