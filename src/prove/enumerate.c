/* SPDX-License-Identifier: MIT */
/* enumerate.c - see enumerate.h. Exact: integers and fractions of any size, by GMP. */
#include "prove/enumerate.h"

#include "base/alloc.h"
#include "base/error.h"

#include <stdlib.h>
#include <string.h>

/* Of [0, 1), what lies from low / den up to, not including, high / den. */
typedef struct {
    mpz_t low;
    mpz_t high;
    mpz_t den;
} interval;

/* One question of the run. */
typedef struct {
    eagle_draw_key key;
    bool accept;
    int32_t n;      /* answers it had                                             */
    int32_t answer; /* the one given                                              */
    int32_t later;  /* the next one that has a share of the interval, or -1       */
    int32_t before; /* the last question of the same key earlier in the run, or -1 */
    interval u;     /* where the key's U lies after the answer                    */
    mpz_t share;    /* of the interval before, in units that make it whole ...    */
    mpz_t total;    /* ... this many                                              */
} question;

struct eg_enumeration {
    question *step; /* [cap] all initialised                  */
    int32_t cap;
    int32_t n;     /* steps whose answers are set            */
    int32_t asked; /* questions so far in this run           */
    interval part; /* scratch: an answer's part of [0, 1)    */
    interval left; /* scratch: what the key has left         */
    mpz_t wide;    /* scratch                                */
    mpz_t share;   /* scratch: of a question in the run before */
    mpz_t total;   /* likewise                               */
    eagle_error fault;
};

/* ---- life ------------------------------------------------------------------------------------ */

static void interval_init(interval *u)
{
    mpz_inits(u->low, u->high, u->den, NULL);
}

static void interval_clear(interval *u)
{
    mpz_clears(u->low, u->high, u->den, NULL);
}

static void set_fault(eg_enumeration *all, eagle_status code, const char *what)
{
    if (all->fault.code == EAGLE_OK) {
        eg_fail(&all->fault, code, "enumeration: %s", what);
    }
}

static bool grow(eg_enumeration *all)
{
    const int32_t cap = all->cap == 0 ? 16 : 2 * all->cap;
    question *step = cap > 1 << 20 ? NULL : realloc(all->step, (size_t)cap * sizeof *step);

    if (step == NULL) {
        set_fault(all, EAGLE_ENOMEM, "no memory for the questions of a run");
        return false;
    }
    for (int32_t i = all->cap; i < cap; i++) {
        step[i] = (question){0};
        interval_init(&step[i].u);
        mpz_inits(step[i].share, step[i].total, NULL);
    }
    all->step = step;
    all->cap = cap;
    return true;
}

eagle_status eg_enumeration_create(eg_enumeration **out, eagle_error *err)
{
    eg_enumeration *all = eg_alloc(1, sizeof *all);

    *out = NULL;
    if (all == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "enumeration: no memory");
    }
    interval_init(&all->part);
    interval_init(&all->left);
    mpz_inits(all->wide, all->share, all->total, NULL);
    if (!grow(all)) {
        eg_enumeration_free(all);
        return eg_fail(err, EAGLE_ENOMEM, "enumeration: no memory");
    }
    *out = all;
    return EAGLE_OK;
}

void eg_enumeration_free(eg_enumeration *all)
{
    if (all == NULL) {
        return;
    }
    for (int32_t i = 0; i < all->cap; i++) {
        interval_clear(&all->step[i].u);
        mpz_clears(all->step[i].share, all->step[i].total, NULL);
    }
    interval_clear(&all->part);
    interval_clear(&all->left);
    mpz_clears(all->wide, all->share, all->total, NULL);
    free(all->step);
    free(all);
}

void eg_enumeration_reset(eg_enumeration *all)
{
    all->n = 0;
    all->asked = 0;
    all->fault = (eagle_error){0};
}

/* ---- weights --------------------------------------------------------------------------------- */

/* The weights of one question: narrow or wide ones, or yes and no. */
typedef struct {
    const uint64_t *narrow; /* [n], or NULL */
    const eagle_wide *wide; /* [n], or NULL */
    int32_t n;
} weights;

static void set_wide(mpz_t out, const eagle_wide *w)
{
    mpz_import(out, sizeof w->limb / sizeof w->limb[0], -1, sizeof w->limb[0], 0, 0, w->limb);
}

static void set_narrow(mpz_t out, uint64_t w)
{
    mpz_import(out, 1, -1, sizeof w, 0, 0, &w);
}

static void set_weight(mpz_t out, const weights *w, int32_t i)
{
    if (w->narrow != NULL) {
        set_narrow(out, w->narrow[i]);
    } else {
        set_wide(out, &w->wide[i]);
    }
}

static bool has_weight(const weights *w, int32_t i)
{
    static const eagle_wide zero;

    return w->narrow != NULL ? w->narrow[i] != 0 : memcmp(&w->wide[i], &zero, sizeof zero) != 0;
}

/* Moves part from answer i - 1 to answer i; part->den is the sum of all. */
static void move_to(eg_enumeration *all, const weights *w, int32_t i)
{
    mpz_set(all->part.low, all->part.high);
    if (has_weight(w, i)) {
        set_weight(all->wide, w, i);
        mpz_add(all->part.high, all->part.high, all->wide);
    }
}

/* share = the length that part and left have in common, times both denominators. */
static void common(mpz_t share, eg_enumeration *all, interval *meet)
{
    const interval *a = &all->part;
    const interval *b = &all->left;

    mpz_mul(meet->low, a->low, b->den);
    mpz_mul(share, b->low, a->den);
    if (mpz_cmp(share, meet->low) > 0) {
        mpz_swap(share, meet->low);
    }
    mpz_mul(meet->high, a->high, b->den);
    mpz_mul(share, b->high, a->den);
    if (mpz_cmp(share, meet->high) < 0) {
        mpz_swap(share, meet->high);
    }
    mpz_mul(meet->den, a->den, b->den);
    mpz_sub(share, meet->high, meet->low);
}

/* ---- asking ---------------------------------------------------------------------------------- */

/* What the key of `q` has left before it is asked: all->left. */
static void look_back(eg_enumeration *all, question *q)
{
    q->before = -1;
    for (int32_t i = all->asked - 1; i >= 0 && q->before < 0; i--) {
        q->before = eg_same_key(all->step[i].key, q->key) ? i : -1;
    }
    if (q->before < 0) {
        mpz_set_ui(all->left.low, 0);
        mpz_set_ui(all->left.high, 1);
        mpz_set_ui(all->left.den, 1);
    } else {
        const interval *u = &all->step[q->before].u;

        mpz_set(all->left.low, u->low);
        mpz_set(all->left.high, u->high);
        mpz_set(all->left.den, u->den);
    }
}

/* The first answer from `from` on that has a share of what is left, with its share in q, or -1.
 * part stands at answer from - 1. */
static int32_t find(eg_enumeration *all, question *q, const weights *w, int32_t from)
{
    for (int32_t i = from; i < w->n; i++) {
        move_to(all, w, i);
        if (has_weight(w, i)) {
            common(q->share, all, &q->u);
            if (mpz_sgn(q->share) > 0) {
                return i;
            }
        }
    }
    return -1;
}

/* Is there an answer beyond `from` with a share? Leaves q's share alone. */
static int32_t find_later(eg_enumeration *all, const question *q, const weights *w, int32_t from)
{
    if (q->before < 0) { /* everything that has weight has a share */
        for (int32_t i = from; i < w->n; i++) {
            if (has_weight(w, i)) {
                return i;
            }
        }
        return -1;
    }
    question other = *q;
    int32_t later;

    interval_init(&other.u);
    mpz_init(other.share);
    later = find(all, &other, w, from);
    interval_clear(&other.u);
    mpz_clear(other.share);
    return later;
}

static void add_up(mpz_t sum, eg_enumeration *all, const weights *w)
{
    mpz_set_ui(sum, 0);
    for (int32_t i = 0; i < w->n; i++) {
        if (has_weight(w, i)) {
            set_weight(all->wide, w, i);
            mpz_add(sum, sum, all->wide);
        }
    }
}

/* Question number `asked`, as the run before had it, is asked again: its weights must be the old
 * ones, and so must the answer's, unless this is the question whose answer is another one now. */
static bool is_the_same(const eg_enumeration *all, const question *q)
{
    const bool moved = all->asked == all->n - 1;

    return mpz_cmp(q->total, all->total) == 0 && (moved || mpz_cmp(q->share, all->share) == 0);
}

/* Finds the answer of q and its shares; false when the question is another one than before. */
static bool answer(eg_enumeration *all, question *q, const weights *w, bool fresh)
{
    const int32_t from = fresh ? 0 : q->answer;

    look_back(all, q);
    mpz_swap(all->share, q->share);
    mpz_swap(all->total, q->total);
    mpz_set_ui(all->part.high, 0);
    for (int32_t i = 0; i < from; i++) {
        move_to(all, w, i);
    }
    q->answer = find(all, q, w, from);
    /* q->share is in units of 1 / (part.den x left.den); what was left, in the same ones: */
    mpz_sub(q->total, all->left.high, all->left.low);
    mpz_mul(q->total, q->total, all->part.den);
    if (!fresh && (q->answer != from || !is_the_same(all, q))) {
        return false;
    }
    q->later = find_later(all, q, w, q->answer + 1);
    return true;
}

static int32_t ask(eg_enumeration *all, eagle_draw_key key, bool accept, const weights *w)
{
    const bool fresh = all->asked == all->n;

    if (all->fault.code != EAGLE_OK || (all->asked == all->cap && !grow(all))) {
        return 0;
    }
    question *q = &all->step[all->asked];

    add_up(all->part.den, all, w);
    if (mpz_sgn(all->part.den) == 0) {
        set_fault(all, EAGLE_EFAILED, "a draw among tokens without weight");
        return 0;
    }
    if (fresh) {
        q->key = key;
        q->accept = accept;
        q->n = w->n;
        all->n++;
    }
    if (!eg_same_key(q->key, key) || q->accept != accept || q->n != w->n ||
        !answer(all, q, w, fresh)) {
        set_fault(all, EAGLE_EFAILED, "a run depends on more than the answers to its draws");
        return 0;
    }
    all->asked++;
    return q->answer;
}

static int32_t pick(void *ctx, eagle_draw_key key, const uint64_t *w, int32_t n)
{
    return ask(ctx, key, false, &(weights){.narrow = w, .n = n});
}

static int32_t pick_wide(void *ctx, eagle_draw_key key, const eagle_wide *w, int32_t n)
{
    return ask(ctx, key, false, &(weights){.wide = w, .n = n});
}

/* Yes is U < num / den: the first part of [0, 1). Answer 0 here is yes. */
static bool accept_wide(void *ctx, eagle_draw_key key, const eagle_wide *num, const eagle_wide *den)
{
    eagle_wide w[2] = {*num, *den};
    uint64_t borrow = 0;

    for (int i = 0; i < 5; i++) { /* no: den - num */
        const uint64_t part = den->limb[i] - borrow;

        borrow = den->limb[i] < borrow;
        borrow += part < num->limb[i];
        w[1].limb[i] = part - num->limb[i];
    }
    if (borrow != 0) {
        set_fault(ctx, EAGLE_EFAILED, "a probability above 1");
        return false;
    }
    return ask(ctx, key, true, &(weights){.wide = w, .n = 2}) == 0;
}

static bool accept(void *ctx, eagle_draw_key key, uint64_t num, uint64_t den)
{
    if (num > den) {
        set_fault(ctx, EAGLE_EFAILED, "a probability above 1");
        return false;
    }
    const uint64_t w[2] = {num, den - num};

    return ask(ctx, key, true, &(weights){.narrow = w, .n = 2}) == 0;
}

/* ---- runs ------------------------------------------------------------------------------------ */

eagle_draws eg_enumeration_draws(eg_enumeration *all)
{
    return eg_enumeration_go_on(all, 0);
}

int32_t eg_enumeration_kept(const eg_enumeration *all)
{
    return all->n > 0 ? all->n - 1 : 0;
}

eagle_draws eg_enumeration_go_on(eg_enumeration *all, int32_t n)
{
    all->asked = n;
    return (eagle_draws){.pick = pick,
                         .accept = accept,
                         .pick_wide = pick_wide,
                         .accept_wide = accept_wide,
                         .ctx = all};
}

bool eg_enumeration_next(eg_enumeration *all)
{
    if (all->asked != all->n) {
        set_fault(all, EAGLE_EFAILED, "a run asked fewer questions than before");
    }
    if (all->fault.code != EAGLE_OK) {
        return false;
    }
    while (all->n > 0 && all->step[all->n - 1].later < 0) {
        all->n--;
    }
    if (all->n == 0) {
        return false;
    }
    all->step[all->n - 1].answer = all->step[all->n - 1].later;
    return true;
}

void eg_enumeration_weight(mpq_t out, const eg_enumeration *all)
{
    mpq_set_ui(out, 1, 1);
    for (int32_t i = 0; i < all->asked; i++) {
        mpz_mul(mpq_numref(out), mpq_numref(out), all->step[i].share);
        mpz_mul(mpq_denref(out), mpq_denref(out), all->step[i].total);
    }
    mpq_canonicalize(out);
}

int32_t eg_enumeration_count(const eg_enumeration *all)
{
    return all->asked;
}

eg_answered eg_enumeration_at(const eg_enumeration *all, int32_t i)
{
    const question *q = &all->step[i];

    return (eg_answered){.key = q->key,
                         .accept = q->accept,
                         .answer = q->accept ? q->answer == 0 : q->answer,
                         .repeated = q->before >= 0,
                         .share = q->share,
                         .total = q->total};
}

eagle_status eg_enumeration_fault(const eg_enumeration *all, eagle_error *err)
{
    if (all->fault.code != EAGLE_OK && err != NULL) {
        *err = all->fault;
    }
    return all->fault.code;
}
