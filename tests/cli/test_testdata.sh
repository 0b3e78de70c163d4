# SPDX-License-Identifier: MIT
# test_testdata.sh - the malformed files and the traces are those that their generators make, and every file of
# testdata has its origin in testdata/README.md.
. tests/cli/lib.sh

mkdir "$work/bad"
"$OUT/tests/support/make_bad" "$work/bad" || exit 1
diff -r "$work/bad" testdata/bad || exit 1
mkdir "$work/trace"
"$OUT/tests/support/make_traces" "$work/trace" || exit 1
diff -r "$work/trace" testdata/fuzz/trace || exit 1

find testdata -mindepth 1 -type f ! -name README.md | sed 's|^testdata/||' >"$work/files"
while read -r file; do
    case $file in
    bad/*/*) file=bad/NAME/ ;;
    vectors/tokenizer/model-*.json) file='vectors/tokenizer/model-*.json' ;;
    fuzz/*/*) file=${file%/*}/ ;;
    fuzz/*.dict) file=fuzz/NAME.dict ;;
    esac
    grep -qF "\`$file\`" testdata/README.md || { echo "testdata/README.md does not name $file"; exit 1; }
done <"$work/files"
