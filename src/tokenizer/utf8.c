/* SPDX-License-Identifier: MIT */
/* utf8.c - characters, growing texts, and the character classes of the pre-tokenizers. */
#include "tokenizer/utf8.h"

#include <stdlib.h>
#include <string.h>
#include <utf8proc.h>

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

static utf8proc_category_t category(uint32_t code)
{
    return utf8proc_category((utf8proc_int32_t)code);
}

bool eg_is_space(uint32_t code)
{
    if (code < 0x80) {
        return code == ' ' || (code >= '\t' && code <= '\r');
    }
    return code == 0x85 || code == 0xa0 || code == 0x1680 || (code >= 0x2000 && code <= 0x200a) ||
           code == 0x2028 || code == 0x2029 || code == 0x202f || code == 0x205f || code == 0x3000;
}

bool eg_is_numeric(uint32_t code)
{
    utf8proc_category_t kind = category(code);

    return kind == UTF8PROC_CATEGORY_ND || kind == UTF8PROC_CATEGORY_NL ||
           kind == UTF8PROC_CATEGORY_NO;
}

bool eg_is_punctuation(uint32_t code)
{
    if (code < 0x80) {
        return code > ' ' && code < 0x7f && !(code >= '0' && code <= '9') &&
               !((code | 0x20) >= 'a' && (code | 0x20) <= 'z');
    }
    switch (category(code)) {
    case UTF8PROC_CATEGORY_PC:
    case UTF8PROC_CATEGORY_PD:
    case UTF8PROC_CATEGORY_PS:
    case UTF8PROC_CATEGORY_PE:
    case UTF8PROC_CATEGORY_PI:
    case UTF8PROC_CATEGORY_PF:
    case UTF8PROC_CATEGORY_PO: return true;
    default: return false;
    }
}

bool eg_is_word(uint32_t code)
{
    switch (category(code)) {
    case UTF8PROC_CATEGORY_LU:
    case UTF8PROC_CATEGORY_LL:
    case UTF8PROC_CATEGORY_LT:
    case UTF8PROC_CATEGORY_LM:
    case UTF8PROC_CATEGORY_LO:
    case UTF8PROC_CATEGORY_MN:
    case UTF8PROC_CATEGORY_MC:
    case UTF8PROC_CATEGORY_ME:
    case UTF8PROC_CATEGORY_ND:
    case UTF8PROC_CATEGORY_NL:
    case UTF8PROC_CATEGORY_PC: return true;
    case UTF8PROC_CATEGORY_SO: /* the enclosed letters are Alphabetic, by Other_Alphabetic */
        return (code >= 0x24b6 && code <= 0x24e9) || (code >= 0x1f130 && code <= 0x1f149) ||
               (code >= 0x1f150 && code <= 0x1f169) || (code >= 0x1f170 && code <= 0x1f189);
    default: return code == 0x200c || code == 0x200d; /* Join_Control */
    }
}
