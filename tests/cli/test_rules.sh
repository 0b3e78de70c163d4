# SPDX-License-Identifier: MIT
# test_rules.sh - others' accept rules in floating point: their distances from plain sampling are computed, and only those that
# mean to be lossy are called so.
. tests/cli/lib.sh

"$EAGLE" --version | grep -q '^  prove .*missing' && {
    echo "built without GMP"
    exit 77
}
toy="-m testdata/toy -H testdata/toy-eagle1"

everything() {
    echo '[[0],[1],[2],[0,0],[0,1]]' >"$work/tree.json"
    # shellcheck disable=SC2086
    set -- prove -q $toy
    run "$@" --rule all
    run "$@" --rule sglang-target-only --temp 1 --top-k 2 --spec-depth 1 --spec-topk 1 --spec-nodes 1 -n 1
    run "$@" --rule sglang-target-only --rule-threshold 0.5 --temp 1 --top-k 2 --spec-depth 1 --spec-topk 1 \
        --spec-nodes 1 -n 1
    run "$@" --rule typical --temp 1 --spec-depth 1 --spec-topk 2 --spec-nodes 2 -n 1 --level node
    run "$@" --rule transformers --temp 1 --spec-depth 1 --spec-topk 2 --spec-nodes 2 -n 1
    run "$@" --rule leviathan
    run "$@" --rule plain --rule-bits 54
    run "$@" --rule plain --rule-threshold 0.5
    run "$@" --rule all --rule-bits 24
    run "$@" --rule plain --temp 0
    run "$@" --rule plain --temp 1 --top-k 2 --spec-depth 1 --spec-topk 1 --spec-nodes 1 -n 3 --limit 5
    # What a rule rounds away altogether is an outcome, with its probability.
    run "$@" --rule plain --temp .3 --top-k 3 -n 2 --spec-children drawn --spec-tree "$work/tree.json" | sed "s|$work/||g"
    run "$@" --rule plain --level state
    run prove -q -m testdata/toy --rule plain --temp 1
}
# The networks' digest is another test's.
undigested() {
    everything | sed "s|sha256:.*|sha256:#|"
}
transcript undigested

# A table has no row without a mark that was not run to its end.
code=0
# shellcheck disable=SC2086
"$EAGLE" prove -q $toy --rule all --limit 1 >"$work/table" || code=$?
equal 7 "$code" 'exit code of a table within a limit'
grep -q '^VERDICT BOUND$' "$work/table" || { cat "$work/table"; exit 1; }
grep -E '^  [a-z-]+,' "$work/table" | grep -v 'BOUND$' && { echo 'rows without a mark'; exit 1; }

# The fraction itself: one coin of 2^24.
# shellcheck disable=SC2086
"$EAGLE" prove -q $toy --rule sglang-target-only --format json >"$work/json" || exit 1
grep -q '"rule": "sglang-target-only, float32, 24 bits, <="' "$work/json" || exit 1
grep -q '"fraction": "1/16777216"' "$work/json" || exit 1
grep -q '"verdict": "MEASURED"' "$work/json"
