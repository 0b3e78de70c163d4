/* SPDX-License-Identifier: MIT */
/* safetensors_write.c - writes tensors as one safetensors file, replacing the old one whole or not
 * at all.
 *
 * The format allows no holes, so alignment comes from the order: larger elements first. With
 * the header padded to 8 bytes, every tensor then begins at a multiple of its element size. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "eagle/files.h"
#include "formats/json.h"
#include "formats/safetensors.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define PAD 8

/* Larger elements first, then by name: the same tensors give the same file. */
static int by_element(const void *a, const void *b)
{
    const eagle_tensor *s = *(const eagle_tensor *const *)a;
    const eagle_tensor *t = *(const eagle_tensor *const *)b;
    size_t s_size = eagle_dtype_size(s->dtype);
    size_t t_size = eagle_dtype_size(t->dtype);

    if (s_size != t_size) {
        return s_size > t_size ? -1 : 1;
    }
    return strcmp(s->name, t->name);
}

/* EAGLE_EINVAL unless the caller's tensor is one that can be written; its data may be missing if
 * they come from elsewhere. */
static eagle_status check_tensor(const char *path, const eagle_tensor *t, bool may_lack_data,
                                 eagle_error *err)
{
    size_t size = eagle_dtype_size(t->dtype);
    bool right = size > 0 && t->rank >= 0 && t->rank <= EAGLE_MAX_RANK;

    for (int32_t i = 0; right && i < t->rank; i++) {
        right = t->shape[i] >= 0 && (uint64_t)t->shape[i] <= SIZE_MAX &&
                eg_mul_size(&size, size, (size_t)t->shape[i]);
    }
    if (!right || size != t->size || (t->data == NULL && size > 0 && !may_lack_data)) {
        return eg_fail(err, EAGLE_EINVAL,
                       "%s: tensor \"%.80s\": shape, dtype and %zu bytes disagree", path, t->name,
                       t->size);
    }
    if (strcmp(t->name, EG_METADATA) == 0) {
        return eg_fail(err, EAGLE_EINVAL, "%s: a tensor cannot be named " EG_METADATA, path);
    }
    return EAGLE_OK;
}

/* The caller's metadata as JSON; NULL when there is none. */
static eagle_status parse_metadata(json_t **out, const char *path, const char *metadata,
                                   eagle_error *err)
{
    *out = NULL;
    if (metadata == NULL) {
        return EAGLE_OK;
    }
    eagle_status st = eg_json_parse(out, path, metadata, strlen(metadata), err);

    if (st == EAGLE_OK) {
        st = eg_safetensors_check_metadata(path, *out, err);
    }
    if (st == EAGLE_EFORMAT) { /* not a file's fault, but the caller's */
        st = EAGLE_EINVAL;
        if (err != NULL) {
            err->code = st;
        }
    }
    return st;
}

/* {"dtype": ..., "shape": [...], "data_offsets": [begin, begin + size]}; NULL without memory. */
static json_t *describe(const eagle_tensor *t, size_t begin)
{
    json_t *shape = json_array();
    bool whole = shape != NULL;

    for (int32_t i = 0; i < t->rank; i++) {
        whole = whole && json_array_append_new(shape, json_integer(t->shape[i])) == 0;
    }
    if (!whole) {
        json_decref(shape);
        return NULL;
    }
    return json_pack("{s:s, s:o, s:[I, I]}", "dtype", eagle_dtype_name(t->dtype), "shape", shape,
                     "data_offsets", (json_int_t)begin, (json_int_t)(begin + t->size));
}

/* What is to be written. */
typedef struct {
    const char *path;
    const eagle_tensor **order; /* [n] as they stand in the file */
    int32_t n;
    const eg_tensor_source *source; /* NULL: all tensors have data */
} writing;

/* The header's JSON. */
static eagle_status make_header(json_t **out, const writing *w, json_t *metadata, eagle_error *err)
{
    const char *path = w->path;
    const eagle_tensor *const *order = w->order;

    size_t at = 0;

    *out = json_object();
    if (*out == NULL || (metadata != NULL && json_object_set(*out, EG_METADATA, metadata) != 0)) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for the header", path);
    }
    for (int32_t i = 0; i < w->n; i++) {
        eagle_status st = check_tensor(path, order[i], w->source != NULL, err);

        if (st != EAGLE_OK) {
            return st;
        }
        if (json_object_get(*out, order[i]->name) != NULL) {
            return eg_fail(err, EAGLE_EINVAL, "%s: two tensors named \"%.80s\"", path,
                           order[i]->name);
        }
        if (at > SIZE_MAX / 2 - order[i]->size) {
            return eg_fail(err, EAGLE_EINVAL, "%s: more than %zu bytes of tensors", path,
                           (size_t)SIZE_MAX / 2);
        }
        if (json_object_set_new(*out, order[i]->name, describe(order[i], at)) != 0) {
            return eg_fail(err, EAGLE_EINVAL,
                           "%s: cannot describe tensor \"%.80s\": not UTF-8, or no memory", path,
                           order[i]->name);
        }
        at += order[i]->size;
    }
    return EAGLE_OK;
}

static bool put(FILE *file, const void *data, size_t size)
{
    return size == 0 || fwrite(data, 1, size, file) == size;
}

/* A tensor's bytes. */
static eagle_status write_data(const eg_output *file, const writing *w, const eagle_tensor *t,
                               eagle_error *err)
{
    if (t->data == NULL && t->size > 0) {
        return w->source->put(w->source->ctx, file->file, t, err);
    }
    if (!put(file->file, t->data, t->size)) {
        return eg_fail(err, EAGLE_EWRITE, "%s: write failed: %s", file->path, strerror(errno));
    }
    return EAGLE_OK;
}

/* Length, header padded with spaces, tensors. */
static eagle_status write_all(const eg_output *file, const char *header, const writing *w,
                              eagle_error *err)
{
    size_t used = strlen(header);
    uint64_t length = (used + PAD - 1) / PAD * PAD;
    unsigned char bytes[PAD];
    eagle_status st = EAGLE_OK;

    if (length > EG_HEADER_MAX) {
        return eg_fail(err, EAGLE_EINVAL, "%s: header of %ju bytes, at most %u are allowed",
                       file->path, (uintmax_t)length, EG_HEADER_MAX);
    }
    for (size_t i = 0; i < PAD; i++) {
        bytes[i] = (unsigned char)(length >> (8 * i));
    }
    errno = 0;
    if (!put(file->file, bytes, PAD) || !put(file->file, header, used) ||
        !put(file->file, "       ", (size_t)length - used)) {
        return eg_fail(err, EAGLE_EWRITE, "%s: write failed: %s", file->path, strerror(errno));
    }
    for (int32_t i = 0; st == EAGLE_OK && i < w->n; i++) {
        st = write_data(file, w, w->order[i], err);
    }
    return st;
}

/* Writes the file beside its path and puts it in its place. */
static eagle_status write_file(const writing *w, const json_t *header, eagle_error *err)
{
    eg_output file = {0};
    char *text = json_dumps(header, JSON_COMPACT);
    eagle_status st = EAGLE_OK;

    if (text == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for the header", w->path);
    }
    st = eg_output_open(&file, w->path, err);
    if (st == EAGLE_OK) {
        st = write_all(&file, text, w, err);
    }
    if (st == EAGLE_OK) {
        st = eg_output_commit(&file, err);
    }
    eg_output_close(&file);
    free(text);
    return st;
}

eagle_status eg_safetensors_write(const char *path, const eagle_tensor *tensors, int32_t n_tensors,
                                  const char *metadata, const eg_tensor_source *source,
                                  eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    json_t *header = NULL;
    json_t *extra = NULL;
    writing w = {.path = path,
                 .order = eg_alloc((size_t)n_tensors, sizeof *w.order),
                 .n = n_tensors,
                 .source = source};

    if (w.order == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %d tensors", path, (int)n_tensors);
    }
    for (int32_t i = 0; i < n_tensors; i++) {
        w.order[i] = &tensors[i];
    }
    qsort(w.order, (size_t)n_tensors, sizeof *w.order, by_element);
    st = parse_metadata(&extra, path, metadata, err);
    if (st == EAGLE_OK) {
        st = make_header(&header, &w, extra, err);
    }
    if (st == EAGLE_OK) {
        st = write_file(&w, header, err);
    }
    json_decref(header);
    json_decref(extra);
    free(w.order);
    return st;
}

eagle_status eagle_tensors_write(const char *path, const eagle_tensor *tensors, int32_t n_tensors,
                                 const char *metadata, eagle_error *err)
{
    return eg_safetensors_write(path, tensors, n_tensors, metadata, NULL, err);
}
