/* SPDX-License-Identifier: MIT */
/* team.c - the threads of one pass: shares of work, and a barrier that yields. */
#include "base/team.h"

#include "base/error.h"
#include "eagle/runtime.h"

#include <assert.h>
#include <errno.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

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

/* ---- whether there can be so many ------------------------------------------------------------ */

/* Where addresses are scarce, the heaps that glibc sets apart for new threads, 64 MiB of addresses
 * each, compete with stacks, and either may come first. Threads of small stacks, tried before, let
 * the heaps come first: these are kept, and at most one more can follow (glibc wants twice as much
 * unless it is lucky with the alignment), for which room is kept. */
#define SMALL_STACK ((size_t)256 << 10)
#define RESERVE     ((size_t)64 << 20)

/* Asks for memory once, and lives until the caller lets go of the lock. */
static void *stay(void *lock)
{
    void *memory = NULL;

    if (posix_memalign(&memory, sizeof memory, 1) == 0) {
        free(memory);
    }
    pthread_mutex_lock(lock);
    pthread_mutex_unlock(lock);
    return NULL;
}

/* Bytes of a worker's stack as OMP_STACKSIZE has them, which counts in K unless told; 0: not set,
 * or no size, and the system's own. */
static size_t stack_size(void)
{
    static const char letters[] = "BKMG";
    const char *text = getenv("OMP_STACKSIZE");
    const char *letter = letters + 1;
    char *end = NULL;

    if (text == NULL || text[strspn(text, " ")] < '0' || text[strspn(text, " ")] > '9') {
        return 0;
    }
    errno = 0;
    const unsigned long long size = strtoull(text, &end, 10);

    end += strspn(end, " ");
    if (*end != '\0') {
        const char upper = (char)(*end >= 'a' && *end <= 'z' ? *end - 'a' + 'A' : *end);

        letter = strchr(letters, upper);
        end += 1 + strspn(end + 1, " ");
    }
    const unsigned shift = letter != NULL ? 10u * (unsigned)(letter - letters) : 0;

    return letter == NULL || *end != '\0' || errno != 0 || size > SIZE_MAX >> shift
               ? 0
               : (size_t)size << shift;
}

/* How many of n threads can exist at once, the caller being one. Stack 0 is the system's own size. */
static int try_threads(int n, size_t stack)
{
    pthread_mutex_t lock = PTHREAD_MUTEX_INITIALIZER;
    pthread_t thread[EG_MAX_THREADS];
    pthread_attr_t attributes;
    int started = 1;

    assert(n <= EG_MAX_THREADS);
    if (pthread_attr_init(&attributes) != 0) {
        return 1;
    }
    if (stack > 0) {
        (void)pthread_attr_setstacksize(&attributes, stack); /* too small: the system's own */
    }
    pthread_mutex_lock(&lock);
    while (started < n && pthread_create(&thread[started], &attributes, stay, &lock) == 0) {
        started++;
    }
    pthread_mutex_unlock(&lock);
    pthread_attr_destroy(&attributes);
    for (int i = 1; i < started; i++) {
        pthread_join(thread[i], NULL);
    }
    pthread_mutex_destroy(&lock);
    return started;
}

eagle_status eg_team_check(int n_threads, eagle_error *err)
{
    static atomic_int most = 1;

    if (n_threads <= atomic_load(&most)) {
        return EAGLE_OK;
    }
    void *reserve = NULL;

    (void)try_threads(n_threads, SMALL_STACK);
    if (posix_memalign(&reserve, sizeof reserve, RESERVE) != 0) {
        reserve = NULL; /* then no thread can be given one either */
    }
    const int n = try_threads(n_threads, stack_size());

    free(reserve);
    if (n < n_threads) {
        return eg_fail(err, EAGLE_ENOMEM, "the system gives %d threads, %d are wanted (-t)", n,
                       n_threads);
    }
    atomic_store(&most, n);
    return EAGLE_OK;
}

/* ---- the barrier ----------------------------------------------------------------------------- */

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

/* ---- shares ---------------------------------------------------------------------------------- */

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
