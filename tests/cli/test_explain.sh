# SPDX-License-Identifier: MIT
# test_explain.sh - --explain prints each round as a tree, with what was accepted and why.
. tests/cli/lib.sh
need_text

calls() {
    run generate -m "$model" -H "$head" -n 12 --explain
    run generate -m "$model" -n 3 --explain -p 'Once upon'
    run generate -m "$model" -H "$head" -n 6 --explain --temp 1.5 --seed 4
    run generate -m "$model" -H "$head" -n 6 --explain --temp 1.5 --seed 4 --verify rejection
}
transcript calls
