# SPDX-License-Identifier: MIT
# fuzz.mk - `make fuzz`: every target of tests/fuzz for FUZZ_SECONDS, under the address and
# undefined-behaviour sanitizers.
#
# With libFuzzer where clang has it, else with tests/fuzz/standalone.c. The seeds are the malformed
# files of testdata/bad and what lies in testdata/fuzz/NAME; new inputs are kept in
# build/fuzz/corpus, so that a second run goes on where the first one stopped. An input that
# ends a target is left in build/fuzz/found.
#
# `make check` builds the target that judges with standalone.c, and gives it its seeds
# (tests/cli/test_fuzz_seeds.sh).

FUZZ_SECONDS ?= 10

fuzz_sources  := $(sort $(wildcard tests/fuzz/fuzz_*.c))
ifneq ($(have_text),1)
fuzz_sources  := $(filter-out %/fuzz_tokenizer.c %/fuzz_corpus.c,$(fuzz_sources))
endif
ifneq ($(have_json),1)
fuzz_sources  := $(filter-out %/fuzz_check.c,$(fuzz_sources))
endif
fuzz_programs := $(fuzz_sources:%.c=$(out)/%)
fuzz_corpus   := $(BUILD)/fuzz/corpus
fuzz_found    := $(BUILD)/fuzz/found

fuzz_watch := address,undefined -fno-sanitize-recover=all -fno-omit-frame-pointer

FUZZ_ENGINE ?= $(out)/tests/fuzz/standalone.o

.PHONY: fuzz-run fuzz-seeds

tools: $(filter %/fuzz_check,$(fuzz_programs))

fuzz:
	$(Q)mkdir -p $(BUILD)/fuzz; \
	if echo 'int LLVMFuzzerTestOneInput(void){return 0;}' | \
	  $(CLANG) -fsanitize=fuzzer -x c - -o $(BUILD)/fuzz/probe 2>/dev/null; then \
	  $(MAKE) DEPS=0 FLAVOUR=fuzz CC=$(CLANG) SAN='-fsanitize=fuzzer-no-link,$(fuzz_watch)' OPT=-O1 \
	    FUZZ_ENGINE=-fsanitize=fuzzer fuzz-run; \
	else \
	  echo "note: no libFuzzer here ($(CLANG)); the plain fuzzer has no coverage to follow"; \
	  $(MAKE) DEPS=0 FLAVOUR=fuzz-plain SAN='-fsanitize=$(fuzz_watch)' OPT=-O1 \
	    FUZZ_ENGINE='$(BUILD)/fuzz-plain/tests/fuzz/standalone.o' fuzz-run; \
	fi

$(fuzz_programs): $(out)/%: $(out)/%.o $(out)/tests/fuzz/shared.o $(out)/tests/fuzz/standalone.o \
                            $(out)/tests/support/lib_scratch.o $(out)/tests/support/lib_toy.o \
                            $(out)/libeagle.a $(linked_with)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $< $(out)/tests/fuzz/shared.o $(out)/tests/support/lib_scratch.o \
	  $(out)/tests/support/lib_toy.o $(FUZZ_ENGINE) $(out)/libeagle.a $(ALL_LIBS)

fuzz-seeds:
	$(Q)for name in $(patsubst tests/fuzz/fuzz_%.c,%,$(fuzz_sources)); do \
	  mkdir -p $(fuzz_corpus)/$$name; \
	done; \
	mkdir -p $(fuzz_found); \
	cp testdata/responses/* $(fuzz_corpus)/responses/; \
	for file in testdata/responses/*; do \
	  { printf ' ' && cat $$file; } >$(fuzz_corpus)/check/$${file##*/}; \
	done; \
	for dir in testdata/bad/*/; do \
	  name=$$(basename $$dir); \
	  for pair in safetensors:model.safetensors index:model.safetensors.index.json \
	      config:config.json config:generation_config.json rounds:rounds.json rounds:tree.json \
	      tokenizer:tokenizer.json; do \
	    file=$$dir/$${pair#*:}; \
	    [ ! -f $$file ] || [ ! -d $(fuzz_corpus)/$${pair%%:*} ] || \
	      cp $$file $(fuzz_corpus)/$${pair%%:*}/$$name; \
	  done; \
	done

fuzz-run: $(fuzz_programs) fuzz-seeds
	$(Q)[ ! -w /dev/shm ] || export TMPDIR=/dev/shm; \
	failed=; \
	for program in $(fuzz_programs); do \
	  name=$${program##*/fuzz_}; \
	  echo "== $$name, $(FUZZ_SECONDS) s"; \
	  dictionary=; \
	  [ ! -f testdata/fuzz/$$name.dict ] || dictionary=-dict=testdata/fuzz/$$name.dict; \
	  seeds=; \
	  [ ! -d testdata/fuzz/$$name ] || seeds=testdata/fuzz/$$name; \
	  $$program -max_total_time=$(FUZZ_SECONDS) -max_len=20000 -timeout=20 -rss_limit_mb=2048 \
	    -verbosity=0 -print_final_stats=1 -artifact_prefix=$(fuzz_found)/$$name- $$dictionary \
	    $(fuzz_corpus)/$$name $$seeds >$(BUILD)/fuzz/$$name.log 2>&1 || failed="$$failed $$name"; \
	  grep -E 'executed_units|mutants' $(BUILD)/fuzz/$$name.log; \
	done; \
	for name in $$failed; do echo "fuzz: $$name failed:"; tail -n 60 $(BUILD)/fuzz/$$name.log; done; \
	[ -z "$$failed" ]
