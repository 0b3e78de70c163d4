# SPDX-License-Identifier: MIT
# test_toy.sh - the toy that ships: ids in and out, its head changes no token, its end token ends texts, and
# what it writes is mostly its little language (tests/support/toy_sentences.awk).
. tests/cli/lib.sh
toy=testdata/toy
toy_head=testdata/toy-eagle1

get() { "$field" "$1" <"$2" || exit 1; }

"$EAGLE" inspect "$toy" "$toy_head" --scan -q >/dev/null || exit 1
stopped=0
for seed in 1 2 3 4 5 6 7 8 9 10; do
    write() { "$EAGLE" generate -m "$toy" --prompt-ids 1 -n 60 -t 1 --temp 1 -s $seed -q --format json "$@"; }
    write >"$work/plain" || exit 1
    write -H "$toy_head" >"$work/head" || exit 1
    equal "$(get result "$work/plain")" "$(get result "$work/head")" "seed $seed with the head"
    get result.output_ids "$work/plain" | tr -d '[,]' >>"$work/texts"
    [ "$(get result.finish_reason "$work/plain")" != stop ] || stopped=$((stopped + 1))
done
[ $stopped -ge 5 ] || { echo "only $stopped of 10 texts came to their end"; exit 1; }

awk '
{ sub(/ 2$/, ""); n = split($0 " ", part, " 15 ?")
  for (i = 1; i < n; i++) { all++; good += part[i] ~ /^ *[345] [678]( (9|10))? 1[1-4]$/ } }
END { if (good < 0.8 * all || all < 30) { print good " of " all " sentences are of the language"; exit 1 } }' "$work/texts"
