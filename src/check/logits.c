/* SPDX-License-Identifier: MIT */
/* logits.c - every recorded row of logits, of accepted, rejected and unused nodes, by ours. */
#include "check/judge.h"

#include <math.h>
#include <stdio.h>

/* Row i of round r differs by more than rounding. */
static void tell(eg_judge *j, int32_t r, int32_t i, const eg_row_difference *d, double bound,
                 const float *theirs, const float *ours)
{
    const eg_claim_round *round = &j->claim->round[r];
    eagle_check_line *line = eg_line(j->report, "logits");

    if (d->bad) {
        eg_problem(line, EAGLE_CHECK_FAIL, "%s: round %d, node %d: a NaN or an infinity",
                   j->claim->name, r + j->claim->first_round, i);
    } else if (!j->settled && d->error <= EG_NO_ROUNDING * bound) {
        line->n_failed++; /* counted, whatever it is called */
        eg_problem(
            line, EAGLE_CHECK_INCONCLUSIVE,
            "%s: round %d, node %d, position %d: a logit differs by %.4g; rounding is expected "
            "to make %.4g, a control run (--control) or --eps would settle it",
            j->claim->name, r + j->claim->first_round, i, round->pos[i], d->error, bound);
        return;
    } else {
        eg_problem(line, EAGLE_CHECK_FAIL,
                   "%s: round %d, node %d, position %d: a logit differs by %.4g, rounding allows "
                   "%.4g",
                   j->claim->name, r + j->claim->first_round, i, round->pos[i], d->error, bound);
    }
    if (!j->control) {
        eg_diverges(j->report, &(eagle_check_divergence){.run = j->run,
                                                         .round = r,
                                                         .node = i,
                                                         .pos = round->pos[i],
                                                         .layer = -1,
                                                         .token = -1,
                                                         .our_token = -1,
                                                         .error = d->error,
                                                         .allowed = bound,
                                                         .value = (double)theirs[d->worst],
                                                         .our_value = (double)ours[d->worst]});
    }
}

static eagle_status judge_round(eg_judge *j, int32_t r, eagle_error *err)
{
    const eg_claim_round *round = &j->claim->round[r];
    eagle_check_line *line = eg_line(j->report, "logits");
    eagle_status st = eg_ours_tree(j->ours, round, eg_claim_root(j->claim, r), &(eg_view){0}, err);

    for (int32_t i = 0; st == EAGLE_OK && i < round->n_nodes; i++) {
        const float *ours = eg_ours_logits(j->ours, i);
        const float *theirs = j->row;
        eg_row_difference d;

        if (ours == NULL) {
            continue; /* a node that nobody reaches may hold anything */
        }
        eg_tensor_row(j->row, round->logits, i);
        eg_row_compare(&d, theirs, ours, j->config->vocab);
        const double bound = j->slack * eg_row_bound(j, ours);
        const double share = d.bad ? INFINITY : d.error * j->slack / bound;

        line->n_judged++;
        line->n_different += d.bad || d.error > 0.0;
        j->noise->share = share > j->noise->share ? share : j->noise->share;
        if (d.bad || d.error > bound) {
            d.error = d.bad ? INFINITY : d.error;
            tell(j, r, i, &d, bound, theirs, ours);
        } else {
            st = eg_noise_add(j->noise, &d, bound, err);
        }
        if (st == EAGLE_OK && !d.bad && d.n_finite == j->config->vocab) {
            st = eg_noise_add_signed(j->noise, theirs, ours, j->config->vocab, err);
        }
    }
    return st;
}

eagle_status eg_judge_logits(eg_judge *j, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    for (int32_t r = 0; st == EAGLE_OK && r < j->claim->n_rounds; r++) {
        if (!eg_goes_on(j)) {
            return eg_fail(err, EAGLE_EINCONCLUSIVE, "interrupted");
        }
        if (j->claim->round[r].logits != NULL && j->walkable[r]) {
            eg_worsen(eg_line(j->report, "logits"), EAGLE_CHECK_PASS);
            st = judge_round(j, r, err);
        }
    }
    return st;
}
