#!/bin/sh
# SPDX-License-Identifier: MIT
# demo.sh EAGLE - the main job: a story by the model alone, the same story with a draft head.
#
# Shows the accepted tokens (in colour on a terminal, in brackets elsewhere), and says whether
# ids and logits of the two runs are identical, and how the speeds compare.
eagle=$1
data=${EAGLE_DATA:-../shared}
model=$data/models/stories260K
head=$data/heads/stories260K-eagle1
prompt='Once upon a time'
n=200

if [ ! -d "$model" ] || [ ! -d "$head" ]; then
    echo "demo: needs $model and $head; EAGLE_DATA=DIR names the folder that holds models/ and heads/" >&2
    exit 3
fi
work=$(mktemp -d) || exit 5
trap 'rm -rf "$work"' EXIT

# One thread: a pass of so small a network is shorter than waking a second one.
generate() { "$eagle" generate -q -t 1 -m "$model" -H "$head" -p "$prompt" -n $n "$@"; }

# field NAME < document: what stands behind "NAME": in it
field() { tr ',{}[]' '\n\n\n\n\n' | sed -n "s/^ *\"$1\": *\"\{0,1\}\([^\"]*\)\"\{0,1\} *\$/\1/p"; }

# Speeds of such a small network vary from run to run: the best of five counts.
best_speed() {
    for _ in 1 2 3 4 5; do
        generate --format json "$@" >"$work/run" || exit
        field decode_tokens_per_s <"$work/run"
    done | sort -n | tail -n 1
}

if [ -t 1 ]; then mark=color; else mark=brackets; fi
printf '%s' "$prompt"
generate --mark $mark || exit

generate --format json --spec off >"$work/plain" && generate --format json >"$work/eagle" || exit
plain=$(best_speed --spec off)
drafted=$(best_speed)
accepted=$(field mean_acceptance_length <"$work/eagle")

echo
awk -v a="$drafted" -v b="$plain" -v tau="$accepted" 'BEGIN {
    printf "with the head: %.0f tokens/s, %.2f tokens per pass of the model\n", a, tau
    printf "without:       %.0f tokens/s\n", b
    printf "%.2f times as fast\n", a / b
    if (a < b) {
        print "(this model lies in the cache whole: passes cost what their rows cost, and fewer of them gain"
        print "nothing. Drafting pays where the weights come from memory: docs/performance.md)"
    } }'
if [ "$(field logits_digest <"$work/plain")" != "$(field logits_digest <"$work/eagle")" ] ||
    [ -z "$(field logits_digest <"$work/eagle")" ]; then
    echo "different: the two runs do not agree"
    exit 1
fi
echo "identical: $n tokens, and every bit of the logits behind them"
