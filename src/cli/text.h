/* SPDX-License-Identifier: MIT */
/* text.h - the text of one continuation as it grows: decoding, stop texts, marks.
 *
 * Each byte remembers how deep in the draft tree its token was, so that accepted tokens can
 * be shown. Bytes that may be the beginning of a stop text are held back. */
#ifndef EG_CLI_TEXT_H
#define EG_CLI_TEXT_H

#include "cli/options.h"
#include "cli/prompts.h"
#include "cli/sink.h"

typedef struct {
    eagle_text_stream *stream; /* NULL: ids separated by spaces          */
    const eg_options *opt;     /* its stop texts; borrowed               */
    char *bytes;               /* [n]                                    */
    unsigned char *depth;      /* [n] 0: its token was not drafted       */
    size_t n;
    size_t cap;
    size_t shown;
    unsigned char open; /* depth of the mark that is open, 0: none */
    bool stopped;       /* a stop text was met: bytes end before it */
} eg_text;

/* `tokenizer` NULL: the text is the ids. */
eagle_status eg_text_start(eg_text *out, const eagle_tokenizer *tokenizer, const eg_prompt *prompt,
                           const eg_options *opt, eagle_error *err);

/* Adds a token; depth 0: it was not drafted. */
eagle_status eg_text_push(eg_text *text, int32_t id, int32_t depth, eagle_error *err);

/* Adds what the decoder still holds back. */
eagle_status eg_text_finish(eg_text *text, eagle_error *err);

/* Writes what has not been shown yet, with marks (EG_MARK_); `all`: also what might be the
 * beginning of a stop text. */
eagle_status eg_text_show(eg_text *text, eg_sink *sink, int32_t mark, bool all, eagle_error *err);

void eg_text_free(eg_text *text);

/* `n` bytes as a JSON string, broken UTF-8 as U+FFFD. NULL without memory. */
json_t *eg_json_text(const char *bytes, size_t n);

/* A token for people: "upon" (407), as it stands in the vocabulary. Returns `out`. */
#define EG_TOKEN_TEXT 96
const char *eg_token_text(char out[EG_TOKEN_TEXT], const eagle_tokenizer *tokenizer, int32_t id);

#endif
