# SPDX-License-Identifier: MIT
# split_stories.awk - cuts a file of stories into texts to learn from and stories to judge by.
#
#   awk -f split_stories.awk -v learn=LEARN.txt -v judge=JUDGE.txt STORIES.txt
#
# Stories end with a line <|endoftext|>. Collections hold the same story many times, whole or with
# a changed ending; a split at random would judge by what was learned. So a story is dropped when
# more than 30 % of its runs of 8 words stand in stories already kept. Of those kept, every 24th is
# to judge by. Words are compared without case and punctuation.

function end_of_story(    words, n, i, known, run, of, to) {
    words = tolower(story)
    gsub(/[^a-z0-9]+/, " ", words)
    n = split(words, word, " ")
    of = n - 7
    for (i = 1; i <= of; i++) {
        run = word[i] " " word[i + 1] " " word[i + 2] " " word[i + 3] " " \
              word[i + 4] " " word[i + 5] " " word[i + 6] " " word[i + 7]
        runs[i] = run
        known += run in seen
    }
    if (length(story) > 80 && of > 0 && known <= 0.3 * of) {
        for (i = 1; i <= of; i++) {
            seen[runs[i]]
        }
        to = ++kept % 24 == 0 ? judge : learn
        printf "%s<|endoftext|>\n", story > to
    }
    story = ""
}

$0 == "<|endoftext|>" { end_of_story(); next }
{ story = story $0 "\n" }
END { end_of_story() }
