/* SPDX-License-Identifier: MIT */
/* test_narrow.c - float32 to half precision: to nearest, ties to even. With the argument "all"
 * every float32 there is, in about five minutes; else every number of half precision, every border
 * between two of them, and one in 1021 of all. */
#include "kernels/kernels.h"
#include "kernels/order.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

typedef struct {
    eagle_dtype dtype;
    int digits;      /* of the significand, the leading 1 included */
    int least;       /* exponent of the least normal number        */
    double most;     /* the largest number                         */
    uint32_t finite; /* half precision numbers from +0 on          */
} precision;

static const precision precisions[] = {{EAGLE_F16, 11, -14, 65504.0, 0x7c00},
                                       {EAGLE_BF16, 8, -126, 0x1.fep127, 0x7f80}};

static unsigned long long step = 1021;

static uint16_t narrow(const precision *p, float x)
{
    uint16_t half;

    eg_narrow(&half, &x, p->dtype, 1);
    return half;
}

static float widen(const precision *p, uint16_t half)
{
    float x;

    eg_widen(&x, &half, p->dtype, 1);
    return x;
}

/* The definition, in double, which holds everything here exactly: a multiple of the last place. */
static double nearest(const precision *p, float x)
{
    int exponent = x == 0.0f ? p->least : ilogb((double)x);

    exponent = exponent < p->least ? p->least : exponent;
    const double place = ldexp(1.0, exponent - p->digits + 1);
    const double rounded = nearbyint((double)x / place) * place;

    return fabs(rounded) > p->most ? copysign((double)INFINITY, rounded) : rounded;
}

static void a_number_of_half_precision_comes_back(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const precision *p = &precisions[k];

        for (uint32_t half = 0; half < 65536; half++) {
            const uint16_t found = narrow(p, widen(p, (uint16_t)half));

            if ((half & 0x7fff) > p->finite) {
                assert_true((found & 0x7fff) > p->finite); /* NaN */
            } else {
                assert_int_equal(found, half);
            }
        }
    }
}

/* Halfway between two neighbours lies a float32: it goes to the even one, and its own neighbours
 * each to their side. */
static void halfway_goes_to_the_even_neighbour(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const precision *p = &precisions[k];

        for (uint32_t half = 0; half < p->finite; half++) {
            const float low = widen(p, (uint16_t)half);
            const double high = half + 1 < p->finite ? (double)widen(p, (uint16_t)(half + 1))
                                                     : 2.0 * ldexp(1.0, ilogb(p->most));
            const float middle = (float)(((double)low + high) / 2.0);

            assert_true((double)middle - (double)low == high - (double)middle);
            assert_int_equal(narrow(p, middle), half + (half & 1));
            assert_int_equal(narrow(p, -middle), 0x8000 | (half + (half & 1)));
            assert_int_equal(narrow(p, nextafterf(middle, 0.0f)), half);
            assert_int_equal(narrow(p, nextafterf(middle, INFINITY)), half + 1);
        }
    }
}

static void every_number_goes_to_the_nearest(void **state)
{
    (void)state;
    for (int k = 0; k < 2; k++) {
        const precision *p = &precisions[k];

        for (unsigned long long bits = 0; bits <= UINT32_MAX; bits += step) {
            const float x = eg_float_of_bits((uint32_t)bits);
            const float found = widen(p, narrow(p, x));

            if (isnan(x) ? !isnan(found)
                         : (double)found != (isinf(x) ? (double)x : nearest(p, x)) ||
                               signbit(found) != signbit(x)) {
                fail_msg("%a becomes %a in precision %s", (double)x, (double)found,
                         eagle_dtype_name(p->dtype));
            }
        }
    }
}

static void float32_is_copied(void **state)
{
    (void)state;
    const float x[3] = {1.5f, -0.0f, NAN};
    float y[3];

    eg_narrow(y, x, EAGLE_F32, 3);
    assert_memory_equal(x, y, sizeof x);
}

int main(int argc, char **argv)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_number_of_half_precision_comes_back),
        cmocka_unit_test(halfway_goes_to_the_even_neighbour),
        cmocka_unit_test(every_number_goes_to_the_nearest),
        cmocka_unit_test(float32_is_copied),
    };

    if (argc > 1 && strcmp(argv[1], "all") == 0) {
        step = 1;
    }
    return cmocka_run_group_tests_name("narrow", tests, NULL, NULL);
}
