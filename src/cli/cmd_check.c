/* SPDX-License-Identifier: MIT */
/* cmd_check.c - judges another implementation's runs. */
#include "cli/check_report.h"
#include "cli/commands.h"
#include "cli/messages.h"
#include "cli/progress.h"
#include "cli/signals.h"

/* Everything that one run of the command owns. */
typedef struct {
    const eg_options *opt;
    eg_engine engine;
    eagle_claims *claims;
    eagle_claims *control;
    eagle_check_options how;
    eagle_check_report *report;
    eg_progress progress;
    eg_sink sink;
} job;

static eagle_status check(const eg_options *opt, eagle_error *err)
{
    if (opt->n_args == 0) {
        return eg_cli_fail(err, EAGLE_EINVAL,
                           "needs a file: a trace, JSON lines of token ids, or responses");
    }
    return eg_engine_check(opt, err);
}

static bool go_on(void *ctx, int64_t done, int64_t of)
{
    job *j = ctx;

    eg_progress_update(&j->progress, "judged token", done, of);
    return eg_signals_caught() == 0;
}

/* The options of the judgement. */
static void plan(job *j)
{
    const eg_options *opt = j->opt;
    static const eagle_check_verdict near[] = {[EG_NEAR_PASS] = EAGLE_CHECK_PASS,
                                               [EG_NEAR_WARN] = EAGLE_CHECK_NEAR_TIE,
                                               [EG_NEAR_FAIL] = EAGLE_CHECK_FAIL};
    eagle_session_options session;

    eg_engine_plan(&session, &j->engine, opt, opt->chunk, 0);
    eagle_check_defaults(&j->how);
    j->how.sampling = session.sampling;
    j->how.sampling_given = EG_GIVEN(opt, EG_OPT_TEMP) || EG_GIVEN(opt, EG_OPT_TOP_K) ||
                            EG_GIVEN(opt, EG_OPT_TOP_P) || EG_GIVEN(opt, EG_OPT_MIN_P);
    j->how.rule = opt->rule;
    j->how.eps = opt->eps;
    j->how.shift = opt->shift;
    j->how.dtype = EG_GIVEN(opt, EG_OPT_CHECK_DTYPE) ? opt->dtype : j->how.dtype;
    j->how.dtype_given = EG_GIVEN(opt, EG_OPT_CHECK_DTYPE);
    j->how.threads = session.threads;
    j->how.isa = opt->isa;
    j->how.chunk = opt->chunk;
    j->how.near = near[opt->near_tie];
    j->how.head = j->engine.head;
    j->how.strict_draft = opt->draft == EG_DRAFT_STRICT;
    j->how.go_on = go_on;
    j->how.ctx = j;
}

static eagle_status start(job *j, eagle_error *err)
{
    const eg_options *opt = j->opt;
    eagle_status st = eagle_claims_open(&j->claims, opt->args[0], err);

    if (st == EAGLE_OK && opt->control != NULL) {
        st = eagle_claims_open(&j->control, opt->control, err);
    }
    if (st == EAGLE_OK) {
        st = eg_engine_open(&j->engine, opt, true, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    plan(j);
    st = eagle_check_bill(&j->engine.bill, j->engine.model, j->claims, j->control, &j->how, err);
    if (st == EAGLE_OK) {
        st = eg_engine_afford(&j->engine.bill, opt, 0, err);
    }
    return st == EAGLE_OK ? eg_sink_open(&j->sink, opt->output, err) : st;
}

static eagle_status report(job *j, eagle_error *err)
{
    const eg_check_report r = {.opt = j->opt,
                               .engine = &j->engine,
                               .path = j->opt->args[0],
                               .claims = j->claims,
                               .report = j->report};
    eagle_status st = j->opt->format == EG_FORMAT_JSON ? eg_check_json(&j->sink, &r, err)
                                                       : eg_check_text(&j->sink, &r, err);

    return st == EAGLE_OK ? eg_sink_commit(&j->sink, err) : st;
}

/* The verdict becomes the exit code, with one line that says why. */
static eagle_status conclude(const job *j, eagle_error *err)
{
    const eagle_check_line *line;
    const eagle_check_verdict verdict = eagle_check_verdict_of(j->report);
    const eagle_status st = eagle_check_status(j->report);

    if (st == EAGLE_OK) {
        return EAGLE_OK;
    }
    for (int32_t i = 0; (line = eagle_check_line_at(j->report, i)) != NULL; i++) {
        if (line->verdict == verdict) {
            return eg_cli_fail(err, st, "%s: %s: %s", eagle_check_verdict_name(verdict), line->name,
                               line->detail[0] != '\0' ? line->detail : line->text);
        }
    }
    return eg_cli_fail(err, st, "%s", eagle_check_verdict_name(verdict));
}

eagle_status eg_cmd_check(const eg_options *opt, eagle_error *err)
{
    job j = {.opt = opt};
    eagle_status st = check(opt, err);

    if (st == EAGLE_OK) {
        st = start(&j, err);
    }
    if (st == EAGLE_OK) {
        eg_signals_hold();
        eg_progress_start(&j.progress, opt->quiet);
        st = eagle_check(&j.report, j.engine.model, j.claims, j.control, &j.how, err);
        eg_progress_clear(&j.progress);
        if (st != EAGLE_OK && eg_signals_caught() != 0) { /* main() has the exit code */
            eg_cli_note(false, "interrupted: nothing was judged to its end, there is no verdict");
            *err = (eagle_error){0};
            st = EAGLE_OK;
        }
    }
    if (st == EAGLE_OK && j.report != NULL) {
        st = report(&j, err);
        st = st == EAGLE_OK ? conclude(&j, err) : st;
    }
    eg_sink_close(&j.sink);
    eagle_check_report_free(j.report);
    eagle_claims_free(j.control);
    eagle_claims_free(j.claims);
    eg_engine_close(&j.engine);
    return st;
}
