/* SPDX-License-Identifier: MIT */
/* test_tokenizer.c - real tokenizers, round trips, streams, speed. */
#include "support/lib_data.h"
#include "support/lib_tokens.h"
#include "support/lib_toy.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <cmocka.h>

/* A byte-level tokenizer and one with byte fallback, each with all 256 bytes and a few
 * merges. The vocabulary is written by build_json(). */
#define BYTE_LEVEL                                                                                 \
    "\"pre_tokenizer\":{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"use_regex\":%s},"      \
    "\"decoder\":{\"type\":\"ByteLevel\"},"
#define FALLBACK                                                                                   \
    "\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Prepend\",\"prepend\":"    \
    "\"\\u2581\"},{\"type\":\"Replace\",\"pattern\":{\"String\":\" \"},\"content\":\"\\u2581\"}]}" \
    ",\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Replace\",\"pattern\":"         \
    "{\"String\":\"\\u2581\"},\"content\":\" \"},{\"type\":\"ByteFallback\"},{\"type\":\"Fuse\"}," \
    "{\"type\":\"Strip\",\"content\":\" \",\"start\":1,\"stop\":0}]},"

/* Writes `head`, the tokens of all bytes, and merges that double the letter a up to 16
 * times. */
static eagle_tokenizer *open_small(bool byte_level, const char *head)
{
    static char json[32768];
    size_t at = (size_t)snprintf(json, sizeof json,
                                 "{%s\"model\":{\"type\":\"BPE\",\"byte_fallback\":%s,\"vocab\":{",
                                 head, byte_level ? "false" : "true");
    int id = 0;

    for (int b = 0; b < 256; b++) {
        bool itself = (b > 0x20 && b < 0x7f) || (b > 0xa0 && b != 0xad);
        int code = itself ? b : 0x100 + (b <= 0x20 ? b : (b <= 0xa0 ? 33 + b - 0x7f : 67));

        at += (size_t)snprintf(json + at, sizeof json - at,
                               byte_level ? "\"\\u%04x\":%d," : "\"<0x%02X>\":%d,",
                               byte_level ? code : b, id++);
    }
    if (!byte_level) {
        at += (size_t)snprintf(json + at, sizeof json - at, "\"\\u2581\":%d,\"a\":%d,", id, id + 1);
        id += 2;
    }
    for (int size = 2; size <= 16; size *= 2) {
        at += (size_t)snprintf(json + at, sizeof json - at, "%s\"%.*s\":%d", size > 2 ? "," : "",
                               size, "aaaaaaaaaaaaaaaa", id++);
    }
    snprintf(json + at, sizeof json - at,
             "},\"merges\":[\"a a\",\"aa aa\",[\"aaaa\",\"aaaa\"],\"aaaaaaaa aaaaaaaa\"]}}");
    eagle_error err;
    eagle_tokenizer *t = tokens_open(json, &err);

    if (t == NULL) {
        fail_msg("%s", err.message);
    }
    return t;
}

static eagle_tokenizer *open_byte_level(bool use_regex)
{
    char head[400];

    snprintf(head, sizeof head, BYTE_LEVEL, use_regex ? "true" : "false");
    return open_small(true, head);
}

/* ---- round trips and streams ----------------------------------------------------------------- */

/* Appends one code point. */
static size_t put_char(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : (c < 0x10000 ? 3 : 4);

    for (size_t i = n - 1; i > 0; i--, c >>= 6) {
        out[i] = (char)(0x80 | (c & 0x3f));
    }
    out[0] = (char)((0xf00u >> n & 0xff) | c);
    return n;
}

/* Up to 24 characters of all planes, but not U+2581, which stands for a space in some
 * tokenizers. */
static size_t random_text(char *out, uint64_t *seed)
{
    static const uint32_t limits[4] = {0x80, 0x800, 0x10000, 0x110000};
    size_t n_chars = toy_random(seed) % 25;
    size_t size = 0;

    for (size_t i = 0; i < n_chars; i++) {
        uint32_t c = (uint32_t)(toy_random(seed) % limits[toy_random(seed) % 4]);

        size += put_char(out + size,
                         (c >= 0xd800 && c < 0xe000) || c == 0x2581 ? 'a' : (c == 0 ? ' ' : c));
    }
    return size;
}

static void check_round_trips(const eagle_tokenizer *t, int n_texts, uint64_t seed)
{
    for (int i = 0; i < n_texts; i++) {
        char text[128];
        size_t size = random_text(text, &seed);
        size_t n;
        size_t out_size;
        int32_t *ids = tokens_encode(&n, t, text, size, false);
        char *out = tokens_decode(&out_size, t, ids, n);

        if (out_size != size || memcmp(out, text, size) != 0) {
            fail_msg("text %d does not come back: \"%.*s\", \"%s\"", i, (int)size, text, out);
        }
        free(ids);
        free(out);
    }
}

static void random_unicode_comes_back(void **state)
{
    const uint64_t seed = 20240607;

    (void)state;
    printf("note: tokenizer round trips: seed %llu\n", (unsigned long long)seed);
    for (int kind = 0; kind < 2; kind++) {
        eagle_tokenizer *t = kind == 0 ? open_byte_level(true) : open_small(false, FALLBACK);

        check_round_trips(t, 3000, seed + (uint64_t)kind);
        eagle_tokenizer_free(t);
    }
}

/* Random ids make sequences that no text has: broken characters, bytes between words. */
static void check_streams(const eagle_tokenizer *t, int n_lists, uint64_t seed)
{
    for (int i = 0; i < n_lists; i++) {
        int32_t ids[24];
        size_t n = toy_random(&seed) % 25;
        size_t size, whole_size;

        for (size_t k = 0; k < n; k++) {
            ids[k] = (int32_t)(toy_random(&seed) % (uint64_t)eagle_tokenizer_vocab(t));
        }
        char *whole = tokens_decode(&whole_size, t, ids, n);
        char *streamed = tokens_stream(&size, t, ids, n, 0);

        assert_int_equal(size, whole_size);
        assert_memory_equal(streamed, whole, size);
        free(whole);
        free(streamed);
    }
}

static void a_stream_gives_what_decoding_the_whole_gives(void **state)
{
    (void)state;
    for (int kind = 0; kind < 2; kind++) {
        eagle_tokenizer *t = kind == 0 ? open_byte_level(true) : open_small(false, FALLBACK);

        check_streams(t, 4000, 11 + (uint64_t)kind);
        eagle_tokenizer_free(t);
    }
}

static void a_stream_never_shows_half_a_character(void **state)
{
    (void)state;
    eagle_tokenizer *t = open_byte_level(true);
    static const char smile[] = "\xf0\x9f\x98\x80";
    size_t n;
    int32_t *ids = tokens_encode(&n, t, smile, 4, false);
    eagle_text_stream *stream;
    const char *piece;
    size_t size;

    assert_int_equal(n, 4);
    assert_int_equal(eagle_text_stream_create(&stream, t, NULL, 0, NULL), EAGLE_OK);
    for (size_t i = 0; i < 4; i++) {
        assert_int_equal(eagle_text_stream_push(stream, ids[i], &piece, &size, NULL), EAGLE_OK);
        assert_int_equal(size, i < 3 ? 0 : 4);
    }
    assert_memory_equal(piece, smile, 4);
    eagle_text_stream_free(stream);

    /* A prompt that ends inside the character: its last bytes bring all of it. */
    char *rest = tokens_stream(&size, t, ids, 4, 2);

    assert_string_equal(rest, smile);
    free(rest);

    /* Flushed before it is complete it is one U+FFFD, which a prompt that ended there had
     * shown. */
    rest = tokens_stream(&size, t, ids, 3, 0);
    assert_string_equal(rest, "\xef\xbf\xbd");
    free(rest);
    rest = tokens_stream(&size, t, ids, 3, 3);
    assert_string_equal(rest, "");
    free(rest);
    free(ids);
    eagle_tokenizer_free(t);
}

static void the_space_at_the_start_goes_only_at_the_start(void **state)
{
    (void)state;
    eagle_tokenizer *t = open_small(false, FALLBACK);
    size_t n, size;
    int32_t *ids = tokens_encode(&n, t, "a b a", 5, false);
    char *text = tokens_stream(&size, t, ids, n, 0);

    assert_string_equal(text, "a b a");
    free(text);
    text = tokens_stream(&size, t, ids, n, 2); /* after the first word */
    assert_string_equal(text, " b a");
    free(text);
    free(ids);
    eagle_tokenizer_free(t);
}

static void invalid_utf8_is_replaced_by_maximal_subparts(void **state)
{
    /* Unicode 15, table 3-8 and the rows around it: what one U+FFFD stands for. */
    static const struct {
        const char *bytes;
        const char *text;
    } cases[] = {
        {"\x61\xf1\x80\x80\xe1\x80\xc2\x62\x80\x63\x80\xbf\x64",
         "a\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"
         "b\xef\xbf\xbd"
         "c\xef\xbf\xbd\xef\xbf\xbd"
         "d"},
        {"\xc0\xaf", "\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xed\xa0\x80", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xf4\x91\x92\x93", "\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd"},
        {"\xe2\x82", "\xef\xbf\xbd"},
        {"\xff", "\xef\xbf\xbd"},
    };

    (void)state;
    eagle_tokenizer *t = open_byte_level(true);

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n, size;
        int32_t *ids = tokens_encode(&n, t, cases[i].bytes, strlen(cases[i].bytes), false);
        char *text = tokens_decode(&size, t, ids, n);

        assert_string_equal(text, cases[i].text);
        free(ids);
        free(text);
    }
    eagle_tokenizer_free(t);
}

/* ---- published vectors ----------------------------------------------------------------------- */

static char *read_data(const char *name)
{
    char path[512];
    char *text = calloc(1, 65536);

    assert_true(data_path(path, name));
    assert_non_null(text);
    FILE *file = fopen(path, "rb");

    assert_non_null(file);
    assert_true(fread(text, 1, 65535, file) > 0);
    fclose(file);
    return text;
}

/* One text against its line of ids. Texts may hold special tokens of ours, so none are
 * parsed. */
static void check_vector(const eagle_tokenizer *t, const char *text, size_t size, const char *line)
{
    size_t n;
    int32_t *ids = tokens_encode(&n, t, text, size, false);
    char *end;

    for (size_t i = 0; i <= n; i++) {
        long want = strtol(line, &end, 10);
        bool more = end != line && memchr(line, '\n', (size_t)(end - line)) == NULL;

        if (more != (i < n) || (more && want != ids[i])) {
            fail_msg("\"%.*s\": id %zu differs", (int)size, text, i);
        }
        line = end;
    }
    free(ids);
}

static void check_vectors(const char *folder)
{
    static const char separator[] = "\n__ggml_vocab_test__\n";
    char name[64];
    int n_texts = 0;

    eagle_tokenizer *t = tokens_open_data(folder);

    if (t == NULL) {
        skip();
    }
    snprintf(name, sizeof name, "%s/vectors.inp", folder);
    char *texts = read_data(name);

    snprintf(name, sizeof name, "%s/vectors.out", folder);
    char *lines = read_data(name);
    const char *line = lines;

    for (const char *text = texts; text != NULL; n_texts++) {
        const char *end = strstr(text, separator);

        if (end == NULL) {
            break; /* what follows the last separator is nothing */
        }
        check_vector(t, text, (size_t)(end - text), line);
        line += strcspn(line, "\n") + 1;
        text = end + sizeof separator - 1;
    }
    assert_int_equal(n_texts, 46);
    check_round_trips(t, 1000, 3);
    free(texts);
    free(lines);
    eagle_tokenizer_free(t);
}

static void gpt2_agrees_with_the_published_vectors(void **state)
{
    (void)state;
    check_vectors("tokenizers/gpt2");
}

static void llama2_agrees_with_the_published_vectors(void **state)
{
    (void)state;
    check_vectors("tokenizers/llama2");
}

static void llama3_agrees_with_the_published_vectors(void **state)
{
    (void)state;
    check_vectors("tokenizers/llama3.1");
}

static void prompts_of_the_models_become_their_ids(void **state)
{
    static const char *const models[] = {"models/stories260K", "models/babyllama-tok361",
                                         "models/stories-27m"};
    int n_checked = 0;

    (void)state;
    for (size_t m = 0; m < 3; m++) {
        char name[64];

        snprintf(name, sizeof name, "%s/expected.json", models[m]);
        json_t *json = data_json(name);
        eagle_tokenizer *t = tokens_open_data(models[m]);
        const json_t *cases = json_object_get(json, "cases");

        for (size_t i = 0; t != NULL && i < json_array_size(cases); i++) {
            const json_t *one = json_array_get(cases, i);
            const char *prompt = json_string_value(json_object_get(one, "prompt"));
            int32_t n_want;
            int32_t *want = data_ids(&n_want, json_object_get(one, "prompt_ids"));
            size_t n;

            if (prompt != NULL) {
                int32_t *ids = tokens_encode(&n, t, prompt, strlen(prompt), true);

                /* stories-27m begins with an id that its tokenizer does not add. */
                size_t extra = m == 2 ? 1 : 0;

                assert_int_equal(n + extra, n_want);
                assert_true(n == 0 || memcmp(ids, want + extra, n * sizeof *ids) == 0);
                n_checked++;
                free(ids);
            }
            free(want);
        }
        eagle_tokenizer_free(t);
        json_decref(json);
    }
    if (n_checked == 0) {
        skip();
    }
}

/* ---- speed ----------------------------------------------------------------------------------- */

/* Seconds that only a quadratic step takes, on any machine and under any tool: 10^12 operations
 * against 10^7. How fast it is, is printed. */
#define QUADRATIC 60.0

/* The processor's seconds for a megabyte of `unit`. */
static double megabyte(const eagle_tokenizer *t, const char *unit)
{
    size_t size = (size_t)1 << 20;
    size_t n, width = strlen(unit);
    char *text = malloc(size);

    assert_non_null(text);
    for (size_t i = 0; i < size; i++) {
        text[i] = unit[i % width];
    }
    clock_t begin = clock();
    int32_t *ids = tokens_encode(&n, t, text, size, false);
    clock_t end = clock();

    assert_true(n > 0);
    free(ids);
    free(text);
    return (double)(end - begin) / CLOCKS_PER_SEC;
}

/* One word, with merges at four levels: neither the pre-tokenizer nor the merges may be
 * quadratic, which would take minutes. */
static void a_megabyte_of_one_letter_takes_no_quadratic_time(void **state)
{
    (void)state;
    for (int kind = 0; kind < 3; kind++) {
        eagle_tokenizer *t = kind < 2 ? open_byte_level(kind == 0) : open_small(false, FALLBACK);
        double seconds = megabyte(t, "a");

        printf("count: a megabyte of one letter, tokenizer %d: %.2f s\n", kind, seconds);
        assert_true(seconds < QUADRATIC);
        eagle_tokenizer_free(t);
    }
}

static void no_step_is_quadratic(void **state)
{
    /* Marks in the wrong order, spaces that an added token strips, spaces of which each is
     * such a token, an expression that looks ahead. */
    static const char parts[] =
        "\"added_tokens\":[{\"id\":300,\"content\":\"\\n\",\"rstrip\":true,\"lstrip\":true},"
        "{\"id\":301,\"content\":\"<x>\",\"lstrip\":true,\"normalized\":true}],"
        "\"normalizer\":{\"type\":\"NFC\"},"
        "\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Isolated\",\"invert\":false,"
        "\"pattern\":{\"Regex\":\"\\\\s+(?!\\\\S)|\\\\s+|\\\\w+\"}},";
    static const char *const units[] = {"\xcc\x81\xcc\xa3", " ", "\n", "\n ", "<x> ", "a", "a "};

    (void)state;
    eagle_tokenizer *t = open_small(false, parts);

    for (size_t i = 0; i < sizeof units / sizeof units[0]; i++) {
        assert_true(megabyte(t, units[i]) < QUADRATIC);
    }
    eagle_tokenizer_free(t);
}

/* ---- corners that the vectors do not reach --------------------------------------------------- */

/* Checks that `text` becomes exactly want[0 .. n_want), nothing added or parsed. */
static void check_ids(const char *json, const char *text, const int32_t *want, size_t n_want)
{
    eagle_error err;
    eagle_tokenizer *t = tokens_open(json, &err);
    size_t n;

    if (t == NULL) {
        fail_msg("%s", err.message);
    }
    int32_t *ids = tokens_encode(&n, t, text, strlen(text), false);

    assert_int_equal(n, n_want);
    assert_true(n == 0 || memcmp(ids, want, n * sizeof *ids) == 0);
    free(ids);
    eagle_tokenizer_free(t);
}

static void a_candidate_whose_neighbour_went_is_stale(void **state)
{
    (void)state;
    /* "b c" comes first and takes b from "a b"; then "a bc" is what stands there. */
    check_ids("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"ab\":3,\"bc\":4,"
              "\"abc\":5},\"merges\":[\"b c\",\"a b\",\"a bc\"]}}",
              "abc", (int32_t[]){5}, 1);
    /* Without "a bc" the stale "a b" must do nothing. */
    check_ids("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"ab\":3,\"bc\":4},"
              "\"merges\":[\"b c\",\"a b\"]}}",
              "abc", (int32_t[]){0, 4}, 2);
}

static void of_a_merge_listed_again_the_last_rank_counts(void **state)
{
    (void)state;
    check_ids("{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0,\"b\":1,\"c\":2,\"ab\":3,\"bc\":4},"
              "\"merges\":[\"a b\",\"a b\",\"b c\",\"a b\"]}}",
              "abc", (int32_t[]){0, 4}, 2);
}

static void a_token_that_another_stripped_away_is_none(void **state)
{
    (void)state;
    /* The space takes what follows it, the newline included: nothing is left for that token. */
    check_ids("{\"added_tokens\":[{\"id\":1,\"content\":\" \",\"rstrip\":true},{\"id\":2,"
              "\"content\":\"\\n\",\"lstrip\":true}],\"model\":{\"type\":\"BPE\",\"vocab\":"
              "{\"a\":0},\"merges\":[]}}",
              "a \r\na", (int32_t[]){0, 1, 0}, 3);
}

static void word_characters_are_those_of_ruby(void **state)
{
    (void)state;
    /* U+2167 (a number in letters), U+24B6 (an enclosed letter) and U+203F (a connector) are \w;
     * U+180E is no \s. */
    check_ids("{\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Removed\",\"invert\":false,"
              "\"pattern\":{\"Regex\":\"[\\\\w\\\\s]+\"}},\"model\":{\"type\":\"BPE\",\"vocab\":"
              "{\"a\":0,\"\\u2167\":1,\"\\u24b6\":2,\"\\u203f\":3,\"\\u180e\":4},\"merges\":[]}}",
              "a\xe2\x85\xa7 \xe2\x92\xb6\xe2\x80\xbf\xe1\xa0\x8e"
              "a",
              (int32_t[]){4}, 1);
}

static void a_stream_that_left_its_prompt_does_not_return_to_it(void **state)
{
    (void)state;
    eagle_tokenizer *t = open_byte_level(true);
    static const char text[] = "\xf0\x9f\x98\x80\xef\xbf\xbd"; /* an emoji, then U+FFFD */
    size_t n, size;
    int32_t *ids = tokens_encode(&n, t, text, 7, false);
    char *rest = tokens_stream(&size, t, ids, n, 2); /* the prompt's own text is U+FFFD */

    assert_string_equal(rest, text);
    free(rest);
    free(ids);
    eagle_tokenizer_free(t);
}

/* ---- the rest of the interface --------------------------------------------------------------- */

static void tokens_are_found_by_id_and_by_text(void **state)
{
    (void)state;
    eagle_tokenizer *t =
        open_small(true, "\"added_tokens\":[{\"id\":400,\"content\":\"<s>\",\"special\":true},"
                         "{\"id\":401,\"content\":\"<x>\"}],");
    size_t n, size;

    assert_int_equal(eagle_tokenizer_vocab(t), 402);
    assert_string_equal(eagle_tokenizer_token(t, 'a'), "a");
    assert_string_equal(eagle_tokenizer_token(t, 400), "<s>");
    assert_null(eagle_tokenizer_token(t, 399));
    assert_null(eagle_tokenizer_token(t, -1));
    assert_null(eagle_tokenizer_token(t, 402));
    assert_int_equal(eagle_tokenizer_id(t, "aa"), 256);
    assert_int_equal(eagle_tokenizer_id(t, "<x>"), 401);
    assert_int_equal(eagle_tokenizer_id(t, "zz"), -1);
    assert_true(eagle_tokenizer_is_special(t, 400));
    assert_false(eagle_tokenizer_is_special(t, 401));
    assert_false(eagle_tokenizer_is_special(t, 402));

    /* Special tokens in a text count only when asked for, the others always. */
    int32_t *ids = tokens_encode(&n, t, "<s><x>", 6, true);

    assert_int_equal(n, 2);
    assert_int_equal(ids[0], 400);
    free(ids);
    ids = tokens_encode(&n, t, "<s><x>", 6, false);
    assert_int_equal(n, 4);
    assert_int_equal(ids[3], 401);
    free(ids);

    char *text = tokens_decode(&size, t, (int32_t[]){400, 401, 400}, 3);

    assert_string_equal(text, "<x>");
    free(text);
    eagle_tokenizer_free(t);
}

static void an_empty_text_has_no_ids_and_no_bytes(void **state)
{
    (void)state;
    eagle_tokenizer *t = open_byte_level(true);
    size_t n, size;

    assert_null(tokens_encode(&n, t, "", 0, true));
    assert_int_equal(n, 0);
    char *text = tokens_decode(&size, t, NULL, 0);

    assert_int_equal(size, 0);
    free(text);
    eagle_tokenizer_free(t);
    eagle_tokenizer_free(NULL);
    eagle_text_stream_free(NULL);
}

/* As Hugging Face's decode passes them over, in a hole of the ids, behind the last one, and inside
 * a character. */
static void an_id_that_the_tokenizer_lacks_has_no_text(void **state)
{
    static const int32_t ids[] = {402,  'a',  399, 0xf0,      399,  0x9f,
                                  1000, 0x98, 402, INT32_MAX, 0x80, 'b'}; /* a smile, in bytes */
    static const size_t n = sizeof ids / sizeof ids[0];
    static const struct {
        size_t n_prompt;
        const char *text;
    } after[] = {{0, "a\xf0\x9f\x98\x80"
                     "b"},
                 {1, "a\xf0\x9f\x98\x80"
                     "b"},
                 {3, "\xf0\x9f\x98\x80"
                     "b"},
                 {11, "b"},
                 {12, ""}};

    (void)state;
    eagle_tokenizer *t = open_small(true, "\"decoder\":{\"type\":\"ByteLevel\"},\"added_tokens\":["
                                          "{\"id\":401,\"content\":\"<s>\",\"special\":true}],");

    assert_int_equal(eagle_tokenizer_vocab(t), 402);
    for (size_t i = 0; i < sizeof after / sizeof after[0]; i++) {
        size_t size;
        char *text = tokens_stream(&size, t, ids, n, after[i].n_prompt);

        assert_string_equal(text, after[i].text);
        free(text);
    }
    size_t size;
    char *text = tokens_decode(&size, t, ids, n);

    assert_string_equal(text, after[0].text);
    free(text);
    eagle_tokenizer_free(t);
}

static void an_id_below_0_is_an_error(void **state)
{
    static const int32_t below[] = {-1, INT32_MIN};

    (void)state;
    eagle_tokenizer *t = open_byte_level(true);

    for (size_t i = 0; i < 2; i++) {
        eagle_error err;
        eagle_text_stream *stream;
        const char *piece;
        char *text;
        size_t size;

        assert_int_equal(eagle_tokenizer_decode(&text, &size, t, &below[i], 1, &err), EAGLE_EINVAL);
        assert_null(text);
        assert_int_equal(eagle_text_stream_create(&stream, t, &below[i], 1, &err), EAGLE_EINVAL);
        assert_null(stream);
        assert_int_equal(eagle_text_stream_create(&stream, t, NULL, 0, &err), EAGLE_OK);
        assert_int_equal(eagle_text_stream_push(stream, below[i], &piece, &size, &err),
                         EAGLE_EINVAL);
        eagle_text_stream_free(stream);
    }
    eagle_tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gpt2_agrees_with_the_published_vectors),
        cmocka_unit_test(llama2_agrees_with_the_published_vectors),
        cmocka_unit_test(llama3_agrees_with_the_published_vectors),
        cmocka_unit_test(prompts_of_the_models_become_their_ids),
        cmocka_unit_test(random_unicode_comes_back),
        cmocka_unit_test(a_stream_gives_what_decoding_the_whole_gives),
        cmocka_unit_test(a_stream_never_shows_half_a_character),
        cmocka_unit_test(the_space_at_the_start_goes_only_at_the_start),
        cmocka_unit_test(invalid_utf8_is_replaced_by_maximal_subparts),
        cmocka_unit_test(a_megabyte_of_one_letter_takes_no_quadratic_time),
        cmocka_unit_test(no_step_is_quadratic),
        cmocka_unit_test(a_candidate_whose_neighbour_went_is_stale),
        cmocka_unit_test(of_a_merge_listed_again_the_last_rank_counts),
        cmocka_unit_test(a_token_that_another_stripped_away_is_none),
        cmocka_unit_test(word_characters_are_those_of_ruby),
        cmocka_unit_test(a_stream_that_left_its_prompt_does_not_return_to_it),
        cmocka_unit_test(tokens_are_found_by_id_and_by_text),
        cmocka_unit_test(an_empty_text_has_no_ids_and_no_bytes),
        cmocka_unit_test(an_id_that_the_tokenizer_lacks_has_no_text),
        cmocka_unit_test(an_id_below_0_is_an_error),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
