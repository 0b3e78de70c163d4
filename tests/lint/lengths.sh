#!/bin/sh
# SPDX-License-Identifier: MIT
# lengths.sh - no function over 100 lines, no file over 800, the reading path under 3,500
# lines of code, the trusted law under 80.
#
# Runs in the root of a source tree. Prints one line per violation and fails if there is one; the
# length of the reading path is printed always. A function is what lies between a brace in
# the first column and the next one that closes there: clang-format puts them so.

awk '
FNR == 1 { report(); file = FILENAME }
{ lines = FNR }
/^\{/ { open = FNR }
/^\}/ && open {
    if (FNR - open + 1 > 100) {
        printf "%s:%d: a function of %d lines, 100 allowed\n", FILENAME, open, FNR - open + 1
        failed = 1
    }
    open = 0
}
function report() {
    if (lines > 800) { printf "%s: %d lines, 800 allowed\n", file, lines; failed = 1 }
    lines = 0
    open = 0
}
END { report(); exit failed }
' $(find src include tests -name '*.[ch]' -o -name '*.sh' -o -name '*.mk' | sort)
status=$?

# What someone reads who follows one token: without the instruction sets, which repeat it. Only code
# counts: a limit on comments would be paid for by the reader.
path_files=$(for folder in sample tree head draft verify decode target; do
    [ ! -d "src/$folder" ] || find "src/$folder" -name '*.[ch]' | grep -vE '_(avx2|avx512|neon)\.c$'
done)
# shellcheck disable=SC2086
code_lines=$(cat $path_files /dev/null | awk '
    /^[ \t]*\/\*/ { comment = 1 }
    !comment && NF { n++ }
    /\*\// { comment = 0 }
    END { print n + 0 }')
echo "note: the reading path has $code_lines of at most 3500 lines of code"
if [ "$code_lines" -gt 3500 ]; then
    echo "src: the reading path has $code_lines lines of code, 3500 allowed"
    status=1
fi

# The law that everything is compared with is trusted: all of it, comments too, on one page.
if [ -f src/prove/plain_law.c ] && [ "$(wc -l <src/prove/plain_law.c)" -gt 80 ]; then
    echo "src/prove/plain_law.c: $(wc -l <src/prove/plain_law.c) lines, 80 allowed"
    status=1
fi
exit $status
