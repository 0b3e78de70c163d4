/* SPDX-License-Identifier: MIT */
/* test_trainer_alloc.c - every allocation of making, validating, saving, resuming and exporting a
 * training failed in turn: EAGLE_ENOMEM, nothing left behind, the trainer as it was. A step has
 * none. */
#include "fault/fault.h"
#include "support/lib_lesson.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static lesson given;
static eagle_trainer *trainer;
static char state_path[SCRATCH_PATH];

/* Fails each allocation of an attempt; the weights stay what they were. */
static void fail_each_in_turn(const char *what, fault_attempt *attempt)
{
    const lesson_digest before = lesson_weights(trainer);

    assert_int_equal(attempt(NULL), EAGLE_OK); /* what it leaves once is there from now on */
    fault_each_in_turn(what, attempt);

    const lesson_digest after = lesson_weights(trainer);

    lesson_assert_same(&before, &after);
}

static eagle_status make_one(eagle_error *err)
{
    eagle_trainer *t = NULL;
    const eagle_status st = lesson_try(&t, NULL, &given, err);

    assert_true((t != NULL) == (st == EAGLE_OK));
    eagle_trainer_free(t);
    return st;
}

static eagle_status validate(eagle_error *err)
{
    eagle_train_report report;

    return eagle_trainer_validate(&report, trainer, given.corpus, err);
}

static eagle_status save(eagle_error *err)
{
    return eagle_trainer_save(trainer, "memo", state_path, err);
}

static eagle_status read_memo(eagle_error *err)
{
    char *memo = NULL;
    eagle_status st = eagle_trainer_memo(&memo, state_path, err);

    free(memo);
    return st;
}

static eagle_status resume(eagle_error *err)
{
    eagle_resumed what;

    return eagle_trainer_resume(&what, trainer, state_path, err);
}

static eagle_status export_rounded(eagle_error *err)
{
    return eagle_trainer_export(trainer, given.dir, EAGLE_BF16, true, err);
}

static void no_memory_is_a_clean_failure(void **state)
{
    (void)state;

    for (int head = 0; head < 2; head++) {
        eagle_train_report report;

        lesson_begin(&given, head != 0);
        scratch_join(state_path, given.dir, "state");
        trainer = lesson_make(&given);
        lesson_run(trainer, 2);
        fail_each_in_turn("making", make_one);
        fail_each_in_turn("validating", validate);
        fail_each_in_turn("saving", save);
        fail_each_in_turn("reading the memo", read_memo);
        fail_each_in_turn("resuming", resume);
        fail_each_in_turn("exporting", export_rounded);

        fault_arm(0);
        assert_int_equal(eagle_trainer_step(&report, trainer, NULL), EAGLE_OK);
        assert_int_equal(fault_disarm(), 0);
        eagle_trainer_free(trainer);
        lesson_end(&given);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {cmocka_unit_test(no_memory_is_a_clean_failure)};

    return cmocka_run_group_tests(tests, NULL, NULL);
}
