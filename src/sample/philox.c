/* SPDX-License-Identifier: MIT */
/* philox.c - Philox4x32-10, random words as a function of a counter, and eagle_draws bound to it.
 *
 * No state: the words of a key can be had in any order, as often as wanted. Multipliers and key
 * increments are those of the published generator (Random123). */
#include "sample/draws.h"
#include "sample/wide.h"

#include <assert.h>

void eg_philox4x32(uint32_t out[4], const uint32_t counter[4], const uint32_t key[2])
{
    uint32_t c0 = counter[0];
    uint32_t c1 = counter[1];
    uint32_t c2 = counter[2];
    uint32_t c3 = counter[3];
    uint32_t k0 = key[0];
    uint32_t k1 = key[1];

    for (int i = 0; i < 10; i++) {
        uint64_t left = UINT64_C(0xd2511f53) * c0;
        uint64_t right = UINT64_C(0xcd9e8d57) * c2;

        c0 = (uint32_t)(right >> 32) ^ c1 ^ k0;
        c1 = (uint32_t)right;
        c2 = (uint32_t)(left >> 32) ^ c3 ^ k1;
        c3 = (uint32_t)left;
        k0 += UINT32_C(0x9e3779b9);
        k1 += UINT32_C(0xbb67ae85);
    }
    out[0] = c0;
    out[1] = c1;
    out[2] = c2;
    out[3] = c3;
}

/* ---- draws -------------------------------------------------------------------------------
 *
 * Both questions ask for one integer u, uniform below the total weight: pick gives the index whose
 * span of the summed weights holds u, accept says u < num. So a weight of 0 is never chosen. */

struct keyed {
    const eagle_philox *philox;
    eagle_draw_key key;
};

static void keyed_block(void *ctx, uint32_t word[4], uint32_t number)
{
    const struct keyed *k = ctx;

    /* 16 bits number the blocks. They would run out after 20000 refusals in a row, each of
     * probability below 1/2. */
    assert(number < 65536 && k->key.index >= 0 && k->key.index < 65536);

    const uint32_t counter[4] = {(uint32_t)k->key.index << 16 | number, (uint32_t)k->key.purpose,
                                 (uint32_t)k->key.pos, k->philox->stream};
    const uint32_t key[2] = {(uint32_t)k->philox->seed, (uint32_t)(k->philox->seed >> 32)};

    eg_philox4x32(word, counter, key);
}

static eagle_wide keyed_uniform(void *ctx, eagle_draw_key key, const eagle_wide *s)
{
    struct keyed keyed = {.philox = ctx, .key = key};
    const eg_words words = {.block = keyed_block, .ctx = &keyed};
    eagle_wide u;

    eg_uniform_below(&u, s, &words);
    return u;
}

static int32_t philox_pick(void *ctx, eagle_draw_key key, const uint64_t *w, int32_t n)
{
    uint64_t sum = 0;
    int32_t i = 0;

    for (int32_t j = 0; j < n; j++) {
        sum += w[j];
    }
    const eagle_wide wide = eg_wide_from(sum);
    uint64_t u = keyed_uniform(ctx, key, &wide).limb[0];

    while (u >= w[i]) {
        u -= w[i++];
    }
    return i;
}

static int32_t philox_pick_wide(void *ctx, eagle_draw_key key, const eagle_wide *w, int32_t n)
{
    eagle_wide sum = eg_wide_from(0);
    int32_t i = 0;

    for (int32_t j = 0; j < n; j++) {
        eg_wide_add(&sum, &w[j]);
    }
    eagle_wide u = keyed_uniform(ctx, key, &sum);

    while (!eg_wide_less(&u, &w[i])) {
        eg_wide_sub(&u, &w[i++]);
    }
    return i;
}

static bool philox_accept_wide(void *ctx, eagle_draw_key key, const eagle_wide *num,
                               const eagle_wide *den)
{
    const eagle_wide u = keyed_uniform(ctx, key, den);

    return eg_wide_less(&u, num);
}

static bool philox_accept(void *ctx, eagle_draw_key key, uint64_t num, uint64_t den)
{
    const eagle_wide wide = eg_wide_from(den);

    return keyed_uniform(ctx, key, &wide).limb[0] < num;
}

eagle_draws eagle_philox_draws(eagle_philox *philox)
{
    return (eagle_draws){.pick = philox_pick,
                         .accept = philox_accept,
                         .pick_wide = philox_pick_wide,
                         .accept_wide = philox_accept_wide,
                         .ctx = philox};
}
