/* SPDX-License-Identifier: MIT */
/* scan.h - reading weights once: for bandwidth, and for values that are not finite. */
#ifndef EG_KERNELS_SCAN_H
#define EG_KERNELS_SCAN_H

#include "eagle/model.h"

#include <stddef.h>
#include <stdint.h>

/* Reads `size` bytes with `threads` threads; the sum of their 64-bit words, which keeps the
 * compiler from leaving the reads out. */
uint64_t eg_scan_bytes(const void *data, size_t size, int threads);

/* Elements of an F32, F16 or BF16 tensor that are NaN or infinite; 0 for other dtypes. */
size_t eg_scan_not_finite(const void *data, eagle_dtype dtype, size_t n, int threads);

#endif
