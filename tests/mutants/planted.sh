#!/bin/sh
# SPDX-License-Identifier: MIT
# planted.sh RELEASE - bugs from the field's reports and papers, planted in a copy of the tree.
#
# tests/mutants/table says which check must catch which patch, and by which words. The tree is
# copied once, with what is built; a patch is applied, what depends on it is built again, the
# check runs, and the patched files are put back. A patch that does not apply or compile fails
# the run, and so does a check that does not fail, fails in other words, does not end where the words
# are not "does not end", or fails without any patch.
#
# build/mutants/planted.table has a line for each row that came out as it should: id, name, verdict,
# seconds, check. Until a source or a test changes such a row is not tried again: a run that was
# interrupted goes on where it stopped.
#
#   MUTANTS_ONLY=text  only rows that contain it, such as an id
#   MUTANTS_KEEP=1     after other changes too: a row stays as it is while the patch, the row and the
#                      patched files do
#   CC comes from the makefile.
release=$1
here=$PWD/tests/mutants
work=$PWD/build/mutants/planted
kept=$PWD/build/mutants/planted.table
tree=$work/tree
EAGLE_DATA=$work/none # what is planted must be found without any data but the tree's own
export EAGLE_DATA

rm -rf "$work"
mkdir -p "$tree/build" "$work/passed"
cp -Rp Makefile include src tests testdata docs README.md "$tree" || exit 1
mkdir -p "$tree/$release" && cp -Rp "$release"/src "$release"/tests "$release"/libeagle.a "$release"/eagle \
    "$release"/compiled-with "$release"/linked-with "$tree/$release" || exit 1

# build CHECK: what the check runs.
build() {
    case $1 in
    *.sh | eagle*) goal=$release/eagle ;;
    *) goal=$release/$1 ;;
    esac
    MAKEFLAGS='' make -s -C "$tree" DEPS=0 CC="$CC" "$goal" >"$work/log" 2>&1
}

# run CHECK: its exit code; what it says goes to $work/log.
run() {
    (
        cd "$tree" || exit 1
        case $1 in
        *.sh) EAGLE=$release/eagle OUT=$release timeout 120 sh "$1" ;;
        eagle*)
            # shellcheck disable=SC2086
            timeout 300 "$release"/$1
            ;;
        *) timeout 120 "$release/$1" ;;
        esac >"$work/log" 2>&1
    ) 2>/dev/null
}

put_back() { # PATCH
    sed -n 's|^--- a/||p' "$1" | while read -r file; do
        cp "$file" "$tree/$file" # and not its date: what depends on it is built again
    done
    find "$tree" '(' -name '*.orig' -o -name '*.rej' ')' -exec rm -f {} +
}

# A check says something about a patch only if it passes without one.
passes_unchanged() { # CHECK
    mark=$work/passed/$(echo "$1" | cksum | tr ' ' -)
    [ -f "$mark" ] && return
    build "$1" && run "$1" && touch "$mark"
}

# judge ID NAME KIND CHECK WORDS: sets verdict.
judge() {
    patch=$here/$1-$2.patch
    verdict='FAILED: the check fails without the patch'
    passes_unchanged "$4" || return
    verdict='FAILED: the patch does not apply'
    patch -s -N -p1 -d "$tree" <"$patch" >"$work/log" 2>&1 || return
    verdict='FAILED: it does not compile'
    build "$4" || return
    run "$4"
    code=$?
    case $3 in
    passes)
        verdict='passes'
        [ $code -eq 0 ] || verdict="FAILED: a bug to the check, exit $code"
        ;;
    *)
        verdict='caught'
        [ $code -ne 0 ] || verdict='FAILED: survived'
        if [ $code -eq 124 ]; then # which is no finding: a busy machine is slow too
            [ "$5" = 'does not end' ] || verdict='FAILED: it did not end'
        elif [ $code -ne 0 ]; then
            grep -qF -e "$5" "$work/log" || verdict="FAILED: exit $code, without the words: $5"
        fi
        ;;
    esac
}

# A command or a program may be left out of the build, for want of a library.
knows() { # CHECK
    case $1 in
    *.sh) [ -f "$1" ] ;;
    eagle*) "$release/eagle" help "$(echo "$1" | cut -d ' ' -f 2)" >"$work/log" 2>&1 ;;
    *) [ -x "$release/$1" ] ;;
    esac
}

# ---- what earlier runs found -----------------------------------------------------------------------

touch "$kept"
{
    cat Makefile tests/*.mk src/*/*.[ch] include/eagle/*.h tests/*/*.[ch] tests/*/*.sh tests/cli/*.expected
    find testdata docs -type f | sort | xargs cat
} | cksum >"$work/stamp"
if ! cmp -s "$work/stamp" "$kept.stamp"; then
    [ -n "$MUTANTS_KEEP" ] || : >"$kept"
    cp "$work/stamp" "$kept.stamp"
fi

# Numbers hold for these: the patch, what it is applied to, and the row.
version_of() { # PATCH ROW
    {
        cat "$1"
        sed -n 's|^--- a/||p' "$1" | xargs cat
        echo "$2"
    } | cksum | tr ' ' -
}

# keep VERSION ID NAME SECONDS CHECK: in the place of what was known of the row.
keep() {
    grep -vF -e "$1" "$kept" >"$kept.new"
    printf '%s\t%s\t%s\t%s\t%s\t%s\n' "$2" "$3" "$verdict" "$4" "$5" "$1" >>"$kept.new"
    mv "$kept.new" "$kept"
}

# ---- all rows --------------------------------------------------------------------------------------

: >"$work/verdicts"
while IFS='|' read -r id name kind check words; do
    id=$(echo "$id" | xargs)
    name=$(echo "$name" | xargs)
    kind=$(echo "$kind" | xargs)
    check=$(echo "$check" | sed 's/^ *//; s/ *$//')
    words=$(echo "$words" | sed 's/^ *//; s/ *$//')
    if [ "$kind" = pending ]; then
        verdict=pending
    elif knows "$check"; then
        version=$(version_of "$here/$id-$name.patch" "$id|$name|$kind|$check|$words")
        verdict=$(awk -F '\t' -v v="$version" '$6 == v { print $3 }' "$kept")
        if [ -z "$verdict" ]; then
            begun=$(date +%s)
            judge "$id" "$name" "$kind" "$check" "$words"
            put_back "$here/$id-$name.patch"
            case $verdict in
            FAILED*) ;;
            *) keep "$version" "$id" "$name" $(($(date +%s) - begun)) "$check" ;;
            esac
        fi
    else
        verdict='not built'
    fi
    printf '%-4s %-44s %s: %s\n' "$id" "$name" "$verdict" "$check"
    printf '%s-%s\t%s\n' "$id" "$name" "${verdict%%:*}" >>"$work/verdicts"
    case $verdict in FAILED*) tail -n 20 "$work/log" ;; esac
done <<END
$(grep -v -e '^#' -e '^ *$' "$here/table" | grep -F -e "${MUTANTS_ONLY:-|}")
END

# No patch is forgotten.
for patch in "$here"/*.patch; do
    name=$(basename "$patch" .patch)
    grep -qE "^${name%%-*} *\| *${name#*-} *\|" "$here/table" && continue
    echo "FAILED: $name.patch is not in tests/mutants/table"
    printf '%s\tFAILED\n' "${name}" >>"$work/verdicts"
done

# A patch counts once, by its worst row.
awk -F '\t' '
    $2 == "FAILED" { bad[$1] = 1 }
    $2 == "pending" { waits[$1] = 1 }
    $2 == "caught" { found[$1] = 1 }
    { all[$1] = 1 }
    END {
        for (m in all)
            if (bad[m]) f++
            else if (found[m]) c++
            else p += waits[m]
        printf("%d %d 0 %d %d\n", c + p + f, c, p, f)
    }' "$work/verdicts" >"$work/counts"
read -r all caught _ pending failed <"$work/counts"
echo "planted: $all mutants, $caught caught, $pending pending, $failed failed"
[ "$failed" -eq 0 ]
