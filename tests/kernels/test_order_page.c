/* SPDX-License-Identifier: MIT */
/* test_order_page.c - the test vectors of docs/canonical-order.md are what the kernels compute. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/file.h"
#include "kernels/kernels.h"
#include "kernels/mathf.h"
#include "kernels/variants.h"
#include "kernels/variants_act.h"
#include "sample/draws.h"
#include "sample/law.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define N 40

static char *page;
static float x[N]; /* 1 / (i + 1)  */
static float y[N]; /* 1 / (2i + 3) */

static int read_page(void **state)
{
    eg_bytes bytes;
    eagle_error err;

    (void)state;
    for (int i = 0; i < N; i++) {
        x[i] = 1.0f / (float)(i + 1);
        y[i] = 1.0f / (float)(2 * i + 3);
    }
    if (eg_bytes_read_file(&bytes, "docs/canonical-order.md", 1 << 20, &err) != EAGLE_OK) {
        return 1;
    }
    page = calloc(bytes.size + 1, 1);
    memcpy(page, bytes.data, bytes.size);
    free(bytes.data);
    return 0;
}

static int free_page(void **state)
{
    (void)state;
    free(page);
    return 0;
}

/* The page has a table row that ends in these bit patterns. */
static void assert_row(const char *what, const float *value, int n)
{
    char row[400];
    int at = snprintf(row, sizeof row, "| %s |", what);

    for (int i = 0; i < n; i++) {
        uint32_t u;

        memcpy(&u, &value[i], sizeof u);
        at += snprintf(row + at, sizeof row - (size_t)at, " %08" PRIx32, u);
    }
    snprintf(row + at, sizeof row - (size_t)at, " |");
    if (strstr(page, row) == NULL) {
        fail_msg("the page lacks: %s", row);
    }
}

static void the_page_has_our_elementary_functions(void **state)
{
    const float e[] = {eg_expf(1.0f), eg_expf(-1.0f), eg_expf(0.1f), eg_expf(88.5f),
                       eg_expf(-103.0f)};
    const float l[] = {eg_logf(2.0f), eg_logf(10.0f), eg_logf(0.5f)};
    const float s[] = {eg_sinf(1.0f), eg_sinf(3.140625f), eg_sinf(1000.0f), eg_sinf(1e7f)};
    const float c[] = {eg_cosf(1.0f), eg_cosf(3.140625f), eg_cosf(1000.0f), eg_cosf(1e7f)};

    (void)state;
    assert_row("exp(1), exp(-1), exp(0.1f), exp(88.5), exp(-103)", e, 5);
    assert_row("log(2), log(10), log(0.5)", l, 3);
    assert_row("sin(1), sin(3.140625), sin(1000), sin(10^7)", s, 4);
    assert_row("cos(1), cos(3.140625), cos(1000), cos(10^7)", c, 4);
}

static void the_page_has_our_sums(void **state)
{
    const float dot[] = {eg_dot_f32_portable(x, y, 16), eg_dot_f32_portable(x, y, N)};
    const float sum = eg_sum_exp_portable(x, 1.0f, N);
    const float gate = 1.5f;
    const float up = 2.0f;
    const float scale[] = {eg_attention_scale(48), eg_attention_scale(64), eg_attention_scale(128)};
    float one[N];
    float normed[N];
    float act;

    (void)state;
    for (int i = 0; i < N; i++) {
        one[i] = 1.0f;
    }
    eg_rmsnorm_portable(normed, x, one, 1e-5f, N);
    eg_silu_mul_portable(&act, &gate, &up, 1);

    const float ends[] = {normed[0], normed[N - 1]};

    assert_row("dot(x, y) of 16 and of 40 elements", dot, 2);
    assert_row("rmsnorm(x, w = 1, eps = 1e-5) of 40 elements: the first, the last", ends, 2);
    assert_row("plain sum of exp(x_i - 1), 40 elements", &sum, 1);
    assert_row("SiLU gate of g = 1.5, up = 2", &act, 1);
    assert_row("attention's scale for head_dim 48, 64, 128", scale, 3);
}

/* Attention as the page writes it, over a run of slots and a path behind it, long and short. */
static void attention_follows_the_page(void **state)
{
    enum { CAP = 300, DIM = 24 };
    static float k[CAP * DIM];
    static float v[CAP * DIM];
    float q[DIM];
    int32_t path[3];

    (void)state;
    for (int i = 0; i < CAP * DIM; i++) {
        k[i] = eg_sinf((float)(i + 1));
        v[i] = eg_cosf((float)(3 * i + 1));
        q[i % DIM] = 4.0f * eg_sinf((float)(7 * i));
    }
    for (size_t run = 1; run < 290; run += 12) {
        const eg_keys keys = {.k = k,
                              .v = v,
                              .head_dim = DIM,
                              .scale = eg_attention_scale(DIM),
                              .first = 2,
                              .n_run = run,
                              .path = path,
                              .n_path = 3};
        const size_t n = run + 3;
        float e[CAP];
        float lane[16] = {0};
        float max = -INFINITY;
        float scratch[CAP];
        float got[DIM];

        for (int i = 0; i < 3; i++) {
            path[i] = (int32_t)run + 2 + 2 * i;
        }
        for (size_t j = 0; j < n; j++) {
            const size_t slot = j < run ? 2 + j : (size_t)path[j - run];

            e[j] = eg_dot_f32_portable(q, k + slot * DIM, DIM) * keys.scale;
            max = e[j] > max ? e[j] : max;
        }
        for (size_t j = 0; j < n; j++) {
            e[j] = eg_expf(e[j] - max);
            lane[j % 16] += e[j];
        }
        for (int half = 8; half > 0; half /= 2) {
            for (int l = 0; l < half; l++) {
                lane[l] += lane[l + half];
            }
        }
        eg_kernels_for(EAGLE_ISA_AUTO)->attend(got, q, 1, &keys, scratch);
        for (int i = 0; i < DIM; i++) {
            float o = 0.0f;

            for (size_t j = 0; j < n; j++) {
                o = fmaf(e[j], v[(j < run ? 2 + j : (size_t)path[j - run]) * DIM + (size_t)i], o);
            }
            o /= lane[0];
            assert_memory_equal(&got[i], &o, sizeof o);
        }
    }
}

static void the_page_has_our_frequencies(void **state)
{
    const eagle_rope plain = {.kind = EAGLE_ROPE_DEFAULT, .theta = 10000.0};
    const eagle_rope llama3 = {.kind = EAGLE_ROPE_LLAMA3,
                               .theta = 500000.0,
                               .factor = 32.0,
                               .low_freq_factor = 1.0,
                               .high_freq_factor = 4.0,
                               .original_context = 8192};
    float f[32];
    float turn[2];

    (void)state;
    assert_true(eg_rope_frequencies(f, &plain, 64));
    assert_row("f_1, f_2, f_16, f_31 for theta 10000, head_dim 64",
               (const float[]){f[1], f[2], f[16], f[31]}, 4);
    assert_true(eg_rope_frequencies(f, &llama3, 64));
    assert_row("f_1, f_14, f_15, f_16, f_17, f_31 for theta 500000, head_dim 64, llama3 with "
               "32, 1, 4, 8192",
               (const float[]){f[1], f[14], f[15], f[16], f[17], f[31]}, 6);
    eg_rope_angles(&turn[0], &turn[1], &f[1], 1, 1000);
    assert_row("cos, sin of that f_1 at position 1000", turn, 2);
}

static void the_page_has_our_law_and_draws(void **state)
{
    const float logits[4] = {1.0f, 0.0f, -1.0f, -200.0f};
    const uint32_t counter[4] = {0, 1, 7, 0};
    const uint32_t key[2] = {42, 0};
    eagle_philox philox = {.seed = 42};
    const eagle_draws draws = eagle_philox_draws(&philox);
    eagle_sampling sampling;
    uint32_t word[4];
    uint64_t w[4];
    int32_t order[4];
    char row[300];
    int at;

    (void)state;
    eagle_sampling_defaults(&sampling);
    sampling.temperature = 0.8f;
    sampling.mode = EAGLE_VERIFY_COUPLED;
    eg_law_make(w, order, logits, 4, &sampling);
    snprintf(row, sizeof row, "T = 0.8f | %" PRIu64 " %" PRIu64 " %" PRIu64 " %" PRIu64 " |", w[0],
             w[1], w[2], w[3]);
    assert_non_null(strstr(page, row));

    eg_philox4x32(word, counter, key);
    snprintf(row, sizeof row, "(0, 1, 7, 0) | %08" PRIx32 " %08" PRIx32 " %08" PRIx32 " %08" PRIx32,
             word[0], word[1], word[2], word[3]);
    assert_non_null(strstr(page, row));

    at = snprintf(row, sizeof row, "(target, pos 0 .. 11, 0) |");
    for (int32_t pos = 0; pos < 12; pos++) {
        const eagle_draw_key asked = {EAGLE_DRAW_TARGET, pos, 0};

        at +=
            snprintf(row + at, sizeof row - (size_t)at, " %d", draws.pick(draws.ctx, asked, w, 4));
    }
    assert_non_null(strstr(page, row));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_page_has_our_elementary_functions),
        cmocka_unit_test(the_page_has_our_sums),
        cmocka_unit_test(attention_follows_the_page),
        cmocka_unit_test(the_page_has_our_frequencies),
        cmocka_unit_test(the_page_has_our_law_and_draws),
    };

    return cmocka_run_group_tests(tests, read_page, free_page);
}
