/* SPDX-License-Identifier: MIT */
/* corpus.h - texts to train on: documents of token ids, each token to be learned or only context.
 *
 * A corpus is immutable once made; any number of threads may read it. */
#ifndef EAGLE_CORPUS_H
#define EAGLE_CORPUS_H

#include "eagle/model.h"
#include "eagle/status.h"
#include "eagle/tokenizer.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct eagle_corpus eagle_corpus; /* opaque */

/* One document. A view. */
typedef struct {
    const int32_t *token; /* [n]                                                          */
    const uint8_t *learn; /* [n] 1: to be learned; 0: context only, such as a question    */
    int32_t n;
} eagle_document;

/* White space around a text is not part of it. Ids are taken as they are: nothing is added to them.
 * A conversation is put into one fixed form, with what the assistant says to be learned:
 *
 *   SYSTEM USER: QUESTION ASSISTANT: ANSWER<end>USER: QUESTION ASSISTANT: ANSWER<end> */
typedef enum {
    EAGLE_CORPUS_AUTO,  /* by the name: .jsonl, .ids, anything else is text                  */
    EAGLE_CORPUS_TEXT,  /* plain text; a line equal to `separator` ends a document           */
    EAGLE_CORPUS_JSONL, /* one object a line: `text`; or `conversations` (ShareGPT: `from`
                         * system, human or gpt, `value`); or `messages` (`role` system, user
                         * or assistant, `content`); or `ids`, with `learn` of 0 and 1        */
    EAGLE_CORPUS_IDS    /* token ids separated by blanks or commas, one document a line      */
} eagle_corpus_format;

typedef struct {
    eagle_corpus_format format;
    const char *separator; /* NULL: a file is one document; "": an empty line separates        */
    bool add_special;      /* what the tokenizer adds, BOS for instance, begins a document     */
    int32_t end;           /* appended to each text and to each answer; -1: nothing            */
} eagle_corpus_options;

/* AUTO, "<|endoftext|>", with special tokens, no end. */
EAGLE_API void eagle_corpus_defaults(eagle_corpus_options *out);

/* Reads `n_paths` files into one corpus. `tokenizer` may be NULL where all files hold ids; every id
 * must lie in [0, vocab). Special tokens written in a text are not parsed. A document with nothing
 * to learn behind its first token, an empty one for instance, is left out.
 *
 * EAGLE_EREAD; EAGLE_EFORMAT names file and line of what is broken, bytes that are no UTF-8
 * included, and is also an empty file or nothing to learn at all; EAGLE_EFIT for an id outside the
 * vocabulary; EAGLE_EINVAL for text without a tokenizer, or conversations without an end token;
 * EAGLE_ELIMIT for a document of more than INT32_MAX tokens; EAGLE_ENOMEM. */
EAGLE_API eagle_status eagle_corpus_read(eagle_corpus **out, const char *const *paths,
                                         int32_t n_paths, const eagle_tokenizer *tokenizer,
                                         int32_t vocab, const eagle_corpus_options *opt,
                                         eagle_error *err);

/* How a target writes its own training text. */
typedef struct {
    int64_t tokens;           /* to write, prompts not counted                          */
    int32_t length;           /* most tokens of a document, prompt included             */
    int32_t prompt_min;       /* tokens taken from the beginning of a document of the   */
    int32_t prompt_max;       /* prompts' corpus: as many as a draw in this range says  */
    const float *temperature; /* [n_temperatures] used in turn; 0 is greedy             */
    int32_t n_temperatures;
    uint64_t seed;
    int32_t sequences; /* written side by side in one pass                       */
    int32_t threads;   /* 0: the CPUs this process may use                       */
} eagle_writing_options;

EAGLE_API void eagle_writing_defaults(eagle_writing_options *out);

/* The memory that eagle_corpus_write() takes, in bytes. */
typedef struct {
    uint64_t weights; /* mapped, of the model                                             */
    uint64_t work;    /* KV cache, activations, documents that are not complete: of those
                       * that wait for an earlier one, as many as grow                    */
    uint64_t texts;   /* of the corpus                                                    */
} eagle_writing_bill;

EAGLE_API uint64_t eagle_writing_bill_total(const eagle_writing_bill *bill);

/* What eagle_corpus_write() would take, without writing. EAGLE_EINVAL, EAGLE_ELIMIT and
 * EAGLE_EUNSUPPORTED as there. */
EAGLE_API eagle_status eagle_corpus_write_bill(eagle_writing_bill *out, const eagle_model *model,
                                               const eagle_writing_options *opt, eagle_error *err);

/* Told now and then how far the writing is; returns false to end it early, with what there is. */
typedef bool eagle_writing_progress(void *ctx, int64_t done, int64_t of);

/* Lets `model` continue prompts from `prompts`, until an end token or `length`: a function of
 * model, prompts and options alone, whatever the threads. Every token is to be learned. `progress`
 * may be NULL. */
EAGLE_API eagle_status eagle_corpus_write(eagle_corpus **out, const eagle_model *model,
                                          const eagle_corpus *prompts,
                                          const eagle_writing_options *opt,
                                          eagle_writing_progress *progress, void *ctx,
                                          eagle_error *err);

/* Writes a corpus as JSONL (`ids`, `learn` where it is not all ones), readable by
 * eagle_corpus_read(). */
EAGLE_API eagle_status eagle_corpus_save(const eagle_corpus *corpus, const char *path,
                                         eagle_error *err);

/* Moves a share of the documents, evenly spread, from `corpus` to a new one, so that both keep at
 * least one: by order in the file, so that the same file is always cut the same way.
 * EAGLE_EINVAL unless 0 < share < 1; EAGLE_EFORMAT for fewer than two documents; EAGLE_ENOMEM, and
 * `corpus` is as before. */
EAGLE_API eagle_status eagle_corpus_split(eagle_corpus **held_out, eagle_corpus *corpus,
                                          double share, eagle_error *err);

EAGLE_API int32_t eagle_corpus_count(const eagle_corpus *corpus);
EAGLE_API int64_t eagle_corpus_tokens(const eagle_corpus *corpus);
EAGLE_API eagle_document eagle_corpus_at(const eagle_corpus *corpus, int32_t i);

/* SHA-256 over all documents: a checkpoint knows by it that it goes on with the same texts. */
EAGLE_API void eagle_corpus_hash(char hex[65], const eagle_corpus *corpus);

EAGLE_API void eagle_corpus_free(eagle_corpus *corpus);

/* ---- stored features ------------------------------------------------------------------ */

/* A target's features of a whole corpus, one safetensors file, mapped read-only: `input_ids` I32
 * [N], `loss_mask` U8 [N], `starts` I64 [documents + 1], `hidden_state` F32, F16 or BF16 [N, dim],
 * and in its metadata the target's digest. */
typedef struct eagle_features eagle_features; /* opaque */

typedef struct {
    int32_t length;    /* longer documents are cut into pieces that overlap by one token */
    eagle_dtype dtype; /* F32, F16 or BF16, rounded to nearest even                      */
    int32_t threads;   /* 0: the CPUs this process may use                               */
} eagle_features_options;

/* Computes and writes the file: features that are those of generation, bit for bit, before they are
 * rounded. EAGLE_EINVAL; EAGLE_ELIMIT for a length beyond the context; EAGLE_EFIT for a token
 * outside the vocabulary; EAGLE_ENUMERIC when a feature is not finite; EAGLE_ENOMEM; EAGLE_EWRITE,
 * also when `progress` (which may be NULL) ends it: then there is no file. */
EAGLE_API eagle_status eagle_features_write(const char *path, const eagle_model *model,
                                            const eagle_corpus *corpus,
                                            const eagle_features_options *opt,
                                            eagle_writing_progress *progress, void *ctx,
                                            eagle_error *err);

/* Opens a file of features of `model`; *corpus receives its documents. EAGLE_EREAD, EAGLE_EFORMAT;
 * EAGLE_EFIT when width, vocabulary or digest are another model's; EAGLE_ENUMERIC names the first
 * document with a feature that is not finite. */
EAGLE_API eagle_status eagle_features_open(eagle_features **out, eagle_corpus **corpus,
                                           const char *path, const eagle_model *model,
                                           eagle_error *err);
EAGLE_API void eagle_features_free(eagle_features *features);

#ifdef __cplusplus
}
#endif
#endif
