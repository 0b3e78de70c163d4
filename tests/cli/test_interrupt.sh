# SPDX-License-Identifier: MIT
# test_interrupt.sh - Ctrl-C keeps the text so far, prints the closing line and exits 130; SIGTERM
# likewise with 143.
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
