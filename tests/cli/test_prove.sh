# SPDX-License-Identifier: MIT
# test_prove.sh - prove says what it ran through and what that shows, in text and in a certificate of the
# same bytes each time; a limit is no pass; generate --certify looks at a real run.
#
# EAGLE_TEST=full runs the whole matrix, which takes minutes where the machine is busy.
. tests/cli/lib.sh

"$EAGLE" --version | grep -q '^  prove .*GMP' || {
    echo "built without GMP"
    exit 77
}
toy="-m testdata/toy -H testdata/toy-eagle1"

# shellcheck disable=SC2086
calls() {
    run prove $toy --temp 1 --top-k 3 --verify rejection --spec-depth 2 --spec-topk 2 --spec-nodes 4 -n 3
    run prove $toy --temp 0.7 --top-p 0.9 --spec-depth 3 --spec-topk 1 --spec-nodes 3 --level node,program
    run prove $toy --level state --prompt-ids 1,5,6 -n 2 --min-p 0.1 --ignore-eos
    run prove -m testdata/toy --temp 1 --level continuation -n 1
    run prove $toy --temp 1 --limit 100 --level round
    run prove $toy --level primitives
    run prove $toy --level nodes
    run prove $toy --level ''
    run prove $toy --prompt-ids 1,16
    run prove $toy -n 0
    run prove $toy --temp 1 --verify greedy
    run prove $toy --spec-children drawn
    run prove -H testdata/toy-eagle1
}
transcript calls

# A certificate is a function of networks and options: no time and no instruction set.
# shellcheck disable=SC2086
certificate() {
    "$EAGLE" prove -q $toy --temp 1.5 --top-k 3 -n 3 --spec-tree "$work/tree.json" \
        --spec-children drawn --format json "$@" || exit 1
}
echo '[[0],[1],[0,0]]' >"$work/tree.json"
certificate -o "$work/one.json"
certificate --isa portable >"$work/two.json"
same "$work/one.json" "$work/two.json" 'the certificate of another instruction set'
field() { "$field" "$1" <"$work/one.json" || exit 1; }
equal eagle.prove/1 "$(field schema)" schema
equal PROVEN "$(field verdict)" verdict
equal true "$(field proofs.0.drawn_children)" drawn_children
for level in node round continuation program; do
    equal PROVEN "$(field proofs.0.levels.$level.verdict)" "$level"
    equal 0 "$(field proofs.0.levels.$level.total_variation.fraction)" "$level"
done
equal PROVEN "$(field proofs.0.levels.state.verdict)" state

# At hardly any temperature the bound on the real softmax is 1, and a number.
# shellcheck disable=SC2086
"$EAGLE" prove -q $toy --temp 1e-9 --level node -n 1 --format json -o "$work/one.json" || exit 1
equal 1.0 "$(field proofs.0.distance_to_real_softmax)" 'distance from the real softmax'

# The model that ships, 4 tokens kept of 512.
"$EAGLE" prove -q -m "$model" -H "$head" --temp 0.8 --top-k 4 -n 4 --verify rejection \
    --level node,round,continuation,state --format json -o "$work/one.json" || exit 1
equal PROVEN "$(field verdict)" 'verdict of the shipped model'
equal 256 "$(field proofs.0.levels.continuation.counts.strings)" 'texts of 4 tokens'
equal 85 "$(field proofs.0.levels.round.counts.contexts)" 'contexts'

# Nodes of a real run, drawn children among them.
for options in '' '--temp 1' '--temp 1 --verify rejection' \
    "--temp 1 --top-k 8 --spec-tree $work/tree.json --spec-children drawn"; do
    # shellcheck disable=SC2086
    "$EAGLE" generate -m "$model" -H "$head" -n 12 $options --certify --format json \
        >"$work/one.json" 2>"$work/stderr" || exit 1
    equal 0 "$(field certified.refuted)" "refuted nodes with $options"
    nodes=$(field certified.nodes)
    grep -q "^certified: at $nodes of $nodes nodes" "$work/stderr" || { cat "$work/stderr"; exit 1; }
    [ "$nodes" -ge 12 ] || { echo "$nodes nodes certified"; exit 1; }
done

# Two children of 512 tokens can be drawn in too many ways: that is no pass, and said in any case.
code=0
"$EAGLE" generate -q -m "$model" -H "$head" -n 6 --temp 1 --spec-tree "$work/tree.json" \
    --spec-children drawn --certify --format json >"$work/one.json" 2>"$work/stderr" || code=$?
equal 7 "$code" 'exit code where nodes are left out'
[ "$(field certified.skipped)" -gt 0 ] || { echo "no node was left out"; exit 1; }
grep -q '^eagle: certify: .* nodes are left out' "$work/stderr" || { cat "$work/stderr"; exit 1; }

# Ctrl-C ends it with what is complete; that is no proof. All of it would take hours.
# shellcheck disable=SC2086
"$EAGLE" prove $toy --temp 1.5 -n 9 --level round >"$work/text" 2>"$work/stderr" &
pid=$!
sleep 0.5
kill -s INT $pid
code=0
wait $pid || code=$?
equal 130 "$code" 'exit code after SIGINT'
grep -q '^    stopped before the end$' "$work/text" || { cat "$work/text" "$work/stderr"; exit 1; }
grep -q '^VERDICT BOUND$' "$work/text" || { cat "$work/text"; exit 1; }

[ "${EAGLE_TEST:-}" = full ] || exit 0
# shellcheck disable=SC2086
"$EAGLE" prove -q $toy --format json -o "$work/one.json" || exit 1
equal PROVEN "$(field verdict)" 'verdict of the matrix'
