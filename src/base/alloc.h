/* SPDX-License-Identifier: MIT */
/* alloc.h - allocation with checked sizes. */
#ifndef EG_BASE_ALLOC_H
#define EG_BASE_ALLOC_H

#include <stdbool.h>
#include <stddef.h>

/* Alignment of numeric buffers: one cache line, one AVX-512 register. */
#define EG_ALIGN 64

/* *out = a * b; false on overflow. */
bool eg_mul_size(size_t *out, size_t a, size_t b);

/* n zeroed elements of `size` bytes, free with free(). NULL without memory or when n x size
 * overflows; n == 0 gives a unique pointer. */
void *eg_alloc(size_t n, size_t size);

/* The same, aligned to EG_ALIGN bytes; free with free(). */
void *eg_alloc_aligned(size_t n, size_t size);

/* A copy of `text`; NULL without memory. Free with free(). */
char *eg_strdup(const char *text);

#endif
