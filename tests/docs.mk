# SPDX-License-Identifier: MIT
# docs.mk - `make check-docs`: what the pages name exists, what they quote compiles or is what is printed.

.PHONY: check-docs
check-docs: all
	@CC='$(CC)' sh tests/docs/check_docs.sh $(BUILD)/eagle
