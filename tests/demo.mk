# SPDX-License-Identifier: MIT
# demo.mk - `make demo`: the program's main job, in a few seconds.

demo: all
	$(Q)sh tests/support/demo.sh $(BUILD)/eagle
