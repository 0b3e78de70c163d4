# SPDX-License-Identifier: MIT
# checks.mk - the long checks: sanitizers, valgrind, the other compiler, other optimisations.
#
# Each builds its own flavour under build/ and runs the suite, or the part of it that the tool can
# bear. TESTS limits a run to programs whose path contains it. build/eagle is the flavour
# last built; `make` puts the release back.

.PHONY: check-asan check-ubsan check-tsan check-valgrind check-clang check-bits check-all

# Out-of-bounds accesses, use after free, leaks.
check-asan:
	$(Q)$(MAKE) DEPS=0 FLAVOUR=asan check

# Undefined behaviour; the first finding ends the program.
check-ubsan:
	$(Q)UBSAN_OPTIONS=print_stacktrace=1 $(MAKE) DEPS=0 FLAVOUR=ubsan check

# Data races. gcc's OpenMP runtime hides its barriers from ThreadSanitizer, clang's shows them
# through its libarcher; so this flavour is clang's, and the runtime itself is not watched.
check-tsan:
	$(Q)TSAN_OPTIONS='ignore_noninstrumented_modules=1 halt_on_error=1' \
	  $(MAKE) DEPS=0 CC=$(CLANG) FLAVOUR=tsan TESTS=$(or $(TESTS),tests/unit) check

# Uninitialised memory, which no sanitizer of gcc sees. Unit tests and failed allocations only: it is
# 30 to 200 times slower, seven minutes of one CPU.
check-valgrind: all tests
	$(Q)sh tests/support/valgrind.sh $(out) $(TESTS)

# Everything, by the other compiler.
check-clang:
	$(Q)$(MAKE) DEPS=0 CC=$(CLANG) FLAVOUR=clang check

# The same digests from every compiler and optimisation level.
check-bits:
	$(Q)for build in gcc-O0 gcc-O2 gcc-O3 clang-O0 clang-O3; do \
	  $(MAKE) DEPS=0 CC=$${build%-*} FLAVOUR=bits-$$build CFLAGS=-$${build#*-} all tools || exit 1; \
	done
	$(Q)sh tests/support/bits.sh $(BUILD)/bits-*/
	$(Q)$(MAKE) DEPS=0 all

# What each of these needs and finds missing it says itself.
all_checks := check lint check-docs check-asan check-ubsan check-tsan check-valgrind check-clang check-bits
# Parts that a checkout may lack: the emulated AArch64 run, proofs over all inputs, fuzzing.
more_checks := check-cross check-exhaustive fuzz check-mutants

check-all:
	$(Q)failed=; \
	for target in $(all_checks) $(more_checks); do \
	  $(MAKE) DEPS=0 -n $$target >/dev/null 2>&1 || { echo "== $$target: not here"; continue; }; \
	  echo "== $$target"; \
	  $(MAKE) DEPS=0 $$target || failed="$$failed $$target"; \
	done; \
	[ -z "$$failed" ] || { echo "check-all: failed:$$failed"; exit 1; }; \
	echo "check-all: everything passed"

bench: all tools
	$(Q)for program in $(filter $(out)/tests/bench/%,$(tool_programs)); do \
	  echo "== $${program##*/}"; $$program || exit 1; \
	done
	$(Q)for model in testdata/stories $(EAGLE_DATA)/models/stories-27m $(EAGLE_DATA)/models/stories260K; do \
	  [ ! -d $$model ] || { echo "== eagle bench -m $$model"; $(BUILD)/eagle bench -m $$model || exit 1; }; \
	done

help:
	@printf '%s\n' \
	  'make              library and build/eagle' \
	  'make demo         sets up, builds, shows the main job' \
	  'make check        everything quick, about a minute' \
	  'make lint         layers, names, lengths, format, warnings' \
	  'make lab          FILE=my_rule.c: is one'"'"'s own accept rule lossless? (docs/lab.md)' \
	  'make bench        kernels and end to end, with variance' \
	  'make fuzz         every target for a short while' \
	  'make install      PREFIX=$(PREFIX), DESTDIR for packages; make uninstall' \
	  'make deps         libraries and tools, by the package manager' \
	  'make clean        removes build/' \
	  '' \
	  'make check-all    check, lint, fuzz and all of the following' \
	  '  check-asan check-ubsan check-tsan check-valgrind' \
	  '  check-clang     the suite by the other compiler' \
	  '  check-bits      the same bits from -O0 to -O3, gcc and clang' \
	  '  check-cross     AArch64, emulated' \
	  '  check-exhaustive  the proofs of exp, log, sin, cos over all inputs' \
	  '  check-docs      stops, links, names, options, snippets, examples of the docs' \
  '  check-mutants   programs with mistakes in them: does a test fail for each? an hour' \
	  'make crosscheck   compares with the published implementations (Python, optional)' \
	  'make bench-train  how fast training is, beside PyTorch (Python, optional)' \
	  '' \
	  'FLAVOUR=release|debug|asan|ubsan|tsan  CC=gcc|clang  BLAS=0  WERROR=1  V=1  DEPS=0' \
	  'TESTS=part  only test programs whose path contains it' \
	  'EAGLE_DATA=dir  further models, text and goldens (default ../shared)'
