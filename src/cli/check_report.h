/* SPDX-License-Identifier: MIT */
/* check_report.h - what a judgement found, as text or as the document "eagle.check/1". */
#ifndef EG_CLI_CHECK_REPORT_H
#define EG_CLI_CHECK_REPORT_H

#include "cli/engine.h"
#include "cli/sink.h"

typedef struct {
    const eg_options *opt;
    const eg_engine *engine;
    const char *path;
    const eagle_claims *claims;
    const eagle_check_report *report;
} eg_check_report;

/* EAGLE_EWRITE, EAGLE_ENOMEM. */
eagle_status eg_check_text(eg_sink *sink, const eg_check_report *r, eagle_error *err);
eagle_status eg_check_json(eg_sink *sink, const eg_check_report *r, eagle_error *err);

#endif
