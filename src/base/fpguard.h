/* SPDX-License-Identifier: MIT */
/* fpguard.h - is this thread's floating-point environment the one the contract needs? */
#ifndef EG_BASE_FPGUARD_H
#define EG_BASE_FPGUARD_H

#include "eagle/status.h"

/* NULL when rounding is to nearest even, subnormals are kept (no FTZ, DAZ, FZ, DN, AHP) and
 * fma rounds once; else a static string that names the first fault. Cheap: call it
 * in every thread of every pass. */
const char *eg_fpguard_fault(void);

#endif
