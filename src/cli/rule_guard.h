/* SPDX-License-Identifier: MIT */
/* rule_guard.h - proofs that end the program in the middle: by a rule of the user's, which may
 * crash or loop for ever, or without memory for a fraction. */
#ifndef EG_CLI_RULE_GUARD_H
#define EG_CLI_RULE_GUARD_H

#include "cli/options.h"
#include "eagle/prove.h"
#include "eagle/verifier.h"

typedef eagle_status eg_rule_work(const eg_options *opt, eagle_error *err);

/* Does the work, which loads and calls a rule, in a process of its own, and waits: a rule can end
 * its process in ways that no process sees coming (_exit()), and the exit code would be the rule's.
 * What the work returns, it returns there: it goes on to that process's end, whose exit code this
 * one takes over without returning. EAGLE_EFAILED when the process ended inside the work,
 * EAGLE_EINTERNAL when a signal ended it, EAGLE_ENOMEM when there is none. Call it before there are
 * threads. */
eagle_status eg_rule_apart(eg_rule_work *work, const eg_options *opt, eagle_error *err);

/* The rule, watched: from here on a crash, an exit(), and a call of more than `seconds` end the
 * program with exit code 1, after saying on stderr what happened and what the rule was asked. One
 * at a time. */
eagle_verify_fn *eg_rule_guard(eagle_verify_fn *rule, unsigned seconds);

/* From here on a fraction that there is no memory for ends the program with one line and exit code
 * 5. */
void eg_fraction_guard(void);

#endif
