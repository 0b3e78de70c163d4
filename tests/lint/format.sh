#!/bin/sh
# SPDX-License-Identifier: MIT
# format.sh - clang-format 14 has nothing to change. Other versions disagree with it, so they are
# not asked.
#
# Runs in the root of a source tree. Prints one line per place and fails if there is one.
for tool in clang-format-14 clang-format; do
    case $("$tool" --version 2>/dev/null) in
    *"version 14."*)
        find src include tests -name '*.[ch]' | sort |
            xargs "$tool" --dry-run -Werror 2>&1 | grep 'error:'
        [ $? -ne 0 ] # grep found nothing
        exit
        ;;
    esac
done
echo "note: clang-format 14 is not here (make deps): the format was not checked"
