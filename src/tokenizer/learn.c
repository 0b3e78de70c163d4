/* SPDX-License-Identifier: MIT */
/* learn.c - learns the merges of byte pair encoding from words and their counts (Sennrich,
 * Haddow, Birch 2016, algorithm 1).
 *
 * Every word begins as its bytes. The pair of neighbours that is seen most often, over all words
 * as often as they came, becomes a token, everywhere; and so on. Of pairs seen equally often the
 * one with the smaller left id, then the smaller right id, comes first: as tokenizers (Hugging
 * Face) has it, so that the same text gives the same merges there and here.
 *
 * Nothing is counted twice. A pair keeps the places where it stood when it came up, and a merge
 * looks only there: n bytes of different words cost O(n log n) in all, whatever the vocabulary. A
 * place whose symbols have gone on into other tokens is passed over. Pairs wait in a heap under
 * the count they had when they were put in; counts only fall afterwards, so a pair on top whose
 * count is out of date is put in anew.
 *
 * Why counts only fall: a new pair contains the token just made, and no two merges make tokens of
 * one text. (Inside a stretch of text that no token crosses, merges happen in one order only.) */
#include "tokenizer/learn.h"
#include "base/alloc.h"
#include "base/error.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* Where a pair stands: its left symbol, and the next such place of the same pair. */
typedef struct {
    int32_t at;
    int32_t next; /* -1: the last */
} place;

/* The value of a pair in `pairs`. */
typedef struct {
    int64_t count;
    int32_t n_places;
    int32_t first; /* places, from left to right */
    int32_t last;
} pair_state;

/* A pair in the heap. */
typedef struct {
    int64_t count; /* when it was put in */
    eg_pair pair;
    uint32_t number; /* in `pairs` */
} candidate;

typedef struct {
    eg_symbol
        *symbol;     /* [n_symbols] the words one behind the other; prev and next stay in a word */
    int64_t *weight; /* [n_symbols] how often the symbol's word came                            */
    int32_t n_symbols;
    place
        *place; /* [3 n_symbols] one per pair at the start; a merge ends one symbol and adds two */
    int32_t n_places;
    eg_dict pairs;   /* eg_pair -> pair_state                             */
    candidate *heap; /* [pairs.n at most] */
    size_t n_heap;
    size_t heap_cap;
} learner;

#define MAX_SYMBOLS (INT32_MAX / 3) /* places are counted in int32_t */

void eg_byte_ids(int32_t id[256], int32_t n_special)
{
    int32_t next = n_special;

    for (uint32_t code = 0; code <= EG_LAST_BYTE_CHAR; code++) {
        int byte = eg_char_byte(code);

        if (byte >= 0) {
            id[byte] = next++;
        }
    }
}

/* ---- the heap -------------------------------------------------------------------------------- */

/* True when a is to be merged before b. */
static bool before(const candidate *a, const candidate *b)
{
    if (a->count != b->count) {
        return a->count > b->count;
    }
    if (a->pair.left != b->pair.left) {
        return a->pair.left < b->pair.left;
    }
    return a->pair.right < b->pair.right;
}

static void sift_down(candidate *heap, size_t n)
{
    const candidate item = heap[0];
    size_t at = 0;

    for (size_t child = 1; child < n; child = 2 * at + 1) {
        if (child + 1 < n && before(&heap[child + 1], &heap[child])) {
            child++;
        }
        if (!before(&heap[child], &item)) {
            break;
        }
        heap[at] = heap[child];
        at = child;
    }
    heap[at] = item;
}

static bool push(learner *l, const candidate *item)
{
    if (l->n_heap == l->heap_cap) {
        const size_t cap = l->heap_cap < 256 ? 256 : 2 * l->heap_cap;
        size_t bytes;
        candidate *grown = eg_mul_size(&bytes, cap, sizeof *grown) ? realloc(l->heap, bytes) : NULL;

        if (grown == NULL) {
            return false;
        }
        l->heap = grown;
        l->heap_cap = cap;
    }
    size_t at = l->n_heap++;

    while (at > 0 && before(item, &l->heap[(at - 1) / 2])) {
        l->heap[at] = l->heap[(at - 1) / 2];
        at = (at - 1) / 2;
    }
    l->heap[at] = *item;
    return true;
}

/* Puts in the pairs from `first` on. */
static bool push_new(learner *l, uint32_t first)
{
    for (uint32_t i = first; i < l->pairs.n; i++) {
        candidate item = {.number = i, .count = ((const pair_state *)l->pairs.value)[i].count};

        memcpy(&item.pair, l->pairs.bytes.data + l->pairs.key[i].begin, sizeof item.pair);
        if (item.count > 0 && !push(l, &item)) {
            return false;
        }
    }
    return true;
}

/* ---- pairs ----------------------------------------------------------------------------------- */

/* Adds `weight` to the count of the pair (left, right); NULL without memory. */
static pair_state *count_pair(learner *l, int32_t left, int32_t right, int64_t weight)
{
    const eg_pair pair = {.left = left, .right = right};
    uint32_t number;

    if (!eg_dict_add(&number, &l->pairs, &pair, sizeof pair)) {
        return NULL;
    }
    pair_state *state = &((pair_state *)l->pairs.value)[number];

    state->count += weight;
    return state;
}

/* Counts the pair that begins at symbol `at`, and remembers the place. */
static bool add_place(learner *l, int32_t at)
{
    const int32_t right = l->symbol[at].next;
    pair_state *state = count_pair(l, l->symbol[at].id, l->symbol[right].id, l->weight[at]);

    if (state == NULL) {
        return false;
    }
    const int32_t p = l->n_places++;

    assert(p < 3 * l->n_symbols);
    l->place[p] = (place){.at = at, .next = -1};
    if (state->n_places++ == 0) {
        state->first = p;
    } else {
        l->place[state->last].next = p;
    }
    state->last = p;
    return true;
}

/* Makes `made` of the symbol `at` and the one behind it. */
static bool merge_at(learner *l, int32_t at, int32_t made)
{
    eg_symbol *left = &l->symbol[at];
    eg_symbol *right = &l->symbol[left->next];
    const int64_t weight = l->weight[at];
    const int32_t prev = left->prev;
    const int32_t next = right->next;

    if ((prev >= 0 && count_pair(l, l->symbol[prev].id, left->id, -weight) == NULL) ||
        (next >= 0 && count_pair(l, right->id, l->symbol[next].id, -weight) == NULL)) {
        return false;
    }
    left->id = made;
    left->next = next;
    right->id = -1;
    if (next >= 0) {
        l->symbol[next].prev = at;
    }
    return (prev < 0 || add_place(l, prev)) && (next < 0 || add_place(l, at));
}

/* Merges a pair wherever it stands; from left to right, so that a a a becomes aa a. */
static bool merge_all(learner *l, const candidate *top, int32_t made)
{
    const int32_t first = ((const pair_state *)l->pairs.value)[top->number].first;

    for (int32_t p = first; p >= 0; p = l->place[p].next) {
        const eg_symbol *left = &l->symbol[l->place[p].at];

        if (left->id == top->pair.left && left->next >= 0 &&
            l->symbol[left->next].id == top->pair.right && !merge_at(l, l->place[p].at, made)) {
            return false;
        }
    }
    return true;
}

/* ---- the whole ------------------------------------------------------------------------------- */

/* Lays the words out as symbols, one per byte, and counts their pairs. */
static bool begin(learner *l, const eg_dict *words, int32_t n_special)
{
    int32_t byte_id[256];

    l->symbol = eg_alloc((size_t)l->n_symbols, sizeof l->symbol[0]);
    l->weight = eg_alloc((size_t)l->n_symbols, sizeof l->weight[0]);
    l->place = eg_alloc((size_t)l->n_symbols, 3 * sizeof l->place[0]);
    if (l->symbol == NULL || l->weight == NULL || l->place == NULL) {
        return false;
    }
    eg_byte_ids(byte_id, n_special);
    for (uint32_t w = 0; w < words->n; w++) {
        const int32_t from = (int32_t)words->key[w].begin;
        const int32_t to = from + (int32_t)words->key[w].size;

        for (int32_t i = from; i < to; i++) {
            l->symbol[i].id = byte_id[(unsigned char)words->bytes.data[i]];
            l->symbol[i].prev = i > from ? i - 1 : -1;
            l->symbol[i].next = i + 1 < to ? i + 1 : -1;
            l->weight[i] = ((const eg_word_count *)words->value)[w];
        }
        for (int32_t i = from; i + 1 < to; i++) {
            if (!add_place(l, i)) {
                return false;
            }
        }
    }
    return push_new(l, 0);
}

/* Adds merges to *out, most of them `most`. */
static bool learn(eg_merges *out, learner *l, int32_t most, int64_t min_frequency)
{
    while (out->n < most && l->n_heap > 0) {
        const candidate top = l->heap[0];
        const int64_t count = ((const pair_state *)l->pairs.value)[top.number].count;

        if (count != top.count) {
            l->heap[0].count = count;
            sift_down(l->heap, l->n_heap);
            continue;
        }
        if (count < 1 || count < min_frequency) {
            break;
        }
        l->heap[0] = l->heap[--l->n_heap];
        sift_down(l->heap, l->n_heap);

        const uint32_t n_pairs = l->pairs.n;

        out->pair[out->n] = top.pair;
        if (!merge_all(l, &top, out->first_made + out->n) || !push_new(l, n_pairs)) {
            return false;
        }
        out->n++;
    }
    return true;
}

eagle_status eg_learn(eg_merges *out, const eg_dict *words, const eagle_tokenizer_options *opt,
                      eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    learner l = {.pairs.value_size = sizeof(pair_state)};
    eg_merges merges = {.first_made = opt->n_special + 256};
    int32_t most = opt->vocab - merges.first_made;

    *out = (eg_merges){0};
    if (words->bytes.size > MAX_SYMBOLS) {
        return eg_fail(err, EAGLE_ELIMIT, "%zu bytes of different words: at most %d can be learned",
                       words->bytes.size, MAX_SYMBOLS);
    }
    l.n_symbols = (int32_t)words->bytes.size;
    most = most < l.n_symbols ? most : l.n_symbols; /* a merge ends a symbol */
    merges.pair = eg_alloc((size_t)most, sizeof merges.pair[0]);
    if (merges.pair == NULL || !begin(&l, words, opt->n_special) ||
        !learn(&merges, &l, most, opt->min_frequency)) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory to learn from %zu bytes of different words",
                     words->bytes.size);
        goto done;
    }
    *out = merges;
    merges.pair = NULL;

done:
    free(merges.pair);
    free(l.symbol);
    free(l.weight);
    free(l.place);
    free(l.heap);
    eg_dict_free(&l.pairs);
    return st;
}
