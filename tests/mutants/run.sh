#!/bin/sh
# SPDX-License-Identifier: MIT
# run.sh RELEASE ASAN - all mutants: the planted ones (planted.sh, table, *.patch), then the
# machine-made ones (made.sh, mutate.c, survivors). Work and results are kept in build/mutants; the last
# line counts both kinds.
here=tests/mutants
code=0

for tool in patch timeout; do
    command -v $tool >/dev/null 2>&1 || {
        echo "note: no $tool here (make deps): no mutant was tried"
        exit 1
    }
done
[ -e "$1/tests/unit/test_verify" ] || {
    echo "note: without cmocka (libcmocka-dev) there are no test programs, and nothing to find a mutant"
    exit 1
}

echo '== planted bugs'
sh $here/planted.sh "$1" || code=1
echo '== machine-made mutants'
sh $here/made.sh "$1" "$2" || code=1
awk '{ all += $1; caught += $2; listed += $3; pending += $4; failed += $5 }
    END { printf("%d mutants: %d caught, %d survived as listed, %d pending, %d failed\n",
          all, caught, listed, pending, failed) }' build/mutants/planted/counts build/mutants/made/counts
exit $code
