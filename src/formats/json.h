/* SPDX-License-Identifier: MIT */
/* json.h - JSON from strangers: parsed strictly, read key by key with messages that name the file
 * and the key, what was found and what was needed.
 *
 * A getter leaves *out alone when the key is absent or null, so that *out holds the
 * default beforehand. EAGLE_EFORMAT for a wrong type or a value out of range. */
#ifndef EG_FORMATS_JSON_H
#define EG_FORMATS_JSON_H

#include "eagle/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stdint.h>

/* Parses `size` bytes that came from `path`: UTF-8 without a byte order mark, no key twice, no
 * byte after the value. Release with json_decref(). */
eagle_status eg_json_parse(json_t **out, const char *path, const char *text, size_t size,
                           eagle_error *err);

/* The same for one line of a file of JSON lines; a text in it may have the character U+0000. */
eagle_status eg_json_parse_line(json_t **out, const char *path, size_t line, const char *text,
                                size_t size, eagle_error *err);

/* An object inside a file. */
typedef struct {
    const char *path;   /* the file                                      */
    const char *prefix; /* what stands before a key: "" or "rope_scaling." */
    const json_t *json;
} eg_json_object;

/* EAGLE_EFORMAT unless `value`, called `name` in messages, is a JSON object. */
eagle_status eg_json_need_object(const char *path, const char *name, const json_t *value,
                                 eagle_error *err);

/* True when the key is there and not null. */
bool eg_json_has(const eg_json_object *object, const char *key);

/* EAGLE_EFORMAT unless eg_json_has(). */
eagle_status eg_json_need(const eg_json_object *object, const char *key, eagle_error *err);

eagle_status eg_json_get_bool(bool *out, const eg_json_object *object, const char *key,
                              eagle_error *err);
/* The string lives as long as the object. */
eagle_status eg_json_get_string(const char **out, const eg_json_object *object, const char *key,
                                eagle_error *err);
/* An integer in [low, high]; 8.0 is not one. */
eagle_status eg_json_get_int(int32_t *out, const eg_json_object *object, const char *key,
                             int32_t low, int32_t high, eagle_error *err);
/* A number in [low, high]. */
eagle_status eg_json_get_real(double *out, const eg_json_object *object, const char *key,
                              double low, double high, eagle_error *err);

/* A value in a few words, for messages: `4096`, `"gelu"`, `a list of 3`. */
typedef struct {
    char text[64];
} eg_json_words;
eg_json_words eg_json_describe(const json_t *value);

/* The shortest decimal that reads back as `value`; with `single`, as the same float32. */
typedef struct {
    char text[32];
} eg_json_number;
void eg_json_shortest(eg_json_number *out, double value, bool single);

#endif
