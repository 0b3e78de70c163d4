/* SPDX-License-Identifier: MIT */
/* samples_recorded.c - the law that a backend recorded beside its token: the likeliest tokens, and
 * all others as one outcome. */
#include "base/error.h"
#include "check/samples.h"
#include "sample/law.h"

#include <math.h>

/* What a list of rounded numbers may leave although nothing is left. */
#define LEAST_REST 1e-6

/* A recorded law: tokens by rank with their probabilities; `rest` of all others, 0 when a filter
 * took them away. */
typedef struct {
    int32_t n;
    double rest;
    bool cut; /* tokens that are not listed have no chance */
} recorded;

/* Probabilities as they stand. */
static recorded as_recorded(double *p, const double *logprob, int32_t n, int32_t vocab)
{
    recorded r = {.n = n, .rest = 1.0};

    for (int32_t i = 0; i < n; i++) {
        p[i] = exp(logprob[i]);
        r.rest -= p[i];
    }
    /* A filter ended inside the list, or the list has them all. */
    r.cut = p[n - 1] <= 0.0 || (n == vocab && r.rest < 1e-3);
    r.rest = r.cut ? 0.0 : (r.rest > LEAST_REST ? r.rest : LEAST_REST);
    return r;
}

static eagle_status too_few(const char *why, eagle_error *err)
{
    return eg_fail(err, EAGLE_EINVAL,
                   "%s; ask for those that were drawn from (vLLM --logprobs-mode "
                   "processed_logprobs, llama-server \"post_sampling_probs\": true) and say "
                   "--processed",
                   why);
}

/* The logits' own: temperature and filters are still to come, and need all tokens that are kept. */
static eagle_status apply(recorded *r, double *p, const double *logprob, int32_t n,
                          const eagle_samples *s, eagle_error *err)
{
    const eagle_sampling *o = &s->opt.sampling;
    const double temperature = o->temperature > 0.0f ? (double)o->temperature : 1.0;
    const int32_t k = o->temperature > 0.0f ? o->top_k : 1;
    const bool by_rank = k > 0 && k <= n; /* the list has all that top-k keeps */
    const double top_p = eagle_decimal_value(o->top_p);
    const double min_p = eagle_decimal_value(o->min_p);
    double total = by_rank || n == s->vocab ? 0.0 : 1.0; /* 0: that of the list */
    double mass = 0.0;

    if (!by_rank && n < s->vocab && (k > 0 || temperature != 1.0)) {
        return too_few(k > 0 ? "fewer log-probabilities than top-k keeps"
                             : "log-probabilities of a few tokens, from before the temperature",
                       err);
    }
    r->n = by_rank ? k : n;
    for (int32_t i = 0; i < r->n; i++) {
        p[i] = exp((logprob[i] - logprob[0]) / temperature) * (total > 0.0 ? exp(logprob[0]) : 1.0);
        mass += p[i];
    }
    total = total > 0.0 ? total : mass;

    /* Filters that end inside the list. */
    const bool by_mass = mass >= top_p * total;
    const bool by_share = top_p == 1.0 && p[r->n - 1] < min_p * p[0];

    if (!by_rank && n < s->vocab && !by_mass && !by_share) {
        return too_few("log-probabilities of fewer tokens than top-p or min-p keeps", err);
    }
    mass = 0.0;
    for (int32_t i = 0; i < r->n; i++) {
        mass += p[i];
        if (mass >= top_p * total) {
            r->n = i + 1;
        }
    }
    while (r->n > 1 && p[r->n - 1] < min_p * p[0]) {
        mass -= p[--r->n];
    }
    for (int32_t i = 0; i < r->n; i++) {
        p[i] /= mass;
    }
    r->cut = true;
    r->rest = 0.0;
    return EAGLE_OK;
}

static void add_outcome(eg_moments *m, double p, int pass)
{
    const double x = p > 0.0 ? -log(p) : 0.0;
    const double off = x - m->entropy;

    if (pass == 0) {
        m->entropy += p * x;
        m->range = x > m->range ? x : m->range;
    } else {
        m->variance += p * off * off;
        m->third += p * off * off * off;
    }
}

static eg_moments moments_of(const recorded *r, const double *p)
{
    eg_moments m = {0};

    for (int pass = 0; pass < 2; pass++) {
        for (int32_t i = 0; i < r->n; i++) {
            add_outcome(&m, p[i], pass);
        }
        add_outcome(&m, r->rest, pass);
    }
    return m;
}

/* The rest comes last; before it tokens by id, so that a number used twice shows as with a whole
 * law. */
static double before(const int32_t *top, const double *p, int32_t n, int32_t at)
{
    double sum = 0.0;

    for (int32_t i = 0; i < n; i++) {
        sum += at < 0 || top[i] < top[at] ? p[i] : 0.0;
    }
    return sum;
}

static eagle_status check(const eagle_samples *s, const int32_t *top, const double *logprob,
                          int32_t n, const eagle_drawn *d, eagle_error *err)
{
    if (n < 1 || n > s->vocab || d->token < 0 || d->token >= s->vocab || d->response < 0 ||
        d->response == INT32_MAX || d->index < 0 || d->index == INT32_MAX) {
        return eg_fail(err, EAGLE_EINVAL, "%d recorded tokens, token %d: the vocabulary has %d", n,
                       d->token, s->vocab);
    }
    for (int32_t i = 0; i < n; i++) {
        if (top[i] < 0 || top[i] >= s->vocab || !(logprob[i] <= 0.0)) {
            return eg_fail(err, EAGLE_EINVAL, "recorded token %d with log-probability %g", top[i],
                           logprob[i]);
        }
    }
    return EAGLE_OK;
}

eagle_status eagle_samples_add_recorded(eagle_samples *s, const int32_t *top, const double *logprob,
                                        int32_t n_top, const eagle_drawn *drawn, eagle_error *err)
{
    const eagle_sampling *o = &s->opt.sampling;
    const bool filtered = o->top_k > 0 || eg_decimal_compare(1, o->top_p, 1) != 0 ||
                          o->min_p.num > 0 || o->temperature != 1.0f;
    double *p = s->probability;
    recorded r;
    int32_t at = -1;
    eagle_status st = check(s, top, logprob, n_top, drawn, err);

    if (st != EAGLE_OK) {
        return st;
    }
    r = as_recorded(p, logprob, n_top, s->vocab);
    if (filtered && !s->opt.processed) {
        st = apply(&r, p, logprob, n_top, s, err);
        if (st != EAGLE_OK) {
            return st;
        }
    }
    for (int32_t i = 0; i < r.n; i++) {
        at = top[i] == drawn->token ? i : at;
    }
    s->n_contexts++;
    s->rest += r.rest;
    const double own = at >= 0 ? p[at] : r.rest;

    if (own <= 0.0) {
        eg_observe_outside(s, 0.5 * p[r.n - 1], drawn);
        return EAGLE_OK;
    }
    const eg_moments m = moments_of(&r, p);
    const double high = 1.0 / p[0];

    eg_observe_ratio(s, EG_BUG_ARG_MAX, at == 0 ? high : 0.0, 0.0, high, drawn->source);
    return eg_observe(s, &m, before(top, p, r.n, at), own, drawn, err);
}
