/* SPDX-License-Identifier: MIT */
/* lib_float_level.h - the exact law of a floating-point rule at one node, and distances of laws.
 * What comes out are fractions: the rule's distance from plain sampling is computed, and not
 * claimed. */
#ifndef EAGLE_TESTS_LIB_FLOAT_LEVEL_H
#define EAGLE_TESTS_LIB_FLOAT_LEVEL_H

#include "prove/enumerate.h"
#include "prove/float_walk.h"

/* The exact law of one node: law[token], and law[vocab] the probability that nothing was left to
 * draw from, where a library raises an error. `law` is [vocab + 1], initialised; left [2, vocab]
 * scratch. What eg_enumeration_fault() says. */
eagle_status float_node_law(mpq_t *law, const eg_float_rule *rule, const eg_float_node *node,
                            double *left, eg_enumeration *all, eagle_error *err);

/* The total variation distance of two laws, and the probability that `law` gives to tokens that
 * `plain` gives none: 1/2 sum |law - plain|, and the sum of law where plain is 0. */
void law_distance(mpq_t tv, mpq_t outside, const mpq_t *law, const mpq_t *plain, int32_t n);

#endif
