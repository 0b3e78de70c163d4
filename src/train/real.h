/* SPDX-License-Identifier: MIT */
/* real.h - the number that training computes with: float; double where gradients are checked.
 *
 * The operations and the networks are written once, in eg_real. The library has them in float;
 * the gradient check compiles the same text with EG_TRAIN_DOUBLE, where central differences
 * have digits to spare. */
#ifndef EG_TRAIN_REAL_H
#define EG_TRAIN_REAL_H

#ifdef EG_TRAIN_DOUBLE
typedef double eg_real;
#else
typedef float eg_real;
#endif

#endif
