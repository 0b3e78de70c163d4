/* SPDX-License-Identifier: MIT */
/* test_float_rules.c - what others' accept rules decide, on numbers that one can follow by hand. */
#include "prove/float_rules.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

enum { VOCAB = 4 };

static const double half[VOCAB] = {0.5, 0.25, 0.125, 0.125};

/* A node at position 7 whose coins are all known: accept coins by sibling, and one for the last
 * draw. */
typedef struct {
    const double *p;
    const double *q;
    const double *bonus;
    int32_t child[2];
    int32_t n_child;
    double accept[2];
    double last;
} node;

static eg_float_choice choose(const eg_float_rule *rule, const node *n)
{
    const eagle_draw_key key[4] = {{EAGLE_DRAW_ACCEPT, 7, 0},
                                   {EAGLE_DRAW_ACCEPT, 7, 1},
                                   {EAGLE_DRAW_RESIDUAL, 7, 0},
                                   {EAGLE_DRAW_TARGET, 7, 0}};
    const double coin[4] = {n->accept[0], n->accept[1], n->last, n->last};
    double left[2 * VOCAB];
    eg_recorded_coins list = {.key = key, .coin = coin, .n = 4};
    const eg_coins coins = eg_recorded_coins_of(&list);

    return eg_float_rule_node(rule,
                              &(eg_float_node){.vocab = VOCAB,
                                               .p = n->p,
                                               .q = n->q,
                                               .bonus = n->bonus,
                                               .child = n->child,
                                               .n_child = n->n_child,
                                               .pos = 7},
                              left, &coins);
}

static eg_float_rule named(const char *name)
{
    eg_float_rule rule;

    assert_true(eg_float_rule_named(&rule, name));
    return rule;
}

static void assert_choice(eg_float_choice got, int32_t hit, int32_t token)
{
    assert_int_equal(got.state, EG_CHOICE_MADE);
    assert_int_equal(got.hit, hit);
    assert_int_equal(got.token, token);
}

static void rules_are_found_by_name_and_by_no_other(void **state)
{
    (void)state;
    eg_float_rule rule;

    assert_int_equal(named("plain").or_equal, false);
    assert_int_equal(named("safeailab").bits, 53);
    assert_int_equal(named("transformers").or_equal, true);
    assert_int_equal(named("sglang-target-only").bits, 24);
    assert_false(eg_float_rule_named(&rule, "sglang"));
}

/* The first child's 1/4; then, of what is left, 1/2 / (3/4) = 2/3 for the second. */
static void a_refused_child_leaves_its_share_to_the_others(void **state)
{
    (void)state;
    const eg_float_rule rule = named("plain");
    node n = {.p = half, .child = {1, 0}, .n_child = 2, .accept = {0.2, 0.6}, .last = 0.5};

    assert_choice(choose(&rule, &n), 0, 1);
    n.accept[0] = 0.25;
    assert_choice(choose(&rule, &n), 1, 0);
    n.accept[1] = 0.67;
    n.last = 0.49;
    assert_choice(choose(&rule, &n), -1, 2);
    n.last = 0.5;
    assert_choice(choose(&rule, &n), -1, 3);
}

/* 0.6 / 0.8 is 3/4 in float32 as on paper; the residual is token 1 alone. */
static void a_chosen_child_with_a_soft_q_is_accepted_too_often(void **state)
{
    (void)state;
    const double p[VOCAB] = {0.6, 0.4, 0, 0};
    const double q[VOCAB] = {0.8, 0.2, 0, 0};
    eg_float_rule rule = named("transformers");
    node n = {.p = p, .q = q, .child = {0}, .n_child = 1, .accept = {0.74}, .last = 0.0};

    assert_choice(choose(&rule, &n), 0, 0);
    n.accept[0] = 0.75;
    assert_choice(choose(&rule, &n), 0, 0);
    rule.or_equal = false;
    assert_choice(choose(&rule, &n), -1, 1);
    n.last = 0.999;
    assert_choice(choose(&rule, &n), -1, 1);
}

static void a_coin_of_zero_accepts_an_impossible_child_by_less_or_equal(void **state)
{
    (void)state;
    const double p[VOCAB] = {1, 0, 0, 0};
    const char *const all[] = {"plain", "safeailab", "sglang-target-only"};

    for (int i = 0; i < 3; i++) {
        eg_float_rule rule = named(all[i]);
        node n = {.p = p, .child = {2}, .n_child = 1, .accept = {0.0}, .last = 0.0};

        rule.or_equal = true;
        assert_choice(choose(&rule, &n), 0, 2);
        rule.or_equal = false;
        assert_choice(choose(&rule, &n), -1, 0);
    }
}

static void sglang_throws_one_coin_for_all_siblings_and_another_at_the_end(void **state)
{
    (void)state;
    const eg_float_rule rule = named("sglang-target-only");
    node n = {.p = half, .child = {0, 1}, .n_child = 2, .accept = {0.5, 0.0}, .last = 0.49};

    assert_choice(choose(&rule, &n), 0, 0);
    n.accept[0] = 0.75;
    assert_choice(choose(&rule, &n), 1, 1);
    n.accept[0] = 0.76;
    assert_choice(choose(&rule, &n), -1, 2);
    n.last = 0.5; /* x 1/4: the running sum has to lie above, not at it */
    assert_choice(choose(&rule, &n), -1, 3);
}

static void sglang_below_threshold_one_accepts_what_it_should_not(void **state)
{
    (void)state;
    eg_float_rule rule = named("sglang-target-only");
    node n = {.p = half, .child = {1}, .n_child = 1, .accept = {0.49}, .last = 0.0};

    assert_choice(choose(&rule, &n), -1, 0);
    rule.threshold_sum = 0.5;
    assert_choice(choose(&rule, &n), 0, 1);
    rule.threshold_sum = 1.0;
    rule.threshold_single = 0.25;
    assert_choice(choose(&rule, &n), 0, 1);
}

/* Nothing is left after a child of probability 1 was refused, which needs a coin of 1: SGLang names
 * the last token id, the others divide by zero, and their library raises an error. */
static void with_nothing_left_each_does_what_its_library_does(void **state)
{
    (void)state;
    const double p[VOCAB] = {0, 0.5, 0, 0};
    eg_float_rule rule = named("sglang-target-only");
    node n = {.p = p, .child = {1}, .n_child = 1, .accept = {0.9}, .last = 0.0};

    assert_choice(choose(&rule, &n), -1, VOCAB - 1);
    rule = named("safeailab");
    assert_int_equal(choose(&rule, &n).state, EG_CHOICE_EMPTY);
    assert_int_equal(choose(&rule, &n).token, -1);
}

/* EAGLE-1's ratio of the second child: 1/8 of q over what the first left of it, 1/2. */
static void safeailab_s_drawn_children_are_weighed_by_what_their_siblings_left(void **state)
{
    (void)state;
    const double q[VOCAB] = {0.5, 0.125, 0.25, 0.125};
    const double p[VOCAB] = {0.25, 0.25, 0.25, 0.25};
    const eg_float_rule rule = named("safeailab");
    node n = {.p = p, .q = q, .child = {0, 3}, .n_child = 2, .accept = {0.5, 0.0}, .last = 0.0};

    assert_choice(choose(&rule, &n), 0, 0);
    /* Refused: max(0, p - q) = (0, 1/8, 0, 1/8), so that token 3 has 1/2, over 1/4: accepted. */
    n.accept[0] = 0.51;
    n.accept[1] = 0.99;
    assert_choice(choose(&rule, &n), 1, 3);
    /* Child 2 has nothing left; then q without child 0 is subtracted: (0, 1/4, 0, 1/4). */
    n.child[1] = 2;
    n.last = 0.49;
    assert_choice(choose(&rule, &n), -1, 1);
    n.last = 0.51;
    assert_choice(choose(&rule, &n), -1, 3);
}

static void safeailab_draws_the_token_after_a_leaf_from_another_law(void **state)
{
    (void)state;
    const double raw[VOCAB] = {0, 0, 0, 1};
    eg_float_rule rule = named("safeailab");
    const node n = {.p = half, .bonus = raw, .last = 0.0};

    assert_choice(choose(&rule, &n), -1, 3);
    rule = named("plain");
    assert_choice(choose(&rule, &n), -1, 0);
}

static void transformers_without_q_draws_its_own_token_and_compares(void **state)
{
    (void)state;
    const eg_float_rule rule = named("transformers");
    node n = {.p = half, .child = {1}, .n_child = 1, .accept = {0.99, 0.99}, .last = 0.5};

    assert_choice(choose(&rule, &n), 0, 1);
    n.last = 0.49;
    assert_choice(choose(&rule, &n), -1, 0);
}

/* A coin of 53 bits is rounded when it is compared with a float32. */
static void a_coin_is_rounded_to_the_precision_of_the_comparison(void **state)
{
    (void)state;
    eg_coin_test test = {.bound = 0.5, .scale = 1.0, .or_equal = true, .wide = false};

    assert_true(eg_coin_passes(&test, 0.5 + 0x1p-30));
    test.wide = true;
    assert_false(eg_coin_passes(&test, 0.5 + 0x1p-30));
    test.or_equal = false;
    assert_false(eg_coin_passes(&test, 0.5));
    assert_true(eg_coin_passes(&test, 0.5 - 0x1p-53));
    /* A product of float32 numbers: 1/2, not 1/2 + 2^-25, times 3/4. */
    test = (eg_coin_test){.bound = 0.375, .scale = 0.75, .or_equal = true, .wide = false};
    assert_true(eg_coin_passes(&test, 0.5 + 0x1p-25));
}

/* ---- trees ----------------------------------------------------------------------------------- */

/* Root 9 at position 3; children 0 and 1; 1 has the child 2. All nodes have the law `half`. */
typedef struct {
    eagle_tree *tree;
    eagle_path *path;
    double p[4 * VOCAB];
    eg_float_tree in;
} scene;

static int set_up(void **state)
{
    static scene s;

    assert_int_equal(eagle_tree_create(&s.tree, 4, NULL), EAGLE_OK);
    eagle_tree_reset(s.tree, 3, 3);
    eagle_tree_add(s.tree, 0, 0, 0.0f);
    eagle_tree_add(s.tree, 0, 1, 0.0f);
    eagle_tree_add(s.tree, 2, 2, 0.0f);
    assert_int_equal(eagle_path_create(&s.path, 4, VOCAB, EAGLE_VERIFY_REJECTION, NULL), EAGLE_OK);
    for (int i = 0; i < 4; i++) {
        memcpy(s.p + (size_t)i * VOCAB, half, sizeof half);
    }
    s.in = (eg_float_tree){.tree = s.tree, .vocab = VOCAB, .p = s.p};
    *state = &s;
    return 0;
}

static int tear_down(void **state)
{
    scene *s = *state;

    eagle_path_free(s->path);
    eagle_tree_free(s->tree);
    return 0;
}

/* Down to the leaf, then a token of the leaf's law. */
static const eagle_draw_key all_keys[] = {{EAGLE_DRAW_ACCEPT, 4, 0},
                                          {EAGLE_DRAW_ACCEPT, 4, 1},
                                          {EAGLE_DRAW_ACCEPT, 5, 0},
                                          {EAGLE_DRAW_TARGET, 6, 0}};
static const double all_coins[] = {0.6, 0.1, 0.1, 0.6};

static void a_walk_replays_the_accepted_path(void **state)
{
    const scene *s = *state;
    const eg_float_rule rule = named("plain");
    eg_recorded_coins list = {.key = all_keys, .coin = all_coins, .n = 4};
    const eg_coins coins = eg_recorded_coins_of(&list);
    eg_float_choice last;

    assert_int_equal(eg_float_rule_walk(s->path, &last, &rule, &s->in, &coins, NULL), EAGLE_OK);
    assert_int_equal(last.state, EG_CHOICE_MADE);
    assert_int_equal(s->path->n, 3);
    assert_memory_equal(s->path->token, ((int32_t[]){1, 2, 1}), 3 * sizeof(int32_t));
    assert_memory_equal(s->path->node, ((int32_t[]){2, 3, -1}), 3 * sizeof(int32_t));
    assert_memory_equal(s->path->row, ((int32_t[]){0, 2, 3}), 3 * sizeof(int32_t));
    assert_int_equal(s->path->source[0], EAGLE_SOURCE_ACCEPTED);
    assert_int_equal(s->path->source[2], EAGLE_SOURCE_BONUS);
    /* The narrowest decision: 0.1 against 1/8 of token 2. */
    assert_int_equal(list.narrow, 2);
    assert_true(list.margin > 0.0249 && list.margin < 0.0251);
}

static void a_coin_that_nobody_wrote_down_leaves_the_rest_open(void **state)
{
    const scene *s = *state;
    const eg_float_rule rule = named("plain");
    eg_recorded_coins list = {.key = all_keys, .coin = all_coins, .n = 3};
    eg_coins coins = eg_recorded_coins_of(&list);
    eg_float_choice last;

    assert_int_equal(eg_float_rule_walk(s->path, &last, &rule, &s->in, &coins, NULL), EAGLE_OK);
    assert_int_equal(last.state, EG_CHOICE_OPEN);
    assert_int_equal(last.open, -1);
    assert_int_equal(s->path->n, 3);
    assert_int_equal(s->path->token[2], -1);
    list.n = 2;
    coins = eg_recorded_coins_of(&list);
    assert_int_equal(eg_float_rule_walk(s->path, &last, &rule, &s->in, &coins, NULL), EAGLE_OK);
    assert_int_equal(last.open, 0);
    assert_int_equal(s->path->n, 1);
    assert_int_equal(s->path->token[0], 1);
}

static void transformers_knows_chains_only(void **state)
{
    const scene *s = *state;
    const eg_float_rule rule = named("transformers");
    eg_recorded_coins list = {.key = all_keys, .coin = all_coins, .n = 4};
    const eg_coins coins = eg_recorded_coins_of(&list);
    eg_float_choice last;
    eagle_error err = {0};

    assert_int_equal(eg_float_rule_walk(s->path, &last, &rule, &s->in, &coins, &err), EAGLE_EFIT);
    assert_non_null(strstr(err.message, "2 children"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rules_are_found_by_name_and_by_no_other),
        cmocka_unit_test(a_refused_child_leaves_its_share_to_the_others),
        cmocka_unit_test(a_chosen_child_with_a_soft_q_is_accepted_too_often),
        cmocka_unit_test(a_coin_of_zero_accepts_an_impossible_child_by_less_or_equal),
        cmocka_unit_test(sglang_throws_one_coin_for_all_siblings_and_another_at_the_end),
        cmocka_unit_test(sglang_below_threshold_one_accepts_what_it_should_not),
        cmocka_unit_test(with_nothing_left_each_does_what_its_library_does),
        cmocka_unit_test(safeailab_s_drawn_children_are_weighed_by_what_their_siblings_left),
        cmocka_unit_test(safeailab_draws_the_token_after_a_leaf_from_another_law),
        cmocka_unit_test(transformers_without_q_draws_its_own_token_and_compares),
        cmocka_unit_test(a_coin_is_rounded_to_the_precision_of_the_comparison),
        cmocka_unit_test_setup_teardown(a_walk_replays_the_accepted_path, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_coin_that_nobody_wrote_down_leaves_the_rest_open, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(transformers_knows_chains_only, set_up, tear_down),
    };

    return cmocka_run_group_tests_name("float rules", tests, NULL, NULL);
}
