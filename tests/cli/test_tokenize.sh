# SPDX-License-Identifier: MIT
# test_tokenize.sh - text to ids and back, from words, options, files and stdin.
. tests/cli/lib.sh
need_text

calls() {
    run tokenize -m "$model" -p 'Once upon a time'
    run tokenize -m "$model" Once upon a time
    run tokenize -m "$model" --no-special -p 'Once upon a time'
    run tokenize -m "$model" -p ''
    run tokenize -m "$model" --no-special -p ''
    run tokenize -m "$model" -p '<|endoftext|>'
    run tokenize -m "$model" --parse-special -p '<|endoftext|>'
    run tokenize -m "$model" -d 0 407 333 372 297
    run tokenize -m "$model" -d --prompt-ids 407,333
    run tokenize -m "$model" -d --prompt-ids ' 407 , 333 '
    run tokenize -m "$model" -d -p '407 word'
    run tokenize -m "$model" -d 99999
}
transcript calls

printf 'Once\nupon' >"$work/text"
"$EAGLE" tokenize -m "$model" -f "$work/text" >"$work/file"
"$EAGLE" tokenize -m "$model" -f - <"$work/text" >"$work/stdin"
"$EAGLE" tokenize -m "$model" <"$work/text" >"$work/silent"
same "$work/file" "$work/stdin" 'a file and stdin'
same "$work/file" "$work/silent" 'a file and stdin without -f'
"$EAGLE" tokenize -m "$model" -d -f "$work/file" >"$work/back"
echo >>"$work/text"
same "$work/text" "$work/back" 'text, there and back'
