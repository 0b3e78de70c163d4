/* SPDX-License-Identifier: MIT */
/* float_rules.c - see float_rules.h.
 *
 * Both precisions by one text: an operation on doubles that hold float32 numbers, rounded to
 * float32, is the float32 operation (53 >= 2 x 24 + 2 bits: the second rounding changes nothing,
 * for + - x /). */
#include "prove/float_rules.h"

#include "base/alloc.h"
#include "base/error.h"
#include "prove/float_typical.h"
#include "verify/walk.h"

#include <assert.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

/* ---- names ----------------------------------------------------------------------------------- */

static const struct {
    const char *name;
    eg_float_rule rule;
} table[] = {
    {"plain", {EG_RULE_PLAIN, false, false, 24, 1.0, 1.0, 0.0, 0.0}},
    {"safeailab", {EG_RULE_SAFEAILAB, false, true, 53, 1.0, 1.0, 0.0, 0.0}},
    {"transformers", {EG_RULE_TRANSFORMERS, false, true, 24, 1.0, 1.0, 0.0, 0.0}},
    {"sglang-target-only", {EG_RULE_SGLANG, false, true, 24, 1.0, 1.0, 0.0, 0.0}},
    {"typical", {EG_RULE_TYPICAL, false, false, 24, 1.0, 1.0, 0.09, 0.3}},
};

bool eg_float_rule_named(eg_float_rule *out, const char *name)
{
    for (size_t i = 0; i < sizeof table / sizeof table[0]; i++) {
        if (strcmp(name, table[i].name) == 0) {
            *out = table[i].rule;
            return true;
        }
    }
    return false;
}

const char *eg_float_rule_text(eg_float_rule_name name)
{
    return table[name].name; /* in the order of the names */
}

/* ---- coins ----------------------------------------------------------------------------------- */

/* x in the precision of the arithmetic. */
static double fl(bool wide, double x)
{
    return wide ? x : (double)(float)x;
}

bool eg_coin_passes(const eg_coin_test *test, double coin)
{
    const double u = fl(test->wide, fl(test->wide, coin) * test->scale);

    return test->or_equal ? u <= test->bound : u < test->bound;
}

static eg_coin_answer ask_recorded(void *ctx, eagle_draw_key key, const eg_coin_test *test)
{
    eg_recorded_coins *list = ctx;

    for (int32_t i = 0; i < list->n; i++) {
        const eagle_draw_key k = list->key[i];

        if (k.purpose == key.purpose && k.pos == key.pos && k.index == key.index) {
            const double margin = fabs(list->coin[i] * test->scale - test->bound) / test->scale;

            if (list->narrow < 0 || margin < list->margin) {
                list->narrow = i;
                list->margin = margin;
            }
            return eg_coin_passes(test, list->coin[i]) ? EG_COIN_YES : EG_COIN_NO;
        }
    }
    return EG_COIN_UNKNOWN;
}

eg_coins eg_recorded_coins_of(eg_recorded_coins *list)
{
    list->narrow = -1;
    list->margin = 0.0;
    return (eg_coins){.ask = ask_recorded, .ctx = list};
}

/* ---- what the rules share -------------------------------------------------------------------- */

/* A rule at work on a node. */
typedef struct {
    const eg_float_rule *rule;
    const eg_float_node *node;
    const eg_coins *coins;
    double *left; /* [vocab] the target's probabilities, as they stand        */
    double *q;    /* [vocab] the draft's, likewise                            */
} work;

static eg_float_choice accepted(const work *w, int32_t c)
{
    return (eg_float_choice){
        .state = EG_CHOICE_MADE, .hit = c, .token = w->node->child[c], .open = -1};
}

static eg_float_choice stopped(eg_choice_state state, int32_t open)
{
    return (eg_float_choice){.state = state, .hit = -1, .token = -1, .open = open};
}

static eg_coin_answer ask(const work *w, eagle_draw_purpose purpose, int32_t index,
                          const eg_coin_test *test)
{
    const eagle_draw_key key = {purpose, w->node->pos, index};

    return w->coins->ask(w->coins->ctx, key, test);
}

/* Is the coin of sibling `index` below the threshold? */
static eg_coin_answer ask_accept(const work *w, int32_t index, double threshold)
{
    const eg_coin_test test = {
        .bound = threshold, .scale = 1.0, .or_equal = w->rule->or_equal, .wide = w->rule->wide};

    return ask(w, EAGLE_DRAW_ACCEPT, index, &test);
}

static double sum_of(const work *w, const double *x)
{
    double sum = 0.0;

    for (int32_t i = 0; i < w->node->vocab; i++) {
        sum = fl(w->rule->wide, sum + x[i]);
    }
    return sum;
}

static void normalise(const work *w, double *x)
{
    const double sum = sum_of(w, x);

    for (int32_t i = 0; i < w->node->vocab; i++) {
        x[i] = fl(w->rule->wide, x[i] / sum);
    }
}

/* left = max(0, left - q). */
static void subtract(const work *w)
{
    for (int32_t i = 0; i < w->node->vocab; i++) {
        const double rest = fl(w->rule->wide, w->left[i] - w->q[i]);

        w->left[i] = rest > 0.0 ? rest : 0.0;
    }
}

static void load(const work *w, double *to, const double *from)
{
    for (int32_t i = 0; i < w->node->vocab; i++) {
        to[i] = fl(w->rule->wide, from[i]);
    }
}

/* The last draw: the first token of which the running sum lies above u x scale; the last one that
 * has probability when rounding leaves none. Never a token without probability. */
static eg_float_choice draw(const work *w, eagle_draw_purpose purpose, double scale)
{
    eg_coin_test test = {.scale = scale, .wide = w->rule->wide};
    eg_float_choice out = stopped(EG_CHOICE_EMPTY, -1);

    for (int32_t i = 0; i < w->node->vocab; i++) {
        test.bound = fl(w->rule->wide, test.bound + w->left[i]);
        if (w->left[i] > 0.0) {
            const eg_coin_answer below = ask(w, purpose, 0, &test);

            if (below == EG_COIN_UNKNOWN) {
                return stopped(EG_CHOICE_OPEN, -1);
            }
            out.state = EG_CHOICE_MADE;
            out.token = i;
            if (below == EG_COIN_YES) {
                break;
            }
        }
    }
    return out;
}

static eagle_draw_purpose last_purpose(const work *w)
{
    return w->node->n_child > 0 ? EAGLE_DRAW_RESIDUAL : EAGLE_DRAW_TARGET;
}

/* ---- the rules ------------------------------------------------------------------------------- */

/* With u < threshold and 24 bits: `plain`. Chosen children have q = 1: accepted with what they have
 * left, and then zero. Drawn ones (without replacement): min(1, p / q), then max(0, p - q). */
static eg_float_choice plain(const work *w)
{
    const bool drawn = w->node->q != NULL;

    for (int32_t c = 0; c < w->node->n_child; c++) {
        const int32_t x = w->node->child[c];
        const double ratio = drawn ? fl(w->rule->wide, w->left[x] / w->q[x]) : w->left[x];
        const eg_coin_answer below = ask_accept(w, c, ratio);

        if (below == EG_COIN_UNKNOWN) {
            return stopped(EG_CHOICE_OPEN, c);
        }
        if (below == EG_COIN_YES) {
            return accepted(w, c);
        }
        if (drawn) {
            subtract(w);
            w->q[x] = 0.0;
            normalise(w, w->q);
        } else {
            w->left[x] = 0.0;
        }
        normalise(w, w->left);
    }
    return draw(w, last_purpose(w), 1.0);
}

/* SafeAILab: as plain for chosen children, with r <= p, the last draw by torch.multinomial. Of
 * drawn ones (EAGLE-1) the ratio's q is q(x) / (1 - sum of the siblings before), clamped to [0, 1];
 * a child whose q is not above 0 is passed over; and what is subtracted is q without the siblings,
 * renormalised. After a leaf the law is another: no temperature, no filters. */
static eg_float_choice safeailab(const work *w)
{
    const bool wide = w->rule->wide;
    double before = 0.0; /* sum of q over the siblings so far */

    if (w->node->n_child == 0 && w->node->bonus != NULL) {
        load(w, w->left, w->node->bonus);
    }
    if (w->node->q == NULL) {
        return plain(w);
    }
    for (int32_t c = 0; c < w->node->n_child; c++) {
        const int32_t x = w->node->child[c];
        const double own = fl(wide, w->node->q[x]);
        const double q = fl(wide, own / fl(wide, 1.0 - before));

        before = fl(wide, before + own);
        if (!(q > 0.0) || isinf(q)) {
            continue;
        }
        const eg_coin_answer below = ask_accept(w, c, fl(wide, w->left[x] / (q < 1.0 ? q : 1.0)));

        if (below == EG_COIN_UNKNOWN) {
            return stopped(EG_CHOICE_OPEN, c);
        }
        if (below == EG_COIN_YES) {
            return accepted(w, c);
        }
        load(w, w->q, w->node->q);
        for (int32_t b = 0; b < c; b++) {
            w->q[w->node->child[b]] = 0.0;
        }
        if (c > 0) {
            normalise(w, w->q);
        }
        subtract(w);
        normalise(w, w->left);
    }
    return draw(w, last_purpose(w), 1.0);
}

/* transformers: a chain. With draft logits r <= p / q and then max(0, p - q), normalised; without,
 * the target's own token is drawn first and compared with the candidate. */
static eg_float_choice transformers(const work *w)
{
    const bool chosen = w->node->q == NULL;

    if (w->node->n_child > 0 && !chosen) {
        const int32_t x = w->node->child[0];
        const eg_coin_answer below = ask_accept(w, 0, fl(w->rule->wide, w->left[x] / w->q[x]));

        if (below != EG_COIN_NO) {
            return below == EG_COIN_YES ? accepted(w, 0) : stopped(EG_CHOICE_OPEN, 0);
        }
        subtract(w);
        normalise(w, w->left);
    }
    eg_float_choice out = draw(w, chosen ? EAGLE_DRAW_TARGET : last_purpose(w), 1.0);

    if (chosen && w->node->n_child > 0) {
        out.hit = out.state == EG_CHOICE_MADE && out.token == w->node->child[0] ? 0 : -1;
        out.open = out.state == EG_CHOICE_OPEN ? 0 : -1;
    }
    return out;
}

/* SGLang: one coin against the running sum of the siblings; refused ones are zero in the last draw,
 * which has a coin of its own, times the sum that is left. Where nothing is left: the last token
 * id. The draft's law is not looked at. */
static eg_float_choice sglang(const work *w)
{
    double sum = 0.0;

    for (int32_t c = 0; c < w->node->n_child; c++) {
        const double p = fl(w->rule->wide, w->node->p[w->node->child[c]]);

        sum = fl(w->rule->wide, sum + p);
        const eg_coin_answer below =
            p >= w->rule->threshold_single
                ? EG_COIN_YES
                : ask_accept(w, 0, fl(w->rule->wide, sum / w->rule->threshold_sum));

        if (below == EG_COIN_UNKNOWN) {
            return stopped(EG_CHOICE_OPEN, c);
        }
        if (below == EG_COIN_YES) {
            return accepted(w, c);
        }
        w->left[w->node->child[c]] = 0.0;
    }
    eg_float_choice out = draw(w, last_purpose(w), sum_of(w, w->left));

    if (out.state == EG_CHOICE_EMPTY) {
        out = (eg_float_choice){EG_CHOICE_MADE, -1, w->node->vocab - 1, -1};
    }
    return out;
}

eg_float_choice eg_float_rule_node(const eg_float_rule *rule, const eg_float_node *node,
                                   double *left, const eg_coins *coins)
{
    static eg_float_choice (*const rules[])(const work *) = {[EG_RULE_PLAIN] = plain,
                                                             [EG_RULE_SAFEAILAB] = safeailab,
                                                             [EG_RULE_TRANSFORMERS] = transformers,
                                                             [EG_RULE_SGLANG] = sglang};
    const work w = {
        .rule = rule, .node = node, .coins = coins, .left = left, .q = left + node->vocab};

    assert(rule->name != EG_RULE_TYPICAL);
    load(&w, w.left, node->p);
    if (node->q != NULL) {
        load(&w, w.q, node->q);
    }
    return rules[rule->name](&w);
}

/* ---- the walk -------------------------------------------------------------------------------- */

static const double *row_of(const double *rows, int32_t node, int32_t vocab)
{
    return rows != NULL ? rows + (size_t)node * (size_t)vocab : NULL;
}

/* Scratch of a walk. */
typedef struct {
    int32_t *child;  /* [n_verify] tokens of a node's children */
    int32_t *number; /* [n_verify] and their nodes             */
    double *left;    /* [2, vocab]                             */
} space;

static void put(eagle_path *path, const eg_float_choice *choice, int32_t row, int32_t node,
                bool leaf)
{
    const int32_t n = path->n++;

    path->token[n] = choice->token;
    path->node[n] = node;
    path->row[n] = row;
    path->source[n] = node >= 0  ? EAGLE_SOURCE_ACCEPTED
                      : !leaf    ? EAGLE_SOURCE_RESIDUAL
                      : row != 0 ? EAGLE_SOURCE_BONUS
                                 : EAGLE_SOURCE_PLAIN;
}

static eagle_status walk(eagle_path *path, eg_float_choice *last, const eg_float_rule *rule,
                         const eg_float_tree *in, const space *s, const eg_coins *coins,
                         eagle_error *err)
{
    for (int32_t at = 0; at >= 0;) {
        const int32_t n = eg_walk_children(s->child, s->number, in->tree, at);
        const eg_float_node node = {.vocab = in->vocab,
                                    .p = row_of(in->p, at, in->vocab),
                                    .q = row_of(in->q, at, in->vocab),
                                    .bonus = row_of(in->bonus, at, in->vocab),
                                    .child = s->child,
                                    .n_child = n,
                                    .pos = in->tree->pos + in->tree->depth[at] + 1};

        if (rule->name == EG_RULE_TRANSFORMERS && n > 1) {
            return eg_fail(err, EAGLE_EFIT,
                           "tree node %d has %d children: the rule of transformers is for chains",
                           at, n);
        }
        *last = eg_float_rule_node(rule, &node, s->left, coins);
        const int32_t next = last->hit >= 0 ? s->number[last->hit] : -1;

        if (last->state == EG_CHOICE_MADE || last->open < 0) {
            put(path, last, at, next, n == 0);
        }
        at = next;
    }
    return EAGLE_OK;
}

eagle_status eg_float_rule_walk(eagle_path *path, eg_float_choice *last, const eg_float_rule *rule,
                                const eg_float_tree *in, const eg_coins *coins, eagle_error *err)
{
    path->n = 0;
    eagle_status st = eagle_tree_check(in->tree, in->vocab, err);

    if (st != EAGLE_OK) {
        return st;
    }
    const size_t n = (size_t)in->tree->n_verify;

    if (in->tree->n_verify > path->cap || in->vocab < 1) {
        return eg_fail(err, EAGLE_EFIT, "%d nodes to walk over %d tokens, a path for %d nodes",
                       in->tree->n_verify, in->vocab, path->cap);
    }
    space s = {.child = eg_alloc(2 * n, sizeof *s.child),
               .left = eg_alloc(2 * (size_t)in->vocab, sizeof *s.left)};

    if (s.child == NULL || s.left == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory to walk %d nodes over %d tokens",
                     in->tree->n_verify, in->vocab);
    } else {
        s.number = s.child + n;
        st = rule->name == EG_RULE_TYPICAL ? eg_float_typical_walk(path, last, rule, in, coins, err)
                                           : walk(path, last, rule, in, &s, coins, err);
    }
    free(s.child);
    free(s.left);
    return st;
}
