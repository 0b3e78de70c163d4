/* SPDX-License-Identifier: MIT */
/* file_node.h - a value of a tokenizer file that knows its own name.
 *
 * Every message reads "FILE: NAME is FOUND, must be NEEDED", with a name such as
 * pre_tokenizer.pretokenizers[1].pattern. */
#ifndef EG_TOKENIZER_FILE_NODE_H
#define EG_TOKENIZER_FILE_NODE_H

#include "eagle/status.h"

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct {
    const char *file;
    char name[160];
    const json_t *value; /* NULL: absent or null */
} eg_node;

/* The value of a key of an object, and item i of a list; the value is NULL if there is none. */
eg_node eg_node_at(const eg_node *node, const char *key);
eg_node eg_node_item(const eg_node *node, size_t i);

/* EAGLE_EFORMAT: "... is FOUND, must be NEEDED". */
eagle_status eg_node_wrong(const eg_node *node, const char *needed, eagle_error *err);
/* EAGLE_EUNSUPPORTED: "... is FOUND; supported: KNOWN". */
eagle_status eg_node_refuse(const eg_node *node, const char *known, eagle_error *err);
eagle_status eg_node_no_memory(const eg_node *node, eagle_error *err);

eagle_status eg_node_need_object(const eg_node *node, eagle_error *err);
eagle_status eg_node_need_list(const eg_node *node, eagle_error *err);

/* The value of a key. A key that is absent or null leaves *out alone, or fails when `need`.
 * Strings live as long as the file. */
eagle_status eg_node_bool(bool *out, const eg_node *node, const char *key, bool need,
                          eagle_error *err);
eagle_status eg_node_string(const char **out, const eg_node *node, const char *key, bool need,
                            eagle_error *err);
/* An integer in [0, most]. */
eagle_status eg_node_int(int32_t *out, const eg_node *node, const char *key, int32_t most,
                         bool need, eagle_error *err);
/* A string of exactly one character: its code. */
eagle_status eg_node_char(uint32_t *out, const eg_node *node, const char *key, bool need,
                          eagle_error *err);

/* True when the string at `key` is `text`. */
bool eg_node_is(const eg_node *node, const char *key, const char *text);

#endif
