/* SPDX-License-Identifier: MIT */
/* test_prove_grid.c - from some weights to all weights: the law of a node with k likeliest
 * children, for any vocabulary and any positive weights, from finitely many enumerations
 * (docs/oracle.md, step 3).
 *
 * With weights w_1 .. w_k of the children and r of all other tokens, every question of
 * eg_verify_node() has a numerator and a denominator that are linear in the weights, and which
 * question follows depends on the answers alone. So the probability of each outcome is a product of
 * at most k + 1 quotients of linear forms; multiplied by all denominators and by the sum of the
 * weights, "outcome - share" is a polynomial of degree at most k + 1 in each of the k + 1 weights.
 * One that vanishes wherever each weight takes k + 2 different values is zero everywhere. Here they
 * are 1 .. k + 2.
 *
 * That numerators and denominators are linear, and the questions the same, is looked at too. */
#include "prove/enumerate.h"
#include "verify/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define MAX_CHILDREN 4
#define N_TOKENS     (MAX_CHILDREN + 1)

/* Children in an order that is not that of their ids; the last token is the rest. */
static const int32_t child[MAX_CHILDREN + 1][MAX_CHILDREN] = {
    {0}, {0}, {1, 0}, {2, 0, 1}, {1, 3, 0, 2}};

/* The next point of the grid; false after the last. */
static bool next_point(uint64_t *w, int32_t n, uint64_t most)
{
    for (int32_t i = 0; i < n; i++) {
        if (w[i] < most) {
            w[i]++;
            return true;
        }
        w[i] = 1;
    }
    return false;
}

/* The first question of a run without luck is about child 0, the next about child 1, ...: numerator
 * w(child), denominator what is left; then comes the pick. */
static void assert_questions(const eg_enumeration *all, const uint64_t *w, int32_t k)
{
    uint64_t left = 0;

    for (int32_t i = 0; i <= k; i++) {
        left += w[i];
    }
    for (int32_t i = 0; i < eg_enumeration_count(all); i++) {
        const eg_answered q = eg_enumeration_at(all, i);

        assert_false(q.repeated);
        assert_int_equal(q.key.index, i < k ? i : 0);
        assert_int_equal(q.accept, i < k);
        assert_int_equal(mpz_cmp_ui(q.total, left), 0);
        if (i < k) {
            const uint64_t own = w[child[k][i]];

            assert_int_equal(mpz_cmp_ui(q.share, q.answer == 1 ? own : left - own), 0);
            left -= own;
        }
    }
}

static void check_point(eg_enumeration *all, const uint64_t *w, int32_t k)
{
    mpq_t law[N_TOKENS];
    mpq_t weight;
    uint64_t sum = 0;

    mpq_init(weight);
    for (int32_t i = 0; i <= k; i++) {
        mpq_init(law[i]);
        sum += w[i];
    }
    eg_enumeration_reset(all);
    do {
        const eagle_draws draws = eg_enumeration_draws(all);
        uint64_t left[N_TOKENS] = {0};
        int32_t hit;

        for (int32_t i = 0; i <= k; i++) {
            left[i] = w[i];
        }
        const int32_t token = eg_verify_node(&hit, left, k + 1, child[k], k, 9, &draws);

        assert_questions(all, w, k);
        eg_enumeration_weight(weight, all);
        mpq_add(law[token], law[token], weight);
    } while (eg_enumeration_next(all));
    assert_int_equal(eg_enumeration_fault(all, NULL), EAGLE_OK);
    for (int32_t i = 0; i <= k; i++) {
        mpq_set_ui(weight, w[i], sum);
        mpq_canonicalize(weight);
        assert_true(mpq_equal(law[i], weight));
        mpq_clear(law[i]);
    }
    mpq_clear(weight);
}

static void a_top_k_node_keeps_its_law_on_a_grid_that_determines_it(void **state)
{
    (void)state;
    static const int points_of[MAX_CHILDREN + 1] = {2, 9, 64, 625, 7776}; /* (k + 2)^(k + 1) */
    eg_enumeration *all;

    assert_int_equal(eg_enumeration_create(&all, NULL), EAGLE_OK);
    for (int32_t k = 0; k <= MAX_CHILDREN; k++) {
        uint64_t w[N_TOKENS] = {1, 1, 1, 1, 1};
        int points = 0;

        do {
            check_point(all, w, k);
            points++;
        } while (next_point(w, k + 1, (uint64_t)k + 2));
        assert_int_equal(points, points_of[k]);
    }
    eg_enumeration_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_top_k_node_keeps_its_law_on_a_grid_that_determines_it),
    };

    return cmocka_run_group_tests_name("grid", tests, NULL, NULL);
}
