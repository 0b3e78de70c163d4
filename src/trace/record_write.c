/* SPDX-License-Identifier: MIT */
/* record_write.c - the end of a recording: the manifest, and the file. */
#include "base/alloc.h"
#include "base/error.h"
#include "decode/state.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "trace/recorder.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- digests of networks ------------------------------------------------------------------- */

/* {"sha256": ...} of a model, or of a head when `model` is NULL; NULL without memory. */
static json_t *digest_of(const eagle_model *model, const eagle_head *head)
{
    char hex[65];
    const eagle_status st =
        model != NULL ? eagle_model_digest(hex, model, NULL) : eagle_head_digest(hex, head, NULL);

    return st == EAGLE_OK ? json_pack("{s:s}", "sha256", hex) : NULL;
}

/* ---- numbers as texts ---------------------------------------------------------------------- */

#define NUMBER_TEXT 64

/* The shortest decimal without an exponent that reads back as x. */
static const char *real_text(char text[NUMBER_TEXT], float x)
{
    for (int places = 0; places < 52; places++) {
        snprintf(text, NUMBER_TEXT, "%.*f", places, (double)x);
        if (strtof(text, NULL) == x) {
            break;
        }
    }
    return text;
}

/* ---- the manifest -------------------------------------------------------------------------- */

static json_t *sampling_json(const eagle_sampling *s)
{
    char temperature[NUMBER_TEXT];
    char text[2][EAGLE_DECIMAL_TEXT];

    return json_pack("{s:s, s:i, s:s, s:s}", "temperature", real_text(temperature, s->temperature),
                     "top_k", (int)s->top_k, "top_p", eagle_decimal_text(text[0], s->top_p),
                     "min_p", eagle_decimal_text(text[1], s->min_p));
}

/* What was asked for and is not all; NULL: everything, or no memory, which *failed tells. */
static json_t *recorded_json(const eagle_recorder *r, bool *failed)
{
    const eagle_trace_options *o = &r->opt;
    const int32_t layers = eagle_model_config(r->g->session->model)->n_layers;
    const int32_t end_round = o->end_round < r->round + 1 ? o->end_round : r->round + 1;
    const int32_t end_layer = o->end_layer < layers ? o->end_layer : layers;
    eagle_trace_options all;
    json_t *result = json_object();
    int bad = result == NULL;

    eagle_trace_defaults(&all, o->level);
    if (o->level >= 2 && (o->first_round > 0 || end_round <= r->round)) {
        bad |= json_object_set_new(result, "rounds",
                                   json_pack("[i, i]", (int)o->first_round, (int)end_round - 1));
    }
    if (o->level >= 3 && (o->first_layer > 0 || end_layer < layers)) {
        bad |= json_object_set_new(result, "layers",
                                   json_pack("[i, i]", (int)o->first_layer, (int)end_layer - 1));
    }
    if (o->level >= 3 && o->sites != all.sites) {
        json_t *sites = json_array();

        for (int32_t i = 0; i < EAGLE_SITE_COUNT; i++) {
            if ((o->sites & (1u << i)) != 0) {
                bad |= json_array_append_new(sites, json_string(eagle_site_name((eagle_site)i)));
            }
        }
        bad |= json_object_set_new(result, "sites", sites);
    }
    *failed = bad != 0;
    if (bad != 0 || json_object_size(result) == 0) {
        json_decref(result);
        result = NULL;
    }
    return result;
}

static const char *finish_name(const eagle_generation *g)
{
    return g->finish == EAGLE_FINISH_NOT_YET ? "" : eagle_finish_name(g->finish);
}

/* All but what may be absent. */
static json_t *main_json(const eagle_recorder *r)
{
    const eagle_session *s = r->g->session;
    const eagle_config *c = eagle_model_config(s->model);
    const eagle_drafter *drafter = s->drafting != NULL ? s->drafting->drafter : NULL;
    const eagle_head *head = drafter != NULL ? drafter->head : NULL;
    const bool exact = s->opt.math == EAGLE_MATH_EXACT;
    char seed[24];

    snprintf(seed, sizeof seed, "%" PRIu64, s->opt.seed);
    return json_pack("{s:s, s:s, s:{s:s, s:s}, s:s, s:s, s:i, s:b, s:i, s:i, s:i, s:o, s:o, s:o, "
                     "s:s, s:s, s:s, s:s, s:s, s:i, s:s}",
                     "schema", "eagle.trace", "version", EAGLE_TRACE_VERSION, "producer", "name",
                     "eagle", "version", eagle_version(), "contract", exact ? eagle_contract() : "",
                     "dtype", "f32", "level", (int)r->opt.level, "digest", (int)r->opt.digest,
                     "vocab", (int)c->vocab, "dim", (int)c->dim, "layers", (int)c->n_layers,
                     "model", digest_of(s->model, NULL), "head",
                     head != NULL ? digest_of(NULL, head) : json_null(), "sampling",
                     sampling_json(&s->opt.sampling), "verify",
                     eagle_verify_mode_name(s->opt.sampling.mode), "children",
                     drafter == NULL  ? ""
                     : drafter->drawn ? "drawn"
                                      : "topk",
                     "rule", "", "seed", seed, "tree", drafter != NULL ? drafter->description : "",
                     "rounds", (int)(r->round + 1), "finish", finish_name(r->g));
}

char *eg_recorder_manifest(const eagle_recorder *r)
{
    bool failed = false;
    json_t *recorded = recorded_json(r, &failed);
    json_t *manifest = failed ? NULL : main_json(r);
    json_t *metadata = NULL;
    char *inner = NULL;
    char *text = NULL;

    if (manifest != NULL &&
        (recorded == NULL || json_object_set(manifest, "recorded", recorded) == 0)) {
        inner = json_dumps(manifest, JSON_COMPACT);
    }
    if (inner != NULL) {
        metadata = json_pack("{s:s}", "eagle.trace", inner);
    }
    if (metadata != NULL) {
        text = json_dumps(metadata, JSON_COMPACT);
    }
    free(inner);
    json_decref(metadata);
    json_decref(manifest);
    json_decref(recorded);
    return text;
}

/* ---- the file ------------------------------------------------------------------------------ */

/* What is written: the sequence's arrays, and the tensors with their names. */
typedef struct {
    const eagle_recorder *r;
    int32_t *token; /* [T] with sources and rounds behind it */
    float *logprob; /* [output]                              */
    eagle_tensor *tensor;
    eg_trace_name *name;
    int32_t n;
} writing;

static void describe(writing *w, int32_t item, eagle_dtype dtype, int64_t rows, int64_t columns,
                     const void *data)
{
    const eg_trace_key key = {.part = EG_PART_SEQUENCE, .item = item};
    eagle_tensor *t = &w->tensor[w->n];

    w->name[w->n] = eg_trace_name_of(&key);
    *t = (eagle_tensor){.name = w->name[w->n].text,
                        .dtype = dtype,
                        .rank = columns > 0 ? 2 : 1,
                        .shape = {rows, columns},
                        .data = data,
                        .size = (size_t)rows * (columns > 0 ? (size_t)columns : 1) *
                                eagle_dtype_size(dtype)};
    w->n++;
}

static void describe_sequence(writing *w)
{
    const eagle_recorder *r = w->r;
    const eagle_prompt *prompt = &r->g->prompt;
    const int32_t n = prompt->n;
    const int32_t output = eg_recorder_output(r);
    const int32_t all = n + output;

    for (int32_t i = 0; i < all; i++) {
        const eg_recorded_token *t = i < n ? NULL : &r->token[i - n];

        w->token[i] = t != NULL ? t->token : prompt->token[i];
        w->token[all + i] = t != NULL ? t->source : EAGLE_TRACE_PROMPT;
        w->token[2 * all + i] = t != NULL ? t->round : -1;
        if (t != NULL) {
            w->logprob[i - n] = t->logprob;
        }
    }
    describe(w, EG_SEQ_TOKEN, EAGLE_I32, all, 0, w->token);
    describe(w, EG_SEQ_SOURCE, EAGLE_I32, all, 0, w->token + all);
    describe(w, EG_SEQ_ROUND, EAGLE_I32, all, 0, w->token + 2 * all);
    if (r->opt.level >= 1) {
        describe(w, EG_SEQ_LOGPROB, EAGLE_F32, output, 0, w->logprob);
    }
    if (r->opt.top > 0) {
        describe(w, EG_SEQ_TOP_TOKEN, EAGLE_I32, output, r->opt.top, r->top_token);
        describe(w, EG_SEQ_TOP_LOGPROB, EAGLE_F32, output, r->opt.top, r->top_logprob);
    }
}

static void describe_recorded(writing *w)
{
    for (int32_t i = 0; i < w->r->n_tensors; i++, w->n++) {
        const eg_recorded *t = &w->r->tensor[i];

        w->name[w->n] = eg_trace_name_of(&t->key);
        w->tensor[w->n] = (eagle_tensor){.name = w->name[w->n].text,
                                         .dtype = t->dtype,
                                         .rank = t->rank,
                                         .shape = {t->shape[0], t->rank > 1 ? t->shape[1] : 0},
                                         .size = t->size};
    }
}

/* The spool's tensors have their descriptions' places. */
static eagle_status put(void *ctx, FILE *file, const eagle_tensor *tensor, eagle_error *err)
{
    writing *w = ctx;
    eagle_recorder *r = (eagle_recorder *)(uintptr_t)w->r;
    const ptrdiff_t i = tensor - (w->tensor + w->n - r->n_tensors);

    return eg_spool_copy(file, &r->spool, r->tensor[i].at, r->tensor[i].size, err);
}

/* A tensor whose rows did not all come would be our own mistake. */
static eagle_status check_complete(const eagle_recorder *r, eagle_error *err)
{
    for (int32_t i = 0; i < r->n_tensors; i++) {
        if (r->tensor[i].done != r->tensor[i].size) {
            return eg_fail(err, EAGLE_EINTERNAL, "%s: %s is not complete", r->path,
                           eg_trace_name_of(&r->tensor[i].key).text);
        }
    }
    return EAGLE_OK;
}

static eagle_status write_file(const eagle_recorder *r, eagle_error *err)
{
    const size_t output = (size_t)eg_recorder_output(r);
    const size_t all = (size_t)r->g->prompt.n + output;
    const size_t most = (size_t)r->n_tensors + EG_SEQ_TOP_LOGPROB + 1;
    writing w = {.r = r,
                 .token = eg_alloc(3 * all, sizeof *w.token),
                 .logprob = eg_alloc(output, sizeof *w.logprob),
                 .tensor = eg_alloc(most, sizeof *w.tensor),
                 .name = eg_alloc(most, sizeof *w.name)};
    const eg_tensor_source source = {.put = put, .ctx = &w};
    char *metadata = eg_recorder_manifest(r);
    eagle_status st = EAGLE_OK;

    if (w.token == NULL || w.logprob == NULL || w.tensor == NULL || w.name == NULL ||
        metadata == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "%s: no memory to describe %zu tensors", r->path, most);
    } else {
        describe_sequence(&w);
        describe_recorded(&w);
        st = eg_safetensors_write(r->path, w.tensor, w.n, metadata, &source, err);
    }
    free(metadata);
    free(w.name);
    free(w.tensor);
    free(w.logprob);
    free(w.token);
    return st;
}

eagle_status eagle_recorder_finish(eagle_recorder *r, eagle_error *err)
{
    if (r->g->n_fed > 0 && r->g->n_fed < r->g->prompt.n) {
        return eg_fail(err, EAGLE_EINVAL, "%s: the prompt was not read to its end", r->path);
    }
    if (r->opt.level >= 2 && r->opt.first_round > r->round && r->opt.first_round > 0) {
        return eg_fail(err, EAGLE_EINVAL, "%s: rounds from %d on: there were only %d", r->path,
                       r->opt.first_round, r->round + 1);
    }
    if (r->opt.lines) {
        return eg_recorder_write_line(r, err);
    }
    const eagle_status st = check_complete(r, err);

    return st == EAGLE_OK ? write_file(r, err) : st;
}
