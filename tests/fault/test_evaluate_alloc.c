/* SPDX-License-Identifier: MIT */
/* test_evaluate_alloc.c - an evaluation that runs out of memory, wherever it is, says so and leaves
 * nothing behind. */
#include "fault/fault.h"
#include "support/lib_toy.h"

#include "eagle/eagle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static const int32_t ids[2] = {3, 7};
static toy *network;
static eagle_drafter *drafter[2];

static eagle_status evaluate(eagle_error *err)
{
    const eagle_drafter *const list[2] = {drafter[0], drafter[1]};
    const eagle_prompt prompts[2] = {{ids, 2}, {ids + 1, 1}};
    const eagle_evaluation_task task = {.model = toy_model(network),
                                        .drafter = list,
                                        .n_drafters = 2,
                                        .prompt = prompts,
                                        .n_prompts = 2};
    eagle_evaluation_options opt;
    eagle_evaluation *e = NULL;
    eagle_interval interval = {0};

    eagle_evaluation_defaults(&opt);
    opt.max_tokens = 4;
    opt.repeat = 2;
    opt.resamples = 40;
    opt.session.threads = 1;
    eagle_status st = eagle_evaluate(&e, &task, &opt, NULL, NULL, err);

    if (st == EAGLE_OK) {
        st = eagle_evaluation_acceptance(&interval, e, 0, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_evaluation_speedup(&interval, e, 0, err);
    }
    if (st == EAGLE_OK) {
        st = eagle_evaluation_difference(&interval, e, 0, 1, err);
    }
    eagle_evaluation_free(e);
    return st;
}

static void an_evaluation_without_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    network = toy_create(&(toy_options){.seed = 2});
    for (int32_t d = 0; d < 2; d++) {
        assert_int_equal(eagle_drafter_dynamic(&drafter[d], toy_head(network), 2, 2, 2 + d, NULL),
                         EAGLE_OK);
    }
    fault_each_in_turn("an evaluation", evaluate);
    eagle_drafter_free(drafter[0]);
    eagle_drafter_free(drafter[1]);
    toy_free(network);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_evaluation_without_memory_leaves_nothing_behind),
    };

    return cmocka_run_group_tests_name("evaluate, allocations", tests, NULL, NULL);
}
