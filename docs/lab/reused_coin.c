/* SPDX-License-Identifier: MIT */
/* reused_coin.c - a wrong rule: the coin that refused the last child also picks the token that follows.
 *
 * Reported of a tree sampler on GPUs (sgl-project/sglang, pull request 7207): one uniform number per node was
 * compared with the children's probabilities and then, scaled, with the running sums of what is left. */
#include "eagle/verify.h"

int32_t eagle_rule_node(int32_t *hit, uint64_t *w, int32_t vocab, const int32_t *child,
                        int32_t n_child, int32_t pos, const eagle_draws *draws);

int32_t eagle_rule_node(int32_t *hit, uint64_t *w, int32_t vocab, const int32_t *child,
                        int32_t n_child, int32_t pos, const eagle_draws *draws)
{
    eagle_draw_key key = {EAGLE_DRAW_ACCEPT, pos, 0};
    uint64_t left = 0;

    for (int32_t i = 0; i < vocab; i++) {
        left += w[i];
    }
    for (int32_t c = 0; c < n_child; c++) {
        key.index = c;
        if (draws->accept(draws->ctx, key, w[child[c]], left)) {
            *hit = c;
            return child[c];
        }
        left -= w[child[c]];
        w[child[c]] = 0;
    }
    *hit = -1;
    return draws->pick(draws->ctx, key, w, vocab); /* wrong: this key has already answered */
}
