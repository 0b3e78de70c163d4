/* SPDX-License-Identifier: MIT */
/* adamw.c - one optimizer step over flat arrays (Loshchilov and Hutter 2019, algorithm 2).
 *
 *   w = w (1 - lr decay)
 *   m = b1 m + (1 - b1) g          v = b2 v + (1 - b2) g^2
 *   w = w - lr / (1 - b1^t) m / (sqrt(v) / sqrt(1 - b2^t) + eps)
 *
 * Of libm only sqrt is used, which IEEE 754 defines: pow and cos differ from one libm to
 * another. */
#include "train/adamw.h"

#include <math.h>
#include <string.h>

/* The arrays are cut into this many parts, whatever the number of threads, so that sums have
 * one order. */
#define PARTS 256

void eg_adamw_make(eg_adamw *out, size_t n, eg_arena *arena)
{
    out->m = eg_arena_reals(arena, EG_FOR_WEIGHTS, n);
    out->v = eg_arena_reals(arena, EG_FOR_WEIGHTS, n);
}

/* x^n, n >= 0, by squaring: about 2 log2(n) roundings, each of which may be multiplied by up to
 * n. */
static double power(double x, int64_t n)
{
    double y = 1.0;

    for (; n > 0; n /= 2) {
        y = n % 2 == 1 ? y * x : y;
        x *= x;
    }
    return y;
}

/* (1 - cos(pi x)) / 2 = sin^2(pi x / 2) for x in [0, 1], by the series of the sine from its last
 * term inwards. The first term left out is below (pi / 2)^25 / 25! = 2^-67. */
static double half_wave(double x)
{
    const double angle = 1.57079632679489661923 * x;
    double sine = 1.0;

    for (int k = 22; k >= 2; k -= 2) {
        sine = 1.0 - angle * angle / (k * (k + 1)) * sine;
    }
    sine *= angle;
    return sine * sine;
}

double eg_adamw_rate(const eg_adamw_options *opt, int64_t t)
{
    const int64_t decay = opt->steps - opt->warmup; /* steps of the decay */
    double rest = 1.0;                              /* what is left of it, 1 to 0 */

    if (t < opt->warmup) {
        return opt->lr * (double)t / (double)opt->warmup;
    }
    if (decay > 0) {
        rest = t < opt->steps ? (double)(opt->steps - t) / (double)decay : 0.0;
    }
    switch (opt->schedule) {
    case EAGLE_SCHEDULE_CONSTANT: rest = 1.0; break;
    case EAGLE_SCHEDULE_LINEAR: break;
    case EAGLE_SCHEDULE_COSINE: rest = half_wave(rest); break;
    }
    return opt->lr * (opt->lr_floor + (1.0 - opt->lr_floor) * rest);
}

/* ---- clipping -------------------------------------------------------------------------- */

static eg_real clip(eg_real g, eg_real most)
{
    return g > most ? most : g < -most ? -most : g;
}

/* First and one past the last element of a part. */
static size_t part_begin(size_t n, size_t part)
{
    const size_t size = (n + PARTS - 1) / PARTS;

    return part * size < n ? part * size : n;
}

/* Sums of squares of all gradients: as they are, and with each element clipped to +- most. */
static void squares(double *plain, double *clipped, const eg_real *grad, size_t n, eg_real most)
{
    double plain_part[PARTS];
    double clipped_part[PARTS];

#pragma omp parallel for num_threads(eg_train_n_threads())
    for (size_t part = 0; part < PARTS; part++) {
        double a = 0.0;
        double b = 0.0;

        for (size_t i = part_begin(n, part); i < part_begin(n, part + 1); i++) {
            const double g = (double)grad[i];
            const double c = (double)clip(grad[i], most);

            a += g * g;
            b += c * c;
        }
        plain_part[part] = a;
        clipped_part[part] = b;
    }
    *plain = 0.0;
    *clipped = 0.0;
    for (size_t part = 0; part < PARTS; part++) {
        *plain += plain_part[part];
        *clipped += clipped_part[part];
    }
}

/* ---- the step -------------------------------------------------------------------------- */

/* The numbers of one step, rounded once. */
typedef struct {
    eg_real most;  /* of a gradient's element: value clipping      */
    eg_real share; /* of each gradient that is left: norm clipping */
    eg_real keep;  /* 1 - lr x decay                               */
    eg_real b1;    /* beta1, and what it leaves                    */
    eg_real b1_rest;
    eg_real b2;
    eg_real b2_rest;
    eg_real rate;   /* lr / (1 - beta1^t)                           */
    eg_real spread; /* sqrt(1 - beta2^t)                            */
    eg_real eps;
} step_numbers;

static step_numbers numbers_of(const eg_adamw_options *opt, int64_t t)
{
    const double lr = eg_adamw_rate(opt, t);

    return (step_numbers){
        .most = opt->clip_value > 0.0 ? (eg_real)opt->clip_value : (eg_real)INFINITY,
        .share = 1,
        .keep = (eg_real)(1.0 - lr * opt->weight_decay),
        .b1 = (eg_real)opt->beta1,
        .b1_rest = (eg_real)(1.0 - opt->beta1),
        .b2 = (eg_real)opt->beta2,
        .b2_rest = (eg_real)(1.0 - opt->beta2),
        .rate = (eg_real)(lr / (1.0 - power(opt->beta1, t))),
        .spread = (eg_real)sqrt(1.0 - power(opt->beta2, t)),
        .eps = (eg_real)opt->eps,
    };
}

/* Elements [i, end). */
static void move(eg_parameters *p, eg_adamw *state, const step_numbers *s, size_t i, size_t end)
{
    for (; i < end; i++) {
        const eg_real g = s->share * clip(p->grad[i], s->most);
        const eg_real m = s->b1 * state->m[i] + s->b1_rest * g;
        const eg_real v = s->b2 * state->v[i] + s->b2_rest * g * g;

        state->m[i] = m;
        state->v[i] = v;
        p->value[i] = s->keep * p->value[i] - s->rate * m / (eg_real_sqrt(v) / s->spread + s->eps);
        p->grad[i] = 0;
    }
}

double eg_adamw_step(eg_parameters *p, eg_adamw *state, const eg_adamw_options *opt, int64_t t)
{
    step_numbers s = numbers_of(opt, t);
    double plain;
    double clipped;

    squares(&plain, &clipped, p->grad, p->n, s.most);

    const double norm = sqrt(plain);

    if (!isfinite(norm)) {
        memset(p->grad, 0, p->n * sizeof *p->grad);
        return norm;
    }
    if (opt->clip_norm > 0.0) {
        const double share = opt->clip_norm / (sqrt(clipped) + 1e-6); /* torch's guard against 0 */

        s.share = share < 1.0 ? (eg_real)share : 1;
    }
#pragma omp parallel for num_threads(eg_train_n_threads())
    for (size_t part = 0; part < PARTS; part++) {
        move(p, state, &s, part_begin(p->n, part), part_begin(p->n, part + 1));
    }
    return norm;
}
