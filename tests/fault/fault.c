/* SPDX-License-Identifier: MIT */
/* fault.c - allocations that fail when told to, and are counted while they live.
 *
 * The linker's --wrap sends calls of malloc here, and __real_malloc is the true one. Blocks
 * are known by their address: what libc allocated for itself, such as a FILE, is
 * freed by libc and never seen, and what it hands out to be freed is simply not known. */
#include "fault/fault.h"

#include <errno.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

void *__real_malloc(size_t size);
void *__real_calloc(size_t n, size_t size);
void *__real_realloc(void *block, size_t size);
void *__real_aligned_alloc(size_t alignment, size_t size);
void __real_free(void *block);
void *__wrap_malloc(size_t size);
void *__wrap_calloc(size_t n, size_t size);
void *__wrap_realloc(void *block, size_t size);
void *__wrap_aligned_alloc(size_t alignment, size_t size);
void __wrap_free(void *block);

#define SLOTS (1u << 20) /* a power of two, far more than blocks ever live at once */

static pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
static void *slots[SLOTS]; /* open hash table of living blocks; NULL: free for good */
static char gone;          /* its address marks a slot whose block was freed        */
static long n_live;
static long n_asked;
static long fail_at;

static size_t hash(const void *block)
{
    return (size_t)(((uintptr_t)block >> 4) * UINT64_C(0x9E3779B97F4A7C15) >> 40) & (SLOTS - 1);
}

/* True when this allocation is the one that has to fail. */
static bool fails(void)
{
    pthread_mutex_lock(&lock);
    bool now = ++n_asked == fail_at;

    pthread_mutex_unlock(&lock);
    if (now) {
        errno = ENOMEM;
    }
    return now;
}

static void *remember(void *block)
{
    if (block == NULL) {
        return NULL;
    }
    pthread_mutex_lock(&lock);
    size_t i = hash(block);
    size_t tried = 0;

    while (slots[i] != NULL && slots[i] != &gone && tried < SLOTS) {
        i = (i + 1) & (SLOTS - 1);
        tried++;
    }
    if (tried == SLOTS) {
        fputs("fault.c: SLOTS is too small\n", stderr);
        abort();
    }
    slots[i] = block;
    n_live++;
    pthread_mutex_unlock(&lock);
    return block;
}

static void forget(const void *block)
{
    if (block == NULL) {
        return;
    }
    pthread_mutex_lock(&lock);
    size_t i = hash(block);

    for (size_t tried = 0; slots[i] != NULL && tried < SLOTS; tried++) {
        if (slots[i] == block) {
            slots[i] = &gone;
            n_live--;
            break;
        }
        i = (i + 1) & (SLOTS - 1);
    }
    pthread_mutex_unlock(&lock);
}

void *__wrap_malloc(size_t size)
{
    return fails() ? NULL : remember(__real_malloc(size));
}

void *__wrap_calloc(size_t n, size_t size)
{
    return fails() ? NULL : remember(__real_calloc(n, size));
}

void *__wrap_aligned_alloc(size_t alignment, size_t size)
{
    return fails() ? NULL : remember(__real_aligned_alloc(alignment, size));
}

void *__wrap_realloc(void *block, size_t size)
{
    if (fails()) {
        return NULL; /* the old block lives on, as the standard has it */
    }
    forget(block); /* first: afterwards another thread may have the address */
    return remember(__real_realloc(block, size));
}

void __wrap_free(void *block)
{
    forget(block);
    __real_free(block);
}

void fault_arm(long n)
{
    pthread_mutex_lock(&lock);
    n_asked = 0;
    fail_at = n;
    pthread_mutex_unlock(&lock);
}

long fault_disarm(void)
{
    pthread_mutex_lock(&lock);
    long asked = n_asked;

    fail_at = 0;
    pthread_mutex_unlock(&lock);
    return asked;
}

long fault_live(void)
{
    pthread_mutex_lock(&lock);
    long live = n_live;

    pthread_mutex_unlock(&lock);
    return live;
}

/* At most about so many allocations of one attempt are failed. */
#define MOST_FAILURES 1500

void fault_each_in_turn(const char *what, fault_attempt *attempt)
{
    eagle_error err = {EAGLE_OK, ""};
    const long live = fault_live();
    long failures = 0;

    fault_arm(0);
    assert_int_equal(attempt(&err), EAGLE_OK);
    const long n = fault_disarm();

    assert_true(n > 0);
    assert_int_equal(fault_live(), live);
    for (long i = 1; i <= n; i += 1 + n / MOST_FAILURES) {
        err = (eagle_error){EAGLE_OK, ""};
        fault_arm(i);
        const eagle_status st = attempt(&err);

        fault_disarm();
        if (st != EAGLE_ENOMEM || fault_live() != live || err.message[0] == '\0') {
            fail_msg("%s, allocation %ld of %ld: status \"%s\", %ld blocks left, message \"%s\"",
                     what, i, n, eagle_status_name(st), fault_live() - live, err.message);
        }
        failures++;
    }
    printf("count: %ld of %ld allocations of %s failed in turn\n", failures, n, what);
}
