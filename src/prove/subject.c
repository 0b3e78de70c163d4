/* SPDX-License-Identifier: MIT */
/* subject.c - see subject.h. */
#include "prove/subject.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ------------------------------------------------------------------------------------ */

/* The model's BOS, or 0, and the likeliest token after it that does not end the text. */
static eagle_status default_context(int32_t out[2], const eagle_prove_task *task,
                                    const eagle_session_options *how, eagle_error *err)
{
    const eagle_config *c = eagle_model_config(task->model);
    eagle_session_options opt = *how;
    eagle_session *s = NULL;
    eagle_rows rows = {0};

    out[0] = c->bos >= 0 ? c->bos : 0;
    out[1] = -1;
    eagle_status st = eagle_session_create(&s, task->model, NULL, &opt, err);

    if (st == EAGLE_OK) {
        st = eagle_session_feed(&rows, s, out, 1, err);
    }
    for (int32_t i = 0; st == EAGLE_OK && i < c->vocab; i++) {
        bool ends = false;

        for (int32_t e = 0; e < c->n_end; e++) {
            ends |= c->end[e] == i;
        }
        if (!ends && (out[1] < 0 || rows.logits[i] > rows.logits[out[1]])) {
            out[1] = i;
        }
    }
    eagle_session_free(s);
    out[1] = out[1] < 0 ? 0 : out[1];
    return st;
}

/* Room for the longest text, a round beyond it, and a token more. */
static eagle_status plan_sessions(eg_subject *s, int32_t n_context, eagle_error *err)
{
    const eagle_prove_task *task = &s->task;
    const int32_t drafted = task->drafter != NULL ? eagle_drafter_max_nodes(task->drafter) : 0;
    const int64_t ctx = (int64_t)n_context + s->opt.length + s->opt.program_length + drafted + 4;

    if (ctx > 1 << 20) {
        return eg_fail(err, EAGLE_ELIMIT, "prove: texts of %lld tokens", (long long)ctx);
    }
    eagle_session_defaults(&s->how);
    s->how.ctx = (int32_t)ctx;
    s->how.chunk = s->how.ctx;
    s->how.threads = s->opt.threads;
    s->how.isa = s->opt.isa;
    s->how.max_nodes = drafted + 1;
    s->how.sampling = task->sampling;
    return EAGLE_OK;
}

static eagle_status check(const eg_subject *s, eagle_error *err)
{
    const eagle_prove_task *task = &s->task;
    const eagle_prompt *c = &task->context;
    const int32_t vocab = eagle_model_config(task->model)->vocab;

    if (s->opt.levels == 0 || s->opt.levels >> EAGLE_PROVE_LEVELS != 0) {
        return eg_fail(err, EAGLE_EINVAL,
                       "prove: levels 0x%x: one or more of the %d that there are", s->opt.levels,
                       (int)EAGLE_PROVE_LEVELS);
    }
    if (s->opt.length < 1 || s->opt.program_length < 1 || s->opt.limit < 1) {
        return eg_fail(err, EAGLE_EINVAL, "prove: length %d, program %d, limit %lld: 1 or more",
                       s->opt.length, s->opt.program_length, (long long)s->opt.limit);
    }
    for (int32_t i = 0; i < c->n; i++) {
        if (c->token[i] < 0 || c->token[i] >= vocab) {
            return eg_fail(err, EAGLE_EINVAL,
                           "prove: token %d of the context: the vocabulary has %d", c->token[i],
                           vocab);
        }
    }
    return eagle_sampling_check(&task->sampling,
                                task->drafter != NULL && eagle_drafter_drawn(task->drafter), err);
}

eagle_status eg_subject_make(eg_subject *out, const eagle_prove_task *task,
                             const eagle_prove_options *opt, eagle_error *err)
{
    const int32_t vocab = eagle_model_config(task->model)->vocab;
    int32_t context[2];

    *out = (eg_subject){.task = *task, .opt = *opt};
    mpq_init(out->weight);
    out->task.verify = task->verify != NULL ? task->verify : eagle_verify;
    out->opt.program_length = opt->program_length != 0 ? opt->program_length : opt->length;
    eagle_status st = check(out, err);

    if (st == EAGLE_OK) {
        st = plan_sessions(out, task->context.n > 2 ? task->context.n : 2, err);
    }
    if (st == EAGLE_OK && task->context.n == 0) {
        st = default_context(context, task, &out->how, err);
        out->task.context = (eagle_prompt){.token = context, .n = 2};
    }
    if (st == EAGLE_OK) {
        st = eg_contexts_make(&out->contexts,
                              &(eg_contexts_plan){.model = task->model,
                                                  .drafter = task->drafter,
                                                  .how = &out->how,
                                                  .root = out->task.context},
                              err);
        out->task.context.token = out->contexts.root; /* that is owned */
    }
    if (st == EAGLE_OK) {
        st = eagle_session_create(&out->session, task->model, task->drafter, &out->how, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_path_create(&out->path, out->how.max_nodes, vocab, task->sampling.mode, err);
    }
    return st == EAGLE_OK ? eg_enumeration_create(&out->all, err) : st;
}

void eg_subject_free(eg_subject *s)
{
    eg_enumeration_free(s->all);
    eagle_path_free(s->path);
    eagle_session_free(s->session);
    eg_contexts_free(&s->contexts);
    mpq_clear(s->weight);
    *s = (eg_subject){0};
}

/* ---- runs ------------------------------------------------------------------------------------ */

void eg_subject_begin(eg_subject *s, eagle_prove_level level)
{
    s->level = level;
    s->runs = 0;
    s->trees = 0;
    s->repeated = 0;
    s->stopped = NULL;
    s->refusal[0] = '\0';
}

bool eg_subject_count(eg_subject *s)
{
    if (s->runs == s->opt.limit) {
        s->stopped = "the limit of runs was reached";
        return false;
    }
    s->runs++;
    if (s->progress != NULL && !s->progress(s->progress_ctx, s->level, s->runs)) {
        s->stopped = "stopped before the end";
    }
    return s->stopped == NULL;
}

bool eg_subject_is_empty(const eg_subject *s)
{
    return s->path->n > 0 &&
           s->path->token[s->path->n - 1] == eagle_model_config(s->task.model)->vocab;
}

bool eg_subject_ends(const eg_subject *s, int32_t token)
{
    const eagle_config *c = eagle_model_config(s->task.model);

    if (token == c->vocab) {
        return true;
    }
    for (int32_t i = 0; i < c->n_end && !s->task.ignore_end; i++) {
        if (c->end[i] == token) {
            return true;
        }
    }
    return false;
}

eagle_status eg_subject_place(eg_subject *s, int32_t at, eagle_error *err)
{
    int32_t n = 0;
    int32_t *text = (int32_t *)eg_contexts_text(&n, &s->contexts, at); /* with room for a token */
    const int32_t *held = eagle_session_tokens(s->session);
    int32_t common = 0;

    text[n] = 0;
    while (common < n - 1 && common < eagle_session_length(s->session) &&
           held[common] == text[common]) {
        common++;
    }
    eagle_status st = eagle_session_rewind(s->session, common, err);

    if (st == EAGLE_OK) {
        st = eagle_session_feed(NULL, s->session, text + common, n + 1 - common, err);
    }
    return st == EAGLE_OK ? eagle_session_rewind(s->session, n, err) : st;
}

static void refuse(eg_subject *s, const char *what)
{
    snprintf(s->refusal, sizeof s->refusal, "%s", what);
}

/* Does the path lead from the root down the tree, and then one token out of it or beyond a leaf? */
static const char *fault_of(const eagle_path *path, const eagle_tree *tree, int32_t vocab)
{
    int32_t at = 0;

    if (path->n < 1 || path->n > path->cap) {
        return "the rule emitted no token, or more than there are nodes";
    }
    for (int32_t i = 0; i < path->n; i++) {
        const int32_t node = path->node[i];

        if (path->token[i] < 0 || path->token[i] >= vocab) {
            return "the rule emitted a token outside the vocabulary";
        }
        if (i == path->n - 1 ? node != -1
                             : node < 1 || node >= tree->n_verify || tree->parent[node] != at ||
                                   tree->token[node] != path->token[i]) {
            return "the rule's tokens are not a path of the tree and one token more";
        }
        at = node;
    }
    return NULL;
}

eagle_status eg_subject_verify(bool *ok, eg_subject *s, const eagle_tree *tree,
                               const eagle_rows *rows, const eagle_draws *draws, eagle_error *err)
{
    eagle_error own = {0};
    eagle_status st = s->task.verify(s->path, tree, rows, &s->task.sampling, draws, &own);

    *ok = false;
    const bool empty = st == EAGLE_ENUMERIC && s->task.lossy && eg_subject_is_empty(s);

    if (st == EAGLE_EFAILED || st == EAGLE_EFIT) {
        refuse(s, own.message);
        return EAGLE_OK;
    }
    if (st != EAGLE_OK && !empty) {
        return eg_fail(err, st, "%s", own.message);
    }
    st = eg_subject_fault(s, err);
    if (st == EAGLE_OK && s->refusal[0] == '\0') {
        const char *fault = fault_of(s->path, tree, rows->vocab + empty);

        if (fault != NULL) {
            refuse(s, fault);
        }
    }
    *ok = s->refusal[0] == '\0';
    return st;
}

eagle_status eg_subject_fault(eg_subject *s, eagle_error *err)
{
    eagle_error own = {0};
    const eagle_status st = eg_enumeration_fault(s->all, &own);

    if (st == EAGLE_EFAILED) {
        refuse(s, own.message);
        return EAGLE_OK;
    }
    return st == EAGLE_OK ? EAGLE_OK : eg_fail(err, st, "%s", own.message);
}

/* Drafts and scores anew. */
static eagle_status grow_tree(const eagle_tree **tree, eagle_rows *rows, eg_subject *s,
                              const eagle_draws *draws, eagle_error *err)
{
    eagle_status st = eagle_session_draft(tree, s->session, draws, err);

    s->trees++;
    return st == EAGLE_OK ? eagle_session_score(rows, s->session, *tree, err) : st;
}

/* One run is complete. */
static eagle_status hear(eg_subject *s, eg_round_run *run, void *ctx, eagle_error *err)
{
    const int32_t n = eg_enumeration_count(s->all);

    for (int32_t i = 0; i < n; i++) {
        s->repeated += eg_enumeration_at(s->all, i).repeated;
    }
    eg_enumeration_weight(s->weight, s->all);
    return run(ctx, s, err);
}

eagle_status eg_subject_rounds(eg_subject *s, int32_t at, eg_round_run *run, void *ctx,
                               eagle_error *err)
{
    eagle_status st = eg_subject_place(s, at, err);
    const eagle_tree *tree = NULL;
    eagle_rows rows = {0};
    int32_t n_draft = 0;
    bool ok = true;

    eg_enumeration_reset(s->all);
    while (st == EAGLE_OK && ok && eg_subject_count(s)) {
        const bool keep = tree != NULL && eg_enumeration_kept(s->all) >= n_draft;
        const eagle_draws draws = eg_enumeration_go_on(s->all, keep ? n_draft : 0);

        if (!keep) {
            st = grow_tree(&tree, &rows, s, &draws, err);
            n_draft = eg_enumeration_count(s->all);
        }
        if (st == EAGLE_OK) {
            st = eg_subject_verify(&ok, s, tree, &rows, &draws, err);
        }
        if (st == EAGLE_OK && ok) {
            st = hear(s, run, ctx, err);
        }
        if (st == EAGLE_OK && ok && !eg_enumeration_next(s->all)) {
            return eg_subject_fault(s, err);
        }
    }
    return st;
}

eagle_status eg_subject_follow(int32_t *out, eg_subject *s, int32_t at, const eagle_path *path,
                               eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    *out = at;
    for (int32_t i = 0; st == EAGLE_OK && i < path->n; i++) {
        st = eg_contexts_child(out, &s->contexts, *out, path->token[i], err);
    }
    return st;
}
