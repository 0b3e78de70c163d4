/* SPDX-License-Identifier: MIT */
/* fault.h - allocations that fail when told to, and are counted while they live.
 *
 * The programs of tests/fault are linked so that malloc, calloc, realloc, aligned_alloc
 * and free of eagle's own code come here. Libraries keep the true ones: jansson 2.14 for one
 * drops characters from a text, or corrupts the heap, when its own allocations fail, and no
 * caller can see it. */
#ifndef TESTS_FAULT_FAULT_H
#define TESTS_FAULT_FAULT_H

#include <stdbool.h>

/* From now on allocation number `n` (from 1) fails, once; 0: none fails. Counts from 0 again. */
void fault_arm(long n);

/* Ends it. Returns how many allocations were asked for since fault_arm(). */
long fault_disarm(void);

/* Blocks that were allocated and not freed yet. */
long fault_live(void);

#endif
