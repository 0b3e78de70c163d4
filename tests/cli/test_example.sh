#!/bin/sh
# SPDX-License-Identifier: MIT
# test_example.sh - the example of docs/library.md compiles, runs one round by its four calls, and
# finds what `eagle generate` finds.
case $OUT in
*san) flags="-fsanitize=$(echo "${OUT##*/}" | sed 's/asan/address/; s/ubsan/undefined/; s/tsan/thread/')" ;;
*) flags= ;;
esac
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
libs=$(sed -n 's/^Libs.private: //p' "${OUT%/*}/eagle.pc")

# shellcheck disable=SC2086
"${CC:-cc}" -std=c11 -Wall -Wextra -Wpedantic -Werror -Iinclude $flags -o "$work/example" \
    docs/example_round.c "$OUT/libeagle.a" $libs || exit 1

model=testdata/stories
head=testdata/stories-eagle1
said=$("$work/example" "$model" "$head") || exit 1

# "root 407, 7 drafted, 3 accepted: a b c d": the program's tokens after its first one.
round=${said#*: }
count=$(echo "$round" | wc -w)
ids=$("$EAGLE" generate -q -m "$model" --prompt-ids 0 -n "$((count + 1))" --format json |
    tr -d '\n ' | sed 's/.*"output_ids":\[\([^]]*\)\].*/\1/')
root=${said#root }
root=${root%%,*}
expected=$(echo "$root $round" | tr ' ' ',')
if [ "$ids" != "$expected" ]; then
    echo "plain decoding gives $ids, the example: $said"
    exit 1
fi
"$work/example" "$model" "$work" 2>"$work/err"
code=$?
if [ "$code" -ne 3 ] || [ ! -s "$work/err" ]; then
    echo "a missing head: expected exit 3 and a line, got $code"
    exit 1
fi
