# SPDX-License-Identifier: MIT
# test_stop_text.sh - --stop ends the text before it, wherever tokens part it; nothing of it is shown.
. tests/cli/lib.sh
need models/stories260K/tokenizer.json heads/stories260K-eagle1/config.json
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
