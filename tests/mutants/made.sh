#!/bin/sh
# SPDX-License-Identifier: MIT
# made.sh RELEASE ASAN - machine-made mutants of src/sample, src/tree, src/verify and src/decode.
#
# Each function of these folders is changed in one place at a time (mutate.c says how). A mutant
# is compiled alone and linked in front of the library into test programs, first of the build
# RELEASE, then of the build ASAN, until one of them fails, crashes, or does not end: it is
# killed. One that no program kills is a survivor, and must stand in tests/mutants/survivors with
# the reason why it changes nothing; that list names mutants by file, function, change and text
# of the line, so that it outlives moves of lines. A survivor that is not listed fails the run,
# and so does a listed one that is killed or gone.
#
# Results are kept, one file a mutant, until a source or a test changes: a run that was
# interrupted goes on where it stopped.
#
#   MUTANTS=200       a random sample, not all
#   MUTANTS_SEED=N    the sample's seed, printed by every run
#   MUTANTS_ONLY=text only mutants whose line of the list contains it, as in "round.c"
#   MUTANTS_KEEP=1    after tests were added: what was killed by the old ones stays killed, and what
#                     survived is tried again by those that are new or have changed
#   JOBS=2            mutants at a time
#
# Compiler and flags come from the makefile: CC, MUTANT_FLAGS, MUTANT_ASAN, MUTANT_LIBS.
release=$1
asan=$2
here=tests/mutants
work=build/mutants/made
mutate=$release/tests/mutants/mutate
seed=${MUTANTS_SEED:-$(date +%s)}
jobs=${JOBS:-2}
mkdir -p "$work/results"

# Models that only some machines have must not decide what is killed.
EAGLE_DATA=$work/none
OMP_THREAD_LIMIT=1 # a busy machine makes threads wait for each other; what is mutated knows none
export EAGLE_DATA OMP_THREAD_LIMIT

# ---- which mutants -------------------------------------------------------------------------------

# One a line: file, number, function, operator, change, occurrence, text.
for file in src/sample/*.[ch] src/tree/*.[ch] src/verify/*.[ch] src/decode/*.[ch]; do
    "$mutate" "$file" | sed "s|^|$file	|"
done >"$work/every"
[ -s "$work/every" ] || exit 1

grep -F -e "${MUTANTS_ONLY:-	}" "$work/every" |
    awk -v want="${MUTANTS:-0}" -v seed="$seed" '
        { line[NR] = $0 }
        END { # the first numbers of a seed differ little
            x = seed % 2147483646 + 1
            for (i = 0; i < 9; i++) x = x * 16807 % 2147483647
            if (want == 0 || want > NR) want = NR
            for (i = 1; i <= NR && want > 0; i++) {
                x = x * 16807 % 2147483647
                if (x / 2147483647 * (NR - i + 1) < want) { print line[i]; want-- }
            }
        }' >"$work/list"
total=$(awk 'END { print NR }' "$work/list")

# ---- what earlier runs found -----------------------------------------------------------------------

# Numbers hold for these.
version_of() { cat "$1" "$here/mutate.c" | cksum; }

cat src/*/*.[ch] include/eagle/*.h "$here/mutate.c" "$here/made.sh" tests/*/*.[ch] | cksum >"$work/stamp.new"
if ! cmp -s "$work/stamp.new" "$work/stamp"; then
    [ -n "$MUTANTS_KEEP" ] || rm -rf "$work/before"
    mkdir -p "$work/before"
    for result in "$work"/results/*; do
        [ -f "$result" ] || continue
        if [ -n "$MUTANTS_KEEP" ] && [ "$(sed -n 2p "$result")" = "$(version_of "$(sed -n 3p "$result")")" ]; then
            grep -q '^killed' "$result" && continue
            grep -q '^survived' "$result" && mv "$result" "$work/before"
        fi
        rm -f "$result"
    done
    mv "$work/stamp.new" "$work/stamp"
fi

# ---- one mutant --------------------------------------------------------------------------------------

# The programs that are likely to kill a mutant of a folder, the likeliest and fastest first.
killers_of() { # FILE
    case $1 in
    src/sample/*) echo unit/test_sample unit/test_law oracle/test_enumeration unit/test_verify ;;
    src/tree/*) echo unit/test_tree unit/test_verify oracle/test_enumeration unit/test_session ;;
    src/verify/*) echo unit/test_verify oracle/test_enumeration unit/test_session ;;
    src/decode/*) echo unit/test_session unit/test_session_options unit/test_session_drafters unit/test_evaluate ;;
    esac
    echo fault/test_alloc
}
# These take a second or two.
slow_killers_of() { # FILE
    case $1 in src/decode/*) echo oracle/test_rewind oracle/test_rounds ;; esac
}

# A program and the text it is made of.
named() { # PROGRAM
    echo "$1 $(cat "tests/$1.c" tests/support/*.[ch] | cksum)"
}
# Those that the mutant has not survived before, unchanged.
untried() { # PROGRAM...
    for p in "$@"; do
        [ -n "$before" ] && grep -qxF "$(named "$p")" "$before" || echo "$p"
    done
}

# compile OUT FLAGS: the mutant in $dir, a source or a header, as objects of their own.
compile() {
    rm -f "$dir"/*.o
    case $file in
    *.c)
        # shellcheck disable=SC2086
        $CC $MUTANT_FLAGS $2 -c -o "$dir/mutant.o" "$dir/mutant.c" 2>>"$dir/log"
        ;;
    *.h)
        for d in $(grep -l "$file" "$1"/src/*/*.d); do
            source=${d#"$1"/}
            source=${source%.d}.c
            # shellcheck disable=SC2086
            $CC -I"$dir/include" $MUTANT_FLAGS $2 -c -o "$dir/$(basename "$d" .d).o" "$source" \
                2>>"$dir/log" || return 1
        done
        ;;
    esac
}

# dies OUT FLAGS SECONDS PROGRAM: whether the program, with the mutant in it, fails. The seconds are of
# CPU time, many times what the program takes, so that a busy machine kills nothing.
dies() {
    wrap=
    case $4 in
    fault/*) wrap="$1/tests/fault/fault.o -Wl,--wrap=malloc,--wrap=calloc,--wrap=realloc,--wrap=aligned_alloc,--wrap=free" ;;
    esac
    # shellcheck disable=SC2086
    $CC $2 -fopenmp -pthread -o "$dir/program" "$1/tests/$4.o" "$dir"/*.o $wrap \
        "$1/tests/libsupport.a" "$1/libeagle.a" $MUTANT_LIBS 2>>"$dir/log" || {
        verdict="uncompiled: does not link with $4"
        return 0
    }
    (
        [ "$1" = "$asan" ] || ulimit -v 8000000
        ulimit -t "$3"
        exec timeout 300 "$dir/program" >>"$dir/log" 2>&1
    )
    code=$?
    [ $code -eq 0 ] && return 1
    case $code in
    124) code='not ended after 300 s' ;;
    137 | 152) code="not ended after $3 s of CPU" ;;
    *) code="exit $code" ;;
    esac
    verdict="killed by $4${2:+ with the address sanitizer} ($code)"
}

judge() { # sets verdict
    before=$work/before/$(basename "$result")
    [ -f "$before" ] && [ "$(sed -n 2p "$before")" = "$(version_of "$file")" ] || before=
    # shellcheck disable=SC2046
    fast=$(untried $(killers_of "$file"))
    # shellcheck disable=SC2046
    slow=$(untried $(slow_killers_of "$file"))
    verdict=survived
    [ -n "$fast$slow" ] || return
    case $file in
    *.c) "$mutate" -n "$number" "$file" >"$dir/mutant.c" ;;
    *.h)
        mkdir -p "$dir/include/$(basename "$(dirname "$file")")"
        "$mutate" -n "$number" "$file" >"$dir/include/${file#src/}"
        ;;
    esac
    : >"$dir/log"
    verdict='uncompiled: the compiler refuses it'
    compile "$release" '' || return
    for program in $fast; do
        dies "$release" '' 1 "$program" && return
    done
    for program in $slow; do
        dies "$release" '' 15 "$program" && return
    done
    verdict='uncompiled: the compiler refuses it'
    compile "$asan" "$MUTANT_ASAN" || return
    for program in $fast; do
        dies "$asan" "$MUTANT_ASAN" 4 "$program" && return
    done
    verdict=survived
}

worker() { # NUMBER
    dir=$work/worker$1
    rm -rf "$dir"
    mkdir -p "$dir"
    awk -v n="$1" -v of="$jobs" 'NR % of == n' "$work/list" |
        while IFS='	' read -r file number _; do
            result=$work/results/$(echo "$file" | tr / _)-$number
            [ -s "$result" ] && continue
            judge
            printf '%s\n%s\n%s\n' "$verdict" "$(version_of "$file")" "$file" >"$result.new"
            if [ "$verdict" = survived ]; then
                for program in $(killers_of "$file") $(slow_killers_of "$file"); do
                    named "$program"
                done >>"$result.new"
            fi
            mv "$result.new" "$result"
        done
}

# A line for each mutant that has been judged: verdict, then the mutant's line.
verdicts() {
    while IFS='	' read -r file number rest; do
        result=$work/results/$(echo "$file" | tr / _)-$number
        [ -s "$result" ] && printf '%s\t%s\t%s\t%s\n' "$(sed -n 1p "$result")" "$file" "$number" "$rest"
    done <"$work/list"
}

# ---- all of them ---------------------------------------------------------------------------------------

[ -z "$MUTANTS" ] || echo "machine-made mutants: $total of $(awk 'END { print NR }' "$work/every"), MUTANTS_SEED=$seed"
ASAN_OPTIONS=detect_leaks=1:hard_rss_limit_mb=3000:allocator_may_return_null=1
export ASAN_OPTIONS
pids=
i=0
trap 'kill $pids 2>/dev/null; exit 130' INT TERM
while [ $i -lt "$jobs" ]; do
    worker $i 2>"$work/worker$i.log" & # where the shell says who was aborted
    pids="$pids $!"
    i=$((i + 1))
done
(
    while sleep 20; do
        verdicts >"$work/progress"
        awk -v total="$total" '/^survived/ { s++ } END { printf "%d of %d, %d survivors\n", NR, total, s }' \
            "$work/progress" >&2
    done
) &
progress=$!
# shellcheck disable=SC2086
wait $pids
kill $progress 2>/dev/null
verdicts >"$work/verdicts"

# ---- the survivors and the list -------------------------------------------------------------------------

# Names, without the number: FILE FUNCTION: OPERATOR CHANGE #OCCURRENCE: TEXT
name='{ printf "%s %s: %s %s #%s: %s\n", $(f), $(f + 2), $(f + 3), $(f + 4), $(f + 5), $(f + 6) }'
awk -F '\t' -v f=2 "/^survived/ $name" "$work/verdicts" | sort >"$work/survived"
awk -F '\t' -v f=2 "$name" "$work/verdicts" | sort >"$work/judged"
awk -F '\t' -v f=1 "$name" "$work/every" | sort >"$work/possible"
grep -v -e '^#' -e '^ ' -e '^$' "$here/survivors" | sort >"$work/listed"

comm -23 "$work/survived" "$work/listed" >"$work/unlisted"
comm -12 "$work/survived" "$work/listed" >"$work/as_listed"
comm -12 "$work/judged" "$work/listed" | comm -23 - "$work/survived" | sed 's/^/killed, yet listed: /' >"$work/stale"
comm -13 "$work/possible" "$work/listed" | sed 's/^/no such mutant, yet listed: /' >>"$work/stale"
sed 's/^/SURVIVED /' "$work/unlisted"
sed 's/^/LISTED IN VAIN: /' "$work/stale"

lines() { awk 'END { print NR }' "$1"; }
killed=$(grep -c '^killed' "$work/verdicts")
uncompiled=$(grep -c '^uncompiled' "$work/verdicts")
listed=$(lines "$work/as_listed")
unlisted=$(lines "$work/unlisted")
stale=$(lines "$work/stale")
missing=$((total - $(lines "$work/verdicts")))
awk -v k="$killed" -v s="$((listed + unlisted))" -v u="$uncompiled" 'BEGIN {
    n = k + s
    printf("machine-made: %d compiled, %d killed (%.1f %%), %d survived; %d did not compile\n",
        n, k, (n ? 100 * k / n : 0), s, u) }'
echo "$((total - uncompiled)) $killed $listed 0 $((unlisted + stale + missing))" >"$work/counts"
[ $((unlisted + stale + missing)) -eq 0 ]
