/* SPDX-License-Identifier: MIT */
/* lib_kernels.h - compares the kernels of a table with the portable definitions, bit for bit.
 *
 * Plain C without a test framework, so that a cross-compiled program can use it too. */
#ifndef EG_TESTS_LIB_KERNELS_H
#define EG_TESTS_LIB_KERNELS_H

#include "kernels/kernels.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A check runs the same calls on `k` and on the portable table. On the first difference it says on
 * stderr what differed and where, and returns false. */
typedef struct {
    const char *name; /* a sentence */
    bool (*run)(const eg_kernels *k);
} kernel_check;

extern const kernel_check kernel_checks[];
extern const size_t n_kernel_checks;

/* FNV-1a over the bits of what the table's kernels compute from fixed inputs: one number for all
 * machines. */
uint64_t kernel_hash(const eg_kernels *k);

#endif
