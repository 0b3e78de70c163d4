/* SPDX-License-Identifier: MIT */
/* stream.c - decoding as a whole and as a stream. */
#include "base/alloc.h"
#include "base/error.h"
#include "tokenizer/parts.h"

#include <stdlib.h>
#include <string.h>

struct eagle_text_stream {
    const eagle_tokenizer *t;
    eg_decoding *decoding;
    eg_text out;   /* what the last call gave               */
    eg_text known; /* what the prompt's own text ends with and the decoding had not passed on */
    size_t passed; /* bytes of `known` that came again since */
};

/* Decodes one more id; special tokens leave no trace, and neither do ids that the tokenizer lacks: a
 * model whose vocabulary is padded may well give one. */
static eagle_status push(eg_text *out, eg_decoding *decoding, const eagle_tokenizer *t, int32_t id,
                         eagle_error *err)
{
    if (id < 0) {
        return eg_fail(err, EAGLE_EINVAL, "token %d is not in the vocabulary of %d", (int)id,
                       (int)t->n_ids);
    }
    if (id >= t->n_ids || t->token[id].text == NULL || t->token[id].special) {
        return EAGLE_OK;
    }
    const char *text = t->token[id].shown;

    return eg_decoding_push(out, decoding, (eg_str){.data = text, .size = strlen(text)}, err);
}

/* Decodes more ids: adds to *out what none that follow can change. */
static eagle_status push_all(eg_text *out, eg_decoding *decoding, const eagle_tokenizer *t,
                             const int32_t *ids, size_t n, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    for (size_t i = 0; i < n && st == EAGLE_OK; i++) {
        st = push(out, decoding, t, ids[i], err);
    }
    return st;
}

eagle_status eagle_tokenizer_decode(char **text, size_t *size, const eagle_tokenizer *t,
                                    const int32_t *ids, size_t n, eagle_error *err)
{
    eg_text out = {0};
    eg_decoding *decoding = NULL;

    *text = NULL;
    *size = 0;

    eagle_status st = eg_decoding_create(&decoding, t->decode, t->n_decode, err);

    st = st == EAGLE_OK ? push_all(&out, decoding, t, ids, n, err) : st;
    st = st == EAGLE_OK ? eg_decoding_finish(&out, decoding, err) : st;
    if (st == EAGLE_OK && !eg_text_add(&out, "", 1)) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory to decode %zu tokens", n);
    }
    if (st == EAGLE_OK) {
        *text = out.data;
        *size = out.size - 1;
        out.data = NULL;
    }
    free(out.data);
    eg_decoding_free(decoding);
    return st;
}

/* Sets stream->known: decode(prompt) less what the stream's decoding has passed on of it. */
static eagle_status remember_prompt(eagle_text_stream *stream, const int32_t *prompt, size_t n,
                                    eagle_error *err)
{
    char *text;
    size_t size;
    eagle_status st = eagle_tokenizer_decode(&text, &size, stream->t, prompt, n, err);

    if (st != EAGLE_OK) {
        return st;
    }
    if (!eg_text_add(&stream->known, text + stream->out.size, size - stream->out.size)) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory to stream text");
    }
    free(text);
    return st;
}

eagle_status eagle_text_stream_create(eagle_text_stream **out, const eagle_tokenizer *t,
                                      const int32_t *prompt, size_t n_prompt, eagle_error *err)
{
    eagle_text_stream *stream = eg_alloc(1, sizeof *stream);
    eagle_status st;

    *out = NULL;
    if (stream == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory to stream text");
    }
    stream->t = t;
    st = eg_decoding_create(&stream->decoding, t->decode, t->n_decode, err);
    st = st == EAGLE_OK ? push_all(&stream->out, stream->decoding, t, prompt, n_prompt, err) : st;
    st = st == EAGLE_OK ? remember_prompt(stream, prompt, n_prompt, err) : st;
    stream->out.size = 0;
    if (st == EAGLE_OK) {
        *out = stream;
        stream = NULL;
    }
    eagle_text_stream_free(stream);
    return st;
}

/* Gives what a call decoded, without the end of the prompt's text as long as it comes again.
 * A prompt that ends inside a character ends in U+FFFD, and where the next id completes the
 * character, that is where the two texts part. */
static void give(eagle_text_stream *stream, const char **piece, size_t *size)
{
    eg_text *out = &stream->out;
    const eg_text *known = &stream->known;
    size_t at = 0;

    while (at < out->size && stream->passed < known->size) {
        uint32_t code;
        size_t length = eg_utf8_next(&code, out->data + at, out->size - at);

        if (length > known->size - stream->passed ||
            memcmp(out->data + at, known->data + stream->passed, length) != 0) {
            stream->known.size = 0;
            break;
        }
        stream->passed += length;
        at += length;
    }
    *piece = at < out->size ? out->data + at : "";
    *size = out->size - at;
}

eagle_status eagle_text_stream_push(eagle_text_stream *stream, int32_t id, const char **piece,
                                    size_t *size, eagle_error *err)
{
    *piece = "";
    *size = 0;
    stream->out.size = 0;

    eagle_status st = push(&stream->out, stream->decoding, stream->t, id, err);

    if (st == EAGLE_OK) {
        give(stream, piece, size);
    }
    return st;
}

eagle_status eagle_text_stream_flush(eagle_text_stream *stream, const char **piece, size_t *size,
                                     eagle_error *err)
{
    *piece = "";
    *size = 0;
    stream->out.size = 0;

    eagle_status st = eg_decoding_finish(&stream->out, stream->decoding, err);

    if (st == EAGLE_OK) {
        give(stream, piece, size);
    }
    return st;
}

void eagle_text_stream_free(eagle_text_stream *stream)
{
    if (stream != NULL) {
        eg_decoding_free(stream->decoding);
        free(stream->out.data);
        free(stream->known.data);
        free(stream);
    }
}
