/* SPDX-License-Identifier: MIT */
/* float_rules.h - the accept rules as others compute them, in floating point.
 *
 * Ours are integers and round nothing (verify/node.h). These are what published programs do at a
 * node, operation by operation, so that one can replay their decisions from their numbers
 * (`eagle check --rule`) and compute the law that they really have (float_walk.h). Pure functions:
 * they know neither models nor files, and need no library.
 *
 *   plain               the papers: u < p, or u < p / q; a refused child is taken out and the rest
 *                       is divided by its sum; one coin along the running sums at the end
 *   safeailab           SafeAILab/EAGLE eagle/model/utils.py: evaluate_posterior
 *   transformers        huggingface/transformers src/transformers/generation/utils.py:
 *                       _speculative_sampling, and assisted decoding's own token test without q
 *   sglang-target-only  sgl-project/sglang sgl-kernel/csrc/speculative/speculative_sampling.cuh:
 *                       TreeSpeculativeSamplingTargetOnly
 *
 * docs/reference-differences.md says what each does. Where the published program leaves an order to
 * its library (a sum over the vocabulary), ours is by rising token id; a decision that hangs on
 * that is a near-tie. */
#ifndef EG_PROVE_FLOAT_RULES_H
#define EG_PROVE_FLOAT_RULES_H

#include "eagle/verify.h"

typedef enum {
    EG_RULE_PLAIN,
    EG_RULE_SAFEAILAB,
    EG_RULE_TRANSFORMERS,
    EG_RULE_SGLANG,
    EG_RULE_TYPICAL
} eg_float_rule_name;

typedef struct {
    eg_float_rule_name name;
    bool wide;               /* arithmetic in float64, else in float32                        */
    bool or_equal;           /* a child is accepted at u <= threshold, else at u < threshold  */
    int32_t bits;            /* a coin is k / 2^bits, k a whole number: 24 or 53 in practice  */
    double threshold_single; /* sglang: a child of this probability is always accepted        */
    double threshold_sum;    /* sglang: divides the siblings' sum. Below 1: lossy, both       */
    double typical_epsilon;  /* typical: float_typical.h                                      */
    double typical_delta;
} eg_float_rule;

/* The rule of that name as it is published: float32; `<` and 24 bits for plain, `<=` and 53
 * bits for safeailab (Python's random()), `<=` and 24 bits for transformers and sglang
 * (torch.rand). False for another name. */
bool eg_float_rule_named(eg_float_rule *out, const char *name);
const char *eg_float_rule_text(eg_float_rule_name name);

/* ---- coins ----------------------------------------------------------------------------------- */

/* What is asked of a coin u in [0, 1): is fl(u x scale) < bound (or <= bound)? u is rounded to the
 * rule's precision first, as a comparison with a float32 does. True up to some u, and false from
 * there on. */
typedef struct {
    double bound;
    double scale; /* 1: the coin as it is */
    bool or_equal;
    bool wide;
} eg_coin_test;

bool eg_coin_passes(const eg_coin_test *test, double coin);

typedef enum { EG_COIN_NO, EG_COIN_YES, EG_COIN_UNKNOWN } eg_coin_answer;

/* Where coins come from. A key (verify.h) names one coin, which may be asked more than once:
 *
 *   ACCEPT, pos, sibling     plain, safeailab, transformers with q
 *   ACCEPT, pos, 0           sglang: one coin for all siblings
 *   RESIDUAL, pos, 0         the token of a node whose children were all refused
 *   TARGET, pos, 0           the token of a node without children; transformers without q: of
 * any */
typedef struct {
    eg_coin_answer (*ask)(void *ctx, eagle_draw_key key, const eg_coin_test *test);
    void *ctx;
} eg_coins;

/* Coins that somebody wrote down. A key that is not among them is UNKNOWN. */
typedef struct {
    const eagle_draw_key *key; /* [n]                                                      */
    const double *coin;        /* [n] in [0, 1)                                            */
    int32_t n;
    /* Filled in as the coins are asked: the question that was decided most narrowly. */
    int32_t narrow; /* its place in the list; -1: none asked yet              */
    double margin;  /* |u x scale - bound| / scale there                      */
} eg_recorded_coins;

/* Coins bound to `list`, which must outlive them. */
eg_coins eg_recorded_coins_of(eg_recorded_coins *list);

/* ---- a node ---------------------------------------------------------------------------------- */

typedef struct {
    int32_t vocab;
    const double *p; /* [vocab] the target's probabilities, after temperature and filters      */
    const double *q; /* [vocab] the draft's, of which the children came; NULL: without chance  */
    const double *bonus;  /* [vocab] what safeailab draws from after a leaf: softmax without
                           * temperature and filters; NULL: p                                       */
    const int32_t *child; /* [n_child] different tokens, in the order of trial */
    int32_t n_child;
    int32_t pos; /* absolute position of the token that is decided */
} eg_float_node;

typedef enum {
    EG_CHOICE_MADE,
    EG_CHOICE_OPEN, /* a coin is unknown. token -1: the last one, the children are decided */
    EG_CHOICE_EMPTY /* no token has probability: the library below raises an error here    */
} eg_choice_state;

typedef struct {
    eg_choice_state state;
    int32_t hit;   /* place of the accepted child, or -1                                       */
    int32_t token; /* emitted, or -1                                                           */
    int32_t open;  /* OPEN: the place of the child that could not be decided; -1: the last draw */
} eg_float_choice;

/* The rule at one node; not typical, which looks at whole paths. transformers takes one child at
 * most and ignores others.
 *
 *   left   [2, vocab] scratch; row 0 is afterwards what the last draw, if one was made, was made
 *          from (not always normalised) */
eg_float_choice eg_float_rule_node(const eg_float_rule *rule, const eg_float_node *node,
                                   double *left, const eg_coins *coins);

/* ---- a tree ---------------------------------------------------------------------------------- */

typedef struct {
    const eagle_tree *tree;
    int32_t vocab;
    const double *p;     /* [n_verify, vocab]                                            */
    const double *q;     /* [n_verify, vocab]; NULL: all children chosen without chance  */
    const double *bonus; /* [n_verify, vocab]; NULL: p                                   */
} eg_float_tree;

/* Walks the tree under the rule, as eagle_verify() does under ours: accepted children, then one
 * token more, which is -1 where its coin is unknown. `path` is of eagle_path_create() with the
 * rejection mode, for the tree's nodes and vocabulary.
 *
 * *last says how the walk ended; OPEN with last->open >= 0: the path ends before that child.
 * EAGLE_EFORMAT as eagle_tree_check(); EAGLE_EFIT when path and tree do not fit or transformers
 * meets a node with two children; EAGLE_ENOMEM. */
eagle_status eg_float_rule_walk(eagle_path *path, eg_float_choice *last, const eg_float_rule *rule,
                                const eg_float_tree *in, const eg_coins *coins, eagle_error *err);

#endif
