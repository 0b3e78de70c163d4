/* SPDX-License-Identifier: MIT */
/* signals.c - SIGINT and SIGTERM as a flag; writing brings errors, no signals. */
#include "cli/signals.h"

#include <signal.h>
#include <stddef.h>
#include <unistd.h>

static volatile sig_atomic_t holding; /* 1: work looks at `caught` */
static volatile sig_atomic_t caught;

static void on_signal(int number)
{
    if (!holding || caught != 0) {
        _exit(128 + number);
    }
    caught = number;
}

void eg_signals_install(void)
{
    struct sigaction act = {.sa_handler = on_signal}; /* no SA_RESTART: a read is to be cut short */

    sigemptyset(&act.sa_mask);
    sigaction(SIGINT, &act, NULL);
    sigaction(SIGTERM, &act, NULL);
    act.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &act, NULL);
    sigaction(SIGXFSZ, &act, NULL); /* a file at the limit of its size: write() says so */
}

void eg_signals_hold(void)
{
    holding = 1;
}

int eg_signals_caught(void)
{
    return caught;
}
