/* SPDX-License-Identifier: MIT */
/* texts_law.h - the law of whole texts against plain sampling's. */
#ifndef EG_PROVE_TEXTS_LAW_H
#define EG_PROVE_TEXTS_LAW_H

#include "prove/finding.h"

/* The text that string `to`, which begins with string `from`, comes to: cut after the first end
 * token and after `length` tokens. -1 when neither is met beyond `from`: it goes on. */
int32_t eg_texts_cut(const eg_subject *s, int32_t from, int32_t to, int32_t length);

/* Compares the weights of all texts, each cut as above, with the product of plain laws along it:
 * every text, the law of each place alone, and every beginning for the shortest difference. */
eagle_status eg_texts_compare(eg_finding *f, eg_subject *s, const eg_mass *got, int32_t length,
                              eagle_error *err);

#endif
