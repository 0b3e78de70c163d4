/* SPDX-License-Identifier: MIT */
/* test_evaluate_alloc.c - an evaluation that runs out of memory, wherever it is, says so and leaves
 * nothing behind. */
#include "fault/fault.h"
#include "support/lib_toy.h"

#include "eagle/eagle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const int32_t ids[2] = {3, 7};

static eagle_status attempt(const toy *t, const eagle_drafter *const *drafter, eagle_error *err)
{
    const eagle_prompt prompts[2] = {{ids, 2}, {ids + 1, 1}};
    const eagle_evaluation_task task = {.model = toy_model(t),
                                        .drafter = drafter,
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
    toy *t = toy_create(&(toy_options){.seed = 2});
    eagle_drafter *drafter[2] = {NULL, NULL};
    eagle_error err = {EAGLE_OK, ""};

    for (int32_t d = 0; d < 2; d++) {
        assert_int_equal(eagle_drafter_dynamic(&drafter[d], toy_head(t), 2, 2, 2 + d, NULL),
                         EAGLE_OK);
    }
    const eagle_drafter *const *list = (const eagle_drafter *const *)drafter;
    const long live = fault_live();

    fault_arm(0);
    assert_int_equal(attempt(t, list, &err), EAGLE_OK);
    const long n = fault_disarm();

    assert_true(n > 0);
    assert_int_equal(fault_live(), live);
    for (long i = 1; i <= n; i++) {
        err = (eagle_error){EAGLE_OK, ""};
        fault_arm(i);
        const eagle_status st = attempt(t, list, &err);

        fault_disarm();
        if (st != EAGLE_ENOMEM || fault_live() != live || err.message[0] == '\0') {
            fail_msg("allocation %ld of %ld: status \"%s\", %ld blocks left, message \"%s\"", i, n,
                     eagle_status_name(st), fault_live() - live, err.message);
        }
    }
    printf("count: %ld allocations of an evaluation failed in turn\n", n);
    eagle_drafter_free(drafter[0]);
    eagle_drafter_free(drafter[1]);
    toy_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_evaluation_without_memory_leaves_nothing_behind),
    };

    return cmocka_run_group_tests_name("evaluate, allocations", tests, NULL, NULL);
}
