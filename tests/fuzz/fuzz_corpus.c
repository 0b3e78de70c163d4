/* SPDX-License-Identifier: MIT */
/* fuzz_corpus.c - arbitrary bytes as training texts and as stored features.
 *
 * The first byte says as what: 't' text, 'j' JSON lines, 'i' ids, 'f' features, whose header
 * goes up to the first NUL, with the tensors behind it. */
#include "eagle/eagle.h"
#include "fuzz/fuzz.h"
#include "support/lib_scratch.h"
#include "support/lib_toy.h"

#include "train/features.h"

#include <stdlib.h>
#include <string.h>

enum { VOCAB = 40, DIM = 32, END = 2 };

/* Opened once and kept: the leak checker sees them. */
static eagle_tokenizer *tokenizer;
static toy *network;

static void promise(int kept)
{
    if (!kept) {
        abort();
    }
}

static void open_all(void)
{
    if (tokenizer == NULL) {
        scratch_text(fuzz_dir(), "tokenizer.json",
                     "{\"model\":{\"type\":\"BPE\",\"unk_token\":\"b\",\"merges\":[[\"a\",\" \"]],"
                     "\"vocab\":{\"a\":1,\"b\":2,\" \":3,\"a \":4,\":\":5,\"U\":39}}}");
        promise(eagle_tokenizer_open(&tokenizer, fuzz_dir(), NULL) == EAGLE_OK);
        network = toy_create(&(toy_options){.seed = 1});
    }
}

/* Every document has something to learn, and tokens of the vocabulary. */
static void check(const eagle_corpus *corpus)
{
    int64_t n = 0;

    promise(eagle_corpus_count(corpus) > 0);
    for (int32_t i = 0; i < eagle_corpus_count(corpus); i++) {
        const eagle_document d = eagle_corpus_at(corpus, i);
        int learned = 0;

        promise(d.n >= 2);
        for (int32_t j = 0; j < d.n; j++) {
            promise(d.token[j] >= 0 && d.token[j] < VOCAB);
            learned += j > 0 && d.learn[j] == 1;
        }
        promise(learned > 0);
        n += d.n;
    }
    promise(n == eagle_corpus_tokens(corpus));
}

static void read_texts(const char *path, eagle_corpus_format format)
{
    eagle_corpus_options opt;
    eagle_error err = {0};
    eagle_corpus *corpus;

    eagle_corpus_defaults(&opt);
    opt.format = format;
    opt.end = END;

    const eagle_status st = eagle_corpus_read(&corpus, &path, 1, tokenizer, VOCAB, &opt, &err);

    fuzz_check_error(st != EAGLE_OK, err.message);
    if (st == EAGLE_OK) {
        check(corpus);
    }
    eagle_corpus_free(corpus);
}

static void open_features(const char *path)
{
    eagle_error err = {0};
    eagle_features *features;
    eagle_corpus *corpus;
    const eagle_status st = eagle_features_open(&features, &corpus, path, toy_model(network), &err);

    fuzz_check_error(st != EAGLE_OK, err.message);
    for (int32_t i = 0; st == EAGLE_OK && i < eagle_corpus_count(corpus); i++) {
        const size_t n = (size_t)eagle_corpus_at(corpus, i).n;
        float *rows = malloc(n * DIM * sizeof *rows);

        if (rows != NULL) {
            eg_features_rows(rows, features, (eg_origin){.document = i}, n);
        }
        free(rows);
    }
    eagle_features_free(features);
    eagle_corpus_free(corpus);
}

static void write_features(const char *data, size_t size)
{
    char header[65536];
    const char *end = memchr(data, 0, size);
    const size_t length = end != NULL ? (size_t)(end - data) : size;

    if (length < sizeof header) {
        memcpy(header, data, length);
        header[length] = '\0';
        scratch_tensors(fuzz_dir(), "texts", header, data + length, size - length);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[SCRATCH_PATH];

    if (size == 0) {
        return 0;
    }
    open_all();
    scratch_join(path, fuzz_dir(), "texts");
    scratch_write(fuzz_dir(), "texts", data + 1, size - 1);
    switch (data[0]) {
    case 't': read_texts(path, EAGLE_CORPUS_TEXT); break;
    case 'j': read_texts(path, EAGLE_CORPUS_JSONL); break;
    case 'i': read_texts(path, EAGLE_CORPUS_IDS); break;
    case 'f':
        write_features((const char *)data + 1, size - 1);
        open_features(path);
        break;
    default: break;
    }
    return 0;
}
