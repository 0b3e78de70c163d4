/* SPDX-License-Identifier: MIT */
/* repeats.h - which tokens were recorded before, and whether a control answers the same prompts. */
#ifndef EG_CHECK_REPEATS_H
#define EG_CHECK_REPEATS_H

#include "check/claims.h"

/* (*out)[i]: so many tokens of run i, the prompt's included, stand at the beginning of another run
 * that counts instead. EAGLE_ENOMEM. Free *out with free(). */
eagle_status eg_repeats(int32_t **out, const eagle_claims *claims, eagle_error *err);

/* Is every prompt of `claims` one of the control's? EAGLE_ENOMEM. */
eagle_status eg_same_prompts(bool *same, const eagle_claims *claims, const eagle_claims *control,
                             eagle_error *err);

#endif
