/* SPDX-License-Identifier: MIT */
/* check.c - the judgement of all runs: who judges, in which order, and what comes of it. */
#include "check/claims.h"
#include "check/judge.h"
#include "check/repeats.h"

#include "base/alloc.h"
#include "model/model.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

void eagle_check_defaults(eagle_check_options *opt)
{
    *opt = (eagle_check_options){.dtype = EAGLE_F32, .chunk = 64, .near = EAGLE_CHECK_NEAR_TIE};
    eagle_sampling_defaults(&opt->sampling);
}

/* ---- a run ---------------------------------------------------------------------------------- */

static bool says_sampling(const eg_claim *c, const eagle_check_options *opt)
{
    return c->has_sampling && !opt->sampling_given;
}

/* A rule that the caller names is asked of every run, before any is judged. */
static eagle_status check_rule(const eagle_claims *claims, const eagle_check_options *opt,
                               eagle_error *err)
{
    eg_float_rule rule;

    if (opt->rule != NULL && !eg_float_rule_named(&rule, opt->rule)) {
        return eg_fail(err, EAGLE_EINVAL, "no accept rule is called \"%.40s\"", opt->rule);
    }
    for (int32_t i = 0; opt->rule != NULL && i < claims->n; i++) {
        const eg_claim *c = claims->claim[i];
        const eagle_sampling *s = says_sampling(c, opt) ? &c->sampling : &opt->sampling;

        if (!(s->temperature > 0.0f)) {
            return eg_fail(
                err, EAGLE_EINVAL,
                "%s: a greedy run: no temperature is recorded or given, and no decision drawn "
                "that the rule \"%.40s\" would make",
                c->name, opt->rule);
        }
    }
    return EAGLE_OK;
}

/* What the run says of its sampling, or the caller of it. */
static eagle_status settle(eg_judge *j, eagle_error *err)
{
    const eg_claim *c = j->claim;
    const eagle_check_options *opt = j->opt;
    const char *rule = opt->rule != NULL ? opt->rule : c->rule;
    const bool said = says_sampling(c, opt);

    j->sampling = said ? c->sampling : opt->sampling;
    j->dtype = opt->dtype_given ? opt->dtype : c->dtype;
    j->own_rule = rule[0] == '\0';
    if (!j->own_rule && !eg_float_rule_named(&j->rule, rule)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: no accept rule is called \"%.40s\"", c->name, rule);
    }
    const bool drawn = j->sampling.temperature > 0.0f;

    /* A mode that the file names stays, whatever else the caller says of the sampling. */
    if (!drawn) {
        j->sampling.mode = EAGLE_VERIFY_GREEDY;
    } else if (c->mode_known && c->sampling.mode != EAGLE_VERIFY_GREEDY) {
        j->sampling.mode = c->sampling.mode;
    } else if (j->sampling.mode == EAGLE_VERIFY_GREEDY || said) {
        j->sampling.mode = EAGLE_VERIFY_REJECTION;
    }
    j->rule_known = !drawn || !j->own_rule || c->mode_known;
    return eagle_sampling_check(&j->sampling, false, err);
}

static eagle_status room_of_run(eg_judge *j, eagle_error *err)
{
    const size_t vocab = (size_t)j->config->vocab;

    j->walkable = eg_alloc((size_t)j->claim->n_rounds, sizeof *j->walkable);
    j->law = eg_alloc(vocab, sizeof *j->law);
    j->theirs = eg_alloc(vocab, sizeof *j->theirs);
    j->row = eg_alloc(vocab, sizeof *j->row);
    j->order = eg_alloc(vocab, sizeof *j->order);
    return j->walkable != NULL && j->law != NULL && j->theirs != NULL && j->row != NULL &&
                   j->order != NULL
               ? EAGLE_OK
               : eg_fail(err, EAGLE_ENOMEM, "no memory for the laws of %d tokens",
                         j->config->vocab);
}

static void free_room(eg_judge *j)
{
    free(j->order);
    free(j->row);
    free(j->theirs);
    free(j->law);
    free(j->walkable);
}

bool eg_goes_on_at(const eg_judge *j, int64_t done)
{
    return j->opt->go_on == NULL || j->opt->go_on(j->opt->ctx, j->before + done, j->tokens);
}

bool eg_goes_on(const eg_judge *j)
{
    return eg_goes_on_at(j, j->claim->n);
}

static eagle_status judge_run(eg_judge *j, eagle_error *err)
{
    static eagle_status (*const judges[])(eg_judge *, eagle_error *) = {
        eg_judge_tokens,  eg_judge_logits,     eg_judge_replay, eg_judge_acceptance,
        eg_judge_digests, eg_judge_operations, eg_judge_drift,  eg_judge_draft};
    const bool told = j->report->first.found;
    eagle_status st = settle(j, err);

    if (st == EAGLE_OK) {
        st = room_of_run(j, err);
    }
    if (st == EAGLE_OK) {
        st = eg_judge_structure(j, err);
    }
    for (size_t i = 0; st == EAGLE_OK && i < sizeof judges / sizeof judges[0]; i++) {
        if (i > 0 && !eg_goes_on(j)) {
            st = eg_fail(err, EAGLE_EINCONCLUSIVE, "interrupted");
            break;
        }
        st = judges[i](j, err);
    }
    if (st == EAGLE_OK && !told && j->report->first.found) {
        st = eg_explain(j, err);
    }
    if (j->claim->lossy) {
        eg_problem(eg_line(j->report, "declared"), EAGLE_CHECK_LOSSY,
                   "%s says that it changes the law", j->claim->name);
    }
    free_room(j);
    return st;
}

/* ---- all runs ------------------------------------------------------------------------------- */

static eagle_status check_all(const eagle_claims *claims, const eagle_config *config,
                              eg_ours_room *room, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    for (int32_t i = 0; st == EAGLE_OK && i < claims->n; i++) {
        const eg_claim *c = claims->claim[i];

        st = eg_claim_check(c, config, err);
        room->ctx = c->n > room->ctx ? c->n : room->ctx;
        for (int32_t r = 0; st == EAGLE_OK && r < c->n_rounds; r++) {
            const int32_t n = c->round[r].n_nodes;

            room->nodes = n > room->nodes ? n : room->nodes;
        }
    }
    return st;
}

static int64_t tokens_of(const eagle_claims *claims)
{
    int64_t n = 0;

    for (int32_t i = 0; i < claims->n; i++) {
        n += claims->claim[i]->n;
    }
    return n;
}

/* What passes from the control's runs to the others. */
typedef struct {
    double share;   /* of its rows, the largest error as a share of its bound; 0: none */
    int64_t done;   /* tokens that were judged */
    int64_t tokens; /* of all runs             */
} course;

/* Judges `claims` into `report`. */
static eagle_status judge_all(eagle_check_report *report, eg_ours *ours, const eagle_model *model,
                              const eagle_claims *claims, const eagle_check_options *opt,
                              course *all, bool control, eagle_error *err)
{
    eg_noise noise = {0};
    eg_drift drift = {0};
    eg_acceptance acceptance = {0};
    /* Errors that the control has too are the target's own, up to what rounding may explain. */
    const double slack = fmin(fmax(all->share, 1.0), EG_NO_ROUNDING);
    const bool settled = opt->eps > 0.0 || all->share > 0.0;
    int32_t *repeated = NULL;
    eagle_status st = eg_repeats(&repeated, claims, err);

    for (int32_t i = 0; st == EAGLE_OK && i < claims->n; i++) {
        eg_judge j = {.opt = opt,
                      .model = model,
                      .config = &model->target.config,
                      .report = report,
                      .ours = ours,
                      .noise = &noise,
                      .drift = &drift,
                      .acceptance = &acceptance,
                      .claim = claims->claim[i],
                      .run = i,
                      .repeated = repeated[i],
                      .before = all->done,
                      .tokens = all->tokens,
                      .slack = slack,
                      .settled = settled,
                      .control = control};

        st = judge_run(&j, err);
        all->done += claims->claim[i]->n;
    }
    if (st == EAGLE_OK) {
        eg_noise_report(report, &noise);
        eg_acceptance_report(report, &acceptance);
        eg_operations_report(report);
        eg_drift_report(report, &drift);
        eg_digests_report(report);
        eg_noise_judge_tokens(report, &noise, model->target.config.vocab);
        all->share = noise.share;
        eg_ask_shift(report, opt->shift);
    }
    free(repeated);
    eg_drift_free(&drift);
    eg_noise_free(&noise);
    return st;
}

/* Lines that nothing was judged on say what they would have needed. */
static void say_absent(eagle_check_report *report)
{
    static const char *const needs[][2] = {
        {"draws", "none recorded: a trace of level 4 has them, above temperature 0"},
        {"logits", "needs logits: a trace of level 2"},
        {"operations", "needs every operation's output: a trace of level 4"},
        {"acceptance", "needs drafted trees: a trace of level 2"},
        {"draft", "needs a head, and a trace of level 2 with the nodes' scores"},
        {"decisions", "needs logits, and above temperature 0 draws or the seed"},
    };

    for (size_t i = 0; i < sizeof needs / sizeof needs[0]; i++) {
        eagle_check_line *line = eg_line(report, needs[i][0]);

        if (line->verdict == EAGLE_CHECK_ABSENT && line->text[0] == '\0') {
            eg_say(line, "%s", needs[i][1]);
        }
    }
}

/* The worst of the lines. What a run does not have is no verdict, but that no token could be judged
 * is one. */
static void conclude(eagle_check_report *report, const eagle_check_options *opt)
{
    eagle_check_verdict worst = EAGLE_CHECK_PASS;
    const eagle_check_line *decisions = eg_line(report, "decisions");

    if (decisions->n_judged > 0) {
        eg_say(eg_line(report, "decisions"),
               "%lld rounds replayed, %lld otherwise, %lld of them "
               "more than rounding explains",
               (long long)decisions->n_judged, (long long)decisions->n_different,
               (long long)decisions->n_failed);
    }
    say_absent(report);
    for (int32_t i = 0; i < report->n_lines; i++) {
        eagle_check_verdict v = report->line[i].verdict;

        v = v == EAGLE_CHECK_NEAR_TIE ? opt->near : v;
        v = v == EAGLE_CHECK_DRAFT_DIFF ? (opt->strict_draft ? EAGLE_CHECK_FAIL : EAGLE_CHECK_PASS)
                                        : v;
        worst = v > worst ? v : worst;
    }
    report->verdict = worst;
}

eagle_status eagle_check_bill(eagle_memory_bill *out, const eagle_model *model,
                              const eagle_claims *claims, const eagle_claims *control,
                              const eagle_check_options *opt, eagle_error *err)
{
    eg_ours_room room = {.ctx = 1, .nodes = 1, .count_only = true};
    eg_ours ours = {0};
    const eagle_tensor *t;
    eagle_status st = check_all(claims, &model->target.config, &room, err);

    *out = (eagle_memory_bill){0};
    if (st == EAGLE_OK && control != NULL) {
        st = check_all(control, &model->target.config, &room, err);
    }
    if (st == EAGLE_OK) {
        st = eg_ours_make(&ours, model, &room, opt, err);
    }
    for (int32_t i = 0; st == EAGLE_OK && (t = eagle_model_tensor(model, i)) != NULL; i++) {
        out->weights += t->size;
    }
    out->target_kv = ours.arena.bytes[EG_FOR_TARGET_KV];
    out->work = ours.arena.bytes[EG_FOR_WORK];
    eg_ours_release(&ours);
    return st;
}

eagle_status eagle_check(eagle_check_report **out, const eagle_model *model,
                         const eagle_claims *claims, const eagle_claims *control,
                         const eagle_check_options *opt, eagle_error *err)
{
    const eagle_config *config = &model->target.config;
    eagle_check_report *report = eg_alloc(1, sizeof *report);
    eagle_check_report *other = eg_alloc(1, sizeof *other);
    eg_ours ours = {0};
    eg_ours_room room = {.ctx = 1, .nodes = 1};
    bool same = true;
    course all = {.tokens = tokens_of(claims) + (control != NULL ? tokens_of(control) : 0)};
    eagle_status st = check_all(claims, config, &room, err);

    *out = NULL;
    if (st == EAGLE_OK && control != NULL) {
        st = check_all(control, config, &room, err);
    }
    st = st == EAGLE_OK ? check_rule(claims, opt, err) : st;
    if (st == EAGLE_OK && opt->head != NULL && opt->head->target != &model->target) {
        st = eg_fail(err, EAGLE_EFIT, "the head was made for another model");
    }
    if (st == EAGLE_OK && (report == NULL || other == NULL)) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory for a report");
    }
    if (st == EAGLE_OK) {
        st = eg_ours_make(&ours, model, &room, opt, err);
    }
    if (st == EAGLE_OK && control != NULL) {
        st = judge_all(other, &ours, model, control, opt, &all, true, err);
    }
    if (st == EAGLE_OK) {
        st = judge_all(report, &ours, model, claims, opt, &all, false, err);
    }
    if (st == EAGLE_OK && control != NULL) {
        st = eg_same_prompts(&same, claims, control, err);
    }
    if (st == EAGLE_OK && control != NULL) {
        eg_judge_control(report, other, same);
    }
    if (st == EAGLE_OK) {
        conclude(report, opt);
        *out = report;
        report = NULL;
    }
    eg_ours_release(&ours);
    eagle_check_report_free(other);
    eagle_check_report_free(report);
    return st;
}
