/* SPDX-License-Identifier: MIT */
/* team.c - the threads of one pass: shares of work, and a barrier that yields. */
#include "base/team.h"

#include "eagle/runtime.h"

/* Some ten microseconds: longer than the usual wait for the slower of two equal shares, far
 * shorter than a scheduler's time slice. */
#define EG_SPINS 1000

void eg_team_init(eg_team *team, int n_threads)
{
    *team = (eg_team){
        .n = n_threads,
        /* With more threads than CPUs, whoever spins keeps another from arriving. */
        .spins = n_threads <= eagle_cpu_count() ? EG_SPINS : 0,
        .lock = PTHREAD_MUTEX_INITIALIZER,
        .moved = PTHREAD_COND_INITIALIZER,
    };
    atomic_init(&team->waiting, 0);
    atomic_init(&team->generation, 0);
}

static void relax(void)
{
#if defined(__x86_64__) || defined(__i386__)
    __asm__ volatile("pause");
#elif defined(__aarch64__)
    __asm__ volatile("yield");
#endif
}

void eg_team_wait(const eg_worker *worker)
{
    eg_team *team = worker->team;

    if (team->n == 1) {
        return;
    }
    unsigned generation = atomic_load(&team->generation);

    if (atomic_fetch_add(&team->waiting, 1) == team->n - 1) { /* the last one opens the door */
        atomic_store(&team->waiting, 0);
        pthread_mutex_lock(&team->lock);
        atomic_store(&team->generation, generation + 1);
        pthread_cond_broadcast(&team->moved);
        pthread_mutex_unlock(&team->lock);
        return;
    }
    for (int i = 0; i < team->spins; i++) {
        if (atomic_load(&team->generation) != generation) {
            return;
        }
        relax();
    }
    pthread_mutex_lock(&team->lock);
    while (atomic_load(&team->generation) == generation) {
        pthread_cond_wait(&team->moved, &team->lock);
    }
    pthread_mutex_unlock(&team->lock);
}

eg_span eg_worker_span(const eg_worker *worker, size_t n, size_t grain)
{
    size_t blocks = (n + grain - 1) / grain;
    size_t share = blocks / (size_t)worker->n;
    size_t extra = blocks % (size_t)worker->n;
    size_t id = (size_t)worker->id;
    size_t begin = (id * share + (id < extra ? id : extra)) * grain;
    size_t end = begin + (share + (id < extra ? 1 : 0)) * grain;

    return (eg_span){.begin = begin < n ? begin : n, .end = end < n ? end : n};
}
