# SPDX-License-Identifier: MIT
# test_help.sh - help comes from the same table as the parser: every command has a page, which is
# what --help prints, and every option on it is known to the parser.
. tests/cli/lib.sh

calls() {
    run help
}
transcript calls
"$EAGLE" --help | cmp -s - "$work/stdout" || { echo "--help is not help"; exit 1; }

for command in $(sed -n 's/^  \([a-z]*\)  .*/\1/p' "$work/stdout" | grep -v '^help$'); do
    "$EAGLE" help "$command" >"$work/page" || exit 1
    "$EAGLE" "$command" --help >"$work/option" || exit 1
    same "$work/page" "$work/option" "help $command"
    for option in $(sed -n 's/^  [ -][a-zA-Z ]*[ ,] --\([a-z-]*\).*/\1/p' "$work/page"); do
        # The nonsense keeps the command from running, whether or not the option takes a value.
        if "$EAGLE" "$command" "--$option" --nonsense --nonsense 2>&1 </dev/null |
            grep -q "^eagle: unknown option --$option\$"; then
            echo "$command does not know --$option, which its help names"
            exit 1
        fi
    done
done
"$EAGLE" --version >"$work/version"
grep -q '^arithmetic C0/kv=f32' "$work/version"
