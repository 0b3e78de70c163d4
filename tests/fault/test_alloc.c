/* SPDX-License-Identifier: MIT */
/* test_alloc.c - every allocation of every creation failed in turn; rounds that allocate nothing.
 *
 * A creation that runs out of memory reports EAGLE_ENOMEM (exit code 5), gives nothing
 * back and leaves no block behind, whichever of its allocations it was. */
#include "fault/fault.h"
#include "support/lib_toy.h"

#include "eagle/eagle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

/* What the creations borrow: made once, before anything fails. */
static toy_model *toy;
static eagle_shape *shape;
static eagle_rounds *rounds;
static char target_dir[] = "/tmp/eagle-fault-target-XXXXXX";
static char head_dir[] = "/tmp/eagle-fault-head-XXXXXX";

/* Creates something and frees it again; returns the creation's status. */
typedef eagle_status attempt_fn(eagle_error *err);

/* At most this many allocations of one creation are failed: all of them, or every k-th. */
#define MOST_FAILURES 1500

static void fail_each_in_turn(const char *what, attempt_fn *attempt)
{
    eagle_error err = {EAGLE_OK, ""};
    const long live = fault_live();
    long failures = 0;

    fault_arm(0);
    assert_int_equal(attempt(&err), EAGLE_OK);
    const long n = fault_disarm();

    assert_true(n > 0);
    assert_int_equal(fault_live(), live);
    for (long i = 1; i <= n; i += 1 + n / MOST_FAILURES) {
        err = (eagle_error){EAGLE_OK, ""};
        fault_arm(i);
        const eagle_status st = attempt(&err);

        fault_disarm();
        if (st != EAGLE_ENOMEM || fault_live() != live || err.message[0] == '\0') {
            print_error("%s, allocation %ld of %ld: status \"%s\", %ld blocks left, message \"%s\"\n",
                        what, i, n, eagle_status_name(st), fault_live() - live, err.message);
            fail();
        }
        assert_int_equal(eagle_exit_code(st), 5);
        assert_int_equal(err.code, EAGLE_ENOMEM);
        failures++;
    }
    printf("count: %ld of %ld allocations of %s failed in turn\n", failures, n, what);
}
