/* SPDX-License-Identifier: MIT */
/* test_engine_twin.c - what is trained is what runs: the networks' forward passes, in float,
 * against those of the inference engine on the same weights, and their losses against sums over the
 * engine's logits.
 *
 * The two add up in different orders. A float operation errs by 2^-24; a value here is the end of
 * some 30 sums of up to 50 terms, whose errors are independent of each other: sqrt(30 x 50) x 2^-24
 * is 2.3e-6 of the values' size. The bound is four times that, of the largest value of the row. */
#include "support/lib_toy.h"
#include "train/network.h"
#include "train/numbers.h"

#include "kernels/kernels.h"
#include "model/model.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define BOUND 1e-5
#define ROWS  24

static const int32_t start[] = {0, 9, ROWS};
static const eg_batch_room room = {.rows = ROWS, .sequences = 2, .length = 16};

static const toy_options shapes[] = {
    {.head_dim = 6, .seed = 5},
    {.n_kv_heads = 1, .tied = true, .dtype = EAGLE_BF16, .seed = 6},
    {.n_kv_heads = 4, .biases = true, .own_embedding = true, .dtype = EAGLE_F16, .seed = 7},
};
#define SHAPES (sizeof shapes / sizeof shapes[0])

static void assert_row(const char *what, const float *got, const float *want, size_t n)
{
    float size = 0;

    for (size_t i = 0; i < n; i++) {
        size = fmaxf(size, fabsf(want[i]));
    }
    for (size_t i = 0; i < n; i++) {
        if (!(fabsf(got[i] - want[i]) <= (float)BOUND * size)) {
            fail_msg("%s: %.9g, the engine has %.9g, of %g", what, (double)got[i], (double)want[i],
                     (double)size);
        }
    }
}

/* log of the sum of exponentials, and which logit is the largest. */
static double log_sum(size_t *most, const float *logits, size_t n)
{
    double sum = 0;

    *most = eg_argmax(logits, n);
    for (size_t i = 0; i < n; i++) {
        sum += exp((double)logits[i] - (double)logits[*most]);
    }
    return (double)logits[*most] + log(sum);
}

static eg_batch make_batch(numbers *r, int32_t vocab)
{
    int32_t *token = numbers_room(r, ROWS * sizeof *token);
    uint8_t *learn = numbers_room(r, ROWS);

    for (size_t i = 0; i < ROWS; i++) {
        token[i] = (int32_t)numbers_below(r, (size_t)vocab);
        learn[i] = i % 5 != 3;
    }
    return (eg_batch){.n = ROWS, .n_sequences = 2, .start = start, .token = token, .learn = learn};
}

static void assert_loss(double got, double want)
{
    if (!(fabs(got - want) <= BOUND * fabs(want))) {
        fail_msg("loss %.9g, from the engine %.9g", got, want);
    }
}

/* ---- target -------------------------------------------------------------------------------- */

/* Logits [ROWS, vocab] and features [ROWS, dim] of the engine, one session per sequence. */
static void engine_target(float *logits, float *feature, const eagle_model *model,
                          const eg_batch *batch)
{
    const size_t vocab = (size_t)eagle_model_config(model)->vocab;
    const size_t dim = (size_t)eagle_model_config(model)->dim;
    eagle_session_options opt;

    eagle_session_defaults(&opt);
    opt.ctx = ROWS;
    opt.max_nodes = ROWS;
    opt.threads = 1;
    for (size_t s = 0; s < batch->n_sequences; s++) {
        const size_t first = (size_t)start[s];
        const size_t n = (size_t)start[s + 1] - first;
        eagle_session *session = NULL;
        eagle_rows rows;

        assert_int_equal(eagle_session_create(&session, model, NULL, &opt, NULL), EAGLE_OK);
        assert_int_equal(eagle_session_feed(&rows, session, batch->token + first, (int32_t)n, NULL),
                         EAGLE_OK);
        memcpy(logits + first * vocab, rows.logits, n * vocab * sizeof *logits);
        memcpy(feature + first * dim, rows.features, n * dim * sizeof *feature);
        eagle_session_free(session);
    }
}

/* The mean over the learned rows of log sum exp(logits) - logits[next token]. */
static eg_loss target_loss(const float *logits, size_t vocab, const eg_batch *batch)
{
    eg_loss out = {0};

    for (size_t i = 0; i + 1 < ROWS; i++) {
        size_t most;

        if (i + 1 == (size_t)start[1] || !batch->learn[i + 1]) {
            continue;
        }
        const size_t label = (size_t)batch->token[i + 1];
        const double sum = log_sum(&most, logits + i * vocab, vocab);

        out.tokens += sum - (double)logits[i * vocab + label];
        out.n_right += most == label;
        out.n_learned++;
    }
    out.tokens /= (double)out.n_learned;
    return out;
}

static void a_target_is_trained_as_it_runs(void **state)
{
    for (size_t s = 0; s < SHAPES; s++) {
        toy *t = toy_create(&shapes[s]);
        const eagle_config *c = toy_config(t, false);
        const size_t dim = (size_t)c->dim;
        const size_t vocab = (size_t)c->vocab;
        const eg_batch batch = make_batch(*state, c->vocab);
        float *logits = numbers_new(*state, ROWS * vocab);
        float *want = numbers_new(*state, ROWS * dim);
        float *got = numbers_new(*state, ROWS * dim);
        eg_arena arena = {0};
        eg_target_net *net = eg_target_net_make(&arena, c, &room, false);
        eg_network *network = eg_target_net_network(net);
        eg_loss loss;

        engine_target(logits, want, toy_model(t), &batch);
        assert_int_equal(eg_target_net_load(net, toy_model(t), NULL), EAGLE_OK);
        eg_target_net_features(got, net, &batch);
        for (size_t i = 0; i < ROWS; i++) {
            assert_row("feature", got + i * dim, want + i * dim, dim);
        }
        network->pass(&loss, network, &batch, false);

        const eg_loss expected = target_loss(logits, vocab, &batch);

        assert_loss(loss.total, expected.tokens);
        assert_int_equal(loss.n_learned, expected.n_learned);
        assert_int_equal(loss.n_right, expected.n_right);
        eg_arena_free(&arena);
        toy_free(t);
    }
}

/* ---- head ---------------------------------------------------------------------------------- */

/* The engine's outputs g [ROWS, dim]; the last row of each sequence is left alone. */
static void engine_head(float *g, const eagle_head *head, const eg_batch *batch, size_t dim)
{
    const eg_compute compute = {.kernels = eg_kernels_for(EAGLE_ISA_AUTO), .threads = 1};
    const eg_extrapolation_room space = {
        .stable = ROWS, .tree = 1, .depth = 1, .rows = ROWS, .logits = 1};

    for (size_t s = 0; s < batch->n_sequences; s++) {
        const size_t first = (size_t)start[s];
        const size_t n = (size_t)start[s + 1] - first - 1;
        float in[ROWS * 64];
        eg_arena arena = {0};
        eg_extrapolation e = {0};

        for (size_t i = 0; i < n * dim; i++) {
            in[i] = batch->feature[first * dim + i] + batch->noise[first * dim + i];
        }
        eg_extrapolation_make(&e, head, &compute, &space, &arena);
        assert_int_equal(
            eg_extrapolation_refresh(&e, batch->token + first + 1, in, (int32_t)n, false, NULL),
            EAGLE_OK);
        memcpy(g + first * dim, e.out, n * dim * sizeof *g);
        eg_arena_free(&arena);
    }
}

/* logits = W x, by the engine's matrices. */
static void lm_head(float *logits, const eagle_model *model, const float *x)
{
    const eg_matrix *m = &model->target.lm_head;
    const size_t dim = (size_t)m->cols;
    float row[64];

    for (int32_t v = 0; v < m->rows; v++) {
        double sum = 0;

        eg_matrix_row(row, m, v);
        for (size_t j = 0; j < dim; j++) {
            sum += (double)row[j] * (double)x[j];
        }
        logits[v] = (float)sum;
    }
}

/* Both losses of one row, by their definitions. */
static void head_row_loss(eg_loss *out, const eagle_model *model, const float *g, const float *f)
{
    const size_t dim = (size_t)model->target.config.dim;
    const size_t vocab = (size_t)model->target.config.vocab;
    float draft[64], teacher[64];
    size_t guess, wanted;

    for (size_t j = 0; j < dim; j++) {
        const double d = fabs((double)g[j] - (double)f[j]);

        out->features += (d < 1 ? d * d / 2 : d - 0.5) / (double)dim;
    }
    lm_head(draft, model, g);
    lm_head(teacher, model, f);
    const double draft_sum = log_sum(&guess, draft, vocab);
    const double teacher_sum = log_sum(&wanted, teacher, vocab);

    for (size_t v = 0; v < vocab; v++) {
        out->tokens += exp((double)teacher[v] - teacher_sum) * (draft_sum - (double)draft[v]);
    }
    out->n_right += guess == wanted;
    out->n_learned++;
}

static eg_loss head_loss(const eagle_model *model, const float *g, const eg_batch *batch)
{
    const size_t dim = (size_t)model->target.config.dim;
    eg_loss out = {0};

    for (size_t i = 0; i + 1 < ROWS; i++) {
        if (i + 1 != (size_t)start[1] && batch->learn[i]) {
            head_row_loss(&out, model, g + i * dim, batch->feature + (i + 1) * dim);
        }
    }
    out.features /= (double)out.n_learned;
    out.tokens /= (double)out.n_learned;
    return out;
}

static void a_head_is_trained_as_it_runs(void **state)
{
    const eg_head_objective objective = {.feature_weight = 2, .token_weight = 0.25};

    for (size_t s = 0; s < SHAPES; s++) {
        toy *t = toy_create(&shapes[s]);
        const eagle_config *c = toy_config(t, true);
        const size_t dim = (size_t)c->dim;
        eg_batch batch = make_batch(*state, c->vocab);
        float *feature = numbers_new(*state, ROWS * dim);
        float *g = numbers_new(*state, ROWS * dim);
        eg_arena arena = {0};
        eg_head_net *net = eg_head_net_make(&arena, c, toy_model(t), &objective, &room);
        eg_network *network = eg_head_net_network(net);
        eg_loss loss;

        for (size_t i = 0; i < ROWS * dim; i++) {
            feature[i] *= 2; /* both halves of smooth L1 */
        }
        batch.feature = feature;
        batch.noise = numbers_new(*state, ROWS * dim);
        assert_int_equal(eg_head_net_load(net, toy_head(t), NULL), EAGLE_OK);
        network->pass(&loss, network, &batch, false);
        engine_head(g, toy_head(t), &batch, dim);

        const eg_loss want = head_loss(toy_model(t), g, &batch);

        assert_loss(loss.features, want.features);
        assert_loss(loss.tokens, want.tokens);
        assert_loss(loss.total, 2 * want.features + 0.25 * want.tokens);
        assert_int_equal(loss.n_learned, want.n_learned);
        assert_int_equal(loss.n_right, want.n_right);
        eg_arena_free(&arena);
        toy_free(t);
    }
}

/* ------------------------------------------------------------------------------------------------ */

static numbers r;

static int set_up(void **state)
{
    r = (numbers){.state = numbers_seed()};
    eg_train_threads(1);
    *state = &r;
    return 0;
}

static int tear_down(void **state)
{
    numbers_free(*state);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_target_is_trained_as_it_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(a_head_is_trained_as_it_runs, set_up, tear_down),
    };

    print_message("seed %llu\n", (unsigned long long)numbers_seed());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
