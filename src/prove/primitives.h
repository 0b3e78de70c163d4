/* SPDX-License-Identifier: MIT */
/* primitives.h - random words become choices exactly. */
#ifndef EG_PROVE_PRIMITIVES_H
#define EG_PROVE_PRIMITIVES_H

#include "prove/finding.h"

/* Three statements about sample/pick.c and sample/philox.c; no model is looked at.
 *
 *   small sums  for every s up to 2^8, over all words: each number below s comes as often as any other, in
 *               the first attempt and in the second, which reads the blocks that follow
 *   wide sums   for every width up to 320 bits: each bit that is read has one place in the number, the
 *               first one the highest; no other bit of the words has any
 *   choices     for all small weights and every number below their sum: pick gives the index whose span
 *               holds it, accept says whether it is below num, narrow and wide, with the words that the
 *               key's counter has
 *
 * count.strings is how many sums, count.compared how many numbers and choices were looked at. */
eagle_status eg_primitives_exact(eg_finding *f, eg_subject *s, eagle_error *err);

#endif
