/* SPDX-License-Identifier: MIT */
/* test_treefiles.c - tree shapes and recorded rounds from JSON. What is refused stands in
 * test_hostile_files.c. */
#include "eagle/files.h"
#include "support/lib_scratch.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

static char dir[SCRATCH_PATH];
static char path[SCRATCH_PATH];

static int set_up(void **state)
{
    (void)state;
    scratch_create(dir);
    scratch_join(path, dir, "f.json");
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    scratch_remove(dir);
    return 0;
}

/* Paths in any order become nodes by (depth, path): 0, 1, 00, 01, 000. */
static void a_shape_is_read_from_rank_paths(void **state)
{
    static const int32_t parent[6] = {0, 0, 0, 1, 1, 3};
    static const int32_t rank[6] = {0, 0, 1, 0, 1, 0};
    eagle_shape *shape = NULL;

    (void)state;
    scratch_text(dir, "f.json", "[[0,0,0], [1], [0,1],\n [0], [0,0]]\n");
    assert_int_equal(eagle_shape_read(&shape, path, NULL), EAGLE_OK);
    assert_int_equal(eagle_shape_nodes(shape), 5);
    assert_int_equal(eagle_shape_depth(shape), 3);
    for (int32_t i = 1; i <= 5; i++) {
        assert_int_equal(eagle_shape_parent(shape, i), parent[i]);
        assert_int_equal(eagle_shape_rank(shape, i), rank[i]);
    }
    eagle_shape_free(shape);
}

static void an_error_of_the_shape_names_the_file(void **state)
{
    eagle_shape *shape = NULL;
    eagle_error err = {0};

    (void)state;
    scratch_text(dir, "f.json", "[[1,0]]");
    assert_int_equal(eagle_shape_read(&shape, path, &err), EAGLE_EFORMAT);
    assert_null(shape);
    assert_ptr_equal(strstr(err.message, path), err.message);
    assert_int_equal(eagle_shape_read(&shape, "/no/such/file", &err), EAGLE_EREAD);
}

static void check_rounds(const char *name, int32_t root)
{
    eagle_rounds *rounds = NULL;
    eagle_error err = {0};
    const int32_t *token;
    const int32_t *parent;
    int32_t found;

    if (eagle_rounds_read(&rounds, name, &err) != EAGLE_OK) {
        fail_msg("%s", err.message);
    }
    assert_int_equal(eagle_rounds_count(rounds), 2);
    assert_int_equal(eagle_rounds_max_nodes(rounds), 3);
    assert_int_equal(eagle_rounds_get(rounds, 0, &found, &token, &parent), 3);
    assert_int_equal(found, root);
    assert_memory_equal(token, ((int32_t[]){7, 8, 9}), 12);
    assert_memory_equal(parent, ((int32_t[]){0, 1, 1}), 12);
    assert_int_equal(eagle_rounds_get(rounds, 1, &found, &token, &parent), 0);
    assert_int_equal(found, 4);
    eagle_rounds_free(rounds);
}

#define ROUNDS(root)                                                                               \
    "{\"rounds\": [{\"root\": " root ", \"tokens\": [7, 8, 9], \"parents\": [0, 1, 1],"            \
    " \"accepted\": [1]}, {\"root\": 4, \"tokens\": [], \"parents\": []}]}"

static void rounds_are_read_alone_or_as_a_case(void **state)
{
    char name[SCRATCH_PATH + 8];
    eagle_rounds *rounds = NULL;
    eagle_error err = {0};

    (void)state;
    scratch_text(dir, "f.json", ROUNDS("5"));
    check_rounds(path, 5);
    snprintf(name, sizeof name, "%s#0", path);
    check_rounds(name, 5);
    scratch_text(dir, "f.json", "{\"cases\": [" ROUNDS("1") ", " ROUNDS("2") "]}");
    check_rounds(path, 1);
    check_rounds(name, 1);
    snprintf(name, sizeof name, "%s#1", path);
    check_rounds(name, 2);
    snprintf(name, sizeof name, "%s#2", path);
    assert_int_equal(eagle_rounds_read(&rounds, name, &err), EAGLE_EFORMAT);
    assert_non_null(strstr(err.message, "no case 2, \"cases\" is a list of 2"));
    assert_null(rounds);
}

/* Only "#" and up to nine digits at the end are a case. */
static void other_hashes_belong_to_the_name(void **state)
{
    static const char *const names[] = {"#", "a#b", "a#1b", "a#0123456789"};
    char name[SCRATCH_PATH];

    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        scratch_text(dir, names[i], ROUNDS("5"));
        scratch_join(name, dir, names[i]);
        check_rounds(name, 5);
    }
}

static void recorded_goldens_are_read(void **state)
{
    char name[SCRATCH_PATH];
    char one[SCRATCH_PATH + 16]; /* with "#" and a number */

    (void)state;
    if (!scratch_find_data(name, "golden/eagle1-stories260K.json")) {
        skip();
    }
    for (int i = 0; i < 12; i++) {
        eagle_rounds *rounds = NULL;

        snprintf(one, sizeof one, "%s#%d", name, i);
        assert_int_equal(eagle_rounds_read(&rounds, one, NULL), EAGLE_OK);
        assert_in_range(eagle_rounds_count(rounds), 20, 60);
        assert_true(eagle_rounds_max_nodes(rounds) == 25 || eagle_rounds_max_nodes(rounds) == 59 ||
                    eagle_rounds_max_nodes(rounds) == 12);
        eagle_rounds_free(rounds);
    }
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(a_shape_is_read_from_rank_paths),       TEST(an_error_of_the_shape_names_the_file),
        TEST(rounds_are_read_alone_or_as_a_case),    TEST(other_hashes_belong_to_the_name),
        cmocka_unit_test(recorded_goldens_are_read),
    };

    return cmocka_run_group_tests_name("treefiles", tests, NULL, NULL);
}
