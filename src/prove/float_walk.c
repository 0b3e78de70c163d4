/* SPDX-License-Identifier: MIT */
/* float_walk.c - see float_walk.h. */
#include "prove/float_walk.h"

#include "base/alloc.h"
#include "base/error.h"
#include "sample/law.h"

#include <math.h>
#include <stdlib.h>

/* ---- coins ----------------------------------------------------------------------------------- */

uint64_t eg_coins_passing(const eg_coin_test *test, int32_t bits)
{
    uint64_t low = 0;                    /* all below pass                 */
    uint64_t high = UINT64_C(1) << bits; /* none from here on does */

    while (low < high) {
        const uint64_t middle = low + (high - low) / 2;

        if (eg_coin_passes(test, ldexp((double)middle, -bits))) {
            low = middle + 1;
        } else {
            high = middle;
        }
    }
    return low;
}

static eg_coin_answer ask_counted(void *ctx, eagle_draw_key key, const eg_coin_test *test)
{
    const eg_counted_coins *counted = ctx;
    const eagle_draws *draws = counted->draws;
    const uint64_t n = eg_coins_passing(test, counted->bits);

    return draws->accept(draws->ctx, key, n, UINT64_C(1) << counted->bits) ? EG_COIN_YES
                                                                           : EG_COIN_NO;
}

eg_coins eg_counted_coins_of(eg_counted_coins *counted)
{
    return (eg_coins){.ask = ask_counted, .ctx = counted};
}

/* ---- a whole walk ---------------------------------------------------------------------------- */

/* S = high + low exactly, as doubles; the quotient by `high` is then corrected by its remainder. */
void eg_float_shares(double *out, const uint64_t *w, int32_t n)
{
    uint64_t sum = 0;

    for (int32_t i = 0; i < n; i++) {
        sum += w[i];
    }
    const double high = (double)(sum >> 11 << 11); /* 53 bits of 64 */
    const double low = (double)(sum & 0x7ff);

    for (int32_t i = 0; i < n; i++) {
        const double w_high = (double)(w[i] >> 11 << 11);
        const double w_low = (double)(w[i] & 0x7ff);
        const double near = (w_high + w_low) / (high + low);
        const double rest = fma(-near, high, w_high) + fma(-near, low, w_low);

        out[i] = near + rest / (high + low);
    }
}

/* What a walk reads. */
typedef struct {
    double *p;      /* [n, vocab] the target's probabilities after each node          */
    double *q;      /* [n, vocab] the draft's; unused without drawn children          */
    uint64_t *w;    /* [vocab] scratch: an integer law                                */
    int32_t *order; /* [vocab] scratch                                                */
} laws;

static bool is_finite(const float *logits, int32_t vocab)
{
    for (int32_t i = 0; i < vocab; i++) {
        if (!isfinite(logits[i])) {
            return false;
        }
    }
    return true;
}

/* Fills p and q; a row that is not finite stays zero, so that a walk that meets it is left with
 * nothing. Returns whether any child was drawn. */
static bool fill(laws *l, const eagle_tree *tree, const eagle_rows *rows, const eagle_sampling *s)
{
    bool drawn = false;

    for (int32_t i = 0; i < tree->n_verify; i++) {
        const size_t at = (size_t)i * (size_t)rows->vocab;

        if (is_finite(rows->logits + at, rows->vocab)) {
            eg_law_make(l->w, l->order, rows->logits + at, rows->vocab, s);
            eg_float_shares(l->p + at, l->w, rows->vocab);
        }
        if (tree->law != NULL && tree->law[i] != NULL) {
            eg_float_shares(l->q + at, tree->law[i], rows->vocab);
            drawn = true;
        }
    }
    return drawn;
}

static eagle_status walk(eagle_path *path, const eg_float_rule *rule, const eg_float_tree *in,
                         const eagle_draws *draws, const eagle_rows *rows, eagle_error *err)
{
    const size_t vocab = (size_t)in->vocab;
    eg_counted_coins counted = {.draws = draws, .bits = rule->bits};
    const eg_coins coins = eg_counted_coins_of(&counted);
    eg_float_choice last = {0};
    eagle_status st = eg_float_rule_walk(path, &last, rule, in, &coins, err);

    if (st != EAGLE_OK || last.state == EG_CHOICE_MADE) {
        return st;
    }
    const int32_t row = path->n > 0 ? path->row[path->n - 1] : 0;

    if (last.state == EG_CHOICE_EMPTY && path->n > 0 &&
        is_finite(rows->logits + (size_t)row * vocab, in->vocab)) {
        path->token[path->n - 1] = in->vocab;
    } else {
        path->n = 0;
    }
    return eg_fail(err, EAGLE_ENUMERIC,
                   "the rule has rounded all probabilities away and has nothing to draw from");
}

eagle_status eg_float_verify(eagle_path *path, const eg_float_rule *rule, const eagle_tree *tree,
                             const eagle_rows *rows, const eagle_sampling *sampling,
                             const eagle_draws *draws, eagle_error *err)
{
    const size_t vocab = (size_t)rows->vocab;
    const size_t n = (size_t)tree->n_verify;

    path->n = 0;
    if (tree->n_verify > rows->n || sampling->temperature <= 0.0f) {
        return eg_fail(err, EAGLE_EFIT,
                       "a floating-point rule needs a row per node and a temperature above 0");
    }
    laws l = {.p = eg_alloc(n * vocab, sizeof *l.p),
              .q = eg_alloc(n * vocab, sizeof *l.q),
              .w = eg_alloc(vocab, sizeof *l.w),
              .order = eg_alloc(vocab, sizeof *l.order)};
    eagle_status st = EAGLE_OK;

    if (l.p == NULL || l.q == NULL || l.w == NULL || l.order == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory for the laws of %d nodes", tree->n_verify);
    } else {
        const bool drawn = fill(&l, tree, rows, sampling);
        const eg_float_tree in = {
            .tree = tree, .vocab = rows->vocab, .p = l.p, .q = drawn ? l.q : NULL};

        st = walk(path, rule, &in, draws, rows, err);
    }
    free(l.order);
    free(l.w);
    free(l.q);
    free(l.p);
    return st;
}
