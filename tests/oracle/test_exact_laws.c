/* SPDX-License-Identifier: MIT */
/* test_exact_laws.c - the two things every proof stands on: every answer is given once, with its
 * exact weight, and the plain law is the shipped one's equal though written anew. */
#include "prove/enumerate.h"
#include "prove/plain_law.h"
#include "sample/law.h"
#include "support/lib_toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static eg_enumeration *all;

static int set_up(void **state)
{
    (void)state;
    return eg_enumeration_create(&all, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    eg_enumeration_free(all);
    return 0;
}

/* Adds the run's weight to law[outcome]; `law` starts as zeros. */
static void add_run(mpq_t *law, int outcome)
{
    mpq_t weight;

    mpq_init(weight);
    eg_enumeration_weight(weight, all);
    mpq_add(law[outcome], law[outcome], weight);
    mpq_clear(weight);
}

static void assert_fraction(const mpq_t got, unsigned long num, unsigned long den)
{
    if (mpq_cmp_ui(got, num, den) != 0) {
        gmp_printf("# got %Qd, want %lu/%lu\n", got, num, den);
        fail();
    }
}

static void init_all(mpq_t *law, int n)
{
    for (int i = 0; i < n; i++) {
        mpq_init(law[i]);
    }
}

static void clear_all(mpq_t *law, int n)
{
    for (int i = 0; i < n; i++) {
        mpq_clear(law[i]);
    }
}

static const eagle_draw_key one = {EAGLE_DRAW_ACCEPT, 5, 0};
static const eagle_draw_key two = {EAGLE_DRAW_RESIDUAL, 5, 0};

static void each_answer_is_given_once_with_its_weight(void **state)
{
    (void)state;
    const uint64_t w[4] = {1, 0, 2, 5};
    mpq_t law[5];
    int runs = 0;

    init_all(law, 5);
    do {
        const eagle_draws draws = eg_enumeration_draws(all);

        /* 1/3: outcome 4; else a pick of its own key. */
        add_run(law, draws.accept(draws.ctx, one, 1, 3) ? 4 : draws.pick(draws.ctx, two, w, 4));
        runs++;
    } while (eg_enumeration_next(all));
    assert_int_equal(eg_enumeration_fault(all, NULL), EAGLE_OK);
    assert_int_equal(runs, 4);
    assert_fraction(law[0], 1, 12);
    assert_fraction(law[1], 0, 1);
    assert_fraction(law[2], 1, 6);
    assert_fraction(law[3], 5, 12);
    assert_fraction(law[4], 1, 3);
    clear_all(law, 5);
}

/* The same U: below 1/4, from 1/4 to 1/2, above. */
static void a_key_asked_again_keeps_its_number(void **state)
{
    (void)state;
    const eagle_wide quarter = {{1, 0, 0, 0, 0}};
    const eagle_wide whole = {{4, 0, 0, 0, 0}};
    mpq_t law[4];

    init_all(law, 4);
    do {
        const eagle_draws draws = eg_enumeration_draws(all);
        const bool first = draws.accept(draws.ctx, one, 1, 2);
        const bool second = draws.accept_wide(draws.ctx, one, &quarter, &whole);

        add_run(law, 2 * first + second);
        assert_true(eg_enumeration_at(all, 1).repeated);
    } while (eg_enumeration_next(all));
    assert_fraction(law[0], 1, 2);
    assert_fraction(law[1], 0, 1);
    assert_fraction(law[2], 1, 4);
    assert_fraction(law[3], 1, 4);
    clear_all(law, 4);
}

/* Picks by thirds and then by halves of one U: 1/3 of it is (0, 0), 1/6 (1, 0), 1/6 (1, 1), 1/3 (2,
 * 1). */
static void a_pick_asked_again_with_other_weights_is_split_where_they_cross(void **state)
{
    (void)state;
    const uint64_t third[3] = {7, 7, 7};
    const uint64_t half[2] = {3, 3};
    mpq_t law[6];

    init_all(law, 6);
    do {
        const eagle_draws draws = eg_enumeration_draws(all);
        const int32_t first = draws.pick(draws.ctx, one, third, 3);

        add_run(law, 2 * first + draws.pick(draws.ctx, one, half, 2));
    } while (eg_enumeration_next(all));
    assert_fraction(law[0], 1, 3);
    assert_fraction(law[1], 0, 1);
    assert_fraction(law[2], 1, 6);
    assert_fraction(law[3], 1, 6);
    assert_fraction(law[4], 0, 1);
    assert_fraction(law[5], 1, 3);
    clear_all(law, 6);
}

/* The first answer is asked for once, and kept while the second has others. */
static void a_run_may_go_on_in_the_middle(void **state)
{
    (void)state;
    const uint64_t w[3] = {1, 2, 3};
    mpq_t law[9];
    int32_t first = -1;
    int asked = 0;

    init_all(law, 9);
    do {
        const int32_t kept = eg_enumeration_kept(all) > 0 ? 1 : 0;
        const eagle_draws draws = eg_enumeration_go_on(all, kept);

        if (kept == 0) {
            first = draws.pick(draws.ctx, one, w, 3);
            asked++;
        }
        add_run(law, 3 * first + draws.pick(draws.ctx, two, w, 3));
    } while (eg_enumeration_next(all));
    assert_int_equal(eg_enumeration_fault(all, NULL), EAGLE_OK);
    assert_int_equal(asked, 3);
    for (int i = 0; i < 9; i++) {
        assert_fraction(law[i], (unsigned long)(w[i / 3] * w[i % 3]), 36);
    }
    clear_all(law, 9);
}

static void code_that_remembers_the_run_before_is_found(void **state)
{
    (void)state;
    uint64_t memory = 1;

    do {
        const eagle_draws draws = eg_enumeration_draws(all);

        draws.accept(draws.ctx, two, memory++, 7);
        draws.accept(draws.ctx, one, 1, 2);
    } while (eg_enumeration_next(all));
    assert_int_equal(eg_enumeration_fault(all, NULL), EAGLE_EFAILED);
}

static void a_draw_without_weight_or_above_one_is_a_fault(void **state)
{
    (void)state;
    const uint64_t none[2] = {0, 0};
    eagle_draws draws = eg_enumeration_draws(all);

    draws.pick(draws.ctx, one, none, 2);
    assert_int_equal(eg_enumeration_fault(all, NULL), EAGLE_EFAILED);
    eg_enumeration_reset(all);
    assert_int_equal(eg_enumeration_fault(all, NULL), EAGLE_OK);
    draws = eg_enumeration_draws(all);
    draws.accept(draws.ctx, one, 3, 2);
    assert_int_equal(eg_enumeration_fault(all, NULL), EAGLE_EFAILED);
}

/* ---- the plain law --------------------------------------------------------------------------- */

enum { VOCAB = 23 };

static eagle_sampling random_sampling(uint64_t *random)
{
    eagle_sampling s;

    eagle_sampling_defaults(&s);
    s.temperature = (float)(toy_random(random) % 5) / 4.0f;
    s.top_k = (int32_t)(toy_random(random) % (VOCAB + 2));
    s.top_p = (eagle_decimal){.num = 1 + toy_random(random) % 100, .places = 2};
    s.min_p = (eagle_decimal){.num = toy_random(random) % 4, .places = 1};
    return s;
}

static void the_plain_law_written_anew_is_the_shipped_one(void **state)
{
    (void)state;
    uint64_t random = 7;
    mpq_t p[VOCAB];
    mpq_t w;

    init_all(p, VOCAB);
    mpq_init(w);
    for (int i = 0; i < 2000; i++) {
        const eagle_sampling s = random_sampling(&random);
        float logits[VOCAB];
        uint64_t law[VOCAB];
        int32_t scratch[VOCAB];
        eg_ranked order[VOCAB];
        uint64_t sum = 0;

        for (int t = 0; t < VOCAB; t++) { /* ties, and weights far below 1 */
            logits[t] = (float)(toy_random(&random) % 9) * (i % 3 == 0 ? 9.0f : 0.5f);
        }
        eg_law_make(law, scratch, logits, VOCAB, &s);
        eg_plain_law(p, order, logits, VOCAB, &s);
        for (int t = 0; t < VOCAB; t++) {
            sum += law[t];
        }
        for (int t = 0; t < VOCAB; t++) {
            mpq_set_ui(w, law[t], sum);
            mpq_canonicalize(w);
            assert_true(mpq_equal(p[t], w));
        }
    }
    mpq_clear(w);
    clear_all(p, VOCAB);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(each_answer_is_given_once_with_its_weight),
        TEST(a_key_asked_again_keeps_its_number),
        TEST(a_pick_asked_again_with_other_weights_is_split_where_they_cross),
        TEST(a_run_may_go_on_in_the_middle),
        TEST(code_that_remembers_the_run_before_is_found),
        TEST(a_draw_without_weight_or_above_one_is_a_fault),
        TEST(the_plain_law_written_anew_is_the_shipped_one),
    };

    return cmocka_run_group_tests_name("exact laws", tests, NULL, NULL);
}
