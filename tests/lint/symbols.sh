#!/bin/sh
# SPDX-License-Identifier: MIT
# symbols.sh LIBEAGLE.A LIBEAGLE.SO - names that other programs can meet.
#
# Everything global starts with eagle_ (public) or eg_ (inside); the shared library shows
# exactly the calls that the headers declare. Runs in the root of a source tree. Prints one
# line per violation and fails if there is one.
archive=$1
shared=$2
status=0
bad() {
    echo "$*"
    status=1
}

for name in $(nm -g --defined-only "$archive" 2>/dev/null | awk 'NF == 3 { print $3 }' | sort -u); do
    case $name in
    eagle_* | eg_*) ;;
    *) bad "$archive: global symbol $name" ;;
    esac
done

work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
nm -D --defined-only "$shared" | awk '{ print $NF }' | sort -u >"$work/exported"

# Declarations: EAGLE_API up to the name before the first parenthesis.
cat include/eagle/*.h | tr '\n' ' ' | sed 's/EAGLE_API/\n&/g' |
    sed -n 's/^EAGLE_API [^(;]*[ *]\(eagle_[a-z0-9_]*\)(.*/\1/p' | sort -u >"$work/declared"

for name in $(comm -23 "$work/exported" "$work/declared"); do
    bad "$shared: exports $name, which no header declares"
done
for name in $(comm -13 "$work/exported" "$work/declared"); do
    bad "include/eagle: $name is declared and not defined"
done
exit $status
