/* SPDX-License-Identifier: MIT */
/* test_prove_levels.c - proofs of random networks hold at every level, and each level refutes the
 * rules that are wrong in its way. */
#include "prove/enumerate.h"
#include "sample/law.h"
#include "support/lib_toy.h"
#include "verify/node.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define ALL       ((1U << EAGLE_PROVE_LEVELS) - 1)
#define MAX_VOCAB 16

/* A proof of one toy under way. */
typedef struct {
    toy *net;
    eagle_drafter *drafter;
    eagle_prove_task task;
    eagle_prove_options how;
    eagle_proof *proof;
} trial;

static eagle_shape *new_shape(const int32_t *ranks, const int32_t *length, int32_t n)
{
    eagle_shape *shape = NULL;

    assert_int_equal(eagle_shape_create(&shape, ranks, length, n, NULL), EAGLE_OK);
    return shape;
}

/* Two siblings, each with a child. */
static eagle_shape *small_shape(void)
{
    return new_shape((const int32_t[]){0, 1, 0, 0, 1, 0}, (const int32_t[]){1, 1, 2, 2}, 4);
}

static void start(trial *t, const toy_options *options, eagle_verify_mode mode)
{
    *t = (trial){.net = toy_create(options)};
    t->task.model = toy_model(t->net);
    eagle_sampling_defaults(&t->task.sampling);
    t->task.sampling.mode = mode;
    t->task.sampling.temperature = mode == EAGLE_VERIFY_GREEDY ? 0.0f : 1.0f;
    eagle_prove_defaults(&t->how);
    t->how.levels = ALL & ~(1U << EAGLE_PROVE_PRIMITIVES);
}

static void draft_static(trial *t, bool drawn)
{
    eagle_shape *shape = small_shape();

    assert_int_equal(eagle_drafter_static(&t->drafter, toy_head(t->net), shape, drawn, NULL),
                     EAGLE_OK);
    eagle_shape_free(shape);
    t->task.drafter = t->drafter;
}

static void draft_dynamic(trial *t, int32_t levels, int32_t width, int32_t nodes)
{
    assert_int_equal(
        eagle_drafter_dynamic(&t->drafter, toy_head(t->net), levels, width, nodes, NULL), EAGLE_OK);
    t->task.drafter = t->drafter;
}

static void prove(trial *t)
{
    eagle_error err = {0};

    if (eagle_prove(&t->proof, &t->task, &t->how, NULL, NULL, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
}

static void finish(trial *t)
{
    eagle_proof_free(t->proof);
    eagle_drafter_free(t->drafter);
    toy_free(t->net);
}

static const eagle_prove_result *result(const trial *t, eagle_prove_level level)
{
    return eagle_proof_result(t->proof, level);
}

static void assert_verdict(const trial *t, eagle_prove_level level, eagle_verdict want)
{
    const eagle_prove_result *r = result(t, level);

    if (!r->asked || r->verdict != want) {
        fail_msg("level %s: %s, not %s; TV %s; %s", eagle_prove_level_name(level),
                 eagle_verdict_name(r->verdict), eagle_verdict_name(want), r->tv,
                 r->reason != NULL ? r->reason : "");
    }
}

/* Every level that was asked is proven, has looked at something, and found no distance. */
static void assert_proven(const trial *t)
{
    for (int level = 0; level < EAGLE_PROVE_LEVELS; level++) {
        const eagle_prove_result *r = result(t, (eagle_prove_level)level);

        if (r->asked) {
            assert_verdict(t, (eagle_prove_level)level, EAGLE_VERDICT_PROVEN);
            assert_string_equal(r->tv, "0");
            assert_true(r->compared > 0);
            assert_null(r->worst);
            assert_null(r->shortest);
            assert_int_equal(r->outside, 0);
            assert_int_equal(r->repeated, 0);
        }
    }
    assert_int_equal(eagle_proof_verdict(t->proof), EAGLE_VERDICT_PROVEN);
}

/* ---- what must hold -------------------------------------------------------------------------- */

static void the_primitives_are_exact(void **state)
{
    (void)state;
    trial t;

    start(&t, &(toy_options){.vocab = 3, .seed = 1}, EAGLE_VERIFY_GREEDY);
    t.how.levels = 1U << EAGLE_PROVE_PRIMITIVES;
    prove(&t);
    assert_proven(&t);
    finish(&t);
}

/* Sizes, filters, modes and trees in turn; every fourth network ties all logits: p = q there. */
static void random_network(int i)
{
    static const eagle_verify_mode mode[] = {EAGLE_VERIFY_REJECTION, EAGLE_VERIFY_COUPLED,
                                             EAGLE_VERIFY_REJECTION, EAGLE_VERIFY_GREEDY};
    const bool drawn = i % 4 == 0;
    const int32_t vocab = 3 + i * 13 / 19;
    uint64_t random = (uint64_t)i;
    trial t;

    start(&t,
          &(toy_options){.seed = 100 + (uint64_t)i,
                         .vocab = vocab,
                         .dim = 16,
                         .n_layers = 1,
                         .n_heads = 2,
                         .n_kv_heads = 1,
                         .ffn_dim = 16,
                         .flat = i % 4 == 3 || i % 8 == 4},
          mode[i % 4]);
    eagle_sampling *s = &t.task.sampling;

    if (mode[i % 4] != EAGLE_VERIFY_GREEDY) {
        s->temperature = 0.5f + (float)(toy_random(&random) % 4) / 4.0f;
        s->top_k = vocab > 4 ? 2 + (int32_t)(toy_random(&random) % 3) : 0;
        s->top_p = (eagle_decimal){.num = 70 + toy_random(&random) % 31, .places = 2};
        s->min_p = (eagle_decimal){.num = toy_random(&random) % 2, .places = 1};
    }
    if (drawn || i % 3 == 0) {
        draft_static(&t, drawn);
    } else {
        draft_dynamic(&t, 2, i % 3 == 1 ? 2 : 1, 4);
    }
    t.how.program_length = vocab <= 6 ? 3 : 2; /* 3: end tokens inside accepted paths */
    prove(&t);
    assert_proven(&t);
    finish(&t);
}

static void twenty_random_networks_are_proven_at_every_level(void **state)
{
    (void)state;
    for (int i = 0; i < 20; i++) {
        random_network(i);
    }
}

static void the_whole_vocabulary_is_proven_without_filters(void **state)
{
    (void)state;
    trial t;

    start(&t, &(toy_options){.vocab = 7, .seed = 5}, EAGLE_VERIFY_REJECTION);
    draft_dynamic(&t, 2, 2, 5);
    t.task.ignore_end = true;
    prove(&t);
    assert_proven(&t);
    assert_int_equal(result(&t, EAGLE_PROVE_CONTINUATION)->strings, 343);
    assert_int_equal(result(&t, EAGLE_PROVE_ROUND)->contexts, 57); /* 1 + 7 + 49 */
    finish(&t);
}

static void plain_decoding_is_proven_too(void **state)
{
    (void)state;
    trial t;

    start(&t, &(toy_options){.vocab = 5, .seed = 3}, EAGLE_VERIFY_COUPLED);
    prove(&t);
    assert_proven(&t);
    assert_string_equal(eagle_proof_tokens_per_round(t.proof, NULL), "1");
    finish(&t);
}

static void beyond_the_limit_nothing_is_proven(void **state)
{
    (void)state;
    trial t;

    start(&t, &(toy_options){.vocab = 5, .seed = 3}, EAGLE_VERIFY_REJECTION);
    draft_static(&t, false);
    t.how.limit = 40;
    prove(&t);
    assert_verdict(&t, EAGLE_PROVE_CONTINUATION, EAGLE_VERDICT_BOUND);
    assert_verdict(&t, EAGLE_PROVE_PROGRAM, EAGLE_VERDICT_BOUND);
    assert_int_equal(eagle_proof_verdict(t.proof), EAGLE_VERDICT_BOUND);
    assert_int_equal(result(&t, EAGLE_PROVE_ROUND)->runs, 40);
    finish(&t);
}

/* ---- rules that are wrong -------------------------------------------------------------------- */

typedef enum {
    RIGHT,
    ONE_COIN_FOR_ALL,   /* the residual is drawn with the first child's coin (SGLang 7207) */
    STALE_RESIDUAL,     /* a refused child keeps its weight                               */
    PARENT_BONUS,       /* the token after a leaf is drawn by its parent's row            */
    COIN_OF_THE_ROUND,  /* keys know the depth, not the position: later rounds ask again  */
    UNFILTERED_RESIDUAL /* top-k, top-p and min-p are forgotten after a refusal           */
} mistake;

static mistake made; /* a rule has no argument for it */

static int32_t decide(int32_t *child, const eagle_tree *tree, const eagle_rows *rows, int32_t node,
                      const eagle_sampling *sampling, const eagle_draws *draws)
{
    const bool leaf = eagle_tree_next_child(tree, node, 0) < 0;
    const int32_t row = made == PARENT_BONUS && leaf && node > 0 ? tree->parent[node] : node;
    const float *logits = rows->logits + (size_t)row * (size_t)rows->vocab;
    const int32_t pos =
        made == COIN_OF_THE_ROUND ? tree->depth[node] : tree->pos + tree->depth[node] + 1;
    eagle_sampling own = *sampling;
    uint64_t w[MAX_VOCAB];
    int32_t order[MAX_VOCAB];
    uint64_t left = 0;
    int32_t sibling = 0;

    eg_law_make(w, order, logits, rows->vocab, &own);
    for (int32_t i = 0; i < rows->vocab; i++) {
        left += w[i];
    }
    for (*child = eagle_tree_next_child(tree, node, 0); *child >= 0;
         *child = eagle_tree_next_child(tree, node, *child), sibling++) {
        const int32_t token = tree->token[*child];
        const eagle_draw_key key = {EAGLE_DRAW_ACCEPT, pos, sibling};

        if (w[token] > 0 && (w[token] == left || draws->accept(draws->ctx, key, w[token], left))) {
            return token;
        }
        if (made != STALE_RESIDUAL) {
            left -= w[token];
            w[token] = 0;
        }
    }
    if (made == UNFILTERED_RESIDUAL && sibling > 0) {
        own.top_k = 0;
        own.top_p = (eagle_decimal){.num = 1};
        own.min_p = (eagle_decimal){0};
        eg_law_make(w, order, logits, rows->vocab, &own);
        for (int32_t c = eagle_tree_next_child(tree, node, 0); c >= 0;
             c = eagle_tree_next_child(tree, node, c)) {
            w[tree->token[c]] = 0;
        }
    }
    const eagle_draw_purpose purpose = made == ONE_COIN_FOR_ALL && sibling > 0 ? EAGLE_DRAW_ACCEPT
                                       : sibling > 0                           ? EAGLE_DRAW_RESIDUAL
                                                                               : EAGLE_DRAW_TARGET;

    return draws->pick(draws->ctx, (eagle_draw_key){purpose, pos, 0}, w, rows->vocab);
}

static eagle_status rule(eagle_path *path, const eagle_tree *tree, const eagle_rows *rows,
                         const eagle_sampling *sampling, const eagle_draws *draws, eagle_error *err)
{
    int32_t node = 0;

    (void)err;
    path->n = 0;
    while (node >= 0) {
        int32_t child = -1;
        const int32_t i = path->n++;

        path->token[i] = decide(&child, tree, rows, node, sampling, draws);
        path->node[i] = child;
        path->row[i] = node;
        path->source[i] = child >= 0 ? EAGLE_SOURCE_ACCEPTED : EAGLE_SOURCE_BONUS;
        node = child;
    }
    return EAGLE_OK;
}

static void start_rule(trial *t, const toy_options *options, mistake which)
{
    start(t, options, EAGLE_VERIFY_REJECTION);
    draft_static(t, false);
    t->task.verify = rule;
    t->how.program_length = 2;
    made = which;
}

static const toy_options five = {.vocab = 5, .seed = 9};

static void another_right_rule_is_proven(void **state)
{
    (void)state;
    trial t;

    start_rule(&t, &five, RIGHT);
    prove(&t);
    assert_proven(&t);
    finish(&t);
}

static void assert_refuted(mistake which)
{
    static const eagle_prove_level all[] = {EAGLE_PROVE_NODE, EAGLE_PROVE_ROUND,
                                            EAGLE_PROVE_CONTINUATION, EAGLE_PROVE_PROGRAM};
    trial t;

    start_rule(&t, &five, which);
    prove(&t);
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const eagle_prove_result *r = result(&t, all[i]);

        assert_verdict(&t, all[i], EAGLE_VERDICT_REFUTED);
        assert_true(r->tv_value > 0.0);
        assert_non_null(r->worst);
        assert_non_null(r->shortest);
        assert_string_not_equal(r->worst->got, r->worst->want);
        assert_true(r->n_steps > 0);
    }
    assert_verdict(&t, EAGLE_PROVE_STATE, EAGLE_VERDICT_PROVEN);
    finish(&t);
}

static void an_accept_coin_reused_for_the_residual_is_refuted(void **state)
{
    (void)state;
    assert_refuted(ONE_COIN_FOR_ALL);
}

static void a_residual_that_keeps_refused_children_is_refuted(void **state)
{
    (void)state;
    assert_refuted(STALE_RESIDUAL);
}

/* The first token is right; the shortest difference has two. */
static void a_bonus_from_the_parents_row_is_refuted_behind_a_leaf(void **state)
{
    (void)state;
    trial t;

    start_rule(&t, &five, PARENT_BONUS);
    t.how.length = 4;
    t.how.levels &= ~(1U << EAGLE_PROVE_PROGRAM);
    prove(&t);
    assert_verdict(&t, EAGLE_PROVE_NODE, EAGLE_VERDICT_REFUTED);
    assert_verdict(&t, EAGLE_PROVE_ROUND, EAGLE_VERDICT_REFUTED);
    assert_verdict(&t, EAGLE_PROVE_CONTINUATION, EAGLE_VERDICT_REFUTED);
    assert_int_equal(result(&t, EAGLE_PROVE_ROUND)->shortest->n_string, 3); /* leaf at depth 2 */
    finish(&t);
}

static void a_residual_without_the_filters_leaves_the_support(void **state)
{
    (void)state;
    trial t;

    start_rule(&t, &five, UNFILTERED_RESIDUAL);
    t.task.sampling.top_k = 3;
    prove(&t);
    assert_verdict(&t, EAGLE_PROVE_CONTINUATION, EAGLE_VERDICT_REFUTED);
    assert_true(result(&t, EAGLE_PROVE_CONTINUATION)->outside > 0);
    finish(&t);
}

/* All laws are uniform, so that a token which repeats the one before has the right law by itself;
 * one round at a time is right as well. */
static void a_coin_reused_between_rounds_is_refuted_though_every_marginal_is_right(void **state)
{
    (void)state;
    trial t;

    start(&t, &(toy_options){.vocab = 4, .flat = true}, EAGLE_VERIFY_REJECTION);
    t.task.verify = rule;
    t.task.ignore_end = true;
    made = COIN_OF_THE_ROUND;
    prove(&t);
    assert_verdict(&t, EAGLE_PROVE_NODE, EAGLE_VERDICT_PROVEN);
    assert_verdict(&t, EAGLE_PROVE_ROUND, EAGLE_VERDICT_PROVEN);
    assert_verdict(&t, EAGLE_PROVE_CONTINUATION, EAGLE_VERDICT_PROVEN);
    assert_verdict(&t, EAGLE_PROVE_PROGRAM, EAGLE_VERDICT_REFUTED);

    const eagle_prove_result *r = result(&t, EAGLE_PROVE_PROGRAM);

    assert_string_equal(r->marginal, "0");
    assert_string_equal(r->tv, "15/16"); /* of 64 texts, 4 come */
    assert_string_equal(r->worst->got, "1/4");
    assert_string_equal(r->worst->want, "1/64");
    assert_int_equal(r->shortest->n_string, 2);
    assert_true(r->returning > 0);
    finish(&t);
}

/* The drafter says that its children were drawn from another law than they were. */
static eagle_status lied_to(eagle_path *path, const eagle_tree *tree, const eagle_rows *rows,
                            const eagle_sampling *sampling, const eagle_draws *draws,
                            eagle_error *err)
{
    uint64_t law[MAX_VOCAB];
    const uint64_t *laws[64] = {0};
    eagle_tree lie = *tree;

    if (tree->law != NULL && tree->law[0] != NULL) {
        for (int32_t i = 0; i < rows->vocab; i++) {
            law[i] = tree->law[0][i] > 0 ? 1 : 0;
        }
        memcpy(laws, tree->law, (size_t)tree->n_nodes * sizeof *laws);
        laws[0] = law;
        lie.law = laws;
    }
    return eagle_verify(path, &lie, rows, sampling, draws, err);
}

static void a_drafter_that_lies_about_its_law_is_refuted(void **state)
{
    (void)state;
    trial t;

    start(&t, &five, EAGLE_VERIFY_REJECTION);
    draft_static(&t, true);
    t.task.sampling.top_k = 3;
    t.how.program_length = 2;
    prove(&t);
    assert_proven(&t);
    eagle_proof_free(t.proof);
    t.task.verify = lied_to;
    prove(&t);
    assert_verdict(&t, EAGLE_PROVE_NODE, EAGLE_VERDICT_REFUTED);
    assert_verdict(&t, EAGLE_PROVE_ROUND, EAGLE_VERDICT_REFUTED);
    assert_verdict(&t, EAGLE_PROVE_CONTINUATION, EAGLE_VERDICT_REFUTED);
    assert_verdict(&t, EAGLE_PROVE_PROGRAM, EAGLE_VERDICT_REFUTED);
    finish(&t);
}

static void a_rule_that_claims_no_law_is_lossy(void **state)
{
    (void)state;
    trial t;

    start_rule(&t, &five, STALE_RESIDUAL);
    t.task.lossy = true;
    prove(&t);
    assert_verdict(&t, EAGLE_PROVE_ROUND, EAGLE_VERDICT_LOSSY);
    assert_int_equal(eagle_proof_verdict(t.proof), EAGLE_VERDICT_LOSSY);
    assert_int_equal(eagle_exit_code(eagle_verdict_status(EAGLE_VERDICT_LOSSY)), 9);
    finish(&t);
}

/* No token, a token that is none, a path that is none: said in words, without a probability. */
static int32_t nonsense;

static eagle_status babble(eagle_path *path, const eagle_tree *tree, const eagle_rows *rows,
                           const eagle_sampling *sampling, const eagle_draws *draws,
                           eagle_error *err)
{
    const eagle_status st = eagle_verify(path, tree, rows, sampling, draws, err);

    if (nonsense == 0) {
        path->n = 0;
    } else if (nonsense == 1) {
        path->token[0] = rows->vocab;
    } else {
        path->node[path->n - 1] = 1;
    }
    return st;
}

static void a_rule_that_emits_no_path_is_refuted_in_words(void **state)
{
    (void)state;
    for (nonsense = 0; nonsense < 3; nonsense++) {
        trial t;

        start(&t, &five, EAGLE_VERIFY_REJECTION);
        draft_static(&t, false);
        t.task.verify = babble;
        prove(&t);
        assert_verdict(&t, EAGLE_PROVE_ROUND, EAGLE_VERDICT_REFUTED);
        assert_verdict(&t, EAGLE_PROVE_PROGRAM, EAGLE_VERDICT_REFUTED);
        assert_non_null(result(&t, EAGLE_PROVE_ROUND)->reason);
        finish(&t);
    }
}

/* ---- what is asked --------------------------------------------------------------------------- */

/* Rounds after rounds are placed, not committed: that a commit leaves the same is another level. */
static void continuation_brings_state(void **state)
{
    (void)state;
    trial t;

    start(&t, &five, EAGLE_VERIFY_REJECTION);
    draft_static(&t, false);
    t.how.levels = 1U << EAGLE_PROVE_CONTINUATION;
    prove(&t);
    assert_verdict(&t, EAGLE_PROVE_CONTINUATION, EAGLE_VERDICT_PROVEN);
    assert_verdict(&t, EAGLE_PROVE_STATE, EAGLE_VERDICT_PROVEN);
    assert_false(result(&t, EAGLE_PROVE_ROUND)->asked);
    finish(&t);
}

static void nothing_is_proven_where_nothing_is_asked(void **state)
{
    (void)state;
    static const unsigned levels[] = {0, 1U << EAGLE_PROVE_LEVELS, 1U << 20 | 1U};
    trial t;

    start(&t, &five, EAGLE_VERIFY_COUPLED);
    for (size_t i = 0; i < sizeof levels / sizeof levels[0]; i++) {
        t.how.levels = levels[i];
        assert_int_equal(eagle_prove(&t.proof, &t.task, &t.how, NULL, NULL, NULL), EAGLE_EINVAL);
        assert_null(t.proof);
    }
    t.how.levels = ALL;
    t.how.program_length = -1;
    assert_int_equal(eagle_prove(&t.proof, &t.task, &t.how, NULL, NULL, NULL), EAGLE_EINVAL);
    finish(&t);
}

/* ---- a known case ---------------------------------------------------------------------------- */

/* p = (.6, .4), q = (.8, .2): the draft is q's arg max, not a draw from q, but the ratio has q in
 * it. What comes out is (3/4, 1/4): min(1, p/q) of token 0, and token 1 for the rest. */
static void a_greedy_draft_in_a_ratio_with_its_softmax_gives_three_quarters(void **state)
{
    (void)state;
    const uint64_t p[2] = {3, 2};
    const uint64_t q[2] = {4, 1};
    const int32_t child = 0;
    eg_enumeration *all = NULL;
    mpq_t law[2];
    mpq_t weight;

    assert_int_equal(eg_enumeration_create(&all, NULL), EAGLE_OK);
    mpq_inits(law[0], law[1], weight, NULL);
    do {
        const eagle_draws draws = eg_enumeration_draws(all);
        eagle_wide left[2];
        eg_drawn_node node = {
            .vocab = 2, .p = p, .q = q, .left = left, .child = &child, .n_child = 1, .pos = 4};
        int32_t hit = -1;
        const int32_t token = eg_verify_drawn(&hit, &node, &draws);

        eg_enumeration_weight(weight, all);
        mpq_add(law[token], law[token], weight);
    } while (eg_enumeration_next(all));
    assert_int_equal(mpq_cmp_ui(law[0], 3, 4), 0);
    assert_int_equal(mpq_cmp_ui(law[1], 1, 4), 0);
    mpq_clears(law[0], law[1], weight, NULL);
    eg_enumeration_free(all);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_primitives_are_exact),
        cmocka_unit_test(continuation_brings_state),
        cmocka_unit_test(nothing_is_proven_where_nothing_is_asked),
        cmocka_unit_test(twenty_random_networks_are_proven_at_every_level),
        cmocka_unit_test(the_whole_vocabulary_is_proven_without_filters),
        cmocka_unit_test(plain_decoding_is_proven_too),
        cmocka_unit_test(beyond_the_limit_nothing_is_proven),
        cmocka_unit_test(another_right_rule_is_proven),
        cmocka_unit_test(an_accept_coin_reused_for_the_residual_is_refuted),
        cmocka_unit_test(a_residual_that_keeps_refused_children_is_refuted),
        cmocka_unit_test(a_bonus_from_the_parents_row_is_refuted_behind_a_leaf),
        cmocka_unit_test(a_residual_without_the_filters_leaves_the_support),
        cmocka_unit_test(a_coin_reused_between_rounds_is_refuted_though_every_marginal_is_right),
        cmocka_unit_test(a_drafter_that_lies_about_its_law_is_refuted),
        cmocka_unit_test(a_rule_that_claims_no_law_is_lossy),
        cmocka_unit_test(a_rule_that_emits_no_path_is_refuted_in_words),
        cmocka_unit_test(a_greedy_draft_in_a_ratio_with_its_softmax_gives_three_quarters),
    };

    return cmocka_run_group_tests_name("levels of proof", tests, NULL, NULL);
}
