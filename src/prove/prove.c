/* SPDX-License-Identifier: MIT */
/* prove.c - the levels one after the other, and their results. */
#include "eagle/prove.h"

#include "base/alloc.h"
#include "base/error.h"
#include "prove/primitives.h"
#include "prove/program.h"
#include "prove/rounds_law.h"
#include "prove/states.h"

#include <stdlib.h>
#include <string.h>

/* One proof at work. */
typedef struct {
    eg_subject s;
    eg_finding finding[EAGLE_PROVE_LEVELS];
    eagle_proof *proof;
    unsigned levels;
} job;

static bool asked(const job *j, eagle_prove_level level)
{
    return (j->levels >> level & 1U) != 0;
}

static eagle_status close_level(job *j, eagle_prove_level level, eagle_error *err)
{
    return asked(j, level)
               ? eg_finding_close(&j->proof->level[level], &j->finding[level], &j->s, err)
               : EAGLE_OK;
}

/* node, round and continuation look at the same runs. */
static eagle_status prove_rounds(job *j, eagle_error *err)
{
    static const eagle_prove_level own[] = {EAGLE_PROVE_NODE, EAGLE_PROVE_ROUND,
                                            EAGLE_PROVE_CONTINUATION};
    eg_finding *claim[3] = {0};
    bool any = false;
    mpq_t tokens;

    for (int i = 0; i < 3; i++) {
        claim[i] = asked(j, own[i]) ? &j->finding[own[i]] : NULL;
        any |= claim[i] != NULL;
    }
    if (!any) {
        return EAGLE_OK;
    }
    const eg_rounds_claims claims = {
        .node = claim[0], .round = claim[1], .continuation = claim[2], .tokens = tokens};

    mpq_init(tokens);
    eg_subject_begin(&j->s, claim[2] != NULL   ? EAGLE_PROVE_CONTINUATION
                            : claim[1] != NULL ? EAGLE_PROVE_ROUND
                                               : EAGLE_PROVE_NODE);
    eagle_status st = eg_rounds_law(&claims, &j->s, err);

    for (int i = 0; i < 3 && st == EAGLE_OK; i++) {
        st = close_level(j, own[i], err);
    }
    if (st == EAGLE_OK && mpq_sgn(tokens) != 0) {
        j->proof->tokens_per_round_value = mpq_get_d(tokens);
        j->proof->tokens_per_round = eg_fraction_text(tokens);
        st = j->proof->tokens_per_round != NULL
                 ? EAGLE_OK
                 : eg_fail(err, EAGLE_ENOMEM, "prove: no memory for the result");
    }
    mpq_clear(tokens);
    return st;
}

typedef eagle_status level_fn(eg_finding *f, eg_subject *s, eagle_error *err);

static eagle_status prove_level(job *j, eagle_prove_level level, level_fn *fn, eagle_error *err)
{
    if (!asked(j, level)) {
        return EAGLE_OK;
    }
    eg_subject_begin(&j->s, level);
    eagle_status st = fn(&j->finding[level], &j->s, err);

    return st == EAGLE_OK ? close_level(j, level, err) : st;
}

/* Rounds after rounds were placed after their contexts, not committed there: that this is the same
 * is what the level state shows. */
static eagle_status rest_on_state(job *j, eagle_error *err)
{
    eagle_prove_result *r = &j->proof->level[EAGLE_PROVE_CONTINUATION].result;
    const eagle_prove_result *state = &j->proof->level[EAGLE_PROVE_STATE].result;

    if (!r->asked || !state->asked || r->verdict != EAGLE_VERDICT_PROVEN ||
        state->verdict == EAGLE_VERDICT_PROVEN) {
        return EAGLE_OK;
    }
    r->verdict = EAGLE_VERDICT_BOUND;
    r->reason = eg_strdup("it rests on level state, which is not proven");
    return r->reason != NULL ? EAGLE_OK
                             : eg_fail(err, EAGLE_ENOMEM, "prove: no memory for the result");
}

static eagle_status keep_context(job *j, eagle_error *err)
{
    const eagle_prompt *c = &j->s.task.context;

    j->proof->context = eg_alloc((size_t)c->n, sizeof *j->proof->context);
    if (j->proof->context == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "prove: no memory for the result");
    }
    memcpy(j->proof->context, c->token, (size_t)c->n * sizeof *c->token);
    j->proof->n_context = c->n;
    return EAGLE_OK;
}

static eagle_status run(job *j, eagle_error *err)
{
    eagle_status st = keep_context(j, err);

    if (st == EAGLE_OK) {
        st = prove_level(j, EAGLE_PROVE_PRIMITIVES, eg_primitives_exact, err);
    }
    if (st == EAGLE_OK) {
        st = prove_rounds(j, err);
    }
    if (st == EAGLE_OK) {
        st = prove_level(j, EAGLE_PROVE_PROGRAM, eg_program_law, err);
    }
    if (st == EAGLE_OK) {
        st = prove_level(j, EAGLE_PROVE_STATE, eg_states_agree, err);
    }
    if (st == EAGLE_OK) {
        st = rest_on_state(j, err);
    }
    j->proof->softmax_distance = j->s.contexts.softmax_distance;
    return st;
}

/* What is run: of the shipped program, continuation needs state. */
static unsigned levels_of(const eagle_prove_task *task, const eagle_prove_options *opt)
{
    const bool shipped = task->verify == NULL || task->verify == eagle_verify;
    const bool rests = shipped && (opt->levels >> EAGLE_PROVE_CONTINUATION & 1U) != 0;

    return opt->levels | (rests ? 1U << EAGLE_PROVE_STATE : 0U);
}

eagle_status eagle_prove(eagle_proof **out, const eagle_prove_task *task,
                         const eagle_prove_options *opt, eagle_prove_progress *progress, void *ctx,
                         eagle_error *err)
{
    job *j = eg_alloc(1, sizeof *j);

    *out = NULL;
    if (j == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "prove: no memory");
    }
    for (int i = 0; i < EAGLE_PROVE_LEVELS; i++) {
        eg_finding_init(&j->finding[i]);
    }
    j->levels = levels_of(task, opt);
    j->proof = eg_alloc(1, sizeof *j->proof);
    eagle_status st = eg_subject_make(&j->s, task, opt, err);

    j->s.progress = progress;
    j->s.progress_ctx = ctx;
    if (j->proof == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "prove: no memory");
    }
    if (st == EAGLE_OK) {
        st = run(j, err);
    }
    if (st == EAGLE_OK) {
        *out = j->proof;
    } else {
        eagle_proof_free(j->proof);
    }
    for (int i = 0; i < EAGLE_PROVE_LEVELS; i++) {
        eg_finding_free(&j->finding[i]);
    }
    eg_subject_free(&j->s);
    free(j);
    return st;
}
