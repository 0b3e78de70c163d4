/* SPDX-License-Identifier: MIT */
/* make_field.c - prints one field of the JSON document on stdin, for the shell scripts.
 *
 *     make_field result.output_ids < document
 *
 * Names are parted by dots, a number is a place in a list. A text is printed as it is, anything
 * else as JSON. Exit 1 when there is no such field, 2 when stdin is no JSON. */
#include <jansson.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const json_t *step(const json_t *at, const char *name)
{
    return json_is_array(at) ? json_array_get(at, strtoul(name, NULL, 10))
                             : json_object_get(at, name);
}

int main(int argc, char **argv)
{
    json_error_t why;
    json_t *doc = json_loadf(stdin, JSON_REJECT_DUPLICATES, &why);
    const json_t *at = doc;

    if (argc != 2 || doc == NULL) {
        fprintf(stderr, "make_field: %s\n", doc == NULL ? why.text : "needs one path");
        json_decref(doc);
        return 2;
    }
    for (char *name = strtok(argv[1], "."); name != NULL && at != NULL; name = strtok(NULL, ".")) {
        at = step(at, name);
    }
    if (json_is_string(at)) {
        printf("%s\n", json_string_value(at));
    } else if (at != NULL) {
        json_dumpf(at, stdout, JSON_ENCODE_ANY | JSON_REAL_PRECISION(9));
        printf("\n");
    }
    json_decref(doc);
    return at != NULL ? 0 : 1;
}
