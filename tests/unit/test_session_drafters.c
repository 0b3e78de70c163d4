/* SPDX-License-Identifier: MIT */
/* test_session_drafters.c - what a session and its drafter owe each other: what is heard, how far a
 * draft goes, and what is left where either fails. */
#include "eagle/eagle.h"
#include "support/lib_run.h"
#include "support/lib_toy.h"

#include <fenv.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 11, CTX = 8, FIRST = 4, NODES = 6 };

static const int32_t prompt[FIRST] = {3, 8, 21, 5};

static int set_up(void **state)
{
    *state = toy_create(&(toy_options){.seed = SEED});
    return 0;
}

static int tear_down(void **state)
{
    toy_free(*state);
    return 0;
}

/* A session with `drafter`, NULL: plain. */
static eagle_session *open_session(const toy *t, const eagle_drafter *drafter)
{
    eagle_session_options opt;
    eagle_session *s = NULL;

    eagle_session_defaults(&opt);
    opt.ctx = CTX;
    opt.threads = 1;
    assert_int_equal(eagle_session_create(&s, toy_model(t), drafter, &opt, NULL), EAGLE_OK);
    return s;
}

/* The drafter's slots too: sessions whose heads differ have different hashes. */
static void the_hash_holds_the_drafters_state(void **state)
{
    const toy *t = *state;
    eagle_drafter *drafter = NULL;
    eagle_session *plain = open_session(t, NULL);
    char hex[2][65];

    assert_int_equal(eagle_drafter_dynamic(&drafter, toy_head(t), 2, 2, 3, NULL), EAGLE_OK);
    eagle_session *with = open_session(t, drafter);

    assert_int_equal(eagle_session_feed(NULL, with, prompt, FIRST, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(NULL, plain, prompt, FIRST, NULL), EAGLE_OK);
    eagle_session_hash(hex[0], with);
    eagle_session_hash(hex[1], plain);
    assert_string_not_equal(hex[0], hex[1]);
    eagle_session_free(plain);
    eagle_session_free(with);
    eagle_drafter_free(drafter);
}

/* Up to the last position, and no further. */
static void a_drafted_tree_ends_with_the_context(void **state)
{
    const toy *t = *state;
    eagle_drafter *drafter = NULL;
    const eagle_path *path;
    const eagle_tree *tree;

    assert_int_equal(eagle_drafter_dynamic(&drafter, toy_head(t), 6, 1, 6, NULL), EAGLE_OK);
    eagle_session *s = open_session(t, drafter);

    assert_int_equal(eagle_session_feed(NULL, s, prompt, FIRST, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_draft(&tree, s, NULL, NULL), EAGLE_OK);
    assert_int_equal(tree->n_nodes, CTX - FIRST);
    assert_int_equal(tree->pos + tree->depth[tree->n_nodes - 1], CTX - 1);
    eagle_session_free(s);
    eagle_drafter_free(drafter);
}

/* A drafter that fails leaves the root alone. */
static void a_failed_draft_is_the_root_alone(void **state)
{
    const toy *t = *state;
    eagle_rounds *rounds = NULL;
    eagle_drafter *drafter = NULL;
    const eagle_path *path;
    const eagle_tree *tree;
    eagle_error err;
    eagle_session *plain = open_session(t, NULL);

    assert_int_equal(eagle_session_feed(NULL, plain, prompt, FIRST, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_step(&path, plain, NULL), EAGLE_OK);
    const int32_t other = (path->token[0] + 1) % 40;

    eagle_session_free(plain);
    assert_int_equal(eagle_rounds_create(&rounds, NULL), EAGLE_OK);
    assert_int_equal(
        eagle_rounds_add(rounds, other, (const int32_t[]){3}, (const int32_t[]){0}, 1, NULL),
        EAGLE_OK);
    assert_int_equal(eagle_drafter_replay(&drafter, rounds, NULL), EAGLE_OK);
    eagle_session *s = open_session(t, drafter);

    assert_int_equal(eagle_session_feed(NULL, s, prompt, FIRST, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_draft(&tree, s, NULL, &err), EAGLE_EFIT);
    assert_int_equal(tree->n_nodes, 1);
    assert_int_equal(tree->token[0], path->token[0]);
    assert_int_equal(tree->pos, FIRST);
    eagle_session_free(s);
    eagle_drafter_free(drafter);
    eagle_rounds_free(rounds);
}

/* Counts the head's rows, and spoils the floating-point environment at the `last` ones. */
typedef struct {
    int seen;
    int last;
} witness;

static void see(void *ctx, eagle_site site, int32_t layer, int32_t n, int32_t dim,
                const float *data, int32_t stride)
{
    witness *w = ctx;

    (void)layer, (void)n, (void)dim, (void)data, (void)stride;
    if (site == EAGLE_SITE_HEAD_OUT && ++w->seen == w->last) {
        fesetround(FE_UPWARD);
    }
}

/* A path of four tokens goes to the head in four pieces, one of which fails:
 * those before it are forgotten, too. */
static void a_commit_that_fails_in_the_middle_leaves_nothing_in_the_drafter(void **state)
{
    const toy *t = *state;
    eagle_session_options opt;
    eagle_drafter *drafter = NULL;
    eagle_session *s = NULL;
    const eagle_path *path;
    eagle_tree *tree = NULL;
    eagle_rows rows;
    witness w = {.last = 2};
    const eagle_probe probe = {.see = see, .ctx = &w};
    char before[65];
    char after[65];

    if (run_rounding_is_fixed()) {
        skip();
    }

    eagle_session_defaults(&opt);
    opt.ctx = 2 * CTX;
    opt.chunk = 1;
    opt.max_nodes = NODES;
    opt.threads = 1;
    assert_int_equal(eagle_drafter_dynamic(&drafter, toy_head(t), 1, 1, 1, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_create(&s, toy_model(t), drafter, &opt, NULL), EAGLE_OK);
    for (int i = 0; i < FIRST; i++) {
        assert_int_equal(eagle_session_feed(NULL, s, prompt + i, 1, NULL), EAGLE_OK);
    }
    assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    assert_int_equal(eagle_tree_create(&tree, NODES, NULL), EAGLE_OK);
    eagle_tree_reset(tree, path->token[0], FIRST);
    assert_int_equal(eagle_tree_add(tree, 0, 7, -1.0f), 1);
    assert_int_equal(eagle_tree_add(tree, 0, 6, -2.0f), 2);
    assert_int_equal(eagle_tree_add(tree, 1, 9, -3.0f), 3);
    assert_int_equal(eagle_tree_add(tree, 3, 4, -4.0f), 4);
    assert_int_equal(eagle_session_score(&rows, s, tree, NULL), EAGLE_OK);

    eagle_path *own = eagle_session_path(s);

    memcpy(own->node, (const int32_t[]){1, 3, 4, -1}, 4 * sizeof *own->node);
    memcpy(own->token, (const int32_t[]){7, 9, 4, 2}, 4 * sizeof *own->token);
    own->n = 4;
    eagle_session_hash(before, s);
    eagle_session_set_probe(s, &probe);
    const eagle_status st = eagle_session_commit(s, own, NULL);

    fesetround(FE_TONEAREST);
    eagle_session_set_probe(s, NULL);
    assert_int_equal(st, EAGLE_ENUMERIC);
    assert_true(w.seen >= 2);
    eagle_session_hash(after, s);
    assert_string_equal(before, after);
    assert_int_equal(eagle_session_commit(s, own, NULL), EAGLE_OK); /* what was scored still is */

    /* And the head has heard the features of the path: the state is that of its tokens. */
    const int32_t length = eagle_session_length(s);
    eagle_session *fed = NULL;

    assert_int_equal(length, FIRST + 1 + 4);
    assert_int_equal(eagle_session_create(&fed, toy_model(t), drafter, &opt, NULL), EAGLE_OK);
    for (int32_t i = 0; i < length; i++) {
        assert_int_equal(eagle_session_feed(NULL, fed, eagle_session_tokens(s) + i, 1, NULL),
                         EAGLE_OK);
    }
    assert_int_equal(eagle_session_feed(NULL, fed, &(int32_t){0}, 1, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_rewind(fed, length, NULL), EAGLE_OK);
    eagle_session_hash(before, fed);
    eagle_session_hash(after, s);
    assert_string_equal(before, after);
    eagle_session_free(fed);
    eagle_tree_free(tree);
    eagle_session_free(s);
    eagle_drafter_free(drafter);
}

/* Also where a level of the tree was there already. */
static void a_draft_that_fails_halfway_is_the_root_alone(void **state)
{
    const toy *t = *state;
    eagle_shape *shape = NULL;
    eagle_drafter *drafter = NULL;
    const eagle_path *path;
    const eagle_tree *tree;
    witness w = {.last = 1};
    const eagle_probe probe = {.see = see, .ctx = &w};

    if (run_rounding_is_fixed()) {
        skip();
    }

    assert_int_equal(eagle_shape_create(&shape, (const int32_t[]){0, 0, 0, 0, 0, 0},
                                        (const int32_t[]){1, 2, 3}, 3, NULL),
                     EAGLE_OK);
    assert_int_equal(eagle_drafter_static(&drafter, toy_head(t), shape, false, NULL), EAGLE_OK);
    eagle_session *s = open_session(t, drafter);

    assert_int_equal(eagle_session_feed(NULL, s, prompt, FIRST, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_draft(&tree, s, NULL, NULL), EAGLE_OK);
    assert_int_equal(tree->n_nodes, 4);
    eagle_session_set_probe(s, &probe);
    const eagle_status st = eagle_session_draft(&tree, s, NULL, NULL);

    fesetround(FE_TONEAREST);
    assert_true(w.seen >= 1);
    assert_int_equal(st, EAGLE_ENUMERIC);
    assert_int_equal(tree->n_nodes, 1);
    assert_int_equal(tree->token[0], path->token[0]);
    eagle_session_free(s);
    eagle_drafter_free(drafter);
    eagle_shape_free(shape);
}

static void see_any(void *ctx, eagle_site site, int32_t layer, int32_t n, int32_t dim,
                    const float *data, int32_t stride)
{
    (void)site, (void)layer, (void)n, (void)dim, (void)data, (void)stride;
    ++*(int *)ctx;
}

/* Without a drafter, and with one that computes nothing, a probe sees what the target does. */
static void a_probe_needs_no_head(void **state)
{
    const toy *t = *state;
    eagle_rounds *rounds = NULL;
    eagle_drafter *replay = NULL;

    assert_int_equal(eagle_rounds_create(&rounds, NULL), EAGLE_OK);
    assert_int_equal(eagle_drafter_replay(&replay, rounds, NULL), EAGLE_OK);
    for (int way = 0; way < 2; way++) {
        int seen = 0;
        const eagle_probe probe = {.see = see_any, .ctx = &seen};

        eagle_session *s = open_session(t, way == 0 ? NULL : replay);

        eagle_session_set_probe(s, &probe);
        assert_int_equal(eagle_session_feed(NULL, s, prompt, FIRST, NULL), EAGLE_OK);
        assert_true(seen > 0);
        eagle_session_free(s);
    }
    eagle_drafter_free(replay);
    eagle_rounds_free(rounds);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_hash_holds_the_drafters_state),
        TEST(a_drafted_tree_ends_with_the_context),
        TEST(a_failed_draft_is_the_root_alone),
        TEST(a_commit_that_fails_in_the_middle_leaves_nothing_in_the_drafter),
        TEST(a_draft_that_fails_halfway_is_the_root_alone),
        TEST(a_probe_needs_no_head),
    };

    return cmocka_run_group_tests_name("session drafters", tests, NULL, NULL);
}
