/* SPDX-License-Identifier: MIT */
/* lib_hostile.c - runs a reader over the malformed directories of testdata/bad. */
#include "support/lib_hostile.h"

#include "support/lib_scratch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define BAD "testdata/bad"

/* Lays the defect over a copy of the base; X.missing removes X. */
static void assemble(const char *dir, const char *base, const char *name)
{
    static const char *const files[] = {"config.json", "model.safetensors", "tokenizer.json"};
    char path[SCRATCH_PATH];
    char marker[SCRATCH_PATH];

    scratch_copy(dir, base);
    scratch_join(path, BAD, name);
    scratch_copy(dir, path);
    for (size_t i = 0; i < sizeof files / sizeof files[0]; i++) {
        scratch_join(path, dir, files[i]);
        snprintf(marker, sizeof marker, "%.500s.missing", path);
        if (access(marker, F_OK) == 0) {
            unlink(path);
        }
    }
}

/* Says what is wrong with the reader's answer; 0 if nothing is. */
static int judge(const char *name, eagle_status st, const eagle_error *err, int code,
                 const char *piece)
{
    const char *wrong = NULL;

    if (eagle_exit_code(st) != code) {
        wrong = "another exit code";
    } else if (err->code != st) {
        wrong = "another code in the record";
    } else if (strstr(err->message, piece) == NULL) {
        wrong = "the piece is not in the message";
    } else if (strchr(err->message, '\n') != NULL) {
        wrong = "more than one line";
    }
    if (wrong != NULL) {
        printf("# %s: %s: exit %d, \"%s\"; expected %d, \"%s\"\n", name, wrong, eagle_exit_code(st),
               err->message, code, piece);
    }
    return wrong != NULL;
}

int hostile_run(int *failed, const char *stage, const char *base, hostile_reader *read)
{
    char line[1024];
    FILE *list = fopen(BAD "/expect.txt", "r");
    int n = 0;

    if (list == NULL) {
        printf("# " BAD "/expect.txt cannot be opened\n");
        ++*failed;
        return 0;
    }
    while (fgets(line, sizeof line, list) != NULL) {
        char *name = strtok(line, "\t\n");
        char *found = strtok(NULL, "\t\n");
        char *code = strtok(NULL, "\t\n");
        char *piece = strtok(NULL, "\t\n");
        char dir[SCRATCH_PATH];
        eagle_error err = {0};

        if (code == NULL || strcmp(found, stage) != 0) {
            continue;
        }
        scratch_create(dir);
        assemble(dir, base, name);

        eagle_status st = read(dir, &err);

        *failed += judge(name, st, &err, atoi(code), piece != NULL ? piece : "");
        scratch_remove(dir);
        n++;
    }
    fclose(list);
    return n;
}
