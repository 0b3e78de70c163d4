/* SPDX-License-Identifier: MIT */
/* cmd_trace_record.c - generates as `generate` does, and writes the run down. */
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/messages.h"
#include "cli/signals.h"

#include <string.h>

/* Everything that one run of the command owns. */
typedef struct {
    const eg_options *opt;
    eagle_trace_options what;
    eg_engine engine;
    eg_prompts prompts; /* one */
    eagle_generation generation;
    eagle_recorder *recorder;
    eg_progress progress;
} job;

/* ---- what is asked for --------------------------------------------------------------------- */

static bool ends_with(const char *text, const char *end)
{
    const size_t size = strlen(text);
    const size_t n = strlen(end);

    return size >= n && strcmp(text + size - n, end) == 0;
}

/* "q,k_rope", or "none". */
static eagle_status read_sites(uint32_t *out, const char *list, eagle_error *err)
{
    *out = 0;
    if (strcmp(list, "none") == 0) {
        return EAGLE_OK;
    }
    for (const char *at = list;; at++) {
        const size_t size = strcspn(at, ",");
        int32_t site = 0;

        for (const char *name; (name = eagle_site_name((eagle_site)site)) != NULL; site++) {
            if (strlen(name) == size && strncmp(name, at, size) == 0) {
                break;
            }
        }
        if (site == EAGLE_SITE_COUNT) {
            return eg_cli_fail(err, EAGLE_EINVAL,
                               "--sites %s: no operation is called '%.*s'; docs/trace-format.md "
                               "names them",
                               list, (int)size, at);
        }
        *out |= 1u << site;
        at += size;
        if (*at == '\0') {
            return EAGLE_OK;
        }
    }
}

static eagle_status read_choice(eagle_trace_options *out, const eg_options *opt, eagle_error *err)
{
    const eg_trace_choice *c = &opt->trace;

    if (opt->output == NULL) {
        return eg_cli_fail(err, EAGLE_EINVAL, "needs a file to write: -o FILE");
    }
    eagle_trace_defaults(out, c->level);
    out->top = c->top;
    out->digest = c->digest;
    out->lines = ends_with(opt->output, ".jsonl");
    if (out->lines && c->level > 1) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--level %d: a file of JSON lines holds 0 or 1",
                           c->level);
    }
    if (c->digest && c->level < 2) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--digest: needs --level 2 or more");
    }
    if (EG_GIVEN(opt, EG_OPT_TRACE_ROUNDS)) {
        out->first_round = c->rounds.min;
        out->end_round = c->rounds.max + 1;
    }
    if (EG_GIVEN(opt, EG_OPT_TRACE_LAYERS)) {
        out->first_layer = c->layers.min;
        out->end_layer = c->layers.max + 1;
    }
    return c->sites != NULL ? read_sites(&out->sites, c->sites, err) : EAGLE_OK;
}

/* ---- the run ------------------------------------------------------------------------------- */

static eagle_status check(job *j, eagle_error *err)
{
    eagle_status st = eg_prompts_check(j->opt, err);

    st = st == EAGLE_OK ? eg_engine_check(j->opt, err) : st;
    return st == EAGLE_OK ? read_choice(&j->what, j->opt, err) : st;
}

static eagle_status start(job *j, eagle_error *err)
{
    const eg_options *opt = j->opt;
    eg_engine *e = &j->engine;
    int32_t ctx = 0;
    eagle_status st = eg_engine_open(e, opt, opt->prompt_ids != NULL, err);

    if (st == EAGLE_OK) {
        st = eg_prompts_read(&j->prompts, opt, e->tokenizer, eagle_model_config(e->model)->vocab,
                             err);
    }
    if (st == EAGLE_OK) {
        st = eg_engine_ctx(&ctx, e, opt, j->prompts.item[0].n, opt->max_tokens, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    const int32_t n_prompt = j->prompts.item[0].n;
    const uint64_t extra =
        eagle_recorder_bill(e->model, e->drafter, &j->what, n_prompt, ctx - n_prompt + 1);
    const eagle_prompt prompt = {.token = j->prompts.item[0].ids, .n = n_prompt};

    st = eg_engine_start(e, opt, ctx, 0, extra, err);
    if (st == EAGLE_OK) {
        st = eagle_generation_start(&j->generation, e->session, &prompt, opt->max_tokens,
                                    opt->ignore_eos, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_recorder_create(&j->recorder, &j->generation, opt->output, &j->what, err);
    }
    return st;
}

static eagle_status run(job *j, eagle_error *err)
{
    eagle_generation *g = &j->generation;
    eagle_status st = EAGLE_OK;

    while (st == EAGLE_OK && g->finish == EAGLE_FINISH_NOT_YET) {
        if (eg_signals_caught() != 0) {
            g->finish = EAGLE_FINISH_INTERRUPTED;
            break;
        }
        st = eagle_recorder_next(j->recorder, err);
        while (st == EAGLE_OK && eagle_generation_take(g)) {
            continue; /* up to the end of the output */
        }
        if (g->n == 0) {
            eg_progress_update(&j->progress, "prompt", g->n_fed, g->prompt.n);
        } else {
            eg_progress_update(&j->progress, "token", g->n, g->cap);
        }
    }
    eg_progress_clear(&j->progress);
    return st;
}

eagle_status eg_cmd_trace_record(const eg_options *opt, eagle_error *err)
{
    job j = {.opt = opt};
    eg_total total = {0};
    eagle_status st = check(&j, err);

    st = st == EAGLE_OK ? start(&j, err) : st;
    if (st == EAGLE_OK) {
        eg_signals_hold(); /* from here on Ctrl-C keeps the rounds so far */
        eg_progress_start(&j.progress, opt->quiet);
        st = run(&j, err);
    }
    if (st == EAGLE_OK && j.generation.n == 0 && j.generation.finish == EAGLE_FINISH_INTERRUPTED) {
        eg_cli_note(false, "interrupted before the first token: nothing was written");
    } else if (st == EAGLE_OK) {
        st = eagle_recorder_finish(j.recorder, err);
    }
    if (st == EAGLE_OK) {
        eg_total_add(&total, &j.generation);
        eg_closing_line(&j.engine, &total, opt);
    }
    eagle_recorder_free(j.recorder);
    eagle_generation_free(&j.generation);
    eg_prompts_free(&j.prompts);
    eg_engine_close(&j.engine);
    return st;
}
