/* SPDX-License-Identifier: MIT */
/* acceptance.h - the law of how many drafted tokens a round accepts, and what many rounds say of
 * it. */
#ifndef EG_CHECK_ACCEPTANCE_H
#define EG_CHECK_ACCEPTANCE_H

#include "check/claim.h"
#include "check/findings.h"

#define EG_TILTS 52 /* half of them below 0 */

/* Over all rounds of all runs. */
typedef struct {
    int64_t rounds;
    int64_t accepted;
    double mean;                 /* what their laws give: sums over the rounds */
    double variance;             /* likewise                                   */
    double log_moment[EG_TILTS]; /* sums of log E exp(tilt X)                  */
    int64_t certain;             /* rounds at temperature 0. Of them:          */
    int64_t fewer;               /* accepted fewer than they had to            */
    int64_t more;
    int64_t left_out; /* rounds with a tree that could not be judged */
    const char *why;  /* the first of these, or NULL                 */
} eg_acceptance;

/* Probabilities with which the children of a node are accepted, when they are tried in order and
 * were drawn without replacement from a law q: min(1, p / q), then the residual max(0, p - q) and q
 * without the child.
 *
 *   chance  [n_child] receives them: of each child, that it is the accepted one
 *   p, q    [vocab] sum to 1; clobbered
 *   child   [n_child] different tokens
 *
 * False when q cannot have given a child. */
bool eg_acceptance_drawn(double *chance, double *p, double *q, int32_t vocab, const int32_t *child,
                         int32_t n_child);

/* Adds a round that has accepted so many nodes.
 *
 *   chance   [n_verify] node i is accepted with this probability once the walk stands at its parent
 *   scratch  [2, n_verify] */
void eg_acceptance_add(eg_acceptance *a, const eg_claim_round *round, const double *chance,
                       double *scratch, int32_t accepted);

/* A bound of the probability that any number of rounds, whenever they end, accept so many in all,
 * or a number that is as unlikely under the rounds' laws. */
double eg_acceptance_tail(const eg_acceptance *a, double accepted);

/* Says it on the line "acceptance". */
void eg_acceptance_report(eagle_check_report *report, const eg_acceptance *a);

#endif
