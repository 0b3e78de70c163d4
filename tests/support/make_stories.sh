#!/bin/sh
# SPDX-License-Identifier: MIT
# make_stories.sh EAGLE TEXT OUT - trains the target and the head that ship: OUT/stories and OUT/stories-eagle1.
#
# TEXT holds tinystories-train.txt and fairytales-train.txt. Less than two hours on two cores. What stands
# in OUT/learn.txt was learned, OUT/judge.txt was not. A run that was ended goes on where it was. Of what it
# writes, testdata/ has config.json, model.safetensors and, of the target, generation_config.json,
# tokenizer.json and tokenizer_config.json.
eagle=$1
text=$2
out=$3
mkdir -p "$out" || exit 5
if [ ! -e "$out/learn.txt" ]; then
    awk -f tests/support/split_stories.awk -v learn="$out/learn.new" -v judge="$out/judge.txt" \
        "$text/tinystories-train.txt" && mv "$out/learn.new" "$out/learn.txt" || exit
fi

# The language of stories and tales first, the stories alone then.
"$eagle" train target -t 1 --data "$out/learn.txt" --data "$text/fairytales-train.txt" -o "$out/first" \
    --vocab 512 --dim 128 --layers 6 --heads 8 --kv-heads 4 --length 512 --batch 2048 --steps 1500 \
    --lr 0.002 --lr-floor 0.5 --log "$out/first.jsonl" --resume || exit
"$eagle" train target -t 1 --init "$out/first" --data "$out/learn.txt" -o "$out/stories" --dtype bf16 \
    --length 512 --batch 2048 --steps 6000 --lr 0.002 --lr-floor 0.05 --log "$out/stories.jsonl" --resume || exit

"$eagle" train head -t 2 -m "$out/stories" --data "$out/learn.txt" --self-generate 3000000 \
    -o "$out/stories-eagle1" --ffn 1024 --dtype bf16 --steps 5000 --warmup 200 --lr 0.004 --token-weight 0.3 \
    --noise 0 --own-features 0.5 --clip-value 0 --clip-norm 0.5 --log "$out/stories-eagle1.jsonl" --resume
