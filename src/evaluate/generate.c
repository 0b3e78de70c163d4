/* SPDX-License-Identifier: MIT */
/* generate.c - the loop over rounds: where a continuation ends, and what is counted. */
#include "eagle/generate.h"

#include "base/alloc.h"
#include "base/error.h"
#include "decode/state.h"

#include <stdlib.h>

const char *eagle_finish_name(eagle_finish finish)
{
    static const char *const name[] = {"not yet", "length", "stop", "interrupted"};

    return name[finish];
}

/* ---- counting --------------------------------------------------------------------------- */

double eagle_acceptance_length(const eagle_round_counts *counts)
{
    return counts->rounds > 0 ? 1.0 + (double)counts->accepted / (double)counts->rounds : 1.0;
}

void eagle_counts_at_depth(int64_t *reached, int64_t *accepted, const eagle_round_counts *counts,
                           int32_t d)
{
    *reached = 0;
    *accepted = 0;
    if (d > counts->depth) {
        return;
    }
    for (int32_t i = d; i <= counts->depth; i++) {
        *accepted += counts->histogram[i];
    }
    *reached = *accepted + counts->histogram[d - 1] - counts->leaf[d - 1];
}

/* A path of one token with a child to ask for ends as residual; without, as bonus or plain. */
static void count_round(eagle_round_counts *c, const eagle_tree *tree, const eagle_path *path)
{
    for (int32_t i = 0; i < tree->n_verify; i++) {
        c->depth = tree->depth[i] > c->depth ? tree->depth[i] : c->depth;
    }
    c->rounds++;
    c->drafted += tree->n_verify - 1;
    c->accepted += path->n - 1;
    c->histogram[path->n - 1]++;
    c->leaf[path->n - 1] += path->source[path->n - 1] != EAGLE_SOURCE_RESIDUAL;
}

/* ---- the loop --------------------------------------------------------------------------- */

eagle_status eagle_generation_start(eagle_generation *out, eagle_session *session,
                                    const eagle_prompt *prompt, int32_t max_tokens, bool ignore_end,
                                    eagle_error *err)
{
    /* A token beyond the context is the last possible; a tree is at most as deep as it has
     * nodes. */
    const int32_t most = session->opt.ctx - prompt->n + 1;
    const size_t depths = (size_t)session->opt.max_nodes + 1;

    *out = (eagle_generation){.session = session,
                              .prompt = *prompt,
                              .ignore_end = ignore_end,
                              .path = session->path,
                              .taken = session->path->n};
    eagle_sha256_init(&out->sha);
    if (most < 1) {
        return eg_fail(err, EAGLE_ELIMIT, "a prompt of %d tokens, but the context has %d",
                       prompt->n, session->opt.ctx);
    }
    out->cap = max_tokens < most ? max_tokens : most;
    out->token = eg_alloc((size_t)out->cap + 1, sizeof *out->token);
    out->counts.histogram = eg_alloc(depths, sizeof *out->counts.histogram);
    out->counts.leaf = eg_alloc(depths, sizeof *out->counts.leaf);
    if (out->token == NULL || out->counts.histogram == NULL || out->counts.leaf == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %d tokens and what is counted", out->cap);
    }
    if (out->cap == 0) {
        out->finish = EAGLE_FINISH_LENGTH;
    }
    return eagle_session_rewind(session, 0, err);
}

static eagle_status feed(eagle_generation *g, eagle_error *err)
{
    const int32_t left = g->prompt.n - g->n_fed;
    const int32_t n = left < g->session->opt.chunk ? left : g->session->opt.chunk;
    eagle_status st = eagle_session_feed(NULL, g->session, g->prompt.token + g->n_fed, n, err);

    if (st == EAGLE_OK) {
        g->n_fed += n;
    }
    return st;
}

eagle_status eagle_generation_next(eagle_generation *g, eagle_error *err)
{
    const double start = eagle_clock();
    const bool prompt = g->n_fed < g->prompt.n;
    eagle_status st = EAGLE_OK;

    g->first = !prompt && eg_session_pending(g->session);
    if (prompt) {
        st = feed(g, err);
    } else {
        st = eagle_session_step(&g->path, g->session, err);
    }
    const double took = eagle_clock() - start;

    g->taken = prompt ? g->path->n : 0;
    if (st == EAGLE_OK && !prompt && !g->first) {
        g->decode_s += took;
        count_round(&g->counts, g->session->tree, g->path);
    } else {
        g->prompt_s += took;
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

bool eagle_generation_take(eagle_generation *g)
{
    const eagle_rows *rows = &g->session->rows;

    if (g->finish != EAGLE_FINISH_NOT_YET || g->taken == g->path->n) {
        return false;
    }
    const size_t row = (size_t)g->path->row[g->taken];
    const int32_t token = g->path->token[g->taken++];

    g->token[g->n++] = token;
    g->n_decoded += g->first ? 0 : 1;
    eagle_sha256_floats(&g->sha, rows->logits + row * (size_t)rows->vocab, (size_t)rows->vocab);
    if (!g->ignore_end && is_end(eagle_model_config(g->session->model), token)) {
        g->finish = EAGLE_FINISH_STOP;
    } else if (g->n == g->cap) {
        g->finish = EAGLE_FINISH_LENGTH;
    }
    return true;
}

void eagle_generation_digest(char hex[65], const eagle_generation *g)
{
    eagle_sha256 sha = g->sha;

    eagle_sha256_hex(hex, &sha);
}

void eagle_generation_free(eagle_generation *g)
{
    free(g->token);
    free(g->counts.histogram);
    free(g->counts.leaf);
    *g = (eagle_generation){0};
}
