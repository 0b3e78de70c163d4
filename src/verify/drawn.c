/* SPDX-License-Identifier: MIT */
/* drawn.c - rejection at one node, for children drawn from the draft's law (EAGLE-1).
 *
 * With integer weights P, Q of sums SP, SQ the ratio p/q of a token is P SQ / (Q SP), and the
 * residual max(0, p - q) is proportional to
 *
 *     P' = max(0, P SQ - Q SP).
 *
 * Nothing is divided, hence nothing rounded; the price is width. The target's sum is at most 2^63
 * and each residual multiplies by SQ < 2^64: 127, 191, 255 and, after the fourth child, 319 bits. */
#include "sample/draws.h"
#include "sample/wide.h"
#include "verify/node.h"

#include <assert.h>

/* Turns the weights into those of the residual, and gives their sum. */
static void take_residual(eagle_wide *sum, eg_drawn_node *node, uint64_t sum_q)
{
    eagle_wide new_sum = eg_wide_from(0);

    for (int32_t i = 0; i < node->vocab; i++) {
        eagle_wide *p = &node->left[i];
        eagle_wide q;

        if (eg_wide_is_zero(p)) { /* filters leave mostly these */
            continue;
        }
        eg_wide_mul(p, p, sum_q);
        eg_wide_mul(&q, sum, node->q[i]);
        if (eg_wide_less(p, &q)) {
            *p = eg_wide_from(0);
        } else {
            eg_wide_sub(p, &q);
        }
        eg_wide_add(&new_sum, p);
    }
    *sum = new_sum;
}

int32_t eg_verify_drawn(int32_t *hit, eg_drawn_node *node, const eagle_draws *draws)
{
    eagle_wide sum_p = eg_wide_from(0);
    uint64_t sum_q = 0;

    assert(node->n_child >= 1 && node->n_child <= EG_MAX_DRAWN);
    for (int32_t i = 0; i < node->vocab; i++) {
        node->left[i] = eg_wide_from(node->p[i]);
        eg_wide_add(&sum_p, &node->left[i]);
        sum_q += node->q[i];
    }
    for (int32_t c = 0; c < node->n_child; c++) {
        const int32_t token = node->child[c];
        const eagle_draw_key key = {EAGLE_DRAW_ACCEPT, node->pos, c};
        eagle_wide num;
        eagle_wide den;

        eg_wide_mul(&num, &node->left[token], sum_q);
        eg_wide_mul(&den, &sum_p, node->q[token]);
        /* Certain answers are not asked for. Where p = q in all tokens this accepts, so that no
         * residual is ever empty. */
        if (!eg_wide_less(&num, &den) ||
            (!eg_wide_is_zero(&num) && draws->accept_wide(draws->ctx, key, &num, &den))) {
            *hit = c;
            return token;
        }
        take_residual(&sum_p, node, sum_q);
        /* The next child was drawn from the others. That q still holds this one is no matter: it was
         * refused, so p < q, and nothing of it is in the residual. */
        sum_q -= node->q[token];
    }
    *hit = -1;
    return draws->pick_wide(draws->ctx, (eagle_draw_key){EAGLE_DRAW_RESIDUAL, node->pos, 0},
                            node->left, node->vocab);
}
