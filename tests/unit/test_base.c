/* SPDX-License-Identifier: MIT */
/* test_base.c - errors, memory, threads, the machine, digests. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/alloc.h"
#include "base/cpu.h"
#include "base/error.h"
#include "base/fpguard.h"
#include "base/machine.h"
#include "base/team.h"
#include "base/u128.h"
#include "eagle/runtime.h"

#include <fenv.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* ---- a folder of our own ------------------------------------------------------------------- */

static char folder[64];

static int make_folder(void **state)
{
    (void)state;
    strcpy(folder, "/tmp/eagle-base-XXXXXX");
    return mkdtemp(folder) == NULL;
}

static int remove_folder(void **state)
{
    char command[128];

    (void)state;
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}

static const char *in_folder(const char *name)
{
    static char path[512];

    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void write_text(const char *name, const char *text)
{
    FILE *file = fopen(in_folder(name), "wb");

    assert_non_null(file);
    fputs(text, file);
    assert_int_equal(fclose(file), 0);
}

/* ---- status -------------------------------------------------------------------------------- */

static void every_status_has_the_exit_code_of_the_table(void **state)
{
    static const int codes[] = {0, 1, 2, 3, 3, 3, 4, 5, 5, 5, 6, 7, 8, 9, 70};

    (void)state;
    for (int st = EAGLE_OK; st <= EAGLE_EINTERNAL; st++) {
        assert_int_equal(eagle_exit_code((eagle_status)st), codes[st]);
        assert_true(strlen(eagle_status_name((eagle_status)st)) > 0);
    }
    assert_int_equal(eagle_exit_code((eagle_status)99), 70);
    assert_string_equal(eagle_status_name((eagle_status)-1), "unknown status");
}

static void a_message_is_one_line_without_control_characters(void **state)
{
    eagle_error err;
    char longer[2000];

    (void)state;
    assert_int_equal(eg_fail(&err, EAGLE_EFORMAT, "%s: %d", "a\nb\033[31m", 7), EAGLE_EFORMAT);
    assert_string_equal(err.message, "a?b?[31m: 7");
    assert_int_equal(err.code, EAGLE_EFORMAT);
    assert_int_equal(eg_fail(NULL, EAGLE_EFIT, "unheard"), EAGLE_EFIT);
    memset(longer, 'x', sizeof longer - 1);
    longer[sizeof longer - 1] = '\0';
    eg_fail(&err, EAGLE_EREAD, "%s", longer);
    assert_int_equal(strlen(err.message), sizeof err.message - 1);
}

/* ---- memory --------------------------------------------------------------------------------- */

static void sizes_that_overflow_are_refused(void **state)
{
    size_t size = 1;

    (void)state;
    assert_true(eg_mul_size(&size, SIZE_MAX / 3, 3));
    assert_int_equal(size, SIZE_MAX / 3 * 3);
    assert_false(eg_mul_size(&size, SIZE_MAX / 2, 3));
    assert_true(eg_mul_size(&size, 0, SIZE_MAX));
    assert_int_equal(size, 0);
    assert_null(eg_alloc_aligned(SIZE_MAX / 2, 3));
    assert_null(eg_alloc_aligned(SIZE_MAX, 1));
}

static void memory_is_zeroed_aligned_and_unique(void **state)
{
    (void)state;
    for (size_t n = 0; n < 200; n += 13) {
        unsigned char *p = eg_alloc_aligned(n, 1);
        unsigned char *q = eg_alloc(n, 1);

        assert_non_null(p);
        assert_non_null(q);
        assert_int_equal((uintptr_t)p % EG_ALIGN, 0);
        for (size_t i = 0; i < n; i++) {
            assert_int_equal(p[i] | q[i], 0);
        }
        free(p);
        free(q);
    }
}

/* ---- threads -------------------------------------------------------------------------------- */

enum { PHASES = 300 };

typedef struct {
    eg_worker worker;
    int *phase; /* [n] the phase that each worker has reached */
    int wrong;
} walker;

/* Each phase writes its own place, waits, and must then see everyone there. */
static void *walk(void *arg)
{
    walker *w = arg;

    for (int p = 1; p <= PHASES; p++) {
        w->phase[w->worker.id] = p;
        eg_team_wait(&w->worker);
        for (int i = 0; i < w->worker.n; i++) {
            w->wrong += w->phase[i] != p;
        }
        eg_team_wait(&w->worker);
    }
    return NULL;
}

static void nobody_passes_a_barrier_before_all_have_reached_it(void **state)
{
    static const int sizes[] = {1, 2, 3, 8};

    (void)state;
    for (size_t s = 0; s < sizeof sizes / sizeof sizes[0]; s++) {
        int n = sizes[s];
        int phase[8] = {0};
        walker w[8];
        pthread_t thread[8];
        eg_team team;

        eg_team_init(&team, n);
        for (int i = 0; i < n; i++) {
            w[i] = (walker){.worker = {.team = &team, .id = i, .n = n}, .phase = phase};
            assert_int_equal(pthread_create(&thread[i], NULL, walk, &w[i]), 0);
        }
        for (int i = 0; i < n; i++) {
            pthread_join(thread[i], NULL);
            assert_int_equal(w[i].wrong, 0);
        }
    }
}

static void so_many_threads_can_exist_at_once(void **state)
{
    (void)state;
    for (int n = 1; n <= 16; n *= 2) {
        eagle_error err = {EAGLE_OK, ""};

        assert_int_equal(eg_team_check(n, &err), EAGLE_OK);
    }
}

static void stacks_of_no_size_are_the_systems_own(void **state)
{
    static const char *const sizes[] = {"", "x", "-1", "1Q", "1K 1", "99999999999999999999", "1"};

    (void)state;
    for (int i = 0; i < (int)(sizeof sizes / sizeof sizes[0]); i++) {
        eagle_error err = {EAGLE_OK, ""};

        assert_int_equal(setenv("OMP_STACKSIZE", sizes[i], 1), 0);
        assert_int_equal(eg_team_check(17 + i, &err), EAGLE_OK); /* not asked before */
    }
    unsetenv("OMP_STACKSIZE");
}

static void shares_cover_all_items_once_and_are_cut_at_the_grain(void **state)
{
    (void)state;
    for (int n = 1; n <= EG_MAX_THREADS; n += 7) {
        for (size_t items = 0; items < 200; items += 3) {
            for (size_t grain = 1; grain <= 16; grain *= 4) {
                size_t at = 0;

                for (int id = 0; id < n; id++) {
                    eg_worker w = {.id = id, .n = n};
                    eg_span span = eg_worker_span(&w, items, grain);

                    assert_int_equal(span.begin, at);
                    assert_true(span.begin % grain == 0 || span.begin == items);
                    assert_true(span.end >= span.begin);
                    at = span.end;
                }
                assert_int_equal(at, items);
            }
        }
    }
}

/* ---- arithmetic ------------------------------------------------------------------------------ */

/* a b by the school's method in base 2^16, hi and lo in 8 digits. */
static void long_product(uint32_t digit[8], uint64_t a, uint64_t b)
{
    memset(digit, 0, 8 * sizeof digit[0]);
    for (int i = 0; i < 4; i++) {
        uint64_t carry = 0;

        for (int j = 0; j < 4; j++) {
            uint64_t t = digit[i + j] + carry + (a >> 16 * i & 0xffff) * (b >> 16 * j & 0xffff);

            digit[i + j] = (uint32_t)(t & 0xffff);
            carry = t >> 16;
        }
        digit[i + 4] = (uint32_t)carry;
    }
}

static void products_agree_with_long_multiplication(void **state)
{
    static const uint64_t edge[] = {0,
                                    1,
                                    0xffffffff,
                                    0x100000000,
                                    UINT64_MAX,
                                    UINT64_MAX - 1,
                                    0x8000000000000000,
                                    0xdeadbeefcafebabe};
    const size_t n = sizeof edge / sizeof edge[0];

    (void)state;
    for (size_t k = 0; k < 5000; k++) {
        uint64_t a = k < n * n ? edge[k / n] : k * UINT64_C(0x9e3779b97f4a7c15);
        uint64_t b = k < n * n ? edge[k % n] : k * k * UINT64_C(0xbf58476d1ce4e5b9);
        eg_u128 got = eg_u128_mul(a, b);
        uint32_t d[8];

        long_product(d, a, b);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(got.lo >> 16 * i & 0xffff, d[i]);
            assert_int_equal(got.hi >> 16 * i & 0xffff, d[i + 4]);
        }
    }
    assert_true(eg_u128_less((eg_u128){1, 5}, (eg_u128){2, 0}));
    assert_true(eg_u128_less((eg_u128){1, 5}, (eg_u128){1, 6}));
    assert_false(eg_u128_less((eg_u128){1, 5}, (eg_u128){1, 5}));
}

/* ---- digests --------------------------------------------------------------------------------- */

/* The examples of FIPS 180-4's validation, and lengths around the padding's edges. */
static void sha256_gives_the_published_digests(void **state)
{
    static const struct {
        const char *text;
        int times;
        const char *hex;
    } known[] = {
        {"", 1, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"},
        {"abc", 1, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"},
        {"abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq", 1,
         "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1"},
        {"abcdefghbcdefghicdefghijdefghijkefghijklfghijklmghijklmnhijklmnoijklmnopjklmnopqklmnopqr"
         "lmnopqrsmnopqrstnopqrstu",
         1, "cf5b16a778af8380036ce59e7b0492370b249b11e8f07a51afac45037afee9d1"},
        {"a", 1000000, "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof known / sizeof known[0]; i++) {
        eagle_sha256 sha;
        char hex[65];

        eagle_sha256_init(&sha);
        for (int t = 0; t < known[i].times; t++) {
            eagle_sha256_update(&sha, known[i].text, strlen(known[i].text));
        }
        eagle_sha256_hex(hex, &sha);
        assert_string_equal(hex, known[i].hex);
    }
}

static void sha256_does_not_see_how_the_data_was_cut(void **state)
{
    unsigned char data[200];

    (void)state;
    for (size_t i = 0; i < sizeof data; i++) {
        data[i] = (unsigned char)(i * 7);
    }
    for (size_t n = 0; n <= sizeof data; n++) {
        eagle_sha256 whole;
        eagle_sha256 cut;
        char hex[2][65];

        eagle_sha256_init(&whole);
        eagle_sha256_update(&whole, data, n);
        eagle_sha256_hex(hex[0], &whole);
        eagle_sha256_init(&cut);
        eagle_sha256_update(&cut, data, n / 3);
        eagle_sha256_update(&cut, data + n / 3, n - n / 3);
        eagle_sha256_hex(hex[1], &cut);
        assert_string_equal(hex[0], hex[1]);
    }
}

static void floats_are_digested_as_little_endian(void **state)
{
    static const unsigned char bytes[8] = {0x00, 0x00, 0x80, 0x3f, 0x01, 0x00, 0x00, 0x80};
    const float x[2] = {1.0f, -0x1p-149f};
    eagle_sha256 a;
    eagle_sha256 b;
    char hex[2][65];

    (void)state;
    eagle_sha256_init(&a);
    eagle_sha256_floats(&a, x, 2);
    eagle_sha256_hex(hex[0], &a);
    eagle_sha256_init(&b);
    eagle_sha256_update(&b, bytes, sizeof bytes);
    eagle_sha256_hex(hex[1], &b);
    assert_string_equal(hex[0], hex[1]);
}

/* ---- the machine ----------------------------------------------------------------------------- */

static void instruction_sets_are_parsed_by_name_and_refused_where_unusable(void **state)
{
    static const char *const names[] = {"auto", "portable", "avx2", "avx512", "neon"};
    eagle_isa isa;
    eagle_error err;

    (void)state;
    for (int i = 0; i < 5; i++) {
        eagle_status st = eagle_isa_parse(&isa, names[i], &err);

        assert_int_equal(st, eagle_isa_usable((eagle_isa)i) ? EAGLE_OK : EAGLE_EINVAL);
        assert_int_equal(isa, st == EAGLE_OK ? i : EAGLE_ISA_AUTO);
        assert_string_equal(eagle_isa_name((eagle_isa)i), names[i]);
    }
    assert_int_equal(eagle_isa_parse(&isa, "avx", &err), EAGLE_EINVAL);
    assert_int_equal(eagle_isa_parse(&isa, "", &err), EAGLE_EINVAL);
    assert_int_equal(eagle_isa_parse(&isa, "AVX2", &err), EAGLE_EINVAL);
    assert_true(eagle_isa_usable(eagle_isa_best()));
    assert_true(eagle_isa_best() != EAGLE_ISA_AUTO);
}

/* The kernel leaves an instruction set out of /proc/cpuinfo where it does not save its
 * registers. */
static void detection_agrees_with_the_kernels_flags(void **state)
{
    static char text[1 << 16];
    FILE *file = fopen("/proc/cpuinfo", "r");
    eg_cpu cpu = eg_cpu_detect();

    (void)state;
    if (file == NULL) {
        skip();
    }
    text[fread(text, 1, sizeof text - 1, file)] = '\0';
    fclose(file);

    char *flags = strstr(text, "flags\t");

    if (flags == NULL) {
        skip();
    }
    flags[strcspn(flags, "\n")] = ' ';
    assert_int_equal(cpu.avx2, strstr(flags, " avx2 ") != NULL);
    assert_int_equal(cpu.fma, strstr(flags, " fma ") != NULL);
    assert_int_equal(cpu.f16c, strstr(flags, " f16c ") != NULL);
    if (getenv("EAGLE_VALGRIND") == NULL) { /* whose CPU has none (valgrind.sh) */
        assert_int_equal(cpu.avx512, strstr(flags, " avx512f ") && strstr(flags, " avx512bw ") &&
                                         strstr(flags, " avx512dq ") &&
                                         strstr(flags, " avx512vl "));
    }
}

static void make_folders(const char *path)
{
    char command[600];

    snprintf(command, sizeof command, "mkdir -p '%s/%s'", folder, path);
    assert_int_equal(system(command), 0);
}

static void limits_of_control_groups_are_the_smallest_on_the_way_up(void **state)
{
    (void)state;
    make_folders("two/proc/self");
    make_folders("two/sys/fs/cgroup/a/b");
    write_text("two/proc/self/cgroup", "0::/a/b\n");
    assert_true(eg_cgroup_cpus(in_folder("two")) == 0);
    assert_true(eg_cgroup_memory(in_folder("two")) == 0);
    write_text("two/sys/fs/cgroup/a/b/cpu.max", "max 100000\n");
    write_text("two/sys/fs/cgroup/a/b/memory.max", "max\n");
    assert_true(eg_cgroup_cpus(in_folder("two")) == 0);
    assert_true(eg_cgroup_memory(in_folder("two")) == 0);
    write_text("two/sys/fs/cgroup/a/cpu.max", "150000 100000\n");
    write_text("two/sys/fs/cgroup/a/memory.max", "1073741824\n");
    write_text("two/sys/fs/cgroup/a/b/memory.max", "2147483648\n");
    assert_true(eg_cgroup_cpus(in_folder("two")) == 1.5);
    assert_true(eg_cgroup_memory(in_folder("two")) == 1073741824);
}

static void limits_of_version_1_groups_are_found_by_controller(void **state)
{
    (void)state;
    make_folders("one/proc/self");
    make_folders("one/sys/fs/cgroup/cpu/x");
    make_folders("one/sys/fs/cgroup/memory");
    write_text("one/proc/self/cgroup", "3:memory:/gone/away\n2:cpuset:/\n1:cpu,cpuacct:/x\n0::/\n");
    write_text("one/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "300000\n");
    write_text("one/sys/fs/cgroup/cpu/x/cpu.cfs_period_us", "100000\n");
    write_text("one/sys/fs/cgroup/memory/memory.limit_in_bytes", "9223372036854771712\n");
    assert_true(eg_cgroup_cpus(in_folder("one")) == 3.0);
    assert_true(eg_cgroup_memory(in_folder("one")) == 0);
    write_text("one/sys/fs/cgroup/memory/memory.limit_in_bytes", "4096000\n");
    assert_true(eg_cgroup_memory(in_folder("one")) == 4096000);
    write_text("one/sys/fs/cgroup/cpu/x/cpu.cfs_quota_us", "-1\n");
    assert_true(eg_cgroup_cpus(in_folder("one")) == 0);
}

static void the_machine_has_cpus_memory_and_a_name(void **state)
{
    (void)state;
    assert_in_range(eagle_cpu_count(), 1, EG_MAX_THREADS);
    assert_true(strlen(eagle_cpu_name()) > 0);
    assert_true(eagle_memory_available() > 1 << 20);
    assert_string_equal(eagle_version(), EG_VERSION);
    assert_memory_equal(eagle_contract(), "C0/kv=f32", 9);
    for (int i = 0; eagle_part_at(i) != NULL; i++) {
        assert_true(strlen(eagle_part_at(i)->library) > 0);
    }
    assert_null(eagle_part_at(-1));
}

/* ---- floating point -------------------------------------------------------------------------- */

/* Valgrind rounds to nearest and keeps subnormals whatever the registers say (valgrind.sh). */
static void skip_if_modes_are_fixed(void)
{
    if (getenv("EAGLE_VALGRIND") != NULL) {
        skip();
    }
}

static void the_guard_sees_other_rounding_modes(void **state)
{
    static const int modes[] = {FE_UPWARD, FE_DOWNWARD, FE_TOWARDZERO};

    (void)state;
    skip_if_modes_are_fixed();
    assert_null(eg_fpguard_fault());
    for (int i = 0; i < 3; i++) {
        const char *fault;

        fesetround(modes[i]);
        fault = eg_fpguard_fault();
        fesetround(FE_TONEAREST);
        assert_non_null(fault);
        assert_non_null(strstr(fault, "rounding"));
    }
}

#if defined(__x86_64__)
#include <xmmintrin.h>

static void the_guard_sees_flushed_subnormals(void **state)
{
    const unsigned clean = _mm_getcsr();
    const char *ftz;
    const char *daz;

    (void)state;
    skip_if_modes_are_fixed();
    _mm_setcsr(clean | 0x8000u);
    ftz = eg_fpguard_fault();
    _mm_setcsr(clean | 0x0040u);
    daz = eg_fpguard_fault();
    _mm_setcsr(clean);
    assert_non_null(ftz);
    assert_non_null(strstr(ftz, "FTZ"));
    assert_non_null(daz);
    assert_non_null(strstr(daz, "DAZ"));
    assert_null(eg_fpguard_fault());
}
#else
static void the_guard_sees_flushed_subnormals(void **state)
{
    (void)state;
    skip();
}
#endif

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_status_has_the_exit_code_of_the_table),
        cmocka_unit_test(a_message_is_one_line_without_control_characters),
        cmocka_unit_test(sizes_that_overflow_are_refused),
        cmocka_unit_test(memory_is_zeroed_aligned_and_unique),
        cmocka_unit_test(nobody_passes_a_barrier_before_all_have_reached_it),
        cmocka_unit_test(so_many_threads_can_exist_at_once),
        cmocka_unit_test(stacks_of_no_size_are_the_systems_own),
        cmocka_unit_test(shares_cover_all_items_once_and_are_cut_at_the_grain),
        cmocka_unit_test(products_agree_with_long_multiplication),
        cmocka_unit_test(sha256_gives_the_published_digests),
        cmocka_unit_test(sha256_does_not_see_how_the_data_was_cut),
        cmocka_unit_test(floats_are_digested_as_little_endian),
        cmocka_unit_test(instruction_sets_are_parsed_by_name_and_refused_where_unusable),
        cmocka_unit_test(detection_agrees_with_the_kernels_flags),
        cmocka_unit_test(limits_of_control_groups_are_the_smallest_on_the_way_up),
        cmocka_unit_test(limits_of_version_1_groups_are_found_by_controller),
        cmocka_unit_test(the_machine_has_cpus_memory_and_a_name),
        cmocka_unit_test(the_guard_sees_other_rounding_modes),
        cmocka_unit_test(the_guard_sees_flushed_subnormals),
    };

    return cmocka_run_group_tests(tests, make_folder, remove_folder);
}
