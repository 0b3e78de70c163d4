/* SPDX-License-Identifier: MIT */
/* real.h - eg_real, the number that training computes with, under the trainer's own roof. */
#ifndef EG_TRAIN_REAL_H
#define EG_TRAIN_REAL_H

#include "kernels/real.h"

#endif
