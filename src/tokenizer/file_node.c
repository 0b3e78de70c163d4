/* SPDX-License-Identifier: MIT */
/* file_node.c - a value of a tokenizer file that knows its own name. */
#include "tokenizer/file_node.h"

#include "base/error.h"
#include "formats/json.h"
#include "tokenizer/utf8.h"

#include <stdio.h>
#include <string.h>

eg_node eg_node_at(const eg_node *node, const char *key)
{
    const json_t *value = json_object_get(node->value, key);
    eg_node child = {.file = node->file, .value = json_is_null(value) ? NULL : value};

    /* The name is for messages: one that is cut off is long enough. */
    (void)snprintf(child.name, sizeof child.name, "%.110s%s%.40s", node->name,
                   node->name[0] != '\0' ? "." : "", key);
    return child;
}

eg_node eg_node_item(const eg_node *node, size_t i)
{
    const json_t *value = json_array_get(node->value, i);
    eg_node child = {.file = node->file, .value = json_is_null(value) ? NULL : value};

    (void)snprintf(child.name, sizeof child.name, "%.130s[%zu]", node->name, i);
    return child;
}

eagle_status eg_node_wrong(const eg_node *node, const char *needed, eagle_error *err)
{
    return eg_fail(err, EAGLE_EFORMAT, "%s: %s is %s, must be %s", node->file,
                   node->name[0] != '\0' ? node->name : "the file",
                   node->value != NULL ? eg_json_describe(node->value).text : "missing", needed);
}

eagle_status eg_node_refuse(const eg_node *node, const char *known, eagle_error *err)
{
    return eg_fail(err, EAGLE_EUNSUPPORTED, "%s: %s is %s, which is not supported (only %s)",
                   node->file, node->name, eg_json_describe(node->value).text, known);
}

eagle_status eg_node_no_memory(const eg_node *node, eagle_error *err)
{
    return eg_fail(err, EAGLE_ENOMEM, "%s: no memory for %s", node->file, node->name);
}

eagle_status eg_node_need_object(const eg_node *node, eagle_error *err)
{
    return json_is_object(node->value) ? EAGLE_OK : eg_node_wrong(node, "an object", err);
}

eagle_status eg_node_need_list(const eg_node *node, eagle_error *err)
{
    return json_is_array(node->value) ? EAGLE_OK : eg_node_wrong(node, "a list", err);
}

eagle_status eg_node_bool(bool *out, const eg_node *node, const char *key, bool need,
                          eagle_error *err)
{
    eg_node child = eg_node_at(node, key);

    if (child.value == NULL && !need) {
        return EAGLE_OK;
    }
    if (!json_is_boolean(child.value)) {
        return eg_node_wrong(&child, "true or false", err);
    }
    *out = json_is_true(child.value);
    return EAGLE_OK;
}

eagle_status eg_node_string(const char **out, const eg_node *node, const char *key, bool need,
                            eagle_error *err)
{
    eg_node child = eg_node_at(node, key);

    if (child.value == NULL && !need) {
        return EAGLE_OK;
    }
    if (!json_is_string(child.value)) {
        return eg_node_wrong(&child, "a string", err);
    }
    *out = json_string_value(child.value);
    return EAGLE_OK;
}

eagle_status eg_node_int(int32_t *out, const eg_node *node, const char *key, int32_t most,
                         bool need, eagle_error *err)
{
    eg_node child = eg_node_at(node, key);
    char needed[64];

    if (child.value == NULL && !need) {
        return EAGLE_OK;
    }
    if (!json_is_integer(child.value) || json_integer_value(child.value) < 0 ||
        json_integer_value(child.value) > most) {
        snprintf(needed, sizeof needed, "an integer from 0 to %d", (int)most);
        return eg_node_wrong(&child, needed, err);
    }
    *out = (int32_t)json_integer_value(child.value);
    return EAGLE_OK;
}

eagle_status eg_node_char(uint32_t *out, const eg_node *node, const char *key, bool need,
                          eagle_error *err)
{
    const char *text = NULL;
    eagle_status st = eg_node_string(&text, node, key, need, err);

    if (st != EAGLE_OK || text == NULL) {
        return st;
    }
    if (text[0] == '\0' || text[eg_utf8_next(out, text, strlen(text))] != '\0') {
        eg_node child = eg_node_at(node, key);

        return eg_node_wrong(&child, "one character", err);
    }
    return EAGLE_OK;
}

bool eg_node_is(const eg_node *node, const char *key, const char *text)
{
    const char *found = json_string_value(json_object_get(node->value, key));

    return found != NULL && strcmp(found, text) == 0;
}
