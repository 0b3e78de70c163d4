#!/bin/sh
# SPDX-License-Identifier: MIT
# bits.sh DIR... - programs built in different ways compute the same bits.
#
# Each DIR holds an `eagle`. All run the same generations, plain and speculative, on every
# instruction set of this machine, and must print the same digests of logits; what they record of a
# run, operation by operation, must be the golden.
model=testdata/stories
head=testdata/stories-eagle1

digests() { # EAGLE
    for isa in portable avx2 avx512 neon; do
        for draft in '--spec off' '--spec-depth 6 --spec-topk 10 --spec-nodes 59'; do
            # Sampled, so that softmax, exp and the draws take part too.
            "$1" generate -m "$model" -H "$head" -n 60 --temp 0.8 --isa $isa $draft \
                --format json 2>"$1.err" | tr ',{}' '\n' | grep -o 'logits_digest.*' ||
                # An instruction set that this CPU lacks is exit 2, and names itself.
                grep -q "$isa" "$1.err" || cat "$1.err"
        done
    done | sort -u
}

trace() { # EAGLE
    "$1" trace record -m "$model" -H "$head" --prompt-ids 0,407,333,372,297,259,446 -n 24 \
        --temp 0.8 --verify rejection -s 1 --level 4 --rounds 0..3 \
        --sites resid_mlp,feature,head_out,head_logits --digest -q -o "$1.trace" &&
        "$1" trace diff testdata/golden/stories-digest.trace "$1.trace"
}

status=0
first=
for dir in "$@"; do
    found=$(digests "$dir/eagle")
    case $found in
    logits_digest*) ;;
    *)
        echo "$dir: no digest: $found"
        status=1
        continue
        ;;
    esac
    [ -n "$first" ] || first=$found
    echo "$dir $found"
    if [ "$found" != "$first" ] || [ "$(echo "$found" | wc -l)" -ne 1 ]; then
        echo "$dir: other bits than the first, or not one digest for all runs"
        status=1
    fi
    trace "$dir/eagle" >"$dir/trace-diff" || {
        cat "$dir/trace-diff"
        echo "$dir: another trace than the golden"
        status=1
    }
done
exit $status
