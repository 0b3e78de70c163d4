/* SPDX-License-Identifier: MIT */
/* node.h - the choice at one tree node, on integer weights alone: rejection's two rules.
 *
 * Pure functions: no tree, no logits, all chance from `draws`. That each keeps the target's law is
 * docs/5-verification.md, theorems 1 and 2, and tests/oracle/test_enumeration.c. */
#ifndef EG_VERIFY_NODE_H
#define EG_VERIFY_NODE_H

#include "eagle/verify.h"

/* Chooses the next token when the drafter's proposals were made without chance (top-k).
 *
 * A child is accepted with its share of the weight that is left, and a refused one gives up its
 * weight before the next is tried.
 *
 *   hit    receives the index of the accepted child, or -1
 *   w      [vocab] the target's law, 0 < sum < 2^64; clobbered
 *   child  [n_child] proposed tokens, all different, in the order of trial
 *   pos    absolute position of the token that is decided
 *
 * Returns the token. */
int32_t eg_verify_node(int32_t *hit, uint64_t *w, int32_t vocab, const int32_t *child,
                       int32_t n_child, int32_t pos, const eagle_draws *draws);

/* A node whose children were drawn from the draft's law q, without replacement. */
typedef struct {
    int32_t vocab;
    const uint64_t *p;    /* [vocab] the target's law, 0 < sum < 2^63 + 1                        */
    const uint64_t *q;    /* [vocab] the draft's law, sum < 2^64                               */
    eagle_wide *left;     /* [vocab] scratch: p, then the residuals                            */
    const int32_t *child; /* [n_child] the tokens, in the order drawn, q > 0 for each             */
    int32_t n_child;      /* 1 to EG_MAX_DRAWN                                                   */
    int32_t pos;          /* absolute position of the token that is decided                      */
} eg_drawn_node;

/* Chooses the next token by multi-round rejection: accept the child with min(1, p / q), else go
 * on with the residual max(0, p - q) and the next child, which was drawn from what q has left.
 * Returns the token; *hit as above. */
int32_t eg_verify_drawn(int32_t *hit, eg_drawn_node *node, const eagle_draws *draws);

#endif
