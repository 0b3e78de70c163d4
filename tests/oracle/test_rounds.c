/* SPDX-License-Identifier: MIT */
/* test_rounds.c - where rounds meet the edges: any drafter, the end token, the wanted length, the
 * context's end, ties, rows that are not finite. */
#include "support/lib_run.h"
#include "support/lib_toy.h"

#include <fenv.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define SEED  7
#define FIRST 5 /* tokens of a prompt */

static const int32_t prompt[FIRST] = {1, 9, 4, 17, 30};

/* What plain decoding emits, as the fuzz drafter wants it: by absolute position. */
typedef struct {
    int32_t token[600];
    eagle_future future;
} foretold;

static void foretell(foretold *f, const run_result *plain)
{
    memcpy(f->token, prompt, sizeof prompt);
    memcpy(f->token + FIRST, plain->token, (size_t)plain->n * sizeof *plain->token);
    f->future = (eagle_future){.token = f->token, .n = FIRST + plain->n};
}

static run_plan plan_for(const toy *t, const eagle_drafter *drafter, int32_t n)
{
    return run_plan_for(toy_model(t), drafter, prompt, FIRST, n);
}

static eagle_drafter *fuzz(const toy *t, uint64_t seed, int32_t nodes, eagle_fuzz_mode mode,
                           const foretold *f)
{
    eagle_drafter *drafter = NULL;

    assert_int_equal(eagle_drafter_fuzz(&drafter, seed, nodes,
                                        eagle_model_config(toy_model(t))->vocab, mode,
                                        f != NULL ? &f->future : NULL, NULL),
                     EAGLE_OK);
    return drafter;
}

/* ---- any drafter --------------------------------------------------------------------------- */

static void ten_thousand_rounds_of_random_trees_change_nothing(void **state)
{
    (void)state;
    static const eagle_fuzz_mode modes[] = {EAGLE_FUZZ_RANDOM, EAGLE_FUZZ_RIGHT, EAGLE_FUZZ_WRONG};
    static const float temperatures[] = {0.0f, 1.0f};
    toy *t = toy_create(&(toy_options){
        .seed = SEED, .dim = 16, .n_heads = 2, .n_kv_heads = 1, .ffn_dim = 24, .n_layers = 1});
    long rounds = 0;
    long accepted = 0;

    for (uint64_t seed = 0; rounds < 10000; seed++) {
        run_plan plain = plan_for(t, NULL, 400);

        plain.options.seed = seed;
        plain.options.sampling.temperature = temperatures[seed % 2];
        plain.options.sampling.mode = seed % 2 == 0 ? EAGLE_VERIFY_GREEDY : EAGLE_VERIFY_COUPLED;
        run_result expected = run_generate(&plain);
        foretold f;

        foretell(&f, &expected);
        for (size_t m = 0; m < sizeof modes / sizeof modes[0]; m++) {
            eagle_drafter *drafter = fuzz(t, seed, 1 + (int32_t)(seed % 40), modes[m], &f);
            run_plan plan = plain;

            plan.drafter = drafter;
            run_result got = run_generate(&plan);

            run_assert_same(&expected, &got);
            if (modes[m] == EAGLE_FUZZ_WRONG) {
                assert_int_equal(got.accepted, 0);
            }
            rounds += got.rounds;
            accepted += got.accepted;
            run_free(&got);
            eagle_drafter_free(drafter);
        }
        run_free(&expected);
    }
    printf("count: %ld rounds of random trees, %ld drafted tokens accepted, 0 differ\n", rounds,
           accepted);
    assert_true(accepted > 1000);
    toy_free(t);
}

/* ---- ends ---------------------------------------------------------------------------------- */

/* Every length and every end token: the same arrays, wherever in an accepted path they fall. */
static void output_ends_where_plain_output_ends(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = SEED});
    run_plan plain = plan_for(t, NULL, 60);
    run_result all = run_generate(&plain);
    foretold f;

    foretell(&f, &all);
    eagle_drafter *drafter = fuzz(t, 3, 30, EAGLE_FUZZ_RIGHT, &f);
    int inside = 0;

    for (int32_t n = 1; n <= 60; n++) {
        run_plan plan = plan_for(t, drafter, n);
        run_result got = run_generate(&plan);

        assert_int_equal(got.n, n);
        assert_memory_equal(got.token, all.token, (size_t)n * sizeof *got.token);
        inside += got.rounds + 1 + got.accepted > n; /* the last round had more to give */
        run_free(&got);
    }
    assert_true(inside > 5);
    run_free(&all);
    eagle_drafter_free(drafter);
    toy_free(t);
}

static void end_token_inside_an_accepted_path_ends_the_output(void **state)
{
    (void)state;
    int stopped = 0;

    for (int32_t end = 0; end < 40; end++) {
        toy *base = toy_create(&(toy_options){.seed = SEED});
        eagle_config config = *eagle_model_config(toy_model(base));
        eagle_model *model = NULL;
        int32_t n;
        const eagle_tensor *tensors = toy_tensors(&n, base, false);

        config.end[0] = end;
        assert_int_equal(eagle_model_create(&model, &config, tensors, n, NULL), EAGLE_OK);
        run_plan plan = run_plan_for(model, NULL, prompt, FIRST, 60);
        run_result all = run_generate(&plan);
        foretold f;

        foretell(&f, &all);
        eagle_drafter *drafter = fuzz(base, 3, 30, EAGLE_FUZZ_RIGHT, &f);

        plan.stop_end = true;
        run_result expected = run_generate(&plan);

        plan.drafter = drafter;
        run_result got = run_generate(&plan);

        run_assert_same(&expected, &got);
        stopped += expected.n < 60 && expected.token[expected.n - 1] == end;
        run_free(&got);
        run_free(&expected);
        run_free(&all);
        eagle_drafter_free(drafter);
        eagle_model_free(model);
        toy_free(base);
    }
    assert_true(stopped > 3);
}

static void both_end_at_the_same_token_where_the_context_ends(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = SEED});
    run_plan plain = plan_for(t, NULL, 200);
    run_result all = run_generate(&plain);
    foretold f;

    foretell(&f, &all);
    for (int32_t ctx = FIRST; ctx < FIRST + 40; ctx++) {
        eagle_drafter *drafters[] = {NULL, fuzz(t, 5, 30, EAGLE_FUZZ_RIGHT, &f), NULL, NULL};
        eagle_shape *shape = NULL;

        assert_int_equal(eagle_shape_named(&shape, "mc_sim_7b_63", NULL), EAGLE_OK);
        assert_int_equal(eagle_drafter_dynamic(&drafters[2], toy_head(t), 6, 10, 59, NULL),
                         EAGLE_OK);
        assert_int_equal(eagle_drafter_static(&drafters[3], toy_head(t), shape, false, NULL),
                         EAGLE_OK);
        for (size_t d = 0; d < 4; d++) {
            run_plan plan = plan_for(t, drafters[d], 200);

            plan.options.ctx = ctx;
            run_result got = run_generate(&plan);

            /* The token after the last position is still emitted. */
            assert_int_equal(got.n, ctx + 1 - FIRST);
            assert_memory_equal(got.token, all.token, (size_t)got.n * sizeof *got.token);
            run_free(&got);
            eagle_drafter_free(drafters[d]);
        }
        eagle_shape_free(shape);
    }
    run_free(&all);
    toy_free(t);
}

static void a_full_context_is_a_limit(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = SEED});
    eagle_session_options opt;
    eagle_session *s = NULL;
    const eagle_path *path;
    eagle_error err;

    eagle_session_defaults(&opt);
    opt.ctx = FIRST;
    opt.threads = 1;
    assert_int_equal(eagle_session_create(&s, toy_model(t), NULL, &opt, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_step(&path, s, &err), EAGLE_EINVAL); /* nothing was fed */
    assert_int_equal(eagle_session_feed(NULL, s, prompt, FIRST, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(NULL, s, prompt, 1, &err), EAGLE_ELIMIT);
    assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_step(&path, s, &err), EAGLE_ELIMIT);
    assert_non_null(strstr(err.message, "context"));
    assert_int_equal(path->n, 0);

    /* Neither a drafter's tree nor one's own: the root itself lies beyond. */
    const eagle_tree *root;
    eagle_tree *tree = NULL;
    eagle_rows rows;

    assert_int_equal(eagle_session_draft(&root, s, NULL, &err), EAGLE_ELIMIT);
    assert_string_equal(err.message, "the context of 5 positions is full");
    assert_int_equal(eagle_tree_create(&tree, 1, NULL), EAGLE_OK);
    eagle_tree_reset(tree, eagle_session_tokens(s)[FIRST], FIRST);
    assert_int_equal(eagle_session_score(&rows, s, tree, &err), EAGLE_ELIMIT);
    assert_string_equal(err.message, "node 0 lies beyond the context of 5 positions");
    eagle_tree_free(tree);
    eagle_session_free(s);
    toy_free(t);
}

/* ---- ties and faults ------------------------------------------------------------------------- */

static void tied_logits_go_to_the_lowest_token(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = SEED, .flat = true});
    eagle_drafter *drafter = NULL;

    assert_int_equal(eagle_drafter_dynamic(&drafter, toy_head(t), 5, 4, 7, NULL), EAGLE_OK);
    run_plan plan = plan_for(t, drafter, 20);
    run_result got = run_generate(&plan);

    for (int32_t i = 0; i < got.n; i++) {
        assert_int_equal(got.token[i], 0);
    }
    assert_int_equal(got.n, 20);
    assert_true(got.accepted > 0); /* the head breaks ties alike */
    run_free(&got);
    eagle_drafter_free(drafter);
    toy_free(t);
}

/* A NaN in the embedding of one token: harmless in a draft that is refused, an error where it
 * is committed. */
static void a_row_that_is_not_finite_matters_only_where_it_is_committed(void **state)
{
    (void)state;
    enum { BAD = 39 };
    toy *t = toy_create(&(toy_options){.seed = SEED});
    int32_t n;
    const eagle_tensor *tensors = toy_tensors(&n, t, false);
    eagle_session_options opt;
    eagle_session *s = NULL;
    eagle_tree *tree = NULL;
    const eagle_tree *root;
    eagle_rows rows;
    eagle_error err;
    char before[65];
    char after[65];

    ((float *)(uintptr_t)tensors[0].data)[BAD * 32 + 3] = NAN;
    eagle_session_defaults(&opt);
    opt.threads = 1;
    opt.max_nodes = 4;
    assert_int_equal(eagle_session_create(&s, toy_model(t), NULL, &opt, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(NULL, s, prompt, FIRST, NULL), EAGLE_OK);

    eagle_session_hash(before, s);
    assert_int_equal(eagle_session_feed(NULL, s, &(int32_t){BAD}, 1, &err), EAGLE_ENUMERIC);
    assert_non_null(strstr(err.message, "layer 0"));
    assert_int_equal(eagle_session_feed(NULL, s, (int32_t[]){1, BAD}, 2, &err), EAGLE_ENUMERIC);
    assert_non_null(strstr(err.message, "position 6:"));
    eagle_session_hash(after, s);
    assert_string_equal(before, after);
    assert_int_equal(eagle_session_length(s), FIRST);

    const eagle_path *path;

    assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_draft(&root, s, NULL, NULL), EAGLE_OK);
    assert_int_equal(eagle_tree_create(&tree, 4, NULL), EAGLE_OK);
    eagle_tree_reset(tree, root->token[0], root->pos);
    assert_int_equal(eagle_tree_add(tree, 0, BAD, 0.0f), 1);
    assert_int_equal(eagle_session_score(&rows, s, tree, NULL), EAGLE_OK);
    eagle_path *own = eagle_session_path(s);

    assert_int_equal(eagle_verify(own, tree, &rows, eagle_session_sampling(s), NULL, NULL),
                     EAGLE_OK);
    assert_int_equal(own->n, 1); /* the bad token was not what the target wanted */

    /* Whoever commits it all the same is told, and nothing has moved. */
    eagle_session_hash(before, s);
    own->n = 2;
    own->token[0] = BAD;
    own->node[0] = 1;
    own->token[1] = 0;
    own->node[1] = -1;
    assert_int_equal(eagle_session_commit(s, own, &err), EAGLE_ENUMERIC);
    assert_string_equal(err.message, "position 6: a NaN or an infinity in the output of layer 0");
    eagle_session_hash(after, s);
    assert_string_equal(before, after);

    /* Rows that are fed next have no fault, though the tree's had. */
    assert_int_equal(eagle_tree_add(tree, 1, BAD, 0.0f), 2);
    assert_int_equal(eagle_tree_add(tree, 2, BAD, 0.0f), 3);
    assert_int_equal(eagle_session_score(&rows, s, tree, NULL), EAGLE_OK);
    assert_true(rows.fault[0] == 0 && rows.fault[1] != 0 && rows.fault[2] != 0 &&
                rows.fault[3] != 0);
    assert_int_equal(eagle_session_feed(&rows, s, prompt, 1, NULL), EAGLE_OK);
    assert_int_equal(rows.fault[0], 0);
    eagle_tree_free(tree);
    eagle_session_free(s);
    toy_free(t);
}

/* Spoils the floating-point environment of this thread when the n-th rows of a kind are seen. */
typedef struct {
    eagle_site site;
    int left;
} spoiler;

static void spoil(void *ctx, eagle_site site, int32_t layer, int32_t n, int32_t dim,
                  const float *data, int32_t stride)
{
    spoiler *s = ctx;

    (void)layer, (void)n, (void)dim, (void)data, (void)stride;
    if (site == s->site && s->left-- == 0) {
        fesetround(FE_UPWARD);
    }
}

/* The head's pass fails behind the target's, in a feed and in a commit: nothing was appended, and
 * what the drafter had heard is forgotten. */
static void a_drafter_that_fails_to_observe_forgets(void **state)
{
    (void)state;
    static const spoiler kinds[] = {
        {EAGLE_SITE_LOGITS, 0}, {EAGLE_SITE_FEATURE, 0}, {EAGLE_SITE_HEAD_OUT, 0}};

    if (run_rounding_is_fixed()) {
        skip();
    }

    toy *t = toy_create(&(toy_options){.seed = SEED});
    eagle_drafter *drafter = NULL;

    assert_int_equal(eagle_drafter_dynamic(&drafter, toy_head(t), 3, 2, 4, NULL), EAGLE_OK);
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        for (int in_commit = 0; in_commit < 2; in_commit++) {
            spoiler own = kinds[k];
            const eagle_probe probe = {.see = spoil, .ctx = &own};
            eagle_session_options opt;
            eagle_session *s = NULL;
            const eagle_path *path;
            char before[65];
            char after[65];

            eagle_session_defaults(&opt);
            opt.threads = 1;
            assert_int_equal(eagle_session_create(&s, toy_model(t), drafter, &opt, NULL), EAGLE_OK);
            assert_int_equal(eagle_session_feed(NULL, s, prompt, FIRST, NULL), EAGLE_OK);
            if (in_commit) {
                assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
            }
            eagle_session_hash(before, s);
            eagle_session_set_probe(s, &probe);
            const eagle_status st = in_commit ? eagle_session_step(&path, s, NULL)
                                              : eagle_session_feed(NULL, s, prompt, FIRST, NULL);

            fesetround(FE_TONEAREST);
            eagle_session_set_probe(s, NULL);
            assert_true(own.left < 0 || k == 0); /* head and features are always seen */
            if (own.left < 0) {                  /* seen: a feed has no logits */
                assert_int_equal(st, EAGLE_ENUMERIC);
                eagle_session_hash(after, s);
                assert_string_equal(before, after);
            }
            eagle_session_free(s);
        }
    }
    eagle_drafter_free(drafter);
    toy_free(t);
}

/* Everything up to the last layer is finite, the logits are not: nothing may be emitted, whether
 * the row is a prompt's last one or a node of a tree, and nothing moves. */
static void logits_that_are_not_finite_decide_nothing(void **state)
{
    (void)state;
    static const char *const names[] = {"model.norm.weight", "lm_head.weight"};

    for (size_t i = 0; i < 2; i++) {
        toy *t = toy_create(&(toy_options){.seed = SEED});
        eagle_config config = *eagle_model_config(toy_model(t));
        int32_t n;
        const eagle_tensor *tensors = toy_tensors(&n, t, false);
        eagle_session_options opt;
        eagle_session *s = NULL;
        eagle_model *bad = NULL;
        const eagle_path *path;
        eagle_error err;

        for (int32_t j = 0; j < n; j++) {
            if (strcmp(tensors[j].name, names[i]) == 0) {
                ((float *)(uintptr_t)tensors[j].data)[7] = INFINITY;
            }
        }
        assert_int_equal(eagle_model_create(&bad, &config, tensors, n, NULL), EAGLE_OK);
        eagle_session_defaults(&opt);
        opt.threads = 1;
        assert_int_equal(eagle_session_create(&s, bad, NULL, &opt, NULL), EAGLE_OK);
        if (i == 0) { /* the feature of every row */
            assert_int_equal(eagle_session_feed(NULL, s, prompt, FIRST, &err), EAGLE_ENUMERIC);
            assert_non_null(strstr(err.message, "final norm"));
            assert_int_equal(eagle_session_length(s), 0);
        } else {
            assert_int_equal(eagle_session_feed(NULL, s, prompt, FIRST, NULL), EAGLE_OK);
            assert_int_equal(eagle_session_step(&path, s, &err), EAGLE_ENUMERIC);
            assert_int_equal(eagle_session_rewind(s, FIRST - 1, NULL), EAGLE_OK);
            assert_int_equal(eagle_session_step(&path, s, &err), EAGLE_ENUMERIC);
            assert_int_equal(eagle_session_length(s), FIRST - 1);
        }
        eagle_session_free(s);
        eagle_model_free(bad);
        toy_free(t);
    }
}

static void an_unfit_environment_makes_no_session(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = SEED});
    eagle_session_options opt;
    eagle_session *s = NULL;
    eagle_error err;

    eagle_session_defaults(&opt);
    fesetround(FE_UPWARD);
    const eagle_status st = eagle_session_create(&s, toy_model(t), NULL, &opt, &err);

    fesetround(FE_TONEAREST);
    assert_int_equal(st, EAGLE_ENUMERIC);
    assert_null(s);
    toy_free(t);
}

/* Draft is a question, not a step: whoever asks twice gets the same tree, from every drafter. */
static void drafting_again_gives_the_same_tree(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = SEED});
    eagle_drafter *drafters[4] = {NULL};
    eagle_shape *shape = NULL;
    eagle_rounds *rounds = NULL;
    run_plan plain = plan_for(t, NULL, 2);
    run_result first = run_generate(&plain);

    assert_int_equal(eagle_shape_named(&shape, "mc_sim_7b_63", NULL), EAGLE_OK);
    assert_int_equal(eagle_rounds_create(&rounds, NULL), EAGLE_OK);
    for (int32_t r = 0; r < 2; r++) {
        assert_int_equal(eagle_rounds_add(rounds, first.token[r], (int32_t[]){r, 2 + r},
                                          (int32_t[]){0, r}, 2, NULL),
                         EAGLE_OK);
    }
    assert_int_equal(eagle_drafter_dynamic(&drafters[0], toy_head(t), 5, 4, 7, NULL), EAGLE_OK);
    assert_int_equal(eagle_drafter_static(&drafters[1], toy_head(t), shape, false, NULL), EAGLE_OK);
    assert_int_equal(eagle_drafter_replay(&drafters[2], rounds, NULL), EAGLE_OK);
    drafters[3] = fuzz(t, 9, 20, EAGLE_FUZZ_RANDOM, NULL);
    for (size_t d = 0; d < 4; d++) {
        eagle_session_options opt;
        eagle_session *s = NULL;
        const eagle_tree *tree;
        const eagle_path *path;
        int32_t token[64];

        eagle_session_defaults(&opt);
        opt.threads = 1;
        assert_int_equal(eagle_session_create(&s, toy_model(t), drafters[d], &opt, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_feed(NULL, s, prompt, FIRST, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_step(&path, s, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_draft(&tree, s, NULL, NULL), EAGLE_OK);
        const int32_t n = tree->n_nodes;

        assert_in_range(n, 1, 64);
        memcpy(token, tree->token, (size_t)n * sizeof *token);
        assert_int_equal(eagle_session_rewind(s, FIRST + 1, NULL), EAGLE_OK); /* inside a round */
        assert_int_equal(eagle_session_draft(&tree, s, NULL, NULL), EAGLE_OK);
        assert_int_equal(tree->n_nodes, n);
        assert_memory_equal(tree->token, token, (size_t)n * sizeof *token);
        eagle_session_free(s);
        eagle_drafter_free(drafters[d]);
    }
    run_free(&first);
    eagle_rounds_free(rounds);
    eagle_shape_free(shape);
    toy_free(t);
}

static void impossible_trees_are_refused(void **state)
{
    (void)state;
    static const int32_t sizes[][3] = {{0, 4, 7},         {65, 4, 7},
                                       {5, 0, 7},         {5, 4, 0},
                                       {5, -1, 7},        {INT32_MIN, 4, 7},
                                       {INT32_MAX, 4, 7}, {5, INT32_MIN, 7},
                                       {5, 4, INT32_MIN}, {INT32_MAX, INT32_MAX, INT32_MAX}};
    toy *t = toy_create(&(toy_options){.seed = SEED, .vocab = 1 << 18, .dim = 8, .ffn_dim = 4});
    eagle_drafter *drafter = NULL;

    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        assert_int_equal(eagle_drafter_dynamic(&drafter, toy_head(t), sizes[i][0], sizes[i][1],
                                               sizes[i][2], NULL),
                         EAGLE_EINVAL);
        assert_null(drafter);
    }
    toy_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ten_thousand_rounds_of_random_trees_change_nothing),
        cmocka_unit_test(output_ends_where_plain_output_ends),
        cmocka_unit_test(end_token_inside_an_accepted_path_ends_the_output),
        cmocka_unit_test(both_end_at_the_same_token_where_the_context_ends),
        cmocka_unit_test(a_full_context_is_a_limit),
        cmocka_unit_test(tied_logits_go_to_the_lowest_token),
        cmocka_unit_test(a_row_that_is_not_finite_matters_only_where_it_is_committed),
        cmocka_unit_test(a_drafter_that_fails_to_observe_forgets),
        cmocka_unit_test(logits_that_are_not_finite_decide_nothing),
        cmocka_unit_test(an_unfit_environment_makes_no_session),
        cmocka_unit_test(drafting_again_gives_the_same_tree),
        cmocka_unit_test(impossible_trees_are_refused),
    };

    return cmocka_run_group_tests_name("rounds", tests, NULL, NULL);
}
