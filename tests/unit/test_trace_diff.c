/* SPDX-License-Identifier: MIT */
/* test_trace_diff.c - where two traces part, and what a digest is of. */
#include "eagle/runtime.h"
#include "eagle/trace.h"
#include "support/lib_scratch.h"
#include "support/lib_trace.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static const char *const dir = scratch_dir;

/* The right trace and one that `spoil` has changed. */
static eagle_trace_comparison compare(void (*spoil)(trace_parts *parts), bool digest)
{
    static trace_parts parts;
    eagle_trace_comparison result;
    eagle_error err = {0};
    eagle_trace *right = NULL;
    char path[SCRATCH_PATH];

    trace_right(&parts);
    spoil(&parts);
    eagle_trace *spoiled_one = trace_open(&parts, dir, "a.trace");

    (digest ? trace_right_digest : trace_right)(&parts);
    trace_write(&parts, dir, "right.trace");
    scratch_join(path, dir, "right.trace");
    assert_int_equal(eagle_trace_open(&right, path, &err), EAGLE_OK);
    eagle_trace_compare(&result, right, spoiled_one);
    /* Names outlive the traces here: they are compared before. */
    static char name[80];

    snprintf(name, sizeof name, "%s", result.first.name != NULL ? result.first.name : "");
    result.first.name = name;
    eagle_trace_free(spoiled_one);
    eagle_trace_free(right);
    return result;
}

static void change_nothing(trace_parts *parts)
{
    (void)parts;
}

/* Node 1 has the logits 1 2 -3 4 5. */
static void change_a_logit(trace_parts *parts)
{
    static float logits[20] = {0.5f, -1, 2, 0.25f, 3, 1, 2, -3, 4, 5};

    logits[7] = nextafterf(nextafterf(-3.0f, 0.0f), 0.0f);
    logits[10] = -0.0f; /* no number apart, and yet other bits */
    trace_put(parts, "round/1/logits", EAGLE_F32, 4, 5, logits);
}

static void change_the_last_logit(trace_parts *parts)
{
    static const float logits[20] = {0.5f, -1, 2, 0.25f, 3, 1, 2, -3, 4, 5, [19] = 1};

    trace_put(parts, "round/1/logits", EAGLE_F32, 4, 5, logits);
}

static void change_a_token_and_a_site(trace_parts *parts)
{
    static const int32_t source[6] = {0, 0, 4, 1, 1, 2};
    static const float site[16] = {1, -2};

    trace_put(parts, "seq.source", EAGLE_I32, 6, 0, source);
    trace_put(parts, "round/1/0/k_rope", EAGLE_F32, 4, 3, site);
}

static void drop_a_tensor(trace_parts *parts)
{
    trace_drop(parts, "round/1/tree.score");
}

static void narrow_a_tensor(trace_parts *parts)
{
    static const uint16_t half[20];

    trace_put(parts, "round/1/logits", EAGLE_F16, 4, 5, half);
}

static void the_first_difference_is_found_with_its_bits(void **state)
{
    (void)state;
    eagle_trace_comparison c = compare(change_nothing, false);

    assert_int_equal(c.different, 0);
    assert_int_equal(c.tensors, 45);
    assert_int_equal(c.first.outcome, EAGLE_TRACE_SAME);
    c = compare(change_a_logit, false);
    assert_int_equal(c.different, 1);
    assert_int_equal(c.first.outcome, EAGLE_TRACE_VALUE);
    assert_string_equal(c.first.name, "round/1/logits");
    assert_int_equal(c.first.row, 1);
    assert_int_equal(c.first.column, 2);
    assert_int_equal(c.first.bits[0], 0xc0400000);
    assert_int_equal(c.first.bits[1], 0xc03ffffe);
    assert_int_equal(c.first.ulps, 2);
    assert_true(c.first.value[0] == -3.0);
    for (int32_t i = 0; i < c.n_counts; i++) {
        const bool logits = strcmp(c.count[i].item, "logits") == 0;

        assert_int_equal(c.count[i].different, logits);
        assert_int_equal(c.count[i].elements_different, logits ? 2 : 0);
        assert_int_equal(c.count[i].most_ulps, logits ? 2 : 0);
    }
}

static void the_last_element_is_compared(void **state)
{
    (void)state;
    const eagle_trace_comparison c = compare(change_the_last_logit, false);

    assert_int_equal(c.different, 1);
    assert_int_equal(c.first.row, 3);
    assert_int_equal(c.first.column, 4);
    assert_int_equal(c.first.bits[1], 0x3f800000);
}

static void the_first_difference_is_the_first_of_the_computation(void **state)
{
    (void)state;
    eagle_trace_comparison c = compare(change_a_token_and_a_site, false);

    assert_int_equal(c.different, 2);
    assert_string_equal(c.first.name, "round/1/0/k_rope");
    assert_int_equal(c.first.column, 1);
    assert_int_equal(c.first.ulps, 2u * 0x40000000u); /* from 2 to -2, over 0 */
    c = compare(drop_a_tensor, false);
    assert_int_equal(c.first.outcome, EAGLE_TRACE_MISSING);
    assert_string_equal(c.first.name, "round/1/tree.score");
    c = compare(narrow_a_tensor, false);
    assert_int_equal(c.first.outcome, EAGLE_TRACE_SHAPE);
}

/* The digest by hand is none of anything, so that all that is digested differs, and nothing
 * else. */
static void a_digest_that_is_wrong_is_a_difference(void **state)
{
    (void)state;
    const eagle_trace_comparison c = compare(change_nothing, true);

    assert_int_equal(c.first.outcome, EAGLE_TRACE_DIGEST);
    assert_string_equal(c.first.name, "prompt/embed");
    assert_int_equal(c.different, 45 - 6 - 2 * (5 + 3));
}

/* The page's words: "SHA-256 over the type's name, a blank, the shape as decimals with a blank
 * after each, and the bytes". The digest of one tensor is made so, and that one differs no more. */
static void a_digest_is_of_type_shape_and_bytes(void **state)
{
    static const char head[] = "F32 4 3 ";
    static trace_parts parts;
    const char name[] = "round/1/0/k_rope";
    unsigned char digest[32];
    eagle_trace_comparison c;
    eagle_trace *trace[2];
    eagle_sha256 sha;
    char hex[65];

    (void)state;
    trace_right(&parts);
    const eagle_tensor *t = trace_part(&parts, name);

    eagle_sha256_init(&sha);
    eagle_sha256_update(&sha, head, sizeof head - 1);
    eagle_sha256_update(&sha, t->data, t->size);
    eagle_sha256_hex(hex, &sha);
    for (int i = 0; i < 32; i++) {
        unsigned value = 0;

        assert_int_equal(sscanf(hex + 2 * (size_t)i, "%2x", &value), 1);
        digest[i] = (unsigned char)value;
    }
    trace[0] = trace_open(&parts, dir, "a.trace");
    trace_right_digest(&parts);
    trace_put(&parts, name, EAGLE_U8, 32, 0, digest);
    trace[1] = trace_open(&parts, dir, "a.trace");
    eagle_trace_compare(&c, trace[0], trace[1]);
    for (int32_t i = 0; i < c.n_counts; i++) {
        if (strcmp(c.count[i].item, "k_rope") == 0) {
            assert_int_equal(c.count[i].tensors, 1);
            assert_int_equal(c.count[i].different, 0);
        }
    }
    eagle_trace_free(trace[1]);
    eagle_trace_free(trace[0]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_first_difference_is_found_with_its_bits),
        cmocka_unit_test(the_last_element_is_compared),
        cmocka_unit_test(the_first_difference_is_the_first_of_the_computation),
        cmocka_unit_test(a_digest_that_is_wrong_is_a_difference),
        cmocka_unit_test(a_digest_is_of_type_shape_and_bytes),
    };

    return cmocka_run_group_tests_name("comparisons of traces", tests, scratch_set_up,
                                       scratch_tear_down);
}
