/* SPDX-License-Identifier: MIT */
/* test_law.c - the integer law: weights, filters, and the options that shape it. */
#include "kernels/mathf.h"
#include "sample/draws.h"
#include "sample/law.h"
#include "sample/wide.h"

#include <float.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static uint64_t rng_state = 1;

static uint32_t below(uint32_t n)
{
    rng_state = rng_state * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(rng_state >> 33) % n;
}

#define MAX_VOCAB 40
#define LONG      800 /* more than three blocks of 256 */

static eagle_sampling plain(float temperature)
{
    eagle_sampling s;

    eagle_sampling_defaults(&s);
    s.temperature = temperature;
    s.mode = EAGLE_VERIFY_COUPLED;
    return s;
}

static eagle_decimal decimal(const char *text)
{
    eagle_decimal d;

    assert_int_equal(eagle_decimal_parse(&d, text, NULL), EAGLE_OK);
    return d;
}

/* Computed in Python with 60 digits, rounded to float32 where the law rounds. */
static void weights_match_high_precision(void **state)
{
    (void)state;
    static const float logits[6] = {2.5f, 1.5f, 0.3f, -3.7f, -30.0f, -100.0f};
    static const struct {
        float temperature;
        uint64_t want[6];
    } vectors[] = {
        {1.0f,
         {UINT64_C(35184372088832), UINT64_C(12943607463936), UINT64_C(3898539245568),
          UINT64_C(71404257280), 1, 1}},
        {0.7f,
         {UINT64_C(35184372088832), UINT64_C(8431970811904), UINT64_C(1518532952064),
          UINT64_C(5008892416), 1, 1}},
        {2.0f,
         {UINT64_C(35184372088832), UINT64_C(21340400648192), UINT64_C(11711859916800),
          UINT64_C(1585028005888), 3083645, 1}},
        {0.1f, {UINT64_C(35184372088832), 1597368064, 9814, 1, 1, 1}},
    };

    for (size_t i = 0; i < sizeof vectors / sizeof vectors[0]; i++) {
        const eagle_sampling s = plain(vectors[i].temperature);
        uint64_t w[6];
        int32_t order[6];

        eg_law_make(w, order, logits, 6, &s);
        assert_memory_equal(w, vectors[i].want, sizeof w);
    }
}

static void extreme_logits_and_temperatures_keep_a_law(void **state)
{
    (void)state;
    const float logits[3] = {-FLT_MAX, FLT_MAX, 0.0f};
    const uint64_t all_equal = UINT64_C(1) << 45;
    uint64_t w[3];
    int32_t order[3];
    eagle_sampling s = plain(1e-40f);

    eg_law_make(w, order, logits, 3, &s);
    assert_true(w[0] == 1 && w[1] == all_equal && w[2] == 1);
    s = plain(FLT_MAX);
    eg_law_make(w, order, (const float[3]){1.0f, 2.0f, 3.0f}, 3, &s);
    assert_true(w[0] == all_equal && w[1] == all_equal && w[2] == all_equal);
}

static void at_temperature_zero_the_first_arg_max_has_all_weight(void **state)
{
    (void)state;
    const float logits[4] = {1.0f, 3.0f, 3.0f, -1.0f};
    const uint64_t want[4] = {0, 1, 0, 0};
    const eagle_sampling s = plain(0.0f);
    uint64_t w[4];
    int32_t order[4];

    eg_law_make(w, order, logits, 4, &s);
    assert_memory_equal(w, want, sizeof w);
    assert_int_equal(eg_law_best(logits, 4), 1);
}

/* Which tokens the filters keep, as a bit mask. */
static unsigned kept(const float *logits, int32_t vocab, const eagle_sampling *s)
{
    uint64_t w[MAX_VOCAB];
    int32_t order[MAX_VOCAB];
    unsigned mask = 0;

    eg_law_make(w, order, logits, vocab, s);
    for (int32_t i = 0; i < vocab; i++) {
        mask |= (unsigned)(w[i] > 0) << i;
    }
    return mask;
}

static void top_k_keeps_exactly_k_lowest_ids_first_among_ties(void **state)
{
    (void)state;
    const float tied[6] = {1, 2, 2, 2, 0, 2};
    eagle_sampling s = plain(1.0f);

    s.top_k = 1;
    assert_int_equal(kept(tied, 6, &s), 0x02);
    s.top_k = 3;
    assert_int_equal(kept(tied, 6, &s), 0x0e);
    s.top_k = 5;
    assert_int_equal(kept(tied, 6, &s), 0x2f);
    s.top_k = 6;
    assert_int_equal(kept(tied, 6, &s), 0x3f);
    s.top_k = 100;
    assert_int_equal(kept(tied, 6, &s), 0x3f);
}

static void top_p_is_compared_exactly(void **state)
{
    (void)state;
    const float tied[4] = {1, 1, 1, 1};
    eagle_sampling s = plain(1.0f);

    s.top_p = decimal("0.5"); /* two of four are exactly half */
    assert_int_equal(kept(tied, 4, &s), 0x3);
    s.top_p = decimal("0.500000000000000001");
    assert_int_equal(kept(tied, 4, &s), 0x7);
    s.top_p = decimal("0.000000000000000001");
    assert_int_equal(kept(tied, 4, &s), 0x1);
    s.top_p = decimal("0.999999999999999999");
    assert_int_equal(kept(tied, 4, &s), 0xf);
    s.top_p = decimal("1.000");
    assert_int_equal(kept(tied, 4, &s), 0xf);
}

static void top_p_counts_what_top_k_left(void **state)
{
    (void)state;
    const float tied[4] = {1, 1, 1, 1};
    eagle_sampling s = plain(1.0f);

    s.top_k = 2;
    s.top_p = decimal("0.5"); /* half of two, not of four */
    assert_int_equal(kept(tied, 4, &s), 0x1);
    s.top_p = decimal("0.51");
    assert_int_equal(kept(tied, 4, &s), 0x3);
}

static void min_p_compares_with_the_largest_weight(void **state)
{
    (void)state;
    const float logits[4] = {0.0f, 1.0f, 1.0f, -1.0f};
    eagle_sampling s = plain(1.0f);

    s.min_p = decimal("1");
    assert_int_equal(kept(logits, 4, &s), 0x6);
    s.min_p = decimal("0.3678"); /* exp(-1) = 0.36787944 */
    assert_int_equal(kept(logits, 4, &s), 0x7);
    s.min_p = decimal("0.3679");
    assert_int_equal(kept(logits, 4, &s), 0x6);
    s.min_p = decimal("0.13");
    assert_int_equal(kept(logits, 4, &s), 0xf);
}

/* Logits for the reference's comparison; the tests have one thread. */
static const float *sorted_by;

static int by_logit_then_id(const void *left, const void *right)
{
    int32_t a = *(const int32_t *)left;
    int32_t b = *(const int32_t *)right;

    return sorted_by[a] != sorted_by[b] ? (sorted_by[a] < sorted_by[b] ? 1 : -1) : a - b;
}

/* fraction x whole <= part, by long multiplication in 320 bits. */
static bool at_least(uint64_t part, eagle_decimal fraction, uint64_t whole)
{
    eagle_wide left = eg_wide_from(part);
    eagle_wide right = eg_wide_from(whole);

    eg_wide_mul(&right, &right, fraction.num);
    for (int32_t i = 0; i < fraction.places; i++) {
        eg_wide_mul(&left, &left, 10);
    }
    return !eg_wide_less(&left, &right);
}

/* The law by a full sort, filter after filter. */
static void reference_law(uint64_t *w, const float *logits, int32_t vocab, const eagle_sampling *s)
{
    int32_t order[LONG];
    int32_t n = vocab;
    int32_t prefix = 0;
    uint64_t total = 0;
    uint64_t mass = 0;

    for (int32_t i = 0; i < vocab; i++) {
        order[i] = i;
    }
    sorted_by = logits;
    qsort(order, (size_t)vocab, sizeof *order, by_logit_then_id);
    for (int32_t i = 0; i < vocab; i++) {
        float x = (logits[i] - logits[order[0]]) / s->temperature;
        double scaled = ldexp((double)eg_expf(x), 45);

        w[i] = scaled < 1 ? 1 : (uint64_t)floor(scaled);
    }
    if (s->top_k > 0 && s->top_k < n) {
        n = s->top_k;
    }
    for (int32_t i = 0; i < n; i++) {
        total += w[order[i]];
    }
    while (!at_least(mass, s->top_p, total)) {
        mass += w[order[prefix++]];
    }
    for (int32_t i = 0; i < vocab; i++) {
        if (i >= prefix || !at_least(w[order[i]], s->min_p, UINT64_C(1) << 45)) {
            w[order[i]] = 0;
        }
    }
}

static void laws_match_a_full_sort(void **state)
{
    (void)state;
    for (int i = 0; i < 20000; i++) {
        int32_t vocab = 1 + (int32_t)below(MAX_VOCAB);
        float logits[MAX_VOCAB];
        uint64_t want[MAX_VOCAB];
        uint64_t got[MAX_VOCAB];
        int32_t order[MAX_VOCAB];
        eagle_sampling s = plain(0.1f * (float)(1 + below(20)));
        float unit = below(2) == 0 ? 0.5f : 0.01f; /* coarse logits tie often */

        for (int32_t t = 0; t < vocab; t++) {
            logits[t] = unit * (float)below(20) - 3.0f;
        }
        s.top_k = (int32_t)below((uint32_t)vocab + 2);
        if (below(2) == 0) {
            s.top_p = (eagle_decimal){.num = 1 + below(1000), .places = 3};
        }
        if (below(2) == 0) {
            s.min_p = (eagle_decimal){.num = below(101), .places = 2};
        }
        reference_law(want, logits, vocab, &s);
        eg_law_make(got, order, logits, vocab, &s);
        assert_memory_equal(got, want, (size_t)vocab * sizeof *got);
    }
}

/* Logits are taken in blocks: no element is left out, none behind the last one is touched. */
static void laws_of_any_length_are_whole(void **state)
{
    (void)state;
    static const int32_t lengths[] = {255, 256, 257, 300, 511, 512, 513, 767};
    static float logits[LONG];
    static uint64_t want[LONG];
    static uint64_t got[2 * LONG];
    static int32_t order[LONG];

    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        const int32_t vocab = lengths[i];
        eagle_sampling s = plain(0.7f);

        for (int32_t t = 0; t < vocab; t++) {
            logits[t] = 0.01f * (float)below(1000);
        }
        memset(got, 0xee, sizeof got);
        reference_law(want, logits, vocab, &s);
        eg_law_make(got, order, logits, vocab, &s);
        assert_memory_equal(got, want, (size_t)vocab * sizeof *got);
        for (int32_t t = vocab; t < 2 * LONG; t++) {
            assert_true(got[t] == UINT64_C(0xeeeeeeeeeeeeeeee));
        }
        s.top_p = decimal("0.95"); /* more than 64 tokens, which are sorted at first */
        reference_law(want, logits, vocab, &s);
        eg_law_make(got, order, logits, vocab, &s);
        assert_memory_equal(got, want, (size_t)vocab * sizeof *got);
    }
}

static void the_largest_vocabulary_sums_to_2_to_the_63(void **state)
{
    (void)state;
    float *logits = test_calloc(EG_LAW_VOCAB, sizeof *logits);
    uint64_t *w = test_calloc(EG_LAW_VOCAB, sizeof *w);
    int32_t *order = test_calloc(EG_LAW_VOCAB, sizeof *order);
    eagle_philox philox = {.seed = 42};
    const eagle_draws draws = eagle_philox_draws(&philox);
    eagle_sampling s = plain(1.0f);

    eg_law_make(w, order, logits, EG_LAW_VOCAB, &s);
    /* The vector of this key and sum in test_sample.c, over 2^45. */
    assert_int_equal(
        draws.pick(draws.ctx, (eagle_draw_key){EAGLE_DRAW_RESIDUAL, 17, 0}, w, EG_LAW_VOCAB),
        UINT64_C(2846330990428834904) >> 45);

    s.top_p = decimal("0.999999999999999999"); /* more than all but one token */
    eg_law_make(w, order, logits, EG_LAW_VOCAB, &s);
    assert_true(w[EG_LAW_VOCAB - 1] > 0);
    s.top_p = decimal("0.5");
    eg_law_make(w, order, logits, EG_LAW_VOCAB, &s);
    assert_true(w[EG_LAW_VOCAB / 2 - 1] > 0 && w[EG_LAW_VOCAB / 2] == 0);
    test_free(order);
    test_free(w);
    test_free(logits);
}

/* ---- options --------------------------------------------------------------------------------- */

static void decimals_are_read_exactly(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint64_t num;
        int32_t places;
    } good[] = {{"0.9", 9, 1},
                {"1", 1, 0},
                {"0", 0, 0},
                {".05", 5, 2},
                {"1.000", 1000, 3},
                {"00.5", 5, 1},
                {"0.123456789012345678", UINT64_C(123456789012345678), 18},
                {"1.000000000000000000", UINT64_C(1000000000000000000), 18}};
    static const char *const bad[] = {"",
                                      ".",
                                      "1.",
                                      "-0.5",
                                      "+0.5",
                                      "0.5 ",
                                      " 0.5",
                                      "5e-1",
                                      "1.1",
                                      "2",
                                      "0,5",
                                      ".0123456789012345678",
                                      "0.1234567890123456789",
                                      "0x1",
                                      "1..0",
                                      "nan",
                                      "1.000000000000000001",
                                      "99999999999999999999999999",
                                      "18446744073709551616"};

    for (size_t i = 0; i < sizeof good / sizeof good[0]; i++) {
        eagle_decimal d = decimal(good[i].text);

        assert_true(d.num == good[i].num);
        assert_int_equal(d.places, good[i].places);
    }
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        eagle_decimal d = {7, 7};
        eagle_error err = {0};

        assert_int_equal(eagle_decimal_parse(&d, bad[i], &err), EAGLE_EINVAL);
        assert_true(err.message[0] != '\0' && d.num == 0);
    }
    eagle_error err = {0};
    eagle_decimal d;

    eagle_decimal_parse(&d, "0.5 ", &err);
    assert_string_equal(err.message, "\"0.5 \" is no decimal such as 0.9");
    eagle_decimal_parse(&d, "1.1", &err);
    assert_string_equal(err.message, "1.1 is above 1");
}

static void assert_refused(const eagle_sampling *s, bool drawn, const char *message)
{
    eagle_error err = {0};

    assert_int_equal(eagle_sampling_check(s, drawn, &err), EAGLE_EINVAL);
    assert_string_equal(err.message, message);
}

static void decimals_are_written_without_zeros_at_the_end(void **state)
{
    (void)state;
    static const char *const pair[][2] = {{"0.9", "0.9"},
                                          {".05", "0.05"},
                                          {"1", "1"},
                                          {"0", "0"},
                                          {"1.000", "1"},
                                          {"0.000", "0"},
                                          {"0.90", "0.9"},
                                          {"0.10010", "0.1001"},
                                          {"0.999999999999999999", "0.999999999999999999"},
                                          {"0.000000000000000001", "0.000000000000000001"}};

    for (size_t i = 0; i < sizeof pair / sizeof pair[0]; i++) {
        char text[EAGLE_DECIMAL_TEXT];

        assert_string_equal(eagle_decimal_text(text, decimal(pair[i][0])), pair[i][1]);
    }
}

static void sampling_options_out_of_range_are_refused(void **state)
{
    (void)state;
    eagle_sampling s;

    eagle_sampling_defaults(&s);
    assert_int_equal(eagle_sampling_check(&s, false, NULL), EAGLE_OK);
    s = plain(-0.5f);
    assert_refused(&s, false, "temperature -0.5, must be 0 or more");
    s = plain(INFINITY);
    assert_refused(&s, false, "temperature inf, must be 0 or more");
    s = plain(NAN);
    assert_int_equal(eagle_sampling_check(&s, false, NULL), EAGLE_EINVAL);
    s = plain(1.0f);
    s.top_k = -1;
    assert_refused(&s, false, "top-k -1, must be 0 (off) or more");
    s = plain(1.0f);
    s.top_p.num = 0;
    assert_refused(&s, false, "top-p must be above 0 and at most 1");
    s.top_p = (eagle_decimal){.num = 11, .places = 1};
    assert_refused(&s, false, "top-p must be above 0 and at most 1");
    s.top_p = (eagle_decimal){.num = 1, .places = 19};
    assert_refused(&s, false, "top-p must be above 0 and at most 1");
    s.top_p = (eagle_decimal){.num = 1, .places = -1};
    assert_refused(&s, false, "top-p must be above 0 and at most 1");
    s.top_p = decimal("0.999999999999999999");
    assert_int_equal(s.top_p.places, 18);
    assert_int_equal(eagle_sampling_check(&s, false, NULL), EAGLE_OK);
    s = plain(1.0f);
    s.min_p = (eagle_decimal){.num = 101, .places = 2};
    assert_refused(&s, false, "min-p must be from 0 to 1");
}

static void a_mode_must_fit_temperature_and_children(void **state)
{
    (void)state;
    eagle_sampling s = plain(1.0f);

    assert_int_equal(eagle_sampling_check(&s, false, NULL), EAGLE_OK);
    assert_refused(&s, true,
                   "drawn children keep the law only in rejection mode; take the top-k ones");
    s.mode = EAGLE_VERIFY_REJECTION;
    assert_int_equal(eagle_sampling_check(&s, true, NULL), EAGLE_OK);
    s.mode = EAGLE_VERIFY_GREEDY;
    assert_refused(&s, false,
                   "greedy verification is for temperature 0; above it: coupled, rejection");
    s.temperature = 0.0f;
    assert_refused(&s, true,
                   "drawn children keep the law only in rejection mode; take the top-k ones");
    s.mode = EAGLE_VERIFY_REJECTION;
    assert_refused(&s, false, "at temperature 0 verification is greedy");
    s.mode = (eagle_verify_mode)7;
    assert_refused(&s, false, "no verification mode 7");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(weights_match_high_precision),
        cmocka_unit_test(extreme_logits_and_temperatures_keep_a_law),
        cmocka_unit_test(at_temperature_zero_the_first_arg_max_has_all_weight),
        cmocka_unit_test(top_k_keeps_exactly_k_lowest_ids_first_among_ties),
        cmocka_unit_test(top_p_is_compared_exactly),
        cmocka_unit_test(top_p_counts_what_top_k_left),
        cmocka_unit_test(min_p_compares_with_the_largest_weight),
        cmocka_unit_test(laws_match_a_full_sort),
        cmocka_unit_test(laws_of_any_length_are_whole),
        cmocka_unit_test(the_largest_vocabulary_sums_to_2_to_the_63),
        cmocka_unit_test(decimals_are_read_exactly),
        cmocka_unit_test(decimals_are_written_without_zeros_at_the_end),
        cmocka_unit_test(sampling_options_out_of_range_are_refused),
        cmocka_unit_test(a_mode_must_fit_temperature_and_children),
    };

    return cmocka_run_group_tests_name("law", tests, NULL, NULL);
}
