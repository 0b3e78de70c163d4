/* SPDX-License-Identifier: MIT */
/* lib_odometer.c - see lib_odometer.h. */
#include "support/lib_odometer.h"

#include "sample/wide.h"

#include <stdio.h>
#include <stdlib.h>

/* Not assert(): a test must fail in every build. */
static void require(bool holds, const char *what)
{
    if (!holds) {
        fprintf(stderr, "odometer: %s\n", what);
        abort();
    }
}

static bool same_key(eagle_draw_key a, eagle_draw_key b)
{
    return a.purpose == b.purpose && a.pos == b.pos && a.index == b.index;
}

static int32_t next_with_weight(const eagle_wide *w, int32_t n, int32_t from)
{
    while (from < n && eg_wide_is_zero(&w[from])) {
        from++;
    }
    return from < n ? from : -1;
}

static int32_t ask(struct odometer *all, eagle_draw_key key, const eagle_wide *w, int32_t n)
{
    struct odometer_step *step = &all->step[all->asked];

    require(all->asked < ODOMETER_STEPS, "too many questions");
    for (int i = 0; i < all->asked; i++) {
        require(!same_key(all->step[i].key, key), "a key was asked twice");
    }
    if (all->asked == all->n) {
        step->key = key;
        step->answer = next_with_weight(w, n, 0);
        all->n++;
    }
    require(same_key(step->key, key), "the run depends on more than the answers");
    require(step->answer >= 0, "no answer has weight");
    step->later = next_with_weight(w, n, step->answer + 1);
    step->num = w[step->answer];
    step->den = eg_wide_from(0);
    for (int32_t i = 0; i < n; i++) {
        eg_wide_add(&step->den, &w[i]);
    }
    all->asked++;
    return step->answer;
}

static int32_t odometer_pick_wide(void *ctx, eagle_draw_key key, const eagle_wide *w, int32_t n)
{
    require(n <= ODOMETER_ANSWERS, "too many answers");
    return ask(ctx, key, w, n);
}

static int32_t odometer_pick(void *ctx, eagle_draw_key key, const uint64_t *w, int32_t n)
{
    eagle_wide wide[ODOMETER_ANSWERS];

    require(n <= ODOMETER_ANSWERS, "too many answers");
    for (int32_t i = 0; i < n; i++) {
        wide[i] = eg_wide_from(w[i]);
    }
    return ask(ctx, key, wide, n);
}

static bool odometer_accept_wide(void *ctx, eagle_draw_key key, const eagle_wide *num,
                                 const eagle_wide *den)
{
    eagle_wide w[2] = {*den, *num}; /* no, yes */

    require(!eg_wide_less(den, num) && !eg_wide_is_zero(den), "no probability");
    eg_wide_sub(&w[0], num);
    return ask(ctx, key, w, 2) == 1;
}

static bool odometer_accept(void *ctx, eagle_draw_key key, uint64_t num, uint64_t den)
{
    const eagle_wide wide_num = eg_wide_from(num);
    const eagle_wide wide_den = eg_wide_from(den);

    return odometer_accept_wide(ctx, key, &wide_num, &wide_den);
}

eagle_draws odometer_draws(struct odometer *all)
{
    all->asked = 0;
    return (eagle_draws){.pick = odometer_pick,
                         .accept = odometer_accept,
                         .pick_wide = odometer_pick_wide,
                         .accept_wide = odometer_accept_wide,
                         .ctx = all};
}

bool odometer_next(struct odometer *all)
{
    require(all->asked == all->n, "the run asked fewer questions than before");
    while (all->n > 0 && all->step[all->n - 1].later < 0) {
        all->n--;
    }
    if (all->n == 0) {
        return false;
    }
    all->step[all->n - 1].answer = all->step[all->n - 1].later;
    return true;
}
