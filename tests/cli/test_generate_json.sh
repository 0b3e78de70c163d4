# SPDX-License-Identifier: MIT
# test_generate_json.sh - the JSON document: plain decoding's ids and logits, bit for bit; the counts of
# the rounds; one line for each line of --prompts.
. tests/cli/lib.sh

# get PATH FILE
get() { "$field" "$1" <"$2" || exit 1; }

"$EAGLE" generate -m "$model" -t 1 --prompt-ids 0 -n 150 -q --format json >"$work/plain" || exit 1
"$EAGLE" generate -m "$model" -t 1 -H "$head" --prompt-ids 0 -n 150 -q --format json --explain \
    --spec-tree mc_sim_7b_63 >"$work/static" || exit 1

equal eagle.generate/1 "$(get schema "$work/static")" schema
equal '[0]' "$(get result.prompt_ids "$work/static")" 'prompt ids'
equal length "$(get result.finish_reason "$work/static")" finish_reason
for path in result.output_ids result.logits_digest result.text; do
    equal "$(get $path "$work/plain")" "$(get $path "$work/static")" "$path, plain and speculative"
done

counts=metrics.speculative_decoding
equal 149 "$(get $counts.num_spec_steps "$work/plain")" 'rounds of plain decoding'
equal 1.0 "$(get $counts.mean_acceptance_length "$work/plain")" 'mean acceptance of plain decoding'
equal 27 "$(get $counts.num_spec_steps "$work/static")" rounds
equal 675 "$(get $counts.num_draft_tokens "$work/static")" 'drafted tokens: 27 trees of 25'
equal 127 "$(get $counts.num_accepted_draft_tokens "$work/static")" 'accepted tokens'
equal 5.7037037 "$(get $counts.mean_acceptance_length "$work/static")" 'mean acceptance: 1 + 127/27'
equal '[0, 0, 1, 2, 1, 23]' "$(get $counts.acceptance_histogram "$work/static")" histogram
equal '[1.0, 1.0, 0.962962963, 0.888888889, 0.851851852]' \
    "$(get $counts.accept_rate_at_depth "$work/static")" 'rates: 27, 27, 26, 24 and 23 of 27'

# What --explain records can be replayed.
"$EAGLE" generate -m "$model" -t 1 --prompt-ids 0 -n 150 -q --format json \
    --spec-rounds "$work/static" >"$work/again" || exit 1
equal "$(get $counts "$work/static")" "$(get $counts "$work/again")" 'counts of a replay'
# Below another token than the recorded one they cannot be.
code=0
"$EAGLE" generate -m "$model" -t 1 --prompt-ids 0,300 -n 150 -q --spec-rounds "$work/static" \
    >/dev/null 2>"$work/stderr" || code=$?
equal 4 "$code" 'exit code for rounds of another text'
grep -q 'round 0 was recorded below token 407' "$work/stderr" || { cat "$work/stderr"; exit 1; }

# The output ends inside an accepted path, at every place of it, as plain decoding does.
for n in 0 1 2 3 4 5 6 7 8; do
    "$EAGLE" generate -m "$model" -t 1 --prompt-ids 0 -n $n -q --format json >"$work/plain" || exit 1
    "$EAGLE" generate -m "$model" -t 1 -H "$head" --prompt-ids 0 -n $n -q --format json \
        >"$work/cut" || exit 1
    equal "$(get result "$work/plain")" "$(get result "$work/cut")" "result of -n $n"
done

# The context's end, at the same token; a prompt that fills it gives one token.
for ctx in 1 2 5 9; do
    "$EAGLE" generate -m "$model" -t 1 --prompt-ids 0 -c $ctx -q --format json >"$work/plain" || exit 1
    "$EAGLE" generate -m "$model" -t 1 -H "$head" --prompt-ids 0 -c $ctx -q --format json \
        >"$work/cut" || exit 1
    equal "$(get result "$work/plain")" "$(get result "$work/cut")" "result of -c $ctx"
    equal length "$(get result.finish_reason "$work/cut")" "finish_reason of -c $ctx"
    equal "$ctx" "$(get result.output_ids "$work/cut" | tr -cd , | wc -c | awk '{ print $1 + 1 }')" \
        "tokens of -c $ctx: the last one stands beyond it"
done

# Coupled: the seed's tokens with any drafter.
for seed in 0 18446744073709551615; do
    "$EAGLE" generate -m "$model" -t 1 --prompt-ids 0 -n 60 -q --format json --temp 0.8 -s $seed \
        >"$work/plain" || exit 1
    "$EAGLE" generate -m "$model" -t 1 -H "$head" --prompt-ids 0 -n 60 -q --format json --temp 0.8 \
        -s $seed --chunk 1 >"$work/coupled" || exit 1
    equal "$(get result "$work/plain")" "$(get result "$work/coupled")" "result of seed $seed"
    equal "$seed" "$(get settings.seed "$work/coupled")" seed
done

# Lines in, lines out, each as if it were alone.
printf '%s\n' '{"prompt_ids": [0, 407]}' '' '{"prompt_ids": [0], "note": 1}' >"$work/prompts"
"$EAGLE" generate -m "$model" -t 1 -H "$head" --prompts "$work/prompts" -n 20 -q >"$work/lines" || exit 1
equal 2 "$(wc -l <"$work/lines" | tr -d ' ')" 'lines for two prompts'
tail -n 1 "$work/lines" >"$work/second"
"$EAGLE" generate -m "$model" -t 1 -H "$head" --prompt-ids 0 -n 20 -q --format json >"$work/alone"
equal "$(get result "$work/alone")" "$(get result "$work/second")" 'the second prompt, alone and not'
printf '%s\n' '{"prompt_ids": [0]}' '{"prompt_ids": [0], "prompt_ids": [2]}' >"$work/prompts"
code=0
"$EAGLE" generate -m "$model" -t 1 --prompts "$work/prompts" -n 20 >"$work/lines" 2>"$work/stderr" || code=$?
equal 3 "$code" 'exit code for a bad line'
grep -q "prompts:2: " "$work/stderr" || { cat "$work/stderr"; exit 1; }
