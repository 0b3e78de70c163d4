/* SPDX-License-Identifier: MIT */
/* cmd_check_samples.c - judges the samples of another implementation. */
#include "cli/commands.h"
#include "cli/engine.h"
#include "cli/messages.h"
#include "cli/samples_report.h"
#include "cli/signals.h"

#define NODES 256 /* contexts of one pass: their logits take 128 MiB for 131072 tokens */

typedef struct {
    const eg_options *opt;
    eagle_model *model; /* NULL: the sampler's law needs none */
    eagle_responses *responses;
    eagle_responses *control; /* NULL: none */
    eagle_samples_options how;
    eagle_session_options session;
    eagle_samples_verdict verdict;
    eg_progress progress;
    eg_sink sink;
} job;

static eagle_status check(const job *j, eagle_error *err)
{
    const eg_options *opt = j->opt;
    eagle_samples *empty = NULL;

    if (opt->n_args < 1) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs a file of samples");
    }
    if (opt->model == NULL && opt->samples.null == EAGLE_NULL_MODEL) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs a model: -m DIR, or --null sampler");
    }
    if (opt->samples.processed && opt->samples.null == EAGLE_NULL_MODEL) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--processed: goes with --null sampler");
    }
    if (opt->samples.control != NULL && opt->samples.delta > 0.0) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--delta and --control: give only one");
    }
    eagle_status st = eagle_samples_create(&empty, 1, &j->how, err); /* looks at the options */

    eagle_samples_free(empty);
    return st;
}

static void plan(job *j)
{
    const eg_options *opt = j->opt;

    eagle_samples_defaults(&j->how);
    j->how.sampling.temperature = opt->temperature;
    j->how.sampling.top_k = opt->top_k;
    j->how.sampling.top_p = opt->top_p;
    j->how.sampling.min_p = opt->min_p;
    j->how.null = (eagle_samples_null)opt->samples.null;
    j->how.processed = opt->samples.processed;
    j->how.delta = opt->samples.delta;
    j->how.alpha = opt->samples.alpha;
    j->how.tv = opt->samples.tv;
    j->how.power = opt->samples.power;
    j->how.seed = opt->seed;
    eagle_session_defaults(&j->session);
    j->session.ctx = EG_GIVEN(opt, EG_OPT_CTX) ? opt->ctx : 0; /* 0: what is needed */
    j->session.chunk = opt->chunk;
    j->session.max_nodes = NODES;
    j->session.threads = EG_GIVEN(opt, EG_OPT_THREADS) ? opt->threads : 0;
    j->session.isa = opt->isa;
}

/* The memory of the longest continuation. */
static eagle_status afford(const job *j, eagle_error *err)
{
    eagle_session_options how = j->session;
    eagle_memory_bill bill;

    how.ctx = how.ctx > 0 ? how.ctx : eagle_model_config(j->model)->context;
    for (int32_t i = 0, longest = 0; i < eagle_responses_count(j->responses); i++) {
        const eagle_response *r = eagle_responses_at(j->responses, i);

        longest = r->n_prompt + r->n_output > longest ? r->n_prompt + r->n_output : longest;
        how.ctx = longest < how.ctx ? longest : how.ctx;
    }
    eagle_status st = eagle_session_bill(&bill, j->model, NULL, &how, err);

    return st == EAGLE_OK ? eg_engine_afford(&bill, j->opt, 0, err) : st;
}

static eagle_status start(job *j, eagle_error *err)
{
    const bool scored = j->opt->samples.null == EAGLE_NULL_MODEL;
    eagle_status st = EAGLE_OK;

    if (j->opt->model != NULL) {
        st = eagle_model_open(&j->model, j->opt->model, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_responses_read(&j->responses, j->opt->args[0],
                                  j->model != NULL ? eagle_model_config(j->model)->vocab : 0, err);
    }
    if (st == EAGLE_OK && j->opt->samples.control != NULL) {
        st = eagle_responses_read(&j->control, j->opt->samples.control,
                                  j->model != NULL ? eagle_model_config(j->model)->vocab : 0, err);
    }
    if (st == EAGLE_OK && scored) {
        st = afford(j, err);
    }
    return st == EAGLE_OK ? eg_sink_open(&j->sink, j->opt->output, err) : st;
}

static bool go_on(void *ctx, int64_t done, int64_t of)
{
    job *j = ctx;

    eg_progress_update(&j->progress, "token", done, of);
    return eg_signals_caught() == 0;
}

static eagle_status report(job *j, eagle_error *err)
{
    const eg_samples_report r = {.opt = j->opt,
                                 .path = j->opt->args[0],
                                 .responses = j->responses,
                                 .verdict = &j->verdict,
                                 .control = j->control,
                                 .interrupted = eg_signals_caught() != 0};
    eagle_status st = j->opt->format == EG_FORMAT_JSON ? eg_samples_json(&j->sink, &r, err)
                                                       : eg_samples_text(&j->sink, &r, err);

    st = st == EAGLE_OK ? eg_sink_commit(&j->sink, err) : st;
    if (st == EAGLE_OK && !r.interrupted && j->verdict.status != EAGLE_OK) {
        st = j->verdict.status; /* the report has said it: no line on stderr */
    }
    return st;
}

eagle_status eg_cmd_check_samples(const eg_options *opt, eagle_error *err)
{
    job j = {.opt = opt};
    eagle_status st = EAGLE_OK;

    plan(&j);
    st = check(&j, err);
    if (st == EAGLE_OK) {
        st = start(&j, err);
    }
    if (st == EAGLE_OK) {
        eg_signals_hold(); /* from here on Ctrl-C judges what was scored */
        eg_progress_start(&j.progress, opt->quiet);
        const eagle_samples_task task = {.model = j.model,
                                         .responses = j.responses,
                                         .control = j.control,
                                         .session = &j.session};

        st = eagle_samples_check(&j.verdict, &task, &j.how, go_on, &j, err);
        eg_progress_clear(&j.progress);
    }
    if (st == EAGLE_OK) {
        st = report(&j, err);
    }
    eg_sink_close(&j.sink);
    eagle_samples_verdict_free(&j.verdict);
    eagle_responses_free(j.control);
    eagle_responses_free(j.responses);
    eagle_model_free(j.model);
    return st;
}
