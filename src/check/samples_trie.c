/* SPDX-License-Identifier: MIT */
/* samples_trie.c - continuations of one prompt as a token tree, scored in one pass, or in as many
 * as the session's room asks for.
 *
 * Continuations are sorted, so that those with a common beginning are neighbours. A node is a
 * context that tokens were drawn at: the prompt and the first d tokens of its continuations lo ..
 * hi. Nodes are in depth-first order, parents first. A pass takes the next nodes that there is room
 * for; what they need of their ancestors, up to the session's root, is computed again and not
 * judged. */
#include "base/alloc.h"
#include "base/error.h"
#include "check/samples.h"

#include <stdlib.h>
#include <string.h>

typedef struct {
    int32_t parent; /* node; -1: the prompt itself    */
    int32_t depth;  /* output tokens that it has seen */
    int32_t lo;     /* its continuations, in order    */
    int32_t hi;     /* past the last one              */
    int32_t place;  /* in the tree of this pass       */
    int32_t pass;   /* the last pass that it was in   */
} trie_node;

typedef struct {
    eagle_samples *s;
    eagle_session *session;
    const eagle_responses *responses;
    int32_t *sorted; /* [count] responses by prompt, then by output */
    trie_node *node; /* [n_nodes] of one prompt                     */
    int32_t n_nodes;
    int32_t cap;
    int32_t *at;        /* [longest] node of each depth on the current path */
    eagle_drawn *drawn; /* [count]                                          */
    eagle_tree *tree;
    int32_t room; /* nodes of a tree                                  */
    int32_t pass;
    int32_t chunk;
    int32_t root; /* node at the session's end; -1: none yet           */
    int64_t done;
    int64_t of;
} scoring;

static const eagle_response *response(const scoring *t, int32_t i)
{
    return eagle_responses_at(t->responses, t->sorted[i]);
}

/* ---- order ----------------------------------------------------------------------------------- */

typedef struct {
    const eagle_response *r;
    int32_t number;
} numbered;

static int compare_ids(const int32_t *a, int32_t n_a, const int32_t *b, int32_t n_b)
{
    for (int32_t i = 0; i < n_a && i < n_b; i++) {
        if (a[i] != b[i]) {
            return a[i] < b[i] ? -1 : 1;
        }
    }
    return (n_a > n_b) - (n_a < n_b);
}

static int by_prompt(const void *a, const void *b)
{
    const numbered *x = a;
    const numbered *y = b;
    int order = compare_ids(x->r->prompt, x->r->n_prompt, y->r->prompt, y->r->n_prompt);

    if (order == 0) {
        order = compare_ids(x->r->output, x->r->n_output, y->r->output, y->r->n_output);
    }
    return order != 0 ? order : (x->number > y->number) - (x->number < y->number);
}

static eagle_status sort(scoring *t, eagle_error *err)
{
    const int32_t n = eagle_responses_count(t->responses);
    numbered *all = eg_alloc((size_t)n, sizeof *all);

    t->sorted = eg_alloc((size_t)n, sizeof *t->sorted);
    t->drawn = eg_alloc((size_t)n, sizeof *t->drawn);
    if (all == NULL || t->sorted == NULL || t->drawn == NULL) {
        free(all);
        return eg_fail(err, EAGLE_ENOMEM, "no memory for %d continuations", n);
    }
    for (int32_t i = 0; i < n; i++) {
        all[i] = (numbered){eagle_responses_at(t->responses, i), i};
    }
    qsort(all, (size_t)n, sizeof *all, by_prompt);
    for (int32_t i = 0; i < n; i++) {
        t->sorted[i] = all[i].number;
    }
    free(all);
    return EAGLE_OK;
}

static bool same_prompt(const eagle_response *a, const eagle_response *b)
{
    return compare_ids(a->prompt, a->n_prompt, b->prompt, b->n_prompt) == 0;
}

static int32_t common(const int32_t *a, int32_t n_a, const int32_t *b, int32_t n_b)
{
    int32_t i = 0;

    while (i < n_a && i < n_b && a[i] == b[i]) {
        i++;
    }
    return i;
}

/* ---- the trie -------------------------------------------------------------------------------- */

static eagle_status add_node(scoring *t, int32_t depth, int32_t i, eagle_error *err)
{
    if (t->n_nodes == t->cap) {
        const int32_t cap = t->cap < INT32_MAX / 4 ? 2 * t->cap + 256 : INT32_MAX;
        trie_node *more = realloc(t->node, (size_t)cap * sizeof *more);

        if (more == NULL || t->cap == cap) {
            t->node = more != NULL ? more : t->node;
            return eg_fail(err, EAGLE_ENOMEM, "no memory for %d contexts", cap);
        }
        t->node = more;
        t->cap = cap;
    }
    t->at[depth] = t->n_nodes;
    t->node[t->n_nodes++] = (trie_node){
        .parent = depth > 0 ? t->at[depth - 1] : -1, .depth = depth, .lo = i, .hi = i + 1};
    return EAGLE_OK;
}

/* Contexts of the continuations sorted[begin .. end), which have one prompt. */
static eagle_status make_trie(scoring *t, int32_t begin, int32_t end, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    t->n_nodes = 0;
    for (int32_t i = begin; st == EAGLE_OK && i < end; i++) {
        const eagle_response *r = response(t, i);
        int32_t shared = 0; /* nodes that the continuation before it has too */

        if (i > begin) {
            const eagle_response *last = response(t, i - 1);

            shared = common(last->output, last->n_output, r->output, r->n_output) + 1;
            shared = shared < last->n_output ? shared : last->n_output;
            shared = shared < r->n_output ? shared : r->n_output;
        }
        for (int32_t d = 0; d < shared; d++) {
            t->node[t->at[d]].hi = i + 1;
        }
        for (int32_t d = shared; st == EAGLE_OK && d < r->n_output; d++) {
            st = add_node(t, d, i, err);
        }
    }
    return st;
}

/* The token that leads to a node. */
static int32_t token_of(const scoring *t, const trie_node *n)
{
    const eagle_response *r = response(t, n->lo);

    return n->depth > 0 ? r->output[n->depth - 1] : r->prompt[r->n_prompt - 1];
}

/* ---- passes ---------------------------------------------------------------------------------- */

static eagle_status feed(scoring *t, const int32_t *token, int32_t n, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    for (int32_t i = 0; st == EAGLE_OK && i < n; i += t->chunk) {
        st = eagle_session_feed(NULL, t->session, token + i, n - i < t->chunk ? n - i : t->chunk,
                                err);
    }
    return st;
}

/* Makes `node` the session's root: the last of its tokens, with all before it in the cache. That is
 * what a rewind leaves: so one token more is fed, whatever it is, and taken back. */
static eagle_status move_root(scoring *t, int32_t node, eagle_error *err)
{
    const trie_node *n = &t->node[node];
    const eagle_response *r = response(t, n->lo);
    const int32_t *held = eagle_session_tokens(t->session);
    const int32_t n_held = eagle_session_length(t->session);
    const int32_t length = r->n_prompt + n->depth;
    int32_t same = common(held, n_held, r->prompt, r->n_prompt);

    if (same == r->n_prompt) {
        same += common(held + same, n_held - same, r->output, n->depth);
    }
    t->root = node;
    eagle_status st = eagle_session_rewind(t->session, same, err);

    if (st != EAGLE_OK || same == length) {
        return st; /* after the last pass the session ended with a rewind too */
    }
    if (same < r->n_prompt) {
        st = feed(t, r->prompt + same, r->n_prompt - same, err);
        same = r->n_prompt;
    }
    if (st == EAGLE_OK && same < length) {
        st = feed(t, r->output + (same - r->n_prompt), length - same, err);
    }
    st = st == EAGLE_OK ? feed(t, r->prompt, 1, err) : st;
    return st == EAGLE_OK ? eagle_session_rewind(t->session, length, err) : st;
}

/* Is the session's root among a node's ancestors, or the node itself? */
static bool below_root(const scoring *t, int32_t node)
{
    while (node >= 0 && node > t->root) {
        node = t->node[node].parent;
    }
    return node >= 0 && node == t->root;
}

/* Nodes between a node and the root that this pass does not have yet, the node itself included. */
static int32_t missing(const scoring *t, int32_t node)
{
    int32_t n = 0;

    while (node != t->root && t->node[node].pass != t->pass) {
        node = t->node[node].parent;
        n++;
    }
    return n;
}

/* Adds a node behind its ancestors. */
static void place(scoring *t, int32_t node)
{
    while (t->node[node].pass != t->pass) {
        int32_t next = node; /* the topmost that is missing */

        while (t->node[t->node[next].parent].pass != t->pass) {
            next = t->node[next].parent;
        }
        trie_node *n = &t->node[next];

        n->place = eagle_tree_add(t->tree, t->node[n->parent].place, token_of(t, n), 0.0f);
        n->pass = t->pass;
    }
}

/* All tokens that were drawn at a node. */
static int32_t gather(scoring *t, const trie_node *n)
{
    int32_t count = 0;

    for (int32_t i = n->lo; i < n->hi; i++) {
        const eagle_response *r = response(t, i);

        t->drawn[count++] =
            (eagle_drawn){.token = r->output[n->depth],
                          .response = t->sorted[i],
                          .index = n->depth,
                          .source = r->source != NULL ? (int32_t)r->source[n->depth] : -1};
    }
    return count;
}

static eagle_status judge(scoring *t, const eagle_rows *rows, int32_t node, eagle_error *err)
{
    const trie_node *n = &t->node[node];
    const size_t vocab = (size_t)rows->vocab;
    const bool parent = n->parent >= 0 && t->node[n->parent].pass == t->pass;
    const float *before = parent ? rows->logits + (size_t)t->node[n->parent].place * vocab : NULL;
    const int32_t count = gather(t, n);
    const int32_t fault = rows->fault != NULL ? rows->fault[n->place] : 0;

    t->done += count;
    if (fault != 0) {
        char text[EG_FAULT_TEXT];

        return eg_fail(
            err, EAGLE_ENUMERIC, "continuation on line %d, output %d: a NaN or an infinity in %s",
            response(t, n->lo)->line, n->depth, eg_fault_text(text, fault, rows->n_layers));
    }
    return eagle_samples_add(t->s, rows->logits + (size_t)n->place * vocab, before, t->drawn, count,
                             err);
}

/* One pass over as many of the nodes from `first` on as there is room for; *next is the first that
 * was left out. */
static eagle_status run_pass(scoring *t, int32_t first, int32_t *next, eagle_error *err)
{
    trie_node *root = &t->node[t->root];
    const eagle_response *r = response(t, root->lo);
    eagle_rows rows;
    int32_t i = first;

    t->pass++;
    eagle_tree_reset(t->tree, token_of(t, root), r->n_prompt + root->depth - 1);
    root->place = 0;
    root->pass = t->pass;
    while (i < t->n_nodes && below_root(t, i) && t->tree->n_nodes + missing(t, i) <= t->room) {
        place(t, i++);
    }
    eagle_status st = eagle_session_score(&rows, t->session, t->tree, err);

    for (int32_t k = first; st == EAGLE_OK && k < i; k++) {
        st = judge(t, &rows, k, err);
    }
    *next = i;
    return st;
}

/* Where the root has to be for the next pass to have room: where it is, the prompt's end, or, for
 * what is deep, the node's parent, whose row is also that before the node's. */
static int32_t root_for(const scoring *t, int32_t node)
{
    const bool below = t->root >= 0 && below_root(t, node);
    const int32_t depth = t->node[node].depth - (below ? t->node[t->root].depth : 0);

    if (depth >= t->room / 2 && t->node[node].parent >= 0) {
        return t->node[node].parent;
    }
    return below ? t->root : 0;
}

static eagle_status score_prompt(scoring *t, eagle_samples_progress *progress, void *ctx,
                                 bool *stopped, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    t->root = -1;
    for (int32_t next = 0; st == EAGLE_OK && !*stopped && next < t->n_nodes;) {
        const int32_t root = root_for(t, next);

        st = root != t->root ? move_root(t, root, err) : EAGLE_OK;
        st = st == EAGLE_OK ? run_pass(t, next, &next, err) : st;
        *stopped = st == EAGLE_OK && progress != NULL && !progress(ctx, t->done, t->of);
    }
    return st;
}

/* ---- all of them ----------------------------------------------------------------------------- */

/* Positions of the longest continuation, and one more, that is fed and taken back. */
static eagle_status plan(eagle_session_options *how, scoring *t, const eagle_model *model,
                         int32_t *longest, eagle_error *err)
{
    const int32_t limit = how->ctx > 0 ? how->ctx : eagle_model_config(model)->context;
    int32_t need = 0;

    *longest = 0;
    for (int32_t i = 0; i < eagle_responses_count(t->responses); i++) {
        const eagle_response *r = eagle_responses_at(t->responses, i);
        const int32_t used = r->n_prompt + (r->n_output > 0 ? r->n_output - 1 : 0);

        if (used > limit) {
            return eg_fail(err, EAGLE_ELIMIT,
                           "continuation on line %d: %d tokens, the context has %d positions",
                           r->line, used, limit);
        }
        need = used > need ? used : need;
        *longest = r->n_output > *longest ? r->n_output : *longest;
        t->of += r->n_output;
    }
    how->ctx = need + 1;
    how->chunk = how->chunk < how->ctx ? how->chunk : how->ctx;
    how->max_nodes = how->max_nodes > 2 ? how->max_nodes : 2;
    eagle_sampling_defaults(&how->sampling);
    return EAGLE_OK;
}

eagle_status eg_samples_score(eagle_samples *s, const eagle_model *model,
                              const eagle_responses *responses,
                              const eagle_session_options *session,
                              eagle_samples_progress *progress, void *ctx, eagle_error *err)
{
    scoring t = {.s = s, .responses = responses};
    const int32_t count = eagle_responses_count(responses);
    eagle_session_options how = *session;
    int32_t longest = 0;
    bool stopped = false;
    eagle_status st = plan(&how, &t, model, &longest, err);

    t.chunk = how.chunk;
    t.room = how.max_nodes;
    st = st == EAGLE_OK ? sort(&t, err) : st;
    if (st == EAGLE_OK) {
        t.at = eg_alloc((size_t)longest, sizeof *t.at);
        st = t.at != NULL ? eagle_tree_create(&t.tree, t.room, err)
                          : eg_fail(err, EAGLE_ENOMEM, "no memory for %d positions", longest);
    }
    st = st == EAGLE_OK ? eagle_session_create(&t.session, model, NULL, &how, err) : st;
    for (int32_t begin = 0; st == EAGLE_OK && !stopped && begin < count;) {
        int32_t end = begin + 1;

        while (end < count && same_prompt(response(&t, begin), response(&t, end))) {
            end++;
        }
        st = make_trie(&t, begin, end, err);
        st = st == EAGLE_OK ? score_prompt(&t, progress, ctx, &stopped, err) : st;
        begin = end;
    }
    eagle_session_free(t.session);
    eagle_tree_free(t.tree);
    free(t.at);
    free(t.drawn);
    free(t.node);
    free(t.sorted);
    return st;
}
