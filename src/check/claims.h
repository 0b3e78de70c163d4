/* SPDX-License-Identifier: MIT */
/* claims.h - runs as they come from a file, or are made in memory. */
#ifndef EG_CHECK_CLAIMS_H
#define EG_CHECK_CLAIMS_H

#include "check/claim.h"
#include "eagle/check.h"
#include "eagle/responses.h"
#include "eagle/trace.h"

struct eagle_claims {
    eg_claim **claim; /* [n] */
    int32_t n;
    int32_t cap;
    /* what the claims point into */
    eagle_trace *trace;
    eagle_responses *responses;
};

/* Adds an empty claim. EAGLE_ENOMEM. */
eagle_status eg_claims_add(eg_claim **out, eagle_claims *claims, const char *name,
                           eagle_error *err);

/* Makes claims of an opened trace, or of responses, which the claims own from then on, also when
 * this fails. */
eagle_status eg_claims_from_trace(eagle_claims *claims, const char *path, eagle_error *err);
eagle_status eg_claims_from_responses(eagle_claims *claims, const char *path, eagle_error *err);

#endif
