/* SPDX-License-Identifier: MIT */
/* tensors.c - the tensors of a model directory: one file, or shards that an index lists. */
#include "base/alloc.h"
#include "base/error.h"
#include "formats/formats.h"
#include "formats/json.h"
#include "formats/safetensors.h"

#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SINGLE_NAME "model.safetensors"
#define INDEX_NAME  "model.safetensors.index.json"
#define INDEX_MAX   ((size_t)64 << 20) /* bytes; a million tensors of 60 characters */

/* The files of a directory while it is being opened. */
typedef struct {
    const char *dir;
    char *index_path;
    json_t *index;            /* NULL: a single file                        */
    const json_t *weight_map; /* in `index`: tensor -> shard                */
    json_t *shards;           /* set of shard names, in order of appearance */
    eg_safetensors *file;     /* [n_files]                                  */
    size_t n_files;
} listing;

static void listing_close(listing *list)
{
    for (size_t i = 0; i < list->n_files; i++) {
        eg_safetensors_close(&list->file[i]);
    }
    free(list->file);
    json_decref(list->shards);
    json_decref(list->index);
    free(list->index_path);
}

/* ---- which files ----------------------------------------------------------------------------- */

static eagle_status look_for(bool *found, const char *dir, const char *name, eagle_error *err)
{
    char *path = eg_path_join(dir, name);

    *found = false;
    if (path == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for a path", dir);
    }
    *found = access(path, F_OK) == 0;
    free(path);
    return EAGLE_OK;
}

/* Collects the shard names of the index, each once. A shard is a plain name: no path may lead
 * out of the directory. */
static eagle_status collect_shards(listing *list, eagle_error *err)
{
    const char *path = list->index_path;
    const char *name;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)list->weight_map, name, value)
    {
        const char *shard = json_string_value(value);

        if (shard == NULL) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: \"weight_map\": \"%.80s\" is %s, must be a string", path, name,
                           eg_json_describe(value).text);
        }
        if (shard[0] == '\0' || strcmp(shard, ".") == 0 || strcmp(shard, "..") == 0 ||
            strchr(shard, '/') != NULL) {
            return eg_fail(
                err, EAGLE_EFORMAT,
                "%s: \"weight_map\": \"%.80s\" is in %s, must be in a file of this directory", path,
                name, eg_json_describe(value).text);
        }
        if (json_object_set_new(list->shards, shard, json_true()) != 0) {
            return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for the list of shards", path);
        }
    }
    if (json_object_size(list->shards) == 0) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: \"weight_map\" lists no tensor", path);
    }
    return EAGLE_OK;
}

static eagle_status read_index(listing *list, eagle_error *err)
{
    list->index_path = eg_path_join(list->dir, INDEX_NAME);
    list->shards = json_object();
    if (list->index_path == NULL || list->shards == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for its index", list->dir);
    }
    eagle_status st = eg_json_read(&list->index, list->index_path, INDEX_MAX, err);

    if (st == EAGLE_OK) {
        list->weight_map = json_object_get(list->index, "weight_map");
        st = eg_json_need_object(list->index_path, "\"weight_map\"", list->weight_map, err);
    }
    return st == EAGLE_OK ? collect_shards(list, err) : st;
}

static eagle_status open_one(listing *list, const char *name, eagle_error *err)
{
    eagle_status st = eg_safetensors_open(&list->file[list->n_files], list->dir, name, err);

    list->n_files += st == EAGLE_OK;
    return st;
}

/* Opens the single file if there is one, as the published loaders do, else the index's shards. */
static eagle_status open_files(listing *list, eagle_error *err)
{
    bool single = false;
    bool index = false;
    bool torch = false;
    const char *name;
    json_t *unused;
    eagle_status st = look_for(&single, list->dir, SINGLE_NAME, err);

    if (st == EAGLE_OK && !single) {
        st = look_for(&index, list->dir, INDEX_NAME, err);
    }
    if (st == EAGLE_OK && !single && !index) {
        st = look_for(&torch, list->dir, "pytorch_model.bin", err);
    }
    if (st == EAGLE_OK && !single && !index) {
        st = eg_fail(err, EAGLE_EREAD, "%s: holds neither " SINGLE_NAME " nor " INDEX_NAME "%s",
                     list->dir,
                     torch ? " (pytorch_model.bin is not read: convert it to safetensors)" : "");
    }
    if (st != EAGLE_OK) {
        return st;
    }
    if (!single) {
        st = read_index(list, err);
        if (st != EAGLE_OK) {
            return st;
        }
    }
    list->file = eg_alloc(single ? 1 : json_object_size(list->shards), sizeof *list->file);
    if (list->file == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for its list of files", list->dir);
    }
    if (single) {
        return open_one(list, SINGLE_NAME, err);
    }
    json_object_foreach(list->shards, name, unused)
    {
        st = st == EAGLE_OK ? open_one(list, name, err) : st;
    }
    return st;
}

/* ---- do index and shards agree? -------------------------------------------------------------- */

/* The index names a shard for each tensor of `file`, and it is this one. */
static eagle_status check_shard(const listing *list, const eg_safetensors *file, eagle_error *err)
{
    const char *shard = strrchr(file->path, '/') + 1;
    const char *name;
    json_t *unused;

    json_object_foreach(file->header, name, unused)
    {
        const json_t *place = json_object_get(list->weight_map, name);

        if (strcmp(name, EG_METADATA) == 0) {
            continue;
        }
        if (place == NULL || strcmp(json_string_value(place), shard) != 0) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: tensor \"%.80s\" is in %.80s, but \"weight_map\" says %s",
                           list->index_path, name, shard, eg_json_describe(place).text);
        }
    }
    return EAGLE_OK;
}

/* Every tensor of the index is in its shard, and no shard holds another one. (So no two shards
 * can hold the same name.) */
static eagle_status check_index(const listing *list, eagle_error *err)
{
    const char *name;
    json_t *value;

    for (size_t i = 0; i < list->n_files; i++) {
        eagle_status st = check_shard(list, &list->file[i], err);

        if (st != EAGLE_OK) {
            return st;
        }
    }
    json_object_foreach((json_t *)(uintptr_t)list->weight_map, name, value)
    {
        bool found = false;

        for (size_t i = 0; i < list->n_files && !found; i++) {
            found = json_object_get(list->file[i].header, name) != NULL;
        }
        if (!found || strcmp(name, EG_METADATA) == 0) {
            return eg_fail(err, EAGLE_EFORMAT, "%s: tensor \"%.80s\" is not in %.80s",
                           list->index_path, name, json_string_value(value));
        }
    }
    return EAGLE_OK;
}

/* ---- what stays ------------------------------------------------------------------------------ */

static eagle_status list_tensors(eg_tensors *out, const listing *list, eagle_error *err)
{
    size_t n = 0;

    for (size_t i = 0; i < list->n_files; i++) {
        n += eg_safetensors_count(&list->file[i]);
    }
    if (n > INT32_MAX) {
        return eg_fail(err, EAGLE_ELIMIT, "%s: %zu tensors", list->dir, n);
    }
    out->tensor = eg_alloc(n, sizeof *out->tensor);
    if (out->tensor == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %zu tensors", list->dir, n);
    }
    for (size_t i = 0; i < list->n_files; i++) {
        eagle_status st = eg_safetensors_list(&out->tensor[out->n], &list->file[i], err);

        if (st != EAGLE_OK) {
            return st;
        }
        out->n += (int32_t)eg_safetensors_count(&list->file[i]);
    }
    return EAGLE_OK;
}

/* Moves the names, which belong to the parsed headers, into one block. */
static eagle_status keep_names(eg_tensors *out, const char *dir, eagle_error *err)
{
    size_t bytes = 0;

    for (int32_t i = 0; i < out->n; i++) {
        bytes += strlen(out->tensor[i].name) + 1;
    }
    out->names = eg_alloc(bytes, 1);
    if (out->names == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for the tensors' names", dir);
    }
    char *next = out->names;

    for (int32_t i = 0; i < out->n; i++) {
        size_t size = strlen(out->tensor[i].name) + 1;

        memcpy(next, out->tensor[i].name, size);
        out->tensor[i].name = next;
        next += size;
    }
    return EAGLE_OK;
}

static bool misaligned(const eagle_tensor *t)
{
    return (uintptr_t)t->data % eagle_dtype_size(t->dtype) != 0;
}

/* Copies the tensors that cannot be read in place: the format lets a header have any length. */
static eagle_status copy_misaligned(eg_tensors *out, const char *dir, eagle_error *err)
{
    size_t n = 0;

    for (int32_t i = 0; i < out->n; i++) {
        n += misaligned(&out->tensor[i]);
    }
    out->copy = eg_alloc(n, sizeof *out->copy);
    if (out->copy == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %zu misaligned tensors", dir, n);
    }
    for (int32_t i = 0; i < out->n; i++) {
        eagle_tensor *t = &out->tensor[i];

        if (!misaligned(t)) {
            continue;
        }
        void *copy = eg_alloc_aligned(t->size, 1);

        if (copy == NULL) {
            return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for a copy of \"%.80s\", %zu bytes",
                           dir, t->name, t->size);
        }
        memcpy(copy, t->data, t->size);
        t->data = copy;
        out->copy[out->n_copies++] = copy;
    }
    return EAGLE_OK;
}

/* Takes the mappings over from the listing. */
static eagle_status keep_maps(eg_tensors *out, listing *list, eagle_error *err)
{
    out->map = eg_alloc(list->n_files, sizeof *out->map);
    if (out->map == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for its list of files", list->dir);
    }
    for (size_t i = 0; i < list->n_files; i++) {
        out->map[i] = list->file[i].map;
        out->file_bytes += out->map[i].size;
        list->file[i].map = (eg_map){0};
    }
    out->n_maps = (int32_t)list->n_files;
    return EAGLE_OK;
}

static int by_name(const void *a, const void *b)
{
    return strcmp(((const eagle_tensor *)a)->name, ((const eagle_tensor *)b)->name);
}

eagle_status eg_tensors_open(eg_tensors *out, const char *dir, eagle_error *err)
{
    listing list = {.dir = dir};

    *out = (eg_tensors){0};

    eagle_status st = open_files(&list, err);

    if (st == EAGLE_OK && list.index != NULL) {
        st = check_index(&list, err);
    }
    if (st == EAGLE_OK) {
        st = list_tensors(out, &list, err);
    }
    if (st == EAGLE_OK) {
        st = keep_names(out, dir, err);
    }
    if (st == EAGLE_OK) {
        st = copy_misaligned(out, dir, err);
    }
    if (st == EAGLE_OK) {
        st = keep_maps(out, &list, err);
    }
    if (st == EAGLE_OK) {
        qsort(out->tensor, (size_t)out->n, sizeof *out->tensor, by_name);
    } else {
        eg_tensors_close(out);
    }
    listing_close(&list);
    return st;
}

void eg_tensors_close(eg_tensors *tensors)
{
    for (int32_t i = 0; i < tensors->n_copies; i++) {
        free(tensors->copy[i]);
    }
    for (int32_t i = 0; i < tensors->n_maps; i++) {
        eg_map_close(&tensors->map[i]);
    }
    free(tensors->copy);
    free(tensors->map);
    free(tensors->names);
    free(tensors->tensor);
    *tensors = (eg_tensors){0};
}
