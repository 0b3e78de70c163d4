# SPDX-License-Identifier: MIT
# mutants.mk - `make check-mutants`: tests that are tested, by programs with mistakes in them.
#
# Planted bugs are patches in tests/mutants; machine-made ones are small changes of every function of
# sample, tree, verify and decode. tests/mutants/run.sh says what is kept where.

mutate_program := $(out)/tests/mutants/mutate

mutant_env = CC='$(CC)' MUTANT_FLAGS='$(filter-out -DEG_VERSION%,$(CPPFLAGS)) $(STRICT) -O0 -w -fopenmp -pthread' \
  MUTANT_ASAN='-fsanitize=address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer' MUTANT_LIBS='$(TEST_LIBS) $(ALL_LIBS)'

.PHONY: check-mutants made-mutants planted-mutants
check-mutants: all tests tools
	$(Q)$(MAKE) DEPS=0 FLAVOUR=asan tests
	$(Q)$(mutant_env) sh tests/mutants/run.sh $(out) $(BUILD)/asan

planted-mutants: all tests tools
	$(Q)$(mutant_env) sh tests/mutants/planted.sh $(out)

made-mutants: all tests tools
	$(Q)$(MAKE) DEPS=0 FLAVOUR=asan tests
	$(Q)$(mutant_env) sh tests/mutants/made.sh $(out) $(BUILD)/asan
