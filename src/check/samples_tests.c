/* SPDX-License-Identifier: MIT */
/* samples_tests.c - the tests of a judge, and its verdict.
 *
 * With delta 0 the null is the law itself, and the tests are chi-squares: the statistic's exact
 * mean, variance and third moment, and the gamma law that has them. How far out that holds depends
 * on what a bin is expected to have: 0.2 log(1/p)^2 in each of 64 bins, or 0.05 log(1/p)^2 in each
 * of 16 rows of 16, is asked for. test_statistics.c computes the true probability of p or less
 * exactly for 32 bins at 1e-3 and 16 rows of 16 at 1e-7: 1.06 p and 1.09 p.
 *
 * With room for rounding the null is every law within delta of it at each context, whatever came
 * before, and a test is a bound that holds for all of them. Let q_i be the backend's probabilities
 * of the k bins given all that is before token i, and X_i its bin. For a set A of bins S(A), the
 * sum of X_i(A) - q_i(A), is a martingale with steps in an interval of length 1, however the error
 * depends on the past: it passes n t with probability exp(-2 n t^2) at most (Hoeffding 1963, Azuma
 * 1967). The distance is the largest over A of the mean of X_i(A) less what is expected, so at most
 * delta + max S(A) / n, and there are 2^k sets. (McDiarmid's inequality on the distance itself
 * needs tokens whose q_i are given beforehand: one token may move all later ones.) A bias of tv is
 * one of the sum over one set: the same inequality, for that set alone, is its power. */
#include "base/alloc.h"
#include "base/error.h"
#include "check/samples.h"
#include "check/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

/* log(1/p)^2 by these in a bin of 64, and in one of 16 x 16. */
#define LEAST_EXPECTED 0.2
#define LEAST_SKEW     0.15 /* of the surprisal's sum: beyond it it is no normal number yet */
#define WHOLE_MAX      2e5  /* degrees of freedom that the gamma function is asked for */

eagle_samples_test *eg_judging_add(eg_judging *j, eg_test_kind kind, const char *what, int64_t n)
{
    static const char *const name[EG_N_TEST_KINDS] = {
        [EG_TEST_SUPPORT] = "support",       [EG_TEST_U] = "u",
        [EG_TEST_KOLMOGOROV] = "Kolmogorov", [EG_TEST_LAG] = "lag",
        [EG_TEST_SURPRISAL] = "surprisal",   [EG_TEST_COUNTS] = "counts",
        [EG_TEST_EVIDENCE] = "e-value",
    };
    eagle_samples_test *t = &j->v->test[j->v->n_test];

    j->kind[j->v->n_test++] = kind;
    *t = (eagle_samples_test){.name = name[kind], .n = n, .p = 1.0};
    snprintf(t->what, sizeof t->what, "%s", what);
    return t;
}

double eg_least_expected(double alpha)
{
    const double far = log(EG_MAX_TESTS / alpha); /* no test's share is smaller */

    return fmax(5.0, LEAST_EXPECTED * far * far);
}

int64_t eg_least_binned(double alpha)
{
    return (int64_t)ceil(EG_U_BINS * eg_least_expected(alpha));
}

/* At least the chance that a distance as large, over k bins, comes from a law within delta. */
static double p_of_distance(double distance, double k, double delta, int64_t n)
{
    const double over = distance - delta;
    const double log_p = k * log(2.0) - 2.0 * (double)n * over * over;

    return over > 0.0 && log_p < 0.0 ? exp(log_p) : 1.0;
}

/* ---- u --------------------------------------------------------------------------------------- */

/* Of k equal bins. */
static double third_of(double n, double k)
{
    return eg_pearson_third(n, k, k * k, k * k * k);
}

static void test_bins(eg_judging *j, eg_part part, const char *what)
{
    const eg_tally *tally = &j->s->tally[part];
    const double n = (double)tally->n;
    const double expected = n / EG_U_BINS;
    const double delta = j->s->opt.delta;
    double distance = 0.0;

    j->shares += tally->n > 0 ? 1 : 0;
    if (tally->n < eg_least_binned(j->s->opt.alpha)) {
        return;
    }
    eagle_samples_test *t = eg_judging_add(j, EG_TEST_U, what, tally->n);

    for (int32_t i = 0; i < EG_U_BINS; i++) {
        const double off = (double)tally->bin[i] - expected;

        t->statistic += off * off / expected;
        distance += 0.5 * fabs(off) / n;
    }
    if (delta > 0.0) {
        t->statistic = distance;
        t->p = p_of_distance(distance, EG_U_BINS, delta, tally->n);
    } else {
        t->df = EG_U_BINS - 1;
        t->p = eg_gamma_upper(t->statistic, t->df, 2.0 * t->df * (n - 1.0) / n,
                              third_of(n, EG_U_BINS));
    }
}

static eagle_status test_distance(eg_judging *j, eagle_error *err)
{
    double *u = NULL;
    int64_t n = 0;
    double d = 0.0;

    j->shares += j->s->tally[EG_ALL].n > 0 ? 1 : 0;
    if (j->s->tally[EG_ALL].n < EG_LEAST_U) {
        return EAGLE_OK;
    }
    eagle_status st = eg_numbers_sorted(&u, &n, j->s, err);

    if (st != EAGLE_OK) {
        return st;
    }
    for (int64_t i = 0; i < n; i++) {
        d = fmax(d, fmax((double)(i + 1) / (double)n - u[i], u[i] - (double)i / (double)n));
    }
    free(u);
    eagle_samples_test *t = eg_judging_add(j, EG_TEST_KOLMOGOROV, "distance of u from uniform", n);

    t->statistic = d;
    t->p = eg_kolmogorov_upper(d - j->s->opt.delta, n);
    return EAGLE_OK;
}

/* ---- lags ------------------------------------------------------------------------------------ */

/* Each row against its own sum: that the next number is uniform whatever this one was. So the
 * pairs, which overlap, need not be independent (Billingsley 1961): 16 x 15 degrees of freedom. */
static void test_transitions(eg_judging *j, const eg_transitions *pairs, const char *what)
{
    const double n = (double)pairs->n;
    const double delta = j->s->opt.delta;
    double distance = 0.0;
    double chi2 = 0.0;
    double variance = 0.0;
    double third = 0.0;

    j->shares += pairs->n > 0 ? 1 : 0;
    if (pairs->n < eg_least_binned(j->s->opt.alpha)) {
        return;
    }
    eagle_samples_test *t = eg_judging_add(j, EG_TEST_LAG, what, pairs->n);

    for (int32_t a = 0; a < EG_LAG_BINS; a++) {
        double row = 0.0;

        for (int32_t b = 0; b < EG_LAG_BINS; b++) {
            row += (double)pairs->from[a][b];
        }
        variance += row > 0.0 ? 2.0 * (EG_LAG_BINS - 1) * (row - 1.0) / row : 0.0;
        third += row > 0.0 ? third_of(row, EG_LAG_BINS) : 0.0;
        t->df += row > 0.0 ? EG_LAG_BINS - 1 : 0.0;
        for (int32_t b = 0; b < EG_LAG_BINS && row > 0.0; b++) {
            const double off = (double)pairs->from[a][b] - row / EG_LAG_BINS;

            chi2 += off * off * EG_LAG_BINS / row;
            distance += 0.5 * fabs(off) / n;
        }
    }
    if (delta > 0.0) {
        t->statistic = distance;
        t->p = p_of_distance(distance, EG_LAG_BINS * EG_LAG_BINS, delta, pairs->n);
        t->df = 0.0;
    } else {
        t->statistic = chi2;
        t->p = variance > 0.0 ? eg_gamma_upper(chi2, t->df, variance, third) : 1.0;
    }
}

static void test_lags(eg_judging *j)
{
    eg_transitions pairs;

    for (eg_lag lag = 0; lag < EG_N_LAGS; lag++) {
        eg_numbers_pairs(&pairs, j->s, lag);
        test_transitions(j, &pairs, eg_lag_name(lag));
    }
}

/* ---- surprisal ------------------------------------------------------------------------------- */

/* A sum of independent terms of known mean and variance, nearly normal; what its third cumulant
 * does to the tails is taken out (Cornish and Fisher 1937). */
static void test_surprisal(eg_judging *j, eg_part part, const char *what)
{
    const eg_tally *t = &j->s->tally[part];
    const double delta = j->s->opt.delta;
    const double sd = sqrt(t->variance + delta * t->wide);
    const double skew = sd > 0.0 ? t->third / (sd * sd * sd) : 1.0;
    const double over = fabs(t->excess) - delta * t->range;

    j->shares += t->variance > 0.0 ? 1 : 0;
    if (t->n < EG_LEAST_U || fabs(skew) > LEAST_SKEW) {
        return;
    }
    eagle_samples_test *test = eg_judging_add(j, EG_TEST_SURPRISAL, what, t->n);
    const double z = over > 0.0 ? copysign(over, t->excess) / sd : 0.0;
    const double square = fmin(z * z, 1.0 / (skew * skew));

    test->statistic = z;
    test->p = eg_normal_two_sided(delta > 0.0 ? z : z - skew / 6.0 * (square - 1.0));
}

/* ---- counts ---------------------------------------------------------------------------------- */

/* Contexts of one or two bins alone are far from a gamma law where alpha is small: as many degrees
 * of freedom as u has. */
static void test_counts(eg_judging *j)
{
    const eg_counts *c = &j->s->counts;
    const double delta = j->s->opt.delta;

    j->shares += c->n > 0 ? 1 : 0;
    if (c->n < EG_LEAST_U || (delta == 0.0 && c->mean < EG_U_BINS - 1)) {
        return;
    }
    eagle_samples_test *t = eg_judging_add(j, EG_TEST_COUNTS, "contexts that samples share", c->n);

    if (delta > 0.0) {
        t->statistic = c->distance / (double)c->n;
        t->p = p_of_distance(t->statistic, c->bins, delta, c->n);
        return;
    }
    t->statistic = c->chi2;
    t->df = c->mean;
    if (c->mean < WHOLE_MAX) {
        t->p = eg_gamma_upper(c->chi2, c->mean, c->variance, c->third);
    } else if (c->chi2 > c->mean) {
        t->p = 0.5 * eg_normal_two_sided((c->chi2 - c->mean) / sqrt(c->variance));
    }
}

/* ---- evidence -------------------------------------------------------------------------------- */

static const char *const part_name[EG_N_PARTS] = {"", ", where there were children",
                                                  ", after a leaf"};

/* The strongest evidence, the bug that is likeliest by its score, and how many were weighed. */
typedef struct {
    int32_t n;
    double best;
    double score;
    eg_bug bug;
    eg_part part;
} strongest;

static strongest find_strongest(const eagle_samples *s)
{
    strongest x = {.score = -INFINITY};

    for (eg_bug b = 0; b < EG_N_BUGS; b++) {
        for (eg_part p = EG_ALL; s->applies[b] && p < EG_N_PARTS; p++) {
            for (int32_t i = 0; i < EG_N_RATES && (p == EG_ALL || s->tally[p].n > 0); i++) {
                const eg_evidence *e = &s->evidence[b][p][i];

                x.n++;
                x.best = fmax(x.best, e->best);
                if (e->score > x.score) {
                    x.score = e->score;
                    x.bug = b;
                    x.part = p;
                }
            }
        }
    }
    return x;
}

static void test_evidence(eg_judging *j)
{
    const strongest x = find_strongest(j->s);
    char what[64];

    if (x.n == 0) {
        return;
    }
    snprintf(what, sizeof what, "%d laws of known bugs", x.n);
    eagle_samples_test *t = eg_judging_add(j, EG_TEST_EVIDENCE, what, j->s->tally[EG_ALL].n);

    t->statistic = x.best;
    t->p = fmin(1.0, exp(-x.best) * x.n);
}

/* The bug that explains the tokens best, if any does. */
static void diagnose(eg_judging *j)
{
    const strongest x = find_strongest(j->s);

    if (x.n > 0 && x.score > log((double)x.n / (EG_EVIDENCE_SHARE * j->s->opt.alpha))) {
        snprintf(j->v->diagnosis, sizeof j->v->diagnosis, "%s%s", eg_bug_name(x.bug),
                 part_name[x.part]);
    }
}

/* ---- the verdict ----------------------------------------------------------------------------- */

/* Splits alpha and says which tests fail. Returns how many. */
static int32_t decide(eg_judging *j, double share)
{
    eagle_samples_verdict *v = j->v;
    int32_t failed = 0;

    for (int32_t i = 0; i < v->n_test; i++) {
        eagle_samples_test *t = &v->test[i];

        t->alpha = j->kind[i] == EG_TEST_EVIDENCE ? EG_EVIDENCE_SHARE * j->s->opt.alpha : share;
        t->failed = t->p < t->alpha;
        failed += t->failed ? 1 : 0;
    }
    return failed;
}

static bool has_bins(const eg_judging *j)
{
    bool any = false;

    for (int32_t i = 0; i < j->v->n_test; i++) {
        any = any || j->kind[i] == EG_TEST_U;
    }
    return any;
}

/* With which probability a bias of u by `tv` is found, and how many tokens that takes. */
static void say_power(eg_judging *j, double alpha, double n, double files)
{
    const eagle_samples_options *o = &j->s->opt;
    eagle_samples_verdict *v = j->v;

    const double least = (double)eg_least_binned(o->alpha);
    const bool binned = has_bins(j);

    v->found = 1.0;
    v->needed = INT64_MAX;
    if (o->sampling.temperature == 0.0f) { /* one token alone is right: every other one is seen */
        v->power = 1.0 - pow(1.0 - o->tv, n);
        v->found = n > 0.0 ? 1.0 - pow(1.0 - o->power, 1.0 / n) : 1.0;
        v->needed = o->tv < 1.0 ? (int64_t)ceil(log(1.0 - o->power) / log(1.0 - o->tv)) : 1;
    } else if (o->delta > 0.0 && files == 1.0) {
        const double first = sqrt(0.5 * (EG_U_BINS * log(2.0) - log(alpha)));
        const double all = first + sqrt(-0.5 * log(1.0 - o->power));
        const double over = n > 0.0 ? o->tv - o->delta - first / sqrt(n) : 0.0;

        v->power = over > 0.0 && binned ? 1.0 - exp(-2.0 * n * over * over) : 0.0;
        v->found = binned ? fmin(1.0, o->delta + all / sqrt(n)) : 1.0;
        if (o->tv > o->delta && all / (o->tv - o->delta) < 1e9) {
            v->needed = (int64_t)ceil(fmax(least, pow(all / (o->tv - o->delta), 2.0)));
        }
    } else { /* the least that a bias of tv does to Pearson's statistic is 4 n tv^2 */
        const double df = EG_U_BINS - 1;
        const double critical = eg_chi2_critical(alpha, df);
        const double lambda = eg_chi2_noncentrality(critical, df, o->power);

        v->power = binned ? eg_chi2_noncentral_upper(critical, df, 4.0 * n * o->tv * o->tv) : 0.0;
        v->found = binned ? fmin(1.0, sqrt(0.25 * lambda / n)) : 1.0;
        v->needed = (int64_t)fmin(9e18, ceil(fmax(files * 0.25 * lambda / (o->tv * o->tv), least)));
    }
}

static eagle_status run_tests(eg_judging *j, eagle_error *err)
{
    test_bins(j, EG_ALL, "64 bins");
    eagle_status st = test_distance(j, err);

    test_lags(j);
    test_surprisal(j, EG_ALL, "sum of -log p less its mean");
    test_counts(j);
    test_bins(j, EG_DRAFTED, "64 bins, where there were children");
    test_surprisal(j, EG_DRAFTED, "where there were children");
    test_bins(j, EG_LEAF, "64 bins, after a leaf");
    test_surprisal(j, EG_LEAF, "after a leaf");
    test_evidence(j);
    return st;
}

/* When the bins are right and only the order is not: numbers were used twice. */
static void diagnose_lags(eg_judging *j)
{
    eagle_samples_verdict *v = j->v;

    for (int32_t i = 0; v->diagnosis[0] == '\0' && i < v->n_test; i++) {
        if (v->test[i].failed && j->kind[i] == EG_TEST_LAG) {
            snprintf(v->diagnosis, sizeof v->diagnosis, "a random number is used twice: %s",
                     v->test[i].what);
        }
    }
}

eagle_status eg_judging_start(eg_judging *j, eagle_samples_verdict *out, const eagle_samples *s,
                              eagle_error *err)
{
    *j = (eg_judging){.s = s, .v = out};
    *out =
        (eagle_samples_verdict){.n_tokens = s->tally[EG_ALL].n + s->n_outside + s->n_boundary,
                                .n_contexts = s->n_contexts,
                                .n_shared = s->n_shared,
                                .n_outside = s->n_outside,
                                .n_boundary = s->n_boundary,
                                .rest = s->n_contexts > 0 ? s->rest / (double)s->n_contexts : 0.0,
                                .outside = s->outside};
    out->test = eg_alloc(EG_MAX_TESTS, sizeof *out->test);
    return out->test != NULL ? EAGLE_OK : eg_fail(err, EAGLE_ENOMEM, "no memory for a verdict");
}

void eg_judging_end(eg_judging *j, int64_t outside, double n, double files)
{
    eagle_samples_verdict *v = j->v;
    const eagle_samples_options *o = &j->s->opt;
    const double share = (1.0 - EG_EVIDENCE_SHARE) * o->alpha / (j->shares > 0 ? j->shares : 1);
    const int32_t failed = decide(j, share);

    say_power(j, share, n, files);
    if (v->rest > o->tv) { /* one outcome, of which nothing inside is seen */
        v->power = 0.0;
        v->needed = INT64_MAX;
    }
    if (failed > 0 || outside > 0) {
        diagnose(j);
        diagnose_lags(j);
        v->status = EAGLE_EFAILED;
    } else if (v->power < o->power) {
        v->status = EAGLE_EINCONCLUSIVE;
    } else {
        v->status = v->n_boundary > 0 ? EAGLE_ENEARTIE : EAGLE_OK;
    }
}

eagle_status eagle_samples_judge(eagle_samples_verdict *out, const eagle_samples *s,
                                 eagle_error *err)
{
    eg_judging j;
    eagle_status st = eg_judging_start(&j, out, s, err);

    if (st == EAGLE_OK && s->opt.sampling.temperature > 0.0f) {
        st = run_tests(&j, err);
    }
    if (st != EAGLE_OK) {
        eagle_samples_verdict_free(out);
        return st;
    }
    eg_judging_end(&j, s->n_outside, (double)s->tally[EG_ALL].n, 1.0);
    return EAGLE_OK;
}

void eagle_samples_verdict_free(eagle_samples_verdict *verdict)
{
    free(verdict->test);
    *verdict = (eagle_samples_verdict){0};
}
