/* SPDX-License-Identifier: MIT */
/* make_bad.c - writes testdata/bad: malformed models, heads, tokenizers and tree files, each named
 * after its defect, and what a reader must say about it.
 *
 *   make_bad DIR
 *
 * DIR/base and DIR/head are a whole small model and its head. DIR/NAME holds only what is broken:
 * laid over a copy of the base, it makes the malformed directory; a file X.missing removes X.
 * DIR/expect.txt has a line per name, its fields separated by tabs:
 *
 *   name  stage (what finds it, see bad_cases.h)  exit code  a piece of the message */
#include "support/bad_cases.h"

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#define CAP 65536 /* bytes of the largest file made here */

typedef struct {
    char data[CAP];
    size_t size;
} buffer;

static const char *root;
static FILE *expect;

static void die(const char *what)
{
    fprintf(stderr, "make_bad: %s: %s\n", what, strerror(errno));
    exit(1);
}

static void add(buffer *b, const void *data, size_t size)
{
    if (size > CAP - b->size) {
        errno = EFBIG;
        die("a file");
    }
    memcpy(b->data + b->size, data, size);
    b->size += size;
}

static void add_text(buffer *b, const char *text)
{
    add(b, text, strlen(text));
}

/* Replaces the first `find` in the text by `by`; an empty `find` replaces all of it. */
static void edit(buffer *b, const char *find, const char *by)
{
    size_t n = strlen(find);
    char *at = b->data;
    buffer tail = {.size = 0};

    if (n == 0) {
        b->size = 0;
        add_text(b, by);
        return;
    }
    while (at + n <= b->data + b->size && memcmp(at, find, n) != 0) {
        at++;
    }
    if (at + n > b->data + b->size) {
        fprintf(stderr, "make_bad: nothing reads %s\n", find);
        exit(1);
    }
    add(&tail, at + n, (size_t)(b->data + b->size - (at + n)));
    b->size = (size_t)(at - b->data);
    add_text(b, by);
    add(b, tail.data, tail.size);
}

static void write_file(const char *name, const char *file, const buffer *b)
{
    char path[1024];

    snprintf(path, sizeof path, "%s/%s", root, name);
    if (mkdir(path, 0777) != 0 && errno != EEXIST) {
        die(path);
    }
    snprintf(path, sizeof path, "%s/%s/%s", root, name, file);

    FILE *out = fopen(path, "wb");

    if (out == NULL || fwrite(b->data, 1, b->size, out) != b->size || fclose(out) != 0) {
        die(path);
    }
}

/* ---- the whole model and head ---------------------------------------------------------------- */

/* The tensors as a header's text, laid one after the other. Returns the bytes that they take. */
static size_t make_header(buffer *b, const bad_tensor *tensor)
{
    size_t at = 0;
    char text[256];

    add_text(b, "{\"__metadata__\":{\"format\":\"pt\"}");
    for (; tensor->name != NULL; tensor++) {
        size_t size = 4 * (size_t)tensor->rows * (size_t)(tensor->cols > 0 ? tensor->cols : 1);
        char shape[32];

        snprintf(shape, sizeof shape, tensor->cols > 0 ? "%d,%d" : "%d", tensor->rows,
                 tensor->cols);
        snprintf(text, sizeof text,
                 ",\"%s\":{\"dtype\":\"F32\",\"shape\":[%s],\"data_offsets\":[%zu,%zu]}",
                 tensor->name, shape, at, at + size);
        add_text(b, text);
        at += size;
    }
    add_text(b, "}");
    return at;
}

static void add_length(buffer *b, uint64_t length)
{
    for (int i = 0; i < 8; i++) {
        b->data[i] = (char)(unsigned char)(length >> (8 * i));
    }
    b->size = b->size < 8 ? 8 : b->size;
}

/* Header and data as a file. The weights are small multiples of 1/64, the same every time. */
static void make_file(buffer *b, const buffer *header, size_t n_data)
{
    *b = (buffer){.size = 0};
    add_length(b, header->size);
    add(b, header->data, header->size);
    for (size_t i = 0; i < n_data / 4; i++) {
        float value = (float)((int)((i * 37 + 11) % 64) - 31) / 64.0f;
        uint32_t bits;

        memcpy(&bits, &value, sizeof bits);
        for (int k = 0; k < 4; k++) {
            add(b, &(unsigned char){(unsigned char)(bits >> (8 * k))}, 1);
        }
    }
}

static void write_text(const char *name, const char *file, const char *text)
{
    static buffer b;

    b.size = 0;
    add_text(&b, text);
    write_file(name, file, &b);
}

static void write_whole(const char *name, const char *config, const bad_tensor *tensor)
{
    static buffer header;
    static buffer file;

    header.size = 0;
    size_t n_data = make_header(&header, tensor);

    make_file(&file, &header, n_data);
    write_file(name, "model.safetensors", &file);
    write_text(name, "config.json", config);
}

/* ---- one malformed directory ----------------------------------------------------------------- */

static bool on_head(const char *stage)
{
    return strncmp(stage, "head", 4) == 0;
}

static const bad_tensor *tensors_of(const char *stage)
{
    return on_head(stage) ? bad_head_tensors : bad_base_tensors;
}

/* A text file of the base with one place changed. */
static void write_edited(const bad_case *c)
{
    static buffer b;
    const char *text = strcmp(c->file, "tokenizer.json") == 0 ? bad_base_tokenizer
                       : strcmp(c->file, "config.json") != 0  ? ""
                       : on_head(c->stage)                    ? bad_head_config
                                                              : bad_base_config;

    b.size = 0;
    add_text(&b, text);
    edit(&b, c->find, c->by);
    write_file(c->name, c->file, &b);
}

/* A configuration where a value opens as many lists as `by` says. */
static void write_nested(const bad_case *c)
{
    static char lists[CAP];
    static buffer b;

    b.size = 0;
    memset(lists, '[', strtoul(c->by, NULL, 10));
    add_text(&b, bad_base_config);
    edit(&b, c->find, lists);
    write_file(c->name, "config.json", &b);
}

/* The header of the model with one place changed; its length is right again. */
static void write_header(const bad_case *c)
{
    static buffer header;
    static buffer file;

    header.size = 0;
    size_t n_data = make_header(&header, tensors_of(c->stage));

    edit(&header, c->find, c->by);
    make_file(&file, &header, n_data);
    write_file(c->name, "model.safetensors", &file);
}

/* The bytes of the model's file changed; `find` says how and `by` how much. */
static void write_bytes(const bad_case *c)
{
    static buffer header;
    static buffer b;
    const size_t n = strtoul(c->by, NULL, 10);

    header.size = 0;
    size_t n_data = make_header(&header, tensors_of(c->stage));

    make_file(&b, &header, n_data);
    if (strcmp(c->find, "cut to") == 0) {
        b.size = n;
    } else if (strcmp(c->find, "cut in header") == 0) {
        b.size = 8 + header.size / 2;
    } else if (strcmp(c->find, "cut after header") == 0) {
        b.size = 8 + header.size;
    } else if (strcmp(c->find, "cut off") == 0) {
        b.size -= n;
    } else if (strcmp(c->find, "length") == 0) {
        add_length(&b, strtoull(c->by, NULL, 10));
    } else if (strcmp(c->find, "longer header by") == 0) {
        add_length(&b, header.size + n);
    } else if (strcmp(c->find, "append") == 0) {
        add(&b, "xxxxxxxx", n);
    } else if (strcmp(c->find, "nan at byte") == 0) {
        memcpy(b.data + 8 + header.size + n, "\x00\x00\xc0\x7f", 4);
    } else if (strcmp(c->find, "infinity at byte") == 0) {
        memcpy(b.data + 8 + header.size + n, "\x00\x00\x80\x7f", 4);
    } else if (strcmp(c->find, "nest") == 0) {
        b.size = 0;
        add_length(&b, n + 5);
        add_text(&b, "{\"x\":");
        for (size_t i = 0; i < n; i++) {
            add_text(&b, "[");
        }
    } else {
        fprintf(stderr, "make_bad: %s: what is \"%s\"?\n", c->name, c->find);
        exit(1);
    }
    write_file(c->name, "model.safetensors", &b);
}

/* The model as one shard behind an index with one place changed. */
static void write_index(const bad_case *c)
{
    static buffer header;
    static buffer b;
    const bad_tensor *t = bad_base_tensors;

    header.size = 0;
    size_t n_data = make_header(&header, t);

    make_file(&b, &header, n_data);
    write_file(c->name, "shard-1.safetensors", &b);
    b.size = 0;
    add_text(&b, "{\"metadata\":{\"total_size\":3040},\"weight_map\":{");
    for (; t->name != NULL; t++) {
        add_text(&b, t == bad_base_tensors ? "\"" : ",\"");
        add_text(&b, t->name);
        add_text(&b, "\":\"shard-1.safetensors\"");
    }
    add_text(&b, "}}\n");
    edit(&b, c->find, c->by);
    write_file(c->name, "model.safetensors.index.json", &b);
    write_text(c->name, "model.safetensors.missing", "");
}

static void write_case(const bad_case *c)
{
    if (strcmp(c->file, "header") == 0) {
        write_header(c);
    } else if (strcmp(c->file, "bytes") == 0) {
        write_bytes(c);
    } else if (strcmp(c->file, "nested") == 0) {
        write_nested(c);
    } else if (strcmp(c->file, "index") == 0) {
        write_index(c);
    } else if (strstr(c->file, ".missing") != NULL) {
        write_text(c->name, c->file, "");
    } else {
        write_edited(c);
    }
    fprintf(expect, "%s\t%s\t%d\t%s\n", c->name, c->stage, c->exit_code, c->piece);
}

int main(int argc, char **argv)
{
    char path[1024];

    if (argc != 2) {
        fprintf(stderr, "usage: make_bad DIR\n");
        return 2;
    }
    root = argv[1];
    if (mkdir(root, 0777) != 0 && errno != EEXIST) {
        die(root);
    }
    snprintf(path, sizeof path, "%s/expect.txt", root);
    expect = fopen(path, "w");
    if (expect == NULL) {
        die(path);
    }
    write_whole("base", bad_base_config, bad_base_tensors);
    write_text("base", "tokenizer.json", bad_base_tokenizer);
    write_whole("head", bad_head_config, bad_head_tensors);
    for (const bad_case *const *list = bad_lists; *list != NULL; list++) {
        for (const bad_case *c = *list; c->name != NULL; c++) {
            write_case(c);
        }
    }
    return fclose(expect) == 0 ? 0 : 1;
}
