/* SPDX-License-Identifier: MIT */
/* acceptance_sums.c - is the number of accepted tokens what its law gives? The sum over rounds, its
 * tail, and what it would have found.
 *
 * Given its tree and all tokens before it, a round accepts X nodes by a law that is known. Trees
 * hang on the rounds before, so that rounds are not independent, but X less its mean is a
 * martingale difference: means and variances add up, and the sum over its standard deviation is z.
 *
 * The verdict does not rest on z being normal. Where little is accepted it is not: one accepted
 * token where 0.01 were expected has z = 10, and happens once in a hundred runs. For any tilt t the
 * product over rounds of exp(t X) / E exp(t X) has mean 1, however many rounds there are and
 * whenever they end, and so has the average of such products over tilts that were fixed beforehand;
 * to reach 1 / p has a probability of p at most (Ville 1939). For many rounds that takes |z| of
 * about 6 where the normal law's tail would take 4.9. */
#include "check/acceptance.h"

#include <math.h>
#include <stdio.h>

#define SIGNIFICANT 1e-6        /* as in control.c, both sides together */
#define POWER_SD    2.326347874 /* 99 % of a normal law lie above its mean less so many deviations */

/* 2 and downwards by the square root of 2, and the same below 0: the best tilt of a sum is about
 * z / sd, and one of these is near it for up to 10^8 rounds. */
static double tilt(int32_t k)
{
    const double t = 2.0 * exp2(-0.5 * (double)(k / 2));

    return k % 2 == 0 ? t : -t;
}

/* ---- one round ----------------------------------------------------------------------------- */

bool eg_acceptance_drawn(double *chance, double *p, double *q, int32_t vocab, const int32_t *child,
                         int32_t n_child)
{
    double going = 1.0; /* the probability that all before were refused */

    for (int32_t c = 0; c < n_child; c++) {
        const int32_t x = child[c];
        double left = 0.0;
        double rest = 0.0;

        if (!(q[x] > 0.0)) {
            return false;
        }
        const double accept = p[x] < q[x] ? p[x] / q[x] : 1.0;

        chance[c] = going * accept;
        going *= 1.0 - accept;
        for (int32_t v = 0; v < vocab; v++) {
            p[v] = p[v] > q[v] ? p[v] - q[v] : 0.0;
            q[v] = v == x ? 0.0 : q[v];
            left += p[v];
            rest += q[v];
        }
        for (int32_t v = 0; v < vocab; v++) {
            p[v] = left > 0.0 ? p[v] / left : 0.0;
            q[v] = rest > 0.0 ? q[v] / rest : 0.0;
        }
    }
    return true;
}

/* log of the sum of stop[i] exp(t depth[i]), by its largest exponent. */
static double log_moment(const eg_claim_round *round, const double *stop, double t)
{
    double most = -INFINITY;
    double sum = 0.0;

    for (int32_t i = 0; i < round->n_verify; i++) {
        most = stop[i] > 0.0 ? fmax(most, t * round->depth[i]) : most;
    }
    for (int32_t i = 0; i < round->n_verify; i++) {
        sum += stop[i] > 0.0 ? stop[i] * exp(t * round->depth[i] - most) : 0.0;
    }
    return most + log(sum);
}

void eg_acceptance_add(eg_acceptance *a, const eg_claim_round *round, const double *chance,
                       double *scratch, int32_t accepted)
{
    const int32_t n = round->n_verify;
    double *reach = scratch;    /* the walk comes to the node */
    double *stop = scratch + n; /* and ends there             */
    double mean = 0.0;
    double second = 0.0;

    for (int32_t i = 0; i < n; i++) {
        reach[i] = i == 0 ? 1.0 : reach[round->parent[i]] * chance[i];
        stop[i] = 1.0;
        if (i > 0) { /* a node at depth d adds 1 to X, and d^2 - (d - 1)^2 to its square */
            stop[round->parent[i]] -= chance[i];
            mean += reach[i];
            second += (2.0 * round->depth[i] - 1.0) * reach[i];
        }
    }
    for (int32_t i = 0; i < n; i++) {
        stop[i] = stop[i] > 0.0 ? stop[i] * reach[i] : 0.0;
    }
    for (int32_t k = 0; k < EG_TILTS; k++) {
        a->log_moment[k] += log_moment(round, stop, tilt(k));
    }
    a->rounds++;
    a->accepted += accepted;
    a->mean += mean;
    a->variance += fmax(0.0, second - mean * mean);
}

/* ---- all rounds ---------------------------------------------------------------------------- */

/* log of the average of the products. It is convex in `accepted`, with its least value near the
 * mean. */
static double log_evidence(const eg_acceptance *a, double accepted)
{
    double most = -INFINITY;
    double sum = 0.0;

    for (int32_t k = 0; k < EG_TILTS; k++) {
        most = fmax(most, tilt(k) * accepted - a->log_moment[k]);
    }
    for (int32_t k = 0; k < EG_TILTS; k++) {
        sum += exp(tilt(k) * accepted - a->log_moment[k] - most);
    }
    return most + log(sum / EG_TILTS);
}

double eg_acceptance_tail(const eg_acceptance *a, double accepted)
{
    return exp(fmin(0.0, -log_evidence(a, accepted)));
}

/* The number nearest to the mean, from it to `far`, that is significant; NAN: not even that. */
static double critical(const eg_acceptance *a, double far)
{
    const double level = -log(SIGNIFICANT);
    double near = a->mean;

    if (!(log_evidence(a, far) > level)) {
        return NAN;
    }
    for (int32_t i = 0; i < 200; i++) {
        const double middle = near + (far - near) / 2.0;

        if (log_evidence(a, middle) > level) {
            far = middle;
        } else {
            near = middle;
        }
    }
    return far;
}

static void set_figures(eagle_check_acceptance *f, const eg_acceptance *a)
{
    const double n = (double)a->rounds;
    const double sd = sqrt(a->variance);
    const double low = critical(a, 0.0);
    const double high = critical(a, a->mean + 40.0 * sd + 40.0);
    const double loss = (a->mean - low + POWER_SD * sd) / a->mean;
    const double gain = (high - a->mean + POWER_SD * sd) / a->mean;

    *f = (eagle_check_acceptance){.rounds = a->rounds,
                                  .left_out = a->left_out,
                                  .accepted = (double)a->accepted / n,
                                  .expected = a->mean / n,
                                  .deviation = sd / n,
                                  .z = sd > 0.0 ? ((double)a->accepted - a->mean) / sd : 0.0,
                                  .p = eg_acceptance_tail(a, (double)a->accepted),
                                  .least_loss = loss <= 1.0 ? loss : INFINITY,
                                  .least_gain = isfinite(gain) ? gain : INFINITY};
}

/* Rounds it takes, about, to find a tenth fewer. */
static double enough(const eg_acceptance *a)
{
    const double sd = sqrt(2.0 * log(EG_TILTS / SIGNIFICANT)) + POWER_SD;
    const double tenth = 0.1 * a->mean;

    return ceil((double)a->rounds * sd * sd * a->variance / (tenth * tenth));
}

static void judge(eagle_check_line *line, const eg_acceptance *a, const eagle_check_acceptance *f)
{
    if (f->p < SIGNIFICANT && f->z > 0.0) {
        eg_problem(line, EAGLE_CHECK_FAIL,
                   "more is accepted than the target's law gives (p < %.1g): the output has "
                   "another law",
                   f->p);
    } else if (f->p < SIGNIFICANT) {
        eg_problem(line, EAGLE_CHECK_DRAFT_DIFF,
                   "less is accepted than the target's law gives (p < %.1g): draft efficiency is "
                   "lost, the output is not concerned",
                   f->p);
    } else if (a->certain > 0 || isfinite(f->least_loss)) {
        eg_worsen(line, EAGLE_CHECK_PASS);
    }
}

void eg_acceptance_report(eagle_check_report *report, const eg_acceptance *a)
{
    eagle_check_acceptance *f = &report->acceptance;

    if (a->rounds == 0 && a->left_out == 0) {
        return;
    }
    eagle_check_line *line = eg_line(report, "acceptance");

    if (a->rounds == 0) {
        f->left_out = a->left_out;
        eg_say(line, "none of %lld rounds could be judged: %s", (long long)a->left_out, a->why);
        return;
    }
    char rest[160] = "";
    char loss[40] = "no loss";

    set_figures(f, a);
    judge(line, a, f);
    line->n_judged = a->rounds;
    line->n_different = a->fewer + a->more;
    if (a->left_out > 0) {
        snprintf(rest, sizeof rest, "; %lld rounds left out: %s", (long long)a->left_out, a->why);
    }
    if (a->certain == a->rounds) {
        eg_say(line,
               "%lld rounds, %.4g drafted tokens accepted in each, the target's own give %.4g; "
               "one more or fewer in any round would be found%s",
               (long long)a->rounds, f->accepted, f->expected, rest);
        return;
    }
    if (line->verdict == EAGLE_CHECK_ABSENT) {
        eg_say(line,
               "%lld rounds, %.4g drafted tokens accepted in each, the law gives %.4g: too few "
               "rounds to tell; to find a tenth fewer takes about %.0f%s",
               (long long)a->rounds, f->accepted, f->expected, a->mean > 0.0 ? enough(a) : INFINITY,
               rest);
        return;
    }
    if (isfinite(f->least_loss)) {
        snprintf(loss, sizeof loss, "%.3g %% fewer", 100.0 * f->least_loss);
    }
    eg_say(
        line,
        "%lld rounds, %.4g drafted tokens accepted in each, the law gives %.4g +- %.2g (z %.2f); "
        "found with 99 %% power: %s, %.3g %% more%s",
        (long long)a->rounds, f->accepted, f->expected, f->deviation, f->z, loss,
        100.0 * f->least_gain, rest);
}
