# SPDX-License-Identifier: MIT
# cross.mk - `make check-cross`: the static core for AArch64, built without any library, run under
# an emulator (packages gcc-aarch64-linux-gnu and qemu-user) and compared with this machine.

CROSS_CC   ?= aarch64-linux-gnu-gcc
CROSS_AR   ?= aarch64-linux-gnu-ar
CROSS_RUN  ?= qemu-aarch64
cross_build := $(BUILD)/cross

alone_sources  := $(wildcard tests/cross/*_alone.c)
alone_programs := $(alone_sources:%.c=$(out)/%)

$(alone_programs): $(out)/%: $(out)/%.o $(out)/tests/support/lib_kernels.o $(out)/tests/support/lib_toy.o $(out)/libeagle.a $(linked_with)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(out)/libeagle.a $(ALL_LIBS)

.PHONY: alone check-cross
alone: $(alone_programs)

check-cross: alone
	$(Q)$(MAKE) --no-print-directory CC=$(CROSS_CC) AR=$(CROSS_AR) BUILD=$(cross_build) LDFLAGS=-static \
	  DEPS=0 BLAS=0 have_json= have_text= have_mpfr= have_gmp= have_test= alone
	$(Q)sh tests/cross/compare.sh $(out) $(cross_build)/$(FLAVOUR) $(CROSS_RUN)
