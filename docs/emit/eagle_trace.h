/* SPDX-License-Identifier: MIT */
/* eagle_trace.h - writes traces that `eagle trace show` and `eagle check` read (docs/trace-format.md).
 *
 * One file, C99 or C++, no library: copy it into your own tree. Levels 0 to 2. Everything is copied and kept
 * in memory until the end.
 *
 *     eagle_emit e;
 *     eagle_emit_begin(&e, 1, vocab, prompt, n_prompt, "\"producer\":{\"name\":\"mine\",\"version\":\"3\"}");
 *     for each target pass:
 *         eagle_emit_round(&e, token, n_token, source, logprob, NULL);
 *     if (eagle_emit_end(&e, "run.trace", "length") != 0) ...    0, or an errno
 *     eagle_emit_free(&e);
 *
 * A failure is kept: later calls do nothing, and eagle_emit_end() returns it. Little-endian machines only.
 *
 * The first round is the prefill's and emits one token: its tree is the last prompt token alone. A plain
 * decoder has only such rounds. In llama.cpp a round is one llama_decode() over draft and last token:
 * logits[i] is llama_get_logits_ith() of the batch entry of node i. */
#ifndef EAGLE_TRACE_EMIT_H
#define EAGLE_TRACE_EMIT_H

#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef enum { EAGLE_EMIT_F32, EAGLE_EMIT_BF16, EAGLE_EMIT_F16, EAGLE_EMIT_I32 } eagle_emit_type;

/* What was drafted in a round, and what the target said of it: level 2. Node 0 is the last token before the
 * round, parents come before their children. */
typedef struct {
    int32_t n;             /* nodes, the root included                                     */
    const int32_t *token;  /* [n]                                                          */
    const int32_t *parent; /* [n] -1 for the root                                          */
    const float *score;    /* [n] draft log-probability of the path to a node; NULL: unknown */
    const void *logits;    /* [n, vocab] the target's after each node                      */
    eagle_emit_type type;  /* of the logits                                                */
} eagle_emit_tree;

typedef struct {
    char name[64];
    eagle_emit_type type;
    int64_t rows;
    int64_t columns; /* 0: rank 1 */
    void *data;
} eagle_emit_tensor;

typedef struct {
    int level;
    int32_t vocab;
    int32_t n_prompt;
    int32_t n; /* tokens so far, the prompt's included */
    int32_t n_rounds;
    int32_t *token;  /* [n] */
    int32_t *source; /* [n] */
    int32_t *round;  /* [n] */
    float *logprob;  /* [n] */
    eagle_emit_tensor *tensor;
    int32_t n_tensors;
    char *extra; /* members of the manifest */
    int error;   /* an errno */
} eagle_emit;

/* Realloc that keeps a failure; `size` is never 0. */
static inline void *eagle_emit_grow(eagle_emit *e, void *old, size_t size)
{
    void *grown = e->error == 0 ? realloc(old, size) : NULL;

    if (grown == NULL && e->error == 0) {
        e->error = ENOMEM;
    }
    return grown != NULL ? grown : old;
}

static inline size_t eagle_emit_size(eagle_emit_type type)
{
    return type == EAGLE_EMIT_F32 || type == EAGLE_EMIT_I32 ? 4 : 2;
}

static inline void eagle_emit_put(eagle_emit *e, const char *name, eagle_emit_type type, int64_t rows,
                                  int64_t columns, const void *data)
{
    const size_t size =
        (size_t)rows * (columns > 0 ? (size_t)columns : 1) * eagle_emit_size(type);
    eagle_emit_tensor *t;

    e->tensor = (eagle_emit_tensor *)eagle_emit_grow(
        e, e->tensor, ((size_t)e->n_tensors + 1) * sizeof *e->tensor);
    if (e->error != 0) {
        return;
    }
    t = &e->tensor[e->n_tensors];
    memset(t, 0, sizeof *t);
    t->data = eagle_emit_grow(e, NULL, size + 1);
    if (e->error == 0) {
        memcpy(t->data, data, size);
        snprintf(t->name, sizeof t->name, "%s", name);
        t->type = type;
        t->rows = rows;
        t->columns = columns;
        e->n_tensors++;
    }
}

static inline void eagle_emit_put_round(eagle_emit *e, const char *item, eagle_emit_type type,
                                        int64_t rows, int64_t columns, const void *data)
{
    char name[64];

    snprintf(name, sizeof name, "round/%d/%s", (int)e->n_rounds, item);
    eagle_emit_put(e, name, type, rows, columns, data);
}

/* Source: 0 prompt, 1 accepted, 2 residual, 3 bonus, 4 plain, -1 unknown. */
static inline void eagle_emit_token(eagle_emit *e, int32_t token, int32_t source, int32_t round,
                                    float logprob)
{
    const size_t size = ((size_t)e->n + 1) * 4;

    e->token = (int32_t *)eagle_emit_grow(e, e->token, size);
    e->source = (int32_t *)eagle_emit_grow(e, e->source, size);
    e->round = (int32_t *)eagle_emit_grow(e, e->round, size);
    e->logprob = (float *)eagle_emit_grow(e, e->logprob, size);
    if (e->error == 0) {
        e->token[e->n] = token;
        e->source[e->n] = source;
        e->round[e->n] = round;
        e->logprob[e->n] = logprob;
        e->n++;
    }
}

/* `manifest`: further members of the manifest, as JSON without the braces around them, such as
 *     "producer":{"name":"llama.cpp","version":"b6500"},"dtype":"f16","verify":"greedy",
 *     "sampling":{"temperature":"0","top_k":0,"top_p":"1","min_p":"0"},"tree":"chain of 4"
 * or NULL. */
static inline void eagle_emit_begin(eagle_emit *e, int level, int32_t vocab, const int32_t *prompt,
                                    int32_t n_prompt, const char *manifest)
{
    const size_t size = (manifest != NULL ? strlen(manifest) : 0) + 1;
    int32_t i;

    memset(e, 0, sizeof *e);
    e->level = level;
    e->vocab = vocab;
    e->n_prompt = n_prompt;
    e->error = level < 0 || level > 2 || n_prompt < 1 ? EINVAL : 0;
    e->extra = (char *)eagle_emit_grow(e, NULL, size);
    if (e->error == 0) {
        memcpy(e->extra, manifest != NULL ? manifest : "", size);
    }
    for (i = 0; i < n_prompt; i++) {
        eagle_emit_token(e, prompt[i], 0, -1, 0.0f);
    }
}

/* The path of n tokens through the tree: each but the last is a child of the one before. */
static inline void eagle_emit_put_path(eagle_emit *e, const eagle_emit_tree *tree,
                                       const int32_t *token, int32_t n)
{
    int32_t *path = (int32_t *)eagle_emit_grow(e, NULL, 2 * (size_t)n * 4); /* nodes, rows */
    int32_t at = 0;
    int32_t i;

    for (i = 0; e->error == 0 && i < n; i++) {
        int32_t child = 1;

        while (child < tree->n && (tree->parent[child] != at || tree->token[child] != token[i])) {
            child++;
        }
        if (i + 1 < n && child >= tree->n) {
            e->error = EINVAL; /* accepted, and yet not drafted */
        }
        path[n + i] = at;
        path[i] = i + 1 < n ? child : -1;
        at = child;
    }
    if (e->error == 0) {
        eagle_emit_put_round(e, "path.token", EAGLE_EMIT_I32, n, 0, token);
        eagle_emit_put_round(e, "path.node", EAGLE_EMIT_I32, n, 0, path);
        eagle_emit_put_round(e, "path.row", EAGLE_EMIT_I32, n, 0, path + n);
    }
    free(path);
}

static inline void eagle_emit_put_tree(eagle_emit *e, const eagle_emit_tree *tree)
{
    int32_t *depth = (int32_t *)eagle_emit_grow(e, NULL, 2 * (size_t)tree->n * 4); /* positions too */
    int32_t i;

    for (i = 0; e->error == 0 && i < tree->n; i++) {
        if (i == 0 ? tree->parent[0] != -1 : tree->parent[i] < 0 || tree->parent[i] >= i) {
            e->error = EINVAL; /* no tree */
            break;
        }
        depth[i] = i == 0 ? 0 : depth[tree->parent[i]] + 1;
        depth[tree->n + i] = e->n - 1 + depth[i];
    }
    if (e->error == 0) {
        eagle_emit_put_round(e, "tree.token", EAGLE_EMIT_I32, tree->n, 0, tree->token);
        eagle_emit_put_round(e, "tree.parent", EAGLE_EMIT_I32, tree->n, 0, tree->parent);
        eagle_emit_put_round(e, "tree.depth", EAGLE_EMIT_I32, tree->n, 0, depth);
        eagle_emit_put_round(e, "tree.pos", EAGLE_EMIT_I32, tree->n, 0, depth + tree->n);
        eagle_emit_put_round(e, "tree.verify", EAGLE_EMIT_I32, 1, 0, &tree->n);
        eagle_emit_put_round(e, "logits", tree->type, tree->n, e->vocab, tree->logits);
    }
    if (e->error == 0 && tree->score != NULL) {
        eagle_emit_put_round(e, "tree.score", EAGLE_EMIT_F32, tree->n, 0, tree->score);
    }
    free(depth);
}

/* A round that emitted n tokens. `source` may be NULL: all but the last were accepted, the last is unknown.
 * `logprob` may be NULL at level 0, `tree` below level 2. */
static inline void eagle_emit_round(eagle_emit *e, const int32_t *token, int32_t n,
                                    const int32_t *source, const float *logprob,
                                    const eagle_emit_tree *tree)
{
    int32_t i;

    if (e->error == 0 &&
        (n < 1 || (e->level >= 1 && logprob == NULL) || (e->level >= 2 && tree == NULL))) {
        e->error = EINVAL;
    }
    if (e->error == 0 && e->level >= 2) {
        eagle_emit_put_tree(e, tree);
        eagle_emit_put_path(e, tree, token, n);
    }
    for (i = 0; e->error == 0 && i < n; i++) {
        eagle_emit_token(e, token[i], source != NULL ? source[i] : i + 1 < n ? 1 : -1, e->n_rounds,
                         logprob != NULL ? logprob[i] : 0.0f);
    }
    e->n_rounds++;
}

static inline int eagle_emit_order(const void *a, const void *b)
{
    const eagle_emit_tensor *s = (const eagle_emit_tensor *)a;
    const eagle_emit_tensor *t = (const eagle_emit_tensor *)b;
    const size_t s_size = eagle_emit_size(s->type);
    const size_t t_size = eagle_emit_size(t->type);

    return s_size != t_size ? (s_size > t_size ? -1 : 1) : strcmp(s->name, t->name);
}

/* Appends to a text that grows. */
static inline void eagle_emit_text(eagle_emit *e, char **text, size_t *used, const char *more)
{
    const size_t size = strlen(more);

    *text = (char *)eagle_emit_grow(e, *text, *used + size + 1);
    if (e->error == 0) {
        memcpy(*text + *used, more, size + 1);
        *used += size;
    }
}

/* The manifest is a text inside a text: its quotes are escaped. */
static inline void eagle_emit_manifest(eagle_emit *e, char **text, size_t *used, const char *finish)
{
    char begin[256];
    const char *c;

    snprintf(begin, sizeof begin,
             "{\\\"schema\\\":\\\"eagle.trace\\\",\\\"version\\\":\\\"1.0\\\",\\\"level\\\":%d,"
             "\\\"vocab\\\":%d,\\\"rounds\\\":%d,\\\"finish\\\":\\\"%s\\\"",
             e->level, (int)e->vocab, (int)e->n_rounds, finish);
    eagle_emit_text(e, text, used, "{\"__metadata__\":{\"eagle.trace\":\"");
    eagle_emit_text(e, text, used, begin);
    eagle_emit_text(e, text, used, e->error == 0 && e->extra[0] != '\0' ? "," : "");
    for (c = e->extra; e->error == 0 && *c != '\0'; c++) {
        const char escaped[3] = {*c == '"' || *c == '\\' ? '\\' : *c,
                                 *c == '"' || *c == '\\' ? *c : '\0', '\0'};

        eagle_emit_text(e, text, used, escaped);
    }
    eagle_emit_text(e, text, used, "}\"}");
}

static inline void eagle_emit_header(eagle_emit *e, char **text, size_t *used, const char *finish)
{
    static const char *const type[] = {"F32", "BF16", "F16", "I32"};
    unsigned long long at = 0;
    int32_t i;

    eagle_emit_manifest(e, text, used, finish);
    for (i = 0; e->error == 0 && i < e->n_tensors; i++) {
        const eagle_emit_tensor *t = &e->tensor[i];
        const unsigned long long size = (unsigned long long)t->rows *
                                        (t->columns > 0 ? (unsigned long long)t->columns : 1) *
                                        eagle_emit_size(t->type);
        char entry[256];
        char columns[32] = "";

        if (t->columns > 0) {
            snprintf(columns, sizeof columns, ",%lld", (long long)t->columns);
        }
        snprintf(entry, sizeof entry,
                 ",\"%s\":{\"dtype\":\"%s\",\"shape\":[%lld%s],\"data_offsets\":[%llu,%llu]}",
                 t->name, type[t->type], (long long)t->rows, columns, at, at + size);
        eagle_emit_text(e, text, used, entry);
        at += size;
    }
    eagle_emit_text(e, text, used, "}");
    while (e->error == 0 && *used % 8 != 0) {
        eagle_emit_text(e, text, used, " ");
    }
}

static inline void eagle_emit_write(eagle_emit *e, const char *path, const char *header, size_t size)
{
    FILE *file = fopen(path, "wb");
    int32_t i;
    int bad = file == NULL;

    for (i = 0; !bad && i < 8; i++) {
        bad = fputc((int)(((unsigned long long)size >> (8 * i)) & 255), file) == EOF;
    }
    bad = bad || fwrite(header, 1, size, file) != size;
    for (i = 0; !bad && i < e->n_tensors; i++) {
        const eagle_emit_tensor *t = &e->tensor[i];
        const size_t n = (size_t)t->rows * (t->columns > 0 ? (size_t)t->columns : 1);

        bad = fwrite(t->data, eagle_emit_size(t->type), n, file) != n;
    }
    if ((file != NULL && fclose(file) != 0) || bad) {
        e->error = errno != 0 ? errno : EIO;
    }
}

/* Writes the file. `finish`: "length", "stop", "interrupted" or "". Returns 0, or the errno of the first
 * thing that went wrong. */
static inline int eagle_emit_end(eagle_emit *e, const char *path, const char *finish)
{
    char *header = NULL;
    size_t used = 0;

    if (e->error == 0) {
        eagle_emit_put(e, "seq.token", EAGLE_EMIT_I32, e->n, 0, e->token);
        eagle_emit_put(e, "seq.source", EAGLE_EMIT_I32, e->n, 0, e->source);
        eagle_emit_put(e, "seq.round", EAGLE_EMIT_I32, e->n, 0, e->round);
    }
    if (e->error == 0 && e->level >= 1) {
        eagle_emit_put(e, "seq.logprob", EAGLE_EMIT_F32, e->n - e->n_prompt, 0,
                       e->logprob + e->n_prompt);
    }
    if (e->error == 0) {
        qsort(e->tensor, (size_t)e->n_tensors, sizeof *e->tensor, eagle_emit_order);
        eagle_emit_header(e, &header, &used, finish);
    }
    if (e->error == 0) {
        eagle_emit_write(e, path, header, used);
    }
    free(header);
    return e->error;
}

static inline void eagle_emit_free(eagle_emit *e)
{
    int32_t i;

    for (i = 0; i < e->n_tensors; i++) {
        free(e->tensor[i].data);
    }
    free(e->tensor);
    free(e->token);
    free(e->source);
    free(e->round);
    free(e->logprob);
    free(e->extra);
    memset(e, 0, sizeof *e);
}

#ifdef __cplusplus
}
#endif
#endif
