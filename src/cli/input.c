/* SPDX-License-Identifier: MIT */
/* input.c - whole files, and JSON lines. */
#include "cli/input.h"

#include "cli/messages.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_FILE ((size_t)1 << 30) /* bytes; a limit, not an allocation */

eagle_status eg_read_all(char **data, size_t *size, const char *path, eagle_error *err)
{
    FILE *file = strcmp(path, "-") == 0 ? stdin : fopen(path, "rb");
    const char *name = file == stdin ? "stdin" : path;
    eagle_status st = EAGLE_OK;
    char *buffer = NULL;
    size_t n = 0;
    size_t cap = 4096;

    *data = NULL;
    *size = 0;
    if (file == NULL) {
        return eg_cli_fail(err, EAGLE_EREAD, "%s: %s", path, strerror(errno));
    }
    do {
        char *larger = n > MAX_FILE ? NULL : realloc(buffer, cap *= 2);

        if (larger == NULL) {
            st = eg_cli_fail(err, EAGLE_ELIMIT, "%s: no room for more than %zu bytes", name, n);
            goto done;
        }
        buffer = larger;
        n += fread(buffer + n, 1, cap - 1 - n, file);
    } while (n == cap - 1);
    if (ferror(file) != 0) {
        st = eg_cli_fail(err, EAGLE_EREAD, "%s: %s", name, strerror(errno));
        goto done;
    }
    buffer[n] = '\0';
    *data = buffer;
    *size = n;
    buffer = NULL; /* now the caller's */

done:
    free(buffer);
    if (file != stdin) {
        fclose(file);
    }
    return st;
}

static bool blank(const char *line, size_t size)
{
    while (size > 0 && strchr(" \t\r", line[size - 1]) != NULL && line[size - 1] != '\0') {
        size--;
    }
    return size == 0;
}

static eagle_status one_line(const char *text, size_t size, const char *where, eg_jsonl_line *line,
                             void *ctx, eagle_error *err)
{
    json_error_t why;
    json_t *doc = json_loadb(text, size, JSON_REJECT_DUPLICATES | JSON_ALLOW_NUL, &why);
    eagle_status st = EAGLE_OK;

    if (doc == NULL) {
        return eg_cli_fail(err, EAGLE_EFORMAT, "%s: %s", where, why.text);
    }
    st = line(ctx, doc, where, err);
    json_decref(doc);
    return st;
}

eagle_status eg_jsonl_read(const char *path, eg_jsonl_line *line, void *ctx, eagle_error *err)
{
    char *data = NULL;
    size_t size = 0;
    eagle_status st = eg_read_all(&data, &size, path, err);

    for (size_t at = 0, number = 1; st == EAGLE_OK && at < size; number++) {
        const char *end = memchr(data + at, '\n', size - at);
        const size_t length = end != NULL ? (size_t)(end - data) - at : size - at;
        char where[256];

        if (!blank(data + at, length)) {
            snprintf(where, sizeof where, "%s:%zu", path, number);
            st = one_line(data + at, length, where, line, ctx, err);
        }
        at += length + 1;
    }
    free(data);
    return st;
}
