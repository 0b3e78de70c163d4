/* SPDX-License-Identifier: MIT */
/* test_tokenizer_files.c - files that are refused, each with one line that names what is wrong.
 *
 * testdata/bad holds whole files; here are the finer defects, as parts of a small good file. */
#include "support/lib_tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define MODEL                                                                                      \
    "\"model\":{\"type\":\"BPE\",\"unk_token\":\"<u>\",\"vocab\":{\"<u>\":0,\"a\":1,\"b\":2,"      \
    "\"ab\":3},\"merges\":[\"a b\"]}"
#define CUT(pattern)                                                                               \
    "{\"pre_tokenizer\":{\"type\":\"Split\",\"behavior\":\"Removed\",\"invert\":false,"            \
    "\"pattern\":{\"Regex\":\"" pattern "\"}}," MODEL "}"
#define WITH(part) "{" part "," MODEL "}"
#define VOCAB(vocab, merges)                                                                       \
    "{\"model\":{\"type\":\"BPE\",\"vocab\":{" vocab "},\"merges\":[" merges "]}}"

typedef struct {
    const char *json;
    eagle_status status;
    const char *message; /* a piece of it */
} refusal;

static void check_refusals(const refusal *cases, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        eagle_error err = {.message = ""};
        eagle_tokenizer *t = tokens_open(cases[i].json, &err);

        if (t != NULL) {
            fail_msg("accepted: %s", cases[i].json);
        }
        if (err.code != cases[i].status || strstr(err.message, cases[i].message) == NULL ||
            strstr(err.message, "tokenizer.json: ") == NULL || strchr(err.message, '\n') != NULL) {
            fail_msg("%s\nstatus %d: %s\nwithout \"%s\"", cases[i].json, (int)err.code, err.message,
                     cases[i].message);
        }
    }
}

#define CHECK(cases) check_refusals(cases, sizeof(cases) / sizeof((cases)[0]))

static void the_good_file_is_good(void **state)
{
    (void)state;
    eagle_error err;
    eagle_tokenizer *t = tokens_open(WITH("\"version\":\"1.0\""), &err);
    size_t n;

    assert_non_null(t);
    int32_t *ids = tokens_encode(&n, t, "xyabb", 5, true);

    assert_int_equal(n, 4); /* <u> <u> ab b */
    assert_int_equal(ids[2], 3);
    free(ids);
    eagle_tokenizer_free(t);
}

static void what_shapes_ids_is_refused_by_name(void **state)
{
    static const refusal cases[] = {
        {WITH("\"version\":\"2.0\""), EAGLE_EUNSUPPORTED, "version is \"2.0\""},
        {WITH("\"truncation\":{\"max_length\":4}"), EAGLE_EUNSUPPORTED, "truncation"},
        {WITH("\"padding\":{\"strategy\":{\"Fixed\":8}}"), EAGLE_EUNSUPPORTED, "padding"},
        {WITH("\"padding\":{\"strategy\":\"BatchLongest\",\"pad_to_multiple_of\":8}"),
         EAGLE_EUNSUPPORTED, "padding"},
    };
    eagle_error err;

    (void)state;
    CHECK(cases);

    /* Padding to the longest of one text does nothing. */
    eagle_tokenizer *t =
        tokens_open(WITH("\"truncation\":null,\"padding\":{\"strategy\":\"BatchLongest\","
                         "\"pad_to_multiple_of\":null}"),
                    &err);

    assert_non_null(t);
    eagle_tokenizer_free(t);
}

static void a_bad_model_is_refused(void **state)
{
    static const refusal cases[] = {
        {"{}", EAGLE_EFORMAT, "model is missing, must be an object"},
        {"[]", EAGLE_EFORMAT, "the file is a list of 0, must be an object"},
        {"{\"model\":{\"type\":7}}", EAGLE_EFORMAT, "model.type is 7"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":7}}", EAGLE_EFORMAT, "model.vocab is 7"},
        {VOCAB("", ""), EAGLE_EFORMAT, "must be a vocabulary with tokens"},
        {VOCAB("\"a\":16777216", ""), EAGLE_EFORMAT, "model.vocab.a is 16777216"},
        {VOCAB("\"a\":0,\"b\":0", ""), EAGLE_EFORMAT, "id 0 is both \"a\" and \"b\""},
        {VOCAB("\"a\":0", "\"a b\""), EAGLE_EFORMAT, "model.merges[0]: \"b\" is not in"},
        {VOCAB("\"a\":0,\"b\":1", "\"b a\""), EAGLE_EFORMAT, "\"ba\" is not in model.vocab"},
        {VOCAB("\"a\":0,\"\":1", "[\"a\",\"\"]"), EAGLE_EFORMAT, "joins an empty text"},
        {VOCAB("\"a\":0,\"\":1", "\" a\""), EAGLE_EFORMAT, "joins an empty text"},
        {VOCAB("\"a\":0", "\"a  b\""), EAGLE_EFORMAT, "model.merges[0] is \"a  b\""},
        {VOCAB("\"a\":0", "[\"a\"]"), EAGLE_EFORMAT, "model.merges[0] is a list of 1"},
        {VOCAB("\"a\":0", "[1,2]"), EAGLE_EFORMAT, "model.merges[0] is a list of 2"},
        {VOCAB("\"a\":0", "null"), EAGLE_EFORMAT, "model.merges[0] is missing"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],\"unk_token\":\"u\"}}",
         EAGLE_EFORMAT, "model.unk_token is \"u\", must be a token of model.vocab"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],\"fuse_unk\":1}}",
         EAGLE_EFORMAT, "model.fuse_unk is 1"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],\"dropout\":\"x\"}}",
         EAGLE_EUNSUPPORTED, "model.dropout"},
        {"{\"model\":{\"type\":\"BPE\",\"vocab\":{\"a\":0},\"merges\":[],"
         "\"end_of_word_suffix\":\"</w>\"}}",
         EAGLE_EUNSUPPORTED, "model.end_of_word_suffix is \"</w>\""},
    };

    (void)state;
    CHECK(cases);
}

static void bad_added_tokens_are_refused(void **state)
{
    static const refusal cases[] = {
        {WITH("\"added_tokens\":[7]"), EAGLE_EFORMAT, "added_tokens[0] is 7"},
        {WITH("\"added_tokens\":[{\"id\":4,\"content\":7}]"), EAGLE_EFORMAT,
         "added_tokens[0].content is 7"},
        {WITH("\"added_tokens\":[{\"id\":16777216,\"content\":\"x\"}]"), EAGLE_EFORMAT, "16777216"},
        {WITH("\"added_tokens\":[{\"id\":4,\"content\":\"a\"}]"), EAGLE_EFORMAT,
         "\"a\" has id 4, and 1 in model.vocab"},
        {WITH("\"added_tokens\":[{\"id\":1,\"content\":\"x\"}]"), EAGLE_EFORMAT,
         "id 1 is both \"a\" and \"x\""},
        {WITH("\"added_tokens\":[{\"id\":5,\"content\":\"x\"},{\"id\":6,\"content\":\"x\"}]"),
         EAGLE_EFORMAT, "ids 5 and 6 are found by the same text \"x\""},
        {WITH("\"normalizer\":{\"type\":\"NFC\"},\"added_tokens\":["
              "{\"id\":5,\"content\":\"\\u00e9\",\"normalized\":true},"
              "{\"id\":6,\"content\":\"e\\u0301\",\"normalized\":true}]"),
         EAGLE_EFORMAT, "are found by the same text"},
    };

    (void)state;
    CHECK(cases);
}

static void bad_components_are_refused(void **state)
{
    static const refusal cases[] = {
        {WITH("\"normalizer\":{\"type\":\"NFKC\"}"), EAGLE_EUNSUPPORTED,
         "normalizer.type is \"NFKC\""},
        {WITH("\"normalizer\":{\"type\":\"Sequence\",\"normalizers\":[{\"type\":\"Strip\"}]}"),
         EAGLE_EUNSUPPORTED, "normalizer.normalizers[0].type is \"Strip\""},
        {WITH("\"normalizer\":{\"type\":\"Replace\",\"content\":\"\",\"pattern\":{\"Regex\":7}}"),
         EAGLE_EFORMAT, "normalizer.pattern.Regex is 7"},
        {WITH("\"normalizer\":{\"type\":\"Prepend\"}"), EAGLE_EFORMAT,
         "normalizer.prepend is missing"},
        {WITH("\"pre_tokenizer\":{\"type\":\"ByteLevel\"}"), EAGLE_EFORMAT,
         "pre_tokenizer.add_prefix_space is missing"},
        {WITH("\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"ab\"}"), EAGLE_EFORMAT,
         "must be one character"},
        {WITH("\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\","
              "\"prepend_scheme\":\"last\"}"),
         EAGLE_EFORMAT, "must be always, first or never"},
        {WITH("\"pre_tokenizer\":{\"type\":\"Metaspace\",\"replacement\":\"_\","
              "\"prepend_scheme\":\"always\",\"add_prefix_space\":false}"),
         EAGLE_EFORMAT, "must be never"},
        {WITH("\"pre_tokenizer\":{\"type\":\"FixedLength\",\"length\":3}"), EAGLE_EUNSUPPORTED,
         "FixedLength"},
        {WITH("\"post_processor\":{\"type\":\"RobertaProcessing\"}"), EAGLE_EUNSUPPORTED,
         "RobertaProcessing"},
        {WITH("\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"Sequence\":"
              "{\"id\":\"B\"}}]}"),
         EAGLE_EFORMAT, "must be \"A\""},
        {WITH("\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":"
              "{\"id\":\"x\"}}],\"special_tokens\":{}}"),
         EAGLE_EFORMAT, "must be a key of special_tokens"},
        {WITH("\"post_processor\":{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":"
              "{\"id\":\"x\"}}],\"special_tokens\":{\"x\":{\"ids\":[4]}}}"),
         EAGLE_EFORMAT, "post_processor.special_tokens.x.ids[0] is 4"},
        {WITH("\"post_processor\":{\"type\":\"Sequence\",\"processors\":["
              "{\"type\":\"TemplateProcessing\",\"single\":[]},"
              "{\"type\":\"TemplateProcessing\",\"single\":[]}]}"),
         EAGLE_EUNSUPPORTED, "a second TemplateProcessing"},
        {WITH("\"decoder\":{\"type\":\"WordPiece\"}"), EAGLE_EUNSUPPORTED, "WordPiece"},
        {WITH("\"decoder\":{\"type\":\"Strip\",\"content\":\" \",\"start\":-1,\"stop\":0}"),
         EAGLE_EFORMAT, "decoder.start is -1"},
    };

    (void)state;
    CHECK(cases);
}

static void deep_and_long_sequences_are_refused(void **state)
{
    char json[8192] = "{\"normalizer\":";
    eagle_error err;

    (void)state;
    for (int i = 0; i < 20; i++) {
        strcat(json, "{\"type\":\"Sequence\",\"normalizers\":[");
    }
    for (int i = 0; i < 20; i++) {
        strcat(json, "]}");
    }
    strcat(json, "," MODEL "}");
    assert_null(tokens_open(json, &err));
    assert_int_equal(err.code, EAGLE_ELIMIT);
    assert_non_null(strstr(err.message, "a Sequence inside 8 others"));

    strcpy(json, "{\"decoder\":{\"type\":\"Sequence\",\"decoders\":[{\"type\":\"Fuse\"}");
    for (int i = 0; i < 100; i++) {
        strcat(json, ",{\"type\":\"Fuse\"}");
    }
    strcat(json, "]}," MODEL "}");
    assert_null(tokens_open(json, &err));
    assert_int_equal(err.code, EAGLE_ELIMIT);
    assert_non_null(strstr(err.message, "more than 64 steps"));
}

/* What PCRE2 would refuse, and what it would take for something else than Ruby does. */
static void bad_expressions_are_refused(void **state)
{
    static const refusal cases[] = {
        {CUT("("), EAGLE_EFORMAT, "pre_tokenizer.pattern: not a regular expression"},
        {CUT("[a"), EAGLE_EFORMAT, "missing terminating ]"},
        {CUT("\\\\p{Nonsense}"), EAGLE_EFORMAT, "unknown property"},
        {CUT("a\\\\"), EAGLE_EFORMAT, "pre_tokenizer.pattern"},
        {CUT("[a[b]]"), EAGLE_EUNSUPPORTED, "inside a class"},
        {CUT("[a-z&&[^b]]"), EAGLE_EUNSUPPORTED, "&& inside a class"},
        {CUT("[[:alpha:]]"), EAGLE_EUNSUPPORTED, "POSIX bracket"},
        {CUT("[\\\\W]"), EAGLE_EUNSUPPORTED, "\\W in the regular expression (byte 1)"},
        {CUT("a{2,3}+"), EAGLE_EUNSUPPORTED, "a quantifier after {}"},
        {CUT("a{2}?"), EAGLE_EUNSUPPORTED, "a quantifier after {}"},
        {CUT("a(?i)b"), EAGLE_EUNSUPPORTED, "that is not first"},
        {CUT("a\\\\Kb"), EAGLE_EUNSUPPORTED, "\\K"},
        {CUT("\\\\u12"), EAGLE_EUNSUPPORTED, "hexadecimal"},
    };

    (void)state;
    CHECK(cases);
}

static void an_expression_without_end_is_stopped(void **state)
{
    static char text[4096];
    eagle_encode_options opt = {.add_special = true};
    eagle_error err;
    int32_t *ids;
    size_t n;

    (void)state;
    eagle_tokenizer *t = tokens_open(CUT("(a|aa|a*)*[cd]"), &err);

    assert_non_null(t);
    memset(text, 'a', sizeof text);
    assert_int_equal(eagle_tokenizer_encode(&ids, &n, t, text, sizeof text, &opt, &err),
                     EAGLE_ELIMIT);
    assert_null(ids);
    assert_non_null(strstr(err.message, "regular expression"));
    eagle_tokenizer_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_good_file_is_good),
        cmocka_unit_test(what_shapes_ids_is_refused_by_name),
        cmocka_unit_test(a_bad_model_is_refused),
        cmocka_unit_test(bad_added_tokens_are_refused),
        cmocka_unit_test(bad_components_are_refused),
        cmocka_unit_test(deep_and_long_sequences_are_refused),
        cmocka_unit_test(bad_expressions_are_refused),
        cmocka_unit_test(an_expression_without_end_is_stopped),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
