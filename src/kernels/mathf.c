/* SPDX-License-Identifier: MIT */
/* mathf.c - exp, log, sin, cos in float32, correctly rounded.
 *
 * All four work alike: reduce the argument, evaluate a polynomial in double, arrange the last
 * sum so that little but its own rounding is lost, and round to float once. The double is within
 * 2^-51 of the truth, relatively, so its rounding is right unless the truth lies that near to the
 * middle between two floats. The few inputs where it does are compared with MPFR, every one
 * (`eagle selftest --exhaustive`); on all of them the double lies on the right side.
 *
 * Fused operations are written as fma(); nothing else may be fused. */
#include "kernels/mathf.h"

#include "kernels/mathf_constants.h"

#include <math.h>
#include <stdint.h>
#include <string.h>

/* 1.5 x 2^52: a double of this size has its last bit worth 1, so that adding it rounds to the
 * nearest integer, whose two's complement then stands in the low bits. */
#define SHIFT 0x1.8p52

#define COUNT(a) (int)(sizeof(a) / sizeof(a)[0])

static uint64_t bits_of(double x)
{
    uint64_t u;

    memcpy(&u, &x, sizeof u);
    return u;
}

static double double_of(uint64_t u)
{
    double x;

    memcpy(&x, &u, sizeof x);
    return x;
}

/* c[0] + c[1] x + ... + c[n - 1] x^(n - 1), from the last coefficient inwards. */
static double horner(const double *c, int n, double x)
{
    double y = c[n - 1];

    for (int i = n - 2; i >= 0; i--) {
        y = fma(y, x, c[i]);
    }
    return y;
}

/* a + b for |a| >= |b|, rounded to odd: to the neighbour whose last bit is 1, unless exact. Rounded
 * again, to float, this gives what a + b itself would (Boldo, Melquiond, "Emulation of FMA and
 * correctly rounded sums", 2008); a sum rounded to nearest may fall on a middle between two floats
 * and be rounded the wrong way from there. */
static double sum_to_odd(double a, double b)
{
    double sum = a + b;
    double rest = b - (sum - a);
    uint64_t u = bits_of(sum);

    if (rest != 0.0 && (u & 1) == 0) {
        u += (rest > 0.0) == (sum > 0.0) ? 1 : -(uint64_t)1;
    }
    return double_of(u);
}

/* ---- exp --------------------------------------------------------------------------- */

/* e^x = 2^k e^r, k the integer nearest to x / ln 2, |r| <= ln 2 / 2.
 *
 * r is exact but for the last rounding: x is a multiple of 2^-25 where k != 0, so x - k LN2_HI is a
 * multiple of 2^-53 below 1/2 and fits a double. Largest error measured: 2^-52.5,
 * at 0x1.e8488p+1. */
double eg_exp_unrounded(float x)
{
    /* e^-105 is below half the smallest float, e^89 above the largest; a NaN passes. */
    float clamped = -105.0f > x ? -105.0f : x;

    clamped = 89.0f < clamped ? 89.0f : clamped;

    double shifted = fma(clamped, EG_LOG2_E, SHIFT);
    double k = shifted - SHIFT;
    double r = fma(-k, EG_LN2_HI, clamped);

    r = fma(-k, EG_LN2_MID, r);

    double q = horner(eg_exp_coeffs, COUNT(eg_exp_coeffs), r);
    double p = 1.0 + fma(r * r, q, r);

    return p * double_of((bits_of(shifted) + 1023) << 52); /* exactly, by 2^k */
}

float eg_expf(float x)
{
    return (float)eg_exp_unrounded(x);
}

/* ---- log --------------------------------------------------------------------------- */

/* log(x) = k ln 2 + log(m), sqrt(1/2) <= m < sqrt(2), and with f = m - 1, s = f / (2 + f):
 * log(m) = 2 atanh(s) = 2 s + s^3 P(s^2).
 *
 * f and 2 + f are exact; the rest of the division is kept, as is that of every sum whose
 * terms are large. Largest error measured: 2^-52.9, at 0x1.48e26p+0. */
double eg_log_unrounded(float x)
{
    const uint64_t one = 0x3ff0000000000000;
    const uint64_t sqrt_half = 0x3fe6a09e667f3bcd;
    uint64_t u = bits_of(x) + (one - sqrt_half); /* sqrt(1/2) 2^k now begins a binade */
    double k = (double)((int)(u >> 52) - 1023);
    double f = double_of((u & 0x000fffffffffffff) + sqrt_half) - 1.0;
    double d = 2.0 + f;
    double s = f / d;
    double s_lo = fma(-s, d, f) / d;
    double z = s * s;
    double tail = fma(s * z, horner(eg_log_coeffs, COUNT(eg_log_coeffs), z), 2.0 * s_lo);
    double a = k * EG_LN2_HI;
    double a_lo = fma(k, EG_LN2_MID, fma(k, EG_LN2_HI, -a));
    double hi = a + 2.0 * s; /* a is 0 or the larger: the error of the sum is exact */
    double lo = 2.0 * s - (hi - a);

    return sum_to_odd(hi, lo + (tail + a_lo));
}

float eg_logf(float x)
{
    if (x > 0.0f && x < INFINITY) {
        return (float)eg_log_unrounded(x);
    }
    if (x == 0.0f) {
        return -INFINITY;
    }
    return x > 0.0f ? x : NAN;
}

/* ---- sin, cos ---------------------------------------------------------------------- */

#define SIN_COS_LIMIT 0x1p24f

/* x = n pi / 2 + hi + lo, |hi| <= pi / 4 and a little; quadrant is n mod 4. */
typedef struct {
    double hi;
    double lo;
    unsigned quadrant;
} reduced;

/* pi / 2 in three parts of 53 bits. As in exp, x - n HALF_PI_HI is exact; n HALF_PI_MID is kept as
 * a product and its error, and the difference as a sum and its error. What is
 * left out is below 2^-110, while no float up to 2^24 comes nearer than 2^-28 to a
 * multiple of pi / 2 other than 0. */
static reduced reduce(float x)
{
    double shifted = fma(x, EG_TWO_OVER_PI, SHIFT);
    double n = shifted - SHIFT;
    double a = fma(-n, EG_HALF_PI_HI, x);
    double b = n * EG_HALF_PI_MID;
    double b_lo = fma(n, EG_HALF_PI_LO, fma(n, EG_HALF_PI_MID, -b));
    double hi = a - b;
    double b_seen = a - hi;
    double a_seen = hi + b_seen;
    double lo = (a - a_seen) + (b_seen - b);

    return (reduced){.hi = hi, .lo = lo - b_lo, .quadrant = (unsigned)(bits_of(shifted) & 3)};
}

/* sin(hi + lo) = hi + (hi^3 S(hi^2) + lo cos(hi)). */
static double sin_of(reduced r)
{
    double z = r.hi * r.hi;
    double s = horner(eg_sin_coeffs, COUNT(eg_sin_coeffs), z);

    return sum_to_odd(r.hi, fma(r.hi * z, s, r.lo * fma(-0.5, z, 1.0)));
}

/* cos(hi + lo) = (1 - z / 2) + (z^2 C(z) - lo hi), z = hi^2 with its rounding error z_lo. */
static double cos_of(reduced r)
{
    double z = r.hi * r.hi;
    double z_lo = fma(r.hi, r.hi, -z);
    double c = horner(eg_cos_coeffs, COUNT(eg_cos_coeffs), z);
    double half = 0.5 * z;
    double w = 1.0 - half;
    double w_lo = (1.0 - w) - half;

    return sum_to_odd(w, w_lo + fma(z * z, c, -fma(r.hi, r.lo, 0.5 * z_lo)));
}

/* sin(r + quadrant x pi / 2). */
static double sin_in_quadrant(reduced r, unsigned quadrant)
{
    double y = (quadrant & 1) != 0 ? cos_of(r) : sin_of(r);

    return (quadrant & 2) != 0 ? -y : y;
}

/* Largest error measured: 2^-52.7, at -0x1.99805p+21. */
double eg_sin_unrounded(float x)
{
    reduced r = reduce(x);

    return sin_in_quadrant(r, r.quadrant);
}

/* Largest error measured: 2^-52.7, at 0x1.0a3d8ep+0. */
double eg_cos_unrounded(float x)
{
    reduced r = reduce(x);

    return sin_in_quadrant(r, r.quadrant + 1);
}

float eg_sinf(float x)
{
    if (!(x >= -SIN_COS_LIMIT && x <= SIN_COS_LIMIT)) {
        return NAN;
    }
    return x == 0.0f ? x : (float)eg_sin_unrounded(x); /* -0 stays -0 */
}

float eg_cosf(float x)
{
    if (!(x >= -SIN_COS_LIMIT && x <= SIN_COS_LIMIT)) {
        return NAN;
    }
    return (float)eg_cos_unrounded(x);
}
