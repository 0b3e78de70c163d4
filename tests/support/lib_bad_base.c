/* SPDX-License-Identifier: MIT */
/* lib_bad_base.c - the whole small model, head and tokenizer that make_bad breaks. */
#include "support/bad_cases.h"

#include <stddef.h>

const char bad_base_config[] = "{\n"
                               "  \"architectures\": [\"LlamaForCausalLM\"],\n"
                               "  \"model_type\": \"llama\",\n"
                               "  \"hidden_size\": 8,\n"
                               "  \"intermediate_size\": 12,\n"
                               "  \"num_hidden_layers\": 1,\n"
                               "  \"num_attention_heads\": 2,\n"
                               "  \"num_key_value_heads\": 1,\n"
                               "  \"vocab_size\": 16,\n"
                               "  \"max_position_embeddings\": 64,\n"
                               "  \"hidden_act\": \"silu\",\n"
                               "  \"rms_norm_eps\": 1e-05,\n"
                               "  \"rope_theta\": 10000.0,\n"
                               "  \"rope_scaling\": null,\n"
                               "  \"tie_word_embeddings\": false,\n"
                               "  \"bos_token_id\": 1,\n"
                               "  \"eos_token_id\": 2\n"
                               "}\n";

const bad_tensor bad_base_tensors[] = {
    {"model.norm.weight", 8, 0},
    {"model.layers.0.input_layernorm.weight", 8, 0},
    {"model.layers.0.post_attention_layernorm.weight", 8, 0},
    {"model.embed_tokens.weight", 16, 8},
    {"model.layers.0.self_attn.q_proj.weight", 8, 8},
    {"model.layers.0.self_attn.k_proj.weight", 4, 8},
    {"model.layers.0.self_attn.v_proj.weight", 4, 8},
    {"model.layers.0.self_attn.o_proj.weight", 8, 8},
    {"model.layers.0.mlp.gate_proj.weight", 12, 8},
    {"model.layers.0.mlp.up_proj.weight", 12, 8},
    {"model.layers.0.mlp.down_proj.weight", 8, 12},
    {"lm_head.weight", 16, 8},
    {NULL, 0, 0},
};

const char bad_head_config[] = "{\n"
                               "  \"architectures\": [\"LlamaForCausalLM\"],\n"
                               "  \"model_type\": \"llama\",\n"
                               "  \"hidden_size\": 8,\n"
                               "  \"intermediate_size\": 12,\n"
                               "  \"num_hidden_layers\": 1,\n"
                               "  \"num_attention_heads\": 2,\n"
                               "  \"num_key_value_heads\": 2,\n"
                               "  \"vocab_size\": 16,\n"
                               "  \"hidden_act\": \"silu\",\n"
                               "  \"rms_norm_eps\": 1e-05,\n"
                               "  \"bias\": true\n"
                               "}\n";

const bad_tensor bad_head_tensors[] = {
    {"fc.bias", 8, 0},
    {"layers.0.post_attention_layernorm.weight", 8, 0},
    {"fc.weight", 8, 16},
    {"layers.0.self_attn.q_proj.weight", 8, 8},
    {"layers.0.self_attn.k_proj.weight", 8, 8},
    {"layers.0.self_attn.v_proj.weight", 8, 8},
    {"layers.0.self_attn.o_proj.weight", 8, 8},
    {"layers.0.mlp.gate_proj.weight", 12, 8},
    {"layers.0.mlp.up_proj.weight", 12, 8},
    {"layers.0.mlp.down_proj.weight", 8, 12},
    {NULL, 0, 0},
};

/* Sixteen tokens; "abcd" becomes one. */
const char bad_base_tokenizer[] =
    "{\n"
    "  \"version\": \"1.0\",\n"
    "  \"truncation\": null,\n"
    "  \"padding\": null,\n"
    "  \"added_tokens\": [\n"
    "    {\"id\": 0, \"content\": \"<unk>\", \"single_word\": false, \"lstrip\": false,\n"
    "     \"rstrip\": false, \"normalized\": false, \"special\": true},\n"
    "    {\"id\": 1, \"content\": \"<s>\", \"single_word\": false, \"lstrip\": false,\n"
    "     \"rstrip\": false, \"normalized\": false, \"special\": true},\n"
    "    {\"id\": 2, \"content\": \"</s>\", \"single_word\": false, \"lstrip\": false,\n"
    "     \"rstrip\": false, \"normalized\": false, \"special\": true}\n"
    "  ],\n"
    "  \"normalizer\": {\"type\": \"NFC\"},\n"
    "  \"pre_tokenizer\": {\"type\": \"Split\", \"pattern\": {\"Regex\": \"\\\\s+|\\\\S+\"},\n"
    "    \"behavior\": \"Isolated\", \"invert\": false},\n"
    "  \"post_processor\": {\"type\": \"TemplateProcessing\",\n"
    "    \"single\": [{\"SpecialToken\": {\"id\": \"<s>\", \"type_id\": 0}},\n"
    "               {\"Sequence\": {\"id\": \"A\", \"type_id\": 0}}],\n"
    "    \"pair\": [{\"Sequence\": {\"id\": \"A\", \"type_id\": 0}},\n"
    "             {\"Sequence\": {\"id\": \"B\", \"type_id\": 1}}],\n"
    "    \"special_tokens\": {\"<s>\": {\"id\": \"<s>\", \"ids\": [1], \"tokens\": [\"<s>\"]}}},\n"
    "  \"decoder\": {\"type\": \"Fuse\"},\n"
    "  \"model\": {\"type\": \"BPE\", \"dropout\": null, \"unk_token\": \"<unk>\",\n"
    "    \"continuing_subword_prefix\": null, \"end_of_word_suffix\": null,\n"
    "    \"fuse_unk\": true, \"byte_fallback\": false, \"ignore_merges\": false,\n"
    "    \"vocab\": {\"<unk>\": 0, \"<s>\": 1, \"</s>\": 2, \"a\": 3, \"b\": 4, \"c\": 5,\n"
    "      \"d\": 6, \"e\": 7, \"f\": 8, \"g\": 9, \"h\": 10, \"ab\": 11, \"cd\": 12,\n"
    "      \"abcd\": 13, \" \": 14, \"ef\": 15},\n"
    "    \"merges\": [\"a b\", \"c d\", \"ab cd\", \"e f\"]}\n"
    "}\n";

const bad_case *const bad_lists[] = {bad_tensor_cases, bad_config_cases, bad_tokenizer_cases,
                                     bad_other_cases, NULL};
