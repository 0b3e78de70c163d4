/* SPDX-License-Identifier: MIT */
/* soft_q.c - a wrong rule: the draft's children are its likeliest tokens, chosen without chance, and yet
 * the ratio p / q has the draft's softmax in it.
 *
 * Reported of assisted generation with a greedy draft (huggingface/transformers, issue 32867): p = (.6, .4) and
 * q = (.8, .2) gave the tokens with 3/4 and 1/4. A token that is proposed always has q = 1.
 *
 * A whole walk, since a rule of one node is not told q: the tree has it, as scores. */
#include "eagle/verifier.h"

#include <math.h>
#include <stdlib.h>

eagle_verify_fn eagle_rule_walk;

/* a x b */
static eagle_wide times(uint64_t a, uint32_t b)
{
    const uint64_t low = (a & UINT32_MAX) * b;
    const uint64_t high = (a >> 32) * b + (low >> 32);

    return (eagle_wide){{high << 32 | (low & UINT32_MAX), high >> 32, 0, 0, 0}};
}

/* min(1, p / q) with p = w / sum and q = exp(the child's own log-probability), in units of 2^-30. */
static bool accept(const eagle_tree *tree, int32_t child, uint64_t w, uint64_t sum,
                   const eagle_draws *draws)
{
    const eagle_draw_key key = {EAGLE_DRAW_ACCEPT, tree->pos + tree->depth[child], 0};
    const double log_q = (double)tree->score[child] - (double)tree->score[tree->parent[child]];
    const eagle_wide num = times(w, UINT32_C(1) << 30);
    const eagle_wide den = times(sum, (uint32_t)(exp(log_q) * 0x1p30) + 1); /* wrong: q is 1 */
    const bool above =
        num.limb[1] != den.limb[1] ? num.limb[1] > den.limb[1] : num.limb[0] >= den.limb[0];

    return above || draws->accept_wide(draws->ctx, key, &num, &den);
}

/* The token after `node`; *next is its first child, if that is accepted, or -1. */
static int32_t decide(int32_t *next, const eagle_tree *tree, int32_t node, uint64_t *w,
                      int32_t vocab, const eagle_draws *draws)
{
    const eagle_draw_key key = {EAGLE_DRAW_RESIDUAL, tree->pos + tree->depth[node] + 1, 0};
    uint64_t sum = 0;

    *next = eagle_tree_next_child(tree, node, 0);
    for (int32_t i = 0; i < vocab; i++) {
        sum += w[i];
    }
    if (*next >= 0) {
        uint64_t *own = &w[tree->token[*next]];

        if (*own == sum || accept(tree, *next, *own, sum, draws)) {
            return tree->token[*next];
        }
        *own = 0;
        *next = -1;
    }
    return draws->pick(draws->ctx, key, w, vocab);
}

eagle_status eagle_rule_walk(eagle_path *path, const eagle_tree *tree, const eagle_rows *rows,
                             const eagle_sampling *sampling, const eagle_draws *draws,
                             eagle_error *err)
{
    const size_t vocab = (size_t)rows->vocab;
    uint64_t *w = malloc(vocab * sizeof *w);
    int32_t *order = malloc(vocab * sizeof *order);
    int32_t node = w != NULL && order != NULL ? 0 : -1;

    (void)err;
    path->n = 0;
    while (node >= 0) {
        int32_t next = -1;

        eagle_law_weights(w, order, rows->logits + (size_t)node * vocab, rows->vocab, sampling);
        path->token[path->n] = decide(&next, tree, node, w, rows->vocab, draws);
        path->node[path->n] = next;
        path->row[path->n] = node;
        path->source[path->n] = next >= 0 ? EAGLE_SOURCE_ACCEPTED : EAGLE_SOURCE_RESIDUAL;
        path->n++;
        node = next;
    }
    free(order);
    free(w);
    return EAGLE_OK;
}
