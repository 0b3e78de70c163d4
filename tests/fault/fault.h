/* SPDX-License-Identifier: MIT */
/* fault.h - allocations that fail when told to, and are counted while they live.
 *
 * The programs of tests/fault are linked so that malloc, calloc, realloc, aligned_alloc
 * and free of eagle's own code come here; jansson's come by its hook. */
#ifndef TESTS_FAULT_FAULT_H
#define TESTS_FAULT_FAULT_H

#include <stdbool.h>

/* Routes jansson's allocations here too. Call it first. */
void fault_install(void);

/* From now on allocation number `n` (from 1) fails, once; 0: none fails. Counts from 0 again. */
void fault_arm(long n);

/* Ends it. Returns how many allocations were asked for since fault_arm(). */
long fault_disarm(void);

/* Blocks that were allocated and not freed yet. */
long fault_live(void);

#endif
