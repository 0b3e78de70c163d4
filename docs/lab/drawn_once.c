/* SPDX-License-Identifier: MIT */
/* drawn_once.c - a right rule for children that were drawn from the draft's law: only the first is tried, with
 * min(1, p / q); if it is refused, the token comes from max(0, p - q). The papers' rule, in integers: with
 * weights P, Q of sums SP, SQ the ratio is P SQ / (Q SP), and the residual max(0, P SQ - Q SP). */
#include "eagle/verify.h"

eagle_drawn_rule_fn eagle_rule_drawn;

/* a x b */
static eagle_wide times(uint64_t a, uint64_t b)
{
    const uint64_t low = (a & UINT32_MAX) * (b & UINT32_MAX);
    const uint64_t left = (a >> 32) * (b & UINT32_MAX) + (low >> 32);
    const uint64_t right = (a & UINT32_MAX) * (b >> 32) + (left & UINT32_MAX);

    return (eagle_wide){{right << 32 | (low & UINT32_MAX),
                         (a >> 32) * (b >> 32) + (left >> 32) + (right >> 32), 0, 0, 0}};
}

/* max(0, a - b), of numbers below 2^128 */
static eagle_wide above(eagle_wide a, eagle_wide b)
{
    const bool borrow = a.limb[0] < b.limb[0];

    if (a.limb[1] < b.limb[1] || (a.limb[1] == b.limb[1] && borrow)) {
        return (eagle_wide){{0}};
    }
    return (eagle_wide){{a.limb[0] - b.limb[0], a.limb[1] - b.limb[1] - borrow, 0, 0, 0}};
}

int32_t eagle_rule_drawn(int32_t *hit, const eagle_drawn_node *node, const eagle_draws *draws)
{
    const int32_t x = node->child[0];
    const eagle_draw_key coin = {EAGLE_DRAW_ACCEPT, node->pos, 0};
    const eagle_draw_key fresh = {EAGLE_DRAW_RESIDUAL, node->pos, 0};
    uint64_t sp = 0;
    uint64_t sq = 0;

    for (int32_t i = 0; i < node->vocab; i++) {
        sp += node->p[i];
        sq += node->q[i];
    }
    const eagle_wide num = times(node->p[x], sq);
    const eagle_wide den = times(node->q[x], sp);
    const eagle_wide missing = above(den, num);

    *hit = 0;
    if ((missing.limb[0] | missing.limb[1]) == 0 || /* p >= q */
        draws->accept_wide(draws->ctx, coin, &num, &den)) {
        return x;
    }
    for (int32_t i = 0; i < node->vocab; i++) {
        node->left[i] = above(times(node->p[i], sq), times(node->q[i], sp));
    }
    *hit = -1;
    return draws->pick_wide(draws->ctx, fresh, node->left, node->vocab);
}
