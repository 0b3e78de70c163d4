/* SPDX-License-Identifier: MIT */
/* control.c - noise or bug: the same implementation without a drafter as the measure, and the two
 * tails that the judges need. */
#include "check/judge.h"

#include <math.h>

#define SIGNIFICANT 1e-6

static double log_choose(int64_t n, int64_t k)
{
    return lgamma((double)n + 1.0) - lgamma((double)k + 1.0) - lgamma((double)(n - k) + 1.0);
}

double eg_fisher(int64_t k, int64_t n_a, int64_t k_b, int64_t n_b)
{
    const int64_t marked = k + k_b;
    const double all = log_choose(n_a + n_b, marked);
    double p = 0.0;

    for (int64_t i = k; i <= n_a && i <= marked; i++) {
        if (marked - i <= n_b) {
            p += exp(log_choose(n_a, i) + log_choose(n_b, marked - i) - all);
        }
    }
    return p < 1.0 ? p : 1.0;
}

double eg_poisson_tail(int64_t k, double mean)
{
    double term = exp((double)k * log(mean) - mean - lgamma((double)k + 1.0));
    double p = 0.0;

    if (k <= 0) {
        return 1.0;
    }
    if (!(mean > 0.0)) {
        return 0.0;
    }
    if ((double)k <= mean) {
        return 1.0; /* not in the tail */
    }
    for (int64_t i = k; term > p * 1e-17; i++) {
        p += term;
        term *= mean / (double)(i + 1);
    }
    return p < 1.0 ? p : 1.0;
}

static const char *conclusion(const eagle_check_line *a, const eagle_check_line *b, bool worse)
{
    if (worse) {
        return "the drafter makes it worse";
    }
    if (a->n_different == 0) {
        return "nothing to explain";
    }
    if (b->n_different == 0) {
        return "too few tokens to tell";
    }
    return b->n_failed > 0 ? "the target itself differs, with or without a drafter"
                           : "batch-shape noise of the target";
}

void eg_judge_control(eagle_check_report *report, const eagle_check_report *control)
{
    eagle_check_report *other = (eagle_check_report *)(uintptr_t)control; /* only read */
    const eagle_check_line *a = eg_line(report, "tokens");
    const eagle_check_line *b = eg_line(other, "tokens");
    eagle_check_line *line = eg_line(report, "control");
    const double differ = eg_fisher(a->n_different, a->n_judged, b->n_different, b->n_judged);
    const double fail = eg_fisher(a->n_failed, a->n_judged, b->n_failed, b->n_judged);
    const bool worse = differ < SIGNIFICANT || fail < SIGNIFICANT;

    line->n_judged = b->n_judged;
    line->n_different = b->n_different;
    line->n_failed = b->n_failed;
    if (a->n_judged == 0 || b->n_judged == 0) {
        line->verdict = EAGLE_CHECK_INCONCLUSIVE;
        eg_say(line, "no tokens to compare");
        return;
    }
    const bool unknown = !worse && a->n_different > 0 && b->n_different == 0;

    line->verdict = worse     ? EAGLE_CHECK_FAIL
                    : unknown ? EAGLE_CHECK_INCONCLUSIVE
                              : EAGLE_CHECK_PASS;
    eg_say(line,
           "without a drafter %lld of %lld differ, %lld beyond rounding; with it %lld of %lld, "
           "%lld; Fisher p %.2g: %s",
           (long long)b->n_different, (long long)b->n_judged, (long long)b->n_failed,
           (long long)a->n_different, (long long)a->n_judged, (long long)a->n_failed,
           differ < fail ? differ : fail, conclusion(a, b, worse));
}
