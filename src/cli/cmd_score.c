/* SPDX-License-Identifier: MIT */
/* cmd_score.c - teacher-forces a text: what the target says of each of its tokens.
 *
 * Position i is judged by the row before it. log p = l[token] - max - log(sum exp(l - max)), in
 * double on the canonical float32 logits; the top-2 gap is exact. */
#include "cli/commands.h"
#include "cli/document.h"
#include "cli/engine.h"
#include "cli/generation.h"
#include "cli/messages.h"
#include "cli/prompts.h"
#include "cli/sink.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define ROWS 64 /* of logits per pass: enough to be fast, few enough to be small */

/* What one row says. */
typedef struct {
    int32_t best; /* arg max, the lowest id on a tie       */
    double gap;   /* the best logit less the second        */
    double log_p; /* of the next token of the text         */
} verdict;

typedef struct {
    const eg_options *opt;
    eg_engine engine;
    eg_prompts prompts;
    eg_sink sink;
    eagle_sha256 sha;
    char digest[65];
    verdict *at;     /* [n] of row i: it judges token i + 1            */
    float *logits;   /* [n, vocab], only for -o                        */
    float *features; /* [n, dim], likewise                             */
    double sum;      /* of log p over the tokens 1 .. n - 1            */
    double took;     /* seconds of the passes                          */
} job;

static verdict judge(const float *l, int32_t vocab, int32_t next)
{
    verdict v = {.best = 0};
    float second = -INFINITY;
    double sum = 0.0;

    for (int32_t i = 1; i < vocab; i++) {
        if (l[i] > l[v.best]) {
            second = l[v.best];
            v.best = i;
        } else if (l[i] > second) {
            second = l[i];
        }
    }
    v.gap = (double)l[v.best] - (double)second;
    for (int32_t i = 0; i < vocab; i++) {
        sum += exp((double)l[i] - (double)l[v.best]);
    }
    if (next >= 0) {
        v.log_p = ((double)l[next] - (double)l[v.best]) - log(sum);
    }
    return v;
}

/* Keeps what the rows of tokens [at, at + n) say, all of them finite: feed() refuses others. */
static void keep(job *j, const eagle_rows *rows, int32_t at)
{
    const eg_prompt *p = &j->prompts.item[0];
    size_t vocab = (size_t)rows->vocab;
    size_t dim = (size_t)rows->dim;

    for (int32_t i = 0; i < rows->n; i++) {
        const float *l = rows->logits + (size_t)i * vocab;
        int32_t next = at + i + 1 < p->n ? p->ids[at + i + 1] : -1;

        j->at[at + i] = judge(l, rows->vocab, next);
        j->sum += next >= 0 ? j->at[at + i].log_p : 0.0;
    }
    eagle_sha256_floats(&j->sha, rows->logits, (size_t)rows->n * vocab);
    if (j->logits != NULL) {
        memcpy(j->logits + (size_t)at * vocab, rows->logits,
               (size_t)rows->n * vocab * sizeof(float));
        memcpy(j->features + (size_t)at * dim, rows->features,
               (size_t)rows->n * dim * sizeof(float));
    }
}

static eagle_status run(job *j, eagle_error *err)
{
    const eg_prompt *p = &j->prompts.item[0];
    int32_t most = j->engine.how.chunk < ROWS ? j->engine.how.chunk : ROWS;
    double start = eagle_clock();
    eg_progress progress;
    eagle_status st = EAGLE_OK;

    eagle_sha256_init(&j->sha);
    eg_progress_start(&progress, j->opt->quiet);
    for (int32_t at = 0; st == EAGLE_OK && at < p->n;) {
        int32_t n = p->n - at < most ? p->n - at : most;
        eagle_rows rows;

        st = eagle_session_feed(&rows, j->engine.session, p->ids + at, n, err);
        if (st == EAGLE_OK) {
            keep(j, &rows, at);
        }
        at += n;
        eg_progress_update(&progress, "scored", at, p->n);
    }
    eg_progress_clear(&progress);
    eagle_sha256_hex(j->digest, &j->sha);
    j->took = eagle_clock() - start;
    return st;
}

/* ---- reports --------------------------------------------------------------------------------- */

/* exp of the mean negative log-probability, of two tokens or more. */
static double perplexity(const job *j)
{
    return exp(-j->sum / (j->prompts.item[0].n - 1));
}

static eagle_status print_text(job *j, eagle_error *err)
{
    const eg_prompt *p = &j->prompts.item[0];
    char line[400];
    eagle_status st = eg_sink_text(&j->sink, "position  log p      gap      token, arg max\n", err);

    for (int32_t i = 0; st == EAGLE_OK && i < p->n; i++) {
        char token[EG_TOKEN_TEXT];
        char best[EG_TOKEN_TEXT];

        eg_token_text(token, j->engine.tokenizer, p->ids[i]);
        if (i == 0) {
            snprintf(line, sizeof line, "%8d  %-9s  %-7s  %s\n", i, "-", "-", token);
        } else {
            const verdict *v = &j->at[i - 1];

            snprintf(line, sizeof line, "%8d  %9.5f  %7.4f  %s%s%s\n", i, v->log_p, v->gap, token,
                     v->best == p->ids[i] ? "" : ", not ",
                     v->best == p->ids[i] ? "" : eg_token_text(best, j->engine.tokenizer, v->best));
        }
        st = eg_sink_text(&j->sink, line, err);
    }
    if (st == EAGLE_OK) {
        char next[EG_TOKEN_TEXT];
        const verdict *last = &j->at[p->n - 1];
        int size = snprintf(line, sizeof line, "next %s, gap %.4f\n",
                            eg_token_text(next, j->engine.tokenizer, last->best), last->gap);

        if (p->n > 1) {
            snprintf(line + size, sizeof line - (size_t)size, "perplexity %.4f over %d tokens\n",
                     perplexity(j), p->n - 1);
        } else {
            snprintf(line + size, sizeof line - (size_t)size, "one token: nothing was predicted\n");
        }
        st = eg_sink_text(&j->sink, line, err);
    }
    return st;
}

static eagle_status print_json(job *j, eagle_error *err)
{
    const eg_prompt *p = &j->prompts.item[0];
    json_t *log_p = json_array();
    json_t *best = json_array();
    json_t *gap = json_array();
    json_t *doc = NULL;
    eagle_status st = EAGLE_OK;
    int bad = 0;

    for (int32_t i = 0; i < p->n; i++) {
        const verdict *v = i > 0 ? &j->at[i - 1] : NULL;

        bad |= json_array_append_new(log_p, v != NULL ? json_real(v->log_p) : json_null());
        bad |= json_array_append_new(best, v != NULL ? json_integer(v->best) : json_null());
        bad |= json_array_append_new(gap, v != NULL ? json_real(v->gap) : json_null());
    }
    doc = json_pack(
        "{s:s, s:{s:o, s:o, s:o, s:o, s:{s:i, s:f}, s:o, s:i, s:s}, s:{s:s, s:s}}", "schema",
        "eagle.score/1", "result", "ids", eg_json_ids(p->ids, p->n), "log_probability", log_p,
        "arg_max", best, "top2_gap", gap, "next", "arg_max", j->at[p->n - 1].best, "top2_gap",
        j->at[p->n - 1].gap, "perplexity", p->n > 1 ? json_real(perplexity(j)) : json_null(),
        "n_scored", p->n - 1, "logits_digest", j->digest, "settings", "math",
        j->opt->math == EAGLE_MATH_EXACT ? "exact" : "fast", "contract", eagle_contract());
    if (doc == NULL || bad != 0) {
        json_decref(doc);
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for the JSON document");
    }
    st = eg_sink_json(&j->sink, doc, err);
    json_decref(doc);
    return st;
}

static eagle_status write_tensors(const job *j, eagle_error *err)
{
    const eagle_config *config = eagle_model_config(j->engine.model);
    int64_t n = j->prompts.item[0].n;
    eagle_tensor out[2] = {
        {.name = "logits", .dtype = EAGLE_F32, .rank = 2, .shape = {n, config->vocab}},
        {.name = "features", .dtype = EAGLE_F32, .rank = 2, .shape = {n, config->dim}}};

    out[0].data = j->logits;
    out[0].size = (size_t)n * (size_t)config->vocab * sizeof(float);
    out[1].data = j->features;
    out[1].size = (size_t)n * (size_t)config->dim * sizeof(float);
    return eagle_tensors_write(j->opt->output, out, 2, "{\"schema\": \"eagle.score/1\"}", err);
}

/* ---- the command ----------------------------------------------------------------------------- */

static eagle_status check(const eg_options *opt, eagle_error *err)
{
    eagle_status st = eg_prompts_check(opt, err);

    if (st == EAGLE_OK && opt->prompt == NULL && opt->file == NULL && opt->prompt_ids == NULL) {
        st = eg_cli_fail(err, EAGLE_EINVAL, "needs a text: -p, -f or --prompt-ids");
    }
    return st == EAGLE_OK ? eg_engine_check(opt, err) : st;
}

static eagle_status start(job *j, eagle_error *err)
{
    const eg_options *opt = j->opt;
    const eagle_config *config = NULL;
    uint64_t kept = 0; /* bytes of a position that -o keeps */
    int32_t ctx = 0;
    int32_t n = 0;
    eagle_status st = eg_engine_open(&j->engine, opt, opt->prompt_ids != NULL, err);

    if (st != EAGLE_OK) {
        return st;
    }
    config = eagle_model_config(j->engine.model);
    st = eg_prompts_read(&j->prompts, opt, j->engine.tokenizer, config->vocab, err);
    if (st != EAGLE_OK) {
        return st;
    }
    n = j->prompts.item[0].n;
    if (opt->output != NULL) {
        kept = ((uint64_t)config->vocab + (uint64_t)config->dim) * sizeof(float);
    }
    st = eg_engine_ctx(&ctx, &j->engine, opt, n, 0, err);
    if (st == EAGLE_OK) {
        st = eg_engine_start(&j->engine, opt, ctx, ROWS, kept * (uint64_t)n, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    j->at = calloc((size_t)n, sizeof *j->at);
    if (opt->output != NULL) {
        j->logits = malloc((size_t)n * (size_t)config->vocab * sizeof(float));
        j->features = malloc((size_t)n * (size_t)config->dim * sizeof(float));
    }
    if (j->at == NULL || (opt->output != NULL && (j->logits == NULL || j->features == NULL))) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for %d positions", n);
    }
    return eg_sink_open(&j->sink, NULL, err);
}

eagle_status eg_cmd_score(const eg_options *opt, eagle_error *err)
{
    job j = {.opt = opt};
    eagle_status st = check(opt, err);

    if (st == EAGLE_OK) {
        st = start(&j, err);
    }
    if (st == EAGLE_OK) {
        st = run(&j, err);
    }
    if (st == EAGLE_OK && opt->output != NULL) {
        st = write_tensors(&j, err);
    }
    if (st == EAGLE_OK) {
        st = opt->format == EG_FORMAT_JSON ? print_json(&j, err) : print_text(&j, err);
    }
    if (st == EAGLE_OK) {
        st = eg_sink_commit(&j.sink, err);
    }
    if (st == EAGLE_OK) {
        eg_cli_note(opt->quiet, "%d tokens, %.1f tokens/s, math %s", j.prompts.item[0].n,
                    eg_rate(j.prompts.item[0].n, j.took), eg_math_name(j.engine.how.math));
    }
    eg_sink_close(&j.sink);
    free(j.features);
    free(j.logits);
    free(j.at);
    eg_prompts_free(&j.prompts);
    eg_engine_close(&j.engine);
    return st;
}
