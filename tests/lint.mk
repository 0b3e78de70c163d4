# SPDX-License-Identifier: MIT
# lint.mk - `make lint`: layers, names, lengths, format. The rules are scripts in tests/lint.

lint: lib
	@CC='$(CC)' sh tests/lint/lint.sh $(BUILD)/libeagle.a $(BUILD)/libeagle.so
