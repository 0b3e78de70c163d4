/* SPDX-License-Identifier: MIT */
/* responses.c - a file of responses: one document, a list of them, or JSON lines. */
#include "check/responses.h"

#include "base/alloc.h"
#include "base/characters.h"
#include "base/error.h"
#include "base/file.h"
#include "formats/json.h"

#include <stdio.h>
#include <stdlib.h>

#define DOCUMENT_MAX ((size_t)1 << 30) /* bytes: its tree takes ten times as many */

typedef struct {
    eg_response own;
    eagle_response view;
} continuation;

struct eagle_responses {
    continuation *all; /* [n] */
    int32_t n;
    int32_t cap;
    size_t line; /* of the document that is being read */
};

void eagle_responses_free(eagle_responses *responses)
{
    if (responses != NULL) {
        for (int32_t i = 0; i < responses->n; i++) {
            eg_response_free(&responses->all[i].own);
        }
        free(responses->all);
        free(responses);
    }
}

int32_t eagle_responses_count(const eagle_responses *responses)
{
    return responses->n;
}

const eagle_response *eagle_responses_at(const eagle_responses *responses, int32_t i)
{
    return &responses->all[i].view;
}

static bool grow(eagle_responses *responses)
{
    const int32_t cap = responses->cap > 0 ? 2 * responses->cap : 64;
    continuation *more = realloc(responses->all, (size_t)cap * sizeof *more);

    responses->all = more != NULL ? more : responses->all;
    responses->cap = more != NULL ? cap : responses->cap;
    return more != NULL;
}

static eagle_status take(void *ctx, eg_response *r, eagle_error *err)
{
    eagle_responses *to = ctx;

    if (to->n == to->cap && (to->cap > INT32_MAX / 4 || !grow(to))) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %d responses", to->n);
    }
    to->all[to->n].view =
        (eagle_response){.prompt = r->prompt,
                         .n_prompt = r->n_prompt,
                         .output = r->output,
                         .n_output = r->n_output,
                         .source = r->source,
                         .logprob = r->logprob,
                         .top_begin = r->top_begin,
                         .top_token = r->top_begin != NULL ? r->top_token : NULL,
                         .top_logprob = r->top_begin != NULL ? r->top_logprob : NULL,
                         .shape = r->shape,
                         .has_sampling = r->has_sampling,
                         .sampling = r->sampling,
                         .line = to->line <= INT32_MAX ? (int32_t)to->line : INT32_MAX};
    to->all[to->n++].own = *r;
    *r = (eg_response){0};
    return EAGLE_OK;
}

/* A file while it is read. */
typedef struct {
    const char *path;
    const char *data; /* [size] */
    size_t size;
    int32_t vocab;
    eagle_responses *all;
} reading;

/* One JSON value, which begins on line `line`: a document, or a list of them. */
static eagle_status read_value(const reading *f, const json_t *value, size_t line, eagle_error *err)
{
    eg_response_place place = {.vocab = f->vocab};
    eagle_status st = EAGLE_OK;

    f->all->line = line;
    if (!json_is_array(value)) {
        snprintf(place.where, sizeof place.where, "%.260s, line %zu", f->path, line);
        return eg_response_document(&place, value, take, f->all, err);
    }
    for (size_t i = 0; st == EAGLE_OK && i < json_array_size(value); i++) {
        snprintf(place.where, sizeof place.where, "%.240s, line %zu, element %zu", f->path, line,
                 i + 1);
        st = eg_response_document(&place, json_array_get(value, i), take, f->all, err);
    }
    return st;
}

static bool is_blank(const char *line, size_t length)
{
    size_t i = 0;

    while (i < length && (line[i] == ' ' || line[i] == '\t' || line[i] == '\r')) {
        i++;
    }
    return i == length;
}

/* The file as one document, whose lines are only there for people. The first that is not blank, at
 * `at`, is no document by itself, for the reason in *why. */
static eagle_status read_whole(const reading *f, size_t at, size_t length, size_t line,
                               const eagle_error *why, eagle_error *err)
{
    /* Two lines that begin an object each: JSON lines, of which the first is broken. */
    const bool lines = length > 1 && f->data[at] == '{' && f->data[at + length + 1] == '{';
    json_t *value;
    eagle_status st = lines || f->size > DOCUMENT_MAX
                          ? eg_fail(err, why->code, "%s", why->message)
                          : eg_json_parse(&value, f->path, f->data, f->size, err);

    if (st == EAGLE_OK) {
        st = read_value(f, value, line, err);
        json_decref(value);
    }
    return st;
}

static eagle_status read_lines(const reading *f, eagle_error *err)
{
    size_t line = 1;
    bool first = true;
    eagle_status st = EAGLE_OK;

    for (size_t at = 0; st == EAGLE_OK && at < f->size; line++) {
        const size_t length = eg_line_length(f->data, f->size, at);
        eagle_error why = {0};
        json_t *value;

        if (length > DOCUMENT_MAX) {
            return eg_fail(err, EAGLE_ELIMIT, "%s, line %zu: longer than %zu bytes", f->path, line,
                           DOCUMENT_MAX);
        }
        if (!is_blank(f->data + at, length)) {
            st = eg_json_parse_line(&value, f->path, line, f->data + at, length, &why);
            if (st == EAGLE_EFORMAT && first && at + length + 1 < f->size) {
                return read_whole(f, at, length, line, &why, err);
            }
            if (st != EAGLE_OK) {
                return eg_fail(err, st, "%s", why.message);
            }
            st = read_value(f, value, line, err);
            json_decref(value);
            first = false;
        }
        at += length + 1;
    }
    return st;
}

eagle_status eagle_responses_read(eagle_responses **out, const char *path, int32_t vocab,
                                  eagle_error *err)
{
    eg_map map;
    eagle_responses *all = eg_alloc(1, sizeof *all);

    *out = NULL;
    if (all == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for its responses", path);
    }
    eagle_status st = eg_map_open(&map, path, err);

    if (st == EAGLE_OK) {
        const reading f = {.path = path,
                           .data = (const char *)map.data,
                           .size = map.size,
                           .vocab = vocab,
                           .all = all};

        st = read_lines(&f, err);
        eg_map_close(&map);
    }
    if (st == EAGLE_OK && all->n == 0) {
        st = eg_fail(err, EAGLE_EFORMAT, "%s: no response in it", path);
    }
    if (st != EAGLE_OK) {
        eagle_responses_free(all);
        return st;
    }
    *out = all;
    return EAGLE_OK;
}
