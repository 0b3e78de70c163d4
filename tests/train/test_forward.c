/* SPDX-License-Identifier: MIT */
/* test_forward.c - the forward functions against their equations, written the plain way, in double.
 *
 * Both sides round in double, in different orders: sums of at most 100 terms of size 1 differ by
 * less than 100 x 2^-53 x 100 = 2e-12. */
#include "train/numbers.h"
#include "train/operations.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

_Static_assert(sizeof(eg_real) == sizeof(double), "compile with EG_TRAIN_DOUBLE");

#define NEAR 2e-12

static void assert_near(const char *what, size_t i, double got, double want)
{
    if (!(fabs(got - want) <= NEAR * (1 + fabs(want)))) {
        fail_msg("%s, element %zu: got %.17g, expected %.17g", what, i, got, want);
    }
}

/* ---- single rows --------------------------------------------------------------------------- */

static void a_dense_layer_is_x_times_w_transposed_plus_bias(void **state)
{
    numbers *r = *state;
    enum { N = 5, OUT = 7, IN = 9 };
    const eg_real *x = numbers_new(r, N * IN);
    const eg_dense m = {
        .out = OUT, .in = IN, .w = numbers_new(r, OUT * IN), .bias = numbers_new(r, OUT)};
    eg_real *y = numbers_new(r, N * OUT);

    eg_fwd_dense(y, &m, x, N);
    for (size_t i = 0; i < N * OUT; i++) {
        double want = m.bias[i % OUT];

        for (size_t j = 0; j < IN; j++) {
            want += x[i / OUT * IN + j] * m.w[i % OUT * IN + j];
        }
        assert_near("dense", i, y[i], want);
    }
}

static void a_norm_divides_by_the_root_of_the_mean_square(void **state)
{
    numbers *r = *state;
    enum { N = 3, WIDTH = 21 };
    const eg_real *x = numbers_new(r, N * WIDTH);
    const eg_norm norm = {.dim = WIDTH, .eps = 0.01, .w = numbers_new(r, WIDTH)};
    eg_real *y = numbers_new(r, N * WIDTH);
    eg_real inv[N];

    eg_fwd_norm(y, inv, &norm, x, N);
    for (size_t i = 0; i < N; i++) {
        double squares = 0;

        for (size_t j = 0; j < WIDTH; j++) {
            squares += x[i * WIDTH + j] * x[i * WIDTH + j];
        }
        for (size_t j = 0; j < WIDTH; j++) {
            const double want = x[i * WIDTH + j] / sqrt(squares / WIDTH + 0.01) * norm.w[j];

            assert_near("norm", i * WIDTH + j, y[i * WIDTH + j], want);
        }
    }
}

static void a_gate_is_silu_times_up(void **state)
{
    numbers *r = *state;
    enum { N = 37 };
    eg_real *gate = numbers_new(r, N);
    const eg_real *up = numbers_new(r, N);
    eg_real y[N];

    gate[0] = 1000; /* where exp overflows, and where it vanishes */
    gate[1] = -1000;
    eg_fwd_gate(y, gate, up, N);
    for (size_t i = 0; i < N; i++) {
        assert_near("gate", i, y[i], gate[i] / (1 + exp(-gate[i])) * up[i]);
    }
}

/* Position p of the second sequence counts from its beginning. */
static void a_rotation_turns_pairs_half_a_head_apart(void **state)
{
    numbers *r = *state;
    enum { HALF = 3, N_HEADS = 2, ROW = N_HEADS * 2 * HALF };
    const int32_t length[] = {2, 4};
    const eg_batch batch = numbers_batch(r, length, 2);
    eg_real *x = numbers_new(r, batch.n * ROW);
    eg_real *y = numbers_new(r, batch.n * ROW);
    eg_real cosines[4 * HALF], sines[4 * HALF];
    const eg_rotation rotation = {.head_dim = 2 * HALF, .cos = cosines, .sin = sines};

    for (size_t i = 0; i < 4 * HALF; i++) {
        cosines[i] = cos(0.7 * (double)i);
        sines[i] = sin(0.7 * (double)i);
    }
    memcpy(y, x, batch.n * ROW * sizeof *y);
    eg_fwd_rope(y, &rotation, N_HEADS, &batch);
    for (size_t i = 0; i < batch.n; i++) {
        const size_t position = i < 2 ? i : i - 2;

        for (size_t j = 0; j < N_HEADS * HALF; j++) {
            const size_t a = i * ROW + j / HALF * 2 * HALF + j % HALF;
            const double angle = 0.7 * (double)(position * HALF + j % HALF);

            assert_near("rotation", a, y[a], x[a] * cos(angle) - x[a + HALF] * sin(angle));
            assert_near("rotation", a + HALF, y[a + HALF],
                        x[a + HALF] * cos(angle) + x[a] * sin(angle));
        }
    }
}

/* ---- attention ----------------------------------------------------------------------------- */

enum { HEADS = 6, KV_HEADS = 2, HEAD_DIM = 5 };

/* One query's output, and the logarithm of its sum: keys `first` to `row`. */
static void attend_plainly(double out[HEAD_DIM], double *lse, const eg_qkv *x, size_t first,
                           size_t row, size_t head)
{
    const size_t kv_head = head / (HEADS / KV_HEADS);
    const eg_real *q = x->q + (row * HEADS + head) * HEAD_DIM;
    double sum = 0;

    memset(out, 0, HEAD_DIM * sizeof *out);
    for (size_t j = first; j <= row; j++) {
        const eg_real *k = x->k + (j * KV_HEADS + kv_head) * HEAD_DIM;
        const eg_real *v = x->v + (j * KV_HEADS + kv_head) * HEAD_DIM;
        double score = 0;

        for (size_t d = 0; d < HEAD_DIM; d++) {
            score += q[d] * k[d] / sqrt(HEAD_DIM);
        }
        sum += exp(score);
        for (size_t d = 0; d < HEAD_DIM; d++) {
            out[d] += exp(score) * v[d];
        }
    }
    for (size_t d = 0; d < HEAD_DIM; d++) {
        out[d] /= sum;
    }
    *lse = log(sum);
}

static void attention_sees_its_sequence_up_to_its_row(void **state)
{
    numbers *r = *state;
    const int32_t length[] = {1, 70, 16, 7};
    const eg_batch batch = numbers_batch(r, length, 4);
    const eg_batch_room room = {.rows = batch.n, .sequences = 4, .length = 70};
    const eg_qkv x = {.q = numbers_new(r, batch.n * HEADS * HEAD_DIM),
                      .k = numbers_new(r, batch.n * KV_HEADS * HEAD_DIM),
                      .v = numbers_new(r, batch.n * KV_HEADS * HEAD_DIM)};
    eg_attention a = {.n_heads = HEADS, .n_kv_heads = KV_HEADS, .head_dim = HEAD_DIM};
    eg_real *out = numbers_new(r, batch.n * HEADS * HEAD_DIM);
    eg_real *lse = numbers_new(r, batch.n * HEADS);

    a.scratch = numbers_new(r, eg_attention_scratch(&a, &room));
    eg_fwd_attention(out, lse, &a, &x, &batch);
    for (size_t s = 0; s < batch.n_sequences; s++) {
        for (size_t row = (size_t)batch.start[s]; row < (size_t)batch.start[s + 1]; row++) {
            for (size_t head = 0; head < HEADS; head++) {
                double want[HEAD_DIM], want_lse;
                const size_t at = row * HEADS + head;

                attend_plainly(want, &want_lse, &x, (size_t)batch.start[s], row, head);
                assert_near("lse", at, lse[at], want_lse);
                for (size_t d = 0; d < HEAD_DIM; d++) {
                    assert_near("attention", at * HEAD_DIM + d, out[at * HEAD_DIM + d], want[d]);
                }
            }
        }
    }
}

/* ---- losses -------------------------------------------------------------------------------- */

enum { N_ROWS = 4, WORDS = 21 };

static double log_sum_exp(const eg_real *x)
{
    double sum = 0;

    for (size_t i = 0; i < WORDS; i++) {
        sum += exp(x[i]);
    }
    return log(sum);
}

/* Row 1 does not count, row 2 is right, row 3 only shares the largest logit with a lower id. */
static void cross_entropy_is_the_sum_over_rows_that_count(void **state)
{
    numbers *r = *state;
    const int32_t label[N_ROWS] = {20, -1, 3, 9};
    eg_real *logits = numbers_new(r, N_ROWS * WORDS);
    eg_tally tally = {.sum = 100, .n_rows = 10, .n_right = 5};
    double row[N_ROWS];
    double want = 100;

    logits[20] = -3;
    logits[2 * WORDS + 3] = 2;
    logits[3 * WORDS + 9] = 2;
    logits[3 * WORDS + 8] = 2;
    for (size_t i = 0; i < N_ROWS; i++) {
        if (label[i] >= 0) {
            want += log_sum_exp(logits + i * WORDS) - logits[i * WORDS + (size_t)label[i]];
        }
    }
    eg_loss_tokens(&tally, logits, label, N_ROWS, WORDS, 1, row);
    assert_near("cross entropy", 0, tally.sum, want);
    assert_int_equal(tally.n_rows, 13);
    assert_int_equal(tally.n_right, 6);
}

static void soft_cross_entropy_is_against_the_teachers_law(void **state)
{
    numbers *r = *state;
    const uint8_t count[N_ROWS] = {1, 0, 1, 1};
    eg_real *logits = numbers_new(r, N_ROWS * WORDS);
    eg_real *teacher = numbers_new(r, N_ROWS * WORDS);
    eg_tally tally = {0};
    double row[N_ROWS];
    double want = 0;

    for (size_t i = 0; i < N_ROWS; i++) { /* only row 3's first choices agree */
        logits[i * WORDS + 5] = 3;
        teacher[i * WORDS + (i == 3 ? 5 : 6)] = 3;
    }
    for (size_t i = 0; i < N_ROWS; i++) {
        for (size_t t = 0; count[i] != 0 && t < WORDS; t++) {
            const double p = exp(teacher[i * WORDS + t] - log_sum_exp(teacher + i * WORDS));

            want -= p * (logits[i * WORDS + t] - log_sum_exp(logits + i * WORDS));
        }
    }
    eg_loss_law(&tally, logits, teacher, count, N_ROWS, WORDS, 1, row);
    assert_near("soft cross entropy", 0, tally.sum, want);
    assert_int_equal(tally.n_rows, 3);
    assert_int_equal(tally.n_right, 1);
}

static void smooth_l1_is_a_parabola_below_one_and_a_line_above(void **state)
{
    (void)state;
    const eg_real x[6] = {0.5, -0.5, 3, -3, 1, 0};
    const eg_real y[6] = {0};
    const uint8_t count[2] = {1, 0};
    eg_tally tally = {.n_right = 7};
    double row[2];

    eg_loss_features(&tally, NULL, x, y, count, 1, 6, 1, row);
    assert_near("smooth L1", 0, tally.sum, (0.125 + 0.125 + 2.5 + 2.5 + 0.5 + 0) / 6);
    eg_loss_features(&tally, NULL, x, y, count, 2, 3, 1, row);
    assert_near("smooth L1", 1, tally.sum, 5.75 / 6 + (0.125 + 0.125 + 2.5) / 3);
    assert_int_equal(tally.n_rows, 2);
    assert_int_equal(tally.n_right, 7);
}

/* -------------------------------------------------------------------------------------------- */

#define CHECK(f) cmocka_unit_test_setup_teardown(f, numbers_set_up, numbers_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK(a_dense_layer_is_x_times_w_transposed_plus_bias),
        CHECK(a_norm_divides_by_the_root_of_the_mean_square),
        CHECK(a_gate_is_silu_times_up),
        CHECK(a_rotation_turns_pairs_half_a_head_apart),
        CHECK(attention_sees_its_sequence_up_to_its_row),
        CHECK(cross_entropy_is_the_sum_over_rows_that_count),
        CHECK(soft_cross_entropy_is_against_the_teachers_law),
        CHECK(smooth_l1_is_a_parabola_below_one_and_a_line_above),
    };

    printf("note: forward: EG_TEST_SEED=%llu\n", (unsigned long long)numbers_seed());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
