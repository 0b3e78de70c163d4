# SPDX-License-Identifier: MIT
# test_train_resume.sh - a training that is killed at random moments, ten times, goes on each time, and
# ends with the files of one that was left alone; Ctrl-C saves and exits with 130; texts that the target
# wrote are gone on with only where the checkpoint knows them.
. tests/cli/lib.sh
. tests/cli/train_lib.sh
target=$work/target
train_target "$target" -q >/dev/null

# head DIR ARGUMENT...: some hundred steps, with measurements and checkpoints that do not fall together.
head() {
    dir=$1
    shift
    # shellcheck disable=SC2086
    exec "$EAGLE" train head -m "$target" --data "$texts" -o "$dir" $small --steps 600 --save-every 7 \
        --eval-every 60 --eval-tokens 8 --lr 0.005 -q "$@" >"$work/stdout" 2>"$work/stderr"
}
(head "$work/whole")

seed=${SEED:-$$}
kills=0
delays=$(awk -v seed="$seed" 'BEGIN { srand(seed); for (i = 0; i < 10; i++) printf "%.3f ", 0.01 + 0.1 * rand() }')
for delay in $delays; do
    (head "$work/killed" --resume) &
    pid=$!
    sleep "$delay"
    kill -9 $pid 2>/dev/null
    code=0
    wait $pid 2>/dev/null || code=$?
    [ $code -eq 137 ] && kills=$((kills + 1))
done
[ $kills -gt 0 ] || echo 'note: it was always faster than the kill'

code=0
(head "$work/killed" --resume) || code=$?
equal 0 "$code" "exit code after $kills kills, SEED=$seed"
for file in model.safetensors config.json checkpoint.eagle; do
    cmp -s "$work/whole/$file" "$work/killed/$file" ||
        { echo "$file differs after $kills kills, SEED=$seed"; exit 1; }
done
[ -z "$(find "$work/killed" -name '*.unfinished')" ] ||
    { echo 'unfinished files are left:'; ls "$work/killed"; exit 1; }

# Ctrl-C, once a checkpoint is there so that the loop runs.
(head "$work/stopped") &
pid=$!
for _ in 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17 18 19 20; do
    [ -e "$work/stopped/checkpoint.eagle" ] && break
    sleep 0.05
done
kill -INT $pid
code=0
wait $pid || code=$?
case $code in
130) ;;
0) echo 'note: it was done before Ctrl-C' ;;
*) echo "exit $code after Ctrl-C" && cat "$work/stderr" && exit 1 ;;
esac
(head "$work/stopped" --resume)
cmp -s "$work/whole/checkpoint.eagle" "$work/stopped/checkpoint.eagle" ||
    { echo 'the state differs after Ctrl-C'; exit 1; }

# own DIR ARGUMENT...: what the target writes itself.
own() {
    dir=$1
    shift
    # shellcheck disable=SC2086
    "$EAGLE" train head -m "$target" --data "$texts" -o "$dir" $small --steps 4 --eval-tokens 8 \
        --self-generate 600 --self-temps 0,1 "$@" >"$work/stdout" 2>"$work/stderr"
}
own "$work/own"
mkdir "$work/planted"
sed 's/\[[0-9]*,/[7,/' "$work/own/self-generated.jsonl" >"$work/planted/self-generated.jsonl"
own "$work/planted" --resume
for file in self-generated.jsonl model.safetensors checkpoint.eagle; do
    cmp -s "$work/own/$file" "$work/planted/$file" ||
        { echo "$file differs after a file of texts that nobody knows"; exit 1; }
done
code=0
own "$work/own" --resume --self-generate 601 || code=$?
equal 4 "$code" 'exit code for other texts'
grep -q 'wrote 600 tokens .* but is to write 601 tokens' "$work/stderr" || { cat "$work/stderr"; exit 1; }
mv "$work/own/self-generated.jsonl" "$work/away"
code=0
own "$work/own" --resume --self-generate 601 || code=$?
equal 4 "$code" 'exit code for other texts without the file of those before'
[ ! -e "$work/own/self-generated.jsonl" ] || { echo 'texts were written before they were refused'; exit 1; }
mv "$work/away" "$work/own/self-generated.jsonl"
code=0
own "$work/own" --resume --self-temps 0,1.000001 || code=$?
equal 4 "$code" 'exit code for a temperature that is another in the seventh digit'
code=0
own "$work/early" --save-every 0 --lr 1e30 --warmup 0 || code=$?
equal 6 "$code" 'exit code of a loss that is no number'
[ -s "$work/early/checkpoint.eagle" ] || { echo 'no checkpoint before the first step'; exit 1; }
