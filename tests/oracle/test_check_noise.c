/* SPDX-License-Identifier: MIT */
/* test_check_noise.c - noise or bug: coupled runs of a seed, recorded draws and coins that are not
 * what the logits or the seed give, and how much more than rounding is too much. */
#include "base/alloc.h"
#include "check/claims.h"
#include "check/judge.h"
#include "sample/law.h"
#include "support/lib_judged.h"
#include "support/lib_planted.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* ---- coupled runs of a seed ------------------------------------------------------------------ */

enum { PROMPT = 4, TOKENS = 40, SEED = 9 };

/* A plain run of a seed on `t`, its logits beside it; `with_draws`: its draws too. */
typedef struct {
    toy *t;
    eagle_claims *claims;
    eg_claim *claim;
    eg_claim_round *round;
    eg_claim_draw *draw; /* [TOKENS] */
    float *logits;       /* [TOKENS, vocab] */
    int32_t *token;      /* [PROMPT + TOKENS] */
} coupled;

static void *take(coupled *c, size_t n, size_t size)
{
    void *p = eg_arena_take(&c->claim->arena, EG_FOR_WORK, n, size);

    assert_non_null(p);
    return p;
}

static void put_round(coupled *c, int32_t i, bool with_draws)
{
    static const int32_t none = -1;
    static const int32_t zero = 0;
    const int32_t vocab = toy_config(c->t, false)->vocab;
    eagle_tensor *t = take(c, 1, sizeof *t);
    int32_t *pos = take(c, 1, sizeof *pos);

    *t = (eagle_tensor){.dtype = EAGLE_F32,
                        .rank = 2,
                        .shape = {1, vocab},
                        .data = c->logits + (size_t)i * (size_t)vocab};
    *pos = PROMPT - 1 + i;
    c->round[i] = (eg_claim_round){.first = PROMPT + i,
                                   .n_nodes = 1,
                                   .n_verify = 1,
                                   .token = &c->token[PROMPT - 1 + i],
                                   .parent = &none,
                                   .depth = &zero,
                                   .pos = pos,
                                   .logits = t,
                                   .n_path = 1,
                                   .path_token = &c->token[PROMPT + i],
                                   .path_node = &none,
                                   .path_row = &zero,
                                   .n_draws = with_draws ? 1 : 0,
                                   .draw = &c->draw[i],
                                   .weighed = true};
}

/* Draws token i as coupled verification does, and writes the draw down. */
static void draw_token(coupled *c, const eagle_sampling *s, const float *logits, int32_t i)
{
    const int32_t vocab = toy_config(c->t, false)->vocab;
    eagle_philox philox = {.seed = SEED};
    const eagle_draws draws = eagle_philox_draws(&philox);
    const eagle_draw_key key = {EAGLE_DRAW_TARGET, PROMPT + i, 0};
    uint64_t w[64];
    int32_t order[64];
    uint64_t sum = 0;

    eg_law_make(w, order, logits, vocab, s);
    for (int32_t v = 0; v < vocab; v++) {
        sum += w[v];
    }
    c->token[PROMPT + i] = draws.pick(draws.ctx, key, w, vocab);
    c->draw[i] = (eg_claim_draw){.purpose = EAGLE_DRAW_TARGET,
                                 .pos = PROMPT + i,
                                 .answer = c->token[PROMPT + i],
                                 .num = {{w[c->token[PROMPT + i]]}},
                                 .den = {{sum}}};
}

static void start(coupled *c, float temperature, bool with_draws)
{
    static const int32_t prompt[PROMPT] = {1, 8, 5, 13};
    eagle_session_options opt;
    eagle_session *s = NULL;
    eagle_rows rows;

    *c = (coupled){.t = toy_create(&(toy_options){.seed = 21})};
    const size_t vocab = (size_t)toy_config(c->t, false)->vocab;

    c->claims = planted_claims();
    assert_int_equal(eg_claims_add(&c->claim, c->claims, "coupled", NULL), EAGLE_OK);
    c->round = take(c, TOKENS, sizeof *c->round);
    c->draw = take(c, TOKENS, sizeof *c->draw);
    c->logits = take(c, TOKENS * vocab, sizeof *c->logits);
    c->token = take(c, PROMPT + TOKENS, sizeof *c->token);
    memcpy(c->token, prompt, sizeof prompt);
    eagle_session_defaults(&opt);
    opt.threads = 1;
    opt.max_nodes = PROMPT;
    assert_int_equal(eagle_session_create(&s, toy_model(c->t), NULL, &opt, NULL), EAGLE_OK);
    c->claim->contract = eagle_contract();
    c->claim->has_sampling = true;
    c->claim->mode_known = true;
    eagle_sampling_defaults(&c->claim->sampling);
    c->claim->sampling.temperature = temperature;
    c->claim->sampling.mode = EAGLE_VERIFY_COUPLED;
    c->claim->has_seed = true;
    c->claim->seed = SEED;
    c->claim->n_prompt = PROMPT;
    c->claim->n = PROMPT + TOKENS;
    c->claim->token = c->token;
    c->claim->n_rounds = TOKENS;
    c->claim->round = c->round;
    for (int32_t i = 0; i < TOKENS; i++) {
        const int32_t n = i == 0 ? PROMPT : 1;

        assert_int_equal(
            eagle_session_feed(&rows, s, c->token + (i == 0 ? 0 : PROMPT - 1 + i), n, NULL),
            EAGLE_OK);
        memcpy(c->logits + (size_t)i * vocab, rows.logits + (size_t)(n - 1) * vocab,
               vocab * sizeof(float));
        draw_token(c, &c->claim->sampling, rows.logits + (size_t)(n - 1) * vocab, i);
        put_round(c, i, with_draws);
    }
    eagle_session_free(s);
}

static void end(coupled *c)
{
    eagle_claims_free(c->claims);
    toy_free(c->t);
}

static eagle_check_report *judge(const coupled *c)
{
    return judge_claims(c->t, c->claims, NULL, NULL);
}

static void the_tokens_of_a_seed_pass_with_and_without_their_draws(void **state)
{
    (void)state;
    for (int draws = 0; draws < 2; draws++) {
        coupled c;

        start(&c, 0.9f, draws == 1);
        eagle_check_report *report = judge(&c);

        assert_int_equal(eagle_check_verdict_of(report), EAGLE_CHECK_PASS);
        assert_verdict(report, "tokens", EAGLE_CHECK_PASS);
        assert_int_equal(line_of(report, "decisions")->n_judged, TOKENS);
        eagle_check_report_free(report);
        end(&c);
    }
}

static void the_tokens_of_another_seed_fail(void **state)
{
    (void)state;
    coupled c;

    start(&c, 0.9f, false);
    c.claim->seed = SEED + 1;
    eagle_check_report *report = judge(&c);

    assert_verdict(report, "tokens", EAGLE_CHECK_FAIL);
    eagle_check_report_free(report);

    c.claim->n_rounds = 0; /* without logits it is told by how far apart the two draws are */
    report = judge(&c);
    assert_verdict(report, "tokens", EAGLE_CHECK_FAIL);
    eagle_check_report_free(report);
    end(&c);
}

static void draws_that_are_not_the_seeds_are_found(void **state)
{
    (void)state;
    coupled c;

    start(&c, 0.9f, true);
    c.claim->seed = SEED + 1;
    eagle_check_report *report = judge(&c);

    assert_verdict(report, "draws", EAGLE_CHECK_FAIL);
    assert_non_null(strstr(line_of(report, "draws")->detail, "not those of seed 10"));
    eagle_check_report_free(report);
    end(&c);
}

static void draws_with_other_weights_than_the_logits_give_are_named(void **state)
{
    (void)state;
    coupled c;

    start(&c, 0.9f, true);
    c.claim->has_seed = false;
    c.claim->sampling.temperature = 1.0f; /* it says 1, and drew at 0.9 */
    eagle_check_report *report = judge(&c);

    assert_verdict(report, "decisions", EAGLE_CHECK_FAIL);
    assert_non_null(strstr(line_of(report, "decisions")->detail, "other weights"));
    assert_int_equal(line_of(report, "decisions")->n_failed, TOKENS);
    eagle_check_report_free(report);
    end(&c);
}

static void a_token_outside_of_top_k_is_no_sample(void **state)
{
    (void)state;
    coupled c;

    start(&c, 1.5f, false);
    c.claim->n_rounds = 0;
    c.claim->has_seed = false;
    c.claim->sampling.top_k = 2;
    eagle_check_report *report = judge(&c);

    assert_verdict(report, "support", EAGLE_CHECK_FAIL);
    assert_true(line_of(report, "support")->n_different > 0);
    assert_int_equal(line_of(report, "support")->n_judged, TOKENS);
    eagle_check_report_free(report);
    end(&c);
}

/* Log-probabilities of the drawn tokens, of the logits as they are or of what was drawn from; `off`
 * is added to that of token 7. */
static void put_log_probabilities(coupled *c, bool processed, float off)
{
    const int32_t vocab = toy_config(c->t, false)->vocab;
    float *log_p = take(c, TOKENS, sizeof *log_p);

    for (int32_t i = 0; i < TOKENS; i++) {
        const float *l = c->logits + (size_t)i * (size_t)vocab;
        const int32_t token = c->token[PROMPT + i];

        log_p[i] =
            processed
                ? (float)(log((double)c->draw[i].num.limb[0]) - log((double)c->draw[i].den.limb[0]))
                : (float)((double)l[token] - eg_log_sum(l, vocab));
    }
    log_p[7] += off;
    c->claim->logprob = log_p;
    c->claim->n_rounds = 0;
    c->claim->has_seed = false;
}

static void log_probabilities_before_or_after_the_temperature_pass(void **state)
{
    (void)state;
    for (int processed = 0; processed < 2; processed++) {
        for (int wrong = 0; wrong < 2; wrong++) {
            coupled c;

            start(&c, 0.6f, false);
            put_log_probabilities(&c, processed == 1, wrong == 1 ? 0.01f : 0.0f);
            eagle_check_report *report = judge(&c);
            const eagle_check_line *line = line_of(report, "log-probabilities");

            assert_int_equal(line->n_judged, TOKENS);
            assert_int_equal(line->n_failed, wrong);
            assert_true(line->n_different > 0 && line->n_different <= TOKENS);
            assert_int_equal(line->verdict, wrong == 1 ? EAGLE_CHECK_FAIL : EAGLE_CHECK_PASS);
            eagle_check_report_free(report);
            end(&c);
        }
    }
}

/* ---- what was not judged is no pass ---------------------------------------------------------- */

static void answers_that_nobody_saw_chance_give_are_inconclusive(void **state)
{
    (void)state;
    coupled c;

    start(&c, 0.9f, true);
    c.claim->has_seed = false;
    c.claim->sampling.mode = EAGLE_VERIFY_REJECTION;
    eagle_check_report *report = judge(&c);

    assert_verdict(report, "decisions", EAGLE_CHECK_INCONCLUSIVE);
    assert_non_null(strstr(line_of(report, "decisions")->detail, "check-samples"));
    assert_int_equal(eagle_check_status(report), EAGLE_EINCONCLUSIVE);
    eagle_check_report_free(report);
    end(&c);
}

static void a_run_that_says_itself_that_it_is_lossy_is_called_so_whatever_else_holds(void **state)
{
    (void)state;
    coupled c;

    start(&c, 0.9f, true);
    c.claim->lossy = true;
    eagle_check_report *report = judge(&c);

    assert_verdict(report, "declared", EAGLE_CHECK_LOSSY);
    assert_verdict(report, "tokens", EAGLE_CHECK_PASS);
    assert_int_equal(eagle_check_status(report), EAGLE_ELOSSY);
    assert_int_equal(eagle_exit_code(eagle_check_status(report)), 9);
    eagle_check_report_free(report);
    end(&c);
}

static void a_run_of_which_one_round_has_draws_is_inconclusive(void **state)
{
    (void)state;
    coupled c;

    start(&c, 0.9f, true);
    c.claim->has_seed = false;
    for (int32_t i = 1; i < TOKENS; i++) {
        c.round[i].n_draws = 0;
    }
    eagle_check_report *report = judge(&c);

    assert_verdict(report, "decisions", EAGLE_CHECK_INCONCLUSIVE);
    assert_non_null(strstr(line_of(report, "decisions")->detail, "1 of its 40 rounds"));
    eagle_check_report_free(report);
    end(&c);
}

/* ---- coins ----------------------------------------------------------------------------------- */

/* The same run by the rule "plain", token i drawn by coins[i]: the middle of its interval, but for
 * ids whose interval is empty. */
static double *put_coins(coupled *c)
{
    const int32_t vocab = toy_config(c->t, false)->vocab;
    double *coin = take(c, TOKENS, sizeof *coin);

    c->claim->has_seed = false;
    c->claim->contract = "";
    c->claim->rule = "plain";
    c->claim->sampling.mode = EAGLE_VERIFY_REJECTION;
    for (int32_t i = 0; i < TOKENS; i++) {
        const float *l = c->logits + (size_t)i * (size_t)vocab;
        uint64_t w[64];
        int32_t order[64];
        double low = 0.0;
        double sum = 0.0;

        eg_law_make(w, order, l, vocab, &c->claim->sampling);
        for (int32_t v = 0; v < vocab; v++) {
            sum += (double)w[v];
            low += v < c->token[PROMPT + i] ? (double)w[v] : 0.0;
        }
        coin[i] = (low + 0.5 * (double)w[c->token[PROMPT + i]]) / sum;
        c->round[i].coin = coin + i;
        c->round[i].weighed = false;
    }
    return coin;
}

static void a_token_without_its_coin_must_have_probability(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        coupled c;

        start(&c, 0.9f, true);
        c.claim->sampling.top_k = 2;
        put_coins(&c);
        c.draw[TOKENS - 1].purpose = EAGLE_DRAW_RESIDUAL; /* no coin of the last draw */
        const float *l = c.logits + (size_t)(TOKENS - 1) * (size_t)toy_config(c.t, false)->vocab;
        int32_t least = 0;
        int32_t most = 0;

        for (int32_t v = 1; v < toy_config(c.t, false)->vocab; v++) {
            least = l[v] < l[least] ? v : least;
            most = l[v] > l[most] ? v : most;
        }
        c.token[PROMPT + TOKENS - 1] = wrong == 1 ? least : most;
        eagle_check_report *report = judge(&c);
        const eagle_check_line *line = line_of(report, "decisions");
        const bool told = strstr(line->detail, "has no probability") != NULL || line->n_failed > 0;

        assert_true(line->verdict >= EAGLE_CHECK_INCONCLUSIVE);
        if (wrong == 1) {
            assert_true(told);
        }
        eagle_check_report_free(report);
        end(&c);
    }
}

static void a_coin_off_by_rounding_is_a_near_tie_and_a_coin_off_by_more_is_not(void **state)
{
    (void)state;
    for (int wrong = 0; wrong < 2; wrong++) {
        coupled c;

        start(&c, 0.9f, true);
        double *coin = put_coins(&c);
        const int32_t vocab = toy_config(c.t, false)->vocab;
        uint64_t w[64];
        int32_t order[64];
        double end_of = 0.0;
        double sum = 0.0;

        eg_law_make(w, order, c.logits, vocab, &c.claim->sampling);
        for (int32_t v = 0; v < vocab; v++) {
            sum += (double)w[v];
            end_of += v <= c.token[PROMPT] ? (double)w[v] : 0.0;
        }
        coin[0] = end_of / sum + (wrong == 1 ? 1e-3 : 1e-6);
        eagle_check_report *report = judge(&c);

        assert_int_equal(line_of(report, "decisions")->verdict,
                         wrong == 1 ? EAGLE_CHECK_FAIL : EAGLE_CHECK_NEAR_TIE);
        assert_int_equal(line_of(report, "decisions")->n_judged, TOKENS);
        eagle_check_report_free(report);
        end(&c);
    }
}

static void coins_that_are_not_uniform_fail(void **state)
{
    (void)state;
    coupled c;

    start(&c, 0.9f, true);
    double *coin = put_coins(&c);
    eagle_check_report *report = judge(&c);

    assert_verdict(report, "draws", EAGLE_CHECK_PASS);
    assert_verdict(report, "decisions", EAGLE_CHECK_PASS);
    eagle_check_report_free(report);
    for (int32_t i = 0; i < TOKENS; i++) {
        coin[i] = 0.8 + 0.001 * i;
    }
    report = judge(&c);
    assert_verdict(report, "draws", EAGLE_CHECK_FAIL);
    assert_non_null(strstr(line_of(report, "draws")->detail, "not uniform"));
    eagle_check_report_free(report);
    end(&c);
}

/* Of 39 neighbouring pairs of coins of 24 bits one is equal with probability 2.3e-6, two with
 * 3e-12; of coins of 53 bits none ever is. */
static void equal_coins_are_a_fault_where_chance_does_not_make_as_many(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        int32_t equal;
        eagle_check_verdict verdict;
    } cases[] = {{"plain", 0, EAGLE_CHECK_PASS},
                 {"plain", 1, EAGLE_CHECK_PASS},
                 {"plain", 2, EAGLE_CHECK_FAIL},
                 {"safeailab", 0, EAGLE_CHECK_PASS},
                 {"safeailab", 1, EAGLE_CHECK_FAIL}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        coupled c;

        start(&c, 0.9f, true);
        double *coin = put_coins(&c);

        c.claim->rule = cases[i].rule;
        for (int32_t k = 0; k < cases[i].equal; k++) {
            coin[10 * k + 5] = coin[10 * k + 4];
        }
        eagle_check_report *report = judge(&c);

        assert_verdict(report, "draws", cases[i].verdict);
        assert_int_equal(strstr(line_of(report, "draws")->detail,
                                "coins of the round before are used again") != NULL,
                         cases[i].verdict == EAGLE_CHECK_FAIL);
        eagle_check_report_free(report);
        end(&c);
    }
}

/* ---- faults that are smaller than one row shows ---------------------------------------------- */

static void a_logit_that_is_always_a_little_off_is_found_in_the_mean(void **state)
{
    (void)state;
    coupled c;

    start(&c, 0.9f, false);
    c.claim->dtype = EAGLE_BF16;
    const int32_t vocab = toy_config(c.t, false)->vocab;
    uint64_t random = 5;

    for (int32_t i = 0; i < TOKENS * vocab; i++) {
        c.logits[i] += 1e-3f * (float)((double)(toy_random(&random) >> 11) * 0x1p-53 - 0.5);
    }
    eagle_check_report *report = judge(&c);

    assert_verdict(report, "logits", EAGLE_CHECK_PASS);
    eagle_check_report_free(report);
    for (int32_t i = 0; i < TOKENS; i++) {
        c.logits[i * vocab + 7] += 1.5e-3f;
    }
    report = judge(&c);
    assert_verdict(report, "logits", EAGLE_CHECK_FAIL);
    assert_non_null(strstr(line_of(report, "logits")->detail, "token 7's logit is off by"));
    eagle_check_report_free(report);
    end(&c);
}

static void a_log_probability_that_contradicts_the_runs_own_logits_fails(void **state)
{
    (void)state;
    coupled c;

    start(&c, 0.6f, false);
    put_log_probabilities(&c, false, 0.01f);
    c.claim->n_rounds = TOKENS;
    c.claim->dtype = EAGLE_BF16; /* 0.01 is within what it allows of ours */
    eagle_check_report *report = judge(&c);

    assert_verdict(report, "log-probabilities", EAGLE_CHECK_FAIL);
    assert_non_null(strstr(line_of(report, "log-probabilities")->detail, "the run's own logits"));
    eagle_check_report_free(report);
    end(&c);
}

static void an_emitted_token_of_probability_zero_fails(void **state)
{
    (void)state;
    coupled c;

    start(&c, 0.6f, false);
    put_log_probabilities(&c, false, -INFINITY);
    eagle_check_report *report = judge(&c);

    assert_verdict(report, "log-probabilities", EAGLE_CHECK_FAIL);
    assert_non_null(strstr(line_of(report, "log-probabilities")->detail, "minus infinite"));
    assert_true(line_of(report, "log-probabilities")->n_different >= 1);
    eagle_check_report_free(report);
    end(&c);
}

/* ---- how much more than rounding ------------------------------------------------------------- */

/* The run's first token alone, at temperature 0, in bf16; returns what rounding may make of its
 * row. */
static double start_one(coupled *c)
{
    start(c, 0.9f, false);
    c->claim->n = PROMPT + 1;
    c->claim->n_rounds = 1;
    c->claim->has_seed = false;
    c->claim->contract = "";
    c->claim->dtype = EAGLE_BF16;
    c->claim->sampling.temperature = 0.0f;
    c->claim->sampling.mode = EAGLE_VERIFY_GREEDY;
    c->token[PROMPT] = 0;
    for (int32_t v = 1; v < toy_config(c->t, false)->vocab; v++) {
        c->token[PROMPT] = c->logits[v] > c->logits[c->token[PROMPT]] ? v : c->token[PROMPT];
    }
    eagle_check_report *report = judge(c);
    const double bound = eagle_check_figures_of(report)->bound_median;

    assert_int_equal(eagle_check_verdict_of(report), EAGLE_CHECK_PASS);
    eagle_check_report_free(report);
    return bound;
}

/* Of one judgement: the line's verdict, where one thing was counted as too much, or none. */
static void assert_judged(const coupled *c, const char *name, eagle_check_verdict verdict)
{
    eagle_check_report *report = judge(c);

    assert_verdict(report, name, verdict);
    assert_int_equal(line_of(report, name)->n_failed, verdict >= EAGLE_CHECK_INCONCLUSIVE);
    eagle_check_report_free(report);
}

static void a_row_beyond_its_bound_is_inconclusive_up_to_four_times_and_then_fails(void **state)
{
    (void)state;
    static const struct {
        double times;
        eagle_check_verdict verdict;
    } cases[] = {{0.95, EAGLE_CHECK_PASS},
                 {1.05, EAGLE_CHECK_INCONCLUSIVE},
                 {3.95, EAGLE_CHECK_INCONCLUSIVE},
                 {4.05, EAGLE_CHECK_FAIL}};
    coupled c;
    const double bound = start_one(&c);
    const int32_t v = c.token[PROMPT]; /* which stays the largest */
    const float right = c.logits[v];

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        c.logits[v] = right + (float)(2.0 * cases[i].times * bound); /* half of it is common */
        assert_judged(&c, "logits", cases[i].verdict);
    }
    end(&c);
}

/* With nothing but the token: two logits may err by the bound each. */
static void a_token_beyond_its_gap_is_inconclusive_up_to_four_times_and_then_fails(void **state)
{
    (void)state;
    coupled c;
    const double bound = start_one(&c);
    const double best = (double)c.logits[c.token[PROMPT]];
    int32_t seen[3] = {0};

    c.claim->n_rounds = 0;
    for (int32_t v = 0; v < toy_config(c.t, false)->vocab; v++) {
        const double times = (best - (double)c.logits[v]) / (2.0 * bound);

        if (times > 0.0) {
            const int32_t kind = times > 4.0 ? 2 : times > 1.0;

            c.token[PROMPT] = v;
            seen[kind]++;
            assert_judged(&c, "tokens",
                          kind == 2   ? EAGLE_CHECK_FAIL
                          : kind == 1 ? EAGLE_CHECK_INCONCLUSIVE
                                      : EAGLE_CHECK_NEAR_TIE);
        }
    }
    assert_true(seen[1] > 0 && seen[2] > 0); /* else this would show nothing of them */
    end(&c);
}

/* A row that is no number is said on the line of the logits; no law, and no excuse, comes of it. */
static void logits_that_are_no_numbers_fail_and_draw_nothing(void **state)
{
    (void)state;
    static const float none[] = {NAN, INFINITY, -INFINITY};
    coupled c;

    for (size_t i = 0; i < sizeof none / sizeof none[0]; i++) {
        for (int coins = 0; coins < 2; coins++) {
            start(&c, 0.9f, true);
            const int32_t vocab = toy_config(c.t, false)->vocab;

            if (coins == 1) {
                put_coins(&c);
            } else {
                put_log_probabilities(&c, false, 0.0f);
                c.claim->n_rounds = TOKENS;
                c.claim->has_seed = true;
            }
            for (int32_t v = 0; v < vocab; v++) {
                c.logits[5 * vocab + v] = v == 3 || i == 2 ? none[i] : c.logits[5 * vocab + v];
            }
            eagle_check_report *report = judge(&c);

            assert_verdict(report, "logits", EAGLE_CHECK_FAIL);
            assert_int_equal(line_of(report, "logits")->n_failed, 1);
            assert_verdict(report, "decisions", EAGLE_CHECK_FAIL);
            assert_int_equal(line_of(report, "decisions")->n_failed, 1);
            assert_non_null(strstr(line_of(report, "decisions")->detail,
                                   coins == 1 ? "nothing is left" : ": logit "));
            if (coins == 0) {
                assert_verdict(report, "tokens", EAGLE_CHECK_PASS); /* by our law alone */
                assert_verdict(report, "log-probabilities", EAGLE_CHECK_PASS);
            }
            eagle_check_report_free(report);
            end(&c);
        }
    }
}

/* ---- what is hostile, or does not fit -------------------------------------------------------- */

static void assert_refused(coupled *c, eagle_status code, const char *piece)
{
    eagle_check_report *report = NULL;
    eagle_check_options opt;
    eagle_error err = {0};

    eagle_check_defaults(&opt);
    opt.threads = 1;
    assert_int_equal(eagle_check(&report, toy_model(c->t), c->claims, NULL, &opt, &err), code);
    assert_null(report);
    assert_non_null(strstr(err.message, piece));
}

static void claims_that_cannot_be_judged_are_refused_by_name(void **state)
{
    (void)state;
    coupled c;

    start(&c, 0.9f, false);
    c.claim->vocab = 41;
    assert_refused(&c, EAGLE_EFIT, "a vocabulary of 41");
    c.claim->vocab = 0;
    c.claim->layers = 7;
    assert_refused(&c, EAGLE_EFIT, "7 layers");
    c.claim->layers = 0;
    c.round[3].n_nodes = 100000;
    assert_refused(&c, EAGLE_EFORMAT, "round 3 has 100000 nodes");
    c.round[3].n_nodes = 1;
    c.round[3].n_draws = 100;
    assert_refused(&c, EAGLE_EFORMAT, "100 draws");
    c.round[3].n_draws = 0;
    c.token[7] = 40;
    assert_refused(&c, EAGLE_EFIT, "token 40 at position 7");
    c.token[7] = 0;
    c.claim->rule = "nonsense";
    assert_refused(&c, EAGLE_EFORMAT, "no accept rule");
    end(&c);
}

static void rounds_that_do_not_follow_each_other_are_a_fault_and_no_crash(void **state)
{
    (void)state;
    static const int32_t first[] = {0, -5, PROMPT, PROMPT + 30, INT32_MAX};

    for (size_t i = 0; i < sizeof first / sizeof first[0]; i++) {
        coupled c;

        start(&c, 0.9f, true);
        c.round[5].first = first[i];
        eagle_check_report *report = judge(&c);

        assert_verdict(report, "structure", EAGLE_CHECK_FAIL);
        eagle_check_report_free(report);
        end(&c);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_tokens_of_a_seed_pass_with_and_without_their_draws),
        cmocka_unit_test(the_tokens_of_another_seed_fail),
        cmocka_unit_test(draws_that_are_not_the_seeds_are_found),
        cmocka_unit_test(draws_with_other_weights_than_the_logits_give_are_named),
        cmocka_unit_test(a_token_outside_of_top_k_is_no_sample),
        cmocka_unit_test(log_probabilities_before_or_after_the_temperature_pass),
        cmocka_unit_test(answers_that_nobody_saw_chance_give_are_inconclusive),
        cmocka_unit_test(a_run_that_says_itself_that_it_is_lossy_is_called_so_whatever_else_holds),
        cmocka_unit_test(a_run_of_which_one_round_has_draws_is_inconclusive),
        cmocka_unit_test(a_token_without_its_coin_must_have_probability),
        cmocka_unit_test(a_coin_off_by_rounding_is_a_near_tie_and_a_coin_off_by_more_is_not),
        cmocka_unit_test(coins_that_are_not_uniform_fail),
        cmocka_unit_test(equal_coins_are_a_fault_where_chance_does_not_make_as_many),
        cmocka_unit_test(a_logit_that_is_always_a_little_off_is_found_in_the_mean),
        cmocka_unit_test(a_log_probability_that_contradicts_the_runs_own_logits_fails),
        cmocka_unit_test(an_emitted_token_of_probability_zero_fails),
        cmocka_unit_test(a_row_beyond_its_bound_is_inconclusive_up_to_four_times_and_then_fails),
        cmocka_unit_test(a_token_beyond_its_gap_is_inconclusive_up_to_four_times_and_then_fails),
        cmocka_unit_test(logits_that_are_no_numbers_fail_and_draw_nothing),
        cmocka_unit_test(claims_that_cannot_be_judged_are_refused_by_name),
        cmocka_unit_test(rounds_that_do_not_follow_each_other_are_a_fault_and_no_crash),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
