/* SPDX-License-Identifier: MIT */
/* main.c - eagle COMMAND: finds the command, reads its options, runs it, and turns its status
 * into the exit code. */
#include "cli/commands.h"
#include "cli/help.h"
#include "cli/messages.h"
#include "cli/signals.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

static void target_defaults(eg_options *opt)
{
    eagle_train_defaults_target(&opt->train);
}

static void head_defaults(eg_options *opt)
{
    eagle_train_defaults_head(&opt->train);
}

static void check_defaults(eg_options *opt)
{
    opt->chunk = 64;
}

static void samples_defaults(eg_options *opt)
{
    opt->temperature = 1.0f;
}

static const eg_command commands[] = {
    {"generate", EG_GENERATE, "-m DIR [-H DIR] [-p TEXT] [options]",
     "completes prompts, with or without a head", 0, eg_cmd_generate, NULL},
    {"score", EG_SCORE, "-m DIR -p TEXT|-f FILE|--prompt-ids LIST [options]",
     "teacher-forces a text: log-probability, arg max and top-2 gap per position, perplexity", 0,
     eg_cmd_score, NULL},
    {"eval", EG_EVAL, "-m DIR -H DIR --prompts FILE [--trees LIST] [--against DIR] [options]",
     "acceptance length of heads and trees, equality with plain decoding, speed of both", 0,
     eg_cmd_eval, NULL},
    {"check", EG_CHECK, "-m DIR [-H DIR] FILE [--control FILE] [options]",
     "judges another implementation's run: a trace, token lists or saved responses", 1,
     eg_cmd_check, check_defaults},
    {"check-samples", EG_CHECK_SAMPLES, "-m DIR FILE [--temp T] [--top-k K] [--top-p P] [options]",
     "do tokens that another implementation drew follow the law? with the power of the answer", 1,
     eg_cmd_check_samples, samples_defaults},
    {"inspect", EG_INSPECT, "MODEL [HEAD] [options]",
     "what was understood of a model and its head, whether they fit, the memory they need", 2,
     eg_cmd_inspect, NULL},
    {"tokenize", EG_TOKENIZE, "-m DIR [-d] [TEXT...|IDS...] [options]",
     "text to token ids, and back; reads stdin when no text is given", INT32_MAX, eg_cmd_tokenize,
     NULL},
    {"train target", EG_TRAIN_TARGET, "--data FILE -o DIR [options]",
     "a Llama-architecture target and its tokenizer, from texts", 0, eg_cmd_train_target,
     target_defaults},
    {"train head", EG_TRAIN_HEAD, "-m DIR --data FILE|--features FILE -o DIR [options]",
     "an EAGLE head for a target, from texts or from what the target writes itself", 0,
     eg_cmd_train_head, head_defaults},
    {"train features", EG_TRAIN_FEATURES, "-m DIR --data FILE -o FILE [options]",
     "a target's features of texts, stored for train head", 0, eg_cmd_train_features, NULL},
    {"train plot", EG_TRAIN_PLOT, "LOG [-o FILE]", "draws the curves of a training's log as SVG", 1,
     eg_cmd_train_plot, NULL},
    {"trace record", EG_TRACE_RECORD, "-m DIR [-H DIR] [-p TEXT] --level 0..4 -o FILE [options]",
     "writes down a run: tokens, trees, logits, states of layers, draws", 0, eg_cmd_trace_record,
     NULL},
    {"trace show", EG_TRACE_SHOW, "FILE [-m DIR] [--rounds A..B]",
     "each round as a tree: what was drafted, what the target said, what was accepted and why", 1,
     eg_cmd_trace_show, NULL},
    {"trace draw", EG_TRACE_DRAW, "FILE [-m DIR] [--round R] [-o FILE]",
     "a round as SVG: tokens, probabilities, the accepted path", 1, eg_cmd_trace_draw, NULL},
    {"trace diff", EG_TRACE_DIFF, "FILE FILE [options]",
     "the first difference of two traces, and how many each operation has", 2, eg_cmd_trace_diff,
     NULL},
    {"prove", EG_PROVE, "-m DIR [-H DIR] [options]",
     "that rounds have exactly plain sampling's law: every answer of the draws, in fractions", 0,
     eg_cmd_prove, NULL},
    {"bench", EG_BENCH, "-m DIR [-H DIR] [options]",
     "bandwidth, decoding, verification cost, prompt, whole rounds", 0, eg_cmd_bench, NULL},
    {"selftest", EG_SELFTEST, "[--exhaustive] [options]",
     "does this machine compute what docs/canonical-order.md says?", 0, eg_cmd_selftest, NULL},
};

#define N_COMMANDS ((int32_t)(sizeof commands / sizeof commands[0]))

const eg_command *eg_command_at(int32_t i)
{
    return i >= 0 && i < N_COMMANDS ? &commands[i] : NULL;
}

eagle_status eg_command_defaults(eg_options *opt, const eg_command *command, eagle_error *err)
{
    eagle_status st = eg_options_defaults(opt, command->bit, err);

    if (st == EAGLE_OK && command->defaults != NULL) {
        command->defaults(opt);
    }
    return st;
}

/* The command that argv begins with, and of how many words its name is. */
static const eg_command *find_command(int32_t *words, char **argv, int32_t argc)
{
    for (int32_t i = 0; argc > 0 && i < N_COMMANDS; i++) {
        const char *name = commands[i].name;
        size_t size = strcspn(name, " ");
        bool two = name[size] != '\0';

        if (strlen(argv[0]) == size && strncmp(argv[0], name, size) == 0 &&
            (!two || (argc > 1 && strcmp(argv[1], name + size + 1) == 0))) {
            *words = two ? 2 : 1;
            return &commands[i];
        }
    }
    return NULL;
}

static bool asks_for_help(const char *word)
{
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

/* help, and what may follow it: nothing, a command, or help itself. */
static eagle_status help(char **topic, int32_t n, eagle_error *err)
{
    int32_t words = 0;
    const eg_command *command = find_command(&words, topic, n);

    if (command != NULL) {
        return eg_help_command(command, err);
    }
    if (n == 0 || (n == 1 && (strcmp(topic[0], "help") == 0 || asks_for_help(topic[0])))) {
        eg_help_all();
    } else if (n > 1 || !eg_help_group(topic[0])) {
        return eg_cli_fail(err, EAGLE_EINVAL, "help: unknown command '%s%s%s'", topic[0],
                           n > 1 ? " " : "", n > 1 ? topic[1] : "");
    }
    return EAGLE_OK;
}

/* help, --help, --version; false when the words are none of them. */
static bool informs(eagle_status *st, char **argv, int32_t argc, eagle_error *err)
{
    if (strcmp(argv[0], "--version") == 0) {
        eg_help_version();
    } else if (strcmp(argv[0], "help") == 0) {
        *st = help(argv + 1, argc - 1, err);
    } else if (asks_for_help(argv[0])) {
        eg_help_all();
    } else if (argc > 1 && asks_for_help(argv[1])) {
        return eg_help_group(argv[0]);
    } else {
        return false;
    }
    return true;
}

/* Says what is unknown: a command, or the second word of one. */
static eagle_status unknown(char **argv, int32_t argc, eagle_error *err)
{
    const size_t size = strlen(argv[0]);

    for (int32_t i = 0; i < N_COMMANDS; i++) {
        if (strncmp(commands[i].name, argv[0], size) == 0 && commands[i].name[size] == ' ') {
            return eg_cli_fail(err, EAGLE_EINVAL,
                               "%s: unknown command '%s'; 'eagle help %s' lists them", argv[0],
                               argc > 1 ? argv[1] : "", argv[0]);
        }
    }
    return eg_cli_fail(err, EAGLE_EINVAL, "unknown command '%s'; 'eagle help' lists them", argv[0]);
}

/* `argv` is what follows the program's name. */
static eagle_status run(char **argv, int32_t argc, eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    const eg_command *command = NULL;
    int32_t words = 0;
    eg_options opt;

    if (argc < 1) {
        return eg_cli_fail(err, EAGLE_EINVAL, "no command; 'eagle help' lists them");
    }
    if (informs(&st, argv, argc, err)) {
        return st;
    }
    command = find_command(&words, argv, argc);
    if (command == NULL) {
        return unknown(argv, argc, err);
    }
    st = eg_command_defaults(&opt, command, err);
    if (st == EAGLE_OK) {
        st = eg_options_parse(&opt, argv + words, argc - words, command->bit, err);
    }
    if (st != EAGLE_OK) {
        return st;
    }
    if (opt.help) {
        return eg_help_command(command, err);
    }
    if (opt.n_args > command->max_args) {
        return eg_cli_fail(err, EAGLE_EINVAL, "%s: unexpected argument '%s'", command->name,
                           opt.args[command->max_args]);
    }
    return command->run(&opt, err);
}

int main(int argc, char **argv)
{
    eagle_error err = {0};
    eagle_status st = EAGLE_OK;

    eg_signals_install();
    st = run(argv + 1, (int32_t)argc - 1, &err);
    if (st == EAGLE_OK && (fflush(stdout) != 0 || ferror(stdout) != 0)) {
        st = errno == EPIPE ? EAGLE_EWRITE
                            : eg_cli_fail(&err, EAGLE_EWRITE, "stdout: %s", strerror(errno));
    }
    if (st != EAGLE_OK && err.message[0] != '\0') {
        fprintf(stderr, "eagle: %s\n", err.message);
    }
    if (st == EAGLE_OK && eg_signals_caught() != 0) {
        return 128 + eg_signals_caught();
    }
    return eagle_exit_code(st);
}
