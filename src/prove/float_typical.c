/* SPDX-License-Identifier: MIT */
/* float_typical.c - see float_typical.h. In float32 throughout. */
#include "prove/float_typical.h"

#include "base/alloc.h"
#include "base/error.h"
#include "kernels/mathf.h"

#include <math.h>
#include <stdlib.h>

/* What a node's children must exceed. */
static float threshold(const eg_float_rule *rule, const double *p, int32_t vocab)
{
    float entropy = 0.0f;

    for (int32_t i = 0; i < vocab; i++) {
        entropy -= (float)p[i] * eg_logf((float)p[i] + 1e-5f);
    }
    const float adaptive = (float)rule->typical_delta * eg_expf(-entropy);

    return fminf((float)rule->typical_epsilon, adaptive);
}

/* Scratch of a walk. */
typedef struct {
    float *score; /* [n] sum of log p from the root; NaN: a token of the path is not typical */
    double
        *left; /* [3, vocab]                                                                    */
} space;

static const double *row(const eg_float_tree *in, int32_t node)
{
    return in->p + (size_t)node * (size_t)in->vocab;
}

/* The node where the accepted path ends. */
static int32_t find_end(const space *s, const eg_float_rule *rule, const eg_float_tree *in)
{
    const eagle_tree *tree = in->tree;
    int32_t best = 0;

    s->score[0] = 0.0f;
    for (int32_t i = 1; i < tree->n_verify; i++) {
        const int32_t parent = tree->parent[i];
        const float p = (float)row(in, parent)[tree->token[i]];

        s->score[i] =
            p > threshold(rule, row(in, parent), in->vocab) ? s->score[parent] + eg_logf(p) : NAN;
        if (!isnan(s->score[i]) &&
            (tree->depth[i] > tree->depth[best] ||
             (tree->depth[i] == tree->depth[best] && s->score[i] > s->score[best]))) {
            best = i;
        }
    }
    return best;
}

/* A token of what is at least the threshold after `node`. */
static eg_float_choice draw(const space *s, const eg_float_rule *rule, const eg_float_tree *in,
                            int32_t node, const eg_coins *coins)
{
    const double *p = row(in, node);
    const float least = threshold(rule, p, in->vocab);
    double *kept = s->left + 2 * (size_t)in->vocab;
    eg_float_rule plain = *rule;
    float sum = 0.0f;

    plain.name = EG_RULE_PLAIN;
    plain.wide = false;
    for (int32_t i = 0; i < in->vocab; i++) {
        kept[i] = (float)p[i] < least ? 0.0 : (double)(float)p[i];
        sum += (float)kept[i];
    }
    for (int32_t i = 0; i < in->vocab; i++) {
        kept[i] = (double)((float)kept[i] / sum);
    }
    return eg_float_rule_node(&plain,
                              &(eg_float_node){.vocab = in->vocab,
                                               .p = kept,
                                               .pos = in->tree->pos + in->tree->depth[node] + 1},
                              s->left, coins);
}

static void fill(eagle_path *path, const eagle_tree *tree, int32_t end, int32_t token)
{
    const int32_t n = tree->depth[end];

    for (int32_t i = end; i > 0; i = tree->parent[i]) {
        const int32_t at = tree->depth[i] - 1;

        path->token[at] = tree->token[i];
        path->node[at] = i;
        path->row[at] = tree->parent[i];
        path->source[at] = EAGLE_SOURCE_ACCEPTED;
    }
    path->token[n] = token;
    path->node[n] = -1;
    path->row[n] = end;
    path->source[n] = eagle_tree_next_child(tree, end, 0) >= 0 ? EAGLE_SOURCE_RESIDUAL
                      : end > 0                                ? EAGLE_SOURCE_BONUS
                                                               : EAGLE_SOURCE_PLAIN;
    path->n = n + 1;
}

eagle_status eg_float_typical_walk(eagle_path *path, eg_float_choice *last,
                                   const eg_float_rule *rule, const eg_float_tree *in,
                                   const eg_coins *coins, eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    const space s = {.score = eg_alloc((size_t)in->tree->n_verify, sizeof *s.score),
                     .left = eg_alloc(3 * (size_t)in->vocab, sizeof *s.left)};

    if (s.score == NULL || s.left == NULL) {
        st = eg_fail(err, EAGLE_ENOMEM, "no memory to walk %d nodes over %d tokens",
                     in->tree->n_verify, in->vocab);
    } else {
        const int32_t end = find_end(&s, rule, in);

        *last = draw(&s, rule, in, end, coins);
        fill(path, in->tree, end, last->token);
    }
    free(s.score);
    free(s.left);
    return st;
}
