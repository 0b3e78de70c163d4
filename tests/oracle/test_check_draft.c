/* SPDX-License-Identifier: MIT */
/* test_check_draft.c - the draft side of check: scores of a head that was led wrongly differ from
 * our head's, and it is said what they are; tokens, logits and decisions stay what they were. */
#include "base/alloc.h"
#include "check/claims.h"
#include "head/extrapolator.h"
#include "model/model.h"
#include "support/lib_judged.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { PROMPT = 5, CTX = 128, ROUNDS = 12, NODES = 6 };

/* A run of ours with the toy's head, its features beside it. */
typedef struct {
    toy *t;
    eagle_claims *claims;
    eg_claim *claim;
    eg_claim_round *round; /* [ROUNDS] */
    float *feature;        /* [CTX, dim] of the tokens */
    int32_t token[CTX];
    int32_t n;
    bool accepted[CTX];
} run;

static void *take(run *r, size_t n, size_t size)
{
    void *p = eg_arena_take(&r->claim->arena, EG_FOR_WORK, n, size);

    assert_non_null(p);
    return p;
}

static const int32_t *copy(run *r, const int32_t *from, int32_t n)
{
    return memcpy(take(r, (size_t)n, sizeof *from), from, (size_t)n * sizeof *from);
}

static void keep_features(run *r, const float *from, int32_t pos)
{
    const size_t dim = (size_t)toy_config(r->t, false)->dim;

    memcpy(r->feature + (size_t)pos * dim, from, dim * sizeof(float));
}

static void record(run *r, eg_claim_round *out, const eagle_tree *tree, const eagle_rows *rows,
                   const eagle_path *path)
{
    const int32_t n = tree->n_nodes;
    int32_t *pos = take(r, (size_t)n, sizeof *pos);
    float *score = take(r, (size_t)n, sizeof *score);

    for (int32_t i = 0; i < n; i++) {
        pos[i] = tree->pos + tree->depth[i];
        score[i] = tree->score[i];
    }
    *out = (eg_claim_round){.first = tree->pos + 1,
                            .n_nodes = n,
                            .n_verify = n,
                            .token = copy(r, tree->token, n),
                            .parent = copy(r, tree->parent, n),
                            .depth = copy(r, tree->depth, n),
                            .pos = pos,
                            .score = score,
                            .n_path = path->n,
                            .path_token = copy(r, path->token, path->n),
                            .path_node = copy(r, path->node, path->n),
                            .path_row = copy(r, path->row, path->n)};
    for (int32_t i = 0; i < path->n; i++) {
        keep_features(r, rows->features + (size_t)path->row[i] * (size_t)rows->dim, tree->pos + i);
        r->accepted[tree->pos + 1 + i] = path->node[i] > 0;
    }
}

static void rounds_of(run *r, eagle_session *s)
{
    const eagle_tree *tree;
    eagle_rows rows;

    for (int32_t i = 0; i < ROUNDS; i++) {
        assert_int_equal(eagle_session_draft(&tree, s, NULL, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_score(&rows, s, tree, NULL), EAGLE_OK);
        assert_int_equal(
            eagle_verify(eagle_session_path(s), tree, &rows, eagle_session_sampling(s), NULL, NULL),
            EAGLE_OK);
        record(r, &r->round[i], tree, &rows, eagle_session_path(s));
        assert_int_equal(eagle_session_commit(s, eagle_session_path(s), NULL), EAGLE_OK);
    }
}

/* A toy of two tokens that matter is drafted rightly often enough. */
static void start(run *r, uint64_t seed)
{
    static const int32_t prompt[PROMPT] = {1, 3, 0, 2, 3};
    eagle_session_options opt;
    eagle_drafter *drafter = NULL;
    eagle_session *s = NULL;
    eagle_rows rows;

    *r = (run){.t = toy_create(&(toy_options){.seed = seed, .vocab = 5})};
    r->claims = eg_alloc(1, sizeof *r->claims);
    assert_int_equal(eg_claims_add(&r->claim, r->claims, "run", NULL), EAGLE_OK);
    r->feature = take(r, (size_t)CTX * (size_t)toy_config(r->t, false)->dim, sizeof(float));
    r->round = take(r, ROUNDS, sizeof *r->round);
    assert_int_equal(eagle_drafter_dynamic(&drafter, toy_head(r->t), 3, 2, NODES - 1, NULL),
                     EAGLE_OK);
    eagle_session_defaults(&opt);
    opt.ctx = CTX;
    opt.threads = 1;
    opt.max_nodes = NODES;
    assert_int_equal(eagle_session_create(&s, toy_model(r->t), drafter, &opt, NULL), EAGLE_OK);
    assert_int_equal(eagle_session_feed(&rows, s, prompt, PROMPT, NULL), EAGLE_OK);
    for (int32_t i = 0; i < PROMPT; i++) {
        keep_features(r, rows.features + (size_t)i * (size_t)rows.dim, i);
    }
    rounds_of(r, s);
    r->n = eagle_session_length(s);
    memcpy(r->token, eagle_session_tokens(s), (size_t)r->n * sizeof *r->token);
    r->claim->n_prompt = PROMPT;
    r->claim->n = r->n;
    r->claim->token = r->token;
    r->claim->level = 2;
    r->claim->n_rounds = ROUNDS;
    r->claim->round = r->round;
    eagle_session_free(s);
    eagle_drafter_free(drafter);
}

static void end(run *r)
{
    eagle_claims_free(r->claims);
    toy_free(r->t);
}

/* ---- a head that is led wrongly -------------------------------------------------------------- */

typedef enum { LED_OWN_FEATURES, LED_LATE_FEATURES } led;

/* Scores of all rounds as such a head gives them. */
static void lead(run *r, led how)
{
    const size_t dim = (size_t)toy_config(r->t, false)->dim;
    const int32_t vocab = toy_config(r->t, false)->vocab;
    const eg_compute compute = {.kernels = eg_kernels_for(EAGLE_ISA_AUTO), .threads = 1};
    const eg_extrapolation_room room = {
        .stable = CTX, .tree = NODES, .depth = NODES, .rows = NODES, .logits = 1};
    eg_arena arena = {0};
    eg_extrapolation e = {0};
    float own[64];

    eg_extrapolation_make(&e, toy_head(r->t), &compute, &room, &arena);
    for (int32_t k = 1; k < ROUNDS; k++) {
        const eg_claim_round *round = &r->round[k];
        float *score = (float *)(uintptr_t)round->score;
        int32_t slot[NODES];
        const float *logits;

        eg_extrapolation_prune(&e);
        while (e.n_stable < round->first - 1) {
            const int32_t i = e.n_stable;
            const int32_t at = how == LED_LATE_FEATURES && i > 0 ? i - 1 : i;
            const float *feature = r->feature + (size_t)at * dim;

            if (how == LED_OWN_FEATURES && r->accepted[i + 1]) {
                memcpy(own, e.out + (size_t)(i - 1) * dim, dim * sizeof *own);
                feature = own;
            }
            assert_int_equal(
                eg_extrapolation_refresh(&e, &r->token[i + 1], feature, 1, false, NULL), EAGLE_OK);
        }
        for (int32_t i = 0; i < round->n_nodes; i++) { /* node i, and then its children's scores */
            const int32_t hang = i == 0 || round->parent[i] == 0 ? -1 : slot[round->parent[i]];
            double sum = 0.0;

            if (i == 0) {
                assert_int_equal(eg_extrapolation_root(&logits, &e, NULL), EAGLE_OK);
            } else {
                assert_int_equal(eg_extrapolation_expand(&slot[i], &logits, &e, &round->token[i],
                                                         &hang, 1, NULL),
                                 EAGLE_OK);
            }
            for (int32_t v = 0; v < vocab; v++) {
                sum += exp((double)logits[v]);
            }
            for (int32_t c = i + 1; c < round->n_nodes; c++) {
                if (round->parent[c] == i) {
                    score[c] =
                        (float)((double)score[i] + (double)logits[round->token[c]] - log(sum));
                }
            }
        }
    }
    eg_arena_free(&arena);
}

/* ---- judged ---------------------------------------------------------------------------------- */

static eagle_check_report *judge(const run *r, bool strict)
{
    eagle_check_options opt;

    eagle_check_defaults(&opt);
    opt.threads = 1;
    opt.head = toy_head(r->t);
    opt.strict_draft = strict;
    return judge_claims(r->t, r->claims, NULL, &opt);
}

static const eagle_check_line *draft_line(const eagle_check_report *report)
{
    return line_of(report, "draft");
}

static void scores_of_our_head_pass(void **state)
{
    (void)state;
    run r;

    start(&r, 2);
    eagle_check_report *report = judge(&r, true);

    assert_int_equal(eagle_check_verdict_of(report), EAGLE_CHECK_PASS);
    assert_int_equal(draft_line(report)->verdict, EAGLE_CHECK_PASS);
    assert_int_equal(draft_line(report)->n_judged, (NODES - 1) * (ROUNDS - 1));
    eagle_check_report_free(report);
    end(&r);
}

/* Says that drafts differ, and why; the output is right, so that only `strict` fails. */
static void assert_led(led how, const char *what)
{
    run r;
    int32_t accepted = 0;

    start(&r, 2);
    for (int32_t i = 0; i < r.n; i++) {
        accepted += r.accepted[i];
    }
    assert_true(accepted > 2); /* else no feature was the head's own */
    lead(&r, how);
    eagle_check_report *lenient = judge(&r, false);
    eagle_check_report *strict = judge(&r, true);

    assert_int_equal(draft_line(lenient)->verdict, EAGLE_CHECK_DRAFT_DIFF);
    assert_non_null(strstr(draft_line(lenient)->detail, what));
    assert_non_null(strstr(draft_line(lenient)->detail, ", fits"));
    assert_int_equal(eagle_check_verdict_of(lenient), EAGLE_CHECK_PASS);
    assert_int_equal(eagle_check_verdict_of(strict), EAGLE_CHECK_FAIL);
    eagle_check_report_free(strict);
    eagle_check_report_free(lenient);
    end(&r);
}

static void a_head_that_keeps_its_own_features_is_named(void **state)
{
    (void)state;
    assert_led(LED_OWN_FEATURES, "its own features");
}

static void features_one_position_late_are_named(void **state)
{
    (void)state;
    assert_led(LED_LATE_FEATURES, "features one position late");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(scores_of_our_head_pass),
        cmocka_unit_test(a_head_that_keeps_its_own_features_is_named),
        cmocka_unit_test(features_one_position_late_are_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
