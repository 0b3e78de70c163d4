# SPDX-License-Identifier: MIT
# test_generate_golden.sh - the JSON document holds the ids, counts and rounds of a golden that other code
# computed.
. tests/cli/lib.sh
need golden/eagle1-stories260K.json models/stories260K/config.json \
    heads/stories260K-eagle1/config.json

# get PATH FILE
get() { "$field" "$1" <"$2" || exit 1; }

golden=$data/golden/eagle1-stories260K.json
model=$data/models/stories260K
"$EAGLE" generate -m "$model" -t 1 --prompt-ids 1 -n 150 -q --format json >"$work/plain" || exit 1
"$EAGLE" generate -m "$model" -t 1 -H "$data/heads/stories260K-eagle1" --prompt-ids 1 -n 150 -q \
    --format json --explain --spec-tree mc_sim_7b_63 >"$work/static" || exit 1
equal "$(get cases.0.output_ids "$golden")" "$(get result.output_ids "$work/static")" 'output ids'

counts=metrics.speculative_decoding
equal 149 "$(get $counts.num_spec_steps "$work/plain")" 'rounds of plain decoding'
equal 1.0 "$(get $counts.mean_acceptance_length "$work/plain")" 'mean acceptance of plain decoding'
equal 31 "$(get $counts.num_spec_steps "$work/static")" rounds
equal 775 "$(get $counts.num_draft_tokens "$work/static")" 'drafted tokens: 31 trees of 25'
equal 119 "$(get $counts.num_accepted_draft_tokens "$work/static")" 'accepted tokens'
equal 4.83870968 "$(get $counts.mean_acceptance_length "$work/static")" 'mean acceptance: 1 + 119/31'
equal '[0, 1, 4, 8, 4, 14]' "$(get $counts.acceptance_histogram "$work/static")" histogram
equal '[1.0, 0.967741935, 0.838709677, 0.580645161, 0.451612903]' \
    "$(get $counts.accept_rate_at_depth "$work/static")" 'rates: 31, 30, 26, 18 and 14 of 31'
for round in 0 1 30; do
    for key in root tokens parents accepted next_root; do
        equal "$(get "cases.0.rounds.$round.$key" "$golden")" \
            "$(get "rounds.$round.$key" "$work/static")" "$key of round $round"
    done
done
