/* SPDX-License-Identifier: MIT */
/* test_tokenizer_alloc.c - every allocation of opening, encoding, decoding, streaming and learning
 * failed in turn: EAGLE_ENOMEM, nothing given back, nothing left behind. */
#include "fault/fault.h"
#include "support/lib_scratch.h"

#include "eagle/eagle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* Something of every part that allocates. */
static const char file[] =
    "{\"added_tokens\":[{\"id\":9,\"content\":\"<s>\",\"special\":true},"
    "{\"id\":10,\"content\":\"e\\u0301\",\"normalized\":true}],"
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"NFC\"},"
    "{\"type\":\"Prepend\",\"prepend\":\"_\"},"
    "{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"_\"}]},"
    "\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":["
    "{\"type\":\"Split\",\"pattern\":{\"Regex\":\"\\\\s+\"},\"behavior\":\"Isolated\","
    "\"invert\":false},{\"type\":\"Metaspace\",\"replacement\":\"_\"}]},"
    "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":["
    "{\"SpecialToken\":{\"id\":\"<s>\"}},{\"Sequence\":{\"id\":\"A\"}}],"
    "\"special_tokens\":{\"<s>\":{\"ids\":[9]}}},"
    "\"decoder\":{\"type\":\"Sequence\",\"decoders\":["
    "{\"type\":\"Replace\",\"pattern\":{\"Regex\":\"_\"},\"content\":\" \"},"
    "{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"},"
    "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":1}]},"
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<u>\",\"byte_fallback\":true,\"vocab\":{"
    "\"<u>\":0,\"a\":1,\"b\":2,\"ab\":3,\"_\":4,\"_ab\":5,\"<0xC3>\":6,\"<0xA9>\":7,\"x\":8},"
    "\"merges\":[\"a b\",[\"_\",\"ab\"]]}}";

static char dir[SCRATCH_PATH];
static eagle_tokenizer *tokenizer;

static void fail_each_in_turn(const char *what, fault_attempt *attempt)
{
    if (tokenizer == NULL) {
        skip();
    }
    fault_each_in_turn(what, attempt);
}

static eagle_status open_and_free(eagle_error *err)
{
    eagle_tokenizer *t;
    const eagle_status st = eagle_tokenizer_open(&t, dir, err);

    assert_true((t != NULL) == (st == EAGLE_OK));
    eagle_tokenizer_free(t);
    return st;
}

static eagle_status encode(eagle_error *err)
{
    static const char text[] = "<s>ab e\xcc\x81 \xc3\xa9 \xff  ab x";
    const eagle_encode_options opt = {.add_special = true, .parse_special = true};
    int32_t *ids;
    size_t n;
    const eagle_status st =
        eagle_tokenizer_encode(&ids, &n, tokenizer, text, sizeof text - 1, &opt, err);

    assert_true((ids != NULL) == (st == EAGLE_OK));
    free(ids);
    return st;
}

static const int32_t ids[] = {9, 5, 6, 7, 4, 3, 10, 4};

static eagle_status decode(eagle_error *err)
{
    char *text;
    size_t size;
    const eagle_status st =
        eagle_tokenizer_decode(&text, &size, tokenizer, ids, sizeof ids / sizeof ids[0], err);

    assert_true((text != NULL) == (st == EAGLE_OK));
    free(text);
    return st;
}

static eagle_status stream(eagle_error *err)
{
    eagle_text_stream *s;
    const char *piece;
    size_t size;
    eagle_status st = eagle_text_stream_create(&s, tokenizer, ids, 3, err);

    for (size_t i = 3; i < sizeof ids / sizeof ids[0] && st == EAGLE_OK; i++) {
        st = eagle_text_stream_push(s, ids[i], &piece, &size, err);
    }
    st = st == EAGLE_OK ? eagle_text_stream_flush(s, &piece, &size, err) : st;
    eagle_text_stream_free(s);
    return st;
}

static void opening_without_memory_fails_cleanly(void **state)
{
    (void)state;
    fail_each_in_turn("opening a tokenizer", open_and_free);
}

static void encoding_without_memory_fails_cleanly(void **state)
{
    (void)state;
    fail_each_in_turn("encoding", encode);
}

static void decoding_without_memory_fails_cleanly(void **state)
{
    (void)state;
    fail_each_in_turn("decoding", decode);
    fail_each_in_turn("streaming", stream);
}

/* Enough words that every table grows, into a directory of its own. */
static eagle_status learn(eagle_error *err)
{
    char path[SCRATCH_PATH], into[SCRATCH_PATH];
    const char *paths[] = {path};
    eagle_tokenizer_options opt;
    eagle_status st;

    eagle_tokenizer_defaults(&opt);
    opt.vocab = 300;
    scratch_create(into);
    scratch_join(path, dir, "text");
    st = eagle_tokenizer_train(into, paths, 1, &opt, err);
    scratch_remove(into);
    return st;
}

static void learning_without_memory_fails_cleanly(void **state)
{
    static char text[4096];
    size_t size = 0;

    (void)state;
    for (int i = 0; i < 700; i++) {
        size += (size_t)snprintf(text + size, sizeof text - size, " %d", i * i % 991);
    }
    scratch_write(dir, "text", text, size);
    fail_each_in_turn("learning a tokenizer", learn);
}

static int set_up(void **state)
{
    (void)state;
    scratch_create(dir);
    scratch_text(dir, "tokenizer.json", file);
    const eagle_status st = eagle_tokenizer_open(&tokenizer, dir, NULL);

    return st != EAGLE_OK && st != EAGLE_EUNSUPPORTED; /* built without its tokenizer: skip */
}

static int tear_down(void **state)
{
    (void)state;
    eagle_tokenizer_free(tokenizer);
    scratch_remove(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(opening_without_memory_fails_cleanly),
        cmocka_unit_test(encoding_without_memory_fails_cleanly),
        cmocka_unit_test(decoding_without_memory_fails_cleanly),
        cmocka_unit_test(learning_without_memory_fails_cleanly),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
