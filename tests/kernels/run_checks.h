/* SPDX-License-Identifier: MIT */
/* run_checks.h - the checks of lib_kernels.h as a group of cmocka tests. */
#ifndef EG_TESTS_RUN_CHECKS_H
#define EG_TESTS_RUN_CHECKS_H

#include "support/lib_kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

typedef struct {
    const eg_kernels *kernels;
    const kernel_check *check;
} kernel_job;

static void kernel_equals_the_definition(void **state)
{
    const kernel_job *job = *state;

    if (job->kernels == NULL) {
        skip();
    }
    assert_true(job->check->run(job->kernels));
}

/* Runs all checks on one table; a table that this CPU lacks (NULL) is one skipped test. Returns
 * how many failed. */
static int run_kernel_checks(const char *name, const eg_kernels *kernels)
{
    enum { MAX_CHECKS = 16, MAX_NAME = 120 };
    const size_t n = kernels == NULL ? 1 : n_kernel_checks;
    struct CMUnitTest tests[MAX_CHECKS] = {{0}};
    kernel_job jobs[MAX_CHECKS];
    char names[MAX_CHECKS][MAX_NAME];

    for (size_t i = 0; i < n; i++) {
        jobs[i] = (kernel_job){kernels, &kernel_checks[i]};
        snprintf(names[i], sizeof names[i], "%s: %s", name,
                 kernels == NULL ? "not on this machine" : kernel_checks[i].name);
        tests[i].name = names[i];
        tests[i].test_func = kernel_equals_the_definition;
        tests[i].initial_state = &jobs[i];
    }
    return _cmocka_run_group_tests(name, tests, n, NULL, NULL);
}

#endif
