/* SPDX-License-Identifier: MIT */
/* eval_report.h - what an evaluation found, as text or as a document. */
#ifndef EG_CLI_EVAL_REPORT_H
#define EG_CLI_EVAL_REPORT_H

#include "cli/contenders.h"
#include "cli/sink.h"

typedef struct {
    const eg_options *opt;
    const eg_engine *engine; /* its `how` is what the sessions were made with */
    const eg_contenders *contenders;
    const eagle_evaluation *e;
    int32_t n_asked; /* prompts, of which an interruption may have left some */
} eg_eval_report;

/* EAGLE_EWRITE, EAGLE_ENOMEM. */
eagle_status eg_eval_text(eg_sink *sink, const eg_eval_report *r, eagle_error *err);
eagle_status eg_eval_json(eg_sink *sink, const eg_eval_report *r, eagle_error *err);

/* Tokens per second of drafter d over all prompts, or plainly; 0 when nothing was measured. */
double eg_eval_rate(const eagle_evaluation *e, int32_t d, bool plain);

#endif
