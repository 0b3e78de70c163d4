/* SPDX-License-Identifier: MIT */
/* evaluate.h - how many tokens drafters bring per round, whether their output is that of plain
 * decoding, and how fast both are, over a set of prompts.
 *
 * Drafters are compared prompt by prompt, run in turn, so that a busy moment of the machine meets
 * them all. Intervals are of 95 %, by the bootstrap over prompts: the figure is computed for
 * `resamples` sets of as many prompts, drawn with replacement; of the sorted figures, one in forty
 * is left out at either end. The draws are Philox's, uniform as integers: an interval of counts is
 * a function of the counts and the seed alone. */
#ifndef EAGLE_EVALUATE_H
#define EAGLE_EVALUATE_H

#include "eagle/drafter.h"
#include "eagle/generate.h"
#include "eagle/session.h"
#include "eagle/status.h"

#ifdef __cplusplus
extern "C" {
#endif

/* What is run. All is borrowed. */
typedef struct {
    const eagle_model *model;
    const eagle_drafter *const *drafter; /* [n_drafters], n_drafters >= 1 */
    int32_t n_drafters;
    const eagle_prompt *prompt; /* [n_prompts], n_prompts >= 1   */
    int32_t n_prompts;
} eagle_evaluation_task;

typedef struct {
    int32_t max_tokens; /* per prompt                                                        */
    bool ignore_end;    /* go on after an end token                                          */
    bool plain;         /* also decode plainly: equality and speed                           */
    int32_t repeat;     /* of everything, for the timings; 1 for acceptance alone            */
    int32_t resamples;  /* of the bootstrap                                                  */
    /* max_nodes is set for each drafter. ctx 0: what the longest prompt, max_tokens and the largest
     * tree need, at most the model's. */
    eagle_session_options session;
} eagle_evaluation_options;

/* 128 tokens, plain too, once, 1000 resamples, a default session with ctx 0. */
EAGLE_API void eagle_evaluation_defaults(eagle_evaluation_options *out);

/* What one drafter gave on one prompt. */
typedef struct {
    int32_t n_output;
    int64_t rounds;   /* target passes after the prefill                                 */
    int64_t drafted;  /* nodes verified, roots aside                                     */
    int64_t accepted; /* of them; 1 + accepted / rounds is the acceptance length          */
    bool
        equal; /* ids and bits of the logits are those of plain decoding, where that is judged, and the
                       * same in every repeat */
    int32_t first_difference; /* output token, -1: none                                  */
    int32_t n_plain;          /* output tokens of plain decoding, 0 without              */
    double plain_s;           /* seconds of the rounds, prompt and first token aside: the
                               * median over the repeats                                 */
    double spec_s;
} eagle_evaluated_prompt;

typedef struct eagle_evaluation eagle_evaluation; /* opaque results */

/* Asked between rounds; `done` of `of` prompts are complete. False ends the evaluation with
 * these. */
typedef bool eagle_evaluation_progress(void *ctx, int32_t done, int32_t of);

/* Runs all prompts. `progress` may be NULL. EAGLE_EINVAL (an option), EAGLE_ENOMEM, and what
 * sessions fail with. A difference from plain decoding is a result and no failure. */
EAGLE_API eagle_status eagle_evaluate(eagle_evaluation **out, const eagle_evaluation_task *task,
                                      const eagle_evaluation_options *opt,
                                      eagle_evaluation_progress *progress, void *ctx,
                                      eagle_error *err);
EAGLE_API void eagle_evaluation_free(eagle_evaluation *e);

/* The memory of all sessions together, and the context they have, without running anything. */
EAGLE_API eagle_status eagle_evaluation_bill(eagle_memory_bill *out, int32_t *ctx,
                                             const eagle_evaluation_task *task,
                                             const eagle_evaluation_options *opt, eagle_error *err);

/* Complete prompts. */
EAGLE_API int32_t eagle_evaluation_count(const eagle_evaluation *e);

/* Prompt i as drafter d ran it, 0 <= i < count. */
EAGLE_API const eagle_evaluated_prompt *eagle_evaluation_at(const eagle_evaluation *e, int32_t d,
                                                            int32_t i);

/* Whether equality was judged: plain decoding ran too, and not in rejection mode, whose output is
 * another one by chance. */
EAGLE_API bool eagle_evaluation_judged(const eagle_evaluation *e);

/* Prompts on which drafter d gave another output than plain decoding. */
EAGLE_API int32_t eagle_evaluation_differences(const eagle_evaluation *e, int32_t d);

/* All rounds of drafter d. */
EAGLE_API const eagle_round_counts *eagle_evaluation_counts(const eagle_evaluation *e, int32_t d);

/* A figure over all prompts with its interval; zeros when there is no prompt. */
typedef struct {
    double mean;
    double low;
    double high;
} eagle_interval;

/* The acceptance length of drafter d over all rounds. EAGLE_ENOMEM, as the next two. */
EAGLE_API eagle_status eagle_evaluation_acceptance(eagle_interval *out, const eagle_evaluation *e,
                                                   int32_t d, eagle_error *err);

/* That of drafter a less that of drafter b, both over the same resampled prompts. */
EAGLE_API eagle_status eagle_evaluation_difference(eagle_interval *out, const eagle_evaluation *e,
                                                   int32_t a, int32_t b, eagle_error *err);

/* Plain time per token over that of drafter d, all prompts together; zeros without `plain`. */
EAGLE_API eagle_status eagle_evaluation_speedup(eagle_interval *out, const eagle_evaluation *e,
                                                int32_t d, eagle_error *err);

#ifdef __cplusplus
}
#endif
#endif
