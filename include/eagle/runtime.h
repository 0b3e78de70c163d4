/* SPDX-License-Identifier: MIT */
/* runtime.h - the machine and the build: instruction sets, threads, memory, parts, digests.
 *
 * Nothing here has state; every call may be made from any thread. */
#ifndef EAGLE_RUNTIME_H
#define EAGLE_RUNTIME_H

#include "eagle/status.h"

#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Instruction sets. All give the same bits (docs/canonical-order.md). AUTO is
 * the best one of this CPU. */
typedef enum {
    EAGLE_ISA_AUTO,
    EAGLE_ISA_PORTABLE,
    EAGLE_ISA_AVX2,   /* AVX2, FMA and F16C */
    EAGLE_ISA_AVX512, /* AVX-512 F, BW, DQ, VL */
    EAGLE_ISA_NEON
} eagle_isa;

/* EXACT is the canonical arithmetic. FAST lets OpenBLAS multiply prompts: not
 * canonical, other bits, and every report says so. */
typedef enum { EAGLE_MATH_EXACT, EAGLE_MATH_FAST } eagle_math;

/* Reads "auto", "portable", "avx2", "avx512" or "neon". EAGLE_EINVAL when the name is
 * unknown, or when this CPU, its operating system or this build cannot honour it. */
EAGLE_API eagle_status eagle_isa_parse(eagle_isa *out, const char *name, eagle_error *err);
EAGLE_API const char *eagle_isa_name(eagle_isa isa);

/* The best instruction set here; never AUTO. */
EAGLE_API eagle_isa eagle_isa_best(void);

/* True when `isa` can run here (AUTO and PORTABLE always can). */
EAGLE_API int eagle_isa_usable(eagle_isa isa);

/* CPUs this process may use: affinity mask and cgroup quota, at least 1, at most 64. */
EAGLE_API int eagle_cpu_count(void);

/* The CPU's name as it gives it, for reports; "unknown" if it gives none. */
EAGLE_API const char *eagle_cpu_name(void);

/* Bytes of memory this process may hope for: free memory or the cgroup's limit,
 * whichever is less; 0 if unknown. */
EAGLE_API uint64_t eagle_memory_available(void);

/* Seconds of a clock that never goes back. */
EAGLE_API double eagle_clock(void);

/* Of n measurements, none of them a NaN, which are sorted: their median, and what a tenth of them
 * lies below and above. Zeros for n == 0. */
typedef struct {
    double median;
    double low;
    double high;
} eagle_spread;

EAGLE_API eagle_spread eagle_spread_of(double *x, int32_t n);

/* Version of the program, and of the canonical arithmetic it computes ("C0/kv=f32"). */
EAGLE_API const char *eagle_version(void);
EAGLE_API const char *eagle_contract(void);

/* Parts that depend on libraries: i counts from 0; returns NULL past the last one. */
typedef struct {
    const char *name;    /* "tokenizer"                                     */
    int present;         /* built in?                                       */
    const char *library; /* "PCRE2 10.42, utf8proc 2.8.0", or what is missing: "libpcre2-dev" */
} eagle_part;
EAGLE_API const eagle_part *eagle_part_at(int i);

/* SHA-256 (FIPS 180-4), for digests of logits and states. */
typedef struct {
    uint32_t state[8];
    uint64_t n_bytes;
    unsigned char block[64];
} eagle_sha256;
EAGLE_API void eagle_sha256_init(eagle_sha256 *sha);
EAGLE_API void eagle_sha256_update(eagle_sha256 *sha, const void *data, size_t size);
/* Appends `n` floats as little-endian binary32, whatever this machine's byte order. */
EAGLE_API void eagle_sha256_floats(eagle_sha256 *sha, const float *data, size_t n);
/* Writes 64 hexadecimal digits and a NUL; `sha` must be initialised again before reuse. */
EAGLE_API void eagle_sha256_hex(char hex[65], eagle_sha256 *sha);

#ifdef __cplusplus
}
#endif
#endif
