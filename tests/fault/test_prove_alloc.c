/* SPDX-License-Identifier: MIT */
/* test_prove_alloc.c - every allocation of a proof failed in turn: EAGLE_ENOMEM, nothing given
 * back, nothing left behind. GMP cannot fail: without memory for a fraction the process ends as its
 * program said. */
#include "fault/fault.h"
#include "support/lib_toy.h"

#include "eagle/eagle.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

static toy *network;
static eagle_drafter *drafter;
static eagle_prove_task task;
static eagle_prove_options how;

/* A rule with another law than the one that is asked for, so that there is something to find. */
static eagle_status hotter(eagle_path *path, const eagle_tree *tree, const eagle_rows *rows,
                           const eagle_sampling *sampling, const eagle_draws *draws,
                           eagle_error *err)
{
    eagle_sampling other = *sampling;

    other.temperature *= 2.0f;
    return eagle_verify(path, tree, rows, &other, draws, err);
}

static eagle_status prove(eagle_error *err)
{
    eagle_proof *proof = NULL;
    const eagle_status st = eagle_prove(&proof, &task, &how, NULL, NULL, err);

    assert_true((proof != NULL) == (st == EAGLE_OK));
    if (st == EAGLE_OK) {
        assert_int_equal(eagle_proof_verdict(proof),
                         task.verify == NULL ? EAGLE_VERDICT_PROVEN : EAGLE_VERDICT_REFUTED);
    }
    eagle_proof_free(proof);
    return st;
}

static void a_proof_without_memory_fails_cleanly(void **state)
{
    (void)state;
    task.verify = NULL;
    fault_each_in_turn("a proof", prove);
}

static void a_refutation_without_memory_fails_cleanly(void **state)
{
    (void)state;
    task.verify = hotter;
    fault_each_in_turn("a refutation", prove);
}

static eagle_status certifier(eagle_error *err)
{
    eagle_certifier *c = NULL;
    const eagle_status st = eagle_certifier_create(&c, 4, 8, EAGLE_VERIFY_REJECTION, err);

    eagle_certifier_free(c);
    return st;
}

static void a_certifier_without_memory_fails_cleanly(void **state)
{
    (void)state;
    fault_each_in_turn("a certifier", certifier);
}

/* ---- GMP's own ------------------------------------------------------------------------------- */

#define GAVE_UP 42

static void give_up(void)
{
    _exit(GAVE_UP);
}

/* How a process ends whose allocation number n fails, GMP's among them: with the status, or by
 * give_up(). */
static int end_without(long n)
{
    const pid_t child = fork();
    int status = 0;

    if (child == 0) {
        eagle_error err = {0};

        eagle_prove_on_no_memory(give_up);
        fault_arm(n);
        _exit((int)prove(&err));
    }
    assert_true(child > 0);
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -WTERMSIG(status);
}

static void without_memory_for_a_fraction_the_program_says_how_it_ends(void **state)
{
    (void)state;
    task.verify = hotter;
    eagle_prove_on_no_memory(give_up);
    fault_arm(0);
    assert_int_equal(prove(NULL), EAGLE_OK);
    const long n = fault_disarm();
    long gave_up = 0;

    eagle_prove_on_no_memory(NULL);
    for (long i = 1; i <= n; i += 1 + n / 300) {
        const int end = end_without(i);

        if (end != GAVE_UP && end != EAGLE_ENOMEM) {
            fail_msg("allocation %ld of %ld: the process ended with %d", i, n, end);
        }
        gave_up += end == GAVE_UP;
    }
    assert_true(gave_up > 100);
    printf("count: %ld allocations of GMP failed in turn\n", gave_up);
}

static int set_up(void **state)
{
    (void)state;
    network = toy_create(&(toy_options){.vocab = 3, .seed = 5});
    eagle_prove_defaults(&how);
    how.levels &= ~(1U << EAGLE_PROVE_PRIMITIVES);
    how.length = 2;
    task.model = toy_model(network);
    eagle_sampling_defaults(&task.sampling);
    task.sampling.mode = EAGLE_VERIFY_REJECTION;
    task.sampling.temperature = 1.0f;
    if (eagle_drafter_dynamic(&drafter, toy_head(network), 2, 2, 3, NULL) != EAGLE_OK) {
        return -1;
    }
    task.drafter = drafter;
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    eagle_drafter_free(drafter);
    toy_free(network);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_proof_without_memory_fails_cleanly),
        cmocka_unit_test(a_refutation_without_memory_fails_cleanly),
        cmocka_unit_test(a_certifier_without_memory_fails_cleanly),
        cmocka_unit_test(without_memory_for_a_fraction_the_program_says_how_it_ends),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
