#!/bin/sh
# SPDX-License-Identifier: MIT
# make_check_seeds.sh EAGLE OUT - small runs of the toy, right ones, as seeds of tests/fuzz/fuzz_check.c:
# a byte that says how they are judged, then the file, a trace without the length of its header.
eagle=$1
out=$2
work=$(mktemp -d) || exit 5
trap 'rm -rf "$work"' EXIT

# seed NAME HOW ARGUMENT...: HOW is the first byte, in octal. A NUL ends the header.
seed() {
    name=$1
    how=$2
    shift 2
    "$eagle" trace record -q -t 1 -m testdata/toy -H testdata/toy-eagle1 --ignore-eos --prompt-ids 1 -n 3 \
        -o "$work/trace" "$@" || exit
    length=$(od -An -tu4 -N4 "$work/trace")
    {
        printf "\\$how"
        tail -c +9 "$work/trace" | head -c "$length"
        printf '\000'
        tail -c +$((9 + length)) "$work/trace"
    } >"$out/$name"
}

mkdir -p "$out" || exit
printf '[[0],[1]]\n' >"$work/tree" # enough for a path, a rejection and a sibling
seed greedy 040 --level 4 --spec-tree "$work/tree" --layers 0..0
seed rejection 020 --level 4 --spec-tree "$work/tree" --sites none --temp 0.8 --verify rejection
seed drawn 000 --level 2 --spec-tree "$work/tree" --spec-children drawn --temp 0.8
seed coupled 100 --level 2 --temp 0.8 --verify coupled
seed tokens 040 --level 1 --spec off
seed plain 004 --level 4 --spec off --sites none --temp 0.8
seed digest 001 --level 4 --digest --spec-tree "$work/tree" --layers 0..0
printf '@{"prompt_ids":[1,5],"output_ids":[9,3,4],"source":[1,2,4]}\n' >"$out/list"
printf '\002{"prompt_ids":[1],"output_ids":[3],"logprobs":[-1.5],"top_logprobs":[{"3":-1.5,"4":-2}]}\n' \
    >"$out/logprobs"
