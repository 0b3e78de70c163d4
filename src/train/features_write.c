/* SPDX-License-Identifier: MIT */
/* features_write.c - computes a target's features of a corpus and writes them as they come.
 *
 * Sequences are laid end to end into the slots of one cache, as many as fit, and go through the
 * target in passes that need not end where a sequence ends: a row attends to the slots of
 * its own sequence, up to its own. So a feature has the bits that it has in generation. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/team.h"
#include "formats/safetensors.h"
#include "model/model.h"
#include "train/documents.h"
#include "train/features.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PASS_ROWS 256

typedef struct {
    const char *path;
    const eagle_model *model;
    eagle_features_options opt; /* threads resolved        */
    eagle_corpus *corpus;       /* cut to sequences        */
    eagle_writing_progress *progress;
    void *ctx;

    eg_arena arena; /* of all below */
    eg_forward forward;
    int32_t slots;
    eg_row *row;          /* [slots] of a group of sequences        */
    int32_t *sequence;    /* [slots] of a row                       */
    unsigned char *bytes; /* [PASS_ROWS x dim] elements, rounded    */
    float *back;          /* [dim] a rounded row, widened           */
} computing;

void eg_target_digest(char hex[65], const eagle_model *model)
{
    const eagle_tensor *t;
    eagle_sha256 sha;

    eagle_sha256_init(&sha);
    for (int32_t i = 0; (t = eagle_model_tensor(model, i)) != NULL; i++) {
        eagle_sha256_update(&sha, t->name, strlen(t->name) + 1);
        eagle_sha256_update(&sha, t->data, t->size);
    }
    eagle_sha256_hex(hex, &sha);
}

static eagle_status check(const computing *c, const eagle_corpus *corpus, eagle_error *err)
{
    const eagle_config *config = eagle_model_config(c->model);
    const eagle_features_options *o = &c->opt;

    if (o->length < 2 || o->length > config->context) {
        return eg_fail(err, o->length < 2 ? EAGLE_EINVAL : EAGLE_ELIMIT,
                       "sequences of %d tokens: needs 2..%d, the model's context", o->length,
                       config->context);
    }
    if (o->dtype != EAGLE_F32 && o->dtype != EAGLE_F16 && o->dtype != EAGLE_BF16) {
        return eg_fail(err, EAGLE_EINVAL, "features as %s: must be F32, F16 or BF16",
                       eagle_dtype_name(o->dtype));
    }
    if (o->threads < 1 || o->threads > EG_MAX_THREADS) {
        return eg_fail(err, EAGLE_EINVAL, "%d threads: needs 1..%d", o->threads, EG_MAX_THREADS);
    }
    return eg_corpus_check(corpus, config->vocab, err);
}

static eagle_status lay_out(computing *c, eagle_error *err)
{
    const size_t dim = (size_t)eagle_model_config(c->model)->dim;
    const eg_compute compute = {.kernels = eg_kernels_for(EAGLE_ISA_AUTO),
                                .threads = c->opt.threads};
    eg_arena *arena = &c->arena;

    c->slots = c->opt.length > 4 * PASS_ROWS ? c->opt.length : 4 * PASS_ROWS;

    const eg_pass_room room = {.rows = PASS_ROWS, .logits = 0, .slots = c->slots};

    c->row = eg_arena_take(arena, EG_FOR_WORK, (size_t)c->slots, sizeof *c->row);
    c->sequence = eg_arena_take(arena, EG_FOR_WORK, (size_t)c->slots, sizeof *c->sequence);
    c->bytes = eg_arena_take(arena, EG_FOR_WORK, PASS_ROWS * dim, sizeof(float));
    c->back = eg_arena_floats(arena, dim);
    eg_forward_make(&c->forward, &c->model->target, &compute, &room, arena);
    if (arena->failed) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for features of %d tokens", c->slots);
    }
    return eg_team_check(c->opt.threads, err);
}

/* ---- passes ---------------------------------------------------------------------------------- */

/* Rows of the sequences from number *s on, as many as fit whole; *s moves behind them. */
static int32_t make_group(computing *c, int32_t *s)
{
    int32_t n = 0;

    for (; *s < eagle_corpus_count(c->corpus); ++*s) {
        const eagle_document d = eagle_corpus_at(c->corpus, *s);
        const int32_t first = n;

        if (d.n > c->slots - n) {
            break;
        }
        for (int32_t i = 0; i < d.n; i++, n++) {
            c->sequence[n] = *s;
            c->row[n] = (eg_row){.token = d.token[i], .pos = i, .first = first, .n_run = i + 1};
        }
    }
    return n;
}

/* Rounds n rows of features that begin with row `at` of the group, and refuses what is not
 * finite. */
static eagle_status round_rows(computing *c, int32_t at, int32_t n, eagle_error *err)
{
    const size_t dim = (size_t)eagle_model_config(c->model)->dim;
    const size_t size = dim * eagle_dtype_size(c->opt.dtype);

    for (int32_t i = 0; i < n; i++) {
        const int32_t pos = c->row[at + i].pos;
        unsigned char *rounded = c->bytes + (size_t)i * size;

        if (c->forward.pass.fault[i] != 0) {
            return eg_fail(err, EAGLE_ENUMERIC,
                           "sequence %d, token %d: the target gives a NaN or an infinity",
                           c->sequence[at + i], pos);
        }
        eg_narrow(rounded, c->forward.feature + (size_t)i * dim, c->opt.dtype, dim);
        eg_widen(c->back, rounded, c->opt.dtype, dim);
        if (!eg_all_finite(c->back, dim)) {
            return eg_fail(err, EAGLE_ENUMERIC, "sequence %d, token %d: a feature is beyond %s",
                           c->sequence[at + i], pos, eagle_dtype_name(c->opt.dtype));
        }
    }
    return EAGLE_OK;
}

/* One pass over n rows of the group, and its features to the file. */
static eagle_status pass(computing *c, FILE *file, int32_t at, int32_t n, eagle_error *err)
{
    const size_t dim = (size_t)eagle_model_config(c->model)->dim;
    const size_t size = (size_t)n * dim * eagle_dtype_size(c->opt.dtype);
    eagle_status st = eg_forward_run(&c->forward, c->row + at, n, false, err);

    st = st == EAGLE_OK ? round_rows(c, at, n, err) : st;
    if (st == EAGLE_OK && fwrite(c->bytes, 1, size, file) != size) {
        st = eg_fail(err, EAGLE_EWRITE, "%s: write failed: %s", c->path, strerror(errno));
    }
    return st;
}

static eagle_status put_features(void *ctx, FILE *file, const eagle_tensor *tensor,
                                 eagle_error *err)
{
    computing *c = ctx;
    const int64_t tokens = tensor->shape[0];
    int64_t done = 0;
    int32_t next = 0; /* sequence */

    while (done < tokens) {
        const int32_t n = make_group(c, &next);

        for (int32_t at = 0; at < n; at += PASS_ROWS) {
            const int32_t rows = n - at < PASS_ROWS ? n - at : PASS_ROWS;
            const eagle_status st = pass(c, file, at, rows, err);

            if (st != EAGLE_OK) {
                return st;
            }
            done += rows;
            if (c->progress != NULL && !c->progress(c->ctx, done, tokens) && done < tokens) {
                return eg_fail(err, EAGLE_EWRITE, "%s: ended before it was complete", c->path);
            }
        }
    }
    return EAGLE_OK;
}

/* ---- the file -------------------------------------------------------------------------------- */

static eagle_status write_file(computing *c, eagle_error *err)
{
    const eagle_corpus *k = c->corpus;
    const int64_t n = eagle_corpus_tokens(k);
    const int64_t dim = eagle_model_config(c->model)->dim;
    const size_t size = eagle_dtype_size(c->opt.dtype);
    const eagle_tensor tensors[] = {
        {EG_FEATURES_STARTS, EAGLE_I64, 1, {k->n + 1}, k->start, ((size_t)k->n + 1) * 8},
        {EG_FEATURES_IDS, EAGLE_I32, 1, {n}, k->token, (size_t)n * 4},
        {EG_FEATURES_MASK, EAGLE_U8, 1, {n}, k->learn, (size_t)n},
        {EG_FEATURES_HIDDEN, c->opt.dtype, 2, {n, dim}, NULL, (size_t)n * (size_t)dim * size},
    };
    const eg_tensor_source source = {.put = put_features, .ctx = c};
    char metadata[128];
    char digest[65];

    eg_target_digest(digest, c->model);
    snprintf(metadata, sizeof metadata, "{\"format\":\"eagle-features-1\",\"target\":\"%s\"}",
             digest);
    return eg_safetensors_write(c->path, tensors, sizeof tensors / sizeof tensors[0], metadata,
                                &source, err);
}

eagle_status eagle_features_write(const char *path, const eagle_model *model,
                                  const eagle_corpus *corpus, const eagle_features_options *opt,
                                  eagle_writing_progress *progress, void *ctx, eagle_error *err)
{
    computing c = {.path = path, .model = model, .opt = *opt, .progress = progress, .ctx = ctx};

    c.opt.threads = opt->threads == 0 ? eagle_cpu_count() : opt->threads;

    eagle_status st = check(&c, corpus, err);

    st = st == EAGLE_OK ? eg_corpus_cut(&c.corpus, corpus, opt->length, err) : st;
    st = st == EAGLE_OK ? lay_out(&c, err) : st;
    st = st == EAGLE_OK ? write_file(&c, err) : st;
    eagle_corpus_free(c.corpus);
    eg_arena_free(&c.arena);
    return st;
}
