# SPDX-License-Identifier: MIT
# test_plot.sh - train plot draws what a log says, and refuses a broken log by its line.
. tests/cli/lib.sh

log=$work/log
# lines TEXT...: a log of these lines.
lines() { printf '%s\n' "$@" >"$log"; }
# plot ARGUMENT...: a transcript in which the scratch folder has no name.
plot() { run train plot "$@" | sed "s|$work|WORK|g"; }

# A training that went on from a checkpoint repeats steps: 9.9 at 30 and 8.8 at 40 are of the run that
# was lost, and the axis ends at 5.
calls() {
    lines '{"step": 10, "loss": 4.5, "token_loss": 4, "feature_loss": 0.5, "right": 0.1, "lr": 1e-3}' \
        '{"step": 20, "loss": 3.5, "right": 0.2, "comment": "keys that nobody knows"}' '' \
        '{"step": 30, "loss": 9.9, "right": 0.9}' \
        '{"step": 40, "loss": 8.8, "val_loss": 7.7}' \
        '{"step": 30, "loss": 2.5, "right": 0.35, "acceptance": null}' \
        '{"step": 30, "val_loss": 2.75, "val_right": 0.3, "acceptance": 1.8, "acceptance_low": 1.6, "acceptance_high": 2.1}' \
        '{"step": 60, "loss": 2, "right": 0.4, "acceptance": 2.2, "acceptance_low": 2, "acceptance_high": 2.5}'
    plot "$log"
    lines '{"step": 1, "loss": 2}'
    plot "$log"
    lines '{"step": 1, "loss": 2}' '' '{"step": 2, "loss":'
    plot "$log"
    lines '{"step": 1}' '{"loss": 2}'
    plot "$log"
    lines '{"step": 1, "right": "much"}'
    plot "$log"
    lines '{"step": 1, "loss": 1e300}'
    plot "$log"
    lines '{"step": 1, "lr": 0.1}'
    plot "$log"
    lines '[1]'
    plot "$log"
    : >"$log"
    plot "$log"
    plot "$work/nothing"
    plot
}
transcript calls

# A file is replaced whole, and not by a failure.
lines '{"step": 1, "loss": 2}' '{"step": 2, "loss": 1}'
"$EAGLE" train plot "$log" >"$work/curve.svg" || exit 1
"$EAGLE" train plot "$log" -o "$work/other.svg" || exit 1
same "$work/curve.svg" "$work/other.svg" 'the file of -o'
lines 'no'
"$EAGLE" train plot "$log" -o "$work/other.svg" 2>/dev/null && exit 1
same "$work/curve.svg" "$work/other.svg" 'the file after a failure'

# A long log is drawn by few points, and stdin is a log too.
awk 'BEGIN { for (i = 1; i <= 50000; i++) printf "{\"step\": %d, \"loss\": %g}\n", i, 1 + 1 / i }' >"$log"
"$EAGLE" train plot - <"$log" >"$work/long.svg" || exit 1
[ "$(wc -c <"$work/long.svg")" -lt 20000 ] || { echo 'a long log makes a long drawing'; exit 1; }
