/* SPDX-License-Identifier: MIT */
/* lib_tokens.h - tokenizers for tests, and what a test does with them. */
#ifndef TESTS_LIB_TOKENS_H
#define TESTS_LIB_TOKENS_H

#include "eagle/eagle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Opens a tokenizer whose file is `json`; NULL with *err filled when it is refused. Skips the test
 * when the library was built without its tokenizer. */
eagle_tokenizer *tokens_open(const char *json, eagle_error *err);

/* Opens $EAGLE_DATA/NAME; NULL when it is not there. A file that is there and refused fails
 * the test. */
eagle_tokenizer *tokens_open_data(const char *name);

/* Encodes with special tokens added and parsed, or without either. Free the result. */
int32_t *tokens_encode(size_t *n, const eagle_tokenizer *t, const char *text, size_t size,
                       bool special);

/* Decodes; free the result. */
char *tokens_decode(size_t *size, const eagle_tokenizer *t, const int32_t *ids, size_t n);

/* Streams ids[n_prompt .. n) after the prompt ids[0 .. n_prompt), asserts that no piece has
 * half a character, and returns all pieces as one text; free it. */
char *tokens_stream(size_t *size, const eagle_tokenizer *t, const int32_t *ids, size_t n,
                    size_t n_prompt);

/* True when all of it is UTF-8, as a strict reader of bytes sees it. */
bool tokens_is_utf8(const char *text, size_t size);

#endif
