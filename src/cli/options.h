/* SPDX-License-Identifier: MIT */
/* options.h - the options of all commands: one table, which parses and makes the help. */
#ifndef EG_CLI_OPTIONS_H
#define EG_CLI_OPTIONS_H

#include "eagle/eagle.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Commands, as bits: which of them take an option. */
enum {
    EG_GENERATE = 1,
    EG_SCORE = 2,
    EG_INSPECT = 4,
    EG_TOKENIZE = 8,
    EG_BENCH = 16,
    EG_SELFTEST = 32
};

/* Places in the table; EG_GIVEN(opt, X) tells whether option X stood on the command line. */
enum {
    EG_OPT_MODEL,
    EG_OPT_HEAD,
    EG_OPT_PROMPT,
    EG_OPT_FILE,
    EG_OPT_PROMPT_IDS,
    EG_OPT_PROMPTS,
    EG_OPT_PARSE_SPECIAL,
    EG_OPT_NO_SPECIAL,
    EG_OPT_DECODE,
    EG_OPT_MAX_TOKENS,
    EG_OPT_CTX,
    EG_OPT_CHUNK,
    EG_OPT_STOP,
    EG_OPT_IGNORE_EOS,
    EG_OPT_TEMP,
    EG_OPT_TOP_K,
    EG_OPT_TOP_P,
    EG_OPT_MIN_P,
    EG_OPT_SEED,
    EG_OPT_SPEC_DEPTH,
    EG_OPT_SPEC_TOPK,
    EG_OPT_SPEC_NODES,
    EG_OPT_SPEC_TREE,
    EG_OPT_SPEC_ROUNDS,
    EG_OPT_SPEC,
    EG_OPT_SPEC_CHILDREN,
    EG_OPT_VERIFY,
    EG_OPT_SCAN,
    EG_OPT_EXHAUSTIVE,
    EG_OPT_REPEAT,
    EG_OPT_EXPLAIN,
    EG_OPT_MARK,
    EG_OPT_FORMAT,
    EG_OPT_OUTPUT,
    EG_OPT_THREADS,
    EG_OPT_ISA,
    EG_OPT_MATH,
    EG_OPT_MAX_MEMORY,
    EG_OPT_QUIET,
    EG_OPT_VERBOSE,
    EG_OPT_HELP,
    EG_OPT_COUNT
};
#define EG_GIVEN(opt, which) (((opt)->given >> (which)&1u) != 0)

/* Values of the options that choose, in the order in which the table names them. */
enum { EG_FORMAT_TEXT, EG_FORMAT_JSON };
enum { EG_MARK_COLOR, EG_MARK_BRACKETS, EG_MARK_NONE };
enum { EG_CHILDREN_TOPK, EG_CHILDREN_DRAWN };

#define EG_MAX_STOPS 16

/* What the command line said. Strings are borrowed from argv. */
typedef struct {
    uint64_t given;
    const char *model;
    const char *head;
    const char *prompt;
    const char *file;
    const char *prompt_ids;
    const char *prompts;
    const char *output;
    const char *spec_tree;
    const char *spec_rounds;
    const char *stop[EG_MAX_STOPS];
    int32_t n_stops;
    int32_t max_tokens;
    int32_t ctx;
    int32_t chunk;
    int32_t top_k;
    int32_t spec_depth;
    int32_t spec_topk;
    int32_t spec_nodes;
    int32_t threads;
    int32_t repeat;
    float temperature;
    eagle_decimal top_p;
    eagle_decimal min_p;
    uint64_t seed;
    uint64_t max_memory; /* bytes */
    eagle_isa isa;
    int32_t spec;     /* 0: off                  */
    int32_t children; /* EG_CHILDREN_            */
    int32_t verify;   /* eagle_verify_mode       */
    int32_t mark;     /* EG_MARK_                */
    int32_t format;   /* EG_FORMAT_              */
    int32_t math;     /* eagle_math              */
    bool parse_special;
    bool no_special;
    bool decode;
    bool ignore_eos;
    bool scan;
    bool exhaustive;
    bool explain;
    bool quiet;
    bool verbose;
    bool help;
    char **args; /* [n_args] what is not an option */
    int32_t n_args;
} eg_options;

/* How an option's text becomes a value. */
typedef enum {
    EG_KIND_FLAG,    /* bool, no argument                          */
    EG_KIND_TEXT,    /* const char *                               */
    EG_KIND_STOP,    /* appended to stop[]                         */
    EG_KIND_WHOLE,   /* int32_t in [low, high]                     */
    EG_KIND_REAL,    /* float >= 0                                 */
    EG_KIND_DECIMAL, /* eagle_decimal in [low, 1], low excluded when it is 1 */
    EG_KIND_SEED,    /* uint64_t, or "random"                      */
    EG_KIND_BYTES,   /* uint64_t, with K, M, G or T                */
    EG_KIND_CHOICE,  /* int32_t: the place among argument's names  */
    EG_KIND_ISA      /* eagle_isa                                  */
} eg_option_kind;

typedef struct {
    const char *name;     /* without the dashes                            */
    char letter;          /* 0: none                                       */
    const char *argument; /* NULL for a flag; "a|b" for a choice           */
    const char *fallback; /* the default, parsed like a value; NULL: none  */
    unsigned commands;    /* EG_GENERATE | ...                             */
    eg_option_kind kind;
    size_t place; /* offset in eg_options                          */
    int32_t low;
    int32_t high;
    const char *help;
} eg_option;

/* Row i of the table, 0 <= i < EG_OPT_COUNT. */
const eg_option *eg_option_at(int32_t i);

/* Reads argv[0..argc) for one command. Positional arguments are moved to the front of argv, which
 * opt->args then points to. EAGLE_EINVAL names the option and what was wrong. */
eagle_status eg_options_parse(eg_options *opt, char **argv, int32_t argc, unsigned command,
                              eagle_error *err);

#endif
