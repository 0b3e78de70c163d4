# SPDX-License-Identifier: MIT
# test_trace.sh - a recorded run emits what generate does, is the same bytes whatever it is computed with,
# equals the golden, and is shown, drawn and compared.
. tests/cli/lib.sh

ids='0,407,333,372,297,259,446'
how="-m $model -H $head --prompt-ids $ids -n 24 --temp 0.8 --verify rejection -s 1 -q"
digest='--level 4 --rounds 0..3 --sites resid_mlp,feature,head_out,head_logits --digest'
golden=testdata/golden/stories-digest.trace

# shellcheck disable=SC2086
record() { "$EAGLE" trace record $how "$@" || exit 1; }

# The same bytes from every instruction set, with one and two threads, from chunks of all sizes; and the
# golden's. What an instruction set lacks is exit 2.
record $digest -t 1 --isa portable --chunk 256 -o "$work/first"
"$EAGLE" trace diff "$golden" "$work/first" >"$work/diff" || { cat "$work/diff"; exit 1; }
while read -r isa threads chunk; do
    code=0
    # shellcheck disable=SC2086
    "$EAGLE" trace record $how $digest -t "$threads" --isa "$isa" --chunk "$chunk" \
        -o "$work/other" 2>"$work/err" || code=$?
    [ $code -eq 2 ] && grep -q "$isa" "$work/err" && continue
    [ $code -eq 0 ] || { cat "$work/err"; exit 1; }
    cmp "$work/first" "$work/other" || { echo "with $isa, $threads threads, chunks of $chunk"; exit 1; }
done <<'END'
portable 2 1
avx2 1 7
avx512 1 1
neon 1 1
END

# A digest is compared with what it is the digest of.
record --level 4 --rounds 0..3 --sites resid_mlp,feature,head_out,head_logits -o "$work/full"
"$EAGLE" trace diff "$work/full" "$golden" >"$work/diff" || { cat "$work/diff"; exit 1; }

# The run is generate's.
record --level 0 -o "$work/run.jsonl"
# shellcheck disable=SC2086
"$EAGLE" generate $how --format json >"$work/generate.json" || exit 1
record --level 1 -o "$work/tokens"
get() { "$field" "$1" <"$2" || exit 1; }
equal "$(get result.output_ids "$work/generate.json")" "$(get output_ids "$work/run.jsonl")" 'output ids'
equal "[$(echo $ids | sed 's/,/, /g')]" "$(get prompt_ids "$work/run.jsonl")" 'prompt ids'

# Recording leaves nothing beside its file, and refuses before it writes.
equal 'full' "$(cd "$work" && ls full*)" 'files beside the trace'

# Markup in tokens is escaped, and every node has its box.
"$EAGLE" trace record -m "$model" -H "$head" --prompt-ids 0 -n 8 -q -o "$work/start" || exit 1
"$EAGLE" trace draw "$work/start" -m "$model" --round 0 >"$work/start.svg" || exit 1
if "$EAGLE" --version | grep -q '^  tokenizer .*missing'; then :; else
    grep -q '>&quot;&lt;|endoftext|&gt;&quot;<' "$work/start.svg" || { echo 'not escaped'; exit 1; }
fi
"$EAGLE" trace draw "$work/full" --round 2 -o "$work/round.svg" || exit 1
equal 9 "$(grep -c '<g><title>' "$work/round.svg")" 'boxes of 8 nodes and the token behind them'
equal 3 "$(grep -c '<g><title>accepted' "$work/round.svg")" 'accepted nodes'
equal 0 "$(grep -c 'nan' "$work/round.svg")" 'numbers that are none'

# One byte of one logit is changed: the first tensor of the file is round/0/logits.
record --level 2 -o "$work/right"
at=$(($(od -An -tu8 -N8 "$work/right") + 8 + 4 * 5))
cp "$work/right" "$work/wrong"
printf '\377' | dd of="$work/wrong" bs=1 seek="$at" conv=notrunc 2>/dev/null

all_calls() {
    run trace show "$work/full" --rounds 1..2
    run trace show "$work/tokens"
    run trace show "$golden" --rounds 1
    run trace show "$work/full" --rounds 4
    run trace show testdata/stories/model.safetensors
    run trace show
    run trace draw "$work/full" --round 7
    run trace diff "$work/full"
    run trace diff "$work/full" /nowhere
    run trace diff "$work/right" "$work/wrong"
    run trace diff "$work/right" "$work/wrong" --format json
    run trace diff "$work/right" "$work/start"
    run trace record -m "$model" -p a
    run trace record -m "$model" -p a -o "$work/x" --level 5
    run trace record -m "$model" -p a -o "$work/x" --level 4 --sites q,p
    run trace record -m "$model" -p a -o "$work/x" --rounds 3..1
    run trace record -m "$model" -p a -o "$work/x" --level 1 --digest
    run trace record -m "$model" -p a -o "$work/x.jsonl" --level 2
    run trace record -m "$model" --prompt-ids 1 -n 2 -q -o "$work/x" --rounds 9
    run trace record -m "$model" --prompt-ids 1 -n 2 -q -o /nowhere/x
}
calls() { all_calls | sed -e "s|$work|WORK|g" -e 's/^trace of eagle [0-9.]*,/trace of eagle VERSION,/'; }
transcript calls
