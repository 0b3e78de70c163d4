/* SPDX-License-Identifier: MIT */
/* lib_recorded.c - see lib_recorded.h. */
#include "support/lib_recorded.h"

#include "sample/wide.h"

/* The next answer if it was given to this key, else -1. */
static int32_t next_answer(struct recorded *recorded, eagle_draw_key key)
{
    if (recorded->next >= recorded->n) {
        return -1;
    }
    const struct recorded_answer *a = &recorded->answer[recorded->next++];

    return a->key.purpose == key.purpose && a->key.pos == key.pos && a->key.index == key.index
               ? a->answer
               : -1;
}

static int32_t recorded_pick(void *ctx, eagle_draw_key key, const uint64_t *w, int32_t n)
{
    struct recorded *recorded = ctx;
    int32_t i = next_answer(recorded, key);

    if (i < 0 || i >= n || w[i] == 0) {
        recorded->fault = true;
        for (i = 0; w[i] == 0; i++) {
        }
    }
    return i;
}

static int32_t recorded_pick_wide(void *ctx, eagle_draw_key key, const eagle_wide *w, int32_t n)
{
    struct recorded *recorded = ctx;
    int32_t i = next_answer(recorded, key);

    if (i < 0 || i >= n || eg_wide_is_zero(&w[i])) {
        recorded->fault = true;
        for (i = 0; eg_wide_is_zero(&w[i]); i++) {
        }
    }
    return i;
}

static bool recorded_accept_wide(void *ctx, eagle_draw_key key, const eagle_wide *num,
                                 const eagle_wide *den)
{
    struct recorded *recorded = ctx;
    const int32_t answer = next_answer(recorded, key);
    const bool can_refuse = eg_wide_less(num, den);

    if (answer == 1 ? eg_wide_is_zero(num) : answer != 0 || !can_refuse) {
        recorded->fault = true;
        return !can_refuse;
    }
    return answer == 1;
}

static bool recorded_accept(void *ctx, eagle_draw_key key, uint64_t num, uint64_t den)
{
    const eagle_wide wide_num = eg_wide_from(num);
    const eagle_wide wide_den = eg_wide_from(den);

    return recorded_accept_wide(ctx, key, &wide_num, &wide_den);
}

eagle_draws recorded_draws(struct recorded *recorded)
{
    return (eagle_draws){.pick = recorded_pick,
                         .accept = recorded_accept,
                         .pick_wide = recorded_pick_wide,
                         .accept_wide = recorded_accept_wide,
                         .ctx = recorded};
}
