# SPDX-License-Identifier: MIT
# test_train_resume.sh - a training that is killed at random moments, ten times, goes on each time, and
# ends with the files of one that was left alone; Ctrl-C saves and exits with 130.
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
