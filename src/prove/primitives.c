/* SPDX-License-Identifier: MIT */
/* primitives.c - see primitives.h. */
#include "prove/primitives.h"

#include "sample/draws.h"
#include "sample/wide.h"

#include <stdio.h>
#include <string.h>

#define SMALL 256 /* largest sum that is run through        */
#define WIDE  320 /* bits of the widest                     */
#define MOST  6   /* sum of the weights of the choices      */
#define N     3   /* how many weights                       */

static void refute(eg_finding *f, const char *what, int sum)
{
    if (f->reason[0] == '\0') {
        snprintf(f->reason, sizeof f->reason, "%s (%d)", what, sum);
    }
}

/* Words that are told, block after block. */
typedef struct {
    uint32_t word[4][4];
    uint32_t asked;  /* blocks so far                     */
    bool disordered; /* another than the next was asked for */
} told;

static void told_block(void *ctx, uint32_t word[4], uint32_t number)
{
    told *t = ctx;

    t->disordered |= number != t->asked;
    t->asked++;
    memcpy(word, t->word[number < 4 ? number : 3], sizeof t->word[0]);
}

static eagle_wide uniform(told *t, const eagle_wide *s)
{
    const eg_words words = {.block = told_block, .ctx = t};
    eagle_wide out;

    t->asked = 0;
    t->disordered = false;
    eg_uniform_below(&out, s, &words);
    return out;
}

/* ---- small sums ------------------------------------------------------------------------------ */

/* A block whose first `bits` bits are v; all others are `rest`. */
static void set_block(uint32_t word[4], uint32_t v, int bits, bool rest)
{
    const uint32_t fill = rest ? UINT32_MAX : 0;

    word[0] = bits == 0 ? fill : v << (32 - bits) | (fill >> bits);
    word[1] = word[2] = word[3] = fill;
}

/* One number must come in `attempts` attempts, and be counted. */
static void count_small(eg_finding *f, uint64_t *count, told *t, int s, uint32_t attempts)
{
    const eagle_wide sum = eg_wide_from((uint64_t)s);
    const eagle_wide u = uniform(t, &sum);

    f->count.compared++;
    if (t->disordered || t->asked != attempts || !eg_wide_less(&u, &sum)) {
        refute(f, "an attempt below a small sum reads other blocks, or gives a number too large",
               s);
    } else {
        count[u.limb[0]]++;
    }
}

static void check_small(eg_finding *f, int s, bool rest)
{
    uint64_t first[SMALL] = {0};
    uint64_t second[SMALL] = {0};
    told t = {.asked = 0};
    int bits = 0;

    while (1 << bits < s) {
        bits++;
    }
    for (uint32_t v = 0; v < 1U << bits; v++) {
        set_block(t.word[0], v, bits, rest);
        if (v < (uint32_t)s) {
            count_small(f, first, &t, s, bits > 0);
            continue;
        }
        for (uint32_t w = 0; w < (uint32_t)s; w++) {
            set_block(t.word[1], w, bits, rest);
            count_small(f, second, &t, s, 2);
        }
    }
    for (int i = 0; i < s; i++) {
        if (first[i] != 1 || second[i] != (uint64_t)((1 << bits) - s)) {
            refute(f, "a number below a small sum comes more or less often than another", s);
        }
    }
}

/* ---- wide sums ------------------------------------------------------------------------------- */

static void set_bit(told *t, int i)
{
    t->word[i / 128][i % 128 / 32] |= UINT32_C(1) << (31 - i % 32);
}

/* 2^bits - 1 */
static eagle_wide ones(int bits)
{
    eagle_wide out = eg_wide_from(0);

    for (int i = 0; i < bits; i++) {
        out.limb[i / 64] |= UINT64_C(1) << i % 64;
    }
    return out;
}

/* With bits a and b of the words set (and all that are not read, if `rest`), is the number what it
 * should be? A bit of -1 is none. */
static void check_bits(eg_finding *f, int width, int a, int b, bool rest)
{
    const eagle_wide sum = ones(width);
    eagle_wide want = eg_wide_from(0);
    told t = {.asked = 0};
    const int bit[2] = {a, b};

    for (int i = 0; i < 2; i++) {
        if (bit[i] >= 0) {
            const int place = width - 1 - bit[i];

            set_bit(&t, bit[i]);
            want.limb[place / 64] |= UINT64_C(1) << place % 64;
        }
    }
    for (int i = width; rest && i < 4 * 128; i++) {
        set_bit(&t, i);
    }
    if (memcmp(&want, &sum, sizeof sum) == 0) {
        return; /* the one number that is refused */
    }
    const eagle_wide got = uniform(&t, &sum);

    f->count.compared++;
    if (t.disordered || t.asked != (uint32_t)(width + 127) / 128 ||
        memcmp(&got, &want, sizeof got) != 0) {
        refute(f, "a bit of the words has another place in a wide number, or none", width);
    }
}

static void check_wide(eg_finding *f, int width)
{
    for (int a = 0; a < width; a++) {
        check_bits(f, width, a, -1, false);
        check_bits(f, width, a, -1, true);
        check_bits(f, width, a, width - 1, true);
    }
    check_bits(f, width, -1, -1, false);
    check_bits(f, width, -1, -1, true);
    f->count.strings++;
}

/* ---- choices --------------------------------------------------------------------------------- */

/* The words of a key as the contract has them, written a second time. */
typedef struct {
    const eagle_philox *philox;
    eagle_draw_key key;
} keyed;

static void keyed_block(void *ctx, uint32_t word[4], uint32_t number)
{
    const keyed *k = ctx;
    const uint32_t counter[4] = {(uint32_t)k->key.index * 65536U + number, (uint32_t)k->key.purpose,
                                 (uint32_t)k->key.pos, k->philox->stream};
    const uint32_t key[2] = {(uint32_t)(k->philox->seed & UINT32_MAX),
                             (uint32_t)(k->philox->seed >> 32)};

    eg_philox4x32(word, counter, key);
}

/* Weights, and the same times 2^shift. */
typedef struct {
    uint64_t narrow[N];
    eagle_wide wide[N];
    int sum;
    int shift;
} weights;

static eagle_wide shifted(uint64_t x, int shift)
{
    eagle_wide out = eg_wide_from(x);

    for (; shift >= 32; shift -= 32) {
        eg_wide_mul(&out, &out, UINT64_C(1) << 32);
    }
    eg_wide_mul(&out, &out, UINT64_C(1) << shift);
    return out;
}

/* The choice by definition: i with prefix(i) <= u < prefix(i + 1), all times 2^shift. */
static int32_t chosen(const weights *w, const eagle_wide *u, int shift)
{
    uint64_t prefix = 0;
    int32_t i = 0;

    for (; i < N; i++) {
        prefix += w->narrow[i];
        const eagle_wide end = shifted(prefix, shift);

        if (eg_wide_less(u, &end)) {
            break;
        }
    }
    return i;
}

/* All four questions under one key. *seen receives the number, as a bit. */
static void check_choice(eg_finding *f, unsigned *seen, const weights *w, const keyed *k)
{
    const eagle_draws draws = eagle_philox_draws((eagle_philox *)k->philox);
    const eg_words words = {.block = keyed_block, .ctx = (void *)k};
    const eagle_wide sum = eg_wide_from((uint64_t)w->sum);
    const eagle_wide wide_sum = shifted((uint64_t)w->sum, w->shift);
    eagle_wide u;
    eagle_wide v;
    bool ok = true;

    eg_uniform_below(&u, &sum, &words);
    eg_uniform_below(&v, &wide_sum, &words);
    *seen |= 1U << u.limb[0];
    ok &= draws.pick(draws.ctx, k->key, w->narrow, N) == chosen(w, &u, 0);
    ok &= draws.pick_wide(draws.ctx, k->key, w->wide, N) == chosen(w, &v, w->shift);
    for (uint64_t num = 0; num <= (uint64_t)w->sum; num++) {
        const eagle_wide wide_num = shifted(num, w->shift);

        ok &= draws.accept(draws.ctx, k->key, num, (uint64_t)w->sum) == (u.limb[0] < num);
        ok &= draws.accept_wide(draws.ctx, k->key, &wide_num, &wide_sum) ==
              eg_wide_less(&v, &wide_num);
    }
    f->count.compared += 2 * (int64_t)w->sum + 4;
    if (!ok) {
        refute(f, "a choice is not the one that its number makes", w->sum);
    }
}

/* Keys until each number below the sum has come. */
static void check_weights(eg_finding *f, const weights *w)
{
    static const eagle_draw_purpose purpose[] = {EAGLE_DRAW_TARGET, EAGLE_DRAW_DRAFT,
                                                 EAGLE_DRAW_ACCEPT, EAGLE_DRAW_RESIDUAL};
    const eagle_philox philox = {.seed = UINT64_C(0x0123456789abcdef), .stream = 7};
    unsigned seen = 0;
    int32_t i = 0;

    for (; i < 4096 && seen != (1U << w->sum) - 1; i++) {
        const keyed k = {.philox = &philox,
                         .key = {.purpose = purpose[i % 4], .pos = i / 3, .index = i % 65521}};

        check_choice(f, &seen, w, &k);
    }
    if (i == 4096) {
        refute(f, "some number below a small sum never comes", w->sum);
    }
    f->count.strings++;
}

/* All weights of a sum from 1 to MOST. */
static void check_choices(eg_finding *f)
{
    for (int a = 0; a <= MOST; a++) {
        for (int b = 0; a + b <= MOST; b++) {
            for (int c = a + b == 0; a + b + c <= MOST; c++) {
                weights w = {.narrow = {(uint64_t)a, (uint64_t)b, (uint64_t)c},
                             .sum = a + b + c,
                             .shift = 40 * (a + b) + 70};

                for (int i = 0; i < N; i++) {
                    w.wide[i] = shifted(w.narrow[i], w.shift);
                }
                check_weights(f, &w);
            }
        }
    }
}

eagle_status eg_primitives_exact(eg_finding *f, eg_subject *s, eagle_error *err)
{
    (void)s;
    (void)err;
    for (int sum = 1; sum <= SMALL; sum++) {
        check_small(f, sum, false);
        check_small(f, sum, true);
        f->count.strings++;
    }
    for (int width = 2; width <= WIDE; width++) {
        check_wide(f, width);
    }
    check_choices(f);
    return EAGLE_OK;
}
