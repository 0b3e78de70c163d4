# SPDX-License-Identifier: MIT
# test_fuzz_seeds.sh - the runs that fuzzing begins with are read and judged without a fault, and the same
# files cut short are too.
. tests/cli/lib.sh

fuzz=$OUT/tests/fuzz/fuzz_check
[ -x "$fuzz" ] || { echo "no fuzz_check was built"; exit 77; }
mkdir "$work/seeds"
for file in testdata/responses/*; do
    { printf ' ' && cat "$file"; } >"$work/seeds/${file##*/}"
done
for file in testdata/fuzz/check/*; do
    size=$(wc -c <"$file")
    cp "$file" "$work/seeds"
    for part in 1 2 3; do
        head -c $((size * part / 4)) "$file" >"$work/seeds/${file##*/}-$part"
    done
done
n=$(find "$work/seeds" -type f | wc -l | tr -d ' ')
"$fuzz" -max_total_time=0 "$work/seeds" >"$work/said" 2>&1 || { cat "$work/said"; exit 1; }
grep -q ", $n inputs" "$work/said" || { cat "$work/said"; exit 1; }
