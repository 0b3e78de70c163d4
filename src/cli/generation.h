/* SPDX-License-Identifier: MIT */
/* generation.h - one prompt's continuation with everything that shows it: text, marks, explained
 * rounds, progress, signals. */
#ifndef EG_CLI_GENERATION_H
#define EG_CLI_GENERATION_H

#include "cli/engine.h"
#include "cli/explain.h"
#include "cli/prompts.h"
#include "cli/text.h"

/* Where a generation's text goes while it grows. */
typedef struct {
    eg_text *text;
    eg_sink *sink;              /* NULL: the text is not shown as it grows */
    int32_t mark;               /* EG_MARK_                                */
    eg_explain *explain;        /* NULL: rounds are not explained          */
    eagle_certifier *certifier; /* NULL: no node is certified      */
    eg_progress *progress;
} eg_listener;

/* Feeds `prompt` and goes on for up to opt->max_tokens. The session starts afresh. A signal ends
 * it early, with what there is. Free with eagle_generation_free(), also after a failure. */
eagle_status eg_generation_run(eagle_generation *out, eg_engine *e, const eg_options *opt,
                               const eg_prompt *prompt, eg_listener *listener, eagle_error *err);

/* n / seconds, 0 when nothing was measured. */
double eg_rate(double n, double seconds);

#endif
