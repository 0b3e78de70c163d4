/* SPDX-License-Identifier: MIT */
/* float_walk.h - a floating-point rule in the place of our verification, with draws for coins.
 *
 * A decision of float_rules.h is a monotone question to a coin k / 2^b, k uniform in {0 .. 2^b -
 * 1}. How many k pass is found by asking the real comparison, b times (bisection). So each decision
 * has a probability n / 2^b, which is asked of `draws`: an enumeration then follows the rule
 * exactly, coins that are asked twice included.
 *
 * The rule is given the best probabilities that its precision can hold: those of the integer law,
 * as float64 numbers, then rounded once to the rule's precision. A real softmax adds its own
 * error. */
#ifndef EG_PROVE_FLOAT_WALK_H
#define EG_PROVE_FLOAT_WALK_H

#include "prove/float_rules.h"

/* How many of the 2^bits coins pass; 1 <= bits <= 53. */
uint64_t eg_coins_passing(const eg_coin_test *test, int32_t bits);

/* Coins whose answers are drawn: `accept` with that number over 2^bits, under the coin's key. */
typedef struct {
    const eagle_draws *draws;
    int32_t bits;
} eg_counted_coins;

/* Coins bound to `counted`, which must outlive them. */
eg_coins eg_counted_coins_of(eg_counted_coins *counted);

/* out[i] = w[i] / sum(w), to within half a unit in the last place; sum(w) > 0. */
void eg_float_shares(double *out, const uint64_t *w, int32_t n);

/* The rule as a whole walk: laws from rows and sampling (temperature above 0), coins from `draws`.
 * EAGLE_ENUMERIC where nothing is left to draw from: when that is the rule's own rounding, `path`
 * has the tokens before, and `vocab` in place of one more; else it is empty. Otherwise as
 * eg_float_rule_walk(). */
eagle_status eg_float_verify(eagle_path *path, const eg_float_rule *rule, const eagle_tree *tree,
                             const eagle_rows *rows, const eagle_sampling *sampling,
                             const eagle_draws *draws, eagle_error *err);

#endif
