/* SPDX-License-Identifier: MIT */
/* contexts.h - the strings that follow the first context, as a trie, and what plain decoding says
 * after each: its logits, one token at a time, and its law.
 *
 * A string is a number; 0 is the empty one. A prefix has a smaller number than what it begins. */
#ifndef EG_PROVE_CONTEXTS_H
#define EG_PROVE_CONTEXTS_H

#include "eagle/generate.h"
#include "eagle/session.h"
#include "prove/plain_law.h"

/* After one context. */
typedef struct {
    float *logits; /* [vocab]                                  */
    int32_t n;     /* tokens that have a probability           */
    int32_t *id;   /* [n] them, ascending                      */
    mpq_t *p;      /* [n] their probabilities                  */
} eg_plain;

typedef struct {
    int32_t parent;  /* -1: the empty string            */
    int32_t token;   /* the last one                    */
    int32_t length;  /* tokens                          */
    int32_t first;   /* a longer string, or -1          */
    int32_t next;    /* a string of the same parent, or -1 */
    eg_plain *plain; /* NULL until it is asked for      */
    char *hash;      /* of the state after it; NULL until it is asked for */
} eg_string;

typedef struct {
    eagle_session *plain;    /* no drafter */
    eagle_session *stepwise; /* with the drafter, fed one token at a time */
    eagle_sampling sampling;
    int32_t vocab;
    int32_t *root; /* [n_root] the tokens before all strings */
    int32_t n_root;
    int32_t *token; /* [room] scratch: a whole text */
    int32_t room;
    eg_string *at; /* [n] of cap */
    int32_t n;
    int32_t cap;
    mpq_t *p;                /* [vocab] scratch */
    eg_ranked *order;        /* [vocab] scratch */
    double softmax_distance; /* largest so far, see eagle_proof_softmax_distance() */
} eg_contexts;

/* What they are made of. */
typedef struct {
    const eagle_model *model;
    const eagle_drafter *drafter; /* of the states; NULL: none */
    const eagle_session_options *how;
    eagle_prompt root;
} eg_contexts_plan;

/* EAGLE_ENOMEM, and what a session fails with. Call eg_contexts_free() also after a failure. */
eagle_status eg_contexts_make(eg_contexts *out, const eg_contexts_plan *plan, eagle_error *err);
void eg_contexts_free(eg_contexts *c);

/* The string that is one token longer; *out its number. EAGLE_ENOMEM. */
eagle_status eg_contexts_child(int32_t *out, eg_contexts *c, int32_t at, int32_t token,
                               eagle_error *err);

/* All tokens, those of the first context included; *n receives how many. The array lives until the
 * next call. */
const int32_t *eg_contexts_text(int32_t *n, eg_contexts *c, int32_t at);

/* What plain decoding says after a string. Lives as long as `c`. */
eagle_status eg_contexts_plain(const eg_plain **out, eg_contexts *c, int32_t at, eagle_error *err);

/* The probability of `token` there; 0 for what has none. */
void eg_plain_of(mpq_t out, const eg_plain *plain, int32_t token);

/* The hash of the state that one token at a time leads to. */
eagle_status eg_contexts_hash(const char **out, eg_contexts *c, int32_t at, eagle_error *err);

#endif
