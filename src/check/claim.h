/* SPDX-License-Identifier: MIT */
/* claim.h - what another implementation says of one of its runs, wherever that was written down.
 *
 * A trace, a line of a token list and a saved response all become a claim; the judges see nothing
 * else. What the source did not have is NULL or 0. A claim owns its memory: all of it is in one
 * arena. */
#ifndef EG_CHECK_CLAIM_H
#define EG_CHECK_CLAIM_H

#include "base/arena.h"
#include "eagle/model.h"
#include "eagle/probe.h"
#include "eagle/tree.h"
#include "eagle/verify.h"

/* One question to chance, and its answer. */
typedef struct {
    bool accept; /* else a pick */
    int32_t purpose;
    int32_t pos;
    int32_t index;
    int32_t answer;
    eagle_wide num;
    eagle_wide den;
} eg_claim_draw;

/* Values of one site in one pass of the target, rows as in the tree or in the prompt; or of the
 * head. */
typedef struct {
    eagle_site site;
    int32_t layer;              /* 0 where there is none    */
    int32_t pass;               /* of the head, else 0      */
    const eagle_tensor *tensor; /* [rows, dim] F32, F16 or BF16 */
} eg_claim_site;

typedef struct {
    int32_t first; /* position of path_token[0]: the root's and 1 */
    int32_t n_nodes;
    int32_t n_verify;
    const int32_t *token;       /* [n_nodes]                                        */
    const int32_t *parent;      /* [n_nodes]                                        */
    const int32_t *depth;       /* [n_nodes]                                        */
    const int32_t *pos;         /* [n_nodes] absolute position of the node's token  */
    const float *score;         /* [n_nodes], or NULL                               */
    const uint64_t **law;       /* [n_nodes] drawn children, NULL elsewhere; or NULL */
    const eagle_tensor *prob;   /* [n_nodes, vocab] float draft laws, or NULL    */
    const eagle_tensor *logits; /* [n_nodes, vocab], or NULL                    */
    int32_t n_path;
    const int32_t *path_token; /* [n_path]                                     */
    const int32_t *path_node;  /* [n_path] -1 for the last                     */
    const int32_t *path_row;   /* [n_path] node whose logits decided           */
    int32_t n_draws;
    const eg_claim_draw *draw; /* [n_draws], in the order asked                */
    bool weighed;              /* num and den are said                         */
    const double *coin;        /* [n_draws], or NULL                           */
    int32_t n_sites;
    const eg_claim_site *site; /* [n_sites]                                    */
    int32_t n_digests;
    const eg_claim_site *digests; /* [n_digests] of a trace of digests: U8 [32], logits too */
} eg_claim_round;

typedef struct {
    eg_arena arena;
    const char *name;     /* for messages: the file, or a line of it */
    const char *producer; /* "" when unknown                         */
    const char *contract; /* "" when it is not ours                  */
    eagle_dtype dtype;    /* of the producer's activations           */
    int32_t level;        /* 0 to 4                                  */
    int32_t vocab;
    int32_t dim;
    int32_t layers;
    bool has_sampling;       /* else the caller's options count      */
    eagle_sampling sampling; /* its mode too, if `mode_known`        */
    bool mode_known;
    bool drawn;       /* children, from the draft's law          */
    bool likeliest;   /* children were chosen without chance     */
    bool lossy;       /* it says so itself */
    const char *rule; /* "": the mode's own, in integers     */
    bool has_seed;
    uint64_t seed;

    int32_t n_prompt;
    int32_t n;                   /* tokens in all                                      */
    const int32_t *token;        /* [n]                                                */
    const int32_t *source;       /* [n] 0 prompt 1 accepted 2 residual 3 bonus 4 plain */
    const int32_t *round_of;     /* [n] -1 for the prompt                              */
    const float *logprob;        /* [n - n_prompt]                                     */
    int32_t n_top;               /* columns of the next two                            */
    const int32_t *top_token;    /* [n - n_prompt, n_top], -1: no entry                */
    const float *top_logprob;    /* [n - n_prompt, n_top]                              */
    int32_t first_round;         /* the number of round[0]; a trace may have some only */
    int32_t n_rounds;            /* 0 when its trees are unknown                       */
    const eg_claim_round *round; /* [n_rounds]                                         */
    int32_t n_sites;
    const eg_claim_site *site; /* [n_sites] of the prompt's rows                     */
    bool digest;               /* digests are in the place of values                 */
    int32_t n_digests;
    const eg_claim_site *digests; /* [n_digests] of the prompt's                     */
} eg_claim;

/* Row `row` of a tensor [rows, dim], widened to out [dim]. */
void eg_tensor_row(float *out, const eagle_tensor *tensor, int64_t row);

/* The site of that name among n; NULL: it was not recorded. */
const eg_claim_site *eg_claim_find(const eg_claim_site *site, int32_t n, eagle_site which,
                                   int32_t layer);

/* Frees what the claim owns, and the claim. NULL is allowed. */
void eg_claim_free(eg_claim *claim);

/* EAGLE_EFIT or EAGLE_EFORMAT, naming what, unless the claim can be judged at all with a target of
 * that configuration: token ids and sizes in range, every round a tree with its path inside it.
 * What is wrong with a run, but can be looked at, is left to the judges. */
eagle_status eg_claim_check(const eg_claim *claim, const eagle_config *config, eagle_error *err);

/* Where the token at position `pos` was decided: its round, as a place in claim->round, and its
 * step in that round's path; false when the trees do not say. */
typedef struct {
    int32_t round;
    int32_t step;
} eg_place;
bool eg_claim_place(eg_place *out, const eg_claim *claim, int32_t pos);

/* The position of the root of round[r]; claim->n when that is beyond the tokens. */
int32_t eg_claim_root(const eg_claim *claim, int32_t r);

#endif
