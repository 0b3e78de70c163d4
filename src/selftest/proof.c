/* SPDX-License-Identifier: MIT */
/* proof.c - exp, log, sin, cos against MPFR.
 *
 * Every input, in two steps. The double d before rounding errs by less than 2^-51 of the truth,
 * which is at most STEPS doubles to either side. If both ends of that interval round to the same
 * float then so does the truth between them, because rounding is monotone. Only where they do
 * not is MPFR asked, and its answer compared. */
#include "selftest/elementary.h"

#include "base/error.h"
#include "base/team.h"

#ifdef EG_HAVE_MPFR

#include <math.h>
#include <mpfr.h>
#include <pthread.h>
#include <string.h>

/* Neighbouring doubles differ by at least 2^-53 of their value, so 4 steps are 2^-51. */
#define STEPS 4

/* MPFR's own precision. It rounds again, to float: wrong only within 2^-160 of a middle, where
 * no result of these functions is known to lie. */
#define BITS 160

/* Inputs per unit of work. */
#define CHUNK ((uint64_t)1 << 22)

typedef struct {
    mpfr_t x;
    mpfr_t y;
    mpfr_t error;
} judge;

static void judge_init(judge *j)
{
    mpfr_inits2(BITS, j->x, j->y, j->error, (mpfr_ptr)0);
}

static void judge_clear(judge *j)
{
    mpfr_clears(j->x, j->y, j->error, (mpfr_ptr)0);
    mpfr_free_cache();
}

static void ask(judge *j, const eg_elementary *f, float x)
{
    static int (*const truth[EG_N_ELEMENTARY])(mpfr_t, const mpfr_t, mpfr_rnd_t) = {
        mpfr_exp, mpfr_log, mpfr_sin, mpfr_cos};

    mpfr_set_flt(j->x, x, MPFR_RNDN);
    truth[f - eg_elementaries](j->y, j->x, MPFR_RNDN);
}

static double double_of(uint64_t u)
{
    double d;

    memcpy(&d, &u, sizeof d);
    return d;
}

static void wrong(eg_evidence *e, float x)
{
    e->wrong++;
    e->example = x;
}

/* Compares one result and its double with MPFR. */
static void compare(eg_evidence *e, judge *j, const eg_elementary *f, float x)
{
    double d = f->unrounded(x);

    ask(j, f, x);
    e->asked++;
    if (mpfr_get_flt(j->y, MPFR_RNDN) != f->rounded(x)) {
        wrong(e, x);
        return;
    }
    /* exp's double is clamped where its float is 0 or infinity. */
    if (mpfr_zero_p(j->y) || (float)d == 0.0f || isinf((float)d)) {
        return;
    }
    mpfr_sub_d(j->error, j->y, d, MPFR_RNDN);
    mpfr_div(j->error, j->error, j->y, MPFR_RNDN);

    double error = fabs(mpfr_get_d(j->error, MPFR_RNDN));

    e->worst_error = error > e->worst_error ? error : e->worst_error;
    if (error >= EG_UNROUNDED_ERROR) {
        wrong(e, x);
    }
}

eagle_status eg_elementary_compare(eg_evidence *out, const eg_elementary *f, uint32_t n,
                                   eagle_error *err)
{
    judge j;

    (void)err;
    *out = (eg_evidence){.inputs = n};
    judge_init(&j);
    for (uint32_t i = 0; i < n; i++) {
        compare(out, &j, f, eg_elementary_sample(f, i, n));
    }
    judge_clear(&j);
    return EAGLE_OK;
}

/* ---- every input ---------------------------------------------------------------------- */

/* Shared by the threads: the next unit of work, and how to tell of it. */
typedef struct {
    const eg_elementary *f;
    uint64_t n_inputs;
    atomic_uint_fast64_t next;
    void (*progress)(void *ctx, double done);
    void *ctx;
} proof;

typedef struct {
    proof *shared;
    bool reports;
    eg_evidence seen;
} prover;

/* Input number i: 0 .. last, then the negatives. */
static float input(const eg_elementary *f, uint64_t i)
{
    uint64_t n = (uint64_t)f->last + 1;
    uint32_t bits = i < n ? (uint32_t)i : (uint32_t)(i - n) | 0x80000000u;
    float x;

    memcpy(&x, &bits, sizeof x);
    return x;
}

/* The function itself returns its double rounded, but for special arguments; so that calling it
 * too, for every 16th input, suffices. */
static void prove_one(eg_evidence *e, judge *j, const eg_elementary *f, float x, bool call)
{
    double d = f->unrounded(x);
    uint64_t u;

    memcpy(&u, &d, sizeof u);

    float below = (float)double_of(u - STEPS);
    float above = (float)double_of(u + STEPS);

    e->inputs++;
    if (d == 0.0 || below != above) {
        compare(e, j, f, x);
    } else if (call && f->rounded(x) != below) {
        wrong(e, x);
    }
}

static void *prove(void *arg)
{
    prover *p = arg;
    proof *shared = p->shared;
    judge j;

    judge_init(&j);
    for (;;) {
        uint64_t begin = atomic_fetch_add(&shared->next, CHUNK);
        uint64_t end = begin + CHUNK < shared->n_inputs ? begin + CHUNK : shared->n_inputs;

        if (begin >= shared->n_inputs) {
            break;
        }
        if (p->reports && shared->progress != NULL) {
            shared->progress(shared->ctx, (double)begin / (double)shared->n_inputs);
        }
        for (uint64_t i = begin; i < end; i++) {
            float x = input(shared->f, i);

            if (x != 0.0f || shared->f->negative) { /* log(0) is no number */
                prove_one(&p->seen, &j, shared->f, x, i % 16 == 0);
            }
        }
    }
    judge_clear(&j);
    return NULL;
}

static void add_evidence(eg_evidence *sum, const eg_evidence *e)
{
    sum->inputs += e->inputs;
    sum->asked += e->asked;
    sum->wrong += e->wrong;
    sum->example = e->wrong > 0 ? e->example : sum->example;
    sum->worst_error = e->worst_error > sum->worst_error ? e->worst_error : sum->worst_error;
}

eagle_status eg_elementary_prove(eg_evidence *out, const eg_elementary *f, int threads,
                                 void (*progress)(void *ctx, double done), void *ctx,
                                 eagle_error *err)
{
    uint64_t n = ((uint64_t)f->last + 1) * (f->negative ? 2 : 1);
    proof shared = {.f = f, .n_inputs = n, .progress = progress, .ctx = ctx};
    prover prover_of[EG_MAX_THREADS] = {0};
    pthread_t thread[EG_MAX_THREADS];
    int started = 1; /* the caller is the first */

    (void)err;
    *out = (eg_evidence){0};
    atomic_init(&shared.next, 0);
    prover_of[0] = (prover){.shared = &shared, .reports = true};
    while (started < threads && started < EG_MAX_THREADS) {
        prover_of[started] = (prover){.shared = &shared};
        if (pthread_create(&thread[started], NULL, prove, &prover_of[started]) != 0) {
            break; /* fewer threads take longer, and no more */
        }
        started++;
    }
    prove(&prover_of[0]);
    for (int i = 0; i < started; i++) {
        if (i > 0) {
            pthread_join(thread[i], NULL);
        }
        add_evidence(out, &prover_of[i].seen);
    }
    return EAGLE_OK;
}

#else

static eagle_status no_mpfr(eagle_error *err)
{
    return eg_fail(
        err, EAGLE_EUNSUPPORTED,
        "the elementary functions' proof needs MPFR, which this build lacks: libmpfr-dev");
}

eagle_status eg_elementary_compare(eg_evidence *out, const eg_elementary *f, uint32_t n,
                                   eagle_error *err)
{
    (void)f;
    (void)n;
    *out = (eg_evidence){0};
    return no_mpfr(err);
}

eagle_status eg_elementary_prove(eg_evidence *out, const eg_elementary *f, int threads,
                                 void (*progress)(void *ctx, double done), void *ctx,
                                 eagle_error *err)
{
    (void)f;
    (void)threads;
    (void)progress;
    (void)ctx;
    *out = (eg_evidence){0};
    return no_mpfr(err);
}

#endif
