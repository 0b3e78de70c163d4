/* SPDX-License-Identifier: MIT */
/* config_write.c - a configuration as the config.json (and generation_config.json) that other
 * programs write for the same network, so that they read ours. */
#include "base/error.h"
#include "formats/formats.h"
#include "formats/json.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* The member `key`, which takes over `value`; NULL among them (no memory) is found at the end. */
typedef struct {
    json_t *json;
    bool failed;
} object;

static void put(object *o, const char *key, json_t *value)
{
    o->failed = json_object_set_new(o->json, key, value) != 0 || o->failed;
}

static void put_int(object *o, const char *key, int32_t value)
{
    put(o, key, json_integer(value));
}

static void put_rope(object *o, const eagle_rope *rope)
{
    put(o, "rope_theta", json_real(rope->theta));
    switch (rope->kind) {
    case EAGLE_ROPE_DEFAULT: put(o, "rope_scaling", json_null()); return;
    case EAGLE_ROPE_LINEAR:
        put(o, "rope_scaling",
            json_pack("{s:s, s:s, s:f}", "type", "linear", "rope_type", "linear", "factor",
                      rope->factor));
        return;
    case EAGLE_ROPE_LLAMA3:
        put(o, "rope_scaling",
            json_pack("{s:s, s:f, s:f, s:f, s:i}", "rope_type", "llama3", "factor", rope->factor,
                      "low_freq_factor", rope->low_freq_factor, "high_freq_factor",
                      rope->high_freq_factor, "original_max_position_embeddings",
                      (int)rope->original_context));
        return;
    }
}

/* bos_token_id, and eos_token_id: a number, or a list where there are several. */
static void put_tokens(object *o, const eagle_config *c)
{
    if (c->bos >= 0) {
        put_int(o, "bos_token_id", c->bos);
    }
    if (c->n_end == 1) {
        put_int(o, "eos_token_id", c->end[0]);
    } else if (c->n_end > 1) {
        json_t *list = json_array();

        for (int32_t i = 0; i < c->n_end; i++) {
            o->failed = json_array_append_new(list, json_integer(c->end[i])) != 0 || o->failed;
        }
        put(o, "eos_token_id", list);
    }
}

static const char *torch_name(eagle_dtype dtype)
{
    return dtype == EAGLE_F16 ? "float16" : dtype == EAGLE_BF16 ? "bfloat16" : "float32";
}

static void put_config(object *o, const eagle_config *c, eg_config_kind kind, eagle_dtype dtype)
{
    eg_json_number eps;

    put(o, "architectures", json_pack("[s]", "LlamaForCausalLM"));
    put(o, "model_type", json_string("llama"));
    put(o, "hidden_act", json_string("silu"));
    put_int(o, "hidden_size", c->dim);
    put_int(o, "intermediate_size", c->ffn_dim);
    put_int(o, "num_hidden_layers", c->n_layers);
    put_int(o, "num_attention_heads", c->n_heads);
    put_int(o, "num_key_value_heads", c->n_kv_heads);
    put_int(o, "head_dim", c->head_dim);
    put_int(o, "vocab_size", c->vocab);
    put_int(o, "max_position_embeddings", c->context);
    eg_json_shortest(&eps, (double)c->rms_eps, true);
    put(o, "rms_norm_eps", json_real(strtod(eps.text, NULL)));
    put_rope(o, &c->rope);
    put(o, "tie_word_embeddings", json_boolean(c->tied));
    put_tokens(o, c);
    if (kind == EG_CONFIG_TARGET) {
        put(o, "attention_bias", json_boolean(c->attention_bias));
        put(o, "mlp_bias", json_boolean(c->mlp_bias));
    } else {
        put(o, "bias", json_boolean(c->fc_bias));
        put(o, "qkv_bias", json_boolean(c->qkv_bias));
        put_int(o, "pad_token_id", 0);
    }
    put(o, "torch_dtype", json_string(torch_name(dtype)));
}

/* Writes DIR/NAME, replacing it whole or not at all. */
static eagle_status write_object(const object *o, const char *dir, const char *name,
                                 eagle_error *err)
{
    char *path = eg_path_join(dir, name);
    /* 15 digits bring every decimal of that length back as it was written. */
    char *text = o->failed ? NULL : json_dumps(o->json, JSON_INDENT(2) | JSON_REAL_PRECISION(15));
    eg_output file = {0};
    eagle_status st = EAGLE_OK;

    if (path == NULL || text == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "%s/%s: no memory for its JSON", dir, name);
        goto done;
    }
    st = eg_output_open(&file, path, err);
    if (st != EAGLE_OK) {
        goto done;
    }
    errno = 0;
    if (fprintf(file.file, "%s\n", text) < 0) {
        st = eg_fail(err, EAGLE_EWRITE, "%s: write failed: %s", path, strerror(errno));
        goto done;
    }
    st = eg_output_commit(&file, err);

done:
    eg_output_close(&file);
    free(text);
    free(path);
    return st;
}

eagle_status eg_config_write(const char *dir, const eagle_config *config, eg_config_kind kind,
                             eagle_dtype dtype, eagle_error *err)
{
    object o = {.json = json_object()};

    put_config(&o, config, kind, dtype);

    eagle_status st = write_object(&o, dir, "config.json", err);

    json_decref(o.json);
    return st;
}

eagle_status eg_generation_config_write(const char *dir, const eagle_config *config,
                                        eagle_error *err)
{
    object o = {.json = json_object()};

    put_tokens(&o, config);
    put_int(&o, "max_length", config->context);

    eagle_status st = write_object(&o, dir, "generation_config.json", err);

    json_decref(o.json);
    return st;
}
