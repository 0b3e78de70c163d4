/* SPDX-License-Identifier: MIT */
/* open.c - a Hugging Face directory to a target, or to its head. */
#include "base/alloc.h"
#include "base/error.h"
#include "formats/formats.h"
#include "model/model.h"

#include <stdio.h>
#include <stdlib.h>

/* The mapped files of one directory. */
typedef struct {
    eg_backing base; /* first: close_files() gets a pointer to it */
    eg_tensors tensors;
} eg_files;

static void close_files(eg_backing *backing)
{
    eg_files *files = (eg_files *)backing;

    eg_tensors_close(&files->tensors);
    free(files);
}

static eagle_status open_files(eg_files **out, const char *dir, eagle_error *err)
{
    eg_files *files = eg_alloc(1, sizeof *files);

    *out = NULL;
    if (files == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory", dir);
    }
    eagle_status st = eg_tensors_open(&files->tensors, dir, err);

    if (st != EAGLE_OK) {
        free(files);
        return st;
    }
    files->base.close = close_files;
    *out = files;
    return EAGLE_OK;
}

/* Puts the directory before a message that speaks of tensors or of the configuration. */
static eagle_status in_dir(eagle_status st, const char *dir, eagle_error *err)
{
    if (st != EAGLE_OK && err != NULL) {
        const eagle_error inner = *err;

        return eg_fail(err, st, "%s: %s", dir, inner.message);
    }
    return st;
}

eagle_status eagle_model_open(eagle_model **out, const char *dir, eagle_error *err)
{
    eagle_config config;
    eg_files *files;

    *out = NULL;
    eagle_status st = eg_config_read_target(&config, dir, err);

    if (st == EAGLE_OK) {
        st = open_files(&files, dir, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    return in_dir(
        eg_model_create(out, &config, files->tensors.tensor, files->tensors.n, &files->base, err),
        dir, err);
}

eagle_status eagle_head_open(eagle_head **out, const eagle_model *model, const char *dir,
                             eagle_error *err)
{
    eagle_config config;
    eg_files *files;

    *out = NULL;
    eagle_status st = eg_config_read_head(&config, dir, err);

    if (st == EAGLE_OK) {
        st = open_files(&files, dir, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    return in_dir(eg_head_create(out, model, &config, files->tensors.tensor, files->tensors.n,
                                 &files->base, err),
                  dir, err);
}
