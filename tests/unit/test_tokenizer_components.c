/* SPDX-License-Identifier: MIT */
/* test_tokenizer_components.c - every component and flag gives what Hugging Face's library
 * gives.
 *
 * testdata/vectors/tokenizer/components.txt says what each line means and which command made
 * it. */
#include "support/lib_scratch.h"
#include "support/lib_tokens.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#define FOLDER "testdata/vectors/tokenizer/"

static char *read_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    char *text = calloc(1, 1 << 20);

    assert_non_null(file);
    assert_non_null(text);
    size_t size = fread(text, 1, (1 << 20) - 1, file);

    assert_true(size > 0 && feof(file));
    fclose(file);
    return text;
}

/* Opens the tokenizer of the lines "m KIND" and "j JSON". */
static eagle_tokenizer *open_tokenizer(const char *kind, const char *rest)
{
    char path[SCRATCH_PATH];
    eagle_error err;

    snprintf(path, sizeof path, FOLDER "%s.json", kind);
    char *model = read_file(path);
    size_t size = strlen(model) + strlen(rest) + 32;
    char *json = malloc(size);

    assert_non_null(json);
    snprintf(json, size, "%s,\"model\":%s}", rest, model);
    eagle_tokenizer *t = tokens_open(json, &err);

    if (t == NULL) {
        fail_msg("%s", err.message);
    }
    free(json);
    free(model);
    return t;
}

/* The bytes of "4869" or "-" in place; returns their number. */
static size_t parse_hex(char *hex)
{
    size_t n = hex[0] == '-' ? 0 : strlen(hex) / 2;

    for (size_t i = 0; i < n; i++) {
        char digits[3] = {hex[2 * i], hex[2 * i + 1], '\0'};

        hex[i] = (char)(unsigned char)strtoul(digits, NULL, 16);
    }
    return n;
}

static size_t parse_ids(int32_t *ids, size_t cap, const char *text)
{
    char *end;
    size_t n = 0;

    for (long id = strtol(text, &end, 10); end != text; id = strtol(text, &end, 10)) {
        assert_true(n < cap);
        ids[n++] = (int32_t)id;
        text = end;
    }
    return n;
}

static void check_encoding(const eagle_tokenizer *t, const char *name, char kind, const char *text,
                           size_t size, const int32_t *want, size_t n_want)
{
    size_t n;
    int32_t *ids = tokens_encode(&n, t, text, size, kind == 'e');

    if (n != n_want || (n > 0 && memcmp(ids, want, n * sizeof *ids) != 0)) {
        fail_msg("%s: \"%.*s\" (%c): %zu ids, not the %zu expected", name, (int)size, text, kind, n,
                 n_want);
    }
    free(ids);
}

/* Whole, and as a stream after each prompt whose text begins the whole. */
static void check_decoding(const eagle_tokenizer *t, const char *name, const char *want,
                           size_t want_size, const int32_t *ids, size_t n)
{
    size_t size;
    char *text = tokens_decode(&size, t, ids, n);

    if (size != want_size || memcmp(text, want, size) != 0) {
        fail_msg("%s: decodes to \"%s\", not \"%.*s\"", name, text, (int)want_size, want);
    }
    free(text);
    for (size_t cut = 0; cut <= n; cut++) {
        size_t start_size;
        char *start = tokens_decode(&start_size, t, ids, cut);

        text = tokens_stream(&size, t, ids, n, cut);
        if (start_size <= want_size && memcmp(start, want, start_size) == 0 &&
            (size != want_size - start_size || memcmp(text, want + start_size, size) != 0)) {
            fail_msg("%s: streams \"%s\" after %zu of \"%.*s\"", name, text, cut, (int)want_size,
                     want);
        }
        free(text);
        free(start);
    }
}

/* One line "e HEX IDS", "n HEX IDS" or "d HEX IDS". */
static void check_line(const eagle_tokenizer *t, const char *name, char *line)
{
    int32_t want[512];
    char *hex = line + 2;
    size_t hex_size = strcspn(hex, " ");
    size_t n = parse_ids(want, 512, hex + hex_size);

    hex[hex_size] = '\0';
    size_t size = parse_hex(hex);

    if (line[0] == 'd') {
        check_decoding(t, name, hex, size, want, n);
    } else {
        check_encoding(t, name, line[0], hex, size, want, n);
    }
}

static void every_component_agrees_with_hugging_face(void **state)
{
    (void)state;
    char *file = read_file(FOLDER "components.txt");
    eagle_tokenizer *t = NULL;
    const char *name = "";
    const char *kind = "";
    int n_tokenizers = 0;
    int n_vectors = 0;

    for (char *line = file; *line != '\0';) {
        char *end = line + strcspn(line, "\n");

        *end = '\0';
        switch (line[0]) {
        case 't': name = line + 2; break;
        case 'm': kind = line + 2; break;
        case 'j':
            eagle_tokenizer_free(t);
            t = open_tokenizer(kind, line + 2);
            n_tokenizers++;
            break;
        case 'e':
        case 'n':
        case 'd':
            check_line(t, name, line);
            n_vectors++;
            break;
        default: break;
        }
        line = end + 1;
    }
    assert_true(n_tokenizers > 150 && n_vectors > 1000);
    printf("count: tokenizer components: %d tokenizers, %d vectors\n", n_tokenizers, n_vectors);
    eagle_tokenizer_free(t);
    free(file);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_component_agrees_with_hugging_face),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
