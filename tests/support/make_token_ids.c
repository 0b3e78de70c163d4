/* SPDX-License-Identifier: MIT */
/* make_token_ids.c - the tokenizer behind a pipe, for scripts that compare it with another one.
 *
 *   make_token_ids DIR
 *
 * Reads a request per line and answers with a line: bytes are hexadecimal, ids decimal.
 *
 *   e 4869            ids of the bytes, with what the template adds, special tokens parsed
 *   n 4869            the same without special tokens and without parsing any
 *   d 1 15043         the bytes that the ids decode to
 *   s 1 1 15043       the same as a stream whose prompt is the first 1 of them: pieces with '|'
 *                     between, the last from the flush
 *
 * A failure answers "error: " and its line. */
#include "eagle/eagle.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void put_hex(const char *text, size_t size)
{
    for (size_t i = 0; i < size; i++) {
        printf("%02x", (unsigned)(unsigned char)text[i]);
    }
}

static void encode(const eagle_tokenizer *t, char *hex, bool special)
{
    eagle_encode_options opt = {.add_special = special, .parse_special = special};
    eagle_error err;
    size_t size = strspn(hex, "0123456789abcdef") / 2;
    int32_t *ids;
    size_t n;

    for (size_t i = 0; i < size; i++) { /* in place: a byte is shorter than its digits */
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

        hex[i] = (char)(unsigned char)strtoul(digits, NULL, 16);
    }
    if (eagle_tokenizer_encode(&ids, &n, t, hex, size, &opt, &err) != EAGLE_OK) {
        printf("error: %s", err.message);
        return;
    }
    for (size_t i = 0; i < n; i++) {
        printf(i > 0 ? " %d" : "%d", (int)ids[i]);
    }
    free(ids);
}

static void decode(const eagle_tokenizer *t, const int32_t *ids, size_t n)
{
    eagle_error err;
    char *text;
    size_t size;

    if (eagle_tokenizer_decode(&text, &size, t, ids, n, &err) != EAGLE_OK) {
        printf("error: %s", err.message);
        return;
    }
    put_hex(text, size);
    free(text);
}

static void stream(const eagle_tokenizer *t, const int32_t *ids, size_t n, size_t n_prompt)
{
    eagle_text_stream *stream = NULL;
    eagle_error err;
    const char *piece;
    size_t size;
    eagle_status st = eagle_text_stream_create(&stream, t, ids, n_prompt, &err);

    for (size_t i = n_prompt; i < n && st == EAGLE_OK; i++) {
        st = eagle_text_stream_push(stream, ids[i], &piece, &size, &err);
        if (st == EAGLE_OK) {
            put_hex(piece, size);
            printf("|");
        }
    }
    if (st == EAGLE_OK) {
        st = eagle_text_stream_flush(stream, &piece, &size, &err);
    }
    if (st == EAGLE_OK) {
        put_hex(piece, size);
    } else {
        printf("error: %s", err.message);
    }
    eagle_text_stream_free(stream);
}

/* Parses numbers into a new array. */
static int32_t *parse_ids(size_t *n, char *text)
{
    int32_t *ids = calloc(strlen(text) / 2 + 2, sizeof *ids);
    char *end;

    *n = 0;
    for (long id = strtol(text, &end, 10); ids != NULL && end != text;
         id = strtol(text, &end, 10)) {
        ids[(*n)++] = (int32_t)id;
        text = end;
    }
    return ids;
}

static void answer(const eagle_tokenizer *t, char *line)
{
    if (line[0] == 'e' || line[0] == 'n') {
        encode(t, line + 2, line[0] == 'e');
    } else {
        size_t n;
        int32_t *ids = parse_ids(&n, line + 1);

        if (ids != NULL && line[0] == 'd') {
            decode(t, ids, n);
        } else if (ids != NULL && n > 0) {
            stream(t, ids + 1, n - 1, (size_t)ids[0]);
        }
        free(ids);
    }
    printf("\n");
}

int main(int argc, char **argv)
{
    eagle_tokenizer *t = NULL;
    eagle_error err;
    char *line = NULL;
    size_t cap = 0;

    if (argc != 2) {
        fprintf(stderr, "usage: make_token_ids DIR\n");
        return 2;
    }
    eagle_status st = eagle_tokenizer_open(&t, argv[1], &err);

    if (st != EAGLE_OK) {
        printf("error: %s\n", err.message);
        return eagle_exit_code(st);
    }
    printf("ready\n");
    fflush(stdout);
    while (getline(&line, &cap, stdin) > 1) {
        answer(t, line);
        fflush(stdout);
    }
    free(line);
    eagle_tokenizer_free(t);
    return 0;
}
