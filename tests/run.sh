#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh OUT EAGLE - runs every built test program and every script of tests/cli, and ends
# with one line: N passed, N failed, N skipped.
#
# Programs print TAP ("ok", "not ok", "ok ... # SKIP"); scripts exit 0 (pass), 77 (skip, with
# the reason on stdout) or anything else (fail). TESTS limits the run to names that contain it.
out=$1
eagle=$2
log=$out/tests.log
passed=0
failed=0
skipped=0
: >"$log"

count() { grep -cE "$1" "$out/one.log"; }

for program in "$out"/tests/unit/test_* "$out"/tests/kernels/test_* "$out"/tests/golden/test_* \
    "$out"/tests/oracle/test_* "$out"/tests/fault/test_* "$out"/tests/train/test_*; do
    case $program in *.o | *.d) continue ;; esac
    [ -x "$program" ] || continue
    case $program in *"${TESTS:-}"*) ;; *) continue ;; esac
    CMOCKA_MESSAGE_OUTPUT=TAP "$program" >"$out/one.log" 2>&1
    code=$?
    cat "$out/one.log" >>"$log"
    # cmocka 1.1.5 says "not ok 3 # SKIP name" of a skipped test, later ones "ok 3 # SKIP name".
    skips=$(count '^(not )?ok .*# SKIP')
    oks=$(grep -v '# SKIP' "$out/one.log" | grep -c '^ok ')
    bad=$(grep -v '# SKIP' "$out/one.log" | grep -c '^not ok ')
    if [ "$bad" -eq 0 ] && { [ "$code" -ne 0 ] || [ $((oks + skips)) -eq 0 ]; }; then
        bad=1 # it crashed, failed without saying so, or tested nothing
    fi
    passed=$((passed + oks))
    skipped=$((skipped + skips))
    failed=$((failed + bad))
    if [ "$bad" -gt 0 ]; then
        printf 'FAILED %s (exit %s)\n' "${program#"$out"/}" "$code"
        grep -vE '^ok ' "$out/one.log" | tail -n 40
    fi
    grep -E '^(note|count): ' "$out/one.log"
done

for script in tests/cli/test_*.sh tests/lint/test_*.sh; do
    [ -f "$script" ] || continue
    case $script in *"${TESTS:-}"*) ;; *) continue ;; esac
    case $script in
    tests/cli/*) # without jansson there is no program
        [ -x "$eagle" ] || { skipped=$((skipped + 1)) && continue; }
        ;;
    esac
    EAGLE=$eagle OUT=$out sh "$script" >"$out/one.log" 2>&1
    code=$?
    cat "$out/one.log" >>"$log"
    case $code in
    0) passed=$((passed + 1)) ;;
    77)
        skipped=$((skipped + 1))
        printf 'skipped %s: %s\n' "$script" "$(tail -n 1 "$out/one.log")"
        ;;
    *)
        failed=$((failed + 1))
        printf 'FAILED %s (exit %s)\n' "$script" "$code"
        tail -n 40 "$out/one.log"
        ;;
    esac
done

printf '%s passed, %s failed, %s skipped\n' "$passed" "$failed" "$skipped"
[ "$failed" -eq 0 ] && [ "$passed" -gt 0 ]
