/* SPDX-License-Identifier: MIT */
/* samples_judge.c - what a token says against its law, added up. */
#include "base/alloc.h"
#include "base/error.h"
#include "check/samples.h"
#include "check/statistics.h"
#include "kernels/kernels.h"
#include "sample/draws.h"
#include "sample/law.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define PURPOSE_CHECK 6 /* of the V: no draw of a decoder has it            */
#define COUNT_BINS    255
#define EXCLUDED      41.6 /* 60 bits: a token that a law excludes counts as 2^-60 of it */

/* ---- a judge --------------------------------------------------------------------------------- */

void eagle_samples_defaults(eagle_samples_options *out)
{
    *out = (eagle_samples_options){.alpha = 1e-6, .tv = 0.01, .power = 0.99};
    eagle_sampling_defaults(&out->sampling);
    out->sampling.temperature = 1.0f;
}

static eagle_status check_options(const eagle_samples_options *o, eagle_error *err)
{
    eagle_sampling sampling = o->sampling;

    if (!(o->delta >= 0.0 && o->delta < 1.0)) {
        return eg_fail(err, EAGLE_EINVAL, "a delta of %g: needs a total variation below 1",
                       o->delta);
    }
    if (o->delta > 0.0 && o->null == EAGLE_NULL_SAMPLER) {
        return eg_fail(err, EAGLE_EINVAL, "a delta: the backend's own law needs no room");
    }
    if (!(o->alpha > 0.0 && o->alpha <= 0.5)) {
        return eg_fail(err, EAGLE_EINVAL, "an alpha of %g: needs more than 0, at most 0.5",
                       o->alpha);
    }
    if (!(o->tv > 0.0 && o->tv <= 1.0) || !(o->power > 0.0 && o->power < 1.0)) {
        return eg_fail(err, EAGLE_EINVAL, "to exclude %g with power %g: needs both in (0, 1)",
                       o->tv, o->power);
    }
    sampling.mode = sampling.temperature == 0.0f ? EAGLE_VERIFY_GREEDY : EAGLE_VERIFY_COUPLED;
    return eagle_sampling_check(&sampling, false, err);
}

eagle_status eagle_samples_create(eagle_samples **out, int32_t vocab,
                                  const eagle_samples_options *opt, eagle_error *err)
{
    eagle_status st = check_options(opt, err);
    eagle_samples *s = NULL;

    *out = NULL;
    if (st != EAGLE_OK) {
        return st;
    }
    if (vocab < 1 || vocab > EG_LAW_VOCAB) {
        return eg_fail(err, EAGLE_EUNSUPPORTED, "a vocabulary of %d tokens: needs 1..%d", vocab,
                       EG_LAW_VOCAB);
    }
    s = eg_alloc(1, sizeof *s);
    if (s != NULL) {
        const size_t n = (size_t)vocab;

        s->opt = *opt;
        s->vocab = vocab;
        s->w = eg_alloc(n, sizeof *s->w);
        s->wrong = eg_alloc(n, sizeof *s->wrong);
        s->prefix = eg_alloc(n, sizeof *s->prefix);
        s->order = eg_alloc(n, sizeof *s->order);
        s->count = eg_alloc(n, sizeof *s->count);
        s->probability = eg_alloc(n + 1, sizeof *s->probability);
    }
    if (s == NULL || s->w == NULL || s->wrong == NULL || s->prefix == NULL || s->order == NULL ||
        s->count == NULL || s->probability == NULL) {
        eagle_samples_free(s);
        return eg_fail(err, EAGLE_ENOMEM, "no memory for laws of %d tokens", vocab);
    }
    for (eg_bug b = 0; b < EG_N_BUGS; b++) {
        s->applies[b] = opt->null == EAGLE_NULL_MODEL ? eg_bug_applies(b, &opt->sampling, vocab)
                                                      : b == EG_BUG_ARG_MAX;
    }
    *out = s;
    return EAGLE_OK;
}

void eagle_samples_free(eagle_samples *s)
{
    if (s != NULL) {
        for (int32_t i = 0; i < s->n_responses; i++) {
            free(s->numbers[i].u);
        }
        free(s->numbers);
        free(s->w);
        free(s->wrong);
        free(s->prefix);
        free(s->order);
        free(s->count);
        free(s->probability);
        free(s);
    }
}

/* ---- the numbers u --------------------------------------------------------------------------- */

/* V in (0, 1): the same for a token of a continuation, whatever else is judged. */
static double uniform(uint64_t seed, const eagle_drawn *d)
{
    const uint32_t counter[4] = {(uint32_t)d->response, PURPOSE_CHECK, (uint32_t)d->index, 0};
    const uint32_t key[2] = {(uint32_t)seed, (uint32_t)(seed >> 32)};
    uint32_t word[4];

    eg_philox4x32(word, counter, key);
    return ((double)((uint64_t)word[0] << 20 | word[1] >> 12) + 0.5) * 0x1p-52;
}

static eagle_status keep(eagle_samples *s, double u, const eagle_drawn *d, eagle_error *err)
{
    if (d->response >= s->cap_responses) {
        const int32_t cap = d->response < INT32_MAX / 4 ? 2 * d->response + 16 : INT32_MAX;
        eg_numbers *more = realloc(s->numbers, (size_t)cap * sizeof *more);

        if (more == NULL) {
            return eg_fail(err, EAGLE_ENOMEM, "no memory for %d continuations", cap);
        }
        s->numbers = more;
        s->cap_responses = cap;
    }
    while (s->n_responses <= d->response) {
        s->numbers[s->n_responses++] = (eg_numbers){0};
    }
    eg_numbers *row = &s->numbers[d->response];

    if (d->index >= row->cap) {
        const int32_t cap = d->index < INT32_MAX / 4 ? 2 * d->index + 16 : INT32_MAX;
        double *more = realloc(row->u, (size_t)cap * sizeof *more);

        if (more == NULL) {
            return eg_fail(err, EAGLE_ENOMEM, "no memory for %d tokens", cap);
        }
        row->u = more;
        row->cap = cap;
    }
    while (row->n <= d->index) {
        row->u[row->n++] = NAN;
    }
    row->u[d->index] = u;
    return EAGLE_OK;
}

eg_part eg_part_of(int32_t source)
{
    if (source == EAGLE_SOURCE_ACCEPTED || source == EAGLE_SOURCE_RESIDUAL) {
        return EG_DRAFTED;
    }
    return source == EAGLE_SOURCE_BONUS ? EG_LEAF : EG_ALL;
}

static void tally(eg_tally *t, int32_t bin, double excess, const eg_moments *m)
{
    t->n++;
    t->bin[bin]++;
    t->excess += excess;
    t->square += excess * excess;
    t->variance += m->variance;
    t->third += m->third;
    t->range += m->range;
    t->wide += m->range * m->range;
}

eagle_status eg_observe(eagle_samples *s, const eg_moments *m, double before, double p,
                        const eagle_drawn *d, eagle_error *err)
{
    const double u = before + uniform(s->opt.seed, d) * p;
    const int32_t bin = u < 1.0 ? (int32_t)(u * EG_U_BINS) : EG_U_BINS - 1;
    const double excess = -log(p) - m->entropy;
    const eg_part part = eg_part_of(d->source);

    tally(&s->tally[EG_ALL], bin, excess, m);
    if (part != EG_ALL) {
        tally(&s->tally[part], bin, excess, m);
    }
    return keep(s, u, d, err);
}

void eg_observe_outside(eagle_samples *s, double margin, const eagle_drawn *d)
{
    const bool beyond = margin > s->opt.delta || s->opt.delta == 0.0;
    const eagle_samples_outside *o = &s->outside;
    const bool none = s->n_outside == 0 && (beyond || s->n_boundary == 0);
    const bool first =
        d->response < o->response || (d->response == o->response && d->index < o->index);

    if (none || (first && (beyond || s->n_outside == 0))) {
        s->outside = (eagle_samples_outside){d->response, d->index, d->token, margin};
    }
    s->n_outside += beyond ? 1 : 0;
    s->n_boundary += beyond ? 0 : 1;
}

/* ---- evidence -------------------------------------------------------------------------------- */

static const double rate[EG_N_RATES] = {[EG_ALWAYS] = 1.0, [EG_SOMETIMES] = 0.25};

void eg_observe_ratio(eagle_samples *s, eg_bug bug, double ratio, double low, double high,
                      int32_t source)
{
    const eg_part part = eg_part_of(source);

    for (int32_t i = 0; i < EG_N_RATES; i++) {
        /* Under any law within delta of the true one the factor's mean is at most `room`. */
        const double room = s->opt.delta > 0.0 ? 1.0 + s->opt.delta * rate[i] * (high - low) : 1.0;
        const double step = log((1.0 - rate[i] + rate[i] * ratio) / room);

        for (eg_part p = EG_ALL; p < EG_N_PARTS; p++) {
            eg_evidence *e = &s->evidence[bug][p][i];

            if (p == EG_ALL || p == part) {
                e->score += step;
                e->now += step;
                e->best = e->now > e->best ? e->now : e->best;
            }
        }
    }
}

/* A token that the true law excludes: for a bug whose law gives it `of_bug`, against one that does
 * not have it either. How likely it makes the token matters too: else, of two that allow it, the
 * one that is nearer to the true law elsewhere would always be named. */
static void excluded(eagle_samples *s, eg_bug bug, double of_bug, int32_t source)
{
    const eg_part part = eg_part_of(source);

    for (int32_t i = 0; i < EG_N_RATES; i++) {
        const double step = of_bug > 0.0 ? EXCLUDED + log(rate[i] * of_bug) : -EXCLUDED;

        for (eg_part p = EG_ALL; p < EG_N_PARTS; p++) {
            s->evidence[bug][p][i].score += p == EG_ALL || p == part ? step : 0.0;
        }
    }
}

/* The factors of all tokens drawn at a context. */
static void weigh_bug(eagle_samples *s, eg_bug bug, uint64_t sum, const eagle_drawn *drawn,
                      int32_t n)
{
    uint64_t wrong = 0;
    double low = INFINITY;
    double high = 0.0;

    for (int32_t i = 0; i < s->vocab; i++) {
        wrong += s->wrong[i];
    }
    const double scale = (double)sum / (double)wrong;

    for (int32_t i = 0; s->opt.delta > 0.0 && i < s->vocab; i++) {
        if (s->w[i] > 0) {
            const double r = (double)s->wrong[i] / (double)s->w[i] * scale;

            low = r < low ? r : low;
            high = r > high ? r : high;
        }
    }
    for (int32_t i = 0; i < n; i++) {
        const int32_t y = drawn[i].token;

        if (s->w[y] > 0) {
            eg_observe_ratio(s, bug, (double)s->wrong[y] / (double)s->w[y] * scale, low, high,
                             drawn[i].source);
        } else {
            excluded(s, bug, (double)s->wrong[y] / (double)wrong, drawn[i].source);
        }
    }
}

/* ---- shared contexts ------------------------------------------------------------------------- */

/* One bin of a context's counts. */
static void count_bin(eg_counts *c, double inverse[2], double *apart, double n, double p,
                      double seen)
{
    const double expected = n * p;

    c->chi2 += (seen - expected) * (seen - expected) / expected;
    inverse[0] += 1.0 / p;
    inverse[1] += 1.0 / (p * p);
    *apart += 0.5 * fabs(seen - expected);
}

/* Pearson's statistic over the tokens that are expected often enough, and the rest as one bin. Its
 * mean and variance under the law are exact: k - 1, and 2 (k - 1) + (sum 1/p - k^2 - 2k + 2) /
 * n. */
static void count(eagle_samples *s, const float *logits, uint64_t sum, const eagle_drawn *drawn,
                  int32_t n)
{
    eg_counts *c = &s->counts;
    const double size = (double)n;
    const double least = eg_least_expected(s->opt.alpha);
    int32_t bins = 0; /* of single tokens */
    double rest = 1.0;
    double rest_seen = size;
    double inverse[2] = {0.0, 0.0};
    double apart = 0.0;

    for (int32_t i = 0; i < s->vocab; i++) {
        bins += size * ((double)s->w[i] / (double)sum) >= least ? 1 : 0;
    }
    if (bins == 0) {
        return;
    }
    bins = bins < COUNT_BINS ? bins : COUNT_BINS - 1;
    eg_topk(s->order, logits, (size_t)s->vocab, (size_t)bins); /* weights fall as logits do */
    for (int32_t i = 0; i < bins; i++) {
        rest -= (double)s->w[s->order[i]] / (double)sum;
    }
    while (bins > 0 && size * rest < least && rest > 1e-9) { /* too little: the last one joins */
        rest += (double)s->w[s->order[--bins]] / (double)sum;
    }
    const bool whole = rest <= 1e-9; /* nothing is left */
    const int32_t k = bins + (whole ? 0 : 1);

    if (k < 2) {
        return;
    }
    for (int32_t i = 0; i < n; i++) {
        s->count[drawn[i].token]++;
    }
    for (int32_t i = 0; i < bins; i++) {
        const double seen = (double)s->count[s->order[i]];

        count_bin(c, inverse, &apart, size, (double)s->w[s->order[i]] / (double)sum, seen);
        rest_seen -= seen;
    }
    if (!whole) {
        count_bin(c, inverse, &apart, size, rest, rest_seen);
    }
    for (int32_t i = 0; i < n; i++) {
        s->count[drawn[i].token] = 0;
    }
    c->n += n;
    c->mean += k - 1;
    c->variance += 2.0 * (k - 1) + (inverse[0] - (double)k * k - 2.0 * k + 2.0) / size;
    c->third += eg_pearson_third(size, (double)k, inverse[0], inverse[1]);
    c->distance += apart;
    c->bins += k;
}

/* ---- contexts -------------------------------------------------------------------------------- */

/* Sums before each token, and the moments of -log p. */
static uint64_t prepare(eagle_samples *s, eg_moments *m)
{
    uint64_t sum = 0;
    double low = INFINITY;
    double high = 0.0;

    *m = (eg_moments){0};
    for (int32_t i = 0; i < s->vocab; i++) {
        s->prefix[i] = sum;
        sum += s->w[i];
    }
    for (int32_t i = 0; i < s->vocab; i++) {
        if (s->w[i] > 0) {
            const double p = (double)s->w[i] / (double)sum;
            const double x = -log(p);

            s->probability[i] = x;
            m->entropy += p * x;
            low = x < low ? x : low;
            high = x > high ? x : high;
        }
    }
    for (int32_t i = 0; i < s->vocab; i++) {
        if (s->w[i] > 0) {
            const double p = (double)s->w[i] / (double)sum;
            const double x = s->probability[i] - m->entropy;

            m->variance += p * x * x;
            m->third += p * x * x * x;
        }
    }
    m->range = high - low;
    return sum;
}

static eagle_status check_row(const float *logits, int32_t vocab, eagle_error *err)
{
    for (int32_t i = 0; i < vocab; i++) {
        if (!isfinite(logits[i])) {
            return eg_fail(err, EAGLE_ENUMERIC, "logit of token %d: a NaN or an infinity", i);
        }
    }
    return EAGLE_OK;
}

static eagle_status check_drawn(const eagle_samples *s, const eagle_drawn *d, eagle_error *err)
{
    if (d->token < 0 || d->token >= s->vocab || d->response < 0 || d->response == INT32_MAX ||
        d->index < 0 || d->index == INT32_MAX) {
        return eg_fail(err, EAGLE_EINVAL,
                       "token %d at %d of continuation %d: the vocabulary has %d", d->token,
                       d->index, d->response, s->vocab);
    }
    return EAGLE_OK;
}

/* All tokens against the law in s->w. */
static eagle_status observe_all(eagle_samples *s, const float *logits, const eagle_drawn *drawn,
                                int32_t n, uint64_t *total, eagle_error *err)
{
    eg_moments m;
    const uint64_t sum = prepare(s, &m);
    eagle_status st = EAGLE_OK;
    bool inside = true;

    for (int32_t i = 0; st == EAGLE_OK && i < n; i++) {
        const int32_t y = drawn[i].token;

        if (s->w[y] > 0) {
            st = eg_observe(s, &m, (double)s->prefix[y] / (double)sum,
                            (double)s->w[y] / (double)sum, &drawn[i], err);
        } else {
            eg_observe_outside(
                s, eg_law_margin(s->wrong, s->order, logits, s->vocab, y, &s->opt.sampling),
                &drawn[i]);
            inside = false;
        }
    }
    if (n > 1 && inside) {
        count(s, logits, sum, drawn, n);
    }
    *total = sum;
    return st;
}

eagle_status eagle_samples_add(eagle_samples *s, const float *logits, const float *previous,
                               const eagle_drawn *drawn, int32_t n, eagle_error *err)
{
    eagle_status st = check_row(logits, s->vocab, err);
    uint64_t sum = 0;

    if (st == EAGLE_OK && previous != NULL) {
        st = check_row(previous, s->vocab, err);
    }
    for (int32_t i = 0; st == EAGLE_OK && i < n; i++) {
        st = check_drawn(s, &drawn[i], err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    eg_law_make(s->w, s->order, logits, s->vocab, &s->opt.sampling);
    st = observe_all(s, logits, drawn, n, &sum, err);
    for (eg_bug b = 0; st == EAGLE_OK && b < EG_N_BUGS; b++) {
        if (s->applies[b] && (b != EG_BUG_PREVIOUS_ROW || previous != NULL)) {
            eg_bug_law(s->wrong, s->order, b, logits, previous, s->vocab, &s->opt.sampling);
            weigh_bug(s, b, sum, drawn, n);
        }
    }
    s->n_contexts++;
    s->n_shared += n > 1 ? 1 : 0;
    return st;
}
