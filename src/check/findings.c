/* SPDX-License-Identifier: MIT */
/* findings.c - the report as it grows: lines, the first divergence, explanations. */
#include "check/findings.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

const char *eagle_check_verdict_name(eagle_check_verdict verdict)
{
    static const char *const name[] = {
        [EAGLE_CHECK_ABSENT] = "absent",
        [EAGLE_CHECK_PASS] = "pass",
        [EAGLE_CHECK_DRAFT_DIFF] = "draft-diff",
        [EAGLE_CHECK_NEAR_TIE] = "near-tie",
        [EAGLE_CHECK_INCONCLUSIVE] = "inconclusive",
        [EAGLE_CHECK_LOSSY] = "lossy",
        [EAGLE_CHECK_FAIL] = "FAIL",
    };

    return (int)verdict >= 0 && verdict <= EAGLE_CHECK_FAIL ? name[verdict] : "?";
}

eagle_check_line *eg_line(eagle_check_report *report, const char *name)
{
    for (int32_t i = 0; i < report->n_lines; i++) {
        if (strcmp(report->line[i].name, name) == 0) {
            return &report->line[i];
        }
    }
    /* Names are constants of this folder; there are fewer of them than places. */
    eagle_check_line *line = &report->line[report->n_lines++];

    *line = (eagle_check_line){.name = name};
    return line;
}

void eg_worsen(eagle_check_line *line, eagle_check_verdict verdict)
{
    if (verdict > line->verdict) {
        line->verdict = verdict;
    }
}

void eg_say(eagle_check_line *line, const char *fmt, ...)
{
    va_list args;

    va_start(args, fmt);
    vsnprintf(line->text, sizeof line->text, fmt, args);
    va_end(args);
}

void eg_problem(eagle_check_line *line, eagle_check_verdict verdict, const char *fmt, ...)
{
    va_list args;

    line->n_failed += verdict == EAGLE_CHECK_FAIL;
    if (line->detail[0] == '\0' || (verdict > line->verdict && verdict == EAGLE_CHECK_FAIL)) {
        va_start(args, fmt);
        vsnprintf(line->detail, sizeof line->detail, fmt, args);
        va_end(args);
    }
    eg_worsen(line, verdict);
}

/* Whether a comes before b. Rounds count where both know theirs; else positions. */
static bool before(const eagle_check_divergence *a, const eagle_check_divergence *b)
{
    if (a->run != b->run) {
        return a->run < b->run;
    }
    if (a->round >= 0 && b->round >= 0) {
        return a->round != b->round ? a->round < b->round : a->node < b->node;
    }
    return a->pos < b->pos;
}

void eg_diverges(eagle_check_report *report, const eagle_check_divergence *at)
{
    eagle_check_divergence *first = &report->first;

    if (!first->found || before(at, first)) {
        *first = *at;
        first->found = true;
    } else if (at->site[0] != '\0' && first->site[0] == '\0' && !before(first, at)) {
        const eagle_check_divergence row = *first; /* the same row: now it is known where in it */

        *first = *at;
        first->found = true;
        first->token = row.token;
        first->our_token = row.our_token;
        first->gap = row.gap;
    }
}

eagle_status eg_gaps_reserve(eagle_check_report *report, int64_t n, eagle_error *err)
{
    const int64_t need = report->n_gaps + n;

    if (need <= report->gap_cap) {
        return EAGLE_OK;
    }
    const int64_t cap = need > 2 * report->gap_cap ? need : 2 * report->gap_cap;
    double *grown = realloc(report->gap, (size_t)cap * sizeof *grown);

    if (grown == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for the gaps of %lld tokens", (long long)cap);
    }
    report->gap = grown;
    report->gap_cap = cap;
    return EAGLE_OK;
}

void eg_fit_add(eagle_check_report *report, const char *what, double distance, double whole)
{
    if (report->n_fits < EG_MAX_FITS && isfinite(distance)) {
        eagle_check_fit *fit = &report->fit[report->n_fits++];

        snprintf(fit->what, sizeof fit->what, "%s", what);
        fit->distance = distance;
        fit->whole = whole;
        fit->fits = false;
    }
}

static int compare(double a, double b)
{
    return (a > b) - (a < b);
}

/* Those that fit first, by the rows that they explain beside; the others by distance. */
static int by_merit(const void *a, const void *b)
{
    const eagle_check_fit *x = a;
    const eagle_check_fit *y = b;

    if (x->fits != y->fits) {
        return x->fits ? -1 : 1;
    }
    if (x->fits && compare(x->whole, y->whole) != 0) {
        return compare(x->whole, y->whole);
    }
    return compare(x->distance, y->distance);
}

void eg_fit_settle(eagle_check_report *report, double allowed)
{
    bool whole = false;

    for (int32_t i = 0; i < report->n_fits; i++) {
        report->fit[i].fits = report->fit[i].distance <= allowed;
        whole = whole || (report->fit[i].fits && report->fit[i].whole <= allowed);
    }
    qsort(report->fit, (size_t)report->n_fits, sizeof report->fit[0], by_merit);
    for (int32_t i = 0; whole && i < report->n_fits; i++) {
        report->fit[i].fits = report->fit[i].fits && report->fit[i].whole <= allowed;
    }
}

/* ---- what users read --------------------------------------------------------------------- */

void eagle_check_report_free(eagle_check_report *report)
{
    if (report != NULL) {
        free(report->gap);
    }
    free(report);
}

eagle_check_verdict eagle_check_verdict_of(const eagle_check_report *report)
{
    return report->verdict;
}

eagle_status eagle_check_status(const eagle_check_report *report)
{
    switch (report->verdict) {
    case EAGLE_CHECK_FAIL: return EAGLE_EFAILED;
    case EAGLE_CHECK_LOSSY: return EAGLE_ELOSSY;
    case EAGLE_CHECK_ABSENT:
    case EAGLE_CHECK_INCONCLUSIVE: return EAGLE_EINCONCLUSIVE;
    case EAGLE_CHECK_NEAR_TIE: return EAGLE_ENEARTIE;
    default: return EAGLE_OK;
    }
}

const eagle_check_line *eagle_check_line_at(const eagle_check_report *report, int32_t i)
{
    return i >= 0 && i < report->n_lines ? &report->line[i] : NULL;
}

const eagle_check_divergence *eagle_check_first(const eagle_check_report *report)
{
    return &report->first;
}

const eagle_check_fit *eagle_check_fit_at(const eagle_check_report *report, int32_t i)
{
    return i >= 0 && i < report->n_fits ? &report->fit[i] : NULL;
}

const eagle_check_figures *eagle_check_figures_of(const eagle_check_report *report)
{
    return &report->figures;
}

const eagle_check_acceptance *eagle_check_acceptance_of(const eagle_check_report *report)
{
    return &report->acceptance;
}

const eagle_check_drift *eagle_check_drift_at(const eagle_check_report *report, int32_t i)
{
    return i >= 0 && i < report->n_drifts ? &report->drift[i] : NULL;
}

const eagle_check_operation *eagle_check_operation_at(const eagle_check_report *report, int32_t i)
{
    for (int32_t site = 0; i >= 0 && site < EAGLE_SITE_COUNT; site++) {
        i -= report->operation[site].rows > 0;
        if (i < 0) {
            return &report->operation[site];
        }
    }
    return NULL;
}
