# SPDX-License-Identifier: MIT
# test_generate_theirs.sh - test_generate_text.sh on a network that others trained: the text is what its
# author expects.
. tests/cli/test_generate_text.sh
