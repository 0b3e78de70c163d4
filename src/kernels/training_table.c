/* SPDX-License-Identifier: MIT */
/* training_table.c - which table of training's loops serves which instruction set. */
#include "kernels/training.h"

const eg_training *eg_training_for(eagle_isa isa)
{
    if (isa == EAGLE_ISA_AUTO) {
        isa = eagle_isa_best();
    }
    if (!eagle_isa_usable(isa)) {
        return NULL;
    }
    switch (isa) {
#if defined(__x86_64__) && !defined(EG_TRAIN_DOUBLE)
    case EAGLE_ISA_AVX2: return &eg_training_avx2;
    case EAGLE_ISA_AVX512: return &eg_training_avx512;
#endif
    default: return &eg_training_portable;
    }
}
