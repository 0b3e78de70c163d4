/* SPDX-License-Identifier: MIT */
/* bench.h - what `eagle bench` measures: interleaved repeats, medians, and whether the machine was
 * quiet meanwhile. */
#ifndef EG_CLI_BENCH_H
#define EG_CLI_BENCH_H

#include "cli/engine.h"
#include "cli/prompts.h"

/* Trees whose cost is measured: their nodes, the root included. */
#define EG_BENCH_TREES 8
extern const int32_t eg_bench_tree[EG_BENCH_TREES];

/* What a repeat measures, each in seconds. */
enum {
    EG_M_SCAN,   /* all weights read once, beside each of the tokens: */
    EG_M_DECODE, /* a token of plain decoding                         */
    EG_M_VERIFY, /* score, verify and commit of tree i: EG_M_VERIFY + i */
    EG_M_PROMPT = EG_M_VERIFY + EG_BENCH_TREES, /* ctx tokens fed, exact    */
    EG_M_PROMPT_FAST,  /* the same by OpenBLAS                              */
    EG_M_ROUNDS_PLAIN, /* n tokens from the prompt, plain                   */
    EG_M_ROUNDS_SPEC,  /* the same with the drafter                         */
    EG_M_COUNT
};

#define EG_BENCH_MAX 2000 /* repeats, noisy ones included */

typedef struct {
    eg_engine *engine;
    const eg_options *opt;
    const eg_prompt *prompt; /* of the whole rounds                */
    int32_t ctx;             /* tokens before what is measured     */
    int32_t n_tokens;        /* of the whole rounds                */

    eagle_session *plain; /* exact, no drafter                  */
    eagle_session *fast;  /* prompts by OpenBLAS; NULL: not built in */
    eagle_session *spec;  /* with the drafter; NULL: no head    */
    eagle_tree *tree;
    eagle_path *path;
    int32_t *context; /* [ctx] ids fed before                */
    uint64_t bill;    /* bytes: weights, KV caches and work of all sessions */

    double sample[EG_M_COUNT][EG_BENCH_MAX];
    double others[EG_BENCH_MAX]; /* share of the CPUs that other processes took */
    int32_t n_repeats;
    int32_t n_quiet;
    uint64_t scan_bytes;
    uint64_t token_bytes; /* weights, keys and values that one token reads */
    int64_t spec_rounds;  /* of one speculative generation      */
    int64_t spec_tokens;
} eg_bench;

/* A repeat is quiet when others took at most this share of the CPUs. */
#define EG_BENCH_QUIET 0.05

/* Makes the sessions. Call eg_bench_close() also after a failure. */
eagle_status eg_bench_open(eg_bench *b, eg_engine *e, const eg_options *opt,
                           const eg_prompt *prompt, eagle_error *err);

/* Repeats until opt->repeat quiet repeats are there, at most twice as many in all. */
eagle_status eg_bench_run(eg_bench *b, eagle_error *err);

/* Over the quiet repeats, or over all when fewer than half were quiet. */
eagle_spread eg_bench_spread(const eg_bench *b, int32_t what);

/* Of the same repeats: `over` divided by `under`, each by that of its own repeat. The memory of a
 * shared host changes its pace within seconds, and a ratio of two medians may then be that of two
 * paces. */
eagle_spread eg_bench_ratio(const eg_bench *b, int32_t over, int32_t under);

void eg_bench_close(eg_bench *b);

/* CPU time, in seconds since some moment, of everything and of this process; false where the
 * system does not tell. */
typedef struct {
    double wall;
    double busy; /* all CPUs, all processes */
    double own;
    int32_t n_cpus;
} eg_load;
bool eg_load_read(eg_load *out);

/* Largest resident size of this process so far, in bytes. */
uint64_t eg_peak_memory(void);

#endif
