/* SPDX-License-Identifier: MIT */
/* signals.h - Ctrl-C keeps what there is.
 *
 * Until eg_signals_hold() a SIGINT or SIGTERM ends the program with exit code 130 or 143.
 * From then on it only sets a flag that long work looks at; a second one ends the program. */
#ifndef EG_CLI_SIGNALS_H
#define EG_CLI_SIGNALS_H

/* Installs the handlers, and turns a closed pipe and a file at the limit of its size (ulimit -f)
 * into failed writes. Call once, first. */
void eg_signals_install(void);

/* From now on: set the flag only. */
void eg_signals_hold(void);

/* The signal that came, or 0. */
int eg_signals_caught(void);

#endif
