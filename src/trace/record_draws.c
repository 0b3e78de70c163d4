/* SPDX-License-Identifier: MIT */
/* record_draws.c - asks the session's draws, and writes down question and answer. */
#include "base/error.h"
#include "sample/wide.h"
#include "trace/recorder.h"

static void keep(eagle_recorder *r, const eg_recorded_draw *draw)
{
    if (!r->active || r->opt.level < 4 || !eg_recorder_wants(r)) {
        return;
    }
    if (!eg_recorder_grow((void **)&r->draw, &r->cap_draws, r->n_draws, sizeof *r->draw)) {
        r->status = eg_fail(&r->error, EAGLE_ENOMEM, "%s: no memory for the draws of round %d",
                            r->path, r->round);
        return;
    }
    r->draw[r->n_draws++] = *draw;
}

static int32_t pick(void *ctx, eagle_draw_key key, const uint64_t *w, int32_t n)
{
    eagle_recorder *r = ctx;
    eg_recorded_draw draw = {.kind = 0, .key = key};
    uint64_t sum = 0;

    draw.answer = r->asked.pick(r->asked.ctx, key, w, n);
    for (int32_t i = 0; i < n; i++) {
        sum += w[i];
    }
    draw.num = eg_wide_from(w[draw.answer]);
    draw.den = eg_wide_from(sum);
    keep(r, &draw);
    return draw.answer;
}

static bool accept(void *ctx, eagle_draw_key key, uint64_t num, uint64_t den)
{
    eagle_recorder *r = ctx;
    const bool answer = r->asked.accept(r->asked.ctx, key, num, den);
    const eg_recorded_draw draw = {.kind = 1,
                                   .key = key,
                                   .answer = answer,
                                   .num = eg_wide_from(num),
                                   .den = eg_wide_from(den)};

    keep(r, &draw);
    return answer;
}

static int32_t pick_wide(void *ctx, eagle_draw_key key, const eagle_wide *w, int32_t n)
{
    eagle_recorder *r = ctx;
    eg_recorded_draw draw = {.kind = 0, .key = key};

    draw.answer = r->asked.pick_wide(r->asked.ctx, key, w, n);
    draw.num = w[draw.answer];
    for (int32_t i = 0; i < n; i++) {
        eg_wide_add(&draw.den, &w[i]);
    }
    keep(r, &draw);
    return draw.answer;
}

static bool accept_wide(void *ctx, eagle_draw_key key, const eagle_wide *num, const eagle_wide *den)
{
    eagle_recorder *r = ctx;
    const bool answer = r->asked.accept_wide(r->asked.ctx, key, num, den);
    const eg_recorded_draw draw = {
        .kind = 1, .key = key, .answer = answer, .num = *num, .den = *den};

    keep(r, &draw);
    return answer;
}

eagle_draws eg_recorder_draws(eagle_recorder *r)
{
    return (eagle_draws){.pick = pick,
                         .accept = accept,
                         .pick_wide = pick_wide,
                         .accept_wide = accept_wide,
                         .ctx = r};
}
