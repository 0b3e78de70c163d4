/* SPDX-License-Identifier: MIT */
/* test_session_options.c - the limits of a session's options, to the last value on either side; how
 * deep a tree may be; what the hash of a state is made of. */
#include "base/team.h"
#include "eagle/eagle.h"
#include "kernels/kernels.h"
#include "support/lib_toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 5, LARGEST_CTX = 1 << 24 };

static toy *small(int32_t vocab)
{
    return toy_create(&(toy_options){.seed = SEED,
                                     .vocab = vocab,
                                     .dim = 8,
                                     .n_heads = 1,
                                     .n_kv_heads = 1,
                                     .n_layers = 1,
                                     .ffn_dim = 4,
                                     .context = 4096});
}

/* ---- limits ---------------------------------------------------------------------------------- */

/* First of all: how many threads there could be is remembered. */
static void threads_that_cannot_be_are_refused(void **state)
{
    (void)state;
    toy *t = small(16);
    eagle_session_options opt;
    eagle_session *s = NULL;

    eagle_session_defaults(&opt);
    opt.threads = EG_MAX_THREADS;
    assert_int_equal(setenv("OMP_STACKSIZE", "1000000G", 1), 0); /* more than there are addresses */
    assert_int_equal(eagle_session_create(&s, toy_model(t), NULL, &opt, NULL), EAGLE_ENOMEM);
    assert_null(s);
    unsetenv("OMP_STACKSIZE");
    assert_int_equal(eagle_session_create(&s, toy_model(t), NULL, &opt, NULL), EAGLE_OK);
    eagle_session_free(s);
    toy_free(t);
}

/* Whether a session with these options would be made; it is only counted. */
static eagle_status would(const toy *t, const eagle_drafter *drafter,
                          const eagle_session_options *opt, eagle_memory_bill *bill)
{
    eagle_memory_bill none;

    return eagle_session_bill(bill != NULL ? bill : &none, toy_model(t), drafter, opt, NULL);
}

static void options_are_taken_up_to_their_limits_and_no_further(void **state)
{
    (void)state;
    toy *t = small(40);
    eagle_session_options opt;

    eagle_session_defaults(&opt);
    assert_int_equal(would(t, NULL, &opt, NULL), EAGLE_OK);

    const eagle_session_options good = opt;
    const struct {
        int32_t ctx;
        int32_t chunk;
        int32_t max_nodes;
        int32_t threads;
        eagle_status want;
    } cases[] = {
        {1, 256, 1, 1, EAGLE_OK},
        {0, 256, 1, 1, EAGLE_EINVAL},
        {-1, 256, 1, 1, EAGLE_EINVAL},
        {LARGEST_CTX, 256, 1, 1, EAGLE_OK},
        {LARGEST_CTX + 1, 256, 1, 1, EAGLE_ELIMIT},
        {512, 1, 1, 1, EAGLE_OK},
        {512, 0, 1, 1, EAGLE_EINVAL},
        {512, LARGEST_CTX, 1, 1, EAGLE_OK},
        {512, LARGEST_CTX + 1, 1, 1, EAGLE_EINVAL},
        {512, 256, -7, 1, EAGLE_OK}, /* room for the root there is always */
        {512, 256, EAGLE_MAX_NODES + 1, 1, EAGLE_OK},
        {512, 256, EAGLE_MAX_NODES + 2, 1, EAGLE_EINVAL},
        {512, 256, 1, 0, EAGLE_OK},
        {512, 256, 1, EG_MAX_THREADS, EAGLE_OK},
        {512, 256, 1, EG_MAX_THREADS + 1, EAGLE_EINVAL},
        {512, 256, 1, -1, EAGLE_EINVAL},
        {LARGEST_CTX, LARGEST_CTX, 1, EG_MAX_THREADS, EAGLE_OK}, /* nothing is allocated */
    };

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        opt = good;
        opt.ctx = cases[i].ctx;
        opt.chunk = cases[i].chunk;
        opt.max_nodes = cases[i].max_nodes;
        opt.threads = cases[i].threads;
        assert_int_equal(would(t, NULL, &opt, NULL), cases[i].want);
    }
    eagle_memory_bill bill;
    eagle_error err;

    opt = good;
    opt.max_nodes = EAGLE_MAX_NODES + 2;
    assert_int_equal(eagle_session_bill(&bill, toy_model(t), NULL, &opt, &err), EAGLE_EINVAL);
    assert_string_equal(err.message, "trees of 8193 nodes: at most 8192");
    opt = good;
    opt.isa = EAGLE_ISA_NEON;
    assert_int_equal(would(t, NULL, &opt, NULL),
                     eagle_isa_usable(EAGLE_ISA_NEON) ? EAGLE_OK : EAGLE_EINVAL);
    opt.isa = EAGLE_ISA_PORTABLE;
    assert_int_equal(would(t, NULL, &opt, NULL), EAGLE_OK);
    toy_free(t);
}

/* Whoever asks for no room has room for the root. */
static void a_plain_session_needs_no_room_for_nodes(void **state)
{
    (void)state;
    toy *t = small(40);
    eagle_session_options opt;
    eagle_session *s = NULL;
    const eagle_path *path;

    eagle_session_defaults(&opt);
    opt.threads = 1;
    opt.max_nodes = 0;
    assert_int_equal(eagle_session_create(&s, toy_model(t), NULL, &opt, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(NULL, s, &(int32_t){3}, 1, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    assert_int_equal(path->n, 1);
    eagle_session_free(s);
    toy_free(t);
}

static void what_could_not_be_made_is_null(void **state)
{
    (void)state;
    toy *t = small(40);
    eagle_session_options opt;
    eagle_session *s = (eagle_session *)t; /* anything but NULL */

    eagle_session_defaults(&opt);
    opt.ctx = 0;
    assert_int_equal(eagle_session_create(&s, toy_model(t), NULL, &opt, NULL), EAGLE_EINVAL);
    assert_null(s);
    toy_free(t);
}

static void fast_math_is_there_where_openblas_is(void **state)
{
    (void)state;
    toy *t = small(40);
    eagle_session_options opt;

    eagle_session_defaults(&opt);
    opt.math = EAGLE_MATH_FAST;
    assert_int_equal(would(t, NULL, &opt, NULL),
                     eg_gemm_available() ? EAGLE_OK : EAGLE_EUNSUPPORTED);
    toy_free(t);
}

static void defaults_are_those_of_the_manual(void **state)
{
    (void)state;
    eagle_session_options opt;
    eagle_sampling sampling;

    memset(&opt, 0xff, sizeof opt);
    eagle_session_defaults(&opt);
    eagle_sampling_defaults(&sampling);
    assert_int_equal(opt.ctx, 512);
    assert_int_equal(opt.chunk, 256);
    assert_int_equal(opt.max_nodes, 1);
    assert_int_equal(opt.threads, 0);
    assert_int_equal(opt.isa, EAGLE_ISA_AUTO);
    assert_int_equal(opt.math, EAGLE_MATH_EXACT);
    assert_true(opt.seed == 0 && opt.stream == 0);
    assert_true(opt.sampling.temperature == sampling.temperature);
    assert_int_equal(opt.sampling.mode, EAGLE_VERIFY_GREEDY);
}

static void a_head_of_another_model_does_not_fit(void **state)
{
    (void)state;
    toy *one = small(40);
    toy *other = small(40);
    eagle_session_options opt;
    eagle_drafter *drafter = NULL;

    eagle_session_defaults(&opt);
    assert_int_equal(eagle_drafter_dynamic(&drafter, toy_head(other), 3, 2, 4, NULL), EAGLE_OK);
    assert_int_equal(would(other, drafter, &opt, NULL), EAGLE_OK);
    assert_int_equal(would(one, drafter, &opt, NULL), EAGLE_EFIT);
    eagle_drafter_free(drafter);
    toy_free(other);
    toy_free(one);
}

static void drawn_children_ask_for_rejection(void **state)
{
    (void)state;
    toy *t = small(40);
    eagle_session_options opt;
    eagle_drafter *drafter = NULL;
    eagle_shape *shape = NULL;

    eagle_session_defaults(&opt);
    opt.sampling.temperature = 1.0f;
    opt.sampling.mode = EAGLE_VERIFY_COUPLED;
    assert_int_equal(
        eagle_shape_create(&shape, (const int32_t[]){0}, (const int32_t[]){1}, 1, NULL), EAGLE_OK);
    assert_int_equal(eagle_drafter_static(&drafter, toy_head(t), shape, true, NULL), EAGLE_OK);
    assert_int_equal(would(t, NULL, &opt, NULL), EAGLE_OK);
    assert_int_equal(would(t, drafter, &opt, NULL), EAGLE_EINVAL);
    opt.sampling.mode = EAGLE_VERIFY_REJECTION;
    assert_int_equal(would(t, drafter, &opt, NULL), EAGLE_OK);
    eagle_drafter_free(drafter);
    eagle_shape_free(shape);
    toy_free(t);
}

/* ---- memory ---------------------------------------------------------------------------------- */

/* A chunk beyond the context takes no memory; positions cost what keys and values are. */
static void the_bill_counts_what_is_asked_for(void **state)
{
    (void)state;
    toy *t = small(40);
    const size_t row = 2 * 8 * sizeof(float); /* key and value of the only layer */
    eagle_session_options opt;
    eagle_memory_bill bill[4];

    eagle_session_defaults(&opt);
    opt.threads = 1;
    opt.ctx = 100;
    opt.chunk = 100;
    assert_int_equal(would(t, NULL, &opt, &bill[0]), EAGLE_OK);
    opt.chunk = 4000;
    assert_int_equal(would(t, NULL, &opt, &bill[1]), EAGLE_OK);
    assert_memory_equal(&bill[0], &bill[1], sizeof bill[0]);
    assert_int_equal(bill[0].target_kv, (100 + 1) * row); /* with room for the root of a tree */
    opt.max_nodes = 30;
    assert_int_equal(would(t, NULL, &opt, &bill[2]), EAGLE_OK);
    assert_int_equal(bill[2].target_kv, (100 + 30) * row);
    assert_true(bill[2].work > bill[0].work);
    assert_int_equal(bill[0].head_kv, 0);

    eagle_drafter *drafter = NULL; /* whose trees need more room than was asked for, and less */

    assert_int_equal(eagle_drafter_dynamic(&drafter, toy_head(t), 3, 2, 4, NULL), EAGLE_OK);
    opt.max_nodes = 1;
    assert_int_equal(would(t, drafter, &opt, &bill[3]), EAGLE_OK);
    assert_int_equal(bill[3].target_kv, (100 + 5) * row);
    opt.max_nodes = 6;
    assert_int_equal(would(t, drafter, &opt, &bill[3]), EAGLE_OK);
    assert_int_equal(bill[3].target_kv, (100 + 6) * row);
    eagle_drafter_free(drafter);
    toy_free(t);
}

static void the_bill_adds_the_weights_of_model_and_head(void **state)
{
    (void)state;
    toy *t = small(40);
    eagle_session_options opt;
    eagle_drafter *drafter = NULL;
    eagle_memory_bill bill;
    uint64_t model = 0;
    uint64_t head = 0;
    const eagle_tensor *tensor;

    for (int32_t i = 0; (tensor = eagle_model_tensor(toy_model(t), i)) != NULL; i++) {
        model += tensor->size;
    }
    for (int32_t i = 0; (tensor = eagle_head_tensor(toy_head(t), i)) != NULL; i++) {
        head += tensor->size;
    }
    assert_true(model > 0 && head > 0);
    eagle_session_defaults(&opt);
    assert_int_equal(would(t, NULL, &opt, &bill), EAGLE_OK);
    assert_int_equal(bill.weights, model);
    assert_int_equal(eagle_drafter_dynamic(&drafter, toy_head(t), 3, 2, 4, NULL), EAGLE_OK);
    assert_int_equal(would(t, drafter, &opt, &bill), EAGLE_OK);
    assert_int_equal(bill.weights, model + head);
    assert_true(bill.head_kv > 0);
    eagle_drafter_free(drafter);
    toy_free(t);
}

/* A whole chunk fits behind a root whose row is owed, whatever room trees have. */
static void a_whole_chunk_fits_behind_an_owed_root(void **state)
{
    (void)state;
    const int32_t tokens[4] = {3, 1, 4, 1};
    toy *t = small(40);

    for (int32_t max_nodes = 1; max_nodes < 8; max_nodes++) {
        eagle_session_options opt;
        eagle_session *s = NULL;
        const eagle_path *path;

        eagle_session_defaults(&opt);
        opt.ctx = 64;
        opt.chunk = 4;
        opt.threads = 1;
        opt.max_nodes = max_nodes;
        assert_int_equal(eagle_session_create(&s, toy_model(t), NULL, &opt, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_feed(NULL, s, tokens, 4, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_feed(NULL, s, tokens, 4, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_length(s), 9);
        eagle_session_free(s);
    }
    toy_free(t);
}

/* The token that lies beyond the last position has its place. */
static void a_full_context_has_one_token_more(void **state)
{
    (void)state;
    enum { FULL = 16 };
    toy *t = small(40);
    int32_t tokens[FULL] = {0};
    eagle_session_options opt;
    eagle_session *s = NULL;
    const eagle_path *path;

    eagle_session_defaults(&opt);
    opt.ctx = FULL;
    opt.threads = 1;
    assert_int_equal(eagle_session_create(&s, toy_model(t), NULL, &opt, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(NULL, s, tokens, FULL, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_length(s), FULL + 1);
    assert_int_equal(eagle_session_tokens(s)[FULL], path->token[0]);
    eagle_session_free(s);
    toy_free(t);
}

/* Rewound to its first token, a session goes on as one that was fed no more. */
static void a_round_may_begin_at_the_first_token(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = SEED, .dim = 128, .n_heads = 1, .n_kv_heads = 1});
    eagle_session_options opt;
    eagle_session *s[2] = {NULL, NULL};
    const eagle_path *path[2];

    eagle_session_defaults(&opt);
    opt.ctx = 8;
    opt.threads = 1;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(eagle_session_create(&s[i], toy_model(t), NULL, &opt, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_feed(NULL, s[i], (const int32_t[]){7, 9}, 2 - i, NULL),
                         EAGLE_OK);
        if (i == 0) {
            assert_int_equal(eagle_session_rewind(s[i], 1, NULL), EAGLE_OK);
        }
        assert_int_equal(eagle_session_step(&path[i], s[i], NULL), EAGLE_OK);
    }
    assert_int_equal(path[0]->token[0], path[1]->token[0]);
    eagle_session_free(s[1]);
    eagle_session_free(s[0]);
    toy_free(t);
}

/* ---- deep trees ------------------------------------------------------------------------------ */

/* Scores a chain of `length`, the root included, in a session with room for `nodes`; with a child
 * of the root and one of node `last` behind it, where there is room for more. */
static eagle_status score_chain(const toy *t, int32_t length, int32_t nodes, int32_t last,
                                eagle_error *err)
{
    eagle_session_options opt;
    eagle_session *s = NULL;
    eagle_tree *tree = NULL;
    eagle_rows rows;
    const eagle_path *path;

    eagle_session_defaults(&opt);
    opt.ctx = 1100;
    opt.threads = 1;
    opt.max_nodes = nodes;
    assert_int_equal(eagle_session_create(&s, toy_model(t), NULL, &opt, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(NULL, s, (const int32_t[]){1}, 1, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    assert_int_equal(eagle_tree_create(&tree, nodes, NULL), EAGLE_OK);
    eagle_tree_reset(tree, path->token[0], 1);
    for (int32_t i = 0; i + 1 < length; i++) {
        assert_int_equal(eagle_tree_add(tree, i, i % 40, 0.0f), i + 1);
    }
    if (nodes > length) {
        assert_int_equal(eagle_tree_add(tree, 0, 39, 0.0f), length);
        assert_int_equal(eagle_tree_add(tree, last, 39, 0.0f), length + 1);
    }
    const eagle_status st = eagle_session_score(&rows, s, tree, err);

    if (st == EAGLE_OK) {
        assert_int_equal(rows.n, nodes);
    }
    eagle_tree_free(tree);
    eagle_session_free(s);
    return st;
}

/* 1 + 2 + ... + 1023 = 512 x 1023; two nodes more bring room for 1024, of which the root's child
 * takes 2. */
static void trees_of_many_nodes_are_512_deep_on_average_and_no_deeper(void **state)
{
    (void)state;
    toy *t = small(40);
    eagle_error err;

    assert_int_equal(score_chain(t, 511, 511, 0, NULL), EAGLE_OK);
    assert_int_equal(score_chain(t, 1023, 1023, 0, NULL), EAGLE_OK);
    assert_int_equal(score_chain(t, 1024, 1024, 0, &err), EAGLE_ELIMIT);
    assert_string_equal(err.message, "a tree of 1024 nodes is too deep");
    assert_int_equal(score_chain(t, 1023, 1025, 1020, NULL), EAGLE_OK);     /* 2 + 1022 */
    assert_int_equal(score_chain(t, 1023, 1025, 1021, &err), EAGLE_ELIMIT); /* 2 + 1023 */
    assert_string_equal(err.message, "a tree of 1025 nodes is too deep");
    toy_free(t);
}

/* ---- hashes ---------------------------------------------------------------------------------- */

/* A session of one token whose row is still to be computed: its hash is that of the token's four
 * bytes, the lowest first. */
static void the_hash_of_a_root_is_that_of_its_bytes(void **state)
{
    (void)state;
    static const int32_t tokens[] = {0, 1, 0xa5, 0x5ac3, 0x1b2d4, 0x3ffff};
    toy *t = small(1 << 18);
    eagle_session_options opt;
    eagle_session *s = NULL;

    eagle_session_defaults(&opt);
    opt.ctx = 8;
    opt.threads = 1;
    assert_int_equal(eagle_session_create(&s, toy_model(t), NULL, &opt, NULL), EAGLE_OK);
    for (size_t i = 0; i < sizeof tokens / sizeof tokens[0]; i++) {
        const int32_t token[2] = {tokens[i], 3};
        const unsigned char byte[4] = {(unsigned char)(tokens[i] % 256),
                                       (unsigned char)(tokens[i] / 256 % 256),
                                       (unsigned char)(tokens[i] / 65536), 0};
        eagle_sha256 sha;
        char want[65];
        char got[65];

        assert_int_equal(eagle_session_rewind(s, 0, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_feed(NULL, s, token, 2, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_rewind(s, 1, NULL), EAGLE_OK);
        eagle_session_hash(got, s);
        eagle_sha256_init(&sha);
        eagle_sha256_update(&sha, byte, sizeof byte);
        eagle_sha256_hex(want, &sha);
        assert_string_equal(got, want);
    }
    eagle_session_free(s);
    toy_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(threads_that_cannot_be_are_refused),
        cmocka_unit_test(options_are_taken_up_to_their_limits_and_no_further),
        cmocka_unit_test(a_plain_session_needs_no_room_for_nodes),
        cmocka_unit_test(what_could_not_be_made_is_null),
        cmocka_unit_test(fast_math_is_there_where_openblas_is),
        cmocka_unit_test(defaults_are_those_of_the_manual),
        cmocka_unit_test(a_head_of_another_model_does_not_fit),
        cmocka_unit_test(drawn_children_ask_for_rejection),
        cmocka_unit_test(the_bill_counts_what_is_asked_for),
        cmocka_unit_test(the_bill_adds_the_weights_of_model_and_head),
        cmocka_unit_test(a_whole_chunk_fits_behind_an_owed_root),
        cmocka_unit_test(a_full_context_has_one_token_more),
        cmocka_unit_test(a_round_may_begin_at_the_first_token),
        cmocka_unit_test(trees_of_many_nodes_are_512_deep_on_average_and_no_deeper),
        cmocka_unit_test(the_hash_of_a_root_is_that_of_its_bytes),
    };

    return cmocka_run_group_tests_name("session options", tests, NULL, NULL);
}
