/* SPDX-License-Identifier: MIT */
/* check.h - judging another implementation's runs.
 *
 * The other implementation's tokens are given to our target as they are, so that every token is
 * judged and not only those before the first difference. What can be compared exactly (structure,
 * draws) is; what is rounding is measured and told apart from what is wrong. The page is
 * docs/oracle.md, the format docs/trace-format.md. What `eagle check --format json` makes of a
 * report is the document "eagle.check/1" of docs/formats.md; it has the fields of this header.
 *
 *     eagle_claims_open(&claims, "run.trace", err)
 *     eagle_check_defaults(&opt)
 *     eagle_claims_sampling(&opt.sampling, claims)     if it says
 *     eagle_check(&report, model, claims, NULL, &opt, err)
 *     ... eagle_check_verdict_of(report), eagle_check_line_at(report, i) ...
 *     eagle_check_report_free(report)
 *     eagle_claims_free(claims)
 *
 * Claims and reports are immutable once made: any number of threads may read them. What their calls
 * return belongs to them and lives as long as they do; the caller frees only what has a _free()
 * here. eagle_check() may run in several threads at once, over the same model and claims; each call
 * has threads of its own. */
#ifndef EAGLE_CHECK_H
#define EAGLE_CHECK_H

#include "eagle/model.h"
#include "eagle/runtime.h"
#include "eagle/session.h"
#include "eagle/status.h"
#include "eagle/verify.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the runs -------------------------------------------------------------------------- */

/* Runs of another implementation, as read from a file. */
typedef struct eagle_claims eagle_claims; /* opaque */

/* Reads runs: a trace (a safetensors file), or a file of JSON lines, each with prompt_ids and
 * output_ids (docs/trace-format.md), or saved OpenAI-style responses. EAGLE_EREAD, EAGLE_EFORMAT,
 * EAGLE_EUNSUPPORTED (a newer schema), EAGLE_ENOMEM. Of digests it is judged whether they are ours:
 * what has other bits, and what needs values, is not decided. Free with eagle_claims_free(), which
 * accepts NULL. */
EAGLE_API eagle_status eagle_claims_open(eagle_claims **out, const char *path, eagle_error *err);
EAGLE_API void eagle_claims_free(eagle_claims *claims);
EAGLE_API int32_t eagle_claims_count(const eagle_claims *claims);
EAGLE_API const char *eagle_claims_producer(const eagle_claims *claims); /* "" if unknown */
/* Level, from 0 (tokens) to 4 (every operation and draw), of the run that has least. */
EAGLE_API int32_t eagle_claims_level(const eagle_claims *claims);
/* The first run's sampling; false, and *out is as it was, when the file does not say. */
EAGLE_API bool eagle_claims_sampling(eagle_sampling *out, const eagle_claims *claims);

/* ---- the judgement --------------------------------------------------------------------- */

typedef enum {
    EAGLE_CHECK_ABSENT, /* the runs do not have what this needs                           */
    EAGLE_CHECK_PASS,
    EAGLE_CHECK_DRAFT_DIFF,   /* another draft than ours: slower or faster, not wrong            */
    EAGLE_CHECK_NEAR_TIE,     /* other tokens than ours, each within the rounding error          */
    EAGLE_CHECK_INCONCLUSIVE, /* what there is does not suffice for a verdict                    */
    EAGLE_CHECK_LOSSY,        /* the run says itself that it changes the law                     */
    EAGLE_CHECK_FAIL
} eagle_check_verdict;

/* "pass", "near-tie", ... */
EAGLE_API const char *eagle_check_verdict_name(eagle_check_verdict verdict);

/* One check. */
typedef struct {
    const char *name; /* "structure", "tokens", ... */
    eagle_check_verdict verdict;
    int64_t n_judged;
    int64_t n_different; /* not as ours, near-ties included */
    int64_t n_failed;
    char text[320];   /* the figures             */
    char detail[400]; /* the first problem, or "" */
} eagle_check_line;

/* Where the runs leave ours. Fields that do not apply are -1. */
typedef struct {
    bool found;
    int32_t run;    /* from 0                                              */
    int32_t round;  /* from 0, the prefill's                               */
    int32_t node;   /* of the round's tree                                 */
    int32_t pos;    /* absolute position of the row that differs           */
    int32_t layer;  /* of the first operation that is wrong                */
    char site[24];  /* its site, or "" when there are no layers to look at */
    char path[160]; /* token ids from the root to the node                 */
    int32_t token;  /* theirs, that this row decided; -1 if none           */
    int32_t our_token;
    double gap;     /* our largest logit less our logit of their token     */
    double error;   /* largest difference there                            */
    double allowed; /* what rounding may make of it                        */
    double ulps;    /* the difference in ulps of the producer's type, or 0 */
    double value;   /* theirs and ours, where the difference is largest    */
    double our_value;
} eagle_check_divergence;

/* A hypothesis about the first divergence: what a row of ours would be if that were so, and how far
 * the other implementation's row is from it; the nearest first. */
typedef struct {
    char what[96];
    double distance; /* largest difference of a logit, the shift removed; of decisions, the share of
                      * the rounds that stay unexplained                                       */
    double whole;    /* the largest of all rows of the round; infinite where it was not asked  */
    bool fits;       /* within rounding, and no other that fits explains more rows             */
} eagle_check_fit;

/* What was measured of the logits. */
typedef struct {
    int64_t rows;
    double noise_median; /* of the rows' largest differences          */
    double noise_largest;
    double nmse; /* sum of squared differences / sum of squares       */
    double cosine_least;
    double bound_median; /* what rounding may make of a row           */
    double least_shift;  /* smallest shift of one logit that is found */
    double least_share;  /* of rows, found with 99 % power            */
} eagle_check_figures;

/* How many drafted tokens the rounds accepted, and how many they do by the exact law of that
 * number, given their trees and the tokens before them.
 *
 * p bounds the probability of a sum as far from its mean, whatever the number of rounds; below
 * 10^-6 it is draft-diff where less was accepted, which costs time alone, and a failure where more
 * was. */
typedef struct {
    int64_t rounds;   /* 0: none was judged                                         */
    int64_t left_out; /* rounds with trees that could not be: the line says why     */
    double accepted;  /* in the mean of a round                                     */
    double expected;  /* likewise                                                   */
    double deviation; /* standard deviation of `accepted`; 0: nothing is left to chance */
    double z;
    double p;
    /* Smallest shares of `expected` that are found with 99 % power when they are missing, or added;
     * infinite: none. */
    double least_loss;
    double least_gain;
} eagle_check_acceptance;

/* How far the recorded states of a site have come from ours, over all rows of rounds of all runs,
 * at the layer where NMSE is largest.
 *
 * ulps[i] counts values by their difference in ulps of the producer's type at our value, to the
 * nearest: 0, 1, 2, 3-4, 5-8, and so on to 513-1024, and more. One that is no number is in the
 * last, and in no other figure. */
#define EAGLE_CHECK_ULPS 13
typedef struct {
    const char *site; /* "k_rope"                                    */
    int32_t layer;    /* -1: the site is of no layer                 */
    int64_t rows;
    int64_t values;
    int64_t not_finite;
    double largest; /* absolute differences                        */
    double mean;
    double nmse;         /* sum of squared differences / sum of squares */
    double cosine_least; /* of a row                                    */
    int64_t ulps[EAGLE_CHECK_ULPS];
} eagle_check_drift;

/* What was judged of an operation, which has the name of its site, in all layers, rows and runs.
 *
 * A value that was shifted by more than its budget and its local error together is found: what is
 * left of the shift when the error has worked against it is above the budget. least_shift is the
 * largest such sum of all values within their budgets: any value shifted by more fails. Below it
 * nothing can be said. */
typedef struct {
    const char *site;
    int64_t rows;
    int64_t values;
    double rms;           /* of our values                                     */
    double error_largest; /* of local errors within their budgets              */
    double budget_share;  /* the largest local error, failed ones too, as a share of its budget */
    double least_shift;
    double least_share; /* of the rows, found with 99 % power                */
} eagle_check_operation;

typedef struct eagle_check_report eagle_check_report; /* opaque */

typedef struct {
    eagle_sampling sampling; /* of runs that do not say                                     */
    bool sampling_given;     /* it overrides what runs say                                  */
    const char *rule;        /* how the runs accept, by name; NULL: as they say             */
    /* A shift of one logit that passing is to exclude: INCONCLUSIVE where the recorded logits
     * cannot show it (figures: least_shift), or where there are none. 0: whatever they show. */
    double shift;
    double eps;               /* allowed difference of a logit; 0: by the producer's type    */
    eagle_dtype dtype;        /* of producers that do not say                                */
    bool dtype_given;         /* it overrides what runs say                                  */
    int32_t threads;          /* 0: the CPUs this process may use                            */
    int32_t chunk;            /* rows of one pass; no bit depends on it                      */
    eagle_check_verdict near; /* what a near-tie counts as: PASS, NEAR_TIE or FAIL           */
    const eagle_head *head;   /* drafts are judged by it; NULL: they are not. Borrowed        */
    bool strict_draft;        /* draft-diff counts as a failure                              */
    eagle_isa isa;
    /* Told of progress, in tokens of all runs and of the control's, and asked before each round, by
     * the thread that called eagle_check(); false ends the judgement: EAGLE_EINCONCLUSIVE, and no
     * report. NULL: nobody. */
    bool (*go_on)(void *ctx, int64_t done, int64_t of);
    void *ctx;
} eagle_check_options;

/* Greedy, no rule, eps by type, f32, one thread per CPU, chunks of 64, near-ties as such. */
EAGLE_API void eagle_check_defaults(eagle_check_options *opt);

/* The memory that the judgement takes, without judging. Fails as eagle_check() does. */
EAGLE_API eagle_status eagle_check_bill(eagle_memory_bill *out, const eagle_model *model,
                                        const eagle_claims *claims, const eagle_claims *control,
                                        const eagle_check_options *opt, eagle_error *err);

/* Judges all runs. `control` (NULL: none) holds runs of the same implementation without a drafter.
 *
 * A PASS says that all tokens of all runs were judged, at temperature 0 by their logits, above it
 * by coins or a seed; what was not is EAGLE_CHECK_INCONCLUSIVE. Model, head, claims and options are
 * borrowed for the call: the report keeps none of them. Its texts and details end where their room
 * ends.
 *
 * EAGLE_OK whatever the verdict. EAGLE_EFIT when the runs cannot be of this target (vocabulary,
 * token ids, sizes), EAGLE_EINVAL for an unknown rule or option, or a rule that is given for a
 * greedy run, EAGLE_EFORMAT for a rule in the file, EAGLE_ELIMIT for a run that is longer than
 * positions go, EAGLE_ENUMERIC when our own rows are not finite, EAGLE_ENOMEM. Free the report with
 * eagle_check_report_free(), which accepts NULL. */
EAGLE_API eagle_status eagle_check(eagle_check_report **out, const eagle_model *model,
                                   const eagle_claims *claims, const eagle_claims *control,
                                   const eagle_check_options *opt, eagle_error *err);
EAGLE_API void eagle_check_report_free(eagle_check_report *report);

EAGLE_API eagle_check_verdict eagle_check_verdict_of(const eagle_check_report *report);
/* EAGLE_OK, EAGLE_EFAILED, EAGLE_ENEARTIE, EAGLE_EINCONCLUSIVE or EAGLE_ELOSSY. */
EAGLE_API eagle_status eagle_check_status(const eagle_check_report *report);
/* Line i, NULL past the last. */
EAGLE_API const eagle_check_line *eagle_check_line_at(const eagle_check_report *report, int32_t i);
/* Never NULL; `found` says whether there is one. */
EAGLE_API const eagle_check_divergence *eagle_check_first(const eagle_check_report *report);
/* Explanation i, the nearest first; NULL past the last. */
EAGLE_API const eagle_check_fit *eagle_check_fit_at(const eagle_check_report *report, int32_t i);
/* rows is 0 where no row of logits was judged, or none within rounding. */
EAGLE_API const eagle_check_figures *eagle_check_figures_of(const eagle_check_report *report);
/* rounds is 0 where nothing was drafted, or no round could be judged. */
EAGLE_API const eagle_check_acceptance *eagle_check_acceptance_of(const eagle_check_report *report);
/* Operation i of those that were judged, site i of those that were recorded, in the order of the
 * pass; NULL past the last. */
EAGLE_API const eagle_check_operation *eagle_check_operation_at(const eagle_check_report *report,
                                                                int32_t i);
EAGLE_API const eagle_check_drift *eagle_check_drift_at(const eagle_check_report *report,
                                                        int32_t i);

#ifdef __cplusplus
}
#endif
#endif
