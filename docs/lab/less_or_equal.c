/* SPDX-License-Identifier: MIT */
/* less_or_equal.c - a wrong rule: `coin <= p` where `coin < p` is meant, on coins of 24 bits.
 *
 * Reported of SGLang's tree kernel (sgl-project/sglang, issue 35771); SafeAILab's and transformers' rules have
 * it too. The coin is one of 2^24 numbers k / 2^24; those with k / 2^24 <= p are floor(p x 2^24) + 1. A token that
 * the filters have dropped, p = 0, gets one of them. */
#include "eagle/verify.h"

#define COINS (UINT64_C(1) << 24)

eagle_node_rule_fn eagle_rule_node;

/* floor(w x 2^24 / left), one bit after the other: w x 2^24 may not fit. */
static uint64_t coins_below(uint64_t w, uint64_t left)
{
    uint64_t n = 0;

    if (w == left) {
        return COINS;
    }
    for (int bit = 0; bit < 24; bit++) {
        const int carry = w >= left - w;

        n = 2 * n + (uint64_t)carry;
        w = carry ? w - (left - w) : 2 * w;
    }
    return n;
}

int32_t eagle_rule_node(int32_t *hit, uint64_t *w, int32_t vocab, const int32_t *child,
                        int32_t n_child, int32_t pos, const eagle_draws *draws)
{
    uint64_t left = 0;

    for (int32_t i = 0; i < vocab; i++) {
        left += w[i];
    }
    for (int32_t c = 0; c < n_child && left > 0; c++) {
        const eagle_draw_key key = {EAGLE_DRAW_ACCEPT, pos, c};
        const uint64_t n = coins_below(w[child[c]], left) + 1; /* wrong: the + 1 of `<=` */

        if (draws->accept(draws->ctx, key, n < COINS ? n : COINS, COINS)) {
            *hit = c;
            return child[c];
        }
        left -= w[child[c]];
        w[child[c]] = 0;
    }
    *hit = -1;
    return draws->pick(draws->ctx, (eagle_draw_key){EAGLE_DRAW_RESIDUAL, pos, 0}, w, vocab);
}
