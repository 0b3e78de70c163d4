#!/bin/sh
# SPDX-License-Identifier: MIT
# layers.sh - who includes whom: src/LAYERS, read as the rule it is.
#
# Runs in the root of a source tree. Prints one line per violation and fails if there is one.

awk '
FNR == 1 { split("", integer); folder = FILENAME; sub(/^src\//, "", folder); sub(/\/.*/, "", folder) }

function bad(text) { printf "%s:%d: %s\n", FILENAME, FNR, text; failed = 1 }

# ---- the rule ---------------------------------------------------------------
FILENAME == "src/LAYERS" {
    sub(/#.*/, "")
    if (NF == 0) { next }
    name = $1
    if (sub(/:$/, "", name) == 0) { bad("expected \"folder: folders\""); next }
    if (name in known) { bad(name " has two lines") }
    known[name] = 1
    for (i = 2; i <= NF; i++) { allowed[name, $i] = 1; edges[name] = edges[name] " " $i }
    next
}

# ---- the sources ------------------------------------------------------------
FNR == 1 && FILENAME ~ /^src\// && !(folder in known) { bad("folder " folder " has no line in src/LAYERS") }

/^[ \t]*#[ \t]*include[ \t]*"/ {
    path = $0
    sub(/^[^"]*"/, "", path)
    sub(/".*/, "", path)
    if (path !~ /\//) { bad("\"" path "\": write the folder too"); next }
    to = path
    sub(/\/.*/, "", to)
    if (FILENAME ~ /^include\//) {
        if (to != "eagle") { bad("a public header includes \"" path "\"") }
    } else if (to != folder && to != "eagle" && !((folder, to) in allowed)) {
        bad(folder " may not include " to "/ (src/LAYERS)")
    }
}

/^[ \t]*#[ \t]*include[ \t]*<([a-z0-9]*intrin|arm_neon|arm_sve)\.h>/ {
    if (FILENAME !~ /^src\/kernels\/.*_(avx2|avx512|neon)\.[ch]$/) {
        bad("intrinsics belong in src/kernels/*_<isa>.[ch]")
    }
}

/^[ \t]*#[ \t]*include[ \t]*[<"]([a-z0-9]*\/)?(cblas|openblas_config)\.h/ {
    if (FILENAME != "src/kernels/gemm_openblas.c") { bad("BLAS belongs in src/kernels/gemm_openblas.c") }
}

# Sums of integers are the same in any order; a name counts as one where it was declared so above.
match($0, /^[ \t]*(size_t|u?int(32|64)_t|int|unsigned) [a-z_]+ = 0;/) {
    integer[$2] = 1
}

/^[ \t]*#[ \t]*pragma[ \t]+omp|_Pragma[ \t]*\([ \t]*"omp/ {
    if (folder !~ /^(kernels|target|head|train)$/) { bad("OpenMP belongs in kernels, target, head, train") }
    summed = $0
    if (sub(/.*reduction[^:]*:[ ]*/, "", summed)) {
        sub(/[^a-z_].*/, "", summed)
        if (!(summed in integer)) { bad("threads split outputs, never a sum: no OpenMP reduction") }
    }
}

# ---- the graph --------------------------------------------------------------
# Takes away folders that need nothing that is left; what cannot be taken lies on a cycle.
END {
    do {
        taken = 0
        for (name in known) {
            n = split(edges[name], below, " ")
            free = 1
            for (i = 1; i <= n; i++) {
                if (!(below[i] in seen) && !(below[i] in known)) {
                    printf "src/LAYERS: %s names %s, which has no line\n", name, below[i]
                    seen[below[i]] = 1
                    failed = 1
                }
                if (below[i] in known && !(below[i] in done)) { free = 0 }
            }
            if (free && !(name in done)) { done[name] = 1; taken = 1 }
        }
    } while (taken)
    for (name in known) {
        if (!(name in done)) { printf "src/LAYERS: %s lies on or above a cycle\n", name; failed = 1 }
    }
    exit failed
}
' src/LAYERS $(find src include -name '*.[ch]' | sort)
status=$?

for folder in src/*/; do
    folder=$(basename "$folder")
    if ! grep -q "\`$folder/\`" src/README.md; then
        echo "src/README.md: no line for $folder/"
        status=1
    fi
done
exit $status
