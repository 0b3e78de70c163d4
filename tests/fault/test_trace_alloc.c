/* SPDX-License-Identifier: MIT */
/* test_trace_alloc.c - a recorder or a reader of traces that runs out of memory, wherever it is,
 * says so and leaves nothing behind, neither blocks nor files. */
#include "fault/fault.h"
#include "support/lib_scratch.h"
#include "support/lib_toy.h"

#include "eagle/eagle.h"

#include <dirent.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static const int32_t ids[3] = {3, 7, 5};
static char dir[SCRATCH_PATH];
static char path[SCRATCH_PATH];
static toy *network;
static eagle_drafter *drafter;
static eagle_trace_options what;

static int files(void)
{
    DIR *d = opendir(dir);
    int n = 0;

    for (const struct dirent *e = readdir(d); e != NULL; e = readdir(d)) {
        n += e->d_name[0] != '.';
    }
    closedir(d);
    return n;
}

static eagle_status make(eagle_generation *g, eagle_recorder **recorder, eagle_error *err)
{
    eagle_status st = eagle_recorder_create(recorder, g, path, &what, err);

    while (st == EAGLE_OK && g->finish == EAGLE_FINISH_NOT_YET) {
        st = eagle_recorder_next(*recorder, err);
        while (st == EAGLE_OK && eagle_generation_take(g)) {
            continue;
        }
    }
    return st == EAGLE_OK ? eagle_recorder_finish(*recorder, err) : st;
}

static eagle_status record(eagle_error *err)
{
    const eagle_prompt prompt = {ids, 3};
    eagle_session_options opt;
    eagle_session *session = NULL;
    eagle_recorder *recorder = NULL;
    eagle_generation g = {0};

    eagle_session_defaults(&opt);
    opt.ctx = 32;
    opt.threads = 1;
    opt.sampling.temperature = 1.0f;
    opt.sampling.mode = EAGLE_VERIFY_REJECTION;
    eagle_status st = eagle_session_create(&session, toy_model(network), drafter, &opt, err);

    if (st == EAGLE_OK) {
        st = eagle_generation_start(&g, session, &prompt, 4, true, err);
    }
    if (st == EAGLE_OK) {
        st = make(&g, &recorder, err);
    }
    eagle_recorder_free(recorder);
    eagle_generation_free(&g);
    eagle_session_free(session);
    if (st != EAGLE_OK) {
        assert_int_equal(files(), 0);
    } else {
        assert_int_equal(files(), 1);
        assert_int_equal(remove(path), 0);
    }
    return st;
}

static eagle_status read_it(eagle_error *err)
{
    eagle_trace *trace = NULL;
    const eagle_status st = eagle_trace_open(&trace, path, err);

    eagle_trace_free(trace);
    return st;
}

static void a_recorder_without_memory_leaves_nothing_behind(void **state)
{
    (void)state;
    for (int i = 0; i < 3; i++) {
        eagle_trace_defaults(&what, i == 2 ? 1 : 4);
        what.digest = i == 1;
        what.lines = i == 2;
        what.first_round = i == 0; /* a manifest with everything in it */
        what.sites &= ~(1u << EAGLE_SITE_Q);
        fault_each_in_turn(i == 0   ? "a recorder"
                           : i == 1 ? "one of digests"
                                    : "one of lines",
                           record);
    }
}

static void a_reader_without_memory_leaves_nothing_behind(void **state)
{
    const eagle_prompt prompt = {ids, 3};
    eagle_session_options opt;
    eagle_session *session = NULL;
    eagle_recorder *recorder = NULL;
    eagle_generation g = {0};

    (void)state;
    eagle_session_defaults(&opt);
    opt.ctx = 32;
    opt.threads = 1;
    eagle_trace_defaults(&what, 4);
    assert_int_equal(eagle_session_create(&session, toy_model(network), NULL, &opt, NULL),
                     EAGLE_OK);
    assert_int_equal(eagle_generation_start(&g, session, &prompt, 4, true, NULL), EAGLE_OK);
    assert_int_equal(make(&g, &recorder, NULL), EAGLE_OK);
    eagle_recorder_free(recorder);
    eagle_generation_free(&g);
    eagle_session_free(session);
    fault_each_in_turn("a reader", read_it);
}

static int set_up(void **state)
{
    (void)state;
    scratch_create(dir);
    scratch_join(path, dir, "a.trace");
    network = toy_create(&(toy_options){.seed = 2, .n_layers = 1});
    return eagle_drafter_dynamic(&drafter, toy_head(network), 2, 2, 3, NULL) == EAGLE_OK ? 0 : 1;
}

static int tear_down(void **state)
{
    (void)state;
    eagle_drafter_free(drafter);
    toy_free(network);
    scratch_remove(dir);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_recorder_without_memory_leaves_nothing_behind),
        cmocka_unit_test(a_reader_without_memory_leaves_nothing_behind),
    };

    return cmocka_run_group_tests_name("traces, allocations", tests, set_up, tear_down);
}
