/* SPDX-License-Identifier: MIT */
/* safetensors.c - reads one safetensors file. Nothing in it is believed: the header's length, its
 * JSON, every type, shape and extent are checked before a byte is used. */
#include "formats/safetensors.h"

#include "base/alloc.h"
#include "base/error.h"
#include "formats/json.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_BYTES 8

/* Reads the length of the header and its JSON. */
static eagle_status read_header(eg_safetensors *file, eagle_error *err)
{
    const unsigned char *data = file->map.data;
    size_t size = file->map.size;
    uint64_t length = 0;

    if (size < LENGTH_BYTES) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: %zu bytes, a header length alone takes %d",
                       file->path, size, LENGTH_BYTES);
    }
    for (size_t i = 0; i < LENGTH_BYTES; i++) {
        length |= (uint64_t)data[i] << (8 * i);
    }
    if (length > EG_HEADER_MAX) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: header of %ju bytes, at most %u are allowed",
                       file->path, (uintmax_t)length, EG_HEADER_MAX);
    }
    if (length > size - LENGTH_BYTES) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: header of %ju bytes, but only %zu follow its length", file->path,
                       (uintmax_t)length, size - LENGTH_BYTES);
    }
    if (length == 0 || data[LENGTH_BYTES] != '{') {
        return eg_fail(err, EAGLE_EFORMAT, "%s: the header must begin with '{'", file->path);
    }
    file->data_at = LENGTH_BYTES + (size_t)length;
    return eg_json_parse(&file->header, file->path, (const char *)data + LENGTH_BYTES,
                         (size_t)length, err);
}

/* Maps out->path, which is NULL when there was no memory for it. */
static eagle_status open_path(eg_safetensors *out, const char *name, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    if (out->path == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for its name", name);
    }
    st = eg_map_open(&out->map, out->path, err);
    if (st == EAGLE_OK) {
        st = read_header(out, err);
    }
    if (st != EAGLE_OK) {
        eg_safetensors_close(out);
    }
    return st;
}

eagle_status eg_safetensors_open(eg_safetensors *out, const char *dir, const char *name,
                                 eagle_error *err)
{
    *out = (eg_safetensors){.path = eg_path_join(dir, name)};
    return open_path(out, name, err);
}

eagle_status eg_safetensors_open_file(eg_safetensors *out, const char *path, eagle_error *err)
{
    *out = (eg_safetensors){.path = eg_strdup(path)};
    return open_path(out, path, err);
}

void eg_safetensors_close(eg_safetensors *file)
{
    json_decref(file->header);
    eg_map_close(&file->map);
    free(file->path);
    *file = (eg_safetensors){0};
}

size_t eg_safetensors_count(const eg_safetensors *file)
{
    return json_object_size(file->header) - (json_object_get(file->header, EG_METADATA) != NULL);
}

eagle_status eg_safetensors_check_metadata(const char *path, const json_t *metadata,
                                           eagle_error *err)
{
    const char *key;
    json_t *value;

    if (metadata == NULL) {
        return EAGLE_OK;
    }
    eagle_status st = eg_json_need_object(path, "\"" EG_METADATA "\"", metadata, err);

    if (st != EAGLE_OK) {
        return st;
    }
    json_object_foreach((json_t *)(uintptr_t)metadata, key, value)
    {
        if (!json_is_string(value)) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: \"" EG_METADATA ".%.80s\" is %s, must be a string", path, key,
                           eg_json_describe(value).text);
        }
    }
    return EAGLE_OK;
}

/* ---- one tensor ------------------------------------------------------------------------------ */

static eagle_status read_dtype(eagle_tensor *t, const char *path, const json_t *value,
                               eagle_error *err)
{
    if (!json_is_string(value)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: tensor \"%.80s\": dtype is %s, must be a string",
                       path, t->name, eg_json_describe(value).text);
    }
    for (int i = 0; eagle_dtype_name((eagle_dtype)i) != NULL; i++) {
        if (strcmp(eagle_dtype_name((eagle_dtype)i), json_string_value(value)) == 0) {
            t->dtype = (eagle_dtype)i;
            return EAGLE_OK;
        }
    }
    return eg_fail(
        err, EAGLE_EUNSUPPORTED,
        "%s: tensor \"%.80s\": dtype %s, must be F32, F16, BF16, F64, I64, I32, U8 or BOOL", path,
        t->name, eg_json_describe(value).text);
}

/* Reads the shape; t->size becomes the bytes that it takes. */
static eagle_status read_shape(eagle_tensor *t, const char *path, const json_t *value,
                               eagle_error *err)
{
    size_t rank = json_array_size(value);

    if (!json_is_array(value) || rank > EAGLE_MAX_RANK) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: tensor \"%.80s\": shape is %s, must be a list of at most %d sizes",
                       path, t->name, eg_json_describe(value).text, EAGLE_MAX_RANK);
    }
    t->rank = (int32_t)rank;
    t->size = eagle_dtype_size(t->dtype);
    for (size_t i = 0; i < rank; i++) {
        const json_t *extent = json_array_get(value, i);

        if (!json_is_integer(extent) || json_integer_value(extent) < 0) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: tensor \"%.80s\": shape[%zu] is %s, must be an integer from 0",
                           path, t->name, i, eg_json_describe(extent).text);
        }
        t->shape[i] = json_integer_value(extent);
        if ((uint64_t)t->shape[i] > SIZE_MAX ||
            !eg_mul_size(&t->size, t->size, (size_t)t->shape[i])) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: tensor \"%.80s\": its shape has more than %zu bytes", path, t->name,
                           (size_t)SIZE_MAX);
        }
    }
    return EAGLE_OK;
}

static eagle_status read_extent(eagle_tensor *t, const eg_safetensors *file, const json_t *value,
                                eagle_error *err)
{
    const json_t *first = json_array_get(value, 0);
    const json_t *last = json_array_get(value, 1);
    json_int_t available = (json_int_t)(file->map.size - file->data_at);

    if (json_array_size(value) != 2 || !json_is_integer(first) || !json_is_integer(last)) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: tensor \"%.80s\": data_offsets is %s, must be two integers", file->path,
                       t->name, eg_json_describe(value).text);
    }
    json_int_t begin = json_integer_value(first);
    json_int_t end = json_integer_value(last);

    if (begin < 0 || begin > end || end > available) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: tensor \"%.80s\": bytes %" JSON_INTEGER_FORMAT
                       " to %" JSON_INTEGER_FORMAT
                       ", but the file's data go from 0 to %" JSON_INTEGER_FORMAT,
                       file->path, t->name, begin, end, available);
    }
    if ((uint64_t)(end - begin) != t->size) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: tensor \"%.80s\": %" JSON_INTEGER_FORMAT
                       " bytes of data, its shape and dtype %s need %zu",
                       file->path, t->name, end - begin, eagle_dtype_name(t->dtype), t->size);
    }
    t->data = file->map.data + file->data_at + begin;
    return EAGLE_OK;
}

static eagle_status read_tensor(eagle_tensor *t, const eg_safetensors *file, const char *name,
                                const json_t *info, eagle_error *err)
{
    static const char *const known[] = {"dtype", "shape", "data_offsets"};

    *t = (eagle_tensor){.name = name};
    if (!json_is_object(info)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: tensor \"%.80s\" is %s, must be an object",
                       file->path, name, eg_json_describe(info).text);
    }
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        if (json_object_get(info, known[i]) == NULL) {
            return eg_fail(err, EAGLE_EFORMAT, "%s: tensor \"%.80s\" has no %s", file->path, name,
                           known[i]);
        }
    }
    if (json_object_size(info) != sizeof known / sizeof known[0]) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: tensor \"%.80s\" has keys other than dtype, shape and data_offsets",
                       file->path, name);
    }
    eagle_status st = read_dtype(t, file->path, json_object_get(info, "dtype"), err);

    if (st == EAGLE_OK) {
        st = read_shape(t, file->path, json_object_get(info, "shape"), err);
    }
    if (st == EAGLE_OK) {
        st = read_extent(t, file, json_object_get(info, "data_offsets"), err);
    }
    return st;
}

/* ---- all tensors ----------------------------------------------------------------------------- */

/* By first byte; an empty tensor comes before the one that begins where it lies. */
static int by_place(const void *a, const void *b)
{
    const eagle_tensor *s = a;
    const eagle_tensor *t = b;
    uintptr_t s_begin = (uintptr_t)s->data;
    uintptr_t t_begin = (uintptr_t)t->data;

    if (s_begin != t_begin) {
        return s_begin < t_begin ? -1 : 1;
    }
    return (s->size > t->size) - (s->size < t->size);
}

/* EAGLE_EFORMAT unless the sorted tensors cover the data without holes or overlaps. */
static eagle_status check_cover(const eagle_tensor *tensor, size_t n, const eg_safetensors *file,
                                eagle_error *err)
{
    const unsigned char *base = file->map.data + file->data_at;
    size_t size = file->map.size - file->data_at;
    size_t at = 0; /* all bytes before this one have an owner */

    for (size_t i = 0; i < n; i++) {
        size_t begin = (size_t)((const unsigned char *)tensor[i].data - base);

        if (begin < at) {
            return eg_fail(
                err, EAGLE_EFORMAT,
                "%s: tensor \"%.80s\" begins at byte %zu and overlaps \"%.80s\", which ends "
                "at byte %zu",
                file->path, tensor[i].name, begin, tensor[i - 1].name, at);
        }
        if (begin > at) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: a hole of %zu bytes lies before tensor \"%.80s\" at byte %zu",
                           file->path, begin - at, tensor[i].name, begin);
        }
        at += tensor[i].size;
    }
    if (at != size) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: %zu bytes follow the last tensor", file->path,
                       size - at);
    }
    return EAGLE_OK;
}

eagle_status eg_safetensors_list(eagle_tensor *tensor, const eg_safetensors *file, eagle_error *err)
{
    size_t n = 0;
    const char *name;
    json_t *info;
    eagle_status st =
        eg_safetensors_check_metadata(file->path, json_object_get(file->header, EG_METADATA), err);

    json_object_foreach(file->header, name, info)
    {
        if (st == EAGLE_OK && strcmp(name, EG_METADATA) != 0) {
            st = read_tensor(&tensor[n], file, name, info, err);
            n++;
        }
    }
    if (st != EAGLE_OK) {
        return st;
    }
    qsort(tensor, n, sizeof *tensor, by_place);
    return check_cover(tensor, n, file, err);
}
