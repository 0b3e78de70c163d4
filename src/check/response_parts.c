/* SPDX-License-Identifier: MIT */
/* response_parts.c - ids, log-probabilities and lists of the likeliest, from strangers' JSON. */
#include "base/alloc.h"
#include "base/error.h"
#include "check/responses.h"
#include "formats/json.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

#define LENGTH_MAX (1 << 24) /* tokens of a continuation  */

/* What servers write for a probability of 0: vLLM -9999, llama-server the lowest float32. Down to
 * here it may be a number that was computed. */
#define NOTHING (-9999.0)

/* Rounding of the backend: a probability of 1 may come out as a little more, a sum of them in
 * bfloat16 as 2^-8 more of each. */
#define LOGPROB_SLACK 1e-3
#define SUM_SLACK     0.05

void eg_response_free(eg_response *r)
{
    free(r->prompt);
    free(r->output);
    free(r->source);
    free(r->logprob);
    free(r->top_begin);
    free(r->top_token);
    free(r->top_logprob);
    *r = (eg_response){0};
}

/* ---- ids ------------------------------------------------------------------------------------- */

static eagle_status check_range(const eg_response_place *place, const char *name, size_t i,
                                json_int_t id, eagle_error *err)
{
    if (id < 0 || id > INT32_MAX || (place->vocab > 0 && id >= place->vocab)) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: %s[%zu] is %" JSON_INTEGER_FORMAT ", must be a token id below %d",
                       place->where, name, i, id, place->vocab > 0 ? place->vocab : INT32_MAX);
    }
    return EAGLE_OK;
}

eagle_status eg_response_ids(int32_t **id, int32_t *n, const eg_response_place *place,
                             const char *name, const json_t *list, eagle_error *err)
{
    const size_t size = json_array_size(list);

    *id = NULL;
    *n = 0;
    if (!json_is_array(list)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: %s is %s, must be a list of token ids",
                       place->where, name, eg_json_describe(list).text);
    }
    if (size > LENGTH_MAX) {
        return eg_fail(err, EAGLE_ELIMIT, "%s: %s has %zu tokens, at most %d are read",
                       place->where, name, size, LENGTH_MAX);
    }
    int32_t *ids = eg_alloc(size, sizeof *ids);

    if (ids == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %zu ids", place->where, size);
    }
    for (size_t i = 0; i < size; i++) {
        const json_t *value = json_array_get(list, i);
        const json_int_t one = json_is_integer(value) ? json_integer_value(value) : -1;

        if (!json_is_integer(value)) {
            free(ids);
            return eg_fail(err, EAGLE_EFORMAT, "%s: %s[%zu] is %s, must be a token id",
                           place->where, name, i, eg_json_describe(value).text);
        }
        if (check_range(place, name, i, one, err) != EAGLE_OK) {
            free(ids);
            return EAGLE_EFORMAT;
        }
        ids[i] = (int32_t)one;
    }
    *id = ids;
    *n = (int32_t)size;
    return EAGLE_OK;
}

/* Decimal digits alone, without leading zeros, up to the end. */
static bool is_decimal(const char *text)
{
    const size_t n = strspn(text, "0123456789");

    return n > 0 && n <= 10 && text[n] == '\0' && (n == 1 || text[0] != '0');
}

eagle_status eg_response_id_text(int32_t *id, const eg_response_place *place, const char *name,
                                 size_t i, const char *text, bool bare, eagle_error *err)
{
    static const char prefix[] = "token_id:";
    const bool marked = strncmp(text, prefix, sizeof prefix - 1) == 0;
    const char *digits = marked ? text + sizeof prefix - 1 : text;

    *id = -1;
    if ((!marked && !bare) || !is_decimal(digits)) {
        return EAGLE_OK;
    }
    const json_int_t value = strtoll(digits, NULL, 10);

    if (check_range(place, name, i, value, err) != EAGLE_OK) {
        return EAGLE_EFORMAT;
    }
    *id = (int32_t)value;
    return EAGLE_OK;
}

eagle_status eg_response_id(int32_t *id, const eg_response_place *place, const char *name, size_t i,
                            const json_t *value, eagle_error *err)
{
    *id = -1;
    if (json_is_string(value)) {
        return eg_response_id_text(id, place, name, i, json_string_value(value), false, err);
    }
    if (!json_is_integer(value)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: %s[%zu] is of %s, must be of a token", place->where,
                       name, i, eg_json_describe(value).text);
    }
    if (check_range(place, name, i, json_integer_value(value), err) != EAGLE_OK) {
        return EAGLE_EFORMAT;
    }
    *id = (int32_t)json_integer_value(value);
    return EAGLE_OK;
}

/* ---- probabilities --------------------------------------------------------------------------- */

eagle_status eg_response_logprob(double *out, const eg_response_place *place, const char *name,
                                 size_t i, const json_t *value, bool plain, eagle_error *err)
{
    const double x = json_is_number(value) ? json_number_value(value) : NAN;

    /* JSON has neither NaN nor infinities, and jansson refuses numbers beyond the doubles. */
    if (!json_is_number(value)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: %s[%zu] is %s, must be a number", place->where,
                       name, i, eg_json_describe(value).text);
    }
    if (plain && (x < 0.0 || x > 1.0 + LOGPROB_SLACK)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: %s[%zu] is %g, must be a probability", place->where,
                       name, i, x);
    }
    if (!plain && x > LOGPROB_SLACK) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: %s[%zu] is %g, must be a log-probability, which is at most 0",
                       place->where, name, i, x);
    }
    const double l = plain ? log(x) : x;

    *out = l <= NOTHING ? -INFINITY : (l > 0.0 ? 0.0 : l);
    return EAGLE_OK;
}

static bool grow(eg_response *r)
{
    const int32_t cap = r->top_cap > 0 ? 2 * r->top_cap : 64;
    int32_t *token = realloc(r->top_token, (size_t)cap * sizeof *token);

    if (token == NULL) {
        return false;
    }
    r->top_token = token;
    double *logprob = realloc(r->top_logprob, (size_t)cap * sizeof *logprob);

    if (logprob == NULL) {
        return false;
    }
    r->top_logprob = logprob;
    r->top_cap = cap;
    return true;
}

eagle_status eg_response_add_top(eg_response *r, int32_t id, double logprob, eagle_error *err)
{
    if (r->n_top == r->top_cap && (r->top_cap > INT32_MAX / 4 || !grow(r))) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for the likeliest tokens of a response");
    }
    r->top_token[r->n_top] = id;
    r->top_logprob[r->n_top++] = logprob;
    return EAGLE_OK;
}

/* ---- a list of the likeliest ----------------------------------------------------------------- */

typedef struct {
    double logprob;
    int32_t id;
    bool own;
} ranked;

static int by_rank(const void *a, const void *b)
{
    const ranked *x = a;
    const ranked *y = b;

    if (x->logprob != y->logprob) {
        return x->logprob > y->logprob ? -1 : 1;
    }
    if (x->own != y->own) {
        return x->own ? 1 : -1;
    }
    return (x->id > y->id) - (x->id < y->id);
}

static int by_id(const void *a, const void *b)
{
    const ranked *x = a;
    const ranked *y = b;

    return (x->id > y->id) - (x->id < y->id);
}

eagle_status eg_response_end_top(eg_response *r, const eg_response_place *place, int32_t i,
                                 eagle_error *err)
{
    const int32_t begin = r->top_begin[i];
    const int32_t n = r->n_top - begin;
    double sum = 0.0;
    ranked *list = eg_alloc((size_t)n, sizeof *list);

    r->top_begin[i + 1] = r->n_top;
    if (list == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %d tokens", place->where, n);
    }
    for (int32_t j = 0; j < n; j++) {
        const int32_t id = r->top_token[begin + j];

        list[j] = (ranked){r->top_logprob[begin + j], id, id == r->output[i]};
        sum += exp(list[j].logprob);
    }
    qsort(list, (size_t)n, sizeof *list, by_id);
    eagle_status st = EAGLE_OK;

    for (int32_t j = 1; st == EAGLE_OK && j < n; j++) {
        if (list[j].id == list[j - 1].id) {
            st = eg_fail(err, EAGLE_EFORMAT,
                         "%s: token %d twice among the likeliest tokens of output %d", place->where,
                         list[j].id, i);
        }
    }
    if (st == EAGLE_OK && sum > 1.0 + SUM_SLACK) {
        st = eg_fail(err, EAGLE_EFORMAT,
                     "%s: the probabilities of the likeliest tokens of output %d sum to %.4f",
                     place->where, i, sum);
    }
    qsort(list, (size_t)n, sizeof *list, by_rank);
    for (int32_t j = 0; j < n; j++) {
        r->top_token[begin + j] = list[j].id;
        r->top_logprob[begin + j] = list[j].logprob;
    }
    free(list);
    return st;
}
