/* SPDX-License-Identifier: MIT */
/* lib_recorded.h - draws that give a list of answers, to lead a walk where a test wants it. */
#ifndef TESTS_SUPPORT_LIB_RECORDED_H
#define TESTS_SUPPORT_LIB_RECORDED_H

#include "eagle/verify.h"

struct recorded_answer {
    eagle_draw_key key;
    int32_t answer; /* of a pick the index, of an accept 1 or 0 */
};

/* A question under another key than the recorded one, one too many, or an answer that has no
 * weight sets `fault`; then some answer that has weight is given. */
struct recorded {
    const struct recorded_answer *answer; /* [n] */
    int32_t n;
    int32_t next; /* answers asked for so far */
    bool fault;
};

/* Draws bound to `recorded`. */
eagle_draws recorded_draws(struct recorded *recorded);

#endif
