#!/bin/sh
# SPDX-License-Identifier: MIT
# demo.sh EAGLE - the main job, shown: one story, told without and with the head, the same in
# every bit.
#
# The model is the one that ships. Exit 1 when the two stories differ.
eagle=$1
model=testdata/stories
head=testdata/stories-eagle1
work=$(mktemp -d) || exit 5
trap 'rm -rf "$work"' EXIT

mark=
[ -t 1 ] || mark='--mark brackets'
# One thread: a model of two megabytes is not worth dividing.
tell() { "$eagle" generate -m "$model" -p 'One day, Lily and Tom' -n 200 -t 1 "$@"; }

echo '== one token at a time'
tell || exit
echo
echo '== with the head: the marked tokens were drafted, and accepted by the model'
# shellcheck disable=SC2086
tell -H "$head" $mark || exit
echo

# field NAME FILE: a text, number or list of the document, which is one line.
field() { sed "s/.*\"$1\": \"*\([^]\"},]*\).*/\1/" "$2"; }

for run in 1 2 3; do
    tell -q --format json >"$work/plain.$run" || exit
    tell -q --format json -H "$head" >"$work/head.$run" || exit
done
for what in plain head; do
    sed 's/.*"output_ids": \[\([^]]*\)\].*/\1/' "$work/$what.1" >"$work/$what.ids"
    for run in 1 2 3; do
        field decode_tokens_per_s "$work/$what.$run"
    done | sort -n | sed -n 2p >"$work/$what.rate"
done
digest=$(field logits_digest "$work/plain.1")
if ! cmp -s "$work/plain.ids" "$work/head.ids" ||
    [ "$digest" != "$(field logits_digest "$work/head.1")" ]; then
    echo "NOT identical: the head changed the text or the logits behind it"
    exit 1
fi
echo "identical: $(wc -w <"$work/plain.ids" | tr -d ' ') tokens, and every bit of the logits behind them (SHA-256 $digest)"
echo "$(cat "$work/plain.rate") $(cat "$work/head.rate") $(field mean_acceptance_length "$work/head.1")" | awk '{
    printf "with the head %.2f times as fast: %.0f tokens/s and %.0f, %.2f tokens a pass of the model\n", $2 / $1, $2, $1, $3
    if ($2 < $1) print "(this model lies in the cache, where drafting costs more than the passes it saves; docs/commands.md, bench)"
}'
