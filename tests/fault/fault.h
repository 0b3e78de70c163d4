/* SPDX-License-Identifier: MIT */
/* fault.h - allocations that fail when told to, and are counted while they live.
 *
 * The programs of tests/fault are linked so that malloc, calloc, realloc, aligned_alloc
 * and free of eagle's own code come here. Libraries keep the true ones: jansson 2.14 for one
 * drops characters from a text, or corrupts the heap, when its own allocations fail, and no
 * caller can see it. */
#ifndef TESTS_FAULT_FAULT_H
#define TESTS_FAULT_FAULT_H

#include "eagle/status.h"

#include <stdbool.h>

/* From now on allocation number `n` (from 1) fails, once; 0: none fails. Counts from 0 again. */
void fault_arm(long n);

/* Ends it. Returns how many allocations were asked for since fault_arm(). */
long fault_disarm(void);

/* Blocks that were allocated and not freed yet. */
long fault_live(void);

/* Does something and undoes it; returns how that went. */
typedef eagle_status fault_attempt(eagle_error *err);

/* Fails each allocation of an attempt in turn, or every k-th where there are very many: the attempt
 * must end in EAGLE_ENOMEM with a message, and leave no block behind. Counts them on stdout. */
void fault_each_in_turn(const char *what, fault_attempt *attempt);

#endif
