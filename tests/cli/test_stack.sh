# SPDX-License-Identifier: MIT
# test_stack.sh - threads of 128 KB of stack, which is what musl gives, are enough for every instruction set: for
# plain and speculative decoding, of a token at a time and of a chunk of the prompt.
. tests/cli/lib.sh

case $OUT in
*asan)
    echo "AddressSanitizer surrounds what is on the stack: threads need more"
    exit 77
    ;;
esac

for isa in $("$EAGLE" --version | sed -n 's/,//g; s/^isa //p'); do
    for with in "" "-H $head"; do
        # shellcheck disable=SC2086
        OMP_STACKSIZE=128K "$EAGLE" generate -m "$model" $with --isa "$isa" -t 2 -n 20 -q \
            --prompt-ids 1,300,7,45,9,22,301,8 >"$work/stdout" || {
            echo "generate $with, $isa, 128 KB of stack: exit $?"
            exit 1
        }
    done
done
