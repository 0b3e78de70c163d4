/* SPDX-License-Identifier: MIT */
/* program.c - see program.h. */
#include "prove/program.h"

#include "base/alloc.h"
#include "base/error.h"
#include "prove/texts_law.h"

#include <stdlib.h>

typedef struct {
    eg_finding *f;
    eg_subject *s;
    eg_mass text;   /* of texts, by their strings                          */
    int32_t *token; /* [program_length] of this run                        */
    int32_t n;
    int32_t *asked; /* [program_length + 1] questions before each round    */
    int32_t rounds;
    bool explains; /* a second time, for the run that leads to the difference */
} program;

/* ---- one run --------------------------------------------------------------------------------- */

/* The shipped loop. */
static eagle_status generate(program *p, eagle_error *err)
{
    eg_subject *s = p->s;
    const int32_t length = s->opt.program_length;
    eagle_generation g;
    eagle_status st =
        eagle_generation_start(&g, s->session, &s->task.context, length, s->task.ignore_end, err);

    while (st == EAGLE_OK && g.finish == EAGLE_FINISH_NOT_YET) {
        p->asked[p->rounds] = eg_enumeration_count(s->all);
        st = eagle_generation_next(&g, err);
        while (st == EAGLE_OK && eagle_generation_take(&g)) {
            p->token[p->n++] = g.token[g.n - 1];
        }
        p->rounds += g.n > 0; /* the chunks of the prompt are no rounds */
    }
    eagle_generation_free(&g);
    return st;
}

/* What a round emitted, up to the end. True when that is reached. */
static bool take(program *p, const eagle_path *path)
{
    const eg_subject *s = p->s;

    for (int32_t i = 0; i < path->n; i++) {
        p->token[p->n++] = path->token[i];
        if (p->n == s->opt.program_length || eg_subject_ends(s, path->token[i])) {
            return true;
        }
    }
    return false;
}

/* The same loop with another rule in it. */
static eagle_status rounds(program *p, const eagle_draws *draws, eagle_error *err)
{
    eg_subject *s = p->s;
    const eagle_prompt *context = &s->task.context;
    const eagle_tree *tree = NULL;
    eagle_rows rows = {0};
    bool ended = false;
    bool ok = true;
    eagle_status st = eagle_session_rewind(s->session, 0, err);

    if (st == EAGLE_OK) {
        st = eagle_session_feed(NULL, s->session, context->token, context->n, err);
    }
    while (st == EAGLE_OK && ok && !ended) {
        p->asked[p->rounds++] = eg_enumeration_count(s->all);
        st = eagle_session_draft(&tree, s->session, draws, err);
        if (st == EAGLE_OK) {
            st = eagle_session_score(&rows, s->session, tree, err);
        }
        if (st == EAGLE_OK) {
            st = eg_subject_verify(&ok, s, tree, &rows, draws, err);
        }
        if (st == EAGLE_OK && ok && !eg_subject_is_empty(s)) {
            st = eagle_session_commit(s->session, s->path, err);
        }
        ended = st == EAGLE_OK && ok && take(p, s->path);
    }
    return st;
}

static eagle_status run(program *p, eagle_error *err)
{
    eg_subject *s = p->s;
    const eagle_draws draws = eg_enumeration_draws(s->all);

    p->n = 0;
    p->rounds = 0;
    if (s->task.verify != eagle_verify) {
        return rounds(p, &draws, err);
    }
    eagle_session_set_draws(s->session, &draws);
    eagle_status st = generate(p, err);

    eagle_session_set_draws(s->session, NULL);
    return st == EAGLE_OK ? eg_subject_fault(s, err) : st;
}

/* ---- all runs -------------------------------------------------------------------------------- */

/* The round that asked question i. */
static int32_t round_of(const program *p, int32_t i)
{
    int32_t round = 0;

    while (round + 1 < p->rounds && p->asked[round + 1] <= i) {
        round++;
    }
    return round;
}

/* Counts the keys that were asked again, in the same round and in a later one. */
static void audit(program *p)
{
    const eg_enumeration *all = p->s->all;
    const int32_t n = eg_enumeration_count(all);

    for (int32_t i = 0; i < n; i++) {
        const eg_answered again = eg_enumeration_at(all, i);
        int32_t j = i - 1;

        if (!again.repeated) {
            continue;
        }
        while (j > 0) { /* the last one of the same key */
            if (eg_same_key(eg_enumeration_at(all, j).key, again.key)) {
                break;
            }
            j--;
        }
        if (round_of(p, i) == round_of(p, j)) {
            p->f->count.repeated++;
        } else {
            p->f->count.returning++;
        }
    }
}

static eagle_status hear(program *p, eagle_error *err)
{
    eg_subject *s = p->s;
    int32_t text = 0;
    eagle_status st = EAGLE_OK;

    for (int32_t i = 0; st == EAGLE_OK && i < p->n; i++) {
        st = eg_contexts_child(&text, &s->contexts, text, p->token[i], err);
    }
    if (st == EAGLE_OK && p->explains) {
        return eg_finding_run(p->f, s, text, err);
    }
    if (st == EAGLE_OK) {
        audit(p);
        eg_enumeration_weight(s->weight, s->all);
        st = eg_mass_add(&p->text, text, s->weight, err);
    }
    return st;
}

static eagle_status run_all(program *p, eagle_error *err)
{
    eg_subject *s = p->s;
    eagle_status st = EAGLE_OK;

    eg_enumeration_reset(s->all);
    while (st == EAGLE_OK && eg_subject_count(s)) {
        st = run(p, err);
        if (st == EAGLE_OK && s->refusal[0] == '\0') {
            st = hear(p, err);
        }
        if (st == EAGLE_OK && (s->refusal[0] != '\0' || !eg_enumeration_next(s->all))) {
            return eg_subject_fault(s, err);
        }
    }
    return st;
}

static eagle_status judge(program *p, eagle_error *err)
{
    eg_subject *s = p->s;
    const int64_t runs = s->runs;
    eagle_status st = EAGLE_OK;

    if (s->stopped != NULL || s->refusal[0] != '\0') {
        return EAGLE_OK;
    }
    st = eg_texts_compare(p->f, s, &p->text, s->opt.program_length, err);
    if (st == EAGLE_OK && p->f->shortest.set) {
        const char *stopped = s->stopped;

        p->explains = true;
        s->stopped = NULL;
        s->runs = 0;
        st = run_all(p, err);
        s->stopped = stopped;
    }
    s->runs = runs;
    return st;
}

eagle_status eg_program_law(eg_finding *f, eg_subject *s, eagle_error *err)
{
    program p = {.f = f, .s = s};
    eagle_status st = EAGLE_OK;

    eg_mass_init(&p.text);
    p.token = eg_alloc((size_t)s->opt.program_length, sizeof *p.token);
    p.asked = eg_alloc((size_t)s->opt.program_length + 1, sizeof *p.asked);
    if (p.token == NULL || p.asked == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "prove: no memory for a text of %d tokens",
                     s->opt.program_length);
    }
    if (st == EAGLE_OK) {
        st = run_all(&p, err);
    }
    if (st == EAGLE_OK) {
        f->count.runs = s->runs;
        st = judge(&p, err);
    }
    free(p.asked);
    free(p.token);
    eg_mass_free(&p.text);
    return st;
}
