/* SPDX-License-Identifier: MIT */
/* evaluate.c - every prompt by every drafter, and plainly, in turn; and what the results say.
 *
 * A run is one way of decoding: run 0 is plain, run d + 1 is drafter d. Each has a session of its
 * own, so that no run's memory is warmed by another's work. Which run comes first turns with prompt
 * and repeat. */
#include "eagle/evaluate.h"

#include "base/alloc.h"
#include "base/error.h"
#include "evaluate/bootstrap.h"

#include <stdlib.h>
#include <string.h>

struct eagle_evaluation {
    eagle_evaluation_options opt;
    int32_t n_drafters;
    int32_t n_prompts;
    int32_t n_done;
    eagle_evaluated_prompt *prompt; /* [n_drafters, n_prompts] */
    eagle_round_counts *counts;     /* [n_drafters]            */
};

typedef struct {
    char hex[65];
} digest;

/* One way of decoding, on the prompt that is at work. */
typedef struct {
    eagle_session *session;
    eagle_generation g; /* of the first repeat                                      */
    digest *mark;       /* [max_tokens] the digest of the rows up to each token     */
    double *seconds;    /* [repeat] of the rounds                                   */
    int32_t differs;    /* first token that a later repeat gave otherwise, -1: none */
} run;

typedef struct {
    const eagle_evaluation_task *task;
    const eagle_evaluation_options *opt;
    eagle_evaluation_progress *progress;
    void *ctx;
    eagle_evaluation *e;
    run *runs;    /* [n_drafters + 1] */
    digest *mark; /* [max_tokens] of a later repeat */
    bool stopped;
} work;

void eagle_evaluation_defaults(eagle_evaluation_options *out)
{
    *out = (eagle_evaluation_options){
        .max_tokens = 128, .plain = true, .repeat = 1, .resamples = 1000};
    eagle_session_defaults(&out->session);
    out->session.ctx = 0;
}

/* ---- what is asked for ------------------------------------------------------------------ */

static eagle_status check(const eagle_evaluation_task *task, const eagle_evaluation_options *opt,
                          eagle_error *err)
{
    if (task->n_drafters < 1 || task->n_prompts < 1) {
        return eg_fail(err, EAGLE_EINVAL, "%d drafters and %d prompts: needs one of each at least",
                       task->n_drafters, task->n_prompts);
    }
    if (opt->max_tokens < 1 || opt->repeat < 1 || opt->resamples < 1) {
        return eg_fail(err, EAGLE_EINVAL,
                       "%d tokens, %d repeats, %d resamples: needs one of each at least",
                       opt->max_tokens, opt->repeat, opt->resamples);
    }
    return EAGLE_OK;
}

/* The options of the session of run r. Every run has the same context, and so the same end. */
static eagle_status plan(eagle_session_options *out, const eagle_evaluation_task *task,
                         const eagle_evaluation_options *opt, int32_t r, eagle_error *err)
{
    const int32_t most = eagle_model_config(task->model)->context;
    int32_t longest = 0;
    int32_t largest = 0;

    for (int32_t i = 0; i < task->n_prompts; i++) {
        longest = task->prompt[i].n > longest ? task->prompt[i].n : longest;
    }
    for (int32_t d = 0; d < task->n_drafters; d++) {
        const int32_t nodes = eagle_drafter_max_nodes(task->drafter[d]);

        largest = nodes > largest ? nodes : largest;
    }
    *out = opt->session;
    out->max_nodes = r > 0 ? eagle_drafter_max_nodes(task->drafter[r - 1]) + 1 : 1;
    if (out->ctx == 0) {
        const int64_t need = (int64_t)longest + opt->max_tokens + largest;

        out->ctx = (int32_t)(need < most ? need : most);
    }
    if (longest > out->ctx) {
        return eg_fail(err, EAGLE_ELIMIT, "a prompt of %d tokens, but the context has %d", longest,
                       out->ctx);
    }
    return EAGLE_OK;
}

static const eagle_drafter *drafter_of(const eagle_evaluation_task *task, int32_t r)
{
    return r > 0 ? task->drafter[r - 1] : NULL;
}

/* The first run there is: without plain decoding, that of the first drafter. */
static int32_t first_run(const eagle_evaluation_options *opt)
{
    return opt->plain ? 0 : 1;
}

eagle_status eagle_evaluation_bill(eagle_memory_bill *out, int32_t *ctx,
                                   const eagle_evaluation_task *task,
                                   const eagle_evaluation_options *opt, eagle_error *err)
{
    eagle_status st = check(task, opt, err);

    *out = (eagle_memory_bill){0};
    for (int32_t r = first_run(opt); st == EAGLE_OK && r <= task->n_drafters; r++) {
        eagle_session_options how;
        eagle_memory_bill one = {0};

        st = plan(&how, task, opt, r, err);
        if (st == EAGLE_OK) {
            *ctx = how.ctx;
            st = eagle_session_bill(&one, task->model, drafter_of(task, r), &how, err);
        }
        out->weights = one.weights > out->weights ? one.weights : out->weights;
        out->target_kv += one.target_kv;
        out->head_kv += one.head_kv;
        out->work += one.work;
    }
    return st;
}

/* ---- one run of one prompt --------------------------------------------------------------- */

/* The first token in which two runs differ, by its id or by the logits of any row up to it; -1 when
 * they are equal. */
static int32_t first_difference(const eagle_generation *a, const digest *mark_a,
                                const eagle_generation *b, const digest *mark_b)
{
    const int32_t n = a->n < b->n ? a->n : b->n;

    for (int32_t i = 0; i < n; i++) {
        if (a->token[i] != b->token[i] || strcmp(mark_a[i].hex, mark_b[i].hex) != 0) {
            return i;
        }
    }
    return a->n == b->n ? -1 : n;
}

static bool goes_on(work *w)
{
    if (w->progress != NULL && !w->progress(w->ctx, w->e->n_done, w->task->n_prompts)) {
        w->stopped = true;
    }
    return !w->stopped;
}

static eagle_status generate(work *w, eagle_generation *g, digest *mark, eagle_session *session,
                             eagle_error *err)
{
    eagle_status st = eagle_generation_start(g, session, &w->task->prompt[w->e->n_done],
                                             w->opt->max_tokens, w->opt->ignore_end, err);

    while (st == EAGLE_OK && g->finish == EAGLE_FINISH_NOT_YET && goes_on(w)) {
        st = eagle_generation_next(g, err);
        while (st == EAGLE_OK && eagle_generation_take(g)) {
            eagle_generation_digest(mark[g->n - 1].hex, g);
        }
    }
    return st;
}

/* The first repeat is kept; a later one is compared with it: the same work has the same bits. */
static eagle_status run_once(work *w, run *r, int32_t repeat, eagle_error *err)
{
    eagle_generation later = {0};
    eagle_generation *g = repeat == 0 ? &r->g : &later;
    digest *mark = repeat == 0 ? r->mark : w->mark;
    eagle_status st = EAGLE_OK;

    if (repeat == 0) {
        eagle_generation_free(&r->g);
        r->differs = -1;
    }
    st = generate(w, g, mark, r->session, err);
    r->seconds[repeat] = g->decode_s;
    if (st == EAGLE_OK && !w->stopped && repeat > 0 && r->differs < 0) {
        r->differs = first_difference(&r->g, r->mark, g, mark);
    }
    eagle_generation_free(&later);
    return st;
}

/* ---- one prompt --------------------------------------------------------------------------- */

static void add_counts(eagle_round_counts *sum, const eagle_round_counts *c)
{
    sum->rounds += c->rounds;
    sum->drafted += c->drafted;
    sum->accepted += c->accepted;
    sum->depth = c->depth > sum->depth ? c->depth : sum->depth;
    for (int32_t i = 0; i <= c->depth; i++) {
        sum->histogram[i] += c->histogram[i];
        sum->leaf[i] += c->leaf[i];
    }
}

/* Notes what drafter d gave, after all runs of the prompt. */
static void note(work *w, int32_t d)
{
    eagle_evaluation *e = w->e;
    run *plain = &w->runs[0];
    run *spec = &w->runs[d + 1];
    eagle_evaluated_prompt *out = &e->prompt[(size_t)d * (size_t)e->n_prompts + (size_t)e->n_done];

    *out =
        (eagle_evaluated_prompt){.n_output = spec->g.n,
                                 .rounds = spec->g.counts.rounds,
                                 .drafted = spec->g.counts.drafted,
                                 .accepted = spec->g.counts.accepted,
                                 .first_difference = spec->differs,
                                 .n_plain = plain->g.n,
                                 .spec_s = eagle_spread_of(spec->seconds, w->opt->repeat).median};
    if (w->opt->plain) {
        out->plain_s = eagle_spread_of(plain->seconds, w->opt->repeat).median;
    }
    if (eagle_evaluation_judged(e)) {
        const int32_t at = first_difference(&plain->g, plain->mark, &spec->g, spec->mark);

        out->first_difference = at >= 0 ? at : plain->differs >= 0 ? plain->differs : spec->differs;
    }
    out->equal = out->first_difference < 0;
    add_counts(&e->counts[d], &spec->g.counts);
}

static eagle_status one_prompt(work *w, eagle_error *err)
{
    const int32_t first = first_run(w->opt);
    const int32_t n_runs = w->task->n_drafters + 1 - first;
    eagle_status st = EAGLE_OK;

    for (int32_t i = 0; st == EAGLE_OK && !w->stopped && i < w->opt->repeat * n_runs; i++) {
        const int32_t repeat = i / n_runs;
        const int32_t turn = (i % n_runs + repeat % n_runs + w->e->n_done % n_runs) % n_runs;

        st = run_once(w, &w->runs[first + turn], repeat, err);
    }
    if (st != EAGLE_OK || w->stopped) {
        return st;
    }
    for (int32_t d = 0; d < w->task->n_drafters; d++) {
        note(w, d);
    }
    w->e->n_done++;
    return EAGLE_OK;
}

/* ---- set-up ------------------------------------------------------------------------------- */

static bool counts_create(eagle_round_counts *c, const eagle_drafter *drafter)
{
    const size_t depths = (size_t)eagle_drafter_max_nodes(drafter) + 2;

    c->histogram = eg_alloc(depths, sizeof *c->histogram);
    c->leaf = eg_alloc(depths, sizeof *c->leaf);
    return c->histogram != NULL && c->leaf != NULL;
}

static eagle_status create_results(eagle_evaluation **out, const eagle_evaluation_task *task,
                                   const eagle_evaluation_options *opt, eagle_error *err)
{
    eagle_evaluation *e = eg_alloc(1, sizeof *e);
    bool room = e != NULL;

    *out = e;
    if (room) {
        *e = (eagle_evaluation){
            .opt = *opt, .n_drafters = task->n_drafters, .n_prompts = task->n_prompts};
        e->prompt = eg_alloc((size_t)task->n_drafters * (size_t)task->n_prompts, sizeof *e->prompt);
        e->counts = eg_alloc((size_t)task->n_drafters, sizeof *e->counts);
        room = e->prompt != NULL && e->counts != NULL;
    }
    for (int32_t d = 0; room && d < task->n_drafters; d++) {
        room = counts_create(&e->counts[d], task->drafter[d]);
    }
    return room ? EAGLE_OK
                : eg_fail(err, EAGLE_ENOMEM, "no memory for the results of %d prompts",
                          task->n_prompts);
}

static eagle_status create_run(work *w, int32_t r, eagle_error *err)
{
    run *to = &w->runs[r];
    eagle_session_options how;
    eagle_status st = plan(&how, w->task, w->opt, r, err);

    if (st != EAGLE_OK) {
        return st;
    }
    const int32_t most = w->opt->max_tokens < how.ctx ? w->opt->max_tokens : how.ctx;

    to->mark = eg_alloc((size_t)most, sizeof *to->mark);
    to->seconds = eg_alloc((size_t)w->opt->repeat, sizeof *to->seconds);
    if (w->mark == NULL) {
        w->mark = eg_alloc((size_t)most, sizeof *w->mark);
    }
    if (to->mark == NULL || to->seconds == NULL || w->mark == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %d tokens", most);
    }
    w->e->opt.session.ctx = how.ctx;
    return eagle_session_create(&to->session, w->task->model, drafter_of(w->task, r), &how, err);
}

static void release(work *w)
{
    for (int32_t r = 0; w->runs != NULL && r <= w->task->n_drafters; r++) {
        eagle_session_free(w->runs[r].session);
        eagle_generation_free(&w->runs[r].g);
        free(w->runs[r].mark);
        free(w->runs[r].seconds);
    }
    free(w->runs);
    free(w->mark);
}

eagle_status eagle_evaluate(eagle_evaluation **out, const eagle_evaluation_task *task,
                            const eagle_evaluation_options *opt,
                            eagle_evaluation_progress *progress, void *ctx, eagle_error *err)
{
    work w = {.task = task, .opt = opt, .progress = progress, .ctx = ctx};
    eagle_status st = check(task, opt, err);

    *out = NULL;
    if (st != EAGLE_OK) {
        return st;
    }
    st = create_results(&w.e, task, opt, err);
    if (st == EAGLE_OK) {
        w.runs = eg_alloc((size_t)task->n_drafters + 1, sizeof *w.runs);
        if (w.runs == NULL) {
            st = eg_fail(err, EAGLE_ENOMEM, "no memory for %d drafters", task->n_drafters);
        }
    }
    for (int32_t r = first_run(opt); st == EAGLE_OK && r <= task->n_drafters; r++) {
        st = create_run(&w, r, err);
    }
    while (st == EAGLE_OK && w.e->n_done < task->n_prompts && !w.stopped) {
        st = one_prompt(&w, err);
    }
    if (st == EAGLE_OK) {
        *out = w.e;
        w.e = NULL; /* now the caller's */
    }
    release(&w);
    eagle_evaluation_free(w.e);
    return st;
}

void eagle_evaluation_free(eagle_evaluation *e)
{
    if (e == NULL) {
        return;
    }
    for (int32_t d = 0; e->counts != NULL && d < e->n_drafters; d++) {
        free(e->counts[d].histogram);
        free(e->counts[d].leaf);
    }
    free(e->counts);
    free(e->prompt);
    free(e);
}

/* ---- results ------------------------------------------------------------------------------ */

int32_t eagle_evaluation_count(const eagle_evaluation *e)
{
    return e->n_done;
}

const eagle_evaluated_prompt *eagle_evaluation_at(const eagle_evaluation *e, int32_t d, int32_t i)
{
    return &e->prompt[(size_t)d * (size_t)e->n_prompts + (size_t)i];
}

bool eagle_evaluation_judged(const eagle_evaluation *e)
{
    return e->opt.plain && e->opt.session.sampling.mode != EAGLE_VERIFY_REJECTION;
}

int32_t eagle_evaluation_differences(const eagle_evaluation *e, int32_t d)
{
    int32_t n = 0;

    for (int32_t i = 0; i < e->n_done; i++) {
        n += eagle_evaluation_at(e, d, i)->equal ? 0 : 1;
    }
    return n;
}

const eagle_round_counts *eagle_evaluation_counts(const eagle_evaluation *e, int32_t d)
{
    return &e->counts[d];
}

/* ---- figures ------------------------------------------------------------------------------ */

/* What a prompt adds to a figure about drafters a and b. */
typedef eg_parts parts_of(const eagle_evaluated_prompt *a, const eagle_evaluated_prompt *b);

static eg_parts acceptance_parts(const eagle_evaluated_prompt *a, const eagle_evaluated_prompt *b)
{
    return (eg_parts){
        {(double)a->accepted, (double)a->rounds, (double)b->accepted, (double)b->rounds}};
}

/* The token of the prefill has no part in the time. */
static eg_parts time_parts(const eagle_evaluated_prompt *a, const eagle_evaluated_prompt *b)
{
    (void)b;
    return (eg_parts){{a->plain_s, (double)(a->n_plain - 1), a->spec_s, (double)(a->n_output - 1)}};
}

static double length_of(double accepted, double rounds)
{
    return rounds > 0.0 ? 1.0 + accepted / rounds : 1.0;
}

static double acceptance(const eg_parts *sum)
{
    return length_of(sum->x[0], sum->x[1]);
}

static double difference(const eg_parts *sum)
{
    return length_of(sum->x[0], sum->x[1]) - length_of(sum->x[2], sum->x[3]);
}

static double speedup(const eg_parts *sum)
{
    const double plain = sum->x[1] > 0.0 ? sum->x[0] / sum->x[1] : 0.0;
    const double spec = sum->x[3] > 0.0 ? sum->x[2] / sum->x[3] : 0.0;

    return spec > 0.0 ? plain / spec : 0.0;
}

static eagle_status interval(eagle_interval *out, const eagle_evaluation *e, int32_t a, int32_t b,
                             parts_of *parts, eg_figure *figure, eagle_error *err)
{
    eg_parts *part = eg_alloc((size_t)e->n_done, sizeof *part);
    eagle_status st = EAGLE_OK;

    *out = (eagle_interval){0};
    if (part == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for the figures of %d prompts", e->n_done);
    }
    for (int32_t i = 0; i < e->n_done; i++) {
        part[i] = parts(eagle_evaluation_at(e, a, i), eagle_evaluation_at(e, b, i));
    }
    st = eg_bootstrap(out, figure, part, e->n_done, e->opt.resamples, e->opt.session.seed, err);
    free(part);
    return st;
}

eagle_status eagle_evaluation_acceptance(eagle_interval *out, const eagle_evaluation *e, int32_t d,
                                         eagle_error *err)
{
    return interval(out, e, d, d, acceptance_parts, acceptance, err);
}

eagle_status eagle_evaluation_difference(eagle_interval *out, const eagle_evaluation *e, int32_t a,
                                         int32_t b, eagle_error *err)
{
    return interval(out, e, a, b, acceptance_parts, difference, err);
}

eagle_status eagle_evaluation_speedup(eagle_interval *out, const eagle_evaluation *e, int32_t d,
                                      eagle_error *err)
{
    if (!e->opt.plain) {
        *out = (eagle_interval){0};
        return EAGLE_OK;
    }
    return interval(out, e, d, d, time_parts, speedup, err);
}
