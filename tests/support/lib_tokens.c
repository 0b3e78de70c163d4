/* SPDX-License-Identifier: MIT */
/* lib_tokens.c - tokenizers for tests, and what a test does with them. */
#include "support/lib_tokens.h"

#include "support/lib_scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A library built without its tokenizer cannot pass or fail: the test is skipped. */
static void skip_if_absent(eagle_status st, const eagle_error *err)
{
    if (st == EAGLE_EUNSUPPORTED && strncmp(err->message, "built without", 13) == 0) {
        skip();
    }
}

eagle_tokenizer *tokens_open(const char *json, eagle_error *err)
{
    char dir[SCRATCH_PATH];
    eagle_tokenizer *t;

    scratch_create(dir);
    scratch_text(dir, "tokenizer.json", json);
    eagle_status st = eagle_tokenizer_open(&t, dir, err);

    scratch_remove(dir);
    skip_if_absent(st, err);
    assert_true((t != NULL) == (st == EAGLE_OK));
    return t;
}

eagle_tokenizer *tokens_open_data(const char *name)
{
    char dir[SCRATCH_PATH];
    eagle_tokenizer *t;
    eagle_error err;

    if (!scratch_find_data(dir, name)) {
        return NULL;
    }
    eagle_status st = eagle_tokenizer_open(&t, dir, &err);

    if (st != EAGLE_OK) {
        skip_if_absent(st, &err);
        fail_msg("%s", err.message);
    }
    return t;
}

int32_t *tokens_encode(size_t *n, const eagle_tokenizer *t, const char *text, size_t size,
                       bool special)
{
    eagle_encode_options opt = {.add_special = special, .parse_special = special};
    eagle_error err;
    int32_t *ids;

    if (eagle_tokenizer_encode(&ids, n, t, text, size, &opt, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    return ids;
}

char *tokens_decode(size_t *size, const eagle_tokenizer *t, const int32_t *ids, size_t n)
{
    eagle_error err;
    char *text;

    if (eagle_tokenizer_decode(&text, size, t, ids, n, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(text[*size], '\0');
    return text;
}

bool tokens_is_utf8(const char *text, size_t size)
{
    const unsigned char *b = (const unsigned char *)text;

    for (size_t i = 0; i < size;) {
        size_t more = b[i] < 0x80 ? 0 : (b[i] < 0xe0 ? 1 : (b[i] < 0xf0 ? 2 : 3));

        if ((b[i] >= 0x80 && b[i] < 0xc2) || b[i] > 0xf4 || more >= size - i) {
            return false;
        }
        for (size_t k = 1; k <= more; k++) {
            if ((b[i + k] & 0xc0) != 0x80) {
                return false;
            }
        }
        i += more + 1;
    }
    return true;
}

char *tokens_stream(size_t *size, const eagle_tokenizer *t, const int32_t *ids, size_t n,
                    size_t n_prompt)
{
    eagle_text_stream *stream;
    eagle_error err;
    char *text = calloc(1, 1);

    *size = 0;
    assert_non_null(text);
    assert_int_equal(eagle_text_stream_create(&stream, t, ids, n_prompt, &err), EAGLE_OK);
    for (size_t i = n_prompt; i <= n; i++) { /* the last round is the flush */
        const char *piece;
        size_t piece_size;
        eagle_status st = i < n ? eagle_text_stream_push(stream, ids[i], &piece, &piece_size, &err)
                                : eagle_text_stream_flush(stream, &piece, &piece_size, &err);

        assert_int_equal(st, EAGLE_OK);
        assert_true(tokens_is_utf8(piece, piece_size));
        text = realloc(text, *size + piece_size + 1);
        assert_non_null(text);
        memcpy(text + *size, piece, piece_size);
        *size += piece_size;
        text[*size] = '\0';
    }
    eagle_text_stream_free(stream);
    return text;
}
