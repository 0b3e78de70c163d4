/* SPDX-License-Identifier: MIT */
/* machine.h - the share of the machine that control groups leave to this process. */
#ifndef EG_BASE_MACHINE_H
#define EG_BASE_MACHINE_H

#include <stdint.h>

/* The smallest limit on the way from this process's control group to the root, version 1 or 2.
 * `root` is put before /proc and /sys: "" on a real machine, a folder of files in a test. */
double eg_cgroup_cpus(const char *root);     /* CPUs; 0: unlimited  */
uint64_t eg_cgroup_memory(const char *root); /* bytes; 0: unlimited */

#endif
