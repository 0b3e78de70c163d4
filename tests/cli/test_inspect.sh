# SPDX-License-Identifier: MIT
# test_inspect.sh - inspect says what was understood, and the same as JSON.
. tests/cli/lib.sh

# Free memory and times differ from run to run, sizes of buffers from release to release.
calls() {
    "$EAGLE" inspect "$model" "$head" --scan | sed -e "s|$data|DATA|g" -e '/^memory/,/together/d' \
        -e 's| read in .*||'
}
transcript calls

"$EAGLE" inspect -m "$model" -H "$head" -c 128 --format json >"$work/json" || exit 1
get() { "$field" "$1" <"$work/json" || exit 1; }
equal eagle.inspect/1 "$(get schema)" schema
equal 512 "$(get model.shape.vocab)" vocabulary
equal '[0]' "$(get model.end)" 'end token'
equal true "$(get head.fits)" fits
# keys and values of 6 layers, 4 KV heads of 16, 128 positions and the tree's 8 nodes, at least
[ "$(get memory.target_kv)" -ge $((2 * 6 * 4 * 16 * 128 * 4)) ] || { get memory; exit 1; }
equal "$(get memory.total)" "$(($(get memory.weights) + $(get memory.target_kv) + \
    $(get memory.head_kv) + $(get memory.work)))" 'the bill, added up'

# A tokenizer that is there and cannot be used is told, also where notes are not.
mkdir "$work/unusable" "$work/none"
for file in config.json model.safetensors; do
    ln -s "$PWD/$model/$file" "$work/unusable/"
    ln -s "$PWD/$model/$file" "$work/none/"
done
cp testdata/bad/tokenizer-model-unigram/tokenizer.json "$work/unusable"
line() { "$EAGLE" inspect "$@" 2>"$work/stderr" | sed -n 's/^  tokenizer   //p'; }
shown=$(line "$work/unusable")
why=$(sed -n 's/^note: going on with token ids: //p' "$work/stderr")
case $why in *"$work/unusable"?*) ;; *) cat "$work/stderr" && exit 1 ;; esac
equal "UNUSABLE, token ids only: $why" "$shown" 'a tokenizer that cannot be used'
equal "$shown" "$(line "$work/unusable" -q)" 'the same with -q'
equal '' "$(cat "$work/stderr")" 'stderr with -q'
equal 'none: token ids only' "$(line "$work/none")" 'no tokenizer'

# told DIR: what the document says of it.
told() {
    "$EAGLE" inspect "$1" -q --format json >"$work/json" || exit 1
    echo "$(get model.tokenizer_ids) $(get model.tokenizer_error)"
}
equal "null $why" "$(told "$work/unusable")" 'a tokenizer that cannot be used, as JSON'
equal 'null null' "$(told "$work/none")" 'no tokenizer, as JSON'
"$EAGLE" --version | grep -q '^  tokenizer .*missing' && exit 0
equal '512 null' "$(told "$model")" 'a tokenizer, as JSON'
