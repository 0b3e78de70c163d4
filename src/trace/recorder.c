/* SPDX-License-Identifier: MIT */
/* recorder.c - makes the rounds of a generation and keeps what is to be written of them. */
#include "trace/recorder.h"

#include "base/alloc.h"
#include "base/error.h"
#include "decode/state.h"
#include "draft/extrapolating.h"

#include <stdlib.h>

#define LEVEL_3_SITES                                                                              \
    (1u << EAGLE_SITE_EMBED | 1u << EAGLE_SITE_K_ROPE | 1u << EAGLE_SITE_V |                       \
     1u << EAGLE_SITE_RESID_MLP | 1u << EAGLE_SITE_FEATURE | 1u << EAGLE_SITE_HEAD_FUSED |         \
     1u << EAGLE_SITE_HEAD_OUT | 1u << EAGLE_SITE_HEAD_LOGITS)

void eagle_trace_defaults(eagle_trace_options *opt, int32_t level)
{
    *opt = (eagle_trace_options){.level = level,
                                 .top = 5,
                                 .end_round = INT32_MAX,
                                 .end_layer = INT32_MAX,
                                 .sites = level < 4 ? LEVEL_3_SITES : (1u << EAGLE_SITE_COUNT) - 1};
}

/* ---- what it costs ------------------------------------------------------------------------- */

/* A tensor that waits, its description for the writer, and its entry in the header, which jansson
 * makes of a dozen small blocks. */
#define TENSOR_BYTES (sizeof(eg_recorded) + sizeof(eagle_tensor) + EG_TRACE_NAME + 1400)

/* Tree, path, draws and logits of a round. */
#define ROUND_TENSORS (EG_DRAFT_PROB + 1 + EG_PATH_ROW + 1 + EG_DRAW_COIN + 1 + 1)

uint64_t eagle_recorder_bill(const eagle_model *model, const eagle_drafter *drafter,
                             const eagle_trace_options *opt, int32_t n_prompt, int32_t max_tokens)
{
    const uint64_t layers = (uint64_t)eagle_model_config(model)->n_layers;
    const uint64_t tokens = (uint64_t)max_tokens + 1;
    const uint64_t head = drafter != NULL ? (uint64_t)EAGLE_SITE_COUNT : 0;
    const uint64_t passes =
        drafter != NULL ? (uint64_t)drafter->levels + 1 : 0; /* and the refresh */
    uint64_t tensors = opt->level >= 2 ? ROUND_TENSORS : 0;

    for (uint32_t sites = opt->level >= 3 ? opt->sites : 0; sites != 0; sites &= sites - 1) {
        tensors += layers;
    }
    tensors += opt->level >= 3 ? passes * head : 0;
    return (tokens + 1) * tensors * TENSOR_BYTES +
           tokens * (sizeof(eg_recorded_token) + 8 * (uint64_t)opt->top) +
           (uint64_t)n_prompt * sizeof(int32_t);
}

/* ---- life ---------------------------------------------------------------------------------- */

static eagle_status check_options(eagle_trace_options *o, int32_t vocab, eagle_error *err)
{
    if (o->level < 0 || o->level > 4) {
        return eg_fail(err, EAGLE_EINVAL, "level %d of a trace: needs 0..4", o->level);
    }
    if (o->top < 0 || o->first_round < 0 || o->end_round <= o->first_round || o->first_layer < 0 ||
        o->end_layer <= o->first_layer) {
        return eg_fail(err, EAGLE_EINVAL, "a trace of no rounds, layers or tokens");
    }
    if (o->digest && o->level < 2) {
        return eg_fail(err, EAGLE_EINVAL,
                       "a digest at level %d: there is nothing to digest below 2", o->level);
    }
    if (o->lines && o->level > 1) {
        return eg_fail(err, EAGLE_EINVAL, "level %d as a line of JSON: needs 0 or 1", o->level);
    }
    o->top = o->level < 1 ? 0 : o->top < vocab ? o->top : vocab;
    return EAGLE_OK;
}

eagle_status eagle_recorder_create(eagle_recorder **out, eagle_generation *g, const char *path,
                                   const eagle_trace_options *opt, eagle_error *err)
{
    const int32_t vocab = eagle_model_config(g->session->model)->vocab;
    eagle_recorder *r = eg_alloc(1, sizeof *r);

    *out = NULL;
    if (r == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for a recorder", path);
    }
    r->opt = *opt;
    r->round = -1;
    r->path = eg_strdup(path);
    r->kernels = eg_kernels_for(EAGLE_ISA_PORTABLE);
    eagle_status st = check_options(&r->opt, vocab, err);

    if (st == EAGLE_OK && r->path == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "%s: no memory for its name", path);
    }
    if (st == EAGLE_OK && r->opt.level >= 2) {
        st = eg_spool_open(&r->spool, path, err);
    }
    if (st != EAGLE_OK) {
        eagle_recorder_free(r);
        return st;
    }
    r->g = g;
    r->asked = *eagle_session_draws(g->session);
    r->draws = eg_recorder_draws(r);
    r->probe = (eagle_probe){.see = eg_recorder_see, .ctx = r};
    eagle_session_set_draws(g->session, &r->draws);
    if (r->opt.level >= 2) {
        eagle_session_set_probe(g->session, &r->probe);
    }
    *out = r;
    return EAGLE_OK;
}

void eagle_recorder_free(eagle_recorder *r)
{
    if (r == NULL) {
        return;
    }
    if (r->g != NULL) {
        eagle_session_set_probe(r->g->session, NULL);
        eagle_session_set_draws(r->g->session, &r->asked);
    }
    for (int32_t i = 0; i < r->n_tensors; i++) {
        free(r->tensor[i].sha);
    }
    eg_spool_close(&r->spool);
    free(r->top_logprob);
    free(r->top_token);
    free(r->token);
    free(r->draw);
    free(r->tensor);
    free(r->path);
    free(r);
}

/* ---- rounds -------------------------------------------------------------------------------- */

static bool grow_tokens(eagle_recorder *r)
{
    const size_t top = (size_t)r->opt.top * sizeof(int32_t);
    int32_t cap = r->cap_tokens;

    if (top > 0) { /* the three grow alike */
        int32_t same = cap;

        if (!eg_recorder_grow((void **)&r->top_token, &same, r->n_tokens, top)) {
            return false;
        }
        same = cap;
        if (!eg_recorder_grow((void **)&r->top_logprob, &same, r->n_tokens, top)) {
            return false;
        }
    }
    if (!eg_recorder_grow((void **)&r->token, &cap, r->n_tokens, sizeof *r->token)) {
        return false;
    }
    r->cap_tokens = cap;
    return true;
}

/* Log-probabilities of the row of logits that decided the token, which is finite. */
static void put_log_probabilities(eagle_recorder *r, const float *row, size_t vocab)
{
    const size_t first = (size_t)r->n_tokens * (size_t)r->opt.top;
    eg_log_norm norm;

    if (!eg_log_norm_of(&norm, r->kernels, row, vocab)) {
        return; /* verified already */
    }
    r->token[r->n_tokens].logprob = eg_log_prob(&norm, row[r->token[r->n_tokens].token]);
    if (r->opt.top > 0) {
        eg_topk(r->top_token + first, row, vocab, (size_t)r->opt.top);
    }
    for (size_t i = first; i < first + (size_t)r->opt.top; i++) {
        r->top_logprob[i] = eg_log_prob(&norm, row[r->top_token[i]]);
    }
}

/* Where tokens came from: the numbers of the file are those of verify.h and one more. */
static eagle_status keep_tokens(eagle_recorder *r, eagle_error *err)
{
    const eagle_path *path = r->g->path;
    const eagle_rows *rows = eagle_session_rows(r->g->session);
    const size_t vocab = (size_t)rows->vocab;

    for (int32_t i = 0; i < path->n; i++) {
        if (!grow_tokens(r)) {
            return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %d tokens", r->path, r->n_tokens);
        }
        r->token[r->n_tokens] = (eg_recorded_token){
            .token = path->token[i], .source = (int32_t)path->source[i] + 1, .round = r->round};
        if (r->opt.level >= 1) {
            put_log_probabilities(r, rows->logits + (size_t)path->row[i] * vocab, vocab);
        }
        r->n_tokens++;
    }
    return EAGLE_OK;
}

static void begin_round(eagle_recorder *r)
{
    r->round++;
    r->scored = false;
    r->pass = -1;
    r->in_pass = false;
    r->n_draws = 0;
    r->first_open = r->n_tensors;
}

eagle_status eagle_recorder_next(eagle_recorder *r, eagle_error *err)
{
    const bool prompt = r->g->n_fed < r->g->prompt.n;

    if (!prompt) {
        begin_round(r);
    }
    r->active = true;
    eagle_status st = eagle_generation_next(r->g, err);

    r->active = false;
    if (st == EAGLE_OK && !prompt) {
        st = keep_tokens(r, err);
    }
    if (st == EAGLE_OK && !prompt && r->status == EAGLE_OK && eg_recorder_wants(r)) {
        eg_recorder_put_round(r);
    }
    if (st == EAGLE_OK && r->status != EAGLE_OK) {
        st = r->status;
        if (err != NULL) {
            *err = r->error;
        }
    }
    return st;
}
