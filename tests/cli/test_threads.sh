# SPDX-License-Identifier: MIT
# test_threads.sh - threads that the system does not give are exit 5 and one line: OpenMP's runtime would end the
# program with exit 1, which says that a verification failed.
. tests/cli/lib.sh

case $OUT in
*asan | *tsan)
    echo "a sanitizer needs more addresses than any limit leaves"
    exit 77
    ;;
esac

# limited KILOBYTES STACK ARGUMENT...: the program within so many addresses; its exit code is $code.
limited() {
    kilobytes=$1
    stack=$2
    shift 2
    code=0
    (
        ulimit -v "$kilobytes" && OMP_STACKSIZE=$stack OPENBLAS_NUM_THREADS=1 "$EAGLE" "$@" -q
    ) >"$work/stdout" 2>"$work/stderr" || code=$?
}

limited 600000 64M generate -m "$model" --prompt-ids 1,300 -n 4 -t 1
[ "$code" = 0 ] || {
    echo "the program does not run within 600 MB of addresses, or they cannot be limited"
    exit 77
}

# refused ARGUMENT...: exit 5, and one line that says why.
refused() {
    limited 600000 64M "$@" -t 64
    equal 5 "$code" "exit code of $*: $(cat "$work/stderr")"
    grep -q '^eagle: the system gives [0-9]* threads, 64 are wanted (-t)$' "$work/stderr" &&
        [ "$(wc -l <"$work/stderr")" = 1 ] && return
    cat "$work/stderr"
    exit 1
}

seq -s ' ' 100 300 >"$work/text.ids"
refused generate -m "$model" --prompt-ids 1,300 -n 4
refused generate -m "$model" -H "$head" --prompt-ids 1,300 -n 4
refused inspect "$model" --scan
refused train features -m "$model" --data "$work/text.ids" -o "$work/features"
refused train head -m "$model" --data "$work/text.ids" -o "$work/head" --batch 64 --length 32 \
    --steps 1
refused train target --data "$work/text.ids" -o "$work/target" --batch 64 --length 32 \
    --steps 1

# Near what is just enough, where stacks and heaps of threads compete for addresses.
for kilobytes in 450000 475000 500000 550000 650000; do
    for stack in 1M 4M 8M; do
        for threads in 16 64; do
            limited "$kilobytes" "$stack" generate -m "$model" --prompt-ids 1,300 -n 2 -t "$threads"
            case $code in 0 | 5) continue ;; esac
            echo "$kilobytes kB, stacks of $stack, $threads threads: exit $code"
            cat "$work/stderr"
            exit 1
        done
    done
done
