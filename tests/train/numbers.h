/* SPDX-License-Identifier: MIT */
/* numbers.h - random eg_real arrays for the tests of training, in float and in double. */
#ifndef EG_TESTS_NUMBERS_H
#define EG_TESTS_NUMBERS_H

#include "train/batch.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

enum { MAX_ARRAYS = 256 };

/* Arrays of one test, released together. */
typedef struct {
    uint64_t state; /* the generator's: at first the seed */
    void *array[MAX_ARRAYS];
    size_t n_arrays;
} numbers;

/* The seed of a run: $EG_TEST_SEED, else 1. */
static inline uint64_t numbers_seed(void)
{
    const char *text = getenv("EG_TEST_SEED");

    return text != NULL ? strtoull(text, NULL, 0) : 1;
}

/* splitmix64. */
static inline uint64_t numbers_bits(numbers *r)
{
    uint64_t z = r->state += UINT64_C(0x9e3779b97f4a7c15);

    z = (z ^ z >> 30) * UINT64_C(0xbf58476d1ce4e5b9);
    z = (z ^ z >> 27) * UINT64_C(0x94d049bb133111eb);
    return z ^ z >> 31;
}

static inline size_t numbers_below(numbers *r, size_t n)
{
    return (size_t)(numbers_bits(r) % n);
}

/* In [-1, 1). */
static inline eg_real numbers_one(numbers *r)
{
    return (eg_real)((int32_t)(numbers_bits(r) >> 40) - (1 << 23)) / (1 << 23);
}

/* `size` bytes, whatever they hold. */
static inline void *numbers_room(numbers *r, size_t size)
{
    void *room = malloc(size > 0 ? size : 1);

    if (room == NULL || r->n_arrays == MAX_ARRAYS) {
        fprintf(stderr, "numbers.h: no room\n");
        exit(1);
    }
    r->array[r->n_arrays++] = room;
    return room;
}

static inline eg_real *numbers_new(numbers *r, size_t n)
{
    eg_real *x = numbers_room(r, n * sizeof *x);

    for (size_t i = 0; i < n; i++) {
        x[i] = numbers_one(r);
    }
    return x;
}

static inline void numbers_free(numbers *r)
{
    while (r->n_arrays > 0) {
        free(r->array[--r->n_arrays]);
    }
}

/* A batch of sequences of the given lengths; nothing but `start` is set. */
static inline eg_batch numbers_batch(numbers *r, const int32_t *length, size_t n_sequences)
{
    int32_t *start = numbers_room(r, (n_sequences + 1) * sizeof *start);

    start[0] = 0;
    for (size_t s = 0; s < n_sequences; s++) {
        start[s + 1] = start[s] + length[s];
    }
    return (eg_batch){.n = (size_t)start[n_sequences], .n_sequences = n_sequences, .start = start};
}

/* For cmocka: each test begins with the seed, and releases its arrays. */
static inline int numbers_set_up(void **state)
{
    static numbers r;

    r = (numbers){.state = numbers_seed()};
    *state = &r;
    return 0;
}

static inline int numbers_tear_down(void **state)
{
    numbers_free(*state);
    return 0;
}

#endif
