/* SPDX-License-Identifier: MIT */
/* lib_judged.h - judging claims and samples in tests, and finding what was said of them. What is
 * not there fails the test. */
#ifndef EAGLE_TESTS_LIB_JUDGED_H
#define EAGLE_TESTS_LIB_JUDGED_H

#include "eagle/check.h"
#include "eagle/samples.h"
#include "support/lib_toy.h"

/* Judges claims of a toy on one thread. `control` and `how` may be NULL: none, the defaults. Free
 * with eagle_check_report_free(). */
eagle_check_report *judge_claims(const toy *t, const eagle_claims *claims,
                                 const eagle_claims *control, const eagle_check_options *how);

/* The line of that name, and that its verdict is this one. */
const eagle_check_line *line_of(const eagle_check_report *report, const char *name);
void assert_verdict(const eagle_check_report *report, const char *name,
                    eagle_check_verdict verdict);

/* The first test of that name, of something whose words contain `what`. */
const eagle_samples_test *test_of(const eagle_samples_verdict *v, const char *name,
                                  const char *what);

#endif
