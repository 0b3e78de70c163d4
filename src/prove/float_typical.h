/* SPDX-License-Identifier: MIT */
/* float_typical.h - typical acceptance (Medusa), which does not claim to keep the law. */
#ifndef EG_PROVE_FLOAT_TYPICAL_H
#define EG_PROVE_FLOAT_TYPICAL_H

#include "prove/float_rules.h"

/* As eg_float_rule_walk(), which calls it for the rule `typical`: no coin decides what is accepted.
 * A token of probability p is typical when p > min(epsilon, delta exp(-H)), H = - sum p log(p +
 * 1e-5) of its node. The longest path of typical tokens is accepted; of several the likeliest, by
 * the sum of log p; of equals the first. Then one token is drawn from what is at least that
 * threshold.
 *
 * Source: FasterDecoding/Medusa medusa/model/utils.py, evaluate_posterior and
 * get_typical_one_token. */
eagle_status eg_float_typical_walk(eagle_path *path, eg_float_choice *last,
                                   const eg_float_rule *rule, const eg_float_tree *in,
                                   const eg_coins *coins, eagle_error *err);

#endif
