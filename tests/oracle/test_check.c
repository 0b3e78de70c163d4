/* SPDX-License-Identifier: MIT */
/* test_check.c - runs with a planted fault, judged: each is called what it is, at its place; runs
 * without one pass. */
#include "support/lib_judged.h"
#include "support/lib_planted.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { SEED = 3, ROUNDS = 6, FROM = 2 };

/* Judges one run of a toy. */
static eagle_check_report *judge_on(const toy_options *network, const planted_options *planted,
                                    const eagle_check_options *how)
{
    toy *t = toy_create(network);
    eagle_claims *claims = planted_claims();

    planted_run(claims, t, planted);
    eagle_check_report *report = judge_claims(t, claims, NULL, how);

    eagle_claims_free(claims);
    toy_free(t);
    return report;
}

static void show(const eagle_check_report *report)
{
    const eagle_check_line *line;
    const eagle_check_fit *fit;
    const eagle_check_divergence *d = eagle_check_first(report);

    for (int32_t i = 0; (line = eagle_check_line_at(report, i)) != NULL; i++) {
        printf("%-18s %-12s %s\n    %s\n", line->name, eagle_check_verdict_name(line->verdict),
               line->text, line->detail);
    }
    if (d->found) {
        printf("first: round %d node %d pos %d layer %d site %s error %g allowed %g\n", d->round,
               d->node, d->pos, d->layer, d->site, d->error, d->allowed);
    }
    for (int32_t i = 0; i < 4 && (fit = eagle_check_fit_at(report, i)) != NULL; i++) {
        printf("  %-60s %g %s\n", fit->what, fit->distance, fit->fits ? "fits" : "");
    }
}

static eagle_check_report *judge(const planted_options *planted)
{
    eagle_check_report *report = judge_on(&(toy_options){.seed = SEED}, planted, NULL);

    if (getenv("CHECK_SHOW") != NULL) {
        show(report);
    }
    return report;
}

/* The nearest explanation fits and is this one; the second does not fit. */
static void assert_explained(const eagle_check_report *report, const char *what)
{
    const eagle_check_fit *first = eagle_check_fit_at(report, 0);
    const eagle_check_fit *second = eagle_check_fit_at(report, 1);

    assert_non_null(first);
    assert_non_null(strstr(first->what, what));
    assert_true(first->fits);
    assert_non_null(second);
    assert_false(second->fits);
}

static void assert_place(const eagle_check_report *report, int32_t round, int32_t node)
{
    assert_true(eagle_check_first(report)->found);
    assert_int_equal(eagle_check_first(report)->round, round);
    assert_int_equal(eagle_check_first(report)->node, node);
}

/* ---- right runs ------------------------------------------------------------------------------ */

static void a_run_without_a_fault_passes_every_check(void **state)
{
    (void)state;
    eagle_check_report *report = judge(&(planted_options){.rounds = ROUNDS});

    assert_int_equal(eagle_check_verdict_of(report), EAGLE_CHECK_PASS);
    assert_int_equal(eagle_check_status(report), EAGLE_OK);
    assert_false(eagle_check_first(report)->found);
    assert_verdict(report, "structure", EAGLE_CHECK_PASS);
    assert_verdict(report, "tokens", EAGLE_CHECK_PASS);
    assert_verdict(report, "logits", EAGLE_CHECK_PASS);
    assert_verdict(report, "decisions", EAGLE_CHECK_PASS);
    assert_int_equal(line_of(report, "logits")->n_different, 0); /* bit for bit */
    assert_int_equal(line_of(report, "tokens")->n_judged, 1 + 3 * (ROUNDS - 1));
    eagle_check_report_free(report);
}

static void rounding_to_bf16_is_no_failure(void **state)
{
    (void)state;
    int64_t other = 0;

    for (uint64_t seed = 1; seed <= 12; seed++) {
        eagle_check_report *report =
            judge_on(&(toy_options){.seed = seed},
                     &(planted_options){.rounds = 30, .dtype = EAGLE_BF16}, NULL);

        assert_verdict(report, "logits", EAGLE_CHECK_PASS);
        assert_true(line_of(report, "tokens")->n_failed == 0);
        assert_true(eagle_check_figures_of(report)->noise_median > 0.0);
        other += line_of(report, "tokens")->n_different;
        assert_int_equal(eagle_check_verdict_of(report),
                         line_of(report, "tokens")->n_different > 0 ||
                                 line_of(report, "decisions")->n_different > 0
                             ? EAGLE_CHECK_NEAR_TIE
                             : EAGLE_CHECK_PASS);
        eagle_check_report_free(report);
    }
    assert_true(other > 0); /* else this would show nothing of near-ties */
}

static void a_tie_that_is_broken_otherwise_is_a_near_tie(void **state)
{
    (void)state;
    eagle_check_report *report =
        judge_on(&(toy_options){.seed = SEED, .flat = true},
                 &(planted_options){.rounds = ROUNDS, .fault = PLANTED_TIE}, NULL);

    assert_int_equal(eagle_check_verdict_of(report), EAGLE_CHECK_NEAR_TIE);
    assert_int_equal(eagle_check_status(report), EAGLE_ENEARTIE);
    assert_verdict(report, "tokens", EAGLE_CHECK_NEAR_TIE);
    eagle_check_report_free(report);
}

static void what_a_near_tie_counts_as_is_the_callers_choice(void **state)
{
    (void)state;
    static const eagle_check_verdict near[] = {EAGLE_CHECK_PASS, EAGLE_CHECK_FAIL};

    for (size_t i = 0; i < 2; i++) {
        eagle_check_options opt;

        eagle_check_defaults(&opt);
        opt.threads = 1;
        opt.near = near[i];
        eagle_check_report *report =
            judge_on(&(toy_options){.seed = SEED, .flat = true},
                     &(planted_options){.rounds = ROUNDS, .fault = PLANTED_TIE}, &opt);

        assert_int_equal(eagle_check_verdict_of(report), near[i]);
        eagle_check_report_free(report);
    }
}

/* ---- faults ---------------------------------------------------------------------------------- */

/* A fault of the forward pass: logits fail first at that round and node, and one explanation
 * fits. */
static void assert_found(planted_fault fault, int32_t round, int32_t node, const char *what)
{
    eagle_check_report *report =
        judge(&(planted_options){.rounds = ROUNDS, .fault = fault, .from_round = FROM});

    assert_int_equal(eagle_check_verdict_of(report), EAGLE_CHECK_FAIL);
    assert_int_equal(eagle_check_status(report), EAGLE_EFAILED);
    assert_verdict(report, "logits", EAGLE_CHECK_FAIL);
    assert_place(report, round, node);
    assert_explained(report, what);
    eagle_check_report_free(report);
}

static void a_position_off_by_one_is_named(void **state)
{
    (void)state;
    assert_found(PLANTED_POSITION, FROM, 1, "positions of the drafted nodes + 1");
}

static void a_stale_kv_row_is_named_with_its_position_and_node(void **state)
{
    (void)state;
    /* Round FROM - 1 ends at position 5 + 1 + 3; its root is at 6, and the row that is stale at
     * 10. */
    assert_found(PLANTED_STALE, FROM + 1, 0, "stale KV at position 10: rejected node 1");
}

static void a_rejected_row_that_stays_in_the_cache_is_named(void **state)
{
    (void)state;
    /* Nodes 2 and 5 are accepted, so that node 3 lies where the cropped cache should end. */
    assert_found(PLANTED_LEFT, FROM + 1, 0, "rejected node 3 (token ");
}

static void rows_that_were_not_moved_are_named(void **state)
{
    (void)state;
    assert_found(PLANTED_UNMOVED, FROM + 1, 0, "KV rows of the accepted path were not moved");
}

static void a_visible_sibling_is_named(void **state)
{
    (void)state;
    assert_found(PLANTED_SIBLING, FROM, 2, "the siblings before it are visible");
}

static void a_triangle_in_place_of_the_trees_mask_is_named(void **state)
{
    (void)state;
    /* Node 2 is the first that differs, and sees its sibling alone; the others tell the two
     * apart. */
    assert_found(PLANTED_TRIANGLE, FROM, 2, "all earlier nodes are visible");
}

static void a_missing_root_is_named(void **state)
{
    (void)state;
    eagle_check_report *report =
        judge(&(planted_options){.rounds = ROUNDS, .fault = PLANTED_NO_ROOT, .from_round = FROM});

    assert_place(report, FROM, 1); /* whose parent is the root */
    assert_true(eagle_check_fit_at(report, 0)->fits);
    assert_non_null(strstr(eagle_check_fit_at(report, 0)->what, "is missing"));
    eagle_check_report_free(report);
}

static void logits_of_the_row_before_are_named(void **state)
{
    (void)state;
    assert_found(PLANTED_ROW, FROM, 1, "our row of node 0, its parent");
}

static void a_bonus_from_the_parents_row_is_named(void **state)
{
    (void)state;
    eagle_check_report *report =
        judge(&(planted_options){.rounds = ROUNDS, .fault = PLANTED_BONUS, .from_round = FROM});

    assert_verdict(report, "tokens", EAGLE_CHECK_FAIL);
    assert_verdict(report, "logits", EAGLE_CHECK_PASS);
    assert_verdict(report, "decisions", EAGLE_CHECK_FAIL);
    assert_int_equal(eagle_check_first(report)->round, FROM);
    assert_explained(report, "the parent");
    eagle_check_report_free(report);
}

static void equal_siblings_are_a_fault_of_structure(void **state)
{
    (void)state;
    eagle_check_report *report =
        judge(&(planted_options){.rounds = ROUNDS, .fault = PLANTED_DUPLICATE, .from_round = FROM});

    assert_verdict(report, "structure", EAGLE_CHECK_FAIL);
    assert_non_null(strstr(line_of(report, "structure")->detail, "is a child of node"));
    eagle_check_report_free(report);
}

/* ---- above temperature 0 --------------------------------------------------------------------- */

static void a_run_by_coins_is_replayed(void **state)
{
    (void)state;
    eagle_check_report *report = judge(&(planted_options){.rounds = 40, .temperature = 0.7f});

    assert_verdict(report, "decisions", EAGLE_CHECK_PASS);
    assert_int_equal(line_of(report, "decisions")->n_judged, 40);
    assert_verdict(report, "draws", EAGLE_CHECK_PASS);
    assert_int_equal(eagle_check_verdict_of(report), EAGLE_CHECK_PASS);
    eagle_check_report_free(report);
}

static void a_coin_that_decides_twice_is_found(void **state)
{
    (void)state;
    eagle_check_report *report =
        judge(&(planted_options){.rounds = ROUNDS, .temperature = 0.7f, .fault = PLANTED_COIN});

    assert_verdict(report, "draws", EAGLE_CHECK_FAIL);
    assert_non_null(strstr(line_of(report, "draws")->detail, "decides twice"));
    eagle_check_report_free(report);
}

static void a_temperature_that_was_not_applied_is_named(void **state)
{
    (void)state;
    eagle_check_report *report =
        judge(&(planted_options){.rounds = 40, .temperature = 0.4f, .fault = PLANTED_HOT});

    assert_verdict(report, "decisions", EAGLE_CHECK_FAIL);
    assert_verdict(report, "logits", EAGLE_CHECK_PASS);
    assert_explained(report, "temperature not applied");
    eagle_check_report_free(report);
}

/* ---- operations ------------------------------------------------------------------------------ */

static void every_operation_of_a_right_run_is_ours_bit_for_bit(void **state)
{
    (void)state;
    eagle_check_report *report = judge(&(planted_options){.rounds = ROUNDS, .sites = true});

    assert_int_equal(eagle_check_verdict_of(report), EAGLE_CHECK_PASS);
    assert_verdict(report, "operations", EAGLE_CHECK_PASS);
    assert_int_equal(line_of(report, "operations")->n_different, 0);
    /* The prompt's 6 rows and 5 trees of 6: embedding, 2 layers of 11, feature; the trees'
     * logits. */
    assert_int_equal(line_of(report, "operations")->n_judged, 36 * (1 + 2 * 11 + 1) + 30);
    eagle_check_report_free(report);
}

static void operations_rounded_to_bf16_stay_within_their_budgets(void **state)
{
    (void)state;
    static const eagle_dtype dtype[] = {EAGLE_BF16, EAGLE_F16};

    for (uint64_t seed = 1; seed <= 8; seed++) {
        eagle_check_report *report = judge_on(
            &(toy_options){.seed = seed, .biases = seed % 2 == 0},
            &(planted_options){.rounds = ROUNDS, .sites = true, .dtype = dtype[seed / 2 % 2]},
            NULL);

        if (getenv("CHECK_SHOW") != NULL) {
            show(report);
        }
        assert_verdict(report, "operations", EAGLE_CHECK_PASS);
        assert_true(line_of(report, "operations")->n_different > 100);
        eagle_check_report_free(report);
    }
}

/* The fault is found in that operation. */
static void assert_operation(planted_fault fault, int32_t round, int32_t node, int32_t layer,
                             const char *site)
{
    eagle_check_report *report = judge(
        &(planted_options){.rounds = ROUNDS, .fault = fault, .from_round = FROM, .sites = true});
    const eagle_check_divergence *first = eagle_check_first(report);

    assert_verdict(report, "operations", EAGLE_CHECK_FAIL);
    assert_place(report, round, node);
    assert_int_equal(first->layer, layer);
    assert_string_equal(first->site, site);
    assert_true(first->error > first->allowed);
    eagle_check_report_free(report);
}

static void a_wrong_operation_is_named_and_those_that_got_its_noise_are_not(void **state)
{
    (void)state;
    eagle_check_report *report =
        judge(&(planted_options){.rounds = ROUNDS, .fault = PLANTED_OPERATION, .sites = true});

    assert_place(report, -1, -1);
    assert_int_equal(eagle_check_first(report)->pos, 0);
    assert_int_equal(eagle_check_first(report)->layer, 1);
    assert_string_equal(eagle_check_first(report)->site, "act");
    assert_int_equal(line_of(report, "operations")->n_failed, 36); /* of each row, that one */
    eagle_check_report_free(report);
}

static void a_position_off_by_one_is_seen_in_the_rotation(void **state)
{
    (void)state;
    assert_operation(PLANTED_POSITION, FROM, 1, 0, "q_rope");
}

static void a_visible_sibling_is_seen_in_the_attention(void **state)
{
    (void)state;
    assert_operation(PLANTED_SIBLING, FROM, 2, 0, "attn");
}

static void a_stale_row_is_seen_in_the_attention_of_the_next_round(void **state)
{
    (void)state;
    assert_operation(PLANTED_STALE, FROM + 1, 0, 0, "attn");
}

static void shifted_rows_are_seen_in_the_logits(void **state)
{
    (void)state;
    assert_operation(PLANTED_ROW, FROM, 1, -1, "logits");
}

static void a_trace_of_level_3_tells_the_layer(void **state)
{
    (void)state;
    eagle_check_report *right = judge(&(planted_options){.rounds = ROUNDS, .few_sites = true});
    eagle_check_report *wrong = judge(&(planted_options){
        .rounds = ROUNDS, .fault = PLANTED_SIBLING, .from_round = FROM, .few_sites = true});

    assert_verdict(right, "layers", EAGLE_CHECK_PASS);
    assert_verdict(wrong, "layers", EAGLE_CHECK_FAIL);
    assert_non_null(strstr(line_of(wrong, "layers")->detail, "resid_mlp"));
    assert_int_equal(eagle_check_verdict_of(right), EAGLE_CHECK_PASS);
    assert_place(wrong, FROM, 2);
    assert_int_equal(eagle_check_first(wrong)->layer, 0);
    assert_string_equal(eagle_check_first(wrong)->site, "resid_mlp"); /* the first one after it */
    assert_explained(wrong, "the siblings before it are visible");
    eagle_check_report_free(wrong);
    eagle_check_report_free(right);
}

static void a_state_that_is_no_number_fails_even_where_its_logits_are_right(void **state)
{
    (void)state;
    toy *t = toy_create(&(toy_options){.seed = SEED});
    eagle_claims *claims = planted_claims();

    planted_run(claims, t, &(planted_options){.rounds = ROUNDS, .few_sites = true});
    const eg_claim_site *site = &claims->claim[0]->round[FROM].site[0];

    ((float *)(uintptr_t)site->tensor->data)[3] = NAN;
    eagle_check_report *report = judge_claims(t, claims, NULL, NULL);

    assert_verdict(report, "logits", EAGLE_CHECK_PASS);
    assert_verdict(report, "layers", EAGLE_CHECK_FAIL);
    assert_place(report, FROM, 0);
    eagle_check_report_free(report);
    eagle_claims_free(claims);
    toy_free(t);
}

/* ---- less to look at ------------------------------------------------------------------------- */

static void tokens_alone_are_judged_too(void **state)
{
    (void)state;
    eagle_check_report *right = judge(&(planted_options){.rounds = ROUNDS, .no_logits = true});
    eagle_check_report *wrong = judge(&(planted_options){
        .rounds = ROUNDS, .no_logits = true, .fault = PLANTED_BONUS, .from_round = FROM});

    assert_int_equal(eagle_check_verdict_of(right), EAGLE_CHECK_PASS);
    assert_int_equal(line_of(right, "tokens")->n_judged, 1 + 3 * (ROUNDS - 1));
    assert_int_equal(eagle_check_verdict_of(wrong), EAGLE_CHECK_FAIL);
    /* Round FROM ends at position 6 + 3 FROM; the row before it decided wrongly. */
    assert_int_equal(eagle_check_first(wrong)->pos, 6 + 3 * FROM - 1);
    eagle_check_report_free(wrong);
    eagle_check_report_free(right);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_run_without_a_fault_passes_every_check),
        cmocka_unit_test(rounding_to_bf16_is_no_failure),
        cmocka_unit_test(a_tie_that_is_broken_otherwise_is_a_near_tie),
        cmocka_unit_test(what_a_near_tie_counts_as_is_the_callers_choice),
        cmocka_unit_test(a_position_off_by_one_is_named),
        cmocka_unit_test(a_stale_kv_row_is_named_with_its_position_and_node),
        cmocka_unit_test(a_rejected_row_that_stays_in_the_cache_is_named),
        cmocka_unit_test(rows_that_were_not_moved_are_named),
        cmocka_unit_test(a_visible_sibling_is_named),
        cmocka_unit_test(a_triangle_in_place_of_the_trees_mask_is_named),
        cmocka_unit_test(a_missing_root_is_named),
        cmocka_unit_test(logits_of_the_row_before_are_named),
        cmocka_unit_test(a_bonus_from_the_parents_row_is_named),
        cmocka_unit_test(equal_siblings_are_a_fault_of_structure),
        cmocka_unit_test(a_run_by_coins_is_replayed),
        cmocka_unit_test(a_coin_that_decides_twice_is_found),
        cmocka_unit_test(a_temperature_that_was_not_applied_is_named),
        cmocka_unit_test(every_operation_of_a_right_run_is_ours_bit_for_bit),
        cmocka_unit_test(operations_rounded_to_bf16_stay_within_their_budgets),
        cmocka_unit_test(a_wrong_operation_is_named_and_those_that_got_its_noise_are_not),
        cmocka_unit_test(a_position_off_by_one_is_seen_in_the_rotation),
        cmocka_unit_test(a_visible_sibling_is_seen_in_the_attention),
        cmocka_unit_test(a_stale_row_is_seen_in_the_attention_of_the_next_round),
        cmocka_unit_test(shifted_rows_are_seen_in_the_logits),
        cmocka_unit_test(a_trace_of_level_3_tells_the_layer),
        cmocka_unit_test(a_state_that_is_no_number_fails_even_where_its_logits_are_right),
        cmocka_unit_test(tokens_alone_are_judged_too),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
