/* SPDX-License-Identifier: MIT */
/* test_check_acceptance.c - how many drafted tokens are accepted: the law of that number by
 * enumeration, right runs of every mode over many seeds, and runs that accept too rarely or too
 * often. */
#include "check/acceptance.h"
#include "check/claims.h"
#include "model/model.h"
#include "prove/float_rules.h"
#include "sample/law.h"
#include "support/lib_judged.h"
#include "support/lib_odometer.h"
#include "support/lib_planted.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { VOCAB = 5, PROMPT = 5, CTX = 512, ROUNDS = 110, NODES = 6 };

static void *take(eg_claim *c, size_t n, size_t size)
{
    void *p = eg_arena_take(&c->arena, EG_FOR_WORK, n, size);

    assert_non_null(p);
    return p;
}

static const int32_t *copy(eg_claim *c, const int32_t *from, int32_t n)
{
    return memcpy(take(c, (size_t)n, sizeof *from), from, (size_t)n * sizeof *from);
}

static const eagle_tensor *logits_of(eg_claim *c, const float *from, int32_t n)
{
    const size_t size = (size_t)n * VOCAB * sizeof *from;
    eagle_tensor *t = take(c, 1, sizeof *t);

    *t = (eagle_tensor){.name = "logits",
                        .dtype = EAGLE_F32,
                        .rank = 2,
                        .shape = {n, VOCAB},
                        .data = memcpy(take(c, (size_t)n * VOCAB, sizeof *from), from, size),
                        .size = size};
    return t;
}

static void record(eg_claim *c, eg_claim_round *out, const eagle_tree *tree, const float *logits,
                   const eagle_path *path)
{
    const int32_t n = tree->n_nodes;
    int32_t *pos = take(c, (size_t)n, sizeof *pos);

    for (int32_t i = 0; i < n; i++) {
        pos[i] = tree->pos + tree->depth[i];
    }
    *out = (eg_claim_round){.first = tree->pos + 1,
                            .n_nodes = n,
                            .n_verify = n,
                            .token = copy(c, tree->token, n),
                            .parent = copy(c, tree->parent, n),
                            .depth = copy(c, tree->depth, n),
                            .pos = pos,
                            .logits = logits_of(c, logits, n),
                            .n_path = path->n,
                            .path_token = copy(c, path->token, path->n),
                            .path_node = copy(c, path->node, path->n),
                            .path_row = copy(c, path->row, path->n)};
    if (tree->law != NULL) {
        out->law = take(c, (size_t)n, sizeof *out->law);
        for (int32_t i = 0; i < n; i++) {
            if (tree->law[i] != NULL) {
                uint64_t *law = take(c, VOCAB, sizeof *law);

                memcpy(law, tree->law[i], VOCAB * sizeof *law);
                out->law[i] = law;
            }
        }
    }
}

/* ---- one round: the law by enumeration ------------------------------------------------------- */

/*      0 --+-- 1 --+-- 3 ---- 6
 *          |       +-- 4
 *          +-- 2 ---- 5                 */
static const int32_t parents[] = {-1, 0, 0, 1, 1, 2, 3};
static const int32_t tokens[] = {0, 3, 1, 2, 4, 0, 1};
enum { SMALL = sizeof parents / sizeof parents[0] };

typedef struct {
    toy *t;
    eagle_claims *claims;
    eg_claim *claim;
    eg_claim_round *round;
    eagle_tree *tree;
    float logits[SMALL * VOCAB];
    uint64_t weight[SMALL][VOCAB];
    eagle_path *path;
    int32_t text[PROMPT];
} small;

static void start_small(small *s, uint64_t seed, int32_t nodes, eagle_verify_mode mode)
{
    *s = (small){.t = toy_create(&(toy_options){.seed = 1, .vocab = VOCAB}),
                 .claims = planted_claims()};
    assert_int_equal(eg_claims_add(&s->claim, s->claims, "small", NULL), EAGLE_OK);
    assert_int_equal(eagle_tree_create(&s->tree, SMALL, NULL), EAGLE_OK);
    eagle_tree_reset(s->tree, tokens[0], 2);
    for (int32_t i = 1; i < nodes; i++) {
        assert_int_equal(eagle_tree_add(s->tree, parents[i], tokens[i], -1.0f), i);
    }
    for (int32_t i = 0; i < nodes * VOCAB; i++) {
        s->logits[i] = (float)(4.0 * toy_uniform(&seed) - 2.0);
        s->weight[i / VOCAB][i % VOCAB] = 1 + toy_random(&seed) % 100;
    }
    assert_int_equal(eagle_path_create(&s->path, SMALL, VOCAB, mode, NULL), EAGLE_OK);
    s->claim->n_prompt = 3;
    s->claim->n = PROMPT;
    s->claim->token = s->text;
    s->claim->level = 2;
    s->claim->has_sampling = true;
    s->claim->mode_known = true;
    s->claim->likeliest = true;
    s->claim->rule = "";
    eagle_sampling_defaults(&s->claim->sampling);
    s->claim->sampling.temperature = 0.8f;
    s->claim->sampling.mode = mode;
    s->claim->sampling.top_k = 4;
    s->claim->n_rounds = 1;
    s->round = take(s->claim, 1, sizeof *s->round);
    s->claim->round = s->round;
}

static void end_small(small *s)
{
    eagle_path_free(s->path);
    eagle_tree_free(s->tree);
    eagle_claims_free(s->claims);
    toy_free(s->t);
}

static double of_wide(const eagle_wide *w)
{
    double x = 0.0;

    for (int i = 4; i >= 0; i--) {
        x = x * 0x1p64 + (double)w->limb[i];
    }
    return x;
}

/* Mean and standard deviation of the number of accepted nodes, by all answers that chance may
 * give. */
static void enumerate(double *mean, double *deviation, small *s)
{
    const eagle_rows rows = {.n = s->tree->n_nodes, .vocab = VOCAB, .logits = s->logits};
    struct odometer all = {0};
    double second = 0.0;
    double whole = 0.0;

    *mean = 0.0;
    do {
        const eagle_draws draws = odometer_draws(&all);
        double weight = 1.0;

        assert_int_equal(eagle_verify(s->path, s->tree, &rows, &s->claim->sampling, &draws, NULL),
                         EAGLE_OK);
        for (int i = 0; i < all.n; i++) {
            weight *= of_wide(&all.step[i].num) / of_wide(&all.step[i].den);
        }
        whole += weight;
        *mean += weight * (s->path->n - 1);
        second += weight * (s->path->n - 1) * (s->path->n - 1);
    } while (odometer_next(&all));
    assert_true(fabs(whole - 1.0) < 1e-12);
    *deviation = sqrt(second - *mean * *mean);
}

/* What the judge says of the round; the path is the last one that was walked. */
static eagle_check_acceptance judged(small *s)
{
    record(s->claim, s->round, s->tree, s->logits, s->path);
    eagle_check_report *report = judge_claims(s->t, s->claims, NULL, NULL);
    const eagle_check_acceptance a = *eagle_check_acceptance_of(report);

    eagle_check_report_free(report);
    return a;
}

static void the_law_is_that_of_enumeration(void **state)
{
    (void)state;
    static const eagle_verify_mode mode[3] = {EAGLE_VERIFY_COUPLED, EAGLE_VERIFY_REJECTION,
                                              EAGLE_VERIFY_REJECTION};
    double sum = 0.0;

    for (uint64_t seed = 0; seed < 20; seed++) {
        for (int how = 0; how < 3; how++) {
            small s;
            double mean;
            double deviation;

            start_small(&s, seed, SMALL, mode[how]);
            for (int32_t i = 0; how == 2 && i < SMALL; i++) { /* drawn, where there are any */
                s.tree->law[i] = i < 4 ? s.weight[i] : NULL;
            }
            enumerate(&mean, &deviation, &s);
            const eagle_check_acceptance a = judged(&s);

            assert_int_equal(a.rounds, 1);
            assert_true(fabs(a.expected - mean) < 1e-10);
            assert_true(fabs(a.deviation - deviation) < 1e-10);
            sum += mean;
            end_small(&s);
        }
    }
    assert_true(sum > 60 * 0.3);
}

/* ---- rules in floats: one node --------------------------------------------------------------- */

/* Refuses every child, and multiplies the chances that this happens. */
typedef struct {
    double refused;
    double low; /* the one coin of all siblings is at least this, where there is but one */
    bool one_coin;
} refusals;

static eg_coin_answer refuse(void *ctx, eagle_draw_key key, const eg_coin_test *test)
{
    refusals *r = ctx;

    if (key.purpose != EAGLE_DRAW_ACCEPT) {
        return EG_COIN_YES;
    }
    const double low = r->one_coin ? r->low : 0.0;
    const double bound = fmin(fmax(test->bound, low), 1.0);

    r->refused *= (1.0 - bound) / (1.0 - low);
    r->low = bound;
    return EG_COIN_NO;
}

static void rules_in_floats_accept_as_often_as_is_said(void **state)
{
    (void)state;
    static const struct {
        const char *rule;
        bool drawn;
        int32_t children;
    } cases[] = {{"plain", false, 2},
                 {"plain", true, 2},
                 {"safeailab", false, 2},
                 {"safeailab", true, 2},
                 {"transformers", true, 1},
                 {"sglang-target-only", false, 2},
                 {"sglang-target-only", true, 2}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        small s;
        float q[3 * VOCAB] = {0};
        double p[VOCAB];
        double q_wide[VOCAB];
        double left[2 * VOCAB];
        uint64_t w[VOCAB];
        int32_t order[VOCAB];
        double sum = 0.0;
        double sum_q = 0.0;
        refusals r = {.refused = 1.0, .one_coin = cases[i].rule[1] == 'g'};
        const eg_coins coins = {.ask = refuse, .ctx = &r};
        eg_float_rule rule;

        start_small(&s, 3 + i, 1 + cases[i].children, EAGLE_VERIFY_REJECTION);
        s.claim->rule = cases[i].rule;
        eg_law_make(w, order, s.logits, VOCAB, &s.claim->sampling);
        for (int32_t v = 0; v < VOCAB; v++) {
            sum += (double)w[v];
            sum_q += (double)s.weight[0][v];
        }
        for (int32_t v = 0; v < VOCAB; v++) {
            p[v] = (double)w[v] / sum;
            q[v] = (float)((double)s.weight[0][v] / sum_q);
            q_wide[v] = (double)q[v];
        }
        const eg_float_node node = {.vocab = VOCAB,
                                    .p = p,
                                    .q = cases[i].drawn ? q_wide : NULL,
                                    .child = tokens + 1,
                                    .n_child = cases[i].children,
                                    .pos = 3};

        assert_true(eg_float_rule_named(&rule, cases[i].rule));
        rule.wide = true;
        assert_int_equal(eg_float_rule_node(&rule, &node, left, &coins).hit, -1);
        s.path->n = 1;
        s.path->token[0] = 0;
        s.path->node[0] = -1;
        s.path->row[0] = 0;
        record(s.claim, s.round, s.tree, s.logits, s.path);
        if (cases[i].drawn) {
            eagle_tensor *t = take(s.claim, 1, sizeof *t);

            *t = *s.round->logits;
            t->data = q;
            s.round->prob = t;
        }
        eagle_check_report *report = judge_claims(s.t, s.claims, NULL, NULL);
        const eagle_check_acceptance *a = eagle_check_acceptance_of(report);

        assert_int_equal(a->rounds, 1);
        assert_true(fabs(a->expected - (1.0 - r.refused)) < 1e-6);
        eagle_check_report_free(report);
        end_small(&s);
    }
}

static void little_that_is_accepted_by_chance_is_no_finding(void **state)
{
    (void)state;
    static const int32_t parent[] = {-1, 0};
    static const int32_t depth[] = {0, 1};
    const eg_claim_round round = {.n_nodes = 2, .n_verify = 2, .parent = parent, .depth = depth};
    const double chance[2] = {0.0, 1e-4};
    double scratch[4];
    eg_acceptance a = {0};

    for (int i = 0; i < 100; i++) {
        eg_acceptance_add(&a, &round, chance, scratch, i == 7);
    }
    const double z = ((double)a.accepted - a.mean) / sqrt(a.variance);

    assert_true(z > 9.0); /* which no normal number is, and one run of a hundred has */
    assert_true(eg_acceptance_tail(&a, 1.0) > 0.01);
    assert_true(eg_acceptance_tail(&a, 12.0) < 1e-6);
}

/* ---- runs ------------------------------------------------------------------------------------ */

typedef enum { RIGHT, LAST_REFUSED, FIRST_TAKEN } manner;

typedef struct {
    toy *t;
    eagle_claims *claims;
    eagle_drafter *drafter;
} runs;

/* Draws the target's token at each node, and goes on where it is a child: but for the last one of
 * several, or from the first whatever was drawn. */
static void walk_wrongly(eagle_path *path, manner how, const eagle_tree *tree, const float *logits,
                         const eagle_sampling *sampling, const eagle_draws *draws)
{
    int32_t node = 0;

    path->n = 0;
    while (node >= 0) {
        const eagle_draw_key key = {EAGLE_DRAW_TARGET, tree->pos + tree->depth[node] + 1, 0};
        uint64_t w[VOCAB];
        int32_t order[VOCAB];

        eg_law_make(w, order, logits + (size_t)node * VOCAB, VOCAB, sampling);
        int32_t token = draws->pick(draws->ctx, key, w, VOCAB);
        const int32_t first = eagle_tree_next_child(tree, node, 0);
        int32_t child = eagle_tree_child(tree, node, token);

        if (how == FIRST_TAKEN && first >= 0) {
            child = first;
            token = tree->token[first];
        }
        if (how == LAST_REFUSED && child > first && eagle_tree_next_child(tree, node, child) < 0) {
            child = -1;
        }
        path->row[path->n] = node;
        path->token[path->n] = token;
        path->node[path->n++] = child;
        node = child;
    }
}

static runs start(bool drawn)
{
    static const int32_t rank[] = {0, 1, 0, 0, 0, 1};
    static const int32_t length[] = {1, 1, 2, 2};
    runs r = {.t = toy_create(&(toy_options){.seed = 2, .vocab = VOCAB}),
              .claims = planted_claims()};
    eagle_shape *shape = NULL;

    if (drawn) {
        assert_int_equal(eagle_shape_create(&shape, rank, length, 4, NULL), EAGLE_OK);
        assert_int_equal(eagle_drafter_static(&r.drafter, toy_head(r.t), shape, true, NULL),
                         EAGLE_OK);
        eagle_shape_free(shape);
    } else {
        assert_int_equal(eagle_drafter_dynamic(&r.drafter, toy_head(r.t), 3, 2, NODES - 1, NULL),
                         EAGLE_OK);
    }
    return r;
}

static void end(runs *r)
{
    eagle_drafter_free(r->drafter);
    eagle_claims_free(r->claims);
    toy_free(r->t);
}

/* Adds a run of so many rounds to the claims. */
static void run(runs *r, manner how, eagle_verify_mode mode, uint64_t seed)
{
    static const int32_t prompt[PROMPT] = {1, 3, 0, 2, 3};
    eagle_session_options opt;
    eagle_session *s = NULL;
    eg_claim *c = NULL;

    assert_int_equal(eg_claims_add(&c, r->claims, "run", NULL), EAGLE_OK);
    eg_claim_round *round = take(c, ROUNDS, sizeof *round);

    eagle_session_defaults(&opt);
    opt.ctx = CTX;
    opt.threads = 1;
    opt.max_nodes = NODES;
    opt.seed = seed;
    opt.sampling.temperature = 0.9f;
    opt.sampling.mode = mode;
    assert_int_equal(eagle_session_create(&s, toy_model(r->t), r->drafter, &opt, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(NULL, s, prompt, PROMPT, NULL), EAGLE_OK);
    for (int32_t i = 0; i < ROUNDS; i++) {
        eagle_path *path = eagle_session_path(s);
        const eagle_draws *draws = eagle_session_draws(s);
        const eagle_tree *tree;
        eagle_rows rows;

        assert_int_equal(eagle_session_draft(&tree, s, draws, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_score(&rows, s, tree, NULL), EAGLE_OK);
        if (how == RIGHT) {
            assert_int_equal(eagle_verify(path, tree, &rows, &opt.sampling, draws, NULL), EAGLE_OK);
        } else {
            walk_wrongly(path, how, tree, rows.logits, &opt.sampling, draws);
        }
        record(c, &round[i], tree, rows.logits, path);
        assert_int_equal(eagle_session_commit(s, path, NULL), EAGLE_OK);
    }
    c->n_prompt = PROMPT;
    c->n = eagle_session_length(s);
    c->token = copy(c, eagle_session_tokens(s), c->n);
    c->level = 2;
    c->has_sampling = true;
    c->mode_known = true;
    c->sampling = opt.sampling;
    c->likeliest = !eagle_drafter_drawn(r->drafter);
    c->drawn = !c->likeliest;
    c->rule = "";
    c->contract = how == RIGHT ? eagle_contract() : "";
    c->has_seed = how == RIGHT;
    c->seed = seed;
    c->n_rounds = ROUNDS;
    c->round = round;
    eagle_session_free(s);
}

/* z is of mean 0 and variance 1 where the law is right. */
static void assert_right(bool drawn, eagle_verify_mode mode)
{
    enum { SEEDS = 60 };
    double sum = 0.0;
    double squares = 0.0;

    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        runs r = start(drawn);

        run(&r, RIGHT, mode, seed);
        eagle_check_report *report = judge_claims(r.t, r.claims, NULL, NULL);
        const eagle_check_acceptance *a = eagle_check_acceptance_of(report);

        assert_int_equal(eagle_check_verdict_of(report), EAGLE_CHECK_PASS);
        assert_true(line_of(report, "acceptance")->verdict <= EAGLE_CHECK_PASS);
        assert_int_equal(a->rounds, ROUNDS - 1); /* all but the prefill's */
        assert_true(a->p > 1e-3 && a->accepted > 0.1);
        sum += a->z;
        squares += a->z * a->z;
        eagle_check_report_free(report);
        end(&r);
    }
    print_message("# z: mean %.2f, mean square %.2f\n", sum / SEEDS, squares / SEEDS);
    assert_true(fabs(sum) < 4.0 * sqrt(SEEDS));
    assert_true(squares > 0.4 * SEEDS && squares < 1.9 * SEEDS);
}

static void coupled_runs_pass(void **state)
{
    (void)state;
    assert_right(false, EAGLE_VERIFY_COUPLED);
}

static void runs_by_rejection_pass(void **state)
{
    (void)state;
    assert_right(false, EAGLE_VERIFY_REJECTION);
}

static void runs_with_drawn_children_pass(void **state)
{
    (void)state;
    assert_right(true, EAGLE_VERIFY_REJECTION);
}

/* Judges so many runs at once. */
static eagle_check_report *judge_many(runs *r, manner how, int32_t n, bool strict)
{
    eagle_check_options opt;

    for (int32_t i = 0; i < n; i++) {
        run(r, how, EAGLE_VERIFY_COUPLED, 1000 + (uint64_t)i);
    }
    eagle_check_defaults(&opt);
    opt.threads = 1;
    opt.strict_draft = strict;
    eagle_check_report *report = judge_claims(r->t, r->claims, NULL, &opt);
    const eagle_check_acceptance *a = eagle_check_acceptance_of(report);

    print_message("# %d rounds: %.3f a round, %.3f expected, z %.1f, p %.1g, least loss %.3f\n",
                  (int)a->rounds, a->accepted, a->expected, a->z, a->p, a->least_loss);
    return report;
}

static void a_last_child_that_is_never_accepted_is_found(void **state)
{
    (void)state;
    for (int strict = 0; strict < 2; strict++) {
        runs r = start(false);
        eagle_check_report *report = judge_many(&r, LAST_REFUSED, 12, strict == 1);
        const eagle_check_line *line = line_of(report, "acceptance");

        assert_verdict(report, "acceptance", EAGLE_CHECK_DRAFT_DIFF);
        assert_non_null(strstr(line->detail, "draft efficiency"));
        assert_int_equal(line->n_failed, 0);
        assert_verdict(report, "support", EAGLE_CHECK_PASS);
        assert_int_equal(eagle_check_verdict_of(report) == EAGLE_CHECK_FAIL, strict);
        eagle_check_report_free(report);
        end(&r);
    }
}

static void a_first_child_that_is_always_accepted_fails(void **state)
{
    (void)state;
    runs r = start(false);
    eagle_check_report *report = judge_many(&r, FIRST_TAKEN, 4, false);

    assert_verdict(report, "acceptance", EAGLE_CHECK_FAIL);
    assert_non_null(strstr(line_of(report, "acceptance")->detail, "another law"));
    assert_int_equal(eagle_check_verdict_of(report), EAGLE_CHECK_FAIL);
    eagle_check_report_free(report);
    end(&r);
}

/* Chances of a round of likeliest children. */
static void chances_of(double *chance, const eg_claim_round *round, const eagle_sampling *sampling)
{
    for (int32_t n = 1; n < round->n_verify; n++) {
        const float *row = (const float *)round->logits->data + (size_t)round->parent[n] * VOCAB;
        uint64_t w[VOCAB];
        int32_t order[VOCAB];
        double sum = 0.0;

        eg_law_make(w, order, row, VOCAB, sampling);
        for (int32_t v = 0; v < VOCAB; v++) {
            sum += (double)w[v];
        }
        chance[n] = (double)w[round->token[n]] / sum;
    }
}

/* A walk by chance; with probability `loss` it accepts nothing. */
static int32_t walk_lossily(const eg_claim_round *round, const double *chance, double loss,
                            uint64_t *random)
{
    int32_t node = toy_uniform(random) < loss ? round->n_verify : 0;
    int32_t accepted = 0;
    double u = toy_uniform(random);

    for (int32_t n = node + 1; n < round->n_verify; n++) {
        if (round->parent[n] == node) {
            u -= chance[n];
            if (u < 0.0) {
                node = n;
                accepted++;
                u = toy_uniform(random);
            }
        }
    }
    return accepted;
}

/* How many of 500 sets of runs that accept so much less are significant. */
static int losses_found(const runs *r, double loss)
{
    uint64_t random = 5;
    eg_acceptance laws = {0}; /* the same for every trial */
    int found = 0;

    for (int trial = 0; trial < 500; trial++) {
        int32_t accepted = 0;

        for (int32_t k = 0; k < r->claims->n; k++) {
            const eg_claim *c = r->claims->claim[k];

            for (int32_t i = 1; i < ROUNDS; i++) {
                double chance[NODES] = {0};
                double scratch[2 * NODES];

                chances_of(chance, &c->round[i], &c->sampling);
                accepted += walk_lossily(&c->round[i], chance, loss, &random);
                if (trial == 0) {
                    eg_acceptance_add(&laws, &c->round[i], chance, scratch, 0);
                }
            }
        }
        found += eg_acceptance_tail(&laws, (double)accepted) < 1e-6;
    }
    return found;
}

static void a_loss_of_the_size_that_is_said_is_found(void **state)
{
    (void)state;
    runs r = start(false);
    eagle_check_report *report = judge_many(&r, RIGHT, 12, false);
    const double loss = eagle_check_acceptance_of(report)->least_loss;

    assert_verdict(report, "acceptance", EAGLE_CHECK_PASS);
    assert_true(loss > 0.1 && loss < 0.5);
    const int found[3] = {losses_found(&r, loss), losses_found(&r, 0.5 * loss),
                          losses_found(&r, 0.0)};

    print_message("# a loss of %.3f: found %d times of 500; of half of it %d; none %d\n", loss,
                  found[0], found[1], found[2]);
    assert_in_range(found[0], 490, 500);
    assert_in_range(found[1], 0, 250);
    assert_int_equal(found[2], 0);
    eagle_check_report_free(report);
    end(&r);
}

/* ---- what is left out, and temperature 0 ----------------------------------------------------- */

static void what_cannot_be_known_is_left_out(void **state)
{
    (void)state;
    static const char *const why[] = {"topk", "ends within it", "changes the law", "not known"};

    for (int i = 0; i < 4; i++) {
        runs r = start(false);

        run(&r, RIGHT, i == 1 ? EAGLE_VERIFY_COUPLED : EAGLE_VERIFY_REJECTION, 3);
        eg_claim *c = r.claims->claim[0];
        eg_claim_round *last = (eg_claim_round *)(uintptr_t)&c->round[ROUNDS - 1];
        int32_t *token = (int32_t *)(uintptr_t)last->path_token;

        c->likeliest = i != 0;
        c->lossy = i == 2;
        c->mode_known = i != 3;
        if (i == 1) { /* as if the output had been cut before the first child */
            last->n_path = 1;
            ((int32_t *)(uintptr_t)last->path_node)[0] = -1;
            token[0] = last->token[1];
        }
        eagle_check_report *report = judge_claims(r.t, r.claims, NULL, NULL);
        const eagle_check_acceptance *a = eagle_check_acceptance_of(report);

        assert_int_equal(a->rounds, i == 1 ? ROUNDS - 2 : 0);
        assert_int_equal(a->left_out, i == 1 ? 1 : ROUNDS - 1);
        assert_non_null(strstr(line_of(report, "acceptance")->text, why[i]));
        assert_true(line_of(report, "acceptance")->verdict <= EAGLE_CHECK_PASS);
        eagle_check_report_free(report);
        end(&r);
    }
}

/* A greedy run, one round of which is changed: its child is not taken, or the target's token is
 * none. */
static void assert_greedy(bool fewer, bool more, eagle_check_verdict verdict)
{
    toy *t = toy_create(&(toy_options){.seed = 3});
    eagle_claims *claims = planted_claims();

    planted_run(claims, t, &(planted_options){.rounds = 6});
    eg_claim_round *round = (eg_claim_round *)(uintptr_t)&claims->claim[0]->round[3];

    assert_true(round->n_path > 1);
    if (fewer) {
        round->n_path = 1;
        ((int32_t *)(uintptr_t)round->path_node)[0] = -1;
    }
    if (more) {
        float *row = (float *)(uintptr_t)round->logits->data;
        int32_t free_token = 0;

        while (free_token == round->token[1] || free_token == round->token[2]) {
            free_token++;
        }
        row[free_token] = 100.0f;
    }
    eagle_check_report *report = judge_claims(t, claims, NULL, NULL);
    const eagle_check_line *line = line_of(report, "acceptance");

    assert_verdict(report, "acceptance", verdict);
    assert_int_equal(line->n_judged, 5);
    assert_int_equal(line->n_different, fewer + more);
    eagle_check_report_free(report);
    eagle_claims_free(claims);
    toy_free(t);
}

static void at_temperature_0_every_round_counts(void **state)
{
    (void)state;
    assert_greedy(false, false, EAGLE_CHECK_PASS);
    assert_greedy(true, false, EAGLE_CHECK_DRAFT_DIFF);
    assert_greedy(false, true, EAGLE_CHECK_FAIL);
}

static void our_rows_serve_where_none_were_recorded(void **state)
{
    (void)state;
    runs r = start(false);
    eagle_check_acceptance a[2];

    run(&r, RIGHT, EAGLE_VERIFY_REJECTION, 4);
    for (int i = 0; i < 2; i++) {
        eagle_check_report *report = judge_claims(r.t, r.claims, NULL, NULL);

        a[i] = *eagle_check_acceptance_of(report);
        eagle_check_report_free(report);
        for (int32_t k = 0; k < ROUNDS; k++) {
            ((eg_claim_round *)(uintptr_t)&r.claims->claim[0]->round[k])->logits = NULL;
        }
    }
    assert_memory_equal(&a[0], &a[1], sizeof a[0]);
    end(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_law_is_that_of_enumeration),
        cmocka_unit_test(rules_in_floats_accept_as_often_as_is_said),
        cmocka_unit_test(little_that_is_accepted_by_chance_is_no_finding),
        cmocka_unit_test(coupled_runs_pass),
        cmocka_unit_test(runs_by_rejection_pass),
        cmocka_unit_test(runs_with_drawn_children_pass),
        cmocka_unit_test(a_last_child_that_is_never_accepted_is_found),
        cmocka_unit_test(a_first_child_that_is_always_accepted_fails),
        cmocka_unit_test(a_loss_of_the_size_that_is_said_is_found),
        cmocka_unit_test(what_cannot_be_known_is_left_out),
        cmocka_unit_test(at_temperature_0_every_round_counts),
        cmocka_unit_test(our_rows_serve_where_none_were_recorded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
