# SPDX-License-Identifier: MIT
# test_eval.sh - eval counts what generate counts, says so in tables and in a document, and keeps
# what is complete when it is interrupted.
. tests/cli/lib.sh

prompts=$work/prompts.jsonl
printf '%s\n' '{"prompt_ids": [1, 403, 407]}' '{"prompt_ids": [1, 385, 328, 432, 317]}' \
    '{"prompt_ids": [1, 378]}' >"$prompts"

# evaluate ARGUMENT...: a transcript without times.
evaluate() {
    run eval -t 1 -m "$model" --prompts "$prompts" "$@" |
        sed -E -e "s|$work|WORK|g" -e 's/^plain decoding [0-9.]+/plain decoding #/' \
            -e 's/\] +[0-9.]+ +[0-9.]+ \[[0-9.]+ \.\. [0-9.]+\]/]  # times #/' -e 's/\] +[0-9.]+$/]  #/'
}
calls() {
    evaluate -H "$head" -n 30 --trees 'mc_sim_7b_63;6,10,59;5,4,7'
    evaluate -H "$head" -n 30 --no-plain --against "$head" --temp 1 --seed 7 --resamples 100
    evaluate -H "$head" -n 12 --temp 1 --spec-tree mc_sim_7b_63 --verify rejection
    evaluate -H "$head" --trees '5,4,7;;6,10,59'
    evaluate -H "$head" --trees '5,4,0'
    evaluate -H "$head" --trees "$work/none.json"
    evaluate -H "$head" --trees '5,4,7' --spec-depth 3
    evaluate -H "$head" --against testdata/toy-eagle1
    evaluate -H "$head" -n 0
    evaluate -H "$head" -c 4
    evaluate
    run eval -m "$model" -H "$head"
}
transcript calls

# field PATH FILE
field() { "$field" "$1" <"$2" || exit 1; }

# What eval counts is what generate counts, prompt by prompt.
"$EAGLE" eval -q -t 1 -m "$model" -H "$head" --prompts "$prompts" -n 40 --repeat 2 --format json \
    -o "$work/eval.json" || exit 1
"$EAGLE" generate -q -t 1 -m "$model" -H "$head" --prompts "$prompts" -n 40 >"$work/generate.jsonl" || exit 1
for i in 0 1 2; do
    sed -n "$((i + 1))p" "$work/generate.jsonl" >"$work/one.json"
    for name in num_spec_steps num_draft_tokens num_accepted_draft_tokens mean_acceptance_length; do
        equal "$(field "metrics.speculative_decoding.$name" "$work/one.json")" \
            "$(field "result.drafters.0.prompts.$i.$name" "$work/eval.json")" "$name of prompt $i"
    done
    equal true "$(field "result.drafters.0.prompts.$i.identical" "$work/eval.json")" "prompt $i"
done
equal eagle.eval/1 "$(field schema "$work/eval.json")" schema
equal 40 "$(field result.drafters.0.prompts.2.n_output "$work/eval.json")" n_output
equal null "$(field result.drafters.0.prompts.0.first_difference "$work/eval.json")" first_difference
equal greedy "$(field settings.verification "$work/eval.json")" verification

# Without plain decoding nothing is judged, and rejection is not.
for options in --no-plain '--temp 1 --verify rejection'; do
    # shellcheck disable=SC2086
    "$EAGLE" eval -q -t 1 -m "$model" -H "$head" --prompts "$prompts" -n 5 --format json $options \
        >"$work/eval.json" || exit 1
    equal null "$(field result.drafters.0.identical "$work/eval.json")" "identical with $options"
done

# Ctrl-C keeps the complete prompts. All of them would take minutes.
i=0
while [ $i -lt 200 ]; do
    echo '{"prompt_ids": [1]}'
    i=$((i + 1))
done >"$prompts"
"$EAGLE" eval -v -t 1 -m "$model" -H "$head" --prompts "$prompts" -n 4000 -c 4000 --ignore-eos \
    >"$work/text" 2>"$work/stderr" &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -s "$work/stderr" ] && break # it has loaded the model
    sleep 0.1
done
sleep 0.5
kill -s INT $pid
code=0
wait $pid || code=$?
equal 130 "$code" 'exit code after SIGINT'
grep -q '^[0-9]* of 200 prompts' "$work/text" || { cat "$work/text" "$work/stderr"; exit 1; }
