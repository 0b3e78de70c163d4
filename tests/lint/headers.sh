#!/bin/sh
# SPDX-License-Identifier: MIT
# headers.sh - each public header compiles alone, as C11 and as C++.
#
# Runs in the root of a source tree. CC and CXX name the compilers. Prints the compiler's words
# and fails if a header does not stand alone.
status=0
CC=${CC:-cc}
CXX=${CXX:-c++}

if ! command -v "$CXX" >/dev/null 2>&1; then
    echo "note: no C++ compiler ($CXX): headers were compiled as C only"
    CXX=
fi
for header in include/eagle/*.h; do
    echo "#include \"eagle/$(basename "$header")\"" |
        "$CC" -x c -std=c11 -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only - 2>&1 || {
        echo "$header: does not compile alone as C11"
        status=1
    }
    [ -n "$CXX" ] || continue
    echo "#include \"eagle/$(basename "$header")\"" |
        "$CXX" -x c++ -std=c++11 -Wall -Wextra -Wpedantic -Werror -Iinclude -fsyntax-only - 2>&1 || {
        echo "$header: does not compile alone as C++"
        status=1
    }
done
exit $status
