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
get machine.quiet | grep -qx 'true\|false' || exit 1
