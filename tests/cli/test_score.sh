# SPDX-License-Identifier: MIT
# test_score.sh - teacher forcing says what generation did: of a greedy text every token is the arg
# max, and the rows' digest is that of plain decoding; chunks change nothing.
. tests/cli/lib.sh

get() { "$field" "$1" <"$2" || exit 1; }

"$EAGLE" generate -m "$model" --prompt-ids 0 -n 7 -q --format json >"$work/plain" || exit 1
ids=0,$(get result.output_ids "$work/plain" | tr -d '[ ]')
"$EAGLE" score -m "$model" -t 1 --prompt-ids "${ids%,*}" -q --format json >"$work/score" || exit 1
equal "$(get result.logits_digest "$work/plain")" "$(get result.logits_digest "$work/score")" \
    'digest of the rows'
equal "[null,${ids#0,}]" "$(get result.arg_max "$work/score" | tr -d '[ ]' | sed 's/.*/[&/'),${ids##*,}]" 'arg max'
equal "${ids##*,}" "$(get result.next.arg_max "$work/score")" 'the next token'

for chunk in 1 3; do
    "$EAGLE" score -m "$model" -t 1 --prompt-ids "${ids%,*}" -q --format json --chunk $chunk \
        -o "$work/tensors.$chunk" >"$work/chunks" || exit 1
    same "$work/score" "$work/chunks" "score in chunks of $chunk"
done
same "$work/tensors.1" "$work/tensors.3" 'the tensors'
# safetensors: 8 bytes of length, a header, then 7 rows of 512 logits and 128 features.
head -c 400 "$work/tensors.1" | tr -d '\0' | grep -q '"logits"' || exit 1
size=$(wc -c <"$work/tensors.1" | tr -d ' ')
header=$(od -An -tu4 -N4 "$work/tensors.1" | tr -d ' ')
equal $((8 + header + 7 * (512 + 128) * 4)) "$size" 'size of the tensors'

calls() {
    run score -m "$model" --prompt-ids 0,407,333,300
    run score -m "$model" --prompt-ids 0
    run score -m "$model" --prompt-ids 0 -q
}
transcript calls
