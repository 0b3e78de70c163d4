# SPDX-License-Identifier: MIT
# train.mk - the numeric code of training compiled once more in double, for the gradient checks.
#
# Its objects stand before the library on the linker's line, so that their functions are found first
# and the library's, in float, are not taken. A program that is to have them is named here.

double_sources  := $(wildcard $(patsubst %,src/train/%.c,linear embed normalise rotate attention gate loss \
                     parameters layer_net target_net head_net adamw)) \
                   src/kernels/gemm_openblas.c src/kernels/training_portable.c src/kernels/training_table.c
double_objects  := $(double_sources:%.c=$(out)/double/%.o)
double_programs := $(filter $(out)/tests/train/test_gradients $(out)/tests/train/test_forward $(out)/tests/train/test_network%,$(test_programs))

$(out)/double/%.o: CPPFLAGS += -DEG_TRAIN_DOUBLE
$(double_programs:%=%.o): CPPFLAGS += -DEG_TRAIN_DOUBLE
$(double_programs:$(out)/%=$(lint_out)/%.ok): CPPFLAGS += -DEG_TRAIN_DOUBLE
$(double_programs): $(double_objects)

$(out)/double/%.o: %.c $(compiled_with)
	$(Q)mkdir -p $(@D)
	$(Q)$(CC) $(CPPFLAGS) $(ALL_CFLAGS) -MMD -MP -c -o $@ $<

# The AVX-512 table under another name, for machines without it (tests/emulated.mk).
ifneq ($(and $(have_simde),$(filter x86_64%,$(target_cpu))),)
$(out)/emulated/training_avx512.o: CPPFLAGS += -Deg_training_avx512=eg_training_emulated
$(out)/tests/train/test_training.o: CPPFLAGS += -DEG_EMULATED_AVX512
$(out)/tests/train/test_training: $(out)/emulated/training_avx512.o
endif
