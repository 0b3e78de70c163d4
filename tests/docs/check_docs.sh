#!/bin/sh
# SPDX-License-Identifier: MIT
# check_docs.sh [EAGLE] - the pages tell the truth, as far as a script can see it.
#
#   links     every relative link leads to a file
#   paths     every `src/...`, `include/...`, `tests/...`, `docs/...` in backquotes exists
#   names     every `eagle_...` and `eg_...` in backquotes is in the sources
#   stops     where a line begins with a source file and then names functions, that file has them
#   targets   every `make ...` that is quoted is a target
#   options   every option of a quoted `eagle COMMAND` is in `eagle help COMMAND`
#   snippets  a block ```c compile compiles; a block ```c FILE is that file, to the letter
#   examples  a block ```text run shows what its commands print (run_examples.sh)
#
# Runs in the root of a source tree. Prints one line per fault and fails if there is one.
eagle=${1:-}
examples=$(dirname "$0")/run_examples.sh
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
: >"$work/faults"
bad() { echo "$*" >>"$work/faults"; }
pages=$(find README.md src/README.md docs testdata -name '*.md' 2>/dev/null | sort)

# ---- what the pages say -------------------------------------------------------
# One line per item: page:line <tab> kind <tab> text.
for page in $pages; do
    awk -v page="$page" -v OFS='\t' '
    function item(kind, text) { print page ":" FNR, kind, text }
    /^```/ { block = block ? "" : ($0 == "```" ? "text" : substr($0, 4)); next }

    # Commands, in blocks or in backquotes.
    function command(line) {
        sub(/^[ \t]*[$] /, "", line)
        sub(/ *#.*/, "", line)
        if (line ~ /^(build\/)?eagle [a-z]/) { item("eagle", line) }
        if (line ~ /^make( |$)/) { item("make", line) }
    }
    block { if (block ~ /^(sh|text)/) { command($0) }; next }
    {
        rest = $0
        while (match(rest, /\]\([^)]*\)/)) {
            link = substr(rest, RSTART + 2, RLENGTH - 3)
            if (link !~ /^([a-z]+:|#)/) { sub(/#.*/, "", link); item("link", link) }
            rest = substr(rest, RSTART + RLENGTH)
        }
        file = ""
        n = split($0, part, "`")
        for (i = 2; i <= n; i += 2) {
            word = part[i]
            command(word)
            if (word ~ /^(src|include|tests|docs)\/[A-Za-z0-9_.*\/-]*$/) {
                item("path", word)
                # A stop: the line opens with the file; what follows it is to be found there.
                if (part[1] ~ /^[ \t0-9.*|-]*$/ && i == 2) { file = word }
            }
            sub(/\(.*/, "", word)
            if (word ~ /^(eagle|eg)_[a-z0-9_]+$/) { item("name", word) }
            if (file != "" && i > 2 && word ~ /^[a-z][a-z0-9_]+$/) { item("stop", file " " word) }
        }
    }' "$page"
done >"$work/items"

# ---- is it so? ----------------------------------------------------------------
tab=$(printf '\t')
help_of() { # COMMAND: its help, asked for once
    # shellcheck disable=SC2086
    [ -f "$work/help.$1" ] || "$eagle" help $1 >"$work/help.$1" 2>&1 || echo "no such command" >"$work/help.$1"
    cat "$work/help.$1"
}
while IFS=$tab read -r at kind text; do
    case $kind in
    link)
        [ -e "$(dirname "${at%:*}")/$text" ] || bad "$at: no such file: $text"
        ;;
    path)
        # shellcheck disable=SC2086
        ls -d $text >/dev/null 2>&1 || bad "$at: no such path: $text"
        ;;
    name)
        grep -rqw "$text" src include tests || bad "$at: no such name: $text"
        ;;
    stop)
        # shellcheck disable=SC2086
        grep -qw "${text#* }" ${text%% *} 2>/dev/null || bad "$at: ${text%% *} has no ${text#* }"
        ;;
    make)
        for word in ${text#make}; do
            case $word in
            *=* | -*) continue ;;
            esac
            grep -hE '^[a-z][^=]*:' Makefile tests/*.mk | sed 's/:.*//' | tr ' ' '\n' | grep -qxe "$word" ||
                bad "$at: no make target: $word"
        done
        ;;
    eagle)
        [ -n "$eagle" ] || continue
        # shellcheck disable=SC2086
        set -- ${text#*eagle }
        command=$1
        # Some commands have two words.
        help_of "$1" | grep -q "^usage: eagle $1 COMMAND" && command="$1 ${2:-}"
        for word; do
            case $word in
            '|' | '>' | '<' | ';') break ;; # the shell's part begins
            --help | --version) ;;
            -[a-zA-Z] | --[a-z]*)
                help_of "$command" | grep -qE -e "(^|[ ,|/])${word%%=*}([ ,=|/]|\$)" ||
                    bad "$at: eagle $command has no option $word"
                ;;
            esac
        done
        ;;
    esac
done <"$work/items"

# ---- snippets -----------------------------------------------------------------
for page in $pages; do
    awk -v page="$page" -v work="$work" '
    /^```c / { name = work "/" ++n "." FNR ".c"; print name, page ":" FNR, $2; open = 1; next }
    /^```/ { if (open) { close(name) } open = 0; next }
    open { print > name }' "$page" >"$work/snippets"
    while read -r file at what; do
        if [ "$what" = compile ]; then
            "${CC:-cc}" -std=c11 -D_POSIX_C_SOURCE=200809L -Wall -Wextra -Wpedantic -Werror -Iinclude \
                -fsyntax-only "$file" >"$work/cc.log" 2>&1 ||
                bad "$at: does not compile: $(grep -m 1 error "$work/cc.log")"
        else
            cmp -s "$file" "$what" || bad "$at: is not $what to the letter"
        fi
    done <"$work/snippets"
done

# ---- examples -----------------------------------------------------------------
if [ -n "$eagle" ]; then
    # shellcheck disable=SC2086
    sh "$examples" "$eagle" $pages >"$work/examples"
    grep -v '^note: ' "$work/examples" >>"$work/faults"
    grep '^note: ' "$work/examples"
fi

cat "$work/faults"
echo "note: docs: $(grep -c . "$work/items") links, paths, names and commands looked up"
[ ! -s "$work/faults" ]
