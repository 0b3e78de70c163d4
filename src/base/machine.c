/* SPDX-License-Identifier: MIT */
/* machine.c - how many CPUs and how much memory this process may use.
 *
 * The machine's own numbers mislead inside a container: a scheduler's affinity mask and the
 * quotas of control groups say what is left of them. */
#define _GNU_SOURCE /* sched_getaffinity, CPU_COUNT_S */
#include "base/machine.h"

#include "base/team.h"
#include "eagle/runtime.h"

#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#ifdef __linux__
#include <sched.h>
#endif

#define MAX_PATH 1024

/* Reads the first line of root + path; false if there is no such file. */
static bool read_line(char *line, int size, const char *root, const char *path)
{
    char full[2 * MAX_PATH];
    bool got = false;

    if (snprintf(full, sizeof full, "%s%s", root, path) >= (int)sizeof full) {
        return false;
    }
    FILE *file = fopen(full, "r");

    if (file != NULL) {
        got = fgets(line, size, file) != NULL;
        fclose(file);
    }
    return got;
}

/* True when `name` is one of the comma-separated words in list[0..size). */
static bool names(const char *list, size_t size, const char *name)
{
    size_t length = strlen(name);

    for (size_t i = 0; i + length <= size; i++) {
        bool begins = i == 0 || list[i - 1] == ',';
        bool ends = i + length == size || list[i + length] == ',';

        if (begins && ends && memcmp(list + i, name, length) == 0) {
            return true;
        }
    }
    return false;
}

/* Finds this process's group in /proc/self/cgroup, whose lines are "number:controllers:path":
 * of version 2, where `controller` is NULL and the list is empty, or of that version 1
 * controller. */
static bool find_group(char *group, size_t size, const char *root, const char *controller)
{
    char name[2 * MAX_PATH];
    char line[MAX_PATH];
    bool found = false;

    snprintf(name, sizeof name, "%s/proc/self/cgroup", root);

    FILE *file = fopen(name, "r");

    if (file == NULL) {
        return false;
    }
    while (!found && fgets(line, sizeof line, file) != NULL) {
        const char *list = strchr(line, ':');
        const char *path = list != NULL ? strchr(list + 1, ':') : NULL;

        if (path == NULL) {
            continue;
        }
        size_t list_size = (size_t)(path - list) - 1;

        if (controller == NULL ? list_size == 0 : names(list + 1, list_size, controller)) {
            found =
                snprintf(group, size, "%.*s", (int)strcspn(path + 1, "\n"), path + 1) < (int)size;
        }
    }
    fclose(file);
    return found;
}

/* A limit read in one group's folder; 0: none. */
typedef double limit_fn(const char *root, const char *folder);

/* The smallest limit of `group` and the groups above it. A container may see its own group as
 * the root, or a path that does not exist in its view: groups that cannot be read say nothing. */
static double smallest_limit(const char *root, const char *mount, const char *group, limit_fn *read)
{
    char folder[MAX_PATH + 64];
    size_t mount_size = strlen(mount);
    double smallest = 0;

    snprintf(folder, sizeof folder, "%s%s", mount, group);
    for (;;) {
        double limit = read(root, folder);

        if (limit > 0 && (smallest == 0 || limit < smallest)) {
            smallest = limit;
        }
        char *slash = strrchr(folder, '/');

        if (slash < folder + mount_size) {
            return smallest;
        }
        *slash = '\0';
    }
}

static double limit_of(const char *root, const char *controller, limit_fn *v1, limit_fn *v2)
{
    char group[MAX_PATH];
    char mount[64];

    snprintf(mount, sizeof mount, "/sys/fs/cgroup/%s", controller);

    double one = find_group(group, sizeof group, root, controller)
                     ? smallest_limit(root, mount, group, v1)
                     : 0;
    double two = find_group(group, sizeof group, root, NULL)
                     ? smallest_limit(root, "/sys/fs/cgroup", group, v2)
                     : 0;

    return one > 0 && (two == 0 || one < two) ? one : two;
}

/* A number in a group's file; 0 where there is none, or the word "max". */
static double number_in(const char *root, const char *folder, const char *file)
{
    char path[MAX_PATH + 128];
    char line[128];
    double value = 0;

    snprintf(path, sizeof path, "%s/%s", folder, file);
    if (!read_line(line, sizeof line, root, path) || sscanf(line, "%lf", &value) != 1) {
        return 0;
    }
    return value;
}

static double cpus_v1(const char *root, const char *folder)
{
    double quota = number_in(root, folder, "cpu.cfs_quota_us"); /* -1: none */
    double period = number_in(root, folder, "cpu.cfs_period_us");

    return quota > 0 && period > 0 ? quota / period : 0;
}

static double cpus_v2(const char *root, const char *folder)
{
    char path[MAX_PATH + 128];
    char line[128];
    double quota;
    double period;

    snprintf(path, sizeof path, "%s/cpu.max", folder);
    if (!read_line(line, sizeof line, root, path) ||
        sscanf(line, "%lf %lf", &quota, &period) != 2 || period <= 0) {
        return 0; /* "max 100000" does not begin with a number */
    }
    return quota / period;
}

static double memory_v1(const char *root, const char *folder)
{
    return number_in(root, folder, "memory.limit_in_bytes");
}

static double memory_v2(const char *root, const char *folder)
{
    return number_in(root, folder, "memory.max");
}

double eg_cgroup_cpus(const char *root)
{
    return limit_of(root, "cpu", cpus_v1, cpus_v2);
}

uint64_t eg_cgroup_memory(const char *root)
{
    double limit = limit_of(root, "memory", memory_v1, memory_v2);

    return limit < 0x1p62 ? (uint64_t)limit : 0; /* version 1 writes "none" as about 2^63 */
}

/* CPUs in this thread's affinity mask. */
static int affine_cpus(void)
{
#ifdef __linux__
    cpu_set_t set[8]; /* 8192 CPUs, more than a kernel can be built for */

    if (sched_getaffinity(0, sizeof set, set) == 0) {
        return CPU_COUNT_S(sizeof set, set);
    }
#endif
    return (int)sysconf(_SC_NPROCESSORS_ONLN);
}

int eagle_cpu_count(void)
{
    int n = affine_cpus();
    double quota = eg_cgroup_cpus("");

    if (quota > 0 && quota < n) {
        n = (int)quota + ((double)(int)quota < quota); /* half a CPU still needs a thread */
    }
    n = n < 1 ? 1 : n;
    return n > EG_MAX_THREADS ? EG_MAX_THREADS : n;
}

/* What the kernel could give without swapping; 0 if it does not say. */
static uint64_t free_memory(void)
{
    char line[256];
    uint64_t kib = 0;
    FILE *file = fopen("/proc/meminfo", "r");

    if (file != NULL) {
        while (fgets(line, sizeof line, file) != NULL &&
               sscanf(line, "MemAvailable: %" SCNu64, &kib) != 1) {
        }
        fclose(file);
    }
    return kib * 1024;
}

uint64_t eagle_memory_available(void)
{
    uint64_t free = free_memory();
    uint64_t limit = eg_cgroup_memory("");

    return limit > 0 && (free == 0 || limit < free) ? limit : free;
}
