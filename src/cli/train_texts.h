/* SPDX-License-Identifier: MIT */
/* train_texts.h - the texts of a training: read, divided, written by the target itself, shown. */
#ifndef EG_CLI_TRAIN_TEXTS_H
#define EG_CLI_TRAIN_TEXTS_H

#include "cli/options.h"
#include "cli/progress.h"

typedef struct {
    eagle_corpus *learned;
    eagle_corpus *held_out; /* NULL: none */
} eg_train_texts;

/* True when the files of --data hold plain text, as far as format and names tell. */
bool eg_texts_are_plain(const eg_options *opt);

/* Reads the files of --data. `tokenizer` NULL: they hold ids below `vocab`. `end` is appended to
 * documents and answers, -1: nothing. EAGLE_EINVAL without a file. */
eagle_status eg_corpus_from(eagle_corpus **out, const eg_options *opt,
                            const eagle_tokenizer *tokenizer, int32_t vocab, int32_t end,
                            eagle_error *err);

/* Divides the texts by --held-out. Where there is one document alone, none is held out, with a
 * note. */
eagle_status eg_texts_split(eg_train_texts *texts, const eg_options *opt, eagle_error *err);

/* --length, or where it was not given, at most what the model is made for. */
int32_t eg_texts_length(const eg_options *opt, const eagle_model *model);

/* What eg_texts_write() will take. */
eagle_status eg_texts_bill(eagle_writing_bill *out, const eagle_model *model, const eg_options *opt,
                           eagle_error *err);

/* Puts text that `model` writes in the place of texts->learned, and keeps it at `path`. */
eagle_status eg_texts_write(eg_train_texts *texts, const eagle_model *model, const eg_options *opt,
                            const char *path, eagle_error *err);

/* Puts what eg_texts_write() kept at `path` in the place of texts->learned. */
eagle_status eg_texts_read(eg_train_texts *texts, const eagle_model *model, const char *path,
                           eagle_error *err);

/* The same for a dry run, which needs no more than the texts of a step: nothing is written where
 * the beginnings suffice for that. */
eagle_status eg_texts_for_plan(eg_train_texts *texts, const eagle_model *model,
                               const eg_options *opt, eagle_error *err);

/* Bytes of text behind the tokens of a corpus that are to be learned; 0 where the tokens are no
 * text. */
eagle_status eg_texts_bytes(int64_t *out, const eagle_corpus *corpus,
                            const eagle_tokenizer *tokenizer, eagle_error *err);

/* Prints the beginning of the first document, at most n tokens of it, on stdout: what is only
 * context is dim on a terminal and in brackets elsewhere. */
eagle_status eg_texts_show(const eagle_corpus *corpus, const eagle_tokenizer *tokenizer, int32_t n,
                           eagle_error *err);

void eg_train_texts_free(eg_train_texts *texts);

#endif
