/* SPDX-License-Identifier: MIT */
/* help.h - help and version, made from the tables. */
#ifndef EG_CLI_HELP_H
#define EG_CLI_HELP_H

#include "cli/commands.h"

/* All commands and the exit codes. */
void eg_help_all(void);

/* One command with its options. */
eagle_status eg_help_command(const eg_command *command, eagle_error *err);

/* The commands that begin with this word and have a second one; false when there is none. */
bool eg_help_group(const char *word);

/* Version, contract, CPU, instruction sets, parts. */
void eg_help_version(void);

#endif
