/* SPDX-License-Identifier: MIT */
/* states.h - a round leaves nothing behind but the tokens that it committed. */
#ifndef EG_PROVE_STATES_H
#define EG_PROVE_STATES_H

#include "prove/finding.h"

/* For every context of fewer than s->opt.length tokens, and every tree that can be drafted there:
 *
 *   rows    the logits of each node are, in every bit, those of decoding its path one token at a time
 *   states  after each path of the tree and one token more are committed, the hash of the session is
 *           that of one which was fed the same tokens one at a time; so it is after the round that
 *           follows a feed of the whole context
 *
 * So a state is a function of its tokens after any number of rounds, however they cut a text: each
 * begins where the one before ended. */
eagle_status eg_states_agree(eg_finding *f, eg_subject *s, eagle_error *err);

#endif
