/* SPDX-License-Identifier: MIT */
/* judge.h - the judgement of one run, and the judges that take part in it. */
#ifndef EG_CHECK_JUDGE_H
#define EG_CHECK_JUDGE_H

#include "check/acceptance.h"
#include "check/claim.h"
#include "check/findings.h"
#include "check/ours.h"
#include "prove/float_rules.h"

/* Differences of rows, over all runs: what the figures are made of. */
typedef struct {
    double *error;  /* [n] largest difference of each row    */
    double *bound;  /* [n] what rounding may make of it      */
    double *sum;    /* [vocab] signed differences of each token, a row's mean removed */
    double *square; /* [vocab] */
    int64_t n_sums; /* rows that are in them: those where nothing is minus infinity   */
    double share;   /* the largest error / bound of all rows, failed ones too; 0: none */
    double largest_logit;
    int64_t n;
    int64_t cap;
    double squares;     /* of our logits, their mean removed */
    double differences; /* squared                           */
    double cosine;      /* the least                         */
} eg_noise;

/* Differences of the states at one site of one layer. */
typedef struct {
    int64_t rows;
    int64_t values;
    int64_t not_finite;
    double largest;
    double sum;
    double differences; /* squared */
    double squares;
    double cosine; /* the least of a row */
    int64_t ulps[EAGLE_CHECK_ULPS];
} eg_drift_sum;

/* Over all runs. */
typedef struct {
    eg_drift_sum *sum; /* [EAGLE_SITE_COUNT, layers]; NULL until eg_drift_make() */
    int32_t layers;
} eg_drift;

typedef struct {
    const eagle_check_options *opt;
    const eagle_model *model;
    const eagle_config *config;
    eagle_check_report *report;
    eg_ours *ours;
    eg_noise *noise;
    eg_drift *drift;
    eg_acceptance *acceptance;
    const eg_claim *claim;
    int32_t run;
    int32_t repeated; /* so many of its first tokens are those of a run that counts instead */
    int64_t before;   /* tokens of the runs that were judged before, the control's included */
    int64_t tokens;   /* of all runs                                                        */
    /* settled at the beginning of a run */
    eagle_sampling sampling;
    bool rule_known;
    bool own_rule; /* else: */
    eg_float_rule rule;
    eagle_dtype dtype;
    bool joined;        /* the rounds' paths are the run's tokens: places are known */
    bool *walkable;     /* [n_rounds]                                                */
    uint64_t *law;      /* [vocab] scratch                                           */
    uint64_t *theirs;   /* [vocab] scratch                                           */
    float *row;         /* [vocab] scratch: a row of theirs                          */
    int32_t *order;     /* [vocab] scratch                                           */
    double flips;       /* coupled: expected number of tokens that rounding changes  */
    bool tokens_judged; /* each token by itself: at temperature 0, or by the seed    */
    struct {
        int32_t replayed;
        int32_t bare;   /* of them by recorded answers that nobody made     */
        int32_t open;   /* a coin that decides was not recorded             */
        int32_t tokens; /* emitted by the replayed ones                     */
    } rounds;
    double slack; /* what is allowed, as a share of the bound                  */
    bool settled; /* more than that fails: the caller or a control measured it */
    bool control; /* a control's run: counts, but tells of no divergence       */
} eg_judge;

/* ---- rows -------------------------------------------------------------------------------- */

/* How far their row is from ours, a common shift removed: error = (max d - min d) / 2 over the
 * tokens where theirs is finite. */
typedef struct {
    double error;
    int32_t worst;      /* token with the largest difference from the middle */
    int32_t their_best; /* the lowest id among equals                        */
    int32_t n_finite;
    bool bad;           /* a NaN, +infinity, or nothing finite               */
    double squares;     /* of our logits less their mean                     */
    double differences; /* squared, their mean removed                       */
    double cosine;
} eg_row_difference;
void eg_row_compare(eg_row_difference *out, const float *theirs, const float *ours, int32_t vocab);

/* Beyond the bound rounding is unlikely, and beyond this many times it is no explanation. */
#define EG_NO_ROUNDING 4.0

/* What the relative error of a row of the residual stream may be after so many layers. */
double eg_relative_bound(const eg_judge *j, int32_t layers);

/* And that of any site's row in the last of them: |theirs - ours| / |ours|. */
double eg_state_bound(const eg_judge *j, int32_t layers);

/* What rounding may make of a row of ours in arithmetic of `dtype`: see noise.c. */
double eg_row_bound(const eg_judge *j, const float *logits);

/* log(sum of exp), in double. */
double eg_log_sum(const float *logits, int32_t vocab);

void eg_noise_free(eg_noise *noise);
/* Adds a row; EAGLE_ENOMEM. */
eagle_status eg_noise_add(eg_noise *noise, const eg_row_difference *d, double bound,
                          eagle_error *err);
/* Adds a row's signed differences, token by token; EAGLE_ENOMEM. */
eagle_status eg_noise_add_signed(eg_noise *noise, const float *theirs, const float *ours,
                                 int32_t vocab, eagle_error *err);
/* Sets the figures, and says the sensitivity on the line "logits". Sorts the rows. */
void eg_noise_report(eagle_check_report *report, eg_noise *noise);
/* Inconclusive when the figures do not exclude a shift of one logit by `shift`; 0: none is asked
 * for. */
void eg_ask_shift(eagle_check_report *report, double shift);
/* Fails the line "logits" when the logit of one token is off in the mean of all rows. */
void eg_noise_judge_tokens(eagle_check_report *report, const eg_noise *noise, int32_t vocab);

/* A site of the target that each layer has one of. */
static inline bool eg_site_of_a_layer(eagle_site site)
{
    return site != EAGLE_SITE_EMBED && site != EAGLE_SITE_FEATURE && site != EAGLE_SITE_LOGITS;
}

/* Makes room where there is none; EAGLE_ENOMEM. */
eagle_status eg_drift_make(eg_drift *drift, int32_t layers, eagle_error *err);
void eg_drift_free(eg_drift *drift);
/* Adds a row of n values at a site; `layer` 0 where it is of none. */
void eg_drift_add(eg_drift *drift, eagle_site site, int32_t layer, eagle_dtype dtype,
                  const float *theirs, const float *ours, int32_t n);
/* Sets the report's figures of sites, each at its worst layer. */
void eg_drift_report(eagle_check_report *report, const eg_drift *drift);

/* False when the caller wants no more of it: asked for each token, and before each round that is
 * judged. `done`: tokens of this run. */
bool eg_goes_on_at(const eg_judge *j, int64_t done);
bool eg_goes_on(const eg_judge *j); /* with all of them judged */

/* ---- judges ------------------------------------------------------------------------------ */

/* Trees, paths, sources, draws: everything that is exact. */
eagle_status eg_judge_structure(eg_judge *j, eagle_error *err);

/* Every emitted token by our rows of the same context. */
eagle_status eg_judge_tokens(eg_judge *j, eagle_error *err);

/* Every recorded row of logits by ours. */
eagle_status eg_judge_logits(eg_judge *j, eagle_error *err);

/* The accept decisions again, by the run's own logits, trees and draws. */
eagle_status eg_judge_replay(eg_judge *j, eagle_error *err);

/* How many drafted tokens the rounds accept: sums for eg_acceptance_report(). */
eagle_status eg_judge_acceptance(eg_judge *j, eagle_error *err);

/* Every recorded operation from its own recorded input. */
eagle_status eg_judge_operations(eg_judge *j, eagle_error *err);

/* Settles the figures of operations, and says the sensitivity on the line "operations". */
void eg_operations_report(eagle_check_report *report);

/* How far the states of the layers are from ours; places the first divergence. */
eagle_status eg_judge_drift(eg_judge *j, eagle_error *err);

/* The digests of a trace that has them in place of values: are they ours? */
eagle_status eg_judge_digests(eg_judge *j, eagle_error *err);
/* Says on each line what digests could tell. */
void eg_digests_report(eagle_check_report *report);
/* All logits have our digest. */
bool eg_digests_same_logits(const eagle_check_report *report);

/* The scores of drafted nodes by our head, if there is one. */
eagle_status eg_judge_draft(eg_judge *j, eagle_error *err);

/* What the first divergence, which is in this run, looks like. */
eagle_status eg_explain(eg_judge *j, eagle_error *err);

/* The line "control": are the runs worse than those without a drafter? Where that one was asked
 * other things (`same` false), no difference is the drafter's for certain. */
void eg_judge_control(eagle_check_report *report, const eagle_check_report *control, bool same);

#endif
