/* SPDX-License-Identifier: MIT */
/* one_coin.c - a wrong rule: all siblings are tried with one coin, each with its share of what is left. What
 * the coin has said of the first child it has said of the second, too. */
#include "eagle/verify.h"

eagle_node_rule_fn eagle_rule_node;

int32_t eagle_rule_node(int32_t *hit, uint64_t *w, int32_t vocab, const int32_t *child,
                        int32_t n_child, int32_t pos, const eagle_draws *draws)
{
    const eagle_draw_key coin = {EAGLE_DRAW_ACCEPT, pos,
                                 0}; /* wrong: index should be the sibling */
    uint64_t left = 0;

    for (int32_t i = 0; i < vocab; i++) {
        left += w[i];
    }
    for (int32_t c = 0; c < n_child; c++) {
        if (w[child[c]] > 0 && draws->accept(draws->ctx, coin, w[child[c]], left)) {
            *hit = c;
            return child[c];
        }
        left -= w[child[c]];
        w[child[c]] = 0;
    }
    *hit = -1;
    return draws->pick(draws->ctx, (eagle_draw_key){EAGLE_DRAW_RESIDUAL, pos, 0}, w, vocab);
}
