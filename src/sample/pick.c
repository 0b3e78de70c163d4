/* SPDX-License-Identifier: MIT */
/* pick.c - random words become choices: exact uniform integers, and eagle_draws on Philox.
 *
 * Both questions ask for the same integer u, uniform below the total weight S: pick finds the index
 * whose span of the summed weights holds u, accept says u < num. So the same key with the
 * same weights has the same answer, and a weight of 0 is never chosen. */
#include "sample/draws.h"
#include "sample/wide.h"

#include <assert.h>

void eg_uniform_below(eagle_wide *out, const eagle_wide *s, const eg_words *words)
{
    const eagle_wide one = eg_wide_from(1);
    eagle_wide last = *s; /* s - 1, the largest answer */

    assert(!eg_wide_is_zero(s));
    eg_wide_sub(&last, &one);

    const int bits = eg_wide_bits(&last);
    uint32_t number = 0;

    /* More than half of all attempts succeed: 2^bits < 2 s. */
    do {
        uint32_t word[4];

        *out = eg_wide_from(0);
        for (int got = 0; got < bits; got += 32) {
            int take = bits - got < 32 ? bits - got : 32;

            if (got % 128 == 0) {
                words->block(words->ctx, word, number++);
            }
            eg_wide_mul(out, out, UINT64_C(1) << take);
            out->limb[0] |= word[got % 128 / 32] >> (32 - take);
        }
    } while (!eg_wide_less(out, s));
}

/* ---- Philox ------------------------------------------------------------------------------ */

struct keyed {
    const eagle_philox *philox;
    eagle_draw_key key;
};

static void keyed_block(void *ctx, uint32_t word[4], uint32_t number)
{
    const struct keyed *k = ctx;

    /* 16 bits of the counter number the blocks: running out takes over 20000 failures of
     * probability below 1/2 in a row. */
    assert(number < 65536 && k->key.index >= 0 && k->key.index < 65536);

    const uint32_t counter[4] = {(uint32_t)k->key.index << 16 | number, (uint32_t)k->key.purpose,
                                 (uint32_t)k->key.pos, k->philox->stream};
    const uint32_t key[2] = {(uint32_t)k->philox->seed, (uint32_t)(k->philox->seed >> 32)};

    eg_philox4x32(word, counter, key);
}

static void keyed_uniform(eagle_wide *out, void *ctx, eagle_draw_key key, const eagle_wide *s)
{
    struct keyed keyed = {.philox = ctx, .key = key};
    const eg_words words = {.block = keyed_block, .ctx = &keyed};

    eg_uniform_below(out, s, &words);
}

static int32_t philox_pick(void *ctx, eagle_draw_key key, const uint64_t *w, int32_t n)
{
    uint64_t sum = 0;
    eagle_wide u;
    int32_t i = 0;

    for (int32_t j = 0; j < n; j++) {
        sum += w[j];
    }
    const eagle_wide s = eg_wide_from(sum);

    keyed_uniform(&u, ctx, key, &s);
    while (u.limb[0] >= w[i]) {
        u.limb[0] -= w[i++];
    }
    return i;
}

static bool philox_accept(void *ctx, eagle_draw_key key, uint64_t num, uint64_t den)
{
    const eagle_wide s = eg_wide_from(den);
    eagle_wide u;

    keyed_uniform(&u, ctx, key, &s);
    return u.limb[0] < num;
}

static int32_t philox_pick_wide(void *ctx, eagle_draw_key key, const eagle_wide *w, int32_t n)
{
    eagle_wide sum = eg_wide_from(0);
    eagle_wide u;
    int32_t i = 0;

    for (int32_t j = 0; j < n; j++) {
        eg_wide_add(&sum, &w[j]);
    }
    keyed_uniform(&u, ctx, key, &sum);
    while (!eg_wide_less(&u, &w[i])) {
        eg_wide_sub(&u, &w[i++]);
    }
    return i;
}

static bool philox_accept_wide(void *ctx, eagle_draw_key key, const eagle_wide *num,
                               const eagle_wide *den)
{
    eagle_wide u;

    keyed_uniform(&u, ctx, key, den);
    return eg_wide_less(&u, num);
}

eagle_draws eagle_philox_draws(eagle_philox *philox)
{
    return (eagle_draws){.pick = philox_pick,
                         .accept = philox_accept,
                         .pick_wide = philox_pick_wide,
                         .accept_wide = philox_accept_wide,
                         .ctx = philox};
}
