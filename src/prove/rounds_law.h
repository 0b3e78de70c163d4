/* SPDX-License-Identifier: MIT */
/* rounds_law.h - the law of one round after every context, and of rounds after rounds.
 *
 * R(s|h) is the probability that the round after context h emits the string s, p plain sampling's
 * law, V the product of p along a string. Three statements, each for every context of fewer than L
 * tokens:
 *
 *   node          of the runs whose string goes on beyond u, a share p(x|hu) goes on with x
 *   round         with R completed by plain draws, every string has probability V
 *   continuation  G_L(y) = V_L(y), where G_L concatenates rounds: the weight of a context is the sum of what
 *                 all rounds that end there brought, times their R
 *
 * The first two are enough at the strings of the round's own trie and one token beyond: further on
 * both sides are multiplied by the same p. */
#ifndef EG_PROVE_ROUNDS_LAW_H
#define EG_PROVE_ROUNDS_LAW_H

#include "prove/finding.h"

typedef struct {
    eg_finding *node;         /* NULL: not asked */
    eg_finding *round;        /* NULL: not asked */
    eg_finding *continuation; /* NULL: not asked */
    mpq_ptr tokens;           /* receives the mean length of a round after the first context */
} eg_rounds_claims;

/* Runs every round after every context of fewer than s->opt.length tokens. */
eagle_status eg_rounds_law(const eg_rounds_claims *claims, eg_subject *s, eagle_error *err);

#endif
