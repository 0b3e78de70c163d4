/* SPDX-License-Identifier: MIT */
/* cmd_eval.c - measures heads and trees on a file of prompts. */
#include "cli/commands.h"
#include "cli/eval_report.h"
#include "cli/messages.h"
#include "cli/progress.h"
#include "cli/prompts.h"
#include "cli/signals.h"

#include <stdlib.h>

/* Everything that one run of the command owns. */
typedef struct {
    const eg_options *opt;
    eg_engine engine;
    eg_prompts prompts;
    eg_contenders contenders;
    eagle_prompt *prompt;          /* [prompts.n] views    */
    const eagle_drafter **drafter; /* [contenders.n] views */
    eagle_evaluation_task task;
    eagle_evaluation_options how;
    eagle_evaluation *e;
    eg_progress progress;
    eg_sink sink;
} job;

static eagle_status check(const eg_options *opt, eagle_error *err)
{
    eagle_status st = eg_engine_check(opt, err);

    if (st != EAGLE_OK) {
        return st;
    }
    if (opt->head == NULL) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs a head: -H DIR");
    }
    if (opt->prompts == NULL) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs prompts: --prompts FILE");
    }
    if (opt->max_tokens == 0) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--max-tokens 0: a round needs a token at least");
    }
    return EAGLE_OK;
}

/* Everything that is to be evaluated, side by side as the library wants it. */
static eagle_status make_task(job *j, eagle_error *err)
{
    const eg_contenders *c = &j->contenders;

    j->prompt = calloc((size_t)j->prompts.n, sizeof *j->prompt);
    j->drafter = calloc((size_t)c->n, sizeof *j->drafter);
    if (j->prompt == NULL || j->drafter == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for %d prompts", j->prompts.n);
    }
    for (int32_t i = 0; i < j->prompts.n; i++) {
        j->prompt[i] = (eagle_prompt){.token = j->prompts.item[i].ids, .n = j->prompts.item[i].n};
    }
    for (int32_t d = 0; d < c->n; d++) {
        j->drafter[d] = c->item[d].drafter;
    }
    j->task = (eagle_evaluation_task){.model = j->engine.model,
                                      .drafter = j->drafter,
                                      .n_drafters = c->n,
                                      .prompt = j->prompt,
                                      .n_prompts = j->prompts.n};
    return EAGLE_OK;
}

/* Settles the context and looks at the bill of all sessions. */
static eagle_status plan(job *j, eagle_error *err)
{
    const eg_options *opt = j->opt;
    int32_t ctx = 0;
    eagle_status st = EAGLE_OK;

    j->how = (eagle_evaluation_options){.max_tokens = opt->max_tokens,
                                        .ignore_end = opt->ignore_eos,
                                        .plain = !opt->no_plain,
                                        .repeat = opt->repeat,
                                        .resamples = opt->resamples};
    eg_engine_warn_ctx(&j->engine, opt);
    eg_engine_plan(&j->how.session, &j->engine, opt, opt->ctx, 0);
    j->how.session.chunk = opt->chunk;
    st = eagle_evaluation_bill(&j->engine.bill, &ctx, &j->task, &j->how, err);
    if (st == EAGLE_OK) {
        st = eg_engine_afford(&j->engine.bill, opt, 0, err);
    }
    j->how.session.ctx = ctx;
    j->engine.how = j->how.session;
    return st;
}

static eagle_status start(job *j, eagle_error *err)
{
    eagle_status st = eg_engine_open(&j->engine, j->opt, true, err);

    if (st == EAGLE_OK) {
        st = eg_contenders_open(&j->contenders, &j->engine, j->opt, err);
    }
    if (st == EAGLE_OK) {
        st = eg_prompts_read(&j->prompts, j->opt, j->engine.tokenizer,
                             eagle_model_config(j->engine.model)->vocab, err);
    }
    if (st == EAGLE_OK) {
        st = make_task(j, err);
    }
    if (st == EAGLE_OK) {
        st = plan(j, err);
    }
    if (st == EAGLE_OK) {
        eg_engine_tell(&j->engine, j->opt);
        st = eg_sink_open(&j->sink, j->opt->output, err);
    }
    return st;
}

static bool go_on(void *ctx, int32_t done, int32_t of)
{
    job *j = ctx;

    eg_progress_update(&j->progress, "prompt", done, of);
    return eg_signals_caught() == 0;
}

static eagle_status report(job *j, eagle_error *err)
{
    const eg_eval_report r = {.opt = j->opt,
                              .engine = &j->engine,
                              .contenders = &j->contenders,
                              .e = j->e,
                              .n_asked = j->prompts.n};
    eagle_status st = j->opt->format == EG_FORMAT_JSON ? eg_eval_json(&j->sink, &r, err)
                                                       : eg_eval_text(&j->sink, &r, err);

    return st == EAGLE_OK ? eg_sink_commit(&j->sink, err) : st;
}

/* EAGLE_EFAILED, and where, when any drafter changed the output. */
static eagle_status judge(const job *j, eagle_error *err)
{
    for (int32_t d = 0; d < j->contenders.n; d++) {
        for (int32_t i = 0; i < eagle_evaluation_count(j->e); i++) {
            const eagle_evaluated_prompt *p = eagle_evaluation_at(j->e, d, i);

            if (!p->equal) {
                return eg_cli_fail(err, EAGLE_EFAILED,
                                   "%s, %s: another output than plain decoding on %d of %d "
                                   "prompts; first on prompt %d, from token %d",
                                   j->contenders.item[d].head, j->contenders.item[d].tree,
                                   eagle_evaluation_differences(j->e, d),
                                   eagle_evaluation_count(j->e), i + 1, p->first_difference + 1);
            }
        }
    }
    return EAGLE_OK;
}

eagle_status eg_cmd_eval(const eg_options *opt, eagle_error *err)
{
    job j = {.opt = opt};
    eagle_status st = check(opt, err);

    if (st == EAGLE_OK) {
        st = start(&j, err);
    }
    if (st == EAGLE_OK) {
        eg_signals_hold(); /* from here on Ctrl-C keeps the prompts that are complete */
        eg_progress_start(&j.progress, opt->quiet);
        st = eagle_evaluate(&j.e, &j.task, &j.how, go_on, &j, err);
        eg_progress_clear(&j.progress);
    }
    if (st == EAGLE_OK) {
        st = report(&j, err);
    }
    if (st == EAGLE_OK) {
        st = judge(&j, err);
    }
    eg_sink_close(&j.sink);
    eagle_evaluation_free(j.e);
    free(j.drafter);
    free(j.prompt);
    eg_contenders_free(&j.contenders);
    eg_prompts_free(&j.prompts);
    eg_engine_close(&j.engine);
    return st;
}
