/* SPDX-License-Identifier: MIT */
/* samples_tests.c - the tests of a judge, and its verdict.
 *
 * With delta 0 the null is the law itself, and the tests are chi-squares. With room for rounding it
 * is every law within delta of it, and a test is a bound that holds for all of them: a distance less
 * delta, less what chance gives on average, at most 1/2 sqrt(k / n) for k bins (by Cauchy-Schwarz),
 * is passed with probability exp(-2 n t^2) at most (McDiarmid; one token moves it by 1 / n). */
#include "base/alloc.h"
#include "base/error.h"
#include "check/samples.h"
#include "check/statistics.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define LEAST_U     (5 * EG_U_BINS) /* tokens, 5 a bin */
#define LEAST_PAIRS (5 * EG_LAG_BINS * EG_LAG_BINS)
#define LEAST_SKEW  0.15 /* of the surprisal's sum: beyond it it is no normal number yet */
#define EVIDENCE    0.1  /* of alpha goes to the e-values, the rest to the other tests  */
#define MAX_TESTS   24
#define WHOLE_MAX   2e5 /* degrees of freedom that the gamma function is asked for */

typedef struct {
    const eagle_samples *s;
    eagle_samples_verdict *v;
    int32_t shares; /* of alpha: tests that run, or would with more tokens of this kind */
} judging;

static eagle_samples_test *add(judging *j, const char *name, const char *what, int64_t n)
{
    eagle_samples_test *t = &j->v->test[j->v->n_test++];

    *t = (eagle_samples_test){.name = name, .n = n, .p = 1.0};
    snprintf(t->what, sizeof t->what, "%s", what);
    return t;
}

/* The chance that a distance as large comes from a law within delta. */
static double p_of_distance(double distance, double noise, double delta, int64_t n)
{
    const double over = distance - delta - noise;

    return over > 0.0 ? exp(-2.0 * (double)n * over * over) : 1.0;
}

/* ---- u ---------------------------------------------------------------------------------------- */

static void test_bins(judging *j, eg_part part, const char *what)
{
    const eg_tally *tally = &j->s->tally[part];
    const double n = (double)tally->n;
    const double expected = n / EG_U_BINS;
    const double delta = j->s->opt.delta;
    double distance = 0.0;

    j->shares += tally->n > 0 ? 1 : 0;
    if (tally->n < LEAST_U) {
        return;
    }
    eagle_samples_test *t = add(j, "u", what, tally->n);

    for (int32_t i = 0; i < EG_U_BINS; i++) {
        const double off = (double)tally->bin[i] - expected;

        t->statistic += off * off / expected;
        distance += 0.5 * fabs(off) / n;
    }
    if (delta > 0.0) {
        t->statistic = distance;
        t->p = p_of_distance(distance, 0.5 * sqrt(EG_U_BINS / n), delta, tally->n);
    } else {
        t->df = EG_U_BINS - 1;
        t->p = eg_chi2_upper(t->statistic, t->df);
    }
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

static eagle_status test_distance(judging *j, eagle_error *err)
{
    const int64_t n = j->s->tally[EG_ALL].n;
    double *u = eg_alloc((size_t)n, sizeof *u);
    int64_t at = 0;
    double d = 0.0;

    j->shares += n > 0 ? 1 : 0;
    if (n < LEAST_U) {
        free(u);
        return EAGLE_OK;
    }
    if (u == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %lld numbers", (long long)n);
    }
    for (int32_t r = 0; r < j->s->n_responses; r++) {
        for (int32_t i = 0; i < j->s->numbers[r].n; i++) {
            if (!isnan(j->s->numbers[r].u[i])) {
                u[at++] = j->s->numbers[r].u[i];
            }
        }
    }
    qsort(u, (size_t)at, sizeof *u, by_size);
    for (int64_t i = 0; i < at; i++) {
        d = fmax(d, fmax((double)(i + 1) / (double)at - u[i], u[i] - (double)i / (double)at));
    }
    free(u);

    eagle_samples_test *t = add(j, "Kolmogorov", "distance of u from uniform", at);

    t->statistic = d;
    t->p = eg_kolmogorov_upper(d - j->s->opt.delta, at);
    return EAGLE_OK;
}

/* ---- lags ------------------------------------------------------------------------------------- */

/* How many pairs went from one sixteenth of u to another. */
typedef struct {
    int64_t from[EG_LAG_BINS][EG_LAG_BINS];
    int64_t n;
} transitions;

static int32_t sixteenth(double u)
{
    return u < 1.0 ? (int32_t)(u * EG_LAG_BINS) : EG_LAG_BINS - 1;
}

/* Token i of `a` and token i + lag of `b`. */
static void add_pairs(transitions *t, const eg_numbers *a, const eg_numbers *b, int32_t lag)
{
    for (int32_t i = 0; i < a->n && i + lag < b->n; i++) {
        if (!isnan(a->u[i]) && !isnan(b->u[i + lag])) {
            t->from[sixteenth(a->u[i])][sixteenth(b->u[i + lag])]++;
            t->n++;
        }
    }
}

/* Each row against its own sum: that the next number is uniform whatever this one was. So the pairs,
 * which overlap, need not be independent (Billingsley 1961): 16 x 15 degrees of freedom. */
static void test_transitions(judging *j, const transitions *pairs, const char *what)
{
    const double n = (double)pairs->n;
    const double delta = j->s->opt.delta;
    double distance = 0.0;
    double chi2 = 0.0;

    j->shares += pairs->n > 0 ? 1 : 0;
    if (pairs->n < LEAST_PAIRS) {
        return;
    }
    eagle_samples_test *t = add(j, "lag", what, pairs->n);

    for (int32_t a = 0; a < EG_LAG_BINS; a++) {
        double row = 0.0;

        for (int32_t b = 0; b < EG_LAG_BINS; b++) {
            row += (double)pairs->from[a][b];
        }
        for (int32_t b = 0; b < EG_LAG_BINS && row > 0.0; b++) {
            const double off = (double)pairs->from[a][b] - row / EG_LAG_BINS;

            chi2 += off * off * EG_LAG_BINS / row;
            distance += 0.5 * fabs(off) / n;
        }
    }
    if (delta > 0.0) {
        t->statistic = distance;
        t->p = p_of_distance(distance, 0.5 * EG_LAG_BINS / sqrt(n), delta, pairs->n);
    } else {
        t->statistic = chi2;
        t->df = EG_LAG_BINS * (EG_LAG_BINS - 1);
        t->p = eg_chi2_upper(chi2, t->df);
    }
}

static void test_lags(judging *j)
{
    const eagle_samples *s = j->s;
    transitions next = {0};
    transitions after = {0};
    transitions across = {0};

    for (int32_t r = 0; r < s->n_responses; r++) {
        add_pairs(&next, &s->numbers[r], &s->numbers[r], 1);
        add_pairs(&after, &s->numbers[r], &s->numbers[r], 2);
        if (r > 0) {
            add_pairs(&across, &s->numbers[r - 1], &s->numbers[r], 0);
        }
    }
    test_transitions(j, &next, "a token's u and the next one's");
    test_transitions(j, &after, "a token's u and that of the one after the next");
    test_transitions(j, &across, "the same place in the next continuation");
}

/* ---- surprisal --------------------------------------------------------------------------------- */

/* A sum of independent terms of known mean and variance, nearly normal; what its third cumulant
 * does to the tails is taken out (Cornish and Fisher 1937). */
static void test_surprisal(judging *j, eg_part part, const char *what)
{
    const eg_tally *t = &j->s->tally[part];
    const double delta = j->s->opt.delta;
    const double sd = sqrt(t->variance + delta * t->wide);
    const double skew = sd > 0.0 ? t->third / (sd * sd * sd) : 1.0;
    const double over = fabs(t->excess) - delta * t->range;

    j->shares += t->variance > 0.0 ? 1 : 0;
    if (t->n < LEAST_U || fabs(skew) > LEAST_SKEW) {
        return;
    }
    eagle_samples_test *test = add(j, "surprisal", what, t->n);
    const double z = over > 0.0 ? copysign(over, t->excess) / sd : 0.0;
    const double square = fmin(z * z, 1.0 / (skew * skew));

    test->statistic = z;
    test->p = eg_normal_two_sided(delta > 0.0 ? z : z - skew / 6.0 * (square - 1.0));
}

/* ---- counts ------------------------------------------------------------------------------------ */

/* A chi-square of the statistic's own mean and variance, which many small counts make a little wider
 * than their degrees of freedom say. */
static void test_counts(judging *j)
{
    const eg_counts *c = &j->s->counts;
    const double delta = j->s->opt.delta;

    j->shares += c->n > 0 ? 1 : 0;
    if (c->n < LEAST_U) {
        return;
    }
    eagle_samples_test *t = add(j, "counts", "contexts that samples share", c->n);

    if (delta > 0.0) {
        t->statistic = c->distance / (double)c->n;
        t->p = p_of_distance(t->statistic, c->noise / (double)c->n, delta, c->n);
        return;
    }
    const double scale = c->variance / (2.0 * c->mean);

    t->statistic = c->chi2;
    t->df = c->mean;
    if (c->mean < WHOLE_MAX) {
        t->p = eg_chi2_upper(c->chi2 / scale, c->mean / scale);
    } else if (c->chi2 > c->mean) {
        t->p = 0.5 * eg_normal_two_sided((c->chi2 - c->mean) / sqrt(c->variance));
    }
}

/* ---- evidence ---------------------------------------------------------------------------------- */

static const char *const part_name[EG_N_PARTS] = {"", ", where there were children",
                                                  ", after a leaf"};

/* The strongest of all, and how many there are. */
static void test_evidence(judging *j)
{
    const eagle_samples *s = j->s;
    const eg_evidence *best = NULL;
    const eg_evidence *likeliest = NULL;
    int32_t n = 0;
    eg_bug best_bug = EG_N_BUGS;
    eg_part best_part = EG_ALL;

    for (eg_bug b = 0; b < EG_N_BUGS; b++) {
        for (eg_part p = EG_ALL; s->applies[b] && p < EG_N_PARTS; p++) {
            for (int32_t i = 0; i < EG_N_RATES && (p == EG_ALL || s->tally[p].n > 0); i++) {
                const eg_evidence *e = &s->evidence[b][p][i];

                n++;
                best = best == NULL || e->best > best->best ? e : best;
                if (likeliest == NULL || e->score > likeliest->score) {
                    likeliest = e;
                    best_bug = b;
                    best_part = p;
                }
            }
        }
    }
    if (best == NULL) {
        return;
    }
    char what[64];

    snprintf(what, sizeof what, "%d laws of known bugs", n);
    eagle_samples_test *t = add(j, "e-value", what, s->tally[EG_ALL].n);

    t->statistic = best->best;
    t->p = exp(-best->best) * n < 1.0 ? exp(-best->best) * n : 1.0;
    if (likeliest->score > log((double)n / (EVIDENCE * s->opt.alpha))) {
        snprintf(j->v->diagnosis, sizeof j->v->diagnosis, "%s%s", eg_bug_name(best_bug),
                 part_name[best_part]);
    }
}

/* ---- the verdict ------------------------------------------------------------------------------- */

static bool is_evidence(const eagle_samples_test *t)
{
    return t->name[0] == 'e';
}

/* Splits alpha and says which tests fail. Returns how many. */
static int32_t decide(judging *j, double share)
{
    eagle_samples_verdict *v = j->v;
    int32_t failed = 0;

    for (int32_t i = 0; i < v->n_test; i++) {
        eagle_samples_test *t = &v->test[i];

        t->alpha = is_evidence(t) ? EVIDENCE * j->s->opt.alpha : share;
        t->failed = t->p < t->alpha;
        failed += t->failed ? 1 : 0;
    }
    return failed;
}

/* With which probability a bias of u by `tv` is found, and how many tokens that takes. */
static void say_power(judging *j, double alpha)
{
    const eagle_samples_options *o = &j->s->opt;
    const double n = (double)j->s->tally[EG_ALL].n;
    eagle_samples_verdict *v = j->v;

    v->found = 1.0;
    v->needed = INT64_MAX;
    if (o->sampling.temperature == 0.0f) { /* one token alone is right: every other one is seen */
        v->power = 1.0 - pow(1.0 - o->tv, n);
        v->found = n > 0.0 ? 1.0 - pow(1.0 - o->power, 1.0 / n) : 1.0;
        v->needed = o->tv < 1.0 ? (int64_t)ceil(log(1.0 - o->power) / log(1.0 - o->tv)) : 1;
    } else if (o->delta > 0.0) {
        const double first = 0.5 * sqrt(EG_U_BINS) + sqrt(-0.5 * log(alpha));
        const double all = first + sqrt(-0.5 * log(1.0 - o->power));
        const double over = n > 0.0 ? o->tv - o->delta - first / sqrt(n) : 0.0;

        v->power = over > 0.0 ? 1.0 - exp(-2.0 * n * over * over) : 0.0;
        v->found = n > 0.0 ? fmin(1.0, o->delta + all / sqrt(n)) : 1.0;
        if (o->tv > o->delta && all / (o->tv - o->delta) < 1e9) {
            v->needed = (int64_t)ceil(pow(all / (o->tv - o->delta), 2.0));
        }
    } else { /* the least that a bias of tv does to Pearson's statistic is 4 n tv^2 */
        const double df = EG_U_BINS - 1;
        const double critical = eg_chi2_critical(alpha, df);
        const double lambda = eg_chi2_noncentrality(critical, df, o->power);

        v->power =
            n >= LEAST_U ? eg_chi2_noncentral_upper(critical, df, 4.0 * n * o->tv * o->tv) : 0.0;
        v->found = n >= LEAST_U ? fmin(1.0, sqrt(0.25 * lambda / n)) : 1.0;
        v->needed = (int64_t)fmin(9e18, ceil(fmax(0.25 * lambda / (o->tv * o->tv), LEAST_U)));
    }
}

static eagle_status run_tests(judging *j, eagle_error *err)
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
static void diagnose_lags(judging *j)
{
    eagle_samples_verdict *v = j->v;

    for (int32_t i = 0; v->diagnosis[0] == '\0' && i < v->n_test; i++) {
        if (v->test[i].failed && v->test[i].name[0] == 'l') {
            snprintf(v->diagnosis, sizeof v->diagnosis, "a random number is used twice: %s",
                     v->test[i].what);
        }
    }
}

eagle_status eagle_samples_judge(eagle_samples_verdict *out, const eagle_samples *s,
                                 eagle_error *err)
{
    judging j = {.s = s, .v = out};
    eagle_status st = EAGLE_OK;

    *out = (eagle_samples_verdict){.n_tokens = s->tally[EG_ALL].n + s->n_outside + s->n_boundary,
                                   .n_contexts = s->n_contexts,
                                   .n_shared = s->n_shared,
                                   .n_outside = s->n_outside,
                                   .n_boundary = s->n_boundary,
                                   .outside = s->outside};
    out->test = eg_alloc(MAX_TESTS, sizeof *out->test);
    if (out->test == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a verdict");
    }
    if (s->opt.sampling.temperature > 0.0f) {
        st = run_tests(&j, err);
    }
    if (st != EAGLE_OK) {
        eagle_samples_verdict_free(out);
        return st;
    }
    const double share = (1.0 - EVIDENCE) * s->opt.alpha / (j.shares > 0 ? j.shares : 1);
    const int32_t failed = decide(&j, share);

    say_power(&j, share);
    if (failed > 0) {
        diagnose_lags(&j);
    }
    if (failed > 0 || s->n_outside > 0) {
        out->status = EAGLE_EFAILED;
    } else if (out->power < s->opt.power) {
        out->status = EAGLE_EINCONCLUSIVE;
    } else {
        out->status = s->n_boundary > 0 ? EAGLE_ENEARTIE : EAGLE_OK;
    }
    return EAGLE_OK;
}

void eagle_samples_verdict_free(eagle_samples_verdict *verdict)
{
    free(verdict->test);
    *verdict = (eagle_samples_verdict){0};
}
