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
