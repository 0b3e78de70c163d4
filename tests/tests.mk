# SPDX-License-Identifier: MIT
# tests.mk - the tests' part of the Makefile.
#
# A test program is tests/<folder>/test_<name>.c, linked with the static library, with what it
# uses of tests/support/lib_*.c, and with cmocka. tests/cli holds shell scripts. The runner adds
# up what they print.

support_sources := $(sort $(wildcard tests/support/lib_*.c))
test_sources    := $(sort $(wildcard tests/unit/test_*.c tests/kernels/test_*.c tests/golden/test_*.c \
                     tests/oracle/test_*.c tests/fault/test_*.c tests/train/test_*.c))
tool_sources    := $(sort $(wildcard tests/support/make_*.c tests/bench/bench_*.c) tests/support/run_cold.c \
                     tests/mutants/mutate.c)

# Like the parts of the program, what tests a part that is not built is left out.
needs_json := tests/golden/% tests/fault/test_alloc.c tests/fault/test_trace_alloc.c tests/fault/test_trainer_alloc.c tests/fault/test_corpus_alloc.c tests/fault/test_samples_alloc.c tests/oracle/test_check%.c tests/oracle/test_equality.c \
  tests/oracle/test_samples_trie.c tests/oracle/test_wide_tree.c tests/unit/test_config.c tests/unit/test_corpus.c tests/unit/test_features.c \
  tests/unit/test_feeder.c tests/unit/test_hostile_files.c tests/unit/test_safetensors%.c tests/unit/test_tokenizer.c \
  tests/unit/test_recorder.c tests/unit/test_responses.c tests/unit/test_trace%.c tests/unit/test_treefiles.c tests/train/test_checkpoint.c tests/train/test_own_features.c tests/train/test_trainer.c tests/support/make_field.c \
  tests/support/make_gradients.c tests/support/make_model.c tests/support/make_traces.c
ifneq ($(have_json),1)
test_sources := $(filter-out $(needs_json),$(test_sources))
tool_sources := $(filter-out $(needs_json),$(tool_sources))
support_sources := $(filter-out tests/support/lib_data.c tests/support/lib_trace.c,$(support_sources))
endif
needs_gmp := tests/fault/test_prove_alloc.c tests/oracle/test_exact_laws.c tests/oracle/test_prove%
ifneq ($(have_gmp),1)
test_sources := $(filter-out $(needs_gmp),$(test_sources))
support_sources := $(filter-out tests/support/lib_float_level.c,$(support_sources))
endif
ifneq ($(have_mpfr),1)
test_sources := $(filter-out tests/unit/test_statistics.c tests/oracle/test_samples%.c tests/fault/test_samples_alloc.c,$(test_sources))
endif
ifneq ($(have_test),1)
test_sources :=
support_sources := $(filter-out $(shell grep -l '<cmocka.h>' $(support_sources)),$(support_sources))
endif
support_objects := $(support_sources:%.c=$(out)/%.o)
support_library := $(out)/tests/libsupport.a
test_programs   := $(test_sources:%.c=$(out)/%)
tool_programs   := $(tool_sources:%.c=$(out)/%)

TEST_LIBS := $(if $(have_test),$(shell pkg-config --libs cmocka))

$(out)/tests/%.o: CPPFLAGS += -Itests -D_GNU_SOURCE
$(out)/tests/fault/%: WRAP := -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc

# An archive: a program takes what it needs, so that tools do without cmocka.
$(support_library): $(support_objects) $(linked_with)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

$(test_programs): $(out)/%: $(out)/%.o $(support_library) $(out)/libeagle.a $(linked_with)
	$(Q)$(CC) $(ALL_LDFLAGS) $(WRAP) -o $@ $(filter %.o,$^) $(support_library) $(out)/libeagle.a $(TEST_LIBS) $(ALL_LIBS)

$(tool_programs): $(out)/%: $(out)/%.o $(support_library) $(out)/libeagle.a $(linked_with)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o,$^) $(support_library) $(out)/libeagle.a $(ALL_LIBS)

.SECONDARY: $(test_sources:%.c=$(out)/%.o) $(tool_sources:%.c=$(out)/%.o)

.PHONY: tests tools
tests: $(test_programs)
tools: $(tool_programs)

check: all tests tools
	$(if $(have_test),,@echo "note: without cmocka (libcmocka-dev) the test programs are left out" >&2)
	$(Q)sh tests/run.sh $(out) $(BUILD)/eagle

deps:
	@sh tests/support/deps.sh tools
