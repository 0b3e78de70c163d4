#!/bin/sh
# SPDX-License-Identifier: MIT
# test_docs.sh - the pages tell the truth, and the script that says so can say otherwise.
#
# Checks this tree's pages, that docs/formats.md has every key of the reports, then feeds check_docs.sh one
# false page at a time.
check=$PWD/tests/docs/check_docs.sh
status=0
sh "$check" "$EAGLE" || status=1

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT

# keys COMMAND ARGUMENT...: each key of the document stands in backquotes on the page, alone or behind a dot.
keys() {
    "$EAGLE" "$@" -q --format json >"$work/doc" 2>"$work/err"
    grep -o '"[a-z_0-9]*": ' "$work/doc" | tr -d '": ' | sort -u >"$work/keys"
    [ -s "$work/keys" ] || { echo "eagle $*: no document" && cat "$work/err" && status=1; }
    while read -r key; do
        grep -qE "[\`.]$key[\`.]|\"$key\"" docs/formats.md || {
            echo "docs/formats.md: eagle $1: no key $key"
            status=1
        }
    done <"$work/keys"
}
toy="-m testdata/toy -H testdata/toy-eagle1"
"$EAGLE" --version | grep -q missing || {
    # shellcheck disable=SC2086
    "$EAGLE" trace record $toy --prompt-ids 1,5,9 -n 8 --level 4 -q -o "$work/run.trace" || status=1
    # shellcheck disable=SC2086
    keys check $toy "$work/run.trace"
    printf '{"prompt_ids": [1, 5], "output_ids": [3, 3, 3, 3]}\n' >"$work/wrong.jsonl"
    keys check -m testdata/toy "$work/wrong.jsonl"
    keys check-samples -m testdata/toy "$work/wrong.jsonl" --top-k 1
    # shellcheck disable=SC2086
    keys prove $toy --rule plain --rule-accept below-or-at --temp 1 --top-k 2 --level round,node -n 2
}

cd "$work" || exit 1
mkdir -p docs src/tree include/eagle tests
printf 'int eagle_tree_add(void);\n' >include/eagle/tree.h
printf 'int eagle_tree_add(void) { return 1; }\n' >src/tree/tree.c
printf 'check: all\n' >Makefile
printf '# own.mk\n' >tests/own.mk
printf '#!/bin/sh\n[ "$2" = generate ] && echo "  -n, --max-tokens N"\n[ "$2" = -n ] && printf "%%s\\n" one "two 2.5 tokens/s" three && echo four >&2\nexit 0\n' >eagle
chmod +x eagle
printf 'page\n' >README.md

expect() { # PAGE'S TEXT, WORDS or nothing when the page is fine
    printf '%b\n' "$1" >docs/page.md
    out=$(sh "$check" ./eagle 2>&1)
    code=$?
    case $code:$out in
    0:*) [ -z "$2" ] && return ;;
    1:*"$2"*) [ -n "$2" ] && return ;;
    esac
    echo "check_docs.sh: expected \"$2\" of: $1, got: $out"
    status=1
}
expect '[a](../README.md) `src/tree/tree.c`: `eagle_tree_add` `make check` `eagle generate -n 3`' ''
expect '[a](nowhere.md)' 'docs/page.md:1: no such file: nowhere.md'
expect 'see `src/tree/other.c`' 'no such path: src/tree/other.c'
expect 'call `eagle_tree_grow()`' 'no such name: eagle_tree_grow'
expect '1. `src/tree/tree.c`: `walk_all`' 'src/tree/tree.c has no walk_all'
expect '`make checks`' 'no make target: checks'
expect '```sh\nmake checks\n```' 'no make target: checks'
expect '```sh\n$ eagle generate --max-token 3\n```' 'eagle generate has no option --max-token'
expect '`build/eagle gnerate -n 3`' 'eagle gnerate has no option -n'
expect '```c compile\n#include "eagle/tree.h"\nint x = 1;\n```' ''
expect '```c compile\nint x = y;\n```' 'docs/page.md:1: does not compile'
expect '```c src/tree/tree.c\nint eagle_tree_add(void) { return 1; }\n```' ''
expect '```c src/tree/tree.c\nint eagle_tree_add(void) { return 2; }\n```' 'is not src/tree/tree.c to the letter'
example='```text run\n$ eagle generate -n 3\n'
expect "$example"'one\ntwo 7 tokens/s\nthree\nfour\n```' ''
expect "$example"'o...e\n...\nfour\n```' ''
expect "$example"'...\nthree\n...\n```' ''
expect "$example"'one\ntwo 7 tokens/s\nthree\n```' 'docs/page.md:2: prints "four", not ""'
expect "$example"'one\ntwo 7 tokens/s\nfour\n```' 'docs/page.md:2: prints "three", not "four"'
expect "$example"'one\n...\nfive\n```' 'docs/page.md:2: does not print "five"'
expect "$example"'...\no...n\n...\n```' 'docs/page.md:2: does not print "o...n"'
exit $status
