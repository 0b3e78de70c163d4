/* SPDX-License-Identifier: MIT */
/* stale_sum.c - a wrong rule: the second child is tried with its probability, not with its share of what the
 * first has left.
 *
 * The usual slip when the rule of one draft token is put into a loop over siblings. */
#include "eagle/verify.h"

eagle_node_rule_fn eagle_rule_node;

int32_t eagle_rule_node(int32_t *hit, uint64_t *w, int32_t vocab, const int32_t *child,
                        int32_t n_child, int32_t pos, const eagle_draws *draws)
{
    uint64_t sum = 0;

    for (int32_t i = 0; i < vocab; i++) {
        sum += w[i];
    }
    for (int32_t c = 0; c < n_child; c++) {
        const eagle_draw_key key = {EAGLE_DRAW_ACCEPT, pos, c};

        if (draws->accept(draws->ctx, key, w[child[c]], sum)) { /* wrong: sum stays what it was */
            *hit = c;
            return child[c];
        }
        w[child[c]] = 0;
    }
    *hit = -1;
    return draws->pick(draws->ctx, (eagle_draw_key){EAGLE_DRAW_RESIDUAL, pos, 0}, w, vocab);
}
