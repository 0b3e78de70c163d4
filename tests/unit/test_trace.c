/* SPDX-License-Identifier: MIT */
/* test_trace.c - reading traces: what is in one, and what is refused. */
#include "eagle/trace.h"
#include "support/lib_scratch.h"
#include "support/lib_trace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FILE_NAME "a.trace"

static const char *const dir = scratch_dir;

static eagle_status open_parts(eagle_trace **out, const trace_parts *parts, eagle_error *err)
{
    char path[SCRATCH_PATH];

    trace_write(parts, dir, FILE_NAME);
    scratch_join(path, dir, FILE_NAME);
    return eagle_trace_open(out, path, err);
}

static eagle_trace *open_right(const trace_parts *parts)
{
    return trace_open(parts, dir, FILE_NAME);
}

/* ---- what is in one ------------------------------------------------------------------------ */

static void a_trace_gives_back_its_manifest(void **state)
{
    static trace_parts parts;
    eagle_sampling sampling;
    uint64_t seed = 0;

    (void)state;
    trace_right(&parts);
    eagle_trace *trace = open_right(&parts);
    const eagle_trace_manifest *m = eagle_trace_info(trace);

    assert_string_equal(m->producer, "hand");
    assert_string_equal(m->dtype, "f32");
    assert_int_equal(m->level, 4);
    assert_false(m->digest);
    assert_int_equal(m->vocab, 5);
    assert_string_equal(m->model, "");
    assert_string_equal(m->tree, "by hand");
    assert_int_equal(m->first_round, 0);
    assert_int_equal(m->end_round, 2);
    assert_int_equal(eagle_trace_sampling(&sampling, trace, NULL), EAGLE_OK);
    assert_int_equal(sampling.mode, EAGLE_VERIFY_REJECTION);
    assert_true(sampling.temperature == 0.5f);
    assert_int_equal(sampling.top_k, 3);
    assert_int_equal(sampling.top_p.num, 9);
    assert_true(eagle_trace_seed(&seed, trace));
    assert_int_equal(seed, 7);
    eagle_trace_free(trace);
}

static void a_trace_gives_back_tokens_trees_paths_and_draws(void **state)
{
    static trace_parts parts;
    float row[5];

    (void)state;
    trace_right(&parts);
    eagle_trace *trace = open_right(&parts);
    const eagle_trace_tokens *s = eagle_trace_sequence(trace);
    const eagle_trace_round *r = eagle_trace_round_at(trace, 1);

    assert_int_equal(s->n_prompt, 2);
    assert_int_equal(s->n, 6);
    assert_int_equal(s->token[3], 4);
    assert_int_equal(s->source[5], EAGLE_TRACE_BONUS);
    assert_int_equal(s->round[2], 0);
    assert_int_equal(s->n_top, 2);
    assert_int_equal(s->top_token[2], 4);
    assert_true(s->logprob[1] == -0.25f);

    assert_int_equal(eagle_tree_check(&r->tree, 5, NULL), EAGLE_OK);
    assert_int_equal(r->tree.n_nodes, 4);
    assert_int_equal(r->tree.pos, 2);
    assert_int_equal(eagle_tree_child(&r->tree, 1, 1), 3);
    assert_true(r->tree.score[2] == -1.5f);
    assert_int_equal(r->tree.law[0][4], 7);
    assert_int_equal(r->tree.law[1][1], 5);
    assert_null(r->tree.law[2]); /* zeros: nothing was drawn */
    assert_int_equal(r->first, 3);
    assert_int_equal(r->n_taken, 3);
    assert_int_equal(r->path_row[2], 3);
    assert_int_equal(r->draws.n, 2);
    assert_int_equal(r->draws.den[1].limb[0], 4);
    assert_int_equal(r->draws.den[0].limb[0], 9);
    assert_int_equal(r->draws.num[1].limb[0], 1);
    assert_true(r->draws.coin[1] == 0.75);
    eagle_trace_floats(row, r->logits, 5, 5);
    assert_true(row[0] == 1.0f && row[2] == -3.0f && row[4] == 5.0f);
    assert_null(eagle_trace_round_at(trace, 2));
    assert_null(eagle_trace_round_at(trace, -1));
    eagle_trace_free(trace);
}

static void sites_are_found_by_their_places_and_names(void **state)
{
    static trace_parts parts;
    const eagle_trace_place feature = {EAGLE_TRACE_OF_ROUND, 1, 0, 0, EAGLE_SITE_FEATURE};
    const eagle_trace_place fused = {EAGLE_TRACE_OF_DRAFT, 1, 1, 0, EAGLE_SITE_HEAD_FUSED};
    const eagle_trace_place query = {EAGLE_TRACE_OF_PROMPT, 0, 0, 0, EAGLE_SITE_Q};
    const eagle_trace_place absent = {EAGLE_TRACE_OF_ROUND, 1, 0, 0, EAGLE_SITE_Q};

    (void)state;
    trace_right(&parts);
    eagle_trace *trace = open_right(&parts);

    assert_string_equal(eagle_trace_site(trace, feature)->name, "round/1/feature");
    assert_string_equal(eagle_trace_site(trace, fused)->name, "round/1/draft/1/head_fused");
    assert_string_equal(eagle_trace_site(trace, query)->name, "prompt/0/q");
    assert_null(eagle_trace_site(trace, absent));
    assert_non_null(eagle_trace_tensor(trace, "round/1/0/k_rope"));
    assert_null(eagle_trace_tensor(trace, "round/01/0/k_rope"));
    assert_null(eagle_trace_tensor(trace, "nonsense"));
    eagle_trace_free(trace);
}

/* Whatever comes first in a pass comes first here, so that the first difference of two traces is
 * where they parted. */
static void tensors_stand_in_the_order_of_the_computation(void **state)
{
    static const char *const order[] = {"prompt/embed",
                                        "prompt/0/q",
                                        "prompt/refresh/head_out",
                                        "round/0/tree.token",
                                        "round/0/logits",
                                        "round/0/path.row",
                                        "round/1/draft/0/head_logits",
                                        "round/1/draft/1/head_fused",
                                        "round/1/draft/1/act",
                                        "round/1/tree.token",
                                        "round/1/draft.prob",
                                        "round/1/0/k_rope",
                                        "round/1/0/resid_mlp",
                                        "round/1/feature",
                                        "round/1/logits",
                                        "round/1/draw.coin",
                                        "round/1/path.row",
                                        "round/1/refresh/head_out",
                                        "seq.token"};
    static trace_parts parts;
    size_t found = 0;

    (void)state;
    trace_right(&parts);
    eagle_trace *trace = open_right(&parts);

    for (int32_t i = 0; eagle_trace_tensor_at(trace, i) != NULL; i++) {
        if (found < sizeof order / sizeof order[0] &&
            strcmp(eagle_trace_tensor_at(trace, i)->name, order[found]) == 0) {
            found++;
        }
    }
    assert_int_equal(found, sizeof order / sizeof order[0]);
    assert_null(eagle_trace_tensor_at(trace, parts.n));
    assert_null(eagle_trace_tensor_at(trace, -1));
    eagle_trace_free(trace);
}

static void half_precision_logits_are_widened(void **state)
{
    static const uint16_t half[5] = {0x3c00, 0xc000, 0x7bff, 0x0001, 0x0000};
    static const uint16_t brain[5] = {0x3f80, 0xc000, 0x7f7f, 0x0001, 0x4049};
    static trace_parts parts;
    float row[5];

    (void)state;
    trace_right(&parts);
    trace_put(&parts, "round/0/logits", EAGLE_F16, 1, 5, half);
    eagle_trace *trace = open_right(&parts);

    eagle_trace_floats(row, eagle_trace_round_at(trace, 0)->logits, 0, 5);
    assert_true(row[0] == 1.0f && row[1] == -2.0f && row[2] == 65504.0f && row[3] == 0x1p-24f);
    eagle_trace_free(trace);
    trace_put(&parts, "round/0/logits", EAGLE_BF16, 1, 5, brain);
    trace = open_right(&parts);
    eagle_trace_floats(row, eagle_trace_round_at(trace, 0)->logits, 1, 4);
    assert_true(row[0] == -2.0f && row[3] == 3.140625f);
    eagle_trace_free(trace);
}

static void a_digest_has_trees_and_tokens_alone(void **state)
{
    static trace_parts parts;

    (void)state;
    trace_right_digest(&parts);
    eagle_trace *trace = open_right(&parts);
    const eagle_trace_round *r = eagle_trace_round_at(trace, 1);

    assert_true(eagle_trace_info(trace)->digest);
    assert_int_equal(r->tree.n_nodes, 4);
    assert_int_equal(r->n_path, 3);
    assert_null(r->logits);
    assert_null(r->tree.score);
    assert_null(r->tree.law);
    assert_int_equal(r->draws.n, 0);
    assert_int_equal(eagle_trace_tensor(trace, "round/1/logits")->size, 32);
    eagle_trace_free(trace);
}

static void a_newer_minor_version_may_have_more(void **state)
{
    static const int32_t seven[1] = {7};
    static trace_parts parts;

    (void)state;
    trace_right(&parts);
    trace_say(&parts, "\"1.0\"", "\"1.7\",\"mood\":\"good\"");
    trace_put(&parts, "round/1/weather", EAGLE_I32, 1, 0, seven);
    eagle_trace_free(open_right(&parts));
}

static void a_manifest_may_say_little(void **state)
{
    static trace_parts parts;
    eagle_sampling sampling;
    eagle_trace *trace;

    (void)state;
    trace_right(&parts);
    parts.n = 2; /* token and source */
    strcpy(parts.manifest, "{\"schema\":\"eagle.trace\",\"version\":\"1.0\",\"level\":0,"
                           "\"vocab\":5,\"rounds\":2}");
    trace = open_right(&parts);
    assert_string_equal(eagle_trace_info(trace)->producer, "");
    assert_null(eagle_trace_sequence(trace)->round);
    assert_null(eagle_trace_sequence(trace)->logprob);
    assert_null(eagle_trace_round_at(trace, 0));
    assert_int_equal(eagle_trace_sampling(&sampling, trace, NULL), EAGLE_EUNSUPPORTED);
    assert_false(eagle_trace_seed(&(uint64_t){0}, trace));
    eagle_trace_free(trace);
}

/* The producer's numbers are its own affair: only what code walks along is looked at. */
static void logits_may_hold_anything_and_the_last_path_may_be_cut(void **state)
{
    static const int32_t strange[4] = {2, 77, 3, 4};
    static float logits[20];
    static trace_parts parts;
    eagle_trace *trace;

    (void)state;
    logits[3] = NAN;
    logits[4] = INFINITY;
    trace_right(&parts);
    trace_put(&parts, "round/1/logits", EAGLE_F32, 4, 5, logits);
    trace_put(&parts, "round/1/tree.pos", EAGLE_I32, 4, 0, strange);
    for (int32_t i = 0; i < 6; i++) { /* one token less */
        eagle_tensor *t = &parts.tensor[i];

        t->shape[0]--;
        t->size = t->size / (size_t)(t->shape[0] + 1) * (size_t)t->shape[0];
    }
    trace = open_right(&parts);
    assert_int_equal(eagle_trace_round_at(trace, 1)->n_path, 3);
    assert_int_equal(eagle_trace_round_at(trace, 1)->n_taken, 2);
    assert_int_equal(eagle_trace_round_at(trace, 1)->pos[1], 77);
    eagle_trace_free(trace);
}

static void rounds_that_were_not_recorded_are_not_there(void **state)
{
    static trace_parts parts;
    eagle_trace *trace;

    (void)state;
    trace_right(&parts);
    trace_say(&parts, "\"rounds\":2", "\"rounds\":2,\"recorded\":{\"rounds\":[1,1]}");
    for (int32_t i = parts.n - 1; i >= 0; i--) {
        if (strncmp(parts.tensor[i].name, "round/0/", 8) == 0) {
            trace_drop(&parts, parts.tensor[i].name);
        }
    }
    trace = open_right(&parts);
    assert_null(eagle_trace_round_at(trace, 0));
    assert_int_equal(eagle_trace_round_at(trace, 1)->first, 3);
    eagle_trace_free(trace);
}

/* ---- what is refused ----------------------------------------------------------------------- */

/* An element's type and elements of it. */
#define LIST(dtype, type, ...)                                                                     \
    dtype, (const type[])                                                                          \
    {                                                                                              \
        __VA_ARGS__                                                                                \
    }
#define I32(...) LIST(EAGLE_I32, int32_t, __VA_ARGS__)
#define I64(...) LIST(EAGLE_I64, int64_t, __VA_ARGS__)
#define F32(...) LIST(EAGLE_F32, float, __VA_ARGS__)
#define F64(...) LIST(EAGLE_F64, double, __VA_ARGS__)

/* One tensor replaced or, without data, dropped; piece: what the message must say. */
static const struct {
    const char *name;
    eagle_dtype dtype;
    const void *data;
    int64_t rows;
    int64_t columns;
    const char *piece;
} spoiled[] = {
    {"seq.token", 0, NULL, 0, 0, "no tensor \"seq.token\""},
    {"seq.token", I32(1, 2, 3, 5, 1, 2), 6, 0, "element 3 is 5"},
    {"seq.token", I32(1, 2, 3, -1, 1, 2), 6, 0, "element 3 is -1"},
    {"seq.token", I32(1, 2, 3, 4, 0, 2), 6, 0, "token 4 of the sequence is not token 1"},
    {"seq.token", F32(1, 2, 3, 4, 1, 2), 6, 0, "is F32 [6], must be I32"},
    {"seq.token", I32(1, 2, 3, 4, 1, 2), 3, 2, "is I32 [3, 2], must be I32"},
    {"seq.token", I32(0), 0, 0, "is I32 [0], must be I32 [1 or more]"},
    {"seq.source", 0, NULL, 0, 0, "no tensor \"seq.source\""},
    {"seq.source", I32(0, 0, 4, 1, 1), 5, 0, "is I32 [5], must be I32 [6]"},
    {"seq.source", I32(0, 0, 4, 1, 1, 5), 6, 0, "element 5 is 5"},
    {"seq.source", I32(4, 0, 4, 1, 1, 3), 6, 0, "no token of a prompt"},
    {"seq.source", I32(0, 0, 4, 0, 1, 3), 6, 0, "behind output"},
    {"seq.round", 0, NULL, 0, 0, "no tensor \"seq.round\""},
    {"seq.round", I32(-1, -1, 0, 1, 1, 2), 6, 0, "element 5 is 2"},
    {"seq.round", I32(-1, 0, 0, 1, 1, 1), 6, 0, "token 1 has round 0, must have -1"},
    {"seq.round", I32(-1, -1, -1, 1, 1, 1), 6, 0, "token 2 has round -1"},
    {"seq.round", I32(-1, -1, 1, 1, 0, 1), 6, 0, "token 4 has round 0"},
    {"seq.round", I32(-1, -1, 1, 1, 1, 1), 6, 0, "round 0: the path has 1 tokens"},
    {"seq.logprob", 0, NULL, 0, 0, "no tensor \"seq.logprob\""},
    {"seq.logprob", F32(-1, -1, NAN, -1), 4, 0, "element 2 is"},
    {"seq.logprob", F32(-1, -1, INFINITY, -1), 4, 0, "element 2 is inf"},
    {"seq.top_token", 0, NULL, 0, 0, "no tensor \"seq.top_token\""},
    {"seq.top_token", I32(0, 0, 0, 0), 4, 0, "must be I32 [4, 1 or more]"},
    {"seq.top_token", I32(3, 0, 4, 1, 2, 1, 2, 9), 4, 2, "element 7 is 9"},
    {"seq.top_logprob", 0, NULL, 0, 0, "no tensor \"seq.top_logprob\""},
    {"seq.top_logprob", F32(-1, -1, -1, -1), 4, 1, "must be F32 [4, 2]"},
    {"round/1/tree.token", 0, NULL, 0, 0, "no tensor \"round/1/tree.token\""},
    {"round/1/tree.token", I32(3, 4, 0, 5), 4, 0, "element 3 is 5"},
    {"round/1/tree.parent", 0, NULL, 0, 0, "no tensor \"round/1/tree.parent\""},
    {"round/1/tree.parent", I32(-1, 0, 0), 3, 0, "must be I32 [4]"},
    {"round/1/tree.parent", I32(-1, 3, 0, 1), 4, 0, "node 1 has parent 3"}, /* a cycle */
    {"round/1/tree.parent", I32(-1, 1, 0, 1), 4, 0, "node 1 has parent 1"},
    {"round/1/tree.parent", I32(0, 0, 0, 1), 4, 0, "node 0 has parent 0"},
    {"round/1/tree.parent", I32(-1, 0, -1, 1), 4, 0, "node 2 has parent -1"},
    {"round/1/tree.parent", I32(-1, 0, 0, 4), 4, 0, "element 3 is 4"},
    {"round/1/tree.parent", I32(-1, 0, 0, -9), 4, 0, "element 3 is -9"},
    {"round/1/tree.depth", I32(0, 1, 1, 1), 4, 0, "node 3 has parent 1 and depth 1"},
    {"round/1/tree.pos", I32(2, -3, 3, 4), 4, 0, "element 1 is -3"},
    {"round/1/tree.verify", I32(5), 1, 0, "element 0 is 5"},
    {"round/1/tree.verify", I32(0), 1, 0, "element 0 is 0"},
    {"round/1/tree.verify", I32(3), 1, 0, "element 1 is 3"}, /* of path.node */
    {"round/1/tree.score", F32(0, NAN, -1, -1), 4, 0, "no log-probability"},
    {"round/1/tree.law", I64(4, -1, 0, 0, 7, 0, 5, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0), 4, 5,
     "negative weight"},
    {"round/1/tree.law", I64(4, 1, 0, 0, 7), 1, 5, "must be I64 [4, 5]"},
    {"round/1/tree.law", I64(0), 1 << 30, 0, "must be I64 [4, 5]"},
    {"round/1/logits", 0, NULL, 0, 0, "no tensor \"round/1/logits\""},
    {"round/1/logits", F32(1, 2, 3, 4, 5), 1, 5, "must be F32, BF16 or F16 [4, 5]"},
    {"round/1/logits", F64(1, 2, 3, 4, 5), 1, 5, "is F64 [1, 5]"},
    {"round/1/path.token", 0, NULL, 0, 0, "no tensor \"round/1/path.token\""},
    {"round/1/path.token", I32(4, 0, 2), 3, 0, "entry 1 of the path"},
    {"round/1/path.node", I32(1, 3, 3), 3, 0, "entry 2 of the path"},
    {"round/1/path.node", I32(2, 3, -1), 3, 0, "entry 0 of the path"},
    {"round/1/path.node", I32(1, -1, -1), 3, 0, "entry 1 of the path"},
    {"round/1/path.node", I32(1, 0, -1), 3, 0, "entry 1 of the path"},
    {"round/1/path.node", I32(1, 4, -1), 3, 0, "element 1 is 4"},
    {"round/1/path.row", I32(0, 0, 3), 3, 0, "by row 0"},
    {"round/1/path.row", I32(0, 1, 2147483647), 3, 0, "element 2 is 2147483647"},
    {"round/1/draw.kind", 0, NULL, 0, 0, "no tensor \"round/1/draw.kind\""},
    {"round/1/draw.kind", I32(1, 2), 2, 0, "element 1 is 2"},
    {"round/1/draw.purpose", I32(3, 0), 2, 0, "element 1 is 0"},
    {"round/1/draw.index", I32(0, 65536), 2, 0, "element 1 is 65536"},
    {"round/1/draw.answer", I32(2, 2), 2, 0, "draw 0 cannot be answered with 2"},
    {"round/1/draw.answer", I32(1, 5), 2, 0, "draw 1 cannot be answered with 5"},
    {"round/1/draw.answer", I32(1), 1, 0, "must be I32 [2]"},
    {"round/1/draw.num", 0, NULL, 0, 0, "draw.den without draw.num"},
    {"round/1/draw.den", 0, NULL, 0, 0, "no tensor \"round/1/draw.den\""},
    {"round/1/draw.coin", F64(0.5, NAN), 2, 0, "not in [0, 1]"},
    {"round/1/draw.coin", F64(0.5, 1.5), 2, 0, "not in [0, 1]"},
    {"round/1/0/resid_mlp", F32(1, 2, 3, 4), 4, 1, "must be F32, BF16 or F16 [4, 2]"},
    {"round/1/0/k_rope", F32(1, 2, 3), 3, 1, "[4, 1 or more]"},
    {"prompt/embed", F32(1, 2), 1, 2, "[2, 2]"},
    {"prompt/refresh/head_out", F32(1, 2, 3, 4), 2, 2, "[1, 1 or more]"},
    {"round/1/refresh/head_out", F32(1, 2, 3, 4), 2, 2, "[3, 1 or more]"},
    {"round/1/1/q", F32(1, 2, 3, 4), 4, 1, "the target has 1 layers"},
    {"round/2/logits", F32(1, 2, 3, 4, 5), 1, 5, "the rounds go from 0 to 1"},
    {"round/2147483647/logits", F32(1, 2, 3, 4, 5), 1, 5, "no trace of version"},
    {"round/01/logits", F32(1, 2, 3, 4, 5), 1, 5, "no trace of version"},
    {"round/-1/logits", F32(1, 2, 3, 4, 5), 1, 5, "no trace of version"},
    {"round/1/0/embed", F32(1, 2, 3, 4), 4, 1, "no trace of version"},
    {"round/1/q", F32(1, 2, 3, 4), 4, 1, "no trace of version"},
    {"round/1/0/head_out", F32(1, 2, 3, 4), 4, 1, "no trace of version"},
    {"round/1/tree.tokens", I32(1), 1, 0, "no trace of version"},
    {"", I32(1), 1, 0, "no trace of version"},
};

#define N_SPOILED (sizeof spoiled / sizeof spoiled[0])

static void expect_refusal(const trace_parts *parts, eagle_status code, const char *piece)
{
    eagle_error err = {0};
    eagle_trace *trace = (eagle_trace *)dir; /* must become NULL */
    const eagle_status st = open_parts(&trace, parts, &err);

    if (st != code || strstr(err.message, piece) == NULL || trace != NULL) {
        fail_msg("expected \"%s\" (%d), got \"%s\" (%d)", piece, (int)code, err.message, (int)st);
    }
    assert_non_null(strstr(err.message, FILE_NAME));
    assert_int_equal(eagle_exit_code(st), 3);
}

static void a_tensor_that_is_wrong_or_missing_is_refused_by_name(void **state)
{
    static unsigned char zeros[1 << 16];
    static trace_parts parts;

    (void)state;
    for (size_t i = 0; i < N_SPOILED; i++) {
        trace_right(&parts);
        if (spoiled[i].data == NULL) {
            trace_drop(&parts, spoiled[i].name);
        } else if (spoiled[i].rows == 1 << 30) { /* as many as fit */
            trace_put(&parts, spoiled[i].name, spoiled[i].dtype, sizeof zeros / 8, 0, zeros);
        } else {
            trace_put(&parts, spoiled[i].name, spoiled[i].dtype, spoiled[i].rows,
                      spoiled[i].columns, spoiled[i].data);
        }
        expect_refusal(&parts, EAGLE_EFORMAT, spoiled[i].piece);
    }
}

static const struct {
    const char *piece;
    const char *by;
    eagle_status code;
    const char *message;
} said[] = {
    {"\"eagle.trace\"", "\"eagle.tracks\"", EAGLE_EFORMAT, "\"schema\" is \"eagle.tracks\""},
    {"\"schema\":\"eagle.trace\",", "", EAGLE_EFORMAT, "\"schema\" is \"\""},
    {"\"1.0\"", "\"2.0\"", EAGLE_EUNSUPPORTED, "version 2.0; this program reads version 1"},
    {"\"1.0\"", "\"0.9\"", EAGLE_EUNSUPPORTED, "version 0.9"},
    {"\"1.0\"", "\"1\"", EAGLE_EFORMAT, "must be like \"1.0\""},
    {"\"1.0\"", "\"1.0.0\"", EAGLE_EFORMAT, "must be like"},
    {"\"1.0\"", "\"99999999999.0\"", EAGLE_EFORMAT, "must be like"},
    {"\"version\":\"1.0\"", "\"version\":1.0", EAGLE_EFORMAT, "must be a string"},
    {"\"level\":4,", "", EAGLE_EFORMAT, "key \"level\" is missing"},
    {"\"level\":4", "\"level\":5", EAGLE_EFORMAT, "an integer from 0 to 4"},
    {"\"level\":4", "\"level\":1", EAGLE_EFORMAT, "the level is 1, it needs"},
    {"\"vocab\":5,", "", EAGLE_EFORMAT, "key \"vocab\" is missing"},
    {"\"vocab\":5", "\"vocab\":0", EAGLE_EFORMAT, "\"vocab\" is 0"},
    {"\"vocab\":5", "\"vocab\":99999999999", EAGLE_EFORMAT, "\"vocab\" is 99999999999"},
    {"\"vocab\":5", "\"vocab\":6", EAGLE_EFORMAT, "[1, 6]"},
    {"\"rounds\":2", "\"rounds\":-1", EAGLE_EFORMAT, "\"rounds\" is -1"},
    {"\"rounds\":2", "\"rounds\":3", EAGLE_EFORMAT, "no tensor \"round/2/tree.token\""},
    {"\"rounds\":2", "\"rounds\":2147483647", EAGLE_EFORMAT, "2147483647 rounds, but only"},
    {"\"rounds\":2", "\"rounds\":2,\"recorded\":{\"rounds\":[0]}", EAGLE_EFORMAT,
     "recorded.rounds"},
    {"\"rounds\":2", "\"rounds\":2,\"recorded\":{\"rounds\":[1,0]}", EAGLE_EFORMAT,
     "recorded.rounds"},
    {"\"rounds\":2", "\"rounds\":2,\"recorded\":{\"rounds\":[0,2]}", EAGLE_EFORMAT,
     "recorded.rounds"},
    {"\"rounds\":2", "\"rounds\":2,\"recorded\":{\"rounds\":[1,1]}", EAGLE_EFORMAT,
     "the rounds go from 1 to 1"},
    {"\"rounds\":2", "\"rounds\":2,\"rounds\":2", EAGLE_EFORMAT, "rounds"},
    {"\"dim\":2", "\"dim\":0", EAGLE_EFORMAT, "\"dim\" and \"layers\""},
    {"\"dim\":2", "\"dim\":3", EAGLE_EFORMAT, "[2, 3]"},
    {"\"layers\":1,", "", EAGLE_EFORMAT, "\"dim\" and \"layers\""},
    {"\"f32\"", "\"f64\"", EAGLE_EFORMAT, "must be one of: f32 bf16 f16"},
    {"\"f32\"", "\"f3\"", EAGLE_EFORMAT, "must be one of: f32 bf16 f16"},
    {"\"digest\":false", "\"digest\":0", EAGLE_EFORMAT, "must be true or false"},
    {"\"digest\":false", "\"digest\":true", EAGLE_EFORMAT, "must be U8 [32]"},
    {"\"model\":null", "\"model\":{\"sha256\":\"12\"}", EAGLE_EFORMAT, "64 hexadecimal digits"},
    {"\"model\":null", "\"model\":[]", EAGLE_EFORMAT, "must be an object"},
    {"\"0.5\"", "0.5", EAGLE_EFORMAT, "must be a string"},
    {"\"0.5\"", "\"-1\"", EAGLE_EFORMAT, "must be a decimal"},
    {"\"0.5\"", "\"1e5\"", EAGLE_EFORMAT, "must be a decimal"},
    {"\"0.5\"", "\".\"", EAGLE_EFORMAT, "must be a decimal"},
    {"\"top_k\":3", "\"top_k\":-3", EAGLE_EFORMAT, "\"sampling.top_k\" is -3"},
    {"\"rejection\"", "\"rejecting\"", EAGLE_EFORMAT, "must be one of: greedy"},
    {"\"drawn\"", "\"drawn topk\"", EAGLE_EFORMAT, "must be one of: topk"},
    {"\"seed\":\"7\"", "\"seed\":\"-7\"", EAGLE_EFORMAT, "\"seed\" is \"-7\""},
    {"\"seed\":\"7\"", "\"seed\":7", EAGLE_EFORMAT, "must be a string"},
    {"\"length\"", "7", EAGLE_EFORMAT, "must be a string"},
    {"\"finish\":\"length\"}", "\"finish\":\"length\"", EAGLE_EFORMAT, "'}'"},
    {"{", "[{", EAGLE_EFORMAT, "a.trace"},
    {"\"producer\":{", "\"producer\":7,\"x\":{", EAGLE_EFORMAT, "must be an object"},
};

static void a_manifest_that_is_wrong_is_refused_by_key(void **state)
{
    static trace_parts parts;

    (void)state;
    for (size_t i = 0; i < sizeof said / sizeof said[0]; i++) {
        trace_right(&parts);
        trace_say(&parts, said[i].piece, said[i].by);
        expect_refusal(&parts, said[i].code, said[i].message);
    }
}

/* Other programs end for reasons of their own. */
static void a_reason_to_finish_that_is_not_known_is_none(void **state)
{
    static trace_parts parts;

    (void)state;
    trace_right(&parts);
    trace_say(&parts, "\"length\"", "\"abort\"");
    eagle_trace *trace = open_right(&parts);

    assert_string_equal(eagle_trace_info(trace)->finish, "");
    eagle_trace_free(trace);
}

static void a_manifest_whose_sampling_is_none_says_so(void **state)
{
    static trace_parts parts;
    eagle_error err = {0};
    eagle_sampling sampling;

    (void)state;
    trace_right(&parts);
    trace_say(&parts, "\"rejection\"", "\"greedy\"");
    eagle_trace *trace = open_right(&parts);

    assert_int_equal(eagle_trace_sampling(&sampling, trace, &err), EAGLE_EFORMAT);
    assert_non_null(strstr(err.message, "\"sampling\""));
    eagle_trace_free(trace);
}

static void files_that_are_no_traces_are_refused(void **state)
{
    static trace_parts parts;
    char path[SCRATCH_PATH];
    eagle_error err = {0};
    eagle_trace *trace;

    (void)state;
    trace_right(&parts);
    scratch_join(path, dir, FILE_NAME);
    assert_int_equal(eagle_trace_open(&trace, "/nowhere/at.all", &err), EAGLE_EREAD);
    scratch_tensors(dir, FILE_NAME, "{}", "", 0);
    assert_int_equal(eagle_trace_open(&trace, path, &err), EAGLE_EFORMAT);
    assert_non_null(strstr(err.message, "no text named \"eagle.trace\""));
    scratch_tensors(dir, FILE_NAME, "{\"__metadata__\":{\"eagle.trace\":7}}", "", 0);
    assert_int_equal(eagle_trace_open(&trace, path, &err), EAGLE_EFORMAT);
    scratch_tensors(dir, FILE_NAME, "{\"__metadata__\":{\"eagle.trace\":\"[]\"}}", "", 0);
    assert_int_equal(eagle_trace_open(&trace, path, &err), EAGLE_EFORMAT);
    assert_non_null(strstr(err.message, "must be an object"));
    scratch_text(dir, FILE_NAME, "{\"prompt_ids\":[1],\"output_ids\":[2]}\n");
    assert_int_equal(eagle_trace_open(&trace, path, &err), EAGLE_EFORMAT);
    assert_non_null(strstr(err.message, "`eagle check` reads"));
}

/* Wherever a file ends, it is refused: nothing depends on its last byte alone. */
static void a_trace_cut_anywhere_is_refused(void **state)
{
    static unsigned char bytes[1 << 16];
    static trace_parts parts;
    char path[SCRATCH_PATH];
    eagle_error err = {0};
    eagle_trace *trace;

    (void)state;
    trace_right(&parts);
    trace_write(&parts, dir, FILE_NAME);
    scratch_join(path, dir, FILE_NAME);
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    const size_t size = fread(bytes, 1, sizeof bytes, file);

    fclose(file);
    for (size_t n = 0; n < size; n += n < 64 || n + 64 > size ? 1 : 41) {
        scratch_write(dir, FILE_NAME, bytes, n);
        if (eagle_trace_open(&trace, path, &err) != EAGLE_EFORMAT) {
            fail_msg("cut at %zu of %zu: %s", n, size, err.message);
        }
    }
}

static void data_that_are_not_aligned_are_refused(void **state)
{
    static trace_parts parts;
    static unsigned char bytes[1 << 16];
    char path[SCRATCH_PATH];
    eagle_error err = {0};
    eagle_trace *trace;
    FILE *file;

    (void)state;
    trace_right(&parts);
    trace_write(&parts, dir, FILE_NAME);
    scratch_join(path, dir, FILE_NAME);
    file = fopen(path, "rb");
    assert_non_null(file);
    const size_t size = fread(bytes + 1, 1, sizeof bytes - 1, file);
    const size_t header = bytes[1] + 256u * bytes[2];

    fclose(file);
    memmove(bytes, bytes + 1, 8 + header); /* a blank behind the header */
    bytes[8 + header] = ' ';
    bytes[0] = (unsigned char)(header + 1);
    bytes[1] = (unsigned char)((header + 1) / 256);
    scratch_write(dir, FILE_NAME, bytes, size + 1);
    assert_int_equal(eagle_trace_open(&trace, path, &err), EAGLE_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "not aligned"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_trace_gives_back_its_manifest),
        cmocka_unit_test(a_trace_gives_back_tokens_trees_paths_and_draws),
        cmocka_unit_test(sites_are_found_by_their_places_and_names),
        cmocka_unit_test(tensors_stand_in_the_order_of_the_computation),
        cmocka_unit_test(half_precision_logits_are_widened),
        cmocka_unit_test(a_digest_has_trees_and_tokens_alone),
        cmocka_unit_test(a_newer_minor_version_may_have_more),
        cmocka_unit_test(a_manifest_may_say_little),
        cmocka_unit_test(logits_may_hold_anything_and_the_last_path_may_be_cut),
        cmocka_unit_test(rounds_that_were_not_recorded_are_not_there),
        cmocka_unit_test(a_tensor_that_is_wrong_or_missing_is_refused_by_name),
        cmocka_unit_test(a_manifest_that_is_wrong_is_refused_by_key),
        cmocka_unit_test(a_reason_to_finish_that_is_not_known_is_none),
        cmocka_unit_test(a_manifest_whose_sampling_is_none_says_so),
        cmocka_unit_test(files_that_are_no_traces_are_refused),
        cmocka_unit_test(a_trace_cut_anywhere_is_refused),
        cmocka_unit_test(data_that_are_not_aligned_are_refused),
    };

    return cmocka_run_group_tests_name("traces", tests, scratch_set_up, scratch_tear_down);
}
