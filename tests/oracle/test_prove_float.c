/* SPDX-License-Identifier: MIT */
/* test_prove_float.c - the laws that others' accept rules really have, as fractions. */
#include "sample/draws.h"
#include "support/lib_float_level.h"
#include "support/lib_toy.h"
#include "verify/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VOCAB = 4 };

static eg_enumeration *all;

/* A node's law, the plain one, and how far they are apart. */
typedef struct {
    mpq_t law[VOCAB + 1];
    mpq_t plain[VOCAB];
    mpq_t tv;
    mpq_t outside;
} result;

static result got;

static int set_up(void **state)
{
    (void)state;
    for (int i = 0; i < VOCAB; i++) {
        mpq_inits(got.law[i], got.plain[i], NULL);
    }
    mpq_inits(got.law[VOCAB], got.tv, got.outside, NULL);
    return eg_enumeration_create(&all, NULL);
}

static int tear_down(void **state)
{
    (void)state;
    for (int i = 0; i < VOCAB; i++) {
        mpq_clears(got.law[i], got.plain[i], NULL);
    }
    mpq_clears(got.law[VOCAB], got.tv, got.outside, NULL);
    eg_enumeration_free(all);
    return 0;
}

typedef struct {
    const uint64_t *p; /* [VOCAB] weights           */
    const uint64_t *q; /* [VOCAB] weights, or NULL  */
    int32_t child[VOCAB];
    int32_t n_child;
} node;

static eg_float_rule named(const char *name)
{
    eg_float_rule rule;

    assert_true(eg_float_rule_named(&rule, name));
    return rule;
}

/* Fills `got` for the rule at a node. */
static void run(const eg_float_rule *rule, const node *n)
{
    double p[VOCAB];
    double q[VOCAB];
    double left[2 * VOCAB];
    uint64_t sum = 0;

    eg_float_shares(p, n->p, VOCAB);
    if (n->q != NULL) {
        eg_float_shares(q, n->q, VOCAB);
    }
    for (int i = 0; i < VOCAB; i++) {
        sum += n->p[i];
    }
    for (int i = 0; i < VOCAB; i++) {
        mpq_set_ui(got.plain[i], n->p[i], sum);
        mpq_canonicalize(got.plain[i]);
    }
    const eg_float_node at = {.vocab = VOCAB,
                              .p = p,
                              .q = n->q != NULL ? q : NULL,
                              .child = n->child,
                              .n_child = n->n_child,
                              .pos = 7};

    assert_int_equal(float_node_law(got.law, rule, &at, left, all, NULL), EAGLE_OK);
    law_distance(got.tv, got.outside, (const mpq_t *)got.law, (const mpq_t *)got.plain, VOCAB);
}

static void assert_fraction(const mpq_t value, unsigned long num, unsigned long den)
{
    if (mpq_cmp_ui(value, num, den) != 0) {
        gmp_printf("# got %Qd, want %lu/%lu\n", value, num, den);
        fail();
    }
}

static const uint64_t six_four[VOCAB] = {6, 4, 0, 0};
static const uint64_t eight_two[VOCAB] = {8, 2, 0, 0};
static const uint64_t uneven[VOCAB] = {7, 5, 3, 2}; /* no probability is a binary fraction */

/* p = (.6, .4), q = (.8, .2): the arg max of q is proposed, and q is put into the ratio. 0.6f /
 * 0.8f is 3/4 exactly, and the residual is token 1 alone. */
static void a_greedy_draft_with_its_softmax_in_the_ratio_gives_three_quarters(void **state)
{
    (void)state;
    const node n = {.p = six_four, .q = eight_two, .child = {0}, .n_child = 1};
    eg_float_rule rule = named("transformers");

    rule.or_equal = false;
    run(&rule, &n);
    assert_fraction(got.law[0], 3, 4);
    assert_fraction(got.law[1], 1, 4);
    assert_fraction(got.tv, 3, 20);
    assert_fraction(got.outside, 0, 1);
    rule.or_equal = true; /* as published: one coin in 2^24 more */
    run(&rule, &n);
    assert_fraction(got.law[0], (3UL << 22) + 1, 1UL << 24);
}

/* The same on the shipped rule for drawn children, in integers, by a drafter that lies: it has not
 * drawn the child. */
static void a_child_that_was_not_drawn_as_its_law_says_gives_three_quarters_exactly(void **state)
{
    (void)state;
    const int32_t child = 0;
    eagle_wide left[VOCAB];
    mpq_t weight;

    mpq_init(weight);
    for (int i = 0; i < VOCAB; i++) {
        mpq_set_ui(got.law[i], 0, 1);
    }
    do {
        const eagle_draws draws = eg_enumeration_draws(all);
        eg_drawn_node at = {.vocab = VOCAB,
                            .p = six_four,
                            .q = eight_two,
                            .left = left,
                            .child = &child,
                            .n_child = 1,
                            .pos = 7};
        int32_t hit = -2;
        const int32_t token = eg_verify_drawn(&hit, &at, &draws);

        eg_enumeration_weight(weight, all);
        mpq_add(got.law[token], got.law[token], weight);
    } while (eg_enumeration_next(all));
    assert_fraction(got.law[0], 3, 4);
    assert_fraction(got.law[1], 1, 4);
    mpq_clear(weight);
}

static void less_or_equal_gives_an_impossible_token_one_coin(void **state)
{
    (void)state;
    const node n = {.p = six_four, .child = {3}, .n_child = 1};
    const char *const names[] = {"plain", "safeailab", "sglang-target-only"};

    for (int i = 0; i < 3; i++) {
        eg_float_rule rule = named(names[i]);

        rule.bits = 24;
        rule.or_equal = true;
        run(&rule, &n);
        assert_fraction(got.outside, 1, 1UL << 24);
        assert_fraction(got.law[3], 1, 1UL << 24);
        rule.bits = 53;
        run(&rule, &n);
        assert_fraction(got.outside, 1, 1UL << 53);
        rule.or_equal = false;
        run(&rule, &n);
        assert_fraction(got.outside, 0, 1);
    }
}

/* Weights out of 8, of which the siblings leave 8, 4, 2, 1, 0: every threshold is a binary
 * fraction. */
static void a_rule_whose_numbers_are_binary_fractions_has_distance_zero(void **state)
{
    (void)state;
    const uint64_t binary[VOCAB] = {4, 2, 1, 1};
    eg_float_rule rule = named("sglang-target-only");

    rule.or_equal = false;
    for (int32_t n_child = 0; n_child <= VOCAB; n_child++) {
        const node n = {.p = binary, .child = {0, 1, 2, 3}, .n_child = n_child};

        run(&rule, &n);
        assert_fraction(got.tv, 0, 1);
        assert_fraction(got.law[VOCAB], 0, 1);
    }
}

/* One coin asked against two sums: token 1 gets what lies between them, 5/17 less what is rounded.
 * By hand: 7/17 and 12/17 of 2^24 are 6908265.4 and 11842740.7; float32 holds both to within
 * 1/2. */
static void a_coin_for_all_siblings_is_an_interval(void **state)
{
    (void)state;
    const node n = {.p = uneven, .child = {0, 1}, .n_child = 2};
    eg_float_rule rule = named("sglang-target-only");

    rule.or_equal = false;
    run(&rule, &n);
    mpq_mul_2exp(got.law[0], got.law[0], 24);
    mpq_mul_2exp(got.law[1], got.law[1], 24);
    assert_fraction(got.law[0], 6908266, 1);
    assert_fraction(got.law[1], 11842741 - 6908266, 1);
}

/* |TV| on those weights: more than nothing, less than a few units of a coin and of the
 * precision. */
static void distances_are_of_the_order_of_a_coin(void **state)
{
    (void)state;
    static const struct {
        const char *name;
        int32_t bits;
        bool wide;
        double low;
        double high;
    } want[] = {
        {"plain", 24, false, 1e-9, 3e-7},
        {"plain", 53, true, 1e-18, 1e-15},
        {"safeailab", 53, false, 1e-9, 3e-7}, /* its numbers are float32, whatever the coin */
        {"sglang-target-only", 24, false, 1e-9, 3e-7},
        {"sglang-target-only", 53, true, 1e-18, 1e-15},
    };
    const node n = {.p = uneven, .child = {2, 0}, .n_child = 2};

    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        eg_float_rule rule = named(want[i].name);

        rule.bits = want[i].bits;
        rule.wide = want[i].wide;
        run(&rule, &n);
        const double tv = mpq_get_d(got.tv);

        print_message("# %s %d bits: TV %.2e\n", want[i].name, (int)want[i].bits, tv);
        assert_true(tv > want[i].low && tv < want[i].high);
    }
}

/* Drawn children, q of the paper's example: the law given the children is not p, averaged over
 * them it is; so here is the one with q = p, where a child is accepted always. */
static void a_draft_that_is_the_target_is_always_accepted(void **state)
{
    (void)state;
    const eg_float_rule rule = named("plain");

    for (int32_t x = 0; x < VOCAB; x++) {
        const node n = {.p = uneven, .q = uneven, .child = {x}, .n_child = 1};

        run(&rule, &n);
        assert_fraction(got.law[x], 1, 1);
    }
}

/* Children drawn without replacement, the draws enumerated with the coins: averaged over them the
 * law is p, but for rounding, though q is far from it. */
static void drawn_children_leave_the_law_but_for_rounding(void **state)
{
    (void)state;
    const uint64_t q_weight[VOCAB] = {2, 1, 9, 6};
    const char *const names[] = {"plain", "safeailab"};
    double p[VOCAB];
    double q[VOCAB];
    double left[2 * VOCAB];
    mpq_t weight;

    mpq_init(weight);
    eg_float_shares(p, uneven, VOCAB);
    eg_float_shares(q, q_weight, VOCAB);
    for (int r = 0; r < 2; r++) {
        eg_float_rule rule = named(names[r]);

        rule.wide = true;
        rule.bits = 53;
        for (int i = 0; i < VOCAB; i++) {
            mpq_set_ui(got.law[i], 0, 1);
            mpq_set_ui(got.plain[i], uneven[i], 17);
        }
        eg_enumeration_reset(all);
        do {
            const eagle_draws draws = eg_enumeration_draws(all);
            eg_counted_coins counted = {.draws = &draws, .bits = rule.bits};
            const eg_coins coins = eg_counted_coins_of(&counted);
            uint64_t scratch[VOCAB];
            int32_t child[3];

            memcpy(scratch, q_weight, sizeof scratch);
            const int32_t n = eg_draw_children(child, scratch, VOCAB, 3, 7, 0, &draws);
            const eg_float_node at = {
                .vocab = VOCAB, .p = p, .q = q, .child = child, .n_child = n, .pos = 7};
            const eg_float_choice made = eg_float_rule_node(&rule, &at, left, &coins);

            assert_int_equal(made.state, EG_CHOICE_MADE);
            eg_enumeration_weight(weight, all);
            mpq_add(got.law[made.token], got.law[made.token], weight);
        } while (eg_enumeration_next(all));
        assert_int_equal(eg_enumeration_fault(all, NULL), EAGLE_OK);
        law_distance(got.tv, got.outside, (const mpq_t *)got.law, (const mpq_t *)got.plain, VOCAB);
        print_message("# %s, 3 drawn children: TV %.2e\n", names[r], mpq_get_d(got.tv));
        assert_true(mpq_get_d(got.tv) < 1e-15);
    }
    mpq_clear(weight);
}

static void sglang_left_with_nothing_names_the_last_token(void **state)
{
    (void)state;
    const uint64_t sure[VOCAB] = {0, 1, 0, 0};
    const node n = {.p = sure, .child = {1}, .n_child = 1};
    eg_float_rule rule = named("sglang-target-only");

    rule.threshold_sum = 2.0; /* stricter than lossless: refuses a sure child half the time */
    rule.threshold_single = 2.0;
    rule.or_equal = false;
    run(&rule, &n);
    assert_fraction(got.law[1], 1, 2);
    assert_fraction(got.law[VOCAB - 1], 1, 2);
    assert_fraction(got.outside, 1, 2);
}

static void a_law_that_sums_to_less_than_one_can_leave_nothing_to_draw_from(void **state)
{
    (void)state;
    const double p[VOCAB] = {0.0, 0.5, 0.0, 0.0};
    const int32_t child = 1;
    const eg_float_node n = {.vocab = VOCAB, .p = p, .child = &child, .n_child = 1, .pos = 7};
    const eg_float_rule rule = named("plain");
    double left[2 * VOCAB];

    assert_int_equal(float_node_law(got.law, &rule, &n, left, all, NULL), EAGLE_OK);
    assert_fraction(got.law[1], 1, 2);
    assert_fraction(got.law[VOCAB], 1, 2);
}

static void shares_are_the_nearest_doubles(void **state)
{
    (void)state;
    uint64_t w[VOCAB] = {1, 2, 0, (UINT64_C(1) << 63) - 3};
    uint64_t random = 3;
    const uint64_t thirds[VOCAB] = {1, 1, 1, 0};
    double p[VOCAB];

    eg_float_shares(p, w, VOCAB);
    assert_true(p[0] == 0x1p-63 && p[1] == 0x1p-62 && p[2] == 0.0 && p[3] == 1.0);
    eg_float_shares(p, thirds, VOCAB);
    assert_true(p[0] == 1.0 / 3.0);
    for (int i = 0; i < 1000; i++) { /* sums of 62 bits: half a unit in the last place, no more */
        uint64_t sum = 0;

        for (int t = 0; t < VOCAB; t++) {
            w[t] = toy_random(&random) >> 4;
            sum += w[t];
        }
        eg_float_shares(p, w, VOCAB);
        for (int t = 0; t < VOCAB; t++) {
            mpq_set_ui(got.plain[t], w[t], sum);
            mpq_canonicalize(got.plain[t]);
            mpq_set_d(got.tv, p[t]);
            mpq_sub(got.tv, got.tv, got.plain[t]);
            mpq_abs(got.tv, got.tv);
            mpq_mul_2exp(got.tv, got.tv, 53);
            assert_true(mpq_cmp(got.tv, got.plain[t]) <= 0);
        }
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_greedy_draft_with_its_softmax_in_the_ratio_gives_three_quarters),
        TEST(a_child_that_was_not_drawn_as_its_law_says_gives_three_quarters_exactly),
        TEST(less_or_equal_gives_an_impossible_token_one_coin),
        TEST(a_rule_whose_numbers_are_binary_fractions_has_distance_zero),
        TEST(a_coin_for_all_siblings_is_an_interval),
        TEST(distances_are_of_the_order_of_a_coin),
        TEST(a_draft_that_is_the_target_is_always_accepted),
        TEST(drawn_children_leave_the_law_but_for_rounding),
        TEST(sglang_left_with_nothing_names_the_last_token),
        TEST(a_law_that_sums_to_less_than_one_can_leave_nothing_to_draw_from),
        TEST(shares_are_the_nearest_doubles),
    };

    return cmocka_run_group_tests_name("prove: floats", tests, NULL, NULL);
}
