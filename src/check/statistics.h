/* SPDX-License-Identifier: MIT */
/* statistics.h - the distributions that verdicts are made of. Tails, not values: a p-value is the
 * probability of what was seen or worse. They hold down to 1e-300.
 *
 * All but eg_fisher_more(), eg_poisson_tail() and eg_rank_sum_more() use MPFR. */
#ifndef EG_CHECK_STATISTICS_H
#define EG_CHECK_STATISTICS_H

#include <stdint.h>

/* P(X >= x) of the chi-square law with df > 0 degrees of freedom, not necessarily whole. */
double eg_chi2_upper(double x, double df);

/* The x with eg_chi2_upper(x, df) == p, 0 < p < 1. */
double eg_chi2_critical(double p, double df);

/* P(X >= x) of the noncentral chi-square law: the mixture of those with df + 2j degrees of freedom
 * by Poisson weights of mean lambda / 2. */
double eg_chi2_noncentral_upper(double x, double df, double lambda);

/* The smallest lambda with eg_chi2_noncentral_upper(x, df, lambda) >= power. */
double eg_chi2_noncentrality(double x, double df, double power);

/* P(X >= x) of the shifted gamma law that has this mean, variance and third central moment, all but
 * the first above 0 (Pearson's type III; of a chi-square's moments: the chi-square law). */
double eg_gamma_upper(double x, double mean, double variance, double third);

/* The third central moment of Pearson's statistic of n draws in k cells, given the sums of 1 / p
 * and 1 / p^2 over the cells; exact. */
double eg_pearson_third(double n, double k, double inverse, double inverse2);

/* P(|Z| >= |z|) of the standard normal law. */
double eg_normal_two_sided(double z);

/* At least P(D >= d) for the two-sided distance D between the distribution function of n uniform
 * numbers and the diagonal: twice the one-sided probability, which is exact (Birnbaum and Tingey
 * 1951), and thereby exact but for the chance that both sides are that far, of the order of the
 * fourth power. */
double eg_kolmogorov_upper(double d, int64_t n);

/* Fisher's exact test, one-sided: the probability of a or more hits among n_a, given that there are
 * a + b hits among all n_a + n_b. 0 <= a <= n_a, 0 <= b <= n_b. */
double eg_fisher_more(int64_t a, int64_t n_a, int64_t b, int64_t n_b);

/* The rank-sum test (Mann and Whitney 1947), one-sided: at least the probability that so many of
 * the n_a n_b pairs have the number of a above that of b, if all n_a + n_b come from one law. Both
 * are sorted, ascending; equal numbers count for b. */
double eg_rank_sum_more(const double *a, int64_t n_a, const double *b, int64_t n_b);

/* P(X >= k) for X Poisson of that mean. */
double eg_poisson_tail(int64_t k, double mean);

#endif
