/* SPDX-License-Identifier: MIT */
/* documents.h - what a corpus is made of, and how it is made: tokens are appended to the open
 * document, until it is closed. */
#ifndef EG_TRAIN_DOCUMENTS_H
#define EG_TRAIN_DOCUMENTS_H

#include "eagle/corpus.h"

/* All documents, one after the other. */
struct eagle_corpus {
    int32_t n;      /* documents                                                  */
    int64_t *start; /* [n + 1] document i is the tokens start[i] .. start[i + 1]  */
    int32_t *token; /* [start[n]], and behind them the open document              */
    uint8_t *learn; /* the same                                                   */
    size_t n_token; /* of all documents, the open one included                    */
    size_t token_cap;
    size_t start_cap;
};

/* An empty corpus. EAGLE_ENOMEM. */
eagle_status eg_corpus_create(eagle_corpus **out, eagle_error *err);

/* Appends n tokens to the open document, all of them to be learned or none. EAGLE_ENOMEM;
 * EAGLE_ELIMIT when the document is then longer than INT32_MAX. */
eagle_status eg_corpus_append(eagle_corpus *corpus, const int32_t *token, size_t n, bool learn,
                              eagle_error *err);

/* Bytes of the arrays of a corpus that grew to so many tokens, its documents' beginnings aside. */
uint64_t eg_corpus_bytes(size_t tokens);

/* Tokens of the open document. */
size_t eg_corpus_open_length(const eagle_corpus *corpus);

/* Closes the open document; one without a token to learn behind its first is forgotten, since it
 * teaches nothing. EAGLE_ENOMEM, EAGLE_ELIMIT (too many documents). */
eagle_status eg_corpus_close(eagle_corpus *corpus, eagle_error *err);

/* EAGLE_EFIT names the first token outside [0, vocab). */
eagle_status eg_corpus_check(const eagle_corpus *corpus, int32_t vocab, eagle_error *err);

/* The same texts in documents of at most `length` >= 2 tokens: longer ones are cut into pieces that
 * overlap by one token, so that every token but a text's first is learned from its context.
 * EAGLE_ENOMEM. */
eagle_status eg_corpus_cut(eagle_corpus **out, const eagle_corpus *corpus, int32_t length,
                           eagle_error *err);

/* ---- reading --------------------------------------------------------------------------------- */

/* The file that is being read, and where in it: what messages say. */
typedef struct {
    eagle_corpus *corpus;
    const eagle_tokenizer *tokenizer; /* NULL: the files hold ids */
    const eagle_corpus_options *opt;
    int32_t vocab;
    const char *path;
    size_t line; /* from 1 */
} eg_reading;

/* Appends ids that lie in the vocabulary. EAGLE_EFIT for one that does not. */
eagle_status eg_reading_append(eg_reading *r, const int32_t *ids, size_t n, bool learn,
                               eagle_error *err);

/* A text's ids, to be freed; EAGLE_EINVAL without a tokenizer. */
eagle_status eg_reading_encode(int32_t **ids, size_t *n, const eg_reading *r, const char *text,
                               size_t size, bool add_special, eagle_error *err);

/* Appends the end token, unless there is none or the open document ends with it. */
eagle_status eg_reading_end(eg_reading *r, eagle_error *err);

/* True when `size` bytes are white space of ASCII alone. */
bool eg_is_blank(const char *text, size_t size);

/* Reads JSON lines. */
eagle_status eg_reading_jsonl(eg_reading *r, const char *data, size_t size, eagle_error *err);

#endif
