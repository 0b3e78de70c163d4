/* SPDX-License-Identifier: MIT */
/* corpus_read.c - files to documents: plain text, token ids, and the choice between the formats. */
#include "base/alloc.h"
#include "base/characters.h"
#include "base/error.h"
#include "base/file.h"
#include "train/documents.h"

#include <stdlib.h>
#include <string.h>

void eagle_corpus_defaults(eagle_corpus_options *out)
{
    *out = (eagle_corpus_options){
        .format = EAGLE_CORPUS_AUTO, .separator = "<|endoftext|>", .add_special = true, .end = -1};
}

/* ---- what all formats need ------------------------------------------------------------------- */

eagle_status eg_reading_append(eg_reading *r, const int32_t *ids, size_t n, bool learn,
                               eagle_error *err)
{
    for (size_t i = 0; i < n; i++) {
        if (ids[i] < 0 || ids[i] >= r->vocab) {
            return eg_fail(err, EAGLE_EFIT, "%s, line %zu: token %d, the vocabulary has %d",
                           r->path, r->line, ids[i], r->vocab);
        }
    }
    eagle_status st = eg_corpus_append(r->corpus, ids, n, learn, err);

    if (st == EAGLE_ELIMIT) {
        return eg_fail(err, st, "%s, line %zu: a document of more than %d tokens", r->path, r->line,
                       INT32_MAX);
    }
    return st;
}

eagle_status eg_reading_encode(int32_t **ids, size_t *n, const eg_reading *r, const char *text,
                               size_t size, bool add_special, eagle_error *err)
{
    const eagle_encode_options how = {.add_special = add_special, .parse_special = false};

    *ids = NULL;
    *n = 0;
    if (r->tokenizer == NULL) {
        return eg_fail(err, EAGLE_EINVAL, "%s, line %zu: text, which needs a tokenizer", r->path,
                       r->line);
    }
    return eagle_tokenizer_encode(ids, n, r->tokenizer, text, size, &how, err);
}

eagle_status eg_reading_end(eg_reading *r, eagle_error *err)
{
    const eagle_corpus *c = r->corpus;
    const int32_t end = r->opt->end;

    if (end < 0 || (eg_corpus_open_length(c) > 0 && c->token[c->n_token - 1] == end)) {
        return EAGLE_OK;
    }
    return eg_reading_append(r, &end, 1, true, err);
}

static bool is_white(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

bool eg_is_blank(const char *text, size_t size)
{
    while (size > 0 && is_white(text[size - 1])) {
        size--;
    }
    return size == 0;
}

/* ---- plain text ------------------------------------------------------------------------------ */

static size_t count_lines(const char *text, size_t size)
{
    size_t n = 0;

    for (size_t i = 0; i < size; i++) {
        n += text[i] == '\n';
    }
    return n;
}

/* One document, without the white space around it, which belongs to the file's form. r->line is
 * that of its first byte. */
static eagle_status read_text_document(eg_reading *r, const char *text, size_t size,
                                       eagle_error *err)
{
    int32_t *ids;
    size_t n;

    for (; size > 0 && is_white(text[0]); text++, size--) {
        r->line += text[0] == '\n';
    }
    while (size > 0 && is_white(text[size - 1])) {
        size--;
    }
    if (size == 0) {
        return EAGLE_OK;
    }
    const size_t sound = eg_utf8_check(text, size);

    if (sound < size) {
        return eg_fail(err, EAGLE_EFORMAT, "%s, line %zu: not UTF-8 (byte %02x)", r->path,
                       r->line + count_lines(text, sound), (unsigned)(unsigned char)text[sound]);
    }
    eagle_status st = eg_reading_encode(&ids, &n, r, text, size, r->opt->add_special, err);

    st = st == EAGLE_OK ? eg_reading_append(r, ids, n, true, err) : st;
    st = st == EAGLE_OK ? eg_reading_end(r, err) : st;
    st = st == EAGLE_OK ? eg_corpus_close(r->corpus, err) : st;
    free(ids);
    return st;
}

static eagle_status read_text(eg_reading *r, const char *data, size_t size, eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    size_t begin = 0;      /* of the document */
    size_t begin_line = 1; /* its line        */
    size_t line = 1;

    for (size_t at = 0; st == EAGLE_OK && at < size; line++) {
        const size_t length = eg_line_length(data, size, at);
        const size_t next = at + length < size ? at + length + 1 : size;

        if (eg_is_separator(data + at, length, r->opt->separator)) {
            r->line = begin_line;
            st = read_text_document(r, data + begin, at - begin, err);
            begin = next;
            begin_line = line + 1;
        }
        at = next;
    }
    r->line = begin_line;
    return st == EAGLE_OK ? read_text_document(r, data + begin, size - begin, err) : st;
}

/* ---- ids ------------------------------------------------------------------------------------- */

/* Reads one id at *at, which moves behind it. False when there is none. */
static bool read_id(int32_t *id, const char *line, size_t length, size_t *at)
{
    const size_t begin = *at;
    int64_t value = 0;

    for (; *at < length && line[*at] >= '0' && line[*at] <= '9' && value <= INT32_MAX; ++*at) {
        value = 10 * value + (line[*at] - '0');
    }
    *id = (int32_t)value;
    return *at > begin && value <= INT32_MAX &&
           (*at == length || line[*at] == ',' || is_white(line[*at]));
}

static eagle_status read_ids_line(eg_reading *r, const char *line, size_t length, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    for (size_t at = 0; st == EAGLE_OK && at < length;) {
        const size_t begin = at;
        int32_t id;

        if (line[at] == ',' || is_white(line[at])) {
            at++;
        } else if (read_id(&id, line, length, &at)) {
            st = eg_reading_append(r, &id, 1, true, err);
        } else {
            const size_t rest = length - begin;

            st = eg_fail(err, EAGLE_EFORMAT, "%s, line %zu: \"%.*s\" is not a token id", r->path,
                         r->line, (int)(rest < 20 ? rest : 20), line + begin);
        }
    }
    return st == EAGLE_OK ? eg_corpus_close(r->corpus, err) : st;
}

static eagle_status read_ids(eg_reading *r, const char *data, size_t size, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    r->line = 1;
    for (size_t at = 0; st == EAGLE_OK && at < size; r->line++) {
        const size_t length = eg_line_length(data, size, at);

        st = read_ids_line(r, data + at, length, err);
        at += length + 1;
    }
    return st;
}

/* ---- files ----------------------------------------------------------------------------------- */

static eagle_corpus_format format_of(const char *path, eagle_corpus_format asked)
{
    if (asked != EAGLE_CORPUS_AUTO) {
        return asked;
    }
    if (eg_ends_with(path, ".jsonl")) {
        return EAGLE_CORPUS_JSONL;
    }
    return eg_ends_with(path, ".ids") ? EAGLE_CORPUS_IDS : EAGLE_CORPUS_TEXT;
}

static eagle_status read_file(eg_reading *r, eagle_error *err)
{
    static const char mark[] = "\xef\xbb\xbf"; /* some editors' byte order mark */
    eg_map map;
    eagle_status st = eg_map_open(&map, r->path, err);

    if (st != EAGLE_OK) {
        return st;
    }
    const char *data = map.size > 0 ? (const char *)map.data : "";
    size_t size = map.size;

    if (size >= 3 && memcmp(data, mark, 3) == 0) {
        data += 3;
        size -= 3;
    }
    if (eg_is_blank(data, size)) {
        st = eg_fail(err, EAGLE_EFORMAT, "%s: an empty file", r->path);
    } else {
        switch (format_of(r->path, r->opt->format)) {
        case EAGLE_CORPUS_JSONL: st = eg_reading_jsonl(r, data, size, err); break;
        case EAGLE_CORPUS_IDS: st = read_ids(r, data, size, err); break;
        default: st = read_text(r, data, size, err); break;
        }
    }
    eg_map_close(&map);
    return st;
}

eagle_status eagle_corpus_read(eagle_corpus **out, const char *const *paths, int32_t n_paths,
                               const eagle_tokenizer *tokenizer, int32_t vocab,
                               const eagle_corpus_options *opt, eagle_error *err)
{
    eg_reading r = {.tokenizer = tokenizer, .opt = opt, .vocab = vocab};

    *out = NULL;
    if (n_paths < 1 || vocab < 1 || opt->end < -1 || opt->end >= vocab) {
        return eg_fail(err, EAGLE_EINVAL, "%d files, end token %d in a vocabulary of %d", n_paths,
                       opt->end, vocab);
    }
    eagle_status st = eg_corpus_create(&r.corpus, err);

    for (int32_t i = 0; st == EAGLE_OK && i < n_paths; i++) {
        r.path = paths[i];
        st = read_file(&r, err);
    }
    if (st == EAGLE_OK && r.corpus->n == 0) {
        st = eg_fail(err, EAGLE_EFORMAT,
                     "%s: nothing to learn: a document needs two tokens, the second one to be "
                     "learned",
                     paths[0]);
    }
    if (st != EAGLE_OK) {
        eagle_corpus_free(r.corpus);
        return st;
    }
    *out = r.corpus;
    return EAGLE_OK;
}
