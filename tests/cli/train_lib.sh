# SPDX-License-Identifier: MIT
# train_lib.sh - what the scripts about training share: little texts, and little networks.
need_text

# write_texts FILE N: N documents of made-up sentences, the same each time.
write_texts() {
    awk -v n="$2" 'BEGIN {
        split("Tom Lily Ben Anna", who); split("saw found lost took", did)
        split("red big old small", how); split("ball box bird cake", what)
        for (d = 0; d < n; d++) {
            for (s = 0; s < 4; s++) {
                x = (d * 7 + s * 13 + d * s) % 256
                printf "%s %s a %s %s. ", who[x % 4 + 1], did[int(x / 4) % 4 + 1], \
                    how[int(x / 16) % 4 + 1], what[int(x / 64) % 4 + 1]
            }
            print "\n<|endoftext|>"
        }
    }' >"$1"
}

# expect CODE WORD ARGUMENT...: the exit code, and WORD in the one line on stderr.
expect() {
    wanted=$1
    word=$2
    shift 2
    code=0
    "$EAGLE" "$@" >"$work/stdout" 2>"$work/stderr" || code=$?
    if [ "$code" != "$wanted" ] || ! grep -q -e "$word" "$work/stderr"; then
        echo "eagle $*: exit $code, expected $wanted and '$word'"
        cat "$work/stderr"
        exit 1
    fi
}

texts=$work/texts.txt
write_texts "$texts" 60
net='--dim 16 --layers 1 --heads 2 --vocab 290'
small='--batch 128 --length 32 -t 1'

# train_target DIR ARGUMENT...: in well under a second.
train_target() {
    dir=$1
    shift
    # shellcheck disable=SC2086
    "$EAGLE" train target --data "$texts" -o "$dir" $net $small --steps 40 "$@"
}
