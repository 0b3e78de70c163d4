#!/bin/sh
# SPDX-License-Identifier: MIT
# deps.sh - makes sure of the libraries: asks pkg-config what is missing, shows the package
# manager's command and runs it. Without rights it prints the command and goes on.

missing=
need() { # pkg-config module, Debian, Fedora, Arch, Homebrew
    pkg-config --exists "$1" 2>/dev/null && return
    missing="$missing $1"
    apt="$apt $2"
    dnf="$dnf $3"
    pacman="$pacman $4"
    brew="$brew $5"
}

command -v cc >/dev/null 2>&1 || { missing="$missing cc"; apt="$apt gcc"; dnf="$dnf gcc"; pacman="$pacman gcc"; brew="$brew gcc"; }
command -v pkg-config >/dev/null 2>&1 || { missing="$missing pkg-config"; apt="$apt pkg-config"; dnf="$dnf pkgconf-pkg-config"; pacman="$pacman pkgconf"; brew="$brew pkg-config"; }
need jansson libjansson-dev jansson-devel jansson jansson
need libpcre2-8 libpcre2-dev pcre2-devel pcre2 pcre2
need libutf8proc libutf8proc-dev utf8proc-devel libutf8proc utf8proc
need openblas libopenblas-openmp-dev openblas-devel openblas openblas
need mpfr libmpfr-dev mpfr-devel mpfr mpfr
need gmp libgmp-dev gmp-devel gmp gmp
need cmocka libcmocka-dev libcmocka-devel cmocka cmocka

[ -n "$missing" ] || exit 0
echo "missing:$missing"

if command -v apt-get >/dev/null 2>&1; then
    install="apt-get install -y --no-install-recommends$apt"
    refresh="apt-get update"
elif command -v dnf >/dev/null 2>&1; then
    install="dnf install -y$dnf"
elif command -v pacman >/dev/null 2>&1; then
    install="pacman -S --needed --noconfirm$pacman"
elif command -v brew >/dev/null 2>&1; then
    install="brew install$brew"
    brewed=1
else
    echo "no package manager that is known here: install these by hand; going on with what there is"
    exit 0
fi

if [ "$(id -u)" -eq 0 ] || [ -n "${brewed:-}" ]; then
    sudo=
elif command -v sudo >/dev/null 2>&1 && [ -t 0 ]; then
    printf 'run: sudo %s ? [y/N] ' "$install"
    read -r answer
    case $answer in y | Y | yes) sudo=sudo ;; *) echo "going on with what there is"; exit 0 ;; esac
elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
    sudo=sudo
else
    echo "needs rights that are not there; to install run: $install"
    echo "going on with what there is"
    exit 0
fi

echo "running: $install"
DEBIAN_FRONTEND=noninteractive
export DEBIAN_FRONTEND
# A fresh machine has no package lists yet; a failed refresh need not stop an install.
[ -z "${refresh:-}" ] || $sudo $refresh >/dev/null 2>&1 || true
$sudo $install >/dev/null || echo "the install failed; going on with what there is"
exit 0
