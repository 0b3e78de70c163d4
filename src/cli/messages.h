/* SPDX-License-Identifier: MIT */
/* messages.h - what the program says on stderr, and how its parts fail.
 *
 * A failed command leaves one line in an eagle_error; main() prints it. An empty message
 * fails quietly: a reader that closed the pipe has seen what it wanted. */
#ifndef EG_CLI_MESSAGES_H
#define EG_CLI_MESSAGES_H

#include "eagle/status.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#if defined(__GNUC__)
#define EG_CLI_PRINTF(fmt, args) __attribute__((format(printf, fmt, args)))
#else
#define EG_CLI_PRINTF(fmt, args)
#endif

/* Fills *err (NULL allowed) with `code` and one line, control characters made visible, and
 * returns `code`. */
eagle_status eg_cli_fail(eagle_error *err, eagle_status code, const char *fmt, ...)
    EG_CLI_PRINTF(3, 4);

/* Puts "`name`: " before what *err says of `code`, and returns `code`. */
eagle_status eg_cli_name(eagle_error *err, eagle_status code, const char *name);

/* One line on stderr, unless `quiet`. */
void eg_cli_note(bool quiet, const char *fmt, ...) EG_CLI_PRINTF(2, 3);

/* "1.5 GiB" into text; returns text. */
#define EG_BYTES_TEXT 24
const char *eg_cli_bytes(char text[EG_BYTES_TEXT], uint64_t n);

#endif
