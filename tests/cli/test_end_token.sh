# SPDX-License-Identifier: MIT
# test_end_token.sh - an end token ends the output: it is among the ids, its text is not shown; and
# --ignore-eos goes on behind it. The model here ends with its comma.
. tests/cli/lib.sh
need models/stories260K/tokenizer.json heads/stories260K-eagle1/config.json

get() { "$field" "$1" <"$2" || exit 1; }

mkdir "$work/comma"
for file in config.json model.safetensors tokenizer.json; do
    ln -s "$(cd "$model" && pwd)/$file" "$work/comma/$file"
done
echo '{"eos_token_id": 432}' >"$work/comma/generation_config.json"

for drafting in '' "-H $head"; do
    # shellcheck disable=SC2086
    ends() { "$EAGLE" generate -m "$work/comma" $drafting --prompt-ids 1 -n 9 -t 1 -q "$@"; }
    ends --format json >"$work/json" || exit 1
    equal '[403, 407, 261, 378, 432]' "$(get result.output_ids "$work/json")" "ids, $drafting"
    equal stop "$(get result.finish_reason "$work/json")" "finish_reason, $drafting"
    ends --ignore-eos --format json >"$work/on" || exit 1
    equal '[403, 407, 261, 378, 432, 383, 286, 261, 376]' "$(get result.output_ids "$work/on")" \
        "ids with --ignore-eos, $drafting"
    equal length "$(get result.finish_reason "$work/on")" "finish_reason with --ignore-eos, $drafting"
    "$EAGLE" --version | grep -q '^  tokenizer .*missing' && continue
    equal 'Once upon a time' "$(ends)" "text, $drafting"
    equal 'Once upon a time' "$(get result.text "$work/json")" "text of the document, $drafting"
    equal 'Once upon a time, there was a little' "$(ends --ignore-eos)" "text with --ignore-eos, $drafting"
done
