/* SPDX-License-Identifier: MIT */
/* cpu.c - what this CPU and its operating system can do.
 *
 * Every extension is asked for by its own bit: AVX2 does not imply FMA, nor either of them
 * F16C, and a hypervisor may hide any. A CPU that has wide registers is of no use under an
 * operating system that does not save them, so XCR0 is asked too. */
#include "base/cpu.h"

#include "eagle/runtime.h"

#include <pthread.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#if defined(__x86_64__) || defined(__i386__)
#include <cpuid.h>

/* Registers of one CPUID leaf, zero where the CPU does not know the leaf. */
typedef struct {
    uint32_t a;
    uint32_t b;
    uint32_t c;
    uint32_t d;
} leaf;

static leaf cpuid(uint32_t number, uint32_t sub)
{
    leaf r = {0};

    if (!__get_cpuid_count(number, sub, &r.a, &r.b, &r.c, &r.d)) {
        return (leaf){0};
    }
    return r;
}

static bool bit(uint32_t word, int i)
{
    return (word >> i & 1u) != 0;
}

/* XCR0, the register sets that the operating system saves. Only with OSXSAVE. */
static uint32_t saved_registers(void)
{
    uint32_t low;
    uint32_t high;

    __asm__ volatile("xgetbv" : "=a"(low), "=d"(high) : "c"(0));
    (void)high;
    return low;
}

static eg_cpu detect(void)
{
    const uint32_t ymm = 0x6;         /* SSE and AVX state                       */
    const uint32_t zmm = ymm | 0xe0u; /* and mask registers, zmm0-15 high, 16-31 */
    leaf one = cpuid(1, 0);
    leaf seven = cpuid(7, 0);
    bool osxsave = bit(one.c, 27);
    uint32_t saved = osxsave ? saved_registers() : 0;
    bool avx = bit(one.c, 28) && (saved & ymm) == ymm;
    bool avx512 = avx && (saved & zmm) == zmm;

    return (eg_cpu){
        .avx2 = avx && bit(seven.b, 5),
        .fma = avx && bit(one.c, 12),
        .f16c = avx && bit(one.c, 29),
        .avx512 = avx512 && bit(seven.b, 16) && bit(seven.b, 17) && /* F, DQ  */
                  bit(seven.b, 30) && bit(seven.b, 31),             /* BW, VL */
    };
}

/* The brand string, 3 leaves of 16 characters. */
static void read_name(char *name, size_t size)
{
    char brand[49] = {0};

    for (uint32_t i = 0; i < 3; i++) {
        leaf part = cpuid(0x80000002u + i, 0);

        memcpy(brand + (size_t)16 * i, &part, sizeof part);
    }
    snprintf(name, size, "%s", brand);
}

#else

static eg_cpu detect(void)
{
#if defined(__aarch64__)
    return (eg_cpu){.neon = true}; /* part of the base architecture */
#else
    return (eg_cpu){0};
#endif
}

/* The kernel's words: "model name" where it has one, else the maker's code for the part. */
static void read_name(char *name, size_t size)
{
    static const char *const keys[] = {"model name", "CPU part"};
    char line[256];
    FILE *file = fopen("/proc/cpuinfo", "r");

    for (size_t k = 0; file != NULL && k < 2 && name[0] == '\0'; k++) {
        rewind(file);
        while (name[0] == '\0' && fgets(line, sizeof line, file) != NULL) {
            const char *value = strchr(line, ':');

            if (value != NULL && strncmp(line, keys[k], strlen(keys[k])) == 0) {
                snprintf(name, size, "%s%s", k == 0 ? "" : "ARM part", value + 1);
            }
        }
    }
    if (file != NULL) {
        fclose(file);
    }
}

#endif

/* Asked once: under a hypervisor a CPUID costs some ten microseconds, and every law asks for the
 * best kernels. */
static pthread_once_t detected = PTHREAD_ONCE_INIT;
static eg_cpu this_cpu;

static void set_cpu(void)
{
    this_cpu = detect();
}

eg_cpu eg_cpu_detect(void)
{
    pthread_once(&detected, set_cpu);
    return this_cpu;
}

static pthread_once_t named = PTHREAD_ONCE_INIT;
static char cpu_name[128];

static void set_name(void)
{
    char raw[128] = "";
    char *end = cpu_name;

    read_name(raw, sizeof raw);
    for (const char *c = raw; *c != '\0'; c++) { /* one space between words, none around */
        bool space = *c == ' ' || *c == '\t' || *c == '\n';

        if (!space) {
            *end++ = *c;
        } else if (end > cpu_name && end[-1] != ' ') {
            *end++ = ' ';
        }
    }
    if (end > cpu_name && end[-1] == ' ') {
        end--;
    }
    *end = '\0';
    if (cpu_name[0] == '\0') {
        strcpy(cpu_name, "unknown");
    }
}

const char *eagle_cpu_name(void)
{
    pthread_once(&named, set_name);
    return cpu_name;
}
