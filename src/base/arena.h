/* SPDX-License-Identifier: MIT */
/* arena.h - all the memory of one object: taken piece by piece when it is made, freed at once,
 * or only counted.
 *
 * The code that lays an object out runs the same way in all cases: in an arena that counts, and
 * after a failure, a piece is NULL, and the caller looks at `failed` once, at the end. */
#ifndef EG_BASE_ARENA_H
#define EG_BASE_ARENA_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What memory is for: the lines of a bill. */
typedef enum {
    EG_FOR_TARGET_KV,
    EG_FOR_HEAD_KV,
    EG_FOR_WORK,
    EG_FOR_WEIGHTS,     /* training: parameters, gradients, moments          */
    EG_FOR_ACTIVATIONS, /* training: what a step keeps for its way back      */
    EG_FOR_FROZEN,      /* training of a head: the target's part             */
    EG_N_PURPOSES
} eg_purpose;

typedef struct eg_piece eg_piece;

/* Zeroed, it is an empty arena. */
typedef struct {
    bool count_only;               /* nothing is allocated          */
    bool failed;                   /* a piece could not be had      */
    uint64_t bytes[EG_N_PURPOSES]; /* asked for so far              */
    eg_piece *last;
} eg_arena;

/* n zeroed elements of `size` bytes, aligned to EG_ALIGN; NULL as said above. */
void *eg_arena_take(eg_arena *arena, eg_purpose purpose, size_t n, size_t size);

/* n floats for work. */
float *eg_arena_floats(eg_arena *arena, size_t n);

void eg_arena_free(eg_arena *arena);

#endif
