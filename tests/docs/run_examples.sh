#!/bin/sh
# SPDX-License-Identifier: MIT
# run_examples.sh EAGLE PAGE... - what a page shows of a command is what the command prints.
#
# A block ```text run is run: each line "$ COMMAND" by a shell, `eagle` being EAGLE, and M and H the model and the
# head that ship. What follows has to be its stdout and then its stderr. "..." stands for any text in a line, and
# alone on a line for any lines; rates (tokens/s) are not compared. The blocks of one page share a folder, so that
# one may show what another has written. Prints one line per fault and fails if there is one.
eagle=$1
shift
case $eagle in /*) ;; *) eagle=$PWD/$eagle ;; esac
root=$PWD
work=$(mktemp -d) || exit 1
trap 'rm -rf "$work"' EXIT
: >"$work/faults"

if "$eagle" --version 2>/dev/null | grep -q missing; then
    echo "note: docs: examples are not run, since the program was built without some libraries"
    exit 0
fi

# compare AT: $work/expected against $work/got.
compare() {
    awk -v at="$1" '
    function fits(text, pattern,    n, part, i, from) {
        n = split(pattern, part, /[.][.][.]/)
        if (n <= 1) { return text == pattern }
        if (substr(text, 1, length(part[1])) != part[1]) { return 0 }
        text = substr(text, length(part[1]) + 1)
        for (i = 2; i < n; i++) {
            from = index(text, part[i])
            if (from == 0) { return 0 }
            text = substr(text, from + length(part[i]))
        }
        return length(text) >= length(part[n]) && substr(text, length(text) - length(part[n]) + 1) == part[n]
    }
    { gsub(/[0-9.]+ tokens\/s/, "# tokens/s") }
    NR == FNR { want[++n] = $0; next }
    wrong { next }
    {
        while (want[i + 1] == "..." && i < n) { i++; any = 1 }
        if (i < n && fits($0, want[i + 1])) { i++; any = 0 }
        else if (!any) { print at ": prints \"" $0 "\", not \"" want[i + 1] "\""; wrong = 1 }
    }
    END {
        while (i < n && want[i + 1] == "...") { i++ }
        if (!wrong && i < n) { print at ": does not print \"" want[i + 1] "\"" }
    }' "$work/expected" "$work/got" >>"$work/faults"
}

# one AT COMMAND FIRST LAST: runs it, and compares with the page's lines after FIRST up to LAST.
one() {
    awk -v first="$3" -v last="$4" 'FNR > first && FNR <= last' "$root/$page" >"$work/expected"
    (
        cd "$work/here" || exit 1
        eagle() { "$eagle" "$@"; }
        eval "$2"
    ) </dev/null >"$work/got" 2>"$work/err"
    # Where a run takes long, progress is said every ten seconds.
    sed -e '/^[a-z][a-z ]* [0-9]*\/[0-9]*$/d' -e '/^proof [0-9]* of [0-9]*, /d' "$work/err" >>"$work/got"
    compare "$1"
    count=$((count + 1))
}

count=0
for page; do
    rm -rf "$work/here"
    mkdir "$work/here"
    ln -s "$root/testdata" "$work/here/testdata"
    # A line per command: where it is, where its output ends, itself.
    awk '
    function flush(last) { if (command != "") { print first, last, command } command = "" }
    /^```/ { flush(FNR - 1); open = $0 == "```text run"; next }
    open && /^[$] / { flush(FNR - 1); first = FNR; command = substr($0, 3) }' "$page" |
        sed -e 's| M\( .*\)\{0,1\}$| testdata/stories\1|' -e 's| H\( .*\)\{0,1\}$| testdata/stories-eagle1\1|' >"$work/list"
    while read -r first last command; do
        one "$page:$first" "$command" "$first" "$last"
    done <"$work/list"
done
cat "$work/faults"
echo "note: docs: $count examples run"
[ "$count" -gt 0 ] && [ ! -s "$work/faults" ]
