/* SPDX-License-Identifier: MIT */
/* decisions.h - a round's accept decisions once more: what its two replays share. */
#ifndef EG_CHECK_DECISIONS_H
#define EG_CHECK_DECISIONS_H

#include "check/judge.h"

/* What is replayed, and how; a variant is a hypothesis. */
typedef struct {
    eg_judge *j;
    eagle_sampling sampling;
    bool parents_row; /* each node is judged by its parent's logits */
    eagle_path *path;
    float *logits; /* [cap, vocab] */
    double *p;     /* [cap, vocab], float rules alone; q and bonus likewise */
    double *q;
    double *bonus;
    double *left;        /* [2, vocab] what a node's last draw is made from    */
    eagle_draw_key *key; /* [n_draws] of the recorded coins                    */
    double *coin;        /* [n_draws] the coins, moved where that is a near-tie */
    bool *moved;         /* [n_draws]                                          */
    int32_t cap;
    /* of the round at work */
    const eg_claim_round *round;
    char missing[120]; /* a draw that was asked for and is not there, or has other weights */
    eagle_philox philox;
    eagle_draws seeded;
} eg_replay;

/* What came of a round. */
typedef struct {
    int32_t step; /* where the replayed path leaves the recorded one, or -1            */
    bool near;    /* it does not, or is excused, by a decision within rounding         */
    bool sound;   /* it is a round at all                                              */
    bool open;    /* a coin was not recorded: what hangs on it could not be judged     */
} eg_replayed;

/* Where the replayed path leaves the recorded one, or -1: a token of -1 is one that could not be
 * decided. */
int32_t eg_replay_other(const eagle_path *path, const eg_claim_round *round);

/* A round under j->rule, in floating point. EAGLE_ENOMEM. */
eagle_status eg_replay_float(eg_replayed *out, eg_replay *p, const eagle_tree *tree,
                             eagle_error *err);

#endif
