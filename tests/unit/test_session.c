/* SPDX-License-Identifier: MIT */
/* test_session.c - a round in one's own hands: trees and paths that the caller made. What does not
 * belong is refused by name, and leaves the session as it was. */
#include "eagle/eagle.h"
#include "support/lib_toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 11, CTX = 8, FIRST = 4, NODES = 6 };

static const int32_t prompt[FIRST] = {3, 8, 21, 5};

/* A session whose next round is its second, and a tree of one's own below its root:
 *
 *   0 - 1 (token 7) - 3 (token 9)
 *     - 2 (token 6) */
typedef struct {
    toy *t;
    eagle_session *s;
    eagle_tree *tree;
    eagle_path *path;
    eagle_rows rows;
    char before[65];
} fixture;

static void hash(char hex[65], const fixture *f)
{
    eagle_session_hash(hex, f->s);
}

static eagle_session *open_session(const toy *t)
{
    eagle_session_options opt;
    eagle_session *s = NULL;

    eagle_session_defaults(&opt);
    opt.ctx = CTX;
    opt.max_nodes = NODES;
    opt.threads = 1;
    assert_int_equal(eagle_session_create(&s, toy_model(t), NULL, &opt, NULL), EAGLE_OK);
    return s;
}

static int set_up(void **state)
{
    fixture *f = test_calloc(1, sizeof *f);
    const eagle_path *path;
    const int32_t root = FIRST; /* the position of the first token emitted */

    f->t = toy_create(&(toy_options){.seed = SEED});
    f->s = open_session(f->t);
    assert_int_equal(eagle_session_feed(NULL, f->s, prompt, FIRST, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_step(&path, f->s, NULL), EAGLE_OK);
    assert_int_equal(eagle_tree_create(&f->tree, NODES + 1, NULL), EAGLE_OK);
    eagle_tree_reset(f->tree, eagle_session_tokens(f->s)[root], root);
    assert_int_equal(eagle_tree_add(f->tree, 0, 7, -1.0f), 1);
    assert_int_equal(eagle_tree_add(f->tree, 0, 6, -2.0f), 2);
    assert_int_equal(eagle_tree_add(f->tree, 1, 9, -3.0f), 3);
    f->path = eagle_session_path(f->s);
    hash(f->before, f);
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    eagle_tree_free(f->tree);
    eagle_session_free(f->s);
    toy_free(f->t);
    test_free(f);
    return 0;
}

static void assert_unchanged(const fixture *f)
{
    char after[65];

    hash(after, f);
    assert_string_equal(f->before, after);
    assert_int_equal(eagle_session_length(f->s), FIRST + 1);
}

/* Sets entry i of the path and ends the path there. */
static void entry(const fixture *f, int32_t i, int32_t node, int32_t token)
{
    f->path->node[i] = node;
    f->path->token[i] = token;
    f->path->n = i + 1;
}

static void assert_commit_refused(const fixture *f, const char *piece)
{
    eagle_error err;

    assert_int_equal(eagle_session_commit(f->s, f->path, &err), EAGLE_EINVAL);
    assert_non_null(strstr(err.message, piece));
    assert_unchanged(f);
}

static void assert_score_refused(fixture *f, eagle_status code, const char *piece)
{
    eagle_error err;

    assert_int_equal(eagle_session_score(&f->rows, f->s, f->tree, &err), code);
    assert_non_null(strstr(err.message, piece));
    assert_int_equal(f->rows.n, 0);
    assert_int_equal(eagle_session_rows(f->s)->n, 0); /* also of those scored before */
    assert_unchanged(f);
}

/* ---- paths ----------------------------------------------------------------------------------- */

static void a_path_of_ones_own_leaves_the_state_of_its_tokens(void **state)
{
    fixture *f = *state;
    const int32_t length = FIRST + 4;
    const int32_t chosen = 30; /* whatever the target would have said */
    eagle_session *fresh = open_session(f->t);
    char own[65];
    char fed[65];

    assert_int_equal(eagle_session_score(&f->rows, f->s, f->tree, NULL), EAGLE_OK);
    entry(f, 0, 1, 7);
    entry(f, 1, 3, 9);
    entry(f, 2, -1, chosen);
    assert_int_equal(eagle_session_commit(f->s, f->path, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_length(f->s), length);
    assert_int_equal(eagle_session_tokens(f->s)[length - 1], chosen);

    assert_int_equal(eagle_session_feed(NULL, fresh, eagle_session_tokens(f->s), length, NULL),
                     EAGLE_OK);
    assert_int_equal(eagle_session_rewind(f->s, length - 1, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(NULL, f->s, &chosen, 1, NULL), EAGLE_OK);
    hash(own, f);
    eagle_session_hash(fed, fresh);
    assert_string_equal(own, fed);
    eagle_session_free(fresh);
}

static void a_path_that_is_none_of_the_tree_is_refused(void **state)
{
    fixture *f = *state;

    assert_int_equal(eagle_session_score(&f->rows, f->s, f->tree, NULL), EAGLE_OK);
    f->path->n = 0;
    assert_commit_refused(f, "empty path");
    entry(f, 0, 3, 9); /* a grandchild */
    entry(f, 1, -1, 2);
    assert_commit_refused(f, "entry 0 of the path is not a child of node 0");
    entry(f, 0, 2, 6);
    entry(f, 1, 3, 9); /* a cousin */
    entry(f, 2, -1, 2);
    assert_commit_refused(f, "entry 1 of the path is not a child of node 2");
    entry(f, 0, 1, 6); /* the sibling's token */
    entry(f, 1, -1, 2);
    assert_commit_refused(f, "entry 0 of the path is not a child of node 0");
    entry(f, 0, 4, 0); /* no node: what lies there is 0 */
    entry(f, 1, -1, 2);
    assert_commit_refused(f, "entry 0");
    entry(f, 0, -1, 2); /* no node, and not the last entry */
    entry(f, 1, -1, 2);
    assert_commit_refused(f, "entry 0");
    entry(f, 0, 4, 7);
    entry(f, 1, -1, 2);
    assert_commit_refused(f, "entry 0");
    entry(f, 0, 1, 7); /* the last token has no node */
    assert_commit_refused(f, "entry 0");
    entry(f, 0, -1, 40);
    assert_commit_refused(f, "the vocabulary has 40");
    entry(f, 0, -1, -1);
    assert_commit_refused(f, "token -1");
}

static void a_round_is_committed_once(void **state)
{
    fixture *f = *state;

    entry(f, 0, -1, 2);
    assert_commit_refused(f, "nothing was scored");
    assert_int_equal(eagle_session_score(&f->rows, f->s, f->tree, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_commit(f->s, f->path, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_commit(f->s, f->path, NULL), EAGLE_EINVAL);
    assert_int_equal(eagle_session_length(f->s), FIRST + 2);
}

/* A tree that is refused takes the place of the one before it. */
static void a_refused_tree_leaves_nothing_to_commit(void **state)
{
    fixture *f = *state;

    assert_int_equal(eagle_session_score(&f->rows, f->s, f->tree, NULL), EAGLE_OK);
    f->tree->pos++;
    assert_int_equal(eagle_session_score(&f->rows, f->s, f->tree, NULL), EAGLE_EFIT);
    f->tree->pos--;
    entry(f, 0, -1, 2);
    assert_commit_refused(f, "nothing was scored");
}

/* ---- trees ----------------------------------------------------------------------------------- */

static void a_tree_with_another_root_is_refused(void **state)
{
    fixture *f = *state;

    char words[96];

    f->tree->token[0] = (f->tree->token[0] + 1) % 40;
    snprintf(words, sizeof words,
             "the tree's root is token %d at position 4, not the session's last token",
             f->tree->token[0]);
    assert_score_refused(f, EAGLE_EFIT, words);
    f->tree->token[0] = eagle_session_tokens(f->s)[FIRST];
    f->tree->pos++;
    assert_score_refused(f, EAGLE_EFIT, "not the session's last token");
}

static void a_tree_that_breaks_a_rule_is_refused(void **state)
{
    fixture *f = *state;

    f->tree->token[3] = 40;
    assert_score_refused(f, EAGLE_EFORMAT, "tree node 3: token 40 of a vocabulary of 40");
    f->tree->token[3] = 9;
    f->tree->parent[3] = 3;
    assert_score_refused(f, EAGLE_EFORMAT, "tree node 3: parent 3 is no earlier node");
}

static void a_tree_may_reach_the_last_position_and_no_further(void **state)
{
    fixture *f = *state;
    int32_t deepest = 3; /* depth 2 */

    deepest = eagle_tree_add(f->tree, deepest, 1, -4.0f);
    assert_int_equal(f->tree->pos + f->tree->depth[deepest], CTX - 1);
    assert_int_equal(eagle_session_score(&f->rows, f->s, f->tree, NULL), EAGLE_OK);
    eagle_tree_add(f->tree, deepest, 1, -5.0f);
    assert_score_refused(f, EAGLE_ELIMIT, "node 5 lies beyond the context of 8 positions");
}

static void a_tree_larger_than_the_session_is_refused(void **state)
{
    fixture *f = *state;

    for (int32_t token = 10; f->tree->n_nodes < NODES; token++) {
        eagle_tree_add(f->tree, 0, token, -4.0f);
    }
    assert_int_equal(eagle_session_score(&f->rows, f->s, f->tree, NULL), EAGLE_OK);
    eagle_tree_add(f->tree, 0, 30, -4.0f);
    assert_score_refused(f, EAGLE_ELIMIT, "a tree of 7 nodes: the session has room for 6");
}

static void after_a_feed_the_tree_is_its_root_alone(void **state)
{
    fixture *f = *state;
    const int32_t token = 2;

    assert_int_equal(eagle_session_rewind(f->s, FIRST, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(NULL, f->s, &token, 1, NULL), EAGLE_OK);
    hash(f->before, f);
    f->tree->token[0] = token;
    assert_score_refused(f, EAGLE_EINVAL, "its root alone");
    f->tree->n_nodes = f->tree->n_verify = 2;
    assert_score_refused(f, EAGLE_EINVAL, "its root alone");
    f->tree->n_nodes = f->tree->n_verify = 1;
    assert_int_equal(eagle_session_score(&f->rows, f->s, f->tree, NULL), EAGLE_OK);
}

/* ---- feeds ----------------------------------------------------------------------------------- */

static void a_feed_of_what_does_not_belong_appends_nothing(void **state)
{
    fixture *f = *state;
    const int32_t bad[2] = {2, 40};
    const int32_t many[CTX] = {0};
    eagle_rows rows;

    eagle_error err;

    assert_int_equal(eagle_session_feed(NULL, f->s, bad, 2, &err), EAGLE_EINVAL);
    assert_string_equal(err.message, "token 40 at position 6: the vocabulary has 40");
    assert_unchanged(f);
    assert_int_equal(eagle_session_feed(NULL, f->s, &(int32_t){-1}, 1, NULL), EAGLE_EINVAL);
    assert_int_equal(eagle_session_feed(NULL, f->s, many, 0, NULL), EAGLE_EINVAL);
    assert_int_equal(eagle_session_feed(NULL, f->s, many, CTX - FIRST, &err), EAGLE_ELIMIT);
    assert_string_equal(err.message, "9 tokens do not fit into a context of 8");
    assert_unchanged(f);
    assert_int_equal(eagle_session_rewind(f->s, 0, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(&rows, f->s, many, NODES + 1, NULL), EAGLE_EINVAL);
    assert_int_equal(eagle_session_length(f->s), 0);
    assert_int_equal(eagle_session_feed(&rows, f->s, many, NODES, NULL), EAGLE_OK);
    assert_int_equal(rows.n, NODES);
}

static void a_rewind_beyond_the_tokens_is_refused(void **state)
{
    fixture *f = *state;

    assert_int_equal(eagle_session_rewind(f->s, FIRST + 2, NULL), EAGLE_EINVAL);
    assert_int_equal(eagle_session_rewind(f->s, -1, NULL), EAGLE_EINVAL);
    assert_unchanged(f);
}

/* Nothing is forgotten, not even the last row of a feed: what comes next is not owed. */
static void a_rewind_to_the_end_changes_nothing(void **state)
{
    const fixture *f = *state;
    char after[65];

    assert_int_equal(eagle_session_rewind(f->s, FIRST + 1, NULL), EAGLE_OK);
    assert_unchanged(f);

    eagle_session *fed = open_session(f->t);
    char before[65];

    assert_int_equal(eagle_session_feed(NULL, fed, prompt, FIRST, NULL), EAGLE_OK);
    eagle_session_hash(before, fed);
    assert_int_equal(eagle_session_rewind(fed, FIRST, NULL), EAGLE_OK);
    eagle_session_hash(after, fed);
    assert_string_equal(before, after);
    eagle_session_free(fed);
}

/* Rows of a feed are those of the tokens fed, also where the row of the root before them was owed;
 * and they have no fault, whatever a tree left behind. */
static void rows_of_a_feed_behind_a_round_are_those_of_its_tokens(void **state)
{
    fixture *f = *state;
    const int32_t dim = eagle_model_config(toy_model(f->t))->dim;
    const int32_t more[2] = {9, 2};
    float *feature = test_malloc(2 * (size_t)dim * sizeof *feature);
    float logits[2][40];
    int32_t all[FIRST + 3];
    eagle_session *fresh = open_session(f->t);
    eagle_rows rows;

    assert_int_equal(eagle_session_feed(&rows, f->s, more, 2, NULL), EAGLE_OK);
    assert_int_equal(rows.n, 2);
    memcpy(feature, rows.features, 2 * (size_t)dim * sizeof *feature);
    memcpy(logits, rows.logits, sizeof logits);
    assert_int_equal(rows.fault[0], 0);
    assert_int_equal(rows.fault[1], 0);

    const eagle_tree *root; /* the last row decides what comes next */

    assert_int_equal(eagle_session_draft(&root, f->s, NULL, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_score(&rows, f->s, root, NULL), EAGLE_OK);
    assert_memory_equal(logits[1], rows.logits, sizeof logits[1]);
    assert_memory_equal(feature + dim, rows.features, (size_t)dim * sizeof *feature);

    memcpy(all, eagle_session_tokens(f->s), sizeof all);
    assert_int_equal(eagle_session_feed(NULL, fresh, all, 1, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(&rows, fresh, all + 1, FIRST + 2, NULL), EAGLE_OK);
    assert_memory_equal(feature, rows.features + (size_t)FIRST * (size_t)dim,
                        2 * (size_t)dim * sizeof *feature);
    assert_memory_equal(logits, rows.logits + (size_t)FIRST * 40, sizeof logits);
    eagle_session_free(fresh);
    test_free(feature);
}

/* Scored rows are gone after a feed and after a rewind, even one that forgets no token; then there
 * is nothing to commit. */
static void a_feed_and_a_rewind_forget_what_was_scored(void **state)
{
    fixture *f = *state;
    eagle_error err;

    const eagle_tree *drafted;

    assert_int_equal(eagle_session_score(&f->rows, f->s, f->tree, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_draft(&drafted, f->s, NULL, NULL), EAGLE_OK);
    entry(f, 0, -1, 2);
    assert_commit_refused(f, "nothing was scored"); /* nor after a draft */
    for (int way = 0; way < 2; way++) {
        assert_int_equal(eagle_session_score(&f->rows, f->s, f->tree, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_rows(f->s)->n, 4);
        if (way == 0) {
            assert_int_equal(eagle_session_rewind(f->s, FIRST + 1, NULL), EAGLE_OK);
        } else {
            assert_int_equal(eagle_session_feed(NULL, f->s, &(int32_t){2}, 1, NULL), EAGLE_OK);
        }
        assert_int_equal(eagle_session_rows(f->s)->n, 0);
        assert_null(eagle_session_rows(f->s)->logits);
        entry(f, 0, -1, 2);
        assert_int_equal(eagle_session_commit(f->s, f->path, &err), EAGLE_EINVAL);
        assert_non_null(strstr(err.message, "nothing was scored"));
    }
}

/* A session of a network made of the toy's tensors, one of them changed. */
static eagle_session *changed_session(const toy *t, const char *name, eagle_model **model)
{
    int32_t n;
    const eagle_tensor *tensors = toy_tensors(&n, t, false);
    eagle_session *s = NULL;

    for (int32_t i = 0; i < n; i++) {
        if (strcmp(tensors[i].name, name) == 0) {
            ((float *)(uintptr_t)tensors[i].data)[3] += 0.5f;
        }
    }
    assert_int_equal(eagle_model_create(model, toy_config(t, false), tensors, n, NULL), EAGLE_OK);
    eagle_session_options opt;

    eagle_session_defaults(&opt);
    opt.ctx = CTX;
    opt.threads = 1;
    assert_int_equal(eagle_session_create(&s, *model, NULL, &opt, NULL), EAGLE_OK);
    return s;
}

/* The hash tells networks apart by the rows they leave: keys and values, and the feature that is
 * pending, which the final norm alone decides. */
static void the_hash_holds_rows_and_the_pending_feature(void **state)
{
    (void)state;
    static const char *const names[] = {"model.layers.0.self_attn.v_proj.weight",
                                        "model.norm.weight"};

    for (size_t i = 0; i < 2; i++) {
        toy *a = toy_create(&(toy_options){.seed = SEED});
        toy *b = toy_create(&(toy_options){.seed = SEED});
        eagle_model *model[2] = {NULL};
        eagle_session *s[2] = {changed_session(a, "none", &model[0]),
                               changed_session(b, names[i], &model[1])};
        char hex[2][65];
        char rows[2][65];

        for (int j = 0; j < 2; j++) {
            assert_int_equal(eagle_session_feed(NULL, s[j], prompt, FIRST, NULL), EAGLE_OK);
            eagle_session_hash(hex[j], s[j]);
            assert_int_equal(eagle_session_rewind(s[j], FIRST - 1, NULL), EAGLE_OK);
            eagle_session_hash(rows[j], s[j]); /* no feature is pending now */
            eagle_session_free(s[j]);
            eagle_model_free(model[j]);
        }
        assert_string_not_equal(hex[0], hex[1]);
        assert_true((strcmp(rows[0], rows[1]) != 0) == (i == 0));
        toy_free(b);
        toy_free(a);
    }
}

/* Answers every question with token 7, and counts. */
static int32_t pick_seven(void *ctx, eagle_draw_key key, const uint64_t *w, int32_t n)
{
    (void)key;
    (void)w;
    (void)n;
    (*(int *)ctx)++;
    return 7;
}

/* Texts of 30 tokens at a high temperature: one for each pair of seed and stream, and again the
 * same. */
static void seed_and_stream_decide_the_text(void **state)
{
    const fixture *f = *state;
    static const uint64_t seeds[5] = {0, 1, 1, 9, 0};
    static const uint32_t streams[5] = {0, 0, 7, 0, 0};
    int32_t text[5][30];

    for (int i = 0; i < 5; i++) {
        eagle_session_options opt;
        eagle_session *s = NULL;
        const eagle_path *path;

        eagle_session_defaults(&opt);
        opt.ctx = 40;
        opt.threads = 1;
        opt.seed = seeds[i];
        opt.stream = streams[i];
        opt.sampling.temperature = 5.0f;
        opt.sampling.mode = EAGLE_VERIFY_COUPLED;
        assert_int_equal(eagle_session_create(&s, toy_model(f->t), NULL, &opt, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_feed(NULL, s, prompt, FIRST, NULL), EAGLE_OK);
        for (int k = 0; k < 30; k++) {
            assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
            text[i][k] = path->token[0];
        }
        eagle_session_free(s);
        for (int j = 0; j < i; j++) {
            assert_true((memcmp(text[i], text[j], sizeof text[i]) == 0) == (i == 4 && j == 0));
        }
    }
}

static void draws_can_be_replaced_and_taken_back(void **state)
{
    const fixture *f = *state;
    eagle_session_options opt;
    eagle_session *s = NULL;
    const eagle_path *path;
    int asked = 0;
    const eagle_draws draws = {.pick = pick_seven, .ctx = &asked};

    eagle_session_defaults(&opt);
    opt.ctx = CTX;
    opt.threads = 1;
    opt.sampling.temperature = 1.0f;
    opt.sampling.mode = EAGLE_VERIFY_COUPLED;
    assert_int_equal(eagle_session_create(&s, toy_model(f->t), NULL, &opt, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(NULL, s, prompt, FIRST, NULL), EAGLE_OK);
    eagle_session_set_draws(s, &draws);
    assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    assert_int_equal(path->token[0], 7);
    assert_int_equal(asked, 1);
    eagle_session_set_draws(s, NULL);
    assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    assert_int_equal(asked, 1);
    eagle_session_free(s);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_path_of_ones_own_leaves_the_state_of_its_tokens),
        TEST(a_path_that_is_none_of_the_tree_is_refused),
        TEST(a_round_is_committed_once),
        TEST(a_refused_tree_leaves_nothing_to_commit),
        TEST(a_tree_with_another_root_is_refused),
        TEST(a_tree_that_breaks_a_rule_is_refused),
        TEST(a_tree_may_reach_the_last_position_and_no_further),
        TEST(a_tree_larger_than_the_session_is_refused),
        TEST(after_a_feed_the_tree_is_its_root_alone),
        TEST(a_feed_of_what_does_not_belong_appends_nothing),
        TEST(a_rewind_beyond_the_tokens_is_refused),
        TEST(a_rewind_to_the_end_changes_nothing),
        TEST(rows_of_a_feed_behind_a_round_are_those_of_its_tokens),
        TEST(a_feed_and_a_rewind_forget_what_was_scored),
        cmocka_unit_test(the_hash_holds_rows_and_the_pending_feature),
        TEST(seed_and_stream_decide_the_text),
        TEST(draws_can_be_replaced_and_taken_back),
    };

    return cmocka_run_group_tests_name("session", tests, NULL, NULL);
}
