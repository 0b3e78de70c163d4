# SPDX-License-Identifier: MIT
# test_check_samples.sh - judges what the program itself draws: right samples pass, the same samples
# under other options fail with the right name, few are inconclusive, files that are none are exit 3.
. tests/cli/lib.sh

"$EAGLE" --version | grep -q '^  check-samples *missing' && { echo "built without MPFR"; exit 77; }
toy=testdata/toy
samples=$work/samples.jsonl

# draw FIRST ARGUMENT...: 8 continuations of 540 tokens, each with a seed of its own, from FIRST on.
draw() {
    first=$1
    shift
    for seed in $(seq $first $((first + 7))); do
        "$EAGLE" generate -q -t 1 -m $toy -H $toy-eagle1 --prompt-ids 1,$((seed % 4 + 3)) -c 600 \
            --ignore-eos -n 540 -s $seed --format json "$@" || exit 1
    done
}
judge() {
    run check-samples -t 1 -c 600 -m $toy "$samples" "$@" | sed "s|$work|WORK|g"
}

calls() {
    draw 1 --temp 0.8 >"$samples"
    draw 11 --temp 0.8 >"$work/control.jsonl"
    judge --temp 0.8 --tv 0.2
    judge --temp 0.8
    judge --temp 0.8 --tv 0.2 --delta 0.01
    judge --temp 0.8 --tv 0.01 --delta 0.02
    judge --temp 1.4 --tv 0.2
    judge --temp 1.4 --tv 0.2 --control "$work/control.jsonl"
    judge --temp 1.4 --tv 0.2 --control "$samples"
    judge --temp 0.8 --top-k 3
    judge --temp 0 --tv 0.2
    cp "$samples" "$work/first.jsonl"
    draw 1 --temp 1 --top-p 0.9 >"$samples"
    judge --top-p 0.9 --tv 0.2
    judge --top-p 0.9 --tv 0.2 --temp 0.8

    # The law that a backend recorded; no model is needed.
    run check-samples --null sampler testdata/responses/vllm-completions.json
    run check-samples --null sampler --temp 0.7 testdata/responses/vllm-completions.json
    run check-samples --null sampler --temp 0.7 --processed testdata/responses/llama-post-sampling.jsonl
    run check-samples --null sampler testdata/responses/eagle-generate.json

    run check-samples
    run check-samples testdata/responses/eagle.jsonl
    run check-samples -m $toy testdata/responses/eagle.jsonl --processed
    run check-samples -m $toy testdata/responses/eagle.jsonl --delta 0.1 --control "$samples" | sed "s|$work|WORK|g"
    run check-samples -m $toy testdata/responses/vllm-chat-texts.json
    printf '{"prompt_ids": [1], "output_ids": [3]}\n{"prompt_ids": [1], "output_ids": [16]}\n' >"$samples"
    judge
    printf '{"prompt_ids": [1], "output_ids": [3]}\n{"prompt_ids": [1], "output_\n' >"$samples"
    judge
}
transcript calls

# The document says the same.
code=0
"$EAGLE" check-samples -q -t 1 -c 600 -m $toy "$work/first.jsonl" --temp 0.8 --format json >"$work/doc" || code=$?
equal 7 "$code" 'exit code of too few'
run() { "$EAGLE" check-samples -q -t 1 -c 600 -m $toy "$work/first.jsonl" --temp 0.8 --format json "$@"; }
code=0
run -o "$work/written" || code=$?
equal 7 "$code" 'exit code with -o'
cmp "$work/doc" "$work/written" || { echo 'the file of -o is another document'; exit 1; }
field() { "$field" "$1" <"$work/doc" || exit 1; }
equal eagle.check-samples/1 "$(field schema)" schema
equal INCONCLUSIVE "$(field result.verdict)" verdict
equal 4320 "$(field result.n_tokens)" n_tokens
equal u "$(field result.tests.0.test)" 'first test'
