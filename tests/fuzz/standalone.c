/* SPDX-License-Identifier: MIT */
/* standalone.c - a plain fuzzer for compilers without libFuzzer: runs every seed, then mutants of
 * the seeds until the time is up. It takes libFuzzer's -max_total_time=N and ignores its other
 * options; directories are seeds. Without coverage it finds less, but it finds.
 *
 * An input that ends the program is left in "crash-input" of the current directory. */
#include "fuzz/fuzz.h"

#include <dirent.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define MAX_SEEDS 4096
#define MAX_SIZE  65536

static struct {
    uint8_t *data;
    size_t size;
} seeds[MAX_SEEDS];
static size_t n_seeds;
static uint64_t random_state;

/* xorshift64*: any generator will do. */
static uint64_t draw(uint64_t below)
{
    random_state ^= random_state >> 12;
    random_state ^= random_state << 25;
    random_state ^= random_state >> 27;
    return (random_state * UINT64_C(0x2545f4914f6cdd1d) >> 16) % below;
}

static void read_seed(const char *path)
{
    static uint8_t data[MAX_SIZE];
    FILE *file = fopen(path, "rb");

    if (file == NULL) {
        return;
    }
    size_t size = fread(data, 1, sizeof data, file);

    fclose(file);
    if (n_seeds < MAX_SEEDS && (seeds[n_seeds].data = malloc(size + 1)) != NULL) {
        memcpy(seeds[n_seeds].data, data, size);
        seeds[n_seeds++].size = size;
    }
}

static void read_seeds(const char *dir)
{
    DIR *stream = opendir(dir);
    struct dirent *entry;
    char path[4096];

    while (stream != NULL && (entry = readdir(stream)) != NULL) {
        snprintf(path, sizeof path, "%s/%s", dir, entry->d_name);
        if (entry->d_name[0] != '.') {
            read_seed(path);
        }
    }
    if (stream != NULL) {
        closedir(stream);
    }
}

static void run(const uint8_t *data, size_t size)
{
    FILE *file = fopen("crash-input", "wb"); /* so that it is there if this run is the last */

    if (file != NULL) {
        fwrite(data, 1, size, file);
        fclose(file);
    }
    LLVMFuzzerTestOneInput(data, size);
}

/* A seed with a few bytes changed, dropped, or replaced by a piece of another seed. */
static size_t mutate(uint8_t *out)
{
    size_t from = draw(n_seeds);
    size_t size = seeds[from].size;

    memcpy(out, seeds[from].data, size);
    for (uint64_t i = draw(8) + 1; i > 0 && size > 0; i--) {
        size_t at = draw(size);
        size_t other = draw(n_seeds);
        size_t n;

        switch (draw(4)) {
        case 0: out[at] ^= (uint8_t)(1u << draw(8)); break;
        case 1: out[at] = (uint8_t)draw(256); break;
        case 2: /* drop */
            n = draw(size - at) % 64;
            memmove(out + at, out + at + n, size - at - n);
            size -= n;
            break;
        default: /* splice */
            n = seeds[other].size < size - at ? seeds[other].size : size - at;
            memcpy(out + at, seeds[other].data, n);
            break;
        }
    }
    return size;
}

int main(int argc, char **argv)
{
    static uint8_t mutant[MAX_SIZE];
    long seconds = 10;
    unsigned long runs = 0;

    for (int i = 1; i < argc; i++) {
        if (sscanf(argv[i], "-max_total_time=%ld", &seconds) != 1 && argv[i][0] != '-') {
            read_seeds(argv[i]);
        }
    }
    random_state = (uint64_t)time(NULL) * 2 + 1;
    printf("seed %llu, %zu inputs\n", (unsigned long long)random_state, n_seeds);
    for (size_t i = 0; i < n_seeds; i++) {
        run(seeds[i].data, seeds[i].size);
    }
    for (time_t end = time(NULL) + seconds; n_seeds > 0 && time(NULL) < end; runs++) {
        run(mutant, mutate(mutant));
    }
    remove("crash-input");
    for (size_t i = 0; i < n_seeds; i++) {
        free(seeds[i].data);
    }
    printf("%lu mutants, nothing found\n", runs);
    return n_seeds == 0;
}
