# SPDX-License-Identifier: MIT
# toy_sentences.awk - texts for the toy: a little language of 16 token ids, one document a line.
#
#   awk -f toy_sentences.awk >toy.ids
#
# 1 begins a text and 2 ends it. In between stand sentences: who (3..5), does (6..8,
# one of two that go with who), how (9, 10, in every second sentence), what (11..14, one of three that go
# with does), and 15, a full stop. So what follows is sometimes sure and never long in doubt.

function below(n) {
    state = state * 16807 % 2147483647
    return int(state / 65536) % n
}

BEGIN {
    state = 1
    for (text = 0; text < 400; text++) {
        line = 1
        for (sentence = 3 + below(4); sentence > 0; sentence--) {
            who = 3 + below(3)
            does = 6 + (who + below(2)) % 3
            how = below(2) ? " " 9 + below(2) : ""
            what = 11 + (does + below(3)) % 4
            line = line " " who " " does how " " what " 15"
        }
        print line " 2"
    }
}
