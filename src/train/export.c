/* SPDX-License-Identifier: MIT */
/* export.c - the trained weights as a Hugging Face directory, with the names and keys of published
 * targets and EAGLE-1 heads. */
#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "eagle/files.h"
#include "formats/formats.h"
#include "kernels/kernels.h"
#include "train/trainer.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* What is written beside the parameters: a head's embedding and its fc.bias. */
#define MAX_EXTRA 2

/* The tensors of the file, with the memory of those that are rounded. */
typedef struct {
    eagle_tensor *tensor; /* [n]                                    */
    void **rounded;       /* [n] what tensor[i].data is, or NULL    */
    float *zeros;         /* an fc.bias of nothing, or NULL         */
    int32_t n;
} file_tensors;

/* Rounds n numbers to `dtype`; false when one is beyond it. A block at a time, so that what a
 * training was planned to hold is not exceeded by a copy of its largest matrix. */
static bool narrow(void *to, eagle_dtype dtype, const eagle_tensor *from, size_t n)
{
    enum { SOME = 1024 };
    float wide[SOME];
    bool finite = true;

    for (size_t i = 0; i < n; i += SOME) {
        const size_t some = n - i < SOME ? n - i : SOME;
        const char *source = (const char *)from->data + i * eagle_dtype_size(from->dtype);
        char *rounded = (char *)to + i * eagle_dtype_size(dtype);

        eg_widen(wide, source, from->dtype, some);
        eg_narrow(rounded, wide, dtype, some);
        eg_widen(wide, rounded, dtype, some);
        finite = eg_all_finite(wide, some) && finite;
    }
    return finite;
}

/* Appends a tensor of any float type as `dtype`. */
static eagle_status add(file_tensors *f, const eagle_tensor *from, const char *name,
                        eagle_dtype dtype, eagle_error *err)
{
    eagle_tensor *to = &f->tensor[f->n];
    const size_t n = from->size / eagle_dtype_size(from->dtype);
    void *rounded = NULL;

    *to = *from;
    to->name = name;
    f->n++;
    if (from->dtype == dtype) {
        return EAGLE_OK;
    }
    rounded = eg_alloc(n, eagle_dtype_size(dtype));
    f->rounded[f->n - 1] = rounded;
    if (rounded == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory to round it", name);
    }
    if (!narrow(rounded, dtype, from, n)) {
        return eg_fail(err, EAGLE_ENUMERIC, "%s: a weight is beyond %s", name,
                       eagle_dtype_name(dtype));
    }
    to->dtype = dtype;
    to->size = n * eagle_dtype_size(dtype);
    to->data = rounded;
    return EAGLE_OK;
}

/* The target's embedding under its name in heads. */
static eagle_status add_embedding(file_tensors *f, const eagle_model *model, eagle_dtype dtype,
                                  eagle_error *err)
{
    const eagle_tensor *one = NULL;

    for (int32_t i = 0; (one = eagle_model_tensor(model, i)) != NULL; i++) {
        if (strcmp(one->name, "model.embed_tokens.weight") == 0) {
            return add(f, one, "embed_tokens.weight", dtype, err);
        }
    }
    return eg_fail(err, EAGLE_EINTERNAL, "the target has no embedding");
}

/* A bias of zeros: other loaders make one of random numbers where the file has none. */
static eagle_status add_zero_bias(file_tensors *f, int32_t dim, eagle_dtype dtype, eagle_error *err)
{
    f->zeros = eg_alloc((size_t)dim, sizeof *f->zeros);
    if (f->zeros == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for fc.bias");
    }
    const eagle_tensor bias = {.dtype = EAGLE_F32,
                               .rank = 1,
                               .shape = {dim},
                               .data = f->zeros,
                               .size = (size_t)dim * sizeof *f->zeros};

    return add(f, &bias, "fc.bias", dtype, err);
}

static eagle_status collect(file_tensors *f, const eagle_trainer *t, eagle_dtype dtype,
                            bool own_embedding, eagle_error *err)
{
    const size_t most = (size_t)t->net->params.n_tensors + MAX_EXTRA;
    eagle_status st = EAGLE_OK;

    f->tensor = eg_alloc(most, sizeof *f->tensor);
    f->rounded = eg_alloc(most, sizeof *f->rounded);
    if (f->tensor == NULL || f->rounded == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %zu tensor descriptions", most);
    }
    for (int32_t i = 0; st == EAGLE_OK && i < t->net->params.n_tensors; i++) {
        st = add(f, &t->tensor[i], t->tensor[i].name, dtype, err);
    }
    if (st == EAGLE_OK && t->model != NULL && !t->net->config.fc_bias) {
        st = add_zero_bias(f, t->net->config.dim, dtype, err);
    }
    if (st == EAGLE_OK && t->model != NULL && own_embedding) {
        st = add_embedding(f, t->model, dtype, err);
    }
    return st;
}

static void release(file_tensors *f)
{
    for (int32_t i = 0; i < f->n; i++) {
        free(f->rounded[i]);
    }
    free(f->zeros);
    free(f->rounded);
    free(f->tensor);
}

static eagle_status make_directory(const char *dir, eagle_error *err)
{
    if (mkdir(dir, 0777) != 0 && errno != EEXIST) {
        return eg_fail(err, EAGLE_EWRITE, "%s: cannot create: %s", dir, strerror(errno));
    }
    return EAGLE_OK;
}

static eagle_status write_configs(const eagle_trainer *t, const char *dir, eagle_dtype dtype,
                                  eagle_error *err)
{
    eagle_config config = t->net->config;

    if (t->model != NULL) {
        config.fc_bias = true; /* as add_zero_bias() says */
        return eg_config_write(dir, &config, EG_CONFIG_HEAD, dtype, err);
    }
    eagle_status st = eg_config_write(dir, &config, EG_CONFIG_TARGET, dtype, err);

    return st == EAGLE_OK ? eg_generation_config_write(dir, &config, err) : st;
}

eagle_status eagle_trainer_export(const eagle_trainer *t, const char *dir, eagle_dtype dtype,
                                  bool own_embedding, eagle_error *err)
{
    file_tensors f = {0};
    char *path = eg_path_join(dir, "model.safetensors");
    eagle_status st = EAGLE_OK;

    if (path == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for a file's name", dir);
    }
    if (dtype != EAGLE_F32 && dtype != EAGLE_F16 && dtype != EAGLE_BF16) {
        st = eg_fail(err, EAGLE_EINVAL, "%s: weights are written as F32, F16 or BF16, not as %s",
                     dir, eagle_dtype_name(dtype));
        goto done;
    }
    st = collect(&f, t, dtype, own_embedding, err);
    if (st == EAGLE_OK) {
        st = make_directory(dir, err);
    }
    if (st == EAGLE_OK) {
        st = write_configs(t, dir, dtype, err);
    }
    if (st == EAGLE_OK) { /* transformers asks for this word about where the tensors come from */
        st = eagle_tensors_write(path, f.tensor, f.n, "{\"format\":\"pt\"}", err);
    }

done:
    release(&f);
    free(path);
    return st;
}
