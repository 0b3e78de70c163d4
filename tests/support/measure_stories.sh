#!/bin/sh
# SPDX-License-Identifier: MIT
# measure_stories.sh EAGLE LEARN.txt JUDGE.txt MODEL... - how well models tell stories.
#
#   loss      on the stories of JUDGE.txt, which split_stories.awk kept back, in nats per byte; of each
#             the first 900 bytes, which fit into the models' contexts
#   distinct  runs of four words in 120 tokens after each of testdata/stories/openings.jsonl, at temperature
#             1 and at 0: what repeats itself is easily guessed
#   learned   runs of eight words in them that stand in LEARN.txt: what was learned by heart
#
# Beside them stands the same of 32 stories of JUDGE.txt, which people (or a large model) wrote.
eagle=$1
learn=$2
judge=$3
shift 3
LC_ALL=C # bytes, whatever the awk
export LC_ALL
work=$(mktemp -d) || exit 5
trap 'rm -rf "$work"' EXIT

awk -v dir="$work" '
$0 == "<|endoftext|>" { close(file); n++; story = 0; next }
{ file = sprintf("%s/story.%04d", dir, n); line = (story > 0 ? "\n" : "") $0
  printf "%s", substr(line, 1, 900 - story) > file; story += length(line); if (story > 900) story = 900 }' "$judge"

# runs LABEL: of the lines of stdin.
runs() {
    awk -v label="$1" '
    { n = split(tolower($0), word, /[^a-z0-9]+/) }
    FILENAME != "-" {
        for (i = 1; i + 7 <= n; i++) known[run_of(i, 8)]
        next
    }
    { for (i = 1; i + 3 <= n; i++) { fours++; seen[run_of(i, 4)] }
      for (i = 1; i + 7 <= n; i++) { eights++; learned += run_of(i, 8) in known } }
    END { for (run in seen) distinct++
          printf "%-40s distinct %.3f, learned %.3f\n", label, distinct / fours, learned / eights }
    function run_of(at, length_,    run, j) {
        run = word[at]
        for (j = 1; j < length_; j++) run = run " " word[at + j]
        return run
    }' "$learn" -
}

for model; do
    for story in "$work"/story.*; do
        "$eagle" score -q -t 1 -m "$model" -f "$story" --format json |
            grep -o '"log_probability": \[[^]]*' | tr -d ',[' | sed "s/^[^ ]*/$(wc -c <"$story")/"
    done | awk -v model="$model" '{ bytes += $1; for (i = 3; i <= NF; i++) nats -= $i }
        END { printf "%-40s %.3f nats per byte, %d stories, %d bytes\n", model, nats / bytes, NR, bytes }'
    for temp in 1 0; do
        "$eagle" generate -q -t 1 -m "$model" --prompts testdata/stories/openings.jsonl -n 120 --temp $temp -s 1 |
            awk '{ sub(/.*"text": "/, ""); gsub(/\\n/, " "); gsub(/\\"/, " "); sub(/".*/, ""); print }' | runs "$model, temperature $temp"
    done
done
awk '$0 == "<|endoftext|>" { print story; story = ""; if (++n == 32) exit; next } { story = story " " $0 }' "$judge" |
    runs "stories that were kept back"
