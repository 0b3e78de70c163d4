/* SPDX-License-Identifier: MIT */
/* team.h - the threads of one pass: who does which outputs, and a barrier that yields.
 *
 * Threads split outputs and never a sum, so their number cannot change a bit. */
#ifndef EG_BASE_TEAM_H
#define EG_BASE_TEAM_H

#include "eagle/status.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stddef.h>

#define EG_MAX_THREADS 64

/* A barrier for n threads. Waiting spins briefly, then sleeps, so that a busy machine
 * is slowed and not stopped. */
typedef struct {
    int n;
    int spins;
    atomic_int waiting;
    atomic_uint generation;
    pthread_mutex_t lock;
    pthread_cond_t moved;
} eg_team;

/* Holds no resources: there is nothing to release. */
void eg_team_init(eg_team *team, int n_threads);

/* EAGLE_ENOMEM unless the system lets n threads, at most EG_MAX_THREADS, exist at once: OpenMP's
 * runtime would end the process over it. The most that could is remembered, so that asking again
 * costs nothing. From any thread. */
eagle_status eg_team_check(int n_threads, eagle_error *err);

/* One thread of a team. */
typedef struct {
    eg_team *team;
    int id; /* 0 .. n - 1 */
    int n;
} eg_worker;

/* Waits for all threads of the team. */
void eg_team_wait(const eg_worker *worker);

typedef struct {
    size_t begin;
    size_t end;
} eg_span;

/* This worker's share of n items, cut at multiples of `grain` (>= 1). */
eg_span eg_worker_span(const eg_worker *worker, size_t n, size_t grain);

#endif
