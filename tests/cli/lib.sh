# SPDX-License-Identifier: MIT
# lib.sh - what the scripts of this folder share. They run in the top folder with EAGLE, the
# program, OUT, the build's folder, and EAGLE_DATA, which may hold goldens and models of others; and
# exit 0 (passed), 77 (skipped, the last line says why) or anything else.

data=${EAGLE_DATA:-../shared}
here=tests/cli
name=$(basename "$0" .sh)
work=$OUT/$name.work
field=$OUT/tests/support/make_field
terminal=$OUT/tests/support/make_terminal
rm -rf "$work"
mkdir -p "$work"
trap 'rm -rf "$work"' EXIT

model=testdata/stories
head=testdata/stories-eagle1

# need FILE...: skips the script unless all are there, below $data.
need() {
    for file; do
        [ -e "$data/$file" ] && continue
        echo "$data/$file is missing"
        exit 77
    done
}

# need_text: skips the script when the program was built without the tokenizer.
need_text() {
    "$EAGLE" --version | grep -q '^  tokenizer .*missing' || return 0
    echo "built without the tokenizer"
    exit 77
}

# run ARGUMENT...: a transcript of one call: stdout, stderr behind "2> ", the exit code. Rates of
# tokens differ from run to run; $data is called DATA.
run() {
    printf '$ eagle'
    printf ' %s' "$@" | sed "s|$data|DATA|g"
    printf '\n'
    code=0
    "$EAGLE" "$@" >"$work/stdout" 2>"$work/stderr" </dev/null || code=$?
    sed "s|$data|DATA|g" "$work/stdout"
    sed -e "s|$data|DATA|g" -e 's|[0-9.]* tokens/s|# tokens/s|' -e 's/^/2> /' "$work/stderr"
    printf 'exit %s\n\n' "$code"
}

# same EXPECTED ACTUAL WHAT: two files, or the script fails and shows the difference.
same() {
    cmp -s "$1" "$2" && return
    echo "$3 differs:"
    diff -u "$1" "$2"
    exit 1
}

# equal EXPECTED ACTUAL WHAT: two texts.
equal() {
    [ "$1" = "$2" ] && return
    printf '%s: expected\n  %s\ngot\n  %s\n' "$3" "$1" "$2"
    exit 1
}

# transcript: the script's own stdout from here on is compared with NAME.expected at its end.
transcript() {
    "$@" >"$work/transcript"
    same "$here/$name.expected" "$work/transcript" transcript
}
