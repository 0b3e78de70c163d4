/* SPDX-License-Identifier: MIT */
/* rejection.c - collects what the rules of node.h need at a node of the walk. */
#include "base/error.h"
#include "sample/draws.h"
#include "sample/law.h"
#include "verify/node.h"
#include "verify/walk.h"

int32_t eg_walk_children(int32_t *token, int32_t *number, const eagle_tree *tree, int32_t node)
{
    int32_t n = 0;

    for (int32_t c = eagle_tree_next_child(tree, node, 0); c >= 0;
         c = eagle_tree_next_child(tree, node, c)) {
        token[n] = tree->token[c];
        number[n++] = c;
    }
    return n;
}

/* Refuses a draft's law that cannot have given these children. */
static eagle_status check_law(const eg_drawn_node *drawn, int32_t node, eagle_error *err)
{
    uint64_t sum = 0;

    if (drawn->n_child > EG_MAX_DRAWN) {
        return eg_fail(err, EAGLE_EFIT, "tree node %d: %d drawn children, at most %d are exact",
                       node, drawn->n_child, EG_MAX_DRAWN);
    }
    for (int32_t i = 0; i < drawn->vocab; i++) {
        sum += drawn->q[i];
        if (sum < drawn->q[i]) {
            return eg_fail(err, EAGLE_EFIT, "tree node %d: its draft law sums to 2^64 or more",
                           node);
        }
    }
    for (int32_t c = 0; c < drawn->n_child; c++) {
        if (drawn->q[drawn->child[c]] == 0) {
            return eg_fail(
                err, EAGLE_EFIT,
                "tree node %d: child token %d has no weight in the law it was drawn from", node,
                drawn->child[c]);
        }
    }
    return EAGLE_OK;
}

eagle_status eg_step_rejection(eg_step *out, const eg_walk *walk, int32_t node, eagle_error *err)
{
    const int32_t vocab = walk->rows->vocab;
    const int32_t pos = eg_walk_pos(walk, node);
    const uint64_t *law = walk->tree->law != NULL ? walk->tree->law[node] : NULL;
    eg_space *space = walk->space;
    int32_t n_child = eg_walk_children(space->child, space->number, walk->tree, node);
    int32_t hit = -1;

    eg_law_make(space->p, space->order, eg_walk_logits(walk, node), vocab, walk->sampling);
    if (law != NULL && n_child > 0) {
        eg_drawn_node drawn = {.vocab = vocab,
                               .p = space->p,
                               .q = law,
                               .left = space->left,
                               .child = space->child,
                               .n_child = n_child,
                               .pos = pos};
        eagle_status st = check_law(&drawn, node, err);

        if (st != EAGLE_OK) {
            return st;
        }
        out->token = eg_verify_drawn(&hit, &drawn, walk->draws);
    } else {
        out->token = eg_verify_node(&hit, space->p, vocab, space->child, n_child, pos, walk->draws);
    }
    out->child = hit < 0 ? -1 : space->number[hit];
    return EAGLE_OK;
}
