/* SPDX-License-Identifier: MIT */
/* cpu.h - what this CPU and its operating system can do. */
#ifndef EG_BASE_CPU_H
#define EG_BASE_CPU_H

#include <stdbool.h>

/* Each field says that the CPU has it and that the operating system keeps its registers. */
typedef struct {
    bool avx2;
    bool fma;
    bool f16c;
    bool avx512; /* F, BW, DQ and VL */
    bool neon;
} eg_cpu;

eg_cpu eg_cpu_detect(void);

#endif
