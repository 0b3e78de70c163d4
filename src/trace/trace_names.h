/* SPDX-License-Identifier: MIT */
/* trace_names.h - the names of a trace's tensors, and the order in which they were computed. */
#ifndef EG_TRACE_TRACE_NAMES_H
#define EG_TRACE_TRACE_NAMES_H

#include "eagle/model.h"
#include "eagle/probe.h"
#include "eagle/runtime.h"

#include <stdbool.h>
#include <stdint.h>

/* Parts of a round, in the order in which they happen; the prompt's two come before all rounds, the
 * sequence after them. */
typedef enum {
    EG_PART_PROMPT,         /* prompt/[L/]SITE           */
    EG_PART_PROMPT_REFRESH, /* prompt/refresh/SITE       */
    EG_PART_DRAFT,          /* round/R/draft/S/SITE      */
    EG_PART_TREE,           /* round/R/tree.*, draft.prob */
    EG_PART_TARGET,         /* round/R/[L/]SITE          */
    EG_PART_DRAW,           /* round/R/draw.*            */
    EG_PART_PATH,           /* round/R/path.*            */
    EG_PART_REFRESH,        /* round/R/refresh/SITE      */
    EG_PART_SEQUENCE        /* seq.*                     */
} eg_trace_part;

/* Items of the parts that are not sites. */
enum { EG_TREE_TOKEN, EG_TREE_PARENT, EG_TREE_DEPTH, EG_TREE_POS, EG_TREE_VERIFY, EG_TREE_SCORE };
enum { EG_TREE_LAW = EG_TREE_SCORE + 1, EG_DRAFT_PROB };
enum { EG_PATH_TOKEN, EG_PATH_NODE, EG_PATH_ROW };
enum { EG_DRAW_KIND, EG_DRAW_PURPOSE, EG_DRAW_POS, EG_DRAW_INDEX, EG_DRAW_ANSWER };
enum { EG_DRAW_NUM = EG_DRAW_ANSWER + 1, EG_DRAW_DEN, EG_DRAW_COIN };
enum { EG_SEQ_TOKEN, EG_SEQ_SOURCE, EG_SEQ_ROUND, EG_SEQ_LOGPROB, EG_SEQ_TOP_TOKEN };
enum { EG_SEQ_TOP_LOGPROB = EG_SEQ_TOP_TOKEN + 1 };

/* Layers of EG_PART_PROMPT and EG_PART_TARGET that sort the sites of no layer. */
#define EG_LAYER_BEFORE (-1)
#define EG_LAYER_AFTER  INT32_MAX

typedef struct {
    eg_trace_part part;
    int32_t round; /* of the parts of a round, else 0      */
    int32_t pass;  /* of EG_PART_DRAFT, else 0             */
    int32_t layer; /* of the target's sites, else 0        */
    int32_t item;  /* an eagle_site, or one of those above */
} eg_trace_key;

#define EG_TRACE_NAME 64
typedef struct {
    char text[EG_TRACE_NAME];
} eg_trace_name;

/* The name of a key, and back: false for a name that this schema does not have, in this very
 * spelling. */
eg_trace_name eg_trace_name_of(const eg_trace_key *key);
bool eg_trace_parse_name(eg_trace_key *out, const char *name);

/* The last part of a tensor's name: "k_rope", "tree.token". */
const char *eg_trace_item(const eg_trace_key *key);

/* SHA-256 over the type's name, a blank, the shape as decimals with a blank after each, and bytes
 * that follow. */
void eg_trace_digest_begin(eagle_sha256 *sha, eagle_dtype dtype, int32_t rank,
                           const int64_t *shape);
#define EG_DIGEST_BYTES 32
void eg_trace_digest_end(unsigned char bytes[EG_DIGEST_BYTES], eagle_sha256 *sha);

/* In the order of the computation. */
int eg_trace_compare(const eg_trace_key *a, const eg_trace_key *b);

/* The lowest level that has the tensor. */
int32_t eg_trace_level_of(const eg_trace_key *key);

/* True when a digest has the tensor as it is. */
bool eg_trace_kept_in_digest(const eg_trace_key *key);

/* True for the parts whose items are sites. */
bool eg_trace_is_site(const eg_trace_key *key);

/* The layer that a site of the target is filed under: `layer`, or one of those that sort. */
int32_t eg_trace_layer_of(eagle_site site, int32_t layer);

#endif
