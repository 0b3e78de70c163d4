/* SPDX-License-Identifier: MIT */
/* record_tensors.c - tensors that come in parts: to the spool, or into a digest. */
#include "base/alloc.h"
#include "base/error.h"
#include "trace/recorder.h"

#include <stdlib.h>

bool eg_recorder_grow(void **array, int32_t *cap, int32_t n, size_t size)
{
    if (n < *cap) {
        return true;
    }
    const int32_t wanted = *cap < 64 ? 64 : *cap <= INT32_MAX / 2 ? 2 * *cap : n;
    size_t bytes = 0;
    void *grown = NULL;

    if (wanted > n && eg_mul_size(&bytes, (size_t)wanted, size)) {
        grown = realloc(*array, bytes);
    }
    if (grown == NULL) {
        return false;
    }
    *array = grown;
    *cap = wanted;
    return true;
}

static void fail(eagle_recorder *r)
{
    r->status =
        eg_fail(&r->error, EAGLE_ENOMEM, "%s: no memory to record round %d", r->path, r->round);
}

/* The tensor becomes its digest. */
static void end_digest(eagle_recorder *r, eg_recorded *t)
{
    unsigned char bytes[EG_DIGEST_BYTES];

    eg_trace_digest_end(bytes, t->sha);
    free(t->sha);
    t->sha = NULL;
    t->dtype = EAGLE_U8;
    t->rank = 1;
    t->shape[0] = sizeof bytes;
    t->size = sizeof bytes;
    t->done = sizeof bytes;
    t->at = eg_spool_reserve(&r->spool, sizeof bytes);
    r->status = eg_spool_write(&r->spool, t->at, bytes, sizeof bytes, &r->error);
}

/* The tensor of this round with that key, or NULL. */
static eg_recorded *find(const eagle_recorder *r, const eg_trace_key *key)
{
    for (int32_t i = r->n_tensors - 1; i >= r->first_open; i--) {
        if (eg_trace_compare(&r->tensor[i].key, key) == 0) {
            return &r->tensor[i];
        }
    }
    return NULL;
}

static eg_recorded *begin(eagle_recorder *r, const eg_recorded *form)
{
    const bool digest = r->opt.digest && !eg_trace_kept_in_digest(&form->key);

    if (!eg_recorder_grow((void **)&r->tensor, &r->cap_tensors, r->n_tensors, sizeof *r->tensor)) {
        fail(r);
        return NULL;
    }
    eg_recorded *t = &r->tensor[r->n_tensors];

    *t = *form;
    t->done = 0;
    t->sha = NULL;
    t->size = eagle_dtype_size(t->dtype);
    for (int32_t i = 0; i < t->rank; i++) {
        if (!eg_mul_size(&t->size, t->size, (size_t)t->shape[i])) {
            fail(r);
            return NULL;
        }
    }
    if (digest) {
        t->sha = malloc(sizeof *t->sha);
        if (t->sha == NULL) {
            fail(r);
            return NULL;
        }
        eg_trace_digest_begin(t->sha, t->dtype, t->rank, t->shape);
    } else {
        t->at = eg_spool_reserve(&r->spool, t->size);
    }
    r->n_tensors++;
    return t;
}

void eg_recorder_add(eagle_recorder *r, const eg_recorded *form, const void *data, size_t size)
{
    eg_recorded *t = r->status == EAGLE_OK ? find(r, &form->key) : NULL;

    if (r->status == EAGLE_OK && t == NULL) {
        t = begin(r, form);
    }
    if (t == NULL) {
        return;
    }
    if (size > t->size - t->done) {
        r->status = eg_fail(&r->error, EAGLE_EINTERNAL, "%s: more rows than %s has", r->path,
                            eg_trace_name_of(&t->key).text);
        return;
    }
    if (t->sha != NULL) {
        eagle_sha256_update(t->sha, data, size);
    } else {
        r->status = eg_spool_write(&r->spool, t->at + t->done, data, size, &r->error);
    }
    t->done += size;
    if (t->sha != NULL && t->done == t->size) {
        end_digest(r, t);
    }
}

void eg_recorder_put(eagle_recorder *r, eg_trace_part part, int32_t item, eagle_dtype dtype,
                     int64_t rows, int64_t columns, const void *data)
{
    const size_t width = columns > 0 ? (size_t)columns : 1;
    const eg_recorded form = {.key = {.part = part, .round = r->round, .item = item},
                              .dtype = dtype,
                              .rank = columns > 0 ? 2 : 1,
                              .shape = {rows, columns}};

    eg_recorder_add(r, &form, data, (size_t)rows * width * eagle_dtype_size(dtype));
}
