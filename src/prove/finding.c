/* SPDX-License-Identifier: MIT */
/* finding.c - see finding.h. */
#include "prove/finding.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ------------------------------------------------------------------------------------ */

void eg_finding_init(eg_finding *f)
{
    *f = (eg_finding){0};
    mpq_inits(f->tv, f->marginal, f->outside, f->scratch, f->worst.got, f->worst.want,
              f->shortest.got, f->shortest.want, NULL);
}

static void drop_steps(eg_finding *f)
{
    for (int32_t i = 0; i < f->n_steps; i++) {
        free((void *)f->step[i].share);
    }
    free(f->step);
    f->step = NULL;
    f->n_steps = 0;
}

void eg_finding_free(eg_finding *f)
{
    drop_steps(f);
    mpq_clears(f->tv, f->marginal, f->outside, f->scratch, f->worst.got, f->worst.want,
               f->shortest.got, f->shortest.want, NULL);
}

/* ---- differences ----------------------------------------------------------------------------- */

static void remember(eg_difference *d, eg_place at, const mpq_t got, const mpq_t want)
{
    d->set = true;
    d->context = at.context;
    d->string = at.string;
    mpq_set(d->got, got);
    mpq_set(d->want, want);
}

/* |got - want| of two differences: is a's larger? */
static bool is_larger(const mpq_t got, const mpq_t want, const eg_difference *than)
{
    mpq_t a;
    mpq_t b;

    mpq_inits(a, b, NULL);
    mpq_sub(a, got, want);
    mpq_sub(b, than->got, than->want);
    mpq_abs(a, a);
    mpq_abs(b, b);
    const bool larger = mpq_cmp(a, b) > 0;

    mpq_clears(a, b, NULL);
    return larger;
}

/* Fewer tokens tell more; then what the rounds bring too often, because runs lead there; then what
 * differs more. */
static bool tells_more(const eg_contexts *c, const eg_difference *d, eg_place at, const mpq_t got,
                       const mpq_t want)
{
    const int32_t length = c->at[at.string].length;
    const int32_t so_far = c->at[d->string].length;
    const bool often = mpq_cmp(got, want) > 0;
    const bool so_far_often = mpq_cmp(d->got, d->want) > 0;

    if (length != so_far) {
        return length < so_far;
    }
    return often != so_far_often ? often : is_larger(got, want, d);
}

void eg_finding_prefix(eg_finding *f, const eg_contexts *c, eg_place at, const mpq_t got,
                       const mpq_t want)
{
    eg_difference *d = &f->shortest;

    if (mpq_equal(got, want) != 0) {
        return;
    }
    if (!d->set || tells_more(c, d, at, got, want)) {
        remember(d, at, got, want);
    }
}

void eg_finding_compare(eg_finding *f, const eg_contexts *c, eg_place at, const mpq_t got,
                        const mpq_t want)
{
    f->count.compared++;
    if (mpq_equal(got, want) != 0) {
        return;
    }
    if (mpq_sgn(want) == 0) {
        f->count.outside++;
        if (mpq_cmp(got, f->outside) > 0) {
            mpq_set(f->outside, got);
        }
    }
    eg_finding_prefix(f, c, at, got, want);
    if (!f->worst.set || is_larger(got, want, &f->worst)) {
        remember(&f->worst, at, got, want);
    }
}

void eg_finding_distance(eg_finding *f, const mpq_t tv)
{
    if (mpq_cmp(tv, f->tv) > 0) {
        mpq_set(f->tv, tv);
    }
}

/* ---- a run that leads there ------------------------------------------------------------------ */

/* Tokens that two strings have in common from their beginning. */
static int32_t common_length(const eg_contexts *c, int32_t a, int32_t b)
{
    while (a != b) {
        if (c->at[a].length >= c->at[b].length) {
            a = c->at[a].parent;
        } else {
            b = c->at[b].parent;
        }
    }
    return c->at[a].length;
}

static char *share_text(const eg_answered *a)
{
    mpq_t share;

    mpq_init(share);
    mpz_set(mpq_numref(share), a->share);
    mpz_set(mpq_denref(share), a->total);
    mpq_canonicalize(share);
    char *text = eg_fraction_text(share);

    mpq_clear(share);
    return text;
}

static double share_value(const eg_answered *a)
{
    mpq_t share;

    mpq_init(share);
    mpz_set(mpq_numref(share), a->share);
    mpz_set(mpq_denref(share), a->total);
    mpq_canonicalize(share);
    const double value = mpq_get_d(share);

    mpq_clear(share);
    return value;
}

static eagle_status keep_steps(eg_finding *f, const eg_enumeration *all, eagle_error *err)
{
    const int32_t n = eg_enumeration_count(all);

    drop_steps(f);
    f->step = eg_alloc((size_t)n, sizeof *f->step);
    if (f->step == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "prove: no memory for the questions of a run");
    }
    for (int32_t i = 0; i < n; i++) {
        const eg_answered a = eg_enumeration_at(all, i);

        f->step[i] = (eagle_prove_step){.key = a.key,
                                        .accept = a.accept,
                                        .answer = a.answer,
                                        .repeated = a.repeated,
                                        .share = share_text(&a),
                                        .share_value = share_value(&a)};
        f->n_steps++;
        if (f->step[i].share == NULL) {
            return eg_fail(err, EAGLE_ENOMEM, "prove: no memory for the questions of a run");
        }
    }
    return EAGLE_OK;
}

eagle_status eg_finding_run(eg_finding *f, eg_subject *s, int32_t at, eagle_error *err)
{
    int32_t score = 2 * common_length(&s->contexts, at, f->shortest.string);
    bool repeated = false;

    for (int32_t i = 0; i < eg_enumeration_count(s->all); i++) {
        repeated |= eg_enumeration_at(s->all, i).repeated;
    }
    score += repeated;
    if (f->step != NULL && score <= f->score) {
        return EAGLE_OK;
    }
    f->score = score;
    return keep_steps(f, s->all, err);
}

eagle_status eg_finding_round_run(void *finding, eg_subject *s, eagle_error *err)
{
    eg_finding *f = finding;
    int32_t at = 0;
    eagle_status st = eg_subject_follow(&at, s, f->shortest.context, s->path, err);

    return st == EAGLE_OK ? eg_finding_run(f, s, at, err) : st;
}

/* ---- results --------------------------------------------------------------------------------- */

char *eg_fraction_text(const mpq_t q)
{
    const size_t size = mpz_sizeinbase(mpq_numref(q), 10) + mpz_sizeinbase(mpq_denref(q), 10) + 3;
    char *text = malloc(size); /* GMP's own allocation ends the program when it fails */

    return text != NULL ? mpq_get_str(text, 10, q) : NULL;
}

/* A copy of the tokens from the text's token `from` on. */
static const int32_t *copy_tokens(int32_t *n, eg_contexts *c, int32_t at, int32_t from)
{
    const int32_t *text = eg_contexts_text(n, c, at);

    *n -= from;
    int32_t *copy = eg_alloc((size_t)*n, sizeof *copy);

    if (copy != NULL) {
        memcpy(copy, text + from, (size_t)*n * sizeof *copy);
    }
    return copy;
}

static bool close_difference(eagle_prove_difference *out, const eg_difference *d, eg_contexts *c)
{
    *out = (eagle_prove_difference){0};
    if (!d->set) {
        return true;
    }
    out->context = copy_tokens(&out->n_context, c, d->context, 0);
    out->string = copy_tokens(&out->n_string, c, d->string, out->n_context);
    out->got = eg_fraction_text(d->got);
    out->want = eg_fraction_text(d->want);
    out->got_value = mpq_get_d(d->got);
    out->want_value = mpq_get_d(d->want);
    return out->context != NULL && out->string != NULL && out->got != NULL && out->want != NULL;
}

static eagle_verdict verdict_of(const eg_finding *f, const eg_subject *s)
{
    if (f->worst.set || f->shortest.set || (f->reason[0] != '\0' && s->stopped == NULL)) {
        if (!s->task.lossy) {
            return EAGLE_VERDICT_REFUTED; /* one difference is enough */
        }
        /* Of a distance, what is complete is no more than a part. */
        return s->stopped != NULL ? EAGLE_VERDICT_BOUND : EAGLE_VERDICT_LOSSY;
    }
    return s->stopped != NULL ? EAGLE_VERDICT_BOUND : EAGLE_VERDICT_PROVEN;
}

eagle_status eg_finding_close(eg_level_proof *out, eg_finding *f, eg_subject *s, eagle_error *err)
{
    eagle_prove_result *r = &out->result;

    if (f->reason[0] == '\0' && s->refusal[0] != '\0') {
        snprintf(f->reason, sizeof f->reason, "%s", s->refusal);
    } else if (f->reason[0] == '\0' && s->stopped != NULL) {
        snprintf(f->reason, sizeof f->reason, "%s", s->stopped);
    }
    *r = f->count;
    r->asked = true;
    r->verdict = verdict_of(f, s);
    r->tv = eg_fraction_text(f->tv);
    r->tv_value = mpq_get_d(f->tv);
    r->marginal = eg_fraction_text(f->marginal);
    r->marginal_value = mpq_get_d(f->marginal);
    r->outside_largest = eg_fraction_text(f->outside);
    r->outside_value = mpq_get_d(f->outside);
    r->reason = f->reason[0] != '\0' ? eg_strdup(f->reason) : NULL;
    out->step = f->step;
    r->step = f->step;
    r->n_steps = f->n_steps;
    f->step = NULL;
    f->n_steps = 0;
    bool ok = close_difference(&out->worst, &f->worst, &s->contexts);

    ok &= close_difference(&out->shortest, &f->shortest, &s->contexts);
    r->worst = f->worst.set ? &out->worst : NULL;
    r->shortest = f->shortest.set ? &out->shortest : NULL;
    if (!ok || r->tv == NULL || r->marginal == NULL || r->outside_largest == NULL ||
        (f->reason[0] != '\0' && r->reason == NULL)) {
        return eg_fail(err, EAGLE_ENOMEM, "prove: no memory for the result");
    }
    return EAGLE_OK;
}
