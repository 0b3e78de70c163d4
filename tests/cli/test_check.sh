# SPDX-License-Identifier: MIT
# test_check.sh - check judges token lists and responses: what generation wrote passes, a changed token
# fails at its place, and what is no run is refused by name.
. tests/cli/lib.sh

toy=testdata/toy
get() { "$field" "$1" <"$2" || exit 1; }

"$EAGLE" generate -m "$toy" --prompt-ids 1,5,9 -n 12 --ignore-eos -q --format json >"$work/right" || exit 1
prompt=$(get result.prompt_ids "$work/right")
output=$(get result.output_ids "$work/right")
last=${output##*, }
last=${last%]}
printf '{"prompt_ids": %s, "output_ids": %s}\n' "$prompt" "$output" >"$work/list"
printf '{"prompt_ids": %s, "output_ids": %s%s]}\n' "$prompt" "${output%"$last"]}" \
    $(((last + 1) % 16)) >"$work/wrong"

# judge CODE VERDICT ARGUMENT...: the exit code, and the document's verdict.
judge() {
    code=$1
    verdict=$2
    shift 2
    "$EAGLE" check -m "$toy" -t 1 -q --format json "$@" >"$work/doc" 2>"$work/err"
    equal "$code" "$?" "exit code of check $*"
    equal "$verdict" "$(get result.verdict "$work/doc")" "verdict of check $*"
}
judge 0 pass "$work/right"
judge 0 pass "$work/list"
judge 1 FAIL "$work/wrong"
equal 13 "$(get result.first_divergence.position "$work/doc")" 'the row before the last token'
judge 1 FAIL "$work/wrong" --control "$work/list"
judge 8 near-tie "$work/wrong" --eps 1000
judge 0 pass "$work/wrong" --eps 1000 --near-tie pass
judge 1 FAIL "$work/wrong" --eps 1000 --near-tie fail
judge 7 inconclusive "$work/list" --shift 1
judge 7 inconclusive "$work/list" --temp 0.7

# What generate writes says how it was sampled, and is judged so unless something else is asked for.
"$EAGLE" generate -m "$toy" --prompt-ids 3,1 -n 12 -t 1 --ignore-eos -q --format json --temp 1.3 --top-k 9 \
    --top-p 0.95 -s 4 >"$work/drawn" || exit 1
equal '1.3 9 0.95 0' "$(for key in temperature top_k top_p min_p; do get "settings.$key" "$work/drawn"; done |
    paste -sd' ')" 'sampling in the settings'
judge 7 inconclusive "$work/drawn"
judge 1 FAIL "$work/drawn" --temp 0
sed 's/"top_k": 9/"top_k": 1/' "$work/drawn" >"$work/likeliest"
judge 1 FAIL "$work/likeliest"
sed 's/"0.95"/0.95/' "$work/drawn" >"$work/number"
"$EAGLE" check -m "$toy" -q "$work/number" >"$work/out" 2>&1
equal 3 $? 'exit code of a top_p that is no text'
grep -q 'top_p is .*, must be a text' "$work/out" || exit 1


# Every operation of a trace of level 4 is judged, the attention of drafted nodes too: 11 of each layer, the
# embedding and the feature of each row, the logits of the nodes. Round 0 has one row, which is the prompt's last.
"$EAGLE" trace record -m "$toy" -H testdata/toy-eagle1 --prompt-ids 1,5,9 -n 12 --ignore-eos --level 4 -q \
    -o "$work/run.trace" || exit 1
judge 0 pass "$work/run.trace"
judge 0 pass "$work/run.trace" --shift 1e-3
judge 7 inconclusive "$work/run.trace" --shift 1e-6
judge 7 inconclusive "$work/run.trace" --shift 1e-3 --dtype bf16
judge 0 pass "$work/run.trace"
layers=$(get num_hidden_layers "$toy/config.json")
nodes=$(($(get result.logits.rows "$work/doc") - 1))
equal "$(((nodes + 3) * (11 * layers + 2) + nodes))" "$(get result.checks.6.n_judged "$work/doc")" \
    'operations that are judged'

# refuse CODE PIECE ARGUMENT...: one line that says what is wrong, and no result.
refuse() {
    code=$1
    piece=$2
    shift 2
    "$EAGLE" check "$@" >"$work/out" 2>"$work/err" </dev/null
    equal "$code" "$?" "exit code of check $*"
    equal 1 "$(wc -l <"$work/err" | tr -d ' ')" "lines on stderr of check $*"
    grep -q -e "$piece" "$work/err" || { echo "check $*: no '$piece' in: $(cat "$work/err")"; exit 1; }
    [ ! -s "$work/out" ] || { echo "check $*: there is output"; exit 1; }
}
refuse 2 'needs a file' -m "$toy" -q
refuse 2 'needs a model' "$work/list" -q
refuse 2 'no accept rule' -m "$toy" "$work/list" -q --rule nonsense
refuse 2 'a greedy run: .* rule "plain"' -m "$toy" "$work/list" -q --rule plain
refuse 2 'a greedy run: .* rule "plain"' -m "$toy" "$work/run.trace" -q --rule plain
judge 7 inconclusive "$work/list" --temp 0.7 --rule plain
refuse 3 'No such file' -m "$toy" "$work/absent" -q
printf '{"prompt_ids": [1], "output_ids": [99]}\n' >"$work/outside"
refuse 4 'token 99' -m "$toy" "$work/outside" -q
printf '{"prompt_ids": [1], "output' >"$work/cut"
refuse 3 "$work/cut" -m "$toy" "$work/cut" -q
: >"$work/empty"
refuse 3 "$work/empty" -m "$toy" "$work/empty" -q
head -c 4000 testdata/toy/model.safetensors >"$work/half"
refuse 3 "$work/half" -m "$toy" "$work/half" -q
refuse 3 'eagle.trace' -m "$toy" testdata/toy/model.safetensors -q
exit 0
