#!/bin/sh
# SPDX-License-Identifier: MIT
# test_mutate.sh - the mutator changes what it should, in order, one place at a time, and nothing else.
#
# tests/mutants/sample is a page of C; sample.expected has its list of mutants, and behind it the
# lines that each mutant changes.
mutate=$OUT/tests/mutants/mutate
sample=tests/mutants/sample
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
[ -x "$mutate" ] || { echo "tests/mutants/mutate was not built"; exit 77; }

"$mutate" "$sample" >"$work/got"
n=$(awk 'END { print NR }' "$work/got")
i=0
while [ $i -lt "$n" ]; do
    i=$((i + 1))
    "$mutate" -n $i "$sample" >"$work/mutant" || exit 1
    diff "$sample" "$work/mutant" | sed -n "s/^>/$i:/p"
done >>"$work/got"
diff -u $sample.expected "$work/got" || exit 1

# Numbers end where the list ends.
"$mutate" -n $((n + 1)) "$sample" >"$work/mutant" 2>"$work/words" && exit 1
grep -q "has $n mutants" "$work/words" || exit 1
