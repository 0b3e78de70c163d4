/* SPDX-License-Identifier: MIT */
/* trace_file.c - opens a trace: its tensors by name, in the order of the computation. Nothing in it
 * is believed before it was checked. */
#include "trace/trace_file.h"

#include "base/alloc.h"
#include "base/error.h"
#include "kernels/kernels.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

/* ---- the list of tensors ------------------------------------------------------------------ */

static int by_key(const void *a, const void *b)
{
    return eg_trace_compare(&((const eg_trace_entry *)a)->key, &((const eg_trace_entry *)b)->key);
}

/* Files the tensor under its key; one that this schema does not know is passed over where a newer
 * one may. */
static eagle_status add_entry(eagle_trace *trace, const eagle_tensor *t, eagle_error *err)
{
    const char *path = trace->file.path;
    eg_trace_entry *e = &trace->entry[trace->n_entries];

    e->tensor = *t;
    if (!eg_trace_parse_name(&e->key, t->name)) {
        return trace->newer ? EAGLE_OK
                            : eg_fail(err, EAGLE_EFORMAT,
                                      "%s: tensor \"%.80s\": no trace of version %s has one", path,
                                      t->name, EAGLE_TRACE_VERSION);
    }
    if (eg_trace_level_of(&e->key) > trace->info.level) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: tensor \"%.80s\": the level is %d, it needs %d",
                       path, t->name, trace->info.level, eg_trace_level_of(&e->key));
    }
    if ((uintptr_t)t->data % eagle_dtype_size(t->dtype) != 0) {
        return eg_fail(err, EAGLE_EUNSUPPORTED,
                       "%s: tensor \"%.80s\" is not aligned to its elements; larger ones belong "
                       "first",
                       path, t->name);
    }
    trace->n_entries++;
    return EAGLE_OK;
}

static eagle_status list_entries(eagle_trace *trace, eagle_error *err)
{
    const size_t n = eg_safetensors_count(&trace->file);
    eagle_tensor *tensor = eg_alloc(n, sizeof *tensor);
    eagle_status st = EAGLE_OK;

    trace->entry = eg_alloc(n, sizeof *trace->entry);
    if (tensor == NULL || trace->entry == NULL || n > INT32_MAX) {
        st = eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %zu tensors", trace->file.path, n);
    }
    st = st == EAGLE_OK ? eg_safetensors_list(tensor, &trace->file, err) : st;
    for (size_t i = 0; st == EAGLE_OK && i < n; i++) {
        st = add_entry(trace, &tensor[i], err);
    }
    free(tensor);
    if (st == EAGLE_OK) {
        qsort(trace->entry, (size_t)trace->n_entries, sizeof *trace->entry, by_key);
    }
    return st;
}

const eagle_tensor *eg_trace_find(const eagle_trace *trace, const eg_trace_key *key)
{
    const eg_trace_entry wanted = {.key = *key};
    const eg_trace_entry *e =
        bsearch(&wanted, trace->entry, (size_t)trace->n_entries, sizeof *trace->entry, by_key);

    return e != NULL ? &e->tensor : NULL;
}

/* ---- forms --------------------------------------------------------------------------------- */

/* "F32 [3, 40", to which a bracket is missing. */
typedef struct {
    char text[160];
} form_words;

/* Adds an extent, which is a range where more than one will do. */
static void add_extent(form_words *words, int32_t i, eg_extent e)
{
    const size_t used = strlen(words->text);
    char *end = words->text + used;
    const size_t room = sizeof words->text - used;
    const char *gap = i > 0 ? ", " : "";

    if (e.least == e.most) {
        snprintf(end, room, "%s%" PRId64, gap, e.least);
    } else {
        snprintf(end, room, "%s%" PRId64 " or more", gap, e.least);
    }
}

static form_words describe_tensor(const eagle_tensor *t)
{
    form_words words;

    snprintf(words.text, sizeof words.text, "%s [", eagle_dtype_name(t->dtype));
    for (int32_t i = 0; i < t->rank; i++) {
        add_extent(&words, i, eg_exactly(t->shape[i]));
    }
    return words;
}

static form_words describe_form(const eg_trace_form *form)
{
    form_words words;

    snprintf(words.text, sizeof words.text, "%s [",
             form->floats ? "F32, BF16 or F16" : eagle_dtype_name(form->dtype));
    for (int32_t i = 0; i < form->rank; i++) {
        add_extent(&words, i, form->extent[i]);
    }
    return words;
}

static bool is_floats(eagle_dtype dtype)
{
    return dtype == EAGLE_F32 || dtype == EAGLE_BF16 || dtype == EAGLE_F16;
}

eagle_status eg_trace_check_form(const eagle_trace *trace, const eagle_tensor *t,
                                 const eg_trace_form *form, eagle_error *err)
{
    bool right =
        t->rank == form->rank && (form->floats ? is_floats(t->dtype) : t->dtype == form->dtype);

    for (int32_t i = 0; right && i < form->rank; i++) {
        right = t->shape[i] >= form->extent[i].least && t->shape[i] <= form->extent[i].most;
    }
    if (right) {
        return EAGLE_OK;
    }
    return eg_fail(err, EAGLE_EFORMAT, "%s: tensor \"%.80s\" is %s], must be %s]", trace->file.path,
                   t->name, describe_tensor(t).text, describe_form(form).text);
}

eagle_status eg_trace_take(const eagle_tensor **out, const eagle_trace *trace,
                           const eg_trace_key *key, const eg_trace_form *form, bool needed,
                           eagle_error *err)
{
    const eg_trace_form digest = eg_list_of(EAGLE_U8, eg_exactly(EG_DIGEST_BYTES));

    *out = eg_trace_find(trace, key);
    if (*out == NULL) {
        return needed ? eg_fail(err, EAGLE_EFORMAT, "%s: no tensor \"%s\", which level %d needs",
                                trace->file.path, eg_trace_name_of(key).text, trace->info.level)
                      : EAGLE_OK;
    }
    if (trace->info.digest && !eg_trace_kept_in_digest(key)) {
        form = &digest;
    }
    return eg_trace_check_form(trace, *out, form, err);
}

eagle_status eg_trace_check_range(const eagle_trace *trace, const eagle_tensor *t, int32_t low,
                                  int32_t high, eagle_error *err)
{
    const int32_t *value = t->data;

    for (size_t i = 0; i < t->size / sizeof *value; i++) {
        if (value[i] < low || value[i] > high) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: tensor \"%.80s\": element %zu is %" PRId32 ", must lie in %" PRId32
                           "..%" PRId32,
                           trace->file.path, t->name, i, value[i], low, high);
        }
    }
    return EAGLE_OK;
}

/* Does the file begin with '{', and then text where a safetensors file has the largest byte of its
 * header's length? So do runs as lines of JSON. */
static bool is_json(const char *path)
{
    eg_map map;

    if (eg_map_open(&map, path, NULL) != EAGLE_OK) {
        return false; /* who opens it next says why */
    }
    const unsigned char *begin = map.data;
    const bool json = map.size >= 8 && begin[0] == '{' && begin[7] != '\0';

    eg_map_close(&map);
    return json;
}

/* ---- opening ------------------------------------------------------------------------------- */

eagle_status eagle_trace_open(eagle_trace **out, const char *path, eagle_error *err)
{
    eagle_trace *trace = eg_alloc(1, sizeof *trace);

    *out = NULL;
    if (trace == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for a trace", path);
    }
    eagle_status st = EAGLE_OK;

    if (is_json(path)) {
        st = eg_fail(err, EAGLE_EFORMAT,
                     "%s: JSON, not a trace of tensors; `eagle check` reads runs as lines of JSON",
                     path);
    }
    st = st == EAGLE_OK ? eg_safetensors_open_file(&trace->file, path, err) : st;
    st = st == EAGLE_OK ? eg_safetensors_check_metadata(
                              path, json_object_get(trace->file.header, EG_METADATA), err)
                        : st;
    st = st == EAGLE_OK ? eg_trace_read_manifest(trace, err) : st;
    st = st == EAGLE_OK ? list_entries(trace, err) : st;
    st = st == EAGLE_OK ? eg_trace_read_tokens(trace, err) : st;
    st = st == EAGLE_OK ? eg_trace_read_rounds(trace, err) : st;
    st = st == EAGLE_OK ? eg_trace_check_sites(trace, err) : st;
    if (st != EAGLE_OK) {
        eagle_trace_free(trace);
        return st;
    }
    *out = trace;
    return EAGLE_OK;
}

void eagle_trace_free(eagle_trace *trace)
{
    if (trace != NULL) {
        free(trace->law);
        free(trace->round);
        free(trace->entry);
        json_decref(trace->manifest);
        eg_safetensors_close(&trace->file);
        free(trace);
    }
}

/* ---- access -------------------------------------------------------------------------------- */

const eagle_trace_manifest *eagle_trace_info(const eagle_trace *trace)
{
    return &trace->info;
}

const eagle_trace_tokens *eagle_trace_sequence(const eagle_trace *trace)
{
    return &trace->tokens;
}

const eagle_trace_round *eagle_trace_round_at(const eagle_trace *trace, int32_t r)
{
    const bool there =
        r >= trace->info.first_round && r - trace->info.first_round < trace->n_rounds;

    return there ? &trace->round[r - trace->info.first_round] : NULL;
}

const eagle_tensor *eagle_trace_site(const eagle_trace *trace, eagle_trace_place place)
{
    static const eg_trace_part part[] = {[EAGLE_TRACE_OF_PROMPT] = EG_PART_PROMPT,
                                         [EAGLE_TRACE_OF_ROUND] = EG_PART_TARGET,
                                         [EAGLE_TRACE_OF_DRAFT] = EG_PART_DRAFT,
                                         [EAGLE_TRACE_OF_REFRESH] = EG_PART_REFRESH,
                                         [EAGLE_TRACE_OF_PROMPT_REFRESH] = EG_PART_PROMPT_REFRESH};
    const bool of_target = place.of == EAGLE_TRACE_OF_PROMPT || place.of == EAGLE_TRACE_OF_ROUND;
    const bool of_prompt =
        place.of == EAGLE_TRACE_OF_PROMPT || place.of == EAGLE_TRACE_OF_PROMPT_REFRESH;
    const eg_trace_key key = {.part = part[place.of],
                              .round = of_prompt ? 0 : place.round,
                              .pass = place.of == EAGLE_TRACE_OF_DRAFT ? place.pass : 0,
                              .layer = of_target ? eg_trace_layer_of(place.site, place.layer) : 0,
                              .item = (int32_t)place.site};

    return eg_trace_find(trace, &key);
}

const eagle_tensor *eagle_trace_tensor(const eagle_trace *trace, const char *name)
{
    eg_trace_key key;

    return eg_trace_parse_name(&key, name) ? eg_trace_find(trace, &key) : NULL;
}

const eagle_tensor *eagle_trace_tensor_at(const eagle_trace *trace, int32_t i)
{
    return i >= 0 && i < trace->n_entries ? &trace->entry[i].tensor : NULL;
}

void eagle_trace_floats(float *out, const eagle_tensor *tensor, int64_t first, int64_t n)
{
    const unsigned char *data = tensor->data;

    eg_widen(out, data + (size_t)first * eagle_dtype_size(tensor->dtype), tensor->dtype, (size_t)n);
}
