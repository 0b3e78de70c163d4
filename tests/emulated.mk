# SPDX-License-Identifier: MIT
# emulated.mk - AVX-512 files for machines without AVX-512: the same sources, compiled against SIMDe
# (libsimde-dev) by tests/emulated/immintrin.h. A test program that lists such an object links
# it in place of the library's own.

have_simde := $(firstword $(wildcard /usr/include/simde/x86/avx512.h /usr/local/include/simde/x86/avx512.h))

# SIMDe is not ours: its warnings are not shown.
$(out)/emulated/%.o: src/kernels/%.c tests/emulated/immintrin.h $(compiled_with)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) -Itests/emulated $(CPPFLAGS) $(STRICT) $(OPT) $(CFLAGS) -mavx2 -mfma -mf16c $(SAN) -w -Wno-psabi -MMD -MP -c -o $@ $<

ifneq ($(and $(have_simde),$(filter x86_64%,$(target_cpu))),)
$(out)/tests/kernels/%.o: CPPFLAGS += -DEG_EMULATED_AVX512
$(out)/tests/kernels/test_mathf: $(out)/emulated/act_avx512.o
$(out)/tests/kernels/test_kernels_emulated: $(patsubst src/kernels/%.c,$(out)/emulated/%.o,$(wildcard src/kernels/*_avx512.c))
endif
