/* SPDX-License-Identifier: MIT */
/* cmd_generate.c - completes prompts, with or without a head. */
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/generation.h"
#include "cli/messages.h"
#include "cli/rule_guard.h"
#include "cli/signals.h"

#include <inttypes.h>
#include <stdlib.h>

/* Everything that one run of the command owns. */
typedef struct {
    const eg_options *opt;
    eg_engine engine;
    eg_prompts prompts;
    eg_sink sink;
    eg_progress progress;
    eg_total total;
    eagle_certifier *certifier; /* NULL: --certify was not asked for */
    bool json;                  /* documents, one a line, in place of text */
} job;

/* How accepted tokens are shown: as asked for, else in colour where a person looks. */
static int32_t marking(const job *j)
{
    const char *no_color = getenv("NO_COLOR");

    if (EG_GIVEN(j->opt, EG_OPT_MARK)) {
        return j->opt->mark;
    }
    return j->sink.terminal && (no_color == NULL || no_color[0] == '\0') ? EG_MARK_COLOR
                                                                         : EG_MARK_NONE;
}

static eagle_status check(const eg_options *opt, eagle_error *err)
{
    eagle_status st = eg_prompts_check(opt, err);

    if (st == EAGLE_OK) {
        st = eg_engine_check(opt, err);
    }
    return st;
}

/* Opens everything; the session has room for the longest prompt. */
static eagle_status start(job *j, eagle_error *err)
{
    const eg_options *opt = j->opt;
    bool ids = opt->prompt_ids != NULL || opt->prompts != NULL; /* its lines may all be ids */
    int32_t longest = 0;
    int32_t ctx = 0;
    eagle_status st = eg_engine_open(&j->engine, opt, ids, err);

    if (st == EAGLE_OK) {
        st = eg_prompts_read(&j->prompts, opt, j->engine.tokenizer,
                             eagle_model_config(j->engine.model)->vocab, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    if (opt->stop.n > 0 && j->engine.tokenizer == NULL) {
        return eg_cli_fail(err, EAGLE_EREAD, "%s: no usable tokenizer.json, which --stop needs",
                           opt->model);
    }
    for (int32_t i = 0; i < j->prompts.n; i++) {
        longest = j->prompts.item[i].n > longest ? j->prompts.item[i].n : longest;
    }
    st = eg_engine_ctx(&ctx, &j->engine, opt, longest, opt->max_tokens, err);
    if (st == EAGLE_OK) {
        st = eg_engine_start(&j->engine, opt, ctx, 0, 0, err);
    }
    if (st == EAGLE_OK && opt->certify) {
        const eagle_session_options *how = &j->engine.how;

        eg_fraction_guard();
        st = eagle_certifier_create(&j->certifier, eagle_model_config(j->engine.model)->vocab,
                                    how->max_nodes, how->sampling.mode, err);
    }
    return st == EAGLE_OK ? eg_sink_open(&j->sink, opt->output, err) : st;
}

/* What --certify found: a line, and a failure when a node had another law or was not looked at. */
static eagle_status report_certified(const job *j, eagle_error *err)
{
    const eagle_certified *c = NULL;

    if (j->certifier == NULL) {
        return EAGLE_OK;
    }
    c = eagle_certifier_found(j->certifier);
    eg_cli_note(j->opt->quiet,
                "certified: at %" PRId64 " of %" PRId64
                " nodes the law is plain sampling's, over %" PRId32 " tokens, in %" PRId64
                " runs; %" PRId64 " nodes left out",
                c->nodes - c->refuted, c->nodes, eagle_model_config(j->engine.model)->vocab,
                c->runs, c->skipped);
    if (c->refuted > 0) {
        return eg_cli_fail(err, EAGLE_EFAILED,
                           "certify: %" PRId64 " of %" PRId64 " nodes have another law", c->refuted,
                           c->nodes);
    }
    return c->skipped == 0 ? EAGLE_OK
                           : eg_cli_fail(err, EAGLE_EINCONCLUSIVE,
                                         "certify: %" PRId64 " of %" PRId64
                                         " nodes are left out: their children can be drawn in more "
                                         "than 4096 ways",
                                         c->skipped, c->nodes + c->skipped);
}

/* The text behind --explain's rounds, or the end of the streamed one: a newline. */
static eagle_status end_text(job *j, eg_text *text, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    if (j->opt->explain) {
        st = eg_sink_text(&j->sink, "\n", err);
        if (st == EAGLE_OK) {
            st = eg_text_show(text, &j->sink, marking(j), true, err);
        }
    }
    return st == EAGLE_OK ? eg_sink_text(&j->sink, "\n", err) : st;
}

static eagle_status end_json(job *j, const eagle_generation *g, const eg_prompt *prompt,
                             const eg_text *text, json_t *rounds, eagle_error *err)
{
    json_t *doc = NULL;
    eagle_status st = eg_document(&doc, &j->engine, j->opt, g, prompt, text, rounds);

    if (st == EAGLE_OK && j->certifier != NULL) {
        st = eg_document_certified(doc, eagle_certifier_found(j->certifier));
    }
    if (st != EAGLE_OK) {
        json_decref(doc);
        return eg_cli_fail(err, st, "no memory for the JSON document");
    }
    st = eg_sink_json(&j->sink, doc, err);
    json_decref(doc);
    return st;
}

static eagle_status one_prompt(job *j, const eg_prompt *prompt, eagle_error *err)
{
    eg_text text = {0};
    eagle_generation g = {0};
    eg_explain explain = {.engine = &j->engine, .sink = j->json ? NULL : &j->sink};
    eg_listener to = {
        .text = &text, .mark = marking(j), .progress = &j->progress, .certifier = j->certifier};
    eagle_status st = eg_text_start(&text, j->engine.tokenizer, prompt, j->opt, err);

    if (j->opt->explain) {
        explain.rounds = j->json ? json_array() : NULL;
        to.explain = &explain;
    } else if (!j->json) {
        to.sink = &j->sink;
    }
    if (st == EAGLE_OK) {
        st = eg_generation_run(&g, &j->engine, j->opt, prompt, &to, err);
    }
    eg_progress_clear(&j->progress);
    if (st == EAGLE_OK && j->json) {
        st = end_json(j, &g, prompt, &text, explain.rounds, err);
    } else if (st == EAGLE_OK) {
        st = end_text(j, &text, err);
    }
    if (st == EAGLE_OK) {
        st = eg_sink_flush(&j->sink, err);
    }
    if (st == EAGLE_OK) {
        eg_total_add(&j->total, &g);
    }
    json_decref(explain.rounds);
    eagle_generation_free(&g);
    eg_text_free(&text);
    return st;
}

eagle_status eg_cmd_generate(const eg_options *opt, eagle_error *err)
{
    job j = {.opt = opt, .json = opt->format == EG_FORMAT_JSON || opt->prompts != NULL};
    eagle_status st = check(opt, err);

    if (st == EAGLE_OK) {
        st = start(&j, err);
    }
    if (st == EAGLE_OK) {
        eg_signals_hold(); /* from here on Ctrl-C keeps the text so far */
        eg_progress_start(&j.progress, opt->quiet);
    }
    for (int32_t i = 0; st == EAGLE_OK && i < j.prompts.n && eg_signals_caught() == 0; i++) {
        st = one_prompt(&j, &j.prompts.item[i], err);
    }
    eg_progress_clear(&j.progress);
    if (st == EAGLE_OK) {
        st = eg_sink_commit(&j.sink, err);
    }
    if (st == EAGLE_OK) {
        eg_closing_line(&j.engine, &j.total, opt);
        st = report_certified(&j, err);
    }
    eagle_certifier_free(j.certifier);
    eg_sink_close(&j.sink);
    eg_prompts_free(&j.prompts);
    eg_engine_close(&j.engine);
    return st;
}
