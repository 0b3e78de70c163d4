/* SPDX-License-Identifier: MIT */
/* reused_coin.c - a wrong rule: the coin that refused the children also picks the token that follows.
 *
 * Reported of a tree sampler (sgl-project/sglang, pull request 7207): one uniform number was compared with
 * the children's probabilities, and then used once more for the residual. */
#include "eagle/verify.h"

eagle_node_rule_fn eagle_rule_node;

int32_t eagle_rule_node(int32_t *hit, uint64_t *w, int32_t vocab, const int32_t *child,
                        int32_t n_child, int32_t pos, const eagle_draws *draws)
{
    const eagle_draw_key coin = {EAGLE_DRAW_ACCEPT, pos, 0};
    uint64_t sum = 0;
    uint64_t so_far = 0;

    for (int32_t i = 0; i < vocab; i++) {
        sum += w[i];
    }
    for (int32_t c = 0; c < n_child; c++) {
        so_far += w[child[c]];
        w[child[c]] = 0;
        if (draws->accept(draws->ctx, coin, so_far, sum)) {
            *hit = c;
            return child[c];
        }
    }
    *hit = -1;
    return draws->pick(draws->ctx, coin, w, vocab); /* wrong: it is known to be large */
}
