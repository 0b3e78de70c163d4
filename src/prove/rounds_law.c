/* SPDX-License-Identifier: MIT */
/* rounds_law.c - see rounds_law.h. */
#include "prove/rounds_law.h"

#include "prove/texts_law.h"

typedef struct {
    const eg_rounds_claims *claims;
    eg_subject *s;
    eg_mass end;    /* R: of the strings of one round                 */
    eg_mass begin;  /* of all of them that begin with a string        */
    eg_mass weight; /* of contexts at which a round ends              */
    eg_mass text;   /* of texts that are complete                     */
    int64_t contexts;
    mpq_t scratch;
} recursion;

/* ---- one round ------------------------------------------------------------------------------- */

/* Where the runs of a round go. */
typedef struct {
    recursion *r;
    int32_t context;
} round_sum;

static eagle_status add_run(void *ctx, eg_subject *s, eagle_error *err)
{
    round_sum *sum = ctx;
    int32_t string = 0;
    eagle_status st = eg_subject_follow(&string, s, sum->context, s->path, err);

    return st == EAGLE_OK ? eg_mass_add(&sum->r->end, string, s->weight, err) : st;
}

/* R of the round after context `at`, and the weights of all beginnings. */
static eagle_status run_round(recursion *r, int32_t at, eagle_error *err)
{
    round_sum sum = {.r = r, .context = at};

    eg_mass_reset(&r->end);
    eg_mass_reset(&r->begin);
    eagle_status st = eg_subject_rounds(r->s, at, add_run, &sum, err);

    for (int32_t i = 0; i < r->end.n; i++) {
        const int32_t string = r->end.met[i];

        for (int32_t k = string; st == EAGLE_OK && k != at; k = r->s->contexts.at[k].parent) {
            st = eg_mass_add(&r->begin, k, eg_mass_of(&r->end, string), err);
        }
    }
    return st;
}

static void mean_length(recursion *r)
{
    mpq_set_ui(r->claims->tokens, 0, 1);
    for (int32_t i = 0; i < r->end.n; i++) {
        const int32_t string = r->end.met[i];

        mpq_set_si(r->scratch, r->s->contexts.at[string].length, 1);
        mpq_mul(r->scratch, r->scratch, eg_mass_of(&r->end, string));
        mpq_add(r->claims->tokens, r->claims->tokens, r->scratch);
    }
}

/* ---- node and round -------------------------------------------------------------------------- */

/* The strings of one round's trie, walked from the context down. */
typedef struct {
    recursion *r;
    int32_t context;
    mpq_t distance; /* sum of |got - want| at the trie's edge */
} frontier;

/* At a string u inside the trie. */
typedef struct {
    int32_t at;
    mpq_t on;    /* weight of the runs that go on beyond u                          */
    mpq_t plain; /* V(u), given the context                                         */
    mpq_t owed;  /* sum of R(s) V(rest of u | s) over s that u begins with or is:
                  * what completed strings bring                                    */
    mpq_t node;  /* sum of |got - want| of the node's law                           */
} inner;

static void inner_init(inner *u, int32_t at)
{
    u->at = at;
    mpq_inits(u->on, u->plain, u->owed, u->node, NULL);
}

static void inner_clear(inner *u)
{
    mpq_clears(u->on, u->plain, u->owed, u->node, NULL);
}

static eagle_status walk_inner(frontier *f, inner *u, eagle_error *err);

static void add_distance(mpq_t sum, const mpq_t got, const mpq_t want)
{
    mpq_t d;

    if (mpq_equal(got, want) != 0) {
        return;
    }
    mpq_init(d);
    mpq_sub(d, got, want);
    mpq_abs(d, d);
    mpq_add(sum, sum, d);
    mpq_clear(d);
}

/* The node's law: begin(ux) = on(u) p, shown as begin / on = p. */
static void check_node(frontier *f, inner *u, eg_place at, const mpq_t p)
{
    eg_finding *node = f->r->claims->node;
    mpq_t *share = &f->r->scratch;

    if (node != NULL) {
        mpq_div(*share, eg_mass_of(&f->r->begin, at.string), u->on);
        eg_finding_compare(node, &f->r->s->contexts, at, *share, p);
        add_distance(u->node, *share, p);
    }
}

/* One token x after u, which plain sampling takes with probability p. */
static eagle_status check_token(frontier *f, inner *u, int32_t x, const mpq_t p, eagle_error *err)
{
    eg_contexts *c = &f->r->s->contexts;
    eg_finding *round = f->r->claims->round;
    eg_place at = {.context = f->context};
    inner next;
    mpq_t got;
    eagle_status st = eg_contexts_child(&at.string, c, u->at, x, err);

    if (st != EAGLE_OK) {
        return st;
    }
    inner_init(&next, at.string);
    mpq_init(got);
    check_node(f, u, at, p);
    mpq_mul(next.plain, u->plain, p);
    mpq_mul(next.owed, u->owed, p);
    mpq_add(got, next.owed, eg_mass_of(&f->r->begin, at.string));
    if (round != NULL) {
        eg_finding_compare(round, c, at, got, next.plain);
    }
    mpq_sub(next.on, eg_mass_of(&f->r->begin, at.string), eg_mass_of(&f->r->end, at.string));
    mpq_add(next.owed, next.owed, eg_mass_of(&f->r->end, at.string));
    if (mpq_sgn(next.on) != 0) {
        st = walk_inner(f, &next, err);
    } else if (round != NULL) {
        round->count.strings++;
        add_distance(f->distance, got, next.plain);
    }
    mpq_clear(got);
    inner_clear(&next);
    return st;
}

/* Tokens that the round brings and plain sampling does not. */
static eagle_status check_others(frontier *f, inner *u, const eg_plain *plain, eagle_error *err)
{
    const eg_contexts *c = &f->r->s->contexts;
    eagle_status st = EAGLE_OK;

    for (int32_t i = c->at[u->at].first; st == EAGLE_OK && i >= 0; i = c->at[i].next) {
        bool known = mpq_sgn(eg_mass_of(&f->r->begin, i)) == 0;

        for (int32_t k = 0; k < plain->n && !known; k++) {
            known = plain->id[k] == c->at[i].token;
        }
        if (!known) {
            st = check_token(f, u, c->at[i].token, f->r->begin.zero, err);
        }
    }
    return st;
}

static eagle_status walk_inner(frontier *f, inner *u, eagle_error *err)
{
    eg_finding *node = f->r->claims->node;
    const eg_plain *plain = NULL;
    eagle_status st = eg_contexts_plain(&plain, &f->r->s->contexts, u->at, err);

    for (int32_t i = 0; st == EAGLE_OK && i < plain->n; i++) {
        st = check_token(f, u, plain->id[i], plain->p[i], err);
    }
    if (st == EAGLE_OK) {
        st = check_others(f, u, plain, err);
    }
    if (node != NULL) {
        node->count.strings++;
        mpq_div_2exp(u->node, u->node, 1);
        eg_finding_distance(node, u->node);
    }
    return st;
}

static eagle_status check_round(recursion *r, int32_t at, eagle_error *err)
{
    frontier f = {.r = r, .context = at};
    inner root;

    if (r->claims->node == NULL && r->claims->round == NULL) {
        return EAGLE_OK;
    }
    mpq_init(f.distance);
    inner_init(&root, at);
    mpq_set_ui(root.on, 1, 1);
    mpq_set_ui(root.plain, 1, 1);
    eagle_status st = walk_inner(&f, &root, err);

    if (r->claims->round != NULL) {
        mpq_div_2exp(f.distance, f.distance, 1);
        eg_finding_distance(r->claims->round, f.distance);
    }
    inner_clear(&root);
    mpq_clear(f.distance);
    return st;
}

/* ---- continuation ---------------------------------------------------------------------------- */

/* What came to context `at` goes on with the strings of its round. */
static eagle_status spread(recursion *r, int32_t at, eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    mpq_t w;

    if (r->claims->continuation == NULL || mpq_sgn(eg_mass_of(&r->weight, at)) == 0) {
        return EAGLE_OK;
    }
    mpq_init(w);
    for (int32_t i = 0; st == EAGLE_OK && i < r->end.n; i++) {
        const int32_t string = r->end.met[i];
        const int32_t cut = eg_texts_cut(r->s, at, string, r->s->opt.length);

        mpq_mul(w, eg_mass_of(&r->weight, at), eg_mass_of(&r->end, string));
        st =
            cut >= 0 ? eg_mass_add(&r->text, cut, w, err) : eg_mass_add(&r->weight, string, w, err);
    }
    mpq_clear(w);
    return st;
}

/* Did a round end at this string, or at one that begins with it? */
static bool was_reached(const recursion *r, int32_t at)
{
    if (mpq_sgn(eg_mass_of(&r->weight, at)) != 0) {
        return true;
    }
    for (int32_t i = r->s->contexts.at[at].first; i >= 0; i = r->s->contexts.at[i].next) {
        if (was_reached(r, i)) {
            return true;
        }
    }
    return false;
}

static eagle_status visit(recursion *r, int32_t at, eagle_error *err);

/* The contexts one token further on: plainly possible, or reached by a rule that is wrong. */
static eagle_status visit_next(recursion *r, int32_t at, eagle_error *err)
{
    eg_contexts *c = &r->s->contexts;
    const eg_plain *plain = NULL;
    int32_t next = -1;
    eagle_status st = eg_contexts_plain(&plain, c, at, err);

    for (int32_t i = 0; st == EAGLE_OK && i < plain->n; i++) {
        if (!eg_subject_ends(r->s, plain->id[i])) {
            st = eg_contexts_child(&next, c, at, plain->id[i], err);
            st = st == EAGLE_OK ? visit(r, next, err) : st;
        }
    }
    for (next = c->at[at].first; st == EAGLE_OK && next >= 0; next = c->at[next].next) {
        bool known = eg_subject_ends(r->s, c->at[next].token) || !was_reached(r, next);

        for (int32_t i = 0; i < plain->n && !known; i++) {
            known = plain->id[i] == c->at[next].token;
        }
        if (!known) {
            st = visit(r, next, err);
        }
    }
    return st;
}

static eagle_status visit(recursion *r, int32_t at, eagle_error *err)
{
    eg_subject *s = r->s;

    if (s->stopped != NULL || s->refusal[0] != '\0') {
        return EAGLE_OK;
    }
    eagle_status st = run_round(r, at, err);

    if (st != EAGLE_OK || s->stopped != NULL || s->refusal[0] != '\0') {
        return st;
    }
    r->contexts++;
    if (at == 0) {
        mean_length(r);
    }
    st = check_round(r, at, err);
    if (st == EAGLE_OK) {
        st = spread(r, at, err);
    }
    if (st == EAGLE_OK && s->contexts.at[at].length + 1 < s->opt.length) {
        st = visit_next(r, at, err);
    }
    return st;
}

/* ---- all ------------------------------------------------------------------------------------- */

static void fill_counts(eg_finding *f, const recursion *r)
{
    if (f != NULL) {
        f->count.runs = r->s->runs;
        f->count.contexts = r->contexts;
        f->count.trees = r->s->trees;
        f->count.repeated = r->s->repeated;
    }
}

/* The run that leads to what a level found. */
static eagle_status explain(eg_finding *f, eg_subject *s, eagle_error *err)
{
    if (f == NULL || !f->shortest.set) {
        return EAGLE_OK;
    }
    const char *stopped = s->stopped;
    const int64_t runs = s->runs;

    s->stopped = NULL;
    s->runs = 0;
    eagle_status st = eg_subject_rounds(s, f->shortest.context, eg_finding_round_run, f, err);

    s->stopped = stopped;
    s->runs = runs;
    return st;
}

static eagle_status finish(recursion *r, eagle_error *err)
{
    const eg_rounds_claims *claims = r->claims;
    eg_subject *s = r->s;
    eagle_status st = EAGLE_OK;

    fill_counts(claims->node, r);
    fill_counts(claims->round, r);
    fill_counts(claims->continuation, r);
    if (claims->continuation != NULL && s->stopped == NULL && s->refusal[0] == '\0') {
        st = eg_texts_compare(claims->continuation, s, &r->text, s->opt.length, err);
    }
    if (st == EAGLE_OK) {
        st = explain(claims->node, s, err);
    }
    if (st == EAGLE_OK) {
        st = explain(claims->round, s, err);
    }
    return st == EAGLE_OK ? explain(claims->continuation, s, err) : st;
}

eagle_status eg_rounds_law(const eg_rounds_claims *claims, eg_subject *s, eagle_error *err)
{
    recursion r = {.claims = claims, .s = s};
    eagle_status st = EAGLE_OK;

    eg_mass_init(&r.end);
    eg_mass_init(&r.begin);
    eg_mass_init(&r.weight);
    eg_mass_init(&r.text);
    mpq_init(r.scratch);
    mpq_set_ui(r.scratch, 1, 1);
    st = eg_mass_add(&r.weight, 0, r.scratch, err);
    if (st == EAGLE_OK) {
        st = visit(&r, 0, err);
    }
    if (st == EAGLE_OK) {
        st = finish(&r, err);
    }
    mpq_clear(r.scratch);
    eg_mass_free(&r.text);
    eg_mass_free(&r.weight);
    eg_mass_free(&r.begin);
    eg_mass_free(&r.end);
    return st;
}
