/* SPDX-License-Identifier: MIT */
/* arena.c - all the memory of one object. Pieces are allocations of their own, chained, so that
 * tools which watch the bounds of an allocation see each of them. */
#include "base/arena.h"

#include "base/alloc.h"

#include <stdlib.h>

struct eg_piece {
    eg_piece *before;
    char to_the_line[EG_ALIGN - sizeof(eg_piece *)]; /* the piece's data is aligned */
};

void *eg_arena_take(eg_arena *arena, eg_purpose purpose, size_t n, size_t size)
{
    size_t bytes;

    if (!eg_mul_size(&bytes, n, size) || bytes > SIZE_MAX / 2) {
        arena->failed = true;
        return NULL;
    }
    arena->bytes[purpose] += bytes;
    if (arena->count_only || arena->failed) {
        return NULL;
    }
    eg_piece *piece = eg_alloc_aligned(1, sizeof *piece + bytes);

    if (piece == NULL) {
        arena->failed = true;
        return NULL;
    }
    piece->before = arena->last;
    arena->last = piece;
    return piece + 1;
}

float *eg_arena_floats(eg_arena *arena, size_t n)
{
    return eg_arena_take(arena, EG_FOR_WORK, n, sizeof(float));
}

void eg_arena_free(eg_arena *arena)
{
    while (arena->last != NULL) {
        eg_piece *piece = arena->last;

        arena->last = piece->before;
        free(piece);
    }
}
