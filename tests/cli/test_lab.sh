# SPDX-License-Identifier: MIT
# test_lab.sh - rules of one's own: what docs/lab.md shows of each in docs/lab/ is what the program says; and a rule that
# crashes, hangs or answers nonsense is told so, and ends nothing else.
. tests/cli/lib.sh

"$EAGLE" --version | grep -q '^  prove .*missing' && {
    echo "built without GMP"
    exit 77
}
toy="-m testdata/toy -H testdata/toy-eagle1"
head_of_model=$head

# build NAME: $work/NAME.so from $work/NAME.c or docs/lab/NAME.c.
build() {
    source=$work/$1.c
    [ -f "$source" ] || source=docs/lab/$1.c
    ${CC:-cc} -std=c11 -D_POSIX_C_SOURCE=200809L -O1 -Wall -Wextra -Wpedantic -Wno-infinite-recursion -Iinclude \
        -fPIC -shared -o "$work/$1.so" "$source" -lm || exit 1
}

# prove NAME ARGUMENT...: the last case of the proof and the verdict.
prove() {
    which=$1
    shift
    code=0
    echo "== $which"
    # shellcheck disable=SC2086
    "$EAGLE" prove -q $toy --verifier "$work/$which.so" "$@" >"$work/out" 2>"$work/err" || code=$?
    # The last case from its second line on, without what is long.
    awk '/^rule /{ n = 0 } { line[n++] = $0 } END { for (i = 1; i < n; i++) print line[i] }' "$work/out" |
        grep -vE '^rejection|^  (context|node|round|continuation|program|support|keys|tokens|real)' | cat -s
    sed "s|$work/||" "$work/err"
    echo "exit $code"
}

# A rule of one node, with this body.
rule() {
    cat >"$work/$1.c"
    build "$1"
}
head='#include "eagle/verify.h"
#include <stdlib.h>
eagle_node_rule_fn eagle_rule_node;
int32_t eagle_rule_node(int32_t *hit, uint64_t *w, int32_t vocab, const int32_t *child,
                        int32_t n_child, int32_t pos, const eagle_draws *draws)
{
    const eagle_draw_key key = {EAGLE_DRAW_TARGET, pos, 0};
    int32_t token = draws->pick(draws->ctx, key, w, vocab);
    *hit = -1;
    (void)child, (void)n_child;'

misbehave() {
    rule crash <<END
$head
    volatile int32_t *nowhere = NULL;
    if (n_child > 0) { token = *nowhere; }
    return token;
}
END
    rule endless <<END
$head
    for (volatile int32_t i = 0; n_child > 0; i ^= 1) { }
    return token;
}
END
    rule deep <<END
$(printf '%s\n' "$head" | sed 2q)
static int32_t sink(volatile int32_t *x) { volatile int32_t y[256]; y[0] = *x + 1; return sink(y) + y[0]; }
$(printf '%s\n' "$head" | sed 1,2d)
    if (n_child > 0) { volatile int32_t zero = 0; token = sink(&zero); }
    return token;
}
END
    rule aborts <<END
$head
    if (n_child > 0) { abort(); }
    return token;
}
END
    rule leaves <<END
$head
    if (n_child > 0) { exit(0); }
    return token;
}
END
    rule vanishes <<END
$(printf '%s\n' "#include <unistd.h>" "$head")
    if (n_child > 0) { _exit(0); }
    return token;
}
END
    rule forks <<END
$(printf '%s\n' "#include <unistd.h>" "$head")
    if (n_child > 0 && fork() != 0) { _exit(0); }
    return token;
}
END
    rule vanishes_early <<END
$(printf '%s\n' "#include <unistd.h>" "__attribute__((constructor)) static void early(void) { _exit(0); }" "$head")
    return token;
}
END
    rule killed <<END
$(printf '%s\n' "#include <signal.h>" "$head")
    if (n_child > 0) { raise(SIGKILL); }
    return token;
}
END
    rule outside <<END
$head
    return token + vocab;
}
END
    rule no_child <<END
$head
    *hit = n_child;
    return token;
}
END
    rule other_child <<END
$head
    *hit = n_child > 0 && child[0] != token ? 0 : -1;
    return token;
}
END
    rule remembers <<END
$head
    static int32_t runs;
    return runs++ % 2 == 0 ? token : draws->pick(draws->ctx, (eagle_draw_key){EAGLE_DRAW_RESIDUAL, pos, 0}, w, vocab);
}
END
    rule too_likely <<END
$head
    return draws->accept(draws->ctx, (eagle_draw_key){EAGLE_DRAW_ACCEPT, pos, 0}, 3, 2) ? token : 0;
}
END
    for own in crash endless deep aborts leaves vanishes forks vanishes_early killed outside no_child other_child remembers too_likely; do
        prove $own --rule-seconds 1
    done
}

refuse() {
    echo '#include "eagle/verify.h"' >"$work/empty.c"
    echo 'int eagle_nothing; ' >>"$work/empty.c"
    build empty
    prove empty
    echo text >"$work/text.so"
    prove text 2>&1 | sed 's/: .*\(invalid\|too short\|file too short\).*/: not a shared object/'
    prove missing 2>&1 | sed 's/: .*No such file.*/: no such file/'
    prove membership --spec-depth 2
    prove membership --temp 1 --verify coupled
    prove membership --rule plain
    prove membership --rule-bits 24
    prove reused_coin --level primitives,state
}

everything() {
    for own in membership cumulative reused_coin one_coin stale_sum less_or_equal soft_q; do
        build $own
        prove $own
    done
    build drawn_once
    prove drawn_once
    # The residual is the law itself, as if nothing had been refused.
    sed "s|above(times(node->p\\[i\\], sq), times(node->q\\[i\\], sp))|times(node->p[i], 1)|" docs/lab/drawn_once.c >"$work/drawn_wrong.c"
    cmp -s docs/lab/drawn_once.c "$work/drawn_wrong.c" && exit 1
    build drawn_wrong
    prove drawn_wrong
    misbehave
    refuse
}
transcript everything

# Without a head there is no child that a rule could get wrong.
code=0
"$EAGLE" prove -q -m testdata/toy --temp 1 --verifier "$work/reused_coin.so" >"$work/out" 2>&1 || code=$?
equal 2 "$code" 'exit code of a rule without a head'

# A signal to the process that waits ends the one that works, with what is complete; a killed one is not left behind.
cat >"$work/slow.c" <<END
#include <time.h>
$head
    nanosleep(&(struct timespec){.tv_nsec = 20000000}, NULL);
    return token;
}
END
build slow
for signal in INT:130 TERM:143 KILL:137; do
    # shellcheck disable=SC2086
    "$EAGLE" prove -q $toy --verifier "$work/slow.so" >"$work/out" 2>"$work/err" &
    pid=$!
    sleep 0.5
    worker=$(ps -A -o pid= -o ppid= 2>/dev/null | awk -v parent=$pid '$2 == parent { print $1 }')
    kill -s "${signal%:*}" $pid
    code=0
    wait $pid 2>/dev/null || code=$?
    equal "${signal#*:}" "$code" "exit code after SIG${signal%:*}"
    case $signal in
    KILL*) ;;
    *) grep -q '^VERDICT' "$work/out" || { echo "no report after SIG${signal%:*}"; cat "$work/err"; exit 1; } ;;
    esac
    sleep 0.2
    command -v ps >/dev/null || continue
    state=$(ps -o stat= -p "$worker") # a zombie is dead
    case $worker:$state in ?*: | ?*:Z*) ;; *) false ;; esac || { echo "a process is left behind SIG${signal%:*}"; exit 1; }
done

# A signal to the whole group comes to it once, too.
code=0
# shellcheck disable=SC2086
timeout 1 "$EAGLE" prove -q $toy --verifier "$work/slow.so" >"$work/out" 2>"$work/err" || code=$?
equal 124 "$code" 'exit code of timeout'
grep -q '^VERDICT' "$work/out" || { echo "no report after a signal to the group"; cat "$work/err"; exit 1; }

# Who has children's deaths ignored is told the verdict nevertheless.
code=0
# shellcheck disable=SC2086
(trap '' CHLD && exec "$EAGLE" prove -q $toy --verifier "$work/one_coin.so" >"$work/out" 2>"$work/err") || code=$?
equal 1 "$code" 'exit code with SIGCHLD ignored'

# What the page quotes is what was said just now.
grep -E '^(  In words|  with probability|    [0-9]+\. position)' docs/lab.md >"$work/quoted"
[ -s "$work/quoted" ] || exit 1
while IFS= read -r line; do
    grep -qxF -e "$line" "$work/transcript" || {
        echo "docs/lab.md says what the program does not: $line"
        exit 1
    }
done <"$work/quoted"

# The limit holds where plain texts are walked, too: here there are 512 x 512 x 512 of them.
rule constant <<END
#include "eagle/verify.h"
eagle_node_rule_fn eagle_rule_node;
int32_t eagle_rule_node(int32_t *hit, uint64_t *w, int32_t vocab, const int32_t *child,
                        int32_t n_child, int32_t pos, const eagle_draws *draws)
{
    *hit = -1;
    (void)w, (void)vocab, (void)child, (void)n_child, (void)pos, (void)draws;
    return 5;
}
END
"$EAGLE" prove -q -m "$model" -H "$head_of_model" --verifier "$work/constant.so" --temp 1 --level program -n 3 --limit 300 \
    --spec-depth 1 --spec-topk 1 --spec-nodes 1 >"$work/out" 2>&1
grep -q '^    the limit of runs was reached$' "$work/out" || { cat "$work/out"; exit 1; }
grep -q '^VERDICT REFUTED$' "$work/out" || { cat "$work/out"; exit 1; }

# The certificate names the file by what is in it.
digest=$(sha256sum "$work/membership.so" | cut -d' ' -f1)
# shellcheck disable=SC2086
"$EAGLE" prove -q $toy --verifier "$work/membership.so" --format json >"$work/json"
"$field" proofs.0.rule_sha256 <"$work/json" >"$work/sha" || exit 1
equal "$digest" "$(cat "$work/sha")" 'digest of the rule'
