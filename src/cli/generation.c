/* SPDX-License-Identifier: MIT */
/* generation.c - one prompt's continuation.
 *
 * Prefill emits the first token; each round emits its accepted tokens and one more. Output ends
 * as soon as n tokens or an end token are out, inside an accepted path too, so that plain and
 * speculative decoding give equal arrays. The counts are of whole rounds. */
#include "cli/generation.h"

#include "cli/messages.h"
#include "cli/signals.h"

#include <stdlib.h>
#include <string.h>

const char *eg_finish_name(eg_finish finish)
{
    static const char *const name[] = {"length", "stop", "interrupted"};

    return name[finish];
}

double eg_rate(double n, double seconds)
{
    return n > 0.0 && seconds > 0.0 ? n / seconds : 0.0;
}

double eg_generation_tau(const eg_generation *g)
{
    return g->steps > 0 ? 1.0 + (double)g->accepted / (double)g->steps : 1.0;
}

void eg_generation_free(eg_generation *g)
{
    free(g->id);
    free(g->histogram);
    *g = (eg_generation){0};
}

/* ---- counting --------------------------------------------------------------------------- */

static eagle_status grow_histogram(eg_generation *g, int32_t n, eagle_error *err)
{
    int64_t *larger = NULL;

    if (n <= g->n_histogram) {
        return EAGLE_OK;
    }
    larger = realloc(g->histogram, (size_t)n * sizeof *larger);
    if (larger == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory to count acceptance");
    }
    memset(larger + g->n_histogram, 0, (size_t)(n - g->n_histogram) * sizeof *larger);
    g->histogram = larger;
    g->n_histogram = n;
    return EAGLE_OK;
}

static eagle_status count_round(eg_generation *g, const eagle_tree *tree, const eagle_path *path,
                                eagle_error *err)
{
    int32_t deepest = 0;
    eagle_status st = EAGLE_OK;

    for (int32_t i = 0; i < tree->n_verify; i++) {
        deepest = tree->depth[i] > deepest ? tree->depth[i] : deepest;
    }
    st = grow_histogram(g, deepest + 1, err);
    if (st == EAGLE_OK) {
        g->steps++;
        g->drafted += tree->n_verify - 1;
        g->accepted += path->n - 1;
        g->histogram[path->n - 1]++;
    }
    return st;
}

eagle_status eg_generation_add(eg_generation *total, const eg_generation *g, eagle_error *err)
{
    eagle_status st = grow_histogram(total, g->n_histogram, err);

    if (st != EAGLE_OK) {
        return st;
    }
    for (int32_t i = 0; i < g->n_histogram; i++) {
        total->histogram[i] += g->histogram[i];
    }
    total->n += g->n;
    total->n_decoded += g->n_decoded;
    total->n_prompt += g->n_prompt;
    total->steps += g->steps;
    total->drafted += g->drafted;
    total->accepted += g->accepted;
    total->prompt_s += g->prompt_s;
    total->decode_s += g->decode_s;
    return EAGLE_OK;
}

/* ---- the loop ----------------------------------------------------------------------------- */

/* What one run passes around. */
typedef struct {
    eg_generation *g;
    eg_engine *e;
    const eg_options *opt;
    eg_listener *to;
    eagle_sha256 sha;
    bool done;
} run;

/* Runs the target over the prompt, chunk by chunk. */
static eagle_status feed(run *r, const eg_prompt *prompt, eagle_error *err)
{
    eagle_status st = eagle_session_rewind(r->e->session, 0, err);

    for (int32_t at = 0; st == EAGLE_OK && at < prompt->n;) {
        int32_t left = prompt->n - at;
        int32_t n = left < r->e->how.chunk ? left : r->e->how.chunk;

        if (eg_signals_caught() != 0) {
            r->g->finish = EG_FINISH_INTERRUPTED;
            r->done = true;
            break;
        }
        st = eagle_session_feed(NULL, r->e->session, prompt->ids + at, n, err);
        at += n;
        eg_progress_update(r->to->progress, "prompt", at, prompt->n);
    }
    return st;
}

static bool is_end(const eagle_config *config, int32_t token)
{
    for (int32_t i = 0; i < config->n_end; i++) {
        if (config->end[i] == token) {
            return true;
        }
    }
    return false;
}

static void finish(run *r, eg_finish how)
{
    r->g->finish = how;
    r->done = true;
}

/* Puts out token i of the path, and sees whether that was the last. */
static eagle_status emit(run *r, const eagle_tree *tree, const eagle_rows *rows,
                         const eagle_path *path, int32_t i, eagle_error *err)
{
    eg_generation *g = r->g;
    int32_t token = path->token[i];
    int32_t depth = path->node[i] > 0 ? tree->depth[path->node[i]] : 0;
    bool end = !r->opt->ignore_eos && is_end(eagle_model_config(r->e->model), token);
    size_t row = (size_t)path->row[i] * (size_t)rows->vocab;
    eagle_status st = EAGLE_OK;

    g->id[g->n++] = token;
    eagle_sha256_floats(&r->sha, rows->logits + row, (size_t)rows->vocab);
    if (!end || r->to->text->stream == NULL) {
        st = eg_text_push(r->to->text, token, depth, err);
    }
    if (end || r->to->text->stopped) {
        finish(r, EG_FINISH_STOP);
    } else if (g->n == g->cap) {
        finish(r, EG_FINISH_LENGTH);
    }
    return st;
}

/* One round; `first`: the one that verifies the prompt's last row. */
static eagle_status round_of(run *r, bool first, eagle_error *err)
{
    eagle_session *s = r->e->session;
    const eagle_path *path = NULL;
    double start = eg_cli_now();
    eagle_status st = eagle_session_step(&path, s, err);
    double took = eg_cli_now() - start;
    int32_t before = r->g->n;

    if (st != EAGLE_OK) {
        return st;
    }
    if (first) {
        r->g->prompt_s += took;
    } else {
        r->g->decode_s += took;
        st = count_round(r->g, eagle_session_tree(s), path, err);
    }
    if (st == EAGLE_OK && r->to->explain != NULL) {
        eg_progress_clear(r->to->progress);
        st = eg_explain_round(r->to->explain, s, path, first, err);
    }
    for (int32_t i = 0; st == EAGLE_OK && i < path->n && !r->done; i++) {
        st = emit(r, eagle_session_tree(s), eagle_session_rows(s), path, i, err);
    }
    r->g->n_decoded += first ? 0 : r->g->n - before;
    return st;
}

/* Shows the text so far; how far it is, where nobody sees it grow. */
static eagle_status show(run *r, bool all, eagle_error *err)
{
    eg_sink *sink = r->to->sink;
    eagle_status st = EAGLE_OK;

    if (sink == NULL || !sink->terminal) {
        eg_progress_update(r->to->progress, "token", r->g->n, r->g->cap);
    } else {
        eg_progress_clear(r->to->progress);
    }
    if (sink != NULL) {
        st = eg_text_show(r->to->text, sink, r->to->mark, all, err);
    }
    return st == EAGLE_OK && sink != NULL ? eg_sink_flush(sink, err) : st;
}

/* Room for the output: what is asked for, but a token beyond the context is the last possible. */
static eagle_status reserve(eg_generation *g, int32_t ctx, int32_t n_prompt, int32_t n,
                            eagle_error *err)
{
    int32_t most = ctx - n_prompt + 1;

    g->n_prompt = n_prompt;
    g->cap = n < most ? n : most;
    g->id = malloc(((size_t)g->cap + 1) * sizeof *g->id);
    if (g->id == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for %d tokens", g->cap);
    }
    return EAGLE_OK;
}

eagle_status eg_generation_run(eg_generation *out, eg_engine *e, const eg_options *opt,
                               const eg_prompt *prompt, eg_listener *listener, eagle_error *err)
{
    run r = {.g = out, .e = e, .opt = opt, .to = listener};
    double start = eg_cli_now();
    eagle_status st = EAGLE_OK;

    *out = (eg_generation){0};
    eagle_sha256_init(&r.sha);
    st = reserve(out, e->how.ctx, prompt->n, opt->max_tokens, err);
    r.done = out->cap == 0;
    if (st == EAGLE_OK && !r.done) {
        st = feed(&r, prompt, err);
        out->prompt_s = eg_cli_now() - start;
    }
    for (bool first = true; st == EAGLE_OK && !r.done; first = false) {
        if (eg_signals_caught() != 0) {
            finish(&r, EG_FINISH_INTERRUPTED);
            break;
        }
        st = round_of(&r, first, err);
        if (st == EAGLE_OK) {
            st = show(&r, false, err);
        }
    }
    if (st == EAGLE_OK) {
        st = eg_text_finish(listener->text, err);
    }
    if (st == EAGLE_OK) {
        st = show(&r, true, err);
    }
    eagle_sha256_hex(out->digest, &r.sha);
    return st;
}
