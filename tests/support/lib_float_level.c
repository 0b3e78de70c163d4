/* SPDX-License-Identifier: MIT */
/* lib_float_level.c - see lib_float_level.h. */
#include "support/lib_float_level.h"

eagle_status float_node_law(mpq_t *law, const eg_float_rule *rule, const eg_float_node *node,
                            double *left, eg_enumeration *all, eagle_error *err)
{
    mpq_t weight;

    mpq_init(weight);
    for (int32_t i = 0; i <= node->vocab; i++) {
        mpq_set_ui(law[i], 0, 1);
    }
    eg_enumeration_reset(all);
    do {
        const eagle_draws draws = eg_enumeration_draws(all);
        eg_counted_coins counted = {.draws = &draws, .bits = rule->bits};
        const eg_coins coins = eg_counted_coins_of(&counted);
        const eg_float_choice made = eg_float_rule_node(rule, node, left, &coins);
        const int32_t token = made.state == EG_CHOICE_EMPTY ? node->vocab : made.token;

        eg_enumeration_weight(weight, all);
        mpq_add(law[token], law[token], weight);
    } while (eg_enumeration_next(all));
    mpq_clear(weight);
    return eg_enumeration_fault(all, err);
}

void law_distance(mpq_t tv, mpq_t outside, const mpq_t *law, const mpq_t *plain, int32_t n)
{
    mpq_t difference;

    mpq_init(difference);
    mpq_set_ui(tv, 0, 1);
    mpq_set_ui(outside, 0, 1);
    for (int32_t i = 0; i < n; i++) {
        mpq_sub(difference, law[i], plain[i]);
        mpq_abs(difference, difference);
        mpq_add(tv, tv, difference);
        if (mpq_sgn(plain[i]) == 0) {
            mpq_add(outside, outside, law[i]);
        }
    }
    mpq_div_2exp(tv, tv, 1);
    mpq_clear(difference);
}
