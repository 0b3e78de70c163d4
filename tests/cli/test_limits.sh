# SPDX-License-Identifier: MIT
# test_limits.sh - what does not fit or belong is refused before it costs anything, in one line.
. tests/cli/lib.sh

calls() {
    run generate -m "$model" --prompt-ids 1,2,3,4 -c 3
    run generate -m "$model" --prompt-ids 1,512
    run generate -m "$model" --prompt-ids "1 x"
    run generate -m "$model" --prompt-ids 1,,2
    run generate -m "$model" --prompt-ids ,1
    run generate -m "$model" --prompt-ids '1, 2 ,'
    run generate -m "$model" --prompt-ids "" -n 4
    run generate -m "$model" --prompt-ids 1 -n 2 -c 513
    run generate -m "$model" -H testdata/toy-eagle1 --prompt-ids 1
    run generate -m "$model" -H "$head" --spec-depth 2147483647 --spec-topk 2147483647
    run generate -m "$model" -H "$head" --spec-depth 16 --spec-topk 300 --spec-nodes 99999
    run generate -m "$model" -H "$head" --prompt-ids 1 -n 1 --spec-depth 2 --spec-nodes 99999
    run bench -m "$model" -c 2147483647
    run bench -m "$model" -H "$head" -c 8 -n 2147483647
    run inspect "$model" -c 100000000
}
transcript calls

code=0
"$EAGLE" generate -m "$model" --prompt-ids 1 -c 1000000 --max-memory 64M 2>"$work/stderr" || code=$?
equal 5 "$code" 'exit code when the bill is over --max-memory'
grep -q -e '--max-memory is 64.0 MiB' "$work/stderr" || { cat "$work/stderr"; exit 1; }
