/* SPDX-License-Identifier: MIT */
/* test_training.c - training's loops in float: every variant gives the bits of the portable
 * definition, any number of threads gives the bits of one, and exp is what training.h says. */
#include "kernels/order.h"
#include "kernels/training.h"
#include "train/numbers.h"
#include "train/operations.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#if defined(EG_EMULATED_AVX512)
extern const eg_training eg_training_emulated; /* training_avx512.c (tests/train.mk) */
#endif

/* ---- comparison ---------------------------------------------------------------------------- */

/* Equal bits, or a NaN on both sides. */
static void assert_same(const char *what, const eg_real *got, const eg_real *want, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (eg_bits_of_float(got[i]) != eg_bits_of_float(want[i]) &&
            !(isnan(got[i]) && isnan(want[i]))) {
            fail_msg("%s, element %zu of %zu: got %a, expected %a", what, i, n, (double)got[i],
                     (double)want[i]);
        }
    }
}

static void assert_same_loss(const char *what, double got, double want)
{
    if (got != want && !(isnan(got) && isnan(want))) {
        fail_msg("%s: got loss %a, expected %a", what, got, want);
    }
}

static eg_real *copy_of(numbers *r, const eg_real *x, size_t n)
{
    return memcpy(numbers_room(r, n * sizeof *x), x, n * sizeof *x);
}

/* n numbers up to `size`; with `special`, one in eight is a zero, a subnormal, an infinity or a
 * NaN. */
static eg_real *some(numbers *r, size_t n, eg_real size, bool special)
{
    static const eg_real odd[] = {0.0f, -0.0f, 0x1p-149f, -0x1p-130f, INFINITY, -INFINITY, NAN};
    eg_real *x = numbers_new(r, n);

    for (size_t i = 0; i < n; i++) {
        x[i] *= size;
        if (special && numbers_below(r, 8) == 0) {
            x[i] = odd[numbers_below(r, sizeof odd / sizeof odd[0])];
        }
    }
    return x;
}

/* ---- variants ------------------------------------------------------------------------------ */

static const eg_training *const plain = &eg_training_portable;

/* The tables that this machine can run, but the portable one. */
static size_t variants(const eg_training *table[4])
{
    static const eagle_isa isa[] = {EAGLE_ISA_AVX2, EAGLE_ISA_AVX512, EAGLE_ISA_NEON};
    size_t n = 0;

    for (size_t i = 0; i < sizeof isa / sizeof isa[0]; i++) {
        if (eagle_isa_usable(isa[i])) {
            table[n++] = eg_training_for(isa[i]);
        }
    }
#if defined(EG_EMULATED_AVX512)
    if (eagle_isa_usable(EAGLE_ISA_AVX2)) { /* which the emulation uses */
        table[n++] = &eg_training_emulated;
    }
#endif
    return n;
}

static const size_t lengths[] = {1, 2, 7, 15, 16, 17, 31, 32, 33, 64, 101};
#define N_LENGTHS (sizeof lengths / sizeof lengths[0])

/* Runs `check` with every variant and length, on plain numbers and on special ones. */
static void for_all(numbers *r, void (*check)(numbers *r, const eg_training *k, size_t n, bool odd))
{
    const eg_training *table[4];
    const size_t n_tables = variants(table);

    if (n_tables == 0) {
        skip();
    }
    for (size_t t = 0; t < n_tables; t++) {
        for (size_t i = 0; i < 2 * N_LENGTHS; i++) {
            check(r, table[t], lengths[i / 2], i % 2 != 0);
            numbers_free(r);
        }
    }
}

static void check_norms(numbers *r, const eg_training *k, size_t n, bool odd)
{
    enum { ROWS = 7 };
    const eg_real *x = some(r, ROWS * n, 2, odd);
    const eg_real *dy = some(r, ROWS * n, 2, odd);
    const eg_real *w = some(r, n, 2, odd);
    const eg_real *inv = some(r, ROWS, 2, odd);
    const size_t columns = n < EG_LANES ? n : EG_LANES;
    eg_real *got = some(r, n, 1, odd);
    eg_real *want = copy_of(r, got, n);
    eg_real inverse[2];

    k->norm_back(got, dy, x, w, 0.7f, n);
    plain->norm_back(want, dy, x, w, 0.7f, n);
    assert_same("norm_back", got, want, n);
    k->norm_weights(got, dy, x, inv, ROWS, n, columns);
    plain->norm_weights(want, dy, x, inv, ROWS, n, columns);
    assert_same("norm_weights", got, want, n);
    k->norm(got, &inverse[0], x, w, 1e-5f, n);
    plain->norm(want, &inverse[1], x, w, 1e-5f, n);
    assert_same("norm", got, want, n);
    assert_same("norm's inverse", &inverse[0], &inverse[1], 1);
}

static void norms_give_the_bits_of_the_definition(void **state)
{
    for_all(*state, check_norms);
}

static void check_gates(numbers *r, const eg_training *k, size_t n, bool odd)
{
    const eg_real *gate = some(r, n, odd ? 120 : 5, odd);
    const eg_real *up = some(r, n, 2, odd);
    const eg_real *dy = some(r, n, 2, odd);
    eg_real *got[2] = {some(r, n, 1, odd), some(r, n, 1, odd)};
    eg_real *want[2] = {copy_of(r, got[0], n), copy_of(r, got[1], n)};

    k->gate_back(got[0], got[1], dy, gate, up, n);
    plain->gate_back(want[0], want[1], dy, gate, up, n);
    assert_same("gate_back, gate", got[0], want[0], n);
    assert_same("gate_back, up", got[1], want[1], n);
    k->gate(got[0], gate, up, n);
    plain->gate(want[0], gate, up, n);
    assert_same("gate", got[0], want[0], n);
}

static void gates_give_the_bits_of_the_definition(void **state)
{
    for_all(*state, check_gates);
}

static void check_losses(numbers *r, const eg_training *k, size_t n, bool odd)
{
    const eg_real *x = some(r, n, 20, odd);
    const eg_real *y = some(r, n, 20, odd);
    const size_t label = numbers_below(r, n);
    eg_real *got = copy_of(r, x, n);
    eg_real *want = copy_of(r, x, n);
    eg_real *teacher[2] = {copy_of(r, y, n), copy_of(r, y, n)};
    bool right[2];

    assert_same_loss("loss_tokens", k->loss_tokens(&right[0], got, label, n, 0.3f),
                     plain->loss_tokens(&right[1], want, label, n, 0.3f));
    assert_same("loss_tokens", got, want, n);
    assert_int_equal(right[0], right[1]);

    got = copy_of(r, x, n);
    want = copy_of(r, x, n);
    assert_same_loss("loss_law", k->loss_law(&right[0], got, teacher[0], n, 0.3f),
                     plain->loss_law(&right[1], want, teacher[1], n, 0.3f));
    assert_same("loss_law", got, want, n);
    assert_int_equal(right[0], right[1]);

    assert_same_loss("loss_features", k->loss_features(got, x, y, n, 0.3f),
                     plain->loss_features(want, x, y, n, 0.3f));
    assert_same("loss_features", got, want, n);
}

static void losses_give_the_bits_of_the_definition(void **state)
{
    for_all(*state, check_losses);
}

/* Two query heads of a KV head, n rows, head_dim 1 to 40. */
static void check_attention(numbers *r, const eg_training *k, size_t n, bool odd)
{
    static const size_t dims[] = {1, 5, 8, 16, 24, 40};
    const size_t dim = dims[n % 6];
    const size_t n_q = n * 2 * dim;
    eg_attend_unit unit = {.n = n,
                           .n_q = 2,
                           .head_dim = dim,
                           .q_stride = 2 * dim,
                           .kv_stride = dim,
                           .q = some(r, n_q, odd ? 30 : 3, false),
                           .k = some(r, n * dim, 3, false),
                           .v = some(r, n * dim, 3, odd),
                           .lse_stride = 2,
                           .scratch = numbers_new(r, eg_attend_unit_scratch(n, dim)),
                           .dy = some(r, n_q, 1, false)};
    eg_real *out[2], *lse[2], *dq[2], *dk[2], *dv[2];
    const eg_real *begin = numbers_new(r, n_q);

    for (int i = 0; i < 2; i++) {
        const eg_training *table = i == 0 ? k : plain;

        unit.y = unit.out = out[i] = numbers_new(r, n_q);
        unit.y_lse = unit.lse = lse[i] = numbers_new(r, 2 * n);
        unit.dq = dq[i] = copy_of(r, begin, n_q);
        unit.dk = dk[i] = copy_of(r, begin, n * dim);
        unit.dv = dv[i] = copy_of(r, begin, n * dim);
        table->attend(&unit);
        table->attend_back(&unit);
    }
    assert_same("attend, out", out[0], out[1], n_q);
    assert_same("attend, lse", lse[0], lse[1], 2 * n);
    assert_same("attend_back, q", dq[0], dq[1], n_q);
    assert_same("attend_back, k", dk[0], dk[1], n * dim);
    assert_same("attend_back, v", dv[0], dv[1], n * dim);
}

static void attention_gives_the_bits_of_the_definition(void **state)
{
    for_all(*state, check_attention);
}

/* ---- exp ----------------------------------------------------------------------------------- */

/* Of two logits 0 and -x with x >= 17.5 the sum of exponentials rounds to 1, and the second
 * gradient is e^-x as it was computed. */
static eg_real exp_of(eg_real x)
{
    eg_real logits[2] = {0, x};
    bool right;

    (void)plain->loss_tokens(&right, logits, 0, 2, 1);
    return logits[1];
}

static void exp_is_within_one_part_in_2_to_the_23(void **state)
{
    (void)state;
    double worst = 0;

    for (eg_real x = -17.5f; x > -87.0f; x -= 0.00037f) {
        const double want = exp((double)x);
        const double wrong = fabs((double)exp_of(x) - want) / want;

        worst = wrong > worst ? wrong : worst;
    }
    if (worst > 0x1p-23) { /* 1.24 x 2^-24 was seen */
        fail_msg("relative error %a", worst);
    }
    assert_true(exp_of(-88) == 0);
    assert_true(exp_of(-INFINITY) == 0);
}

/* ---- threads ------------------------------------------------------------------------------- */

enum { ROWS = 205, HEADS = 6, KV_HEADS = 3, HEAD_DIM = 10, DIM = 60, WORDS = 37, MAX_OUTPUTS = 24 };

/* Arrays that operations wrote, in order. */
typedef struct {
    struct {
        eg_real *data;
        size_t n;
    } out[MAX_OUTPUTS];
    size_t n;
    double sum;
} outputs;

static eg_real *output(outputs *o, numbers *r, size_t n)
{
    o->out[o->n].data = numbers_new(r, n);
    o->out[o->n].n = n;
    return o->out[o->n++].data;
}

static void run_attention(outputs *o, numbers *r, const eg_batch *batch)
{
    const eg_batch_room room = {.rows = ROWS, .sequences = batch->n_sequences, .length = 100};
    const eg_rotation rotation = {.head_dim = HEAD_DIM,
                                  .cos = numbers_new(r, 100 * HEAD_DIM / 2),
                                  .sin = numbers_new(r, 100 * HEAD_DIM / 2)};
    eg_attention a = {.n_heads = HEADS, .n_kv_heads = KV_HEADS, .head_dim = HEAD_DIM};
    eg_real *q = output(o, r, ROWS * DIM);
    const eg_qkv x = {q, numbers_new(r, ROWS * DIM / 2), numbers_new(r, ROWS * DIM / 2)};
    eg_real *out = output(o, r, ROWS * DIM);
    eg_real *lse = output(o, r, ROWS * HEADS);
    const eg_dqkv dx = {output(o, r, ROWS * DIM), output(o, r, ROWS * DIM / 2),
                        output(o, r, ROWS * DIM / 2)};
    const eg_attended y = {.out = out, .lse = lse, .dout = numbers_new(r, ROWS * DIM)};

    a.scratch = numbers_room(r, eg_attention_scratch(&a, &room) * sizeof(eg_real));
    eg_fwd_rope(q, &rotation, HEADS, batch);
    eg_fwd_attention(out, lse, &a, &x, batch);
    eg_bwd_attention(&dx, &a, &x, &y, batch);
    eg_bwd_rope(dx.q, &rotation, HEADS, batch);
}

static void run_rows(outputs *o, numbers *r, const int32_t *token)
{
    const eg_norm norm = {
        .dim = DIM, .eps = 1e-5f, .w = numbers_new(r, DIM), .dw = output(o, r, DIM)};
    const eg_dense bias = {.out = DIM, .in = 1, .dbias = output(o, r, DIM)};
    const eg_real *x = numbers_new(r, ROWS * DIM);
    const eg_real *dy = numbers_new(r, ROWS * DIM);
    eg_real *table = output(o, r, WORDS * DIM);
    eg_real *y = output(o, r, ROWS * DIM);
    eg_real *dx = output(o, r, ROWS * DIM);
    eg_real *dup = output(o, r, ROWS * DIM);
    eg_real *inv = output(o, r, ROWS);

    eg_fwd_norm(y, inv, &norm, x, ROWS);
    eg_bwd_norm(dx, &norm, dy, x, inv, ROWS);
    eg_bwd_dense(NULL, &bias, dy, x, ROWS);
    eg_bwd_embed(table, WORDS, dy, token, ROWS, DIM);
    eg_bwd_gate(dx, dup, dy, x, y, ROWS * DIM);
    eg_fwd_gate(y, x, dx, ROWS * DIM);
    eg_accumulate(dx, y, ROWS * DIM);
    eg_fwd_embed(y, DIM, table, token, ROWS, DIM);
}

static void run_losses(outputs *o, numbers *r, const int32_t *token)
{
    double row[ROWS];
    uint8_t count[ROWS];
    eg_tally tally = {0};

    for (size_t i = 0; i < ROWS; i++) {
        count[i] = token[i] % 3 != 0;
    }
    eg_loss_tokens(&tally, output(o, r, ROWS * WORDS), token, ROWS, WORDS, 0.1f, row);
    eg_loss_law(&tally, output(o, r, ROWS * WORDS), numbers_new(r, ROWS * WORDS), count, ROWS,
                WORDS, 0.1f, row);
    eg_loss_features(&tally, output(o, r, ROWS * DIM), numbers_new(r, ROWS * DIM),
                     numbers_new(r, ROWS * DIM), count, ROWS, DIM, 0.1f, row);
    o->sum = tally.sum + (double)tally.n_rows + (double)tally.n_right;
}

/* Everything but products, from the same numbers each time. */
static outputs run_all(numbers *r, int threads)
{
    const int32_t length[] = {100, 1, 3, 64, 37};
    outputs o = {0};
    int32_t token[ROWS];

    r->state = numbers_seed();
    eg_train_threads(threads);

    const eg_batch batch = numbers_batch(r, length, sizeof length / sizeof length[0]);

    for (size_t i = 0; i < ROWS; i++) {
        token[i] = (int32_t)numbers_below(r, WORDS);
    }
    run_attention(&o, r, &batch);
    run_rows(&o, r, token);
    run_losses(&o, r, token);
    eg_train_threads(1);
    return o;
}

static void any_number_of_threads_gives_the_bits_of_one(void **state)
{
    numbers *r = *state;
    const outputs one = run_all(r, 1);

    for (int threads = 2; threads <= 3; threads++) {
        const outputs many = run_all(r, threads);

        assert_int_equal(many.n, one.n);
        for (size_t i = 0; i < one.n; i++) {
            assert_same("threads", many.out[i].data, one.out[i].data, one.out[i].n);
        }
        assert_true(many.sum == one.sum);
    }
}

/* -------------------------------------------------------------------------------------------- */

#define CHECK(f) cmocka_unit_test_setup_teardown(f, numbers_set_up, numbers_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK(norms_give_the_bits_of_the_definition),
        CHECK(gates_give_the_bits_of_the_definition),
        CHECK(losses_give_the_bits_of_the_definition),
        CHECK(attention_gives_the_bits_of_the_definition),
        CHECK(exp_is_within_one_part_in_2_to_the_23),
        CHECK(any_number_of_threads_gives_the_bits_of_one),
    };

    printf("note: training: EG_TEST_SEED=%llu\n", (unsigned long long)numbers_seed());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
