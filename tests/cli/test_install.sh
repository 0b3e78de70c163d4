#!/bin/sh
# SPDX-License-Identifier: MIT
# test_install.sh - what `make install` puts down works, and `make uninstall` takes all of it away.
#
# Installs below a temporary DESTDIR, compiles a small program by what eagle.pc says, linked
# shared and static, and runs it. OUT names the flavour that was built.
set -e
case $OUT in
*san)
    echo "an installed library is not sanitized"
    exit 77
    ;;
esac
# Of the make that runs this only the variables: with other flags everything would be built again.
case $MAKEFLAGS in
*'-- '*) MAKEFLAGS="-- ${MAKEFLAGS#*-- }" ;;
*) unset MAKEFLAGS ;;
esac
unset MAKELEVEL MFLAGS
cc=${CC:-cc}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
prefix=$root/opt/eagle

run_make() { make -s DEPS=0 BUILD="${OUT%/*}" FLAVOUR="${OUT##*/}" CC="$cc" "$@"; }

run_make install DESTDIR="$root" PREFIX=/opt/eagle >"$work/log"
run_make "$OUT/../eagle.pc" >"$work/log" # back to the usual prefix

cat >"$work/tree.c" <<'C'
#include <eagle/eagle.h>
#include <stdio.h>
int main(void)
{
    eagle_tree *tree;
    if (eagle_tree_create(&tree, 4, NULL) != EAGLE_OK) {
        return 1;
    }
    eagle_tree_reset(tree, 7, 0);
    printf("eagle %s, node %d\n", eagle_version(), (int)eagle_tree_add(tree, 0, 3, -1.0f));
    eagle_tree_free(tree);
    return 0;
}
C

pc() { PKG_CONFIG_PATH="$prefix/lib/pkgconfig" pkg-config --define-variable=prefix="$prefix" "$@" eagle; }
grep -q '^prefix=/opt/eagle$' "$prefix/lib/pkgconfig/eagle.pc" # the path it will have in the end
version=$(pc --modversion)

# Shared: the headers and the library, nothing else.
# shellcheck disable=SC2046
"$cc" $(pc --cflags) -o "$work/shared" "$work/tree.c" $(pc --libs)
shared=$(LD_LIBRARY_PATH="$prefix/lib" "$work/shared")
# Static: the archive, and what it needs in turn.
static_libs=$(pc --static --libs | tr ' ' '\n' | grep -v -- '^-leagle$' | tr '\n' ' ')
# shellcheck disable=SC2046,SC2086
"$cc" $(pc --cflags) -o "$work/static" "$work/tree.c" "$prefix/lib/libeagle.a" $static_libs
static=$("$work/static")

for said in "$shared" "$static"; do
    if [ "$said" != "eagle $version, node 1" ]; then
        echo "expected \"eagle $version, node 1\", got \"$said\""
        exit 1
    fi
done
"$prefix/bin/eagle" --version >"$work/log"

run_make uninstall DESTDIR="$root" PREFIX=/opt/eagle >"$work/log"
left=$(find "$root" ! -type d)
if [ -n "$left" ]; then
    echo "uninstall left: $left"
    exit 1
fi

if make -s DEPS=0 BUILD="$work/build" FLAVOUR=ubsna -n all >"$work/log" 2>&1 ||
    ! grep -q 'FLAVOUR is ubsna: one of release' "$work/log"; then
    echo "the build does not refuse a flavour that there is not"
    exit 1
fi
if run_make CFLAGS=-ffast-math -n all >"$work/log" 2>&1; then
    echo "the build accepts -ffast-math"
    exit 1
fi
