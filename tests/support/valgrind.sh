#!/bin/sh
# SPDX-License-Identifier: MIT
# valgrind.sh OUT [PART] - the unit tests under valgrind; ends with one line of counts.
#
# Any error, and any block that is definitely lost, fails the program. Valgrind does not know
# AVX-512: the CPU it shows has none, so the other instruction sets run. It keeps its own rounding and
# flush modes, whatever the program sets: the tests that set them see EAGLE_VALGRIND and skip.
#
# Valgrind runs one thread at a time, so a thread that spins holds up the one it waits for: the program
# sees one CPU, waiting threads sleep, and turns are taken in order.
out=$1
part=${2:-}
passed=0
failed=0

command -v valgrind >/dev/null 2>&1 || {
    echo "note: no valgrind here (make deps)"
    exit 0
}
one_cpu=
cpu=$(taskset -cp $$ 2>/dev/null | sed 's/.*: *\([0-9]*\).*/\1/')
[ -z "$cpu" ] || one_cpu="taskset -c $cpu"
export EAGLE_VALGRIND=1 OMP_WAIT_POLICY=passive

for program in "$out"/tests/unit/test_* "$out"/tests/fault/test_*; do
    case $program in *.o | *.d) continue ;; esac
    case $program in *"$part"*) ;; *) continue ;; esac
    # shellcheck disable=SC2086
    if $one_cpu valgrind -q --fair-sched=try --error-exitcode=99 --leak-check=full \
        --errors-for-leak-kinds=definite --suppressions=tests/support/valgrind.supp \
        "$program" >"$out/valgrind.log" 2>&1; then
        passed=$((passed + 1))
    else
        failed=$((failed + 1))
        echo "FAILED $program"
        grep -E '^==|not ok|ERROR' "$out/valgrind.log" | head -n 40
    fi
done
echo "valgrind: $passed programs passed, $failed failed"
[ "$failed" -eq 0 ]
