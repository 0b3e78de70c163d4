/* SPDX-License-Identifier: MIT */
/* test_sample.c - random words, exact choices, drawn children, wide integers. */
#include "sample/draws.h"
#include "sample/wide.h"
#include "support/lib_recorded.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#ifdef EG_HAVE_MPFR
#include <gmp.h>
#endif

static uint64_t rng_state = 1;

static uint64_t next(void)
{
    uint64_t x = rng_state += UINT64_C(0x9e3779b97f4a7c15);

    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

static uint32_t below(uint32_t n)
{
    return (uint32_t)(next() % n);
}

static eagle_wide power_of_two(int bits)
{
    eagle_wide w = eg_wide_from(0);

    w.limb[bits / 64] = UINT64_C(1) << bits % 64;
    return w;
}

/* ---- Philox ---------------------------------------------------------------------------------- */

/* The published vectors of Random123. */
static void philox_gives_the_published_words(void **state)
{
    (void)state;
    static const struct {
        uint32_t counter[4];
        uint32_t key[2];
        uint32_t want[4];
    } vectors[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };

    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        uint32_t out[4];

        eg_philox4x32(out, vectors[i].counter, vectors[i].key);
        assert_memory_equal(out, vectors[i].want, sizeof out);
    }
}

/* ---- uniform integers ------------------------------------------------------------------------ */

/* Blocks whose top bits are given: attempt i starts with bits[i]. */
struct scripted {
    const uint32_t *bits;
    int width;
    uint32_t asked;
};

static void scripted_block(void *ctx, uint32_t word[4], uint32_t number)
{
    struct scripted *s = ctx;

    assert_int_equal(number, s->asked);
    s->asked++;
    word[0] = s->bits[number] << (32 - s->width) | 0x5555u >> (s->width - 1);
    word[1] = word[2] = word[3] = UINT32_C(0xaaaaaaaa);
}

/* All outcomes of two attempts, for every s up to 128: each value comes from as many of the first
 * attempt's bit patterns, one, and after a refusal from as many of the second's. So given any
 * number of refusals the answer is uniform. */
static void uniform_integers_are_uniform_by_complete_enumeration(void **state)
{
    (void)state;
    for (uint32_t s = 2; s <= 128; s++) {
        const eagle_wide wide = eg_wide_from(s);
        int width = 0;

        while ((1u << width) < s) {
            width++;
        }
        uint32_t first[128] = {0};
        uint32_t second[128] = {0};

        for (uint32_t code = 0; code < 1u << 2 * width; code++) {
            const uint32_t bits[3] = {code >> width, code & ((1u << width) - 1), 0};
            struct scripted script = {.bits = bits, .width = width};
            const eg_words words = {.block = scripted_block, .ctx = &script};
            eagle_wide u;

            eg_uniform_below(&u, &wide, &words);
            assert_true(u.limb[0] < s);
            assert_in_range(script.asked, 1, 3);
            first[u.limb[0]] += script.asked == 1;
            second[u.limb[0]] += script.asked == 2;
        }
        for (uint32_t v = 0; v < s; v++) {
            assert_int_equal(first[v], 1u << width);
            assert_int_equal(second[v], (1u << width) - s);
        }
    }
}

static void one_possible_answer_takes_no_words(void **state)
{
    (void)state;
    const eg_words none = {.block = NULL, .ctx = NULL};
    const eagle_wide one = eg_wide_from(1);
    eagle_wide u;

    eg_uniform_below(&u, &one, &none);
    assert_true(eg_wide_is_zero(&u));
}

/* Block n is ones in its even words and n in its odd ones; but all ones below `refused`. */
struct counted {
    uint32_t refused;
    uint32_t asked;
};

static void counted_block(void *ctx, uint32_t word[4], uint32_t number)
{
    struct counted *c = ctx;

    assert_int_equal(number, c->asked);
    c->asked++;
    word[0] = word[2] = number < c->refused ? UINT32_MAX : 0x01234567;
    word[1] = word[3] = number < c->refused ? UINT32_MAX : number;
}

static void wide_integers_take_consecutive_blocks_most_significant_first(void **state)
{
    (void)state;
    struct counted blocks = {0};
    const eg_words words = {.block = counted_block, .ctx = &blocks};
    eagle_wide u;
    eagle_wide s = power_of_two(256);

    eg_uniform_below(&u, &s, &words);
    assert_int_equal(blocks.asked, 2);
    assert_true(u.limb[3] == UINT64_C(0x0123456700000000) && u.limb[2] == u.limb[3]);
    assert_true(u.limb[1] == UINT64_C(0x0123456700000001) && u.limb[0] == u.limb[1]);

    blocks = (struct counted){0};
    s = power_of_two(132); /* the top 4 bits of the second block end it */
    eg_uniform_below(&u, &s, &words);
    assert_int_equal(blocks.asked, 2);
    assert_true(u.limb[2] == 0x0 && u.limb[1] == UINT64_C(0x1234567000000000));
    assert_true(u.limb[0] == UINT64_C(0x1234567000000000));

    blocks = (struct counted){.refused = 4};
    s = power_of_two(130); /* 2^130 + 1: 131 bits, two blocks an attempt */
    s.limb[0] = 1;
    eg_uniform_below(&u, &s, &words);
    assert_int_equal(blocks.asked, 6);
    assert_true(u.limb[2] == 0 && u.limb[1] == UINT64_C(0x091a2b3800000020));
    assert_true(u.limb[0] == UINT64_C(0x091a2b3800000020));
}

/* ---- draws on Philox ------------------------------------------------------------------------- */

/* Computed by an own implementation in Python of Philox and of the rule in draws.h. */
static void draws_match_an_independent_implementation(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed;
        uint32_t stream;
        eagle_draw_key key;
        uint64_t sum;
        uint64_t want;
    } vectors[] = {
        {0, 0, {EAGLE_DRAW_TARGET, 5, 0}, 10, 2},
        {1, 0, {EAGLE_DRAW_TARGET, 5, 0}, 10, 1},
        {UINT64_C(0x123456789abcdef0), 7, {EAGLE_DRAW_ACCEPT, 1000, 2}, 1000003, 655251},
        {42, 0, {EAGLE_DRAW_RESIDUAL, 17, 0}, UINT64_C(1) << 63, UINT64_C(2846330990428834904)},
        {UINT64_MAX,
         UINT32_MAX,
         {EAGLE_DRAW_DRAFT, INT32_MAX - 1, 65535},
         UINT64_C(105553116266497),
         UINT64_C(17397012810449)},
        {42, 1, {EAGLE_DRAW_TARGET, 18, 0}, UINT64_C(4294967297), 1632495298}, /* 4 refusals */
        {9, 0, {EAGLE_DRAW_TARGET, 6, 0}, UINT64_C(8589934593), UINT64_C(4687451216)}, /* 1 */
    };

    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        eagle_philox philox = {.seed = vectors[i].seed, .stream = vectors[i].stream};
        const eagle_draws draws = eagle_philox_draws(&philox);
        const eagle_draw_key key = vectors[i].key;
        const uint64_t u = vectors[i].want;
        const uint64_t w[3] = {u, 1, vectors[i].sum - u - 1};
        const eagle_wide wide[3] = {eg_wide_from(w[0]), eg_wide_from(w[1]), eg_wide_from(w[2])};
        const eagle_wide den = eg_wide_from(vectors[i].sum);
        const eagle_wide next_u = eg_wide_from(u + 1);

        assert_int_equal(draws.pick(draws.ctx, key, w, 3), 1);
        assert_int_equal(draws.pick_wide(draws.ctx, key, wide, 3), 1);
        assert_false(draws.accept(draws.ctx, key, u, vectors[i].sum));
        assert_true(draws.accept(draws.ctx, key, u + 1, vectors[i].sum));
        assert_false(draws.accept_wide(draws.ctx, key, &wide[0], &den));
        assert_true(draws.accept_wide(draws.ctx, key, &next_u, &den));
    }
}

static void wide_draws_match_an_independent_implementation(void **state)
{
    (void)state;
    static const struct {
        uint64_t seed;
        eagle_wide sum;
        eagle_wide want;
    } vectors[] = {
        {77, /* 2^319 + 2^318 + 12345 */
         {{0x3039, 0, 0, 0, UINT64_C(0xc000000000000000)}},
         {{UINT64_C(0x48668fd3a84d9c14), UINT64_C(0x8b46a40c4bdf6624), UINT64_C(0xc70775ea7e5583ad),
           UINT64_C(0xc7f5602dad085abd), UINT64_C(0x20d04593198a1e62)}}},
        {77, /* 2^257 + 1 */
         {{1, 0, 0, 0, 2}},
         {{UINT64_C(0x2d1a90312f7d9891), UINT64_C(0x1c1dd7a9f9560eb6), UINT64_C(0x1fd580b6b4216af7),
           UINT64_C(0x8341164c6628798b), 0}}},
        {70, /* 2^130 + 1, after one refusal */
         {{1, 0, 4, 0, 0}},
         {{UINT64_C(0x72cc23510dd90dc7), UINT64_C(0x3a0ffab4dda30beb), 2, 0, 0}}},
    };
    const eagle_draw_key key = {EAGLE_DRAW_RESIDUAL, 123, 1};
    const eagle_wide one = eg_wide_from(1);

    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        eagle_philox philox = {.seed = vectors[i].seed, .stream = 3};
        const eagle_draws draws = eagle_philox_draws(&philox);
        eagle_wide w[3] = {vectors[i].want, one, vectors[i].sum};

        eg_wide_sub(&w[2], &w[0]);
        eg_wide_sub(&w[2], &one);
        assert_int_equal(draws.pick_wide(draws.ctx, key, w, 3), 1);
        assert_false(draws.accept_wide(draws.ctx, key, &w[0], &vectors[i].sum));
        eg_wide_add(&w[0], &one);
        assert_true(draws.accept_wide(draws.ctx, key, &w[0], &vectors[i].sum));
    }
}

static void a_weight_of_zero_is_never_picked(void **state)
{
    (void)state;
    const uint64_t w[6] = {0, 1, 0, 0, 1, 0};
    eagle_philox philox = {.seed = 3};
    const eagle_draws draws = eagle_philox_draws(&philox);
    int32_t count[6] = {0};

    for (int32_t pos = 0; pos < 1000; pos++) {
        count[draws.pick(draws.ctx, (eagle_draw_key){EAGLE_DRAW_TARGET, pos, 0}, w, 6)]++;
    }
    assert_int_equal(count[1] + count[4], 1000);
    assert_true(count[1] > 0 && count[4] > 0);
}

static void every_part_of_a_key_changes_the_draw(void **state)
{
    (void)state;
    const eagle_draw_key keys[] = {
        {EAGLE_DRAW_TARGET, 9, 0}, {EAGLE_DRAW_DRAFT, 9, 0},  {EAGLE_DRAW_TARGET, 10, 0},
        {EAGLE_DRAW_TARGET, 9, 1}, {EAGLE_DRAW_TARGET, 9, 0}, {EAGLE_DRAW_TARGET, 9, 0},
    };
    const eagle_philox philox[] = {{5, 0}, {5, 0}, {5, 0}, {5, 0}, {5, 1}, {6, 0}};
    uint64_t w[1024];
    int32_t got[6];

    for (int i = 0; i < 1024; i++) {
        w[i] = UINT64_C(1) << 45;
    }
    for (int i = 0; i < 6; i++) {
        eagle_philox own = philox[i];
        const eagle_draws draws = eagle_philox_draws(&own);

        got[i] = draws.pick(draws.ctx, keys[i], w, 1024);
        assert_int_equal(draws.pick(draws.ctx, keys[i], w, 1024), got[i]); /* asked again */
        for (int j = 0; j < i; j++) {
            assert_int_not_equal(got[i], got[j]);
        }
    }
}

/* ---- children -------------------------------------------------------------------------------- */

static void drawn_children_differ_and_end_with_the_mass(void **state)
{
    (void)state;
    uint64_t law[8] = {0, 5, 0, UINT64_C(1) << 45, 1, 0, 0, 0};
    const uint64_t before[8] = {0, 5, 0, UINT64_C(1) << 45, 1, 0, 0, 0};
    eagle_philox philox = {.seed = 11};
    const eagle_draws draws = eagle_philox_draws(&philox);
    int32_t token[EG_MAX_DRAWN];

    for (int32_t node = 0; node < 100; node++) {
        assert_int_equal(eg_draw_children(token, law, 8, 4, 50, node, &draws), 3);
        assert_int_equal(token[0] + token[1] + token[2], 1 + 3 + 4);
        assert_int_equal(token[0] * token[1] * token[2], 12);
        assert_int_equal(eg_draw_children(token, law, 8, 2, 50, node, &draws), 2);
        assert_memory_equal(law, before, sizeof law);
    }
}

static void siblings_and_cousins_have_keys_of_their_own(void **state)
{
    (void)state;
    const struct recorded_answer list[] = {{{EAGLE_DRAW_DRAFT, 50, 24}, 1},
                                           {{EAGLE_DRAW_DRAFT, 50, 25}, 0},
                                           {{EAGLE_DRAW_DRAFT, 50, 32}, 1}};
    uint64_t law[2] = {3, 4};
    struct recorded recorded = {.answer = list, .n = 3};
    const eagle_draws draws = recorded_draws(&recorded);
    int32_t token[EG_MAX_DRAWN];

    assert_int_equal(eg_draw_children(token, law, 2, 4, 50, 3, &draws), 2);
    assert_int_equal(token[0], 1);
    assert_int_equal(token[1], 0);
    assert_int_equal(eg_draw_children(token, law, 2, 1, 50, 4, &draws), 1);
    assert_false(recorded.fault);
    assert_int_equal(recorded.next, 3);
}

/* ---- wide integers --------------------------------------------------------------------------- */

static void wide_bits_count_from_the_top(void **state)
{
    (void)state;
    eagle_wide w = eg_wide_from(0);

    assert_int_equal(eg_wide_bits(&w), 0);
    for (int bit = 0; bit < 320; bit++) {
        w = power_of_two(bit);
        assert_int_equal(eg_wide_bits(&w), bit + 1);
        w.limb[0] |= 1;
        assert_int_equal(eg_wide_bits(&w), bit + 1);
    }
}

static void wide_arithmetic_matches_gmp(void **state)
{
    (void)state;
#ifdef EG_HAVE_MPFR
    mpz_t a;
    mpz_t b;
    mpz_t c;

    mpz_inits(a, b, c, NULL);
    for (int i = 0; i < 20000; i++) {
        eagle_wide x;
        eagle_wide y;
        eagle_wide z;
        uint64_t factor = below(4) == 0 ? UINT64_MAX : next() >> below(64);

        for (int l = 0; l < EG_WIDE_LIMBS; l++) { /* many limbs of ones and zeros: carries */
            x.limb[l] = below(3) == 0 ? 0 - (uint64_t)below(2) : next();
            y.limb[l] = below(3) == 0 ? 0 - (uint64_t)below(2) : next();
        }
        x.limb[4] >>= 1;
        y.limb[4] >>= 1;
        mpz_import(a, 5, -1, 8, 0, 0, x.limb);
        mpz_import(b, 5, -1, 8, 0, 0, y.limb);
        assert_int_equal(eg_wide_less(&x, &y), mpz_cmp(a, b) < 0);
        z = x;
        eg_wide_add(&z, &y);
        mpz_add(c, a, b);
        mpz_import(b, 5, -1, 8, 0, 0, z.limb);
        assert_int_equal(mpz_cmp(b, c), 0);
        eg_wide_sub(&z, &y);
        assert_memory_equal(&z, &x, sizeof z);

        x.limb[4] = 0;
        mpz_import(a, 5, -1, 8, 0, 0, x.limb);
        mpz_import(b, 1, -1, 8, 0, 0, &factor);
        eg_wide_mul(&x, &x, factor);
        mpz_mul(c, a, b);
        mpz_import(b, 5, -1, 8, 0, 0, x.limb);
        assert_int_equal(mpz_cmp(b, c), 0);
    }
    mpz_clears(a, b, c, NULL);
#else
    skip();
#endif
}

static void a_decimal_has_the_value_of_its_digits(void **state)
{
    static const char *const text[] = {"0", "1", "0.9", ".05", "0.333", "0.000000000000000001"};
    static const double value[] = {0.0, 1.0, 0.9, 0.05, 0.333, 1e-18};

    (void)state;
    for (size_t i = 0; i < sizeof text / sizeof text[0]; i++) {
        eagle_decimal d;

        assert_int_equal(eagle_decimal_parse(&d, text[i], NULL), EAGLE_OK);
        assert_true(eagle_decimal_value(d) == value[i]);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_decimal_has_the_value_of_its_digits),
        cmocka_unit_test(philox_gives_the_published_words),
        cmocka_unit_test(uniform_integers_are_uniform_by_complete_enumeration),
        cmocka_unit_test(one_possible_answer_takes_no_words),
        cmocka_unit_test(wide_integers_take_consecutive_blocks_most_significant_first),
        cmocka_unit_test(draws_match_an_independent_implementation),
        cmocka_unit_test(wide_draws_match_an_independent_implementation),
        cmocka_unit_test(a_weight_of_zero_is_never_picked),
        cmocka_unit_test(every_part_of_a_key_changes_the_draw),
        cmocka_unit_test(drawn_children_differ_and_end_with_the_mass),
        cmocka_unit_test(siblings_and_cousins_have_keys_of_their_own),
        cmocka_unit_test(wide_bits_count_from_the_top),
        cmocka_unit_test(wide_arithmetic_matches_gmp),
    };

    return cmocka_run_group_tests_name("sample", tests, NULL, NULL);
}
