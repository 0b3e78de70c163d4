/* SPDX-License-Identifier: MIT */
/* test_prove_certify.c - the certifier passes what the shipped verification did, and nothing that a
 * run only claims. Wrong samplers are planted by tests/mutants. */
#include "eagle/prove.h"
#include "support/lib_toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define VOCAB 24

/* A node with two children, and rows of which each token has a part. */
typedef struct {
    eagle_tree *tree;
    eagle_path *path;
    eagle_certifier *certifier;
    eagle_sampling sampling;
    eagle_philox philox;
    eagle_draws draws;
    float logits[3 * VOCAB];
    eagle_rows rows;
} round;

static void start(round *r, eagle_verify_mode mode, uint64_t seed)
{
    uint64_t random = seed;

    *r = (round){.philox = {.seed = seed}};
    for (size_t i = 0; i < sizeof r->logits / sizeof r->logits[0]; i++) {
        r->logits[i] = (float)(toy_random(&random) >> 40) / (float)(1 << 23);
    }
    r->rows = (eagle_rows){.n = 3, .vocab = VOCAB, .logits = r->logits};
    r->draws = eagle_philox_draws(&r->philox);
    eagle_sampling_defaults(&r->sampling);
    r->sampling.mode = mode;
    r->sampling.temperature = mode == EAGLE_VERIFY_GREEDY ? 0.0f : 1.0f;
    assert_int_equal(eagle_tree_create(&r->tree, 3, NULL), EAGLE_OK);
    eagle_tree_reset(r->tree, 1, 5);
    assert_int_equal(eagle_tree_add(r->tree, 0, 7, 0.0f), 1);
    assert_int_equal(eagle_tree_add(r->tree, 0, 9, 0.0f), 2);
    assert_int_equal(eagle_path_create(&r->path, 3, VOCAB, mode, NULL), EAGLE_OK);
    assert_int_equal(eagle_certifier_create(&r->certifier, VOCAB, 3, mode, NULL), EAGLE_OK);
    assert_int_equal(eagle_verify(r->path, r->tree, &r->rows, &r->sampling, &r->draws, NULL),
                     EAGLE_OK);
}

static const eagle_certified *certify(round *r)
{
    assert_int_equal(eagle_certify_round(r->certifier, r->tree, &r->rows, r->path, &r->sampling,
                                         &r->draws, NULL),
                     EAGLE_OK);
    return eagle_certifier_found(r->certifier);
}

static void end(round *r)
{
    eagle_certifier_free(r->certifier);
    eagle_path_free(r->path);
    eagle_tree_free(r->tree);
}

static void what_verification_did_is_certified(void **state)
{
    (void)state;
    for (int mode = EAGLE_VERIFY_GREEDY; mode <= EAGLE_VERIFY_REJECTION; mode++) {
        for (uint64_t seed = 0; seed < 20; seed++) {
            round r;

            start(&r, (eagle_verify_mode)mode, seed);
            const eagle_certified *found = certify(&r);

            assert_int_equal(found->refuted, 0);
            assert_int_equal(found->nodes, r.path->n);
            end(&r);
        }
    }
}

/* Each child, the first other token and the last one: that many answers to the draw of a node. */
static void each_child_and_two_other_tokens_are_answers(void **state)
{
    (void)state;
    round r;

    start(&r, EAGLE_VERIFY_COUPLED, 3);
    r.path->n = 1; /* only the root */
    assert_int_equal(certify(&r)->runs, 2 + 2);
    end(&r);
}

/* A token with weight, but not the one that the run's draws bring. */
static void a_token_that_the_draws_do_not_bring_is_refuted(void **state)
{
    (void)state;
    for (int mode = EAGLE_VERIFY_COUPLED; mode <= EAGLE_VERIFY_REJECTION; mode++) {
        round r;

        start(&r, (eagle_verify_mode)mode, 8);
        const int32_t last = r.path->n - 1;

        r.path->token[last] = (r.path->token[last] + 1) % VOCAB;
        assert_int_equal(certify(&r)->refuted, 1);
        end(&r);
    }
}

/* The rows after the run are others than those it was decided by. */
static void other_rows_are_refuted(void **state)
{
    (void)state;
    round r;

    start(&r, EAGLE_VERIFY_GREEDY, 8);
    r.logits[(r.path->token[0] + 1) % VOCAB] = 100.0f;
    assert_true(certify(&r)->refuted > 0);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_verification_did_is_certified),
        cmocka_unit_test(each_child_and_two_other_tokens_are_answers),
        cmocka_unit_test(a_token_that_the_draws_do_not_bring_is_refuted),
        cmocka_unit_test(other_rows_are_refuted),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
