/* SPDX-License-Identifier: MIT */
/* digest.c - which networks a proof is about. */
#include "base/alloc.h"
#include "base/error.h"
#include "eagle/prove.h"

#include <stdlib.h>
#include <string.h>

static int by_name(const void *a, const void *b)
{
    const eagle_tensor *const *x = a;
    const eagle_tensor *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

static void add_number(eagle_sha256 *sha, uint64_t n)
{
    unsigned char bytes[8];

    for (int i = 0; i < 8; i++) {
        bytes[i] = (unsigned char)(n >> 8 * i);
    }
    eagle_sha256_update(sha, bytes, sizeof bytes);
}

static void add_tensor(eagle_sha256 *sha, const eagle_tensor *t)
{
    eagle_sha256_update(sha, t->name, strlen(t->name) + 1);
    eagle_sha256_update(sha, eagle_dtype_name(t->dtype), strlen(eagle_dtype_name(t->dtype)) + 1);
    add_number(sha, (uint64_t)t->rank);
    for (int32_t i = 0; i < t->rank; i++) {
        add_number(sha, (uint64_t)t->shape[i]);
    }
    eagle_sha256_update(sha, t->data, t->size);
}

/* The tensors of one network; `at` gives them by number. */
static eagle_status add_all(eagle_sha256 *sha, const void *network,
                            const eagle_tensor *(*at)(const void *network, int32_t i),
                            eagle_error *err)
{
    int32_t n = 0;

    while (at(network, n) != NULL) {
        n++;
    }
    const eagle_tensor **list = eg_alloc((size_t)n, sizeof *list);

    if (list == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %d tensors", n);
    }
    for (int32_t i = 0; i < n; i++) {
        list[i] = at(network, i);
    }
    qsort(list, (size_t)n, sizeof *list, by_name);
    add_number(sha, (uint64_t)n);
    for (int32_t i = 0; i < n; i++) {
        add_tensor(sha, list[i]);
    }
    free(list);
    return EAGLE_OK;
}

static const eagle_tensor *of_model(const void *network, int32_t i)
{
    return eagle_model_tensor(network, i);
}

static const eagle_tensor *of_head(const void *network, int32_t i)
{
    return eagle_head_tensor(network, i);
}

eagle_status eagle_model_digest(char hex[65], const eagle_model *model, const eagle_head *head,
                                eagle_error *err)
{
    eagle_sha256 sha;

    eagle_sha256_init(&sha);
    eagle_status st = add_all(&sha, model, of_model, err);

    if (st == EAGLE_OK && head != NULL) {
        st = add_all(&sha, head, of_head, err);
    }
    eagle_sha256_hex(hex, &sha);
    return st;
}
