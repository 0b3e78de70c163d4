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
