#!/bin/sh
# SPDX-License-Identifier: MIT
# test_rebuild.sh - what was built with other flags or of other parts is built again, and nothing else is.
#
# A small tree, this project's makefiles, and libraries that exist only for pkg-config: they appear
# and go as if they had been installed and removed.
command -v pkg-config >/dev/null 2>&1 || {
    echo "no pkg-config here"
    exit 77
}
unset PKG_CONFIG_PATH MAKEFLAGS MAKELEVEL MFLAGS CPPFLAGS CFLAGS LDFLAGS FLAVOUR BUILD
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
PKG_CONFIG_LIBDIR=$work/libraries
export PKG_CONFIG_LIBDIR
failed=0

mkdir -p "$work/libraries" "$work/tree/include" "$work/tree/src/base" "$work/tree/src/tokenizer" \
    "$work/tree/tests/bench"
cp Makefile "$work/tree"
cp tests/*.mk "$work/tree/tests"
cd "$work/tree" || exit 1
source_of() { printf 'int eg_%s(void);\nint eg_%s(void)\n{\n    return 0;\n}\n' "$1" "$1"; }
source_of base >src/base/base.c
source_of absent >src/tokenizer/absent.c
source_of bpe >src/tokenizer/bpe.c
source_of bench >tests/bench/bench_nothing.c # a tool, as the tests' makefile has some

library() {
    printf 'Name: %s\nDescription: none\nVersion: 1\nLibs:\nCflags:\n' "$1" >"$work/libraries/$1.pc"
}

# built ARGUMENT...: what make compiles and links, and what the archive then holds.
built() {
    make DEPS=0 V=1 "$@" lib >"$work/log" 2>&1 || {
        cat "$work/log"
        exit 1
    }
    objects=$(ar t build/release/libeagle.a | sort | tr '\n' ' ')
    printf '%s compiled, %s linked: %s\n' "$(grep -c -e ' -c -o ' "$work/log")" \
        "$(grep -c -e ' -shared ' -e ' rcs ' "$work/log")" "${objects% }"
}

expect() { # WHEN EXPECTED ARGUMENT...: every file is compiled twice, for the archive and the library
    when=$1
    expected=$2
    shift 2
    got=$(built "$@")
    [ "$got" = "$expected" ] && return
    printf '%s: expected\n  %s\ngot\n  %s\n' "$when" "$expected" "$got"
    failed=1
}

expect 'at first' '4 compiled, 2 linked: absent.o base.o'
expect 'with nothing changed' '0 compiled, 0 linked: absent.o base.o'
for name in jansson libpcre2-8 libutf8proc; do library $name; done
expect 'with libraries installed' '4 compiled, 2 linked: base.o bpe.o'
expect 'with nothing changed since' '0 compiled, 0 linked: base.o bpe.o'
rm "$work/libraries/libutf8proc.pc"
expect 'with a library removed' '4 compiled, 2 linked: absent.o base.o'
expect 'with another option' '4 compiled, 2 linked: absent.o base.o' CFLAGS=-g1
expect 'with an option that only links' '0 compiled, 2 linked: absent.o base.o' CFLAGS=-g1 LDFLAGS=-g
source_of more >src/base/more.c
expect 'with one file more' '2 compiled, 2 linked: absent.o base.o more.o' CFLAGS=-g1 LDFLAGS=-g
rm src/base/more.c
expect 'with one file less' '0 compiled, 2 linked: absent.o base.o' CFLAGS=-g1 LDFLAGS=-g
exit $failed
