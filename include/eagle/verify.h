/* SPDX-License-Identifier: MIT */
/* verify.h - which drafted tokens are kept, without changing the law of the output.
 *
 * Needs no model: an own tree, own logits and own draws suffice. All chance enters
 * through eagle_draws; a sampler sees neither a float uniform nor a generator. */
#ifndef EAGLE_VERIFY_H
#define EAGLE_VERIFY_H

#include "eagle/status.h"
#include "eagle/tree.h"

#include <stdbool.h>
#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* ---- chance --------------------------------------------------------------------- */

/* What a draw decides. The numbers are part of the random-number contract. */
typedef enum {
    EAGLE_DRAW_TARGET = 1,  /* a token from the target's law: plain, coupled, bonus */
    EAGLE_DRAW_DRAFT = 2,   /* a child from the draft's law                         */
    EAGLE_DRAW_ACCEPT = 3,  /* whether a child is accepted                          */
    EAGLE_DRAW_RESIDUAL = 4 /* a token after all children were refused              */
} eagle_draw_purpose;

/* "target", "draft", "accept", "residual"; "" for what is none of these numbers. */
EAGLE_API const char *eagle_draw_purpose_name(eagle_draw_purpose purpose);

/* Names one uniform number U in [0,1): the same key with the same weights has the same
 * answer, however often it is asked. `pos` is the absolute position of the token that
 * is decided; `index` is the sibling, or node x 8 + sibling for DRAFT; 0 <= index < 65536. */
typedef struct {
    eagle_draw_purpose purpose;
    int32_t pos;
    int32_t index;
} eagle_draw_key;

/* 320-bit unsigned integer, least significant limb first: weights of drawn children. */
typedef struct {
    uint64_t limb[5];
} eagle_wide;

/* Exact choices.
 *
 *   pick    returns i in [0, n) with probability w[i] / sum(w);  0 < sum(w) < 2^64
 *   accept  returns true with probability num / den;  num <= den, den > 0
 *
 * and the same two for wide weights, whose sums stay below 2^320. */
typedef struct {
    int32_t (*pick)(void *ctx, eagle_draw_key key, const uint64_t *w, int32_t n);
    bool (*accept)(void *ctx, eagle_draw_key key, uint64_t num, uint64_t den);
    int32_t (*pick_wide)(void *ctx, eagle_draw_key key, const eagle_wide *w, int32_t n);
    bool (*accept_wide)(void *ctx, eagle_draw_key key, const eagle_wide *num,
                        const eagle_wide *den);
    void *ctx;
} eagle_draws;

/* Philox4x32-10: key = seed, counter = (index x 2^16 + block, purpose, position, stream). */
typedef struct {
    uint64_t seed;
    uint32_t stream;
} eagle_philox;

/* Draws bound to `philox`, which must outlive them. */
EAGLE_API eagle_draws eagle_philox_draws(eagle_philox *philox);

/* ---- sampling ------------------------------------------------------------------- */

typedef enum {
    EAGLE_VERIFY_GREEDY,   /* temperature 0: accept the child that is the arg max        */
    EAGLE_VERIFY_COUPLED,  /* draw the target's own token; go on if it is a child        */
    EAGLE_VERIFY_REJECTION /* accept by ratio, sample from what is left                  */
} eagle_verify_mode;

/* "greedy", "coupled", "rejection"; "" for no mode. */
EAGLE_API const char *eagle_verify_mode_name(eagle_verify_mode mode);

/* A decimal such as 0.9, exactly: num / 10^places, places <= 18. */
typedef struct {
    uint64_t num;
    int32_t places;
} eagle_decimal;

/* Reads "0.9", "1", ".05". EAGLE_EINVAL for anything else: a sign, an exponent, more than 18
 * places, or a value above 1. */
EAGLE_API eagle_status eagle_decimal_parse(eagle_decimal *out, const char *text, eagle_error *err);

/* And back, without zeros at the end: "0.9". Returns `text`. 0 <= places <= 18. */
#define EAGLE_DECIMAL_TEXT 48
EAGLE_API const char *eagle_decimal_text(char text[EAGLE_DECIMAL_TEXT], eagle_decimal decimal);

/* num / 10^places as a double, within an ulp or so: for reports and bounds, never for a law. */
EAGLE_API double eagle_decimal_value(eagle_decimal decimal);

/* The target's law from its logits l, in order (docs/5-verification.md):
 * temperature, top-k, top-p, min-p. */
typedef struct {
    float temperature;      /* 0: greedy                                                  */
    int32_t top_k;          /* 0: off; keeps exactly k, by (logit desc, id asc)           */
    eagle_decimal top_p;    /* 1: off; smallest prefix of that order with mass >= top_p   */
    eagle_decimal min_p;    /* 0: off; keeps weights >= min_p x the largest               */
    eagle_verify_mode mode; /* must fit the temperature                                   */
} eagle_sampling;

/* Temperature 0, nothing filtered, greedy. */
EAGLE_API void eagle_sampling_defaults(eagle_sampling *out);

/* EAGLE_EINVAL, saying why, unless the fields are in range and the mode fits: greedy at
 * temperature 0 and only there; drawn children only in rejection mode. */
EAGLE_API eagle_status eagle_sampling_check(const eagle_sampling *sampling, bool drawn_children,
                                            eagle_error *err);

/* ---- verification --------------------------------------------------------------- */

/* What the target said of each node of a tree. A view. */
typedef struct {
    int32_t n;             /* rows                                                       */
    int32_t vocab;         /* at most 2^18                                               */
    int32_t dim;           /* of a feature                                               */
    const float *logits;   /* [n, vocab] row i: for the token after node i               */
    const float *features; /* [n, dim] hidden state before the LM head; NULL if unknown  */
    const int32_t *fault;  /* [n] 0: finite; else 1 + the first layer with a NaN or an
                            * infinity, layer n_layers meaning final norm or logits.
                            * NULL: verify looks at the logits itself                    */
    int32_t n_layers;      /* of the target, for messages about faults; 0: not known     */
} eagle_rows;

/* Where an emitted token came from. */
typedef enum {
    EAGLE_SOURCE_ACCEPTED, /* a child that was accepted                  */
    EAGLE_SOURCE_RESIDUAL, /* the node had children, none was accepted   */
    EAGLE_SOURCE_BONUS,    /* after an accepted leaf                     */
    EAGLE_SOURCE_PLAIN     /* the tree was its root alone                */
} eagle_source;

/* "accepted", "residual", "bonus", "plain"; "" for none of them. */
EAGLE_API const char *eagle_source_name(eagle_source source);

/* The outcome of one round: `n` tokens, of which n - 1 are accepted children. */
typedef struct {
    int32_t n;
    int32_t cap;
    int32_t *token;       /* [cap]                                                      */
    int32_t *node;        /* [cap] the token's node in the tree; -1 for the last token  */
    int32_t *row;         /* [cap] the node whose logits decided the token              */
    eagle_source *source; /* [cap]                                                      */
    void *space;          /* scratch of eagle_verify(), owned by the path               */
} eagle_path;

/* Makes a path for trees of up to `cap_nodes` nodes over `vocab` tokens (<= 2^18), with all
 * the scratch that eagle_verify() needs in `mode`. EAGLE_ENOMEM, EAGLE_EUNSUPPORTED (vocab),
 * EAGLE_EINVAL (cap_nodes outside [1, 65536], vocab < 1). Free with eagle_path_free(). */
EAGLE_API eagle_status eagle_path_create(eagle_path **out, int32_t cap_nodes, int32_t vocab,
                                         eagle_verify_mode mode, eagle_error *err);
EAGLE_API void eagle_path_free(eagle_path *path);

/* The signature of a rule: eagle_verify()'s own, or another that is put in its place. */
typedef eagle_status eagle_verify_fn(eagle_path *path, const eagle_tree *tree,
                                     const eagle_rows *rows, const eagle_sampling *sampling,
                                     const eagle_draws *draws, eagle_error *err);

/* A rule of one node whose children were chosen without chance, as rejection mode has it: returns
 * the token, and in *hit the place of the accepted child, or -1.
 *
 *   w      [vocab] the target's law as weights, 0 < sum < 2^64; may be changed
 *   child  [n_child] the proposed tokens, all different, in their order; n_child may be 0
 *   pos    absolute position of the token that is decided: the `pos` of its keys */
typedef int32_t eagle_node_rule_fn(int32_t *hit, uint64_t *w, int32_t vocab, const int32_t *child,
                                   int32_t n_child, int32_t pos, const eagle_draws *draws);

/* A node whose children were drawn from the draft's law q, one after the other, without
 * replacement. */
typedef struct {
    int32_t vocab;
    const uint64_t *p;    /* [vocab] the target's law, 0 < sum <= 2^63         */
    const uint64_t *q;    /* [vocab] the draft's law, sum < 2^64               */
    eagle_wide *left;     /* [vocab] scratch                                   */
    const int32_t *child; /* [n_child] in the order drawn, q > 0 for each      */
    int32_t n_child;      /* 1 to 4                                            */
    int32_t pos;          /* absolute position of the token that is decided    */
} eagle_drawn_node;

/* A rule of such a node. */
typedef int32_t eagle_drawn_rule_fn(int32_t *hit, const eagle_drawn_node *node,
                                    const eagle_draws *draws);

/* Walks `tree` from its root and writes the emitted tokens to `path`: accepted children, then
 * one token more. Pure: all chance comes from `draws`, which greedy mode does not ask (NULL
 * is allowed there). rows->n >= tree->n_verify.
 *
 * EAGLE_ENUMERIC when a row on the walked path is not finite; EAGLE_EFIT when rows, tree, path and
 * sampling do not belong together, when a node has more than 4 drawn children, or one that its
 * law cannot have given; and what eagle_tree_check() and eagle_sampling_check() refuse, as they
 * do. On failure path->n is 0. Never allocates. */
EAGLE_API eagle_status eagle_verify(eagle_path *path, const eagle_tree *tree,
                                    const eagle_rows *rows, const eagle_sampling *sampling,
                                    const eagle_draws *draws, eagle_error *err);

#ifdef __cplusplus
}
#endif
#endif
