#!/bin/sh
# SPDX-License-Identifier: MIT
# make_toys.sh EAGLE OUT - trains the toy and its head, in a second: OUT/toy and OUT/toy-eagle1.
eagle=$1
out=$2
work=$(mktemp -d) || exit 5
trap 'rm -rf "$work"' EXIT

awk -f tests/support/toy_sentences.awk >"$work/toy.ids" || exit
"$eagle" train target -q -t 1 --data "$work/toy.ids" -o "$work/toy" --vocab 16 --bos-id 1 --eos-id 2 -c 64 \
    --dim 16 --layers 2 --heads 2 --kv-heads 1 --ffn 24 --dtype bf16 \
    --steps 600 --warmup 20 --batch 256 --length 64 || exit
"$eagle" train head -q -t 1 -m "$work/toy" --data "$work/toy.ids" -o "$work/toy-eagle1" --dtype f16 \
    --self-generate 40000 --steps 1000 --warmup 20 --batch 256 --length 64 --token-weight 0.3 --noise 0 \
    --own-features 0.5 || exit
for part in toy/config.json toy/generation_config.json toy/model.safetensors \
    toy-eagle1/config.json toy-eagle1/model.safetensors; do
    mkdir -p "$out/${part%/*}" && cp "$work/$part" "$out/$part" || exit
done
