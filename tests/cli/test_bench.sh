# SPDX-License-Identifier: MIT
# test_bench.sh - bench measures everything once and says whether the machine was quiet.
. tests/cli/lib.sh

"$EAGLE" bench -m "$model" -H "$head" --prompt-ids 1 -n 8 -c 32 --repeat 1 -q --format json \
    >"$work/json" || exit 1
get() { "$field" "$1" <"$work/json" || exit 1; }
equal eagle.bench/1 "$(get schema)" schema
equal 60 "$(get verify.7.n)" 'nodes of the largest tree'
equal 1.0 "$(get verify.0.ratio)" 'V(1)'
for path in bandwidth.bytes_per_s decode.tokens_per_s decode.share_of_bandwidth verify.7.ratio \
    prompt.exact.median_s rounds.speedup memory.peak memory.bill; do
    get "$path" | awk -v path="$path" '!($1 > 0) { print path " is " $1; exit 1 }' || exit 1
done
# A token reads the keys and values of 32 positions more: two floats of each layer, head and dimension.
"$EAGLE" bench -m "$model" --prompt-ids 1 -n 1 -c 64 --repeat 1 -q --format json >"$work/longer" || exit 1
"$EAGLE" inspect -m "$model" --format json >"$work/inspect" || exit 1
kv=$(for name in n_layers n_kv_heads head_dim; do "$field" "model.shape.$name" <"$work/inspect" || exit 1; done |
    awk '{ n = (NR == 1 ? 1 : n) * $1 } END { print n * 2 * 4 * 32 }')
equal "$kv" $(($("$field" decode.bytes_per_token <"$work/longer") - $(get decode.bytes_per_token))) \
    'bytes of 32 more positions'
# Without -c no more positions than the model was made for, and 512 at most.
"$EAGLE" inspect -m testdata/toy --format json >"$work/toy" || exit 1
equal '64 512' "$("$field" memory.ctx <"$work/toy") $("$field" memory.ctx <"$work/inspect")" \
    'positions of inspect'
get machine.quiet | grep -qx 'true\|false' || exit 1
