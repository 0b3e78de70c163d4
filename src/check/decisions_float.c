/* SPDX-License-Identifier: MIT */
/* decisions_float.c - a round under a rule in floating point (prove/float_rules.h), by its coins.
 *
 * A coin that lies within rounding of its threshold may have fallen on either side of it. Where
 * the replayed path leaves the recorded one, and there alone, such a coin is moved to the recorded
 * side, and the round is walked again: what the other questions decide has to be right all the
 * same. */
#include "check/decisions.h"

#include "sample/law.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

/* A decision is a near-tie when the coin is this near to its threshold: probabilities of a softmax
 * in float32 over V tokens err by about 2^-24 sqrt(V), and twice that in a quotient. */
static double narrow(int32_t vocab)
{
    return 16.0 * 0x1p-24 * sqrt((double)vocab);
}

/* ---- questions ------------------------------------------------------------------------------ */

enum { MAX_ASKED = 64 };

/* A question about an accept coin. Of the others the coin alone is of interest. */
typedef struct {
    int32_t coin; /* its place among the draws */
    int32_t pos;
    eg_coin_test test;
} question;

typedef struct {
    const eg_replay *p;
    question asked[MAX_ASKED]; /* the nearly tied ones */
    int32_t n;
    int32_t drawn;     /* the coin of the last draw, or -1 */
    int32_t drawn_pos; /* its position                     */
    double scale;
} listener;

static eg_coin_answer ask(void *ctx, eagle_draw_key key, const eg_coin_test *test)
{
    listener *l = ctx;
    const eg_replay *p = l->p;
    const double recorded = test->bound / test->scale;

    for (int32_t i = 0; i < p->round->n_draws; i++) {
        const eagle_draw_key k = p->key[i];

        if (k.purpose != key.purpose || k.pos != key.pos || k.index != key.index) {
            continue;
        }
        if (key.purpose != EAGLE_DRAW_ACCEPT) {
            l->drawn = i;
            l->drawn_pos = key.pos;
            l->scale = test->scale;
        } else if (l->n < MAX_ASKED &&
                   fabs(p->round->coin[i] - recorded) <= narrow(p->j->config->vocab)) {
            l->asked[l->n++] = (question){.coin = i, .pos = key.pos, .test = *test};
        }
        return eg_coin_passes(test, p->coin[i]) ? EG_COIN_YES : EG_COIN_NO;
    }
    return EG_COIN_UNKNOWN;
}

/* ---- laws ----------------------------------------------------------------------------------- */

/* A row that is no law (a NaN, an infinity) stays zero: a walk that meets it is left with
 * nothing. */
static void fill_laws(eg_replay *p)
{
    const eg_judge *j = p->j;
    const int32_t vocab = j->config->vocab;

    for (int32_t i = 0; i < p->round->n_verify; i++) {
        const size_t at = (size_t)i * (size_t)vocab;
        const float *l = p->logits + at;
        const double log_sum = eg_log_sum(l, vocab);
        double sum = 0.0;

        memset(p->p + at, 0, (size_t)vocab * sizeof *p->p);
        memset(p->bonus + at, 0, (size_t)vocab * sizeof *p->bonus);
        if (isfinite(log_sum)) {
            eg_law_make(j->law, j->order, l, vocab, &p->sampling);
            for (int32_t v = 0; v < vocab; v++) {
                sum += (double)j->law[v];
            }
        }
        for (int32_t v = 0; v < vocab && sum > 0.0; v++) {
            p->p[at + (size_t)v] = (double)j->law[v] / sum;
            p->bonus[at + (size_t)v] = exp((double)l[v] - log_sum);
        }
        if (p->round->prob != NULL) {
            eg_tensor_row(j->row, p->round->prob, i);
            for (int32_t v = 0; v < vocab; v++) {
                p->q[at + (size_t)v] = (double)j->row[v];
            }
        }
    }
}

/* What the last draw at the node of row `at` is made from, into p->left. */
static void leave(const eg_replay *p, const eagle_tree *tree, int32_t at, const eg_coins *coins)
{
    const size_t vocab = (size_t)p->j->config->vocab;
    int32_t child[EAGLE_MAX_NODES + 2];
    int32_t n = 0;

    for (int32_t c = eagle_tree_next_child(tree, at, 0); c >= 0 && n < EAGLE_MAX_NODES + 2;
         c = eagle_tree_next_child(tree, at, c)) {
        child[n++] = tree->token[c];
    }
    const eg_float_node node = {.vocab = (int32_t)vocab,
                                .p = p->p + (size_t)at * vocab,
                                .q = p->round->prob != NULL ? p->q + (size_t)at * vocab : NULL,
                                .bonus = p->bonus + (size_t)at * vocab,
                                .child = child,
                                .n_child = n,
                                .pos = tree->pos + tree->depth[at] + 1};

    eg_float_rule_node(&p->j->rule, &node, p->left, coins);
}

/* ---- near-ties ------------------------------------------------------------------------------ */

/* To the other side of the threshold. */
static void turn(eg_replay *p, const question *q)
{
    const bool passed = eg_coin_passes(&q->test, p->coin[q->coin]);
    const double edge = q->test.bound / q->test.scale;
    float u = (float)edge;

    for (int32_t i = 0; i < 8 && eg_coin_passes(&q->test, (double)u) == passed; i++) {
        u = nextafterf(u, passed ? INFINITY : -INFINITY);
    }
    p->coin[q->coin] = (double)u;
    p->moved[q->coin] = true;
}

/* Into the interval of `token`, if that is within rounding of the coin. */
static bool shift(eg_replay *p, const listener *l, int32_t token)
{
    const double u = p->round->coin[l->drawn] * l->scale;
    double low = 0.0;

    if (!(p->left[token] > 0.0)) {
        return false;
    }
    for (int32_t v = 0; v < token; v++) {
        low += p->left[v];
    }
    const double high = low + p->left[token];
    const double far = u < low ? low - u : u > high ? u - high : 0.0;

    if (far > narrow(p->j->config->vocab) * l->scale) {
        return false;
    }
    p->coin[l->drawn] = (low + high) / 2.0 / l->scale;
    p->moved[l->drawn] = true;
    return true;
}

/* Moves a coin of the node where the paths part, if one is within rounding there. */
static bool excuse(eg_replay *p, const eagle_tree *tree, int32_t step, const listener *l,
                   const eg_coins *coins)
{
    const int32_t pos = p->round->first + step;

    for (int32_t i = 0; i < l->n; i++) {
        if (l->asked[i].pos == pos && !p->moved[l->asked[i].coin]) {
            turn(p, &l->asked[i]);
            return true;
        }
    }
    if (l->drawn < 0 || l->drawn_pos != pos || p->moved[l->drawn] || step >= p->round->n_path ||
        p->j->rule.name == EG_RULE_TYPICAL) {
        return false;
    }
    listener again = *l; /* asking anew changes what was heard */
    const eg_coins silent = {.ask = coins->ask, .ctx = &again};

    leave(p, tree, p->path->row[step], &silent);
    return shift(p, l, p->round->path_token[step]);
}

/* ---- a round -------------------------------------------------------------------------------- */

/* The last token hangs on a coin that was not recorded: it must at least be one that is left. */
static void judge_open(eg_replayed *out, eg_replay *p, const eagle_tree *tree,
                       const eg_coins *coins)
{
    const int32_t last = p->path->n - 1;
    const int32_t token = p->round->path_token[last];

    out->open = true;
    if (p->j->rule.name == EG_RULE_TYPICAL) {
        return;
    }
    leave(p, tree, p->path->row[last], coins);
    if (!(p->left[token] > 0.0)) {
        out->step = last;
        snprintf(p->missing, sizeof p->missing,
                 "its coin was not recorded, but the token has no probability in what is left");
    }
}

/* What the end of the walk says beside the path. */
static void judge_end(eg_replayed *out, eg_replay *p, const eagle_tree *tree,
                      const eg_float_choice *last, const eg_coins *coins)
{
    if (last->state == EG_CHOICE_EMPTY) {
        snprintf(p->missing, sizeof p->missing, "nothing is left to draw from");
    } else if (last->state == EG_CHOICE_OPEN && last->open >= 0) {
        out->open = true; /* up to here the paths have to be one */
        out->step = out->step == p->path->n ? -1 : out->step;
    } else if (last->state == EG_CHOICE_OPEN && out->step < 0) {
        judge_open(out, p, tree, coins);
    }
}

eagle_status eg_replay_float(eg_replayed *out, eg_replay *p, const eagle_tree *tree,
                             eagle_error *err)
{
    const eg_claim_round *round = p->round;
    const eg_float_tree in = {.tree = tree,
                              .vocab = p->j->config->vocab,
                              .p = p->p,
                              .q = round->prob != NULL ? p->q : NULL,
                              .bonus = p->bonus};
    listener l;
    const eg_coins coins = {.ask = ask, .ctx = &l};
    eg_float_choice last;
    bool again = true;

    for (int32_t i = 0; i < round->n_draws; i++) {
        p->key[i] = (eagle_draw_key){(eagle_draw_purpose)round->draw[i].purpose, round->draw[i].pos,
                                     round->draw[i].index};
        p->coin[i] = round->coin[i];
        p->moved[i] = false;
    }
    fill_laws(p);
    while (again) { /* once more for each coin that is moved: each at most once */
        l = (listener){.p = p, .drawn = -1};
        eagle_status st = eg_float_rule_walk(p->path, &last, &p->j->rule, &in, &coins, err);

        if (st == EAGLE_ENOMEM) {
            return st;
        }
        out->step = eg_replay_other(p->path, round);
        if (st != EAGLE_OK) {
            snprintf(p->missing, sizeof p->missing, "%.110s",
                     err != NULL ? err->message : "no walk");
            return EAGLE_OK;
        }
        again = out->step >= 0 && out->step < p->path->n && excuse(p, tree, out->step, &l, &coins);
        out->near = out->near || again;
    }
    judge_end(out, p, tree, &last, &coins);
    out->near = out->near && out->step < 0;
    return EAGLE_OK;
}
