/* SPDX-License-Identifier: MIT */
/* tokens.c - every emitted token, judged by our row of the same context.
 *
 * The gap of a token is our largest logit less our logit of it. If every logit of theirs is within
 * eps of ours, up to a common shift, and theirs took its own largest, then the gap is at most 2
 * eps: more is no rounding. eps is measured where their logits are there, estimated from
 * log-probabilities where those are, and else what rounding may do (noise.c). */
#include "check/budget.h"
#include "check/judge.h"
#include "check/statistics.h"

#include "kernels/kernels.h"
#include "sample/law.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

typedef struct {
    eg_judge *j;
    eagle_check_line *line;
    eagle_philox philox;
    eagle_draws draws; /* of the run's seed */
    bool coupled;      /* and its tokens must be what those draws give */
    double worst_logprob;
    int64_t flipped; /* tokens that only their law gives             */
} judging;

/* What the run recorded of the row that decided a token. */
typedef struct {
    eg_place at;         /* round -1: unknown                                */
    const float *logits; /* NULL: unknown                                    */
    double eps;          /* measured or allowed                              */
    bool measured;
    bool own_best; /* the token is the largest of what was recorded, or that is unknown */
} evidence;

/* `error`: by how much the row differs; 0: as far as its token tells, which is the gap. */
static void tell(judging *g, const evidence *e, int32_t pos, double error, const float *ours)
{
    eg_judge *j = g->j;
    const int32_t token = j->claim->token[pos + 1];
    const int32_t best = (int32_t)eg_argmax(ours, (size_t)j->config->vocab);
    eagle_check_divergence d = {.run = j->run,
                                .round = e->at.round,
                                .node = -1,
                                .pos = pos,
                                .layer = -1,
                                .token = token,
                                .our_token = best,
                                .gap = (double)ours[best] - (double)ours[token],
                                .allowed = 2.0 * e->eps,
                                .value = NAN,
                                .our_value = (double)ours[token]};

    if (e->at.round >= 0) {
        d.node = j->claim->round[e->at.round].path_row[e->at.step];
    }
    if (e->logits != NULL) {
        d.value = (double)e->logits[token];
    }
    d.error = error > 0.0 ? error : d.gap;
    if (!j->control) {
        eg_diverges(j->report, &d);
    }
}

/* ---- evidence ---------------------------------------------------------------------------- */

static uint64_t sum_of(const uint64_t *w, int32_t vocab)
{
    uint64_t sum = 0;

    for (int32_t i = 0; i < vocab; i++) {
        sum += w[i];
    }
    return sum;
}

/* Our log-probability of a token: of the logits as they are, or (`processed`) of the law under
 * temperature and filters, which some backends report above temperature 0. */
typedef struct {
    const eg_judge *j;
    const float *logits;
    double log_sum;
    bool processed;
} our_log_p;

static double log_p(const our_log_p *o, int32_t token)
{
    return o->processed ? log((double)o->j->law[token]) - o->log_sum
                        : (double)o->logits[token] - o->log_sum;
}

/* The largest difference of what was recorded at output i; *compared: of more than the token
 * itself. */
static double largest(const our_log_p *o, int32_t i, bool *compared, bool *own_best)
{
    const eg_claim *c = o->j->claim;
    const float own = c->logprob[i];
    double most = fabs((double)own - log_p(o, c->token[c->n_prompt + i]));

    for (int32_t k = 0; k < c->n_top; k++) {
        const size_t at = (size_t)i * (size_t)c->n_top + (size_t)k;
        const int32_t token = c->top_token[at];

        if (token >= 0 && isfinite(c->top_logprob[at])) {
            const double d = fabs((double)c->top_logprob[at] - log_p(o, token));

            most = d > most ? d : most;
            *own_best = *own_best && own >= c->top_logprob[at];
            *compared = true;
        }
    }
    return most;
}

/* The token's log-probability and the row that was recorded beside it come of the same numbers:
 * they may differ by the type of the row, and what a sum of exponentials rounds in float32. */
static void compare_own(judging *g, const evidence *e, int32_t pos)
{
    eg_judge *j = g->j;
    const eg_claim *c = j->claim;
    const int32_t vocab = j->config->vocab;
    const int32_t token = c->token[pos + 1];
    const double own = (double)c->logprob[pos + 1 - c->n_prompt];
    double size = 1.0;

    if (e->logits == NULL || !isfinite(e->logits[token])) {
        return;
    }
    for (int32_t i = 0; i < vocab; i++) {
        size = isfinite(e->logits[i]) ? fmax(size, fabs((double)e->logits[i])) : size;
    }
    const double u = eg_half_ulp(j->claim->round[e->at.round].logits->dtype);
    double off = fabs(own - ((double)e->logits[token] - eg_log_sum(e->logits, vocab)));

    if (j->sampling.temperature > 0.0f) {
        eg_law_make(j->theirs, j->order, e->logits, vocab, &j->sampling);
        if (j->theirs[token] > 0) {
            off = fmin(off, fabs(own - log((double)j->theirs[token]) +
                                 log((double)sum_of(j->theirs, vocab))));
        }
    }
    if (off > 4.0 * fmax(u, 0x1p-20) * size) {
        eg_problem(
            eg_line(j->report, "log-probabilities"), EAGLE_CHECK_FAIL,
            "%s: position %d: the log-probability %.6g is not that of the run's own logits, by "
            "%.4g",
            c->name, pos, own, off);
    }
}

/* Log-probabilities of the emitted and the most likely tokens: a shift cannot hide in them. */
static void from_log_probabilities(judging *g, evidence *e, int32_t pos, const float *ours)
{
    eg_judge *j = g->j;
    const eg_claim *c = j->claim;
    const int32_t i = pos + 1 - c->n_prompt;
    const double bound =
        2.0 * j->slack * eg_row_bound(j, ours); /* the sum of the exponentials errs too */
    const our_log_p raw = {j, ours, eg_log_sum(ours, j->config->vocab), false};
    eagle_check_line *line = eg_line(j->report, "log-probabilities");
    bool compared = false;

    if (isnan(c->logprob[i])) {
        return; /* the producer had none here */
    }
    if (isinf(c->logprob[i])) {
        line->n_judged++;
        line->n_different++;
        eg_problem(line, EAGLE_CHECK_FAIL,
                   "%s: position %d: the log-probability of the emitted token is %sinfinite",
                   c->name, pos, c->logprob[i] < 0.0f ? "minus " : "");
        tell(g, e, pos, INFINITY, ours);
        return;
    }
    double eps = largest(&raw, i, &compared, &e->own_best);

    if (eps > bound && j->sampling.temperature > 0.0f && j->law[c->token[pos + 1]] > 0) {
        const double t = (double)j->sampling.temperature;
        const our_log_p processed = {j, ours, log((double)sum_of(j->law, j->config->vocab)), true};

        eps = fmin(eps, t * largest(&processed, i, &compared, &e->own_best));
    }
    g->worst_logprob = eps > g->worst_logprob ? eps : g->worst_logprob;
    line->n_judged++;
    line->n_different += eps > 0.0;
    eg_worsen(line, EAGLE_CHECK_PASS);
    if (eps > bound) {
        eg_problem(line, EAGLE_CHECK_FAIL,
                   "%s: position %d: a log-probability differs by %.4g, rounding allows %.4g",
                   c->name, pos, eps, bound);
        tell(g, e, pos, eps, ours);
    }
    compare_own(g, e, pos);
    if (e->logits == NULL) { /* else the logits have said more */
        e->measured = compared && eps < e->eps;
        e->eps = e->measured ? eps : e->eps;
    }
}

static void gather(judging *g, evidence *e, int32_t pos, const float *ours)
{
    eg_judge *j = g->j;
    const eg_claim *c = j->claim;
    const int32_t vocab = j->config->vocab;

    *e = (evidence){.at = {.round = -1}, .eps = j->slack * eg_row_bound(j, ours), .own_best = true};
    if (j->joined && eg_claim_place(&e->at, c, pos + 1)) {
        const eg_claim_round *round = &c->round[e->at.round];

        if (round->logits != NULL) {
            eg_tensor_row(j->row, round->logits, round->path_row[e->at.step]);
            e->logits = j->row;
        }
    } else {
        e->at.round = -1;
    }
    if (e->logits != NULL) {
        eg_row_difference d;

        eg_row_compare(&d, e->logits, ours, vocab);
        if (d.bad) { /* the line "logits" says so; no law and no evidence comes of it */
            e->logits = NULL;
        } else {
            e->measured = d.error < e->eps; /* more than rounding may make excuses nothing */
            e->eps = d.error < e->eps ? d.error : e->eps;
            e->own_best = e->logits[c->token[pos + 1]] >= e->logits[d.their_best];
        }
    }
    if (c->logprob != NULL) {
        from_log_probabilities(g, e, pos, ours);
    }
}

/* ---- temperature 0 ------------------------------------------------------------------------ */

static void judge_greedy(judging *g, int32_t pos, const float *ours)
{
    eg_judge *j = g->j;
    const int32_t token = j->claim->token[pos + 1];
    const int32_t best = (int32_t)eg_argmax(ours, (size_t)j->config->vocab);
    const double gap = (double)ours[best] - (double)ours[token];
    evidence e;

    gather(g, &e, pos, ours);
    g->line->n_judged++;
    if (token != best) {
        g->line->n_different++;
        if (pos + 1 >= j->repeated) {
            j->report->gap[j->report->n_gaps++] = gap;
        }
    }
    eg_worsen(g->line, EAGLE_CHECK_PASS);
    if (!e.own_best) {
        eg_problem(g->line, EAGLE_CHECK_FAIL,
                   "%s: position %d: token %d is not the largest of the run's own logits",
                   j->claim->name, pos + 1, token);
        tell(g, &e, pos, 0.0, ours);
    } else if (token != best && gap <= 2.0 * e.eps) {
        eg_problem(g->line, EAGLE_CHECK_NEAR_TIE,
                   "%s: position %d: token %d in place of %d, gap %.4g within 2 x %.4g %s",
                   j->claim->name, pos + 1, token, best, gap, e.eps,
                   e.measured ? "measured there" : "that rounding may make");
    } else if (token != best && !e.measured && !j->settled && gap <= 2.0 * EG_NO_ROUNDING * e.eps) {
        g->line->n_failed++; /* counted, whatever it is called */
        eg_problem(
            g->line, EAGLE_CHECK_INCONCLUSIVE,
            "%s: position %d: token %d in place of %d, gap %.4g above 2 x %.4g, which rounding is "
            "expected to make: a control run (--control) or --eps would settle it",
            j->claim->name, pos + 1, token, best, gap, e.eps);
    } else if (token != best) {
        eg_problem(g->line, EAGLE_CHECK_FAIL,
                   "%s: position %d: token %d in place of %d, gap %.4g above 2 x %.4g",
                   j->claim->name, pos + 1, token, best, gap, e.eps);
        tell(g, &e, pos, 0.0, ours);
    }
}

/* ---- above temperature 0 ------------------------------------------------------------------- */

/* Draws by one uniform number from two laws: the probability that they differ is one less the
 * overlap of each token's intervals. */
static double flip(const uint64_t *a, const uint64_t *b, int32_t vocab)
{
    const double sum_a = (double)sum_of(a, vocab);
    const double sum_b = (double)sum_of(b, vocab);
    double at_a = 0.0;
    double at_b = 0.0;
    double same = 0.0;

    for (int32_t i = 0; i < vocab; i++) {
        const double low = fmax(at_a / sum_a, at_b / sum_b);

        at_a += (double)a[i];
        at_b += (double)b[i];
        same += fmax(0.0, fmin(at_a / sum_a, at_b / sum_b) - low);
    }
    return same < 1.0 ? 1.0 - same : 0.0;
}

/* Share of our law that lies between two tokens in order of id: how far a boundary must have moved,
 * at least, for one uniform number to give the one in place of the other. */
static double between(const uint64_t *w, int32_t vocab, int32_t a, int32_t b)
{
    const int32_t low = a < b ? a : b;
    double mass = 0.0;

    for (int32_t i = low + 1; i < (a < b ? b : a); i++) {
        mass += (double)w[i];
    }
    return mass / (double)sum_of(w, vocab);
}

/* Without their logits: laws whose logits err by eps differ by 1 - exp(-2 eps / T) at most in any
 * sum of probabilities. */
static void judge_drawn(judging *g, const evidence *e, int32_t pos, int32_t drawn,
                        const float *ours)
{
    eg_judge *j = g->j;
    const int32_t token = j->claim->token[pos + 1];
    const double moved = between(j->law, j->config->vocab, drawn, token);
    const double may = 1.0 - exp(-2.0 * e->eps / (double)j->sampling.temperature);

    eg_problem(g->line, moved > may ? EAGLE_CHECK_FAIL : EAGLE_CHECK_NEAR_TIE,
               "%s: position %d: token %d, the seed draws %d from our law; %.3g of it lie between "
               "them, rounding explains %.3g",
               j->claim->name, pos + 1, token, drawn, moved, may);
    if (moved > may) {
        tell(g, e, pos, 0.0, ours);
    }
}

/* The same draw, from our law and from theirs, must give the token; where only ours does not, it is
 * counted, and judged at the end. */
static void judge_coupled(judging *g, const evidence *e, int32_t pos, const float *ours)
{
    eg_judge *j = g->j;
    const int32_t vocab = j->config->vocab;
    const int32_t token = j->claim->token[pos + 1];
    const eagle_draw_key key = {EAGLE_DRAW_TARGET, pos + 1, 0};
    const int32_t drawn = g->draws.pick(g->draws.ctx, key, j->law, vocab);

    g->line->n_different += drawn != token;
    if (e->logits == NULL) {
        if (drawn != token) {
            judge_drawn(g, e, pos, drawn, ours);
        }
        return;
    }
    eg_law_make(j->theirs, j->order, e->logits, vocab, &j->sampling);
    j->flips += flip(j->law, j->theirs, vocab);
    if (g->draws.pick(g->draws.ctx, key, j->theirs, vocab) != token) {
        eg_problem(g->line, EAGLE_CHECK_FAIL,
                   "%s: position %d: token %d is not what the seed draws from the run's own law",
                   j->claim->name, pos + 1, token);
        tell(g, e, pos, 0.0, ours);
    } else if (drawn != token) {
        g->flipped++;
        eg_problem(g->line, EAGLE_CHECK_NEAR_TIE,
                   "%s: position %d: token %d, the seed draws %d from our law", j->claim->name,
                   pos + 1, token, drawn);
    }
}

/* Is a token outside our kept set within rounding of its edge? */
static bool at_the_edge(const eg_judge *j, const float *ours, int32_t token, double eps)
{
    double edge = INFINITY;

    for (int32_t i = 0; i < j->config->vocab; i++) {
        if (j->law[i] > 0 && (double)ours[i] < edge) {
            edge = (double)ours[i];
        }
    }
    return edge - (double)ours[token] <= 2.0 * eps;
}

static void judge_sampled(judging *g, int32_t pos, const float *ours)
{
    eg_judge *j = g->j;
    const int32_t vocab = j->config->vocab;
    const int32_t token = j->claim->token[pos + 1];
    eagle_check_line *line = eg_line(j->report, "support");
    evidence e;

    eg_law_make(j->law, j->order, ours, vocab, &j->sampling);
    gather(g, &e, pos, ours);
    line->n_judged++;
    eg_worsen(line, EAGLE_CHECK_PASS);
    if (j->law[token] == 0) {
        const bool edge = at_the_edge(j, ours, token, e.eps);

        line->n_different++;
        eg_problem(line, edge ? EAGLE_CHECK_NEAR_TIE : EAGLE_CHECK_FAIL,
                   "%s: position %d: token %d has no weight under temperature and filters%s",
                   j->claim->name, pos + 1, token, edge ? ", but is at the edge" : "");
        if (!edge) {
            tell(g, &e, pos, 0.0, ours);
        }
    }
    if (g->coupled) {
        g->line->n_judged++;
        eg_worsen(g->line, EAGLE_CHECK_PASS);
        judge_coupled(g, &e, pos, ours);
    }
}

/* ---- all ---------------------------------------------------------------------------------- */

static bool seen(void *ctx, int32_t pos, const float *logits)
{
    judging *g = ctx;
    const eg_judge *j = g->j;
    const eagle_check_line before = *g->line;
    eg_events *events = &j->report->events;

    if (pos + 1 >= j->claim->n) {
        return true;
    }
    if (j->sampling.temperature > 0.0f) {
        judge_sampled(g, pos, logits);
    } else {
        judge_greedy(g, pos, logits);
    }
    if (pos + 1 >= j->repeated) {
        events->judged += g->line->n_judged - before.n_judged;
        events->different += g->line->n_different - before.n_different;
        events->failed += g->line->n_failed - before.n_failed;
    }
    return eg_goes_on_at(j, pos + 1);
}

/* More differences than rounding explains? Their number is a sum of independent events whose
 * probabilities add up to `flips`; its tail is below the Poisson one's bound. */
static void judge_flips(eg_judge *j, eagle_check_line *line, int64_t differed)
{
    const double p = eg_poisson_tail(differed, j->flips);

    if (differed > 0 && p < 1e-6) {
        eg_problem(line, EAGLE_CHECK_FAIL,
                   "%s: %lld tokens are not what the seed draws, rounding explains %.3g of them",
                   j->claim->name, (long long)differed, j->flips);
    }
}

eagle_status eg_judge_tokens(eg_judge *j, eagle_error *err)
{
    const eg_claim *c = j->claim;
    judging g = {.j = j, .line = eg_line(j->report, "tokens")};

    g.philox = (eagle_philox){.seed = c->seed};
    g.draws = eagle_philox_draws(&g.philox);
    g.coupled = c->has_seed && j->own_rule && c->contract[0] != '\0' &&
                j->sampling.mode == EAGLE_VERIFY_COUPLED;
    j->tokens_judged = g.coupled || j->sampling.temperature <= 0.0f;
    eagle_status st = eg_gaps_reserve(j->report, c->n - c->n_prompt, err);

    st = st == EAGLE_OK ? eg_ours_feed(j->ours, c, c->n_prompt - 1, seen, &g, err) : st;

    if (st != EAGLE_OK) {
        return st;
    }
    if (c->logprob != NULL) {
        eagle_check_line *line = eg_line(j->report, "log-probabilities");

        eg_say(line, "%lld tokens, largest difference %.3g, %lld by more than rounding allows",
               (long long)line->n_judged, g.worst_logprob, (long long)line->n_failed);
    }
    if (j->sampling.temperature > 0.0f) {
        eagle_check_line *support = eg_line(j->report, "support");

        eg_say(support, "%lld tokens, %lld outside of temperature and filters",
               (long long)support->n_judged, (long long)support->n_different);
    }
    if (g.coupled) {
        judge_flips(j, g.line, g.flipped);
    }
    if (j->sampling.temperature > 0.0f && !g.coupled) {
        eg_say(g.line, "drawn: their law cannot be seen in one run; decisions judges their making, "
                       "check-samples many runs");
        return EAGLE_OK;
    }
    eg_say(g.line, "%lld tokens, %lld other than ours, %lld of them more than rounding explains",
           (long long)g.line->n_judged, (long long)g.line->n_different,
           (long long)g.line->n_failed);
    return EAGLE_OK;
}
