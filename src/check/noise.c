/* SPDX-License-Identifier: MIT */
/* noise.c - rounding: how large it may be, how large it was, and what can be seen above it. */
#include "check/budget.h"
#include "check/judge.h"

#include "base/alloc.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- the bound --------------------------------------------------------------------------
 *
 * How far may the logits of a correct implementation be from ours? Each of the about 12 operations
 * of a layer, and 4 after the layers, rounds to the activations' type and sums up to n products in
 * float32, so that its result has a relative error of u = u_type + 2^-24 sqrt(n), where u_type is
 * half an ulp, 2^-24, 2^-11 or 2^-8, and rounding errors of a sum add up like a random walk. Errors
 * of different operations are independent and pass through the residual stream with gain near 1:
 * the feature that the LM head multiplies has a relative error of u sqrt((12 L + 4) / 3), a third
 * being the mean square of a rounding error uniform in [-u, u].
 *
 * Logit v is the product of that feature with row v of the LM head, so its error is to the spread
 * of the logits (root mean square, the mean removed) as the feature's error is to the feature. The
 * largest of V such errors is sqrt(2 ln 2V) times their deviation (extreme value of a normal
 * variable).
 *
 * SAFETY is for what the model leaves out, gains above 1 in attention and norms. It has no
 * derivation, but is measured (tests/oracle/test_check_rounding.c: other orders of summation, with
 * and without fused multiply-add, every result rounded to the type): with it, trained networks came
 * to 0.55 of the bound, and of 1,500 networks with random weights, whose attention is sharper, the
 * worst to 1.13 in f32 and 1.53 in bf16. What is above the bound and below EG_NO_ROUNDING times it
 * is therefore inconclusive, unless eps or a control has measured what is right there. SPREAD is
 * the same for the gain of one site over the residual stream: trained networks came to 0.56 of that
 * bound, random ones to 1.32. */

#define SAFETY 2.0
#define SPREAD 2.0

double eg_relative_bound(const eg_judge *j, int32_t layers)
{
    const eagle_config *c = j->config;
    const double n = (double)(c->ffn_dim > c->dim ? c->ffn_dim : c->dim);
    const double u = eg_half_ulp(j->dtype) + 0x1p-24 * sqrt(n);

    return SAFETY * u * sqrt((12.0 * layers + 4.0) / 3.0);
}

double eg_state_bound(const eg_judge *j, int32_t layers)
{
    return SPREAD * eg_relative_bound(j, layers);
}

double eg_row_bound(const eg_judge *j, const float *logits)
{
    const eagle_config *c = j->config;
    double mean = 0.0;
    double squares = 0.0;

    if (j->opt->eps > 0.0) {
        return j->opt->eps;
    }
    for (int32_t i = 0; i < c->vocab; i++) {
        mean += (double)logits[i] / c->vocab;
    }
    for (int32_t i = 0; i < c->vocab; i++) {
        squares += ((double)logits[i] - mean) * ((double)logits[i] - mean);
    }
    return eg_relative_bound(j, c->n_layers) * sqrt(squares / c->vocab) *
           sqrt(2.0 * log(2.0 * c->vocab));
}

/* ---- one row ----------------------------------------------------------------------------- */

double eg_log_sum(const float *logits, int32_t vocab)
{
    double max = (double)logits[0];
    double sum = 0.0;

    for (int32_t i = 1; i < vocab; i++) {
        max = (double)logits[i] > max ? (double)logits[i] : max;
    }
    for (int32_t i = 0; i < vocab; i++) {
        sum += exp((double)logits[i] - max);
    }
    return max + log(sum);
}

/* Means of ours, and of the differences, over the finite ones. */
static void means(double *ours, double *difference, const float *a, const float *b, int32_t vocab,
                  int32_t n)
{
    *ours = 0.0;
    *difference = 0.0;
    for (int32_t i = 0; i < vocab; i++) {
        if (isfinite(a[i])) {
            *ours += (double)b[i] / n;
            *difference += ((double)a[i] - (double)b[i]) / n;
        }
    }
}

/* What squares tell, with the means removed: the cosine is that of the centred rows. */
static void compare_squares(eg_row_difference *out, const float *theirs, const float *ours,
                            int32_t vocab)
{
    double mean;
    double shift;
    double their_squares = 0.0;
    double product = 0.0;

    means(&mean, &shift, theirs, ours, vocab, out->n_finite);
    for (int32_t i = 0; i < vocab; i++) {
        if (isfinite(theirs[i])) {
            const double b = (double)ours[i] - mean;
            const double d = (double)theirs[i] - (double)ours[i] - shift;

            out->squares += b * b;
            out->differences += d * d;
            their_squares += (b + d) * (b + d);
            product += b * (b + d);
        }
    }
    out->cosine = out->squares > 0.0 && their_squares > 0.0
                      ? product / sqrt(out->squares * their_squares)
                      : 1.0;
}

void eg_row_compare(eg_row_difference *out, const float *theirs, const float *ours, int32_t vocab)
{
    double least = INFINITY;
    double most = -INFINITY;
    int32_t at_least = 0;
    int32_t at_most = 0;

    *out = (eg_row_difference){.their_best = -1};
    for (int32_t i = 0; i < vocab; i++) {
        const double d = (double)theirs[i] - (double)ours[i];

        if (isnan(theirs[i]) || theirs[i] == INFINITY) {
            out->bad = true;
        }
        if (!isfinite(theirs[i])) {
            continue; /* minus infinity: a token that their filters took away */
        }
        if (out->their_best < 0 || theirs[i] > theirs[out->their_best]) {
            out->their_best = i;
        }
        if (d < least) {
            least = d;
            at_least = i;
        }
        if (d > most) {
            most = d;
            at_most = i;
        }
        out->n_finite++;
    }
    if (out->n_finite == 0) {
        out->bad = true;
        return;
    }
    out->error = (most - least) / 2.0;
    compare_squares(out, theirs, ours, vocab);

    /* Which of the two ends is the outlier is told by the mean difference. */
    double mean;
    double shift;

    means(&mean, &shift, theirs, ours, vocab, out->n_finite);
    out->worst = most - shift >= shift - least ? at_most : at_least;
}

/* ---- all rows ---------------------------------------------------------------------------- */

void eg_noise_free(eg_noise *noise)
{
    free(noise->error);
    free(noise->bound);
    free(noise->sum);
    free(noise->square);
    *noise = (eg_noise){0};
}

eagle_status eg_noise_add(eg_noise *noise, const eg_row_difference *d, double bound,
                          eagle_error *err)
{
    if (noise->n == noise->cap) {
        const int64_t cap = noise->cap > 0 ? 2 * noise->cap : 256;
        double *error = eg_alloc((size_t)cap, sizeof *error);
        double *bounds = eg_alloc((size_t)cap, sizeof *bounds);

        if (error == NULL || bounds == NULL) {
            free(error);
            free(bounds);
            return eg_fail(err, EAGLE_ENOMEM, "no memory for the figures of %lld rows",
                           (long long)cap);
        }
        if (noise->n > 0) {
            memcpy(error, noise->error, (size_t)noise->n * sizeof *error);
            memcpy(bounds, noise->bound, (size_t)noise->n * sizeof *bounds);
        }
        free(noise->error);
        free(noise->bound);
        noise->error = error;
        noise->bound = bounds;
        noise->cap = cap;
    }
    noise->cosine = noise->n == 0 || d->cosine < noise->cosine ? d->cosine : noise->cosine;
    noise->error[noise->n] = d->error;
    noise->bound[noise->n++] = bound;
    noise->squares += d->squares;
    noise->differences += d->differences;
    return EAGLE_OK;
}

eagle_status eg_noise_add_signed(eg_noise *noise, const float *theirs, const float *ours,
                                 int32_t vocab, eagle_error *err)
{
    double ours_mean;
    double shift;

    if (noise->sum == NULL) {
        noise->sum = eg_alloc((size_t)vocab, sizeof *noise->sum);
        noise->square = eg_alloc((size_t)vocab, sizeof *noise->square);
    }
    if (noise->sum == NULL || noise->square == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for the means of %d tokens", vocab);
    }
    means(&ours_mean, &shift, theirs, ours, vocab, vocab);
    noise->n_sums++;
    for (int32_t i = 0; i < vocab; i++) {
        const double d = (double)theirs[i] - (double)ours[i] - shift;

        noise->sum[i] += d;
        noise->square[i] += d * d;
        noise->largest_logit = fmax(noise->largest_logit, fabs((double)ours[i]));
    }
    return EAGLE_OK;
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* A shift of one logit by delta changes a row's error by delta / 2 at least, less the row's own
 * noise: it is found in any row, whatever its noise, when delta / 2 >= bound + noise. If only a
 * share s of n rows has it, one of them at least is among those recorded with probability 1 - (1 -
 * s)^n, which is 99 % for s = 1 - 0.01^(1/n). */
void eg_noise_report(eagle_check_report *report, eg_noise *noise)
{
    eagle_check_line *line = eg_line(report, "logits");
    eagle_check_figures *f = &report->figures;

    if (noise->n == 0) {
        if (line->n_judged > 0) {
            eg_say(line, "%lld of %lld rows by more than rounding allows",
                   (long long)line->n_failed, (long long)line->n_judged);
        }
        return;
    }
    qsort(noise->error, (size_t)noise->n, sizeof(double), by_size);
    qsort(noise->bound, (size_t)noise->n, sizeof(double), by_size);

    *f = (eagle_check_figures){
        .rows = noise->n,
        .noise_median = noise->error[noise->n / 2],
        .noise_largest = noise->error[noise->n - 1],
        .nmse = noise->squares > 0.0 ? noise->differences / noise->squares : 0.0,
        .cosine_least = noise->cosine,
        .bound_median = noise->bound[noise->n / 2],
        .least_shift = 2.0 * (noise->bound[noise->n - 1] + noise->error[noise->n - 1]),
        .least_share = 1.0 - pow(0.01, 1.0 / (double)noise->n),
    };
    eg_say(
        line,
        "difference median %.3g, largest %.3g, rounding allows %.3g; NMSE %.2g; found with 99 %% "
        "power: a logit shifted by %.3g in %.3g %% of the rows",
        f->noise_median, f->noise_largest, f->bound_median, f->nmse, f->least_shift,
        100.0 * f->least_share);
}

void eg_ask_shift(eagle_check_report *report, double shift)
{
    const eagle_check_figures *f = &report->figures;
    eagle_check_line *line = eg_line(report, "logits");

    if (shift > 0.0 && f->rows == 0 && !eg_digests_same_logits(report)) {
        eg_problem(line, EAGLE_CHECK_INCONCLUSIVE,
                   "no row shows whether a logit is shifted by %.3g", shift);
    } else if (shift > 0.0 && f->least_shift > shift) {
        eg_problem(line, EAGLE_CHECK_INCONCLUSIVE,
                   "a logit shifted by %.3g may be there unseen: it takes %.3g", shift,
                   f->least_shift);
    }
}

/* ---- one token in the mean of all rows ------------------------------------------------------ */

/* Student's t of a token as a number of the normal law (Wallace 1959, exact to about a percent far
 * into the tails). Differences below an ulp of float32 are none. */
static double score(const eg_noise *noise, int32_t i)
{
    const double n = (double)noise->n_sums;
    const double mean = noise->sum[i] / n;
    const double least = 0x1p-24 * noise->largest_logit;
    const double variance = fmax(0.0, noise->square[i] - n * mean * mean) / (n - 1.0);
    const double t = fabs(mean) / sqrt((variance + least * least) / n);
    const double df = n - 1.0;

    return (8.0 * df + 1.0) / (8.0 * df + 3.0) * sqrt(df * log1p(t * t / df));
}

/* Rounding errors of a token have no sign that stays. Rows of similar contexts repeat their errors,
 * which makes all tokens' scores larger alike: they are measured by their own median, which for a
 * normal law is 0.6745 deviations. The false-alarm rate is 10^-6 for the whole file, where scores
 * are normal. */
void eg_noise_judge_tokens(eagle_check_report *report, const eg_noise *noise, int32_t vocab)
{
    double *z = noise->n_sums >= 16 ? eg_alloc((size_t)vocab, sizeof *z) : NULL;
    int32_t worst = 0;

    if (z == NULL) {
        return; /* too few rows, or no memory for a refinement */
    }
    for (int32_t i = 0; i < vocab; i++) {
        z[i] = score(noise, i);
        worst = z[i] > z[worst] ? i : worst;
    }
    const double most = z[worst];

    qsort(z, (size_t)vocab, sizeof *z, by_size);
    const double width = fmax(1.0, z[vocab / 2] / 0.6745);
    const double p = (double)vocab * erfc(most / width / sqrt(2.0));

    free(z);
    if (p < 1e-6) {
        eg_problem(
            eg_line(report, "logits"), EAGLE_CHECK_FAIL,
            "token %d's logit is off by %.3g in the mean of %lld rows, which is no rounding: "
            "p %.2g of %d tokens",
            worst, noise->sum[worst] / (double)noise->n_sums, (long long)noise->n_sums, p, vocab);
    }
}
