# SPDX-License-Identifier: MIT
# test_padded_vocab.sh - a model may have more ids than its tokenizer, as published ones have that are
# padded: what it gives beyond them is an id without a text. A tokenizer that gives a text ids which the
# model has not does not fit it.
. tests/cli/lib.sh
need_text

get() { "$field" "$1" <"$2" || exit 1; }

# with DIR MODEL TOKENIZER: a directory of a model and another's tokenizer.
with() {
    mkdir "$work/$1"
    for file in "$2/config.json" "$2/model.safetensors" "$3/tokenizer.json"; do
        ln -s "$PWD/$file" "$work/$1/"
    done
}
with padded "$model" testdata/bad/base # 512 ids in the model, 16 in the tokenizer

generate() { "$EAGLE" generate --prompt-ids 0 -n 24 -t 1 -q "$@" 2>&1; }
generate -m "$model" --format json >"$work/whole" || { cat "$work/whole"; exit 1; }
ids=$(get result.output_ids "$work/whole")
known=$(echo "$ids" | tr -d '[],' | tr ' ' '\n' | awk '$1 < 16' | tr '\n' ' ')
[ "$(echo "$known" | wc -w)" -gt 0 ] || { echo "no id below 16 in $ids"; exit 1; }
text=$("$EAGLE" tokenize -m "$work/padded" -d "$known")

for drafting in '' "-H $head"; do
    # shellcheck disable=SC2086
    generate -m "$work/padded" $drafting --format json >"$work/json" || { cat "$work/json"; exit 1; }
    equal "$ids" "$(get result.output_ids "$work/json")" "ids, $drafting"
    equal "$text" "$(get result.text "$work/json")" "text of the document, $drafting"
    # shellcheck disable=SC2086
    equal "$text" "$(generate -m "$work/padded" $drafting)" "text, $drafting"
done

# Typed ids are another matter.
code=0
"$EAGLE" tokenize -m "$work/padded" -d 3 407 >"$work/stdout" 2>"$work/stderr" || code=$?
equal 2 "$code" 'exit code of an id that was typed'
equal 'eagle: token 407 is not in the vocabulary of 16' "$(cat "$work/stderr")" 'stderr'

with foreign testdata/bad/base "$model" # 16 ids in the model, 512 in the tokenizer
printf '{"prompt": "Once"}\n' >"$work/text"
printf '{"prompt_ids": [407]}\n' >"$work/ids"
printf 'Once' >"$work/plain.txt"

# refused CODE LINE ARGUMENT...: by `generate` of that model.
refused() {
    want=$1
    line=$2
    shift 2
    code=0
    "$EAGLE" generate -m "$work/foreign" -q --no-special "$@" >"$work/stdout" 2>"$work/stderr" ||
        code=$?
    equal "$want" "$code" "exit code, $*"
    equal "eagle: $line" "$(cat "$work/stderr")" "stderr, $*"
    equal '' "$(cat "$work/stdout")" "stdout, $*"
}
unfit="$work/foreign: tokenizer.json has 512 ids and gives a prompt the id 407, but the model's vocabulary has 16"
refused 4 "$unfit" -p Once
refused 4 "$unfit" -f "$work/plain.txt"
refused 4 "$unfit" --prompts "$work/text"
has="token id 407, but the model's vocabulary has 16"
refused 2 "--prompt-ids: $has" --prompt-ids 407
refused 3 "$work/ids:1: $has" --prompts "$work/ids"
