/* SPDX-License-Identifier: MIT */
/* response_shapes.c - one document, whoever wrote it, to continuations.
 *
 *   eagle         prompt_ids, output_ids, source, logprobs, top_logprobs ({"12": -0.3})
 *   OpenAI        choices[]: token_ids (vLLM), logprobs.tokens ("token_id:12") beside token_logprobs
 *                 and top_logprobs, or logprobs.content[] of objects with token or id (llama-server),
 *                 logprob or prob, top_logprobs or top_probs; prompt_token_ids beside or inside;
 *                 sglext.input_ids and .output_ids[choice] (SGLang), choices[].meta_info (SGLang)
 *   SGLang        output_ids, meta_info.output_token_logprobs ([logprob, id, text]),
 *                 meta_info.output_top_logprobs; with logprob_start_len 0 input_token_logprobs has
 *                 the prompt
 *   llama-server  tokens, completion_probabilities[] as logprobs.content[]
 *
 * Reference: vllm/entrypoints/openai (completion and chat_completion), sglang/srt/managers and
 * srt/entrypoints/openai, llama.cpp/tools/server/server-task.cpp, as of 2026. */
#include "base/alloc.h"
#include "base/error.h"
#include "check/responses.h"
#include "formats/json.h"

#include <float.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A document while it is read. */
typedef struct {
    const eg_response_place *place;
    const json_t *prompt; /* the ids around a response; NULL: none */
    const char *prompt_name;
    const json_t *settings; /* of eagle generate; NULL: none */
    eg_response_take *take;
    void *ctx;
} reading;

/* The value of a key, NULL when it is absent or null. */
static const json_t *get(const json_t *object, const char *key)
{
    const json_t *value = json_object_get(object, key);

    return json_is_null(value) ? NULL : value;
}

static eagle_status wrong(const reading *d, const char *name, const json_t *value, const char *need,
                          eagle_error *err)
{
    return eg_fail(err, EAGLE_EFORMAT, "%s: %s is %s, must be %s", d->place->where, name,
                   eg_json_describe(value).text, need);
}

/* EAGLE_EFORMAT unless `list` is one with an entry per output. */
static eagle_status need_beside(const reading *d, const eg_response *r, const char *name,
                                const json_t *list, eagle_error *err)
{
    char need[80];

    if (json_is_array(list) && json_array_size(list) == (size_t)r->n_output) {
        return EAGLE_OK;
    }
    snprintf(need, sizeof need, "a list of %d, one for each output token", r->n_output);
    return wrong(d, name, list, need, err);
}

/* ---- what is said of the tokens -------------------------------------------------------------- */

static eagle_status want_logprobs(eg_response *r, eagle_error *err)
{
    if (r->logprob == NULL) {
        r->logprob = eg_alloc((size_t)r->n_output, sizeof *r->logprob);
        for (int32_t i = 0; r->logprob != NULL && i < r->n_output; i++) {
            r->logprob[i] = NAN;
        }
    }
    return r->logprob != NULL ? EAGLE_OK : eg_fail(err, EAGLE_ENOMEM, "no memory for a response");
}

static eagle_status want_tops(eg_response *r, eagle_error *err)
{
    r->top_begin = eg_alloc((size_t)r->n_output + 1, sizeof *r->top_begin);
    return r->top_begin != NULL ? EAGLE_OK : eg_fail(err, EAGLE_ENOMEM, "no memory for a response");
}

/* Lists of texts have no ids: as if nothing had been said. */
static void forget_tops(eg_response *r)
{
    free(r->top_begin);
    r->top_begin = NULL;
    r->n_top = 0;
}

/* A list of numbers beside the output; null where nothing is said. */
static eagle_status read_logprobs(eg_response *r, const reading *d, const char *name,
                                  const json_t *list, eagle_error *err)
{
    eagle_status st = need_beside(d, r, name, list, err);

    st = st == EAGLE_OK ? want_logprobs(r, err) : st;
    for (int32_t i = 0; st == EAGLE_OK && i < r->n_output; i++) {
        const json_t *value = json_array_get(list, (size_t)i);

        if (!json_is_null(value)) {
            st = eg_response_logprob(&r->logprob[i], d->place, name, (size_t)i, value, false, err);
        }
    }
    return st;
}

/* A list of objects from id to log-probability, beside the output. `bare`: an id may stand
 * alone. */
static eagle_status read_top_objects(eg_response *r, const reading *d, const char *name,
                                     const json_t *list, bool bare, eagle_error *err)
{
    bool texts = false;
    eagle_status st = need_beside(d, r, name, list, err);

    st = st == EAGLE_OK ? want_tops(r, err) : st;
    for (int32_t i = 0; st == EAGLE_OK && i < r->n_output; i++) {
        json_t *top = json_array_get(list, (size_t)i);
        const char *key;
        json_t *value;

        if (!json_is_object(top) && !json_is_null(top)) {
            return wrong(d, name, top, "a list of objects from id to log-probability", err);
        }
        json_object_foreach(top, key, value)
        {
            double logprob;
            int32_t id;

            st = eg_response_id_text(&id, d->place, name, (size_t)i, key, bare, err);
            if (st == EAGLE_OK) {
                st = eg_response_logprob(&logprob, d->place, name, (size_t)i, value, false, err);
            }
            if (st == EAGLE_OK && id >= 0) {
                st = eg_response_add_top(r, id, logprob, err);
            }
            if (st != EAGLE_OK) {
                return st;
            }
            texts = texts || id < 0;
        }
        if (texts && bare) {
            return wrong(d, name, top, "a list of objects from id to log-probability", err);
        }
        st = eg_response_end_top(r, d->place, i, err);
    }
    if (st == EAGLE_OK && texts) {
        forget_tops(r);
    }
    return st;
}

/* An object that stands for a token: its id, -1 when only its text is known, and its logarithm. */
static eagle_status read_entry(int32_t *id, double *logprob, const reading *d, const char *name,
                               size_t i, const json_t *entry, eagle_error *err)
{
    const json_t *token = get(entry, "id");
    const json_t *number = get(entry, "logprob");
    const bool plain = number == NULL && get(entry, "prob") != NULL;

    if (!json_is_object(entry)) {
        return wrong(d, name, entry, "a list of objects with token and logprob", err);
    }
    eagle_status st =
        eg_response_id(id, d->place, name, i, token != NULL ? token : get(entry, "token"), err);

    if (st == EAGLE_OK) {
        st = eg_response_logprob(logprob, d->place, name, i, plain ? get(entry, "prob") : number,
                                 plain, err);
    }
    return st;
}

/* The likeliest of one entry; *texts is set when some have no id. */
static eagle_status read_entry_tops(eg_response *r, bool *texts, const reading *d, int32_t i,
                                    const json_t *entry, eagle_error *err)
{
    const json_t *top = get(entry, "top_logprobs");
    eagle_status st = EAGLE_OK;

    top = top != NULL ? top : get(entry, "top_probs");
    if (top != NULL && !json_is_array(top)) {
        return wrong(d, "top_logprobs", top, "a list", err);
    }
    for (size_t j = 0; st == EAGLE_OK && j < json_array_size(top); j++) {
        double logprob;
        int32_t id;

        st = read_entry(&id, &logprob, d, "top_logprobs", j, json_array_get(top, j), err);
        if (st == EAGLE_OK && id >= 0) {
            st = eg_response_add_top(r, id, logprob, err);
        }
        *texts = *texts || id < 0;
    }
    return st == EAGLE_OK ? eg_response_end_top(r, d->place, i, err) : st;
}

static eagle_status differs(const reading *d, const char *name, int32_t i, int32_t id,
                            const eg_response *r, eagle_error *err)
{
    return eg_fail(err, EAGLE_EFORMAT, "%s: %s[%d] is of token %d, output token %d is %d",
                   d->place->where, name, i, id, i, r->output[i]);
}

/* logprobs.content, completion_probabilities: an object per output. */
static eagle_status read_content(eg_response *r, const reading *d, const char *name,
                                 const json_t *list, eagle_error *err)
{
    bool texts = false;
    eagle_status st = need_beside(d, r, name, list, err);

    st = st == EAGLE_OK ? want_logprobs(r, err) : st;
    st = st == EAGLE_OK ? want_tops(r, err) : st;
    for (int32_t i = 0; st == EAGLE_OK && i < r->n_output; i++) {
        const json_t *entry = json_array_get(list, (size_t)i);
        int32_t id;

        st = read_entry(&id, &r->logprob[i], d, name, (size_t)i, entry, err);
        if (st == EAGLE_OK && id >= 0 && id != r->output[i]) {
            st = differs(d, name, i, id, r, err);
        }
        if (st == EAGLE_OK) {
            st = read_entry_tops(r, &texts, d, i, entry, err);
        }
    }
    if (st == EAGLE_OK && (texts || r->n_top == 0)) {
        forget_tops(r);
    }
    return st;
}

/* SGLang's [logprob, id, text]. */
static eagle_status read_triple(int32_t *id, double *logprob, const reading *d, const char *name,
                                size_t i, const json_t *triple, eagle_error *err)
{
    if (!json_is_array(triple) || json_array_size(triple) < 2 ||
        !json_is_integer(json_array_get(triple, 1))) {
        return wrong(d, name, triple, "a list of [logprob, id, text]", err);
    }
    eagle_status st = eg_response_id(id, d->place, name, i, json_array_get(triple, 1), err);

    return st == EAGLE_OK ? eg_response_logprob(logprob, d->place, name, i,
                                                json_array_get(triple, 0), false, err)
                          : st;
}

static eagle_status read_meta_tops(eg_response *r, const reading *d, const json_t *list,
                                   eagle_error *err)
{
    static const char name[] = "output_top_logprobs";
    eagle_status st = need_beside(d, r, name, list, err);

    st = st == EAGLE_OK ? want_tops(r, err) : st;
    for (int32_t i = 0; st == EAGLE_OK && i < r->n_output; i++) {
        const json_t *top = json_array_get(list, (size_t)i);

        if (!json_is_array(top) && !json_is_null(top)) {
            return wrong(d, name, top, "a list of lists of [logprob, id, text]", err);
        }
        for (size_t j = 0; st == EAGLE_OK && j < json_array_size(top); j++) {
            double logprob;
            int32_t id;

            st = read_triple(&id, &logprob, d, name, j, json_array_get(top, j), err);
            st = st == EAGLE_OK ? eg_response_add_top(r, id, logprob, err) : st;
        }
        st = st == EAGLE_OK ? eg_response_end_top(r, d->place, i, err) : st;
    }
    return st;
}

/* SGLang's meta_info, once the output's ids are known. */
static eagle_status read_meta(eg_response *r, const reading *d, const json_t *meta,
                              eagle_error *err)
{
    static const char name[] = "output_token_logprobs";
    const json_t *list = get(meta, name);
    const json_t *tops = get(meta, "output_top_logprobs");
    eagle_status st = EAGLE_OK;

    if (list == NULL) {
        return EAGLE_OK;
    }
    st = need_beside(d, r, name, list, err);
    st = st == EAGLE_OK ? want_logprobs(r, err) : st;
    for (int32_t i = 0; st == EAGLE_OK && i < r->n_output; i++) {
        int32_t id;

        st = read_triple(&id, &r->logprob[i], d, name, (size_t)i, json_array_get(list, (size_t)i),
                         err);
        if (st == EAGLE_OK && id != r->output[i]) {
            st = differs(d, name, i, id, r, err);
        }
    }
    return st == EAGLE_OK && tops != NULL ? read_meta_tops(r, d, tops, err) : st;
}

/* ---- ids ------------------------------------------------------------------------------------- */

/* The ids in a list of triples, which may begin with [null, id, text]. */
static eagle_status ids_of_triples(int32_t **id, int32_t *n, const reading *d, const char *name,
                                   const json_t *list, eagle_error *err)
{
    json_t *ids = json_array();
    eagle_status st = EAGLE_OK;

    if (!json_is_array(list)) {
        st = wrong(d, name, list, "a list of [logprob, id, text]", err);
    }
    for (size_t i = 0; st == EAGLE_OK && i < json_array_size(list); i++) {
        json_t *one = json_array_get(json_array_get(list, i), 1);

        if (one == NULL) {
            st = wrong(d, name, json_array_get(list, i), "a list of [logprob, id, text]", err);
        } else if (json_array_append(ids, one) != 0) {
            st = eg_fail(err, EAGLE_ENOMEM, "no memory for a response");
        }
    }
    st = st == EAGLE_OK ? eg_response_ids(id, n, d->place, name, ids, err) : st;
    json_decref(ids);
    return st;
}

/* The ids in a list of objects, or of texts; *id stays NULL when a text does not tell. */
static eagle_status ids_of_entries(int32_t **id, int32_t *n, const reading *d, const char *name,
                                   const json_t *list, eagle_error *err)
{
    const size_t size = json_array_size(list);
    int32_t *ids = NULL;
    bool texts = size == 0;
    eagle_status st = EAGLE_OK;

    if (!json_is_array(list)) {
        return wrong(d, name, list, "a list", err);
    }
    ids = eg_alloc(size, sizeof *ids);
    if (ids == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a response");
    }
    for (size_t i = 0; st == EAGLE_OK && !texts && i < size; i++) {
        const json_t *entry = json_array_get(list, i);
        const json_t *token = entry;

        if (json_is_object(entry)) {
            token = get(entry, "id") != NULL ? get(entry, "id") : get(entry, "token");
        }
        st = eg_response_id(&ids[i], d->place, name, i, token, err);
        texts = ids[i] < 0;
    }
    if (st != EAGLE_OK || texts) {
        free(ids);
        return st;
    }
    *id = ids;
    *n = (int32_t)size;
    return EAGLE_OK;
}

/* The prompt's ids: around the document, or under one of its own keys. */
static eagle_status read_prompt(eg_response *r, const reading *d, const json_t *inside,
                                const char *name, eagle_error *err)
{
    const json_t *list = d->prompt != NULL ? d->prompt : inside;

    if (list == NULL || r->prompt != NULL) {
        return EAGLE_OK;
    }
    return eg_response_ids(&r->prompt, &r->n_prompt, d->place,
                           d->prompt != NULL ? d->prompt_name : name, list, err);
}

/* Hands over what has been read, if it is whole. */
static eagle_status finish(eg_response *r, const reading *d, eagle_error *err)
{
    if (r->output == NULL) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: a continuation without token ids; ask the server for them: vLLM "
                       "\"return_token_ids\": true, SGLang /generate with ids or "
                       "\"return_output_ids_in_sglext\": true, llama-server \"return_tokens\": "
                       "true or \"n_probs\"",
                       d->place->where);
    }
    if (r->prompt == NULL || r->n_prompt == 0) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: a continuation without its prompt's ids: write {\"prompt_ids\": [..], "
                       "\"response\": ..}, or ask vLLM with \"return_token_ids\": true",
                       d->place->where);
    }
    return d->take(d->ctx, r, err);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static eagle_status read_sources(eg_response *r, const reading *d, const json_t *list,
                                 eagle_error *err)
{
    eagle_status st = need_beside(d, r, "source", list, err);

    if (st != EAGLE_OK) {
        return st;
    }
    r->source = eg_alloc((size_t)r->n_output, sizeof *r->source);
    if (r->source == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a response");
    }
    for (int32_t i = 0; i < r->n_output; i++) {
        const json_t *value = json_array_get(list, (size_t)i);
        const json_int_t one = json_is_integer(value) ? json_integer_value(value) : 0;

        if (one < 1 || one > 4) {
            return wrong(d, "source", value, "a list of 1 accepted, 2 residual, 3 bonus, 4 plain",
                         err);
        }
        r->source[i] = (eagle_source)(one - 1); /* the file counts the prompt as 0 */
    }
    return EAGLE_OK;
}

static eagle_status read_eagle(eg_response *r, const reading *d, const json_t *doc,
                               eagle_error *err)
{
    const json_t *source = get(doc, "source");
    const json_t *logprobs = get(doc, "logprobs");
    const json_t *tops = get(doc, "top_logprobs");
    eagle_status st = read_prompt(r, d, get(doc, "prompt_ids"), "prompt_ids", err);

    r->shape = "eagle";
    if (st == EAGLE_OK) {
        st = eg_response_ids(&r->output, &r->n_output, d->place, "output_ids",
                             get(doc, "output_ids"), err);
    }
    if (st == EAGLE_OK && source != NULL) {
        st = read_sources(r, d, source, err);
    }
    if (st == EAGLE_OK && logprobs != NULL) {
        st = read_logprobs(r, d, "logprobs", logprobs, err);
    }
    if (st == EAGLE_OK && tops != NULL) {
        st = read_top_objects(r, d, "top_logprobs", tops, true, err);
    }
    return st;
}

static eagle_status read_sglang(eg_response *r, const reading *d, const json_t *doc,
                                eagle_error *err)
{
    const json_t *meta = get(doc, "meta_info");
    const json_t *ids = get(doc, "output_ids");
    const json_t *list = get(meta, "output_token_logprobs");
    const json_t *input = get(meta, "input_token_logprobs");
    const json_t *n_prompt = get(meta, "prompt_tokens");
    eagle_status st = read_prompt(r, d, get(doc, "prompt_token_ids"), "prompt_token_ids", err);

    r->shape = "SGLang";
    if (st == EAGLE_OK && ids != NULL) {
        st = eg_response_ids(&r->output, &r->n_output, d->place, "output_ids", ids, err);
    } else if (st == EAGLE_OK && list != NULL) {
        st = ids_of_triples(&r->output, &r->n_output, d, "output_token_logprobs", list, err);
    }
    /* The whole prompt, or only what was not cached: the server says how long it was. */
    if (st == EAGLE_OK && r->prompt == NULL && json_is_integer(n_prompt) &&
        (json_int_t)json_array_size(input) == json_integer_value(n_prompt)) {
        st = ids_of_triples(&r->prompt, &r->n_prompt, d, "input_token_logprobs", input, err);
    }
    return st == EAGLE_OK && r->output != NULL ? read_meta(r, d, meta, err) : st;
}

static eagle_status read_llama(eg_response *r, const reading *d, const json_t *doc,
                               eagle_error *err)
{
    const json_t *tokens = get(doc, "tokens");
    const json_t *list = get(doc, "completion_probabilities");
    eagle_status st = read_prompt(r, d, get(doc, "prompt_token_ids"), "prompt_token_ids", err);

    r->shape = "llama-server";
    /* Without "return_tokens" the list is there and empty. */
    if (st == EAGLE_OK && (json_array_size(tokens) > 0 || !json_is_array(tokens)) &&
        tokens != NULL) {
        st = eg_response_ids(&r->output, &r->n_output, d->place, "tokens", tokens, err);
    } else if (st == EAGLE_OK && list != NULL) {
        st = ids_of_entries(&r->output, &r->n_output, d, "completion_probabilities", list, err);
    }
    if (st == EAGLE_OK && r->output != NULL && list != NULL) {
        st = read_content(r, d, "completion_probabilities", list, err);
    }
    return st;
}

/* The ids of a choice, from wherever they are. */
static eagle_status read_choice_ids(eg_response *r, const reading *d, const json_t *doc,
                                    const json_t *choice, size_t i, eagle_error *err)
{
    const json_t *ids = get(choice, "token_ids");
    const json_t *sglang = json_array_get(get(get(doc, "sglext"), "output_ids"), i);
    const json_t *meta = get(get(choice, "meta_info"), "output_token_logprobs");
    const json_t *logprobs = get(choice, "logprobs");

    if (ids != NULL) {
        return eg_response_ids(&r->output, &r->n_output, d->place, "token_ids", ids, err);
    }
    if (sglang != NULL) {
        return eg_response_ids(&r->output, &r->n_output, d->place, "sglext.output_ids", sglang,
                               err);
    }
    if (meta != NULL) {
        return ids_of_triples(&r->output, &r->n_output, d, "output_token_logprobs", meta, err);
    }
    if (get(logprobs, "content") != NULL) {
        return ids_of_entries(&r->output, &r->n_output, d, "logprobs.content",
                              get(logprobs, "content"), err);
    }
    if (get(logprobs, "tokens") != NULL) {
        return ids_of_entries(&r->output, &r->n_output, d, "logprobs.tokens",
                              get(logprobs, "tokens"), err);
    }
    return EAGLE_OK;
}

static eagle_status read_choice_logprobs(eg_response *r, const reading *d, const json_t *choice,
                                         eagle_error *err)
{
    const json_t *logprobs = get(choice, "logprobs");
    const json_t *meta = get(choice, "meta_info");
    const json_t *tops = get(logprobs, "top_logprobs");
    eagle_status st = EAGLE_OK;

    if (get(meta, "output_token_logprobs") != NULL) {
        return read_meta(r, d, meta, err);
    }
    if (logprobs == NULL) {
        return EAGLE_OK;
    }
    if (!json_is_object(logprobs)) {
        return wrong(d, "logprobs", logprobs, "an object", err);
    }
    if (get(logprobs, "content") != NULL) {
        return read_content(r, d, "logprobs.content", get(logprobs, "content"), err);
    }
    if (get(logprobs, "token_logprobs") != NULL) {
        st = read_logprobs(r, d, "logprobs.token_logprobs", get(logprobs, "token_logprobs"), err);
    }
    if (st == EAGLE_OK && tops != NULL) {
        st = read_top_objects(r, d, "logprobs.top_logprobs", tops, false, err);
    }
    return st;
}

static eagle_status read_choices(const reading *d, const json_t *doc, eagle_error *err)
{
    const json_t *choices = get(doc, "choices");
    const json_t *beside = get(doc, "prompt_token_ids");
    eagle_status st = EAGLE_OK;

    if (!json_is_array(choices) || json_array_size(choices) == 0) {
        return wrong(d, "choices", choices, "a list of one choice at least", err);
    }
    beside = beside != NULL ? beside : get(get(doc, "sglext"), "input_ids");
    for (size_t i = 0; st == EAGLE_OK && i < json_array_size(choices); i++) {
        const json_t *choice = json_array_get(choices, i);
        const json_t *inside = get(choice, "prompt_token_ids");
        eg_response r = {.shape = "OpenAI"};

        if (!json_is_object(choice)) {
            return wrong(d, "choices", choice, "a list of objects", err);
        }
        st = read_prompt(&r, d, inside != NULL ? inside : beside, "prompt_token_ids", err);
        st = st == EAGLE_OK ? read_choice_ids(&r, d, doc, choice, i, err) : st;
        if (st == EAGLE_OK && r.output != NULL) {
            st = read_choice_logprobs(&r, d, choice, err);
        }
        st = st == EAGLE_OK ? finish(&r, d, err) : st;
        eg_response_free(&r);
    }
    return st;
}

/* ---- documents ------------------------------------------------------------------------------- */

typedef eagle_status read_shape(eg_response *r, const reading *d, const json_t *doc,
                                eagle_error *err);

/* The shape of an object that holds one continuation, by its keys; NULL: none. */
static read_shape *shape_of(const json_t *doc)
{
    if (get(doc, "meta_info") != NULL) {
        return read_sglang;
    }
    if (get(doc, "output_ids") != NULL) {
        return read_eagle;
    }
    if (get(doc, "tokens") != NULL || get(doc, "completion_probabilities") != NULL) {
        return read_llama;
    }
    return NULL;
}

/* A decimal as eagle generate writes it, a text; `out` stays as it was without one. */
static eagle_status read_decimal(eagle_decimal *out, const reading *d, const char *key,
                                 eagle_error *err)
{
    const json_t *value = get(d->settings, key);

    if (value == NULL) {
        return EAGLE_OK;
    }
    if (!json_is_string(value) ||
        eagle_decimal_parse(out, json_string_value(value), NULL) != EAGLE_OK) {
        return wrong(d, key, value, "a text such as \"0.9\"", err);
    }
    return EAGLE_OK;
}

/* How eagle generate says that it sampled. */
static eagle_status read_settings(eg_response *r, const reading *d, eagle_error *err)
{
    const json_t *temperature = get(d->settings, "temperature");
    const json_t *top_k = get(d->settings, "top_k");
    const json_t *mode = get(d->settings, "verification");
    eagle_sampling *s = &r->sampling;

    if (temperature == NULL) {
        return EAGLE_OK;
    }
    eagle_sampling_defaults(s);
    s->temperature = json_is_number(temperature) ? (float)json_number_value(temperature) : -1.0f;
    if (!(s->temperature >= 0.0f && s->temperature <= FLT_MAX)) {
        return wrong(d, "temperature", temperature, "a number from 0 on", err);
    }
    if (top_k != NULL) {
        if (!json_is_integer(top_k) || json_integer_value(top_k) < 0 ||
            json_integer_value(top_k) > INT32_MAX) {
            return wrong(d, "top_k", top_k, "a number of tokens", err);
        }
        s->top_k = (int32_t)json_integer_value(top_k);
    }
    for (int m = EAGLE_VERIFY_GREEDY; m <= EAGLE_VERIFY_REJECTION && mode != NULL; m++) {
        const char *name = eagle_verify_mode_name((eagle_verify_mode)m);

        if (json_is_string(mode) && strcmp(json_string_value(mode), name) == 0) {
            s->mode = (eagle_verify_mode)m;
        }
    }
    r->has_sampling = true;
    eagle_status st = read_decimal(&s->top_p, d, "top_p", err);

    return st == EAGLE_OK ? read_decimal(&s->min_p, d, "min_p", err) : st;
}

static eagle_status read_one(const reading *d, const json_t *doc, eagle_error *err)
{
    eg_response r = {0};
    read_shape *shape = shape_of(doc);

    if (json_is_object(doc) && get(doc, "choices") != NULL) {
        return read_choices(d, doc, err);
    }
    if (!json_is_object(doc) || shape == NULL) {
        return wrong(d, "the document", doc,
                     "a response: an object with output_ids, choices, meta_info or tokens", err);
    }
    eagle_status st = shape(&r, d, doc, err);

    st = st == EAGLE_OK && d->settings != NULL ? read_settings(&r, d, err) : st;
    st = st == EAGLE_OK ? finish(&r, d, err) : st;
    eg_response_free(&r);
    return st;
}

static eagle_status read_wrapped(const reading *d, const json_t *doc, eagle_error *err)
{
    const json_t *inner = get(doc, "response");
    reading wrapped = *d;
    eagle_status st = EAGLE_OK;

    if (inner == NULL) {
        inner = get(doc, "result"); /* of eagle generate, whose prompt is inside */
        wrapped.settings = json_is_object(get(doc, "settings")) ? get(doc, "settings") : NULL;
        return read_one(&wrapped, inner, err);
    }
    wrapped.prompt_name = "prompt_ids";
    wrapped.prompt = get(doc, "prompt_ids");
    if (wrapped.prompt == NULL) {
        wrapped.prompt_name = "prompt_token_ids";
        wrapped.prompt = get(doc, "prompt_token_ids");
    }
    if (!json_is_array(inner)) {
        return read_one(&wrapped, inner, err);
    }
    for (size_t i = 0; st == EAGLE_OK && i < json_array_size(inner); i++) { /* SGLang, n > 1 */
        st = read_one(&wrapped, json_array_get(inner, i), err);
    }
    return st;
}

eagle_status eg_response_document(const eg_response_place *place, const json_t *doc,
                                  eg_response_take *take, void *ctx, eagle_error *err)
{
    const reading d = {.place = place, .take = take, .ctx = ctx};

    if (json_is_object(doc) &&
        (get(doc, "response") != NULL || json_is_object(get(doc, "result")))) {
        return read_wrapped(&d, doc, err);
    }
    return read_one(&d, doc, err);
}
