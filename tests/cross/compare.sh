#!/bin/sh
# SPDX-License-Identifier: MIT
# compare.sh HERE THERE RUN - runs every program tests/cross/*_alone here and, under RUN, as it was built
# for the other machine. Both must succeed, and their last lines be the same.
here=$1
there=$2
run=$3
failed=0

for program in "$here"/tests/cross/*_alone; do
    name=${program##*/}
    "$program" >"$here/$name.log" 2>&1 || { cat "$here/$name.log"; failed=1; }
    "$run" "$there/tests/cross/$name" >"$there/$name.log" 2>&1 || failed=1
    cat "$there/$name.log"
    if [ "$(tail -n 1 "$here/$name.log")" != "$(tail -n 1 "$there/$name.log")" ]; then
        echo "not ok $name: here $(tail -n 1 "$here/$name.log")"
        failed=1
    fi
done
[ "$failed" -eq 0 ] && echo "check-cross passed"
