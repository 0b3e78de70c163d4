/* SPDX-License-Identifier: MIT */
/* characters.c - UTF-8, and texts that grow. */
#include "base/characters.h"

#include <stdlib.h>
#include <string.h>

#define REPLACEMENT 0xfffdu

/* The range of the second byte after `lead`: narrower than 80..BF where it keeps out overlong
 * forms (E0, F0), surrogates (ED) and codes above U+10FFFF (F4). Table 3-7 of the standard. */
static void second_byte(unsigned *low, unsigned *high, unsigned lead)
{
    *low = lead == 0xe0 ? 0xa0 : (lead == 0xf0 ? 0x90 : 0x80);
    *high = lead == 0xed ? 0x9f : (lead == 0xf4 ? 0x8f : 0xbf);
}

size_t eg_utf8_next(uint32_t *code, const char *text, size_t n)
{
    const unsigned char *byte = (const unsigned char *)text;
    unsigned lead = byte[0];
    size_t length = lead < 0x80 ? 1 : (lead < 0xe0 ? 2 : (lead < 0xf0 ? 3 : 4));

    if (length == 1) {
        *code = lead;
        return 1;
    }
    if (lead < 0xc2 || lead > 0xf4) {
        *code = EG_UTF8_BAD;
        return 1;
    }
    unsigned low, high;
    uint32_t value = lead & (0x7fu >> length); /* 5, 4 or 3 bits */

    second_byte(&low, &high, lead);
    for (size_t i = 1; i < length; i++) {
        if (i == n) {
            *code = EG_UTF8_CUT;
            return i;
        }
        if (byte[i] < low || byte[i] > high) {
            *code = EG_UTF8_BAD;
            return i;
        }
        value = value << 6 | (byte[i] & 0x3fu);
        low = 0x80;
        high = 0xbf;
    }
    *code = value;
    return length;
}

size_t eg_utf8_check(const char *text, size_t n)
{
    size_t at = 0;

    while (at < n) {
        uint32_t code;
        const size_t length = eg_utf8_next(&code, text + at, n - at);

        if (code == EG_UTF8_BAD || code == EG_UTF8_CUT) {
            break;
        }
        at += length;
    }
    return at;
}

size_t eg_utf8_put(char out[4], uint32_t code)
{
    unsigned char *byte = (unsigned char *)out;

    if (code < 0x80) {
        byte[0] = (unsigned char)code;
        return 1;
    }
    size_t length = code < 0x800 ? 2 : (code < 0x10000 ? 3 : 4);

    for (size_t i = length - 1; i > 0; i--) {
        byte[i] = (unsigned char)(0x80 | (code & 0x3f));
        code >>= 6;
    }
    byte[0] = (unsigned char)((0xf00u >> length & 0xffu) | code); /* C0, E0 or F0 */
    return length;
}

bool eg_text_add(eg_text *text, const char *bytes, size_t n)
{
    if (n > text->cap - text->size) {
        size_t cap = text->cap < 64 ? 64 : text->cap;

        while (cap - text->size < n) {
            if (cap > SIZE_MAX / 2) {
                return false;
            }
            cap *= 2;
        }
        char *grown = realloc(text->data, cap);

        if (grown == NULL) {
            return false;
        }
        text->data = grown;
        text->cap = cap;
    }
    if (n > 0) {
        memcpy(text->data + text->size, bytes, n);
        text->size += n;
    }
    return true;
}

bool eg_text_add_char(eg_text *text, uint32_t code)
{
    char bytes[4];
    size_t n = eg_utf8_put(bytes, code);

    return eg_text_add(text, bytes, n);
}

bool eg_text_add_lossy(eg_text *text, const char *bytes, size_t n)
{
    size_t good = 0; /* where the sound bytes not yet copied begin */

    for (size_t at = 0; at < n;) {
        uint32_t code;
        size_t length = eg_utf8_next(&code, bytes + at, n - at);

        if (code == EG_UTF8_BAD || code == EG_UTF8_CUT) {
            if (!eg_text_add(text, bytes + good, at - good) ||
                !eg_text_add_char(text, REPLACEMENT)) {
                return false;
            }
            good = at + length;
        }
        at += length;
    }
    return good == n || eg_text_add(text, bytes + good, n - good);
}

size_t eg_line_length(const char *data, size_t size, size_t at)
{
    const char *end = memchr(data + at, '\n', size - at);

    return end != NULL ? (size_t)(end - data) - at : size - at;
}

bool eg_is_separator(const char *line, size_t length, const char *separator)
{
    if (length > 0 && line[length - 1] == '\r') {
        length--;
    }
    return separator != NULL && strlen(separator) == length && memcmp(line, separator, length) == 0;
}

bool eg_ends_with(const char *text, const char *end)
{
    const size_t size = strlen(text);
    const size_t n = strlen(end);

    return size >= n && strcmp(text + size - n, end) == 0;
}
