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
 * of different operations are independent and pass through the residual stream with gain near 1: the
 * feature that the LM head multiplies has a relative error of u sqrt((12 L + 4) / 3), a third being
 * the mean square of a rounding error uniform in [-u, u].
 *
 * Logit v is the product of that feature with row v of the LM head, so its error is to the spread
 * of the logits (root mean square, the mean removed) as the feature's error is to the feature. The
 * largest of V such errors is sqrt(2 ln 2V) times their deviation (extreme value of a normal
 * variable). SAFETY is for what the model leaves out, gains above 1
 * in attention and norms. Measured: six trained networks of 2 to 24 layers, every activation rounded to
 * bf16 or f16, 40 to 48 tokens that they wrote themselves: at most 0.30 of this bound, 0.1 on average. Networks with
 * random weights and sharp attention may pass it: eps is for them. */

#define SAFETY 2.0

double eg_row_bound(const eg_judge *j, const float *logits)
{
    const eagle_config *c = j->config;
    const double n = (double)(c->ffn_dim > c->dim ? c->ffn_dim : c->dim);
    const double u = eg_half_ulp(j->dtype) + 0x1p-24 * sqrt(n);
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
    return SAFETY * u * sqrt((12.0 * c->n_layers + 4.0) / 3.0) * sqrt(squares / c->vocab) *
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

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* A shift of one logit by delta changes a row's error by delta / 2 at least, less the row's own
 * noise: it is found in any row, whatever its noise, when delta / 2 >= bound + noise. If only a share s of
 * n rows has it, one of them at least is among those recorded with probability 1 - (1 - s)^n, which
 * is 99 % for s = 1 - 0.01^(1/n). */
void eg_noise_report(eagle_check_report *report, eg_noise *noise)
{
    eagle_check_line *line = eg_line(report, "logits");
    eagle_check_figures *f = &report->figures;

    if (noise->n == 0) {
        return;
    }
    qsort(noise->error, (size_t)noise->n, sizeof(double), by_size);
    qsort(noise->bound, (size_t)noise->n, sizeof(double), by_size);
    const int64_t high = noise->n - 1 - noise->n / 100; /* 99 of 100 rows are below */

    *f = (eagle_check_figures){
        .rows = noise->n,
        .noise_median = noise->error[noise->n / 2],
        .noise_largest = noise->error[noise->n - 1],
        .nmse = noise->squares > 0.0 ? noise->differences / noise->squares : 0.0,
        .cosine_least = noise->cosine,
        .bound_median = noise->bound[noise->n / 2],
        .least_shift = 2.0 * (noise->bound[high] + noise->error[high]),
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

    if (shift > 0.0 && f->rows == 0) {
        eg_problem(line, EAGLE_CHECK_INCONCLUSIVE,
                   "no row shows whether a logit is shifted by %.3g", shift);
    } else if (shift > 0.0 && f->least_shift > shift) {
        eg_problem(line, EAGLE_CHECK_INCONCLUSIVE,
                   "a logit shifted by %.3g may be there unseen: it takes %.3g", shift,
                   f->least_shift);
    }
}
