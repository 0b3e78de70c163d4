/* SPDX-License-Identifier: MIT */
/* test_safetensors_write.c - writing tensors: what comes back, and what stays when it fails. */
#include "base/file.h"
#include "eagle/files.h"
#include "formats/formats.h"
#include "support/lib_scratch.h"

#include <dirent.h>
#include <setjmp.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>

#include <cmocka.h>

static char path[SCRATCH_PATH];

static int set_up(void **state)
{
    static char dir[SCRATCH_PATH];

    scratch_create(dir);
    scratch_join(path, dir, "model.safetensors");
    *state = dir;
    return 0;
}

static int tear_down(void **state)
{
    scratch_remove(*state);
    return 0;
}

static int count_files(const char *dir)
{
    DIR *stream = opendir(dir);
    int n = -2; /* . and .. */

    while (readdir(stream) != NULL) {
        n++;
    }
    closedir(stream);
    return n;
}

static void assert_holds(const char *text)
{
    eg_bytes bytes;

    assert_int_equal(eg_bytes_read_file(&bytes, path, 1 << 20, NULL), EAGLE_OK);
    assert_int_equal(bytes.size, strlen(text));
    assert_memory_equal(bytes.data, text, bytes.size);
    free(bytes.data);
}

/* One tensor of each type and of each rank, smallest elements first, three bytes in the first two
 * so that the next would lie badly behind them: the reader's list equals what
 * was written, nothing is copied, so every tensor lies aligned. */
static void what_was_written_is_read_back_in_place(void **state)
{
    static const eagle_dtype dtype[8] = {EAGLE_BOOL, EAGLE_U8,  EAGLE_F16, EAGLE_BF16,
                                         EAGLE_I32,  EAGLE_F32, EAGLE_I64, EAGLE_F64};
    static const char *const name[8] = {"a", "b", "c", "d", "e", "f", "g", "h \"\\\n\xc3\xa9"};
    static uint64_t data[8][3]; /* aligned for all */
    eagle_tensor tensor[8];
    eg_tensors back;

    for (int i = 0; i < 8; i++) {
        tensor[i] = (eagle_tensor){.name = name[i], .dtype = dtype[i], .rank = i, .data = data[i]};
        for (int j = 0; j < i; j++) {
            tensor[i].shape[j] = j == 0 ? (i == 1 ? 2 : 3) : 1;
        }
        tensor[i].size = eagle_dtype_size(dtype[i]) * (i == 0 ? 1 : (i == 1 ? 2 : 3));
        memset(data[i], 17 * i + 1, sizeof data[i]);
    }
    assert_int_equal(eagle_tensors_write(path, tensor, 8, "{\"made by\":\"a test\"}", NULL),
                     EAGLE_OK);
    assert_int_equal(eg_tensors_open(&back, *state, NULL), EAGLE_OK);
    assert_int_equal(back.n, 8);
    assert_int_equal(back.n_copies, 0);
    for (int i = 0; i < 8; i++) {
        assert_string_equal(back.tensor[i].name, name[i]);
        assert_int_equal(back.tensor[i].dtype, dtype[i]);
        assert_int_equal(back.tensor[i].rank, i);
        assert_memory_equal(back.tensor[i].shape, tensor[i].shape, sizeof tensor[i].shape);
        assert_int_equal(back.tensor[i].size, tensor[i].size);
        assert_memory_equal(back.tensor[i].data, data[i], tensor[i].size);
    }
    eg_tensors_close(&back);
}

/* The file's bytes, from the format's definition: length 88 = 11 x 8, header, spaces, data. */
static void the_header_is_padded_to_eight_bytes(void **state)
{
    static const char header[] = "{\"__metadata__\":{\"k\":\"v\"},\"x\":{\"dtype\":\"U8\","
                                 "\"shape\":[2],\"data_offsets\":[0,2]}}";
    const eagle_tensor tensor = {
        .name = "x", .dtype = EAGLE_U8, .rank = 1, .shape = {2}, .data = "hi", .size = 2};
    char expected[256] = "........";

    (void)state;
    strcat(expected, header);
    while (strlen(expected) % 8 != 0) {
        strcat(expected, " ");
    }
    expected[0] = (char)(strlen(expected) - 8);
    strcat(expected, "hi");
    size_t size = strlen(expected);

    memset(expected + 1, 0, 7);
    assert_int_equal(eagle_tensors_write(path, &tensor, 1, "{\"k\":\"v\"}", NULL), EAGLE_OK);

    eg_bytes bytes;

    assert_int_equal(eg_bytes_read_file(&bytes, path, 1 << 20, NULL), EAGLE_OK);
    assert_int_equal(bytes.size, size);
    assert_memory_equal(bytes.data, expected, size);
    free(bytes.data);
}

static void no_tensors_make_an_empty_file_that_reads(void **state)
{
    eg_tensors back;

    assert_int_equal(eagle_tensors_write(path, NULL, 0, NULL, NULL), EAGLE_OK);
    assert_int_equal(eg_tensors_open(&back, *state, NULL), EAGLE_OK);
    assert_int_equal(back.n, 0);
    eg_tensors_close(&back);
}

static void what_cannot_be_a_tensor_is_refused_and_nothing_is_written(void **state)
{
    static const float data[4];
    const eagle_tensor right = {
        .name = "x", .dtype = EAGLE_F32, .rank = 1, .shape = {4}, .data = data, .size = 16};
    eagle_tensor wrong[8];
    eagle_tensor twice[2] = {right, right};
    eagle_error err = {0};

    for (int i = 0; i < 8; i++) {
        wrong[i] = right;
    }
    wrong[0].size = 12;
    wrong[1].rank = EAGLE_MAX_RANK + 1;
    wrong[2].shape[0] = -4;
    wrong[3].dtype = (eagle_dtype)99;
    wrong[4].data = NULL;
    wrong[5].name = "__metadata__";
    wrong[6].name = "\xff";
    wrong[7].rank = 3; /* 4 x 2^62 x 0 is no honest size, even though it ends at 0 */
    wrong[7].shape[1] = INT64_C(1) << 62;
    wrong[7].shape[2] = 0;
    for (int i = 0; i < 8; i++) {
        assert_int_equal(eagle_tensors_write(path, &wrong[i], 1, NULL, &err), EAGLE_EINVAL);
    }
    assert_int_equal(eagle_tensors_write(path, twice, 2, NULL, &err), EAGLE_EINVAL);
    assert_non_null(strstr(err.message, "two tensors named \"x\""));
    assert_int_equal(eagle_tensors_write(path, &right, 1, "{\"k\":1}", &err), EAGLE_EINVAL);
    assert_int_equal(err.code, EAGLE_EINVAL);
    assert_int_equal(eagle_tensors_write(path, &right, 1, "[]", &err), EAGLE_EINVAL);
    assert_int_equal(eagle_tensors_write(path, &right, 1, "{", &err), EAGLE_EINVAL);
    assert_int_equal(count_files(*state), 0);
}

/* A full disk, played by the limit on the size of files: the write fails in the middle, the old
 * file keeps its bytes and nothing else is left behind. */
static void a_full_disk_leaves_the_old_file_whole(void **state)
{
    static const float data[100000];
    const eagle_tensor tensor = {.name = "x",
                                 .dtype = EAGLE_F32,
                                 .rank = 1,
                                 .shape = {100000},
                                 .data = data,
                                 .size = sizeof data};
    /* The first byte, inside the data, and 16 bytes before the end. */
    const rlim_t limits[] = {0, 4096, 200000, sizeof data + 64};
    struct rlimit before;
    eagle_error err = {0};

    assert_int_equal(getrlimit(RLIMIT_FSIZE, &before), 0);
    signal(SIGXFSZ, SIG_IGN);
    scratch_text(*state, "model.safetensors", "old");
    for (size_t i = 0; i < sizeof limits / sizeof limits[0]; i++) {
        const rlim_t limit = limits[i];

        assert_int_equal(setrlimit(RLIMIT_FSIZE, &(struct rlimit){limit, before.rlim_max}), 0);

        eagle_status st = eagle_tensors_write(path, &tensor, 1, NULL, &err);

        assert_int_equal(setrlimit(RLIMIT_FSIZE, &before), 0);
        assert_int_equal(st, EAGLE_EWRITE);
        assert_non_null(strstr(err.message, "File too large"));
        assert_holds("old");
        assert_int_equal(count_files(*state), 1);
    }
    assert_int_equal(eagle_tensors_write(path, &tensor, 1, NULL, NULL), EAGLE_OK);
    assert_int_equal(count_files(*state), 1);
}

static void a_place_that_cannot_be_written_is_named(void **state)
{
    char gone[SCRATCH_PATH];
    eagle_error err = {0};

    scratch_join(gone, *state, "no-such-folder/x.safetensors");
    assert_int_equal(eagle_tensors_write(gone, NULL, 0, NULL, &err), EAGLE_EWRITE);
    assert_non_null(strstr(err.message, "no-such-folder/x.safetensors"));
    assert_non_null(strstr(err.message, "No such file"));
    assert_int_equal(count_files(*state), 0);
}

/* `path` is a folder: everything is written, only the rename fails. */
static void a_failed_rename_removes_the_temporary_file(void **state)
{
    eagle_error err = {0};

    assert_int_equal(mkdir(path, 0700), 0);
    assert_int_equal(eagle_tensors_write(path, NULL, 0, NULL, &err), EAGLE_EWRITE);
    assert_int_equal(count_files(*state), 1);
    assert_int_equal(rmdir(path), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(what_was_written_is_read_back_in_place),
        TEST(the_header_is_padded_to_eight_bytes),
        TEST(no_tensors_make_an_empty_file_that_reads),
        TEST(what_cannot_be_a_tensor_is_refused_and_nothing_is_written),
        TEST(a_full_disk_leaves_the_old_file_whole),
        TEST(a_place_that_cannot_be_written_is_named),
        TEST(a_failed_rename_removes_the_temporary_file),
    };

    return cmocka_run_group_tests_name("safetensors_write", tests, NULL, NULL);
}
