/* SPDX-License-Identifier: MIT */
/* dict.c - a hash table from strings of bytes to numbers and values.
 *
 * Numbers follow the order of arrival, so nothing that is computed with them depends on the
 * hash. */
#include "base/alloc.h"
#include "tokenizer/learn.h"

#include <stdlib.h>
#include <string.h>

#define FIRST_CAP 256u

/* FNV-1a (Fowler, Noll, Vo; 64 bits); the fold brings the upper half into the bits that are
 * used. */
static uint64_t hash(const char *key, size_t size)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);

    for (size_t i = 0; i < size; i++) {
        h = (h ^ (unsigned char)key[i]) * UINT64_C(0x100000001b3);
    }
    return h ^ h >> 32;
}

/* The slot of a key, or the free one where it belongs. At least half of all slots are free. */
static uint32_t *find(const eg_dict *dict, const char *key, size_t size)
{
    const size_t mask = 2 * (size_t)dict->cap - 1;

    for (size_t at = hash(key, size) & mask;; at = (at + 1) & mask) {
        uint32_t *slot = &dict->slot[at];

        if (*slot == 0) {
            return slot;
        }
        const eg_dict_key *found = &dict->key[*slot - 1];

        if (found->size == size && memcmp(dict->bytes.data + found->begin, key, size) == 0) {
            return slot;
        }
    }
}

/* Doubles the room; on failure the dictionary is as before. */
static bool grow(eg_dict *dict)
{
    const uint32_t cap = dict->cap == 0 ? FIRST_CAP : 2 * dict->cap;
    size_t value_bytes, key_bytes;

    if (dict->cap > UINT32_MAX / 4 || !eg_mul_size(&value_bytes, cap, dict->value_size) ||
        !eg_mul_size(&key_bytes, cap, sizeof dict->key[0])) {
        return false;
    }
    char *value = realloc(dict->value, value_bytes);

    dict->value = value != NULL ? value : dict->value;
    eg_dict_key *key = realloc(dict->key, key_bytes);

    dict->key = key != NULL ? key : dict->key;
    uint32_t *slot = value != NULL && key != NULL ? eg_alloc(cap, 2 * sizeof *slot) : NULL;

    if (slot == NULL) {
        return false;
    }
    memset(value + dict->cap * dict->value_size, 0, (cap - dict->cap) * dict->value_size);
    free(dict->slot);
    dict->slot = slot;
    dict->cap = cap;
    for (uint32_t i = 0; i < dict->n; i++) {
        *find(dict, dict->bytes.data + key[i].begin, key[i].size) = i + 1;
    }
    return true;
}

bool eg_dict_add(uint32_t *number, eg_dict *dict, const void *key, size_t size)
{
    if (dict->n == dict->cap && !grow(dict)) {
        return false;
    }
    uint32_t *slot = find(dict, key, size);

    if (*slot == 0) {
        const size_t begin = dict->bytes.size;

        if (!eg_text_add(&dict->bytes, key, size)) {
            return false;
        }
        dict->key[dict->n++] = (eg_dict_key){.begin = begin, .size = size};
        *slot = dict->n;
    }
    *number = *slot - 1;
    return true;
}

void eg_dict_free(eg_dict *dict)
{
    free(dict->value);
    free(dict->key);
    free(dict->bytes.data);
    free(dict->slot);
}
