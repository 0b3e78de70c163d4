# SPDX-License-Identifier: MIT
# demo.mk - `make demo`: builds, then shows the main job.

demo: all
	@sh tests/support/demo.sh $(BUILD)/eagle
