/* SPDX-License-Identifier: MIT */
/* findings.h - what the judges found, as they go along. */
#ifndef EG_CHECK_FINDINGS_H
#define EG_CHECK_FINDINGS_H

#include "base/error.h"
#include "eagle/check.h"
#include "eagle/probe.h"

#define EG_MAX_LINES 24
#define EG_MAX_FITS  48

/* Tensors of which there are digests: [0] states, [1] logits. */
typedef struct {
    bool any;
    int64_t n[2];
    int64_t same[2];    /* equal to ours                  */
    uint32_t sites;     /* that rounds have, as bits      */
    char first[2][160]; /* where the first one is another */
} eg_digests;

/* Tokens, each that was recorded more than once counted once. */
typedef struct {
    int64_t judged;
    int64_t different;
    int64_t failed;
} eg_events;

struct eagle_check_report {
    eagle_check_line line[EG_MAX_LINES];
    int32_t n_lines;
    eagle_check_divergence first;
    eagle_check_fit fit[EG_MAX_FITS];
    int32_t n_fits;
    eagle_check_verdict verdict;
    eagle_check_figures figures;
    eagle_check_acceptance acceptance;
    eagle_check_drift drift[EAGLE_SITE_COUNT];
    int32_t n_drifts;
    eagle_check_operation operation[EAGLE_SITE_COUNT]; /* rows 0: not judged */
    eg_digests digests;
    eg_events events;
    double *gap; /* [n_gaps] of those other than ours, at temperature 0 */
    int64_t n_gaps;
    int64_t gap_cap;
};

/* The line called `name`, made when it is not there yet, with nothing judged. */
eagle_check_line *eg_line(eagle_check_report *report, const char *name);

/* Makes a line's verdict at least as bad as `verdict`. */
void eg_worsen(eagle_check_line *line, eagle_check_verdict verdict);

/* Sets a line's sentence. */
void eg_say(eagle_check_line *line, const char *fmt, ...) EG_PRINTF(2, 3);

/* A problem on a line: counts it, worsens to `verdict`, and keeps the first one's words as the
 * line's detail. */
void eg_problem(eagle_check_line *line, eagle_check_verdict verdict, const char *fmt, ...)
    EG_PRINTF(3, 4);

/* Keeps the first divergence: the one that comes first in (run, position, round, node), and among
 * equals the first that was told. */
void eg_diverges(eagle_check_report *report, const eagle_check_divergence *at);

/* Room for n more gaps; EAGLE_ENOMEM. */
eagle_status eg_gaps_reserve(eagle_check_report *report, int64_t n, eagle_error *err);

/* Adds an explanation that was tried; `whole` is INFINITY where it concerns one row. */
void eg_fit_add(eagle_check_report *report, const char *what, double distance, double whole);

/* Sorts the explanations, and says which fit. */
void eg_fit_settle(eagle_check_report *report, double allowed);

#endif
