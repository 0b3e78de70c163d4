# SPDX-License-Identifier: MIT
# big.mk - what needs networks of TinyLlama-1.1B's shape: 7 GB on disk, made once with random weights.
#
#   make check-big   a tree of 59 nodes at context 512 equals one-token decoding, f32 and bf16
#   make bench-big   bandwidth, decoding, verification, prompts: the figures of docs/performance.md;
#                    and what a first run reads from the disk, at most 1.02 times the weights' file
#
# BIG=DIR big_shape='DIM LAYERS HEADS KV_HEADS FFN VOCAB' take another place and another shape.

BIG       ?= $(BUILD)/big
big_shape ?= 2048 22 32 4 5632 32000

.PHONY: big check-big bench-big
big: $(BIG)/f32/model.safetensors $(BIG)/bf16/model.safetensors

# Made once: a newer program that makes the same is no reason to make 7 GB again.
$(BIG)/%/model.safetensors: | $(out)/tests/support/make_model
	$(Q)mkdir -p $(BIG)
	$(Q)$(out)/tests/support/make_model $(BIG)/$* $* $(big_shape) $(BIG)/$*-eagle1

check-big: big $(out)/tests/oracle/test_wide_tree
	$(Q)EAGLE_BIG=$(BIG)/f32:$(BIG)/bf16 $(out)/tests/oracle/test_wide_tree

cold_program := $(out)/tests/support/run_cold

# 77: the file stays in memory, or the file system does not count reads; it said which.
bench-big: all big $(cold_program)
	$(Q)for dtype in f32 bf16; do \
	  $(cold_program) 1.02 $(BIG)/$$dtype/model.safetensors \
	    $(BUILD)/eagle generate -q -m $(BIG)/$$dtype --prompt-ids 1,2,3 -n 4 >$(BIG)/cold.log; code=$$?; \
	  tail -n 1 $(BIG)/cold.log; \
	  [ $$code -eq 0 ] || [ $$code -eq 77 ] || exit 1; \
	done
	$(Q)for dtype in f32 bf16; do $(BUILD)/eagle bench -m $(BIG)/$$dtype -t 2 || exit 1; done
