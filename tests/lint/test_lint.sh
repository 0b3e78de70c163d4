#!/bin/sh
# SPDX-License-Identifier: MIT
# test_lint.sh - each rule of the lint is seen to fail.
#
# Builds a small tree that every rule accepts, spoils it in one way at a time, and expects the
# rule to say so in the words given. A rule that stays silent fails the test.
rules=$PWD/tests/lint
format=$PWD/.clang-format
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
failed=0

# A tree of three folders, each file as the rules want it.
fresh() {
    rm -rf "$work/tree"
    mkdir -p "$work/tree/include/eagle" "$work/tree/src/base" "$work/tree/src/kernels" \
        "$work/tree/src/cli" "$work/tree/tests" "$work/tree/.ci"
    cd "$work/tree" || exit 1
    cp "$format" .clang-format
    printf 'base:\nkernels: base\ncli:\n' >src/LAYERS
    printf '| `base/` |\n| `kernels/` |\n| `cli/` |\n' >src/README.md
    c_file include/eagle/thing.h 'int eagle_thing(void);'
    c_file src/base/base.c '#include "eagle/thing.h"' '' 'int eagle_thing(void)' '{' '    return 0;' '}'
    c_file src/kernels/dot_avx2.c '#include "base/base.h"' '#include <immintrin.h>'
    c_file src/cli/main.c '#include "eagle/thing.h"'
    printf '# SPDX-License-Identifier: MIT\n# eagle - a build.\nall:\n' >Makefile
}

# c_file PATH LINE... - a file with the two opening lines and those given.
c_file() {
    path=$1
    shift
    printf '/* SPDX-License-Identifier: MIT */\n/* %s - a sample. */\n' "$(basename "$path")" >"$path"
    [ $# -eq 0 ] || printf '%s\n' "$@" >>"$path"
}

lines() { awk -v n="$1" -v text="$2" 'BEGIN { for (i = 0; i < n; i++) print text }'; }

accepts() { # RULE
    out=$(sh "$rules/$1.sh" 2>&1) || {
        echo "$1 refuses a tree without faults: $out"
        failed=1
    }
}

refuses() { # RULE WORDS
    if out=$(sh "$rules/$1.sh" 2>&1); then
        echo "$1 accepts: $2"
        failed=1
    else
        case $out in
        *"$2"*) ;;
        *)
            echo "$1: expected \"$2\", got: $out"
            failed=1
            ;;
        esac
    fi
    fresh
}

fresh
for rule in layers lengths text headers format; do accepts "$rule"; done

# ---- layers -----------------------------------------------------------------
c_file src/base/up.c '#include "kernels/kernels.h"'
refuses layers 'src/base/up.c:3: base may not include kernels/'
c_file src/cli/deep.c '#include "base/alloc.h"'
refuses layers 'src/cli/deep.c:3: cli may not include base/'
c_file include/eagle/open.h '#include "base/alloc.h"'
refuses layers 'a public header includes "base/alloc.h"'
c_file src/base/near.c '#include "alloc.h"'
refuses layers '"alloc.h": write the folder too'
c_file src/kernels/dot.c '#include <immintrin.h>'
refuses layers 'src/kernels/dot.c:3: intrinsics belong in'
c_file src/kernels/fold_avx2.h '#include <immintrin.h>'
accepts layers
c_file src/base/cpu_avx2.c '#  include <arm_neon.h>'
refuses layers 'src/base/cpu_avx2.c:3: intrinsics belong in'
c_file src/kernels/dot_portable.c '#include <cblas.h>'
refuses layers 'BLAS belongs in'
c_file src/base/team.c '#pragma omp parallel'
refuses layers 'src/base/team.c:3: OpenMP belongs in'
c_file src/kernels/count.c '    size_t n = 0;' '#pragma omp parallel for reduction(+ : n)'
accepts layers
c_file src/kernels/sum.c '    float x = 0;' '#pragma omp parallel for reduction(+ : x)'
refuses layers 'no OpenMP reduction'
printf 'base: kernels\nkernels: base\ncli:\n' >src/LAYERS
refuses layers 'lies on or above a cycle'
printf 'base: stone\nkernels: base\ncli:\n' >src/LAYERS
refuses layers 'base names stone, which has no line'
mkdir src/extra && c_file src/extra/extra.c
refuses layers 'folder extra has no line in src/LAYERS'
mkdir src/extra && c_file src/extra/extra.c
refuses layers 'src/README.md: no line for extra/'

# ---- lengths ----------------------------------------------------------------
{ c_file src/base/long.c 'int eg_long(void)' '{' && lines 98 '    step();' && echo '}'; } >>src/base/base.c
accepts lengths # 100 lines are allowed
{ echo '{' && lines 99 '    step();' && echo '}'; } >>src/base/base.c
refuses lengths 'a function of 101 lines, 100 allowed'
lines 800 'int x;' >>src/base/base.c
refuses lengths 'src/base/base.c: 808 lines, 800 allowed'
mkdir -p src/tree src/draft src/head
for i in 1 2 3 4 5; do lines 700 'int x;' >"src/tree/t$i.c"; done
lines 700 'int x;' >src/head/h_avx2.c # instruction sets do not count
accepts lengths
echo 'int x;' >src/draft/one_more.c
refuses lengths 'the reading path has 3501 lines of code, 3500 allowed'

# ---- text -------------------------------------------------------------------
echo 'int x;' >src/base/bare.c
refuses text 'src/base/bare.c:1: expected an SPDX line'
printf '/* SPDX-License-Identifier: MIT */\n/* other.c - not this one. */\n' >src/base/named.c
refuses text 'src/base/named.c:1: expected an SPDX line'
printf '#!/bin/sh\n# run.sh - no licence\n' >tests/run.sh
refuses text 'tests/run.sh:1: expected an SPDX line'
c_file src/base/later.c '/* TO''DO: later */'
refuses text 'src/base/later.c:3:/* TO''DO: later */ <- finish it'
c_file src/base/dead.c '#if 0' '#endif'
refuses text 'dead code'
c_file src/base/stack.c 'void *p = alloca(3);'
refuses text 'no alloca'
c_file src/base/opt.c '__attribute__((optimize("O3"))) int x;'
refuses text 'flags belong in the Makefile'
c_file src/base/blank.c 'int x; '
refuses text 'blanks at the end of the line'
echo 'CFLAGS := -Ofast' >>Makefile
refuses text 'this flag changes the bits'
printf '# SPDX-License-Identifier: MIT\n# own.mk - flags.\nX := -march=native\n' >tests/own.mk
refuses text 'this flag changes the bits'
c_file src/cli/base.c
refuses text 'src: more than one base.c'
: >notes.txt
refuses text 'notes.txt: not a top-level entry'
printf '#!/bin/sh\n# SPDX-License-Identifier: MIT\n# open.sh - broken.\nif true; then\n' >tests/open.sh
refuses text 'tests/open.sh: not a shell script'

# ---- headers ----------------------------------------------------------------
c_file include/eagle/alone.h 'size_t eagle_size(void);'
refuses headers 'include/eagle/alone.h: does not compile alone as C11'
if command -v c++ >/dev/null 2>&1; then
    c_file include/eagle/c_only.h 'int eagle_new(int new);'
    refuses headers 'include/eagle/c_only.h: does not compile alone as C++'
fi

# ---- symbols ----------------------------------------------------------------
# library DECLARED DEFINED... - a header that declares the one, libraries that define the others.
library() {
    c_file include/eagle/thing.h "#define EAGLE_API" "EAGLE_API int $1(void);"
    shift
    for name; do echo "int $name(void); int $name(void) { return 1; }"; done >lib.c
    "${CC:-cc}" -shared -fPIC -o lib.so lib.c && "${CC:-cc}" -c -o lib.o lib.c && ar rcs lib.a lib.o
}
symbols() { # WORDS, or nothing: must pass
    out=$(sh "$rules/symbols.sh" lib.a lib.so 2>&1)
    code=$?
    case $code:$out in
    0:) [ -z "$1" ] && return ;;
    1:*"$1"*) [ -n "$1" ] && return ;;
    esac
    echo "symbols: expected \"$1\", got: $out"
    failed=1
}
library eagle_thing eagle_thing
symbols ''
library eagle_thing eagle_thing helper
symbols 'lib.a: global symbol helper'
library eagle_thing eagle_thing eg_inner
symbols 'lib.so: exports eg_inner, which no header declares'
library eagle_missing
symbols 'eagle_missing is declared and not defined'
fresh

# ---- format -----------------------------------------------------------------
case $(sh "$rules/format.sh") in
*note:*) ;;
*)
    printf 'int eagle_x( int a );\n' >>include/eagle/thing.h
    refuses format 'code should be clang-formatted'
    ;;
esac

exit $failed
