/* SPDX-License-Identifier: MIT */
/* cumulative.c - a right rule: one coin against the running sum of the siblings, and a fresh one for what is
 * left. This is SGLang's form, in exact numbers.
 *
 * The coin is asked once for each child, under the same key: it is one number, and the children are
 * neighbouring intervals of it. So each has its own probability, and all are refused with the rest's. */
#include "eagle/verify.h"

eagle_node_rule_fn eagle_rule_node;

int32_t eagle_rule_node(int32_t *hit, uint64_t *w, int32_t vocab, const int32_t *child,
                        int32_t n_child, int32_t pos, const eagle_draws *draws)
{
    const eagle_draw_key coin = {EAGLE_DRAW_ACCEPT, pos, 0};
    const eagle_draw_key fresh = {EAGLE_DRAW_RESIDUAL, pos, 0};
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
    return draws->pick(draws->ctx, fresh, w, vocab);
}
