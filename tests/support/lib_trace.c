/* SPDX-License-Identifier: MIT */
/* lib_trace.c - a small trace with everything in it. */
#include "support/lib_trace.h"

#include "eagle/files.h"
#include "support/lib_scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char manifest[] =
    "{\"schema\":\"eagle.trace\",\"version\":\"1.0\",\"producer\":{\"name\":\"hand\",\"version\":"
    "\"1\"},"
    "\"contract\":\"\",\"dtype\":\"f32\",\"level\":4,\"digest\":false,\"vocab\":5,\"dim\":2,"
    "\"layers\":1,\"model\":null,\"head\":null,\"sampling\":{\"temperature\":\"0.5\",\"top_k\":3,"
    "\"top_p\":\"0.9\",\"min_p\":\"0\"},\"verify\":\"rejection\",\"children\":\"drawn\",\"rule\":"
    "\"\","
    "\"seed\":\"7\",\"tree\":\"by hand\",\"rounds\":2,\"finish\":\"length\"}";

static const int32_t token[] = {1, 2, 3, 4, 1, 2};
static const int32_t source[] = {0, 0, 4, 1, 1, 3};
static const int32_t rounds[] = {-1, -1, 0, 1, 1, 1};
static const float logprob[] = {-1.5f, -0.25f, -2.0f, -0.5f};
static const int32_t top_token[] = {3, 0, 4, 1, 2, 1, 2, 0};
static const float top_logprob[] = {-1.5f, -2, -0.25f, -3, -1, -2, -0.5f, -4};

static const int32_t node[] = {3, 4, 0, 1};
static const int32_t parent[] = {-1, 0, 0, 1};
static const int32_t depth[] = {0, 1, 1, 2};
static const int32_t pos[] = {2, 3, 3, 4};
static const int32_t verify[] = {4};
static const float score[] = {0, -0.5f, -1.5f, -1.25f};
static const int64_t law[20] = {4, 0, 0, 0, 7, 0, 5, 2};
static const float prob[20] = {0.5f, 0, 0, 0, 0.5f, 0, 1};
static const float logits[20] = {0.5f, -1, 2, 0.25f, 3, 1, 2, -3, 4, 5};
static const int32_t path_token[] = {4, 1, 2};
static const int32_t path_node[] = {1, 3, -1};
static const int32_t path_row[] = {0, 1, 3};
static const float site[16] = {1, 2, 3, 4, 5, 6, 7, 8};

static const int32_t kind[] = {1, 0};
static const int32_t purpose[] = {3, 1};
static const int32_t draw_pos[] = {3, 5};
static const int32_t index_of[] = {0, 0};
static const int32_t answer[] = {1, 2};
static const int64_t num[10] = {5, 0, 0, 0, 0, 1};
static const int64_t den[10] = {9, 0, 0, 0, 0, 4};
static const double coin[] = {0.25, 0.75};

static const int32_t zero[] = {0};
static const int32_t one[] = {1};
static const int32_t two[] = {2};
static const int32_t three[] = {3};
static const int32_t none[] = {-1};

void trace_put(trace_parts *parts, const char *name, eagle_dtype dtype, int64_t rows,
               int64_t columns, const void *data)
{
    int32_t i = 0;

    while (i < parts->n && strcmp(parts->tensor[i].name, name) != 0) {
        i++;
    }
    if (i == TRACE_MOST) {
        fprintf(stderr, "no room for %s\n", name);
        exit(1);
    }
    parts->n = i == parts->n ? i + 1 : parts->n;
    parts->tensor[i] = (eagle_tensor){.name = name,
                                      .dtype = dtype,
                                      .rank = columns > 0 ? 2 : 1,
                                      .shape = {rows, columns},
                                      .data = data,
                                      .size = (size_t)rows * (columns > 0 ? (size_t)columns : 1) *
                                              eagle_dtype_size(dtype)};
}

static const struct {
    const char *name;
    eagle_dtype dtype;
    int64_t rows;
    int64_t columns; /* 0: a list */
    const void *data;
} right[] = {
    {"seq.token", EAGLE_I32, 6, 0, token},
    {"seq.source", EAGLE_I32, 6, 0, source},
    {"seq.round", EAGLE_I32, 6, 0, rounds},
    {"seq.logprob", EAGLE_F32, 4, 0, logprob},
    {"seq.top_token", EAGLE_I32, 4, 2, top_token},
    {"seq.top_logprob", EAGLE_F32, 4, 2, top_logprob},
    {"prompt/embed", EAGLE_F32, 2, 2, site},
    {"prompt/0/q", EAGLE_F32, 2, 3, site},
    {"prompt/refresh/head_out", EAGLE_F32, 1, 2, site},
    {"round/0/tree.token", EAGLE_I32, 1, 0, two},
    {"round/0/tree.parent", EAGLE_I32, 1, 0, none},
    {"round/0/tree.depth", EAGLE_I32, 1, 0, zero},
    {"round/0/tree.pos", EAGLE_I32, 1, 0, one},
    {"round/0/tree.verify", EAGLE_I32, 1, 0, one},
    {"round/0/logits", EAGLE_F32, 1, 5, logits},
    {"round/0/path.token", EAGLE_I32, 1, 0, three},
    {"round/0/path.node", EAGLE_I32, 1, 0, none},
    {"round/0/path.row", EAGLE_I32, 1, 0, zero},
    {"round/1/draft/0/head_logits", EAGLE_F32, 1, 5, logits},
    {"round/1/draft/1/head_fused", EAGLE_F32, 2, 2, site},
    {"round/1/draft/1/act", EAGLE_F32, 2, 4, site},
    {"round/1/tree.token", EAGLE_I32, 4, 0, node},
    {"round/1/tree.parent", EAGLE_I32, 4, 0, parent},
    {"round/1/tree.depth", EAGLE_I32, 4, 0, depth},
    {"round/1/tree.pos", EAGLE_I32, 4, 0, pos},
    {"round/1/tree.verify", EAGLE_I32, 1, 0, verify},
    {"round/1/tree.score", EAGLE_F32, 4, 0, score},
    {"round/1/tree.law", EAGLE_I64, 4, 5, law},
    {"round/1/draft.prob", EAGLE_F32, 4, 5, prob},
    {"round/1/0/k_rope", EAGLE_F32, 4, 3, site},
    {"round/1/0/resid_mlp", EAGLE_F32, 4, 2, site},
    {"round/1/feature", EAGLE_F32, 4, 2, site},
    {"round/1/logits", EAGLE_F32, 4, 5, logits},
    {"round/1/path.token", EAGLE_I32, 3, 0, path_token},
    {"round/1/path.node", EAGLE_I32, 3, 0, path_node},
    {"round/1/path.row", EAGLE_I32, 3, 0, path_row},
    {"round/1/draw.kind", EAGLE_I32, 2, 0, kind},
    {"round/1/draw.purpose", EAGLE_I32, 2, 0, purpose},
    {"round/1/draw.pos", EAGLE_I32, 2, 0, draw_pos},
    {"round/1/draw.index", EAGLE_I32, 2, 0, index_of},
    {"round/1/draw.answer", EAGLE_I32, 2, 0, answer},
    {"round/1/draw.num", EAGLE_I64, 2, 5, num},
    {"round/1/draw.den", EAGLE_I64, 2, 5, den},
    {"round/1/draw.coin", EAGLE_F64, 2, 0, coin},
    {"round/1/refresh/head_out", EAGLE_F32, 3, 2, site},
};

void trace_right(trace_parts *out)
{
    *out = (trace_parts){.n = 0};
    memcpy(out->manifest, manifest, sizeof manifest);
    for (size_t i = 0; i < sizeof right / sizeof right[0]; i++) {
        trace_put(out, right[i].name, right[i].dtype, right[i].rows, right[i].columns,
                  right[i].data);
    }
}

void trace_right_digest(trace_parts *out)
{
    static const unsigned char digest[32] = {1, 2, 3};

    trace_right(out);
    trace_say(out, "\"digest\":false", "\"digest\":true");
    for (int32_t i = 0; i < out->n; i++) {
        const char *name = out->tensor[i].name;

        if (strncmp(name, "seq.", 4) != 0 && strstr(name, "path.") == NULL &&
            (strstr(name, "tree.") == NULL || strstr(name, "score") || strstr(name, "law"))) {
            trace_put(out, name, EAGLE_U8, 32, 0, digest);
        }
    }
}

void trace_say(trace_parts *parts, const char *piece, const char *by)
{
    char *at = strstr(parts->manifest, piece);
    char rest[sizeof parts->manifest];

    if (at == NULL || strlen(parts->manifest) + strlen(by) >= sizeof rest) {
        fprintf(stderr, "the manifest has no %s\n", piece);
        exit(1);
    }
    strcpy(rest, at + strlen(piece));
    strcpy(at, by);
    strcat(at, rest);
}

eagle_tensor *trace_part(trace_parts *parts, const char *name)
{
    for (int32_t i = 0; i < parts->n; i++) {
        if (strcmp(parts->tensor[i].name, name) == 0) {
            return &parts->tensor[i];
        }
    }
    fprintf(stderr, "no tensor %s\n", name);
    exit(1);
}

void trace_drop(trace_parts *parts, const char *name)
{
    *trace_part(parts, name) = parts->tensor[--parts->n];
}

/* The manifest is a text inside a text: its quotes are escaped once more. */
void trace_write(const trace_parts *parts, const char *dir, const char *name)
{
    char metadata[2 * sizeof parts->manifest + 64];
    char path[SCRATCH_PATH];
    char *at = metadata + sprintf(metadata, "{\"eagle.trace\":\"");
    eagle_error err = {0};

    for (const char *c = parts->manifest; *c != '\0'; c++) {
        if (*c == '"' || *c == '\\') {
            *at++ = '\\';
        }
        *at++ = *c;
    }
    strcpy(at, "\"}");
    scratch_join(path, dir, name);
    if (eagle_tensors_write(path, parts->tensor, parts->n, metadata, &err) != EAGLE_OK) {
        fprintf(stderr, "%s\n", err.message);
        exit(1);
    }
}
