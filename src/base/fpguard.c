/* SPDX-License-Identifier: MIT */
/* fpguard.c - is this thread's floating-point environment the one the contract needs?
 *
 * Known answers first: they test what the compiled code does, on any CPU. Control registers
 * after them, for modes that change only NaNs or half-precision conversions. */
#include "base/fpguard.h"

#include <float.h>
#include <math.h>
#include <stddef.h>
#include <stdint.h>

#if FLT_EVAL_METHOD != 0
#error "float expressions must be evaluated in float: on 32-bit x86 add -msse2 -mfpmath=sse"
#endif
#ifdef __FAST_MATH__
#error "fast-math changes the bits: eagle refuses to be built with it"
#endif

/* Ties in both directions: together they tell nearest-even from every other mode. */
static const char *rounding_fault(void)
{
    volatile float one = 1.0f;
    volatile float half_ulp = 0x1p-24f;

    if (one + half_ulp != 1.0f || -one - half_ulp != -1.0f || one + 3 * half_ulp != 0x1.000004p0f) {
        return "float rounding is not to nearest even";
    }
    volatile double wide = 1.0;
    volatile double half_wide = 0x1p-53;

    if (wide + half_wide != 1.0 || -wide - half_wide != -1.0 ||
        wide + 3 * half_wide != 0x1.0000000000002p0) {
        return "double rounding is not to nearest even";
    }
    return NULL;
}

static const char *subnormal_fault(void)
{
    volatile float smallest = FLT_MIN;
    volatile float subnormal = 0x1p-140f;

    if (smallest * 0.5f != 0x1p-127f) {
        return "subnormal results are flushed to zero (FTZ)";
    }
    if (subnormal * 0x1p20f != 0x1p-120f) {
        return "subnormal operands are read as zero (DAZ)";
    }
    return NULL;
}

static const char *fma_fault(void)
{
    volatile float a = 1.0f + 0x1p-12f; /* a a = 1 + 2^-11 + 2^-24, a tie between two floats */
    volatile float above = 0x1p-80f;    /* breaks the tie upwards; a sum in double loses it   */
    volatile double b = 1.0 + 0x1p-30;

    if (fmaf(a, a, above) != 0x1.002002p0f || fmaf(a, a, -(1.0f + 0x1p-11f)) != 0x1p-24f) {
        return "fmaf rounds more than once";
    }
    if (fma(b, b, -(1.0 + 0x1p-29)) != 0x1p-60) {
        return "fma rounds more than once";
    }
    return NULL;
}

static const char *register_fault(void)
{
#if defined(__x86_64__)
    uint32_t mxcsr;

    __asm__ volatile("stmxcsr %0" : "=m"(mxcsr));
    if (mxcsr & 0x8000u) {
        return "MXCSR.FTZ is set: subnormal results are flushed to zero";
    }
    if (mxcsr & 0x0040u) {
        return "MXCSR.DAZ is set: subnormal operands are read as zero";
    }
#elif defined(__aarch64__)
    uint64_t fpcr;

    __asm__ volatile("mrs %0, fpcr" : "=r"(fpcr));
    if (fpcr >> 24 & 1u) {
        return "FPCR.FZ is set: subnormals are flushed to zero";
    }
    if (fpcr >> 25 & 1u) {
        return "FPCR.DN is set: NaNs lose their payload";
    }
    if (fpcr >> 26 & 1u) {
        return "FPCR.AHP is set: half precision is not IEEE's";
    }
#endif
    return NULL;
}

const char *eg_fpguard_fault(void)
{
    const char *fault = rounding_fault();

    fault = fault == NULL ? subnormal_fault() : fault;
    fault = fault == NULL ? fma_fault() : fault;
    return fault == NULL ? register_fault() : fault;
}
