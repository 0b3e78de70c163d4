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
 * does not count. Parts that are no UTF-8 become U+FFFD. An id that the vocabulary lacks has no
 * text, as in the reference implementation: a model may have more ids than its tokenizer.
 * EAGLE_EINVAL for an id below 0. */
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

/* ---- a tokenizer of one's own ---------------------------------------------------------------- */

/* What eagle_tokenizer_train() learns. Ids are: the special tokens, the 256 bytes, the merges. In
 * brackets: the defaults. */
typedef struct {
    int32_t vocab;              /* [2048] tokens in all, at least n_special + 256             */
    int64_t min_frequency;      /* [2] a pair that comes less often is not merged             */
    const char *const *special; /* [n_special] ["<|endoftext|>"] never learned nor cut   */
    int32_t n_special;
    int32_t bos;           /* [0] the special token that begins each text; -1: none      */
    int32_t eos;           /* [0] the one that tokenizer_config.json names; -1: none     */
    const char *separator; /* ["<|endoftext|>"] a line equal to it ends a document;
                            * NULL: no line does; "": an empty line                      */
} eagle_tokenizer_options;

EAGLE_API void eagle_tokenizer_defaults(eagle_tokenizer_options *out);

/* Learns a byte-level BPE tokenizer, as GPT-2's, from plain text files, and writes
 * DIR/tokenizer.json and DIR/tokenizer_config.json in Hugging Face's format; DIR is there already.
 *
 * Every byte is a token, so no text is unknown. The same text gives the same merges, in whatever
 * order its documents come, and those of Hugging Face's BpeTrainer. Broken UTF-8 becomes U+FFFD, as
 * when it is encoded. The vocabulary stays smaller when the text has no more pairs to offer. Memory
 * goes with the different words of the text, not with its length.
 *
 * EAGLE_EINVAL (options; a special token that could also be learned from text), EAGLE_EREAD,
 * EAGLE_EFORMAT (no text), EAGLE_EUNSUPPORTED (a file that is no plain text, by its name),
 * EAGLE_ELIMIT, EAGLE_EWRITE, EAGLE_ENOMEM; existing files then stay as they were. */
EAGLE_API eagle_status eagle_tokenizer_train(const char *dir, const char *const *paths,
                                             int32_t n_paths, const eagle_tokenizer_options *opt,
                                             eagle_error *err);

#ifdef __cplusplus
}
#endif
#endif
