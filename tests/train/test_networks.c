/* SPDX-License-Identifier: MIT */
/* test_networks.c - whole networks, in double: the gradient of every tensor is the slope of the
 * loss.
 *
 * With g the gradient that a pass gives for one tensor and u a direction of length 1 in it,
 *
 *   g . u = (L(w + h u) - L(w - h u)) / 2h + O(h^2)
 *
 * and Richardson's step from h and 2h leaves O(h^4): with h = 1e-3, near 1e-12 of the fifth
 * derivative, and rounding near 1e-12 of L. Directions are: g itself, one by chance, and single
 * elements. So a bound of 1e-6 is neither reached by these errors nor by any wrong factor, index or
 * sign. */
#include "support/lib_toy.h"
#include "train/network.h"
#include "train/numbers.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

_Static_assert(sizeof(eg_real) == sizeof(double), "compile with EG_TRAIN_DOUBLE");

#define STEP     1e-3
#define BOUND    1e-6
#define ELEMENTS 4 /* of each tensor that are tried one by one */

static const int32_t lengths[] = {7, 1, 12, 2, 3};
#define SEQUENCES 5
static const eg_batch_room room = {.rows = 25, .sequences = SEQUENCES, .length = 12};

/* Networks of odd shapes: grouped heads, heads wider than their share, all biases, one kv head. */
static const toy_options shapes[] = {
    {.dim = 12,
     .n_heads = 4,
     .n_kv_heads = 2,
     .head_dim = 6,
     .ffn_dim = 19,
     .vocab = 23,
     .seed = 1},
    {.dim = 21,
     .n_layers = 3,
     .n_heads = 3,
     .n_kv_heads = 1,
     .head_dim = 4,
     .ffn_dim = 10,
     .vocab = 17,
     .tied = true,
     .seed = 2},
    {.dim = 10,
     .n_layers = 1,
     .n_heads = 2,
     .n_kv_heads = 2,
     .head_dim = 8,
     .ffn_dim = 33,
     .vocab = 70,
     .biases = true,
     .own_embedding = true,
     .seed = 3},
};
#define SHAPES (sizeof shapes / sizeof shapes[0])

/* A network with all that it borrows. */
typedef struct {
    toy *t;
    eg_arena arena;
    eg_target_net *target;
    eg_head_net *head;
    eg_network *net; /* of these, the one that is there */
    eg_batch batch;
} fixture;

static void fill_batch(fixture *f, numbers *r, int32_t vocab, size_t dim)
{
    f->batch = numbers_batch(r, lengths, SEQUENCES);
    const size_t n = f->batch.n;
    int32_t *token = numbers_room(r, n * sizeof *token);
    uint8_t *learn = numbers_room(r, n);
    eg_real *feature = numbers_new(r, n * dim);

    for (size_t i = 0; i < n; i++) {
        token[i] = (int32_t)numbers_below(r, (size_t)vocab);
        learn[i] = numbers_below(r, 4) != 0;
    }
    for (size_t i = 0; i < n * dim; i++) {
        feature[i] *= 3; /* so that smooth L1 meets both of its halves */
    }
    f->batch.token = token;
    f->batch.learn = learn;
    f->batch.feature = feature;
    f->batch.noise = numbers_new(r, n * dim);
}

static void open_net(fixture *f, numbers *r, const toy_options *shape, bool head)
{
    *f = (fixture){.t = toy_create(shape)};
    const eagle_config *c = toy_config(f->t, head);
    const eg_head_objective objective = {.feature_weight = 0.7, .token_weight = 0.4};

    if (head) {
        f->head = eg_head_net_make(&f->arena, c, toy_model(f->t), &objective, &room);
        assert_non_null(f->head);
        assert_int_equal(eg_head_net_load(f->head, toy_head(f->t), NULL), EAGLE_OK);
        f->net = eg_head_net_network(f->head);
    } else {
        f->target = eg_target_net_make(&f->arena, c, &room, false);
        assert_non_null(f->target);
        assert_int_equal(eg_target_net_load(f->target, toy_model(f->t), NULL), EAGLE_OK);
        f->net = eg_target_net_network(f->target);
    }
    fill_batch(f, r, c->vocab, (size_t)c->dim);
}

static void close_net(fixture *f)
{
    eg_arena_free(&f->arena);
    toy_free(f->t);
}

static eg_loss pass(fixture *f, bool learn)
{
    eg_loss loss;

    f->net->pass(&loss, f->net, &f->batch, learn);
    return loss;
}

/* ---- gradients ----------------------------------------------------------------------------- */

static double dot(const eg_real *a, const eg_real *b, size_t n)
{
    double sum = 0;

    for (size_t i = 0; i < n; i++) {
        sum += a[i] * b[i];
    }
    return sum;
}

/* (L(w + h u) - L(w - h u)) / 2h */
static double difference(fixture *f, eg_real *w, const eg_real *u, size_t n, double h)
{
    double loss[2];
    eg_real *keep = test_malloc(n * sizeof *keep);

    memcpy(keep, w, n * sizeof *keep);
    for (int side = 0; side < 2; side++) {
        for (size_t i = 0; i < n; i++) {
            w[i] = keep[i] + (side == 0 ? h : -h) * u[i];
        }
        loss[side] = pass(f, false).total;
    }
    memcpy(w, keep, n * sizeof *keep);
    test_free(keep);
    return (loss[0] - loss[1]) / (2 * h);
}

static double slope(fixture *f, eg_real *w, const eg_real *u, size_t n)
{
    return (4 * difference(f, w, u, n, STEP) - difference(f, w, u, n, 2 * STEP)) / 3;
}

static void assert_direction(fixture *f, const eg_parameter *t, const eg_real *u, const char *what)
{
    const size_t n = t->rows * t->cols;
    const eg_real *g = f->net->params.grad + t->at;
    const double got = dot(g, u, n);
    const double want = slope(f, f->net->params.value + t->at, u, n);
    const double size = sqrt(dot(g, g, n));

    if (!(fabs(got - want) <= BOUND * size)) {
        fail_msg("%s, %s: slope %.12g, gradient %.12g, of %g", t->name, what, want, got, size);
    }
}

static void assert_elements(fixture *f, const eg_parameter *t, numbers *r, eg_real *u)
{
    const size_t n = t->rows * t->cols;
    const eg_real *g = f->net->params.grad + t->at;
    double wrong = 0;
    double size = 0;

    memset(u, 0, n * sizeof *u);
    for (int tried = 0; tried < ELEMENTS; tried++) {
        const size_t i = numbers_below(r, n);

        u[i] = 1;
        const double want = slope(f, f->net->params.value + t->at, u, n);
        u[i] = 0;

        wrong += (g[i] - want) * (g[i] - want);
        size += want * want;
    }
    if (!(sqrt(wrong) <= BOUND * sqrt(size))) {
        fail_msg("%s: elements' relative error %g", t->name, sqrt(wrong / size));
    }
}

static void make_unit(eg_real *u, size_t n)
{
    const double size = sqrt(dot(u, u, n));

    for (size_t i = 0; i < n; i++) {
        u[i] /= size;
    }
}

static void assert_gradients(fixture *f, numbers *r)
{
    const eg_parameters *p = &f->net->params;

    for (int32_t i = 0; i < p->n_tensors; i++) {
        const eg_parameter *t = &p->tensor[i];
        const size_t n = t->rows * t->cols;
        eg_real *u = test_malloc(n * sizeof *u);

        memcpy(u, p->grad + t->at, n * sizeof *u);
        if (dot(u, u, n) == 0) {
            fail_msg("%s: no gradient at all", t->name);
        }
        make_unit(u, n);
        assert_direction(f, t, u, "along the gradient");
        for (size_t j = 0; j < n; j++) {
            u[j] = numbers_one(r);
        }
        make_unit(u, n);
        assert_direction(f, t, u, "by chance");
        assert_elements(f, t, r, u);
        test_free(u);
    }
}

static void check_networks(numbers *r, bool head)
{
    for (size_t i = 0; i < SHAPES; i++) {
        fixture f;

        open_net(&f, r, &shapes[i], head);
        (void)pass(&f, true);
        assert_gradients(&f, r);
        close_net(&f);
    }
}

static void gradients_of_a_target_are_the_slopes_of_its_loss(void **state)
{
    check_networks(*state, false);
}

static void gradients_of_a_head_are_the_slopes_of_its_loss(void **state)
{
    check_networks(*state, true);
}

/* ---- what a pass does with its gradients ----------------------------------------------------- */

static void a_pass_adds_its_gradients_and_leaves_the_gaps_zero(void **state)
{
    for (int head = 0; head < 2; head++) {
        fixture f;

        open_net(&f, *state, &shapes[head], head != 0);
        const eg_parameters *p = &f.net->params;
        eg_real *once = numbers_new(*state, p->n);
        uint64_t zeros = 0;

        (void)pass(&f, true);
        memcpy(once, p->grad, p->n * sizeof *once);
        (void)pass(&f, true);
        for (size_t i = 0; i < p->n; i++) {
            assert_true(fabs(p->grad[i] - 2 * once[i]) <= 1e-12 * (1 + fabs(once[i])));
        }
        for (int32_t i = 0; i < p->n_tensors; i++) {
            const size_t end = i + 1 < p->n_tensors ? p->tensor[i + 1].at : p->n;

            for (size_t j = p->tensor[i].at + p->tensor[i].rows * p->tensor[i].cols; j < end; j++) {
                assert_true(p->grad[j] == 0 && p->value[j] == 0);
                zeros++;
            }
        }
        assert_int_equal(zeros + p->count, p->n);
        close_net(&f);
    }
}

static void a_pass_that_does_not_learn_gives_the_same_loss_and_no_gradient(void **state)
{
    for (int head = 0; head < 2; head++) {
        fixture f;

        open_net(&f, *state, &shapes[head], head != 0);
        const eg_loss looked = pass(&f, false);

        for (size_t i = 0; i < f.net->params.n; i++) {
            assert_true(f.net->params.grad[i] == 0);
        }
        const eg_loss learned = pass(&f, true);

        assert_memory_equal(&looked, &learned, sizeof looked);
        close_net(&f);
    }
}

static void a_batch_without_anything_to_learn_costs_nothing(void **state)
{
    static const uint8_t nothing[25] = {0};

    for (int head = 0; head < 2; head++) {
        fixture f;

        open_net(&f, *state, &shapes[head], head != 0);
        f.batch.learn = nothing;
        const eg_loss loss = pass(&f, true);

        assert_true(loss.total == 0 && loss.tokens == 0 && loss.features == 0);
        assert_int_equal(loss.n_learned, 0);
        for (size_t i = 0; i < f.net->params.n; i++) {
            assert_true(f.net->params.grad[i] == 0);
        }
        close_net(&f);
    }
}

/* The batch's sequence s alone, as a batch. */
static eg_batch sequence_of(const eg_batch *b, size_t s, int32_t start[2], size_t dim)
{
    const size_t first = (size_t)b->start[s];

    start[0] = 0;
    start[1] = b->start[s + 1] - b->start[s];
    return (eg_batch){.n = (size_t)start[1],
                      .n_sequences = 1,
                      .start = start,
                      .token = b->token + first,
                      .learn = b->learn + first,
                      .feature = b->feature + first * dim,
                      .noise = b->noise + first * dim};
}

static void packed_sequences_do_not_see_each_other(void **state)
{
    for (int head = 0; head < 2; head++) {
        fixture f;
        double total = 0;
        int64_t learned = 0;
        int64_t right = 0;

        open_net(&f, *state, &shapes[head], head != 0);
        const eg_loss packed = pass(&f, false);
        const eg_batch all = f.batch;

        for (size_t s = 0; s < SEQUENCES; s++) {
            int32_t start[2];

            f.batch = sequence_of(&all, s, start, (size_t)f.net->config.dim);
            const eg_loss alone = pass(&f, false);

            total += alone.total * (double)alone.n_learned;
            learned += alone.n_learned;
            right += alone.n_right;
        }
        assert_true(learned > 0);
        assert_int_equal(packed.n_learned, learned);
        assert_int_equal(packed.n_right, right);
        assert_true(fabs(packed.total - total / (double)learned) <= 1e-12 * packed.total);
        close_net(&f);
    }
}

/* Row i of a target learns token i + 1 by that token's mark; row i of a head goes by its own. */
static void marks_say_which_rows_learn(void **state)
{
    uint8_t learn[25] = {0};

    learn[3] = 1;  /* of sequence 0: rows 0 to 6        */
    learn[8] = 1;  /* the first of sequence 2           */
    learn[19] = 1; /* the last of sequence 2            */
    learn[24] = 1; /* the last of all                   */
    for (int head = 0; head < 2; head++) {
        fixture f;

        open_net(&f, *state, &shapes[0], head != 0);
        f.batch.learn = learn;
        assert_int_equal(pass(&f, false).n_learned, head != 0 ? 2 : 3);
        close_net(&f);
    }
}

/* ---- making ---------------------------------------------------------------------------------- */

static void a_forward_only_target_gives_the_same_features_in_less_memory(void **state)
{
    fixture f;
    eg_arena small = {0};

    open_net(&f, *state, &shapes[1], false);
    const size_t n = f.batch.n * (size_t)f.net->config.dim;
    eg_target_net *forward = eg_target_net_make(&small, &f.net->config, &room, true);
    eg_real *a = numbers_new(*state, n);
    eg_real *b = numbers_new(*state, n);

    assert_non_null(forward);
    assert_int_equal(eg_target_net_load(forward, toy_model(f.t), NULL), EAGLE_OK);
    eg_target_net_features(a, f.target, &f.batch);
    eg_target_net_features(b, forward, &f.batch);
    assert_memory_equal(a, b, n * sizeof *a);
    assert_true(2 * small.bytes[EG_FOR_ACTIVATIONS] < f.arena.bytes[EG_FOR_ACTIVATIONS]);
    eg_arena_free(&small);
    close_net(&f);
}

static void what_is_counted_is_what_is_taken(void **state)
{
    for (int head = 0; head < 2; head++) {
        fixture f;
        eg_arena count = {.count_only = true};
        eg_size size;

        open_net(&f, *state, &shapes[2], head != 0);
        if (head != 0) {
            assert_null(eg_head_net_make(&count, &f.net->config, toy_model(f.t),
                                         &(eg_head_objective){1, 1}, &room));
            size = eg_head_net_size(&f.net->config);
        } else {
            assert_null(eg_target_net_make(&count, &f.net->config, &room, false));
            size = eg_target_net_size(&f.net->config);
        }
        assert_memory_equal(count.bytes, f.arena.bytes, sizeof count.bytes);
        assert_int_equal(size.n, f.net->params.n);
        assert_int_equal(size.parameters, f.net->params.count);
        close_net(&f);
    }
}

static void a_tensor_that_does_not_fit_is_refused_by_name(void **state)
{
    fixture f;
    eagle_error err;
    toy_options other = shapes[0];

    open_net(&f, *state, &shapes[0], false);
    other.ffn_dim++;
    toy *wider = toy_create(&other);

    assert_int_equal(eg_target_net_load(f.target, toy_model(wider), &err), EAGLE_EFIT);
    assert_non_null(strstr(err.message, "model.layers.0.mlp.gate_proj.weight"));
    toy_free(wider);
    close_net(&f);
}

/* Mean and variance of n deviates lie within 5 standard errors of 0 and 1, and so do the means of
 * the products of neighbours: four in a row come from one block of random words. */
static void first_values_are_normal_and_a_function_of_the_seed(void **state)
{
    (void)state;
    const eagle_config c = {.dim = 64,
                            .n_layers = 2,
                            .n_heads = 4,
                            .n_kv_heads = 2,
                            .head_dim = 16,
                            .ffn_dim = 170,
                            .vocab = 700,
                            .rms_eps = 1e-5f,
                            .rope = {.theta = 10000.0}};
    eg_arena arena = {0};
    eg_target_net *net = eg_target_net_make(&arena, &c, &room, true);
    const eg_parameters *p = &eg_target_net_network(net)->params;
    const eg_parameter *down = eg_parameters_find(p, "model.layers.1.mlp.down_proj.weight");
    const eg_parameter *table = eg_parameters_find(p, "model.embed_tokens.weight");
    const eg_parameter *norm = eg_parameters_find(p, "model.norm.weight");
    const size_t n = table->rows * table->cols;
    double sum = 0, squares = 0, products[4] = {0};

    eg_target_net_init(net, 7);
    const eg_real first = p->value[table->at];

    for (size_t i = 0; i < n; i++) {
        const double z = p->value[table->at + i] / 0.02;

        sum += z;
        squares += z * z;
        for (size_t lag = 1; lag < 4; lag++) {
            products[lag] += i >= lag ? z * p->value[table->at + i - lag] / 0.02 : 0;
        }
    }
    assert_true(fabs(sum) <= 5 * sqrt((double)n));
    assert_true(fabs(squares - (double)n) <= 5 * sqrt(2.0 * (double)n));
    for (size_t lag = 1; lag < 4; lag++) {
        assert_true(fabs(products[lag]) <= 5 * sqrt((double)n));
    }
    squares =
        dot(p->value + down->at, p->value + down->at, down->rows * down->cols) / (0.01 * 0.01);
    assert_true(fabs(squares - 170 * 64) <= 5 * sqrt(2.0 * 170 * 64));
    assert_true(p->value[norm->at] == 1 && p->value[norm->at + 63] == 1);
    eg_target_net_init(net, 8);
    assert_true(p->value[table->at] != first);
    eg_target_net_init(net, 7);
    assert_true(p->value[table->at] == first);
    eg_arena_free(&arena);
}

/* fc = [0, I] plus noise of 0.02: no element is 6 of these away. */
static void a_new_head_begins_with_the_present_feature(void **state)
{
    fixture f;

    open_net(&f, *state, &shapes[1], true);
    eg_head_net_init(f.head, 3);
    const eg_parameter *fc = eg_parameters_find(&f.net->params, "fc.weight");

    for (size_t i = 0; i < fc->rows; i++) {
        for (size_t j = 0; j < fc->cols; j++) {
            const double want = j == fc->rows + i ? 1 : 0;
            const double got = f.net->params.value[fc->at + i * fc->cols + j];

            assert_true(fabs(got - want) < 0.12 && got != want);
        }
    }
    close_net(&f);
}

/* ------------------------------------------------------------------------------------------------ */

static numbers r;

static int set_up(void **state)
{
    r = (numbers){.state = numbers_seed()};
    eg_train_threads(1); /* of such small arrays more would only wait for each other */
    *state = &r;
    return 0;
}

static int tear_down(void **state)
{
    numbers_free(*state);
    return 0;
}

#define WITH_NUMBERS(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        WITH_NUMBERS(gradients_of_a_target_are_the_slopes_of_its_loss),
        WITH_NUMBERS(gradients_of_a_head_are_the_slopes_of_its_loss),
        WITH_NUMBERS(a_pass_adds_its_gradients_and_leaves_the_gaps_zero),
        WITH_NUMBERS(a_pass_that_does_not_learn_gives_the_same_loss_and_no_gradient),
        WITH_NUMBERS(a_batch_without_anything_to_learn_costs_nothing),
        WITH_NUMBERS(packed_sequences_do_not_see_each_other),
        WITH_NUMBERS(marks_say_which_rows_learn),
        WITH_NUMBERS(a_forward_only_target_gives_the_same_features_in_less_memory),
        WITH_NUMBERS(what_is_counted_is_what_is_taken),
        WITH_NUMBERS(a_tensor_that_does_not_fit_is_refused_by_name),
        WITH_NUMBERS(first_values_are_normal_and_a_function_of_the_seed),
        WITH_NUMBERS(a_new_head_begins_with_the_present_feature),
    };

    print_message("seed %llu\n", (unsigned long long)numbers_seed());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
