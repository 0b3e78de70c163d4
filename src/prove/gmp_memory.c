/* SPDX-License-Identifier: MIT */
/* gmp_memory.c - GMP cannot say that there is no memory: who calls it says how the program ends
 * then. */
#include "eagle/prove.h"

#include <gmp.h>
#include <stdlib.h>

static eagle_no_memory_fn *give_up;

static void *or_give_up(void *block)
{
    if (block == NULL) {
        give_up();
        abort(); /* GMP writes to what it gets */
    }
    return block;
}

static void *take(size_t size)
{
    return or_give_up(malloc(size));
}

static void *resize(void *block, size_t old_size, size_t size)
{
    (void)old_size;
    return or_give_up(realloc(block, size));
}

static void release(void *block, size_t size)
{
    (void)size;
    free(block);
}

void eagle_prove_on_no_memory(eagle_no_memory_fn *fn)
{
    give_up = fn;
    if (fn != NULL) {
        mp_set_memory_functions(take, resize, release);
    } else {
        mp_set_memory_functions(NULL, NULL, NULL);
    }
}
