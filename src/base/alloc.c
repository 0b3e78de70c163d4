/* SPDX-License-Identifier: MIT */
/* alloc.c - allocation with checked sizes. */
#include "base/alloc.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

bool eg_mul_size(size_t *out, size_t a, size_t b)
{
    if (b != 0 && a > SIZE_MAX / b) {
        return false;
    }
    *out = a * b;
    return true;
}

void *eg_alloc(size_t n, size_t size)
{
    return calloc(n > 0 ? n : 1, size > 0 ? size : 1);
}

void *eg_alloc_aligned(size_t n, size_t size)
{
    size_t bytes;

    if (!eg_mul_size(&bytes, n, size) || bytes > SIZE_MAX - EG_ALIGN) {
        return NULL;
    }
    bytes = (bytes / EG_ALIGN + 1) * EG_ALIGN; /* aligned_alloc wants a multiple */
    void *data = aligned_alloc(EG_ALIGN, bytes);

    if (data != NULL) {
        memset(data, 0, bytes);
    }
    return data;
}

char *eg_strdup(const char *text)
{
    size_t size = strlen(text) + 1;
    char *copy = malloc(size);

    if (copy != NULL) {
        memcpy(copy, text, size);
    }
    return copy;
}
