#!/bin/sh
# SPDX-License-Identifier: MIT
# test_hostile.sh - every malformed directory of testdata/bad through the program: the exit code
# that expect.txt names, one line on stderr that says what is wrong, nothing on stdout.
#
# With OUT, the generator is run too: it must make the very files that are committed.
bad=testdata/bad
tmp=$(mktemp -d "${TMPDIR:-/tmp}/eagle-hostile-XXXXXX") || exit 1
trap 'rm -rf "$tmp"' EXIT
failed=0
count=0

[ -x "$EAGLE" ] || { echo "no program to test"; exit 77; }
"$EAGLE" --version | grep -q 'tokenizer *missing' && { echo "built without tokenizer"; exit 77; }

complain() {
    echo "$*"
    failed=$((failed + 1))
}

if [ -x "${OUT:-}/tests/support/make_bad" ]; then
    "$OUT/tests/support/make_bad" "$tmp/again" || complain "make_bad failed"
    diff -r "$bad" "$tmp/again" || complain "$bad is not what make_bad makes"
fi

# run NAME STAGE DIR: the command in which this stage meets the directory. `timeout` is there on
# every system with coreutils; without it a hang hangs.
limit=$(command -v timeout >/dev/null 2>&1 && echo "timeout 20")
run() {
    case $2 in
    config | tensors | model) set -- inspect "$3" ;;
    head) set -- inspect $bad/base "$3" ;;
    scan) set -- inspect --scan "$3" ;;
    head-scan) set -- inspect --scan $bad/base "$3" ;;
    tokenizer) set -- tokenize -m "$3" 'abcd abc' ;;
    numeric) set -- generate -m "$3" --prompt-ids 1,3 -n 3 --ignore-eos -q ;;
    tree) set -- generate -m $bad/base -H $bad/head --prompt-ids 1 -n 4 --spec-tree "$3/tree.json" ;;
    rounds) set -- generate -m $bad/base --prompt-ids 1 -n 4 --spec-rounds "$3/rounds.json" ;;
    *)
        complain "$1: unknown stage $2"
        return 0
        ;;
    esac
    $limit "$EAGLE" "$@" >"$tmp/out" 2>"$tmp/err" </dev/null
}

# What is broken below must work whole.
for args in "inspect $bad/base $bad/head" "inspect --scan $bad/base $bad/head" \
    "generate -m $bad/base -H $bad/head --prompt-ids 1,3 -n 3 -q" "tokenize -m $bad/base abcd"; do
    "$EAGLE" $args >/dev/null 2>"$tmp/err" || complain "eagle $args: $(cat "$tmp/err")"
done

tab=$(printf '\t')
newline='
'
while IFS=$tab read -r name stage code piece; do
    dir=$tmp/$name
    case $stage in head*) cp -r $bad/head "$dir" ;; *) cp -r $bad/base "$dir" ;; esac
    cp "$bad/$name"/* "$dir/"
    for marker in "$dir"/*.missing; do
        [ -e "$marker" ] && rm -f "$marker" "${marker%.missing}"
    done
    run "$name" "$stage" "$dir"
    got=$?
    said=$(cat "$tmp/err")
    count=$((count + 1))
    if [ "$got" -ne "$code" ]; then
        complain "$name: exit $got, expected $code: $said"
        continue
    fi
    case $said in
    *"$newline"*) complain "$name: more than one line on stderr: $said" ;;
    *"$piece"*) ;;
    *) complain "$name: \"$said\" does not say \"$piece\"" ;;
    esac
    # What was read well may have been reported before the bad weight was met.
    case $stage in numeric | scan | head-scan) continue ;; esac
    [ ! -s "$tmp/out" ] || complain "$name: there is output: $(head -n 3 "$tmp/out")"
done <$bad/expect.txt

echo "count: $count malformed inputs, $failed complaints"
[ "$failed" -eq 0 ] && [ "$count" -ge 70 ]
