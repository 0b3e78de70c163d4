/* SPDX-License-Identifier: MIT */
/* corpus.c - documents of token ids: made, looked at, divided, digested, saved. */
#include "eagle/corpus.h"

#include "base/alloc.h"
#include "base/error.h"
#include "base/file.h"
#include "train/documents.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

/* ---- making ---------------------------------------------------------------------------------- */

eagle_status eg_corpus_create(eagle_corpus **out, eagle_error *err)
{
    eagle_corpus *c = eg_alloc(1, sizeof *c);

    *out = NULL;
    if (c != NULL) {
        c->start_cap = 64;
        c->start = eg_alloc(c->start_cap, sizeof *c->start);
    }
    if (c == NULL || c->start == NULL) {
        free(c);
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a corpus");
    }
    *out = c;
    return EAGLE_OK;
}

void eagle_corpus_free(eagle_corpus *c)
{
    if (c != NULL) {
        free(c->start);
        free(c->token);
        free(c->learn);
        free(c);
    }
}

/* Tokens that there is room for once `need` are asked for: doubled as often as that takes. */
static size_t grown(size_t cap, size_t need)
{
    cap = cap < 1024 ? 1024 : cap;
    while (cap < need) {
        cap = cap > SIZE_MAX / 2 ? SIZE_MAX : 2 * cap;
    }
    return cap;
}

uint64_t eg_corpus_bytes(size_t tokens)
{
    return (uint64_t)grown(0, tokens) * (sizeof(int32_t) + sizeof(uint8_t));
}

/* Room for `need` tokens. Each array is as before when it could not grow. */
static eagle_status reserve(eagle_corpus *c, size_t need, eagle_error *err)
{
    const size_t cap = grown(c->token_cap, need);
    size_t size;

    if (need <= c->token_cap) {
        return EAGLE_OK;
    }
    int32_t *token = eg_mul_size(&size, cap, sizeof *token) ? realloc(c->token, size) : NULL;

    if (token != NULL) {
        c->token = token;
    }
    uint8_t *learn = token != NULL ? realloc(c->learn, cap) : NULL;

    if (learn == NULL) {
        return eg_fail(err, EAGLE_ENOMEM, "no memory for a corpus of %zu tokens", need);
    }
    c->learn = learn;
    c->token_cap = cap;
    return EAGLE_OK;
}

size_t eg_corpus_open_length(const eagle_corpus *c)
{
    return c->n_token - (size_t)c->start[c->n];
}

eagle_status eg_corpus_append(eagle_corpus *c, const int32_t *token, size_t n, bool learn,
                              eagle_error *err)
{
    if (n > INT32_MAX - eg_corpus_open_length(c)) {
        return eg_fail(err, EAGLE_ELIMIT, "a document of more than %d tokens", INT32_MAX);
    }
    eagle_status st = reserve(c, c->n_token + n, err);

    if (st == EAGLE_OK && n > 0) {
        memcpy(c->token + c->n_token, token, n * sizeof *token);
        memset(c->learn + c->n_token, learn, n);
        c->n_token += n;
    }
    return st;
}

eagle_status eg_corpus_close(eagle_corpus *c, eagle_error *err)
{
    const size_t begin = (size_t)c->start[c->n];
    const size_t length = eg_corpus_open_length(c);

    if (length < 2 || memchr(c->learn + begin + 1, 1, length - 1) == NULL) {
        c->n_token = begin;
        return EAGLE_OK;
    }
    if (c->n == INT32_MAX - 1) {
        return eg_fail(err, EAGLE_ELIMIT, "more than %d documents", INT32_MAX - 1);
    }
    if ((size_t)c->n + 2 > c->start_cap) {
        int64_t *start = realloc(c->start, 2 * c->start_cap * sizeof *start);

        if (start == NULL) {
            return eg_fail(err, EAGLE_ENOMEM, "no memory for a corpus of %d documents", c->n + 1);
        }
        c->start = start;
        c->start_cap *= 2;
    }
    c->start[++c->n] = (int64_t)c->n_token;
    return EAGLE_OK;
}

/* ---- looking at ------------------------------------------------------------------------------ */

int32_t eagle_corpus_count(const eagle_corpus *c)
{
    return c->n;
}

int64_t eagle_corpus_tokens(const eagle_corpus *c)
{
    return c->start[c->n];
}

eagle_document eagle_corpus_at(const eagle_corpus *c, int32_t i)
{
    return (eagle_document){.token = c->token + c->start[i],
                            .learn = c->learn + c->start[i],
                            .n = (int32_t)(c->start[i + 1] - c->start[i])};
}

eagle_status eg_corpus_check(const eagle_corpus *c, int32_t vocab, eagle_error *err)
{
    for (int32_t i = 0; i < c->n; i++) {
        const eagle_document d = eagle_corpus_at(c, i);

        for (int32_t j = 0; j < d.n; j++) {
            if (d.token[j] < 0 || d.token[j] >= vocab) {
                return eg_fail(err, EAGLE_EFIT, "document %d has token %d, the vocabulary has %d",
                               i, d.token[j], vocab);
            }
        }
    }
    return EAGLE_OK;
}

void eagle_corpus_hash(char hex[65], const eagle_corpus *c)
{
    eagle_sha256 sha;

    eagle_sha256_init(&sha);
    for (int32_t i = 0; i < c->n; i++) {
        const eagle_document d = eagle_corpus_at(c, i);

        for (int32_t j = -1; j < d.n; j++) { /* the length, then the tokens */
            const uint32_t u = (uint32_t)(j < 0 ? d.n : d.token[j]);
            const unsigned char bytes[4] = {(unsigned char)u, (unsigned char)(u >> 8),
                                            (unsigned char)(u >> 16), (unsigned char)(u >> 24)};

            eagle_sha256_update(&sha, bytes, sizeof bytes);
        }
        eagle_sha256_update(&sha, d.learn, (size_t)d.n);
    }
    eagle_sha256_hex(hex, &sha);
}

/* ---- dividing -------------------------------------------------------------------------------- */

/* Whether document i of n moves: where i x share passes an integer, so floor(n x share) of them,
 * which is less than n. The last one moves where none else does. */
static bool moves(int32_t i, int32_t n, double share)
{
    const int64_t before = (int64_t)((double)i * share);
    const int64_t after = (int64_t)((double)(i + 1) * share);

    return after > before || (i == n - 1 && after == 0);
}

/* Appends tokens [first, first + n) of a document, as a document. */
static eagle_status copy(eagle_corpus *to, const eagle_document *d, int32_t first, int32_t n,
                         eagle_error *err)
{
    eagle_status st = eg_corpus_append(to, d->token + first, (size_t)n, true, err);

    if (st == EAGLE_OK) {
        memcpy(to->learn + to->start[to->n], d->learn + first, (size_t)n);
        st = eg_corpus_close(to, err);
    }
    return st;
}

eagle_status eg_corpus_cut(eagle_corpus **out, const eagle_corpus *c, int32_t length,
                           eagle_error *err)
{
    eagle_status st = eg_corpus_create(out, err);

    for (int32_t i = 0; st == EAGLE_OK && i < c->n; i++) {
        const eagle_document d = eagle_corpus_at(c, i);

        for (int32_t first = 0; st == EAGLE_OK && first < d.n - 1; first += length - 1) {
            st = copy(*out, &d, first, d.n - first < length ? d.n - first : length, err);
            if (d.n - first <= length) {
                break; /* before `first` could overflow */
            }
        }
    }
    if (st != EAGLE_OK) {
        eagle_corpus_free(*out);
        *out = NULL;
    }
    return st;
}

eagle_status eagle_corpus_split(eagle_corpus **held_out, eagle_corpus *c, double share,
                                eagle_error *err)
{
    eagle_corpus *other = NULL;
    int32_t kept = 0;

    *held_out = NULL;
    if (!(share > 0.0 && share < 1.0)) {
        return eg_fail(err, EAGLE_EINVAL, "a share of %g, must be between 0 and 1", share);
    }
    if (c->n < 2) {
        return eg_fail(err, EAGLE_EFORMAT, "a corpus of %d document cannot be divided", c->n);
    }
    eagle_status st = eg_corpus_create(&other, err);

    for (int32_t i = 0; st == EAGLE_OK && i < c->n; i++) {
        const eagle_document d = eagle_corpus_at(c, i);

        if (moves(i, c->n, share)) {
            st = copy(other, &d, 0, d.n, err);
        }
    }
    if (st != EAGLE_OK) {
        eagle_corpus_free(other);
        return st;
    }
    /* Nothing can fail any more: the others move together. */
    for (int32_t i = 0, n = c->n; i < n; i++) {
        const int64_t begin = c->start[i];
        const size_t length = (size_t)(c->start[i + 1] - begin);

        if (!moves(i, n, share)) {
            const int64_t to = c->start[kept]; /* at most `begin` */

            memmove(c->token + to, c->token + begin, length * sizeof *c->token);
            memmove(c->learn + to, c->learn + begin, length);
            c->start[++kept] = to + (int64_t)length;
        }
    }
    c->n = kept;
    c->n_token = (size_t)c->start[kept];
    *held_out = other;
    return EAGLE_OK;
}

/* ---- saving ---------------------------------------------------------------------------------- */

static void put_document(FILE *file, const eagle_document *d)
{
    bool all = true;

    fprintf(file, "{\"ids\":[");
    for (int32_t i = 0; i < d->n; i++) {
        fprintf(file, "%s%d", i > 0 ? "," : "", d->token[i]);
        all = all && d->learn[i] != 0;
    }
    fprintf(file, "]");
    if (!all) {
        fprintf(file, ",\"learn\":[");
        for (int32_t i = 0; i < d->n; i++) {
            fprintf(file, "%s%d", i > 0 ? "," : "", d->learn[i] != 0);
        }
        fprintf(file, "]");
    }
    fprintf(file, "}\n");
}

eagle_status eagle_corpus_save(const eagle_corpus *c, const char *path, eagle_error *err)
{
    eg_output out;
    eagle_status st = eg_output_open(&out, path, err);

    if (st != EAGLE_OK) {
        return st;
    }
    errno = 0;
    for (int32_t i = 0; i < c->n && ferror(out.file) == 0; i++) {
        const eagle_document d = eagle_corpus_at(c, i);

        put_document(out.file, &d);
    }
    if (ferror(out.file) != 0) {
        st = eg_fail(err, EAGLE_EWRITE, "%s: write failed: %s", path, strerror(errno));
    } else {
        st = eg_output_commit(&out, err);
    }
    eg_output_close(&out);
    return st;
}
