/* SPDX-License-Identifier: MIT */
/* samples_report.h - a verdict on samples, as text or as a document. */
#ifndef EG_CLI_SAMPLES_REPORT_H
#define EG_CLI_SAMPLES_REPORT_H

#include "cli/options.h"
#include "cli/sink.h"

typedef struct {
    const eg_options *opt;
    const char *path;
    const eagle_responses *responses;
    const eagle_responses *control; /* NULL: none */
    const eagle_samples_verdict *verdict;
    bool interrupted;
} eg_samples_report;

/* EAGLE_EWRITE, EAGLE_ENOMEM. */
eagle_status eg_samples_text(eg_sink *sink, const eg_samples_report *r, eagle_error *err);
eagle_status eg_samples_json(eg_sink *sink, const eg_samples_report *r, eagle_error *err);

/* "PASS", "FAIL", "INCONCLUSIVE", "NEAR-TIE". */
const char *eg_verdict_name(eagle_status status);

#endif
