/* SPDX-License-Identifier: MIT */
/* children.c - draws a node's children from the draft's law, without replacement.
 *
 * The key holds the parent's node and the sibling's number, so that no key is asked twice in a
 * round. (Cousins that shared a number would do no harm, since only the walked path decides; but one
 * number for each question is a rule that can be looked at.) */
#include "sample/draws.h"

#include <assert.h>

int32_t eg_draw_children(int32_t *token, uint64_t *law, int32_t vocab, int32_t k, int32_t pos,
                         int32_t node, const eagle_draws *draws)
{
    uint64_t weight[EG_MAX_DRAWN]; /* of the drawn tokens */
    uint64_t left = 0;
    int32_t n = 0;

    assert(k <= EG_MAX_DRAWN);
    for (int32_t i = 0; i < vocab; i++) {
        left += law[i];
    }
    for (; n < k && left > 0; n++) {
        const eagle_draw_key key = {EAGLE_DRAW_DRAFT, pos, node * 8 + n};

        token[n] = draws->pick(draws->ctx, key, law, vocab);
        weight[n] = law[token[n]];
        left -= weight[n];
        law[token[n]] = 0;
    }
    for (int32_t i = 0; i < n; i++) {
        law[token[i]] = weight[i];
    }
    return n;
}
