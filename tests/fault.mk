# SPDX-License-Identifier: MIT
# fault.mk - the programs of tests/fault are linked with allocations that fail on demand.

fault_programs := $(filter $(out)/tests/fault/%,$(test_programs))

$(fault_programs): WRAP += -Wl,--wrap=free
$(fault_programs): $(out)/tests/fault/fault.o
