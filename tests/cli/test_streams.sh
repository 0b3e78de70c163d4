# SPDX-License-Identifier: MIT
# test_streams.sh - results that cannot be written are exit 5, and leave what was there; colour is
# for terminals, unless NO_COLOR asks for none.
. tests/cli/lib.sh

set -- generate -m "$model" -H "$head" --prompt-ids 1 -n 12 -t 1
if [ -c /dev/full ]; then
    code=0
    "$EAGLE" "$@" >/dev/full 2>"$work/stderr" || code=$?
    equal 5 "$code" 'exit code with stdout full'
    equal 'eagle: stdout: No space left on device' "$(cat "$work/stderr")" 'stderr with stdout full'
    code=0
    "$EAGLE" "$@" -o /dev/full 2>"$work/stderr" || code=$?
    equal 5 "$code" 'exit code with -o full'
    equal 'eagle: /dev/full: No space left on device' "$(cat "$work/stderr")" 'stderr with -o full'
    ln -s /dev/full "$work/full" # a link: a program that renames over it does no harm
    code=0
    "$EAGLE" score -m "$model" --prompt-ids 1,2 -q -o "$work/full" >/dev/null 2>"$work/stderr" || code=$?
    equal 5 "$code" 'exit code of score with -o full'
    [ -L "$work/full" ] || { echo 'score -o replaced what was no file'; exit 1; }
    for command in help 'help generate' --version "inspect $model" "tokenize -m $model -d 1"; do
        code=0
        # shellcheck disable=SC2086
        "$EAGLE" $command >/dev/full 2>"$work/stderr" || code=$?
        equal 5 "$code" "exit code of $command with stdout full"
    done
fi

# A reader that has seen enough: no message, no death by signal.
{ "$EAGLE" "$@" -n 400 --ignore-eos -q 2>"$work/stderr"; echo $? >"$work/code"; } | head -c 1 >/dev/null
equal "" "$(cat "$work/stderr")" 'stderr when the reader closed the pipe'
[ "$(cat "$work/code")" -le 5 ] || { echo "exit $(cat "$work/code")"; exit 1; }

# A file of an earlier run stays whole when this one fails, and nothing else is left there.
mkdir "$work/out"
echo earlier >"$work/out/text"
"$EAGLE" "$@" --prompt-ids 1,9999 -o "$work/out/text" 2>"$work/stderr" && exit 1
equal earlier "$(cat "$work/out/text")" 'the earlier file'
equal text "$(ls "$work/out")" 'files there'
# A file that happens to have a temporary's name is none.
echo mine >"$work/out/text.partial"
"$EAGLE" "$@" -q -o "$work/out/text" || exit 1
equal mine "$(cat "$work/out/text.partial")" "someone else's file"
rm "$work/out/text.partial"
equal text "$(ls "$work/out")" 'files there after success'
(umask 022 && "$EAGLE" "$@" -q -o "$work/out/public") || exit 1
equal -rw-r--r-- "$(ls -l "$work/out/public" | cut -c 1-10)" 'mode of a new file'
# A killed program leaves nothing behind where files need no names.
yes '{"prompt_ids": [1]}' | head -n 9999 >"$work/prompts"
"$EAGLE" generate -m "$model" --prompts "$work/prompts" -n 400 --ignore-eos -q -o "$work/out/text" &
pid=$!
sleep 0.5
kill -s KILL $pid
code=0
wait $pid 2>/dev/null || code=$?
equal 137 "$code" 'exit code of a program that was killed at work'
case $(stat -f -c %T "$work" 2>/dev/null) in
ext2/ext3 | xfs | btrfs | tmpfs)
    equal "public text" "$(echo $(ls "$work/out"))" 'files there after SIGKILL'
    ;;
esac
code=0
"$EAGLE" "$@" -o "$work/nowhere/text" 2>"$work/stderr" || code=$?
equal 5 "$code" 'exit code for a folder that is not there'
# A name with which the file could not be made is told before the work, not after it.
long=$work/out/$(printf '%0250d' 0)
code=0
timeout 10 "$EAGLE" generate -m "$model" --prompts "$work/prompts" -n 400 --ignore-eos -q -o "$long" 2>"$work/stderr" || code=$?
equal 5 "$code" 'exit code for a name that is too long'
# What a link leads to is replaced, the link stays, and so does the mode.
mkdir "$work/there"
echo old >"$work/there/text"
chmod 600 "$work/there/text"
ln -s ../there/text "$work/out/link"
"$EAGLE" "$@" -q -o "$work/out/link" || exit 1
cmp "$work/out/public" "$work/there/text" || exit 1
[ -L "$work/out/link" ] || { echo 'a link was replaced'; exit 1; }
equal -rw------- "$(ls -l "$work/there/text" | cut -c 1-10)" 'mode of a file that was replaced'

# marks COMMAND...: how many of what it wrote were escape sequences.
marks() { "$@" | tr -cd '\033' | wc -c | tr -d ' '; }
export TERM=xterm
unset NO_COLOR
equal 0 "$(marks "$EAGLE" "$@" -q)" 'colours in a pipe'
if "$terminal" true; then
    [ "$(marks "$terminal" "$EAGLE" "$@" -q)" -gt 0 ] || { echo 'no colour on a terminal'; exit 1; }
    equal 0 "$(marks "$terminal" "$EAGLE" "$@" -q --mark none)" 'colours with --mark none'
    equal 0 "$(NO_COLOR=1 marks "$terminal" "$EAGLE" "$@" -q)" 'colours with NO_COLOR'
fi
