# SPDX-License-Identifier: MIT
# test_toy.sh - the toy that ships: ids in and out, its head changes no token, its end token ends texts, and
# what it writes is mostly its little language (tests/support/toy_sentences.awk).
. tests/cli/lib.sh
toy=testdata/toy
toy_head=testdata/toy-eagle1

get() { "$field" "$1" <"$2" || exit 1; }

"$EAGLE" inspect "$toy" "$toy_head" --scan -q >/dev/null || exit 1
for seed in 1 2 3 4 5 6 7 8 9 10; do
    write() { "$EAGLE" generate -m "$toy" --prompt-ids 1 -n 60 -t 1 --temp 1 -s $seed -q --format json "$@"; }
    write >"$work/plain" || exit 1
    write -H "$toy_head" >"$work/head" || exit 1
    equal "$(get result "$work/plain")" "$(get result "$work/head")" "seed $seed with the head"
    equal stop "$(get result.finish_reason "$work/plain")" "finish_reason of seed $seed"
    get result.output_ids "$work/plain" | tr -d '[,]' >>"$work/texts"
done

# Same seed, same tokens, everywhere: so the counts are exact.
equal '42 of 46' "$(awk '
    { sub(/ 2$/, ""); n = split($0 " ", part, " 15 ?")
      for (i = 1; i < n; i++) { all++; good += part[i] ~ /^ *[345] [678]( (9|10))? 1[1-4]$/ } }
    END { print good " of " all }' "$work/texts")" 'sentences of the language'
equal '3 7 10 11 15 4 7 9 14 15 4 8 9 12 15 5 8 13 15 4 7 9 11 15 2' "$(head -n 1 "$work/texts")" 'the text of seed 1'
