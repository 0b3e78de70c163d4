# SPDX-License-Identifier: MIT
# test_interrupt.sh - Ctrl-C keeps the text so far, prints the closing line and exits 130; SIGTERM
# likewise with 143. Judging
# and proving end with a message, and leave no half-written file.
. tests/cli/lib.sh

# interrupt SIGNAL CODE ARGUMENT...: lets it write something first.
interrupt() {
    signal=$1
    expected=$2
    shift 2
    : >"$work/text"
    "$EAGLE" generate -m "$model" --prompt-ids 1 -n 20000 -c 20000 --ignore-eos -t 1 "$@" \
        >"$work/text" 2>"$work/stderr" &
    pid=$!
    for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
        [ -s "$work/text" ] && break
        sleep 0.1
    done
    kill -s "$signal" $pid
    code=0
    wait $pid || code=$?
    equal "$expected" "$code" "exit code after SIG$signal"
    grep -q ' tokens/s, mean acceptance length ' "$work/stderr" || { cat "$work/stderr"; exit 1; }
}
interrupt INT 130
[ -s "$work/text" ] || { echo 'no text was kept'; exit 1; }
equal "" "$(tail -c 1 "$work/text")" 'the last byte, a newline'
interrupt TERM 143 --format json
equal interrupted "$("$field" result.finish_reason <"$work/text")" finish_reason

# interrupt_work FILE PIECE ARGUMENT...: an interrupted command that writes FILE, as soon as it has begun to;
# it exits 130, says PIECE, and leaves nothing but FILE.
interrupt_work() {
    file=$1
    piece=$2
    shift 2
    mkdir -p "$work/out"
    "$EAGLE" "$@" -t 1 -o "$work/out/$file" >"$work/text" 2>"$work/stderr" &
    pid=$!
    for _ in $(seq 100); do
        [ -n "$(ls "$work/out")" ] && break
        sleep 0.05
    done
    sleep 0.2
    kill -s INT $pid || { echo "eagle $1 had ended before it was interrupted"; exit 1; }
    code=0
    wait $pid || code=$?
    equal 130 "$code" "exit code of eagle $1 after SIGINT"
    grep -q "^interrupted: $piece" "$work/stderr" || { cat "$work/stderr"; exit 1; }
    equal "" "$(cat "$work/text")" "stdout of eagle $1"
    equal "" "$(ls "$work/out" | grep -vx "$file")" "files that eagle $1 leaves"
}
awk 'BEGIN {
    for (i = 0; i < 4000; i++) {
        printf "{\"prompt_ids\":[1],\"output_ids\":[5"
        for (k = 1; k < 250; k++) printf ",%d", 5 + (7 * k + i) % 500
        print "]}"
    }
}' >"$work/runs"
interrupt_work doc 'nothing was judged to its end' check -m "$model" "$work/runs"
equal "" "$(ls "$work/out")" 'a report of a judgement that did not end'
"$EAGLE" --version | grep -q '^  prove .*GMP' || exit 0
interrupt_work proof 'what was not proven' prove -m "$model" -H "$head" --prompt-ids 1
grep -q '^VERDICT BOUND' "$work/out/proof" || { cat "$work/out/proof"; exit 1; }
grep -q 'stopped before the end' "$work/out/proof" || { cat "$work/out/proof"; exit 1; }
