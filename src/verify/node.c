/* SPDX-License-Identifier: MIT */
/* node.c - rejection at one node, for children that were chosen without chance. */
#include "verify/node.h"

#include <assert.h>

int32_t eg_verify_node(int32_t *hit, uint64_t *w, int32_t vocab, const int32_t *child,
                       int32_t n_child, int32_t pos, const eagle_draws *draws)
{
    uint64_t left = 0; /* weight of the tokens that are not refused yet */

    for (int32_t i = 0; i < vocab; i++) {
        left += w[i];
    }
    for (int32_t c = 0; c < n_child; c++) {
        uint64_t *own = &w[child[c]];
        const eagle_draw_key key = {EAGLE_DRAW_ACCEPT, pos, c};

        /* A certain answer is not asked for: all that is left is accepted, so that no walk ends
         * with nothing to draw from; a token without weight cannot be. */
        if (*own > 0 && (*own == left || draws->accept(draws->ctx, key, *own, left))) {
            *hit = c;
            return child[c];
        }
        left -= *own;
        *own = 0;
    }
    *hit = -1;
    assert(left > 0);

    /* Without children this is plain sampling, and must be the same draw. */
    const eagle_draw_purpose purpose = n_child > 0 ? EAGLE_DRAW_RESIDUAL : EAGLE_DRAW_TARGET;

    return draws->pick(draws->ctx, (eagle_draw_key){purpose, pos, 0}, w, vocab);
}
