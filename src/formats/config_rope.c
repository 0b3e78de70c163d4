/* SPDX-License-Identifier: MIT */
/* config_rope.c - the rotary embedding of a config.json, in its old and its new spelling:
 *
 *   "rope_theta": 5e5, "rope_scaling": {"rope_type": "llama3", "factor": 8, ...}   (or "type")
 *   "rope_parameters": {"rope_type": "llama3", "rope_theta": 5e5, "factor": 8, ...}
 */
#include "formats/config_rope.h"

#include "base/error.h"

#include <string.h>

/* theta^(-2j/head_dim) must fall from 1, so that angles stay below the context's length. */
#define THETA_LOW  1.0
#define THETA_HIGH 1e15

#define FACTOR_HIGH 1e6

/* Positions up to here have exact float32 angles, and sin and cos are proven there. */
#define ORIGINAL_CONTEXT_MAX (1 << 24)

/* The keys of each kind besides the type and rope_theta. */
#define MAX_KEYS 4
static const struct {
    const char *name;
    eagle_rope_kind kind;
    const char *key[MAX_KEYS];
} kinds[] = {
    {"default", EAGLE_ROPE_DEFAULT, {NULL}},
    {"linear", EAGLE_ROPE_LINEAR, {"factor"}},
    {"llama3",
     EAGLE_ROPE_LLAMA3,
     {"factor", "low_freq_factor", "high_freq_factor", "original_max_position_embeddings"}},
};

/* Finds the row of `kinds` by "rope_type" or its older spelling "type"; the default needs
 * neither. */
static eagle_status read_kind(size_t *row, const eg_json_object *rope, eagle_error *err)
{
    const char *name = NULL;
    const char *older = NULL;
    eagle_status st = eg_json_get_string(&name, rope, "rope_type", err);

    if (st == EAGLE_OK) {
        st = eg_json_get_string(&older, rope, "type", err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    if (name != NULL && older != NULL && strcmp(name, older) != 0) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: \"%stype\" is \"%.40s\", but \"%srope_type\" is \"%.40s\"", rope->path,
                       rope->prefix, older, rope->prefix, name);
    }
    name = name != NULL ? name : (older != NULL ? older : kinds[0].name);
    for (*row = 0; *row < sizeof kinds / sizeof kinds[0]; ++*row) {
        if (strcmp(kinds[*row].name, name) == 0) {
            return EAGLE_OK;
        }
    }
    return eg_fail(err, EAGLE_EUNSUPPORTED,
                   "%s: \"%srope_type\" is \"%.40s\", must be default, linear or llama3",
                   rope->path, rope->prefix, name);
}

/* Refuses a key that this kind of rope does not have, and one that is missing. */
static eagle_status check_keys(const eg_json_object *rope, size_t row, eagle_error *err)
{
    const char *key;
    json_t *value;

    json_object_foreach((json_t *)(uintptr_t)rope->json, key, value)
    {
        bool known = json_is_null(value) || strcmp(key, "rope_type") == 0 ||
                     strcmp(key, "type") == 0 || strcmp(key, "rope_theta") == 0;

        for (size_t i = 0; i < MAX_KEYS && kinds[row].key[i] != NULL && !known; i++) {
            known = strcmp(kinds[row].key[i], key) == 0;
        }
        if (!known) {
            return eg_fail(err, EAGLE_EUNSUPPORTED,
                           "%s: \"%s%.80s\" is %s; a rope of type %s has no such key", rope->path,
                           rope->prefix, key, eg_json_describe(value).text, kinds[row].name);
        }
    }
    for (size_t i = 0; i < MAX_KEYS && kinds[row].key[i] != NULL; i++) {
        eagle_status st = eg_json_need(rope, kinds[row].key[i], err);

        if (st != EAGLE_OK) {
            return st;
        }
    }
    return EAGLE_OK;
}

static eagle_status read_factors(eagle_rope *out, const eg_json_object *rope, eagle_error *err)
{
    eagle_status st = eg_json_get_real(&out->factor, rope, "factor", 1.0, FACTOR_HIGH, err);

    if (st == EAGLE_OK) {
        st = eg_json_get_real(&out->low_freq_factor, rope, "low_freq_factor", 1e-6, FACTOR_HIGH,
                              err);
    }
    if (st == EAGLE_OK) {
        st = eg_json_get_real(&out->high_freq_factor, rope, "high_freq_factor", 1e-6, FACTOR_HIGH,
                              err);
    }
    if (st == EAGLE_OK) {
        st = eg_json_get_int(&out->original_context, rope, "original_max_position_embeddings", 1,
                             ORIGINAL_CONTEXT_MAX, err);
    }
    /* The blend between both bands divides by their difference. */
    if (st == EAGLE_OK && out->kind == EAGLE_ROPE_LLAMA3 &&
        out->high_freq_factor <= out->low_freq_factor) {
        return eg_fail(err, EAGLE_EFORMAT,
                       "%s: \"%shigh_freq_factor\" is %g, must be above low_freq_factor, %g",
                       rope->path, rope->prefix, out->high_freq_factor, out->low_freq_factor);
    }
    return st;
}

/* Reads rope_theta at the top, or inside rope_parameters; if at both, they must agree. */
static eagle_status read_theta(eagle_config *config, const eg_json_object *object,
                               const eg_json_object *rope, eagle_error *err)
{
    const eg_json_object *place[2] = {object, rope};

    for (size_t i = 0; i < 2; i++) {
        double theta = config->rope.theta;

        if (place[i]->json == NULL || !eg_json_has(place[i], "rope_theta")) {
            continue;
        }
        eagle_status st =
            eg_json_get_real(&theta, place[i], "rope_theta", THETA_LOW, THETA_HIGH, err);

        if (st != EAGLE_OK) {
            return st;
        }
        if (config->theta_given && theta != config->rope.theta) {
            return eg_fail(err, EAGLE_EFORMAT,
                           "%s: \"%srope_theta\" is %g, but \"rope_theta\" is %g", rope->path,
                           rope->prefix, theta, config->rope.theta);
        }
        config->rope.theta = theta;
        config->theta_given = true;
    }
    return EAGLE_OK;
}

eagle_status eg_config_read_rope(eagle_config *config, const eg_json_object *object,
                                 eagle_error *err)
{
    bool newer = eg_json_has(object, "rope_parameters");
    eg_json_object rope = {.path = object->path,
                           .prefix = newer ? "rope_parameters." : "rope_scaling."};
    const char *key = newer ? "rope_parameters" : "rope_scaling";
    size_t row = 0;
    eagle_status st = EAGLE_OK;

    config->rope = (eagle_rope){.kind = EAGLE_ROPE_DEFAULT, .theta = 10000.0, .factor = 1.0};
    if (newer && eg_json_has(object, "rope_scaling")) {
        return eg_fail(err, EAGLE_EFORMAT, "%s: both \"rope_parameters\" and \"rope_scaling\"",
                       object->path);
    }
    if (eg_json_has(object, key)) {
        rope.json = json_object_get(object->json, key);
        st = eg_json_need_object(object->path, key, rope.json, err);
        if (st == EAGLE_OK) {
            st = read_kind(&row, &rope, err);
        }
        if (st == EAGLE_OK) {
            st = check_keys(&rope, row, err);
        }
        if (st == EAGLE_OK) {
            config->rope.kind = kinds[row].kind;
            st = read_factors(&config->rope, &rope, err);
        }
    }
    return st == EAGLE_OK ? read_theta(config, object, &rope, err) : st;
}
