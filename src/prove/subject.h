/* SPDX-License-Identifier: MIT */
/* subject.h - what is proven, with what it takes to run it over every answer of the draws. */
#ifndef EG_PROVE_SUBJECT_H
#define EG_PROVE_SUBJECT_H

#include "eagle/prove.h"
#include "prove/contexts.h"
#include "prove/enumerate.h"
#include "prove/mass.h"

typedef struct {
    eagle_prove_task task; /* verify set, context filled in */
    eagle_prove_options opt;
    eagle_prove_progress *progress;
    void *progress_ctx;
    eagle_session_options how; /* of every session */
    eagle_session *session;    /* drafts, scores, commits */
    eagle_path *path;
    eg_enumeration *all;
    eg_contexts contexts;
    eagle_prove_level level; /* that is running            */
    int64_t runs;            /* of it                      */
    const char *stopped;     /* why it ended early, or NULL */
    int64_t trees;           /* drafted and scored         */
    int64_t repeated;        /* keys asked twice within a round */
    mpq_t weight;            /* scratch: of a run          */
    char refusal[512];       /* what the rule did that no rule may; "" nothing */
} eg_subject;

/* Opens the sessions. Call eg_subject_free() also after a failure. */
eagle_status eg_subject_make(eg_subject *out, const eagle_prove_task *task,
                             const eagle_prove_options *opt, eagle_error *err);
void eg_subject_free(eg_subject *s);

/* Begins a level: its counts are zero. */
void eg_subject_begin(eg_subject *s, eagle_prove_level level);

/* Counts a run. False when the level must end: the limit is reached or the caller gave up
 * (s->stopped says which). */
bool eg_subject_count(eg_subject *s);

/* Makes the session hold string `at`, its last token a root as after a round. */
eagle_status eg_subject_place(eg_subject *s, int32_t at, eagle_error *err);

/* Verifies by the rule, and sees that the path is one of the tree. What the rule does wrong goes to
 * s->refusal, and *ok is false. */
eagle_status eg_subject_verify(bool *ok, eg_subject *s, const eagle_tree *tree,
                               const eagle_rows *rows, const eagle_draws *draws, eagle_error *err);

/* After a run: a fault of the enumeration is one of the rule's, so that it goes to s->refusal. */
eagle_status eg_subject_fault(eg_subject *s, eagle_error *err);

/* Hears of one run of a round: its path is s->path, its probability s->weight. */
typedef eagle_status eg_round_run(void *ctx, eg_subject *s, eagle_error *err);

/* Runs one round after string `at` for every answer of the draws of draft and verification. What
 * was drafted and scored is kept as long as the draft's own draws keep their answers. Ends early
 * when s->stopped or s->refusal is set. */
eagle_status eg_subject_rounds(eg_subject *s, int32_t at, eg_round_run *run, void *ctx,
                               eagle_error *err);

/* The string that a run's path leads to from string `at`. */
eagle_status eg_subject_follow(int32_t *out, eg_subject *s, int32_t at, const eagle_path *path,
                               eagle_error *err);

/* Did a rule that rounds leave nothing to draw from? Its path ends then with a token of its own,
 * the vocabulary's size, after which nothing comes. */
bool eg_subject_is_empty(const eg_subject *s);

bool eg_subject_ends(const eg_subject *s, int32_t token);

#endif
