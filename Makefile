# SPDX-License-Identifier: MIT
# eagle - EAGLE speculative decoding for CPUs. `make help` lists the targets.
#
# Objects go to build/<flavour>/, so that flavours never mix. A file's suffix is its instruction
# set, and picks its flags in one line. Nothing is configured: parts whose libraries pkg-config
# does not find are left out, and `eagle --version` says so. What was built with other flags or of
# other parts is built again: $(out)/compiled-with and $(out)/linked-with remember them.

VERSION  := 0.1.0
PREFIX   ?= /usr/local
DESTDIR  ?=
CC       ?= cc
FLAVOUR  ?= release
BUILD    ?= build
BLAS     ?= 1
DEPS     ?= 1
V        ?= 0
WERROR   ?= 0
EAGLE_DATA ?= ../shared
export EAGLE_DATA

out := $(BUILD)/$(FLAVOUR)
Q   := $(if $(filter 1,$(V)),,@)

# ---- set-up: `make demo` and `make check` first make sure of the libraries --------------------

ifeq ($(DEPS),1)
ifneq ($(filter demo check,$(MAKECMDGOALS)),)
ifndef EAGLE_DEPS_DONE
deps_ran := $(shell sh tests/support/deps.sh 1>&2; echo done)
export EAGLE_DEPS_DONE := 1
endif
endif
endif

# ---- parts that depend on libraries ------------------------------------------------------------

has = $(shell pkg-config --exists $(1) 2>/dev/null && echo 1)

CPPFLAGS_LIBS :=
LIBS          :=
have_json := $(call has,jansson)
have_text := $(if $(call has,libpcre2-8),$(call has,libutf8proc))
have_mpfr := $(call has,mpfr)
have_gmp  := $(call has,gmp)
have_blas := $(if $(filter 1,$(BLAS)),$(call has,openblas))
have_test := $(call has,cmocka)

ifeq ($(have_json),1)
CPPFLAGS_LIBS += -DEG_HAVE_JSON $(shell pkg-config --cflags jansson)
LIBS          += $(shell pkg-config --libs jansson)
endif
ifeq ($(have_text),1)
CPPFLAGS_LIBS += -DEG_HAVE_TEXT $(shell pkg-config --cflags libpcre2-8 libutf8proc)
LIBS          += $(shell pkg-config --libs libpcre2-8 libutf8proc)
endif
ifeq ($(have_mpfr),1)
CPPFLAGS_LIBS += -DEG_HAVE_MPFR $(shell pkg-config --cflags mpfr)
LIBS          += $(shell pkg-config --libs mpfr) -lgmp
endif
ifeq ($(have_gmp),1)
CPPFLAGS_LIBS += -DEG_HAVE_GMP $(shell pkg-config --cflags gmp)
LIBS          += $(shell pkg-config --libs gmp)
endif
ifeq ($(have_blas),1)
CPPFLAGS_LIBS += -DEG_HAVE_BLAS $(shell pkg-config --cflags openblas)
LIBS          += $(shell pkg-config --libs openblas)
endif

flavours := release debug asan ubsan tsan clang fuzz fuzz-plain bits-%
ifneq ($(filter-out $(flavours),$(FLAVOUR)),)
$(error FLAVOUR is $(FLAVOUR): one of $(flavours))
endif

# ---- flags --------------------------------------------------------------------------------------

# -std=c11 and -ffp-contract=off: the compiler fuses, splits and reorders nothing on its own.
WARN   := -Wall -Wextra -Wpedantic -Wshadow -Wmissing-prototypes -Wvla -Wstrict-prototypes $(if $(filter 1,$(WERROR)),-Werror)
STRICT := -std=c11 -ffp-contract=off -fno-math-errno
OPT    := -O2
SAN    :=
ifeq ($(FLAVOUR),debug)
OPT := -O0
endif
ifeq ($(FLAVOUR),asan)
SAN := -fsanitize=address -fno-omit-frame-pointer
OPT := -O1
endif
ifeq ($(FLAVOUR),ubsan)
SAN := -fsanitize=undefined -fno-sanitize-recover=all
OPT := -O1
endif
ifeq ($(FLAVOUR),tsan)
SAN := -fsanitize=thread
OPT := -O1
endif

CFLAGS   ?= -g
override CPPFLAGS += -D_POSIX_C_SOURCE=200809L -DEG_VERSION='"$(VERSION)"' -Iinclude -Isrc $(CPPFLAGS_LIBS)
ALL_CFLAGS = $(STRICT) $(OPT) $(CFLAGS) $(WARN) $(SAN) -fopenmp -pthread -fvisibility=hidden -DEAGLE_BUILD_SHARED
ALL_LDFLAGS = $(LDFLAGS) $(SAN) -fopenmp -pthread
ALL_LIBS = $(LIBS) -ldl -lm

ifneq ($(findstring -ffast-math,$(CFLAGS) $(OPT))$(findstring -Ofast,$(CFLAGS) $(OPT)),)
$(error fast-math changes the bits: eagle refuses to be built with it)
endif

# ---- sources ------------------------------------------------------------------------------------

target_cpu := $(shell $(CC) -dumpmachine)
sources := $(sort $(wildcard src/*/*.c))
ifeq ($(filter x86_64%,$(target_cpu)),)
sources := $(filter-out %_avx2.c %_avx512.c,$(sources))
endif
ifeq ($(filter aarch64% arm64%,$(target_cpu)),)
sources := $(filter-out %_neon.c,$(sources))
endif
ifneq ($(have_json),1)
sources := $(filter-out src/formats/% src/model/open.c src/tokenizer/% src/cli/% \
             src/check/check.c src/check/claims%.c src/check/respons%.c src/train/corpus_read.c src/train/corpus_jsonl.c \
             src/train/features%.c src/train/checkpoint.c src/train/export.c src/train/step.c src/train/trainer.c \
             src/trace/%,$(sources))
endif
ifneq ($(have_text),1)
sources := $(filter-out src/tokenizer/%,$(sources)) $(wildcard src/tokenizer/absent.c)
else
sources := $(filter-out src/tokenizer/absent.c,$(sources))
endif

ifneq ($(have_gmp),1)
sources := $(filter-out src/prove/%,$(sources)) $(wildcard $(addprefix src/prove/, \
             certificate.c float_rules.c float_typical.c float_walk.c verifier.c without_gmp.c))
else
sources := $(filter-out src/prove/without_gmp.c,$(sources))
endif
ifneq ($(have_mpfr),1)
sources := $(filter-out src/check/statistics.c src/check/samples%.c,$(sources)) $(wildcard src/check/samples_absent.c)
else
sources := $(filter-out src/check/samples_absent.c,$(sources))
endif

lib_sources := $(filter-out src/cli/%,$(sources))
cli_sources := $(filter src/cli/%,$(sources))
lib_objects := $(lib_sources:%.c=$(out)/%.o)
cli_objects := $(cli_sources:%.c=$(out)/%.o)
pic_objects := $(lib_sources:%.c=$(out)/pic/%.o)

$(out)/%_avx2.o $(out)/pic/%_avx2.o: ISA := -mavx2 -mfma -mf16c
$(out)/%_avx512.o $(out)/pic/%_avx512.o: ISA := -mavx512f -mavx512bw -mavx512dq -mavx512vl -mavx2 -mfma -mf16c

# Every object depends on the first, every library and program on the second; the last lines of this
# file write them.
compiled_with := $(out)/compiled-with
linked_with   := $(out)/linked-with

# ---- library and program ------------------------------------------------------------------------

.DEFAULT_GOAL := all
.DELETE_ON_ERROR:
.SUFFIXES:
.PHONY: all lib demo check lint bench fuzz deps help clean install uninstall

all: lib $(if $(cli_objects),$(BUILD)/eagle) $(BUILD)/eagle.pc
ifneq ($(have_json),1)
	@echo "note: without jansson (libjansson-dev) only the core library is built" >&2
endif

lib: $(BUILD)/libeagle.a $(BUILD)/libeagle.so

$(out)/libeagle.a: $(lib_objects) $(linked_with)
	$(Q)rm -f $@
	$(Q)$(AR) rcs $@ $(filter %.o,$^)

$(out)/libeagle.so: $(pic_objects) $(linked_with)
	$(Q)$(CC) $(ALL_LDFLAGS) -shared -Wl,-soname,libeagle.so.0 -o $@ $(filter %.o,$^) $(ALL_LIBS)

# -rdynamic: a rule that `eagle prove --verifier` loads may call what the headers declare.
$(out)/eagle: $(cli_objects) $(out)/libeagle.a $(linked_with)
	$(Q)$(CC) $(ALL_LDFLAGS) -rdynamic -o $@ $(filter %.o %.a,$^) $(ALL_LIBS)

# The names that users know, whatever the flavour was.
$(BUILD)/eagle $(BUILD)/libeagle.a $(BUILD)/libeagle.so: $(BUILD)/%: $(out)/% FORCE
	$(Q)cmp -s $< $@ || { cp $< $@.new && mv -f $@.new $@; }
.PHONY: FORCE
FORCE:

$(BUILD)/eagle.pc: FORCE
	$(Q)mkdir -p $(@D)
	$(Q)printf '%s\n' 'prefix=$(PREFIX)' 'Name: eagle' 'Description: EAGLE speculative decoding for CPUs' \
	  'Version: $(VERSION)' 'Libs: -L$${prefix}/lib -leagle' 'Libs.private: $(strip $(ALL_LIBS)) -fopenmp -pthread' \
	  'Cflags: -I$${prefix}/include' > $@.new
	$(Q)cmp -s $@.new $@ && rm $@.new || mv $@.new $@ # PREFIX may have changed

$(out)/%.o: %.c $(compiled_with)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ISA) -MMD -MP -c -o $@ $<

$(out)/pic/%.o: %.c $(compiled_with)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(ISA) -fPIC -MMD -MP -c -o $@ $<

-include $(shell find $(out) -name '*.d' 2>/dev/null)

install: all
	install -d $(DESTDIR)$(PREFIX)/bin $(DESTDIR)$(PREFIX)/lib/pkgconfig $(DESTDIR)$(PREFIX)/include/eagle
	$(if $(cli_objects),install -m 755 $(BUILD)/eagle $(DESTDIR)$(PREFIX)/bin/eagle)
	install -m 644 $(BUILD)/libeagle.a $(DESTDIR)$(PREFIX)/lib/libeagle.a
	install -m 755 $(BUILD)/libeagle.so $(DESTDIR)$(PREFIX)/lib/libeagle.so.0
	ln -sf libeagle.so.0 $(DESTDIR)$(PREFIX)/lib/libeagle.so
	install -m 644 $(BUILD)/eagle.pc $(DESTDIR)$(PREFIX)/lib/pkgconfig/eagle.pc
	install -m 644 include/eagle/*.h $(DESTDIR)$(PREFIX)/include/eagle

uninstall:
	rm -f $(DESTDIR)$(PREFIX)/bin/eagle $(DESTDIR)$(PREFIX)/lib/libeagle.a $(DESTDIR)$(PREFIX)/lib/libeagle.so \
	  $(DESTDIR)$(PREFIX)/lib/libeagle.so.0 $(DESTDIR)$(PREFIX)/lib/pkgconfig/eagle.pc
	rm -rf $(DESTDIR)$(PREFIX)/include/eagle

clean:
	rm -rf $(BUILD)

# ---- tests ---------------------------------------------------------------------------------------

include tests/tests.mk $(filter-out tests/tests.mk,$(wildcard tests/*.mk))

# ---- what was built with what --------------------------------------------------------------------

# $(call remember,FILE,WORDS): FILE holds WORDS; it is only made when they are others than it holds.
define remember
$(1): $(if $(call differ,$(strip $(2)),$(strip $(shell cat $(1) 2>/dev/null))),FORCE)
	$$(Q)mkdir -p $$(@D)
	$$(Q)printf '%s\n' '$(subst ','\'',$(subst $$,$$$$,$(strip $(2))))' >$$@
endef
differ = $(subst x$(1),,x$(2))$(subst x$(2),,x$(1))

# Here, after the includes, because the tests have a say too; the words are those of this moment, without
# what single targets add (the makefiles say that, and it is the same each time).
$(eval $(call remember,$(compiled_with),$(CC) $(CPPFLAGS) $(ALL_CFLAGS) $(have_simde)))
$(eval $(call remember,$(linked_with),$(CC) $(AR) $(ALL_LDFLAGS) $(FUZZ_ENGINE) $(TEST_LIBS) $(ALL_LIBS) \
  $(lib_objects) $(cli_objects) $(support_objects) $(double_objects) $(have_simde)))
