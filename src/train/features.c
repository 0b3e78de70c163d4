/* SPDX-License-Identifier: MIT */
/* features.c - opens stored features, checks them once, and gives them row by row. */
#include "train/features.h"

#include "base/alloc.h"
#include "base/error.h"
#include "formats/safetensors.h"
#include "kernels/kernels.h"
#include "train/documents.h"

#include <stdlib.h>
#include <string.h>

struct eagle_features {
    eg_safetensors file;
    const unsigned char *hidden; /* [N, dim] of `dtype` */
    eagle_dtype dtype;
    size_t dim;
    int64_t *row; /* [documents] where a document's features begin */
};

/* The tensors of a file while it is being opened. */
typedef struct {
    const char *path;
    eagle_tensor ids;
    eagle_tensor mask;
    eagle_tensor starts;
    eagle_tensor hidden;
    int64_t n; /* tokens            */
    int64_t n_documents;
    int32_t vocab; /* of the model */
} contents;

void eagle_features_free(eagle_features *f)
{
    if (f != NULL) {
        eg_safetensors_close(&f->file);
        free(f->row);
        free(f);
    }
}

void eg_features_rows(eg_real *out, const eagle_features *f, eg_origin origin, size_t n)
{
    const size_t row = (size_t)f->row[origin.document] + (size_t)origin.first;

    eg_widen(out, f->hidden + row * f->dim * eagle_dtype_size(f->dtype), f->dtype, n * f->dim);
}

/* ---- what is in the file --------------------------------------------------------------------- */

static eagle_status find(eagle_tensor *out, const char *path, const char *name,
                         const eagle_tensor *tensor, size_t n, eagle_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(tensor[i].name, name) == 0) {
            *out = tensor[i];
            if ((uintptr_t)out->data % eagle_dtype_size(out->dtype) != 0) {
                return eg_fail(err, EAGLE_EUNSUPPORTED, "%s: \"%s\" is not aligned to its elements",
                               path, name);
            }
            return EAGLE_OK;
        }
    }
    return eg_fail(err, EAGLE_EFORMAT, "%s: no tensor \"%s\": not a file of features", path, name);
}

/* EAGLE_EFORMAT unless the tensor has this type and shape. */
static eagle_status need(const char *path, const eagle_tensor *t, eagle_dtype dtype, int32_t rank,
                         int64_t rows, eagle_error *err)
{
    if (t->dtype != dtype || t->rank != rank || t->shape[0] != rows) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: \"%s\" is %s of rank %d with %lld rows, must be %s of rank %d with "
                       "%lld",
                       path, t->name, eagle_dtype_name(t->dtype), t->rank,
                       (long long)(t->rank > 0 ? t->shape[0] : 0), eagle_dtype_name(dtype), rank,
                       (long long)rows);
    }
    return EAGLE_OK;
}

static eagle_status check_shapes(contents *c, int32_t dim, eagle_error *err)
{
    const eagle_dtype half = c->hidden.dtype;
    const bool floats = half == EAGLE_F32 || half == EAGLE_F16 || half == EAGLE_BF16;
    eagle_status st;

    c->n = c->ids.rank > 0 ? c->ids.shape[0] : 0;
    c->n_documents = c->starts.rank > 0 && c->starts.shape[0] > 0 ? c->starts.shape[0] - 1 : 0;
    st = need(c->path, &c->ids, EAGLE_I32, 1, c->n, err);
    st = st == EAGLE_OK ? need(c->path, &c->mask, EAGLE_U8, 1, c->n, err) : st;
    st = st == EAGLE_OK ? need(c->path, &c->starts, EAGLE_I64, 1, c->n_documents + 1, err) : st;
    st = st == EAGLE_OK ? need(c->path, &c->hidden, floats ? half : EAGLE_F16, 2, c->n, err) : st;
    if (st == EAGLE_OK && c->hidden.shape[1] != dim) {
        return eg_fail(err, EAGLE_EFIT, "%s: features of width %lld, the model's is %d", c->path,
                       (long long)c->hidden.shape[1], dim);
    }
    return st;
}

static eagle_status read_contents(contents *c, const eg_safetensors *file, eagle_error *err)
{
    const size_t n = eg_safetensors_count(file);
    eagle_tensor *tensor = eg_alloc(n, sizeof *tensor);
    eagle_status st = EAGLE_OK;

    if (tensor == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %zu tensors", c->path, n);
    }
    st = eg_safetensors_list(tensor, file, err);
    st = st == EAGLE_OK ? find(&c->ids, c->path, EG_FEATURES_IDS, tensor, n, err) : st;
    st = st == EAGLE_OK ? find(&c->mask, c->path, EG_FEATURES_MASK, tensor, n, err) : st;
    st = st == EAGLE_OK ? find(&c->starts, c->path, EG_FEATURES_STARTS, tensor, n, err) : st;
    st = st == EAGLE_OK ? find(&c->hidden, c->path, EG_FEATURES_HIDDEN, tensor, n, err) : st;
    free(tensor);
    return st;
}

/* Files that others made may lack the digest. */
static eagle_status check_target(const eg_safetensors *file, const eagle_model *model,
                                 eagle_error *err)
{
    const json_t *metadata = json_object_get(file->header, EG_METADATA);
    const char *found = json_string_value(json_object_get(metadata, "target"));
    char digest[65];

    if (found != NULL) {
        eg_target_digest(digest, model);
        if (strcmp(found, digest) != 0) {
            return eg_fail(err, EAGLE_EFIT,
                           "%s: features of another target: its digest is %.16s..., the model's "
                           "%.16s...",
                           file->path, found, digest);
        }
    }
    return EAGLE_OK;
}

/* ---- documents ------------------------------------------------------------------------------- */

static eagle_status check_finite(const eagle_features *f, const contents *c, int64_t document,
                                 float *row, eagle_error *err)
{
    const int64_t *start = c->starts.data;
    const size_t size = f->dim * eagle_dtype_size(f->dtype);

    for (int64_t i = start[document]; i < start[document + 1]; i++) {
        eg_widen(row, f->hidden + (size_t)i * size, f->dtype, f->dim);
        if (!eg_all_finite(row, f->dim)) {
            return eg_fail(err, EAGLE_ENUMERIC,
                           "%s: document %lld: the feature of token %lld is not finite", c->path,
                           (long long)document, (long long)(i - start[document]));
        }
    }
    return EAGLE_OK;
}

/* Appends document i, and keeps where its features are unless there is nothing in it to learn. */
static eagle_status add_document(eagle_features *f, eagle_corpus *corpus, const contents *c,
                                 int64_t i, eagle_error *err)
{
    const int64_t *start = c->starts.data;
    const int32_t *id = c->ids.data;
    const unsigned char *learn = c->mask.data;
    eagle_status st = EAGLE_OK;

    if (start[i] < 0 || start[i + 1] < start[i] || start[i + 1] > c->n ||
        start[i + 1] - start[i] > INT32_MAX) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: document %lld: tokens %lld to %lld of %lld",
                       c->path, (long long)i, (long long)start[i], (long long)start[i + 1],
                       (long long)c->n);
    }
    for (int64_t j = start[i]; st == EAGLE_OK && j < start[i + 1]; j++) {
        if (id[j] < 0 || id[j] >= c->vocab) {
            return eg_fail(err, EAGLE_EFIT, "%s: document %lld has token %d, the vocabulary has %d",
                           c->path, (long long)i, id[j], c->vocab);
        }
        st = eg_corpus_append(corpus, &id[j], 1, learn[j] != 0, err);
    }
    f->row[corpus->n] = start[i];
    return st == EAGLE_OK ? eg_corpus_close(corpus, err) : st;
}

static eagle_status read_documents(eagle_features *f, eagle_corpus *corpus, const contents *c,
                                   eagle_error *err)
{
    float *row = eg_alloc(f->dim, sizeof *row);
    eagle_status st = EAGLE_OK;

    f->row = eg_alloc((size_t)c->n_documents, sizeof *f->row);
    if (row == NULL || f->row == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %lld documents", c->path,
                     (long long)c->n_documents);
    }
    for (int64_t i = 0; st == EAGLE_OK && i < c->n_documents; i++) {
        st = add_document(f, corpus, c, i, err);
        st = st == EAGLE_OK ? check_finite(f, c, i, row, err) : st;
    }
    free(row);
    if (st == EAGLE_OK && corpus->n == 0) {
        st = eg_fail(err, EAGLE_EFORMAT, "%s: nothing to learn", c->path);
    }
    return st;
}

eagle_status eagle_features_open(eagle_features **out, eagle_corpus **corpus, const char *path,
                                 const eagle_model *model, eagle_error *err)
{
    const eagle_config *config = eagle_model_config(model);
    contents c = {.path = path, .vocab = config->vocab};
    eagle_features *f = eg_alloc(1, sizeof *f);
    eagle_corpus *texts = NULL;
    eagle_status st = EAGLE_OK;

    *out = NULL;
    *corpus = NULL;
    if (f == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for features", path);
    }
    st = eg_safetensors_open_file(&f->file, path, err);
    st = st == EAGLE_OK ? read_contents(&c, &f->file, err) : st;
    st = st == EAGLE_OK ? check_shapes(&c, config->dim, err) : st;
    st = st == EAGLE_OK ? check_target(&f->file, model, err) : st;
    st = st == EAGLE_OK ? eg_corpus_create(&texts, err) : st;
    if (st != EAGLE_OK) {
        goto done;
    }
    f->hidden = c.hidden.data;
    f->dtype = c.hidden.dtype;
    f->dim = (size_t)config->dim;
    st = read_documents(f, texts, &c, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    *out = f;
    *corpus = texts;
    f = NULL;
    texts = NULL;

done:
    eagle_corpus_free(texts);
    eagle_features_free(f);
    return st;
}
