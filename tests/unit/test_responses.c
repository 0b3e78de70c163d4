/* SPDX-License-Identifier: MIT */
/* test_responses.c - what other implementations answered, in the shapes that they write. The files
 * of testdata/responses all tell of one continuation: 1 5 7, then 9 4 2. */
#include "eagle/responses.h"
#include "support/lib_scratch.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char dir[SCRATCH_PATH];
static char path[SCRATCH_PATH];

static int set_up(void **state)
{
    (void)state;
    scratch_create(dir);
    scratch_join(path, dir, "r.jsonl");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(dir);
    return 0;
}

static eagle_responses *read_or_fail(const char *file)
{
    eagle_responses *all = NULL;
    eagle_error err = {0};

    if (eagle_responses_read(&all, file, 16, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    return all;
}

static eagle_responses *open_sample(const char *name)
{
    char file[SCRATCH_PATH];

    snprintf(file, sizeof file, "testdata/responses/%s", name);
    return read_or_fail(file);
}

static void assert_ids(const eagle_response *r)
{
    static const int32_t prompt[3] = {1, 5, 7};
    static const int32_t output[3] = {9, 4, 2};

    assert_int_equal(r->n_prompt, 3);
    assert_memory_equal(r->prompt, prompt, sizeof prompt);
    assert_int_equal(r->n_output, 3);
    assert_memory_equal(r->output, output, sizeof output);
}

static void assert_logprobs(const eagle_response *r)
{
    static const double logprob[3] = {-0.5, -1.25, -2.5};

    assert_non_null(r->logprob);
    assert_memory_equal(r->logprob, logprob, sizeof logprob);
}

static void assert_tops(const eagle_response *r)
{
    static const int32_t begin[4] = {0, 2, 4, 7};
    static const int32_t token[7] = {9, 4, 3, 4, 0, 9, 2};
    static const double logprob[7] = {-0.5, -1.5, -0.75, -1.25, -0.25, -2.0, -2.5};

    assert_non_null(r->top_begin);
    assert_memory_equal(r->top_begin, begin, sizeof begin);
    assert_memory_equal(r->top_token, token, sizeof token);
    assert_memory_equal(r->top_logprob, logprob, sizeof logprob);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static void every_server_tells_the_same_ids_and_probabilities(void **state)
{
    static const struct {
        const char *file;
        const char *shape;
    } all[] = {{"eagle.jsonl", "eagle"},
               {"vllm-completions.json", "OpenAI"},
               {"vllm-completions-as-ids.jsonl", "OpenAI"},
               {"vllm-chat.json", "OpenAI"},
               {"sglang-generate.json", "SGLang"},
               {"llama-completion.jsonl", "llama-server"},
               {"llama-chat.jsonl", "OpenAI"}};

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        eagle_responses *responses = open_sample(all[i].file);
        const eagle_response *r = eagle_responses_at(responses, 0);

        assert_string_equal(r->shape, all[i].shape);
        assert_ids(r);
        assert_logprobs(r);
        assert_tops(r);
        eagle_responses_free(responses);
    }
}

static void lines_of_ones_own_may_say_where_tokens_came_from(void **state)
{
    eagle_responses *responses = open_sample("eagle.jsonl");
    const eagle_response *r = eagle_responses_at(responses, 0);

    (void)state;
    assert_int_equal(eagle_responses_count(responses), 2);
    assert_int_equal(r->source[0], EAGLE_SOURCE_PLAIN);
    assert_int_equal(r->source[1], EAGLE_SOURCE_ACCEPTED);
    assert_int_equal(r->source[2], EAGLE_SOURCE_BONUS);
    r = eagle_responses_at(responses, 1);
    assert_int_equal(r->n_output, 0);
    assert_int_equal(r->line, 3);
    assert_null(r->source);
    assert_null(r->logprob);
    assert_null(r->top_begin);
    eagle_responses_free(responses);
}

static void the_output_of_generate_is_read(void **state)
{
    eagle_responses *responses = open_sample("eagle-generate.json");

    (void)state;
    assert_ids(eagle_responses_at(responses, 0));
    assert_null(eagle_responses_at(responses, 0)->logprob);
    eagle_responses_free(responses);
}

static void lists_of_texts_are_no_lists_of_ids(void **state)
{
    eagle_responses *responses = open_sample("sglang-chat.json");
    const eagle_response *r = eagle_responses_at(responses, 0);

    (void)state;
    assert_ids(r);
    assert_logprobs(r);
    assert_null(r->top_begin);
    eagle_responses_free(responses);
}

static void probabilities_after_sampling_become_logarithms(void **state)
{
    eagle_responses *responses = open_sample("llama-post-sampling.jsonl");
    const eagle_response *r = eagle_responses_at(responses, 0);

    (void)state;
    assert_int_equal(r->n_output, 2);
    assert_int_equal(r->output[1], 4);
    assert_true(r->logprob[0] == log(0.5));
    assert_true(r->top_logprob[1] == log(0.25));
    assert_true(r->logprob[1] == 0.0);
    assert_true(r->top_logprob[3] == -INFINITY);
    eagle_responses_free(responses);
}

static void several_choices_are_several_continuations(void **state)
{
    eagle_responses *responses;

    (void)state;
    scratch_text(
        dir, "r.jsonl",
        "{\"prompt_token_ids\":[1],\"choices\":[{\"token_ids\":[2]},{\"token_ids\":[3]}]}\n"
        "{\"prompt_ids\":[4],\"response\":[{\"meta_info\":{},\"output_ids\":[5]},"
        "{\"meta_info\":{},\"output_ids\":[6]}]}");
    responses = read_or_fail(path);
    assert_int_equal(eagle_responses_count(responses), 4);
    for (int32_t i = 0; i < 4; i++) {
        const eagle_response *r = eagle_responses_at(responses, i);

        assert_int_equal(r->prompt[0], i < 2 ? 1 : 4);
        assert_int_equal(r->output[0], i < 2 ? 2 + i : 3 + i);
        assert_int_equal(r->line, i < 2 ? 1 : 2);
    }
    eagle_responses_free(responses);
}

static void the_token_that_was_drawn_comes_last_among_equals(void **state)
{
    static const int32_t token[3] = {5, 3, 2};
    eagle_responses *responses;

    (void)state;
    scratch_text(dir, "r.jsonl",
                 "{\"prompt_ids\":[1],\"output_ids\":[2],"
                 "\"top_logprobs\":[{\"2\":-2,\"5\":-1,\"3\":-2}]}");
    responses = read_or_fail(path);
    assert_memory_equal(eagle_responses_at(responses, 0)->top_token, token, sizeof token);
    eagle_responses_free(responses);
}

static void what_servers_write_for_nothing_is_nothing(void **state)
{
    eagle_responses *responses;

    (void)state;
    scratch_text(dir, "r.jsonl",
                 "{\"prompt_ids\":[1],\"output_ids\":[2,3,4],"
                 "\"logprobs\":[-9999.0,-3.4028234663852886e+38,null]}");
    responses = read_or_fail(path);
    assert_true(eagle_responses_at(responses, 0)->logprob[0] == -INFINITY);
    assert_true(eagle_responses_at(responses, 0)->logprob[1] == -INFINITY);
    assert_true(isnan(eagle_responses_at(responses, 0)->logprob[2]));
    eagle_responses_free(responses);
}

/* ---- what is refused ------------------------------------------------------------------------- */

/* A text as a file: refused with `piece` in the message, which begins with the file's name. */
static void assert_refused(const char *text, eagle_status code, const char *piece)
{
    eagle_responses *responses;
    eagle_error err = {0};

    scratch_text(dir, "r.jsonl", text);
    if (eagle_responses_read(&responses, path, 16, &err) != code) {
        fail_msg("%s gave status %d: %s", text, (int)err.code, err.message);
    }
    assert_null(responses);
    if (strstr(err.message, piece) == NULL || strstr(err.message, path) != err.message) {
        fail_msg("%s gave \"%s\", which lacks \"%s\"", text, err.message, piece);
    }
}

static void texts_without_ids_are_refused_with_the_way_out(void **state)
{
    eagle_responses *responses;
    eagle_error err = {0};

    (void)state;
    assert_int_equal(
        eagle_responses_read(&responses, "testdata/responses/vllm-chat-texts.json", 16, &err),
        EAGLE_EFORMAT);
    assert_non_null(strstr(err.message, "\"return_token_ids\": true"));
    assert_non_null(strstr(err.message, "\"return_tokens\": true"));
    assert_refused("{\"choices\":[{\"token_ids\":[1]}]}", EAGLE_EFORMAT,
                   "without its prompt's ids");
    assert_refused("{\"content\":\" i\",\"tokens\":[]}", EAGLE_EFORMAT, "without token ids");
}

static void a_broken_line_is_named(void **state)
{
    static const char good[] = "{\"prompt_ids\":[1],\"output_ids\":[2]}";
    char text[300];

    (void)state;
    snprintf(text, sizeof text, "%s\n\n{\"prompt_ids\":[1],\"output_ids\":[2\n%s", good, good);
    assert_refused(text, EAGLE_EFORMAT, "line 3");
    snprintf(text, sizeof text, "{\"prompt_ids\":[1],\"output\n%s", good);
    assert_refused(text, EAGLE_EFORMAT, "line 1");
    snprintf(text, sizeof text, "%s\n{\"prompt_ids\":[1],\"output_ids\":[16]}", good);
    assert_refused(text, EAGLE_EFORMAT, "line 2: output_ids[0] is 16, must be a token id below 16");
    snprintf(text, sizeof text, "[%s,\n3]", good);
    assert_refused(text, EAGLE_EFORMAT, "line 1, element 2");
}

static void values_of_other_types_are_refused(void **state)
{
    static const struct {
        const char *text;
        const char *piece;
    } all[] = {
        {"", "no response"},
        {"[]", "no response"},
        {"7", "JSON, line 1"},
        {"{}", "must be a response"},
        {"[[]]", "element 1: the document is a list of 0"},
        {"null", "JSON, line 1"},
        {"{\"choices\":[]}", "choices is a list of 0"},
        {"{\"choices\":{}}", "choices is an object"},
        {"{\"choices\":[3]}", "choices is 3"},
        {"{\"response\":{\"choices\":7}}", "choices is 7"},
        {"{\"prompt_ids\":[1],\"output_ids\":3}", "output_ids is 3"},
        {"{\"prompt_ids\":[1],\"output_ids\":[-1]}", "output_ids[0] is -1"},
        {"{\"prompt_ids\":[1],\"output_ids\":[1.0]}", "output_ids[0] is 1"},
        {"{\"prompt_ids\":[1],\"output_ids\":[9223372036854775807]}", "must be a token id"},
        {"{\"prompt_ids\":[1],\"output_ids\":[92233720368547758070]}", "JSON, line 1"},
        {"{\"prompt_ids\":{},\"output_ids\":[1]}", "prompt_ids is an object"},
        {"{\"prompt_ids\":[],\"output_ids\":[1]}", "without its prompt's ids"},
        {"{\"prompt_ids\":[1],\"output_ids\":[1],\"source\":[0]}", "source is 0"},
        {"{\"prompt_ids\":[1],\"output_ids\":[1],\"source\":[1,2]}", "one for each output token"},
        {"{\"prompt_ids\":[1],\"output_ids\":[1],\"logprobs\":[0.5]}", "is at most 0"},
        {"{\"prompt_ids\":[1],\"output_ids\":[1],\"logprobs\":[NaN]}", "JSON, line 1"},
        {"{\"prompt_ids\":[1],\"output_ids\":[1],\"logprobs\":[-Infinity]}", "JSON, line 1"},
        {"{\"prompt_ids\":[1],\"output_ids\":[1],\"logprobs\":[-1e999]}", "JSON, line 1"},
        {"{\"prompt_ids\":[1],\"output_ids\":[1],\"logprobs\":[\"x\"]}", "logprobs[0] is \"x\""},
        {"{\"prompt_ids\":[1],\"output_ids\":[1],\"top_logprobs\":[3]}", "top_logprobs is 3"},
        {"{\"prompt_ids\":[1],\"output_ids\":[1],\"top_logprobs\":[{\"a\":-1}]}",
         "objects from id"},
        {"{\"prompt_ids\":[1],\"output_ids\":[1],\"top_logprobs\":[{\"01\":-1}]}",
         "objects from id"},
        {"{\"prompt_ids\":[1],\"output_ids\":[1],\"top_logprobs\":[{\"16\":-1}]}", "below 16"},
        {"{\"prompt_ids\":[1],\"output_ids\":[1],\"top_logprobs\":[{\"1\":-0.1,\"2\":-0.1}]}",
         "sum to 1.8097"},
        {"{\"meta_info\":{\"output_token_logprobs\":[[-1]]}}", "output_token_logprobs is a list"},
        {"{\"meta_info\":{\"output_token_logprobs\":[[-1,2]],"
         "\"output_top_logprobs\":[[[-2,3],[-2,3]]]},\"prompt_token_ids\":[1]}",
         "token 3 twice"},
        {"{\"meta_info\":{\"output_token_logprobs\":[[-1,2]]},\"output_ids\":[3],"
         "\"prompt_token_ids\":[1]}",
         "is of token 2, output token 0 is 3"},
        {"{\"prompt_token_ids\":[1],\"tokens\":[2],\"completion_probabilities\":"
         "[{\"id\":3,\"logprob\":-1}]}",
         "is of token 3, output token 0 is 2"},
        {"{\"prompt_token_ids\":[1],\"tokens\":[2],\"completion_probabilities\":[{\"id\":2}]}",
         "completion_probabilities[0] is nothing"},
        {"{\"prompt_token_ids\":[1],\"tokens\":[2],\"completion_probabilities\":"
         "[{\"id\":2,\"prob\":1.5}]}",
         "must be a probability"},
        {"{\"prompt_token_ids\":[1],\"choices\":[{\"token_ids\":[2],\"logprobs\":3}]}",
         "logprobs is 3"},
        {"{\"prompt_token_ids\":[1],\"choices\":[{\"token_ids\":[2],"
         "\"logprobs\":{\"token_logprobs\":[-1,-1]}}]}",
         "one for each output token"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof all / sizeof all[0]; i++) {
        assert_refused(all[i].text, EAGLE_EFORMAT, all[i].piece);
    }
}

static void deep_nesting_is_refused(void **state)
{
    static char text[200001];

    (void)state;
    memset(text, '[', sizeof text - 1);
    assert_refused(text, EAGLE_EFORMAT, "depth");
}

static void a_missing_file_is_named(void **state)
{
    eagle_responses *responses;
    eagle_error err = {0};

    (void)state;
    assert_int_equal(eagle_responses_read(&responses, "/no/such/file", 0, &err), EAGLE_EREAD);
    assert_null(responses);
    assert_non_null(strstr(err.message, "/no/such/file"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_server_tells_the_same_ids_and_probabilities),
        cmocka_unit_test(lines_of_ones_own_may_say_where_tokens_came_from),
        cmocka_unit_test(the_output_of_generate_is_read),
        cmocka_unit_test(lists_of_texts_are_no_lists_of_ids),
        cmocka_unit_test(probabilities_after_sampling_become_logarithms),
        cmocka_unit_test(several_choices_are_several_continuations),
        cmocka_unit_test(the_token_that_was_drawn_comes_last_among_equals),
        cmocka_unit_test(what_servers_write_for_nothing_is_nothing),
        cmocka_unit_test(texts_without_ids_are_refused_with_the_way_out),
        cmocka_unit_test(a_broken_line_is_named),
        cmocka_unit_test(values_of_other_types_are_refused),
        cmocka_unit_test(deep_nesting_is_refused),
        cmocka_unit_test(a_missing_file_is_named),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
