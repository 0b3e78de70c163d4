/* SPDX-License-Identifier: MIT */
/* test_selftest.c - the self-test passes here, and sees what is wrong elsewhere. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eagle/selftest.h"
#include "kernels/kernels.h"
#include "selftest/agree.h"

#include <fenv.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    int passed;
    int failed;
} tally;

static void count(void *ctx, const char *check, int passed, const char *detail)
{
    tally *t = ctx;

    (void)detail;
    assert_true(strlen(check) > 0);
    t->passed += passed > 0;
    t->failed += passed == 0;
}

/* The environment, Philox, and of each table the functions and (portable apart) the kernels. */
static void every_check_passes_here_and_is_reported(void **state)
{
    static const eagle_isa isas[] = {EAGLE_ISA_AVX2, EAGLE_ISA_AVX512, EAGLE_ISA_NEON};
    tally t = {0};
    const eagle_selftest_options opt = {.threads = 2, .report = count, .ctx = &t};
    eagle_error err = {0};
    int expected = 3;

    (void)state;
    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++) {
        expected += eg_kernels_for(isas[i]) != NULL ? 2 : 0;
    }
    assert_int_equal(eagle_selftest(&opt, &err), EAGLE_OK);
    assert_int_equal(t.passed, expected);
    assert_int_equal(t.failed, 0);
}

static void an_unfit_environment_ends_the_test_with_exit_code_6(void **state)
{
    tally t = {0};
    const eagle_selftest_options opt = {.threads = 1, .report = count, .ctx = &t};
    eagle_error err = {0};
    eagle_status st;

    (void)state;
    if (getenv("EAGLE_VALGRIND") != NULL) {
        skip(); /* it rounds to nearest whatever the registers say */
    }
    fesetround(FE_UPWARD);
    st = eagle_selftest(&opt, &err);
    fesetround(FE_TONEAREST);
    assert_int_equal(st, EAGLE_ENUMERIC);
    assert_int_equal(eagle_exit_code(st), 6);
    assert_int_equal(t.passed, 0);
    assert_int_equal(t.failed, 1);
}

static void an_impossible_number_of_threads_is_refused(void **state)
{
    const eagle_selftest_options many = {.threads = 65};
    const eagle_selftest_options negative = {.threads = -1};
    eagle_error err = {0};

    (void)state;
    assert_int_equal(eagle_selftest(&many, &err), EAGLE_EINVAL);
    assert_int_equal(eagle_selftest(&negative, &err), EAGLE_EINVAL);
}

/* ---- kernels that are wrong in one place ---------------------------------------------------- */

static const eg_kernels *right;

static void wrong_matmul(float *y, size_t y_stride, const void *w, size_t n_rows,
                         const eg_vectors *x)
{
    right->matmul_bf16(y, y_stride, w, n_rows, x);
    y[0] += y[0] * 0x1p-23f;
}

static void wrong_rope(float *x, const float *cos, const float *sin, size_t head_dim)
{
    right->rope(x, cos, sin, head_dim);
    if (head_dim == 38) {
        x[37] = -x[37];
    }
}

static void wrong_attend(float *out, const float *q, size_t n_q, const eg_keys *keys,
                         float *scratch)
{
    eg_keys fewer = *keys;

    fewer.n_path = keys->n_path > 3 ? 3 : keys->n_path;
    right->attend(out, q, n_q, &fewer, scratch);
}

static float wrong_sum_exp(const float *x, float max, size_t n)
{
    return right->sum_exp(x, max, n) + (n == 80 ? 0x1p-149f : 0.0f);
}

static void the_function_that_differs_is_named(void **state)
{
    eg_kernels broken;

    (void)state;
    right = eg_kernels_for(EAGLE_ISA_PORTABLE);
    assert_null(eg_kernels_differ(right, right, 1));
    broken = *right;
    broken.matmul_bf16 = wrong_matmul;
    assert_string_equal(eg_kernels_differ(&broken, right, 1), "matmul_bf16");
    broken = *right;
    broken.rope = wrong_rope;
    assert_string_equal(eg_kernels_differ(&broken, right, 1), "rope");
    broken = *right;
    broken.attend = wrong_attend;
    assert_string_equal(eg_kernels_differ(&broken, right, 1), "attend");
    broken = *right;
    broken.sum_exp = wrong_sum_exp;
    assert_string_equal(eg_kernels_differ(&broken, right, 1), "sum_exp");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_check_passes_here_and_is_reported),
        cmocka_unit_test(an_unfit_environment_ends_the_test_with_exit_code_6),
        cmocka_unit_test(an_impossible_number_of_threads_is_refused),
        cmocka_unit_test(the_function_that_differs_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
