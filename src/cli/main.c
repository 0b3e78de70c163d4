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

static const eg_command commands[] = {
    {"generate", EG_GENERATE, "-m DIR [-H DIR] [-p TEXT] [options]",
     "completes prompts, with or without a head", 0, eg_cmd_generate},
    {"score", EG_SCORE, "-m DIR -p TEXT|-f FILE|--prompt-ids LIST [options]",
     "teacher-forces a text: log-probability, arg max and top-2 gap per position, perplexity", 0,
     eg_cmd_score},
    {"inspect", EG_INSPECT, "MODEL [HEAD] [options]",
     "what was understood of a model and its head, whether they fit, the memory they need", 2,
     eg_cmd_inspect},
    {"tokenize", EG_TOKENIZE, "-m DIR [-d] [TEXT...|IDS...] [options]",
     "text to token ids, and back; reads stdin when no text is given", INT32_MAX, eg_cmd_tokenize},
    {"bench", EG_BENCH, "-m DIR [-H DIR] [options]",
     "bandwidth, decoding, verification cost, prompt, whole rounds", 0, eg_cmd_bench},
    {"selftest", EG_SELFTEST, "[--exhaustive] [options]",
     "does this machine compute what docs/canonical-order.md says?", 0, eg_cmd_selftest},
};

#define N_COMMANDS ((int32_t)(sizeof commands / sizeof commands[0]))

const eg_command *eg_command_at(int32_t i)
{
    return i >= 0 && i < N_COMMANDS ? &commands[i] : NULL;
}

static const eg_command *find_command(const char *name)
{
    for (int32_t i = 0; i < N_COMMANDS; i++) {
        if (strcmp(commands[i].name, name) == 0) {
            return &commands[i];
        }
    }
    return NULL;
}

/* help, help COMMAND, --help, --version; false when `word` is none of them. */
static bool informs(eagle_status *st, const char *word, const char *topic, eagle_error *err)
{
    if (strcmp(word, "--version") == 0) {
        eg_help_version();
    } else if (strcmp(word, "help") == 0 && topic != NULL) {
        const eg_command *command = find_command(topic);

        if (command == NULL) {
            *st = eg_cli_fail(err, EAGLE_EINVAL, "help: unknown command '%s'", topic);
            return true;
        }
        eg_help_command(command);
    } else if (strcmp(word, "help") == 0 || strcmp(word, "--help") == 0 ||
               strcmp(word, "-h") == 0) {
        eg_help_all();
    } else {
        return false;
    }
    return true;
}

static eagle_status run(char **argv, int32_t argc, eagle_error *err)
{
    eagle_status st = EAGLE_OK;
    const eg_command *command = NULL;
    eg_options opt;

    if (argc < 2) {
        return eg_cli_fail(err, EAGLE_EINVAL, "no command; 'eagle help' lists them");
    }
    if (informs(&st, argv[1], argc > 2 ? argv[2] : NULL, err)) {
        return st;
    }
    command = find_command(argv[1]);
    if (command == NULL) {
        return eg_cli_fail(err, EAGLE_EINVAL, "unknown command '%s'; 'eagle help' lists them",
                           argv[1]);
    }
    st = eg_options_parse(&opt, argv + 2, argc - 2, command->bit, err);
    if (st != EAGLE_OK) {
        return st;
    }
    if (opt.help) {
        eg_help_command(command);
        return EAGLE_OK;
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
    st = run(argv, (int32_t)argc, &err);
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
