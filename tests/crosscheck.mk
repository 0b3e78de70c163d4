# SPDX-License-Identifier: MIT
# crosscheck.mk - `make crosscheck`: our logits, token ids, learned tokenizers, training and written files
# against the published implementations; traces written from Python against those written from C;
# runs of transformers, right and wrong, judged.
#
# Only it and bench-train need Python: an environment of its own is made under build/crosscheck
# once, with the CPU build of torch. CROSSCHECK=NAME limits it to one case.

PYTHON      ?= python3
CROSSCHECK  ?=
BENCH_TRAIN ?=

crosscheck_dir := $(BUILD)/crosscheck

.PHONY: crosscheck
crosscheck: all $(crosscheck_dir)/ready $(out)/tests/support/make_token_ids $(out)/tests/support/make_tokenizer \
  $(out)/tests/support/make_gradients
	$(Q)$(crosscheck_dir)/bin/python tests/support/crosscheck.py $(BUILD)/eagle \
	  $(crosscheck_dir)/models $(if $(CROSSCHECK),'$(CROSSCHECK)')
	$(Q)$(crosscheck_dir)/bin/python tests/support/crosscheck_tokenizer.py $(out)/tests/support/make_token_ids \
	  --data $(EAGLE_DATA)
	$(Q)$(crosscheck_dir)/bin/python -B tests/support/crosscheck_bpe.py $(out)/tests/support/make_tokenizer \
	  $(out)/tests/support/make_token_ids --data $(EAGLE_DATA)
	$(Q)$(crosscheck_dir)/bin/python -B tests/support/crosscheck_train.py $(out)/tests/support/make_gradients \
	  $(crosscheck_dir)/training --data $(EAGLE_DATA)
	$(Q)$(crosscheck_dir)/bin/python -B tests/support/crosscheck_export.py $(BUILD)/eagle \
	  $(out)/tests/support/make_token_ids $(out)/tests/support/make_gradients $(crosscheck_dir)/export \
	  --data $(EAGLE_DATA)
	$(Q)$(crosscheck_dir)/bin/python -B tests/support/crosscheck_trace.py $(BUILD)/eagle $(CC) $(crosscheck_dir)/trace
	$(Q)$(crosscheck_dir)/bin/python -B tests/support/crosscheck_judge.py $(BUILD)/eagle $(crosscheck_dir)/judge

# Training's speed beside PyTorch's. BENCH_TRAIN holds further arguments, such as --threads 2.
.PHONY: bench-train
bench-train: all $(crosscheck_dir)/ready
	$(Q)$(crosscheck_dir)/bin/python -B tests/support/bench_training.py $(BUILD)/eagle $(crosscheck_dir)/bench $(BENCH_TRAIN)

$(crosscheck_dir)/ready:
	$(Q)$(PYTHON) -m venv $(crosscheck_dir)
	$(Q)$(crosscheck_dir)/bin/pip install -q torch==2.13.0 transformers safetensors tokenizers numpy
	$(Q)touch $@
