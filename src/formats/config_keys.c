/* SPDX-License-Identifier: MIT */
/* config_keys.c - which keys of a config.json are understood, and which cannot change results.
 *
 * Everything else is refused: a network that is computed without something its configuration
 * asks for gives plausible text and wrong logits. */
#include "formats/config_keys.h"

#include "base/error.h"

#include <stddef.h>
#include <string.h>

/* Read by config.c and config_rope.c. */
static const char *const understood[] = {
    "architectures",
    "attention_bias",
    "bos_token_id",
    "eos_token_id",
    "head_dim",
    "hidden_act",
    "hidden_size",
    "intermediate_size",
    "max_position_embeddings",
    "mlp_bias",
    "model_type",
    "num_attention_heads",
    "num_hidden_layers",
    "num_key_value_heads",
    "rms_norm_eps",
    "rope_parameters",
    "rope_scaling",
    "rope_theta",
    "tie_word_embeddings",
    "vocab_size",
};

/* Further keys of an EAGLE-1 head. */
static const char *const understood_head[] = {"bias", "qkv_bias"};

/* Cannot change logits: where the file came from, how it was stored or trained, how a library is
 * to hold or report it, and defaults for sampling, which is the user's choice here. */
static const char *const harmless[] = {
    "_attn_implementation",
    "_attn_implementation_autoset",
    "_commit_hash",
    "_flash_attn_2_enabled",
    "_name_or_path",
    "attention_dropout",
    "attn_implementation",
    "cls_token_id",
    "do_sample",
    "dtype",
    "early_stopping",
    "finetuning_task",
    "gradient_checkpointing",
    "id2label",
    "initializer_range",
    "is_llama_config",
    "label2id",
    "length_penalty",
    "mask_token_id",
    "max_length",
    "max_sequence_length",
    "min_length",
    "min_p",
    "num_beam_groups",
    "num_beams",
    "num_return_sequences",
    "output_attentions",
    "output_hidden_states",
    "output_scores",
    "pad_token_id",
    "problem_type",
    "remove_invalid_values",
    "return_dict",
    "return_dict_in_generate",
    "sep_token_id",
    "task_specific_params",
    "temperature",
    "tokenizer_class",
    "top_k",
    "top_p",
    "torch_dtype",
    "torchscript",
    "transformers.js_config",
    "transformers_version",
    "typical_p",
    "unk_token_id",
    "unsloth_fixed",
    "unsloth_version",
    "use_bfloat16",
    "use_cache",
};

/* Harmless at one value only. */
static const struct {
    const char *key;
    double value;
} neutral_at[] = {
    {"chunk_size_feed_forward", 0.0},      {"diversity_penalty", 0.0},
    {"encoder_no_repeat_ngram_size", 0.0}, {"no_repeat_ngram_size", 0.0},
    {"partial_rotary_factor", 1.0},        {"pretraining_tp", 1.0},
    {"repetition_penalty", 1.0},
};

static bool in_list(const char *const *list, size_t n, const char *key)
{
    for (size_t i = 0; i < n; i++) {
        if (strcmp(list[i], key) == 0) {
            return true;
        }
    }
    return false;
}

static bool is_neutral(const char *key, const json_t *value)
{
    if (json_is_null(value) || json_is_false(value) ||
        (json_is_array(value) && json_array_size(value) == 0) ||
        (json_is_object(value) && json_object_size(value) == 0)) {
        return true;
    }
    for (size_t i = 0; i < sizeof neutral_at / sizeof neutral_at[0]; i++) {
        if (strcmp(neutral_at[i].key, key) == 0) {
            return json_is_number(value) && json_number_value(value) == neutral_at[i].value;
        }
    }
    return false;
}

eagle_status eg_config_check_keys(const eg_json_object *config, eg_config_kind kind,
                                  eagle_error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)config->json, key, value)
    {
        bool known = in_list(understood, sizeof understood / sizeof understood[0], key) ||
                     in_list(harmless, sizeof harmless / sizeof harmless[0], key);

        if (kind == EG_CONFIG_HEAD && !known) {
            known =
                in_list(understood_head, sizeof understood_head / sizeof understood_head[0], key);
        }
        if (!known && !is_neutral(key, value)) {
            return eg_fail(err, EAGLE_EUNSUPPORTED,
                           "%s: \"%.80s\" is %s; this key is not understood and may change results",
                           config->path, key, eg_json_describe(value).text);
        }
    }
    return EAGLE_OK;
}
