/* SPDX-License-Identifier: MIT */
/* texts_law.c - see texts_law.h. */
#include "prove/texts_law.h"

#include "base/error.h"

#define MAX_LENGTH 4096 /* of a text: the walk is as deep as that */

int32_t eg_texts_cut(const eg_subject *s, int32_t from, int32_t to, int32_t length)
{
    const eg_string *at = s->contexts.at;
    int32_t cut = -1;

    for (int32_t i = to; i != from; i = at[i].parent) {
        if (at[i].length == length || eg_subject_ends(s, at[i].token)) {
            cut = i; /* the last one met is the first in the text */
        }
    }
    return cut;
}

/* One comparison at work. */
typedef struct {
    eg_finding *f;
    eg_subject *s;
    const eg_mass *got;
    eg_mass prefix; /* weight of all texts that begin with a string       */
    eg_mass place;  /* got - want of each token at each place             */
    int32_t length;
    mpq_t sum; /* of |got - want| over all texts                     */
    mpq_t scratch;
} comparison;

/* A number for a token at a place; the vocabulary's size is a token, too. eg_texts_compare() has
 * seen that it fits. */
static int32_t place_of(const eg_contexts *c, int32_t place, int32_t token)
{
    return place * (c->vocab + 1) + token;
}

/* A text is complete: its difference, and that of its tokens at their places. */
static eagle_status finish(comparison *c, int32_t text, const mpq_t want, eagle_error *err)
{
    const eg_contexts *contexts = &c->s->contexts;
    mpq_srcptr got = eg_mass_of(c->got, text); /* a text that goes on is another one */
    eagle_status st = EAGLE_OK;

    c->f->count.strings++;
    eg_finding_compare(c->f, contexts, (eg_place){0, text}, got, want);
    if (mpq_equal(got, want) != 0) {
        return EAGLE_OK;
    }
    mpq_sub(c->scratch, got, want);
    for (int32_t i = text; st == EAGLE_OK && i > 0; i = contexts->at[i].parent) {
        st = eg_mass_add(&c->place,
                         place_of(contexts, contexts->at[i].length - 1, contexts->at[i].token),
                         c->scratch, err);
    }
    mpq_abs(c->scratch, c->scratch);
    mpq_add(c->sum, c->sum, c->scratch);
    return st;
}

static eagle_status visit(comparison *c, int32_t at, const mpq_t want, eagle_error *err);

/* All that can follow a string: what plain sampling may take, and what the rounds took. */
static eagle_status visit_next(comparison *c, int32_t at, const mpq_t want, eagle_error *err)
{
    eg_contexts *contexts = &c->s->contexts;
    const eg_plain *plain = NULL;
    eagle_status st = EAGLE_OK;
    int32_t next = -1;
    mpq_t p;

    if (!eg_subject_count(c->s)) {
        return EAGLE_OK;
    }
    mpq_init(p);
    if (mpq_sgn(want) != 0) {
        st = eg_contexts_plain(&plain, contexts, at, err);
    }
    for (int32_t i = 0; st == EAGLE_OK && plain != NULL && i < plain->n; i++) {
        st = eg_contexts_child(&next, contexts, at, plain->id[i], err);
        if (st == EAGLE_OK) {
            mpq_mul(p, want, plain->p[i]);
            st = visit(c, next, p, err);
        }
    }
    mpq_set_ui(p, 0, 1);
    for (next = contexts->at[at].first; st == EAGLE_OK && next >= 0;
         next = contexts->at[next].next) {
        bool known = mpq_sgn(eg_mass_of(&c->prefix, next)) == 0;

        for (int32_t i = 0; plain != NULL && i < plain->n && !known; i++) {
            known = plain->id[i] == contexts->at[next].token;
        }
        if (!known) {
            st = visit(c, next, p, err);
        }
    }
    mpq_clear(p);
    return st;
}

/* Texts that go on where plain sampling's end. */
static eagle_status visit_beyond(comparison *c, int32_t at, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    for (int32_t i = c->s->contexts.at[at].first; st == EAGLE_OK && i >= 0;
         i = c->s->contexts.at[i].next) {
        if (mpq_sgn(eg_mass_of(&c->prefix, i)) != 0) {
            st = visit(c, i, c->prefix.zero, err);
        }
    }
    return st;
}

static eagle_status visit(comparison *c, int32_t at, const mpq_t want, eagle_error *err)
{
    const eg_string *string = &c->s->contexts.at[at];

    if (string->length == c->length || (at > 0 && eg_subject_ends(c->s, string->token))) {
        eagle_status st = finish(c, at, want, err);

        return st == EAGLE_OK ? visit_beyond(c, at, err) : st;
    }
    eg_finding_prefix(c->f, &c->s->contexts, (eg_place){0, at}, eg_mass_of(&c->prefix, at), want);
    return visit_next(c, at, want, err);
}

/* The largest distance of any place's law. */
static void find_marginal(comparison *c)
{
    mpq_t sum;

    mpq_init(sum);
    for (int32_t place = 0; place < c->length; place++) {
        mpq_set_ui(sum, 0, 1);
        for (int32_t t = 0; t <= c->s->contexts.vocab; t++) {
            mpq_abs(c->scratch, eg_mass_of(&c->place, place_of(&c->s->contexts, place, t)));
            mpq_add(sum, sum, c->scratch);
        }
        mpq_div_2exp(sum, sum, 1);
        if (mpq_cmp(sum, c->f->marginal) > 0) {
            mpq_set(c->f->marginal, sum);
        }
    }
    mpq_clear(sum);
}

eagle_status eg_texts_compare(eg_finding *f, eg_subject *s, const eg_mass *got, int32_t length,
                              eagle_error *err)
{
    comparison c = {.f = f, .s = s, .got = got, .length = length};
    eagle_status st = EAGLE_OK;
    mpq_t one;

    if ((int64_t)(length + 1) * ((int64_t)s->contexts.vocab + 1) > INT32_MAX ||
        length > MAX_LENGTH) {
        return eg_fail(err, EAGLE_ELIMIT, "prove: texts of %d tokens over %d: too many to compare",
                       length, s->contexts.vocab);
    }
    eg_mass_init(&c.prefix);
    eg_mass_init(&c.place);
    mpq_inits(c.sum, c.scratch, one, NULL);
    for (int32_t i = 0; i < got->n; i++) {
        for (int32_t at = got->met[i]; st == EAGLE_OK && at >= 0; at = s->contexts.at[at].parent) {
            st = eg_mass_add(&c.prefix, at, eg_mass_of(got, got->met[i]), err);
        }
    }
    mpq_set_ui(one, 1, 1);
    if (st == EAGLE_OK) {
        st = visit(&c, 0, one, err);
    }
    mpq_div_2exp(c.sum, c.sum, 1);
    eg_finding_distance(f, c.sum);
    find_marginal(&c);
    mpq_clears(c.sum, c.scratch, one, NULL);
    eg_mass_free(&c.place);
    eg_mass_free(&c.prefix);
    return st;
}
