/* SPDX-License-Identifier: MIT */
/* runtime.c - instruction sets by name, versions, and the parts of this build. */
#include "eagle/runtime.h"

#include "base/cpu.h"
#include "base/error.h"

#include <stdbool.h>
#include <string.h>
#include <time.h>

static const char *const isa_names[] = {
    [EAGLE_ISA_AUTO] = "auto",     [EAGLE_ISA_PORTABLE] = "portable", [EAGLE_ISA_AVX2] = "avx2",
    [EAGLE_ISA_AVX512] = "avx512", [EAGLE_ISA_NEON] = "neon",
};

#define N_ISAS (sizeof isa_names / sizeof isa_names[0])

const char *eagle_isa_name(eagle_isa isa)
{
    return (size_t)isa < N_ISAS ? isa_names[isa] : "unknown";
}

int eagle_isa_usable(eagle_isa isa)
{
    eg_cpu cpu = eg_cpu_detect();
    bool avx2 = cpu.avx2 && cpu.fma && cpu.f16c;

    switch (isa) {
    case EAGLE_ISA_AUTO: return 1;
    case EAGLE_ISA_PORTABLE: return 1;
    case EAGLE_ISA_AVX2: return avx2;
    case EAGLE_ISA_AVX512: return avx2 && cpu.avx512; /* its files are compiled with both */
    case EAGLE_ISA_NEON: return cpu.neon;
    }
    return 0;
}

eagle_isa eagle_isa_best(void)
{
    static const eagle_isa from_best[] = {EAGLE_ISA_AVX512, EAGLE_ISA_AVX2, EAGLE_ISA_NEON};

    for (size_t i = 0; i < sizeof from_best / sizeof from_best[0]; i++) {
        if (eagle_isa_usable(from_best[i])) {
            return from_best[i];
        }
    }
    return EAGLE_ISA_PORTABLE;
}

eagle_status eagle_isa_parse(eagle_isa *out, const char *name, eagle_error *err)
{
    *out = EAGLE_ISA_AUTO;
    for (size_t i = 0; i < N_ISAS; i++) {
        if (strcmp(name, isa_names[i]) != 0) {
            continue;
        }
        if (!eagle_isa_usable((eagle_isa)i)) {
            return eg_fail(
                err, EAGLE_EINVAL,
                "instruction set %s: not on this CPU and its system; the best here is %s", name,
                eagle_isa_name(eagle_isa_best()));
        }
        *out = (eagle_isa)i;
        return EAGLE_OK;
    }
    return eg_fail(err, EAGLE_EINVAL,
                   "instruction set '%s': not one of auto, portable, avx2, avx512, neon", name);
}

const char *eagle_version(void)
{
    return EG_VERSION;
}

/* The name says what is stored how; the number changes with any bit of any result. */
const char *eagle_contract(void)
{
    return "C0/kv=f32 1.0";
}

double eagle_clock(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static const eagle_part parts[] = {
#ifdef EG_HAVE_JSON
    {"formats", 1, "jansson"},
#else
    {"formats", 0, "libjansson-dev"},
#endif
#ifdef EG_HAVE_TEXT
    {"tokenizer", 1, "PCRE2, utf8proc"},
#else
    {"tokenizer", 0, "libpcre2-dev, libutf8proc-dev"},
#endif
#ifdef EG_HAVE_BLAS
    {"math fast", 1, "OpenBLAS"},
#else
    {"math fast", 0, "libopenblas-openmp-dev"},
#endif
#ifdef EG_HAVE_MPFR
    {"exhaustive selftest", 1, "MPFR"},
    {"check-samples", 1, "MPFR"},
#else
    {"exhaustive selftest", 0, "libmpfr-dev"},
    {"check-samples", 0, "libmpfr-dev"},
#endif
#ifdef EG_HAVE_GMP
    {"prove", 1, "GMP"},
#else
    {"prove", 0, "libgmp-dev"},
#endif
};

const eagle_part *eagle_part_at(int i)
{
    int n = (int)(sizeof parts / sizeof parts[0]);

    return i >= 0 && i < n ? &parts[i] : NULL;
}
