#!/bin/sh
# SPDX-License-Identifier: MIT
# measure_stories.sh EAGLE JUDGE.txt MODEL... - how well models tell stories: the loss on stories that they
# did not see, in nats per byte, and the share of distinct runs of four words in what they write.
#
# JUDGE.txt is what split_stories.awk keeps back; of each story the first 900 bytes are read, which fit
# into the models' contexts. They write 120 tokens after each of testdata/stories/openings.jsonl, at temperature 1 and at 0. Beside them stands
# the same share of JUDGE.txt, in as many pieces of as many words.
eagle=$1
judge=$2
shift 2
work=$(mktemp -d) || exit 5
trap 'rm -rf "$work"' EXIT

awk -v dir="$work" '
$0 == "<|endoftext|>" { close(file); n++; story = 0; next }
{ file = sprintf("%s/story.%04d", dir, n); line = (story > 0 ? "\n" : "") $0
  printf "%s", substr(line, 1, 900 - story) > file; story += length(line); if (story > 900) story = 900 }' "$judge"

# runs LABEL: distinct runs of four words among the lines of stdin, of all runs.
runs() {
    awk -v label="$1" '
    { n = split(tolower($0), word, /[^a-z0-9'"'"']+/)
      for (i = 1; i + 3 <= n; i++) { all++; seen[word[i], word[i + 1], word[i + 2], word[i + 3]] } }
    END { for (run in seen) distinct++
          printf "%-44s %.3f of %d runs of 4 words are distinct\n", label, distinct / all, all }'
}

for model; do
    for story in "$work"/story.*; do
        "$eagle" score -q -t 1 -m "$model" -f "$story" --format json |
            grep -o '"log_probability": \[[^]]*' | tr -d ',[' | sed "s/^[^ ]*/$(wc -c <"$story")/"
    done | awk -v model="$model" '{ bytes += $1; for (i = 3; i <= NF; i++) nats -= $i }
        END { printf "%-44s %.3f nats per byte, %d stories, %d bytes\n", model, nats / bytes, NR, bytes }'
    for temp in 1 0; do
        "$eagle" generate -q -t 1 -m "$model" --prompts testdata/stories/openings.jsonl -n 120 --temp $temp -s 1 |
            sed 's/.*"text": "\(\([^"\\]\|\\.\)*\)".*/\1/; s/\\n/ /g; s/\\"/ /g' | runs "$model, temperature $temp"
    done
done
awk '$0 == "<|endoftext|>" { print story; story = ""; if (++n == 32) exit; next } { story = story " " $0 }' "$judge" |
    cut -d ' ' -f 1-70 | runs "$judge"
