/* SPDX-License-Identifier: MIT */
/* test_files.c - whole files: read, mapped, or replaced in one piece, whoever else writes them. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "base/file.h"
#include "support/lib_scratch.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- a folder of our own ------------------------------------------------------------------- */

static const char *const folder = scratch_dir;

static const char *in_folder(const char *name)
{
    static char path[SCRATCH_PATH];

    scratch_join(path, folder, name);
    return path;
}

static void write_text(const char *name, const char *text)
{
    scratch_text(folder, name, text);
}

static void assert_text(const char *name, const char *expected)
{
    eg_bytes got;
    eagle_error err;

    assert_int_equal(eg_bytes_read_file(&got, in_folder(name), 1000, &err), EAGLE_OK);
    assert_int_equal(got.size, strlen(expected));
    assert_memory_equal(got.data, expected, got.size);
    free(got.data);
}

static int files_in_folder(void)
{
    DIR *dir = opendir(folder);
    int n = -2; /* . and .. */

    assert_non_null(dir);
    while (readdir(dir) != NULL) {
        n++;
    }
    closedir(dir);
    return n;
}

/* ---- read -------------------------------------------------------------------------------- */

static void a_file_of_exactly_max_bytes_is_read_and_one_more_is_refused(void **state)
{
    eg_bytes got;
    eagle_error err;

    (void)state;
    write_text("eight", "12345678");
    assert_int_equal(eg_bytes_read_file(&got, in_folder("eight"), 8, &err), EAGLE_OK);
    assert_int_equal(got.size, 8);
    free(got.data);
    assert_int_equal(eg_bytes_read_file(&got, in_folder("eight"), 7, &err), EAGLE_EFORMAT);
    assert_null(got.data);
    assert_non_null(strstr(err.message, "eight"));
    assert_int_equal(eg_bytes_read_file(&got, in_folder("absent"), 7, &err), EAGLE_EREAD);
    assert_int_equal(eg_bytes_read_file(&got, folder, 7, &err), EAGLE_EREAD);
}

static void a_map_shows_the_file_and_refuses_what_is_none(void **state)
{
    eg_map map;
    eagle_error err;

    (void)state;
    write_text("mapped", "contents");
    assert_int_equal(eg_map_open(&map, in_folder("mapped"), &err), EAGLE_OK);
    assert_int_equal(map.size, 8);
    assert_memory_equal(map.data, "contents", 8);
    eg_map_advise(&map);
    eg_map_close(&map);
    assert_null(map.data);
    write_text("empty", "");
    assert_int_equal(eg_map_open(&map, in_folder("empty"), &err), EAGLE_OK);
    assert_int_equal(map.size, 0);
    eg_map_close(&map);
    assert_int_equal(eg_map_open(&map, folder, &err), EAGLE_EREAD);
    assert_int_equal(eg_map_open(&map, in_folder("absent"), &err), EAGLE_EREAD);
}

/* A pipe that nobody writes to: whoever waits for its writer is ended by the alarm. */
static void a_part_that_is_a_pipe_is_refused_at_once(void **state)
{
    eg_map map;
    eg_bytes got;
    eagle_error err;

    (void)state;
    write_text("part", "contents");
    assert_int_equal(eg_bytes_read_regular(&got, in_folder("part"), 8, &err), EAGLE_OK);
    assert_int_equal(got.size, 8);
    assert_memory_equal(got.data, "contents", 8);
    free(got.data);
    assert_int_equal(eg_bytes_read_regular(&got, in_folder("part"), 7, &err), EAGLE_EFORMAT);
    assert_int_equal(eg_bytes_read_regular(&got, in_folder("absent"), 7, &err), EAGLE_EREAD);
    assert_int_equal(mkfifo(in_folder("pipe"), 0600), 0);
    alarm(10);
    assert_int_equal(eg_bytes_read_regular(&got, in_folder("pipe"), 8, &err), EAGLE_EREAD);
    assert_null(got.data);
    assert_non_null(strstr(err.message, "not a regular file"));
    assert_int_equal(eg_map_open(&map, in_folder("pipe"), &err), EAGLE_EREAD);
    assert_non_null(strstr(err.message, "not a regular file"));
    alarm(0);
}

static void paths_are_joined_by_one_slash(void **state)
{
    char *a = eg_path_join("dir", "name");
    char *b = eg_path_join("dir/", "name");

    (void)state;
    assert_string_equal(a, "dir/name");
    assert_string_equal(b, "dir/name");
    free(a);
    free(b);
}

/* ---- written ----------------------------------------------------------------------------- */

static void an_output_replaces_its_file_only_when_complete(void **state)
{
    eg_output out;
    eagle_error err;
    int before;

    (void)state;
    write_text("result", "old");
    before = files_in_folder();
    assert_int_equal(eg_output_open(&out, in_folder("result"), &err), EAGLE_OK);
    fputs("half", out.file);
    fflush(out.file);
    assert_text("result", "old");
    eg_output_close(&out); /* given up */
    assert_text("result", "old");
    assert_int_equal(files_in_folder(), before);

    assert_int_equal(eg_output_open(&out, in_folder("result"), &err), EAGLE_OK);
    fputs("new", out.file);
    assert_int_equal(eg_output_commit(&out, &err), EAGLE_OK);
    eg_output_close(&out);
    assert_text("result", "new");
    assert_int_equal(files_in_folder(), before);
    assert_int_equal(eg_output_open(&out, in_folder("no/such/place"), &err), EAGLE_EWRITE);
    eg_output_close(&out);
}

static void write_output(const char *name, const char *text)
{
    eg_output out;
    eagle_error err;

    assert_int_equal(eg_output_open(&out, in_folder(name), &err), EAGLE_OK);
    fputs(text, out.file);
    assert_int_equal(eg_output_commit(&out, &err), EAGLE_OK);
    eg_output_close(&out);
}

static void what_a_killed_process_left_of_an_output_goes_with_the_next(void **state)
{
    int before;
    int status;

    (void)state;
    write_text("kept", "old");
    write_text("kept.2024-01", "no temporary name");
    before = files_in_folder();
    for (int i = 0; i < 3; i++) {
        const pid_t child = fork();

        assert_true(child >= 0);
        if (child == 0) {
            eg_output out;

            _exit(eg_output_open(&out, in_folder("kept"), NULL) == EAGLE_OK ? 7 : 1);
        }
        assert_int_equal(waitpid(child, &status, 0), child);
        assert_int_equal(WEXITSTATUS(status), 7);
        assert_int_equal(files_in_folder(), before + 1); /* the one before is gone */
    }
    write_output("kept", "new");
    assert_int_equal(files_in_folder(), before);
    assert_text("kept", "new");
    assert_text("kept.2024-01", "no temporary name");
}

/* The child's file lies there, unfinished, while the parent writes the same path. */
static void an_output_that_another_process_is_writing_is_left_alone(void **state)
{
    const int before = files_in_folder();
    int opened[2];
    int go_on[2];
    int status;
    char byte = 'x';

    (void)state;
    assert_int_equal(pipe(opened), 0);
    assert_int_equal(pipe(go_on), 0);
    const pid_t child = fork();

    assert_true(child >= 0);
    if (child == 0) {
        eg_output out;
        bool right = eg_output_open(&out, in_folder("shared"), NULL) == EAGLE_OK;

        close(go_on[1]); /* so that it ends with a parent that fails */
        right = write(opened[1], &byte, 1) == 1 && read(go_on[0], &byte, 1) == 1 && right;
        fputs("child", out.file);
        right = eg_output_commit(&out, NULL) == EAGLE_OK && right;
        _exit(right ? 7 : 1);
    }
    close(opened[1]); /* so that a child that dies early ends the reading */
    close(go_on[0]);
    assert_int_equal(read(opened[0], &byte, 1), 1);
    write_output("shared", "parent");
    assert_text("shared", "parent");
    assert_int_equal(files_in_folder(), before + 2);
    assert_int_equal(write(go_on[1], &byte, 1), 1);
    assert_int_equal(waitpid(child, &status, 0), child);
    assert_int_equal(WEXITSTATUS(status), 7);
    assert_text("shared", "child");
    assert_int_equal(files_in_folder(), before + 1);
    close(opened[0]);
    close(go_on[1]);
}

/* As in a container, where the first process has the same number each time. */
static void what_a_process_of_our_number_left_of_an_output_goes_with_the_next(void **state)
{
    char left[64];
    int before;

    (void)state;
    write_text("mine", "old");
    before = files_in_folder();
    snprintf(left, sizeof left, "mine.%ld-1f-0.unfinished", (long)getpid());
    write_text(left, "half");
    write_output("mine", "new");
    assert_text("mine", "new");
    assert_int_equal(files_in_folder(), before);
}

static void two_outputs_of_one_path_in_one_process_do_not_meet(void **state)
{
    const int before = files_in_folder();
    eg_output out[2];

    (void)state;
    for (int i = 0; i < 2; i++) {
        assert_int_equal(eg_output_open(&out[i], in_folder("twice"), NULL), EAGLE_OK);
        assert_int_equal(files_in_folder(), before + i + 1);
        fprintf(out[i].file, "%d", i);
    }
    for (int i = 1; i >= 0; i--) {
        assert_int_equal(eg_output_commit(&out[i], NULL), EAGLE_OK);
        eg_output_close(&out[i]);
        assert_text("twice", i == 0 ? "0" : "1");
    }
    assert_int_equal(files_in_folder(), before + 1);
}

/* A pipe that somebody reads can be opened and locked as a file can. */
static void what_is_no_regular_file_is_no_leftover(void **state)
{
    const char *name = "piped.1-1f-0.unfinished";
    struct stat info;

    (void)state;
    assert_int_equal(mkfifo(in_folder(name), 0600), 0);
    const int reader = open(in_folder(name), O_RDONLY | O_NONBLOCK);

    assert_true(reader >= 0);
    write_output("piped", "new");
    assert_int_equal(stat(in_folder(name), &info), 0);
    close(reader);
    assert_int_equal(unlink(in_folder(name)), 0);
}

/* While the lock is held, so that it is nobody else's file. */
static void an_output_that_cannot_be_renamed_is_removed_at_once(void **state)
{
    const int before = files_in_folder();
    eg_output out;
    eagle_error err;

    (void)state;
    assert_int_equal(eg_output_open(&out, in_folder("taken"), &err), EAGLE_OK);
    assert_int_equal(mkdir(in_folder("taken"), 0700), 0); /* meanwhile */
    assert_int_equal(eg_output_commit(&out, &err), EAGLE_EWRITE);
    assert_int_equal(files_in_folder(), before + 1);
    eg_output_close(&out);
    assert_int_equal(rmdir(in_folder("taken")), 0);
}

static void a_failed_commit_does_not_guess_why_an_earlier_write_failed(void **state)
{
    eg_output out;
    eagle_error err;

    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        skip();
    }
    assert_int_equal(eg_output_open(&out, "/dev/full", &err), EAGLE_OK);
    assert_int_equal(setvbuf(out.file, NULL, _IONBF, 0), 0);
    assert_int_equal(fputc('x', out.file), EOF);
    errno = ENOENT; /* of something since then */
    assert_int_equal(eg_output_commit(&out, &err), EAGLE_EWRITE);
    assert_string_equal(err.message, "/dev/full: write failed");
    eg_output_close(&out);
}

static void a_new_output_is_as_public_as_the_mask_allows(void **state)
{
    eg_output out;
    eagle_error err;
    struct stat info;
    mode_t mask = umask(027);

    (void)state;
    assert_int_equal(eg_output_open(&out, in_folder("public"), &err), EAGLE_OK);
    assert_int_equal(eg_output_commit(&out, &err), EAGLE_OK);
    eg_output_close(&out);
    umask(mask);
    assert_int_equal(stat(in_folder("public"), &info), 0);
    assert_int_equal(info.st_mode & 0777, 0640);
}

/* A file may not grow beyond 4096 bytes, as on a full disk; write() then fails with EFBIG. */
static void a_full_disk_leaves_the_old_file_whole(void **state)
{
    struct rlimit old;
    struct rlimit small;
    eg_output out;
    eagle_error err;
    eagle_status st;
    int before;

    (void)state;
    write_text("kept", "old");
    before = files_in_folder();
    signal(SIGXFSZ, SIG_IGN);
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &old), 0);
    small = (struct rlimit){.rlim_cur = 4096, .rlim_max = old.rlim_max};
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &small), 0);
    assert_int_equal(eg_output_open(&out, in_folder("kept"), &err), EAGLE_OK);
    for (int i = 0; i < 100000; i++) {
        fputs("more", out.file);
    }
    st = eg_output_commit(&out, &err);
    eg_output_close(&out);
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &old), 0);
    signal(SIGXFSZ, SIG_DFL);
    assert_int_equal(st, EAGLE_EWRITE);
    assert_int_equal(eagle_exit_code(st), 5);
    assert_non_null(strstr(err.message, "kept"));
    assert_text("kept", "old");
    assert_int_equal(files_in_folder(), before);
}

/* The link stands for a device: were it renamed over, a device would be lost, and the full disk
 * behind it would go unnoticed. */
static void an_output_that_is_no_regular_file_is_written_to_and_never_replaced(void **state)
{
    eg_output out;
    eagle_error err;
    struct stat info;

    (void)state;
    if (stat("/dev/full", &info) != 0 || !S_ISCHR(info.st_mode)) {
        skip();
    }
    assert_int_equal(symlink("/dev/full", in_folder("full")), 0);
    assert_int_equal(eg_output_open(&out, in_folder("full"), &err), EAGLE_OK);
    fputs("lost", out.file);
    assert_int_equal(eg_output_commit(&out, &err), EAGLE_EWRITE);
    eg_output_close(&out);
    assert_int_equal(lstat(in_folder("full"), &info), 0);
    assert_true(S_ISLNK(info.st_mode));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_file_of_exactly_max_bytes_is_read_and_one_more_is_refused),
        cmocka_unit_test(a_map_shows_the_file_and_refuses_what_is_none),
        cmocka_unit_test(a_part_that_is_a_pipe_is_refused_at_once),
        cmocka_unit_test(paths_are_joined_by_one_slash),
        cmocka_unit_test(an_output_replaces_its_file_only_when_complete),
        cmocka_unit_test(what_a_killed_process_left_of_an_output_goes_with_the_next),
        cmocka_unit_test(an_output_that_another_process_is_writing_is_left_alone),
        cmocka_unit_test(what_a_process_of_our_number_left_of_an_output_goes_with_the_next),
        cmocka_unit_test(two_outputs_of_one_path_in_one_process_do_not_meet),
        cmocka_unit_test(what_is_no_regular_file_is_no_leftover),
        cmocka_unit_test(an_output_that_cannot_be_renamed_is_removed_at_once),
        cmocka_unit_test(a_failed_commit_does_not_guess_why_an_earlier_write_failed),
        cmocka_unit_test(a_new_output_is_as_public_as_the_mask_allows),
        cmocka_unit_test(a_full_disk_leaves_the_old_file_whole),
        cmocka_unit_test(an_output_that_is_no_regular_file_is_written_to_and_never_replaced),
    };

    return cmocka_run_group_tests(tests, scratch_set_up, scratch_tear_down);
}
