/* SPDX-License-Identifier: MIT */
/* config.c - config.json of a LlamaForCausalLM target or an EAGLE-1 head, into numbers that the
 * rest of the program may believe: every size is in range, products of two sizes fit 64 bits,
 * heads divide, tokens are in the vocabulary. */
#include "base/error.h"
#include "formats/config_keys.h"
#include "formats/config_rope.h"
#include "formats/formats.h"
#include "formats/json.h"

#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define CONFIG_NAME     "config.json"
#define GENERATION_NAME "generation_config.json"
#define CONFIG_MAX      ((size_t)1 << 20) /* bytes */

/* Sizes with the largest value we believe: well above any published network. A vocabulary has at
 * most 2^18 tokens so that the sum of a law's weights fits 64 bits; a context at most 2^24
 * positions so that they are exact in float32. */
static const struct {
    const char *key;
    size_t at; /* in eagle_config */
    int32_t high;
    bool required;
} sizes[] = {
    {"hidden_size", offsetof(eagle_config, dim), 1 << 17, true},
    {"num_hidden_layers", offsetof(eagle_config, n_layers), 1 << 10, true},
    {"num_attention_heads", offsetof(eagle_config, n_heads), 1 << 12, true},
    {"num_key_value_heads", offsetof(eagle_config, n_kv_heads), 1 << 12, false},
    {"head_dim", offsetof(eagle_config, head_dim), 1 << 12, false},
    {"intermediate_size", offsetof(eagle_config, ffn_dim), 1 << 20, true},
    {"vocab_size", offsetof(eagle_config, vocab), 1 << 18, true},
    {"max_position_embeddings", offsetof(eagle_config, context), 1 << 24, false},
};

static const struct {
    const char *key;
    size_t at;
} switches[] = {
    {"tie_word_embeddings", offsetof(eagle_config, tied)},
    {"attention_bias", offsetof(eagle_config, attention_bias)},
    {"mlp_bias", offsetof(eagle_config, mlp_bias)},
};

static eagle_status must_be(const eg_json_object *o, const char *key, const json_t *found,
                            const char *needed, eagle_error *err)
{
    return eg_fail(err, EAGLE_EUNSUPPORTED, "%s: \"%s\" is %s, must be %s", o->path, key,
                   eg_json_describe(found).text, needed);
}

/* Is this a network that we compute? Either key may be absent, but not both. */
static eagle_status check_architecture(const eg_json_object *o, eagle_error *err)
{
    const json_t *names = json_object_get(o->json, "architectures");
    const char *type = NULL;
    const char *act = "silu";
    eagle_status st = eg_json_get_string(&type, o, "model_type", err);

    if (st == EAGLE_OK) {
        st = eg_json_get_string(&act, o, "hidden_act", err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    if (eg_json_has(o, "architectures")) {
        const json_t *first = json_array_get(names, 0);

        if (json_array_size(names) != 1 || !json_is_string(first) ||
            strcmp(json_string_value(first), "LlamaForCausalLM") != 0) {
            return must_be(o, "architectures", json_array_size(names) == 1 ? first : names,
                           "LlamaForCausalLM alone", err);
        }
    } else if (type == NULL) {
        return eg_json_need(o, "architectures", err);
    }
    if (type != NULL && strcmp(type, "llama") != 0) {
        return must_be(o, "model_type", json_object_get(o->json, "model_type"), "\"llama\"", err);
    }
    if (strcmp(act, "silu") != 0) {
        return must_be(o, "hidden_act", json_object_get(o->json, "hidden_act"), "\"silu\"", err);
    }
    return EAGLE_OK;
}

/* Checks the sizes against each other and fills in those that follow from others. */
static eagle_status derive_sizes(eagle_config *c, const char *path, eagle_error *err)
{
    if (c->n_kv_heads == 0) {
        c->n_kv_heads = c->n_heads;
    }
    if (c->n_heads % c->n_kv_heads != 0) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: \"num_attention_heads\" is %d, must be a multiple of "
                       "\"num_key_value_heads\", %d",
                       path, (int)c->n_heads, (int)c->n_kv_heads);
    }
    if (c->head_dim == 0) {
        if (c->dim % c->n_heads != 0) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: \"hidden_size\" is %d, must be a multiple of "
                           "\"num_attention_heads\", %d, where \"head_dim\" is absent",
                           path, (int)c->dim, (int)c->n_heads);
        }
        c->head_dim = c->dim / c->n_heads;
    }
    if (c->head_dim % 2 != 0) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: heads of size %d, must be even to rotate pairs",
                       path, (int)c->head_dim);
    }
    return EAGLE_OK;
}

static eagle_status read_sizes(eagle_config *c, const eg_json_object *o, eagle_error *err)
{
    double eps = 1e-6;
    eagle_status st = EAGLE_OK;

    c->context = 2048;
    for (size_t i = 0; i < sizeof sizes / sizeof sizes[0] && st == EAGLE_OK; i++) {
        int32_t *out = (int32_t *)(void *)((char *)c + sizes[i].at);

        if (sizes[i].required) {
            st = eg_json_need(o, sizes[i].key, err);
        }
        if (st == EAGLE_OK) {
            st = eg_json_get_int(out, o, sizes[i].key, 1, sizes[i].high, err);
        }
    }
    if (st == EAGLE_OK) { /* the low end keeps it a normal float32 */
        st = eg_json_get_real(&eps, o, "rms_norm_eps", 1e-30, 1.0, err);
    }
    c->rms_eps = (float)eps;
    return st == EAGLE_OK ? derive_sizes(c, o->path, err) : st;
}

static eagle_status read_switches(eagle_config *c, const eg_json_object *o, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    for (size_t i = 0; i < sizeof switches / sizeof switches[0] && st == EAGLE_OK; i++) {
        st = eg_json_get_bool((bool *)((char *)c + switches[i].at), o, switches[i].key, err);
    }
    return st;
}

/* ---- tokens ---------------------------------------------------------------------------------- */

static eagle_status add_end(eagle_config *c, const eg_json_object *o, const json_t *value,
                            eagle_error *err)
{
    json_int_t token = json_integer_value(value);

    if (!json_is_integer(value) || token < 0 || token >= c->vocab) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: \"eos_token_id\" holds %s, must be a token from 0 to %d", o->path,
                       eg_json_describe(value).text, (int)c->vocab - 1);
    }
    for (int32_t i = 0; i < c->n_end; i++) {
        if (c->end[i] == token) {
            return EAGLE_OK;
        }
    }
    if (c->n_end == EAGLE_MAX_END) {
        return eg_fail(err, EAGLE_EUNSUPPORTED, "%s: \"eos_token_id\": more than %d end tokens",
                       o->path, EAGLE_MAX_END);
    }
    c->end[c->n_end++] = (int32_t)token;
    return EAGLE_OK;
}

/* Adds the end tokens of a file, a number or a list of numbers, to those known. */
static eagle_status read_end(eagle_config *c, const eg_json_object *o, eagle_error *err)
{
    const json_t *value = json_object_get(o->json, "eos_token_id");
    eagle_status st = EAGLE_OK;

    if (!eg_json_has(o, "eos_token_id")) {
        return EAGLE_OK;
    }
    if (!json_is_array(value)) {
        return add_end(c, o, value, err);
    }
    for (size_t i = 0; i < json_array_size(value) && st == EAGLE_OK; i++) {
        st = add_end(c, o, json_array_get(value, i), err);
    }
    return st;
}

static eagle_status read_generation(eagle_config *c, const char *dir, eagle_error *err)
{
    json_t *json = NULL;
    eagle_status st = EAGLE_OK;
    char *path = eg_path_join(dir, GENERATION_NAME);

    if (path == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for a file's name", dir);
    }
    if (access(path, F_OK) != 0) {
        goto done;
    }
    st = eg_json_read(&json, path, CONFIG_MAX, err);
    if (st == EAGLE_OK) {
        st = eg_json_need_object(path, "the file", json, err);
    }
    if (st == EAGLE_OK) {
        st = read_end(c, &(eg_json_object){.path = path, .prefix = "", .json = json}, err);
    }

done:
    json_decref(json);
    free(path);
    return st;
}

/* ---- whole files ----------------------------------------------------------------------------- */

/* What only a head's configuration says. Its one layer never has a bias on o_proj or in the MLP,
 * whatever num_hidden_layers claims (published heads are wrong there); its LM head is the
 * target's. Reference: SafeAILab/EAGLE, v1, cnets.py. */
static eagle_status read_head_keys(eagle_config *c, const eg_json_object *o, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    if (c->attention_bias || c->mlp_bias) {
        const char *key = c->attention_bias ? "attention_bias" : "mlp_bias";

        return must_be(o, key, json_object_get(o->json, key), "false in a head", err);
    }
    c->n_layers = 1;
    c->tied = false;
    c->fc_bias = true;
    st = eg_json_get_bool(&c->fc_bias, o, "bias", err);
    return st == EAGLE_OK ? eg_json_get_bool(&c->qkv_bias, o, "qkv_bias", err) : st;
}

static eagle_status understand(eagle_config *c, const eg_json_object *o, eg_config_kind kind,
                               eagle_error *err)
{
    eagle_status st = eg_config_check_keys(o, kind, err);

    if (st == EAGLE_OK) {
        st = check_architecture(o, err);
    }
    if (st == EAGLE_OK) {
        st = read_sizes(c, o, err);
    }
    if (st == EAGLE_OK) {
        st = read_switches(c, o, err);
    }
    if (st == EAGLE_OK) {
        st = eg_config_read_rope(c, o, err);
    }
    if (st == EAGLE_OK) {
        c->bos = -1;
        st = eg_json_get_int(&c->bos, o, "bos_token_id", 0, c->vocab - 1, err);
    }
    if (st == EAGLE_OK) {
        st = read_end(c, o, err);
    }
    return st == EAGLE_OK && kind == EG_CONFIG_HEAD ? read_head_keys(c, o, err) : st;
}

static eagle_status read_config(eagle_config *out, const char *dir, eg_config_kind kind,
                                eagle_error *err)
{
    eagle_config config = {0};
    eagle_status st = EAGLE_OK;
    json_t *json = NULL;
    char *path = eg_path_join(dir, CONFIG_NAME);

    *out = (eagle_config){0};
    if (path == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for a file's name", dir);
    }
    st = eg_json_read(&json, path, CONFIG_MAX, err);
    if (st == EAGLE_OK) {
        st = eg_json_need_object(path, "the file", json, err);
    }
    if (st == EAGLE_OK) {
        eg_json_object object = {.path = path, .prefix = "", .json = json};

        st = understand(&config, &object, kind, err);
    }
    if (st == EAGLE_OK && kind == EG_CONFIG_TARGET) {
        st = read_generation(&config, dir, err);
    }
    if (st == EAGLE_OK) {
        *out = config;
    }
    json_decref(json);
    free(path);
    return st;
}

eagle_status eg_config_read_target(eagle_config *out, const char *dir, eagle_error *err)
{
    return read_config(out, dir, EG_CONFIG_TARGET, err);
}

eagle_status eg_config_read_head(eagle_config *out, const char *dir, eagle_error *err)
{
    return read_config(out, dir, EG_CONFIG_HEAD, err);
}
