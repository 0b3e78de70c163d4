/* SPDX-License-Identifier: MIT */
/* trace_rounds.c - reads tokens and rounds of a trace, and checks all that code walks along. */
#include "base/alloc.h"
#include "base/error.h"
#include "trace/trace_file.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

#define DRAW_INDICES 65536

/* ---- one list at a time -------------------------------------------------------------------- */

/* Numbers in [low, high], as many as n allows; *out NULL when they are missing and not needed. */
static eagle_status take_numbers(const int32_t **out, const eagle_trace *trace, eg_trace_key key,
                                 eg_extent n, int32_t low, int32_t high, eagle_error *err)
{
    const eg_trace_form form = eg_list_of(EAGLE_I32, n);
    const eagle_tensor *t;
    eagle_status st = eg_trace_take(&t, trace, &key, &form, true, err);

    *out = NULL;
    if (st == EAGLE_OK && t->dtype == EAGLE_I32) { /* U8: a digest */
        st = eg_trace_check_range(trace, t, low, high, err);
        *out = t->data;
    }
    return st;
}

/* EAGLE_EFORMAT when an element of the F32 tensor is a NaN or above all numbers: minus infinity is
 * the logarithm of 0. */
static eagle_status check_logs(const eagle_trace *trace, const eagle_tensor *t, eagle_error *err)
{
    const float *value = t->data;

    for (size_t i = 0; i < t->size / sizeof *value; i++) {
        if (isnan(value[i]) || value[i] == INFINITY) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: tensor \"%.80s\": element %zu is %g, no log-probability",
                           trace->file.path, t->name, i, (double)value[i]);
        }
    }
    return EAGLE_OK;
}

/* ---- the sequence -------------------------------------------------------------------------- */

static eg_trace_key in_sequence(int32_t item)
{
    return (eg_trace_key){.part = EG_PART_SEQUENCE, .item = item};
}

/* The prompt is what has source 0, at the beginning and nowhere else. */
static eagle_status find_prompt(eagle_trace *trace, eagle_error *err)
{
    eagle_trace_tokens *s = &trace->tokens;

    while (s->n_prompt < s->n && s->source[s->n_prompt] == EAGLE_TRACE_PROMPT) {
        s->n_prompt++;
    }
    if (s->n_prompt == 0) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: tensor \"seq.source\": no token of a prompt",
                       trace->file.path);
    }
    for (int32_t i = s->n_prompt; i < s->n; i++) {
        if (s->source[i] == EAGLE_TRACE_PROMPT) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: tensor \"seq.source\": token %d of the prompt stands behind output",
                           trace->file.path, i);
        }
    }
    return EAGLE_OK;
}

/* -1 for the prompt, then rising from 0. */
static eagle_status read_round_numbers(eagle_trace *trace, eagle_error *err)
{
    eagle_trace_tokens *s = &trace->tokens;
    const eg_trace_key key = in_sequence(EG_SEQ_ROUND);
    eagle_status st = EAGLE_OK;

    if (trace->info.level < 2 && eg_trace_find(trace, &key) == NULL) {
        return EAGLE_OK;
    }
    st = take_numbers(&s->round, trace, key, eg_exactly(s->n), -1, trace->info.rounds - 1, err);
    for (int32_t i = 0; st == EAGLE_OK && i < s->n; i++) {
        const int32_t before = i > s->n_prompt ? s->round[i - 1] : 0;

        if (i < s->n_prompt ? s->round[i] != -1 : s->round[i] < before) {
            st = eg_fail(err, EAGLE_EFORMAT,
                         "%s: tensor \"seq.round\": token %d has round %d, must have %s",
                         trace->file.path, i, s->round[i],
                         i < s->n_prompt ? "-1, as the prompt"
                                         : "the round of the one before, or a "
                                           "later one");
        }
    }
    return st;
}

static eagle_status read_log_probabilities(eagle_trace *trace, eagle_error *err)
{
    eagle_trace_tokens *s = &trace->tokens;
    const int64_t n = s->n - s->n_prompt;
    const eg_trace_key key[] = {in_sequence(EG_SEQ_LOGPROB), in_sequence(EG_SEQ_TOP_TOKEN),
                                in_sequence(EG_SEQ_TOP_LOGPROB)};
    const eg_trace_form one = eg_list_of(EAGLE_F32, eg_exactly(n));
    eg_trace_form most = eg_matrix_of(EAGLE_I32, eg_exactly(n), eg_at_least(1));
    const eagle_tensor *t[3];
    eagle_status st = eg_trace_take(&t[0], trace, &key[0], &one, trace->info.level >= 1, err);

    if (st == EAGLE_OK && t[0] != NULL) {
        st = check_logs(trace, t[0], err);
        s->logprob = t[0]->data;
    }
    st = st == EAGLE_OK ? eg_trace_take(&t[1], trace, &key[1], &most, false, err) : st;
    if (st != EAGLE_OK || (t[1] == NULL && eg_trace_find(trace, &key[2]) == NULL)) {
        return st;
    }
    most.dtype = EAGLE_F32;
    most.extent[1] = t[1] != NULL ? eg_exactly(t[1]->shape[1]) : eg_at_least(1);
    st = eg_trace_take(&t[2], trace, &key[2], &most, true, err);
    if (st == EAGLE_OK && t[1] == NULL) {
        st = eg_trace_take(&t[1], trace, &key[1], &most, true, err); /* the pair: says so */
    }
    st = st == EAGLE_OK ? eg_trace_check_range(trace, t[1], 0, trace->info.vocab - 1, err) : st;
    st = st == EAGLE_OK ? check_logs(trace, t[2], err) : st;
    if (st == EAGLE_OK) {
        s->n_top = (int32_t)t[1]->shape[1];
        s->top_token = t[1]->data;
        s->top_logprob = t[2]->data;
    }
    return st;
}

eagle_status eg_trace_read_tokens(eagle_trace *trace, eagle_error *err)
{
    eagle_trace_tokens *s = &trace->tokens;
    const eg_trace_key key = in_sequence(EG_SEQ_TOKEN);
    const eagle_tensor *t = eg_trace_find(trace, &key);
    eagle_status st =
        take_numbers(&s->token, trace, key, eg_at_least(1), 0, trace->info.vocab - 1, err);

    if (st != EAGLE_OK) {
        return st;
    }
    s->n = (int32_t)t->shape[0];
    st = take_numbers(&s->source, trace, in_sequence(EG_SEQ_SOURCE), eg_exactly(s->n),
                      EAGLE_TRACE_UNKNOWN, EAGLE_TRACE_PLAIN, err);
    st = st == EAGLE_OK ? find_prompt(trace, err) : st;
    st = st == EAGLE_OK ? read_round_numbers(trace, err) : st;
    return st == EAGLE_OK ? read_log_probabilities(trace, err) : st;
}

/* ---- one round ----------------------------------------------------------------------------- */

/* What is being read. */
typedef struct {
    eagle_trace *trace;
    eagle_trace_round *round;
    int32_t r;
} reading;

static eg_trace_key in_round(const reading *x, eg_trace_part part, int32_t item)
{
    const int32_t layer = part == EG_PART_TARGET ? eg_trace_layer_of((eagle_site)item, 0) : 0;

    return (eg_trace_key){.part = part, .round = x->r, .layer = layer, .item = item};
}

/* The mapping is read-only, and a view's arrays have no const. */
static void *view_of(const void *data)
{
    return (void *)(uintptr_t)data;
}

static eagle_status check_parents(const reading *x, const int32_t *parent, const int32_t *depth,
                                  int32_t n, eagle_error *err)
{
    for (int32_t i = 0; i < n; i++) {
        const bool right =
            i == 0 ? parent[0] == -1 && depth[0] == 0
                   : parent[i] >= 0 && parent[i] < i && depth[i] == depth[parent[i]] + 1;

        if (!right) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: round %d: node %d has parent %d and depth %d: no tree",
                           x->trace->file.path, x->r, i, parent[i], depth[i]);
        }
    }
    return EAGLE_OK;
}

static eagle_status read_tree(reading *x, eagle_error *err)
{
    const int32_t vocab = x->trace->info.vocab;
    const eg_trace_key key = in_round(x, EG_PART_TREE, EG_TREE_TOKEN);
    const eagle_tensor *t = eg_trace_find(x->trace, &key);
    const int32_t *token;
    const int32_t *parent = NULL;
    const int32_t *depth = NULL;
    const int32_t *verify = NULL;
    eagle_status st = take_numbers(&token, x->trace, key, eg_at_least(1), 0, vocab - 1, err);
    const int32_t n = st == EAGLE_OK ? (int32_t)t->shape[0] : 0;
    const struct {
        const int32_t **out;
        int32_t item;
        int64_t n;
        int32_t low;
        int32_t high;
    } list[] = {{&parent, EG_TREE_PARENT, n, -1, n - 1},
                {&depth, EG_TREE_DEPTH, n, 0, n - 1},
                {&x->round->pos, EG_TREE_POS, n, 0, INT32_MAX},
                {&verify, EG_TREE_VERIFY, 1, 1, n}};

    for (size_t i = 0; st == EAGLE_OK && i < sizeof list / sizeof list[0]; i++) {
        st = take_numbers(list[i].out, x->trace, in_round(x, EG_PART_TREE, list[i].item),
                          eg_exactly(list[i].n), list[i].low, list[i].high, err);
    }
    st = st == EAGLE_OK ? check_parents(x, parent, depth, n, err) : st;
    if (st == EAGLE_OK) {
        x->round->tree = (eagle_tree){.n_nodes = n,
                                      .n_verify = verify[0],
                                      .cap = n,
                                      .pos = x->round->pos[0],
                                      .token = view_of(token),
                                      .parent = view_of(parent),
                                      .depth = view_of(depth)};
    }
    return st;
}

/* Scores, laws, draft probabilities and logits: laws are made views of later. */
static eagle_status read_values(reading *x, eagle_error *err)
{
    const bool digest = x->trace->info.digest;
    const int32_t n = x->round->tree.n_nodes;
    const int32_t vocab = x->trace->info.vocab;
    const eg_trace_key score = in_round(x, EG_PART_TREE, EG_TREE_SCORE);
    const eg_trace_key prob = in_round(x, EG_PART_TREE, EG_DRAFT_PROB);
    const eg_trace_key logits = in_round(x, EG_PART_TARGET, EAGLE_SITE_LOGITS);
    const eg_trace_form one = eg_list_of(EAGLE_F32, eg_exactly(n));
    const eg_trace_form all = eg_matrix_of(EAGLE_F32, eg_exactly(n), eg_exactly(vocab));
    const eg_trace_form any = eg_float_matrix(eg_exactly(n), eg_exactly(vocab));
    const eagle_tensor *t;
    eagle_status st = eg_trace_take(&t, x->trace, &score, &one, false, err);

    if (st == EAGLE_OK && t != NULL && !digest) {
        st = check_logs(x->trace, t, err);
        x->round->tree.score = view_of(t->data);
    }
    st = st == EAGLE_OK ? eg_trace_take(&t, x->trace, &prob, &all, false, err) : st;
    if (st == EAGLE_OK && !digest) {
        x->round->draft_prob = t;
    }
    st = st == EAGLE_OK ? eg_trace_take(&t, x->trace, &logits, &any, true, err) : st;
    if (st == EAGLE_OK && !digest) {
        x->round->logits = t;
    }
    return st;
}

/* From the root down: each token but the last is a child of the node before. */
static eagle_status check_path(const reading *x, eagle_error *err)
{
    const eagle_trace_round *r = x->round;
    int32_t at = 0;

    for (int32_t i = 0; i < r->n_path; i++) {
        const int32_t node = r->path_node[i];
        const bool last = i + 1 == r->n_path;

        if (r->path_row[i] != at || (last ? node != -1 : node < 1) ||
            (!last && (r->tree.parent[node] != at || r->tree.token[node] != r->path_token[i]))) {
            return eg_fail(
                err, EAGLE_EFORMAT,
                "%s: round %d: entry %d of the path, token %d at node %d by row %d, does "
                "not lead on from node %d",
                x->trace->file.path, x->r, i, r->path_token[i], node, r->path_row[i], at);
        }
        at = node;
    }
    return EAGLE_OK;
}

static eagle_status read_path(reading *x, eagle_error *err)
{
    eagle_trace_round *r = x->round;
    const eg_trace_key key = in_round(x, EG_PART_PATH, EG_PATH_TOKEN);
    const eagle_tensor *t = eg_trace_find(x->trace, &key);
    const int32_t last = r->tree.n_verify - 1;
    eagle_status st = take_numbers(&r->path_token, x->trace, key, eg_at_least(1), 0,
                                   x->trace->info.vocab - 1, err);

    if (st != EAGLE_OK) {
        return st;
    }
    r->n_path = (int32_t)t->shape[0];
    st = take_numbers(&r->path_node, x->trace, in_round(x, EG_PART_PATH, EG_PATH_NODE),
                      eg_exactly(r->n_path), -1, last, err);
    st = st == EAGLE_OK
             ? take_numbers(&r->path_row, x->trace, in_round(x, EG_PART_PATH, EG_PATH_ROW),
                            eg_exactly(r->n_path), 0, last, err)
             : st;
    return st == EAGLE_OK ? check_path(x, err) : st;
}

/* The round's tokens in the sequence are its path; the last round's may be cut. `*at`: the first
 * one that no round before has taken. */
static eagle_status match_path(reading *x, int32_t *at, eagle_error *err)
{
    const eagle_trace_tokens *s = &x->trace->tokens;
    eagle_trace_round *r = x->round;
    const bool last = x->r + 1 == x->trace->info.rounds;

    r->first = *at;
    for (; *at < s->n && s->round[*at] == x->r; ++*at) {
        const int32_t i = r->n_taken++;

        if (i >= r->n_path || r->path_token[i] != s->token[*at]) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: round %d: token %d of the sequence is not token %d of the path",
                           x->trace->file.path, x->r, *at, i);
        }
    }
    if (!last && r->n_taken != r->n_path) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: round %d: the path has %d tokens, the sequence only %d of them",
                       x->trace->file.path, x->r, r->n_path, r->n_taken);
    }
    return EAGLE_OK;
}

/* ---- draws --------------------------------------------------------------------------------- */

static eagle_status check_answers(const reading *x, const eagle_trace_draws *d, eagle_error *err)
{
    for (int32_t i = 0; i < d->n; i++) {
        if (d->answer[i] < 0 || d->answer[i] >= (d->kind[i] == 0 ? x->trace->info.vocab : 2)) {
            return eg_fail(err, EAGLE_EFORMAT, "%s: round %d: draw %d cannot be answered with %d",
                           x->trace->file.path, x->r, i, d->answer[i]);
        }
    }
    return EAGLE_OK;
}

/* Weights and coins, both optional. */
static eagle_status read_numbers_of_draws(reading *x, eagle_trace_draws *d, eg_extent n,
                                          eagle_error *err)
{
    const eg_trace_form wide = eg_matrix_of(EAGLE_I64, n, eg_exactly(5));
    const eg_trace_form coin = eg_list_of(EAGLE_F64, n);
    const eg_trace_key key[] = {in_round(x, EG_PART_DRAW, EG_DRAW_NUM),
                                in_round(x, EG_PART_DRAW, EG_DRAW_DEN),
                                in_round(x, EG_PART_DRAW, EG_DRAW_COIN)};
    const bool weights = eg_trace_find(x->trace, &key[0]) != NULL;
    const eagle_tensor *t[3];
    eagle_status st = eg_trace_take(&t[0], x->trace, &key[0], &wide, false, err);

    st = st == EAGLE_OK ? eg_trace_take(&t[1], x->trace, &key[1], &wide, weights, err) : st;
    st = st == EAGLE_OK ? eg_trace_take(&t[2], x->trace, &key[2], &coin, false, err) : st;
    if (st != EAGLE_OK || x->trace->info.digest) {
        return st;
    }
    if (weights) {
        d->num = t[0]->data;
        d->den = t[1]->data;
    } else if (t[1] != NULL) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: round %d: draw.den without draw.num",
                       x->trace->file.path, x->r);
    }
    d->coin = t[2] != NULL ? t[2]->data : NULL;
    for (int64_t i = 0; d->coin != NULL && i < n.least; i++) {
        if (!(d->coin[i] >= 0.0 && d->coin[i] <= 1.0)) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: round %d: coin %" PRId64 " is %g, not in [0, 1]",
                           x->trace->file.path, x->r, i, d->coin[i]);
        }
    }
    return EAGLE_OK;
}

static eagle_status read_draws(reading *x, eagle_error *err)
{
    eagle_trace_draws *d = &x->round->draws;
    const eg_trace_key kind = in_round(x, EG_PART_DRAW, EG_DRAW_KIND);
    const eagle_tensor *t = eg_trace_find(x->trace, &kind);
    const struct {
        const int32_t **out;
        int32_t item;
        int32_t low;
        int32_t high;
    } list[] = {{&d->kind, EG_DRAW_KIND, 0, 1},
                {&d->purpose, EG_DRAW_PURPOSE, EAGLE_DRAW_TARGET, EAGLE_DRAW_RESIDUAL},
                {&d->pos, EG_DRAW_POS, 0, INT32_MAX},
                {&d->index, EG_DRAW_INDEX, 0, DRAW_INDICES - 1},
                {&d->answer, EG_DRAW_ANSWER, 0, INT32_MAX}};
    const eg_extent n = t != NULL && t->rank == 1 ? eg_exactly(t->shape[0]) : eg_at_least(0);
    eagle_status st = EAGLE_OK;

    for (int32_t i = EG_DRAW_KIND; t == NULL && i <= EG_DRAW_COIN; i++) {
        const eg_trace_key key = in_round(x, EG_PART_DRAW, i);

        t = eg_trace_find(x->trace, &key); /* all of them, or none */
    }
    if (t == NULL) {
        return EAGLE_OK;
    }
    for (size_t i = 0; st == EAGLE_OK && i < sizeof list / sizeof list[0]; i++) {
        st = take_numbers(list[i].out, x->trace, in_round(x, EG_PART_DRAW, list[i].item), n,
                          list[i].low, list[i].high, err);
    }
    st = st == EAGLE_OK ? read_numbers_of_draws(x, d, n, err) : st;
    if (st == EAGLE_OK && !x->trace->info.digest) {
        d->n = (int32_t)n.least;
        st = check_answers(x, d, err);
    }
    return st;
}

/* ---- laws ---------------------------------------------------------------------------------- */

/* A node's weights, none negative; NULL when all are zero. */
static eagle_status law_of(const uint64_t **out, const reading *x, const eagle_tensor *t,
                           int32_t node, eagle_error *err)
{
    const int64_t vocab = t->shape[1];
    const int64_t *w = (const int64_t *)t->data + (size_t)node * (size_t)vocab;
    bool any = false;

    for (int64_t i = 0; i < vocab; i++) {
        any = any || w[i] != 0;
        if (w[i] < 0) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: round %d: the law of node %d gives token %" PRId64
                           " a negative weight",
                           x->trace->file.path, x->r, node, i);
        }
    }
    *out = any ? (const uint64_t *)w : NULL;
    return EAGLE_OK;
}

/* The round's laws; *used of the trace's room are views already. */
static eagle_status read_laws(reading *x, size_t *used, eagle_error *err)
{
    eagle_tree *tree = &x->round->tree;
    const eg_trace_key key = in_round(x, EG_PART_TREE, EG_TREE_LAW);
    const eg_trace_form all =
        eg_matrix_of(EAGLE_I64, eg_exactly(tree->n_nodes), eg_exactly(x->trace->info.vocab));
    const eagle_tensor *t;
    eagle_status st = eg_trace_take(&t, x->trace, &key, &all, false, err);

    if (st != EAGLE_OK || t == NULL || x->trace->info.digest) {
        return st;
    }
    tree->law = x->trace->law + *used;
    *used += (size_t)tree->n_nodes;
    for (int32_t i = 0; st == EAGLE_OK && i < tree->n_nodes; i++) {
        st = law_of(&tree->law[i], x, t, i, err);
    }
    return st;
}

/* ---- all rounds ---------------------------------------------------------------------------- */

/* Room for a view of every row of every tree.law: no more than the file has. */
static eagle_status make_room(eagle_trace *trace, eagle_error *err)
{
    const int64_t n = (int64_t)trace->info.end_round - trace->info.first_round;
    size_t laws = 0;

    if (n > trace->n_entries) { /* each has tensors of its own */
        return eg_fail(err, EAGLE_EFORMAT, "%s: %" PRId64 " rounds, but only %d tensors",
                       trace->file.path, n, trace->n_entries);
    }
    for (int32_t i = 0; i < trace->n_entries; i++) {
        const eg_trace_entry *e = &trace->entry[i];
        const bool law = e->key.part == EG_PART_TREE && e->key.item == EG_TREE_LAW;

        /* Those of the right form, which are looked at later, have a weight a row at least. */
        if (law && e->tensor.rank == 2 && e->tensor.shape[1] > 0) {
            laws += (size_t)e->tensor.shape[0];
        }
    }
    trace->n_rounds = (int32_t)n;
    trace->round = eg_alloc((size_t)n, sizeof *trace->round);
    trace->law = eg_alloc(laws, sizeof *trace->law);
    if (trace->round == NULL || trace->law == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %" PRId64 " rounds", trace->file.path,
                       n);
    }
    return EAGLE_OK;
}

/* Refuses tensors of rounds that are not recorded. */
static eagle_status check_numbers(const eagle_trace *trace, eagle_error *err)
{
    for (int32_t i = 0; i < trace->n_entries; i++) {
        const eg_trace_key *key = &trace->entry[i].key;
        const bool of_round = key->part >= EG_PART_DRAFT && key->part <= EG_PART_REFRESH;

        if (of_round &&
            (key->round < trace->info.first_round || key->round >= trace->info.end_round)) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: tensor \"%.80s\": the rounds go from %" PRId32 " to %" PRId32,
                           trace->file.path, trace->entry[i].tensor.name, trace->info.first_round,
                           trace->info.end_round - 1);
        }
    }
    return EAGLE_OK;
}

eagle_status eg_trace_read_rounds(eagle_trace *trace, eagle_error *err)
{
    int32_t at = trace->tokens.n_prompt;
    size_t laws = 0;
    eagle_status st = EAGLE_OK;

    if (trace->info.level < 2) {
        return EAGLE_OK;
    }
    while (at < trace->tokens.n && trace->tokens.round[at] < trace->info.first_round) {
        at++;
    }
    st = make_room(trace, err);
    for (int32_t i = 0; st == EAGLE_OK && i < trace->n_rounds; i++) {
        reading x = {.trace = trace, .round = &trace->round[i], .r = trace->info.first_round + i};

        st = read_tree(&x, err);
        st = st == EAGLE_OK ? read_values(&x, err) : st;
        st = st == EAGLE_OK ? read_laws(&x, &laws, err) : st;
        st = st == EAGLE_OK ? read_path(&x, err) : st;
        st = st == EAGLE_OK ? match_path(&x, &at, err) : st;
        st = st == EAGLE_OK ? read_draws(&x, err) : st;
    }
    return st == EAGLE_OK ? check_numbers(trace, err) : st;
}

/* ---- sites --------------------------------------------------------------------------------- */

/* Rows that a site has; any number where nothing else tells. */
static eg_extent rows_of(const eagle_trace *trace, const eg_trace_key *key)
{
    const eagle_trace_round *r = eagle_trace_round_at(trace, key->round);

    switch (key->part) {
    case EG_PART_PROMPT: return eg_exactly(trace->tokens.n_prompt);
    case EG_PART_PROMPT_REFRESH: return eg_exactly(trace->tokens.n_prompt - 1);
    case EG_PART_TARGET: return eg_exactly(r->tree.n_nodes);
    case EG_PART_REFRESH: return eg_exactly(r->n_path);
    default: return eg_at_least(1);
    }
}

/* Their width, likewise: heads and their inner widths are not in the manifest, and a head may have
 * a vocabulary of its own. */
static eg_extent width_of(const eagle_trace *trace, int32_t site)
{
    switch ((eagle_site)site) {
    case EAGLE_SITE_LOGITS: return eg_exactly(trace->info.vocab);
    case EAGLE_SITE_EMBED:
    case EAGLE_SITE_LAYER_IN:
    case EAGLE_SITE_ATTN_NORM:
    case EAGLE_SITE_RESID_ATTN:
    case EAGLE_SITE_MLP_NORM:
    case EAGLE_SITE_RESID_MLP:
    case EAGLE_SITE_FEATURE: return eg_exactly(trace->info.dim);
    default: return eg_at_least(1);
    }
}

eagle_status eg_trace_check_sites(const eagle_trace *trace, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    for (int32_t i = 0; st == EAGLE_OK && i < trace->n_entries; i++) {
        const eg_trace_entry *e = &trace->entry[i];
        const int32_t site = e->key.item;
        const eagle_tensor *t;

        if (!eg_trace_is_site(&e->key)) {
            continue;
        }
        if (eg_trace_layer_of((eagle_site)site, 0) == 0 && e->key.layer >= trace->info.layers &&
            (e->key.part == EG_PART_TARGET || e->key.part == EG_PART_PROMPT)) {
            return eg_fail(err, EAGLE_EFORMAT, "%s: tensor \"%.80s\": the target has %d layers",
                           trace->file.path, e->tensor.name, trace->info.layers);
        }
        const bool head = e->key.part != EG_PART_TARGET && e->key.part != EG_PART_PROMPT;
        const eg_trace_form form =
            eg_float_matrix(rows_of(trace, &e->key), head ? eg_at_least(1) : width_of(trace, site));

        st = eg_trace_take(&t, trace, &e->key, &form, true, err);
    }
    return st;
}
