#!/bin/sh
# SPDX-License-Identifier: MIT
# text.sh - what every file looks like: licence and purpose on top, no leftovers, no flags that
# change bits, names that are unique, nothing unexpected at the top level.
#
# Runs in the root of a source tree. Prints one line per violation and fails if there is one.
status=0
bad() {
    echo "$*"
    status=1
}

code=$(find src include tests -name '*.[ch]' | sort)
scripts=$(find tests -name '*.sh' -o -name '*.mk' -o -name '*.py' | sort)
leftover='TO''DO|FIX''ME' # split, so that this file passes its own rule

# SPDX line first (after #!), then "name - purpose".
for file in $code $scripts Makefile; do
    [ -f "$file" ] || continue
    name=$(basename "$file")
    [ "$name" = Makefile ] && name=eagle # it opens with the project's name
    head -n 5 "$file" | awk -v name="$name" '
        NR == 1 && /^#!/ { next }
        ++line == 1 && !/SPDX-License-Identifier: MIT/ { exit 1 }
        line == 2 { at = index($0, name); exit !(at > 0 && index(substr($0, at), " - ") > 0) }
    ' || bad "$file:1: expected an SPDX line, then \"$name - what it is for\""
done

for rule in \
    "$leftover:finish it or leave it out" \
    '^[ 	]*#[ 	]*if 0:dead code' \
    '(^|[^a-z_])alloca[ 	]*[(]:no alloca' \
    'pragma GCC (optimize|target)|attribute__[(][(](optimize|target)|FP_CONTRACT +ON:flags belong in the Makefile' \
    '[ 	]$:blanks at the end of the line'; do
    found=$(grep -nE "${rule%:*}" $code /dev/null) && bad "$(echo "$found" | sed "s|\$| <- ${rule##*:}|")"
done
found=$(grep -nE "($leftover)" $scripts Makefile /dev/null) && bad "$found <- finish it or leave it out"

# Fast-math and machine-dependent code change the bits; the line that refuses them may name them.
found=$(grep -nE -e '-(ffast-math|Ofast|march=native|mtune=native|funsafe-math|fassociative)' \
    Makefile $(find tests -name '*.mk') .ci/run /dev/null 2>/dev/null | grep -v findstring) &&
    bad "$found <- this flag changes the bits"

# One name, one file: a reader who sees walk.c knows which one.
for name in $(find src -name '*.[ch]' -exec basename {} \; | sort | uniq -d); do
    bad "src: more than one $name"
done

for entry in *; do
    case $entry in
    Makefile | README.md | LICENSE | include | src | tests | testdata | docs | build) ;;
    *) bad "$entry: not a top-level entry of this project" ;;
    esac
done

for file in $(find tests -name '*.sh'); do
    sh -n "$file" || bad "$file: not a shell script"
done
exit $status
