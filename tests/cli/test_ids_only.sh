# SPDX-License-Identifier: MIT
# test_ids_only.sh - without a tokenizer that can be used, ids go in and ids come out, the same as
# with one; what needs a text is refused.
. tests/cli/lib.sh

get() { "$field" "$1" <"$work/json" || exit 1; }
generate() { "$EAGLE" generate -n 9 -q --format json "$@" >"$work/json" 2>"$work/stderr"; }

generate -m "$model" -H "$head" --prompt-ids 1,403 2>/dev/null || exit 1
ids=$(get result.output_ids)
digest=$(get result.logits_digest)
for kind in none unsupported; do
    mkdir "$work/$kind"
    for file in config.json model.safetensors; do
        ln -s "$(cd "$model" && pwd)/$file" "$work/$kind/$file"
    done
done
cp testdata/bad/tokenizer-model-unigram/tokenizer.json "$work/unsupported"

printf '{"prompt_ids": [1, 403]}\n' >"$work/ids"
printf '{"prompt": "Once"}\n' >"$work/text"
for kind in none unsupported; do
    for source in '--prompt-ids 1,403' "--prompts $work/ids"; do
        # shellcheck disable=SC2086
        generate -m "$work/$kind" -H "$head" $source || { cat "$work/stderr"; exit 1; }
        equal "$ids" "$(get result.output_ids)" "ids, $kind, $source"
        equal "$digest" "$(get result.logits_digest)" "digest, $kind, $source"
        equal null "$(get result.text)" "text, $kind, $source"
        equal '' "$(cat "$work/stderr")" "stderr, $kind, $source"
    done
    equal "$(echo "$ids" | tr -d '[],')" \
        "$("$EAGLE" generate -m "$work/$kind" --prompt-ids 1,403 -n 9 -q)" "text output, $kind"
    for source in '-p Once' "--prompts $work/text" '--prompt-ids 1 --stop a'; do
        code=0
        # shellcheck disable=SC2086
        generate -m "$work/$kind" $source || code=$?
        equal 3 "$code" "exit code, $kind, $source"
        equal 1 "$(wc -l <"$work/stderr" | tr -d ' ')" "lines on stderr, $kind, $source"
    done
done
code=0
generate -m "$work/none" || code=$?
equal 2 "$code" 'exit code with nothing to start from'
