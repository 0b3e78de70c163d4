/* SPDX-License-Identifier: MIT */
/* commands.h - one function per command. */
#ifndef EG_CLI_COMMANDS_H
#define EG_CLI_COMMANDS_H

#include "cli/options.h"

/* Each runs to its end and leaves stdout flushed; a failure fills *err. */
eagle_status eg_cmd_generate(const eg_options *opt, eagle_error *err);
eagle_status eg_cmd_score(const eg_options *opt, eagle_error *err);
eagle_status eg_cmd_inspect(const eg_options *opt, eagle_error *err);
eagle_status eg_cmd_tokenize(const eg_options *opt, eagle_error *err);
eagle_status eg_cmd_bench(const eg_options *opt, eagle_error *err);
eagle_status eg_cmd_eval(const eg_options *opt, eagle_error *err);
eagle_status eg_cmd_prove(const eg_options *opt, eagle_error *err);
eagle_status eg_cmd_train_plot(const eg_options *opt, eagle_error *err);
eagle_status eg_cmd_selftest(const eg_options *opt, eagle_error *err);
eagle_status eg_cmd_train_target(const eg_options *opt, eagle_error *err);
eagle_status eg_cmd_train_head(const eg_options *opt, eagle_error *err);
eagle_status eg_cmd_train_features(const eg_options *opt, eagle_error *err);

typedef struct {
    const char *name;     /* one word, or two: "train head" */
    unsigned bit;         /* EG_GENERATE, ...               */
    const char *synopsis; /* what follows the name          */
    const char *summary;  /* one line                       */
    int32_t max_args;     /* positional arguments           */
    eagle_status (*run)(const eg_options *opt, eagle_error *err);
    void (*defaults)(eg_options *opt); /* that the table lacks, such as the library's; NULL: none */
} eg_command;

/* Command i, or NULL past the last one. */
const eg_command *eg_command_at(int32_t i);

/* What the command's options are when none is given. */
eagle_status eg_command_defaults(eg_options *opt, const eg_command *command, eagle_error *err);

#endif
