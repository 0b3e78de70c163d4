# SPDX-License-Identifier: MIT
# big.mk - what needs networks of TinyLlama-1.1B's shape: 7 GB on disk, made once with random weights.
#
#   make check-big   a tree of 59 nodes at context 512 equals one-token decoding, f32 and bf16
#   make bench-big   bandwidth, decoding, verification, prompts: the figures of docs/performance.md

BIG := $(BUILD)/big
big_shape := 2048 22 32 4 5632 32000

.PHONY: big check-big bench-big
big: $(BIG)/f32/model.safetensors $(BIG)/bf16/model.safetensors

$(BIG)/%/model.safetensors: $(out)/tests/support/make_model
	$(Q)mkdir -p $(BIG)
	$(Q)$< $(BIG)/$* $* $(big_shape) $(BIG)/$*-eagle1

check-big: big $(out)/tests/oracle/test_wide_tree
	$(Q)EAGLE_BIG=$(BIG)/f32:$(BIG)/bf16 $(out)/tests/oracle/test_wide_tree

bench-big: all big
	$(Q)for dtype in f32 bf16; do $(BUILD)/eagle bench -m $(BIG)/$$dtype -t 2 || exit 1; done
