/* SPDX-License-Identifier: MIT */
/* oracle.h - evidence that speculative decoding changes nothing: docs/oracle.md. */
#ifndef EAGLE_ORACLE_H
#define EAGLE_ORACLE_H

#include "eagle/prove.h"
#include "eagle/verifier.h"

#endif
