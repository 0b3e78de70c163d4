/* SPDX-License-Identifier: MIT */
/* claims.c - from files to claims: a trace is one, a file of responses has many. */
#include "check/claims.h"

#include "base/alloc.h"
#include "base/error.h"
#include "trace/trace_file.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

eagle_status eg_claims_add(eg_claim **out, eagle_claims *claims, const char *name, eagle_error *err)
{
    eg_claim *claim = eg_alloc(1, sizeof *claim);

    *out = NULL;
    if (claim != NULL && claims->n == claims->cap) {
        const int32_t cap = claims->cap > 0 ? 2 * claims->cap : 16;
        eg_claim **grown = realloc(claims->claim, (size_t)cap * sizeof(eg_claim *));

        if (grown != NULL) {
            claims->claim = grown;
            claims->cap = cap;
        }
    }
    if (claim == NULL || claims->n == claims->cap) {
        free(claim);
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for a run", name);
    }
    char *own = eg_arena_take(&claim->arena, EG_FOR_WORK, strlen(name) + 1, 1);

    claims->claim[claims->n++] = claim;
    if (own == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for a run", name);
    }
    memcpy(own, name, strlen(name) + 1);
    claim->name = own;
    claim->producer = "";
    claim->contract = "";
    claim->rule = "";
    *out = claim;
    return EAGLE_OK;
}

void eagle_claims_free(eagle_claims *claims)
{
    if (claims != NULL) {
        for (int32_t i = 0; i < claims->n; i++) {
            eg_claim_free(claims->claim[i]);
        }
        free(claims->claim);
        eagle_trace_free(claims->trace);
        eagle_responses_free(claims->responses);
    }
    free(claims);
}

/* ---- traces --------------------------------------------------------------------------------- */

static bool is_lossy(const char *rule)
{
    static const char *const name[] = {"typical-acceptance", "threshold"};

    return strcmp(rule, name[0]) == 0 || strcmp(rule, name[1]) == 0;
}

static eagle_status sampling_of(eg_claim *c, const eagle_trace_manifest *m, eagle_error *err)
{
    char *end = NULL;

    eagle_sampling_defaults(&c->sampling);
    if (m->temperature[0] == '\0') {
        return EAGLE_OK; /* not said: the caller's */
    }
    c->has_sampling = true;
    c->sampling.temperature = strtof(m->temperature, &end);
    c->sampling.top_k = m->top_k;
    if (*end != '\0' || !(c->sampling.temperature >= 0.0f) || !isfinite(c->sampling.temperature)) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: \"%.40s\" is no temperature", c->name,
                       m->temperature);
    }
    eagle_status st =
        m->top_p[0] != '\0' ? eagle_decimal_parse(&c->sampling.top_p, m->top_p, err) : EAGLE_OK;

    if (st == EAGLE_OK && m->min_p[0] != '\0') {
        st = eagle_decimal_parse(&c->sampling.min_p, m->min_p, err);
    }
    c->mode_known = true;
    if (strcmp(m->verify, "coupled") == 0) {
        c->sampling.mode = EAGLE_VERIFY_COUPLED;
    } else if (strcmp(m->verify, "rejection") == 0) {
        c->sampling.mode = EAGLE_VERIFY_REJECTION;
    } else {
        c->mode_known = strcmp(m->verify, "greedy") == 0;
    }
    return st != EAGLE_OK ? EAGLE_EFORMAT : EAGLE_OK;
}

static eagle_status take_draws(eg_claim_round *out, eg_claim *c, const eagle_trace_draws *d,
                               eagle_error *err)
{
    eg_claim_draw *draw =
        eg_arena_take(&c->arena, EG_FOR_WORK, (size_t)d->n, sizeof(eg_claim_draw));

    if (d->n > 0 && draw == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %d draws", c->name, d->n);
    }
    for (int32_t i = 0; i < d->n; i++) {
        draw[i] = (eg_claim_draw){.accept = d->kind[i] == 1,
                                  .purpose = d->purpose[i],
                                  .pos = d->pos[i],
                                  .index = d->index[i],
                                  .answer = d->answer[i]};
        if (d->num != NULL && d->den != NULL) {
            draw[i].num = d->num[i];
            draw[i].den = d->den[i];
        }
    }
    out->n_draws = d->n;
    out->draw = draw;
    out->weighed = d->num != NULL && d->den != NULL;
    out->coin = d->coin;
    return EAGLE_OK;
}

/* The first entry of a part of a round, or where it would be: entries are sorted. */
static int32_t first_of(const eagle_trace *trace, eg_trace_part part, int32_t round)
{
    const eg_trace_key before = {.part = part, .round = round, .pass = -1};
    int32_t low = 0;
    int32_t high = trace->n_entries;

    while (low < high) {
        const int32_t at = low + (high - low) / 2;

        if (eg_trace_compare(&trace->entry[at].key, &before) < 0) {
            low = at + 1;
        } else {
            high = at;
        }
    }
    return low;
}

/* The target's sites among the entries of one part and round, which lie side by side. */
static eagle_status take_sites(const eg_claim_site **out, int32_t *n, eg_claim *c,
                               const eagle_trace *trace, eg_trace_part part, int32_t round,
                               eagle_error *err)
{
    const int32_t first = first_of(trace, part, round);
    int32_t end = first;

    while (end < trace->n_entries && trace->entry[end].key.part == part &&
           trace->entry[end].key.round == round) {
        end++;
    }
    eg_claim_site *site =
        eg_arena_take(&c->arena, EG_FOR_WORK, (size_t)(end - first), sizeof(eg_claim_site));

    if (end > first && site == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %d sites", c->name, end - first);
    }
    for (int32_t i = first; i < end; i++) {
        const eg_trace_key *key = &trace->entry[i].key;
        const bool none = key->layer == EG_LAYER_BEFORE || key->layer == EG_LAYER_AFTER;

        site[i - first] = (eg_claim_site){.site = (eagle_site)key->item,
                                          .layer = none ? 0 : key->layer,
                                          .pass = key->pass,
                                          .tensor = &trace->entry[i].tensor};
    }
    *out = site;
    *n = end - first;
    return EAGLE_OK;
}

static eagle_status take_round(eg_claim_round *out, eg_claim *c, const eagle_trace *trace,
                               int32_t r, eagle_error *err)
{
    const eagle_trace_round *in = eagle_trace_round_at(trace, r);

    *out = (eg_claim_round){.first = in->first,
                            .n_nodes = in->tree.n_nodes,
                            .n_verify = in->tree.n_verify,
                            .token = in->tree.token,
                            .parent = in->tree.parent,
                            .depth = in->tree.depth,
                            .pos = in->pos,
                            .score = in->tree.score,
                            .law = in->tree.law,
                            .prob = trace->info.digest ? NULL : in->draft_prob,
                            .logits = in->logits,
                            .n_path = in->n_path,
                            .path_token = in->path_token,
                            .path_node = in->path_node,
                            .path_row = in->path_row};
    eagle_status st = take_draws(out, c, &in->draws, err);

    if (st == EAGLE_OK && trace->info.digest) {
        st = take_sites(&out->digests, &out->n_digests, c, trace, EG_PART_TARGET, r, err);
    } else if (st == EAGLE_OK && trace->info.level >= 3) {
        st = take_sites(&out->site, &out->n_sites, c, trace, EG_PART_TARGET, r, err);
    }
    return st;
}

static eagle_status take_rounds(eg_claim *c, const eagle_trace *trace, eagle_error *err)
{
    const eagle_trace_manifest *m = &trace->info;
    const int32_t n = m->level >= 2 ? m->end_round - m->first_round : 0;
    eg_claim_round *round =
        eg_arena_take(&c->arena, EG_FOR_WORK, (size_t)(n > 0 ? n : 0), sizeof(eg_claim_round));
    eagle_status st = EAGLE_OK;

    if (n > 0 && round == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %d rounds", c->name, n);
    }
    for (int32_t i = 0; st == EAGLE_OK && i < n; i++) {
        st = take_round(&round[i], c, trace, m->first_round + i, err);
    }
    c->first_round = m->first_round;
    c->n_rounds = n > 0 ? n : 0;
    c->round = round;
    return st;
}

eagle_status eg_claims_from_trace(eagle_claims *claims, const char *path, eagle_error *err)
{
    eg_claim *c = NULL;
    eagle_status st = eagle_trace_open(&claims->trace, path, err);

    if (st == EAGLE_OK) {
        st = eg_claims_add(&c, claims, path, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    const eagle_trace_manifest *m = eagle_trace_info(claims->trace);
    const eagle_trace_tokens *t = eagle_trace_sequence(claims->trace);

    c->producer = m->producer;
    c->contract = m->contract;
    c->dtype = strcmp(m->dtype, "bf16") == 0  ? EAGLE_BF16
               : strcmp(m->dtype, "f16") == 0 ? EAGLE_F16
                                              : EAGLE_F32;
    c->level = m->level;
    c->vocab = m->vocab;
    c->dim = m->dim;
    c->layers = m->layers;
    c->drawn = strcmp(m->children, "drawn") == 0;
    c->likeliest = strcmp(m->children, "topk") == 0;
    c->lossy = is_lossy(m->rule);
    c->digest = m->digest;
    c->rule = c->lossy ? "" : m->rule;
    c->has_seed = eagle_trace_seed(&c->seed, claims->trace);
    c->n_prompt = t->n_prompt;
    c->n = t->n;
    c->token = t->token;
    c->source = t->source;
    c->round_of = t->round;
    c->logprob = t->logprob;
    c->n_top = t->n_top;
    c->top_token = t->top_token;
    c->top_logprob = t->top_logprob;
    st = sampling_of(c, m, err);
    if (st == EAGLE_OK) {
        st = take_rounds(c, claims->trace, err);
    }
    if (st == EAGLE_OK && m->digest) {
        st = take_sites(&c->digests, &c->n_digests, c, claims->trace, EG_PART_PROMPT, 0, err);
    } else if (st == EAGLE_OK && m->level >= 3) {
        st = take_sites(&c->site, &c->n_sites, c, claims->trace, EG_PART_PROMPT, 0, err);
    }
    return st;
}

/* ---- responses ------------------------------------------------------------------------------- */

/* Lists of different lengths become a table: -1 where a list ends early. */
static void take_tops(eg_claim *c, const eagle_response *r)
{
    int32_t most = 0;

    for (int32_t i = 0; r->top_begin != NULL && i < r->n_output; i++) {
        const int32_t n = r->top_begin[i + 1] - r->top_begin[i];

        most = n > most ? n : most;
    }
    const size_t n = (size_t)most * (size_t)r->n_output;
    int32_t *token = eg_arena_take(&c->arena, EG_FOR_WORK, n, sizeof *token);
    float *logprob = eg_arena_floats(&c->arena, n);

    if (n == 0 || c->arena.failed) {
        return;
    }
    for (int32_t i = 0; i < r->n_output; i++) {
        for (int32_t k = 0; k < most; k++) {
            const int32_t at = r->top_begin[i] + k;
            const bool there = at < r->top_begin[i + 1];

            token[(size_t)i * (size_t)most + (size_t)k] = there ? r->top_token[at] : -1;
            logprob[(size_t)i * (size_t)most + (size_t)k] = there ? (float)r->top_logprob[at] : NAN;
        }
    }
    c->n_top = most;
    c->top_token = token;
    c->top_logprob = logprob;
}

static eagle_status take_response(eg_claim *c, const eagle_response *r, eagle_error *err)
{
    const size_t n = (size_t)r->n_prompt + (size_t)r->n_output;
    int32_t *token = eg_arena_take(&c->arena, EG_FOR_WORK, n, sizeof *token);
    int32_t *source = eg_arena_take(&c->arena, EG_FOR_WORK, n, sizeof *source);
    float *logprob = eg_arena_floats(&c->arena, (size_t)r->n_output);

    c->n_prompt = r->n_prompt;
    c->n = (int32_t)n;
    c->level = r->logprob != NULL ? 1 : 0;
    if (!c->arena.failed) {
        memcpy(token, r->prompt, (size_t)r->n_prompt * sizeof *token);
        memcpy(token + r->n_prompt, r->output, (size_t)r->n_output * sizeof *token);
        for (int32_t i = 0; i < r->n_output; i++) {
            source[r->n_prompt + i] = r->source != NULL ? (int32_t)r->source[i] + 1 : -1;
            logprob[i] = r->logprob != NULL ? (float)r->logprob[i] : NAN;
        }
        take_tops(c, r);
    }
    c->token = token;
    c->source = r->source != NULL ? source : NULL;
    c->logprob = r->logprob != NULL ? logprob : NULL;
    return c->arena.failed ? eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %zu tokens", c->name, n)
                           : EAGLE_OK;
}

eagle_status eg_claims_from_responses(eagle_claims *claims, const char *path, eagle_error *err)
{
    eagle_status st = eagle_responses_read(&claims->responses, path, 0, err);
    const int32_t n = st == EAGLE_OK ? eagle_responses_count(claims->responses) : 0;

    for (int32_t i = 0; st == EAGLE_OK && i < n; i++) {
        const eagle_response *r = eagle_responses_at(claims->responses, i);
        char name[512];
        eg_claim *c = NULL;

        if (n == 1) {
            snprintf(name, sizeof name, "%s", path);
        } else {
            snprintf(name, sizeof name, "%s, run %d", path, i + 1);
        }
        st = eg_claims_add(&c, claims, name, err);
        if (st == EAGLE_OK) {
            c->producer = r->shape;
            if (r->has_sampling) {
                c->has_sampling = true;
                c->mode_known = true;
                c->sampling = r->sampling;
            }
            st = take_response(c, r, err);
        }
    }
    return st;
}

/* ---- opening --------------------------------------------------------------------------------- */

/* A safetensors file has the length of its header first, which is below 2^32, and then a brace.
 * JSON has no byte 0. */
static eagle_status looks_like_a_trace(bool *out, const char *path, eagle_error *err)
{
    eg_map map;
    eagle_status st = eg_map_open(&map, path, err);

    if (st == EAGLE_OK) {
        *out = map.size > 8 && memchr(map.data, 0, 8) != NULL;
        eg_map_close(&map);
    }
    return st;
}

eagle_status eagle_claims_open(eagle_claims **out, const char *path, eagle_error *err)
{
    eagle_claims *claims = eg_alloc(1, sizeof *claims);
    bool trace = false;

    *out = NULL;
    if (claims == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for its runs", path);
    }
    eagle_status st = looks_like_a_trace(&trace, path, err);

    if (st == EAGLE_OK) {
        st = trace ? eg_claims_from_trace(claims, path, err)
                   : eg_claims_from_responses(claims, path, err);
    }
    if (st != EAGLE_OK) {
        eagle_claims_free(claims);
        return st;
    }
    *out = claims;
    return EAGLE_OK;
}

int32_t eagle_claims_count(const eagle_claims *claims)
{
    return claims->n;
}

const char *eagle_claims_producer(const eagle_claims *claims)
{
    return claims->n > 0 ? claims->claim[0]->producer : "";
}

int32_t eagle_claims_level(const eagle_claims *claims)
{
    int32_t level = 4;

    for (int32_t i = 0; i < claims->n; i++) {
        level = claims->claim[i]->level < level ? claims->claim[i]->level : level;
    }
    return level;
}

bool eagle_claims_sampling(eagle_sampling *out, const eagle_claims *claims)
{
    if (claims->n == 0 || !claims->claim[0]->has_sampling) {
        return false;
    }
    *out = claims->claim[0]->sampling;
    return true;
}
