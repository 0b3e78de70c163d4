/* SPDX-License-Identifier: MIT */
/* test_rewind.c - the state is a function of the committed tokens: whatever led there, the hash
 * over KV rows of target and head, pending feature and tokens is that of a fresh session. */
#include "support/lib_run.h"
#include "support/lib_toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED  99
#define CTX   96
#define VOCAB 40

static eagle_session *open_session(const toy *t, const eagle_drafter *drafter, int32_t threads)
{
    eagle_session_options opt;
    eagle_session *s = NULL;

    eagle_session_defaults(&opt);
    opt.ctx = CTX;
    opt.chunk = 16;
    opt.threads = threads;
    opt.sampling.temperature = 1.0f;
    opt.sampling.mode = EAGLE_VERIFY_COUPLED;
    assert_int_equal(eagle_session_create(&s, toy_model(t), drafter, &opt, NULL), EAGLE_OK);
    return s;
}

static void feed_all(eagle_session *s, const int32_t *token, int32_t n, int32_t chunk)
{
    for (int32_t done = 0; done < n; done += chunk) {
        const int32_t part = n - done < chunk ? n - done : chunk;

        assert_int_equal(eagle_session_feed(NULL, s, token + done, part, NULL), EAGLE_OK);
    }
}

/* The hash of a fresh session fed these tokens, in chunks of 16. */
static void fresh_hash(char hex[65], const toy *t, const eagle_drafter *drafter,
                       const int32_t *token, int32_t n)
{
    eagle_session *s = open_session(t, drafter, 1);

    feed_all(s, token, n, 16);
    eagle_session_hash(hex, s);
    eagle_session_free(s);
}

/* Does something at random; the session stays within its context. */
static void act(eagle_session *s, uint64_t *random)
{
    const int32_t length = eagle_session_length(s);
    const eagle_path *path;
    const eagle_tree *tree;
    eagle_rows rows;

    switch (toy_random(random) % 5) {
    case 0: /* some rounds */
        for (uint64_t i = toy_random(random) % 4;
             i > 0 && eagle_session_length(s) > 0 && eagle_session_length(s) < CTX - 10; i--) {
            assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
        }
        break;
    case 1: /* a round that is left before its end */
        if (length > 0 && length < CTX - 10) {
            assert_int_equal(eagle_session_draft(&tree, s, eagle_session_draws(s), NULL), EAGLE_OK);
            if (toy_random(random) % 2 == 0) {
                assert_int_equal(eagle_session_score(&rows, s, tree, NULL), EAGLE_OK);
            }
        }
        break;
    case 2:
        assert_int_equal(
            eagle_session_rewind(s, (int32_t)(toy_random(random) % ((uint64_t)length + 1)), NULL),
            EAGLE_OK);
        break;
    default: { /* tokens of one's own */
        int32_t token[16];
        const int32_t n = 1 + (int32_t)(toy_random(random) % 15);

        for (int32_t i = 0; i < n; i++) {
            token[i] = (int32_t)(toy_random(random) % VOCAB);
        }
        if (length + n < CTX - 10) {
            assert_int_equal(eagle_session_feed(NULL, s, token, n, NULL), EAGLE_OK);
        }
        break;
    }
    }
}

static void random_histories_leave_the_state_of_a_fresh_session(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = SEED, .vocab = VOCAB});
    eagle_shape *shape = NULL;
    eagle_drafter *drafters[3] = {NULL};
    int compared = 0;

    assert_int_equal(eagle_shape_named(&shape, "mc_sim_7b_63", NULL), EAGLE_OK);
    assert_int_equal(eagle_drafter_static(&drafters[1], toy_head(t), shape, false, NULL), EAGLE_OK);
    assert_int_equal(eagle_drafter_dynamic(&drafters[2], toy_head(t), 5, 4, 7, NULL), EAGLE_OK);
    for (int d = 0; d < 3; d++) {
        eagle_session *s = open_session(t, drafters[d], 1 + d % 2);
        uint64_t random = SEED + (uint64_t)d;

        for (int i = 0; i < 150; i++) {
            char ours[65];
            char fresh[65];

            act(s, &random);
            /* End in a feed, so that both have their last row computed. */
            const int32_t token = (int32_t)(toy_random(&random) % VOCAB);

            if (eagle_session_length(s) >= CTX - 1) {
                assert_int_equal(eagle_session_rewind(s, CTX / 2, NULL), EAGLE_OK);
            }
            assert_int_equal(eagle_session_feed(NULL, s, &token, 1, NULL), EAGLE_OK);
            eagle_session_hash(ours, s);
            fresh_hash(fresh, t, drafters[d], eagle_session_tokens(s), eagle_session_length(s));
            assert_string_equal(ours, fresh);
            compared++;
        }
        eagle_session_free(s);
    }
    printf("count: %d states after random histories equal fresh ones (seed %d)\n", compared, SEED);
    eagle_drafter_free(drafters[2]);
    eagle_drafter_free(drafters[1]);
    eagle_shape_free(shape);
    toy_free(t);
}

/* Speculative and plain rounds that commit the same tokens leave the same caches. */
static void the_state_after_rounds_does_not_depend_on_the_trees(void **state)
{
    (void)state;
    const int32_t prompt[4] = {1, 5, 6, 7};
    toy *t = toy_create(&(toy_options){.seed = SEED, .vocab = VOCAB});
    eagle_drafter *wide = NULL;
    eagle_drafter *chain = NULL;
    char hex[2][65];

    assert_int_equal(eagle_drafter_dynamic(&wide, toy_head(t), 6, 10, 59, NULL), EAGLE_OK);
    assert_int_equal(eagle_drafter_dynamic(&chain, toy_head(t), 3, 1, 3, NULL), EAGLE_OK);
    eagle_session *a = open_session(t, wide, 1);
    eagle_session *b = open_session(t, chain, 2);
    const eagle_path *path;
    int met = 0;

    feed_all(a, prompt, 4, 16);
    feed_all(b, prompt, 4, 1);
    while (eagle_session_length(a) < CTX - 10) {
        assert_int_equal(eagle_session_step(&path, a, NULL), EAGLE_OK);
        while (eagle_session_length(b) < eagle_session_length(a)) {
            assert_int_equal(eagle_session_step(&path, b, NULL), EAGLE_OK);
        }
        if (eagle_session_length(b) == eagle_session_length(a)) {
            eagle_session_hash(hex[0], a);
            eagle_session_hash(hex[1], b);
            assert_string_equal(hex[0], hex[1]);
            met++;
        }
    }
    assert_true(met > 10);
    eagle_session_free(b);
    eagle_session_free(a);
    eagle_drafter_free(chain);
    eagle_drafter_free(wide);
    toy_free(t);
}

static void rewind_and_go_on_says_the_same_again(void **state)
{
    (void)state;
    const int32_t prompt[4] = {1, 5, 6, 7};
    toy *t = toy_create(&(toy_options){.seed = SEED, .vocab = VOCAB});
    eagle_drafter *drafter = NULL;
    int32_t first[CTX + 1];

    assert_int_equal(eagle_drafter_dynamic(&drafter, toy_head(t), 5, 4, 7, NULL), EAGLE_OK);
    eagle_session *s = open_session(t, drafter, 1);
    const eagle_path *path;

    feed_all(s, prompt, 4, 16);
    while (eagle_session_length(s) < 60) {
        assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    }
    memcpy(first, eagle_session_tokens(s), 60 * sizeof *first);
    for (int32_t n = 4; n < 60; n++) {
        assert_int_equal(eagle_session_rewind(s, n, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_length(s), n);
        while (eagle_session_length(s) < 60) {
            assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
        }
        assert_memory_equal(first, eagle_session_tokens(s), 60 * sizeof *first);
    }
    assert_int_equal(eagle_session_rewind(s, -1, NULL), EAGLE_EINVAL);
    assert_int_equal(eagle_session_rewind(s, eagle_session_length(s) + 1, NULL), EAGLE_EINVAL);
    eagle_session_free(s);
    eagle_drafter_free(drafter);
    toy_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(random_histories_leave_the_state_of_a_fresh_session),
        cmocka_unit_test(the_state_after_rounds_does_not_depend_on_the_trees),
        cmocka_unit_test(rewind_and_go_on_says_the_same_again),
    };

    return cmocka_run_group_tests_name("rewind", tests, NULL, NULL);
}
