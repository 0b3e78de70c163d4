/* SPDX-License-Identifier: MIT */
/* characters.h - UTF-8, texts that grow, and what lines and names look like. */
#ifndef EG_BASE_CHARACTERS_H
#define EG_BASE_CHARACTERS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* What eg_utf8_next() finds where there is no character. */
#define EG_UTF8_BAD UINT32_MAX       /* bytes that no character begins with          */
#define EG_UTF8_CUT (UINT32_MAX - 1) /* a character whose last bytes are not there */

/* The character at text[0], n >= 1 bytes being there: its code in *code, its length returned.
 * For EG_UTF8_BAD and EG_UTF8_CUT the length is that of the longest beginning of
 * a character: what one U+FFFD stands for (Unicode 15, section 3.9, U+FFFD substitution). */
size_t eg_utf8_next(uint32_t *code, const char *text, size_t n);

/* Where the first sequence that is no UTF-8 begins: n when there is none. */
size_t eg_utf8_check(const char *text, size_t n);

/* Writes a character, returns its length: 1 to 4 bytes. */
size_t eg_utf8_put(char out[4], uint32_t code);

/* A text that grows. Zero-initialise; release data with free(). */
typedef struct {
    char *data; /* not NUL-terminated; NULL while nothing was added */
    size_t size;
    size_t cap;
} eg_text;

/* False without memory; the text is then as before. */
bool eg_text_add(eg_text *text, const char *bytes, size_t n);
bool eg_text_add_char(eg_text *text, uint32_t code);

/* Adds `bytes`, each broken sequence as one U+FFFD. */
bool eg_text_add_lossy(eg_text *text, const char *bytes, size_t n);

/* The line of data[0 .. size) that begins at `at`: its length without the line feed. */
size_t eg_line_length(const char *data, size_t size, size_t at);

/* True for a line, without its line feed, that only separates documents; a carriage return at its
 * end does not count. NULL: no line does; "": an empty one. */
bool eg_is_separator(const char *line, size_t length, const char *separator);

bool eg_ends_with(const char *text, const char *end);

#endif
