/* SPDX-License-Identifier: MIT */
/* text.c - the text of one continuation as it grows. */
#include "cli/text.h"

#include "cli/messages.h"

#include <limits.h>
#include <stdlib.h>
#include <string.h>

eagle_status eg_text_start(eg_text *out, const eagle_tokenizer *tokenizer, const eg_prompt *prompt,
                           const eg_options *opt, eagle_error *err)
{
    *out = (eg_text){.opt = opt};
    if (tokenizer == NULL) {
        return EAGLE_OK;
    }
    return eagle_text_stream_create(&out->stream, tokenizer, prompt->ids, (size_t)prompt->n, err);
}

void eg_text_free(eg_text *text)
{
    eagle_text_stream_free(text->stream);
    free(text->bytes);
    free(text->depth);
    *text = (eg_text){0};
}

static eagle_status reserve(eg_text *text, size_t size, eagle_error *err)
{
    size_t cap = text->cap == 0 ? 1024 : text->cap;
    char *bytes = NULL;
    unsigned char *depth = NULL;

    while (cap - text->n < size) {
        cap *= 2;
    }
    if (cap == text->cap) {
        return EAGLE_OK;
    }
    bytes = realloc(text->bytes, cap);
    if (bytes != NULL) {
        text->bytes = bytes;
        depth = realloc(text->depth, cap);
    }
    if (depth == NULL) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no memory for a text of %zu bytes", cap);
    }
    text->depth = depth;
    text->cap = cap;
    return EAGLE_OK;
}

/* ---- stop texts --------------------------------------------------------------------------- */

/* Ends the text before the first stop text in it; only those that end after `old` are new. */
static void look_for_stop(eg_text *text, size_t old)
{
    for (size_t end = old + 1; end <= text->n; end++) {
        for (int32_t i = 0; i < text->opt->stop.n; i++) {
            size_t size = strlen(text->opt->stop.item[i]);

            if (size <= end &&
                memcmp(text->bytes + end - size, text->opt->stop.item[i], size) == 0) {
                text->n = end - size;
                text->stopped = true;
                return;
            }
        }
    }
}

/* Bytes at the end that may yet become a stop text. */
static size_t held_back(const eg_text *text)
{
    size_t most = 0;

    for (int32_t i = 0; i < text->opt->stop.n; i++) {
        const char *stop = text->opt->stop.item[i];

        for (size_t size = strlen(stop) - 1; size > most; size--) {
            if (size <= text->n && memcmp(text->bytes + text->n - size, stop, size) == 0) {
                most = size;
            }
        }
    }
    return most;
}

/* ---- growing ------------------------------------------------------------------------------ */

static eagle_status append(eg_text *text, const char *piece, size_t size, int32_t depth,
                           eagle_error *err)
{
    size_t old = text->n;
    eagle_status st = reserve(text, size, err);

    if (st != EAGLE_OK || size == 0) {
        return st;
    }
    memcpy(text->bytes + old, piece, size);
    memset(text->depth + old, depth < UCHAR_MAX ? depth : UCHAR_MAX, size);
    text->n += size;
    look_for_stop(text, old);
    return EAGLE_OK;
}

eagle_status eg_text_push(eg_text *text, int32_t id, int32_t depth, eagle_error *err)
{
    const char *piece = NULL;
    char number[16];
    size_t size = 0;

    if (text->stream == NULL) {
        size = (size_t)snprintf(number, sizeof number, text->n > 0 ? " %d" : "%d", id);
        return append(text, number, size, depth, err);
    }
    if (eagle_text_stream_push(text->stream, id, &piece, &size, err) != EAGLE_OK) {
        return err->code;
    }
    return append(text, piece, size, depth, err);
}

eagle_status eg_text_finish(eg_text *text, eagle_error *err)
{
    const char *piece = NULL;
    size_t size = 0;

    if (text->stream == NULL || text->stopped) {
        return EAGLE_OK;
    }
    if (eagle_text_stream_flush(text->stream, &piece, &size, err) != EAGLE_OK) {
        return err->code;
    }
    return append(text, piece, size, 0, err);
}

/* ---- showing ------------------------------------------------------------------------------ */

/* Colours by depth in the draft tree: green, cyan, blue, magenta, yellow, red, and again. */
static const char *colour(unsigned char depth)
{
    static const char *const code[] = {"\033[32m", "\033[36m", "\033[34m",
                                       "\033[35m", "\033[33m", "\033[31m"};

    return depth == 0 ? "\033[0m" : code[(depth - 1) % 6];
}

/* Goes from the mark that is open to that of the next byte. In brackets, one pair holds what one
 * round accepted: depths rise along its path. */
static eagle_status change_mark(eg_text *text, eg_sink *sink, int32_t mark, unsigned char depth,
                                eagle_error *err)
{
    unsigned char open = text->open;

    text->open = depth;
    if (depth == open || mark == EG_MARK_NONE) {
        return EAGLE_OK;
    }
    if (mark == EG_MARK_COLOR) {
        return eg_sink_text(sink, colour(depth), err);
    }
    if (depth > open && open > 0) {
        return EAGLE_OK;
    }
    return eg_sink_text(sink, open == 0 ? "[" : depth == 0 ? "]" : "][", err);
}

eagle_status eg_text_show(eg_text *text, eg_sink *sink, int32_t mark, bool all, eagle_error *err)
{
    size_t end = all ? text->n : text->n - held_back(text);
    eagle_status st = EAGLE_OK;

    while (st == EAGLE_OK && text->shown < end) {
        size_t from = text->shown;
        size_t to = from;

        while (to < end && text->depth[to] == text->depth[from]) {
            to++;
        }
        st = change_mark(text, sink, mark, text->depth[from], err);
        if (st == EAGLE_OK) {
            st = eg_sink_write(sink, text->bytes + from, to - from, err);
        }
        text->shown = to;
    }
    if (st == EAGLE_OK && all) {
        st = change_mark(text, sink, mark, 0, err);
    }
    return st;
}

/* ---- for JSON and for people ---------------------------------------------------------------- */

/* Length of the UTF-8 character at `s`, of which `n` bytes are there; where it is broken, *ok is
 * false and the result counts the bytes that one U+FFFD replaces (Unicode 15, 3.9, table 3-7:
 * the longest beginning of a character). */
static size_t character(bool *ok, const unsigned char *s, size_t n)
{
    unsigned char low = 0x80; /* bounds of the second byte */
    unsigned char high = 0xbf;
    size_t size = s[0] < 0x80 ? 1 : s[0] < 0xe0 ? 2 : s[0] < 0xf0 ? 3 : 4;

    *ok = false;
    if ((s[0] >= 0x80 && s[0] < 0xc2) || s[0] > 0xf4) {
        return 1;
    }
    if (s[0] == 0xe0) {
        low = 0xa0; /* below: overlong */
    } else if (s[0] == 0xed) {
        high = 0x9f; /* above: surrogates */
    } else if (s[0] == 0xf0) {
        low = 0x90; /* below: overlong */
    } else if (s[0] == 0xf4) {
        high = 0x8f; /* above: beyond U+10FFFF */
    }
    for (size_t i = 1; i < size; i++) {
        if (i == n || s[i] < low || s[i] > high) {
            return i;
        }
        low = 0x80;
        high = 0xbf;
    }
    *ok = true;
    return size;
}

json_t *eg_json_text(const char *bytes, size_t n)
{
    static const char replacement[] = "\xef\xbf\xbd";
    char *clean = malloc(3 * n + 1);
    size_t size = 0;
    json_t *text = NULL;

    for (size_t i = 0; clean != NULL && i < n;) {
        bool ok = false;
        size_t length = character(&ok, (const unsigned char *)bytes + i, n - i);

        memcpy(clean + size, ok ? bytes + i : replacement, ok ? length : 3);
        size += ok ? length : 3;
        i += length;
    }
    if (clean != NULL) {
        text = json_stringn(clean, size);
    }
    free(clean);
    return text;
}

const char *eg_token_text(char out[EG_TOKEN_TEXT], const eagle_tokenizer *tokenizer, int32_t id)
{
    const char *token = tokenizer != NULL ? eagle_tokenizer_token(tokenizer, id) : NULL;
    size_t size = 0;

    if (token == NULL) {
        snprintf(out, EG_TOKEN_TEXT, "%d", id);
        return out;
    }
    out[size++] = '"';
    for (; *token != '\0' && size < 60; token++) {
        unsigned char c = (unsigned char)*token;

        if (c == '\n') {
            out[size++] = '\\';
            out[size++] = 'n';
        } else {
            out[size++] = c < ' ' || c == 0x7f ? '?' : *token;
        }
    }
    while (*token != '\0' && size > 1 && ((unsigned char)*token & 0xc0) == 0x80) {
        token--; /* a long one is cut, but not inside a character */
        size--;
    }
    snprintf(out + size, EG_TOKEN_TEXT - size, "%s\" (%d)", *token != '\0' ? "..." : "", id);
    return out;
}
