/* SPDX-License-Identifier: MIT */
/* vocab.c - the model's vocabulary and merges, laid out to be searched.
 *
 * Sorted arrays and no hash tables: no file can be made to collide, and the layout is the
 * same in every run. Merges lie in rows by their left token, most of them a few entries
 * long. */
#include "base/alloc.h"
#include "base/error.h"
#include "tokenizer/parts.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int compare_text(const char *a, size_t a_size, const char *b, size_t b_size)
{
    int order = memcmp(a, b, a_size < b_size ? a_size : b_size);

    return order != 0 ? order : (a_size > b_size) - (a_size < b_size);
}

static int by_text(const void *a, const void *b)
{
    const eg_entry *x = a;
    const eg_entry *y = b;

    return compare_text(x->text.data, x->text.size, y->text.data, y->text.size);
}

int32_t eg_bpe_find(const eg_bpe *bpe, const char *text, size_t size)
{
    int32_t low = 0;
    int32_t high = bpe->n_entries;

    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        const eg_entry *entry = &bpe->entry[mid];
        int order = compare_text(text, size, entry->text.data, entry->text.size);

        if (order == 0) {
            return entry->id;
        }
        if (order < 0) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return -1;
}

void eg_bpe_index(eg_bpe *bpe)
{
    qsort(bpe->entry, (size_t)bpe->n_entries, sizeof bpe->entry[0], by_text);
    for (int b = 0; b < 256; b++) {
        char name[8];

        snprintf(name, sizeof name, "<0x%02X>", (unsigned)b);
        bpe->byte_id[b] = eg_bpe_find(bpe, name, 6);
    }
    for (uint32_t code = 0; code < 0x800; code++) {
        char bytes[4];

        bpe->char_id[code] = eg_bpe_find(bpe, bytes, eg_utf8_put(bytes, code));
    }
}

static int by_pair(const void *a, const void *b)
{
    const eg_merge_line *x = a;
    const eg_merge_line *y = b;

    if (x->left != y->left) {
        return x->left < y->left ? -1 : 1;
    }
    if (x->right != y->right) {
        return x->right < y->right ? -1 : 1;
    }
    return (x->rank > y->rank) - (x->rank < y->rank);
}

eagle_status eg_bpe_set_merges(eg_bpe *bpe, eg_merge_line *line, uint32_t n, eagle_error *err)
{
    uint32_t kept = 0;

    bpe->merge = eg_alloc(n, sizeof bpe->merge[0]);
    bpe->made = eg_alloc(n, sizeof bpe->made[0]);
    bpe->first = eg_alloc((size_t)bpe->n_ids + 1, sizeof bpe->first[0]);
    if (bpe->merge == NULL || bpe->made == NULL || bpe->first == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %u merges", (unsigned)n);
    }
    bpe->n_ranks = n;
    qsort(line, n, sizeof line[0], by_pair);
    for (uint32_t i = 0; i < n; i++) {
        bool again =
            i + 1 < n && line[i + 1].left == line[i].left && line[i + 1].right == line[i].right;

        bpe->made[line[i].rank] = line[i].made;
        if (!again) {
            bpe->merge[kept++] =
                (eg_merge){.right = line[i].right, .made = line[i].made, .rank = line[i].rank};
            bpe->first[line[i].left + 1] = kept;
        }
    }
    for (int32_t id = 0; id < bpe->n_ids; id++) { /* rows without merges are empty */
        if (bpe->first[id + 1] < bpe->first[id]) {
            bpe->first[id + 1] = bpe->first[id];
        }
    }
    return EAGLE_OK;
}

const eg_merge *eg_bpe_merge(const eg_bpe *bpe, int32_t left, int32_t right)
{
    uint32_t low = bpe->first[left];
    uint32_t high = bpe->first[left + 1];

    while (low < high) {
        uint32_t mid = low + (high - low) / 2;
        const eg_merge *merge = &bpe->merge[mid];

        if (merge->right == right) {
            return merge;
        }
        if (right < merge->right) {
            high = mid;
        } else {
            low = mid + 1;
        }
    }
    return NULL;
}

void eg_bpe_free(eg_bpe *bpe)
{
    free(bpe->entry);
    free(bpe->merge);
    free(bpe->first);
    free(bpe->made);
}
