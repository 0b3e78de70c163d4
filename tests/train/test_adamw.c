/* SPDX-License-Identifier: MIT */
/* test_adamw.c - the optimizer against numbers worked out by hand and against the paper's own
 * form. */
#include "train/adamw.h"
#include "train/numbers.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#define N 1000

/* Parameters, gradients and moments of n elements, in one arena. */
typedef struct {
    eg_arena arena;
    eg_parameters p;
    eg_adamw state;
} fixture;

static void begin(fixture *f, size_t n)
{
    *f = (fixture){.p = {.n = n}};
    f->p.value = eg_arena_reals(&f->arena, EG_FOR_WEIGHTS, n);
    f->p.grad = eg_arena_reals(&f->arena, EG_FOR_WEIGHTS, n);
    eg_adamw_make(&f->state, n, &f->arena);
    assert_false(f->arena.failed);
}

static eg_adamw_options usual(void)
{
    return (eg_adamw_options){
        .lr = 0.01, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .weight_decay = 0.1, .steps = 100};
}

static void assert_near(double got, double want, double bound)
{
    if (!(fabs(got - want) <= bound)) {
        fail_msg("%.9g, not %.9g", got, want);
    }
}

/* By hand. lr 0.01, betas 0.9 and 0.95, decay 0.1, w = 2:
 *
 *   t = 1, g = 0.5:  w = 2 (1 - 0.001) - 0.01 x 0.5 / 0.5 = 1.988
 *   t = 2, g = -1:   m = 0.9 x 0.05 - 0.1 = -0.055        m / (1 - 0.81)   = -0.2894736842
 *                    v = 0.95 x 0.0125 + 0.05 = 0.061875  v / (1 - 0.9025) =  0.6346153846
 *                    w = 1.988 x 0.999 + 0.01 x 0.2894736842 / 0.7966275068 = 1.9896457394 */
static void two_steps_are_those_worked_out_by_hand(void **state)
{
    (void)state;
    const eg_adamw_options opt = usual();
    fixture f;

    begin(&f, 1);
    f.p.value[0] = 2;
    f.p.grad[0] = 0.5f;
    assert_near(eg_adamw_step(&f.p, &f.state, &opt, 1), 0.5, 0);
    assert_near((double)f.p.value[0], 1.988, 2e-7); /* one unit in the last place: 1.2e-7 */
    assert_true(f.p.grad[0] == 0);
    f.p.grad[0] = -1;
    assert_near(eg_adamw_step(&f.p, &f.state, &opt, 2), 1.0, 0);
    assert_near((double)f.p.value[0], 1.9896457394, 3e-7);
    eg_arena_free(&f.arena);
}

/* Algorithm 2 as the paper writes it, in double: m^ = m / (1 - b1^t), v^ = v / (1 - b2^t),
 * w = w - (lr m^ / (sqrt(v^) + eps) + lr decay w). */
static void paper_step(double *w, double *m, double *v, double g, const eg_adamw_options *o, int t)
{
    const double lr = eg_adamw_rate(o, t);

    *m = o->beta1 * *m + (1 - o->beta1) * g;
    *v = o->beta2 * *v + (1 - o->beta2) * g * g;
    *w -= lr * (*m / (1 - pow(o->beta1, t)) / (sqrt(*v / (1 - pow(o->beta2, t))) + o->eps) +
                o->weight_decay * *w);
}

static void many_steps_follow_the_paper(void **state)
{
    numbers *r = *state;
    eg_adamw_options opt = usual();
    static double w[N], m[N], v[N];
    fixture f;

    opt.schedule = EAGLE_SCHEDULE_COSINE;
    opt.warmup = 3;
    opt.clip_value = 0.6;
    opt.clip_norm = 7;
    begin(&f, N);
    for (size_t i = 0; i < N; i++) {
        w[i] = (double)(f.p.value[i] = numbers_one(r));
        m[i] = v[i] = 0;
    }
    for (int t = 1; t <= 20; t++) {
        double clipped = 0;
        double plain = 0;

        for (size_t i = 0; i < N; i++) {
            f.p.grad[i] = numbers_one(r);
            const double g = (double)f.p.grad[i];

            plain += g * g;
            clipped += fmin(fabs(g), 0.6) * fmin(fabs(g), 0.6);
        }
        assert_true(sqrt(clipped) > 7); /* both kinds of clipping are at work */
        for (size_t i = 0; i < N; i++) {
            const double g = fmax(-0.6, fmin(0.6, (double)f.p.grad[i]));

            paper_step(&w[i], &m[i], &v[i], g * 7 / sqrt(clipped), &opt, t);
        }
        assert_near(eg_adamw_step(&f.p, &f.state, &opt, t), sqrt(plain), 1e-12 * sqrt(plain));
    }
    for (size_t i = 0; i < N; i++) {
        /* 20 steps of three roundings, each 2^-25 of a number below 2. */
        assert_near((double)f.p.value[i], w[i], 20 * 3 * 0x1p-24);
    }
    eg_arena_free(&f.arena);
}

static void the_rate_rises_then_falls_to_its_floor(void **state)
{
    (void)state;
    eg_adamw_options o = {.lr = 8, .warmup = 4, .steps = 12, .lr_floor = 0.25};

    o.schedule = EAGLE_SCHEDULE_LINEAR;
    assert_near(eg_adamw_rate(&o, 1), 2, 0);
    assert_near(eg_adamw_rate(&o, 3), 6, 0);
    assert_near(eg_adamw_rate(&o, 4), 8, 0);
    assert_near(eg_adamw_rate(&o, 8), 5, 0); /* half of the way from 8 to 2 */
    assert_near(eg_adamw_rate(&o, 12), 2, 0);
    assert_near(eg_adamw_rate(&o, 99), 2, 0);
    o.schedule = EAGLE_SCHEDULE_COSINE;
    assert_near(eg_adamw_rate(&o, 3), 6, 0);
    assert_near(eg_adamw_rate(&o, 4), 8, 1e-14);
    assert_near(eg_adamw_rate(&o, 6), 2 + 6 * 0.8535533905932737, 1e-14); /* (1 + cos 45) / 2 */
    assert_near(eg_adamw_rate(&o, 8), 5, 1e-14);
    assert_near(eg_adamw_rate(&o, 12), 2, 0);
    o.schedule = EAGLE_SCHEDULE_CONSTANT;
    assert_near(eg_adamw_rate(&o, 2), 4, 0);
    assert_near(eg_adamw_rate(&o, 11), 8, 0);
    o.warmup = 0;
    o.steps = 0;
    assert_near(eg_adamw_rate(&o, 1), 8, 0);
}

/* Sine and powers are our own: within some roundings of libm's. */
static void schedule_and_corrections_are_those_of_libm(void **state)
{
    const eg_adamw_options o = {.lr = 1, .steps = 1000, .schedule = EAGLE_SCHEDULE_COSINE};
    eg_adamw_options b = usual();
    fixture f;

    (void)state;
    for (int t = 0; t < 1000; t++) {
        const double want = sin(acos(-1.0) * (1000 - t) / 2000);

        /* Eight roundings on either side: the angle's two and the sine's two count twice in its
         * square. */
        assert_near(eg_adamw_rate(&o, t), want * want, 16 * 0x1p-53 * want * want);
    }
    /* A first gradient in step t: m = (1 - b1), v = (1 - b2), so that w moves by the corrections
     * alone. */
    b.weight_decay = b.eps = 0;
    b.beta1 = b.beta2 = 0.999;
    for (int t = 1; t < 3000; t += 13) {
        begin(&f, 1);
        f.p.grad[0] = 1;
        eg_adamw_step(&f.p, &f.state, &b, t);
        const double moved = 0.01 * sqrt(0.001 / (1 - pow(0.999, t)));

        assert_near((double)f.p.value[0], -moved,
                    10 * 0x1p-24 * moved); /* ten roundings to float */
        eg_arena_free(&f.arena);
    }
}

static void a_gradient_that_is_not_finite_moves_nothing(void **state)
{
    const eg_real bad[] = {(eg_real)NAN, (eg_real)INFINITY, -(eg_real)INFINITY};
    eg_adamw_options opt = usual();
    fixture f, before;

    opt.clip_value = 0.5;
    for (size_t b = 0; b < 3; b++) {
        begin(&f, N);
        begin(&before, N);
        for (size_t i = 0; i < N; i++) {
            f.p.value[i] = before.p.value[i] = numbers_one(*state);
            f.p.grad[i] = numbers_one(*state);
        }
        f.p.grad[N / 2] = bad[b];
        assert_false(isfinite(eg_adamw_step(&f.p, &f.state, &opt, 1)));
        assert_memory_equal(f.p.value, before.p.value, N * sizeof(eg_real));
        assert_memory_equal(f.state.m, before.state.m, N * sizeof(eg_real));
        assert_memory_equal(f.state.v, before.state.v, N * sizeof(eg_real));
        assert_memory_equal(f.p.grad, before.p.grad, N * sizeof(eg_real)); /* zeros */
        eg_arena_free(&f.arena);
        eg_arena_free(&before.arena);
    }
}

static void threads_change_no_bit(void **state)
{
    const eg_adamw_options opt = {
        .lr = 0.1, .beta1 = 0.9, .beta2 = 0.95, .eps = 1e-8, .clip_norm = 1, .steps = 10};
    fixture f[2];
    double norm[2];

    begin(&f[0], N);
    begin(&f[1], N);
    for (size_t i = 0; i < N; i++) {
        f[0].p.grad[i] = f[1].p.grad[i] = numbers_one(*state);
    }
    for (int i = 0; i < 2; i++) {
        eg_train_threads(1 + 2 * i);
        norm[i] = eg_adamw_step(&f[i].p, &f[i].state, &opt, 1);
    }
    eg_train_threads(1);
    assert_true(norm[0] == norm[1]);
    assert_memory_equal(f[0].p.value, f[1].p.value, N * sizeof(eg_real));
    eg_arena_free(&f[0].arena);
    eg_arena_free(&f[1].arena);
}

static numbers r;

static int set_up(void **state)
{
    r = (numbers){.state = numbers_seed()};
    *state = &r;
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_steps_are_those_worked_out_by_hand),
        cmocka_unit_test_setup(many_steps_follow_the_paper, set_up),
        cmocka_unit_test(the_rate_rises_then_falls_to_its_floor),
        cmocka_unit_test(schedule_and_corrections_are_those_of_libm),
        cmocka_unit_test_setup(a_gradient_that_is_not_finite_moves_nothing, set_up),
        cmocka_unit_test_setup(threads_change_no_bit, set_up),
    };

    print_message("seed %llu\n", (unsigned long long)numbers_seed());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
