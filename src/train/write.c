/* SPDX-License-Identifier: MIT */
/* write.c - a target writes the text that its head is to learn from.
 *
 * Many documents grow side by side: each pass of the target has a row of every one, and the rows of
 * new prompts. A row's bits do not depend on its neighbours, and document k draws from Philox's
 * stream k, so it is what a session with that stream would have written, whatever is beside it.
 * The corpus is documents 0, 1, 2, ... up to the first one with which `tokens` are written. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/team.h"
#include "eagle/corpus.h"
#include "model/model.h"
#include "sample/draws.h"
#include "sample/law.h"
#include "train/documents.h"
#include "train/purpose.h"

#include <math.h>
#include <omp.h>
#include <stdlib.h>
#include <string.h>

#define PROMPT_ROWS   64 /* of one pass, beside a row of every sequence */
#define MAX_SEQUENCES 4096

/* A document. Its first n_kv tokens have keys and values in region `region` of the cache. */
typedef struct {
    int32_t *token; /* [length]; NULL when it was handed over             */
    int32_t n;      /* tokens so far, prompt included                     */
    int32_t n_prompt;
    int32_t n_kv;
    int32_t region; /* -1: it is finished                                 */
    int32_t fault;  /* 0, or 1 + the position whose row was not finite */
    float temperature;
} writing;

typedef struct {
    const eagle_model *model;
    const eagle_corpus *prompts;
    eagle_writing_options opt; /* threads resolved */

    writing *document; /* [document_cap] all that were begun */
    int32_t n_documents;
    int32_t document_cap;
    int32_t n_whole;      /* documents that were handed over, from the first one on */
    int64_t n_written;    /* by them                                                */
    eagle_corpus *corpus; /* where they are                                         */

    eg_arena arena; /* of all below */
    eg_forward forward;
    int32_t *in_region; /* [sequences] which document; -1: none                 */
    eg_row *row;        /* [sequences + PROMPT_ROWS]                            */
    int32_t *owner;     /* [sequences + PROMPT_ROWS] a row's document           */
    uint64_t *law;      /* [threads, vocab]                                     */
    int32_t *order;     /* [threads, vocab]                                     */
    int32_t *next;      /* [sequences] the tokens that a pass decided           */
} writer;

/* ---- options --------------------------------------------------------------------------------- */

void eagle_writing_defaults(eagle_writing_options *out)
{
    static const float temperature[] = {1.0f, 0.0f};

    *out = (eagle_writing_options){.tokens = 1 << 20,
                                   .length = 256,
                                   .prompt_min = 4,
                                   .prompt_max = 16,
                                   .temperature = temperature,
                                   .n_temperatures = 2,
                                   .sequences = 64};
}

static eagle_status check(const writer *w, eagle_error *err)
{
    const eagle_writing_options *o = &w->opt;
    const eagle_config *c = &w->model->target.config;

    if (o->tokens < 1 || o->prompt_min < 1 || o->prompt_max < o->prompt_min ||
        o->n_temperatures < 1) {
        return eg_fail(err, EAGLE_EINVAL,
                       "%lld tokens to write from prompts of %d to %d tokens, %d temperatures: "
                       "all must be at least 1",
                       (long long)o->tokens, o->prompt_min, o->prompt_max, o->n_temperatures);
    }
    if (o->length < 2 || o->length > c->context) {
        return eg_fail(err, o->length < 2 ? EAGLE_EINVAL : EAGLE_ELIMIT,
                       "documents of %d tokens: needs 2..%d, the model's context", o->length,
                       c->context);
    }
    if (o->sequences < 1 || o->sequences > MAX_SEQUENCES || o->threads < 1 ||
        o->threads > EG_MAX_THREADS) {
        return eg_fail(err, EAGLE_EINVAL, "%d sequences, %d threads: needs 1..%d and 1..%d",
                       o->sequences, o->threads, MAX_SEQUENCES, EG_MAX_THREADS);
    }
    for (int32_t i = 0; i < o->n_temperatures; i++) {
        if (!(o->temperature[i] >= 0.0f) || !isfinite(o->temperature[i])) {
            return eg_fail(err, EAGLE_EINVAL, "temperature %g, must be 0 or more",
                           (double)o->temperature[i]);
        }
    }
    if (c->vocab > EG_LAW_VOCAB) {
        return eg_fail(err, EAGLE_EUNSUPPORTED, "a vocabulary of %d tokens: at most %d", c->vocab,
                       EG_LAW_VOCAB);
    }
    return EAGLE_OK;
}

/* ---- documents ------------------------------------------------------------------------------- */

static bool is_end(const eagle_config *c, int32_t token)
{
    for (int32_t i = 0; i < c->n_end; i++) {
        if (c->end[i] == token) {
            return true;
        }
    }
    return false;
}

/* Random words that the length of a document's prompt is drawn from. */
typedef struct {
    uint64_t seed;
    uint32_t document;
} prompt_draw;

static void prompt_block(void *ctx, uint32_t word[4], uint32_t number)
{
    const prompt_draw *d = ctx;
    const uint32_t counter[4] = {number, EG_PURPOSE_PROMPT, d->document, 0};
    const uint32_t key[2] = {(uint32_t)d->seed, (uint32_t)(d->seed >> 32)};

    eg_philox4x32(word, counter, key);
}

/* Tokens that document k takes from its prompt: not more than there are before an end token, and
 * room for one token more in the document. */
static int32_t prompt_length(const writer *w, int32_t k, const eagle_document *prompt)
{
    prompt_draw draw = {.seed = w->opt.seed, .document = (uint32_t)k};
    const eg_words words = {.block = prompt_block, .ctx = &draw};
    const eagle_wide choices = {{(uint64_t)(w->opt.prompt_max - w->opt.prompt_min) + 1}};
    eagle_wide u;
    int32_t n = 1;

    eg_uniform_below(&u, &choices, &words);
    const int32_t wanted = w->opt.prompt_min + (int32_t)u.limb[0];

    while (n < wanted && n < w->opt.length - 1 && n < prompt->n &&
           !is_end(&w->model->target.config, prompt->token[n])) {
        n++;
    }
    return n;
}

/* Begins the next document in a region of the cache. */
static eagle_status begin(writer *w, int32_t region, eagle_error *err)
{
    const int32_t k = w->n_documents;
    const int32_t n_prompts = eagle_corpus_count(w->prompts);
    const eagle_document prompt = eagle_corpus_at(w->prompts, k % n_prompts);

    if (k == w->document_cap) {
        const int32_t cap = k < 64 ? 64 : (k < INT32_MAX / 2 ? 2 * k : INT32_MAX);
        writing *grown = k < cap ? realloc(w->document, (size_t)cap * sizeof *grown) : NULL;

        if (grown == NULL) {
            return eg_fail(err, EAGLE_ENOMEM, "no memory for %d documents", cap);
        }
        w->document = grown;
        w->document_cap = cap;
    }
    writing *d = &w->document[k];

    *d = (writing){.token = eg_alloc((size_t)w->opt.length, sizeof *d->token), .region = region};
    if (d->token == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a document of %d tokens", w->opt.length);
    }
    d->n = d->n_prompt = prompt_length(w, k, &prompt);
    memcpy(d->token, prompt.token, (size_t)d->n * sizeof *d->token);
    /* Each prompt meets another temperature when its turn comes again. */
    d->temperature = w->opt.temperature[(k + k / n_prompts) % w->opt.n_temperatures];
    w->in_region[region] = k;
    w->n_documents++;
    return EAGLE_OK;
}

/* Hands over a document that is needed: its tokens go to the corpus. */
static eagle_status hand_over(writer *w, writing *d, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    if (d->fault != 0) {
        return eg_fail(err, EAGLE_ENUMERIC,
                       "document %d, position %d: the target gives a NaN or an infinity",
                       w->n_whole, d->fault - 1);
    }
    st = eg_corpus_append(w->corpus, d->token, (size_t)d->n, true, err);
    st = st == EAGLE_OK ? eg_corpus_close(w->corpus, err) : st;
    w->n_written += d->n - d->n_prompt;
    w->n_whole++;
    free(d->token);
    d->token = NULL;
    return st;
}

/* Hands over the finished documents at the front, as long as they are needed. *written receives
 * what all documents have written, finished or not. */
static eagle_status review(int64_t *written, writer *w, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    while (st == EAGLE_OK && w->n_written < w->opt.tokens && w->n_whole < w->n_documents &&
           w->document[w->n_whole].region < 0) {
        st = hand_over(w, &w->document[w->n_whole], err);
    }
    *written = w->n_written;
    for (int32_t k = w->n_whole; k < w->n_documents; k++) {
        *written += w->document[k].n - w->document[k].n_prompt;
    }
    return st;
}

/* ---- passes ---------------------------------------------------------------------------------- */

/* The next rows of document k, at most `room`: all but the last one are of its prompt. */
static int32_t add_rows(writer *w, int32_t n_rows, int32_t k, int32_t room)
{
    writing *d = &w->document[k];

    for (; room > 0 && d->n_kv < d->n; room--) {
        const int32_t pos = d->n_kv++;

        w->owner[n_rows] = k;
        w->row[n_rows++] = (eg_row){.token = d->token[pos],
                                    .pos = pos,
                                    .first = d->region * w->opt.length,
                                    .n_run = pos + 1,
                                    .wants_logits = pos == d->n - 1};
    }
    return n_rows;
}

/* A row of every document that has its prompt behind it, then rows of prompts. */
static int32_t make_rows(writer *w)
{
    const int32_t cap = w->opt.sequences + PROMPT_ROWS;
    int32_t n = 0;

    for (int prompts = 0; prompts < 2; prompts++) {
        for (int32_t s = 0; s < w->opt.sequences; s++) {
            const int32_t k = w->in_region[s];

            if (k >= 0 && (w->document[k].n - w->document[k].n_kv > 1) == (prompts == 1)) {
                n = add_rows(w, n, k, cap - n);
            }
        }
    }
    return n;
}

/* The token after row i, whose logits are the pass's j-th. */
static int32_t decide(const writer *w, int32_t i, int32_t j, uint64_t *law, int32_t *order)
{
    const int32_t vocab = w->model->target.config.vocab;
    const float *logits = w->forward.pass.logits + (size_t)j * (size_t)vocab;
    const writing *d = &w->document[w->owner[i]];
    eagle_philox philox = {.seed = w->opt.seed, .stream = (uint32_t)w->owner[i]};
    const eagle_draws draws = eagle_philox_draws(&philox);
    eagle_sampling sampling;

    if (w->forward.pass.fault[i] != 0) {
        return -1;
    }
    if (d->temperature == 0.0f) {
        return eg_law_best(logits, vocab);
    }
    eagle_sampling_defaults(&sampling);
    sampling.temperature = d->temperature;
    eg_law_make(law, order, logits, vocab, &sampling);
    return draws.pick(draws.ctx, (eagle_draw_key){EAGLE_DRAW_TARGET, w->row[i].pos + 1, 0}, law,
                      vocab);
}

/* Takes a document that is finished out of its region; it may have been taken out before. */
static void leave(writer *w, writing *d)
{
    if (d->region >= 0) {
        w->in_region[d->region] = -1;
        d->region = -1;
    }
}

/* Appends to each document what the pass decided. A document has several rows while it is read, so
 * the first of them that is not finite may be followed by others. */
static void append_all(writer *w, int32_t n_rows)
{
    const eagle_config *c = &w->model->target.config;

    for (int32_t i = 0, j = 0; i < n_rows; i++) {
        writing *d = &w->document[w->owner[i]];
        const int32_t token = w->row[i].wants_logits ? w->next[j++] : -1;

        if (w->forward.pass.fault[i] != 0 && d->fault == 0) {
            d->fault = 1 + w->row[i].pos;
        }
        if (token >= 0) {
            d->token[d->n++] = token;
        }
        if (d->fault != 0 || d->n == w->opt.length || (token >= 0 && is_end(c, token))) {
            leave(w, d);
        }
    }
}

static eagle_status pass(writer *w, eagle_error *err)
{
    const int32_t n_rows = make_rows(w);
    const size_t vocab = (size_t)w->model->target.config.vocab;
    eagle_status st = eg_forward_run(&w->forward, w->row, n_rows, false, err);

    if (st != EAGLE_OK) {
        return st;
    }
    const int32_t n = w->forward.n_wanting;

#pragma omp parallel num_threads(w->opt.threads)
    {
        const size_t id = (size_t)omp_get_thread_num();

#pragma omp for schedule(static)
        for (int32_t j = 0; j < n; j++) {
            w->next[j] =
                decide(w, w->forward.wanting[j], j, w->law + id * vocab, w->order + id * vocab);
        }
    }
    append_all(w, n_rows);
    return EAGLE_OK;
}

/* ---- all of it ------------------------------------------------------------------------------- */

static eagle_status lay_out(writer *w, eagle_error *err)
{
    const eagle_writing_options *o = &w->opt;
    const size_t sequences = (size_t)o->sequences;
    const size_t rows = sequences + PROMPT_ROWS;
    const size_t laws = (size_t)o->threads * (size_t)w->model->target.config.vocab;
    const eg_compute compute = {.kernels = eg_kernels_for(EAGLE_ISA_AUTO), .threads = o->threads};
    const eg_pass_room room = {
        .rows = (int32_t)rows, .logits = o->sequences, .slots = o->sequences * o->length};
    eg_arena *arena = &w->arena;

    if (o->length > INT32_MAX / o->sequences) {
        return eg_fail(err, EAGLE_ELIMIT, "%d sequences of %d tokens: together at most %d",
                       o->sequences, o->length, INT32_MAX);
    }
    w->in_region = eg_arena_take(arena, EG_FOR_WORK, sequences, sizeof *w->in_region);
    w->row = eg_arena_take(arena, EG_FOR_WORK, rows, sizeof *w->row);
    w->owner = eg_arena_take(arena, EG_FOR_WORK, rows, sizeof *w->owner);
    w->law = eg_arena_take(arena, EG_FOR_WORK, laws, sizeof *w->law);
    w->order = eg_arena_take(arena, EG_FOR_WORK, laws, sizeof *w->order);
    w->next = eg_arena_take(arena, EG_FOR_WORK, sequences, sizeof *w->next);
    eg_forward_make(&w->forward, &w->model->target, &compute, &room, arena);
    if (arena->failed) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory to write %d sequences of %d tokens",
                       o->sequences, o->length);
    }
    if (arena->count_only) {
        return EAGLE_OK;
    }
    for (int32_t s = 0; s < o->sequences; s++) {
        w->in_region[s] = -1;
    }
    return eg_team_check(o->threads, err);
}

/* Options that are sound, and all that needs room; in an arena that counts, on paper only. */
static eagle_status prepare(writer *w, eagle_error *err)
{
    if (w->opt.threads == 0) {
        w->opt.threads = eagle_cpu_count();
    }
    const eagle_status st = check(w, err);

    return st == EAGLE_OK ? lay_out(w, err) : st;
}

uint64_t eagle_writing_bill_total(const eagle_writing_bill *bill)
{
    return bill->weights + bill->work + bill->texts;
}

eagle_status eagle_corpus_write_bill(eagle_writing_bill *out, const eagle_model *model,
                                     const eagle_writing_options *opt, eagle_error *err)
{
    writer w = {.model = model, .opt = *opt, .arena = {.count_only = true}};
    const eagle_status st = prepare(&w, err);
    const eagle_tensor *t;

    *out = (eagle_writing_bill){0};
    if (st == EAGLE_OK) {
        const uint64_t documents = 2 * (uint64_t)opt->sequences * (uint64_t)opt->length;

        out->work = documents * sizeof(int32_t);
        for (int i = 0; i < EG_N_PURPOSES; i++) {
            out->work += w.arena.bytes[i];
        }
        for (int32_t i = 0; (t = eagle_model_tensor(model, i)) != NULL; i++) {
            out->weights += t->size;
        }
        out->texts = eg_corpus_bytes((size_t)opt->tokens);
    }
    eg_arena_free(&w.arena);
    return st;
}

/* Writes until enough is written, or `progress` has had enough. */
static eagle_status run(writer *w, eagle_writing_progress *progress, void *ctx, eagle_error *err)
{
    const int64_t tokens = w->opt.tokens;
    int64_t written = 0;
    bool go_on = true;
    eagle_status st = review(&written, w, err);

    while (st == EAGLE_OK && go_on && w->n_written < tokens) {
        for (int32_t s = 0; st == EAGLE_OK && s < w->opt.sequences; s++) {
            if (written < tokens && w->in_region[s] < 0) {
                st = begin(w, s, err);
            }
        }
        st = st == EAGLE_OK ? pass(w, err) : st;
        st = st == EAGLE_OK ? review(&written, w, err) : st;
        if (st == EAGLE_OK && progress != NULL && written > 0) {
            go_on = progress(ctx, written < tokens ? written : tokens, tokens);
        }
    }
    return st;
}

/* What there is when the writing was ended: documents that are not finished, but were begun. */
static eagle_status hand_over_rest(writer *w, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    while (st == EAGLE_OK && w->n_written < w->opt.tokens && w->n_whole < w->n_documents) {
        writing *d = &w->document[w->n_whole];

        if (d->n == d->n_prompt && d->fault == 0) {
            w->n_whole++; /* only a prompt: nobody wrote it */
        } else {
            st = hand_over(w, d, err);
        }
    }
    return st;
}

eagle_status eagle_corpus_write(eagle_corpus **out, const eagle_model *model,
                                const eagle_corpus *prompts, const eagle_writing_options *opt,
                                eagle_writing_progress *progress, void *ctx, eagle_error *err)
{
    writer w = {.model = model, .prompts = prompts, .opt = *opt};

    *out = NULL;

    eagle_status st = prepare(&w, err);

    st = st == EAGLE_OK ? eg_corpus_check(prompts, model->target.config.vocab, err) : st;
    st = st == EAGLE_OK ? eg_corpus_create(&w.corpus, err) : st;
    st = st == EAGLE_OK ? run(&w, progress, ctx, err) : st;
    st = st == EAGLE_OK ? hand_over_rest(&w, err) : st;
    if (st == EAGLE_OK) {
        *out = w.corpus;
        w.corpus = NULL;
    }
    eagle_corpus_free(w.corpus);
    for (int32_t k = 0; k < w.n_documents; k++) {
        free(w.document[k].token);
    }
    free(w.document);
    eg_arena_free(&w.arena);
    return st;
}
