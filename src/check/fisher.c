/* SPDX-License-Identifier: MIT */
/* fisher.c - tails that need no library: Fisher's exact test, the hypergeometric law summed outward
 * from its mode, Poisson's, and a bound of the rank sum's. */
#include "check/statistics.h"

#include <math.h>

/* P(k + 1) / P(k) of hits among n_a, when `hits` are among n_a + n_b. */
static double ratio(int64_t k, int64_t n_a, int64_t n_b, int64_t hits)
{
    return (double)(n_a - k) / (double)(k + 1) * (double)(hits - k) / (double)(n_b - hits + k + 1);
}

double eg_fisher_more(int64_t a, int64_t n_a, int64_t b, int64_t n_b)
{
    const int64_t hits = a + b;
    const int64_t low = hits > n_b ? hits - n_b : 0;
    const int64_t high = hits < n_a ? hits : n_a;
    const double expected =
        ((double)hits + 1.0) * ((double)n_a + 1.0) / ((double)(n_a + n_b) + 2.0);
    int64_t mode = (int64_t)expected;
    double all = 0.0;
    double tail = 0.0;

    mode = mode < low ? low : (mode > high ? high : mode);
    double w = 1.0; /* in units of the mode's probability */

    for (int64_t k = mode; k <= high && w > 0.0; k++) {
        all += w;
        tail += k >= a ? w : 0.0;
        w *= ratio(k, n_a, n_b, hits);
    }
    w = 1.0;
    for (int64_t k = mode; k > low && w > 0.0; k--) {
        w /= ratio(k - 1, n_a, n_b, hits);
        all += w;
        tail += k - 1 >= a ? w : 0.0;
    }
    return tail / all;
}

double eg_poisson_tail(int64_t k, double mean)
{
    double term = exp((double)k * log(mean) - mean - lgamma((double)k + 1.0));
    double p = 0.0;

    if (k <= 0) {
        return 1.0;
    }
    if (!(mean > 0.0)) {
        return 0.0;
    }
    if ((double)k <= mean) {
        return 1.0; /* not in the tail */
    }
    for (int64_t i = k; term > p * 1e-17; i++) {
        p += term;
        term *= mean / (double)(i + 1);
    }
    return p < 1.0 ? p : 1.0;
}

/* If all come from one law, the moment generating function of the number of pairs, its mean taken
 * off, is
 *
 *   product over i = 1 .. n_a of  [sinh((n_b + i) t / 2) / (n_b + i)] / [sinh(i t / 2) / i].
 *
 * log(sinh(x) / x) grows more slowly than x^2 / 6, so that each quotient is at most
 * exp(((n_b + i)^2 - i^2) t^2 / 24), and their product exp(t^2 / 2 times the variance): Chernoff's
 * bound of a normal law, exp(-z^2 / 2), holds for any n_a and n_b. Ties that are broken at random
 * leave this law as it is; to count them for b makes the number smaller. */
double eg_rank_sum_more(const double *a, int64_t n_a, const double *b, int64_t n_b)
{
    double pairs = 0.0;
    int64_t below = 0;

    for (int64_t i = 0; i < n_a; i++) {
        while (below < n_b && b[below] < a[i]) {
            below++;
        }
        pairs += (double)below;
    }
    const double all = (double)n_a * (double)n_b;
    const double excess = pairs - all / 2.0;

    return excess > 0.0 ? exp(-6.0 * excess * excess / (all * ((double)(n_a + n_b) + 1.0))) : 1.0;
}
