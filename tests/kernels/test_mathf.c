/* SPDX-License-Identifier: MIT */
/* test_mathf.c - exp, log, sin, cos and RoPE's frequencies against MPFR; vector variants against
 * the scalar definition, bit by bit. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "eagle/runtime.h"
#include "kernels/kernels.h"
#include "kernels/mathf.h"
#include "kernels/variants_act.h"
#include "selftest/elementary.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>
#ifdef EG_HAVE_MPFR
#include <mpfr.h>
#endif

static uint32_t bits_of(float x)
{
    uint32_t u;

    memcpy(&u, &x, sizeof u);
    return u;
}

static float float_of(uint32_t u)
{
    float x;

    memcpy(&x, &u, sizeof x);
    return x;
}

static void assert_bits(float got, float expected)
{
    assert_int_equal(bits_of(got), bits_of(expected));
}

/* ---- scalar functions -------------------------------------------------------------------- */

static void special_arguments_have_their_defined_results(void **state)
{
    (void)state;
    assert_bits(eg_expf(0.0f), 1.0f);
    assert_bits(eg_expf(-0.0f), 1.0f);
    assert_bits(eg_expf(INFINITY), INFINITY);
    assert_bits(eg_expf(-INFINITY), 0.0f);
    assert_true(isnan(eg_expf(NAN)));
    assert_bits(eg_logf(1.0f), 0.0f);
    assert_bits(eg_logf(0.0f), -INFINITY);
    assert_bits(eg_logf(-0.0f), -INFINITY);
    assert_bits(eg_logf(INFINITY), INFINITY);
    assert_true(isnan(eg_logf(-1.0f)) && isnan(eg_logf(NAN)) && isnan(eg_logf(-INFINITY)));
    assert_bits(eg_sinf(0.0f), 0.0f);
    assert_bits(eg_sinf(-0.0f), -0.0f);
    assert_bits(eg_cosf(0.0f), 1.0f);
    assert_true(isnan(eg_sinf(NAN)) && isnan(eg_cosf(NAN)));
    assert_true(isnan(eg_sinf(INFINITY)) && isnan(eg_cosf(-INFINITY)));
}

static void sin_and_cos_end_at_two_to_the_24(void **state)
{
    (void)state;
    assert_false(isnan(eg_sinf(0x1p24f)) || isnan(eg_sinf(-0x1p24f)));
    assert_false(isnan(eg_cosf(0x1p24f)) || isnan(eg_cosf(-0x1p24f)));
    assert_true(isnan(eg_sinf(0x1.000002p24f)) && isnan(eg_sinf(-0x1.000002p24f)));
    assert_true(isnan(eg_cosf(0x1.000002p24f)) && isnan(eg_cosf(-0x1.000002p24f)));
}

/* The last finite result, the first infinite one; the last subnormal, the first zero. The bounds
 * are log(2^128 - 2^103) = 88.722839111..., log(2^-150) = -103.972077083... */
static void exp_overflows_and_underflows_where_it_must(void **state)
{
    (void)state;
    assert_bits(eg_expf(0x1.62e42ep6f), 0x1.ffff08p127f);
    assert_bits(eg_expf(0x1.62e430p6f), INFINITY);
    assert_bits(eg_expf(-0x1.9fe368p6f), 0x1p-149f);
    assert_bits(eg_expf(-0x1.9fe36ap6f), 0.0f);
}

/* Results so near to the middle of two floats that a double rounded to nearest falls on it, or
 * beyond: log and sin failed here before their last sum was rounded to odd. */
static void results_next_to_a_middle_are_rounded_to_their_side(void **state)
{
    (void)state;
#ifdef EG_HAVE_MPFR
    mpfr_t y;

    mpfr_init2(y, 200);
    mpfr_set_flt(y, 0x1.b121a6p76f, MPFR_RNDN);
    mpfr_log(y, y, MPFR_RNDN);
    assert_bits(eg_logf(0x1.b121a6p76f), mpfr_get_flt(y, MPFR_RNDN));
    mpfr_set_flt(y, 0x1.33333p13f, MPFR_RNDN);
    mpfr_sin(y, y, MPFR_RNDN);
    assert_bits(eg_sinf(0x1.33333p13f), mpfr_get_flt(y, MPFR_RNDN));
    mpfr_clear(y);
#else
    skip();
#endif
}

/* One input of each of 2^17 strata per function; doubles within their bound, floats right. */
static void sampled_results_are_those_of_mpfr(void **state)
{
    (void)state;
    for (int i = 0; i < EG_N_ELEMENTARY; i++) {
        eg_evidence seen;
        eagle_error err;
        eagle_status st = eg_elementary_compare(&seen, &eg_elementaries[i], 1u << 17, &err);

        if (st == EAGLE_EUNSUPPORTED) {
            skip();
        }
        assert_int_equal(st, EAGLE_OK);
        assert_int_equal(seen.inputs, 1u << 17);
        if (seen.wrong > 0) {
            fail_msg("%s: %d wrong, such as %a; worst error %g", eg_elementaries[i].name,
                     (int)seen.wrong, (double)seen.example, seen.worst_error);
        }
    }
}

/* ---- RoPE --------------------------------------------------------------------------------- */

#ifdef EG_HAVE_MPFR
/* fl(base^exponent), and the pair before it within 2^-96. */
static void assert_power(float base, float exponent)
{
    mpfr_t truth;
    mpfr_t error;
    double hi;
    double lo;
    float p;

    mpfr_inits2(240, truth, error, (mpfr_ptr)0);
    mpfr_set_flt(truth, base, MPFR_RNDN);
    mpfr_set_flt(error, exponent, MPFR_RNDN);
    mpfr_pow(truth, truth, error, MPFR_RNDN);
    assert_true(eg_powf(&p, base, exponent));
    assert_bits(p, mpfr_get_flt(truth, MPFR_RNDN));
    assert_true(eg_pow_unrounded(&hi, &lo, base, exponent));
    mpfr_sub_d(error, truth, hi, MPFR_RNDN);
    mpfr_sub_d(error, error, lo, MPFR_RNDN);
    mpfr_div(error, error, truth, MPFR_RNDN);
    if (fabs(mpfr_get_d(error, MPFR_RNDN)) >= 0x1p-96) {
        fail_msg("%a^%a errs by %a", (double)base, (double)exponent, mpfr_get_d(error, MPFR_RNDN));
    }
    mpfr_clears(truth, error, (mpfr_ptr)0);
}
#endif

static void powers_are_those_of_mpfr(void **state)
{
    (void)state;
#ifdef EG_HAVE_MPFR
    static const float theta[] = {2.0f,      10.0f, 100.0f, 10000.0f, 10001.5f,
                                  500000.0f, 1e6f,  5e6f,   1e9f};

    for (size_t t = 0; t < sizeof theta / sizeof theta[0]; t++) {
        for (int dim = 2; dim <= 256; dim += 2) {
            float exponent = (float)(dim - 2) / (float)dim;

            for (int j = 0; j < 4; j++, exponent *= 0.618f) {
                assert_power(theta[t], exponent);
            }
        }
    }
#else
    skip();
#endif
}

/* 10000^(1/4) = 10 and its like come out exactly, and 1 for the first pair. */
static void default_frequencies_of_four_pairs_are_powers_of_ten(void **state)
{
    (void)state;
    const eagle_rope rope = {.kind = EAGLE_ROPE_DEFAULT, .theta = 10000.0};
    float f[4];

    assert_true(eg_rope_frequencies(f, &rope, 8));
    assert_bits(f[0], 1.0f);
    assert_bits(f[1], 0.1f);
    assert_bits(f[2], 0.01f);
    assert_bits(f[3], 0.001f);
}

static void linear_scaling_divides_every_frequency(void **state)
{
    (void)state;
    const eagle_rope plain = {.kind = EAGLE_ROPE_DEFAULT, .theta = 500000.0};
    const eagle_rope scaled = {.kind = EAGLE_ROPE_LINEAR, .theta = 500000.0, .factor = 3.0};
    float f[64];
    float g[64];

    assert_true(eg_rope_frequencies(f, &plain, 128));
    assert_true(eg_rope_frequencies(g, &scaled, 128));
    for (int j = 0; j < 64; j++) {
        assert_bits(g[j], f[j] / 3.0f);
    }
}

/* Short waves stay, long ones are divided, and the mix between is within 8 roundings of the formula
 * in double: six operations on numbers of the result's size, and a smooth factor that
 * its two roundings move by less than 2^-22. */
static void llama3_scaling_mixes_between_short_and_long_waves(void **state)
{
    (void)state;
    const eagle_rope plain = {.kind = EAGLE_ROPE_DEFAULT, .theta = 500000.0};
    const eagle_rope scaled = {.kind = EAGLE_ROPE_LLAMA3,
                               .theta = 500000.0,
                               .factor = 32.0,
                               .low_freq_factor = 1.0,
                               .high_freq_factor = 4.0,
                               .original_context = 8192};
    float f[32];
    float g[32];
    int mixed = 0;

    assert_true(eg_rope_frequencies(f, &plain, 64));
    assert_true(eg_rope_frequencies(g, &scaled, 64));
    for (int j = 0; j < 32; j++) {
        double turns = 8192.0 * (double)f[j] / 6.283185307179586;

        if (turns > 4.0) {
            assert_bits(g[j], f[j]);
        } else if (turns < 1.0) {
            assert_bits(g[j], f[j] / 32.0f);
        } else {
            double smooth = (turns - 1.0) / 3.0;
            double expected = ((1.0 - smooth) / 32.0 + smooth) * (double)f[j];

            assert_true(fabs((double)g[j] - expected) < 8 * 0x1p-24 * (double)f[j]);
            mixed++;
        }
    }
    assert_true(mixed > 0);
}

static void angles_are_rounded_before_sin_and_cos(void **state)
{
    (void)state;
    const float f[2] = {1.0f, 0.1f};
    float c[2];
    float s[2];

    eg_rope_angles(c, s, f, 2, 12345677);
    assert_bits(c[0], eg_cosf(12345677.0f));
    assert_bits(s[1], eg_sinf(12345677.0f * 0.1f));
    eg_rope_angles(c, s, f, 2, 0);
    assert_bits(c[1], 1.0f);
    assert_bits(s[1], 0.0f);
}

/* ---- variants ------------------------------------------------------------------------------ */

typedef struct {
    const char *name;
    eg_exp_fn *exp;
    eg_sum_exp_fn *sum_exp;
    eg_silu_mul_fn *silu_mul;
} variant;

/* The variants that run here; AVX-512 through its emulation where there is one. */
static size_t variants(variant out[2])
{
    size_t n = 0;

#if defined(__x86_64__)
#ifdef EG_EMULATED_AVX512
    const eagle_isa needed = EAGLE_ISA_AVX2; /* the emulation uses it */
#else
    const eagle_isa needed = EAGLE_ISA_AVX512;
#endif

    if (eagle_isa_usable(EAGLE_ISA_AVX2)) {
        out[n++] = (variant){"avx2", eg_exp_avx2, eg_sum_exp_avx2, eg_silu_mul_avx2};
    }
    if (eagle_isa_usable(needed)) {
        out[n++] = (variant){"avx512", eg_exp_avx512, eg_sum_exp_avx512, eg_silu_mul_avx512};
    }
#else
    (void)out;
#endif
    return n;
}

static void assert_same(const variant *v, const char *what, float got, float expected, float x)
{
    if (bits_of(got) != bits_of(expected) && !(isnan(got) && isnan(expected))) {
        fail_msg("%s %s at %a: %a, portable %a", v->name, what, (double)x, (double)got,
                 (double)expected);
    }
}

/* Every 4093rd float of all 2^32: all exponents, both signs, NaNs, infinities, subnormals. */
static void variants_agree_on_all_kinds_of_floats(void **state)
{
    (void)state;
    enum { ROW = 1024 };
    variant v[2];
    size_t n = variants(v);
    static float x[ROW];
    static float up[ROW];
    static float expected[2][ROW];
    static float got[ROW];

    if (n == 0) {
        skip();
    }
    for (uint64_t u = 0; u < UINT64_C(1) << 32; u += UINT64_C(4093) * ROW) {
        for (int i = 0; i < ROW; i++) {
            x[i] = float_of((uint32_t)(u + UINT64_C(4093) * (uint64_t)i));
            up[i] = float_of(0x3f000000u + (uint32_t)(u >> 9) + (uint32_t)i);
        }
        eg_exp_portable(expected[0], x, ROW);
        eg_silu_mul_portable(expected[1], x, up, ROW);
        for (size_t k = 0; k < n; k++) {
            v[k].exp(got, x, ROW);
            for (int i = 0; i < ROW; i++) {
                assert_same(&v[k], "exp", got[i], expected[0][i], x[i]);
            }
            v[k].silu_mul(got, x, up, ROW);
            for (int i = 0; i < ROW; i++) {
                assert_same(&v[k], "silu_mul", got[i], expected[1][i], x[i]);
            }
        }
    }
}

/* A buffer of `n` floats that ends at a page which cannot be read. */
static float *guarded(size_t n, void **base)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    char *map = mmap(NULL, 2 * page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    assert_ptr_not_equal(map, MAP_FAILED);
    assert_int_equal(mprotect(map + page, page, PROT_NONE), 0);
    *base = map;
    return (float *)(void *)(map + page) - n;
}

static void variants_agree_on_every_length_and_read_nothing_beyond(void **state)
{
    (void)state;
    enum { MAX = 70 };
    variant v[2];
    size_t n_variants = variants(v);
    void *base[3];
    float *x = guarded(MAX, &base[0]);
    float *up = guarded(MAX, &base[1]);
    float *y = guarded(MAX, &base[2]);
    float expected[MAX];

    if (n_variants == 0) {
        skip();
    }
    for (int i = 0; i < MAX; i++) {
        x[i] = (float)((i * 37) % 101 - 60) * 0.37f;
        up[i] = (float)(i - 30) * 0.11f;
    }
    for (size_t n = 0; n <= MAX; n++) {
        const float *tail = x + MAX - n;
        const float *up_tail = up + MAX - n;
        float *out = y + MAX - n;
        float sum = eg_sum_exp_portable(tail, 15.0f, n);

        for (size_t k = 0; k < n_variants; k++) {
            eg_exp_portable(expected, tail, n);
            v[k].exp(out, tail, n);
            assert_memory_equal(out, expected, n * sizeof *out);
            eg_silu_mul_portable(expected, tail, up_tail, n);
            v[k].silu_mul(out, tail, up_tail, n);
            assert_memory_equal(out, expected, n * sizeof *out);
            assert_same(&v[k], "sum_exp", v[k].sum_exp(tail, 15.0f, n), sum, (float)n);
        }
    }
    for (int i = 0; i < 3; i++) {
        munmap(base[i], 2 * (size_t)sysconf(_SC_PAGESIZE));
    }
}

/* silu(g) = g / (1 + e^-g): where e^-g overflows it is -0, and a gate may be overwritten. */
static void silu_of_very_negative_gates_is_minus_zero(void **state)
{
    (void)state;
    const float up[3] = {2.0f, 2.0f, 2.0f};
    float g[3] = {-88.8f, 0.0f, 100.0f};

    eg_silu_mul_portable(g, g, up, 3);
    assert_bits(g[0], -0.0f);
    assert_bits(g[1], 0.0f);
    assert_bits(g[2], 200.0f);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(special_arguments_have_their_defined_results),
        cmocka_unit_test(sin_and_cos_end_at_two_to_the_24),
        cmocka_unit_test(exp_overflows_and_underflows_where_it_must),
        cmocka_unit_test(results_next_to_a_middle_are_rounded_to_their_side),
        cmocka_unit_test(sampled_results_are_those_of_mpfr),
        cmocka_unit_test(powers_are_those_of_mpfr),
        cmocka_unit_test(default_frequencies_of_four_pairs_are_powers_of_ten),
        cmocka_unit_test(linear_scaling_divides_every_frequency),
        cmocka_unit_test(llama3_scaling_mixes_between_short_and_long_waves),
        cmocka_unit_test(angles_are_rounded_before_sin_and_cos),
        cmocka_unit_test(variants_agree_on_all_kinds_of_floats),
        cmocka_unit_test(variants_agree_on_every_length_and_read_nothing_beyond),
        cmocka_unit_test(silu_of_very_negative_gates_is_minus_zero),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
