/* SPDX-License-Identifier: MIT */
/* contexts.c - see contexts.h. */
#include "prove/contexts.h"

#include "base/alloc.h"
#include "base/error.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- life ------------------------------------------------------------------------------------ */

static eagle_status no_memory(eagle_error *err)
{
    return eg_fail(err, EAGLE_ENOMEM, "prove: no memory for the contexts");
}

/* One string more, without its place among others; -1 without memory. */
static int32_t new_string(eg_contexts *c, int32_t parent, int32_t token)
{
    if (c->n == c->cap) {
        const int32_t cap = c->cap == 0 ? 256 : 2 * c->cap;
        eg_string *at = c->cap >= 1 << 28 ? NULL : realloc(c->at, (size_t)cap * sizeof *at);

        if (at == NULL) {
            return -1;
        }
        c->at = at;
        c->cap = cap;
    }
    c->at[c->n] = (eg_string){.parent = parent,
                              .token = token,
                              .length = parent < 0 ? 0 : c->at[parent].length + 1,
                              .first = -1,
                              .next = -1};
    return c->n++;
}

eagle_status eg_contexts_make(eg_contexts *out, const eg_contexts_plan *plan, eagle_error *err)
{
    const size_t vocab = (size_t)eagle_model_config(plan->model)->vocab;

    *out = (eg_contexts){.vocab = (int32_t)vocab,
                         .sampling = plan->how->sampling,
                         .n_root = plan->root.n,
                         .room = plan->how->ctx + 2};
    out->root = eg_alloc((size_t)plan->root.n, sizeof *out->root);
    out->token = eg_alloc((size_t)out->room, sizeof *out->token);
    out->order = eg_alloc(vocab, sizeof *out->order);
    out->p = eg_alloc(vocab, sizeof *out->p);
    if (out->p != NULL) {
        for (size_t i = 0; i < vocab; i++) {
            mpq_init(out->p[i]);
        }
    }
    if (out->root == NULL || out->token == NULL || out->order == NULL || out->p == NULL ||
        new_string(out, -1, -1) < 0) {
        return no_memory(err);
    }
    memcpy(out->root, plan->root.token, (size_t)plan->root.n * sizeof *out->root);
    eagle_status st = eagle_session_create(&out->plain, plan->model, NULL, plan->how, err);

    if (st == EAGLE_OK) {
        st = eagle_session_create(&out->stepwise, plan->model, plan->drafter, plan->how, err);
    }
    return st;
}

static void free_plain(eg_plain *plain)
{
    if (plain != NULL) {
        for (int32_t i = 0; i < plain->n; i++) {
            mpq_clear(plain->p[i]);
        }
        free(plain->p);
        free(plain->id);
        free(plain->logits);
    }
    free(plain);
}

void eg_contexts_free(eg_contexts *c)
{
    for (int32_t i = 0; i < c->n; i++) {
        free_plain(c->at[i].plain);
        free(c->at[i].hash);
    }
    for (int32_t i = 0; c->p != NULL && i < c->vocab; i++) {
        mpq_clear(c->p[i]);
    }
    free(c->p);
    free(c->order);
    free(c->at);
    free(c->token);
    free(c->root);
    eagle_session_free(c->stepwise);
    eagle_session_free(c->plain);
    *c = (eg_contexts){0};
}

/* ---- strings --------------------------------------------------------------------------------- */

/* Strings of one parent hang together by descending token, so that a new one, which is asked for in
 * ascending order as a rule, is first. *before receives the last one of a larger token, or -1. */
static int32_t seek(const eg_contexts *c, int32_t *before, int32_t at, int32_t token)
{
    int32_t i = c->at[at].first;

    *before = -1;
    while (i >= 0 && c->at[i].token > token) {
        *before = i;
        i = c->at[i].next;
    }
    return i >= 0 && c->at[i].token == token ? i : -1;
}

eagle_status eg_contexts_child(int32_t *out, eg_contexts *c, int32_t at, int32_t token,
                               eagle_error *err)
{
    int32_t before = -1;

    *out = seek(c, &before, at, token);
    if (*out < 0) {
        *out = new_string(c, at, token);
        if (*out < 0) {
            return no_memory(err);
        }
        int32_t *link = before < 0 ? &c->at[at].first : &c->at[before].next;

        c->at[*out].next = *link;
        *link = *out;
    }
    return EAGLE_OK;
}

const int32_t *eg_contexts_text(int32_t *n, eg_contexts *c, int32_t at)
{
    *n = c->n_root + c->at[at].length;
    memcpy(c->token, c->root, (size_t)c->n_root * sizeof *c->token);
    for (int32_t i = *n - 1; at > 0; at = c->at[at].parent) {
        c->token[i--] = c->at[at].token;
    }
    return c->token;
}

/* ---- plain decoding -------------------------------------------------------------------------- */

/* Feeds `token`, one at a time, what the session does not hold of it; rows are those of the
 * last. */
static eagle_status feed_to(eagle_rows *rows, eagle_session *s, const int32_t *token, int32_t n,
                            eagle_error *err)
{
    const int32_t *held = eagle_session_tokens(s);
    int32_t common = 0;

    while (common < n - 1 && common < eagle_session_length(s) && held[common] == token[common]) {
        common++;
    }
    eagle_status st = eagle_session_rewind(s, common, err);

    for (int32_t i = common; st == EAGLE_OK && i < n; i++) {
        st = eagle_session_feed(rows, s, &token[i], 1, err);
    }
    return st;
}

/* How far apart these weights' shares and the real softmax of the kept logits can be. With
 * |w - W| <= e for each weight w of the integer law and the real weight W = 2^45 exp((l - max) / T):
 * TV <= sum e / sum w. Of W the quotient and the difference are rounded once each, 2^-24 of the
 * exponent; the exponential once, 2^-24 of itself; then the fraction below 1 is dropped. */
static double softmax_distance(const eg_plain *plain, float temperature)
{
    double largest = 0.0;
    double sum_e = 0.0;
    float max = plain->logits[plain->id[0]];

    if (temperature == 0.0f) {
        return 0.0;
    }
    for (int32_t i = 0; i < plain->n; i++) {
        const double p = mpq_get_d(plain->p[i]);

        largest = p > largest ? p : largest;
        max = plain->logits[plain->id[i]] > max ? plain->logits[plain->id[i]] : max;
    }
    for (int32_t i = 0; i < plain->n; i++) {
        const double x = ((double)max - (double)plain->logits[plain->id[i]]) / (double)temperature;
        const double relative = expm1(x * 0x1.01p-23) + 0x1.01p-24;

        sum_e += mpq_get_d(plain->p[i]) * relative + 1.01 * largest * 0x1p-45;
    }
    const double bound = sum_e * 1.001; /* what this sum was rounded by, many times over */

    return bound < 1.0 ? bound : 1.0; /* no distance is more; at 1e-9 degrees the sum is infinite */
}

/* Keeps what has a probability of c->p. */
static eg_plain *keep(eg_contexts *c, const float *logits)
{
    const size_t vocab = (size_t)c->vocab;
    eg_plain *out = eg_alloc(1, sizeof *out);
    size_t n = 0;

    if (out == NULL) {
        return NULL;
    }
    for (size_t i = 0; i < vocab; i++) {
        n += mpq_sgn(c->p[i]) != 0;
    }
    out->logits = eg_alloc(vocab, sizeof *out->logits);
    out->id = eg_alloc(n, sizeof *out->id);
    out->p = eg_alloc(n, sizeof *out->p);
    if (out->logits == NULL || out->id == NULL || out->p == NULL) {
        free_plain(out);
        return NULL;
    }
    memcpy(out->logits, logits, vocab * sizeof *logits);
    for (size_t i = 0; i < vocab; i++) {
        if (mpq_sgn(c->p[i]) != 0) {
            out->id[out->n] = (int32_t)i;
            mpq_init(out->p[out->n]);
            mpq_set(out->p[out->n++], c->p[i]);
        }
    }
    return out;
}

eagle_status eg_contexts_plain(const eg_plain **out, eg_contexts *c, int32_t at, eagle_error *err)
{
    *out = c->at[at].plain;
    if (*out != NULL) {
        return EAGLE_OK;
    }
    int32_t n = 0;
    const int32_t *text = eg_contexts_text(&n, c, at);
    eagle_rows rows = {0};
    eagle_status st = feed_to(&rows, c->plain, text, n, err);

    if (st != EAGLE_OK) {
        return st;
    }
    eg_plain_law(c->p, c->order, rows.logits, c->vocab, &c->sampling);
    c->at[at].plain = keep(c, rows.logits);
    *out = c->at[at].plain;
    if (*out == NULL) {
        return no_memory(err);
    }
    const double distance = softmax_distance(*out, c->sampling.temperature);

    c->softmax_distance = distance > c->softmax_distance ? distance : c->softmax_distance;
    return EAGLE_OK;
}

void eg_plain_of(mpq_t out, const eg_plain *plain, int32_t token)
{
    for (int32_t i = 0; i < plain->n; i++) {
        if (plain->id[i] == token) {
            mpq_set(out, plain->p[i]);
            return;
        }
    }
    mpq_set_ui(out, 0, 1);
}

/* A token more is fed and forgotten: the last token of the string is a root then, as after a
 * round. */
eagle_status eg_contexts_hash(const char **out, eg_contexts *c, int32_t at, eagle_error *err)
{
    *out = c->at[at].hash;
    if (*out != NULL) {
        return EAGLE_OK;
    }
    int32_t n = 0;
    int32_t *text = (int32_t *)eg_contexts_text(&n, c, at);
    char hex[65];

    text[n] = 0;
    eagle_status st = feed_to(NULL, c->stepwise, text, n + 1, err);

    if (st == EAGLE_OK) {
        st = eagle_session_rewind(c->stepwise, n, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    eagle_session_hash(hex, c->stepwise);
    c->at[at].hash = eg_strdup(hex);
    *out = c->at[at].hash;
    return *out != NULL ? EAGLE_OK : no_memory(err);
}
