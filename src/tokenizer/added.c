/* SPDX-License-Identifier: MIT */
/* added.c - added tokens: found in the text, leftmost first, the longest of those.
 *
 * A search step narrows a range of sorted patterns byte by byte. A pattern has at most
 * 1024 bytes, so that a text of n bytes costs O(n), whatever it holds. */
#include "base/alloc.h"
#include "base/error.h"
#include "tokenizer/parts.h"

#include <stdlib.h>
#include <string.h>

static int by_pattern(const void *a, const void *b)
{
    const eg_str *x = &(*(const eg_added *const *)a)->pattern;
    const eg_str *y = &(*(const eg_added *const *)b)->pattern;
    int order = memcmp(x->data, y->data, x->size < y->size ? x->size : y->size);

    return order != 0 ? order : (x->size > y->size) - (x->size < y->size);
}

eagle_status eg_added_set_init(eg_added_set *set, const eg_added *token, int32_t n, bool normalized,
                               const char *file, eagle_error *err)
{
    set->token = eg_alloc((size_t)n, sizeof(eg_added *));
    if (set->token == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %d added tokens", file, (int)n);
    }
    for (int32_t i = 0; i < n; i++) {
        if (token[i].normalized == normalized && token[i].pattern.size > 0) {
            set->token[set->n++] = &token[i];
        }
    }
    qsort(set->token, (size_t)set->n, sizeof set->token[0], by_pattern);
    for (int32_t i = 0; i < set->n; i++) {
        const eg_added *one = set->token[i];

        if (i > 0 && by_pattern(&set->token[i - 1], &set->token[i]) == 0) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: added_tokens: ids %d and %d are found by the same text \"%.60s\"",
                           file, (int)set->token[i - 1]->id, (int)one->id, one->pattern.data);
        }
        set->first[(unsigned char)one->pattern.data[0] + 1] = i + 1;
    }
    for (int b = 0; b < 256; b++) { /* bytes that begin no pattern have an empty range */
        if (set->first[b + 1] < set->first[b]) {
            set->first[b + 1] = set->first[b];
        }
    }
    return EAGLE_OK;
}

/* The first pattern of [low, high) whose byte k is at least `least`. A pattern that ends
 * before k sorts first. */
static int32_t bound(const eg_added_set *set, int32_t low, int32_t high, size_t k, int least)
{
    while (low < high) {
        int32_t mid = low + (high - low) / 2;
        const eg_str *pattern = &set->token[mid]->pattern;
        int byte = pattern->size > k ? (unsigned char)pattern->data[k] : -1;

        if (byte < least) {
            low = mid + 1;
        } else {
            high = mid;
        }
    }
    return low;
}

/* The longest pattern that text[0 .. n) begins with; NULL if there is none. */
static const eg_added *longest(const eg_added_set *set, const char *text, size_t n)
{
    unsigned char byte = (unsigned char)text[0];
    int32_t low = set->first[byte];
    int32_t high = set->first[byte + 1];
    const eg_added *best = NULL;

    for (size_t k = 1; low < high; k++) {
        if (set->token[low]->pattern.size == k) {
            best = set->token[low++];
        }
        if (k == n) {
            break;
        }
        byte = (unsigned char)text[k];
        low = bound(set, low, high, k, byte);
        high = bound(set, low, high, k, byte + 1);
    }
    return best;
}

/* The character that ends at text[at], at > 0. */
static uint32_t char_before(const char *text, size_t at)
{
    uint32_t code;
    size_t begin = at - 1;

    while (begin > 0 && ((unsigned char)text[begin] & 0xc0) == 0x80) {
        begin--;
    }
    eg_utf8_next(&code, text + begin, at - begin);
    return code;
}

static bool word_at(const eg_added_scan *scan, size_t at)
{
    uint32_t code;

    if (at == scan->size) {
        return false;
    }
    eg_utf8_next(&code, scan->text + at, scan->size - at);
    return eg_is_word(code);
}

static size_t spaces_before(const eg_added_scan *scan, size_t at)
{
    while (at > scan->done && eg_is_space(char_before(scan->text, at))) {
        do {
            at--;
        } while (((unsigned char)scan->text[at] & 0xc0) == 0x80);
    }
    return at;
}

/* A run of spaces is measured once, even if each of them is a token itself. */
static size_t spaces_after(eg_added_scan *scan, size_t at)
{
    uint32_t code;

    if (at < scan->space_to) {
        return scan->space_to;
    }
    while (at < scan->size) {
        size_t length = eg_utf8_next(&code, scan->text + at, scan->size - at);

        if (!eg_is_space(code)) {
            break;
        }
        at += length;
    }
    scan->space_to = at;
    return at;
}

/* What a match at [begin, end) becomes: false when the token's flags do not allow it. */
static bool accept(eg_segment *out, eg_added_scan *scan, const eg_added *token, size_t begin)
{
    size_t end = begin + token->pattern.size;

    if (token->special && !scan->parse_special) {
        return false;
    }
    if (token->single_word &&
        ((begin > 0 && eg_is_word(char_before(scan->text, begin))) || word_at(scan, end))) {
        return false;
    }
    if (token->lstrip && begin > scan->done) {
        begin = spaces_before(scan, begin);
    }
    if (token->lstrip && begin < scan->done) {
        begin = scan->done;
    }
    if (token->rstrip) {
        end = spaces_after(scan, end);
    }
    *out = (eg_segment){.token = token, .begin = begin, .end = end};
    return begin < end; /* else an earlier token took the spaces that are all of this one */
}

bool eg_added_next(eg_segment *out, eg_added_scan *scan)
{
    if (scan->held.token != NULL) {
        *out = scan->held;
        scan->held.token = NULL;
        scan->done = out->end;
        return true;
    }
    while (scan->at < scan->size && scan->set->n > 0) {
        const eg_added *token = longest(scan->set, scan->text + scan->at, scan->size - scan->at);
        size_t begin = scan->at;

        scan->at += token != NULL ? token->pattern.size : 1;
        if (token != NULL && accept(out, scan, token, begin)) {
            if (scan->done < out->begin) {
                scan->held = *out;
                *out = (eg_segment){.begin = scan->done, .end = out->begin};
            } else {
                scan->done = out->end;
            }
            return true;
        }
    }
    *out = (eg_segment){.begin = scan->done, .end = scan->size};
    scan->done = scan->size;
    return out->begin < out->end;
}
