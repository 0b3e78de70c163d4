/* SPDX-License-Identifier: MIT */
/* membership.c - a right rule: draw the target's own token, and see whether it is a child. */
#include "eagle/verify.h"

eagle_node_rule_fn eagle_rule_node;

int32_t eagle_rule_node(int32_t *hit, uint64_t *w, int32_t vocab, const int32_t *child,
                        int32_t n_child, int32_t pos, const eagle_draws *draws)
{
    const int32_t token =
        draws->pick(draws->ctx, (eagle_draw_key){EAGLE_DRAW_TARGET, pos, 0}, w, vocab);

    *hit = -1;
    for (int32_t c = 0; c < n_child; c++) {
        if (child[c] == token) {
            *hit = c;
        }
    }
    return token;
}
