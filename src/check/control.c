/* SPDX-License-Identifier: MIT */
/* control.c - noise or bug: the same implementation without a drafter as the measure. */
#include "check/judge.h"
#include "check/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define SIGNIFICANT 1e-6

static const char *conclusion(const eg_events *a, const eg_events *b, bool worse, bool same,
                              eagle_check_verdict verdict)
{
    if (worse && !same) {
        return "worse than with other prompts: the control needs the same ones";
    }
    if (verdict == EAGLE_CHECK_FAIL) {
        return "the drafter makes it worse";
    }
    if (a->different == 0) {
        return "nothing to explain";
    }
    if (verdict == EAGLE_CHECK_INCONCLUSIVE) {
        return "the control is too short to tell";
    }
    return b->failed > 0 ? "the target itself differs, with or without a drafter"
                         : "batch-shape noise of the target";
}

/* The least number of n_a tokens, 0 to n_a, that would be significant beside b of n_b; n_a + 1:
 * none. */
static int64_t least_found(int64_t n_a, int64_t b, int64_t n_b)
{
    int64_t low = 0;
    int64_t high = n_a + 1;

    while (low < high) {
        const int64_t k = low + (high - low) / 2;

        if (eg_fisher_more(k, n_a, b, n_b) < SIGNIFICANT) {
            high = k;
        } else {
            low = k + 1;
        }
    }
    return low;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Are the runs' gaps larger than the control's? Sorts both. `text` says what was seen; where the
 * largest possible difference would not be significant it says that. */
static double larger(char *text, size_t size, eagle_check_report *a, eagle_check_report *b)
{
    const double n_a = (double)a->n_gaps;
    const double n_b = (double)b->n_gaps;

    if (!(exp(-1.5 * n_a * n_b / (n_a + n_b + 1.0)) < SIGNIFICANT)) {
        snprintf(text, size, "too few gaps to compare their sizes");
        return 1.0;
    }
    qsort(a->gap, (size_t)a->n_gaps, sizeof *a->gap, by_size);
    qsort(b->gap, (size_t)b->n_gaps, sizeof *b->gap, by_size);
    const double p = eg_rank_sum_more(a->gap, a->n_gaps, b->gap, b->n_gaps);

    snprintf(text, size, "median gap %.2g beside %.2g, p %.2g", a->gap[a->n_gaps / 2],
             b->gap[b->n_gaps / 2], p);
    return p;
}

void eg_judge_control(eagle_check_report *report, const eagle_check_report *control, bool same)
{
    eagle_check_report *other = (eagle_check_report *)(uintptr_t)control; /* only sorted */
    const eg_events *a = &report->events;
    const eg_events *b = &control->events;
    eagle_check_line *line = eg_line(report, "control");

    line->n_judged = b->judged;
    line->n_different = b->different;
    line->n_failed = b->failed;
    if (a->judged == 0 || b->judged == 0) {
        line->verdict = EAGLE_CHECK_INCONCLUSIVE;
        eg_say(line,
               "no tokens to compare: at temperature 0, or of a seed of ours, they are judged "
               "one by one");
        return;
    }
    const double differ = eg_fisher_more(a->different, a->judged, b->different, b->judged);
    const double fail = eg_fisher_more(a->failed, a->judged, b->failed, b->judged);
    const int64_t least = least_found(a->judged, b->different, b->judged);
    /* Differences are noise of the target where the control has them as often; where it has them
     * less often, half of the runs' tokens differing would have to be found. No verdict comes of a
     * control that is too short for any. */
    const bool brief = eg_fisher_more(a->judged, a->judged, 0, b->judged) >= SIGNIFICANT;
    const bool often =
        (double)a->different * (double)b->judged > (double)b->different * (double)a->judged;
    const bool weak =
        a->different > 0 && (b->different == 0 || brief || (often && 2 * least > a->judged));
    char sizes[80];
    const double size = larger(sizes, sizeof sizes, report, other);
    const bool worse = differ < SIGNIFICANT || fail < SIGNIFICANT || size < SIGNIFICANT;
    char found[64] = "no rate would be";

    if (least <= a->judged) {
        snprintf(found, sizeof found, "%.3g %% would be found",
                 100.0 * (double)least / (double)a->judged);
    }
    line->verdict = worse && same   ? EAGLE_CHECK_FAIL
                    : worse || weak ? EAGLE_CHECK_INCONCLUSIVE
                                    : EAGLE_CHECK_PASS;
    eg_say(line,
           "without a drafter %lld of %lld differ, %lld beyond rounding; with it %lld of %lld, "
           "%lld; p %.2g, %s; %s: %s",
           (long long)b->different, (long long)b->judged, (long long)b->failed,
           (long long)a->different, (long long)a->judged, (long long)a->failed,
           differ < fail ? differ : fail, found, sizes,
           conclusion(a, b, worse, same, line->verdict));
}
