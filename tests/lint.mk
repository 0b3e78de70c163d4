# SPDX-License-Identifier: MIT
# lint.mk - `make lint`: layers, names, lengths, format, and no warning from either compiler.
#
# The rules are scripts in tests/lint. Warnings: gcc's come with the build (WERROR=1 makes
# them errors, as continuous integration does); clang reads the same sources here, when it is there.

CLANG    ?= clang
lint_out := $(out)/clang-warnings
lint_c   := $(sources) $(test_sources) $(support_sources) $(tool_sources)
lint_ok  := $(if $(shell command -v $(CLANG) 2>/dev/null),$(lint_c:%.c=$(lint_out)/%.ok))

$(lint_out)/%_avx2.ok: ISA := -mavx2 -mfma -mf16c
$(lint_out)/%_avx512.ok: ISA := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c
$(lint_out)/tests/%.ok: CPPFLAGS += -Itests -D_GNU_SOURCE

$(lint_out)/%.ok: %.c $(compiled_with)
	@mkdir -p $(@D)
	$(Q)$(CLANG) $(CPPFLAGS) $(ALL_CFLAGS) $(ISA) -Werror -fsyntax-only -MMD -MP -MT $@ -MF $(@:.ok=.d) $<
	@touch $@

.PHONY: clang-warnings
clang-warnings: $(lint_ok)
	$(if $(lint_ok),,@echo "note: no clang here (make deps): its warnings were not asked for")

lint: lib clang-warnings
	@CC='$(CC)' sh tests/lint/lint.sh $(BUILD)/libeagle.a $(BUILD)/libeagle.so
