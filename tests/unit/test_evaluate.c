/* SPDX-License-Identifier: MIT */
/* test_evaluate.c - evaluations whose results are known beforehand: drafters that are always or
 * never right, a drafter that damages its session, intervals that can be enumerated. */
#include "draft/drafter.h"
#include "evaluate/bootstrap.h"
#include "support/lib_run.h"
#include "support/lib_toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 23, FIRST = 3, N_PROMPTS = 4, TOKENS = 25, CHAIN = 3 };

static const int32_t ids[N_PROMPTS][FIRST] = {{4, 9, 1}, {30, 2, 17}, {8, 8, 8}, {12, 39, 5}};
static eagle_prompt prompts[N_PROMPTS];
static toy *net;

static int set_up(void **state)
{
    (void)state;
    net = toy_create(&(toy_options){
        .seed = SEED, .dim = 16, .n_heads = 2, .n_kv_heads = 1, .ffn_dim = 24, .n_layers = 1});
    for (int32_t i = 0; i < N_PROMPTS; i++) {
        prompts[i] = (eagle_prompt){.token = ids[i], .n = FIRST};
    }
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    toy_free(net);
    return 0;
}

static eagle_evaluation_options options(void)
{
    eagle_evaluation_options opt;

    eagle_evaluation_defaults(&opt);
    opt.max_tokens = TOKENS;
    opt.ignore_end = true;
    opt.session.threads = 1;
    return opt;
}

/* Evaluates `n` drafters over the first `n_prompts` prompts; ends the test on an error. */
static eagle_evaluation *evaluate(const eagle_drafter *const *drafter, int32_t n, int32_t n_prompts,
                                  const eagle_evaluation_options *opt)
{
    const eagle_evaluation_task task = {.model = toy_model(net),
                                        .drafter = drafter,
                                        .n_drafters = n,
                                        .prompt = prompts,
                                        .n_prompts = n_prompts};
    eagle_evaluation *e = NULL;
    eagle_error err = {0};

    if (eagle_evaluate(&e, &task, opt, NULL, NULL, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    return e;
}

static eagle_drafter *dynamic(int32_t levels, int32_t width, int32_t nodes)
{
    eagle_drafter *drafter = NULL;

    assert_int_equal(eagle_drafter_dynamic(&drafter, toy_head(net), levels, width, nodes, NULL),
                     EAGLE_OK);
    return drafter;
}

static double tau(const eagle_evaluation *e, int32_t d)
{
    eagle_interval i;

    assert_int_equal(eagle_evaluation_acceptance(&i, e, d, NULL), EAGLE_OK);
    return i.mean;
}

/* ---- drafters of known worth ---------------------------------------------------------------- */

/* Chains of the CHAIN tokens that plain decoding will emit, for as many rounds as TOKENS need: the
 * first token comes from the prompt, CHAIN + 1 from each round. */
static eagle_rounds *all_right(const run_result *plain)
{
    static const int32_t parent[CHAIN] = {0, 1, 2};
    eagle_rounds *rounds = NULL;

    assert_int_equal(eagle_rounds_create(&rounds, NULL), EAGLE_OK);
    for (int32_t at = 0; at + CHAIN < plain->n; at += CHAIN + 1) {
        assert_int_equal(
            eagle_rounds_add(rounds, plain->token[at], plain->token + at + 1, parent, CHAIN, NULL),
            EAGLE_OK);
    }
    return rounds;
}

static run_result plain_of(int32_t p)
{
    run_plan plan = run_plan_for(toy_model(net), NULL, ids[p], FIRST, TOKENS);

    return run_generate(&plan);
}

static void a_drafter_that_is_always_right_brings_its_chain_and_one_more(void **state)
{
    (void)state;
    run_result plain = plain_of(0);
    eagle_rounds *rounds = all_right(&plain);
    eagle_drafter *drafter = NULL;
    eagle_evaluation_options opt = options();
    const int64_t n_rounds = (TOKENS - 1) / (CHAIN + 1);
    int64_t reached = 0;
    int64_t accepted = 0;

    opt.repeat = 3; /* the recording starts again with each */
    assert_int_equal(eagle_drafter_replay(&drafter, rounds, NULL), EAGLE_OK);
    eagle_evaluation *e = evaluate((const eagle_drafter *const[]){drafter}, 1, 1, &opt);
    const eagle_evaluated_prompt *p = eagle_evaluation_at(e, 0, 0);

    assert_true(tau(e, 0) == CHAIN + 1);
    assert_int_equal(p->rounds, n_rounds);
    assert_int_equal(p->drafted, n_rounds * CHAIN);
    assert_int_equal(p->accepted, n_rounds * CHAIN);
    assert_int_equal(p->n_output, TOKENS);
    assert_true(p->equal && p->first_difference == -1);
    for (int32_t d = 1; d <= CHAIN + 1; d++) {
        eagle_counts_at_depth(&reached, &accepted, eagle_evaluation_counts(e, 0), d);
        assert_int_equal(reached, d <= CHAIN ? n_rounds : 0);
        assert_int_equal(accepted, reached);
    }
    eagle_evaluation_free(e);
    eagle_drafter_free(drafter);
    eagle_rounds_free(rounds);
    run_free(&plain);
}

static void a_drafter_that_is_never_right_brings_one(void **state)
{
    (void)state;
    run_result plain = plain_of(0);
    int32_t token[FIRST + TOKENS];
    const eagle_future future = {.token = token, .n = FIRST + TOKENS};
    eagle_drafter *drafter = NULL;
    int64_t reached = 0;
    int64_t accepted = 0;

    memcpy(token, ids[0], sizeof ids[0]);
    memcpy(token + FIRST, plain.token, TOKENS * sizeof token[0]);
    assert_int_equal(eagle_drafter_fuzz(&drafter, SEED, 6,
                                        eagle_model_config(toy_model(net))->vocab, EAGLE_FUZZ_WRONG,
                                        &future, NULL),
                     EAGLE_OK);
    const eagle_evaluation_options opt = options();
    eagle_evaluation *e = evaluate((const eagle_drafter *const[]){drafter}, 1, 1, &opt);

    assert_true(tau(e, 0) == 1.0);
    assert_int_equal(eagle_evaluation_at(e, 0, 0)->rounds, TOKENS - 1);
    assert_true(eagle_evaluation_at(e, 0, 0)->drafted > 0);
    assert_true(eagle_evaluation_at(e, 0, 0)->equal);
    eagle_counts_at_depth(&reached, &accepted, eagle_evaluation_counts(e, 0), 1);
    assert_true(reached > 0 && reached < TOKENS - 1); /* some trees are their root alone */
    assert_int_equal(accepted, 0);
    eagle_evaluation_free(e);
    eagle_drafter_free(drafter);
    run_free(&plain);
}

/* ---- heads ---------------------------------------------------------------------------------- */

static void drafters_side_by_side_have_the_counts_of_each_alone(void **state)
{
    (void)state;
    eagle_drafter *drafter[] = {dynamic(4, 3, 6), dynamic(2, 8, 12)};

    for (int32_t t = 0; t < 2; t++) {
        eagle_evaluation_options opt = options();

        if (t == 1) {
            opt.session.sampling.temperature = 1.5f;
            opt.session.sampling.mode = EAGLE_VERIFY_COUPLED;
            opt.session.seed = SEED;
        }
        eagle_evaluation *e = evaluate((const eagle_drafter *const *)drafter, 2, N_PROMPTS, &opt);

        assert_true(eagle_evaluation_judged(e));
        for (int32_t d = 0; d < 2; d++) {
            int64_t accepted = 0;

            for (int32_t i = 0; i < N_PROMPTS; i++) {
                run_plan plan = run_plan_for(toy_model(net), drafter[d], ids[i], FIRST, TOKENS);
                const eagle_evaluated_prompt *p = eagle_evaluation_at(e, d, i);

                plan.options.sampling = opt.session.sampling;
                plan.options.seed = opt.session.seed;
                run_result alone = run_generate(&plan);

                assert_int_equal(p->rounds, alone.rounds);
                assert_int_equal(p->accepted, alone.accepted);
                assert_int_equal(p->drafted, alone.drafted);
                assert_int_equal(p->n_output, alone.n);
                assert_int_equal(p->n_plain, alone.n);
                assert_true(p->equal);
                accepted += p->accepted;
                run_free(&alone);
            }
            assert_int_equal(eagle_evaluation_counts(e, d)->accepted, accepted);
            assert_int_equal(eagle_evaluation_differences(e, d), 0);
        }
        eagle_evaluation_free(e);
    }
    eagle_drafter_free(drafter[0]);
    eagle_drafter_free(drafter[1]);
}

static void a_head_is_no_better_than_itself(void **state)
{
    (void)state;
    eagle_drafter *drafter = dynamic(4, 3, 6);
    const eagle_evaluation_options opt = options();
    eagle_evaluation *e =
        evaluate((const eagle_drafter *const[]){drafter, drafter}, 2, N_PROMPTS, &opt);
    eagle_interval alone;
    eagle_interval less;

    assert_int_equal(eagle_evaluation_acceptance(&alone, e, 0, NULL), EAGLE_OK);
    assert_true(alone.low < alone.high);
    /* The same prompts in every set: unpaired, the sets would differ. */
    assert_int_equal(eagle_evaluation_difference(&less, e, 0, 1, NULL), EAGLE_OK);
    assert_true(less.mean == 0.0 && less.low == 0.0 && less.high == 0.0);
    eagle_evaluation_free(e);
    eagle_drafter_free(drafter);
}

static void rejection_is_not_judged(void **state)
{
    (void)state;
    eagle_drafter *drafter = dynamic(3, 3, 5);
    eagle_evaluation_options opt = options();

    opt.session.sampling.temperature = 2.0f;
    opt.session.sampling.mode = EAGLE_VERIFY_REJECTION;
    eagle_evaluation *e = evaluate((const eagle_drafter *const[]){drafter}, 1, N_PROMPTS, &opt);

    assert_false(eagle_evaluation_judged(e));
    assert_int_equal(eagle_evaluation_differences(e, 0), 0);
    eagle_evaluation_free(e);
    eagle_drafter_free(drafter);
}

/* ---- what goes wrong ------------------------------------------------------------------------- */

#define SPOILT 4 /* the output token that the saboteur changes behind the session's back */

static void no_state(eg_drafting *drafting, const eagle_drafter *drafter,
                     const eg_draft_setup *setup, eg_arena *arena)
{
    (void)drafting;
    (void)drafter;
    (void)setup;
    (void)arena;
}

static int32_t replacement; /* -1: the token that follows in the vocabulary */
static int32_t spared;      /* chances to sabotage that are let go            */

/* Replaces the root, in the tree and in the session: all that follows is decided by other
 * logits. */
static eagle_status sabotage(eg_drafting *drafting, eagle_tree *tree, const eg_draft_input *input,
                             eagle_error *err)
{
    (void)drafting;
    (void)err;
    if (input->n - 1 == FIRST + SPOILT && spared-- <= 0) {
        int32_t *root = (int32_t *)&input->token[input->n - 1];

        *root = replacement >= 0 ? replacement
                                 : (*root + 1) % eagle_model_config(toy_model(net))->vocab;
        tree->token[0] = *root;
    }
    return EAGLE_OK;
}

static const eg_drafter_class saboteurs = {
    .state_size = sizeof(eg_drafting), .init = no_state, .propose = sabotage};

static void another_output_is_found_where_it_begins(void **state)
{
    (void)state;
    eagle_drafter saboteur = {.class = &saboteurs, .max_nodes = 1};
    eagle_drafter *honest = dynamic(3, 3, 5);
    const eagle_evaluation_options opt = options();

    replacement = -1;
    eagle_evaluation *e =
        evaluate((const eagle_drafter *const[]){honest, &saboteur}, 2, N_PROMPTS, &opt);

    assert_int_equal(eagle_evaluation_differences(e, 0), 0);
    assert_int_equal(eagle_evaluation_differences(e, 1), N_PROMPTS);
    for (int32_t i = 0; i < N_PROMPTS; i++) {
        assert_false(eagle_evaluation_at(e, 1, i)->equal);
        assert_int_equal(eagle_evaluation_at(e, 1, i)->first_difference, SPOILT + 1);
    }
    eagle_evaluation_free(e);
    eagle_drafter_free(honest);
}

/* A token other than the first prompt's output number SPOILT, in whose place it would be followed
 * by the same token as there. */
static int32_t understudy(const run_result *plain)
{
    int32_t token[FIRST + SPOILT + 1];

    memcpy(token, ids[0], sizeof ids[0]);
    memcpy(token + FIRST, plain->token, SPOILT * sizeof token[0]);
    for (int32_t x = 0; x < eagle_model_config(toy_model(net))->vocab; x++) {
        token[FIRST + SPOILT] = x;
        run_plan plan = run_plan_for(toy_model(net), NULL, token, FIRST + SPOILT + 1, 1);
        run_result next = run_generate(&plan);
        const bool same = next.token[0] == plain->token[SPOILT + 1];

        run_free(&next);
        if (same && x != plain->token[SPOILT]) {
            return x;
        }
    }
    fail_msg("every token is followed by another one");
    return -1;
}

static void a_repeat_that_differs_is_a_difference(void **state)
{
    (void)state;
    eagle_drafter saboteur = {.class = &saboteurs, .max_nodes = 1};
    eagle_evaluation_options opt = options();

    opt.repeat = 3;
    for (int32_t plain = 0; plain < 2; plain++) {
        replacement = -1;
        spared = 1;
        opt.plain = plain == 1;
        eagle_evaluation *e = evaluate((const eagle_drafter *const[]){&saboteur}, 1, 1, &opt);

        assert_int_equal(eagle_evaluation_at(e, 0, 0)->first_difference, SPOILT + 1);
        assert_int_equal(eagle_evaluation_differences(e, 0), 1);
        eagle_evaluation_free(e);
    }
    spared = 0;
}

static void an_equal_token_from_other_logits_is_a_difference(void **state)
{
    (void)state;
    eagle_drafter saboteur = {.class = &saboteurs, .max_nodes = 1};
    eagle_evaluation_options opt = options();
    run_result plain = plain_of(0);

    replacement = understudy(&plain);
    opt.max_tokens = SPOILT + 2;
    eagle_evaluation *e = evaluate((const eagle_drafter *const[]){&saboteur}, 1, 1, &opt);

    assert_int_equal(eagle_evaluation_at(e, 0, 0)->first_difference, SPOILT + 1);
    assert_int_equal(eagle_evaluation_differences(e, 0), 1);
    eagle_evaluation_free(e);
    run_free(&plain);
}

typedef struct {
    int32_t stop_at; /* complete prompts */
    int32_t calls;
} patience;

static bool while_patient(void *ctx, int32_t done, int32_t of)
{
    patience *p = ctx;

    assert_int_equal(of, N_PROMPTS);
    p->calls++;
    return done < p->stop_at;
}

static void an_interrupted_evaluation_keeps_the_complete_prompts(void **state)
{
    (void)state;
    eagle_drafter *drafter = dynamic(3, 3, 5);
    const eagle_drafter *const list[] = {drafter};
    const eagle_evaluation_options opt = options();
    const eagle_evaluation_task task = {.model = toy_model(net),
                                        .drafter = list,
                                        .n_drafters = 1,
                                        .prompt = prompts,
                                        .n_prompts = N_PROMPTS};
    patience p = {.stop_at = 2};
    eagle_evaluation *e = NULL;
    eagle_evaluation *whole = evaluate(list, 1, 2, &opt);

    assert_int_equal(eagle_evaluate(&e, &task, &opt, while_patient, &p, NULL), EAGLE_OK);
    assert_int_equal(eagle_evaluation_count(e), 2);
    assert_true(p.calls > 2);
    assert_true(tau(e, 0) == tau(whole, 0));
    eagle_evaluation_free(e);
    p = (patience){0};
    assert_int_equal(eagle_evaluate(&e, &task, &opt, while_patient, &p, NULL), EAGLE_OK);
    assert_int_equal(eagle_evaluation_count(e), 0);
    assert_true(tau(e, 0) == 0.0);
    eagle_evaluation_free(e);
    eagle_evaluation_free(whole);
    eagle_drafter_free(drafter);
}

static void what_cannot_be_evaluated_is_refused(void **state)
{
    (void)state;
    eagle_drafter *drafter = dynamic(3, 3, 5);
    const eagle_drafter *const list[] = {drafter};
    eagle_evaluation_task task = {.model = toy_model(net),
                                  .drafter = list,
                                  .n_drafters = 1,
                                  .prompt = prompts,
                                  .n_prompts = N_PROMPTS};
    eagle_evaluation_options opt = options();
    eagle_evaluation *e = NULL;
    eagle_error err = {0};

    opt.session.ctx = FIRST - 1;
    assert_int_equal(eagle_evaluate(&e, &task, &opt, NULL, NULL, &err), EAGLE_ELIMIT);
    assert_non_null(strstr(err.message, "a prompt of 3 tokens, but the context has 2"));
    assert_null(e);
    opt = options();
    opt.resamples = 0;
    assert_int_equal(eagle_evaluate(&e, &task, &opt, NULL, NULL, &err), EAGLE_EINVAL);
    opt = options();
    task.n_drafters = 0;
    assert_int_equal(eagle_evaluate(&e, &task, &opt, NULL, NULL, &err), EAGLE_EINVAL);
    eagle_drafter_free(drafter);
}

static void the_bill_is_that_of_all_sessions(void **state)
{
    (void)state;
    eagle_drafter *drafter = dynamic(3, 3, 5);
    const eagle_drafter *const list[] = {drafter};
    const eagle_evaluation_task task = {.model = toy_model(net),
                                        .drafter = list,
                                        .n_drafters = 1,
                                        .prompt = prompts,
                                        .n_prompts = N_PROMPTS};
    const eagle_evaluation_options opt = options();
    eagle_session_options how = opt.session;
    eagle_memory_bill plain;
    eagle_memory_bill spec;
    eagle_memory_bill both;

    assert_int_equal(eagle_evaluation_bill(&both, &how.ctx, &task, &opt, NULL), EAGLE_OK);
    assert_int_equal(how.ctx, FIRST + TOKENS + 5);
    assert_int_equal(eagle_session_bill(&plain, toy_model(net), NULL, &how, NULL), EAGLE_OK);
    how.max_nodes = 6;
    assert_int_equal(eagle_session_bill(&spec, toy_model(net), drafter, &how, NULL), EAGLE_OK);
    assert_int_equal(both.target_kv, plain.target_kv + spec.target_kv);
    assert_int_equal(both.head_kv, spec.head_kv);
    assert_int_equal(both.work, plain.work + spec.work);
    assert_int_equal(both.weights, spec.weights);
    eagle_drafter_free(drafter);
}

/* ---- generations ----------------------------------------------------------------------------- */

static void a_generation_may_be_left_at_any_token(void **state)
{
    (void)state;
    eagle_drafter *drafter = dynamic(4, 3, 6);

    for (int32_t n = 1; n <= 12; n++) {
        run_plan plan = run_plan_for(toy_model(net), drafter, ids[1], FIRST, n);
        run_result cut = run_generate(&plan);
        eagle_session *s = NULL;
        eagle_generation g;
        char digest[65];

        plan.options.ctx = FIRST + TOKENS + 6;
        assert_int_equal(eagle_session_create(&s, plan.model, drafter, &plan.options, NULL),
                         EAGLE_OK);
        assert_int_equal(eagle_generation_start(&g, s, &prompts[1], TOKENS, true, NULL), EAGLE_OK);
        while (g.finish == EAGLE_FINISH_NOT_YET) {
            assert_int_equal(eagle_generation_next(&g, NULL), EAGLE_OK);
            while (eagle_generation_take(&g)) {
                if (g.n == n) {
                    g.finish = EAGLE_FINISH_STOP;
                }
            }
        }
        eagle_generation_digest(digest, &g);
        assert_int_equal(g.n, n);
        assert_memory_equal(g.token, cut.token, (size_t)n * sizeof g.token[0]);
        assert_string_equal(digest, cut.digest);
        eagle_generation_free(&g);
        eagle_session_free(s);
        run_free(&cut);
    }
    eagle_drafter_free(drafter);
}

/* ---- intervals ------------------------------------------------------------------------------- */

static double sum_of_first(const eg_parts *sum)
{
    return sum->x[0];
}

static int by_value(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* All 4^4 sets of four prompts, equally likely. A set's figure is at most 10 with probability 5/256
 * = 0.0195 and at most 20 with 15/256 = 0.0586: the percentile 0.025 is 20. It is at least 170 with
 * 5/256 and at least 160 with 9/256 = 0.0352. With 100000 resamples the standard deviation of these
 * shares is 0.0004 to 0.0007: another percentile would be 12 of them away. */
static void the_interval_of_four_prompts_is_that_of_all_their_sets(void **state)
{
    (void)state;
    static const eg_parts part[4] = {{{0}}, {{10}}, {{20}}, {{50}}};
    double all[256];
    eagle_interval got;

    for (int32_t i = 0; i < 256; i++) {
        all[i] =
            part[i & 3].x[0] + part[i >> 2 & 3].x[0] + part[i >> 4 & 3].x[0] + part[i >> 6].x[0];
    }
    qsort(all, 256, sizeof all[0], by_value);
    assert_int_equal(eg_bootstrap(&got, sum_of_first, part, 4, 100000, SEED, NULL), EAGLE_OK);
    assert_true(got.mean == 80.0);
    assert_true(got.low == all[256 / 40]);
    assert_true(got.high == all[255 - 256 / 40]);
    assert_true(got.low == 20.0 && got.high == 160.0);
}

/* A set of three that is one prompt three times has probability 1/27 = 0.037, which is more than is
 * left out at an end. */
static void few_prompts_have_an_interval_from_the_least_to_the_most(void **state)
{
    (void)state;
    static const eg_parts part[3] = {{{5}}, {{7}}, {{4}}};

    for (int32_t n = 1; n <= 3; n++) {
        eagle_interval got;
        double least = part[0].x[0];
        double most = part[0].x[0];

        for (int32_t i = 1; i < n; i++) {
            least = part[i].x[0] < least ? part[i].x[0] : least;
            most = part[i].x[0] > most ? part[i].x[0] : most;
        }
        assert_int_equal(eg_bootstrap(&got, sum_of_first, part, n, 10000, SEED, NULL), EAGLE_OK);
        assert_true(got.low == n * least);
        assert_true(got.high == n * most);
    }
}

static void an_interval_is_a_function_of_the_seed(void **state)
{
    (void)state;
    enum { N = 50 };
    eg_parts part[N];
    eagle_interval got[3];
    uint64_t random = SEED;

    for (int32_t i = 0; i < N; i++) {
        part[i] = (eg_parts){{(double)(toy_random(&random) % 1000)}};
    }
    for (int32_t i = 0; i < 3; i++) {
        assert_int_equal(eg_bootstrap(&got[i], sum_of_first, part, N, 500, i < 2 ? 1 : 2, NULL),
                         EAGLE_OK);
    }
    assert_memory_equal(&got[0], &got[1], sizeof got[0]);
    assert_true(got[0].mean == got[2].mean);
    assert_true(got[0].low != got[2].low || got[0].high != got[2].high);
}

static void a_spread_is_the_median_and_what_a_tenth_lies_beyond(void **state)
{
    double odd[] = {3.0, 9.0, 1.0};
    double even[] = {8.0, 2.0, 4.0, 1.0};
    double many[20];

    (void)state;
    assert_true(eagle_spread_of(odd, 3).median == 3.0);
    assert_true(eagle_spread_of(odd, 3).low == 1.0 && eagle_spread_of(odd, 3).high == 9.0);
    assert_true(eagle_spread_of(even, 4).median == 3.0); /* of two, between them */
    for (int i = 0; i < 20; i++) {
        many[i] = 7 * i % 20;
    }
    const eagle_spread s = eagle_spread_of(many, 20);

    assert_true(s.median == 9.5 && s.low == 2.0 && s.high == 17.0);
    assert_true(eagle_spread_of(many, 0).median == 0.0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_drafter_that_is_always_right_brings_its_chain_and_one_more),
        cmocka_unit_test(a_drafter_that_is_never_right_brings_one),
        cmocka_unit_test(drafters_side_by_side_have_the_counts_of_each_alone),
        cmocka_unit_test(a_head_is_no_better_than_itself),
        cmocka_unit_test(rejection_is_not_judged),
        cmocka_unit_test(another_output_is_found_where_it_begins),
        cmocka_unit_test(a_repeat_that_differs_is_a_difference),
        cmocka_unit_test(an_equal_token_from_other_logits_is_a_difference),
        cmocka_unit_test(an_interrupted_evaluation_keeps_the_complete_prompts),
        cmocka_unit_test(what_cannot_be_evaluated_is_refused),
        cmocka_unit_test(the_bill_is_that_of_all_sessions),
        cmocka_unit_test(a_generation_may_be_left_at_any_token),
        cmocka_unit_test(the_interval_of_four_prompts_is_that_of_all_their_sets),
        cmocka_unit_test(few_prompts_have_an_interval_from_the_least_to_the_most),
        cmocka_unit_test(an_interval_is_a_function_of_the_seed),
        cmocka_unit_test(a_spread_is_the_median_and_what_a_tenth_lies_beyond),
    };

    return cmocka_run_group_tests_name("evaluate", tests, set_up, tear_down);
}
