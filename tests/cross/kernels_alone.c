/* SPDX-License-Identifier: MIT */
/* kernels_alone.c - the kernels without a test framework, for machines that are emulated: compares
 * the best variants with the portable definition and prints the hash of their results. The last
 * line is the same on every machine. */
#include "support/lib_kernels.h"

#include <stdio.h>

int main(void)
{
    const eg_kernels *best = eg_kernels_for(EAGLE_ISA_AUTO);
    const uint64_t portable = kernel_hash(eg_kernels_for(EAGLE_ISA_PORTABLE));
    int failed = 0;

    for (size_t i = 0; i < n_kernel_checks; i++) {
        const bool ok = kernel_checks[i].run(best);

        printf("%s %s: %s\n", ok ? "ok" : "not ok", eagle_isa_name(best->isa),
               kernel_checks[i].name);
        failed += !ok;
    }
    if (kernel_hash(best) != portable) {
        printf("not ok %s: the hash is %016llx\n", eagle_isa_name(best->isa),
               (unsigned long long)kernel_hash(best));
        failed++;
    }
    printf("hash %016llx\n", (unsigned long long)portable);
    return failed != 0;
}
