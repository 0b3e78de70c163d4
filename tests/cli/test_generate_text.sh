# SPDX-License-Identifier: MIT
# test_generate_text.sh - greedy text from the empty prompt is what is kept of it, byte for byte, however
# it is computed; stdout holds it and nothing else.
. tests/cli/lib.sh
need_text

# Ours is a file of this repository; the other one is its author's, and optional.
case $(basename "$0") in
test_generate_text.sh) golden=testdata/golden/stories-greedy-200.txt ;;
*)
    need golden/stories260K-greedy-200.txt models/stories260K/tokenizer.json \
        heads/stories260K-eagle1/config.json
    golden=$data/golden/stories260K-greedy-200.txt
    model=$data/models/stories260K
    head=$data/heads/stories260K-eagle1
    ;;
esac
cp "$golden" "$work/expected"
[ -z "$(tail -c 1 "$golden")" ] || echo >>"$work/expected" # text ends with a newline of ours

# try WHAT ARGUMENT...
try() {
    what=$1
    shift
    "$EAGLE" generate -m "$model" -n 200 -q -t 1 "$@" >"$work/got" 2>"$work/stderr" || exit 1
    same "$work/expected" "$work/got" "$what"
    equal "" "$(cat "$work/stderr")" "stderr with -q, $what"
}
try plain
try 'the head' -H "$head"
try 'a chain' -H "$head" --spec-depth 4 --spec-topk 1 --spec-nodes 4
try 'a static tree' -H "$head" --spec-tree mc_sim_7b_63
"$EAGLE" generate -m "$model" -H "$head" -n 200 -q -t 1 --format json --explain >"$work/rounds" || exit 1
try 'recorded trees' --spec-rounds "$work/rounds"
try 'drafting off' -H "$head" --spec off
head -c 60 "$golden" >"$work/expected.60"
"$EAGLE" generate -m "$model" -H "$head" -t 2 --isa portable -n 24 -q | head -c 60 >"$work/got"
same "$work/expected.60" "$work/got" 'two threads, portable'

"$EAGLE" generate -m "$model" -t 1 -H "$head" -n 200 -o "$work/file" >"$work/got" 2>"$work/stderr" || exit 1
same "$work/expected" "$work/file" 'the file of -o'
equal "" "$(cat "$work/got")" 'stdout with -o'
equal 1 "$(wc -l <"$work/stderr" | tr -d ' ')" 'lines on stderr'

# Marks are all that is added.
"$EAGLE" generate -m "$model" -t 1 -H "$head" -n 200 -q --mark brackets | tr -d '[]' >"$work/got"
same "$work/expected" "$work/got" 'text with its brackets taken out'
