/* SPDX-License-Identifier: MIT */
/* statistics.c - chi-square, normal and Kolmogorov tails, by MPFR's functions. */
#include "check/statistics.h"

#include <math.h>
#include <mpfr.h>

#define BITS 96 /* a double's 53, and what a ratio of gamma functions loses */

/* ---- chi-square ------------------------------------------------------------------------------ */

/* Q(a, x) = gamma(a, x) / gamma(a), the upper incomplete gamma function, regularized. */
static double gamma_upper(double a, double x)
{
    mpfr_t ma;
    mpfr_t mx;
    mpfr_t upper;
    mpfr_t whole;

    if (x <= 0.0) {
        return 1.0;
    }
    mpfr_inits2(BITS, ma, mx, upper, whole, (mpfr_ptr)0);
    mpfr_set_d(ma, a, MPFR_RNDN);
    mpfr_set_d(mx, x, MPFR_RNDN);
    mpfr_gamma_inc(upper, ma, mx, MPFR_RNDN);
    mpfr_gamma(whole, ma, MPFR_RNDN);
    mpfr_div(upper, upper, whole, MPFR_RNDN);

    const double q = mpfr_get_d(upper, MPFR_RNDN);

    mpfr_clears(ma, mx, upper, whole, (mpfr_ptr)0);
    return q;
}

double eg_chi2_upper(double x, double df)
{
    return gamma_upper(0.5 * df, 0.5 * x);
}

double eg_gamma_upper(double x, double mean, double variance, double third)
{
    const double sd = sqrt(variance);
    const double skew = third / (sd * variance);
    const double shape = 4.0 / (skew * skew);

    return gamma_upper(shape, shape + sqrt(shape) * (x - mean) / sd);
}

/* With K(a, b) = [y_a = y_b] / p(y_a) the statistic is (1/n) sum over all a, b of K - n, so n times
 * it, less its mean, is the sum of D_a = 1/p(y_a) - k over draws and of 2 H_ab = 2 (K - 1) over
 * pairs. Given one draw the mean of H is 0, so that of the cube there remain, by kinds of draws
 * that occur in a term,
 *
 *   D_a^3              n                 E D^3 = S2 - 3 k S1 + 2 k^3,   S1 = sum 1/p, S2 = sum 1/p^2
 *   D_a D_b H_ab       6 n (n-1)         E = sum p D^2 = S1 - k^2
 *   D_a H_ab^2         12 n (n-1)        the same, as E(H^2 | a) = 1/p - 1
 *   H_ab^3             4 n (n-1)         S1 - 3 k + 2
 *   H_ab H_bc H_ac     8 n (n-1) (n-2)   k - 1, the trace of a projection of that rank */
double eg_pearson_third(double n, double k, double inverse, double inverse2)
{
    const double pairs = n * (n - 1.0);
    const double cube = inverse2 - 3.0 * k * inverse + 2.0 * k * k * k;
    const double sum = n * cube + 18.0 * pairs * (inverse - k * k) +
                       4.0 * pairs * (inverse - 3.0 * k + 2.0) +
                       8.0 * pairs * (n - 2.0) * (k - 1.0);

    return sum / (n * n * n);
}

/* The x where f, which falls from above `p` to below it, meets p. */
typedef double falling(double x, const double *par);

static double meet(falling *f, const double *par, double p)
{
    double low = 0.0;
    double high = 1.0;

    while (f(high, par) > p) {
        low = high;
        high *= 2.0;
    }
    while (high - low > 1e-12 * high) {
        const double mid = 0.5 * (low + high);

        if (f(mid, par) > p) {
            low = mid;
        } else {
            high = mid;
        }
    }
    return high;
}

static double central(double x, const double *par)
{
    return eg_chi2_upper(x, par[0]);
}

double eg_chi2_critical(double p, double df)
{
    return meet(central, &df, p);
}

/* The mixture from its mode outward. Q(a + 1, x) = Q(a, x) + x^a e^-x / gamma(a + 1): upward by
 * adding, downward by taking away what is then less than Q itself. */
double eg_chi2_noncentral_upper(double x, double df, double lambda)
{
    const double mean = 0.5 * lambda;
    const double half = 0.5 * x;
    const double spread =
        12.0 * sqrt(mean + 1.0) + 40.0; /* what is beyond has less than e^-72 / 2 */
    const double first = floor(mean - spread > 0.0 ? mean - spread : 0.0);
    double a = 0.5 * df + first;
    double q = gamma_upper(a, half);
    double weight = exp(first * log(mean > 0.0 ? mean : 1.0) - mean - lgamma(first + 1.0));
    double sum = 0.0;

    if (x <= 0.0) {
        return 1.0;
    }
    if (mean <= 0.0) {
        return q;
    }
    for (double j = first; j <= mean + spread; j += 1.0) {
        sum += weight * q;
        weight *= mean / (j + 1.0);
        q += exp(a * log(half) - half - lgamma(a + 1.0));
        a += 1.0;
    }
    return sum < 1.0 ? sum : 1.0;
}

static double missed(double lambda, const double *par)
{
    return 1.0 - eg_chi2_noncentral_upper(par[0], par[1], lambda);
}

double eg_chi2_noncentrality(double x, double df, double power)
{
    const double par[2] = {x, df};

    return meet(missed, par, 1.0 - power);
}

/* ---- normal ---------------------------------------------------------------------------------- */

double eg_normal_two_sided(double z)
{
    mpfr_t t;

    mpfr_init2(t, BITS);
    mpfr_set_d(t, fabs(z), MPFR_RNDN);
    mpfr_div_d(t, t, sqrt(2.0), MPFR_RNDN);
    mpfr_erfc(t, t, MPFR_RNDN);

    const double p = mpfr_get_d(t, MPFR_RNDN);

    mpfr_clear(t);
    return p;
}

/* ---- Kolmogorov ------------------------------------------------------------------------------ */

#define SERIES_MAX 100000 /* beyond it the bound that holds for every n is within a percent */

/* P(D+ >= d) = d sum_j C(n, j) (1 - d - j/n)^(n-j) (d + j/n)^(j-1), for j <= n (1 - d): all terms
 * are positive. (Birnbaum and Tingey 1951.) */
static double one_sided(double d, int64_t n)
{
    const double size = (double)n;
    double choose = 0.0; /* log C(n, j) */
    double sum = 0.0;

    for (int64_t j = 0; j <= n; j++) {
        const double share = (double)j / size;
        const double rest = 1.0 - d - share;

        if (rest < 0.0 || (rest == 0.0 && j < n)) {
            break;
        }
        sum += exp(choose + (double)(n - j) * (j < n ? log(rest) : 0.0) +
                   (double)(j - 1) * log(d + share));
        choose += log((double)(n - j)) - log((double)(j + 1));
    }
    return d * sum;
}

double eg_kolmogorov_upper(double d, int64_t n)
{
    double p = 1.0;

    if (d <= 0.0 || n < 1) {
        return 1.0;
    }
    if (d >= 1.0) {
        return 0.0;
    }
    /* Massart 1990: P(D >= d) <= 2 exp(-2 n d^2) for every n. */
    p = n > SERIES_MAX ? 2.0 * exp(-2.0 * (double)n * d * d) : 2.0 * one_sided(d, n);
    return p < 1.0 ? p : 1.0;
}
