/* SPDX-License-Identifier: MIT */
/* states.c - see states.h. */
#include "prove/states.h"

#include "base/alloc.h"
#include "base/error.h"
#include "tree/tree.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    eg_finding *f;
    eg_subject *s;
    int32_t *node;   /* [max_nodes] a path of nodes                      */
    int32_t *string; /* [max_nodes] the string that each node's path is  */
} agreement;

/* The first thing that is wrong ends the level. */
static eagle_status differ(agreement *a, int32_t at, const char *what, eagle_error *err)
{
    int32_t n = 0;
    const int32_t *text = eg_contexts_text(&n, &a->s->contexts, at);
    int used = snprintf(a->f->reason, sizeof a->f->reason, "%s after", what);

    (void)err;
    for (int32_t i = 0; i < n && used > 0 && (size_t)used < sizeof a->f->reason - 16; i++) {
        used += snprintf(a->f->reason + used, sizeof a->f->reason - (size_t)used, " %d", text[i]);
    }
    return EAGLE_OK;
}

/* Which string each node's path is. */
static eagle_status name_nodes(agreement *a, const eagle_tree *tree, int32_t at, eagle_error *err)
{
    eagle_status st = EAGLE_OK;

    a->string[0] = at;
    for (int32_t i = 1; st == EAGLE_OK && i < tree->n_nodes; i++) {
        st = eg_contexts_child(&a->string[i], &a->s->contexts, a->string[tree->parent[i]],
                               tree->token[i], err);
    }
    return st;
}

static eagle_status compare_rows(agreement *a, const eagle_tree *tree, const eagle_rows *rows,
                                 eagle_error *err)
{
    const size_t vocab = (size_t)rows->vocab;
    eagle_status st = EAGLE_OK;

    for (int32_t i = 0; st == EAGLE_OK && i < tree->n_nodes && a->f->reason[0] == '\0'; i++) {
        const eg_plain *plain = NULL;

        st = eg_contexts_plain(&plain, &a->s->contexts, a->string[i], err);
        a->f->count.rows++;
        a->f->count.compared += 32 * (int64_t)vocab;
        if (st == EAGLE_OK &&
            memcmp(plain->logits, rows->logits + (size_t)i * vocab, vocab * sizeof(float)) != 0) {
            st = differ(a, a->string[i], "a node's logits are not those of one token at a time",
                        err);
        }
    }
    return st;
}

/* Commits the path to `node` and `token`, and compares the state with that of its string. */
static eagle_status compare_state(agreement *a, const eagle_tree *tree, int32_t node, int32_t token,
                                  eagle_error *err)
{
    eg_subject *s = a->s;
    eagle_path *path = s->path;
    const int32_t n = eg_tree_path(a->node, tree, node);
    const char *want = NULL;
    int32_t after = 0;
    char got[65];

    for (int32_t i = 0; i < n; i++) {
        path->node[i] = i + 1 < n ? a->node[i + 1] : -1;
        path->token[i] = i + 1 < n ? tree->token[a->node[i + 1]] : token;
        path->row[i] = a->node[i];
        path->source[i] = i + 1 < n ? EAGLE_SOURCE_ACCEPTED : EAGLE_SOURCE_BONUS;
    }
    path->n = n;
    eagle_status st = eg_contexts_child(&after, &s->contexts, a->string[node], token, err);

    if (st == EAGLE_OK) {
        st = eagle_session_commit(s->session, path, err);
    }
    if (st == EAGLE_OK) {
        st = eg_contexts_hash(&want, &s->contexts, after, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    eagle_session_hash(got, s->session);
    a->f->count.states++;
    return strcmp(got, want) == 0
               ? EAGLE_OK
               : differ(a, after, "the state is not that of one token at a time", err);
}

/* Drafts and scores, with the answers of this run. */
static eagle_status grow_tree(const eagle_tree **tree, eagle_rows *rows, agreement *a,
                              eagle_error *err)
{
    const eagle_draws draws = eg_enumeration_draws(a->s->all);
    eagle_status st = eagle_session_draft(tree, a->s->session, &draws, err);

    return st == EAGLE_OK ? eagle_session_score(rows, a->s->session, *tree, err) : st;
}

/* The least likely token that plain sampling can take after a node. */
static eagle_status find_token(int32_t *token, agreement *a, int32_t node, eagle_error *err)
{
    const eg_plain *plain = NULL;
    int32_t last = 0;
    eagle_status st = eg_contexts_plain(&plain, &a->s->contexts, a->string[node], err);

    for (int32_t k = 0; st == EAGLE_OK && k < plain->n; k++) {
        last = mpq_cmp(plain->p[k], plain->p[last]) < 0 ? k : last;
    }
    *token = st == EAGLE_OK ? plain->id[last] : 0;
    return st;
}

/* Every path of one tree, each followed by the least likely token that plain sampling can take. */
static eagle_status check_tree(agreement *a, int32_t at, eagle_error *err)
{
    const eagle_tree *tree = NULL;
    eagle_rows rows = {0};
    eagle_status st = grow_tree(&tree, &rows, a, err);

    if (st == EAGLE_OK) {
        st = name_nodes(a, tree, at, err);
    }
    if (st == EAGLE_OK) {
        st = compare_rows(a, tree, &rows, err);
    }
    a->f->count.trees++;
    for (int32_t i = 0; st == EAGLE_OK && i < tree->n_verify && a->f->reason[0] == '\0'; i++) {
        int32_t token = 0;

        st = find_token(&token, a, i, err);
        if (st == EAGLE_OK) {
            st = compare_state(a, tree, i, token, err);
        }
        if (st == EAGLE_OK) {
            st = eg_subject_place(a->s, at, err);
        }
        if (st == EAGLE_OK) {
            st = grow_tree(&tree, &rows, a, err); /* the commit has taken the other */
        }
    }
    return st;
}

/* The round after a feed of the whole context at once, as after a prompt: a root alone. */
static eagle_status check_feed(agreement *a, int32_t at, eagle_error *err)
{
    eg_subject *s = a->s;
    const eagle_tree *tree = NULL;
    eagle_rows rows = {0};
    int32_t token = 0;
    int32_t n = 0;
    const int32_t *text = eg_contexts_text(&n, &s->contexts, at);
    eagle_status st = eagle_session_rewind(s->session, 0, err);

    if (st == EAGLE_OK) {
        st = eagle_session_feed(NULL, s->session, text, n, err);
    }
    eg_enumeration_reset(s->all);
    if (st == EAGLE_OK) {
        st = grow_tree(&tree, &rows, a, err);
    }
    if (st == EAGLE_OK) {
        st = name_nodes(a, tree, at, err);
    }
    if (st == EAGLE_OK) {
        st = compare_rows(a, tree, &rows, err);
    }
    if (st == EAGLE_OK) {
        st = find_token(&token, a, 0, err);
    }
    return st == EAGLE_OK && a->f->reason[0] == '\0' ? compare_state(a, tree, 0, token, err) : st;
}

/* Every tree after one context, then the contexts that are a token longer. */
static eagle_status visit(agreement *a, int32_t at, eagle_error *err)
{
    eg_subject *s = a->s;
    const eg_plain *plain = NULL;
    eagle_status st = eg_subject_place(s, at, err);
    int32_t next = 0;

    eg_enumeration_reset(s->all);
    while (st == EAGLE_OK && a->f->reason[0] == '\0' && eg_subject_count(s)) {
        st = check_tree(a, at, err);
        if (!eg_enumeration_next(s->all)) {
            break;
        }
    }
    if (st == EAGLE_OK) {
        st = eg_enumeration_fault(s->all, err);
    }
    if (st != EAGLE_OK || s->stopped != NULL || a->f->reason[0] != '\0') {
        return st;
    }
    a->f->count.contexts++;
    st = check_feed(a, at, err);
    if (st != EAGLE_OK || a->f->reason[0] != '\0' ||
        s->contexts.at[at].length + 1 >= s->opt.length) {
        return st;
    }
    st = eg_contexts_plain(&plain, &s->contexts, at, err);
    for (int32_t i = 0; st == EAGLE_OK && i < plain->n; i++) {
        if (!eg_subject_ends(s, plain->id[i])) {
            st = eg_contexts_child(&next, &s->contexts, at, plain->id[i], err);
            st = st == EAGLE_OK ? visit(a, next, err) : st;
        }
    }
    return st;
}

eagle_status eg_states_agree(eg_finding *f, eg_subject *s, eagle_error *err)
{
    const size_t n = (size_t)s->how.max_nodes;
    agreement a = {.f = f, .s = s};
    eagle_status st = EAGLE_OK;

    a.node = eg_alloc(n, sizeof *a.node);
    a.string = eg_alloc(n, sizeof *a.string);
    if (a.node == NULL || a.string == NULL) {
        st =
            eg_fail(err, EAGLE_ENOMEM, "prove: no memory for a tree of %d nodes", s->how.max_nodes);
    }
    if (st == EAGLE_OK) {
        st = visit(&a, 0, err);
    }
    f->count.runs = s->runs;
    free(a.string);
    free(a.node);
    return st;
}
