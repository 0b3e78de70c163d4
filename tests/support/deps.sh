#!/bin/sh
# SPDX-License-Identifier: MIT
# deps.sh [tools] - makes sure of the libraries, and with "tools" of what `make lint` and
# the sanitizer checks use too.
#
# Asks pkg-config what is missing, shows the package manager's command and runs it. Without
# rights it prints the command and goes on with what there is: parts whose library is missing
# are left out of the build, which says so.
missing=
apt=
dnf=
pacman=
brew=

lacks() { # name, Debian, Fedora, Arch, Homebrew: package names, "-" for none
    missing="$missing $1"
    [ "$2" = - ] || apt="$apt $2"
    [ "$3" = - ] || dnf="$dnf $3"
    [ "$4" = - ] || pacman="$pacman $4"
    [ "$5" = - ] || brew="$brew $5"
}
program() { command -v "$1" >/dev/null 2>&1 || lacks "$@"; }
library() { pkg-config --exists "$1" 2>/dev/null || lacks "$@"; }

program cc gcc gcc gcc gcc
[ -e /usr/include/stdio.h ] || [ "$(uname)" = Darwin ] || lacks libc libc6-dev glibc-devel glibc -
program pkg-config pkg-config pkgconf-pkg-config pkgconf pkg-config
library jansson libjansson-dev jansson-devel jansson jansson
library libpcre2-8 libpcre2-dev pcre2-devel pcre2 pcre2
library libutf8proc libutf8proc-dev utf8proc-devel libutf8proc utf8proc
library openblas libopenblas-openmp-dev openblas-devel openblas openblas
library mpfr libmpfr-dev mpfr-devel mpfr mpfr
library gmp libgmp-dev gmp-devel gmp gmp
library cmocka libcmocka-dev libcmocka-devel cmocka cmocka

if [ "${1:-}" = tools ]; then
    program c++ g++ gcc-c++ gcc gcc
    program clang "clang libomp-dev libclang-rt-dev" "clang libomp-devel compiler-rt" "clang openmp compiler-rt" llvm
    program clang-format clang-format clang-tools-extra clang clang-format
    program valgrind valgrind valgrind valgrind -
    program patch patch patch patch gpatch
    # the AVX-512 loops, where the CPU has none (tests/emulated.mk)
    [ -e /usr/include/simde/x86/avx512.h ] || [ -e /usr/local/include/simde/x86/avx512.h ] ||
        [ "$(uname -m)" != x86_64 ] || lacks simde libsimde-dev simde-devel simde simde
    program timeout coreutils coreutils coreutils coreutils
fi

[ -n "$missing" ] || exit 0
echo "missing:$missing"

# A fresh machine has no package lists yet; a failed refresh need not stop an install.
refresh=:
if command -v apt-get >/dev/null 2>&1; then
    install="apt-get install -y --no-install-recommends"
    packages=$apt
    refresh="apt-get update"
elif command -v dnf >/dev/null 2>&1; then
    install="dnf install -y"
    packages=$dnf
elif command -v pacman >/dev/null 2>&1; then
    install="pacman -S --needed --noconfirm"
    packages=$pacman
elif command -v brew >/dev/null 2>&1; then
    install="brew install"
    packages=$brew
else
    echo "no package manager that is known here: install these by hand; going on with what there is"
    exit 0
fi

sudo=
if [ "$(id -u)" -ne 0 ] && [ "${install#brew}" = "$install" ]; then
    if command -v sudo >/dev/null 2>&1 && [ -t 0 ]; then
        printf 'run: sudo %s%s ? [y/N] ' "$install" "$packages"
        read -r answer
        case $answer in
        y | Y | yes) sudo=sudo ;;
        *)
            echo "going on with what there is"
            exit 0
            ;;
        esac
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo=sudo
    else
        echo "needs rights that are not there; to install run: $install$packages"
        echo "going on with what there is"
        exit 0
    fi
fi

echo "running: ${sudo:+$sudo }$install$packages"
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
$sudo $refresh >/dev/null 2>&1
$sudo $install $packages >/dev/null 2>&1 && exit 0
# One name that this release does not have stops them all: take them one by one.
for package in $packages; do
    $sudo $install "$package" >/dev/null || echo "$package was not installed; going on without it"
done
exit 0
