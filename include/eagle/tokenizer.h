/* SPDX-License-Identifier: MIT */
/* tokenizer.h - text to tokens and back, from a Hugging Face tokenizer.json.
 *
 * A tokenizer is immutable: any number of threads may use it, each with its own
 * eagle_text_stream. Text is bytes with a length; invalid UTF-8 in an input is replaced
 * by U+FFFD, as the reference implementation does, before it is tokenized. */
#ifndef EAGLE_TOKENIZER_H
#define EAGLE_TOKENIZER_H

#include "eagle/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eagle_tokenizer eagle_tokenizer; /* opaque */

/* Opens DIR/tokenizer.json. EAGLE_EREAD, EAGLE_EFORMAT, EAGLE_EUNSUPPORTED (a component that is
 * not understood, by name), EAGLE_ENOMEM. */
EAGLE_API eagle_status eagle_tokenizer_open(eagle_tokenizer **out, const char *dir,
                                            eagle_error *err);
EAGLE_API void eagle_tokenizer_free(eagle_tokenizer *t);

/* One more than the largest id. */
EAGLE_API int32_t eagle_tokenizer_vocab(const eagle_tokenizer *t);

/* The bytes of one token as they stand in the vocabulary; NULL for an id it lacks. */
EAGLE_API const char *eagle_tokenizer_token(const eagle_tokenizer *t, int32_t id);

/* The id of a vocabulary entry or added token; -1 if there is none. */
EAGLE_API int32_t eagle_tokenizer_id(const eagle_tokenizer *t, const char *token);

/* True when `id` is an added token flagged special: decoding leaves it out. */
EAGLE_API bool eagle_tokenizer_is_special(const eagle_tokenizer *t, int32_t id);

typedef struct {
    bool add_special;   /* what the post-processor adds, BOS for instance       */
    bool parse_special; /* special tokens written in the text become their ids  */
} eagle_encode_options;

/* Encodes `size` bytes. *ids is allocated, free it with free(); NULL when *n is 0. */
EAGLE_API eagle_status eagle_tokenizer_encode(int32_t **ids, size_t *n, const eagle_tokenizer *t,
                                              const char *text, size_t size,
                                              const eagle_encode_options *opt, eagle_error *err);

/* Decodes n ids, special tokens left out. *text is allocated and ends with a NUL that *size
 * does not count. Parts that are no UTF-8 become U+FFFD. EAGLE_EINVAL for an unknown id. */
EAGLE_API eagle_status eagle_tokenizer_decode(char **text, size_t *size, const eagle_tokenizer *t,
                                              const int32_t *ids, size_t n, eagle_error *err);

/* Streaming: gives decode(ids so far) piece by piece, and never half a character. */
typedef struct eagle_text_stream eagle_text_stream; /* opaque */

/* Starts a stream whose text begins after `prompt` (may be empty): what it gives is
 * decode(prompt + pushed ids) less decode(prompt). */
EAGLE_API eagle_status eagle_text_stream_create(eagle_text_stream **out, const eagle_tokenizer *t,
                                                const int32_t *prompt, size_t n_prompt,
                                                eagle_error *err);
/* Adds one id; *piece (owned by the stream, valid until the next call) receives what can be
 * shown now, possibly nothing. */
EAGLE_API eagle_status eagle_text_stream_push(eagle_text_stream *stream, int32_t id,
                                              const char **piece, size_t *size, eagle_error *err);
/* Gives what is still held back; an incomplete character becomes U+FFFD. */
EAGLE_API eagle_status eagle_text_stream_flush(eagle_text_stream *stream, const char **piece,
                                               size_t *size, eagle_error *err);
EAGLE_API void eagle_text_stream_free(eagle_text_stream *stream);

#ifdef __cplusplus
}
#endif
#endif
