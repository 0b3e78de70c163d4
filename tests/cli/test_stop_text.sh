# SPDX-License-Identifier: MIT
# test_stop_text.sh - --stop ends the text before it, wherever tokens part it; nothing of it is shown.
. tests/cli/lib.sh
need_text

for drafting in "-H $head" ''; do
    # shellcheck disable=SC2086
    stopped() { "$EAGLE" generate -m "$model" -t 1 $drafting -n 60 -q "$@"; }
    equal 'Once upon a time, there was a little girl ' "$(stopped --stop named)" 'before "named"'
    equal 'Once upon a time, there was a little g' "$(stopped --stop 'irl named L')" 'inside tokens'
    equal 'Once upon' "$(stopped --stop never --stop ' a ' --stop little)" 'the first of three'
    equal stop "$(stopped --stop named --format json | "$field" result.finish_reason)" finish_reason
    equal length "$(stopped --stop nowhere --format json | "$field" result.finish_reason)" \
        'finish_reason of one that is not met'
done

# A stop text may begin inside a character: the text then ends with a part of it, which a JSON
# document shows as U+FFFD. At this temperature broken bytes are soon there, each of them U+FFFD already.
half=$(printf '\277\275') # the last two bytes of U+FFFD
broken() { "$EAGLE" generate -m "$model" -t 1 -n 200 --temp 1e9 --ignore-eos -q --stop "$half" "$@"; }
broken >"$work/text" || exit 1
equal '357 012' "$(tail -c 2 "$work/text" | od -An -to1 | sed 's/^ *//')" 'the bytes before half a character'
broken --format json >"$work/json" || exit 1
{ tail -c +1 "$work/text" | tr -d '\357\012'; printf '\357\277\275'; } >"$work/expected"
"$field" result.text <"$work/json" | tr -d '\012' >"$work/got"
same "$work/expected" "$work/got" 'half a character in JSON'
