# SPDX-License-Identifier: MIT
# test_train_errors.sh - bad texts, bad options, a loss that is none, a full disk: one clear line, the
# right exit code, and what was there stays.
. tests/cli/lib.sh
. tests/cli/train_lib.sh
target=$work/target
train_target "$target" -q >/dev/null
head="train head -m $target -o $work/head $small --steps 4 --eval-tokens 4"

# Texts.
: >"$work/empty.txt"
printf '5\n' >"$work/one.ids"
printf '{"text":"Tom saw a ball."}\n{"text":\n' >"$work/broken.jsonl"
printf 'Tom saw a ball.\n' >"$work/short.txt"
printf '1 2 3 99999 4\n' >"$work/beyond.ids"
# shellcheck disable=SC2086
{
    expect 3 'empty.txt' $head --data "$work/empty.txt"
    expect 3 'nothing to learn' $head --data "$work/one.ids"
    expect 3 'broken.jsonl.*line 2' $head --data "$work/broken.jsonl"
    expect 3 'fewer than the 128 of one step' $head --data "$work/short.txt"
    expect 4 '99999' $head --data "$work/beyond.ids"
    expect 3 'no-such-file' $head --data "$work/no-such-file"
}

# A feature that is no number: the last element before the mask, which is one byte per token.
"$EAGLE" train features -m "$target" --data "$texts" -o "$work/features" -t 1 >"$work/stdout" 2>/dev/null
tokens=$(sed 's/.*, \([0-9]*\) tokens/\1/' "$work/stdout")
size=$(wc -c <"$work/features")
printf '\000\176' | dd of="$work/features" bs=1 seek=$((size - tokens - 2)) conv=notrunc 2>/dev/null
# shellcheck disable=SC2086
expect 6 'features' $head --features "$work/features"

# Options.
# shellcheck disable=SC2086
{
    expect 2 'needs texts' $head
    expect 2 'needs a model' train head --data "$texts" -o "$work/head"
    expect 2 'needs a directory' train head -m "$target" --data "$texts"
    expect 2 'give only one' $head --data "$texts" --features "$work/features" --self-generate 9
    expect 2 'give only one' $head --data "$texts" --dry-run --resume
    expect 2 '--ffn and --init' $head --data "$texts" --init "$target" --ffn 32
    expect 2 'even number' train target --data "$texts" -o "$work/t" --dim 20 --heads 4
    expect 2 "--dim 2147483646" train target --data "$texts" -o "$work/t" --dim 2147483646 --heads 1
    expect 2 'give only one' train target --data "$texts" -o "$work/t" $net --tied --untied
    expect 2 '--layers and --init' train target --data "$texts" -o "$work/t" --init "$target" --layers 2
    expect 2 '--vocab and --tokenizer' train target --data "$texts" -o "$work/t" --tokenizer "$target" --vocab 300
    expect 2 '--eos-id: for texts that are ids' train target --data "$texts" -o "$work/t" $net --eos-id 2
    expect 2 '^eagle: --eos-id 16: --vocab is 16' train target --data "$work/one.ids" -o "$work/t" --vocab 16 --bos-id 1 --eos-id 16
    expect 2 '^eagle: --bos-id 16: --vocab is 16' train target --data "$work/one.ids" -o "$work/t" --vocab 16 --bos-id 16
    expect 2 'needs a file' train features -m "$target" --data "$texts"
    expect 2 'unknown option --max-memory' train features -m "$target" --data "$texts" --max-memory 1G
    expect 5 'max-memory' $head --data "$texts" --max-memory 64K
}
[ ! -e "$work/t" ] || { echo 'a call that was wrong left its directory'; exit 1; }
[ ! -e "$work/head/model.safetensors" ] || { echo 'a failed training wrote a head'; exit 1; }

# A training that is kept is not begun anew by mistake, nor gone on with as another.
cp "$target/checkpoint.eagle" "$work/kept"
expect 2 'a training is kept there' train target --data "$texts" -o "$target"
# shellcheck disable=SC2086
expect 4 '"lr" is 0.002 there, but 0.5 here' train target --data "$texts" -o "$target" $net $small --steps 40 \
    --resume --lr 0.5
# shellcheck disable=SC2086
expect 4 '"max_position_embeddings" is 512 there, but 64 here' train target --data "$texts" -o "$target" $net $small \
    --steps 40 --resume -c 64
same "$work/kept" "$target/checkpoint.eagle" 'the checkpoint'

# The tokens that begin and end texts of ids are the network's too.
for _ in 1 2 3 4 5 6 7 8 9 10; do echo 1 3 4 5 6 7 8 9 10 11 12 13 14 15 3 5 7 2; done >"$work/texts.ids"
ids="train target --data $work/texts.ids -o $work/ids --dim 16 --layers 1 --heads 2 --vocab 16 $small --steps 2"
# shellcheck disable=SC2086
{
    "$EAGLE" $ids --bos-id 1 --eos-id 2 -q >/dev/null
    expect 4 '"bos_token_id" is 1 there, but 3 here' $ids --bos-id 3 --eos-id 2 --resume
    expect 4 '"eos_token_id" is 2 there, but 3 here' $ids --bos-id 1 --eos-id 3 --resume
    expect 4 '"eos_token_id" is 2 there, but none here' $ids --bos-id 1 --resume
    expect 0 'going on after step 2' $ids --bos-id 1 --eos-id 2 --resume
}

# A full disk: files may grow to some KiB only.
code=0
(
    ulimit -f 8
    train_target "$target" --resume
) >"$work/stdout" 2>"$work/stderr" || code=$?
equal 5 "$code" 'exit code when the disk is full'
grep -q 'checkpoint.eagle.*write failed' "$work/stderr" || { cat "$work/stderr"; exit 1; }
same "$work/kept" "$target/checkpoint.eagle" 'the checkpoint after a full disk'

# A loss that is no number: the state before it is kept.
code=0
train_target "$work/wild" --lr 1e30 --warmup 0 --save-every 1 >"$work/stdout" 2>"$work/stderr" || code=$?
equal 6 "$code" 'exit code of a loss that is no number'
grep -q -e 'step 2: the .* is nan$' -e 'step 2: the .* is inf$' "$work/stderr" || { cat "$work/stderr"; exit 1; }
[ -s "$work/wild/checkpoint.eagle" ] || { echo 'the state before was not kept'; exit 1; }
