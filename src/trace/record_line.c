/* SPDX-License-Identifier: MIT */
/* record_line.c - a recording of level 0 or 1 as a line of JSON. */
#include "base/error.h"
#include "base/file.h"
#include "trace/recorder.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include <jansson.h>

/* {"12": -0.5, ...}: the most likely tokens of output token i. */
static json_t *top_json(const eagle_recorder *r, int32_t i)
{
    json_t *result = json_object();
    const size_t first = (size_t)i * (size_t)r->opt.top;
    int bad = result == NULL;

    for (size_t k = first; k < first + (size_t)r->opt.top; k++) {
        char id[16];

        snprintf(id, sizeof id, "%" PRId32, r->top_token[k]);
        bad |= json_object_set_new(result, id, json_real((double)r->top_logprob[k]));
    }
    if (bad != 0) {
        json_decref(result);
        return NULL;
    }
    return result;
}

/* NULL without memory. */
static json_t *line_json(const eagle_recorder *r)
{
    json_t *result = json_object();
    json_t *prompt = json_array();
    json_t *output = json_array();
    json_t *source = json_array();
    json_t *logprobs = json_array();
    json_t *top = json_array();
    int bad = 0;

    for (int32_t i = 0; i < r->g->prompt.n; i++) {
        bad |= json_array_append_new(prompt, json_integer(r->g->prompt.token[i]));
    }
    for (int32_t i = 0; i < eg_recorder_output(r); i++) {
        bad |= json_array_append_new(output, json_integer(r->token[i].token));
        bad |= json_array_append_new(source, json_integer(r->token[i].source));
        if (r->opt.level >= 1) {
            bad |= json_array_append_new(logprobs, json_real((double)r->token[i].logprob));
            bad |= json_array_append_new(top, top_json(r, i));
        }
    }
    bad |= json_object_set(result, "prompt_ids", prompt);
    bad |= json_object_set(result, "output_ids", output);
    bad |= json_object_set(result, "source", source);
    if (r->opt.level >= 1) {
        bad |= json_object_set(result, "logprobs", logprobs);
        bad |= json_object_set(result, "top_logprobs", top);
    }
    json_decref(prompt);
    json_decref(output);
    json_decref(source);
    json_decref(logprobs);
    json_decref(top);
    if (bad != 0) {
        json_decref(result);
        return NULL;
    }
    return result;
}

eagle_status eg_recorder_write_line(const eagle_recorder *r, eagle_error *err)
{
    eg_output file = {0};
    json_t *line = line_json(r);
    char *text = line != NULL ? json_dumps(line, JSON_COMPACT) : NULL;
    eagle_status st = EAGLE_OK;

    json_decref(line);
    if (text == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for a line", r->path);
    }
    st = eg_output_open(&file, r->path, err);
    if (st == EAGLE_OK && (fputs(text, file.file) < 0 || fputc('\n', file.file) < 0)) {
        st = eg_fail(err, EAGLE_EWRITE, "%s: write failed: %s", r->path, strerror(errno));
    }
    if (st == EAGLE_OK) {
        st = eg_output_commit(&file, err);
    }
    eg_output_close(&file);
    free(text);
    return st;
}
