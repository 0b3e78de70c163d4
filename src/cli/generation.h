/* SPDX-License-Identifier: MIT */
/* generation.h - one prompt's continuation: the loop over rounds, where it ends, what is counted. */
#ifndef EG_CLI_GENERATION_H
#define EG_CLI_GENERATION_H

#include "cli/engine.h"
#include "cli/explain.h"
#include "cli/prompts.h"
#include "cli/text.h"

typedef enum { EG_FINISH_LENGTH, EG_FINISH_STOP, EG_FINISH_INTERRUPTED } eg_finish;

const char *eg_finish_name(eg_finish finish);

typedef struct {
    int32_t *id; /* [n] output tokens, with the end token that stopped it */
    int32_t n;
    int32_t cap;
    eg_finish finish;
    char digest[65]; /* SHA-256 over the logits row behind each output token */

    /* Rounds after the prefill, counted before the output is cut. */
    int64_t steps;      /* target passes                              */
    int64_t drafted;    /* nodes that were verified, roots aside      */
    int64_t accepted;   /* of them                                    */
    int64_t *histogram; /* [n_histogram] rounds that accepted i nodes */
    int32_t n_histogram;

    int32_t n_prompt;
    int32_t n_decoded; /* tokens that rounds after the prefill gave   */
    double prompt_s;
    double decode_s;
} eg_generation;

/* Where a generation's text goes while it grows. */
typedef struct {
    eg_text *text;
    eg_sink *sink;       /* NULL: the text is not shown as it grows */
    int32_t mark;        /* EG_MARK_                                */
    eg_explain *explain; /* NULL: rounds are not explained          */
    eg_progress *progress;
} eg_listener;

/* Feeds `prompt` and goes on for up to opt->max_tokens. The session starts afresh. A signal ends
 * it early, with what there is. Free with eg_generation_free(), also after a failure. */
eagle_status eg_generation_run(eg_generation *out, eg_engine *e, const eg_options *opt,
                               const eg_prompt *prompt, eg_listener *listener, eagle_error *err);
void eg_generation_free(eg_generation *g);

/* Adds the counts and times of `g` to `total`. EAGLE_ENOMEM. */
eagle_status eg_generation_add(eg_generation *total, const eg_generation *g, eagle_error *err);

/* 1 + accepted / rounds: the papers' tau. 1 when there were no rounds. */
double eg_generation_tau(const eg_generation *g);

/* n / seconds, 0 when nothing was measured. */
double eg_rate(double n, double seconds);

#endif
