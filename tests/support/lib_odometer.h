/* SPDX-License-Identifier: MIT */
/* lib_odometer.h - draws that give every possible answer once, with its exact weight.
 *
 *     struct odometer all = {0};
 *     do {
 *         ... code under test, asking odometer_draws(&all) ...
 *         ... the run's probability is the product of step[i].num / step[i].den ...
 *     } while (odometer_next(&all));
 *
 * Depth first: a run repeats the answers of the run before up to the last question that has
 * another answer left. Answers of weight 0 are not given. The code under test must be a
 * function of the answers alone, and may ask each key only once a run: both are asserted. */
#ifndef TESTS_SUPPORT_LIB_ODOMETER_H
#define TESTS_SUPPORT_LIB_ODOMETER_H

#include "eagle/verify.h"

#define ODOMETER_STEPS   32 /* questions in a run    */
#define ODOMETER_ANSWERS 16 /* answers of a question */

struct odometer_step {
    eagle_draw_key key;
    int32_t answer;
    int32_t later; /* the next answer that has weight, or -1 */
    eagle_wide num;
    eagle_wide den;
};

struct odometer {
    struct odometer_step step[ODOMETER_STEPS];
    int n;     /* steps whose answers are set     */
    int asked; /* questions so far in this run    */
};

/* Draws bound to `all`. */
eagle_draws odometer_draws(struct odometer *all);

/* Goes on to the next run; false when all were made. */
bool odometer_next(struct odometer *all);

#endif
