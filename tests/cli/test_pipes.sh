# SPDX-License-Identifier: MIT
# test_pipes.sh - a pipe in place of a part of a model or a head is refused at once, whether or not
# somebody writes to it; what a user names may be a pipe.
. tests/cli/lib.sh
command -v mkfifo >/dev/null && command -v timeout >/dev/null || {
    echo "no mkfifo or no timeout"
    exit 77
}

# refused PIPE ARGUMENT...: by a program that would wait for ever.
refused() {
    pipe=$1
    shift
    code=0
    timeout 10 "$EAGLE" "$@" >"$work/stdout" 2>"$work/stderr" || code=$?
    equal 3 "$code" "exit code, $pipe"
    equal "eagle: $pipe: not a regular file" "$(cat "$work/stderr")" "stderr, $pipe"
}

# copy DIR NAME: a directory whose file NAME is a pipe.
copy() {
    rm -rf "$work/copy"
    mkdir "$work/copy"
    for file in "$1"/*.json "$1"/*.safetensors; do
        [ "$(basename "$file")" = "$2" ] || ln -s "$PWD/$file" "$work/copy/"
    done
    mkfifo "$work/copy/$2"
}
for part in config.json generation_config.json model.safetensors model.safetensors.index.json; do
    copy "$model" "$part"
    [ "$part" != model.safetensors.index.json ] || rm "$work/copy/model.safetensors"
    refused "$work/copy/$part" generate -m "$work/copy" --prompt-ids 1 -n 1
done
for part in config.json model.safetensors; do
    copy "$head" "$part"
    refused "$work/copy/$part" inspect "$model" "$work/copy"
done

mkfifo "$work/trace"
refused "$work/trace" trace show "$work/trace"

printf '{"prompt_ids": [407, 333]}\n' >"$work/ids"
printf '[[0], [0, 0], [1]]\n' >"$work/tree"
generate() { "$EAGLE" generate -m "$model" -n 4 -q "$@"; }
want=$(generate --prompts "$work/ids" | "$field" result.output_ids)
mkfifo "$work/pipe"
feed() { timeout 20 sh -c 'cat "$1" >"$2"' sh "$1" "$work/pipe"; }
for source in /dev/stdin "$work/pipe"; do
    [ "$source" = /dev/stdin ] || feed "$work/ids" &
    generate --prompts "$source" <"$work/ids" >"$work/json" || exit 1
    equal "$want" "$("$field" result.output_ids <"$work/json")" "prompts of $source"
done
for source in /dev/stdin "$work/pipe"; do
    [ "$source" = /dev/stdin ] || feed "$work/tree" &
    generate -H "$head" --prompt-ids 407,333 --spec-tree "$source" --format json \
        <"$work/tree" >"$work/json" || exit 1
    equal "$want" "$("$field" result.output_ids <"$work/json")" "a tree of $source"
done

"$EAGLE" --version | grep -q '^  tokenizer .*missing' && exit 0
copy "$model" tokenizer.json
refused "$work/copy/tokenizer.json" generate -m "$work/copy" -p Once -n 1
refused "$work/copy/tokenizer.json" tokenize -m "$work/copy" Once
text=$(generate -p Once)
equal "$text" "$(printf Once | generate -f -)" 'a text of -f -'
equal "$text" "$(printf Once | generate -f /dev/stdin)" 'a text of /dev/stdin'
printf Once >"$work/once"
feed "$work/once" &
equal "$text" "$(generate -f "$work/pipe")" 'a text of a pipe'
