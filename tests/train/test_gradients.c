/* SPDX-License-Identifier: MIT */
/* test_gradients.c - every backward function against central differences, in double.
 *
 * The loss is L = sum of c * output with random c, so that dL/d(output) = c. For an input x
 *
 *   dL/dx_i = (L(x + h e_i) - L(x - h e_i)) / 2h + O(h^2)
 *
 * With h = 1e-5 the rest is near 1e-11 of the third derivative, and the difference loses about
 * 1e-16 L / h to rounding, 1e-10: together far below the bound of 1e-6 on the relative error of a
 * whole gradient, in the Euclidean norm. */
#include "train/numbers.h"
#include "train/operations.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

_Static_assert(sizeof(eg_real) == sizeof(double), "compile with EG_TRAIN_DOUBLE");

#define STEP  1e-5
#define BOUND 1e-6

/* Elements of an input that are tried: all, or so many by chance. */
#define TRIED 150

/* ---- the check ----------------------------------------------------------------------------- */

typedef struct {
    const char *name;
    eg_real *value;
    eg_real *grad;
    size_t n;
    eg_real **slot; /* where the operation finds `grad`; NULL if it may not be left out */
} input;

typedef struct {
    const char *name;
    double (*loss)(void *op);
    void (*back)(void *op); /* adds to the gradients */
    void *op;
    input in[4];
    size_t n_in;
} operation;

static double weighted(const eg_real *c, const eg_real *y, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += c[i] * y[i];
    }
    return sum;
}

static double slope(const operation *o, eg_real *x)
{
    const eg_real x0 = *x;

    *x = x0 + STEP;
    const double above = o->loss(o->op);
    *x = x0 - STEP;
    const double below = o->loss(o->op);
    *x = x0;
    return (above - below) / (2 * STEP);
}

/* `got` is the gradient of in `in`. */
static void assert_is_slope(const operation *o, const input *in, const eg_real *got, numbers *r)
{
    const size_t n_tried = in->n < TRIED ? in->n : TRIED;
    double wrong = 0;
    double size = 0;

    for (size_t t = 0; t < n_tried; t++) {
        const size_t i = in->n <= TRIED ? t : numbers_below(r, in->n);
        const double want = slope(o, in->value + i);

        wrong += (got[i] - want) * (got[i] - want);
        size += want * want;
    }
    if (!(sqrt(wrong) <= BOUND * sqrt(size)) || size == 0) {
        fail_msg("%s: gradient of %s: relative error %g (gradient %g)", o->name, in->name,
                 sqrt(wrong / size), sqrt(size));
    }
}

static void copy_grads(eg_real *to[], const operation *o)
{
    for (size_t i = 0; i < o->n_in; i++) {
        memcpy(to[i], o->in[i].grad, o->in[i].n * sizeof(eg_real));
    }
}

static void set_grads(const operation *o, eg_real *const from[])
{
    for (size_t i = 0; i < o->n_in; i++) {
        memcpy(o->in[i].grad, from[i], o->in[i].n * sizeof(eg_real));
    }
}

/* Without gradient `left`, the others come out as before and that one is not written. */
static void assert_can_be_left_out(const operation *o, size_t left, eg_real *const before[],
                                   eg_real *const after[])
{
    set_grads(o, before);
    *o->in[left].slot = NULL;
    o->back(o->op);
    *o->in[left].slot = o->in[left].grad;
    for (size_t i = 0; i < o->n_in; i++) {
        const eg_real *want = i == left ? before[i] : after[i];

        if (memcmp(o->in[i].grad, want, o->in[i].n * sizeof(eg_real)) != 0) {
            fail_msg("%s: without the gradient of %s, that of %s differs", o->name,
                     o->in[left].name, o->in[i].name);
        }
    }
}

/* Gradients begin at random values, to which the way back adds, and once more when called again. */
static void assert_gradients(const operation *o, numbers *r)
{
    eg_real *before[4], *once[4], *twice[4];

    for (size_t i = 0; i < o->n_in; i++) {
        before[i] = numbers_new(r, o->in[i].n);
        once[i] = numbers_new(r, o->in[i].n);
        twice[i] = numbers_new(r, o->in[i].n);
    }
    set_grads(o, before);
    (void)o->loss(o->op); /* what the way back reads */
    o->back(o->op);
    copy_grads(once, o);
    o->back(o->op);
    copy_grads(twice, o);

    for (size_t i = 0; i < o->n_in; i++) {
        if (o->in[i].slot != NULL) {
            assert_can_be_left_out(o, i, before, once);
        }
    }
    for (size_t i = 0; i < o->n_in; i++) {
        const input *in = &o->in[i];

        for (size_t j = 0; j < in->n; j++) {
            const eg_real first = once[i][j] - before[i][j];

            if (fabs(twice[i][j] - once[i][j] - first) > 1e-12 * (1 + fabs(first))) {
                fail_msg("%s: the gradient of %s is not added", o->name, in->name);
            }
            once[i][j] = first;
        }
        assert_is_slope(o, in, once[i], r);
    }
}

static input make_input(numbers *r, const char *name, size_t n)
{
    return (input){.name = name, .value = numbers_new(r, n), .grad = numbers_new(r, n), .n = n};
}

/* ---- dense --------------------------------------------------------------------------------- */

typedef struct {
    eg_dense m;
    const eg_real *x;
    eg_real *dx;
    eg_real *y;
    const eg_real *c;
    size_t n;
} dense_op;

static double dense_loss(void *op)
{
    dense_op *d = op;

    eg_fwd_dense(d->y, &d->m, d->x, d->n);
    return weighted(d->c, d->y, d->n * d->m.out);
}

static void dense_back(void *op)
{
    dense_op *d = op;

    eg_bwd_dense(d->dx, &d->m, d->c, d->x, d->n);
}

static void check_dense(numbers *r, size_t n, size_t out, size_t in, bool bias)
{
    operation o = {.name = "dense",
                   .loss = dense_loss,
                   .back = dense_back,
                   .in = {make_input(r, "x", n * in), make_input(r, "w", out * in),
                          make_input(r, "bias", out)},
                   .n_in = bias ? 3 : 2};
    dense_op d = {.m = {.out = out, .in = in, .w = o.in[1].value, .dw = o.in[1].grad},
                  .x = o.in[0].value,
                  .dx = o.in[0].grad,
                  .y = numbers_new(r, n * out),
                  .c = numbers_new(r, n * out),
                  .n = n};

    if (bias) {
        d.m.bias = o.in[2].value;
        d.m.dbias = o.in[2].grad;
    }
    o.op = &d;
    o.in[0].slot = &d.dx;
    o.in[1].slot = &d.m.dw;
    o.in[2].slot = &d.m.dbias;
    assert_gradients(&o, r);
}

static void gradients_of_a_dense_layer_are_its_slopes(void **state)
{
    numbers *r = *state;

    check_dense(r, 7, 5, 3, false);
    check_dense(r, 9, 19, 6, true);
    check_dense(r, 1, 33, 2, true);
}

/* ---- embedding ----------------------------------------------------------------------------- */

enum { VOCAB = 11, DIM = 5, ROWS = 23, STRIDE = 8 };

typedef struct {
    const eg_real *table;
    eg_real *dtable;
    int32_t token[ROWS];
    eg_real y[ROWS * STRIDE];
    const eg_real *c;
} embed_op;

static double embed_loss(void *op)
{
    embed_op *e = op;
    double sum = 0;

    eg_fwd_embed(e->y, STRIDE, e->table, e->token, ROWS, DIM);
    for (size_t i = 0; i < ROWS; i++) {
        sum += weighted(e->c + i * DIM, e->y + i * STRIDE, DIM);
    }
    return sum;
}

static void embed_back(void *op)
{
    embed_op *e = op;

    eg_bwd_embed(e->dtable, VOCAB, e->c, e->token, ROWS, DIM);
}

static void the_gradient_of_an_embedding_is_its_slope(void **state)
{
    numbers *r = *state;
    operation o = {.name = "embedding",
                   .loss = embed_loss,
                   .back = embed_back,
                   .in = {make_input(r, "table", VOCAB * DIM)},
                   .n_in = 1};
    embed_op e = {.table = o.in[0].value, .dtable = o.in[0].grad, .c = numbers_new(r, ROWS * DIM)};

    for (size_t i = 0; i < ROWS; i++) { /* the first and the last token are there */
        e.token[i] = i < 2 ? (int32_t)i * (VOCAB - 1) : (int32_t)numbers_below(r, VOCAB);
    }
    o.op = &e;
    assert_gradients(&o, r);
}

/* ---- RMSNorm ------------------------------------------------------------------------------- */

typedef struct {
    eg_norm norm;
    const eg_real *x;
    eg_real *dx;
    eg_real *y;
    eg_real *inv;
    const eg_real *c;
    size_t n;
} norm_op;

static double norm_loss(void *op)
{
    norm_op *d = op;

    eg_fwd_norm(d->y, d->inv, &d->norm, d->x, d->n);
    return weighted(d->c, d->y, d->n * d->norm.dim);
}

static void norm_back(void *op)
{
    norm_op *d = op;

    eg_bwd_norm(d->dx, &d->norm, d->c, d->x, d->inv, d->n);
}

static void check_norm(numbers *r, size_t n, size_t dim, eg_real eps)
{
    operation o = {.name = "norm",
                   .loss = norm_loss,
                   .back = norm_back,
                   .in = {make_input(r, "x", n * dim), make_input(r, "w", dim)},
                   .n_in = 2};
    norm_op d = {.norm = {.dim = dim, .eps = eps, .w = o.in[1].value, .dw = o.in[1].grad},
                 .x = o.in[0].value,
                 .dx = o.in[0].grad,
                 .y = numbers_new(r, n * dim),
                 .inv = numbers_new(r, n),
                 .c = numbers_new(r, n * dim),
                 .n = n};

    o.op = &d;
    o.in[1].slot = &d.norm.dw;
    assert_gradients(&o, r);
}

static void gradients_of_a_norm_are_its_slopes(void **state)
{
    numbers *r = *state;

    check_norm(r, 7, 21, 1e-5);
    check_norm(r, 1, 16, 1e-6);
    check_norm(r, 5, 3, 0.5);
}

/* ---- rotary positions ---------------------------------------------------------------------- */

typedef struct {
    eg_rotation rotation;
    size_t n_heads;
    const eg_batch *batch;
    const eg_real *x;
    eg_real *dx;
    eg_real *y;
    const eg_real *c;
    size_t n;
} rope_op;

static double rope_loss(void *op)
{
    rope_op *d = op;

    memcpy(d->y, d->x, d->n * sizeof *d->y);
    eg_fwd_rope(d->y, &d->rotation, d->n_heads, d->batch);
    return weighted(d->c, d->y, d->n);
}

/* In place, so it is added here. */
static void rope_back(void *op)
{
    rope_op *d = op;

    memcpy(d->y, d->c, d->n * sizeof *d->y);
    eg_bwd_rope(d->y, &d->rotation, d->n_heads, d->batch);
    eg_accumulate(d->dx, d->y, d->n);
}

static void the_gradient_of_a_rotation_is_its_slope(void **state)
{
    numbers *r = *state;
    enum { HEADS = 3, HEAD_DIM = 6, LONGEST = 9 };
    const int32_t length[] = {4, 1, LONGEST};
    const eg_batch batch = numbers_batch(r, length, 3);
    const size_t n = batch.n * HEADS * HEAD_DIM;
    eg_real cosines[LONGEST * HEAD_DIM / 2], sines[LONGEST * HEAD_DIM / 2];
    operation o = {.name = "rotation",
                   .loss = rope_loss,
                   .back = rope_back,
                   .in = {make_input(r, "x", n)},
                   .n_in = 1};
    rope_op d = {.rotation = {.head_dim = HEAD_DIM, .cos = cosines, .sin = sines},
                 .n_heads = HEADS,
                 .batch = &batch,
                 .x = o.in[0].value,
                 .dx = o.in[0].grad,
                 .y = numbers_new(r, n),
                 .c = numbers_new(r, n),
                 .n = n};

    for (size_t i = 0; i < sizeof cosines / sizeof cosines[0]; i++) {
        const double angle = 3 * numbers_one(r);
        cosines[i] = cos(angle);
        sines[i] = sin(angle);
    }
    o.op = &d;
    assert_gradients(&o, r);
}

/* ---- attention ----------------------------------------------------------------------------- */

typedef struct {
    eg_attention attention;
    const eg_batch *batch;
    eg_qkv x;
    eg_dqkv dx;
    eg_real *out;
    eg_real *lse;
    const eg_real *c;
} attention_op;

static double attention_loss(void *op)
{
    attention_op *d = op;

    eg_fwd_attention(d->out, d->lse, &d->attention, &d->x, d->batch);
    return weighted(d->c, d->out, d->batch->n * d->attention.n_heads * d->attention.head_dim);
}

static void attention_back(void *op)
{
    attention_op *d = op;
    const eg_attended y = {.out = d->out, .lse = d->lse, .dout = d->c};

    eg_bwd_attention(&d->dx, &d->attention, &d->x, &y, d->batch);
}

static void check_attention(numbers *r, const eg_batch *batch, size_t n_heads, size_t n_kv_heads,
                            size_t head_dim)
{
    const size_t n_q = batch->n * n_heads * head_dim;
    const size_t n_kv = batch->n * n_kv_heads * head_dim;
    const eg_batch_room room = {
        .rows = batch->n, .sequences = batch->n_sequences, .length = batch->n};
    operation o = {
        .name = "attention",
        .loss = attention_loss,
        .back = attention_back,
        .in = {make_input(r, "q", n_q), make_input(r, "k", n_kv), make_input(r, "v", n_kv)},
        .n_in = 3};
    attention_op d = {
        .attention = {.n_heads = n_heads, .n_kv_heads = n_kv_heads, .head_dim = head_dim},
        .batch = batch,
        .x = {.q = o.in[0].value, .k = o.in[1].value, .v = o.in[2].value},
        .dx = {.q = o.in[0].grad, .k = o.in[1].grad, .v = o.in[2].grad},
        .out = numbers_new(r, n_q),
        .lse = numbers_new(r, batch->n * n_heads),
        .c = numbers_new(r, n_q)};

    d.attention.scratch = numbers_new(r, eg_attention_scratch(&d.attention, &room));
    for (size_t i = 0; i < n_q; i++) {
        o.in[0].value[i] *= 3; /* laws that are not nearly uniform */
    }
    o.op = &d;
    assert_gradients(&o, r);
}

static void gradients_of_attention_are_its_slopes(void **state)
{
    numbers *r = *state;
    const int32_t few[] = {5, 1, 3};
    const int32_t blocks[] = {1, 17, 33};
    const eg_batch small = numbers_batch(r, few, 3);
    const eg_batch large = numbers_batch(r, blocks, 3);

    check_attention(r, &small, 6, 2, 4);
    check_attention(r, &small, 3, 3, 5);
    check_attention(r, &large, 2, 1, 17);
    check_attention(r, &large, 2, 2, 8);
}

/* Longer than the keys that the way back takes at once. */
static void gradients_of_attention_over_many_keys_are_its_slopes(void **state)
{
    numbers *r = *state;
    const int32_t length[] = {83, 2};
    const eg_batch batch = numbers_batch(r, length, 2);

    check_attention(r, &batch, 2, 1, 3);
}

/* ---- gate ---------------------------------------------------------------------------------- */

enum { GATES = 37 };

typedef struct {
    const eg_real *gate;
    const eg_real *up;
    eg_real *dgate;
    eg_real *dup;
    eg_real y[GATES];
    const eg_real *c;
} gate_op;

static double gate_loss(void *op)
{
    gate_op *d = op;

    eg_fwd_gate(d->y, d->gate, d->up, GATES);
    return weighted(d->c, d->y, GATES);
}

static void gate_back(void *op)
{
    gate_op *d = op;

    eg_bwd_gate(d->dgate, d->dup, d->c, d->gate, d->up, GATES);
}

static void gradients_of_the_gate_are_its_slopes(void **state)
{
    numbers *r = *state;
    operation o = {.name = "gate",
                   .loss = gate_loss,
                   .back = gate_back,
                   .in = {make_input(r, "gate", GATES), make_input(r, "up", GATES)},
                   .n_in = 2};
    gate_op d = {.gate = o.in[0].value,
                 .up = o.in[1].value,
                 .dgate = o.in[0].grad,
                 .dup = o.in[1].grad,
                 .c = numbers_new(r, GATES)};

    for (size_t i = 0; i < GATES; i++) {
        o.in[0].value[i] *= 4;
    }
    o.op = &d;
    assert_gradients(&o, r);
}

/* ---- losses -------------------------------------------------------------------------------- */

enum { LOSS_ROWS = 6, WORDS = 19 };

#define SCALE 0.37

/* Of the three losses; each uses what it needs. */
typedef struct {
    eg_real *x;
    eg_real *dx;
    const eg_real *y; /* the teacher's logits, the wanted features */
    int32_t label[LOSS_ROWS];
    uint8_t count[LOSS_ROWS];
    eg_real work[LOSS_ROWS * WORDS];
    eg_real teacher[LOSS_ROWS * WORDS];
    double row[LOSS_ROWS];
} loss_op;

/* The logits in `work` become their gradient. */
static double run_tokens(loss_op *d, eg_real scale)
{
    eg_tally tally = {0};

    memcpy(d->work, d->x, sizeof d->work);
    eg_loss_tokens(&tally, d->work, d->label, LOSS_ROWS, WORDS, scale, d->row);
    assert_int_equal(tally.n_rows, LOSS_ROWS - 1);
    return tally.sum;
}

static double run_law(loss_op *d, eg_real scale)
{
    eg_tally tally = {0};

    memcpy(d->work, d->x, sizeof d->work);
    memcpy(d->teacher, d->y, sizeof d->teacher);
    eg_loss_law(&tally, d->work, d->teacher, d->count, LOSS_ROWS, WORDS, scale, d->row);
    assert_int_equal(tally.n_rows, LOSS_ROWS - 1);
    return tally.sum;
}

static double tokens_loss(void *op)
{
    return SCALE * run_tokens(op, 0);
}

static void tokens_back(void *op)
{
    loss_op *d = op;

    (void)run_tokens(d, SCALE);
    eg_accumulate(d->dx, d->work, LOSS_ROWS * WORDS);
}

static double law_loss(void *op)
{
    return SCALE * run_law(op, 0);
}

static void law_back(void *op)
{
    loss_op *d = op;

    (void)run_law(d, SCALE);
    eg_accumulate(d->dx, d->work, LOSS_ROWS * WORDS);
}

static double features_loss(void *op)
{
    loss_op *d = op;
    eg_tally tally = {0};

    eg_loss_features(&tally, NULL, d->x, d->y, d->count, LOSS_ROWS, WORDS, SCALE, d->row);
    assert_int_equal(tally.n_rows, LOSS_ROWS - 1);
    return SCALE * tally.sum;
}

static void features_back(void *op)
{
    loss_op *d = op;
    eg_tally tally = {0};

    eg_loss_features(&tally, d->dx, d->x, d->y, d->count, LOSS_ROWS, WORDS, SCALE, d->row);
}

static loss_op make_loss(numbers *r, const input *x)
{
    loss_op d = {.x = x->value, .dx = x->grad, .y = numbers_new(r, LOSS_ROWS * WORDS)};

    for (size_t i = 0; i < LOSS_ROWS; i++) { /* one row does not count */
        d.label[i] = i == 2 ? -1 : (int32_t)numbers_below(r, WORDS);
        d.count[i] = i != 2;
    }
    return d;
}

static void the_gradient_of_cross_entropy_is_its_slope(void **state)
{
    numbers *r = *state;
    operation o = {.name = "cross entropy",
                   .loss = tokens_loss,
                   .back = tokens_back,
                   .in = {make_input(r, "logits", LOSS_ROWS * WORDS)},
                   .n_in = 1};
    loss_op d = make_loss(r, &o.in[0]);

    o.op = &d;
    assert_gradients(&o, r);
}

static void the_gradient_of_soft_cross_entropy_is_its_slope(void **state)
{
    numbers *r = *state;
    operation o = {.name = "soft cross entropy",
                   .loss = law_loss,
                   .back = law_back,
                   .in = {make_input(r, "logits", LOSS_ROWS * WORDS)},
                   .n_in = 1};
    loss_op d = make_loss(r, &o.in[0]);

    o.op = &d;
    assert_gradients(&o, r);
}

/* Differences lie on both sides of the kink at 1, and away from it. */
static void the_gradient_of_smooth_l1_is_its_slope(void **state)
{
    numbers *r = *state;
    operation o = {.name = "smooth L1",
                   .loss = features_loss,
                   .back = features_back,
                   .in = {make_input(r, "x", LOSS_ROWS * WORDS)},
                   .n_in = 1};
    loss_op d = make_loss(r, &o.in[0]);

    for (size_t i = 0; i < o.in[0].n; i++) {
        const eg_real u = numbers_one(r);
        const eg_real far = u < 0 ? -1.1 : 1.1;

        o.in[0].value[i] = d.y[i] + (i % 2 == 0 ? 0.9 * u : far + u);
    }
    o.op = &d;
    assert_gradients(&o, r);
}

/* -------------------------------------------------------------------------------------------- */

#define CHECK(f) cmocka_unit_test_setup_teardown(f, numbers_set_up, numbers_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        CHECK(gradients_of_a_dense_layer_are_its_slopes),
        CHECK(the_gradient_of_an_embedding_is_its_slope),
        CHECK(gradients_of_a_norm_are_its_slopes),
        CHECK(the_gradient_of_a_rotation_is_its_slope),
        CHECK(gradients_of_attention_are_its_slopes),
        CHECK(gradients_of_attention_over_many_keys_are_its_slopes),
        CHECK(gradients_of_the_gate_are_its_slopes),
        CHECK(the_gradient_of_cross_entropy_is_its_slope),
        CHECK(the_gradient_of_soft_cross_entropy_is_its_slope),
        CHECK(the_gradient_of_smooth_l1_is_its_slope),
    };

    printf("note: gradients: EG_TEST_SEED=%llu\n", (unsigned long long)numbers_seed());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
