# SPDX-License-Identifier: MIT
# test_end_token.sh - an end token ends the output: it is among the ids, its text is not shown; and
# --ignore-eos goes on behind it. The model here ends with what is else the fifth token of its text.
. tests/cli/lib.sh

get() { "$field" "$1" <"$2" || exit 1; }

"$EAGLE" generate -m "$model" --prompt-ids 0 -n 9 -t 1 -q --format json >"$work/plain" || exit 1
nine=$(get result.output_ids "$work/plain")
five=$(echo "$nine" | sed 's/^\(\[[0-9]*\(, [0-9]*\)\{4\}\).*/\1]/')
four=$(echo "$five" | sed 's/, [0-9]*]$//; s/^.//')
end=$(echo "$five" | sed 's/.* \([0-9]*\)]$/\1/')
case " $four," in *" $end,"*) echo "token $end comes earlier too: another end is needed" && exit 1 ;; esac

mkdir "$work/ends"
for file in config.json model.safetensors tokenizer.json; do
    ln -s "$(cd "$model" && pwd)/$file" "$work/ends/$file"
done
echo "{\"eos_token_id\": $end}" >"$work/ends/generation_config.json"

for drafting in '' "-H $head"; do
    # shellcheck disable=SC2086
    ends() { "$EAGLE" generate -m "$work/ends" $drafting --prompt-ids 0 -n 9 -t 1 -q "$@"; }
    ends --format json >"$work/json" || exit 1
    equal "$five" "$(get result.output_ids "$work/json")" "ids, $drafting"
    equal stop "$(get result.finish_reason "$work/json")" "finish_reason, $drafting"
    ends --ignore-eos --format json >"$work/on" || exit 1
    equal "$nine" "$(get result.output_ids "$work/on")" "ids with --ignore-eos, $drafting"
    equal length "$(get result.finish_reason "$work/on")" "finish_reason with --ignore-eos, $drafting"
    "$EAGLE" --version | grep -q '^  tokenizer .*missing' && continue
    text=$("$EAGLE" tokenize -m "$model" -d --prompt-ids "$four")
    equal "$text" "$(ends)" "text, $drafting"
    equal "$text" "$(get result.text "$work/json")" "text of the document, $drafting"
    equal "$(get result.text "$work/plain")" "$(ends --ignore-eos)" "text with --ignore-eos, $drafting"
done
