/* SPDX-License-Identifier: MIT */
/* trace_view.h - rounds of a trace for people. */
#ifndef EG_CLI_TRACE_VIEW_H
#define EG_CLI_TRACE_VIEW_H

#include "cli/options.h"
#include "cli/round_view.h"

/* A trace that was opened, and what it takes to show it. */
typedef struct {
    eagle_trace *trace;
    eagle_tokenizer *tokenizer; /* of -m; NULL: none */
    float *logits;              /* of the round that is shown, widened */
} eg_trace_viewer;

/* Opens the trace that is the command's only argument, and the tokenizer of -m. Call
 * eg_trace_viewer_close() also after a failure. */
eagle_status eg_trace_viewer_open(eg_trace_viewer *out, const eg_options *opt, eagle_error *err);
void eg_trace_viewer_close(eg_trace_viewer *viewer);

/* Round r as a view, good until the next call. EAGLE_EINVAL when the trace does not have its tree;
 * EAGLE_ENOMEM. */
eagle_status eg_trace_viewer_round(eg_round_view *out, eg_trace_viewer *viewer, int32_t r,
                                   eagle_error *err);

/* A text of somebody else's file as one that may be printed. Returns `out`. */
#define EG_FOREIGN_TEXT 80
const char *eg_foreign_text(char out[EG_FOREIGN_TEXT], const char *text);

#endif
