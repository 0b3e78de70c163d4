/* SPDX-License-Identifier: MIT */
/* selftest.c - does this machine compute what docs/canonical-order.md says? */
#include "eagle/selftest.h"

#include "base/error.h"
#include "base/fpguard.h"
#include "base/team.h"
#include "eagle/runtime.h"
#include "sample/draws.h"
#include "selftest/agree.h"
#include "selftest/elementary.h"

#include <inttypes.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <string.h>

/* SHA-256 of 2^20 results each of exp, log, sin, cos: the same on every machine. MPFR gave the same
 * results (tests/kernels/test_mathf.c). */
static const char elementary_digest[] =
    "7dfca63fcc863eaf702e8c736f96a37b6c6579af6cb1575be7a4d5cafb4e0d43";

/* The run so far. */
typedef struct {
    const eagle_selftest_options *opt;
    int threads;
    bool failed;
    bool unfit; /* the floating-point environment */
} selftest;

static void tell(selftest *t, const char *check, bool passed, const char *detail)
{
    t->failed = t->failed || !passed;
    if (t->opt->report != NULL) {
        t->opt->report(t->opt->ctx, check, passed, detail);
    }
}

/* ---- environment ----------------------------------------------------------------------- */

static void *guard(void *fault)
{
    *(const char **)fault = eg_fpguard_fault();
    return NULL;
}

/* New threads too: some runtimes start them with other control registers. */
static void check_environment(selftest *t)
{
    const char *fault = eg_fpguard_fault();
    char detail[160];
    int n = 1;

    for (; n < t->threads && fault == NULL; n++) {
        pthread_t thread;

        if (pthread_create(&thread, NULL, guard, &fault) != 0) {
            break;
        }
        pthread_join(thread, NULL);
    }
    snprintf(detail, sizeof detail, "%s (%d thread%s)",
             fault == NULL ? "nearest even, subnormals kept, fma rounds once" : fault, n,
             n == 1 ? "" : "s");
    t->unfit = fault != NULL;
    tell(t, "floating-point environment", fault == NULL, detail);
}

/* ---- functions and kernels -------------------------------------------------------------- */

static void check_elementary(selftest *t, const eg_kernels *kernels)
{
    char name[64];
    char hex[65];

    snprintf(name, sizeof name, "exp, log, sin, cos (%s)", eagle_isa_name(kernels->isa));
    eg_elementary_digest(hex, kernels->exp);
    tell(t, name, strcmp(hex, elementary_digest) == 0, hex);
}

static void check_kernels(selftest *t, const eg_kernels *kernels)
{
    const int seeds = 20;
    const eg_kernels *portable = eg_kernels_for(EAGLE_ISA_PORTABLE);
    const char *differs = NULL;
    char name[64];
    char detail[96];
    int seed = 1;

    for (; seed <= seeds; seed++) {
        differs = eg_kernels_differ(kernels, portable, (uint64_t)seed);
        if (differs != NULL) {
            break;
        }
    }
    if (differs == NULL) {
        snprintf(detail, sizeof detail, "the bits of the portable ones, %d seeds", seeds);
    } else {
        snprintf(detail, sizeof detail, "%s is not portable's, seed %d", differs, seed);
    }
    snprintf(name, sizeof name, "kernels (%s)", eagle_isa_name(kernels->isa));
    tell(t, name, differs == NULL, detail);
}

static void check_instruction_sets(selftest *t)
{
    static const eagle_isa all[] = {EAGLE_ISA_PORTABLE, EAGLE_ISA_AVX2, EAGLE_ISA_AVX512,
                                    EAGLE_ISA_NEON};

    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        const eg_kernels *kernels = eg_kernels_for(all[i]);

        if (kernels == NULL) {
            continue;
        }
        check_elementary(t, kernels);
        if (all[i] != EAGLE_ISA_PORTABLE) {
            check_kernels(t, kernels);
        }
    }
}

/* ---- random words ---------------------------------------------------------------------- */

/* The vectors published with the generator (Random123, kat_vectors). */
static void check_philox(selftest *t)
{
    static const struct {
        uint32_t counter[4];
        uint32_t key[2];
        uint32_t word[4];
    } known[] = {
        {{0, 0, 0, 0}, {0, 0}, {0x6627e8d5, 0xe169c58d, 0xbc57ac4c, 0x9b00dbd8}},
        {{0xffffffff, 0xffffffff, 0xffffffff, 0xffffffff},
         {0xffffffff, 0xffffffff},
         {0x408f276d, 0x41c83b0e, 0xa20bc7c6, 0x6d5451fd}},
        {{0x243f6a88, 0x85a308d3, 0x13198a2e, 0x03707344},
         {0xa4093822, 0x299f31d0},
         {0xd16cfe09, 0x94fdcceb, 0x5001e420, 0x24126ea1}},
    };
    bool passed = true;

    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        uint32_t word[4];

        eg_philox4x32(word, known[i].counter, known[i].key);
        passed = passed && memcmp(word, known[i].word, sizeof word) == 0;
    }
    tell(t, "Philox4x32-10", passed, "the published known answers");
}

/* ---- every input ------------------------------------------------------------------------ */

typedef struct {
    selftest *test;
    const char *function;
    int last; /* percent */
} proof_progress;

static void progress(void *ctx, double done)
{
    proof_progress *p = ctx;
    int percent = (int)(100 * done);
    char detail[64];

    if (percent != p->last && p->test->opt->report != NULL) {
        p->last = percent;
        snprintf(detail, sizeof detail, "%d %%", percent);
        p->test->opt->report(p->test->opt->ctx, p->function, -1, detail);
    }
}

static eagle_status check_every_input(selftest *t, const eg_elementary *f, eagle_error *err)
{
    const uint32_t sample = 1 << 18;
    char name[64];
    char detail[200];
    eg_evidence sampled;
    eg_evidence all;

    snprintf(name, sizeof name, "every input of %s", f->name);

    proof_progress tells = {.test = t, .function = name, .last = -1};
    eagle_status st = eg_elementary_compare(&sampled, f, sample, err);

    if (st == EAGLE_OK) {
        st = eg_elementary_prove(&all, f, t->threads, progress, &tells, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    int n = snprintf(
        detail, sizeof detail,
        "%" PRIu64 " inputs, %" PRIu64 " wrong, %" PRIu64
        " near a middle and decided by MPFR; %" PRIu32 " doubles within 2^%.1f of the truth",
        all.inputs, all.wrong + sampled.wrong, all.asked, sample, log2(sampled.worst_error));

    if (all.wrong + sampled.wrong > 0 && n > 0 && (size_t)n < sizeof detail) {
        snprintf(detail + n, sizeof detail - (size_t)n, "; such as %a",
                 (double)(all.wrong > 0 ? all.example : sampled.example));
    }
    tell(t, name, all.wrong + sampled.wrong == 0, detail);
    return EAGLE_OK;
}

eagle_status eagle_selftest(const eagle_selftest_options *opt, eagle_error *err)
{
    selftest t = {.opt = opt, .threads = opt->threads > 0 ? opt->threads : eagle_cpu_count()};
    eagle_status st = EAGLE_OK;

    if (opt->threads < 0 || opt->threads > EG_MAX_THREADS) {
        return eg_fail(err, EAGLE_EINVAL, "selftest: %d threads; 0 to %d are allowed", opt->threads,
                       EG_MAX_THREADS);
    }
    check_environment(&t);
    if (t.unfit) {
        return eg_fail(err, EAGLE_ENUMERIC, "unfit floating-point environment: %s",
                       eg_fpguard_fault());
    }
    check_instruction_sets(&t);
    check_philox(&t);
    for (int i = 0; i < EG_N_ELEMENTARY && opt->exhaustive && st == EAGLE_OK; i++) {
        st = check_every_input(&t, &eg_elementaries[i], err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    return t.failed
               ? eg_fail(err, EAGLE_EFAILED, "selftest: this machine does not keep the contract")
               : EAGLE_OK;
}
