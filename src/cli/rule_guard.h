/* SPDX-License-Identifier: MIT */
/* rule_guard.h - calls a rule of the user's, which may crash or loop for ever. */
#ifndef EG_CLI_RULE_GUARD_H
#define EG_CLI_RULE_GUARD_H

#include "eagle/verifier.h"

/* The rule, watched: from here on a crash, an exit(), and a call of more than `seconds` end the program with
 * exit code 1, after saying on stderr what happened and what the rule was asked. One at a time. */
eagle_verify_fn *eg_rule_guard(eagle_verify_fn *rule, unsigned seconds);

#endif
