/* SPDX-License-Identifier: MIT */
/* bench_load.c - how busy the machine is with others, and how much memory this process took. */
#include "cli/bench.h"
#include "cli/messages.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

static double seconds(struct timeval t)
{
    return (double)t.tv_sec + 1e-6 * (double)t.tv_usec;
}

bool eg_load_read(eg_load *out)
{
    FILE *file = fopen("/proc/stat", "r");
    double tick[8] = {0}; /* user nice system idle iowait irq softirq steal */
    long per_second = sysconf(_SC_CLK_TCK);
    long n_cpus = sysconf(_SC_NPROCESSORS_ONLN);
    struct rusage self;
    int n = 0;

    if (file == NULL) {
        return false;
    }
    n = fscanf(file, "cpu %lf %lf %lf %lf %lf %lf %lf %lf", &tick[0], &tick[1], &tick[2], &tick[3],
               &tick[4], &tick[5], &tick[6], &tick[7]);
    fclose(file);
    if (n != 8 || per_second <= 0 || n_cpus <= 0 || getrusage(RUSAGE_SELF, &self) != 0) {
        return false;
    }
    out->wall = eagle_clock();
    out->busy = (tick[0] + tick[1] + tick[2] + tick[5] + tick[6] + tick[7]) / (double)per_second;
    out->own = seconds(self.ru_utime) + seconds(self.ru_stime);
    out->n_cpus = (int32_t)n_cpus;
    return true;
}

uint64_t eg_peak_memory(void)
{
    struct rusage self;

    if (getrusage(RUSAGE_SELF, &self) != 0) {
        return 0;
    }
    return (uint64_t)self.ru_maxrss * 1024; /* Linux counts in KiB */
}
