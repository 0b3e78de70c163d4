/* SPDX-License-Identifier: MIT */
/* engine.h - from options to a session: model, head, tokenizer, drafter; shared by the commands. */
#ifndef EG_CLI_ENGINE_H
#define EG_CLI_ENGINE_H

#include "cli/options.h"
#include "cli/progress.h"

typedef struct {
    eagle_model *model;
    eagle_head *head;           /* NULL: none                             */
    eagle_tokenizer *tokenizer; /* NULL: none, or none that can be used   */
    eagle_error no_tokenizer;   /* why one that is there cannot be used   */
    eagle_rounds *rounds;       /* of --spec-rounds                       */
    eagle_drafter *drafter;     /* NULL: plain decoding                   */
    eagle_session *session;     /* from eg_engine_start()                 */
    eagle_session_options how;  /* what the session was made with         */
    eagle_memory_bill bill;
    double load_s;
} eg_engine;

/* A tree below a round's root. */
typedef struct {
    const char *shape; /* of a static tree: its name or its file; NULL: dynamic */
    int32_t depth;
    int32_t topk;
    int32_t nodes;
} eg_tree_choice;

/* What --spec-tree, --spec-depth, --spec-topk and --spec-nodes say. */
eg_tree_choice eg_tree_of(const eg_options *opt);

/* A drafter of that tree; `drawn`: its children are drawn. */
eagle_status eg_tree_drafter(eagle_drafter **out, const eagle_head *head,
                             const eg_tree_choice *tree, bool drawn, eagle_error *err);

/* What can be wrong with the options themselves: drafting given twice or without a head, a
 * verification that does not fit. Needs no file. EAGLE_EINVAL. */
eagle_status eg_engine_check(const eg_options *opt, eagle_error *err);

/* Opens model, head, tokenizer and drafter. A tokenizer of an unsupported kind, or one that this
 * build cannot read, is an error unless `ids_suffice`. Call eg_engine_close() also after a
 * failure. */
eagle_status eg_engine_open(eg_engine *out, const eg_options *opt, bool ids_suffice,
                            eagle_error *err);

/* What a session of `ctx` positions would be made with; `rows`: most rows of one feed that are to
 * be read (0: none). */
void eg_engine_plan(eagle_session_options *out, const eg_engine *e, const eg_options *opt,
                    int32_t ctx, int32_t rows);

/* EAGLE_ELIMIT when the bill and `extra` bytes are more than --max-memory, or than what is free. */
eagle_status eg_engine_afford(const eagle_memory_bill *bill, const eg_options *opt, uint64_t extra,
                              eagle_error *err);

/* Makes the session, after looking at its bill. */
eagle_status eg_engine_start(eg_engine *e, const eg_options *opt, int32_t ctx, int32_t rows,
                             uint64_t extra, eagle_error *err);
void eg_engine_close(eg_engine *e);

/* With -v: the memory and the options that a session, or several, have. */
void eg_engine_tell(const eg_engine *e, const eg_options *opt);

/* Warns when -c is beyond the positions that the model was made for. */
void eg_engine_warn_ctx(const eg_engine *e, const eg_options *opt);

/* Positions for `n_prompt` tokens and `n` more: -c, or what is needed, at most the model's.
 * EAGLE_ELIMIT when the prompt alone is longer. A larger -c than the model's warns. */
eagle_status eg_engine_ctx(int32_t *ctx, const eg_engine *e, const eg_options *opt,
                           int64_t n_prompt, int64_t n, eagle_error *err);

/* The positions of a command that generates nothing: -c, or 512, at most the model's. */
int32_t eg_engine_own_ctx(const eg_engine *e, const eg_options *opt);

uint64_t eg_bill_total(const eagle_memory_bill *bill);

/* "exact", "fast (not canonical)". */
const char *eg_math_name(eagle_math math);

/* The drafter's tree in words, "none" for plain decoding. */
const char *eg_engine_tree(const eg_engine *e);

/* Threads and instruction set that the session's options come to. */
int32_t eg_engine_threads(const eagle_session_options *how);
const char *eg_engine_isa(const eagle_session_options *how);

/* Opens DIR/tokenizer.json, *out NULL when there is none. */
eagle_status eg_tokenizer_find(eagle_tokenizer **out, const char *dir, eagle_error *err);

#endif
