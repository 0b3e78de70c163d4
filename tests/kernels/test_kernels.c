/* SPDX-License-Identifier: MIT */
/* test_kernels.c - every variant that this CPU can run gives the bits of the portable definition;
 * and the definition is what docs/canonical-order.md says. */
#include "kernels/mathf.h"
#include "kernels/order.h"
#include "kernels/run_checks.h"
#include "kernels/variants.h"

#include <math.h>

/* ---- the definition itself ------------------------------------------------------------------- */

/* Elements 0 and 16 share a lane: 2^24 + 1 loses the 1 there, while a neighbouring lane keeps
 * it. */
static void element_i_is_summed_in_lane_i_mod_16(void **state)
{
    (void)state;
    float a[17] = {[0] = 0x1p24f, [16] = 1};
    float b[17] = {[0] = 1, [16] = 1};

    assert_true(eg_dot_f32_portable(a, b, 17) == 0x1p24f);
    a[0] = 1;
    a[1] = 0x1p24f;
    b[1] = 1;
    assert_true(eg_dot_f32_portable(a, b, 17) == 0x1p24f + 2); /* (1 + 1) + 2^24 */
}

/* Lanes 0, 4 and 8 hold 2^24, 1 and 1. Halves: (2^24 + 1) + 1 = 2^24. Neighbours first, or 8 with 4
 * first, would give 2^24 + 2. */
static void lanes_fold_in_halves(void **state)
{
    (void)state;
    const float one[16] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const float a[16] = {[0] = 0x1p24f, [4] = 1, [8] = 1};
    const float b[16] = {[0] = 0x1p24f, [4] = 1, [12] = 1}; /* 4 takes 12 first */

    assert_true(eg_dot_f32_portable(a, one, 16) == 0x1p24f);
    assert_true(eg_dot_f32_portable(b, one, 16) == 0x1p24f + 2);
}

/* (1 + 2^-12)^2 - 1 = 2^-11 + 2^-24: rounding the product first would lose the last term. */
static void a_step_rounds_once(void **state)
{
    (void)state;
    float a[17] = {[0] = -1, [16] = 1 + 0x1p-12f};
    float b[17] = {[0] = 1, [16] = 1 + 0x1p-12f};

    assert_true(eg_dot_f32_portable(a, b, 17) == 0x1p-11f + 0x1p-24f);
}

/* All 16 lanes underflow to -0. A 17th product touches lane 0 only; filling the block up with zeros
 * would touch the others too, and fma(0, 0, -0) is +0. */
static void padding_with_zeros_would_lose_a_negative_zero(void **state)
{
    (void)state;
    float a[32] = {0};
    float b[32] = {0};

    for (size_t i = 0; i < 17; i++) {
        a[i] = -0x1p-100f;
        b[i] = 0x1p-100f;
    }
    assert_int_equal(eg_bits_of_float(eg_dot_f32_portable(a, b, 17)), 0x80000000u);
    assert_int_equal(eg_bits_of_float(eg_dot_f32_portable(a, b, 32)), 0);
}

static void widening_is_exact_for_all_65536_halves(void **state)
{
    (void)state;
    for (uint32_t h = 0; h < 65536; h++) {
        const uint16_t half = (uint16_t)h;
        const int exponent = (int)(h >> 10 & 31);
        const int fraction = (int)(h & 0x3ff);
        float f16;
        float bf16;

        eg_widen(&f16, &half, EAGLE_F16, 1);
        eg_widen(&bf16, &half, EAGLE_BF16, 1);
        assert_int_equal(eg_bits_of_float(bf16), h << 16);
        assert_int_equal(signbit(f16) != 0, h >> 15);
        if (exponent == 31) {
            assert_true(fraction == 0 ? isinf(f16) : isnan(f16));
        } else {
            double magnitude =
                exponent == 0 ? ldexp(fraction, -24) : ldexp(1024 + fraction, exponent - 25);
            assert_true(fabs((double)f16) == magnitude);
        }
    }
}

/* y = w (x r), each product rounded: with x = 3 and 2^-k the mean is easy to see. */
static void rmsnorm_divides_by_the_root_of_the_mean_square(void **state)
{
    (void)state;
    const float x[4] = {3, -1, 1, 1}; /* mean square 3 */
    const float w[4] = {1, 2, 0.5f, -0.0f};
    const float r = 1.0f / sqrtf(3.0f + 0.25f);
    float y[4];

    eg_rmsnorm_portable(y, x, w, 0.25f, 4);
    assert_true(y[0] == 3 * r && y[1] == -2 * r && y[2] == 0.5f * r);
    assert_int_equal(eg_bits_of_float(y[3]), 0x80000000u);
}

/* Turning (1, 0) by an angle gives its cosine and sine; head dimension j goes with j + half. */
static void rope_turns_dimension_j_with_j_plus_half(void **state)
{
    (void)state;
    float x[4] = {1, 0, 0, 2};
    const float cos[2] = {0.5f, 0.25f};
    const float sin[2] = {0.75f, -0.5f};

    eg_rope_portable(x, cos, sin, 4);
    assert_true(x[0] == 0.5f && x[2] == 0.75f);
    assert_true(x[1] == 1.0f && x[3] == 0.5f); /* 0 - 2 sin, 2 cos */
}

/* Attention written out over an explicit list of slots. */
static void attention_follows_the_slot_list(void **state)
{
    (void)state;
    enum { DIM = 21, N = 24, CAP = 40 };
    const int32_t path[4] = {30, 31, 33, 39};
    float k[CAP * DIM];
    float v[CAP * DIM];
    float q[DIM];
    float out[DIM];
    float scratch[N];
    float e[N];
    float lane[EG_LANES] = {0};
    float max = -INFINITY;
    uint32_t r = 7;

    for (size_t i = 0; i < CAP * DIM; i++) {
        r = r * 1664525u + 1013904223u;
        k[i] = (float)(int32_t)r * 0x1p-30f;
        v[i] = (float)(int32_t)(r * 2654435761u) * 0x1p-30f;
        q[i % DIM] = 0.03125f * (k[i] - v[i]);
    }
    eg_attend_portable(out, q, 1, &(eg_keys){k, v, DIM, 0.5f, 2, N - 4, path, 4}, scratch);
    for (size_t j = 0; j < N; j++) {
        size_t slot = j < N - 4 ? 2 + j : (size_t)path[j - (N - 4)];

        e[j] = eg_dot_f32_portable(q, k + slot * DIM, DIM) * 0.5f;
        max = e[j] > max ? e[j] : max;
    }
    for (size_t j = 0; j < N; j++) {
        e[j] = eg_expf(e[j] - max);
        lane[j % EG_LANES] += e[j];
    }

    const float sum = eg_fold_lanes(lane);

    for (size_t d = 0; d < DIM; d++) {
        float total = 0;

        for (size_t j = 0; j < N; j++) {
            size_t slot = j < N - 4 ? 2 + j : (size_t)path[j - (N - 4)];

            total = fmaf(e[j], v[slot * DIM + d], total);
        }
        assert_int_equal(eg_bits_of_float(out[d]), eg_bits_of_float(total / sum));
    }
}

/* ---- small loops ----------------------------------------------------------------------------- */

static void argmax_takes_the_lowest_index_of_equals(void **state)
{
    (void)state;
    const float x[] = {-1, 3, -0.0f, 3, 2};
    const float zeros[] = {-0.0f, 0.0f};

    assert_int_equal(eg_argmax(x, 5), 1);
    assert_int_equal(eg_argmax(x, 1), 0);
    assert_int_equal(eg_argmax(zeros, 2), 0);
}

/* Against taking the first best k times over. */
static void topk_orders_by_value_and_then_index(void **state)
{
    (void)state;
    enum { N = 60 };
    float x[N];
    int32_t got[N];
    uint32_t r = 1;

    for (size_t i = 0; i < N; i++) {
        r = r * 1664525u + 1013904223u;
        x[i] = (float)(r >> 24 & 15) - 8; /* many equals */
    }
    for (size_t k = 1; k <= N; k++) {
        bool taken[N] = {false};

        eg_topk(got, x, N, k);
        for (size_t i = 0; i < k; i++) {
            size_t best = N;

            for (size_t j = 0; j < N; j++) {
                if (!taken[j] && (best == N || x[j] > x[best])) {
                    best = j;
                }
            }
            assert_int_equal(got[i], best);
            taken[best] = true;
        }
    }
}

static void one_element_that_is_not_finite_is_found(void **state)
{
    (void)state;
    for (size_t bad = 0; bad < 20; bad++) {
        float x[20] = {0x1.fffffep127f, -0x1p-149f};

        assert_int_equal(eg_all_finite(x, 20), 1);
        x[bad] = bad % 2 == 0 ? -INFINITY : NAN;
        assert_int_equal(eg_all_finite(x, 20), 0);
        assert_int_equal(eg_all_finite(x, bad), 1);
    }
}

/* float32 of 1 / sqrt(n) for head sizes in use. */
static void attention_scale_is_known_to_the_bit(void **state)
{
    (void)state;
    assert_true(eg_attention_scale(64) == 0.125f);
    assert_true(eg_attention_scale(8) == 0x1.6a09e6p-2f);   /* 0.353553390593... */
    assert_true(eg_attention_scale(128) == 0x1.6a09e6p-4f); /* 0.088388347648... */
    assert_true(eg_attention_scale(48) == 0x1.279a74p-3f);  /* 0.144337567297... */
}

static void a_table_is_there_exactly_where_it_can_run(void **state)
{
    (void)state;
    static const eagle_isa isas[] = {EAGLE_ISA_PORTABLE, EAGLE_ISA_AVX2, EAGLE_ISA_AVX512,
                                     EAGLE_ISA_NEON};

    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++) {
        const eg_kernels *k = eg_kernels_for(isas[i]);

        assert_int_equal(k != NULL, eagle_isa_usable(isas[i]) != 0);
        assert_true(k == NULL || k->isa == isas[i]);
    }
    assert_int_equal(eg_kernels_for(EAGLE_ISA_AUTO)->isa, eagle_isa_best());
    assert_null(eg_kernels_matmul(eg_kernels_for(EAGLE_ISA_PORTABLE), EAGLE_I64));
}

/* ---- running --------------------------------------------------------------------------------- */

int main(void)
{
#if defined(__x86_64__)
    static const eagle_isa isas[] = {EAGLE_ISA_AVX2, EAGLE_ISA_AVX512};
#elif defined(__aarch64__)
    static const eagle_isa isas[] = {EAGLE_ISA_NEON};
#else
    static const eagle_isa isas[] = {EAGLE_ISA_PORTABLE};
#endif
    const struct CMUnitTest definition[] = {
        cmocka_unit_test(element_i_is_summed_in_lane_i_mod_16),
        cmocka_unit_test(lanes_fold_in_halves),
        cmocka_unit_test(a_step_rounds_once),
        cmocka_unit_test(padding_with_zeros_would_lose_a_negative_zero),
        cmocka_unit_test(widening_is_exact_for_all_65536_halves),
        cmocka_unit_test(rmsnorm_divides_by_the_root_of_the_mean_square),
        cmocka_unit_test(rope_turns_dimension_j_with_j_plus_half),
        cmocka_unit_test(attention_follows_the_slot_list),
        cmocka_unit_test(argmax_takes_the_lowest_index_of_equals),
        cmocka_unit_test(topk_orders_by_value_and_then_index),
        cmocka_unit_test(one_element_that_is_not_finite_is_found),
        cmocka_unit_test(attention_scale_is_known_to_the_bit),
        cmocka_unit_test(a_table_is_there_exactly_where_it_can_run),
    };
    int failed = cmocka_run_group_tests_name("definition", definition, NULL, NULL);

    for (size_t i = 0; i < sizeof isas / sizeof isas[0]; i++) {
        failed += run_kernel_checks(eagle_isa_name(isas[i]), eg_kernels_for(isas[i]));
    }
    return failed != 0;
}
