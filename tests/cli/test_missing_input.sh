# SPDX-License-Identifier: MIT
# test_missing_input.sh - files that are not there get one line that names them, and exit code 3.
. tests/cli/lib.sh

mkdir "$work/empty"
for command in generate 'score -p one' inspect bench 'tokenize -p one'; do
    code=0
    # shellcheck disable=SC2086
    "$EAGLE" $command -m "$work/empty" >"$work/stdout" 2>"$work/stderr" || code=$?
    equal 3 "$code" "exit code of $command"
    equal 1 "$(wc -l <"$work/stderr" | tr -d ' ')" "lines on stderr of $command"
    equal 0 "$(wc -c <"$work/stdout" | tr -d ' ')" "bytes on stdout of $command"
    grep -q "$work/empty" "$work/stderr" || { cat "$work/stderr"; exit 1; }
done
