/* SPDX-License-Identifier: MIT */
/* lib_judged.c - see lib_judged.h. */
#include "support/lib_judged.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

eagle_check_report *judge_claims(const toy *t, const eagle_claims *claims,
                                 const eagle_claims *control, const eagle_check_options *how)
{
    eagle_check_report *report = NULL;
    eagle_check_options opt;
    eagle_error err = {0};

    eagle_check_defaults(&opt);
    opt.threads = 1;
    if (eagle_check(&report, toy_model(t), claims, control, how != NULL ? how : &opt, &err) !=
        EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    return report;
}

const eagle_check_line *line_of(const eagle_check_report *report, const char *name)
{
    const eagle_check_line *line;

    for (int32_t i = 0; (line = eagle_check_line_at(report, i)) != NULL; i++) {
        if (strcmp(line->name, name) == 0) {
            return line;
        }
    }
    fail_msg("no line \"%s\"", name);
    return NULL;
}

void assert_verdict(const eagle_check_report *report, const char *name, eagle_check_verdict verdict)
{
    assert_string_equal(eagle_check_verdict_name(line_of(report, name)->verdict),
                        eagle_check_verdict_name(verdict));
}

const eagle_samples_test *test_of(const eagle_samples_verdict *v, const char *name,
                                  const char *what)
{
    for (int32_t i = 0; i < v->n_test; i++) {
        if (strcmp(v->test[i].name, name) == 0 && strstr(v->test[i].what, what) != NULL) {
            return &v->test[i];
        }
    }
    fail_msg("no test %s of %s", name, what);
    return NULL;
}
