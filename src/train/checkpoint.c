/* SPDX-License-Identifier: MIT */
/* checkpoint.c - the whole state of a training as one safetensors file.
 *
 * Every tensor T of the network stands there three times: T, m.T and v.T, its weights and the
 * moments of its gradient. The metadata hold the rest as text: what the training is (facts, which
 * must be the same when it goes on), and where it is. A file is not believed: all of it is checked
 * before anything of the trainer changes. */
#include "base/alloc.h"
#include "base/error.h"
#include "eagle/files.h"
#include "formats/json.h"
#include "formats/safetensors.h"
#include "kernels/kernels.h"
#include "train/trainer.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define VERSION   "2" /* 1: without the tokens that begin and end texts, and the context */
#define MAX_FACTS 64
#define N_COPIES  3 /* weights, m, v */

static const char *const copy_prefix[N_COPIES] = {"", "m.", "v."};

/* The arrays behind those prefixes. */
static eg_real *copy_of(const eagle_trainer *t, int copy)
{
    return copy == 0 ? t->net->params.value : copy == 1 ? t->adamw.m : t->adamw.v;
}

/* ---- what a training is ---------------------------------------------------------------------- */

typedef struct {
    const char *name;
    const char *value; /* `text`, or what the facts hold beside */
    char text[72];
} fact;

typedef struct {
    fact item[MAX_FACTS]; /* [n] */
    int n;
    char ends[EAGLE_MAX_END * 12]; /* end tokens, with commas */
} facts;

static void add_text(facts *f, const char *name, const char *value)
{
    fact *one = &f->item[f->n++];

    one->name = name;
    one->value = one->text;
    snprintf(one->text, sizeof one->text, "%s", value);
}

static void add_whole(facts *f, const char *name, int64_t value)
{
    char text[32];

    snprintf(text, sizeof text, "%" PRId64, value);
    add_text(f, name, text);
}

static void add_real(facts *f, const char *name, double value)
{
    eg_json_number number;

    eg_json_shortest(&number, value, false);
    add_text(f, name, number.text);
}

/* The tokens that begin and end a text: they go from here into the files of the model. */
static void add_tokens(facts *f, const eagle_config *c)
{
    size_t size = 0;

    if (c->bos >= 0) {
        add_whole(f, "bos_token_id", c->bos);
    } else {
        add_text(f, "bos_token_id", "none");
    }
    for (int32_t i = 0; i < c->n_end; i++) {
        size += (size_t)snprintf(f->ends + size, sizeof f->ends - size, "%s%" PRId32,
                                 i == 0 ? "" : ",", c->end[i]);
    }
    f->item[f->n++] = (fact){.name = "eos_token_id", .value = c->n_end > 0 ? f->ends : "none"};
}

static void add_config(facts *f, const eagle_config *c)
{
    add_whole(f, "hidden_size", c->dim);
    add_whole(f, "num_hidden_layers", c->n_layers);
    add_whole(f, "num_attention_heads", c->n_heads);
    add_whole(f, "num_key_value_heads", c->n_kv_heads);
    add_whole(f, "head_dim", c->head_dim);
    add_whole(f, "intermediate_size", c->ffn_dim);
    add_whole(f, "vocab_size", c->vocab);
    add_whole(f, "max_position_embeddings", c->context);
    add_tokens(f, c);
    add_real(f, "rms_norm_eps", (double)c->rms_eps);
    add_whole(f, "tie_word_embeddings", c->tied);
    add_whole(f, "attention_bias", c->attention_bias);
    add_whole(f, "mlp_bias", c->mlp_bias);
    add_whole(f, "bias", c->fc_bias);
    add_whole(f, "qkv_bias", c->qkv_bias);
    add_whole(f, "rope_type", c->rope.kind);
    add_real(f, "rope_theta", c->rope.theta);
    if (c->rope.kind != EAGLE_ROPE_DEFAULT) {
        add_real(f, "rope_factor", c->rope.factor);
        add_real(f, "low_freq_factor", c->rope.low_freq_factor);
        add_real(f, "high_freq_factor", c->rope.high_freq_factor);
        add_whole(f, "original_max_position_embeddings", c->rope.original_context);
    }
}

static void add_options(facts *f, const eagle_train_options *o, bool heads)
{
    char seed[32];

    snprintf(seed, sizeof seed, "%" PRIu64, o->seed);
    add_text(f, "seed", seed);
    add_whole(f, "steps", o->steps);
    add_whole(f, "warmup", o->warmup);
    add_whole(f, "batch", o->batch);
    add_whole(f, "length", o->length);
    add_real(f, "lr", o->lr);
    add_real(f, "lr_floor", o->lr_floor);
    add_whole(f, "schedule", o->schedule);
    add_real(f, "beta1", o->beta1);
    add_real(f, "beta2", o->beta2);
    add_real(f, "eps", o->eps);
    add_real(f, "weight_decay", o->weight_decay);
    add_real(f, "clip_value", o->clip_value);
    add_real(f, "clip_norm", o->clip_norm);
    if (heads) {
        add_real(f, "feature_weight", o->feature_weight);
        add_real(f, "token_weight", o->token_weight);
        add_real(f, "noise", o->noise);
        add_real(f, "own_features", o->own_features);
    }
}

/* What a file must say to be a checkpoint. */
static void describe_version(facts *f)
{
    *f = (facts){0};
    add_text(f, "eagle_checkpoint", VERSION);
}

/* All that must be the same for the training to go on. The version comes first. */
static void describe(facts *f, const eagle_trainer *t)
{
    describe_version(f);
    add_text(f, "kind", t->net->kind);
    add_config(f, &t->net->config);
    add_options(f, &t->opt, t->model != NULL);
    add_text(f, "digest of the texts", t->texts);
    if (t->model != NULL) {
        add_text(f, "digest of the target", t->target);
        add_text(f, "features", t->features != NULL ? "stored" : "computed");
    }
}

/* What the bits depend on beside: it may differ, with a warning. */
static void describe_machine(facts *f, const eagle_trainer *t)
{
    *f = (facts){0};
    add_whole(f, "threads", t->opt.threads);
    add_text(f, "BLAS core type", eg_gemm_core());
}

/* ---- saving ---------------------------------------------------------------------------------- */

static bool put_facts(json_t *out, const facts *f)
{
    bool put = true;

    for (int i = 0; i < f->n; i++) {
        put = json_object_set_new(out, f->item[i].name, json_string(f->item[i].value)) == 0 && put;
    }
    return put;
}

/* The metadata as JSON text, to be freed; NULL without memory, or when the memo is no UTF-8. */
static char *make_metadata(const eagle_trainer *t, const char *memo)
{
    const eg_place place = eg_feeder_place(t->feeder);
    json_t *out = json_object();
    char *text = NULL;
    facts what;
    facts machine;
    facts state = {0};

    describe(&what, t);
    describe_machine(&machine, t);
    add_whole(&state, "step", t->step);
    add_whole(&state, "rows", t->rows);
    add_whole(&state, "epoch", place.epoch);
    add_whole(&state, "piece", place.piece);
    add_whole(&state, "used", place.used);
    if (put_facts(out, &what) && put_facts(out, &machine) && put_facts(out, &state) &&
        (memo == NULL || json_object_set_new(out, "memo", json_string(memo)) == 0)) {
        text = json_dumps(out, JSON_COMPACT);
    }
    json_decref(out);
    return text;
}

typedef struct {
    char text[EG_NAME_MAX + 4];
} name;

static name name_of(const eg_parameter *p, int copy)
{
    name out;

    snprintf(out.text, sizeof out.text, "%s%s", copy_prefix[copy], p->name);
    return out;
}

eagle_status eagle_trainer_save(const eagle_trainer *t, const char *memo, const char *path,
                                eagle_error *err)
{
    const eg_parameters *p = &t->net->params;
    const size_t n = N_COPIES * (size_t)p->n_tensors;
    eagle_tensor *tensor = eg_alloc(n, sizeof *tensor);
    name *names = eg_alloc(n, sizeof *names);
    char *metadata = make_metadata(t, memo);
    eagle_status st = EAGLE_OK;

    if (tensor == NULL || names == NULL || metadata == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "%s: no memory for its header", path);
        goto done;
    }
    for (size_t i = 0; i < n; i++) {
        const eg_parameter *one = &p->tensor[i / N_COPIES];
        const int copy = (int)(i % N_COPIES);

        names[i] = name_of(one, copy);
        tensor[i] = t->tensor[i / N_COPIES];
        tensor[i].name = names[i].text;
        tensor[i].data = copy_of(t, copy) + one->at;
        if (!eg_all_finite(tensor[i].data, one->rows * one->cols)) {
            st = eg_fail(err, EAGLE_ENUMERIC, "step %lld: %s is not finite: not saved",
                         (long long)t->step, names[i].text);
            goto done;
        }
    }
    st = eagle_tensors_write(path, tensor, (int32_t)n, metadata, err);

done:
    free(metadata);
    free(names);
    free(tensor);
    return st;
}

/* ---- resuming: the metadata ------------------------------------------------------------------ */

/* A text of the metadata, NULL when it is not there. */
static const char *text_at(const json_t *metadata, const char *key)
{
    return json_string_value(json_object_get(metadata, key));
}

static eagle_status check_facts(const char *path, const json_t *metadata, const facts *want,
                                eagle_error *err)
{
    for (int i = 0; i < want->n; i++) {
        const fact *one = &want->item[i];
        const char *found = text_at(metadata, one->name);

        if (found == NULL) {
            return eg_fail(err, EAGLE_EFORMAT, "%s: no checkpoint: its metadata have no \"%s\"",
                           path, one->name);
        }
        if (strcmp(found, one->value) != 0) {
            return eg_fail(err, i == 0 ? EAGLE_EUNSUPPORTED : EAGLE_EFIT,
                           "%s: \"%s\" is %.72s there, but %s here", path, one->name, found,
                           one->value);
        }
    }
    return EAGLE_OK;
}

/* A whole number in [0, high], as add_whole() writes it. */
static eagle_status read_whole(int64_t *out, const char *path, const json_t *metadata,
                               const char *key, int64_t high, eagle_error *err)
{
    const char *text = text_at(metadata, key);
    const size_t size = text != NULL ? strlen(text) : 0;

    if (size > 0 && size <= 18 && strspn(text, "0123456789") == size) { /* below 2^63 */
        *out = strtoll(text, NULL, 10);
        if (*out <= high) {
            return EAGLE_OK;
        }
    }
    return eg_fail(err, EAGLE_EFORMAT, "%s: \"%s\" is %.72s, must be a whole number up to %" PRId64,
                   path, key, text != NULL ? text : "missing", high);
}

/* Where a training was. */
typedef struct {
    int64_t step;
    int64_t rows;
    eg_place place;
} state;

static eagle_status read_state(state *out, const eagle_trainer *t, const char *path,
                               const json_t *metadata, eagle_error *err)
{
    eagle_status st = read_whole(&out->step, path, metadata, "step", t->opt.steps, err);

    if (st == EAGLE_OK) {
        st = read_whole(&out->rows, path, metadata, "rows", out->step * t->opt.batch, err);
    }
    if (st == EAGLE_OK) {
        st = read_whole(&out->place.epoch, path, metadata, "epoch", INT64_MAX, err);
    }
    if (st == EAGLE_OK) {
        st = read_whole(&out->place.piece, path, metadata, "piece", INT64_MAX, err);
    }
    if (st == EAGLE_OK) {
        st = read_whole(&out->place.used, path, metadata, "used", INT64_MAX, err);
    }
    return st;
}

/* ---- resuming: the tensors ------------------------------------------------------------------- */

/* All numbers finite, and with `from_zero` none negative. The data may lie at any address. */
static bool sound(const eagle_tensor *tensor, bool from_zero)
{
    enum { SOME = 1024 };
    const char *data = tensor->data;
    const size_t n = tensor->size / sizeof(float);
    float part[SOME];

    for (size_t i = 0; i < n; i += SOME) {
        const size_t some = n - i < SOME ? n - i : SOME;

        memcpy(part, data + i * sizeof *part, some * sizeof *part);
        if (!eg_all_finite(part, some)) {
            return false;
        }
        for (size_t j = 0; from_zero && j < some; j++) {
            if (part[j] < 0.0f) {
                return false;
            }
        }
    }
    return true;
}

/* Finds one copy of a parameter among the file's tensors, and checks it. */
static eagle_status check_tensor(const eagle_tensor **out, const char *path,
                                 const eagle_tensor *tensor, size_t n, const eg_parameter *p,
                                 int copy, eagle_error *err)
{
    const name wanted = name_of(p, copy);
    const eagle_tensor *found = NULL;

    for (size_t i = 0; i < n && found == NULL; i++) {
        found = strcmp(tensor[i].name, wanted.text) == 0 ? &tensor[i] : NULL;
    }
    if (found == NULL) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: tensor \"%s\" is missing", path, wanted.text);
    }
    if (found->dtype != EAGLE_F32 || found->rank != p->rank ||
        found->shape[0] != (int64_t)p->rows ||
        (p->rank == 2 && found->shape[1] != (int64_t)p->cols)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: tensor \"%s\" must be F32 of %zu x %zu", path,
                       wanted.text, p->rows, p->cols);
    }
    if (!sound(found, copy == 2)) {
        return eg_fail(err, EAGLE_ENUMERIC, "%s: tensor \"%s\" holds a number that cannot be", path,
                       wanted.text);
    }
    *out = found;
    return EAGLE_OK;
}

/* Checks all tensors of the file; source [N_COPIES * n_tensors] receives them in the trainer's
 * order. */
static eagle_status check_tensors(const eagle_tensor **source, eagle_tensor *tensor,
                                  const eagle_trainer *t, const eg_safetensors *file,
                                  eagle_error *err)
{
    const eg_parameters *p = &t->net->params;
    const size_t n = eg_safetensors_count(file);
    const size_t wanted = N_COPIES * (size_t)p->n_tensors;
    eagle_status st = eg_safetensors_list(tensor, file, err);

    for (size_t i = 0; st == EAGLE_OK && i < wanted; i++) {
        st = check_tensor(&source[i], file->path, tensor, n, &p->tensor[i / N_COPIES],
                          (int)(i % N_COPIES), err);
    }
    if (st == EAGLE_OK && n != wanted) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: %zu tensors, must be %zu", file->path, n, wanted);
    }
    return st;
}

/* ---- resuming -------------------------------------------------------------------------------- */

eagle_status eagle_trainer_memo(char **out, const char *path, eagle_error *err)
{
    eg_safetensors file;
    facts version;

    *out = NULL;
    eagle_status st = eg_safetensors_open_file(&file, path, err);

    if (st != EAGLE_OK) {
        return st;
    }
    const json_t *metadata = json_object_get(file.header, EG_METADATA);
    const char *memo = text_at(metadata, "memo");

    describe_version(&version);
    st = check_facts(path, metadata, &version, err);
    if (st == EAGLE_OK && memo != NULL) {
        *out = eg_strdup(memo);
        if (*out == NULL) {
            st = eg_fail(err, EAGLE_ENOMEM, "%s: no memory to read it", path);
        }
    }
    eg_safetensors_close(&file);
    return st;
}

/* Says in `warning` what is another machine than that of the file; "" when nothing is. */
static void compare_machine(char *warning, size_t size, const json_t *metadata,
                            const eagle_trainer *t)
{
    facts now;

    warning[0] = '\0';
    describe_machine(&now, t);
    for (int i = 0; i < now.n && warning[0] == '\0'; i++) {
        const char *then = text_at(metadata, now.item[i].name);

        if (then == NULL || strcmp(then, now.item[i].value) != 0) {
            snprintf(warning, size,
                     "%s: %.40s before, %s now: the bits will differ from those of a training "
                     "that went on",
                     now.item[i].name, then != NULL ? then : "unknown", now.item[i].value);
        }
    }
}

/* Takes over what was checked, and the place, which only the feeder can check. */
static eagle_status restore(eagle_trainer *t, const eagle_tensor *const *source, const state *where,
                            const char *path, eagle_error *err)
{
    const eg_parameters *p = &t->net->params;

    if (!eg_feeder_seek(t->feeder, where->place)) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: epoch %" PRId64 ", piece %" PRId64 ", token %" PRId64
                       " is no place in the texts",
                       path, where->place.epoch, where->place.piece, where->place.used);
    }
    for (size_t i = 0; i < N_COPIES * (size_t)p->n_tensors; i++) {
        memcpy(copy_of(t, (int)(i % N_COPIES)) + p->tensor[i / N_COPIES].at, source[i]->data,
               source[i]->size);
    }
    t->step = where->step;
    t->rows = where->rows;
    return EAGLE_OK;
}

eagle_status eagle_trainer_resume(eagle_resumed *out, eagle_trainer *t, const char *path,
                                  eagle_error *err)
{
    const size_t wanted = N_COPIES * (size_t)t->net->params.n_tensors;
    const eagle_tensor **source = NULL;
    const json_t *metadata = NULL;
    const char *memo = NULL;
    eagle_tensor *tensor = NULL;
    char *memo_copy = NULL;
    eg_safetensors file;
    facts what;
    state where;

    *out = (eagle_resumed){0};
    eagle_status st = eg_safetensors_open_file(&file, path, err);

    if (st != EAGLE_OK) {
        return st;
    }
    metadata = json_object_get(file.header, EG_METADATA);
    memo = text_at(metadata, "memo");
    tensor = eg_alloc(eg_safetensors_count(&file), sizeof *tensor);
    source = eg_alloc(wanted, sizeof *source);
    memo_copy = eg_strdup(memo != NULL ? memo : "");
    if (tensor == NULL || source == NULL || memo_copy == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "%s: no memory to read it", path);
        goto done;
    }
    describe(&what, t);
    st = check_facts(path, metadata, &what, err);
    if (st == EAGLE_OK) {
        st = read_state(&where, t, path, metadata, err);
    }
    if (st == EAGLE_OK) {
        st = check_tensors(source, tensor, t, &file, err);
    }
    if (st == EAGLE_OK) {
        st = restore(t, source, &where, path, err);
    }
    if (st != EAGLE_OK) {
        goto done;
    }
    compare_machine(t->warning, sizeof t->warning, metadata, t);
    free(t->memo);
    t->memo = memo_copy;
    memo_copy = NULL;
    out->warning = t->warning[0] != '\0' ? t->warning : NULL;
    out->memo = memo != NULL ? t->memo : NULL;

done:
    free(memo_copy);
    free(source);
    free(tensor);
    eg_safetensors_close(&file);
    return st;
}
