# SPDX-License-Identifier: MIT
# test_help.sh - help comes from the same table as the parser: every command has a page, which is
# what --help prints, and every option on it is known to the parser.
. tests/cli/lib.sh

calls() {
    run help
}
transcript calls
"$EAGLE" --help | cmp -s - "$work/stdout" || { echo "--help is not help"; exit 1; }

# A command has one word or two.
sed -n 's/^  \([a-z]*\( [a-z][a-z]*\)\{0,1\}\)  .*/\1/p' "$work/stdout" >"$work/commands"
while read -r command; do
    # shellcheck disable=SC2086
    "$EAGLE" help $command >"$work/page" || exit 1
    # shellcheck disable=SC2086
    "$EAGLE" $command --help >"$work/option" || exit 1
    same "$work/page" "$work/option" "help $command"
    for option in $(sed -n 's/^  [ -][a-zA-Z ]*[ ,] --\([a-z0-9-]*\).*/\1/p' "$work/page"); do
        # The nonsense keeps the command from running, whether or not the option takes a value.
        if "$EAGLE" $command "--$option" --nonsense --nonsense 2>&1 </dev/null |
            grep -q "^eagle: unknown option --$option\$"; then
            echo "$command does not know --$option, which its help names"
            exit 1
        fi
    done
done <"$work/commands"
"$EAGLE" help help | cmp -s - "$work/stdout" || { echo "help help is not help"; exit 1; }
"$EAGLE" --version >"$work/version"
grep -q '^arithmetic C0/kv=f32' "$work/version"
