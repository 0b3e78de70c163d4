# SPDX-License-Identifier: MIT
# test_check_trace.sh - what trace record writes, check passes bit for bit: every level, plain and
# speculative, each mode; with another temperature than the run's it fails and says so.
. tests/cli/lib.sh

"$EAGLE" help trace record >/dev/null 2>&1 || { echo "this program records no traces"; exit 77; }
get() { "$field" "$1" <"$2" || exit 1; }

# judge CODE VERDICT ARGUMENT...: the exit code, and the document's verdict.
judge() {
    code=$1
    verdict=$2
    shift 2
    "$EAGLE" check -m testdata/toy -H testdata/toy-eagle1 -t 1 -q --format json "$work/trace" "$@" \
        >"$work/doc" 2>"$work/err"
    equal "$code" "$?" "exit code of check $*: $(cat "$work/err")"
    equal "$verdict" "$(get result.verdict "$work/doc")" "verdict of check $*"
}
# record ARGUMENT...
record() {
    "$EAGLE" trace record -m testdata/toy -H testdata/toy-eagle1 --prompt-ids 1,5,9 -n 16 -t 1 -q \
        --ignore-eos -o "$work/trace" "$@" || exit 1
}

for level in 0 1 2 3 4; do
    record --level $level
    judge 0 pass --draft strict
done
record --level 4 --spec off
judge 0 pass
equal 0.0 "$(get result.logits.difference_largest "$work/doc")" 'our own logits again'
for verify in coupled rejection; do
    for level in 2 4; do
        record --level $level --temp 0.7 --top-p 0.9 --verify $verify -s 3
        judge 0 pass --draft strict
    done
    judge 1 FAIL --temp 1.5
done
printf '[[0],[1],[0,0],[0,1]]\n' >"$work/tree"
record --level 4 --temp 0.8 --spec-tree "$work/tree" --spec-children drawn
judge 0 pass --draft strict
record --level 4 --rounds 2..3
judge 0 pass --draft strict
record --level 4 --digest
judge 0 pass
"$EAGLE" check -m testdata/toy -t 1 -q "$work/trace" >"$work/lines" || exit 1
for line in 'logits  *pass' 'layers  *pass' 'operations  *pass' 'decisions  *absent'; do
    grep -q "^$line  *digests only" "$work/lines" || { echo "no '$line' by digests: $(cat "$work/lines")"; exit 1; }
done
exit 0
