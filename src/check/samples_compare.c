/* SPDX-License-Identifier: MIT */
/* samples_compare.c - samples against a control: the same backend's own samples without a drafter.
 *
 * Both are placed in the model's laws, and then compared with each other: whatever the backend's
 * arithmetic does to the law it does to both, so that no room for rounding is needed. Taken for
 * granted is that the prompts are the same kind of prompts, and that the backend's laws are near
 * enough to the model's for u to be nearly independent from token to token. */
#include "base/error.h"
#include "check/samples.h"
#include "check/statistics.h"

#include <math.h>
#include <stdlib.h>

/* Two samples, of n and m. */
typedef struct {
    eg_judging judging;
    const eagle_samples *a;
    const eagle_samples *b;
} comparing;

/* Of one bin with a and b of n and m: its part of the two-sample chi-square. */
static double part_of(double a, double b, double n, double m)
{
    const double off = sqrt(m / n) * a - sqrt(n / m) * b;

    return a + b > 0.0 ? off * off / (a + b) : 0.0;
}

static void compare_outside(comparing *c)
{
    const eagle_samples *a = c->a;
    const eagle_samples *b = c->b;
    const int64_t n = a->tally[EG_ALL].n + a->n_outside + a->n_boundary;
    const int64_t m = b->tally[EG_ALL].n + b->n_outside + b->n_boundary;
    const int64_t out_a = a->n_outside + a->n_boundary;
    const int64_t out_b = b->n_outside + b->n_boundary;

    c->judging.shares++;
    eagle_samples_test *t =
        eg_judging_add(&c->judging, EG_TEST_SUPPORT, "more tokens that the law excludes", n + m);

    t->statistic = (double)(out_a - out_b);
    t->p = eg_fisher_more(out_a, n, out_b, m);
}

static void compare_bins(comparing *c, eg_part part, const char *what)
{
    const eg_tally *a = &c->a->tally[part];
    const eg_tally *b = &c->b->tally[part];

    c->judging.shares += a->n > 0 && b->n > 0 ? 1 : 0;
    if (a->n < eg_least_binned(c->a->opt.alpha) || b->n < eg_least_binned(c->a->opt.alpha)) {
        return;
    }
    eagle_samples_test *t = eg_judging_add(&c->judging, EG_TEST_U, what, a->n + b->n);

    for (int32_t i = 0; i < EG_U_BINS; i++) {
        t->statistic += part_of((double)a->bin[i], (double)b->bin[i], (double)a->n, (double)b->n);
        t->df += a->bin[i] + b->bin[i] > 0 ? 1.0 : 0.0;
    }
    t->df -= 1.0;
    t->p = eg_chi2_upper(t->statistic, t->df);
}

/* The distance of two empirical distribution functions (Smirnov 1939; the bound: Wei and Dudley
 * 2012). */
static eagle_status compare_distance(comparing *c, eagle_error *err)
{
    double *a = NULL;
    double *b = NULL;
    int64_t n = 0;
    int64_t m = 0;
    double d = 0.0;
    eagle_status st = EAGLE_OK;

    c->judging.shares++;
    if (c->a->tally[EG_ALL].n < EG_LEAST_U || c->b->tally[EG_ALL].n < EG_LEAST_U) {
        return EAGLE_OK;
    }
    st = eg_numbers_sorted(&a, &n, c->a, err);
    st = st == EAGLE_OK ? eg_numbers_sorted(&b, &m, c->b, err) : st;
    for (int64_t i = 0, k = 0; st == EAGLE_OK && i < n && k < m;) {
        if (a[i] <= b[k]) {
            i++;
        } else {
            k++;
        }
        d = fmax(d, fabs((double)i / (double)n - (double)k / (double)m));
    }
    free(a);
    free(b);
    if (st == EAGLE_OK) {
        eagle_samples_test *t = eg_judging_add(&c->judging, EG_TEST_KOLMOGOROV,
                                               "distance of u from the control's", n + m);

        t->statistic = d;
        t->p = fmin(1.0, 2.0 * exp(-2.0 * d * d * (double)n / (double)(n + m) * (double)m));
    }
    return st;
}

/* Row by row, whether the next number's sixteenth is as often the same: 15 degrees of freedom
 * each. */
static void compare_lag(comparing *c, eg_lag lag)
{
    eg_transitions a;
    eg_transitions b;

    eg_numbers_pairs(&a, c->a, lag);
    eg_numbers_pairs(&b, c->b, lag);
    c->judging.shares += a.n > 0 && b.n > 0 ? 1 : 0;
    if (a.n < eg_least_binned(c->a->opt.alpha) || b.n < eg_least_binned(c->a->opt.alpha)) {
        return;
    }
    eagle_samples_test *t = eg_judging_add(&c->judging, EG_TEST_LAG, eg_lag_name(lag), a.n + b.n);

    for (int32_t i = 0; i < EG_LAG_BINS; i++) {
        double n = 0.0;
        double m = 0.0;

        for (int32_t k = 0; k < EG_LAG_BINS; k++) {
            n += (double)a.from[i][k];
            m += (double)b.from[i][k];
        }
        for (int32_t k = 0; k < EG_LAG_BINS && n > 0.0 && m > 0.0; k++) {
            t->statistic += part_of((double)a.from[i][k], (double)b.from[i][k], n, m);
            t->df += a.from[i][k] + b.from[i][k] > 0 ? 1.0 : 0.0;
        }
        t->df -= n > 0.0 && m > 0.0 ? 1.0 : 0.0;
    }
    t->p = t->df > 0.0 ? eg_chi2_upper(t->statistic, t->df) : 1.0;
}

/* Means of what the tokens surprise more than the law says, by their own spread. */
static void compare_surprisal(comparing *c)
{
    const eg_tally *a = &c->a->tally[EG_ALL];
    const eg_tally *b = &c->b->tally[EG_ALL];
    const double n = (double)a->n;
    const double m = (double)b->n;

    c->judging.shares++;
    if (a->n < EG_LEAST_U || b->n < EG_LEAST_U) {
        return;
    }
    const double mean_a = a->excess / n;
    const double mean_b = b->excess / m;
    const double variance =
        (a->square / n - mean_a * mean_a) / n + (b->square / m - mean_b * mean_b) / m;

    if (variance > 0.0) {
        eagle_samples_test *t = eg_judging_add(&c->judging, EG_TEST_SURPRISAL,
                                               "mean of -log p, less the control's", a->n + b->n);

        t->statistic = (mean_a - mean_b) / sqrt(variance);
        t->p = eg_normal_two_sided(t->statistic);
    }
}

eagle_status eagle_samples_compare(eagle_samples_verdict *out, const eagle_samples *s,
                                   const eagle_samples *control, eagle_error *err)
{
    comparing c = {.a = s, .b = control};
    const double n = (double)s->tally[EG_ALL].n;
    const double m = (double)control->tally[EG_ALL].n;
    eagle_status st = eg_judging_start(&c.judging, out, s, err);

    if (st == EAGLE_OK) {
        out->rest = control->n_contexts > 0
                        ? fmax(out->rest, control->rest / (double)control->n_contexts)
                        : out->rest;
        compare_outside(&c);
    }
    if (st == EAGLE_OK && s->opt.sampling.temperature > 0.0f) {
        compare_bins(&c, EG_ALL, "64 bins, beside the control's");
        compare_bins(&c, EG_DRAFTED, "64 bins, where there were children");
        compare_bins(&c, EG_LEAF, "64 bins, after a leaf");
        st = compare_distance(&c, err);
        for (eg_lag lag = 0; lag < EG_N_LAGS; lag++) {
            compare_lag(&c, lag);
        }
        compare_surprisal(&c);
    }
    if (st != EAGLE_OK) {
        eagle_samples_verdict_free(out);
        return st;
    }
    eg_judging_end(&c.judging, 0, n + m > 0.0 ? n / (n + m) * m : 0.0, 2.0);
    return EAGLE_OK;
}
