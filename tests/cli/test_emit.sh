# SPDX-License-Identifier: MIT
# test_emit.sh - the header of docs/emit compiles as C99 and as C++ without a warning, and eagle reads what
# it writes.
. tests/cli/lib.sh

compile() { # COMPILER STANDARD OUT
    "$1" "$2" -Wall -Wextra -Wpedantic -Wshadow -Werror -o "$work/$3" $4 docs/emit/example.c
}
compile "${CC:-cc}" -std=c99 c || exit 1
if command -v "${CXX:-c++}" >/dev/null 2>&1; then
    # Named C, compiled as C++.
    compile "${CXX:-c++}" -std=c++11 cpp '-x c++' || exit 1
    "$work/cpp" 2 "$work/cpp.trace" || exit 1
fi
for level in 0 1 2; do
    "$work/c" $level "$work/$level.trace" || exit 1
done
[ ! -f "$work/cpp.trace" ] || cmp "$work/2.trace" "$work/cpp.trace" || exit 1

# What it cannot write it says.
"$work/c" 3 "$work/3.trace" 2>"$work/err" && { echo 'level 3 was written'; exit 1; }
"$work/c" 0 "$work" 2>"$work/err" && { echo 'a directory was written to'; exit 1; }

all_calls() {
    run trace show "$work/0.trace"
    run trace show "$work/1.trace"
    run trace show "$work/2.trace"
    run trace diff "$work/0.trace" "$work/1.trace"
}
calls() { all_calls | sed "s|$work|WORK|g"; }
transcript calls
