/* SPDX-License-Identifier: MIT */
/* test_bpe_training.c - tokenizers learned from text: by hand, in any order, from hostile input. */
#include "support/lib_scratch.h"
#include "support/lib_tokens.h"
#include "support/lib_toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FIRST_MERGE 257 /* id: behind <|endoftext|> and the bytes */

static const char *const dir = scratch_dir;

static eagle_tokenizer_options options(int32_t vocab, int64_t min_frequency)
{
    eagle_tokenizer_options opt;

    eagle_tokenizer_defaults(&opt);
    opt.vocab = vocab;
    opt.min_frequency = min_frequency;
    return opt;
}

/* Writes each text to a file of its own and learns from them; skips the test when the library was
 * built without its tokenizer. */
static eagle_status train(const char *const *text, const size_t *size, int n,
                          const eagle_tokenizer_options *opt, eagle_error *err)
{
    char path[4][SCRATCH_PATH];
    const char *paths[4];

    assert_true(n <= 4);
    for (int i = 0; i < n; i++) {
        char name[16];

        snprintf(name, sizeof name, "%d.txt", i);
        scratch_write(dir, name, text[i], size[i]);
        scratch_join(path[i], dir, name);
        paths[i] = path[i];
    }
    const eagle_status st = eagle_tokenizer_train(dir, paths, n, opt, err);

    if (st == EAGLE_EUNSUPPORTED && strncmp(err->message, "built without", 13) == 0) {
        skip();
    }
    return st;
}

/* The whole tokenizer.json, with a NUL; free it. */
static char *read_file(void)
{
    char path[SCRATCH_PATH];
    const size_t cap = 4 << 20;
    char *text = calloc(cap, 1);

    scratch_join(path, dir, "tokenizer.json");
    FILE *file = fopen(path, "rb");

    assert_non_null(text);
    assert_non_null(file);
    assert_true(fread(text, 1, cap - 1, file) > 0);
    fclose(file);
    return text;
}

/* Learns from some texts and returns the file. */
static char *learn(const char *const *text, const size_t *size, int n,
                   const eagle_tokenizer_options *opt)
{
    eagle_error err;

    if (train(text, size, n, opt, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    return read_file();
}

static char *learn_one(const char *text, size_t size, const eagle_tokenizer_options *opt)
{
    return learn(&text, &size, 1, opt);
}

static eagle_tokenizer *open_learned(void)
{
    eagle_tokenizer *t;
    eagle_error err;

    if (eagle_tokenizer_open(&t, dir, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    return t;
}

/* Learns from `text` and compares the tokens behind the bytes, in order. */
static void expect_tokens(const char *text, int32_t vocab, int64_t min_frequency,
                          const char *const *token, int32_t n)
{
    const eagle_tokenizer_options opt = options(vocab, min_frequency);

    free(learn_one(text, strlen(text), &opt));
    eagle_tokenizer *t = open_learned();

    assert_int_equal(eagle_tokenizer_vocab(t), FIRST_MERGE + n);
    for (int32_t i = 0; i < n; i++) {
        assert_string_equal(eagle_tokenizer_token(t, FIRST_MERGE + i), token[i]);
    }
    eagle_tokenizer_free(t);
}

/* ---- what is learned ------------------------------------------------------------------------- */

/* Words: hug, " hug" twice, " pug" twice, " pun". u g comes 5 times; then "h ug" and "_ p" three
 * times each, and h (U+0068) has a smaller id than the blank (U+0120); then "_ hug" and "_p ug"
 * twice each, and the blank's id is smaller than that of _p; "_p u" and "u n" come once. */
static void merges_are_those_computed_by_hand(void **state)
{
    static const char *const token[] = {"ug", "hug", "\u0120p", "\u0120hug", "\u0120pug"};

    (void)state;
    expect_tokens("hug hug hug pug pug pun", 2048, 2, token, 5);
    expect_tokens("hug hug hug pug pug pun", 260, 2, token,
                  3); /* a smaller vocabulary: the first */
    expect_tokens("hug hug hug pug pug pun", 2048, 3, token, 3);
}

static void equal_counts_go_by_left_then_right_id(void **state)
{
    static const char *const token[] = {"ac", "ad", "bc"};

    (void)state;
    expect_tokens("bc\nad\nac", 2048, 1, token, 3);
}

/* (a, a) stands twice in aaa and is merged once: aa a, then the whole. */
static void runs_merge_from_the_left(void **state)
{
    static const char *const token[] = {"aa", "aaa", "\u0120aaa"};

    (void)state;
    expect_tokens("aaa aaa", 2048, 1, token, 3);
}

static void bytes_follow_the_special_tokens(void **state)
{
    static const char *const special[] = {"<|bos|>", "<|eos|>", "<pad>"};
    eagle_tokenizer_options opt = options(300, 2);
    eagle_encode_options encode = {.add_special = true, .parse_special = true};
    int32_t *ids;
    size_t n;

    (void)state;
    opt.special = special;
    opt.n_special = 3;
    opt.bos = 0;
    opt.eos = 1;
    free(learn_one("a b", 3, &opt));
    eagle_tokenizer *t = open_learned();

    assert_int_equal(eagle_tokenizer_vocab(t), 259); /* no pair comes twice */
    assert_string_equal(eagle_tokenizer_token(t, 3), "!");
    assert_string_equal(eagle_tokenizer_token(t, 258), "\u0143"); /* the byte AD */
    for (int32_t id = 0; id < 3; id++) {
        assert_string_equal(eagle_tokenizer_token(t, id), special[id]);
        assert_true(eagle_tokenizer_is_special(t, id));
    }
    assert_int_equal(eagle_tokenizer_encode(&ids, &n, t, "!<|eos|>", 8, &encode, NULL), EAGLE_OK);
    assert_int_equal(n, 3);
    assert_int_equal(ids[0], 0);
    assert_int_equal(ids[1], 3);
    assert_int_equal(ids[2], 1);
    free(ids);
    eagle_tokenizer_free(t);
}

static void without_bos_nothing_is_added(void **state)
{
    eagle_tokenizer_options opt = options(300, 2);
    size_t n;

    (void)state;
    opt.special = NULL;
    opt.n_special = 0;
    opt.bos = -1;
    opt.eos = -1;
    free(learn_one("aa aa", 5, &opt));
    eagle_tokenizer *t = open_learned();
    int32_t *ids = tokens_encode(&n, t, "aa", 2, true);

    assert_int_equal(n, 1);
    assert_int_equal(ids[0], 256);
    free(ids);
    eagle_tokenizer_free(t);
}

/* ---- documents ------------------------------------------------------------------------------- */

/* Words of a few letters with all kinds of space between them. */
static size_t random_words(char *out, size_t size, uint64_t *seed)
{
    static const char *const space[] = {" ",    " ",      " ",  "  ",    "\n",
                                        "\n\n", " \n\n ", "\t", "\u3000"};
    static const char *const letter[] = {"a", "b", "e", "t", "7", ".", "\u00e9", "\u65e5"};
    size_t at = 0;

    while (at + 40 < size) {
        for (uint64_t n = toy_random(seed) % 9; n > 0; n--) {
            at += (size_t)sprintf(out + at, "%s", letter[toy_random(seed) % 8]);
        }
        at += (size_t)sprintf(out + at, "%s", space[toy_random(seed) % 9]);
    }
    return at;
}

static void order_of_files_and_documents_does_not_matter(void **state)
{
    const eagle_tokenizer_options opt = options(600, 2);
    uint64_t seed = 20241105;
    static char text[3][8192];
    static char joined[3 * 8192 + 64];
    size_t size[3];

    (void)state;
    printf("note: order of documents: seed %llu\n", (unsigned long long)seed);
    for (int i = 0; i < 3; i++) {
        size[i] = random_words(text[i], sizeof text[i], &seed);
        text[i][size[i] - 1] = '\n';
        text[i][size[i]] = '\0';
    }
    const char *const forward[] = {text[0], text[1], text[2]};
    const char *const backward[] = {text[2], text[1], text[0]};
    const size_t backward_size[] = {size[2], size[1], size[0]};
    char *a = learn(forward, size, 3, &opt);
    char *b = learn(backward, backward_size, 3, &opt);

    snprintf(joined, sizeof joined, "%s<|endoftext|>\n%s<|endoftext|>\r\n%s<|endoftext|>", text[1],
             text[0], text[2]);
    char *c = learn_one(joined, strlen(joined), &opt);

    assert_string_equal(a, b);
    assert_string_equal(a, c);
    free(a);
    free(b);
    free(c);
}

/* A document is cut into words part by part. Behind a prefix that ends where a word ends, the
 * borders of the parts lie elsewhere, and the words must be the same. */
static void long_documents_are_cut_into_the_same_words(void **state)
{
    const size_t cap = 1 << 20;
    const eagle_tokenizer_options opt = options(3000, 1);
    uint64_t seed = 20241106;
    char *text = malloc(cap + 64);

    (void)state;
    printf("note: long documents: seed %llu\n", (unsigned long long)seed);
    assert_non_null(text);
    memset(text, 'q', 20); /* the prefix: behind it a new document, or the same */
    text[20] = '\n';
    const size_t size = 21 + random_words(text + 21, cap, &seed);
    const char *const two[] = {text, text + 20};
    const size_t sizes[] = {20, size - 20};
    char *a = learn_one(text, size, &opt);
    char *b = learn(two, sizes, 2, &opt);

    assert_string_equal(a, b);
    free(a);
    free(b);
    free(text);
}

static void only_whole_lines_separate(void **state)
{
    static const char text[] = "x<|endoftext|>\n<|endoftext|>y\n<|endoftext|>\n<|endoftext|>";
    eagle_tokenizer_options opt = options(2048, 2);

    (void)state;
    free(learn_one(text, strlen(text), &opt));
    eagle_tokenizer *t = open_learned();

    assert_true(eagle_tokenizer_id(t, "endoftext") > 0); /* comes twice in lines of text */
    eagle_tokenizer_free(t);
    opt.min_frequency = 3;
    free(learn_one(text, strlen(text), &opt));
    t = open_learned();
    assert_int_equal(eagle_tokenizer_vocab(t), FIRST_MERGE);
    eagle_tokenizer_free(t);
    opt.separator = NULL;
    free(learn_one(text, strlen(text), &opt));
    t = open_learned();
    assert_true(eagle_tokenizer_id(t, "endoftext") > 0); /* and four times without a separator */
    eagle_tokenizer_free(t);
}

static void any_bytes_come_back(void **state)
{
    const eagle_tokenizer_options opt = options(900, 2);
    uint64_t seed = 20241107;
    static char text[1 << 16];

    (void)state;
    printf("note: round trips of a learned tokenizer: seed %llu\n", (unsigned long long)seed);
    free(learn_one(text, random_words(text, sizeof text, &seed), &opt));
    eagle_tokenizer *t = open_learned();

    for (int i = 0; i < 2000; i++) {
        char word[64], again[256];
        size_t size = random_words(word, sizeof word, &seed);
        size_t out_size, n;

        for (size_t k = 0; k < size; k++) { /* some bytes that no text has, NUL among them */
            word[k] = (char)(toy_random(&seed) % 8 == 0 ? toy_random(&seed) % 128
                                                        : (unsigned char)word[k]);
        }
        int32_t *ids = tokens_encode(&n, t, word, size, false);
        char *out = tokens_decode(&out_size, t, ids, n);

        if (tokens_is_utf8(word, size)) {
            assert_int_equal(out_size, size);
            assert_memory_equal(out, word, size);
        }
        assert_true(tokens_is_utf8(out, out_size) && out_size < sizeof again);
        memcpy(again, out, out_size);
        free(ids);
        free(out);
        ids = tokens_encode(&n, t, again, out_size, false); /* what came out once stays */
        out = tokens_decode(&size, t, ids, n);
        assert_int_equal(out_size, size);
        assert_memory_equal(out, again, size);
        free(ids);
        free(out);
    }
    eagle_tokenizer_free(t);
}

/* ---- hostile input --------------------------------------------------------------------------- */

static void broken_utf8_is_learned_as_it_is_encoded(void **state)
{
    static const char broken[] = "a\xff\xff b\xe6\x97 a\xff\xff \xc0";
    static const char repaired[] = "a\ufffd\ufffd b\ufffd a\ufffd\ufffd \ufffd";
    const eagle_tokenizer_options opt = options(2048, 1);

    (void)state;
    char *a = learn_one(broken, sizeof broken - 1, &opt);
    char *b = learn_one(repaired, sizeof repaired - 1, &opt);

    assert_string_equal(a, b);
    free(a);
    free(b);
}

/* A megabyte of one letter halves 20 times; a megabyte without a blank is one part. */
static void endless_words_take_no_time(void **state)
{
    const size_t size = 1 << 20;
    const eagle_tokenizer_options opt = options(2048, 1);
    uint64_t seed = 20241108;
    char *text = malloc(size);

    (void)state;
    assert_non_null(text);
    memset(text, 'a', size);
    free(learn_one(text, size, &opt));
    eagle_tokenizer *t = open_learned();

    assert_int_equal(eagle_tokenizer_vocab(t), FIRST_MERGE + 20);
    assert_int_equal(strlen(eagle_tokenizer_token(t, FIRST_MERGE + 19)), size);
    eagle_tokenizer_free(t);
    for (size_t i = 0; i < size; i++) {
        text[i] = (char)('a' + toy_random(&seed) % 26);
    }
    free(learn_one(text, size, &opt));
    free(text);
}

static void expect_error(const char *text, const eagle_tokenizer_options *opt, eagle_status want,
                         const char *words)
{
    const size_t size = strlen(text);
    eagle_error err = {0};
    const eagle_status st = train(&text, &size, 1, opt, &err);

    if (st != want || strstr(err.message, words) == NULL) {
        fail_msg("%s: \"%s\", expected %s: \"%s\"", eagle_status_name(st), err.message,
                 eagle_status_name(want), words);
    }
}

static void texts_that_teach_nothing_are_refused(void **state)
{
    const eagle_tokenizer_options opt = options(300, 2);
    char path[SCRATCH_PATH];
    const char *paths[] = {path};
    eagle_error err;

    (void)state;
    expect_error("", &opt, EAGLE_EFORMAT, "no text");
    expect_error("<|endoftext|>\n<|endoftext|>\n", &opt, EAGLE_EFORMAT, "no text");
    assert_int_equal(eagle_tokenizer_train(dir, NULL, 0, &opt, &err), EAGLE_EFORMAT);
    scratch_join(path, dir, "missing.txt");
    assert_int_equal(eagle_tokenizer_train(dir, paths, 1, &opt, &err), EAGLE_EREAD);
    assert_non_null(strstr(err.message, "missing.txt"));
    scratch_join(path, dir, "talks.jsonl");
    assert_int_equal(eagle_tokenizer_train(dir, paths, 1, &opt, &err), EAGLE_EUNSUPPORTED);
    snprintf(path, sizeof path, "%s", dir);
    assert_int_equal(eagle_tokenizer_train(dir, paths, 1, &opt, &err), EAGLE_EREAD);
}

static void wrong_options_are_refused(void **state)
{
    static const char *const names[] = {"<|a|>", "the", "\u0120the", "!",
                                        "<|a|>", "",    "\xff<>a",   "\u00c3a"};
    static const struct {
        int first, n; /* special tokens: names[first .. first + n) */
        int32_t vocab, bos, eos;
        const char *words;
    } bad[] = {
        {0, 1, 256, 0, 0, "a vocabulary of 256: must be from 257"},
        {0, 1, -1, 0, 0, "a vocabulary of -1"},
        {0, 1, INT32_MAX, 0, 0, "to 16777216"},
        {0, -1, 400, -1, -1, "a vocabulary of 400"},
        {0, 1, 400, 1, 0, "bos 1 and eos 0: must be below 1, or -1"},
        {0, 1, 400, 0, -2, "bos 0 and eos -2"},
        {1, 1, 400, 0, 0, "\"the\" could be a word of a text"},
        {2, 1, 400, 0, 0, "could be a word of a text"},
        {3, 1, 400, 0, 0, "\"!\" could be a word of a text"},
        {7, 1, 400, 0, 0, "could be a word of a text"}, /* the bytes C3 61 */
        {5, 1, 400, 0, 0, "special token 0 has 0 bytes"},
        {6, 1, 400, 0, 0, "special token 0 is not UTF-8"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        eagle_tokenizer_options opt = options(bad[i].vocab, 2);

        opt.special = names + bad[i].first;
        opt.n_special = bad[i].n;
        opt.bos = bad[i].bos;
        opt.eos = bad[i].eos;
        expect_error("some text", &opt, EAGLE_EINVAL, bad[i].words);
    }
    static const char *const twice[] = {"<|a|>", "<|b|>", "<|a|>"};
    eagle_tokenizer_options opt = options(400, 2);

    opt.special = twice;
    opt.n_special = 3;
    expect_error("some text", &opt, EAGLE_EINVAL, "special tokens 0 and 2 are both \"<|a|>\"");
}

static void failure_leaves_what_was_there(void **state)
{
    const eagle_tokenizer_options opt = options(300, 2);
    char path[SCRATCH_PATH], nowhere[SCRATCH_PATH];
    const char *paths[] = {path};

    (void)state;
    char *before = learn_one("aa aa", 5, &opt);

    expect_error("", &opt, EAGLE_EFORMAT, "no text");
    char *after = read_file();

    assert_string_equal(before, after);
    free(before);
    free(after);
    scratch_write(dir, "0.txt", "aa aa", 5);
    scratch_join(path, dir, "0.txt");
    scratch_join(nowhere, dir, "nowhere");
    assert_int_equal(eagle_tokenizer_train(nowhere, paths, 1, &opt, NULL), EAGLE_EWRITE);
}

/* The merges of tokenizers 0.23.3 (BpeTrainer) on the same text: the first, and some later ones. */
static void real_text_gives_the_published_merges(void **state)
{
    static const struct {
        int32_t id;
        const char *token;
    } want[] = {{257, "he"},
                {258, "\u0120t"},
                {259, "\u0120a"},
                {260, "\u0120s"},
                {261, "\u0120w"},
                {262, "nd"},
                {263, "\u0120the"},
                {264, "ed"},
                {300, "an"},
                {400, "ittle"},
                {500, "\u0120around"},
                {700, "\u0120lear"},
                {1000, "\u0120place"},
                {1300, "\u0120behind"},
                {1500, "\u0120cool"},
                {1700, "\u0120join"},
                {1900, "ateful"},
                {2000, "\u0120key"},
                {2045, "\u0120spotted"},
                {2046, "\u0120Emma"},
                {2047, "\u0120street"}};
    const eagle_tokenizer_options opt = options(2048, 2);
    char path[SCRATCH_PATH];
    const char *paths[] = {path};
    eagle_error err;

    (void)state;
    if (!scratch_find_data(path, "text/tinystories-train.txt")) {
        skip();
    }
    const eagle_status st = eagle_tokenizer_train(dir, paths, 1, &opt, &err);

    if (st == EAGLE_EUNSUPPORTED) {
        skip();
    }
    assert_int_equal(st, EAGLE_OK);
    eagle_tokenizer *t = open_learned();

    assert_int_equal(eagle_tokenizer_vocab(t), 2048);
    for (size_t i = 0; i < sizeof want / sizeof want[0]; i++) {
        assert_string_equal(eagle_tokenizer_token(t, want[i].id), want[i].token);
    }
    eagle_tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(merges_are_those_computed_by_hand),
        cmocka_unit_test(equal_counts_go_by_left_then_right_id),
        cmocka_unit_test(runs_merge_from_the_left),
        cmocka_unit_test(bytes_follow_the_special_tokens),
        cmocka_unit_test(without_bos_nothing_is_added),
        cmocka_unit_test(order_of_files_and_documents_does_not_matter),
        cmocka_unit_test(long_documents_are_cut_into_the_same_words),
        cmocka_unit_test(only_whole_lines_separate),
        cmocka_unit_test(any_bytes_come_back),
        cmocka_unit_test(broken_utf8_is_learned_as_it_is_encoded),
        cmocka_unit_test(endless_words_take_no_time),
        cmocka_unit_test(texts_that_teach_nothing_are_refused),
        cmocka_unit_test(wrong_options_are_refused),
        cmocka_unit_test(failure_leaves_what_was_there),
        cmocka_unit_test(real_text_gives_the_published_merges),
    };

    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
