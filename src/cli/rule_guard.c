/* SPDX-License-Identifier: MIT */
/* rule_guard.c - see rule_guard.h.
 *
 * A rule runs in this process, so a crash of its is one of ours. The handler runs on a stack of its
 * own, since the usual crash of a recursion is that there is no stack left; it only writes, and
 * ends the program. */
#define _XOPEN_SOURCE 700 /* sigaltstack() */

#include "cli/rule_guard.h"

#include "cli/messages.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define STACK (64 * 1024)

static eagle_verify_fn *watched;
static unsigned patience;
static int words = -1; /* where the worker says that its exit code is its own, and not the rule's */
static pid_t other;    /* of the worker the process that waits, of that one the worker */
static pid_t worker;   /* the one whose word counts: a rule may have made others       */
static volatile sig_atomic_t caught; /* by the process that waits */

/* ---- a process of its own -------------------------------------------------------------------- */

/* From a signal handler, too. */
static void mean_it(void)
{
    while (getpid() == worker && write(words, "!", 1) < 0 && errno == EINTR) {
    }
}

/* The worker is in a group of its own, so that every signal comes to it this way, and once. */
static void pass_on(int number)
{
    caught = number;
    kill(other, number);
}

static eagle_status wait_for_worker(int fd, eagle_error *err)
{
    struct sigaction act = {.sa_handler = pass_on};
    int status = 0;
    pid_t ended;
    char byte;

    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    do {
        ended = waitpid(other, &status, 0);
    } while (ended < 0 && errno == EINTR);
    if (ended < 0) {
        close(fd);
        return eg_cli_fail(err, EAGLE_EINTERNAL, "no word from the process that runs the rule: %s",
                           strerror(errno));
    }
    fcntl(fd, F_SETFL, O_NONBLOCK); /* a process that the rule left behind may hold the other end */
    const bool meant = read(fd, &byte, 1) == 1;

    close(fd);
    if (WIFEXITED(status) && (meant || (caught != 0 && WEXITSTATUS(status) == 128 + caught))) {
        _exit(WEXITSTATUS(status));
    }
    if (WIFEXITED(status)) {
        return eg_cli_fail(err, EAGLE_EFAILED,
                           "the rule ended the program, as _exit(%d) does: nothing is proven",
                           WEXITSTATUS(status));
    }
    return eg_cli_fail(err, EAGLE_EINTERNAL,
                       "the process that runs the rule was ended by signal %d", WTERMSIG(status));
}

eagle_status eg_rule_apart(eg_rule_work *work, const eg_options *opt, eagle_error *err)
{
    struct sigaction heard = {.sa_handler =
                                  SIG_DFL}; /* ignored, it would take the exit code away */
    const pid_t self = getpid();
    int fd[2];

    if (pipe(fd) != 0) {
        return eg_cli_fail(err, EAGLE_ENOMEM, "no pipe to a process for the rule: %s",
                           strerror(errno));
    }
    sigemptyset(&heard.sa_mask);
    sigaction(SIGCHLD, &heard, NULL);
    other = fork();
    if (other > 0) {
        setpgid(other, other); /* here and there: whoever comes first */
        close(fd[1]);
        return wait_for_worker(fd[0], err);
    }
    close(fd[0]);
    if (other < 0) {
        close(fd[1]);
        return eg_cli_fail(err, EAGLE_ENOMEM, "no process for the rule: %s", strerror(errno));
    }
    other = self;
    worker = getpid();
    words = fd[1];
    setpgid(0, 0);
    const eagle_status st = work(opt, err);

    mean_it();
    return st;
}

/* ---- text, in a signal handler --------------------------------------------------------------- */

typedef struct {
    char text[512];
    size_t n;
} line;

static void say(line *l, const char *text)
{
    for (; *text != '\0' && l->n < sizeof l->text; text++) {
        l->text[l->n++] = *text;
    }
}

static void say_number(line *l, int32_t x)
{
    char digit[12];
    size_t n = 0;
    uint32_t rest = x < 0 ? 0u - (uint32_t)x : (uint32_t)x;

    do {
        digit[n++] = (char)('0' + rest % 10);
        rest /= 10;
    } while (rest != 0);
    say(l, x < 0 ? "-" : "");
    while (n > 0 && l->n < sizeof l->text) {
        l->text[l->n++] = digit[--n];
    }
}

/* ---- what happened --------------------------------------------------------------------------- */

static const char *cause(int number)
{
    switch (number) {
    case SIGALRM: return "did not come back in time (--rule-seconds)";
    case SIGFPE: return "crashed: a division by zero, or an overflow (SIGFPE)";
    case SIGILL: return "crashed: an impossible instruction (SIGILL)";
    case SIGABRT: return "crashed: abort(), or a failed assert (SIGABRT)";
    default: return "crashed: it touched memory that is not its own (SIGSEGV or SIGBUS)";
    }
}

static void say_call(line *l, const eagle_verifier_call *call)
{
    say(l, "; it was asked for the token at position ");
    say_number(l, call->pos);
    if (call->n_child > 0) {
        say(l, ", tree node ");
        say_number(l, call->node);
        say(l, ", whose children are the tokens");
        for (int32_t i = 0; i < call->n_child && i < 16; i++) {
            say(l, " ");
            say_number(l, call->child[i]);
        }
    }
}

static void on_crash(int number)
{
    const eagle_verifier_call *call = eagle_verifier_last_call();
    line l = {.n = 0};

    say(&l, "eagle: ");
    if (call->busy) {
        say(&l, "the rule ");
        say(&l, cause(number));
        say_call(&l, call);
    } else {
        say(&l, "a crash outside the rule, which may have written where it should not");
    }
    say(&l, "\n");
    const ssize_t written = write(STDERR_FILENO, l.text, l.n);

    mean_it();
    _exit(call->busy && written >= 0 ? 1 : 70);
}

/* The rule ends the program, as if all were well. */
static void on_exit_call(void)
{
    const eagle_verifier_call *call = eagle_verifier_last_call();
    line l = {.n = 0};

    if (!call->busy) {
        return;
    }
    say(&l, "eagle: the rule called exit()");
    say_call(&l, call);
    say(&l, "\n");
    mean_it();
    _exit(write(STDERR_FILENO, l.text, l.n) >= 0 ? 1 : 70);
}

/* ---- watching -------------------------------------------------------------------------------- */

static eagle_status call_watched(eagle_path *path, const eagle_tree *tree, const eagle_rows *rows,
                                 const eagle_sampling *sampling, const eagle_draws *draws,
                                 eagle_error *err)
{
    if (words >= 0 && getppid() != other) { /* killed: nobody waits; or a child of the rule's own */
        _exit(70);
    }
    alarm(patience);
    const eagle_status st = watched(path, tree, rows, sampling, draws, err);

    alarm(0);
    return st;
}

eagle_verify_fn *eg_rule_guard(eagle_verify_fn *rule, unsigned seconds)
{
    static const int numbers[] = {SIGALRM, SIGFPE, SIGILL, SIGABRT, SIGSEGV, SIGBUS};
    static char stack[STACK];
    const stack_t own = {.ss_sp = stack, .ss_size = sizeof stack};
    struct sigaction act = {.sa_handler = on_crash, .sa_flags = SA_ONSTACK};

    if (watched == NULL) { /* where it cannot be registered, an exit is not explained */
        atexit(on_exit_call);
    }
    sigaltstack(&own, NULL); /* without it a recursion's crash is not explained, only fatal */
    sigemptyset(&act.sa_mask);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        sigaction(numbers[i], &act, NULL);
    }
    watched = rule;
    patience = seconds;
    return call_watched;
}

/* ---- fractions ------------------------------------------------------------------------------- */

static void no_memory(void)
{
    static const char text[] = "eagle: no memory for exact fractions\n";
    const ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);

    mean_it();
    _exit(eagle_exit_code(written >= 0 ? EAGLE_ENOMEM : EAGLE_EWRITE));
}

void eg_fraction_guard(void)
{
    eagle_prove_on_no_memory(no_memory);
}
