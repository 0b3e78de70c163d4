#!/bin/sh
# SPDX-License-Identifier: MIT
# lint.sh LIBEAGLE.A LIBEAGLE.SO - every rule on this tree; `make lint` runs it.
#
# Each rule is a script of its own, prints its findings as file:line: text, and is fed bad
# samples by test_lint.sh.
here=$(dirname "$0")
failed=

for rule in layers lengths text headers format; do
    sh "$here/$rule.sh" || failed="$failed $rule"
done
sh "$here/symbols.sh" "$1" "$2" || failed="$failed symbols"

if [ -n "$failed" ]; then
    echo "lint: failed:$failed"
    exit 1
fi
echo "lint: clean"
