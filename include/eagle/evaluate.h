/* SPDX-License-Identifier: MIT */
/* evaluate.h - how many tokens a drafter brings per round, whether the output is that of plain
 * decoding, and how fast both are, over a set of prompts. */
#ifndef EAGLE_EVALUATE_H
#define EAGLE_EVALUATE_H

#include "eagle/drafter.h"
#include "eagle/session.h"
#include "eagle/status.h"

#ifdef __cplusplus
extern "C" {
#endif

typedef struct {
    const int32_t *token; /* [n], n >= 1 */
    int32_t n;
} eagle_prompt;

typedef struct {
    int32_t max_tokens; /* per prompt                                                        */
    bool ignore_end;    /* go on after an end token                                          */
    bool plain;         /* also decode plainly, interleaved: equality and speed              */
    int32_t repeat;     /* of the timings; 1 for acceptance alone                            */
    int32_t resamples;  /* of the bootstrap over prompts; 1000                               */
    double confidence;  /* of the interval; 0.95                                             */
    eagle_session_options session;
} eagle_evaluation_options;

/* What one prompt gave. */
typedef struct {
    int32_t n_output;
    int64_t rounds;           /* target passes after the prefill                                 */
    int64_t drafted;          /* nodes verified, roots aside                                     */
    int64_t accepted;         /* of them; 1 + accepted / rounds is the acceptance length          */
    bool equal;               /* ids and digest of logits are those of plain decoding (greedy and
                       * coupled); true without `plain`                                  */
    int32_t first_difference; /* output token, -1: none                                  */
    double plain_s;           /* median time of the rounds, prompt aside                         */
    double spec_s;
} eagle_evaluated_prompt;

typedef struct eagle_evaluation eagle_evaluation; /* opaque results */

/* Called after each prompt; false ends the evaluation with what there is. */
typedef bool eagle_evaluation_progress(void *ctx, int32_t done, int32_t of);

/* Runs all prompts. Rejection mode has another output by chance, so equality is not judged there. */
EAGLE_API eagle_status eagle_evaluate(eagle_evaluation **out, const eagle_model *model,
                                      const eagle_drafter *drafter, const eagle_prompt *prompts,
                                      int32_t n_prompts, const eagle_evaluation_options *opt,
                                      eagle_evaluation_progress *progress, void *ctx,
                                      eagle_error *err);
EAGLE_API void eagle_evaluation_free(eagle_evaluation *evaluation);

EAGLE_API int32_t eagle_evaluation_count(const eagle_evaluation *e);
EAGLE_API const eagle_evaluated_prompt *eagle_evaluation_at(const eagle_evaluation *e, int32_t i);

/* Acceptance length over all rounds, with its bootstrap interval over prompts: a function of the
 * counts and the seed. */
typedef struct {
    double mean;
    double low;
    double high;
} eagle_interval;
EAGLE_API eagle_interval eagle_evaluation_acceptance(const eagle_evaluation *e);

/* Plain time over speculative time, likewise; all 0 without `plain`. */
EAGLE_API eagle_interval eagle_evaluation_speedup(const eagle_evaluation *e);

/* Rounds that reached depth d = 1, 2, ... with a walked node that had children, and of them those
 * in which a child at depth d was accepted. False past the deepest. */
EAGLE_API bool eagle_evaluation_depth(const eagle_evaluation *e, int32_t depth, int64_t *reached,
                                      int64_t *accepted);

#ifdef __cplusplus
}
#endif
#endif
