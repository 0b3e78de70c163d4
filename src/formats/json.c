/* SPDX-License-Identifier: MIT */
/* json.c - JSON from strangers, parsed strictly and read key by key. */
#include "formats/json.h"

#include "base/error.h"
#include "base/file.h"
#include "formats/formats.h"

#include <stdio.h>
#include <stdlib.h>

/* EAGLE_EFORMAT with jansson's explanation, EAGLE_ENOMEM without one: it explains every fault of a
 * text, and gives up without a word when memory ends. */
static eagle_status explain(const char *path, size_t line, const json_error_t *why,
                            eagle_error *err)
{
    if (why->text[0] == '\0' || json_error_code(why) == json_error_out_of_memory) {
        return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for its JSON", path);
    }
    return eg_fail(err, EAGLE_EFORMAT, "%s: JSON, line %zu, column %d: %s", path, line, why->column,
                   why->text);
}

eagle_status eg_json_parse(json_t **out, const char *path, const char *text, size_t size,
                           eagle_error *err)
{
    json_error_t why;

    /* Without further flags jansson also refuses trailing bytes, NUL characters, broken UTF-8,
     * integers beyond 64 bits and nesting deeper than 2048. */
    *out = json_loadb(text, size, JSON_REJECT_DUPLICATES, &why);
    return *out != NULL ? EAGLE_OK
                        : explain(path, (size_t)(why.line > 0 ? why.line : 0), &why, err);
}

eagle_status eg_json_parse_line(json_t **out, const char *path, size_t line, const char *text,
                                size_t size, eagle_error *err)
{
    json_error_t why;

    *out = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    return *out != NULL ? EAGLE_OK : explain(path, line, &why, err);
}

typedef eagle_status bytes_reader(eg_bytes *out, const char *path, size_t max, eagle_error *err);

static eagle_status read_json(json_t **out, bytes_reader *read, const char *path, size_t max,
                              eagle_error *err)
{
    eg_bytes bytes;

    *out = NULL;

    eagle_status st = read(&bytes, path, max, err);

    if (st == EAGLE_OK) {
        st = eg_json_parse(out, path, (const char *)bytes.data, bytes.size, err);
    }
    free(bytes.data);
    return st;
}

eagle_status eg_json_read(json_t **out, const char *path, size_t max, eagle_error *err)
{
    return read_json(out, eg_bytes_read_regular, path, max, err);
}

eagle_status eg_json_read_any(json_t **out, const char *path, size_t max, eagle_error *err)
{
    return read_json(out, eg_bytes_read_file, path, max, err);
}

eg_json_words eg_json_describe(const json_t *value)
{
    eg_json_words words;
    char *text = words.text;
    size_t size = sizeof words.text;

    if (value == NULL) {
        snprintf(text, size, "nothing");
    } else if (json_is_object(value)) {
        snprintf(text, size, "an object");
    } else if (json_is_array(value)) {
        snprintf(text, size, "a list of %zu", json_array_size(value));
    } else if (json_is_string(value)) {
        snprintf(text, size, "\"%.40s\"", json_string_value(value));
    } else if (json_is_integer(value)) {
        snprintf(text, size, "%" JSON_INTEGER_FORMAT, json_integer_value(value));
    } else if (json_is_real(value)) {
        snprintf(text, size, "%.17g", json_real_value(value));
    } else {
        snprintf(text, size, "%s",
                 json_is_true(value) ? "true" : (json_is_false(value) ? "false" : "null"));
    }
    return words;
}

void eg_json_shortest(eg_json_number *out, double value, bool single)
{
    for (int digits = 1; digits <= 17; digits++) { /* 17 always suffice */
        double back = 0.0;

        snprintf(out->text, sizeof out->text, "%.*g", digits, value);
        back = strtod(out->text, NULL);
        if (back == value || (single && (float)back == (float)value)) {
            return;
        }
    }
}

eagle_status eg_json_need_object(const char *path, const char *name, const json_t *value,
                                 eagle_error *err)
{
    if (json_is_object(value)) {
        return EAGLE_OK;
    }
    return eg_fail(err, EAGLE_EFORMAT, "%s: %s is %s, must be an object", path, name,
                   eg_json_describe(value).text);
}

/* The value of a key, NULL when it is absent or null. */
static const json_t *find(const eg_json_object *object, const char *key)
{
    const json_t *value = json_object_get(object->json, key);

    return json_is_null(value) ? NULL : value;
}

bool eg_json_has(const eg_json_object *object, const char *key)
{
    return find(object, key) != NULL;
}

eagle_status eg_json_need(const eg_json_object *object, const char *key, eagle_error *err)
{
    if (eg_json_has(object, key)) {
        return EAGLE_OK;
    }
    return eg_fail(err, EAGLE_EFORMAT, "%s: key \"%s%s\" is missing", object->path, object->prefix,
                   key);
}

static eagle_status wrong(const eg_json_object *object, const char *key, const char *needed,
                          eagle_error *err)
{
    return eg_fail(err, EAGLE_EFORMAT, "%s: \"%s%s\" is %s, must be %s", object->path,
                   object->prefix, key, eg_json_describe(find(object, key)).text, needed);
}

eagle_status eg_json_get_bool(bool *out, const eg_json_object *object, const char *key,
                              eagle_error *err)
{
    const json_t *value = find(object, key);

    if (value == NULL) {
        return EAGLE_OK;
    }
    if (!json_is_boolean(value)) {
        return wrong(object, key, "true or false", err);
    }
    *out = json_is_true(value);
    return EAGLE_OK;
}

eagle_status eg_json_get_string(const char **out, const eg_json_object *object, const char *key,
                                eagle_error *err)
{
    const json_t *value = find(object, key);

    if (value == NULL) {
        return EAGLE_OK;
    }
    if (!json_is_string(value)) {
        return wrong(object, key, "a string", err);
    }
    *out = json_string_value(value);
    return EAGLE_OK;
}

eagle_status eg_json_get_int(int32_t *out, const eg_json_object *object, const char *key,
                             int32_t low, int32_t high, eagle_error *err)
{
    const json_t *value = find(object, key);
    char needed[64];

    if (value == NULL) {
        return EAGLE_OK;
    }
    if (!json_is_integer(value) || json_integer_value(value) < low ||
        json_integer_value(value) > high) {
        snprintf(needed, sizeof needed, "an integer from %d to %d", (int)low, (int)high);
        return wrong(object, key, needed, err);
    }
    *out = (int32_t)json_integer_value(value);
    return EAGLE_OK;
}

eagle_status eg_json_get_real(double *out, const eg_json_object *object, const char *key,
                              double low, double high, eagle_error *err)
{
    const json_t *value = find(object, key);
    char needed[64];

    if (value == NULL) {
        return EAGLE_OK;
    }
    /* JSON has no NaN, and jansson refuses a number beyond the doubles. */
    if (!json_is_number(value) || json_number_value(value) < low ||
        json_number_value(value) > high) {
        snprintf(needed, sizeof needed, "a number from %g to %g", low, high);
        return wrong(object, key, needed, err);
    }
    *out = json_number_value(value);
    return EAGLE_OK;
}
