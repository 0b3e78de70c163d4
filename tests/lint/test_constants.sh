#!/bin/sh
# SPDX-License-Identifier: MIT
# test_constants.sh - the constants of exp, log, sin, cos are those that their generator prints.
printed=$OUT/mathf_constants.h
"$OUT/tests/support/make_mathf" >"$printed"
code=$?
if [ "$code" -ne 0 ]; then
    echo "the generator needs MPFR"
    exit "$code"
fi
diff -u src/kernels/mathf_constants.h "$printed"
