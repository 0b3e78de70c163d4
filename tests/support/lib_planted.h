/* SPDX-License-Identifier: MIT */
/* lib_planted.h - another implementation, with a fault of one's choice.
 *
 * A small speculative decoder of its own on our forward pass: it lays out its rows, slots and
 * positions itself, so that a fault is a wrong computation and not a number that was changed
 * afterwards. It writes its runs down as claims. Its drafts are guesses that know the right tokens,
 * beside wrong ones that come first. */
#ifndef EAGLE_TESTS_LIB_PLANTED_H
#define EAGLE_TESTS_LIB_PLANTED_H

#include "check/claims.h"
#include "support/lib_toy.h"

typedef enum {
    PLANTED_NOTHING,
    PLANTED_POSITION,  /* drafted nodes one position too far                              */
    PLANTED_STALE,     /* the first accepted row of a commit stays that of its elder sibling */
    PLANTED_LEFT,      /* a refused row stays in the cache behind the accepted ones, once */
    PLANTED_UNMOVED,   /* rows of the accepted path are not moved to their places         */
    PLANTED_SIBLING,   /* a node sees the sibling before it                               */
    PLANTED_TRIANGLE,  /* a node sees all nodes before it                                 */
    PLANTED_NO_ROOT,   /* nodes do not see the root                                       */
    PLANTED_ROW,       /* drafted nodes are given the row of the node before              */
    PLANTED_BONUS,     /* the last token of a round comes from its parent's row           */
    PLANTED_TIE,       /* the second best token ends the round: for toys with tied logits */
    PLANTED_DUPLICATE, /* a node has one child twice                                      */
    PLANTED_COIN,      /* above temperature 0: the accept coin also draws the residual    */
    PLANTED_HOT,       /* above temperature 0: the temperature is not applied             */
    PLANTED_OPERATION  /* act of layer 1 is an eighth too large                           */
} planted_fault;

typedef struct {
    planted_fault fault;
    int32_t from_round; /* rounds before are right                    */
    int32_t rounds;     /* in all, the prefill's included             */
    float temperature;  /* 0: greedy; else the rule "plain" in floats */
    eagle_dtype dtype;  /* activations are rounded to it              */
    bool sites;         /* record every operation                     */
    bool few_sites;     /* record those of a trace of level 3         */
    bool plain;         /* draft nothing                              */
    bool no_logits;     /* record no logits                           */
} planted_options;

/* Runs it on a toy, and adds the run to `claims`. Ends the program when anything fails. */
void planted_run(eagle_claims *claims, const toy *t, const planted_options *options);

/* Claims to add to; free with eagle_claims_free(). */
eagle_claims *planted_claims(void);

#endif
