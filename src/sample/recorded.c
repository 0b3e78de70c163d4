/* SPDX-License-Identifier: MIT */
/* recorded.c - eagle_draws bound to a list of answers: a walk replayed, or one that was made by
 * another program and is to be judged. */
#include "sample/draws.h"
#include "sample/wide.h"

/* The next recorded answer if it was given to this key and is below n; else -1. */
static int32_t next_answer(eg_recorded *recorded, eagle_draw_key key, int32_t n)
{
    const eg_answer *a = &recorded->answer[recorded->next];

    if (recorded->fault || recorded->next >= recorded->n || a->key.purpose != key.purpose ||
        a->key.pos != key.pos || a->key.index != key.index || a->answer < 0 || a->answer >= n) {
        recorded->fault = true;
        return -1;
    }
    recorded->next++;
    return a->answer;
}

/* Takes an answer back that cannot have been given, and says so. */
static void refuse(eg_recorded *recorded)
{
    recorded->next--;
    recorded->fault = true;
}

static int32_t recorded_pick_wide(void *ctx, eagle_draw_key key, const eagle_wide *w, int32_t n)
{
    eg_recorded *recorded = ctx;
    int32_t answer = next_answer(recorded, key, n);
    int32_t best = 0;

    if (answer >= 0 && !eg_wide_is_zero(&w[answer])) {
        return answer;
    }
    if (answer >= 0) {
        refuse(recorded);
    }
    for (int32_t i = 1; i < n; i++) {
        best = eg_wide_less(&w[best], &w[i]) ? i : best;
    }
    return best;
}

static int32_t recorded_pick(void *ctx, eagle_draw_key key, const uint64_t *w, int32_t n)
{
    eg_recorded *recorded = ctx;
    int32_t answer = next_answer(recorded, key, n);
    int32_t best = 0;

    if (answer >= 0 && w[answer] > 0) {
        return answer;
    }
    if (answer >= 0) {
        refuse(recorded);
    }
    for (int32_t i = 1; i < n; i++) {
        best = w[best] < w[i] ? i : best;
    }
    return best;
}

static bool recorded_accept_wide(void *ctx, eagle_draw_key key, const eagle_wide *num,
                                 const eagle_wide *den)
{
    eg_recorded *recorded = ctx;
    int32_t answer = next_answer(recorded, key, 2);
    bool can_refuse = eg_wide_less(num, den);

    if (answer == 1 ? !eg_wide_is_zero(num) : answer == 0 && can_refuse) {
        return answer == 1;
    }
    if (answer >= 0) {
        refuse(recorded);
    }
    return !can_refuse;
}

static bool recorded_accept(void *ctx, eagle_draw_key key, uint64_t num, uint64_t den)
{
    const eagle_wide wide_num = eg_wide_from(num);
    const eagle_wide wide_den = eg_wide_from(den);

    return recorded_accept_wide(ctx, key, &wide_num, &wide_den);
}

eagle_draws eg_recorded_draws(eg_recorded *recorded)
{
    return (eagle_draws){.pick = recorded_pick,
                         .accept = recorded_accept,
                         .pick_wide = recorded_pick_wide,
                         .accept_wide = recorded_accept_wide,
                         .ctx = recorded};
}
