# SPDX-License-Identifier: MIT
# test_train.sh - from a text to a target, to a head for it, to text that both write: what is
# trained is a model as any other.
. tests/cli/lib.sh
. tests/cli/train_lib.sh
target=$work/target
trained=$work/head

train_target "$target" --eval-every 20 --log "$work/log" --steps 60 --dtype bf16 -q >"$work/stdout" 2>"$work/stderr"
equal "" "$(cat "$work/stderr")" 'stderr with -q'
grep -q 'parameters, 60 steps, 7[56][0-9][0-9] tokens' "$work/stdout" || { cat "$work/stdout"; exit 1; }
grep -q 'nats per token, .* per byte' "$work/stdout" || { cat "$work/stdout"; exit 1; }
equal 63 "$(wc -l <"$work/log" | tr -d ' ')" 'lines of the log: steps and validations'
equal 3 "$(grep -c val_nats_per_byte "$work/log")" 'validations in the log'
equal 290 "$("$EAGLE" tokenize -m "$target" "<|endoftext|>" >/dev/null && "$field" vocab_size <"$target/config.json")" 'vocabulary'
"$EAGLE" inspect "$target" >"$work/stdout"
grep -q 'BF16' "$work/stdout" || { cat "$work/stdout"; exit 1; }

# shellcheck disable=SC2086
"$EAGLE" train head -m "$target" --data "$texts" -o "$trained" $small --steps 60 --eval-every 30 \
    --eval-tokens 16 --log "$work/log" >"$work/stdout" 2>"$work/stderr"
grep -q "acceptance length [1-9].* at step [36]0, which $trained holds" "$work/stdout" ||
    { cat "$work/stdout"; exit 1; }
equal 2 "$(grep -c '"acceptance_low"' "$work/log")" 'measurements in the log'
"$EAGLE" inspect "$target" "$trained" | grep -q 'fits        yes' || exit 1
"$EAGLE" generate -m "$target" -p 'Tom saw' -n 24 -t 1 -q >"$work/plain"
"$EAGLE" generate -m "$target" -H "$trained" -p 'Tom saw' -n 24 -t 1 -q >"$work/spec"
same "$work/plain" "$work/spec" 'text with the head'

# The same from text that the target writes, and from stored features.
# shellcheck disable=SC2086
"$EAGLE" train head -m "$target" --data "$texts" -o "$work/own" $small --steps 4 --eval-tokens 8 \
    --self-generate 600 --self-temps 0,1 -q >/dev/null
[ -s "$work/own/self-generated.jsonl" ] || { echo 'no text was kept'; exit 1; }
"$EAGLE" train features -m "$target" --data "$texts" -o "$work/features" -t 1 -q >"$work/stdout"
# shellcheck disable=SC2086
"$EAGLE" train head -m "$target" --features "$work/features" --data "$texts" -o "$work/stored" $small \
    --steps 4 --eval-tokens 8 -q >/dev/null
"$EAGLE" inspect "$target" "$work/stored" >/dev/null

# The memory that the writing takes is in the plan, and under the limit.
# shellcheck disable=SC2086
"$EAGLE" train head -m "$target" --data "$texts" $small --self-generate 600 --dry-run >"$work/stdout" 2>/dev/null
grep -q '; before, for the target to write texts, [1-9]' "$work/stdout" || { cat "$work/stdout"; exit 1; }
# shellcheck disable=SC2086
expect 5 'writing texts needs .* --max-memory is 64.0 KiB' train head -m "$target" --data "$texts" $small \
    --self-generate 600 -o "$work/none" --max-memory 64K

# A target that is made for less than the usual length sets it.
train_target "$work/narrow" --ctx 48 --steps 2 -q >/dev/null
"$EAGLE" train head -m "$work/narrow" --data "$texts" -o "$work/narrow-head" --batch 64 --steps 2 -t 1 \
    --eval-tokens 4 --self-generate 600 -q >/dev/null

# A head goes on from another.
# shellcheck disable=SC2086
"$EAGLE" train head -m "$target" --data "$texts" -o "$work/more" --init "$trained" $small --steps 4 \
    --eval-tokens 8 -q >/dev/null

# A head of another inner width guesses for the same text, and goes on as wide as it is.
wide="train head -m $target --data $texts -o $work/wide $small --steps 4 --eval-tokens 8"
equal 48 "$("$field" intermediate_size <"$target/config.json")" 'inner width of the target'
equal 48 "$("$field" intermediate_size <"$trained/config.json")" 'inner width of a head without --ffn'
# shellcheck disable=SC2086
"$EAGLE" $wide --ffn 24 -q >/dev/null
equal 24 "$("$field" intermediate_size <"$work/wide/config.json")" 'inner width of a head with --ffn 24'
"$EAGLE" generate -m "$target" -H "$work/wide" -p 'Tom saw' -n 24 -t 1 -q >"$work/spec"
same "$work/plain" "$work/spec" 'text with a head of another inner width'
# shellcheck disable=SC2086
expect 4 '"intermediate_size" is 24 there, but 32 here' $wide --ffn 32 --resume

# Texts of ids: what begins and ends them stands in the files of the target where it was given.
for _ in 1 2 3 4 5 6 7 8 9 10; do echo 1 3 4 5 6 7 8 9 10 11 12 13 14 15 3 5 7 2; done >"$work/texts.ids"
train_ids() {
    dir=$1
    shift
    # shellcheck disable=SC2086
    "$EAGLE" train target --data "$work/texts.ids" -o "$dir" --dim 16 --layers 1 --heads 2 --vocab 16 $small \
        --steps 2 -q "$@" >/dev/null
}
train_ids "$work/ids" --bos-id 1 --eos-id 2
train_ids "$work/ids-none"
for file in config.json generation_config.json; do
    equal 1 "$("$field" bos_token_id <"$work/ids/$file")" "bos_token_id of $file"
    equal 2 "$("$field" eos_token_id <"$work/ids/$file")" "eos_token_id of $file"
    [ -s "$work/ids-none/$file" ] || { echo "no $file"; exit 1; }
    ! grep '_token_id' "$work/ids-none/$file" || { echo "a token in $file that nobody gave"; exit 1; }
done

# A dry run leaves no trace, and shows what is only context in brackets.
printf '%s\n' '{"messages":[{"role":"user","content":"Who saw it?"},{"role":"assistant","content":"Tom saw a red ball."}]}' \
    '{"messages":[{"role":"user","content":"And who?"},{"role":"assistant","content":"Ben saw it."}]}' >"$work/chat.jsonl"
"$EAGLE" train head -m "$target" --data "$work/chat.jsonl" --batch 16 --length 8 -t 1 --dry-run -o "$work/dry" \
    >"$work/stdout" 2>"$work/stderr"
[ ! -e "$work/dry" ] || { echo 'a dry run made its directory'; exit 1; }
for line in '^parameters [1-9]' '^memory .*: weights' '^time .*about' '^\[USER: '; do
    grep -q -e "$line" "$work/stdout" || { cat "$work/stdout"; exit 1; }
done
printf 'Tom saw a ball.\n' >"$work/beginning.txt"
"$EAGLE" train head -m "$target" --data "$work/beginning.txt" --batch 64 --length 16 -t 1 --dry-run \
    --self-generate 500 >"$work/stdout" 2>"$work/stderr" || { cat "$work/stderr"; exit 1; }
grep -q '^texts *500 tokens' "$work/stdout" || { cat "$work/stdout"; exit 1; }
TMPDIR=$work train_target "$work/dry" --dry-run >"$work/stdout"
grep -q '^target .*width 16' "$work/stdout" || { cat "$work/stdout"; exit 1; }
[ ! -e "$work/dry" ] && [ -z "$(ls -d "$work"/eagle-* 2>/dev/null)" ] || { echo 'a dry run left files'; exit 1; }
