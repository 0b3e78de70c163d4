/* SPDX-License-Identifier: MIT */
/* fuzz_encode.c - arbitrary bytes as a text, for tokenizers that between them have every
 * step.
 *
 * The first byte picks tokenizer and options. The ids must be tokens; decoding them in a
 * stream, cut anywhere, must give what decoding the whole gives. */
#include "eagle/tokenizer.h"
#include "fuzz/fuzz.h"
#include "support/lib_scratch.h"

#include <stdlib.h>
#include <string.h>

#define VOCAB                                                                                      \
    "\"vocab\":{\"<u>\":0,\"a\":1,\"b\":2,\" \":3,\"_\":4,\"1\":5,\"\\u0120\":6,\"\\u00e9\":7,"    \
    "\"\\u00c3\":8,\"\\u00a9\":9,\"aa\":10,\"ab\":11,\"aab\":12,\"_a\":13,\"<0x41>\":14,"          \
    "\"<0xC3>\":15,\"<0xA9>\":16,\"<0xF0>\":17,\"<0x9F>\":18,\"e\":19,\"\\u0301\":20,"             \
    "\"abab\":21},\"merges\":[\"a a\",\"a b\",\"aa b\",\"_ a\",\"a ab\",\"ab ab\"]"
#define ADDED                                                                                      \
    "\"added_tokens\":[{\"id\":30,\"content\":\"<s>\",\"special\":true,\"rstrip\":true},"          \
    "{\"id\":31,\"content\":\"ab \",\"lstrip\":true},{\"id\":32,\"content\":\"\\n\","              \
    "\"rstrip\":true,\"lstrip\":true},{\"id\":33,\"content\":\"e\\u0301\",\"normalized\":true,"    \
    "\"single_word\":true}],"

static const char *const files[] = {
    "{" ADDED "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},"
    "{\"type\":\"Prepend\",\"prepend\":\"_\"},{\"type\":\"Replace\",\"pattern\":{\"Regex\":"
    "\"x*1|^b\"},\"content\":\"\\u00e9e\"}]},\"pre_tokenizer\":{\"type\":\"Sequence\","
    "\"pretokenizers\":[{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\s+(?!\\\\S)|\\\\w{1,3}\"},"
    "\"behavior\":\"MergedWithNext\",\"invert\":false},{\"type\":\"Metaspace\",\"replacement\":"
    "\"_\",\"prepend_scheme\":\"first\"}]},\"decoder\":{\"type\":\"Sequence\",\"decoders\":["
    "{\"type\":\"ByteFallback\"},{\"type\":\"Metaspace\",\"replacement\":\"_\"}]},"
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<u>\",\"byte_fallback\":true," VOCAB "}}",
    "{" ADDED "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[{\"type\":\"Digits\","
    "\"individual_digits\":true},{\"type\":\"Punctuation\",\"behavior\":\"MergedWithPrevious\"},"
    "{\"type\":\"ByteLevel\",\"add_prefix_space\":true}]},\"decoder\":{\"type\":\"ByteLevel\"},"
    "\"model\":{\"type\":\"BPE\",\"ignore_merges\":true," VOCAB "}}",
    "{" ADDED "\"pre_tokenizer\":{\"type\":\"Whitespace\"},\"decoder\":{\"type\":\"Sequence\","
    "\"decoders\":[{\"type\":\"Replace\",\"pattern\":{\"String\":\"_\"},\"content\":\" \"},"
    "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},{\"type\":\"Strip\",\"content\":\"a\","
    "\"start\":1,\"stop\":2}]},\"model\":{\"type\":\"BPE\",\"unk_token\":\"<u>\",\"fuse_unk\":true,"
    "\"byte_fallback\":true," VOCAB "}}",
    "{" ADDED "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<u>\"," VOCAB "}}",
};

#define N_FILES (sizeof files / sizeof files[0])

static void promise(int kept)
{
    if (!kept) {
        abort();
    }
}

/* Opened once and kept: the leak checker sees them through this array. */
static eagle_tokenizer *tokenizers[N_FILES];

static const eagle_tokenizer *pick(size_t i)
{
    if (tokenizers[i] == NULL) {
        scratch_text(fuzz_dir(), "tokenizer.json", files[i]);
        promise(eagle_tokenizer_open(&tokenizers[i], fuzz_dir(), NULL) == EAGLE_OK);
    }
    return tokenizers[i];
}

/* Checks that the pieces of a stream are `whole`, one after the other. */
static void check_stream(const eagle_tokenizer *t, const int32_t *ids, size_t n, const char *whole,
                         size_t size)
{
    eagle_text_stream *stream;
    size_t at = 0;

    promise(eagle_text_stream_create(&stream, t, NULL, 0, NULL) == EAGLE_OK);
    for (size_t i = 0; i <= n; i++) {
        const char *piece;
        size_t piece_size;
        eagle_status st = i < n ? eagle_text_stream_push(stream, ids[i], &piece, &piece_size, NULL)
                                : eagle_text_stream_flush(stream, &piece, &piece_size, NULL);

        promise(st == EAGLE_OK && piece_size <= size - at);
        promise(memcmp(whole + at, piece, piece_size) == 0);
        at += piece_size;
        promise(at == size || ((unsigned char)whole[at] & 0xc0) != 0x80); /* no half character */
    }
    promise(at == size);
    eagle_text_stream_free(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    unsigned choice = size > 0 ? data[0] : 0;
    const eagle_tokenizer *t = pick(choice % N_FILES);
    const eagle_encode_options opt = {.add_special = choice & 0x40, .parse_special = choice & 0x80};
    const char *text = size > 0 ? (const char *)data + 1 : "";
    eagle_error err = {0};
    int32_t *ids;
    size_t n;
    char *whole;
    size_t whole_size;
    eagle_status st =
        eagle_tokenizer_encode(&ids, &n, t, text, size > 0 ? size - 1 : 0, &opt, &err);

    fuzz_check_error(st != EAGLE_OK, err.message);
    if (st != EAGLE_OK) {
        return 0;
    }
    for (size_t i = 0; i < n; i++) {
        promise(eagle_tokenizer_token(t, ids[i]) != NULL);
    }
    promise(eagle_tokenizer_decode(&whole, &whole_size, t, ids, n, NULL) == EAGLE_OK);
    check_stream(t, ids, n, whole, whole_size);
    free(whole);
    free(ids);
    return 0;
}
