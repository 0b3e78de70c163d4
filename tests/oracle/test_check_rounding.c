/* SPDX-License-Identifier: MIT */
/* test_check_rounding.c - does what rounding makes of logits stay within the bound of noise.c?
 * Measured: a forward pass of its own, which sums in other orders, with and without fused
 * multiply-add, and rounds each operation's result to f32, bf16 or f16, beside ours; on networks
 * with random weights and on trained ones, on their own tokens and on tokens at random.
 *
 * Prints the largest error as a share of its bound; ROUNDING_SHOW=1 for each network, type and
 * order. */
#include "check/judge.h"
#include "model/model.h"
#include "support/lib_toy.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

enum { MOST_TOKENS = 32, WIDEST = 1024 };

/* ---- sums in other orders -------------------------------------------------------------------- */

typedef enum {
    LEFT,     /* first to last                             */
    FUSED,    /* likewise, by fused multiply-add           */
    BACKWARD, /* last to first                             */
    PAIRWISE, /* halves of halves                          */
    BLOCKED,  /* eight sums side by side, fused, then those */
    SHUFFLED, /* a random order                            */
    BY_SIGN,  /* all that is positive first: large sums on the way */
    ORDERS
} order;

static const char *const order_name[ORDERS] = {"left",    "fused",    "backward", "pairwise",
                                               "blocked", "shuffled", "by sign"};

typedef struct {
    order order;
    int32_t at[WIDEST]; /* SHUFFLED */
} summing;

static void shuffle(summing *s, int32_t n, uint64_t *random)
{
    for (int32_t i = 0; i < n; i++) {
        const int32_t j = (int32_t)(toy_random(random) % (uint64_t)(i + 1));

        s->at[i] = s->at[j];
        s->at[j] = i;
    }
}

static float pairwise(const float *a, const float *b, int32_t n)
{
    return n == 1 ? a[0] * b[0] : pairwise(a, b, n / 2) + pairwise(a + n / 2, b + n / 2, n - n / 2);
}

static float by_sign(const float *a, const float *b, int32_t n)
{
    float sum = 0.0f;

    for (int pass = 0; pass < 2; pass++) {
        for (int32_t i = 0; i < n; i++) {
            const float p = a[i] * b[i];

            sum += (p > 0.0f) == (pass == 0) ? p : 0.0f;
        }
    }
    return sum;
}

static float blocked(const float *a, const float *b, int32_t n)
{
    float lane[8] = {0};

    for (int32_t i = 0; i < n; i++) {
        lane[i % 8] = fmaf(a[i], b[i], lane[i % 8]);
    }
    return ((lane[0] + lane[1]) + (lane[2] + lane[3])) +
           ((lane[4] + lane[5]) + (lane[6] + lane[7]));
}

static float dot(const summing *s, const float *a, const float *b, int32_t n)
{
    float sum = 0.0f;

    switch (s->order) {
    case PAIRWISE: return pairwise(a, b, n);
    case BLOCKED: return blocked(a, b, n);
    case BY_SIGN: return by_sign(a, b, n);
    default: break;
    }
    for (int32_t i = 0; i < n; i++) {
        const int32_t k = s->order == SHUFFLED ? s->at[i] : s->order == BACKWARD ? n - 1 - i : i;

        sum = s->order == FUSED ? fmaf(a[k], b[k], sum) : sum + a[k] * b[k];
    }
    return sum;
}

/* ---- a forward pass of its own --------------------------------------------------------------- */

/* Largest errors, as shares of what is allowed. */
typedef struct {
    double row;   /* of a row of logits: eg_row_bound()       */
    double log_p; /* of a log-probability: twice that         */
    double state; /* of a site's row: eg_state_bound()        */
} shares;

typedef struct {
    const eg_target *target;
    const float *ours; /* states of the token at work, as in `text` */
    size_t width;
    double state[WIDEST]; /* [n_layers] largest relative errors */
    eagle_dtype dtype;
    summing sum;
    uint64_t random;
    float *k; /* [n_layers, MOST_TOKENS, n_kv_heads x head_dim] */
    float *v;
    float x[WIDEST]; /* [dim] the residual stream */
    float y[WIDEST];
    float q[WIDEST];
    float mixed[WIDEST];
    float gate[WIDEST];
    float up[WIDEST];
    float logits[WIDEST];
} engine;

/* Our state at a site, among those of one token. */
static size_t place_of(eagle_site site, int32_t layer, int32_t n_layers, size_t width)
{
    return ((size_t)site * (size_t)n_layers + (size_t)layer) * width;
}

static void compare_state(engine *e, eagle_site site, int32_t layer, const float *theirs, int32_t n)
{
    const float *ours = e->ours + place_of(site, layer, e->target->config.n_layers, e->width);
    double difference = 0.0;
    double size = 0.0;

    for (int32_t i = 0; i < n; i++) {
        const double d = (double)theirs[i] - (double)ours[i];

        difference += d * d;
        size += (double)ours[i] * (double)ours[i];
    }
    assert_true(isfinite(difference));
    if (difference > 0.0) {
        e->state[layer] = fmax(e->state[layer], sqrt(difference / size));
    }
}

static void rounded(const engine *e, float *x, int32_t n)
{
    uint16_t half[WIDEST];

    if (e->dtype != EAGLE_F32) {
        eg_narrow(half, x, e->dtype, (size_t)n);
        eg_widen(x, half, e->dtype, (size_t)n);
    }
}

static float rounded_one(const engine *e, float x)
{
    rounded(e, &x, 1);
    return x;
}

static void product(engine *e, float *y, const eg_matrix *w, const float *x)
{
    float row[WIDEST];

    shuffle(&e->sum, w->cols, &e->random);
    for (int32_t r = 0; r < w->rows; r++) {
        eg_matrix_row(row, w, r);
        y[r] = dot(&e->sum, row, x, w->cols);
        y[r] = w->bias != NULL ? y[r] + w->bias[r] : y[r];
    }
    rounded(e, y, w->rows);
}

/* The quotient is rounded, and then its product with the weight. */
static void norm(engine *e, float *y, const float *weight)
{
    const eagle_config *c = &e->target->config;

    shuffle(&e->sum, c->dim, &e->random);
    const float mean = dot(&e->sum, e->x, e->x, c->dim) / (float)c->dim;
    const float scale = 1.0f / sqrtf(mean + c->rms_eps);

    for (int32_t i = 0; i < c->dim; i++) {
        y[i] = rounded_one(e, e->x[i] * scale) * weight[i];
    }
    rounded(e, y, c->dim);
}

static void rotate(const engine *e, float *x, int32_t n_heads, int32_t pos)
{
    const int32_t half = e->target->config.head_dim / 2;

    for (int32_t h = 0; h < n_heads; h++) {
        for (int32_t i = 0; i < half; i++) {
            float *a = x + h * 2 * half + i;
            float *b = a + half;
            const float angle = (float)pos * e->target->inv_freq[i];
            const float cosine = rounded_one(e, cosf(angle));
            const float sine = rounded_one(e, sinf(angle));
            const float to_a = rounded_one(e, *a * cosine) - rounded_one(e, *b * sine);

            *b = rounded_one(e, rounded_one(e, *b * cosine) + rounded_one(e, *a * sine));
            *a = rounded_one(e, to_a);
        }
    }
}

/* Scores and probabilities are rounded too, as where attention is written out. */
static void attend(engine *e, int32_t layer, int32_t pos)
{
    static const float one[MOST_TOKENS] = {1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1,
                                           1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1};
    const eagle_config *c = &e->target->config;
    const int32_t hd = c->head_dim;
    const int32_t width = c->n_kv_heads * hd;
    const int32_t n = pos + 1;

    for (int32_t h = 0; h < c->n_heads; h++) {
        const size_t at =
            (size_t)(layer * MOST_TOKENS * width + h / (c->n_heads / c->n_kv_heads) * hd);
        float p[MOST_TOKENS];
        float column[MOST_TOKENS];
        float most = -INFINITY;

        shuffle(&e->sum, hd, &e->random);
        for (int32_t t = 0; t < n; t++) {
            const float s = rounded_one(e, dot(&e->sum, e->q + h * hd, e->k + at + t * width, hd));

            p[t] = rounded_one(e, s / sqrtf((float)hd));
            most = fmaxf(most, p[t]);
        }
        for (int32_t t = 0; t < n; t++) {
            p[t] = expf(p[t] - most);
        }
        shuffle(&e->sum, n, &e->random);
        const float sum = dot(&e->sum, p, one, n);

        for (int32_t t = 0; t < n; t++) {
            p[t] = rounded_one(e, p[t] / sum);
        }
        for (int32_t d = 0; d < hd; d++) {
            for (int32_t t = 0; t < n; t++) {
                column[t] = e->v[at + (size_t)(t * width + d)];
            }
            e->mixed[h * hd + d] = dot(&e->sum, p, column, n);
        }
    }
    rounded(e, e->mixed, c->n_heads * hd);
}

static void add(engine *e, const float *y)
{
    for (int32_t i = 0; i < e->target->config.dim; i++) {
        e->x[i] += y[i];
    }
    rounded(e, e->x, e->target->config.dim);
}

static void run_layer(engine *e, int32_t at, int32_t pos)
{
    const eagle_config *c = &e->target->config;
    const eg_layer *layer = &e->target->layers[at];
    const int32_t width = c->n_kv_heads * c->head_dim;
    float *k = e->k + (size_t)(at * MOST_TOKENS + pos) * (size_t)width;
    float *v = e->v + (size_t)(at * MOST_TOKENS + pos) * (size_t)width;

    norm(e, e->y, layer->attn_norm);
    compare_state(e, EAGLE_SITE_ATTN_NORM, at, e->y, c->dim);
    product(e, e->q, &layer->q, e->y);
    product(e, k, &layer->k, e->y);
    product(e, v, &layer->v, e->y);
    compare_state(e, EAGLE_SITE_Q, at, e->q, c->n_heads * c->head_dim);
    compare_state(e, EAGLE_SITE_K, at, k, width);
    compare_state(e, EAGLE_SITE_V, at, v, width);
    rotate(e, e->q, c->n_heads, pos);
    rotate(e, k, c->n_kv_heads, pos);
    attend(e, at, pos);
    compare_state(e, EAGLE_SITE_ATTN, at, e->mixed, c->n_heads * c->head_dim);
    product(e, e->y, &layer->o, e->mixed);
    add(e, e->y);
    compare_state(e, EAGLE_SITE_RESID_ATTN, at, e->x, c->dim);
    norm(e, e->y, layer->mlp_norm);
    product(e, e->gate, &layer->gate, e->y);
    product(e, e->up, &layer->up, e->y);
    for (int32_t i = 0; i < c->ffn_dim; i++) {
        e->gate[i] = rounded_one(e, e->gate[i] / (1.0f + expf(-e->gate[i]))) * e->up[i];
    }
    rounded(e, e->gate, c->ffn_dim);
    compare_state(e, EAGLE_SITE_ACT, at, e->gate, c->ffn_dim);
    product(e, e->y, &layer->down, e->gate);
    add(e, e->y);
    compare_state(e, EAGLE_SITE_RESID_MLP, at, e->x, c->dim);
}

static void run_token(engine *e, int32_t token, int32_t pos)
{
    const eagle_config *c = &e->target->config;

    eg_matrix_row(e->x, &e->target->embed, token);
    rounded(e, e->x, c->dim);
    for (int32_t i = 0; i < c->n_layers; i++) {
        run_layer(e, i, pos);
    }
    norm(e, e->y, e->target->norm);
    compare_state(e, EAGLE_SITE_FEATURE, c->n_layers - 1, e->y, c->dim);
    product(e, e->logits, &e->target->lm_head, e->y);
}

/* ---- beside ours ----------------------------------------------------------------------------- */

typedef struct {
    const eagle_model *model;
    const char *name;
    int32_t n;
    int32_t token[MOST_TOKENS];
    float *ours; /* [n, vocab] logits after each token                          */
    size_t width;
    float *state; /* [n, EAGLE_SITE_COUNT, n_layers, width] of each token's sites */
    int32_t at;   /* the token at work                                           */
} text;

static void see(void *ctx, eagle_site site, int32_t layer, int32_t n_rows, int32_t dim,
                const float *data, int32_t stride)
{
    const text *t = ctx;
    const int32_t n_layers = t->model->target.config.n_layers;
    const int32_t at = site == EAGLE_SITE_FEATURE ? n_layers - 1 : layer;

    (void)stride;
    if (n_rows == 1 && site != EAGLE_SITE_LOGITS) {
        memcpy(t->state + place_of(EAGLE_SITE_COUNT, 0, n_layers, t->width) * (size_t)t->at +
                   place_of(site, at, n_layers, t->width),
               data, (size_t)dim * sizeof(float));
    }
}

/* Tokens that the network says itself, or random ones; and our logits of them. */
static void make_text(text *t, const eagle_model *model, const char *name, int32_t n, bool own,
                      uint64_t seed)
{
    const eagle_config *c = &model->target.config;
    const size_t vocab = (size_t)c->vocab;
    const eagle_probe probe = {.see = see, .ctx = t};
    eagle_session_options opt;
    eagle_session *s = NULL;
    eagle_rows rows;

    *t = (text){.model = model, .name = name, .n = n};
    t->width = (size_t)(c->ffn_dim > c->dim ? c->ffn_dim : c->dim);
    t->ours = calloc((size_t)n * vocab, sizeof(float));
    t->state =
        calloc((size_t)n * place_of(EAGLE_SITE_COUNT, 0, c->n_layers, t->width), sizeof(float));
    assert_true(t->ours != NULL && t->state != NULL);
    eagle_session_defaults(&opt);
    opt.threads = 1;
    assert_int_equal(eagle_session_create(&s, model, NULL, &opt, NULL), EAGLE_OK);
    eagle_session_set_probe(s, &probe);
    t->token[0] = own ? 1 : (int32_t)(toy_random(&seed) % vocab);
    for (int32_t i = 0; i < n; i++) {
        t->at = i;
        assert_int_equal(eagle_session_feed(&rows, s, &t->token[i], 1, NULL), EAGLE_OK);
        memcpy(t->ours + (size_t)i * vocab, rows.logits, vocab * sizeof(float));
        if (i + 1 < n) {
            t->token[i + 1] =
                own ? (int32_t)eg_argmax(rows.logits, vocab) : (int32_t)(toy_random(&seed) % vocab);
        }
    }
    eagle_session_free(s);
}

static void free_text(text *t)
{
    free(t->state);
    free(t->ours);
}

static double log_p_error(const float *theirs, const float *ours, int32_t vocab)
{
    const double shift = eg_log_sum(theirs, vocab) - eg_log_sum(ours, vocab);
    double most = 0.0;

    for (int32_t i = 0; i < vocab; i++) {
        most = fmax(most, fabs((double)theirs[i] - (double)ours[i] - shift));
    }
    return most;
}

static engine *make_engine(const text *t, eagle_dtype dtype, order how)
{
    const eagle_config *c = &t->model->target.config;
    const size_t room = (size_t)c->n_layers * MOST_TOKENS * (size_t)(c->n_kv_heads * c->head_dim);
    engine *e = calloc(1, sizeof *e);

    assert_non_null(e);
    assert_true(c->dim <= WIDEST && c->ffn_dim <= WIDEST && c->vocab <= WIDEST);
    e->target = &t->model->target;
    e->width = t->width;
    e->dtype = dtype;
    e->sum.order = how;
    e->random = 1;
    e->k = calloc(room, sizeof(float));
    e->v = calloc(room, sizeof(float));
    assert_true(e->k != NULL && e->v != NULL);
    return e;
}

static void keep_most(shares *most, const shares *s)
{
    most->row = fmax(most->row, s->row);
    most->log_p = fmax(most->log_p, s->log_p);
    most->state = fmax(most->state, s->state);
}

/* The largest errors of this arithmetic on a text. */
static shares shares_of(const text *t, eagle_dtype dtype, order how)
{
    const eagle_config *c = &t->model->target.config;
    const eagle_check_options opt = {.eps = 0.0};
    const eg_judge j = {.opt = &opt, .config = c, .dtype = dtype};
    engine *e = make_engine(t, dtype, how);
    shares most = {0};

    for (int32_t i = 0; i < t->n; i++) {
        const float *ours = t->ours + (size_t)i * (size_t)c->vocab;
        const double bound = eg_row_bound(&j, ours);
        eg_row_difference d;

        e->ours = t->state + place_of(EAGLE_SITE_COUNT, 0, c->n_layers, t->width) * (size_t)i;
        run_token(e, t->token[i], i);
        eg_row_compare(&d, e->logits, ours, c->vocab);
        assert_false(d.bad);
        keep_most(&most,
                  &(shares){.row = d.error / bound,
                            .log_p = log_p_error(e->logits, ours, c->vocab) / (2.0 * bound)});
    }
    for (int32_t layer = 0; layer < c->n_layers; layer++) {
        keep_most(&most, &(shares){.state = e->state[layer] / eg_state_bound(&j, layer + 1)});
    }
    free(e->k);
    free(e->v);
    free(e);
    return most;
}

static shares most_of(const eagle_model *model, const char *name, int32_t n, eagle_dtype dtype)
{
    shares most = {0};

    for (int own = 0; own < 2; own++) {
        text t;

        make_text(&t, model, name, n, own == 1, 7);
        for (int how = 0; how < ORDERS; how++) {
            const shares s = shares_of(&t, dtype, (order)how);

            keep_most(&most, &s);
            if (getenv("ROUNDING_SHOW") != NULL) {
                printf("%-16s %-4s %-8s %s: row %.3f, log p %.3f, state %.3f\n", name,
                       eagle_dtype_name(dtype), order_name[how], own == 1 ? "own" : "random", s.row,
                       s.log_p, s.state);
            }
        }
        free_text(&t);
    }
    return most;
}

/* ---- tests ----------------------------------------------------------------------------------- */

enum { N = 24 };
static const eagle_dtype types[] = {EAGLE_F32, EAGLE_BF16, EAGLE_F16};

static void print_shares(const char *what, eagle_dtype dtype, const shares *s)
{
    printf("count: rounding of %s in %s: %.2f of what is allowed of logits, %.2f of "
           "log-probabilities, "
           "%.2f of states\n",
           what, eagle_dtype_name(dtype), s->row, s->log_p, s->state);
}

static void trained_networks_stay_within_every_bound(void **state)
{
    static const char *const dir[] = {"testdata/toy", "testdata/stories"};

    (void)state;
    for (size_t i = 0; i < sizeof dir / sizeof dir[0]; i++) {
        eagle_model *model = NULL;

        assert_int_equal(eagle_model_open(&model, dir[i], NULL), EAGLE_OK);
        for (size_t k = 0; k < sizeof types / sizeof types[0]; k++) {
            const shares s = most_of(model, dir[i], N, types[k]);

            print_shares(dir[i], types[k], &s);
            assert_true(s.row <= 1.0 && s.log_p <= 1.0 && s.state <= 1.0);
            assert_true(s.row > 0.05); /* else this would measure nothing */
        }
        eagle_model_free(model);
    }
}

/* Random weights make attention sharper than training does. Above the bound there is no failure up
 * to EG_NO_ROUNDING times it; log-probabilities, which are allowed twice the bound, fail above
 * that. The last seeds are the worst of 1,500. */
static void networks_with_random_weights_never_come_to_what_fails(void **state)
{
    static const uint64_t worst[] = {64, 73, 84, 1146, 1187};
    enum { SEEDS = 20, WORST = sizeof worst / sizeof worst[0] };

    (void)state;
    for (size_t k = 0; k < sizeof types / sizeof types[0]; k++) {
        shares most = {0};
        int32_t above = 0;

        for (uint64_t i = 0; i < SEEDS + WORST; i++) {
            const uint64_t seed = i < SEEDS ? i + 1 : worst[i - SEEDS];
            toy *t = toy_create(
                &(toy_options){.seed = seed, .dtype = types[k], .biases = seed % 2 == 0});
            const shares s = most_of(toy_model(t), "random weights", N, types[k]);

            above += s.row > 1.0;
            keep_most(&most, &s);
            toy_free(t);
        }
        print_shares("random weights", types[k], &most);
        printf("count: %d of these %d networks above the bound of logits\n", above, SEEDS + WORST);
        assert_true(most.row <= EG_NO_ROUNDING && most.state <= EG_NO_ROUNDING);
        assert_true(most.log_p <= 1.0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(trained_networks_stay_within_every_bound),
        cmocka_unit_test(networks_with_random_weights_never_come_to_what_fails),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
