/* SPDX-License-Identifier: MIT */
/* mathf_power.c - the correctly rounded power behind RoPE's frequencies.
 *
 * A pair of doubles hi + lo, |lo| <= ulp(hi) / 2, carries 106 bits. With u = 2^-53 the sums,
 * products and quotients below err by at most 3 u^2, 5 u^2 and 4 u^2, relatively (Joldes, Muller,
 * Popescu, "Tight and rigorous error bounds for basic building blocks of double-word arithmetic",
 * 2017). A power takes some 60 of them, whose errors add up to less than 2^-96; a result within
 * 2^-90 of the middle between two floats is called undecided. A middle itself is no power: were an
 * odd number of 25 bits the b-th root of T^a, a < b, T would have more than 24 bits. */
#include "kernels/mathf.h"
#include "kernels/mathf_constants.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

typedef struct {
    double hi;
    double lo;
} pair;

/* a + b for |a| >= |b| or a == 0, exactly. */
static pair quick_sum(double a, double b)
{
    double s = a + b;

    return (pair){s, b - (s - a)};
}

/* a + b, exactly. */
static pair two_sum(double a, double b)
{
    double s = a + b;
    double b_seen = s - a;
    double a_seen = s - b_seen;

    return (pair){s, (a - a_seen) + (b - b_seen)};
}

/* a b, exactly. */
static pair two_product(double a, double b)
{
    double p = a * b;

    return (pair){p, fma(a, b, -p)};
}

static pair add(pair a, pair b)
{
    pair s = two_sum(a.hi, b.hi);
    pair t = two_sum(a.lo, b.lo);
    pair v = quick_sum(s.hi, s.lo + t.hi);

    return quick_sum(v.hi, t.lo + v.lo);
}

static pair multiply(pair a, pair b)
{
    pair p = two_product(a.hi, b.hi);
    double cross = fma(a.hi, b.lo, a.lo * b.hi);

    return quick_sum(p.hi, p.lo + cross);
}

static pair divide(pair a, double d)
{
    double q = a.hi / d;
    double rest = fma(-q, d, a.hi) + a.lo;

    return quick_sum(q, rest / d);
}

/* e^x 2^-k, and k. r = x - k ln 2 is divided by 2^8, where ten terms of the series for e^r - 1
 * leave less than 2^-120; then (1 + a)^2 - 1 = 2 a + a^2 eight times. */
static pair exp_pair(pair x, int *k)
{
    const int doublings = 8;
    const int terms = 10;
    double n = fma(x.hi, EG_LOG2_E, 0x1.8p52) - 0x1.8p52;
    pair r = add(x, two_product(-n, EG_LN2_HI));

    r = add(r, two_product(-n, EG_LN2_MID));
    r = add(r, (pair){-n * EG_LN2_LO, 0.0});
    r = (pair){r.hi * 0x1p-8, r.lo * 0x1p-8};

    pair a = {1.0, 0.0};

    for (int i = terms; i >= 2; i--) { /* 1 + r / 2 (1 + r / 3 (1 + ...)) */
        a = add((pair){1.0, 0.0}, divide(multiply(r, a), i));
    }
    a = multiply(r, a);
    for (int i = 0; i < doublings; i++) {
        a = add((pair){2.0 * a.hi, 2.0 * a.lo}, multiply(a, a));
    }
    *k = (int)n;
    return add((pair){1.0, 0.0}, a);
}

/* 2^k for |k| < 1023. */
static double power_of_two(int k)
{
    uint64_t u = (uint64_t)(k + 1023) << 52;
    double x;

    memcpy(&x, &u, sizeof x);
    return x;
}

/* log(x) from the double y near it: y + 2 (x - e^y) / (x + e^y), whose error is of third order
 * in that of y. */
static pair log_pair(float x)
{
    double y = eg_log_unrounded(x);
    int k;
    pair e = exp_pair((pair){y, 0.0}, &k);
    double scaled = x * power_of_two(-k);
    pair gap = add((pair){scaled, 0.0}, (pair){-e.hi, -e.lo});

    return two_sum(y, 2.0 * gap.hi / (scaled + e.hi));
}

static float next_to(float x, int32_t step)
{
    uint32_t u;

    memcpy(&u, &x, sizeof u);
    u += (uint32_t)step;
    memcpy(&x, &u, sizeof x);
    return x;
}

/* Rounds v > 0 to float unless it lies within 2^-90 of a middle. v.hi decides all but the
 * side of the middle next to it. */
static bool round_pair(float *out, pair v)
{
    float nearest = (float)v.hi;

    *out = nearest;
    for (int32_t step = -1; step <= 1; step += 2) {
        float other = next_to(nearest, step);
        double middle = 0.5 * ((double)nearest + (double)other);
        double side = ((v.hi - middle) + v.lo) * step; /* > 0: beyond the middle */

        if (side > -0x1p-90 * v.hi && side < 0x1p-90 * v.hi) {
            return false;
        }
        if (side > 0.0) {
            *out = other;
        }
    }
    return true;
}

bool eg_pow_unrounded(double *hi, double *lo, float base, float exponent)
{
    int k;
    pair power = exp_pair(multiply(log_pair(base), (pair){exponent, 0.0}), &k);

    if (k < -120 || k > 120) { /* no frequency: and a float's neighbours must be normal */
        return false;
    }
    *hi = power.hi * power_of_two(k);
    *lo = power.lo * power_of_two(k);
    return true;
}

bool eg_powf(float *p, float base, float exponent)
{
    pair power;

    *p = 1.0f;
    return eg_pow_unrounded(&power.hi, &power.lo, base, exponent) && round_pair(p, power);
}
