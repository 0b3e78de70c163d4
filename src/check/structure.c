/* SPDX-License-Identifier: MIT */
/* structure.c - what must hold exactly, whatever the arithmetic: trees, paths, sources, draws. */
#include "check/judge.h"
#include "check/statistics.h"

#include "base/alloc.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

#define FAIL EAGLE_CHECK_FAIL

/* A problem of round r, node i: told, and kept as a divergence. */
static void problem(eg_judge *j, const char *name, int32_t r, int32_t i, const char *what)
{
    const eg_claim_round *round = r >= 0 ? &j->claim->round[r] : NULL;
    eagle_check_line *line = eg_line(j->report, name);

    if (round == NULL) {
        eg_problem(line, FAIL, "%s: %s", j->claim->name, what);
    } else {
        eg_problem(line, FAIL, "%s: round %d, node %d: %s", j->claim->name,
                   r + j->claim->first_round, i, what);
    }
    if (!j->control && round != NULL) {
        eg_diverges(j->report, &(eagle_check_divergence){.run = j->run,
                                                         .round = r,
                                                         .node = i,
                                                         .pos = round->pos[i],
                                                         .layer = -1,
                                                         .token = -1,
                                                         .our_token = -1});
    }
}

/* ---- trees ------------------------------------------------------------------------------- */

static void check_siblings(eg_judge *j, int32_t r)
{
    const eg_claim_round *round = &j->claim->round[r];

    for (int32_t i = 1; i < round->n_nodes; i++) {
        for (int32_t k = 1; k < i; k++) {
            if (round->parent[k] == round->parent[i] && round->token[k] == round->token[i]) {
                char what[96];

                snprintf(what, sizeof what, "token %d is a child of node %d already, as node %d",
                         round->token[i], round->parent[i], k);
                problem(j, "structure", r, i, what);
                break;
            }
        }
    }
}

static void check_positions(eg_judge *j, int32_t r)
{
    const eg_claim_round *round = &j->claim->round[r];
    const int32_t root = eg_claim_root(j->claim, r);
    char what[120];

    if (root >= j->claim->n) {
        problem(j, "structure", r, 0, "its root lies beyond the run's tokens");
        j->walkable[r] = false;
        return;
    }
    if (round->token[0] != j->claim->token[root]) {
        snprintf(what, sizeof what, "the root is token %d, the last token before is %d",
                 round->token[0], j->claim->token[root]);
        problem(j, "structure", r, 0, what);
    }
    for (int32_t i = 0; i < round->n_nodes; i++) {
        if (round->pos[i] != root + round->depth[i]) {
            snprintf(what, sizeof what, "position %d, depth %d below a root at %d makes %d",
                     round->pos[i], round->depth[i], root, root + round->depth[i]);
            problem(j, "structure", r, i, what);
            break; /* the others are shifted alike */
        }
    }
}

/* Accepted nodes hang on each other; the last entry is no node and comes from the row before. */
static void check_path(eg_judge *j, int32_t r)
{
    const eg_claim_round *round = &j->claim->round[r];
    int32_t at = 0;
    char what[120];

    for (int32_t i = 0; i < round->n_path; i++) {
        const bool last = i == round->n_path - 1;
        const int32_t node = round->path_node[i];

        if (round->path_row[i] != at) {
            snprintf(what, sizeof what, "token %d of the path was decided by the row of node %d", i,
                     round->path_row[i]);
            problem(j, "structure", r, at, what);
        }
        if (last) {
            if (node != -1) {
                problem(j, "structure", r, at, "the round ends with an accepted node: no bonus");
            }
            return;
        }
        if (node < 1 || round->parent[node] != at || round->token[node] != round->path_token[i] ||
            node >= round->n_verify) {
            snprintf(what, sizeof what, "entry %d of the path, node %d, is not its child", i, node);
            problem(j, "structure", r, at, what);
            return;
        }
        at = node;
    }
}

/* ---- the sequence ------------------------------------------------------------------------ */

/* What the source of step i of a path must be. */
static int32_t source_of(const eg_claim_round *round, int32_t step)
{
    const int32_t row = step == 0 ? 0 : round->path_node[step - 1];
    bool children = false;

    if (step < round->n_path - 1) {
        return 1;
    }
    for (int32_t i = 1; i < round->n_verify; i++) {
        children = children || round->parent[i] == row;
    }
    return children ? 2 : row > 0 ? 3 : 4;
}

/* Rounds follow each other, and their paths are the emitted tokens, cut at the end. */
static void check_joined(eg_judge *j)
{
    const eg_claim *c = j->claim;
    char what[120];

    for (int32_t r = 0; r < c->n_rounds; r++) {
        const bool begins = r > 0 || c->first_round > 0;
        const int64_t first =
            r > 0 ? (int64_t)c->round[r - 1].first + c->round[r - 1].n_path : c->round[0].first;

        if (c->round[r].first != (begins ? first : c->n_prompt)) {
            problem(j, "structure", r, 0, "it does not begin where the round before ends");
            return;
        }
    }
    j->joined = c->n_rounds > 0;
    for (int32_t pos = c->n_prompt; j->joined && pos < c->n; pos++) {
        eg_place at;

        if (!eg_claim_place(&at, c, pos)) {
            continue; /* a round that was not recorded */
        }
        const eg_claim_round *round = &c->round[at.round];

        if (round->path_token[at.step] != c->token[pos]) {
            snprintf(what, sizeof what, "token %d at position %d, its round's path has %d",
                     c->token[pos], pos, round->path_token[at.step]);
            problem(j, "structure", at.round, round->path_row[at.step], what);
            j->joined = false;
        } else if ((c->round_of != NULL && c->round_of[pos] != at.round + c->first_round) ||
                   (c->source != NULL && c->source[pos] >= 0 && j->walkable[at.round] &&
                    c->source[pos] != source_of(round, at.step))) {
            snprintf(what, sizeof what, "position %d: round or source is not what the path says",
                     pos);
            problem(j, "structure", at.round, round->path_row[at.step], what);
        }
    }
}

static void check_sources(eg_judge *j)
{
    const eg_claim *c = j->claim;

    for (int32_t pos = 0; c->source != NULL && pos < c->n; pos++) {
        const bool prompt = pos < c->n_prompt;

        if (c->source[pos] >= 0 && ((c->source[pos] == 0) != prompt || c->source[pos] > 4)) {
            char what[80];

            snprintf(what, sizeof what, "source %d at position %d of a prompt of %d",
                     c->source[pos], pos, c->n_prompt);
            problem(j, "structure", -1, 0, what);
            return;
        }
    }
}

/* ---- draws ------------------------------------------------------------------------------- */

/* The node of the path where position `pos` is decided. */
static int32_t deciding(const eg_claim_round *round, int32_t pos)
{
    const int64_t step = (int64_t)pos - round->first;

    return step >= 0 && step < round->n_path ? round->path_row[step] : 0;
}

/* Does a draw belong to the committed path? Draft draws of nodes that were not walked decide
 * nothing. */
static bool on_path(const eg_claim_round *round, const eg_claim_draw *d)
{
    return d->purpose != EAGLE_DRAW_DRAFT || d->index / 8 == deciding(round, d->pos);
}

/* One coin may serve all siblings of a node where the rule compares it with their cumulative
 * mass. */
static bool may_share(const eg_judge *j, const eg_claim_draw *a, const eg_claim_draw *b)
{
    return !j->own_rule && j->rule.name == EG_RULE_SGLANG && a->accept && b->accept &&
           a->pos == b->pos;
}

/* Pairs of coins that must have been tossed apart. */
typedef struct {
    int64_t n;
    int64_t equal;
    int32_t round; /* of the first equal ones */
    int32_t node;
    char what[160];
} pairs;

static void compare_pair(pairs *p, const eg_claim_round *round, int32_t r, int32_t k, int32_t i)
{
    const eg_claim_draw *a = &round->draw[i];
    const eg_claim_draw *b = &round->draw[k];

    p->n++;
    if (round->coin[i] != round->coin[k]) {
        return;
    }
    if (p->equal++ == 0) {
        p->round = r;
        p->node = deciding(round, a->pos);
        snprintf(p->what, sizeof p->what,
                 "one coin, %.9g, decides twice: draws %d and %d (purposes %d and %d, positions %d "
                 "and %d)",
                 round->coin[i], k, i, b->purpose, a->purpose, b->pos, a->pos);
    }
}

/* Equal keys are a fault each; equal coins are counted. */
static void audit_round(eg_judge *j, pairs *p, int32_t r)
{
    const eg_claim_round *round = &j->claim->round[r];
    eagle_check_line *line = eg_line(j->report, "draws");
    char what[160];

    for (int32_t i = 0; i < round->n_draws; i++) {
        const eg_claim_draw *a = &round->draw[i];

        line->n_judged++;
        eg_worsen(line, EAGLE_CHECK_PASS);
        for (int32_t k = 0; k < i; k++) {
            const eg_claim_draw *b = &round->draw[k];

            if (may_share(j, a, b)) {
                continue;
            }
            if (a->purpose == b->purpose && a->pos == b->pos && a->index == b->index) {
                snprintf(what, sizeof what,
                         "draws %d and %d have one key: purpose %d, position %d, index %d", k, i,
                         a->purpose, a->pos, a->index);
                problem(j, "draws", r, deciding(round, a->pos), what);
                return;
            }
            if (round->coin != NULL && on_path(round, a) && on_path(round, b)) {
                compare_pair(p, round, r, k, i);
            }
        }
    }
}

/* Two coins of b bits are equal by chance with probability 2^-b, so that the number of equal pairs
 * is Poisson, nearly; far more than that are no chance. */
static bool too_equal(const eg_judge *j, int64_t equal, int64_t n)
{
    const int32_t bits = j->own_rule ? 24 : j->rule.bits;

    return equal > 0 && eg_poisson_tail(equal, ldexp((double)n, -bits)) < 1e-6;
}

/* A coin of one round that the round before used already. */
static void audit_rounds(eg_judge *j)
{
    const eg_claim *c = j->claim;
    int64_t n = 0;
    int64_t equal = 0;
    int32_t first = -1;

    for (int32_t r = 1; r < c->n_rounds; r++) {
        const eg_claim_round *a = &c->round[r - 1];
        const eg_claim_round *b = &c->round[r];

        for (int32_t i = 0; a->coin != NULL && b->coin != NULL && i < a->n_draws; i++) {
            for (int32_t k = 0; k < b->n_draws; k++) {
                const bool same = a->coin[i] == b->coin[k];

                n++;
                equal += same;
                first = same && first < 0 ? r : first;
            }
        }
    }
    if (too_equal(j, equal, n)) {
        problem(j, "draws", first, 0, "coins of the round before are used again");
    }
}

static int by_size(const void *a, const void *b)
{
    const double x = *(const double *)a;
    const double y = *(const double *)b;

    return (x > y) - (x < y);
}

/* Are all coins of the run uniform? Massart 1990: their distribution function is off by D or more
 * with probability 2 exp(-2 n D^2) at most. Their number n may hang on their values; the sum of
 * 1/(n(n + 1)) over all n is 1, so that dividing by it makes the bound one for any n. */
static eagle_status audit_uniform(eg_judge *j, eagle_error *err)
{
    const eg_claim *c = j->claim;
    int64_t n = 0;
    double off = 0.0;

    for (int32_t r = 0; r < c->n_rounds; r++) {
        n += c->round[r].coin != NULL ? c->round[r].n_draws : 0;
    }
    if (n == 0) {
        return EAGLE_OK;
    }
    double *coin = eg_alloc((size_t)n, sizeof *coin);

    if (coin == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %lld coins", (long long)n);
    }
    n = 0;
    for (int32_t r = 0; r < c->n_rounds; r++) {
        const eg_claim_round *round = &c->round[r];

        for (int32_t i = 0; round->coin != NULL && i < round->n_draws; i++) {
            if (i == 0 || !may_share(j, &round->draw[i - 1], &round->draw[i])) {
                coin[n++] = round->coin[i];
            }
        }
    }
    qsort(coin, (size_t)n, sizeof *coin, by_size);
    for (int64_t i = 0; i < n; i++) {
        off =
            fmax(off, fmax((double)(i + 1) / (double)n - coin[i], coin[i] - (double)i / (double)n));
    }
    free(coin);
    const double p = 2.0 * (double)n * ((double)n + 1.0) * exp(-2.0 * (double)n * off * off);

    if (p < 1e-6) {
        char what[120];

        snprintf(what, sizeof what,
                 "%lld coins are not uniform: their distribution is off by %.3g, p %.2g",
                 (long long)n, off, p);
        problem(j, "draws", -1, 0, what);
    }
    return EAGLE_OK;
}

/* Everything about draws. */
static eagle_status audit(eg_judge *j, eagle_error *err)
{
    const eg_claim *c = j->claim;
    eagle_check_line *draws = eg_line(j->report, "draws");
    pairs p = {0};

    for (int32_t r = 0; r < c->n_rounds; r++) {
        audit_round(j, &p, r);
    }
    if (too_equal(j, p.equal, p.n)) {
        problem(j, "draws", p.round, p.node, p.what);
    }
    audit_rounds(j);
    eagle_status st = audit_uniform(j, err);

    if (draws->verdict != EAGLE_CHECK_ABSENT) {
        eg_say(draws, "%lld draws, %lld problems", (long long)draws->n_judged,
               (long long)draws->n_failed);
    }
    return st;
}

/* ---- all --------------------------------------------------------------------------------- */

eagle_status eg_judge_structure(eg_judge *j, eagle_error *err)
{
    const eg_claim *c = j->claim;
    eagle_check_line *line = eg_line(j->report, "structure");

    line->n_judged += c->n_rounds;
    eg_worsen(line, EAGLE_CHECK_PASS);
    for (int32_t r = 0; r < c->n_rounds; r++) {
        j->walkable[r] = eg_round_walkable(&c->round[r]);
        if (!j->walkable[r]) {
            problem(j, "structure", r, 0, "no tree: a parent after its child, or a wrong depth");
            continue;
        }
        check_siblings(j, r);
        check_positions(j, r);
        check_path(j, r);
    }
    check_sources(j);
    check_joined(j);
    eg_say(line, line->n_judged > 0 ? "%lld rounds, %lld problems" : "no trees: the tokens alone",
           (long long)line->n_judged, (long long)line->n_failed);
    return audit(j, err);
}
