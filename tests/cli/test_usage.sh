# SPDX-License-Identifier: MIT
# test_usage.sh - a wrong command line gets one line on stderr, nothing on stdout, and exit code 2.
. tests/cli/lib.sh

calls() {
    run
    run nonsense
    run help nonsense
    run generate
    run generate -m
    run generate -m DIR --nonsense
    run generate -m DIR -Z
    run generate -m DIR stray
    run generate -m DIR --quiet=yes
    run generate -m DIR -n many
    run generate -m DIR -n -1
    run generate -m DIR -n 99999999999999999999
    run generate -m DIR -c 0
    run generate -m DIR -t 65
    run generate -m DIR --temp -0.5
    run generate -m DIR --temp nan
    run generate -m DIR --temp 0x1
    run generate -m DIR --top-p 0
    run generate -m DIR --top-p 1.01
    run generate -m DIR --min-p 2
    run generate -m DIR --seed soon
    run generate -m DIR --stop ''
    run generate -m DIR --format yaml
    run generate -m DIR --max-memory 12X
    run generate -m DIR --isa sse2
    run generate -m ''
    run generate -m DIR -H ''
    run generate -m DIR -o ''
    run generate -m DIR -p one -f two
    run generate -m DIR --prompt-ids 1 --prompts two
    run generate -m DIR --verify coupled
    run generate -m DIR --temp 1 --verify greedy
    run generate -m DIR -H HEAD --spec off --spec-depth 3
    run generate -m DIR -H HEAD --spec-tree mc_sim_7b_63 --spec-nodes 3
    run generate -m DIR -H HEAD --spec-rounds FILE --spec-tree FILE
    run generate -m DIR --spec-topk 3
    run generate -m DIR -H HEAD --temp 1 --spec-children drawn
    run generate -m DIR -H HEAD --temp 1 --spec-children drawn --spec-tree FILE --verify coupled
    run score -m DIR
    run score -m DIR -H HEAD -p one
    run bench -m DIR -n 0
    run bench -m DIR --math fast
    run tokenize
    run tokenize -m DIR -p one two
    run tokenize -m DIR --prompt-ids 1
    run inspect
    run inspect one two three
    run selftest -m DIR
}
transcript calls
! grep -v '^\$ \|^2> \|^exit 2$\|^$' "$work/transcript"
