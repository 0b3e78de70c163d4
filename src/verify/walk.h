/* SPDX-License-Identifier: MIT */
/* walk.h - one step of a verification: the token after a node, by each mode's rule. */
#ifndef EG_VERIFY_WALK_H
#define EG_VERIFY_WALK_H

#include "eagle/verify.h"

#include <stddef.h>

/* Scratch of a path, made once by eagle_path_create(). */
typedef struct {
    eagle_verify_mode mode;
    int32_t vocab;
    int32_t *order;   /* [vocab] scratch of the law; empty in greedy mode */
    uint64_t *p;      /* [vocab] the target's law; empty in greedy mode   */
    eagle_wide *left; /* [vocab] residuals; rejection mode only          */
    int32_t *child;   /* [cap] a node's children: their tokens           */
    int32_t *number;  /* [cap] and their nodes                           */
} eg_space;

/* What one call of eagle_verify() works on. */
typedef struct {
    const eagle_tree *tree;
    const eagle_rows *rows;
    const eagle_sampling *sampling;
    const eagle_draws *draws;
    eg_space *space;
} eg_walk;

/* The outcome at a node. */
typedef struct {
    int32_t token;
    int32_t child; /* the accepted node, or -1: the walk ends here */
} eg_step;

/* Decides the token after `node`, whose logits are known to be finite. */
typedef eagle_status eg_step_fn(eg_step *out, const eg_walk *walk, int32_t node, eagle_error *err);

eg_step_fn eg_step_greedy;
eg_step_fn eg_step_coupled;
eg_step_fn eg_step_rejection;

/* The walked children of `node`, in order: their tokens and their nodes, [cap] as in eg_space.
 * Returns how many. */
int32_t eg_walk_children(int32_t *token, int32_t *number, const eagle_tree *tree, int32_t node);

/* The logits after `node`, and the absolute position of the token that they decide. */
static inline const float *eg_walk_logits(const eg_walk *walk, int32_t node)
{
    return walk->rows->logits + (size_t)node * (size_t)walk->rows->vocab;
}

static inline int32_t eg_walk_pos(const eg_walk *walk, int32_t node)
{
    return walk->tree->pos + walk->tree->depth[node] + 1;
}

#endif
