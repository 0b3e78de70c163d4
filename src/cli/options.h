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
    EG_SELFTEST = 32,
    EG_EVAL = 64,
    EG_TRAIN_HEAD = 128,
    EG_TRAIN_TARGET = 256,
    EG_TRAIN_FEATURES = 512,
    EG_TRAIN_PLOT = 1024,
    EG_TRACE_RECORD = 2048,
    EG_TRACE_SHOW = 4096,
    EG_TRACE_DRAW = 8192,
    EG_TRACE_DIFF = 16384,
    EG_CHECK = 32768,
    EG_CHECK_SAMPLES = 65536,
    EG_PROVE = 131072
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
    EG_OPT_PROVE_LENGTH,
    EG_OPT_PROVE_LEVEL,
    EG_OPT_LIMIT,
    EG_OPT_VERIFIER,
    EG_OPT_PROVE_RULE,
    EG_OPT_RULE_BITS,
    EG_OPT_RULE_ACCEPT,
    EG_OPT_RULE_FLOAT,
    EG_OPT_RULE_THRESHOLD,
    EG_OPT_RULE_SECONDS,
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
    EG_OPT_NULL,
    EG_OPT_PROCESSED,
    EG_OPT_SAMPLES_CONTROL,
    EG_OPT_DELTA,
    EG_OPT_ALPHA,
    EG_OPT_TV,
    EG_OPT_POWER,
    EG_OPT_TREES,
    EG_OPT_AGAINST,
    EG_OPT_NO_PLAIN,
    EG_OPT_RESAMPLES,
    EG_OPT_EVAL_REPEAT,
    EG_OPT_SCAN,
    EG_OPT_EXHAUSTIVE,
    EG_OPT_REPEAT,
    EG_OPT_EXPLAIN,
    EG_OPT_CERTIFY,
    EG_OPT_MARK,
    EG_OPT_FORMAT,
    EG_OPT_LEVEL,
    EG_OPT_TOP,
    EG_OPT_DIGEST,
    EG_OPT_SITES,
    EG_OPT_TRACE_ROUNDS,
    EG_OPT_TRACE_LAYERS,
    EG_OPT_TRACE_ROUND,
    EG_OPT_OUTPUT,
    EG_OPT_SCORE_OUTPUT,
    EG_OPT_DATA,
    EG_OPT_DATA_FORMAT,
    EG_OPT_SEPARATOR,
    EG_OPT_HELD_OUT,
    EG_OPT_FEATURES,
    EG_OPT_FEATURE_DTYPE,
    EG_OPT_SELF_GENERATE,
    EG_OPT_SELF_TEMPS,
    EG_OPT_SELF_PROMPT,
    EG_OPT_SELF_SAVE,
    EG_OPT_KIND,
    EG_OPT_INIT,
    EG_OPT_TOKENIZER,
    EG_OPT_DIM,
    EG_OPT_LAYERS,
    EG_OPT_HEADS,
    EG_OPT_KV_HEADS,
    EG_OPT_FFN,
    EG_OPT_VOCAB,
    EG_OPT_BOS_ID,
    EG_OPT_EOS_ID,
    EG_OPT_POSITIONS,
    EG_OPT_TIED,
    EG_OPT_UNTIED,
    EG_OPT_STEPS,
    EG_OPT_WARMUP,
    EG_OPT_BATCH,
    EG_OPT_LENGTH,
    EG_OPT_FEATURE_LENGTH,
    EG_OPT_LR,
    EG_OPT_LR_FLOOR,
    EG_OPT_SCHEDULE,
    EG_OPT_BETA1,
    EG_OPT_BETA2,
    EG_OPT_EPS,
    EG_OPT_WEIGHT_DECAY,
    EG_OPT_CLIP_VALUE,
    EG_OPT_CLIP_NORM,
    EG_OPT_FEATURE_WEIGHT,
    EG_OPT_TOKEN_WEIGHT,
    EG_OPT_NOISE,
    EG_OPT_OWN_FEATURES,
    EG_OPT_OUT,
    EG_OPT_DTYPE,
    EG_OPT_OWN_EMBEDDING,
    EG_OPT_CHECKPOINT,
    EG_OPT_SAVE_EVERY,
    EG_OPT_RESUME,
    EG_OPT_EVAL_EVERY,
    EG_OPT_EVAL_PROMPTS,
    EG_OPT_EVAL_TOKENS,
    EG_OPT_LOG,
    EG_OPT_DRY_RUN,
    EG_OPT_CONTROL,
    EG_OPT_NEAR_TIE,
    EG_OPT_RULE,
    EG_OPT_DRAFT,
    EG_OPT_CHECK_EPS,
    EG_OPT_SHIFT,
    EG_OPT_CHECK_DTYPE,
    EG_OPT_THREADS,
    EG_OPT_ISA,
    EG_OPT_MATH,
    EG_OPT_MAX_MEMORY,
    EG_OPT_QUIET,
    EG_OPT_VERBOSE,
    EG_OPT_HELP,
    EG_OPT_COUNT
};
#define EG_GIVEN(opt, which) ((opt)->given[which])

/* Values of the options that choose, in the order in which the table names them. */
enum { EG_FORMAT_TEXT, EG_FORMAT_JSON };
enum { EG_MARK_COLOR, EG_MARK_BRACKETS, EG_MARK_NONE };
enum { EG_CHILDREN_TOPK, EG_CHILDREN_DRAWN };
enum { EG_DRAFT_REPORT, EG_DRAFT_STRICT };
enum { EG_NEAR_PASS, EG_NEAR_WARN, EG_NEAR_FAIL };

/* Values of an option that may be given more than once, or that holds a list. */
#define EG_MAX_TEXTS 64
#define EG_MAX_REALS 16
typedef struct {
    const char *item[EG_MAX_TEXTS]; /* [n] */
    int32_t n;
} eg_texts;

typedef struct {
    float item[EG_MAX_REALS]; /* [n] */
    int32_t n;
} eg_reals;

typedef struct {
    int32_t min;
    int32_t max;
} eg_range;

/* The shape of a target that is to be trained. */
typedef struct {
    int32_t dim;
    int32_t layers;
    int32_t heads;
    int32_t kv_heads; /* 0: not given, as many as heads                */
    int32_t ffn;      /* 0: not given, chosen by the command           */
    int32_t vocab;
    int32_t bos_id;    /* of texts that are ids; 0 and not EG_GIVEN: none */
    int32_t eos_id;    /* the same                                        */
    int32_t positions; /* max_position_embeddings                      */
    bool tied;
    bool untied;
} eg_net_options;

/* Texts to train on: read, or written by the target itself. */
typedef struct {
    eg_texts file;
    int32_t format; /* eagle_corpus_format                             */
    const char *separator;
    double held_out; /* share                                          */
    const char *features;
    int64_t self_generate; /* tokens; 0: the files' text alone          */
    eg_reals self_temps;
    eg_range self_prompt; /* tokens taken from a text's beginning      */
    const char *self_save;
} eg_data_options;

/* What of a run is written down, or shown. */
typedef struct {
    int32_t level;
    int32_t top;
    bool digest;
    const char *sites; /* names with commas, or none; NULL: not given */
    eg_range rounds;   /* first and last                              */
    eg_range layers;
    int32_t round;
} eg_trace_choice;

/* How samples are judged; how they were drawn stands with the options of drawing. */
typedef struct {
    int32_t null;        /* eagle_samples_null */
    const char *control; /* a file             */
    bool processed;
    double delta;
    double alpha;
    double tv;
    double power;
} eg_samples_options;

/* What the command line said. Strings are borrowed from argv. */
typedef struct {
    bool given[EG_OPT_COUNT];
    const char *model;
    const char *head;
    const char *prompt;
    const char *file;
    const char *prompt_ids;
    const char *prompts;
    const char *output;
    const char *spec_tree;
    const char *spec_rounds;
    const char *trees;
    const char *against;
    const char *init;
    const char *tokenizer;
    const char *out; /* directory */
    const char *checkpoint;
    const char *eval_prompts;
    const char *log;
    const char *control;
    const char *rule;
    const char *level;
    const char *verifier;
    eg_texts stop;
    eg_data_options data;
    eg_net_options net;
    eg_trace_choice trace;
    eagle_train_options train; /* but for seed and threads, which are below */
    eg_samples_options samples;
    int64_t save_every;
    int64_t limit;
    int64_t eval_every;
    int32_t eval_tokens;
    int32_t max_tokens;
    int32_t rule_bits;
    int32_t rule_seconds;
    int32_t rule_accept; /* 1: or equal  */
    int32_t rule_float;  /* 1: float64   */
    float rule_threshold;
    int32_t ctx;
    int32_t chunk;
    int32_t top_k;
    int32_t spec_depth;
    int32_t spec_topk;
    int32_t spec_nodes;
    int32_t threads;
    int32_t repeat;
    int32_t resamples;
    float temperature;
    eagle_decimal top_p;
    eagle_decimal min_p;
    uint64_t seed;
    uint64_t max_memory; /* bytes */
    eagle_isa isa;
    eagle_dtype dtype; /* of what is written      */
    int32_t spec;      /* 0: off                  */
    int32_t children;  /* EG_CHILDREN_            */
    int32_t verify;    /* eagle_verify_mode       */
    int32_t mark;      /* EG_MARK_                */
    int32_t format;    /* EG_FORMAT_              */
    int32_t math;      /* eagle_math              */
    int32_t kind;      /* of head: 0, eagle1      */
    int32_t near_tie;  /* EG_NEAR_                */
    int32_t draft;     /* EG_DRAFT_               */
    double eps;        /* of check; 0: by dtype   */
    double shift;      /* of check; 0: any        */
    bool parse_special;
    bool no_special;
    bool decode;
    bool ignore_eos;
    bool no_plain;
    bool scan;
    bool exhaustive;
    bool explain;
    bool certify;
    bool own_embedding;
    bool resume;
    bool dry_run;
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
    EG_KIND_TEXTS,   /* appended to an eg_texts, at most `high`    */
    EG_KIND_WHOLE,   /* int32_t in [low, high]                     */
    EG_KIND_LONG,    /* int64_t, at least low                      */
    EG_KIND_RANGE,   /* eg_range, "MIN,MAX", both at least low     */
    EG_KIND_SPAN,    /* eg_range, "A..B", or "A" for A..A          */
    EG_KIND_REAL,    /* float >= 0                                 */
    EG_KIND_DOUBLE,  /* double >= 0; low 1: above 0; high 1: below 1 */
    EG_KIND_REALS,   /* eg_reals, each >= 0, separated by commas   */
    EG_KIND_DECIMAL, /* eagle_decimal in [low, 1], low excluded when it is 1 */
    EG_KIND_SEED,    /* uint64_t, or "random"                      */
    EG_KIND_BYTES,   /* uint64_t, with K, M, G or T                */
    EG_KIND_CHOICE,  /* int32_t: the place among argument's names  */
    EG_KIND_DTYPE,   /* eagle_dtype: one of argument's names       */
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

/* The table's defaults of one command, before its options are read; options that it does not take
 * have those of others. */
eagle_status eg_options_defaults(eg_options *opt, unsigned command, eagle_error *err);

/* The value of an option in `opt` as the command line would give it; "" for kinds that have no
 * number or name. Returns text. */
#define EG_VALUE_TEXT 32
const char *eg_option_value(char text[EG_VALUE_TEXT], const eg_options *opt, const eg_option *o);

/* Reads argv[0..argc) for one command over its defaults. Positional arguments are moved to the
 * front of argv, which opt->args then points to. EAGLE_EINVAL names the option and what was
 * wrong. */
eagle_status eg_options_parse(eg_options *opt, char **argv, int32_t argc, unsigned command,
                              eagle_error *err);

#endif
