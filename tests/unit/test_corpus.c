/* SPDX-License-Identifier: MIT */
/* test_corpus.c - files to documents of token ids: known answers, and what is refused. */
#include "support/lib_scratch.h"
#include "support/lib_tokens.h"

#include "eagle/corpus.h"
#include "train/documents.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* A tokenizer whose ids can be read: 'a' is 97, ' ' is 32, and so on for printable ASCII; further
 * a line feed, ": " as one token, BOS, which it puts first, and EOS. */
enum { LINE_FEED = 10, COLON_BLANK = 130, BOS = 200, END = 201, VOCAB = 202 };

static eagle_tokenizer *open_readable(void)
{
    static char json[8192];
    size_t at = 0;
    eagle_error err;

    at += (size_t)snprintf(
        json, sizeof json,
        "{\"added_tokens\":[{\"id\":200,\"content\":\"<s>\",\"special\":true},"
        "{\"id\":201,\"content\":\"</s>\",\"special\":true}],"
        "\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":["
        "{\"SpecialToken\":{\"id\":\"<s>\"}},{\"Sequence\":{\"id\":\"A\"}}],"
        "\"special_tokens\":{\"<s>\":{\"ids\":[200]}}},"
        "\"model\":{\"type\":\"BPE\",\"merges\":[[\":\",\" \"]],\"vocab\":{\": \":130,\"\\n\":10");
    for (int c = ' '; c <= '~'; c++) {
        const char *escape = c == '"' || c == '\\' ? "\\" : "";

        at += (size_t)snprintf(json + at, sizeof json - at, ",\"%s%c\":%d", escape, c, c);
    }
    snprintf(json + at, sizeof json - at, "}}}");
    eagle_tokenizer *t = tokens_open(json, &err);

    if (t == NULL) {
        fail_msg("%s", err.message);
    }
    return t;
}

typedef struct {
    char dir[SCRATCH_PATH];
    eagle_tokenizer *tokenizer;
    eagle_corpus_options opt;
    eagle_corpus *corpus; /* of the last read() that succeeded */
    eagle_error err;      /* of the last one that failed       */
} fixture;

static int set_up(void **state)
{
    fixture *f = test_calloc(1, sizeof *f);

    scratch_create(f->dir);
    eagle_corpus_defaults(&f->opt);
    f->opt.end = END;
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    fixture *f = *state;

    eagle_corpus_free(f->corpus);
    eagle_tokenizer_free(f->tokenizer);
    scratch_remove(f->dir);
    test_free(f);
    return 0;
}

/* Reads a file of this name and content. */
static eagle_status read_bytes(fixture *f, const char *name, const char *content, size_t size)
{
    char path[SCRATCH_PATH];

    if (f->tokenizer == NULL) {
        f->tokenizer = open_readable();
    }
    eagle_corpus_free(f->corpus);
    scratch_write(f->dir, name, content, size);
    scratch_join(path, f->dir, name);
    const eagle_status st = eagle_corpus_read(&f->corpus, &(const char *){path}, 1, f->tokenizer,
                                              VOCAB, &f->opt, &f->err);

    assert_true((f->corpus != NULL) == (st == EAGLE_OK));
    return st;
}

static void read_file(fixture *f, const char *name, const char *content)
{
    if (read_bytes(f, name, content, strlen(content)) != EAGLE_OK) {
        fail_msg("%s", f->err.message);
    }
}

static void assert_refused(fixture *f, const char *name, const char *content, eagle_status code,
                           const char *piece)
{
    const eagle_status st = read_bytes(f, name, content, strlen(content));

    assert_int_equal(st, code);
    assert_int_equal(f->err.code, code);
    if (strstr(f->err.message, piece) == NULL) {
        fail_msg("\"%s\" lacks \"%s\"", f->err.message, piece);
    }
    assert_non_null(strstr(f->err.message, name));
}

/* Document i is this: printable ASCII stands for itself, ^ for BOS, $ for the end token, # for ":
 * ". In `learn` a dot is context, anything else is learned. */
static void assert_document(const fixture *f, int32_t i, const char *token, const char *learn)
{
    const eagle_document d = eagle_corpus_at(f->corpus, i);
    char found[1000];
    char flags[1000];

    assert_true(i < eagle_corpus_count(f->corpus) && d.n < 1000);
    for (int32_t j = 0; j < d.n; j++) {
        const int32_t id = d.token[j];

        found[j] = id == BOS         ? '^'
                   : id == END       ? '$'
                   : id == LINE_FEED ? '|'
                                     : (id == COLON_BLANK ? '#' : (char)id);
        flags[j] = d.learn[j] == 0 ? '.' : 'x';
    }
    found[d.n] = '\0';
    flags[d.n] = '\0';
    assert_string_equal(found, token);
    if (learn != NULL) {
        assert_string_equal(flags, learn);
    } else {
        assert_null(strchr(flags, '.'));
    }
}

/* ---- plain text ------------------------------------------------------------------------------ */

static void lines_of_the_separator_divide_a_text(void **state)
{
    fixture *f = *state;

    read_file(f, "a.txt",
              "\n  one two\nthree \n<|endoftext|>\n<|endoftext|>\r\n\n \nfour\r\n<|endoftext|>\r\n"
              "five <|endoftext|>\n <|endoftext|>");
    assert_int_equal(eagle_corpus_count(f->corpus), 3);
    assert_document(f, 0, "^one two|three$", NULL);
    assert_document(f, 1, "^four$", NULL);
    assert_document(f, 2, "^five <|endoftext|>| <|endoftext|>$", NULL);
    assert_int_equal(eagle_corpus_tokens(f->corpus), 15 + 6 + 35);
}

static void separators_are_the_callers_choice(void **state)
{
    fixture *f = *state;

    f->opt.separator = "";
    read_file(f, "a", "a b\nc\n\n\nd e\n");
    assert_int_equal(eagle_corpus_count(f->corpus), 2);
    assert_document(f, 0, "^a b|c$", NULL);
    assert_document(f, 1, "^d e$", NULL);
    f->opt.separator = NULL;
    read_file(f, "a", "a b\n<|endoftext|>\n\nc");
    assert_int_equal(eagle_corpus_count(f->corpus), 1);
    assert_document(f, 0, "^a b|<|endoftext|>||c$", NULL);
}

static void nothing_is_added_unless_it_is_asked_for(void **state)
{
    fixture *f = *state;

    f->opt.add_special = false;
    f->opt.end = -1;
    read_file(f, "a", "ab");
    assert_document(f, 0, "ab", NULL);
    f->opt.add_special = true;
    read_file(f, "a",
              "\xef\xbb\xbf"
              "ab"); /* with a byte order mark */
    assert_document(f, 0, "^ab", NULL);
    f->opt.add_special = false;
    f->opt.end = 'b'; /* there already */
    read_file(f, "a", "ab");
    assert_document(f, 0, "ab", NULL);
}

static void special_tokens_in_a_text_are_letters(void **state)
{
    fixture *f = *state;

    read_file(f, "a", "x</s>");
    assert_document(f, 0, "^x</s>$", NULL);
}

static void text_that_is_no_utf8_is_refused_by_line(void **state)
{
    fixture *f = *state;

    assert_refused(f, "a.txt", "one\n<|endoftext|>\n\ntwo\nth\xffree\n", EAGLE_EFORMAT,
                   "a.txt, line 5: not UTF-8 (byte ff)");
    assert_refused(f, "a.txt", "caf\xe9\n", EAGLE_EFORMAT, "a.txt, line 1: not UTF-8 (byte e9)");
    assert_refused(f, "a.txt", "cut \xe2\x82", EAGLE_EFORMAT, "a.txt, line 1: not UTF-8 (byte e2)");
    assert_refused(f, "a.jsonl", "{\"text\":\"fine\"}\n{\"text\":\"caf\xe9\"}", EAGLE_EFORMAT,
                   "a.jsonl: JSON, line 2, column");
}

/* ---- JSON lines ------------------------------------------------------------------------------ */

static void every_line_is_a_document(void **state)
{
    fixture *f = *state;

    read_file(f, "a.jsonl",
              "{\"text\":\"one\\ntwo\",\"id\":7}\n\n   \r\n{\"text\":\"\"}\n{\"ids\":[5]}\n"
              "{\"text\":\" b \"}\r\n{\"ids\":[65,66,67],\"learn\":[0,1,0]}\n"
              "{\"ids\":[65,66],\"learn\":[1,0]}\n{\"ids\":[]}\n{\"ids\":[66,65]}");
    assert_int_equal(eagle_corpus_count(f->corpus), 5);
    assert_document(f, 0, "^one|two$", NULL);
    assert_document(f, 1, "^$", NULL); /* an empty text teaches that it may end at once */
    assert_document(f, 2, "^ b $", NULL);
    assert_document(f, 3, "ABC", ".x.");
    assert_document(f, 4, "BA", NULL);
}

static void of_a_conversation_the_answers_are_learned(void **state)
{
    fixture *f = *state;

    read_file(f, "a.jsonl",
              "{\"conversations\":[{\"from\":\"human\",\"value\":\"Hi\"},"
              "{\"from\":\"gpt\",\"value\":\"Yes.\"},{\"from\":\"human\",\"value\":\"So\"},"
              "{\"from\":\"gpt\",\"value\":\"No\"},{\"from\":\"human\",\"value\":\"left out\"}]}\n"
              "{\"messages\":[{\"role\":\"system\",\"content\":\"Be.\"},"
              "{\"role\":\"user\",\"content\":\"Hi\"},"
              "{\"role\":\"assistant\",\"content\":\"Yes\"}]}\n"
              "{\"messages\":[{\"role\":\"assistant\",\"content\":\"I\"},"
              "{\"role\":\"assistant\",\"content\":\"\"}]}\n"
              "{\"messages\":[]}\n{\"messages\":[{\"role\":\"user\",\"content\":\"Hi\"}]}\n");
    assert_int_equal(eagle_corpus_count(f->corpus), 3);
    /* ": " is one token: "ASSISTANT" and what follows it differ from the first one on. */
    assert_document(f, 0, "^USER#Hi ASSISTANT#Yes.$USER#So ASSISTANT#No$",
                    "..................xxxxxx.................xxxx");
    assert_document(f, 1, "^Be. USER#Hi ASSISTANT#Yes$", "......................xxxxx");
    assert_document(f, 2, "^ASSISTANT#I$ASSISTANT:$", "..........xxx..........x");
}

static void a_broken_line_is_named(void **state)
{
    fixture *f = *state;
    static const struct {
        const char *line;
        const char *says;
    } bad[] = {
        {"{\"text\":\"x\"", "a.jsonl: JSON, line 3, column 11"},
        {"{\"text\":\"x\"} {}", "a.jsonl: JSON, line 3"},
        {"{\"text\":\"x\",\"text\":\"y\"}", "a.jsonl: JSON, line 3"},
        {"x", "a.jsonl: JSON, line 3"},
        {"[]", "a.jsonl, line 3: needs one of \"text\""},
        {"{\"texts\":\"x\"}", "a.jsonl, line 3: needs one of \"text\""},
        {"{\"text\":\"x\",\"ids\":[1,2]}", "a.jsonl, line 3: needs one of \"text\""},
        {"{\"text\":[\"x\"]}", "a.jsonl, line 3: needs one of \"text\""},
        {"{\"messages\":{}}", "a.jsonl, line 3: needs one of \"text\""},
        {"{\"messages\":[1]}",
         "a.jsonl, line 3: messages[0] needs \"role\" and \"content\", both strings"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":null}]}", "messages[0] needs"},
        {"{\"messages\":[{\"role\":\"user\",\"content\":\"\"},{\"role\":\"tool\",\"content\":\"\"}]"
         "}",
         "line 3: messages[1]: \"role\" is \"tool\", must be system, user or assistant"},
        {"{\"conversations\":[{\"from\":\"user\",\"value\":\"\"}]}",
         "line 3: conversations[0]: \"from\" is \"user\", must be system, human or gpt"},
        {"{\"ids\":[1,2.0]}", "a.jsonl, line 3: ids[1] is 2, must be a token id"},
        {"{\"ids\":[-1,2]}", "ids[0] is -1"},
        {"{\"ids\":[1,4294967297]}", "ids[1] is 4294967297"},
        {"{\"ids\":[1,2],\"learn\":[1]}", "\"learn\" is a list of 1, must be a list of 2"},
        {"{\"ids\":[1,2],\"learn\":[1,2]}", "learn[1] is 2, must be 0 or 1"},
        {"{\"ids\":[1,2],\"learn\":[1,true]}", "learn[1] is true, must be 0 or 1"},
    };

    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
        char content[300];

        snprintf(content, sizeof content, "{\"text\":\"fine\"}\n\n%s\n{", bad[i].line);
        assert_refused(f, "a.jsonl", content, EAGLE_EFORMAT, bad[i].says);
    }
}

static void a_text_may_hold_the_character_zero(void **state)
{
    fixture *f = *state;

    f->opt.add_special = false;
    read_file(f, "a.jsonl", "{\"text\":\"a\\u0000b\"}");
    assert_document(f, 0, "ab$", NULL); /* a tokenizer without such a token leaves it out */
}

/* ---- ids ------------------------------------------------------------------------------------- */

static void ids_are_taken_as_they_are(void **state)
{
    fixture *f = *state;

    read_file(f, "a.ids", "65 66,67\n\n68\n,, 65,\t66 \r\n 201 200 201");
    assert_int_equal(eagle_corpus_count(f->corpus), 3);
    assert_document(f, 0, "ABC", NULL);
    assert_document(f, 1, "AB", NULL);
    assert_document(f, 2, "$^$", NULL);
}

static void what_is_no_id_is_named(void **state)
{
    fixture *f = *state;

    assert_refused(f, "a.ids", "1 2\n3 x4 5", EAGLE_EFORMAT,
                   "a.ids, line 2: \"x4 5\" is not a token id");
    assert_refused(f, "a.ids", "1 2x", EAGLE_EFORMAT, "line 1: \"2x\" is not a token id");
    assert_refused(f, "a.ids", "-1 2", EAGLE_EFORMAT, "line 1: \"-1 2\"");
    assert_refused(f, "a.ids", "1 99999999999999999999999", EAGLE_EFORMAT, "is not a token id");
    assert_refused(f, "a.ids", "1 2147483648", EAGLE_EFORMAT, "is not a token id");
}

/* ---- what does not fit ----------------------------------------------------------------------- */

static void ids_outside_the_vocabulary_do_not_fit(void **state)
{
    fixture *f = *state;

    assert_refused(f, "a.ids", "1 2\n1 202", EAGLE_EFIT,
                   "a.ids, line 2: token 202, the vocabulary has 202");
    assert_refused(f, "a.ids", "1 2147483647", EAGLE_EFIT, "token 2147483647");
    assert_refused(f, "a.jsonl", "{\"ids\":[1,202]}", EAGLE_EFIT, "a.jsonl, line 1: token 202");
}

static void a_tokenizer_of_another_vocabulary_does_not_fit(void **state)
{
    fixture *f = *state;
    char path[SCRATCH_PATH];
    eagle_corpus *corpus;

    read_file(f, "a", "ab");
    scratch_join(path, f->dir, "a");
    f->opt.end = -1;
    assert_int_equal(
        eagle_corpus_read(&corpus, &(const char *){path}, 1, f->tokenizer, 200, &f->opt, &f->err),
        EAGLE_EFIT);
    assert_non_null(strstr(f->err.message, "a, line 1: token 200, the vocabulary has 200"));
    assert_null(corpus);
    f->opt.end = 200;
    assert_int_equal(
        eagle_corpus_read(&corpus, &(const char *){path}, 1, f->tokenizer, 200, &f->opt, &f->err),
        EAGLE_EINVAL);
}

static void text_needs_a_tokenizer(void **state)
{
    fixture *f = *state;
    char path[SCRATCH_PATH];
    eagle_corpus *corpus;

    scratch_text(f->dir, "a", "ab");
    scratch_join(path, f->dir, "a");
    assert_int_equal(
        eagle_corpus_read(&corpus, &(const char *){path}, 1, NULL, VOCAB, &f->opt, &f->err),
        EAGLE_EINVAL);
    assert_non_null(strstr(f->err.message, "text, which needs a tokenizer"));
    f->opt.end = -1;
    assert_refused(f, "a.jsonl", "{\"messages\":[]}", EAGLE_EINVAL, "needs an end token");
}

static void files_without_anything_to_learn_are_refused(void **state)
{
    fixture *f = *state;

    f->opt.add_special = false;
    f->opt.end = -1;
    assert_refused(f, "a", "", EAGLE_EFORMAT, "a: an empty file");
    assert_refused(f, "a", " \n\t\n", EAGLE_EFORMAT, "a: an empty file");
    assert_refused(f, "a.ids", "\xef\xbb\xbf\n", EAGLE_EFORMAT, "an empty file");
    assert_refused(f, "a", "x", EAGLE_EFORMAT, "a: nothing to learn");
    assert_refused(f, "a.ids", "1\n2\n3", EAGLE_EFORMAT, "nothing to learn");
    assert_refused(f, "a.jsonl", "{\"ids\":[1,2],\"learn\":[1,0]}", EAGLE_EFORMAT,
                   "nothing to learn");
}

static void a_file_that_is_not_there_cannot_be_read(void **state)
{
    fixture *f = *state;
    char path[SCRATCH_PATH];
    eagle_corpus *corpus;

    scratch_join(path, f->dir, "absent");
    assert_int_equal(
        eagle_corpus_read(&corpus, &(const char *){path}, 1, NULL, 9, &f->opt, &f->err),
        EAGLE_EINVAL); /* the end token is beyond 9 */
    f->opt.end = -1;
    assert_int_equal(
        eagle_corpus_read(&corpus, &(const char *){path}, 1, NULL, 9, &f->opt, &f->err),
        EAGLE_EREAD);
    assert_non_null(strstr(f->err.message, "absent: No such file"));
    assert_int_equal(
        eagle_corpus_read(&corpus, &(const char *){f->dir}, 1, NULL, 9, &f->opt, &f->err),
        EAGLE_EREAD);
    assert_non_null(strstr(f->err.message, "not a regular file"));
    assert_null(corpus);
}

static void a_document_longer_than_int32_is_refused(void **state)
{
    fixture *f = *state;
    const int32_t some[3] = {1, 2, 3};

    assert_int_equal(eg_corpus_create(&f->corpus, NULL), EAGLE_OK);
    assert_int_equal(eg_corpus_append(f->corpus, some, 3, true, NULL), EAGLE_OK);
    /* Refused before a token is read: there are no more than three. */
    assert_int_equal(eg_corpus_append(f->corpus, some, INT32_MAX - 2, true, &f->err), EAGLE_ELIMIT);
    assert_non_null(strstr(f->err.message, "a document of more than 2147483647 tokens"));
    assert_int_equal(eg_corpus_open_length(f->corpus), 3);
}

static void an_absurdly_long_line_is_a_document_like_others(void **state)
{
    fixture *f = *state;
    enum { LONG = 3000000 };
    char *line = malloc(LONG + 12);

    assert_non_null(line);
    f->opt.add_special = false;
    memset(line, 'a', LONG + 12);
    assert_int_equal(read_bytes(f, "a", line, LONG), EAGLE_OK);
    assert_int_equal(eagle_corpus_tokens(f->corpus), LONG + 1);
    memcpy(line, "{\"text\":\"", 9);
    memcpy(line + LONG + 9, "\"}", 2);
    assert_int_equal(read_bytes(f, "a.jsonl", line, LONG + 11), EAGLE_OK);
    assert_int_equal(eagle_corpus_tokens(f->corpus), LONG + 1);
    memset(line, '1', LONG);
    assert_int_equal(read_bytes(f, "a.ids", line, LONG), EAGLE_EFORMAT);
    memset(line, '[', LONG);
    assert_int_equal(read_bytes(f, "a.jsonl", line, LONG), EAGLE_EFORMAT);
    free(line);
}

/* ---- the corpus itself ----------------------------------------------------------------------- */

static void several_files_are_one_corpus(void **state)
{
    fixture *f = *state;
    char path[2][SCRATCH_PATH];
    const char *const paths[] = {path[0], path[1]};

    read_file(f, "a.ids", "65 66");
    read_file(f, "b", "ab");
    scratch_join(path[0], f->dir, "a.ids");
    scratch_join(path[1], f->dir, "b");
    eagle_corpus_free(f->corpus);
    assert_int_equal(eagle_corpus_read(&f->corpus, paths, 2, f->tokenizer, VOCAB, &f->opt, NULL),
                     EAGLE_OK);
    assert_int_equal(eagle_corpus_count(f->corpus), 2);
    assert_document(f, 0, "AB", NULL);
    assert_document(f, 1, "^ab$", NULL);
}

static void what_was_saved_is_read_back(void **state)
{
    fixture *f = *state;
    char path[SCRATCH_PATH];
    char before[65];
    char after[65];

    read_file(f, "a.jsonl",
              "{\"text\":\"one\"}\n{\"ids\":[65,66,67],\"learn\":[0,1,0]}\n{\"ids\":[3,4]}");
    eagle_corpus_hash(before, f->corpus);
    scratch_join(path, f->dir, "b.jsonl");
    assert_int_equal(eagle_corpus_save(f->corpus, path, NULL), EAGLE_OK);
    eagle_corpus_free(f->corpus);
    assert_int_equal(
        eagle_corpus_read(&f->corpus, &(const char *){path}, 1, NULL, VOCAB, &f->opt, NULL),
        EAGLE_OK);
    eagle_corpus_hash(after, f->corpus);
    assert_string_equal(before, after);
    assert_document(f, 1, "ABC", ".x.");
    scratch_join(path, f->dir, "absent/b.jsonl");
    assert_int_equal(eagle_corpus_save(f->corpus, path, &f->err), EAGLE_EWRITE);
}

/* The digests of length 3, tokens 1 2 3 and flags 1 1 1, and of the other corpora, are all
 * different; the first was made with coreutils' sha256sum. */
static void digest_sees_tokens_flags_and_borders(void **state)
{
    fixture *f = *state;
    static const char *const content[] = {
        "{\"ids\":[1,2,3]}", "{\"ids\":[1,2,4]}", "{\"ids\":[1,2,3],\"learn\":[1,0,1]}",
        "{\"ids\":[1,2]}\n{\"ids\":[3,1]}", "{\"ids\":[1,2,3,1]}"};
    char hex[5][65];

    for (int i = 0; i < 5; i++) {
        read_file(f, "a.jsonl", content[i]);
        eagle_corpus_hash(hex[i], f->corpus);
        for (int j = 0; j < i; j++) {
            assert_string_not_equal(hex[i], hex[j]);
        }
    }
    assert_string_equal(hex[0], "156c6b8cb0e918511f4e9c482a05150f9313fc49d4ea94f9723887e66f17fa82");
}

static void a_share_is_held_out_evenly(void **state)
{
    fixture *f = *state;
    eagle_corpus *held;

    /* Documents 0 .. 9 begin with their numbers. A quarter: 10 x 0.25 = 2, passed at 4 and 8. */
    static const char ten[] = "0 1\n1 1\n2 1\n3 1\n4 1\n5 1\n6 1\n7 1\n8 1\n9 1 1\n";
    static const struct {
        double share;
        const char *held;
    } cases[] = {{0.25, "37"}, {0.5, "13579"}, {0.01, "9"}, {0.99, "123456789"}, {0.1, "9"}};

    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        char found[2][11] = {"", ""};

        read_file(f, "a.ids", ten);
        assert_int_equal(eagle_corpus_split(&held, f->corpus, cases[i].share, NULL), EAGLE_OK);
        const eagle_corpus *both[2] = {f->corpus, held};

        assert_int_equal(eagle_corpus_tokens(f->corpus) + eagle_corpus_tokens(held), 21);
        for (int which = 0; which < 2; which++) {
            for (int32_t j = 0; j < eagle_corpus_count(both[which]); j++) {
                const eagle_document d = eagle_corpus_at(both[which], j);

                assert_int_equal(d.n, d.token[0] == 9 ? 3 : 2);
                assert_int_equal(d.token[1], 1);
                found[which][j] = (char)('0' + d.token[0]);
            }
        }
        assert_string_equal(found[1], cases[i].held);
        for (const char *c = "0123456789"; *c != '\0'; c++) {
            assert_true((strchr(found[0], *c) == NULL) != (strchr(found[1], *c) == NULL));
        }
        eagle_corpus_free(held);
    }
}

static void flags_are_divided_with_their_tokens(void **state)
{
    fixture *f = *state;
    eagle_corpus *held;

    read_file(
        f, "a.jsonl",
        "{\"ids\":[65,66,67],\"learn\":[0,1,0]}\n{\"ids\":[68,69,70,71],\"learn\":[0,0,1,1]}");
    assert_int_equal(eagle_corpus_split(&held, f->corpus, 0.5, NULL), EAGLE_OK);
    assert_document(f, 0, "ABC", ".x.");
    eagle_corpus_free(f->corpus);
    f->corpus = held;
    assert_document(f, 0, "DEFG", "..xx");
}

static void what_cannot_be_divided_is_refused(void **state)
{
    fixture *f = *state;
    eagle_corpus *held;

    read_file(f, "a.ids", "1 2\n3 4");
    assert_int_equal(eagle_corpus_split(&held, f->corpus, 0.0, NULL), EAGLE_EINVAL);
    assert_int_equal(eagle_corpus_split(&held, f->corpus, 1.0, NULL), EAGLE_EINVAL);
    assert_int_equal(eagle_corpus_split(&held, f->corpus, (double)NAN, NULL), EAGLE_EINVAL);
    assert_int_equal(eagle_corpus_count(f->corpus), 2);
    read_file(f, "a.ids", "1 2");
    assert_int_equal(eagle_corpus_split(&held, f->corpus, 0.5, NULL), EAGLE_EFORMAT);
    assert_null(held);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(lines_of_the_separator_divide_a_text),
        TEST(separators_are_the_callers_choice),
        TEST(nothing_is_added_unless_it_is_asked_for),
        TEST(special_tokens_in_a_text_are_letters),
        TEST(text_that_is_no_utf8_is_refused_by_line),
        TEST(every_line_is_a_document),
        TEST(of_a_conversation_the_answers_are_learned),
        TEST(a_broken_line_is_named),
        TEST(a_text_may_hold_the_character_zero),
        TEST(ids_are_taken_as_they_are),
        TEST(what_is_no_id_is_named),
        TEST(ids_outside_the_vocabulary_do_not_fit),
        TEST(a_tokenizer_of_another_vocabulary_does_not_fit),
        TEST(text_needs_a_tokenizer),
        TEST(files_without_anything_to_learn_are_refused),
        TEST(a_file_that_is_not_there_cannot_be_read),
        TEST(a_document_longer_than_int32_is_refused),
        TEST(an_absurdly_long_line_is_a_document_like_others),
        TEST(several_files_are_one_corpus),
        TEST(what_was_saved_is_read_back),
        TEST(digest_sees_tokens_flags_and_borders),
        TEST(a_share_is_held_out_evenly),
        TEST(flags_are_divided_with_their_tokens),
        TEST(what_cannot_be_divided_is_refused),
    };

    return cmocka_run_group_tests_name("corpus", tests, NULL, NULL);
}
