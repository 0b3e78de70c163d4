/* SPDX-License-Identifier: MIT */
/* test_config.c - what is understood of a config.json, feature by feature. What is refused stands
 * in test_hostile_files.c, but for the ranges, which are here. */
#include "formats/formats.h"
#include "support/lib_scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

/* A configuration with nothing but what must be there; a test adds keys. */
#define REQUIRED                                                                                   \
    "\"architectures\":[\"LlamaForCausalLM\"],\"model_type\":\"llama\",\"hidden_size\":64,"        \
    "\"intermediate_size\":172,\"num_hidden_layers\":5,\"num_attention_heads\":8,"                 \
    "\"vocab_size\":512"

static const char *const dir = scratch_dir;

typedef eagle_status reader(eagle_config *out, const char *dir, eagle_error *err);

static void write_config(const char *more)
{
    char text[8192];

    snprintf(text, sizeof text, "{%s%s%s}", REQUIRED, more[0] == '\0' ? "" : ",", more);
    scratch_text(dir, "config.json", text);
}

/* Reads REQUIRED with `more` keys. */
static eagle_config read_right(reader *read, const char *more)
{
    eagle_config config;
    eagle_error err = {0};

    write_config(more);
    if (read(&config, dir, &err) != EAGLE_OK) {
        fail_msg("%s: %s", more, err.message);
    }
    return config;
}

static void read_wrong(reader *read, const char *more, eagle_status code, const char *piece)
{
    eagle_config config;
    eagle_error err = {0};

    write_config(more);
    if (read(&config, dir, &err) != code || strstr(err.message, piece) == NULL ||
        strstr(err.message, "config.json: ") == NULL) {
        fail_msg("%s: code %d, \"%s\" instead of code %d, \"%s\"", more, (int)err.code, err.message,
                 (int)code, piece);
    }
    assert_int_equal(config.dim, 0);
}

static void the_defaults_are_those_of_transformers(void **state)
{
    eagle_config c = read_right(eg_config_read_target, "");

    (void)state;
    assert_int_equal(c.dim, 64);
    assert_int_equal(c.ffn_dim, 172);
    assert_int_equal(c.n_layers, 5);
    assert_int_equal(c.n_heads, 8);
    assert_int_equal(c.n_kv_heads, 8);
    assert_int_equal(c.head_dim, 8);
    assert_int_equal(c.vocab, 512);
    assert_int_equal(c.context, 2048);
    assert_true(c.rms_eps == 1e-6f);
    assert_false(c.tied || c.attention_bias || c.mlp_bias);
    assert_false(c.theta_given);
    assert_int_equal(c.rope.kind, EAGLE_ROPE_DEFAULT);
    assert_true(c.rope.theta == 10000.0);
    assert_int_equal(c.bos, -1);
    assert_int_equal(c.n_end, 0);
}

static void every_feature_is_read(void **state)
{
    eagle_config c = read_right(
        eg_config_read_target,
        "\"num_key_value_heads\":1,\"head_dim\":24,\"max_position_embeddings\":131072,"
        "\"rms_norm_eps\":1e-5,\"tie_word_embeddings\":true,\"attention_bias\":true,"
        "\"mlp_bias\":true,\"hidden_act\":\"silu\",\"rope_theta\":500000,\"bos_token_id\":511,"
        "\"eos_token_id\":2");

    (void)state;
    assert_int_equal(c.n_kv_heads, 1);
    assert_int_equal(c.head_dim, 24); /* not 64 / 8 */
    assert_int_equal(c.context, 131072);
    assert_true(c.rms_eps == 1e-5f);
    assert_true(c.tied && c.attention_bias && c.mlp_bias && c.theta_given);
    assert_true(c.rope.theta == 500000.0);
    assert_int_equal(c.bos, 511);
    assert_int_equal(c.n_end, 1);
    assert_int_equal(c.end[0], 2);
}

static void null_means_the_default(void **state)
{
    eagle_config c =
        read_right(eg_config_read_target, "\"num_key_value_heads\":null,\"head_dim\":null,"
                                          "\"rope_scaling\":null,\"rope_theta\":null,"
                                          "\"rms_norm_eps\":null,\"eos_token_id\":null,"
                                          "\"quantization_config\":null,\"sliding_window\":null,"
                                          "\"use_sliding_window\":false,\"pruned_heads\":{}");

    (void)state;
    assert_int_equal(c.n_kv_heads, 8);
    assert_int_equal(c.head_dim, 8);
    assert_true(c.rms_eps == 1e-6f);
    assert_int_equal(c.n_end, 0);
}

static void harmless_keys_are_passed_over(void **state)
{
    (void)state;
    read_right(eg_config_read_target,
               "\"torch_dtype\":\"float32\",\"dtype\":\"float32\",\"transformers_version\":\"5.0\","
               "\"use_cache\":true,\"attention_dropout\":0.1,\"initializer_range\":0.02,"
               "\"pretraining_tp\":1,\"_name_or_path\":\"x\",\"pad_token_id\":-1,"
               "\"temperature\":0.6,\"partial_rotary_factor\":1.0");
}

/* What the files of these models say besides the keys that every one has. */
static void published_keys_are_understood_or_passed_over(void **state)
{
    static const char *const more[] = {
        /* SmolLM2 */
        "\"attention_bias\":false,\"attention_dropout\":0.0,\"bos_token_id\":0,\"eos_token_id\":0,"
        "\"initializer_range\":0.041666666666666664,\"is_llama_config\":true,\"mlp_bias\":false,"
        "\"pretraining_tp\":1,\"rope_interleaved\":false,\"rope_scaling\":null,"
        "\"rope_theta\":100000,\"tie_word_embeddings\":true,\"torch_dtype\":\"bfloat16\","
        "\"transformers_version\":\"4.40.1\",\"use_cache\":true,"
        "\"transformers.js_config\":{\"kv_cache_dtype\":{\"q4f16\":\"float16\"}}",
        /* Llama 2, TinyLlama */
        "\"_name_or_path\":\"x\",\"max_length\":4096,\"pad_token_id\":0,\"pretraining_tp\":1,"
        "\"torch_dtype\":\"float16\",\"use_cache\":true",
        /* Vicuna, OpenLLaMA */
        "\"_name_or_path\":\"x\",\"max_sequence_length\":2048,\"pad_token_id\":-1,"
        "\"tie_word_embeddings\":false,\"transformers_version\":\"4.28.1\"",
        /* Llama 3.2, saved again by others */
        "\"_attn_implementation_autoset\":true,\"head_dim\":64,\"mlp_bias\":false,"
        "\"rope_scaling\":{\"factor\":32.0,\"high_freq_factor\":4.0,\"low_freq_factor\":1.0,"
        "\"original_max_position_embeddings\":8192,\"rope_type\":\"llama3\"},"
        "\"rope_theta\":500000.0,\"unsloth_fixed\":true,\"dtype\":\"bfloat16\"",
    };

    (void)state;
    for (size_t i = 0; i < sizeof more / sizeof more[0]; i++) {
        read_right(eg_config_read_target, more[i]);
    }
}

/* The same rope in each spelling that transformers has had. */
static void rope_is_read_in_its_old_and_new_spelling(void **state)
{
    static const char *const linear[] = {
        "\"rope_theta\":20000.0,\"rope_scaling\":{\"type\":\"linear\",\"factor\":4.0}",
        "\"rope_theta\":20000.0,\"rope_scaling\":{\"rope_type\":\"linear\",\"factor\":4}",
        "\"rope_theta\":20000,\"rope_scaling\":{\"type\":\"linear\",\"rope_type\":\"linear\","
        "\"factor\":4.0}",
        "\"rope_parameters\":{\"rope_type\":\"linear\",\"factor\":4.0,\"rope_theta\":20000.0}",
        "\"rope_theta\":20000.0,\"rope_parameters\":{\"rope_type\":\"linear\",\"factor\":4.0}",
        "\"rope_theta\":20000.0,\"rope_parameters\":{\"rope_type\":\"linear\",\"factor\":4.0,"
        "\"rope_theta\":20000.0}",
    };
    static const char *const plain[] = {
        "\"rope_theta\":20000.0",
        "\"rope_theta\":20000.0,\"rope_scaling\":{\"rope_type\":\"default\"}",
        "\"rope_parameters\":{\"rope_theta\":20000.0,\"rope_type\":\"default\"}",
        "\"rope_parameters\":{\"rope_theta\":20000.0}",
    };

    (void)state;
    for (size_t i = 0; i < sizeof linear / sizeof linear[0]; i++) {
        eagle_config c = read_right(eg_config_read_target, linear[i]);

        assert_int_equal(c.rope.kind, EAGLE_ROPE_LINEAR);
        assert_true(c.rope.factor == 4.0);
        assert_true(c.rope.theta == 20000.0);
        assert_true(c.theta_given);
    }
    for (size_t i = 0; i < sizeof plain / sizeof plain[0]; i++) {
        eagle_config c = read_right(eg_config_read_target, plain[i]);

        assert_int_equal(c.rope.kind, EAGLE_ROPE_DEFAULT);
        assert_true(c.rope.theta == 20000.0);
    }
}

static void llama3_rope_is_read(void **state)
{
    eagle_config c = read_right(eg_config_read_target,
                                "\"rope_scaling\":{\"rope_type\":\"llama3\",\"factor\":32.0,"
                                "\"low_freq_factor\":1.0,\"high_freq_factor\":4.0,"
                                "\"original_max_position_embeddings\":8192}");

    (void)state;
    assert_int_equal(c.rope.kind, EAGLE_ROPE_LLAMA3);
    assert_true(c.rope.factor == 32.0);
    assert_true(c.rope.low_freq_factor == 1.0);
    assert_true(c.rope.high_freq_factor == 4.0);
    assert_int_equal(c.rope.original_context, 8192);
    assert_false(c.theta_given);
}

static void end_tokens_of_both_files_are_united(void **state)
{
    (void)state;
    scratch_text(dir, "generation_config.json",
                 "{\"eos_token_id\":[7,2,9,7],\"temperature\":0.6,\"unheard_of\":1}");

    eagle_config c = read_right(eg_config_read_target, "\"eos_token_id\":[2,3]");

    assert_int_equal(c.n_end, 4);
    assert_int_equal(c.end[0], 2);
    assert_int_equal(c.end[1], 3);
    assert_int_equal(c.end[2], 7);
    assert_int_equal(c.end[3], 9);

    eagle_config head = read_right(eg_config_read_head, "\"eos_token_id\":5");

    assert_int_equal(head.n_end, 1); /* a head has no generation_config.json */
}

/* Both ends of each range are taken, one step further is refused. */
static void sizes_end_at_their_limits(void **state)
{
    static const struct {
        const char *key;
        int64_t high;
    } sizes[] = {{"max_position_embeddings", 1 << 24}, {"head_dim", 1 << 12}};
    static const int64_t beyond[] = {0, -1, INT64_C(4294967297), INT64_MAX};
    char text[128];

    (void)state;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0]; i++) {
        snprintf(text, sizeof text, "\"%s\":%lld", sizes[i].key, (long long)sizes[i].high);
        read_right(eg_config_read_target, text);
        snprintf(text, sizeof text, "\"%s\":%lld", sizes[i].key, (long long)sizes[i].high + 1);
        read_wrong(eg_config_read_target, text, EAGLE_EFORMAT, sizes[i].key);
        for (size_t j = 0; j < sizeof beyond / sizeof beyond[0]; j++) {
            snprintf(text, sizeof text, "\"%s\":%lld", sizes[i].key, (long long)beyond[j]);
            read_wrong(eg_config_read_target, text, EAGLE_EFORMAT, sizes[i].key);
        }
    }
    read_right(eg_config_read_target, "\"eos_token_id\":[0,511]");
    read_wrong(eg_config_read_target, "\"eos_token_id\":512", EAGLE_EFORMAT, "from 0 to 511");
    read_wrong(eg_config_read_target, "\"eos_token_id\":[1,-1]", EAGLE_EFORMAT, "holds -1");
    read_wrong(eg_config_read_target, "\"bos_token_id\":512", EAGLE_EFORMAT, "from 0 to 511");
}

static void too_many_end_tokens_are_refused(void **state)
{
    char text[512] = "\"eos_token_id\":[0";

    (void)state;
    for (int i = 1; i < EAGLE_MAX_END; i++) {
        snprintf(text + strlen(text), sizeof text - strlen(text), ",%d", i);
    }
    strcat(text, "]");
    assert_int_equal(read_right(eg_config_read_target, text).n_end, EAGLE_MAX_END);
    strcpy(text + strlen(text) - 1, ",64]");
    read_wrong(eg_config_read_target, text, EAGLE_EUNSUPPORTED, "more than 64 end tokens");
}

/* ---- heads ----------------------------------------------------------------------------------- */

static void the_defaults_of_a_head_are_those_of_its_reference(void **state)
{
    eagle_config c = read_right(eg_config_read_head, "\"tie_word_embeddings\":true");

    (void)state;
    assert_int_equal(c.n_layers, 1); /* the file says 5 */
    assert_true(c.fc_bias);
    assert_false(c.qkv_bias);
    assert_false(c.tied);
    assert_false(c.theta_given);
    assert_true(c.rope.theta == 10000.0);
}

static void the_biases_of_a_head_are_read(void **state)
{
    eagle_config c = read_right(eg_config_read_head, "\"bias\":false,\"qkv_bias\":true,"
                                                     "\"rope_theta\":500000.0");

    (void)state;
    assert_false(c.fc_bias);
    assert_true(c.qkv_bias);
    assert_true(c.theta_given);
}

static void a_head_refuses_what_it_never_has(void **state)
{
    (void)state;
    read_wrong(eg_config_read_head, "\"attention_bias\":true", EAGLE_EUNSUPPORTED,
               "\"attention_bias\" is true, must be false in a head");
    read_wrong(eg_config_read_head, "\"mlp_bias\":true", EAGLE_EUNSUPPORTED, "mlp_bias");
    read_wrong(eg_config_read_head, "\"draft_vocab_size\":32000", EAGLE_EUNSUPPORTED,
               "\"draft_vocab_size\" is 32000");
    read_wrong(eg_config_read_head, "\"bias\":1", EAGLE_EFORMAT, "must be true or false");
    read_wrong(eg_config_read_target, "\"bias\":true", EAGLE_EUNSUPPORTED, "\"bias\" is true");
    read_wrong(eg_config_read_target, "\"qkv_bias\":true", EAGLE_EUNSUPPORTED, "qkv_bias");
}

/* ---- files of others ------------------------------------------------------------------------- */

static void published_configurations_are_read(void **state)
{
    static const char *const heads[] = {"heads/stories260K-eagle1",
                                        "heads/babyllama-tok361-eagle1"};
    static const struct {
        const char *dir;
        int32_t dim, layers, heads, kv, vocab, context, end0, end1;
    } models[] = {
        {"models/stories260K", 64, 5, 8, 4, 512, 512, 2, 1},
        {"models/stories260K-bf16", 64, 5, 8, 4, 512, 512, 2, 1},
        {"models/babyllama-tok361", 128, 5, 8, 4, 361, 256, 2, 1},
        {"models/stories-27m", 320, 24, 5, 1, 2048, 1024, 0, -1},
    };
    char path[SCRATCH_PATH];
    eagle_config c;
    int read = 0;

    (void)state;
    for (size_t i = 0; i < sizeof models / sizeof models[0]; i++) {
        if (!scratch_find_data(path, models[i].dir)) {
            continue;
        }
        assert_int_equal(eg_config_read_target(&c, path, NULL), EAGLE_OK);
        assert_int_equal(c.dim, models[i].dim);
        assert_int_equal(c.n_layers, models[i].layers);
        assert_int_equal(c.n_heads, models[i].heads);
        assert_int_equal(c.n_kv_heads, models[i].kv);
        assert_int_equal(c.vocab, models[i].vocab);
        assert_int_equal(c.context, models[i].context);
        assert_int_equal(c.n_end, models[i].end1 < 0 ? 1 : 2);
        assert_int_equal(c.end[0], models[i].end0);
        assert_int_equal(c.end[c.n_end - 1], models[i].end1 < 0 ? 0 : models[i].end1);
        read++;
    }
    for (size_t i = 0; i < sizeof heads / sizeof heads[0]; i++) {
        if (scratch_find_data(path, heads[i])) {
            assert_int_equal(eg_config_read_head(&c, path, NULL), EAGLE_OK);
            assert_true(c.fc_bias && c.theta_given);
            read++;
        }
    }
    if (read == 0) {
        skip();
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, scratch_set_up, scratch_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(the_defaults_are_those_of_transformers),
        TEST(every_feature_is_read),
        TEST(null_means_the_default),
        TEST(harmless_keys_are_passed_over),
        TEST(published_keys_are_understood_or_passed_over),
        TEST(rope_is_read_in_its_old_and_new_spelling),
        TEST(llama3_rope_is_read),
        TEST(end_tokens_of_both_files_are_united),
        TEST(sizes_end_at_their_limits),
        TEST(too_many_end_tokens_are_refused),
        TEST(the_defaults_of_a_head_are_those_of_its_reference),
        TEST(the_biases_of_a_head_are_read),
        TEST(a_head_refuses_what_it_never_has),
        TEST(published_configurations_are_read),
    };

    return cmocka_run_group_tests_name("config", tests, NULL, NULL);
}
