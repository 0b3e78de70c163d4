/* SPDX-License-Identifier: MIT */
/* bpe.c - byte pair encoding of one word.
 *
 * The word begins as its characters. As long as two neighbours are in the list of merges,
 * the pair of lowest rank (then the leftmost) becomes one token. Symbols are a linked list,
 * candidate pairs a heap: n characters cost O(n log n), whatever they are. A candidate is
 * not taken out of the heap when a neighbour goes; it is found stale when its turn comes.
 *
 * Reference: tokenizers (Hugging Face) calls a candidate stale unless the pair that stands
 * there now makes the same token, whatever its rank. Lists in which two pairs make one token
 * depend on that, and so do we. */
#include "base/error.h"
#include "tokenizer/parts.h"

#include <stdlib.h>

bool eg_ids_add(eg_ids *ids, int32_t id)
{
    if (ids->n == ids->cap) {
        size_t cap = ids->cap < 64 ? 64 : 2 * ids->cap;
        int32_t *grown =
            cap > SIZE_MAX / sizeof *grown ? NULL : realloc(ids->id, cap * sizeof *grown);

        if (grown == NULL) {
            return false;
        }
        ids->id = grown;
        ids->cap = cap;
    }
    ids->id[ids->n++] = id;
    return true;
}

/* ---- the heap: smallest first, four children per node --------------------------------------- */

#define CHILDREN 4

static void sift_down(uint64_t *heap, size_t n, size_t at)
{
    uint64_t item = heap[at];

    for (;;) {
        size_t child = CHILDREN * at + 1;
        size_t last = child + CHILDREN < n ? child + CHILDREN : n;
        size_t least = child;

        if (child >= n) {
            break;
        }
        while (++child < last) {
            if (heap[child] < heap[least]) {
                least = child;
            }
        }
        if (heap[least] >= item) {
            break;
        }
        heap[at] = heap[least];
        at = least;
    }
    heap[at] = item;
}

static void sift_up(uint64_t *heap, size_t at)
{
    uint64_t item = heap[at];

    while (at > 0 && heap[(at - 1) / CHILDREN] > item) {
        heap[at] = heap[(at - 1) / CHILDREN];
        at = (at - 1) / CHILDREN;
    }
    heap[at] = item;
}

/* ---- from a word to its first symbols -------------------------------------------------------- */

/* Room for a word of `size` bytes: at most a symbol per byte, and no more candidates at any
 * time than pairs at the start plus two for each merge less the one that went. */
static bool reserve(eg_bpe_work *work, size_t size)
{
    if (size <= work->cap) {
        return true;
    }
    size_t cap = size < 256 ? 256 : size;

    if (cap > SIZE_MAX / 2 / sizeof(eg_symbol)) {
        return false;
    }
    free(work->symbol);
    free(work->heap);
    work->symbol = malloc(cap * sizeof work->symbol[0]);
    work->heap = malloc(2 * cap * sizeof work->heap[0]);
    work->cap = work->symbol != NULL && work->heap != NULL ? cap : 0;
    return work->cap > 0;
}

void eg_bpe_work_free(eg_bpe_work *work)
{
    free(work->symbol);
    free(work->heap);
}

static int32_t char_id(const eg_bpe *bpe, uint32_t code, const char *bytes, size_t length)
{
    return code < 0x800 ? bpe->char_id[code] : eg_bpe_find(bpe, bytes, length);
}

/* True when every byte of a character has its <0x..> token. */
static bool has_bytes(const eg_bpe *bpe, const char *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (bpe->byte_id[(unsigned char)bytes[i]] < 0) {
            return false;
        }
    }
    return true;
}

/* Fills work->symbol, returns how many. An unknown character becomes its bytes, or else the
 * unknown token (neighbours become one with fuse_unk), or else nothing. An unknown token
 * waits for the next known character: bytes that follow it come out before it, as in the
 * reference. */
static size_t first_symbols(eg_bpe_work *work, const eg_bpe *bpe, const char *word, size_t size)
{
    eg_symbol *symbol = work->symbol;
    size_t n = 0;
    bool waiting = false;

    for (size_t at = 0; at < size;) {
        uint32_t code;
        size_t length = eg_utf8_next(&code, word + at, size - at);
        int32_t id = char_id(bpe, code, word + at, length);

        if (id >= 0) {
            if (waiting) {
                symbol[n++].id = bpe->unk;
                waiting = false;
            }
            symbol[n++].id = id;
        } else if (bpe->byte_fallback && has_bytes(bpe, word + at, length)) {
            for (size_t i = 0; i < length; i++) {
                symbol[n++].id = bpe->byte_id[(unsigned char)word[at + i]];
            }
        } else if (bpe->unk >= 0) {
            if (waiting && !bpe->fuse_unk) {
                symbol[n++].id = bpe->unk;
            }
            waiting = true;
        }
        at += length;
    }
    if (waiting) {
        symbol[n++].id = bpe->unk;
    }
    return n;
}

/* ---- merging --------------------------------------------------------------------------------- */

static uint64_t candidate(const eg_merge *merge, int32_t left)
{
    return (uint64_t)merge->rank << 32 | (uint32_t)left;
}

/* Adds the pair that begins at `left`, if it merges. */
static void offer(eg_bpe_work *work, size_t *n_heap, const eg_bpe *bpe, int32_t left)
{
    const eg_symbol *symbol = work->symbol;
    const eg_merge *merge = eg_bpe_merge(bpe, symbol[left].id, symbol[symbol[left].next].id);

    if (merge != NULL) {
        work->heap[(*n_heap)++] = candidate(merge, left);
        sift_up(work->heap, *n_heap - 1);
    }
}

static size_t first_candidates(eg_bpe_work *work, const eg_bpe *bpe, size_t n)
{
    size_t n_heap = 0;

    for (size_t i = 0; i < n; i++) {
        work->symbol[i].prev = (int32_t)i - 1;
        work->symbol[i].next = i + 1 < n ? (int32_t)i + 1 : -1;
    }
    for (size_t i = 0; i + 1 < n; i++) {
        const eg_merge *merge = eg_bpe_merge(bpe, work->symbol[i].id, work->symbol[i + 1].id);

        if (merge != NULL) {
            work->heap[n_heap++] = candidate(merge, (int32_t)i);
        }
    }
    for (size_t i = n_heap / CHILDREN + 1; i-- > 0;) {
        if (i < n_heap) {
            sift_down(work->heap, n_heap, i);
        }
    }
    return n_heap;
}

static void merge_all(eg_bpe_work *work, const eg_bpe *bpe, size_t n)
{
    eg_symbol *symbol = work->symbol;
    size_t n_heap = first_candidates(work, bpe, n);

    while (n_heap > 0) {
        uint64_t top = work->heap[0];
        int32_t left = (int32_t)(top & UINT32_MAX);
        int32_t made = bpe->made[top >> 32];

        work->heap[0] = work->heap[--n_heap];
        if (n_heap > 0) {
            sift_down(work->heap, n_heap, 0);
        }
        int32_t right = symbol[left].next;

        if (symbol[left].id < 0 || right < 0) {
            continue;
        }
        const eg_merge *merge = eg_bpe_merge(bpe, symbol[left].id, symbol[right].id);

        if (merge == NULL || merge->made != made) {
            continue; /* stale */
        }
        symbol[left].id = made;
        symbol[left].next = symbol[right].next;
        symbol[right].id = -1;
        if (symbol[left].next >= 0) {
            symbol[symbol[left].next].prev = left;
            offer(work, &n_heap, bpe, left);
        }
        if (symbol[left].prev >= 0) {
            offer(work, &n_heap, bpe, symbol[left].prev);
        }
    }
}

eagle_status eg_bpe_encode(eg_ids *ids, eg_bpe_work *work, const eg_bpe *bpe, const char *word,
                           size_t size, eagle_error *err)
{
    int32_t whole = bpe->ignore_merges ? eg_bpe_find(bpe, word, size) : -1;

    if (size > INT32_MAX) {
        return eg_fail(err, EAGLE_ELIMIT, "a word of %zu bytes: too long to be tokenized", size);
    }
    if (!reserve(work, size)) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory to tokenize a word of %zu bytes", size);
    }
    size_t n = 1;

    if (whole >= 0) {
        work->symbol[0] = (eg_symbol){.id = whole, .prev = -1, .next = -1};
    } else {
        n = first_symbols(work, bpe, word, size);
        merge_all(work, bpe, n);
    }
    for (size_t i = 0; i < n; i++) {
        if (work->symbol[i].id >= 0 && !eg_ids_add(ids, work->symbol[i].id)) {
            return eg_fail(err, EAGLE_ENOMEM, "no memory for %zu tokens", ids->n);
        }
    }
    return EAGLE_OK;
}
