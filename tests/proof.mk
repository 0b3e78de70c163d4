# SPDX-License-Identifier: MIT
# proof.mk - the selftest as a program of its own, and the proof of the elementary functions.

selftest_program := $(out)/tests/support/run_selftest

$(selftest_program): $(out)/tests/support/run_selftest.o $(out)/libeagle.a $(linked_with)
	$(Q)$(CC) $(ALL_LDFLAGS) -o $@ $(filter %.o %.a,$^) $(ALL_LIBS)

.PHONY: check-selftest check-exhaustive

check-selftest: $(selftest_program)
	$(Q)$(selftest_program)

# Every input of exp, log, sin, cos: about six minutes on two cores.
check-exhaustive: $(selftest_program)
	$(Q)$(selftest_program) exhaustive
