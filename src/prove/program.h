/* SPDX-License-Identifier: MIT */
/* program.h - the whole program, round after round, with numbers that persist. */
#ifndef EG_PROVE_PROGRAM_H
#define EG_PROVE_PROGRAM_H

#include "prove/finding.h"

/* Runs the loop of eagle_generation, from the context's prefill to the end of a text, for every
 * answer of the draws, and compares the law of its texts with plain sampling's.
 *
 * Nothing is taken for independent: a key that a later round asks again is answered from what its
 * number can still be after the earlier answers. Another rule than the shipped one is put into the
 * loop of draft, score, verify, commit in eagle_session_step()'s place. */
eagle_status eg_program_law(eg_finding *f, eg_subject *s, eagle_error *err);

#endif
