/* SPDX-License-Identifier: MIT */
/* options.c - the table of options, and its parser. */
#include "cli/options.h"

#include "cli/messages.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define RUNS   (EG_GENERATE | EG_SCORE | EG_BENCH) /* what runs a model       */
#define TEXTS  (EG_GENERATE | EG_SCORE | EG_TOKENIZE)
#define AT(x)  offsetof(eg_options, x)
#define COUNT  1, INT32_MAX /* a whole number above zero  */
#define NO_END 0, INT32_MAX /* a whole number, zero too   */

static const eg_option table[EG_OPT_COUNT] = {
    [EG_OPT_MODEL] = {"model", 'm', "DIR", NULL, RUNS | EG_INSPECT | EG_TOKENIZE, EG_KIND_TEXT,
                      AT(model), 0, 0, "the target: a Hugging Face directory"},
    [EG_OPT_HEAD] = {"head", 'H', "DIR", NULL, EG_GENERATE | EG_BENCH | EG_INSPECT, EG_KIND_TEXT,
                     AT(head), 0, 0, "an EAGLE head for it"},
    [EG_OPT_PROMPT] = {"prompt", 'p', "TEXT", NULL, TEXTS | EG_BENCH, EG_KIND_TEXT, AT(prompt), 0,
                       0, "the prompt"},
    [EG_OPT_FILE] = {"file", 'f', "FILE", NULL, TEXTS, EG_KIND_TEXT, AT(file), 0, 0,
                     "the prompt is this file's bytes; - is stdin"},
    [EG_OPT_PROMPT_IDS] = {"prompt-ids", 0, "LIST", NULL, TEXTS | EG_BENCH, EG_KIND_TEXT,
                           AT(prompt_ids), 0, 0,
                           "token ids, by commas or spaces; nothing is added"},
    [EG_OPT_PROMPTS] = {"prompts", 0, "FILE", NULL, EG_GENERATE, EG_KIND_TEXT, AT(prompts), 0, 0,
                        "JSON lines with prompt or prompt_ids; a JSON line out for each"},
    [EG_OPT_PARSE_SPECIAL] = {"parse-special", 0, NULL, NULL, TEXTS | EG_BENCH, EG_KIND_FLAG,
                              AT(parse_special), 0, 0,
                              "special tokens written in a text become their ids"},
    [EG_OPT_NO_SPECIAL] = {"no-special", 0, NULL, NULL, TEXTS | EG_BENCH, EG_KIND_FLAG,
                           AT(no_special), 0, 0, "add no BOS or other special token"},
    [EG_OPT_DECODE] = {"decode", 'd', NULL, NULL, EG_TOKENIZE, EG_KIND_FLAG, AT(decode), 0, 0,
                       "ids to text"},
    [EG_OPT_MAX_TOKENS] = {"max-tokens", 'n', "N", "256", EG_GENERATE | EG_BENCH, EG_KIND_WHOLE,
                           AT(max_tokens), NO_END,
                           "tokens to generate at most; bench takes 64 unless told"},
    [EG_OPT_CTX] = {"ctx", 'c', "N", NULL, RUNS | EG_INSPECT, EG_KIND_WHOLE, AT(ctx), COUNT,
                    "positions of the KV cache (default: what is needed, at most the "
                    "model's; bench, inspect: 512)"},
    [EG_OPT_CHUNK] = {"chunk", 0, "N", "256", RUNS, EG_KIND_WHOLE, AT(chunk), COUNT,
                      "prompt tokens per pass, no bit depends on it; bench takes 512 unless told"},
    [EG_OPT_STOP] = {"stop", 0, "TEXT", NULL, EG_GENERATE, EG_KIND_STOP, 0, 0, 0,
                     "end before this text; may be given up to 16 times"},
    [EG_OPT_IGNORE_EOS] = {"ignore-eos", 0, NULL, NULL, EG_GENERATE, EG_KIND_FLAG, AT(ignore_eos),
                           0, 0, "go on after an end token"},
    [EG_OPT_TEMP] = {"temp", 0, "T", "0", EG_GENERATE | EG_BENCH, EG_KIND_REAL, AT(temperature), 0,
                     0, "temperature; 0 is greedy"},
    [EG_OPT_TOP_K] = {"top-k", 0, "K", "0", EG_GENERATE | EG_BENCH, EG_KIND_WHOLE, AT(top_k),
                      NO_END, "keep the K most likely tokens; 0 keeps all"},
    [EG_OPT_TOP_P] = {"top-p", 0, "P", "1", EG_GENERATE | EG_BENCH, EG_KIND_DECIMAL, AT(top_p), 1,
                      0, "keep the fewest tokens with mass P; in (0,1]"},
    [EG_OPT_MIN_P] = {"min-p", 0, "P", "0", EG_GENERATE | EG_BENCH, EG_KIND_DECIMAL, AT(min_p), 0,
                      0, "keep tokens of at least P times the largest probability"},
    [EG_OPT_SEED] = {"seed", 's', "N", "0", EG_GENERATE | EG_BENCH, EG_KIND_SEED, AT(seed), 0, 0,
                     "same seed, same tokens; random takes one and prints it"},
    [EG_OPT_SPEC_DEPTH] = {"spec-depth", 0, "L", "5", EG_GENERATE | EG_BENCH, EG_KIND_WHOLE,
                           AT(spec_depth), COUNT, "levels of the dynamic tree"},
    [EG_OPT_SPEC_TOPK] = {"spec-topk", 0, "K", "4", EG_GENERATE | EG_BENCH, EG_KIND_WHOLE,
                          AT(spec_topk), COUNT, "its width: nodes expanded per level"},
    [EG_OPT_SPEC_NODES] = {"spec-nodes", 0, "N", "7", EG_GENERATE | EG_BENCH, EG_KIND_WHOLE,
                           AT(spec_nodes), COUNT, "drafted nodes that are verified"},
    [EG_OPT_SPEC_TREE] = {"spec-tree", 0, "FILE|NAME", NULL, EG_GENERATE | EG_BENCH, EG_KIND_TEXT,
                          AT(spec_tree), 0, 0,
                          "a static tree: a JSON list of rank paths, or mc_sim_7b_63"},
    [EG_OPT_SPEC_ROUNDS] = {"spec-rounds", 0, "FILE[#N]", NULL, EG_GENERATE, EG_KIND_TEXT,
                            AT(spec_rounds), 0, 0, "replay recorded trees (case N); needs no head"},
    [EG_OPT_SPEC] = {"spec", 0, "off", NULL, EG_GENERATE | EG_BENCH, EG_KIND_CHOICE, AT(spec), 0, 0,
                     "draft nothing, even with a head"},
    [EG_OPT_SPEC_CHILDREN] = {"spec-children", 0, "topk|drawn", "topk", EG_GENERATE | EG_BENCH,
                              EG_KIND_CHOICE, AT(children), 0, 0,
                              "children of a static tree's node: the most likely, or drawn"},
    [EG_OPT_VERIFY] = {"verify", 0, "greedy|coupled|rejection", NULL, EG_GENERATE | EG_BENCH,
                       EG_KIND_CHOICE, AT(verify), 0, 0,
                       "rule (default: greedy at temperature 0, else coupled; drawn children: "
                       "rejection)"},
    [EG_OPT_SCAN] = {"scan", 0, NULL, NULL, EG_INSPECT, EG_KIND_FLAG, AT(scan), 0, 0,
                     "read all weights; NaN and infinity are errors"},
    [EG_OPT_EXHAUSTIVE] = {"exhaustive", 0, NULL, NULL, EG_SELFTEST, EG_KIND_FLAG, AT(exhaustive),
                           0, 0, "every input of exp, log, sin, cos; takes minutes"},
    [EG_OPT_REPEAT] = {"repeat", 0, "N", "5", EG_BENCH, EG_KIND_WHOLE, AT(repeat), 1, 1000,
                       "interleaved repeats of each measurement"},
    [EG_OPT_EXPLAIN] = {"explain", 0, NULL, NULL, EG_GENERATE, EG_KIND_FLAG, AT(explain), 0, 0,
                        "print each round: what was drafted, what was accepted, why"},
    [EG_OPT_MARK] = {"mark", 0, "color|brackets|none", NULL, EG_GENERATE, EG_KIND_CHOICE, AT(mark),
                     0, 0, "show accepted tokens (default: color on a terminal, else none)"},
    [EG_OPT_FORMAT] = {"format", 0, "text|json", "text",
                       EG_GENERATE | EG_SCORE | EG_INSPECT | EG_BENCH, EG_KIND_CHOICE, AT(format),
                       0, 0, "of the result"},
    [EG_OPT_OUTPUT] = {"output", 'o', "FILE", NULL, EG_GENERATE | EG_SCORE, EG_KIND_TEXT,
                       AT(output), 0, 0,
                       "write the result there; score: logits and features as safetensors"},
    [EG_OPT_THREADS] = {"threads", 't', "N", NULL, RUNS | EG_INSPECT | EG_SELFTEST, EG_KIND_WHOLE,
                        AT(threads), 1, 64, "1 to 64 (default: the CPUs this process may use)"},
    [EG_OPT_ISA] = {"isa", 0, "NAME", NULL, RUNS, EG_KIND_ISA, AT(isa), 0, 0,
                    "portable, avx2, avx512 or neon (default: EAGLE_ISA, or the best); same bits"},
    [EG_OPT_MATH] = {"math", 0, "exact|fast", "exact", EG_GENERATE | EG_SCORE, EG_KIND_CHOICE,
                     AT(math), 0, 0, "fast: prompts by OpenBLAS, other bits"},
    [EG_OPT_MAX_MEMORY] = {"max-memory", 0, "SIZE", NULL, RUNS, EG_KIND_BYTES, AT(max_memory), 0, 0,
                           "refuse to need more, such as 4G (default: what is free)"},
    [EG_OPT_QUIET] = {"quiet", 'q', NULL, NULL, RUNS | EG_INSPECT | EG_TOKENIZE | EG_SELFTEST,
                      EG_KIND_FLAG, AT(quiet), 0, 0, "nothing on stderr but errors"},
    [EG_OPT_VERBOSE] = {"verbose", 'v', NULL, NULL, RUNS, EG_KIND_FLAG, AT(verbose), 0, 0,
                        "say more on stderr"},
    [EG_OPT_HELP] = {"help", 'h', NULL, NULL, ~0u, EG_KIND_FLAG, AT(help), 0, 0, "this help"},
};

const eg_option *eg_option_at(int32_t i)
{
    return &table[i];
}

/* ---- values --------------------------------------------------------------------------- */

/* Digits only: strtoull alone would take signs, blanks and hexadecimal. */
static bool read_digits(uint64_t *out, const char *text, const char **end)
{
    char *stop = NULL;

    if (text[0] < '0' || text[0] > '9') {
        return false;
    }
    errno = 0;
    *out = strtoull(text, &stop, 10);
    *end = stop;
    return errno == 0;
}

static bool read_whole(int32_t *out, const char *text, int32_t low, int32_t high)
{
    uint64_t value = 0;
    const char *end = NULL;

    if (!read_digits(&value, text, &end) || *end != '\0' || value < (uint64_t)low ||
        value > (uint64_t)high) {
        return false;
    }
    *out = (int32_t)value;
    return true;
}

static bool read_real(float *out, const char *text)
{
    char *end = NULL;
    float value = strtof(text, &end);

    if (end == text || *end != '\0' || strpbrk(text, " \t\nxX") != NULL || !isfinite(value) ||
        value < 0.0f) {
        return false;
    }
    *out = value;
    return true;
}

/* 4096, 512M, 4G: powers of 1024. */
static bool read_bytes(uint64_t *out, const char *text)
{
    static const char letters[] = "KMGT";
    const char *end = NULL;
    uint64_t value = 0;
    unsigned shift = 0;

    if (!read_digits(&value, text, &end)) {
        return false;
    }
    if (*end != '\0') {
        const char *letter = strchr(letters, *end);

        if (letter == NULL || end[1] != '\0') {
            return false;
        }
        shift = 10u * (unsigned)(letter - letters + 1);
    }
    if (value == 0 || value > UINT64_MAX >> shift) {
        return false;
    }
    *out = value << shift;
    return true;
}

static eagle_status read_seed(uint64_t *out, const char *text, eagle_error *err)
{
    const char *end = NULL;
    FILE *source = NULL;
    size_t got = 0;

    if (strcmp(text, "random") != 0) {
        if (!read_digits(out, text, &end) || *end != '\0') {
            return eg_cli_fail(err, EAGLE_EINVAL,
                               "--seed %s: needs a whole number below 2^64, or random", text);
        }
        return EAGLE_OK;
    }
    source = fopen("/dev/urandom", "rb");
    if (source != NULL) {
        got = fread(out, sizeof *out, 1, source);
        fclose(source);
    }
    if (got != 1) {
        return eg_cli_fail(err, EAGLE_EREAD, "/dev/urandom: cannot be read for --seed random");
    }
    return EAGLE_OK;
}

/* The place of `text` among the names of "a|b|c", or -1. */
static int32_t choice(const char *names, const char *text)
{
    size_t size = strlen(text);
    int32_t place = 0;

    for (const char *name = names; size > 0; place++) {
        size_t length = strcspn(name, "|");

        if (length == size && strncmp(name, text, size) == 0) {
            return place;
        }
        if (name[length] == '\0') {
            break;
        }
        name += length + 1;
    }
    return -1;
}

static eagle_status read_decimal(eagle_decimal *out, const eg_option *o, const char *text,
                                 eagle_error *err)
{
    eagle_decimal value = {0};

    if (eagle_decimal_parse(&value, text, NULL) != EAGLE_OK || (o->low == 1 && value.num == 0)) {
        return eg_cli_fail(err, EAGLE_EINVAL,
                           "--%s %s: needs a decimal in %s0,1], with at most 18 places", o->name,
                           text, o->low == 1 ? "(" : "[");
    }
    *out = value;
    return EAGLE_OK;
}

static eagle_status read_stop(eg_options *opt, const char *text, eagle_error *err)
{
    if (text[0] == '\0') {
        return eg_cli_fail(err, EAGLE_EINVAL, "--stop: needs a text that is not empty");
    }
    if (opt->n_stops == EG_MAX_STOPS) {
        return eg_cli_fail(err, EAGLE_EINVAL, "--stop: given more than %d times", EG_MAX_STOPS);
    }
    opt->stop[opt->n_stops++] = text;
    return EAGLE_OK;
}

/* Writes the value of one option to its place. */
static eagle_status set(eg_options *opt, const eg_option *o, const char *text, eagle_error *err)
{
    void *place = (char *)opt + o->place;

    switch (o->kind) {
    case EG_KIND_FLAG: *(bool *)place = true; return EAGLE_OK;
    case EG_KIND_TEXT: *(const char **)place = text; return EAGLE_OK;
    case EG_KIND_STOP: return read_stop(opt, text, err);
    case EG_KIND_WHOLE:
        if (!read_whole(place, text, o->low, o->high)) {
            return eg_cli_fail(err, EAGLE_EINVAL, "--%s %s: needs a whole number from %d to %d",
                               o->name, text, o->low, o->high);
        }
        return EAGLE_OK;
    case EG_KIND_REAL:
        if (!read_real(place, text)) {
            return eg_cli_fail(err, EAGLE_EINVAL, "--%s %s: needs a number that is not negative",
                               o->name, text);
        }
        return EAGLE_OK;
    case EG_KIND_DECIMAL: return read_decimal(place, o, text, err);
    case EG_KIND_SEED: return read_seed(place, text, err);
    case EG_KIND_BYTES:
        if (!read_bytes(place, text)) {
            return eg_cli_fail(err, EAGLE_EINVAL,
                               "--%s %s: needs a size above zero such as 512M or 4G", o->name,
                               text);
        }
        return EAGLE_OK;
    case EG_KIND_CHOICE:
        *(int32_t *)place = choice(o->argument, text);
        if (*(int32_t *)place < 0) {
            return eg_cli_fail(err, EAGLE_EINVAL, "--%s %s: needs %s", o->name, text, o->argument);
        }
        return EAGLE_OK;
    case EG_KIND_ISA: return eagle_isa_parse(place, text, err);
    }
    return EAGLE_OK;
}

/* ---- the command line ----------------------------------------------------------------- */

typedef struct {
    char **argv;
    int32_t argc;
    int32_t at;       /* the next word to read */
    unsigned command; /* EG_GENERATE, ...      */
} cursor;

/* The option of this name (letter 0) or letter that the command takes, or -1. */
static int32_t find(const cursor *c, const char *name, size_t size, char letter)
{
    for (int32_t i = 0; i < EG_OPT_COUNT; i++) {
        const eg_option *o = &table[i];
        bool same = letter != 0 ? o->letter == letter
                                : strlen(o->name) == size && strncmp(o->name, name, size) == 0;

        if (same && (o->commands & c->command) != 0) {
            return i;
        }
    }
    return -1;
}

/* Sets option i from `attached`, or from the next word when that is NULL. */
static eagle_status take(eg_options *opt, cursor *c, int32_t i, const char *attached,
                         eagle_error *err)
{
    const eg_option *o = &table[i];

    opt->given |= (uint64_t)1 << i;
    if (o->argument == NULL) {
        if (attached != NULL) {
            return eg_cli_fail(err, EAGLE_EINVAL, "--%s: takes no value", o->name);
        }
        return set(opt, o, NULL, err);
    }
    if (attached == NULL) {
        if (c->at == c->argc) {
            return eg_cli_fail(err, EAGLE_EINVAL, "--%s: needs a value: %s", o->name, o->argument);
        }
        attached = c->argv[c->at++];
    }
    return set(opt, o, attached, err);
}

/* --name, --name=value */
static eagle_status long_option(eg_options *opt, cursor *c, const char *word, eagle_error *err)
{
    size_t size = strcspn(word, "=");
    int32_t i = find(c, word, size, 0);

    if (i < 0) {
        return eg_cli_fail(err, EAGLE_EINVAL, "unknown option --%.*s", (int)size, word);
    }
    return take(opt, c, i, word[size] == '=' ? word + size + 1 : NULL, err);
}

/* -n 5, -n5, -qv */
static eagle_status letters(eg_options *opt, cursor *c, const char *word, eagle_error *err)
{
    for (; *word != '\0'; word++) {
        int32_t i = find(c, NULL, 0, *word);
        eagle_status st = EAGLE_OK;

        if (i < 0) {
            return eg_cli_fail(err, EAGLE_EINVAL, "unknown option -%c", *word);
        }
        if (table[i].argument != NULL) {
            return take(opt, c, i, word[1] != '\0' ? word + 1 : NULL, err);
        }
        st = take(opt, c, i, NULL, err);
        if (st != EAGLE_OK) {
            return st;
        }
    }
    return EAGLE_OK;
}

static eagle_status set_defaults(eg_options *opt, unsigned command, eagle_error *err)
{
    const char *isa = getenv("EAGLE_ISA");

    *opt = (eg_options){.spec = -1, .verify = -1, .mark = -1};
    for (int32_t i = 0; i < EG_OPT_COUNT; i++) {
        if (table[i].fallback != NULL) {
            eagle_status st = set(opt, &table[i], table[i].fallback, err);

            if (st != EAGLE_OK) {
                return st;
            }
        }
    }
    if (isa != NULL && isa[0] != '\0' && (table[EG_OPT_ISA].commands & command) != 0) {
        return set(opt, &table[EG_OPT_ISA], isa, err);
    }
    return EAGLE_OK;
}

eagle_status eg_options_parse(eg_options *opt, char **argv, int32_t argc, unsigned command,
                              eagle_error *err)
{
    cursor c = {.argv = argv, .argc = argc, .command = command};
    eagle_status st = set_defaults(opt, command, err);
    bool ended = false; /* after "--" */

    opt->args = argv;
    while (st == EAGLE_OK && c.at < argc) {
        char *word = argv[c.at++];

        if (ended || word[0] != '-' || word[1] == '\0') {
            argv[opt->n_args++] = word; /* never beyond what was read */
        } else if (strcmp(word, "--") == 0) {
            ended = true;
        } else if (word[1] == '-') {
            st = long_option(opt, &c, word + 2, err);
        } else {
            st = letters(opt, &c, word + 1, err);
        }
    }
    return st;
}
