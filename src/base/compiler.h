/* SPDX-License-Identifier: MIT */
/* compiler.h - two requests to the optimiser that C has no words for. Neither changes a result. */
#ifndef EG_BASE_COMPILER_H
#define EG_BASE_COMPILER_H

/* A function to be inlined at every call, so that its constant arguments become constants. */
#if defined(__GNUC__)
#define EG_INLINE static inline __attribute__((always_inline))
#else
#define EG_INLINE static inline
#endif

/* Before a loop of a few iterations: write them out, so that arrays of registers are registers. */
#if defined(__clang__)
#define EG_UNROLL _Pragma("unroll")
#elif defined(__GNUC__)
#define EG_UNROLL _Pragma("GCC unroll 32")
#else
#define EG_UNROLL
#endif

#endif
