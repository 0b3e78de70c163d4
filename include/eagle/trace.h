/* SPDX-License-Identifier: MIT */
/* trace.h - a run that was written down, by us or by somebody else (docs/trace-format.md).
 *
 * A trace that opens is well-formed: every tensor of its level is there with the type and shape
 * that the manifest asks for; tokens lie in the vocabulary; trees are trees whose parents come
 * before their children; a round's path leads from the root down; the tokens of the sequence
 * are those of the paths. Whether the run was *right* is not looked at: positions, equal
 * siblings, the root's token, logits and draws may hold anything.
 *
 * A trace is immutable: any number of threads may read it. What its calls return belongs to it, and
 * lives until eagle_trace_free(). A recorder is used from one thread at a time, the one that drives
 * the generation. */
#ifndef EAGLE_TRACE_H
#define EAGLE_TRACE_H

#include "eagle/generate.h"
#include "eagle/model.h"
#include "eagle/probe.h"
#include "eagle/status.h"
#include "eagle/tree.h"
#include "eagle/verify.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

#define EAGLE_TRACE_VERSION "1.0"

typedef struct eagle_trace eagle_trace; /* opaque */

/* Opens and checks a file. EAGLE_EREAD; EAGLE_EFORMAT, naming the tensor or key; EAGLE_EUNSUPPORTED
 * for a newer major version, or data that are not aligned to their elements; EAGLE_ENOMEM. Free
 * with eagle_trace_free(), which accepts NULL. */
EAGLE_API eagle_status eagle_trace_open(eagle_trace **out, const char *path, eagle_error *err);
EAGLE_API void eagle_trace_free(eagle_trace *trace);

/* ---- the manifest ------------------------------------------------------------------ */

/* Texts are never NULL; "" is what the producer did not say. */
typedef struct {
    const char *producer;
    const char *producer_version;
    const char *contract;
    const char *dtype; /* of the producer's activations: "f32", "bf16", "f16" */
    int32_t level;     /* 0 to 4                                              */
    bool digest;       /* SHA-256 in place of the larger tensors              */
    int32_t vocab;
    int32_t dim;       /* 0: not said */
    int32_t layers;    /* 0: not said */
    const char *model; /* SHA-256 as hexadecimal digits */
    const char *head;
    const char *temperature; /* decimals as texts */
    int32_t top_k;
    const char *top_p;
    const char *min_p;
    const char *verify;   /* "greedy", "coupled", "rejection", "other" */
    const char *children; /* "topk", "drawn"                           */
    const char *rule;
    const char *seed;
    const char *tree;
    int32_t rounds;      /* the prefill's included                           */
    int32_t first_round; /* rounds [first_round, end_round) have their trees, if the level is 2
                          * or more                                          */
    int32_t end_round;
    const char *finish; /* "length", "stop", "interrupted" */
} eagle_trace_manifest;

EAGLE_API const eagle_trace_manifest *eagle_trace_info(const eagle_trace *trace);

/* The sampling that the manifest names. EAGLE_EUNSUPPORTED when it does not name all of it, or
 * verification is "other"; EAGLE_EFORMAT when what it says is no sampling. */
EAGLE_API eagle_status eagle_trace_sampling(eagle_sampling *out, const eagle_trace *trace,
                                            eagle_error *err);

/* The seed; false when it is not known. */
EAGLE_API bool eagle_trace_seed(uint64_t *out, const eagle_trace *trace);

/* ---- tokens ------------------------------------------------------------------------- */

/* Values of `source`: from ACCEPTED on 1 + an eagle_source, which has the names. */
typedef enum {
    EAGLE_TRACE_UNKNOWN = -1,
    EAGLE_TRACE_PROMPT = 0,
    EAGLE_TRACE_ACCEPTED = 1,
    EAGLE_TRACE_RESIDUAL = 2,
    EAGLE_TRACE_BONUS = 3,
    EAGLE_TRACE_PLAIN = 4
} eagle_trace_source;

typedef struct {
    int32_t n_prompt;         /* >= 1                                                      */
    int32_t n;                /* prompt and output                                         */
    const int32_t *token;     /* [n]                                                       */
    const int32_t *source;    /* [n] eagle_trace_source                                    */
    const int32_t *round;     /* [n] -1 for the prompt; NULL: not said, below level 2 only */
    const float *logprob;     /* [n - n_prompt] no NaN; NULL below level 1                 */
    int32_t n_top;            /* most likely tokens that are given; 0: none                */
    const int32_t *top_token; /* [n - n_prompt, n_top]                                     */
    const float *top_logprob; /* [n - n_prompt, n_top] no NaN                              */
} eagle_trace_tokens;

EAGLE_API const eagle_trace_tokens *eagle_trace_sequence(const eagle_trace *trace);

/* ---- rounds ------------------------------------------------------------------------- */

/* Draws in the order asked; arrays are NULL when there are none. A level 2 trace may have them
 * too. */
typedef struct {
    int32_t n;
    const int32_t *kind;    /* [n] 0: pick, 1: accept                                       */
    const int32_t *purpose; /* [n] eagle_draw_purpose                                       */
    const int32_t *pos;     /* [n]                                                          */
    const int32_t *index;   /* [n]                                                          */
    const int32_t *answer;  /* [n] pick: in [0, vocab); accept: 0 or 1                      */
    const eagle_wide *num;  /* [n] NULL: not said; as all of a producer's numbers unchecked */
    const eagle_wide *den;  /* [n]                                                          */
    const double *coin;     /* [n] in [0, 1]; NULL: not said                                */
} eagle_trace_draws;

typedef struct {
    eagle_tree tree;    /* not to be written to; its `pos` is the root's, `score` and `law` may
                         * be NULL; a law of zeros is NULL                                 */
    const int32_t *pos; /* [tree.n_nodes] as the producer gave them                        */
    int32_t n_path;     /* emitted tokens, before the output was cut                       */
    const int32_t *path_token;      /* [n_path]                                            */
    const int32_t *path_node;       /* [n_path] -1 for the last                            */
    const int32_t *path_row;        /* [n_path] the node whose logits decided              */
    int32_t first;                  /* place in the sequence of path_token[0]              */
    int32_t n_taken;                /* of the path that are in the sequence                */
    const eagle_tensor *logits;     /* [n_nodes, vocab] F32, BF16 or F16; NULL in a digest */
    const eagle_tensor *draft_prob; /* [n_nodes, vocab] F32; NULL: none                    */
    eagle_trace_draws draws;
} eagle_trace_round;

/* Round r, first_round <= r < end_round of a trace of level 2 or more; NULL for others. */
EAGLE_API const eagle_trace_round *eagle_trace_round_at(const eagle_trace *trace, int32_t r);

/* ---- sites and tensors -------------------------------------------------------------- */

/* Which rows a site was recorded of. */
typedef enum {
    EAGLE_TRACE_OF_PROMPT,        /* the target's, [n_prompt]                                     */
    EAGLE_TRACE_OF_ROUND,         /* the target's, [n_nodes]                                      */
    EAGLE_TRACE_OF_DRAFT,         /* the head's pass number `pass` of a draft                     */
    EAGLE_TRACE_OF_REFRESH,       /* the head's, of the tokens emitted in a round, [n_path]       */
    EAGLE_TRACE_OF_PROMPT_REFRESH /* the head's, of the prompt from its second token on    */
} eagle_trace_rows;

typedef struct {
    eagle_trace_rows of;
    int32_t round; /* not looked at for the prompt             */
    int32_t pass;  /* of a draft, else not looked at           */
    int32_t layer; /* of a site of the target's layers, likewise */
    eagle_site site;
} eagle_trace_place;

/* What was recorded there; NULL: nothing. In a digest its data are U8 [32]. */
EAGLE_API const eagle_tensor *eagle_trace_site(const eagle_trace *trace, eagle_trace_place place);

/* A tensor by its name in the file; NULL: none of that name. */
EAGLE_API const eagle_tensor *eagle_trace_tensor(const eagle_trace *trace, const char *name);

/* All tensors in the order of the computation: the prompt, then round for round the draft, the
 * tree, the target's sites and logits, draws, path, refresh; the sequence last. Index from 0; NULL
 * past the end. */
EAGLE_API const eagle_tensor *eagle_trace_tensor_at(const eagle_trace *trace, int32_t i);

/* Widens elements [first, first + n) of an F32, BF16 or F16 tensor. The range lies inside. */
EAGLE_API void eagle_trace_floats(float *out, const eagle_tensor *tensor, int64_t first, int64_t n);

/* ---- comparing ---------------------------------------------------------------------- */

typedef enum {
    EAGLE_TRACE_SAME,
    EAGLE_TRACE_MISSING, /* one of them has no such tensor                    */
    EAGLE_TRACE_SHAPE,   /* or another shape or type                          */
    EAGLE_TRACE_DIGEST,  /* digests differ, or the digest of what the other has */
    EAGLE_TRACE_VALUE    /* an element differs in its bits                    */
} eagle_trace_outcome;

/* The first tensor, in the order of the computation, that differs. */
typedef struct {
    eagle_trace_outcome outcome;
    const char *name;      /* NULL when nothing differs                         */
    const eagle_tensor *a; /* NULL: missing                                     */
    const eagle_tensor *b;
    int64_t row;    /* of the first element that differs: of a round's tensors, the node */
    int64_t column; /* 0 for tensors of rank 1                                  */
    uint64_t bits[2];
    double value[2];
    uint64_t ulps; /* representable numbers from one to the other; integers: their
                    * difference                                               */
} eagle_trace_difference;

/* How often tensors of one kind, all `k_rope` say, were compared and differed. Elements are not
 * counted in digests. */
typedef struct {
    const char *item;
    int64_t tensors;
    int64_t different;
    int64_t elements;
    int64_t elements_different;
    uint64_t most_ulps;
} eagle_trace_count;

#define EAGLE_TRACE_MOST_ITEMS 48
typedef struct {
    eagle_trace_difference first;
    int64_t tensors; /* of both together                    */
    int64_t different;
    eagle_trace_count count[EAGLE_TRACE_MOST_ITEMS]; /* [n_counts] in order of appearance */
    int32_t n_counts;
} eagle_trace_comparison;

/* Compares all tensors of two traces, whose names and tensors *out points to afterwards; their
 * manifests are not looked at. A digest is compared with a full trace by digesting its tensors. */
EAGLE_API void eagle_trace_compare(eagle_trace_comparison *out, const eagle_trace *a,
                                   const eagle_trace *b);

/* ---- recording ---------------------------------------------------------------------- */

/* What is written down. */
typedef struct {
    int32_t level;
    int32_t top;         /* from level 1 on: most likely tokens of each row; 0: none     */
    bool digest;         /* from level 2 on                                              */
    int32_t first_round; /* of rounds [first_round, end_round): the prompt's sites belong to
                          * round 0                                                      */
    int32_t end_round;
    int32_t first_layer; /* of layers [first_layer, end_layer) of the target             */
    int32_t end_layer;
    uint32_t sites; /* from level 3 on: bits 1 << eagle_site                             */
    bool lines;     /* levels 0 and 1: a line of JSON in place of tensors                */
} eagle_trace_options;

/* All that the level has: 5 most likely tokens, all rounds and layers. */
EAGLE_API void eagle_trace_defaults(eagle_trace_options *opt, int32_t level);

/* A generation that is written down:
 *
 *     eagle_generation_start(&g, session, prompt, ...)
 *     eagle_recorder_create(&recorder, &g, path, opt, err)
 *     while (g.finish == EAGLE_FINISH_NOT_YET)
 *         eagle_recorder_next(recorder, err)        in place of eagle_generation_next()
 *         while (eagle_generation_take(&g))
 *             ...
 *     eagle_recorder_finish(recorder, err)
 *     eagle_recorder_free(recorder)
 *
 * What is generated is the same in every bit. What is recorded depends on model, head, options of
 * the session and prompt, but not on chunk, threads or instruction set. Tensors wait in a file
 * beside `path` until the end, so that memory holds their names alone. */
typedef struct eagle_recorder eagle_recorder; /* opaque */

/* Begins to record a generation that has just been started; generation and session are borrowed,
 * and the recorder takes the place of the session's probe and draws. EAGLE_EINVAL: an option is out
 * of range; EAGLE_EWRITE, EAGLE_ENOMEM. */
EAGLE_API eagle_status eagle_recorder_create(eagle_recorder **out, eagle_generation *g,
                                             const char *path, const eagle_trace_options *opt,
                                             eagle_error *err);

/* Also after a failure. The session has its own draws again, and no probe. NULL is allowed. */
EAGLE_API void eagle_recorder_free(eagle_recorder *recorder);

/* As eagle_generation_next(); besides EAGLE_EWRITE and EAGLE_ENOMEM. */
EAGLE_API eagle_status eagle_recorder_next(eagle_recorder *recorder, eagle_error *err);

/* Writes the file: whole, or not at all. EAGLE_EINVAL when no round was in the range of options;
 * EAGLE_EWRITE, EAGLE_ENOMEM. */
EAGLE_API eagle_status eagle_recorder_finish(eagle_recorder *recorder, eagle_error *err);

/* An upper bound of the memory that recording up to `max_tokens` takes besides the session, in
 * bytes. */
EAGLE_API uint64_t eagle_recorder_bill(const eagle_model *model, const eagle_drafter *drafter,
                                       const eagle_trace_options *opt, int32_t n_prompt,
                                       int32_t max_tokens);

#ifdef __cplusplus
}
#endif
#endif
