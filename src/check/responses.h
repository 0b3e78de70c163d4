/* SPDX-License-Identifier: MIT */
/* responses.h - one continuation as it is read: ids first, then what was said of each token. */
#ifndef EG_CHECK_RESPONSES_H
#define EG_CHECK_RESPONSES_H

#include "eagle/responses.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

/* The arrays of one eagle_response, owned, while they grow. */
typedef struct {
    int32_t *prompt; /* [n_prompt]; NULL: not said yet */
    int32_t n_prompt;
    int32_t *output; /* [n_output]; NULL: not said yet */
    int32_t n_output;
    eagle_source *source;
    double *logprob;
    int32_t *top_begin;
    int32_t *top_token;
    double *top_logprob;
    int32_t n_top;
    int32_t top_cap;
    const char *shape;
    bool has_sampling;
    eagle_sampling sampling;
} eg_response;

void eg_response_free(eg_response *r);

/* Where a document stands, and what its ids must be. */
typedef struct {
    char where[320]; /* "FILE, line 3" or "FILE, line 1, element 2" */
    int32_t vocab;   /* 0: any id */
} eg_response_place;

/* Takes one finished continuation; what it keeps is taken out of *r. */
typedef eagle_status eg_response_take(void *ctx, eg_response *r, eagle_error *err);

/* Reads a document of any shape, which may hold several continuations (n > 1). EAGLE_EFORMAT begins
 * with place->where. */
eagle_status eg_response_document(const eg_response_place *place, const json_t *doc,
                                  eg_response_take *take, void *ctx, eagle_error *err);

/* ---- parts that shapes are made of (response_parts.c) ---------------------------------------- */

/* A list of ids into *id, [*n]. `name` is its key. */
eagle_status eg_response_ids(int32_t **id, int32_t *n, const eg_response_place *place,
                             const char *name, const json_t *list, eagle_error *err);

/* A log-probability, or with `plain` a probability, of which *out receives the logarithm. */
eagle_status eg_response_logprob(double *out, const eg_response_place *place, const char *name,
                                 size_t i, const json_t *value, bool plain, eagle_error *err);

/* An id: an integer, or a text "token_id:12" or "12". *id receives -1 for any other text, which is
 * a token's own; EAGLE_EFORMAT for other values and for ids out of range. */
eagle_status eg_response_id(int32_t *id, const eg_response_place *place, const char *name, size_t i,
                            const json_t *value, eagle_error *err);
eagle_status eg_response_id_text(int32_t *id, const eg_response_place *place, const char *name,
                                 size_t i, const char *text, bool bare, eagle_error *err);

/* Appends an alternative to the list of the output that is being read. */
eagle_status eg_response_add_top(eg_response *r, int32_t id, double logprob, eagle_error *err);

/* Ends the list of output i: sorts it, and refuses an id that is there twice and probabilities
 * that sum to more than 1. */
eagle_status eg_response_end_top(eg_response *r, const eg_response_place *place, int32_t i,
                                 eagle_error *err);

#endif
