/* SPDX-License-Identifier: MIT */
/* help.c - help and version. */
#include "cli/help.h"

#include <stdio.h>
#include <string.h>

/* The table of status.h. */
static const char exit_codes[] = "exit codes\n"
                                 "    0   done; a verification passed\n"
                                 "    1   a verification failed\n"
                                 "    2   usage\n"
                                 "    3   input that is missing, malformed or not supported\n"
                                 "    4   parts that do not fit each other\n"
                                 "    5   limits: memory, context, disk full, a failed write\n"
                                 "    6   NaN or infinity, or an unfit floating-point environment\n"
                                 "    7   inconclusive or only bounded; never a pass\n"
                                 "    8   near-tie only\n"
                                 "    9   lossy by configuration\n"
                                 "   70   internal error\n"
                                 "  130   ended by SIGINT; 143 by SIGTERM\n";

#define NAME_COLUMN 15

static void print_command(const char *name, const char *summary)
{
    printf("  %-*s %s\n", NAME_COLUMN, name, summary);
}

void eg_help_all(void)
{
    const eg_command *c = NULL;

    printf("eagle %s - EAGLE speculative decoding for CPUs\n\n"
           "usage: eagle COMMAND [options]\n\ncommands\n",
           eagle_version());
    for (int32_t i = 0; (c = eg_command_at(i)) != NULL; i++) {
        print_command(c->name, c->summary);
    }
    print_command("help", "this, or one command with its options: eagle help COMMAND");
    print_command("--version", "version, arithmetic, CPU, parts built in");
    printf("\n%s", exit_codes);
}

bool eg_help_group(const char *word)
{
    const eg_command *c = NULL;
    size_t size = strlen(word);
    bool any = false;

    for (int32_t i = 0; (c = eg_command_at(i)) != NULL; i++) {
        if (strncmp(c->name, word, size) == 0 && c->name[size] == ' ') {
            if (!any) {
                printf("usage: eagle %s COMMAND [options]\n\ncommands\n", word);
            }
            print_command(c->name, c->summary);
            any = true;
        }
    }
    return any;
}

#define HELP_COLUMN 34
#define LINE_END    100

/* Prints help words from HELP_COLUMN on, breaking lines before LINE_END. */
static void print_wrapped(const char *text, int column)
{
    while (*text != '\0') {
        int size = (int)strcspn(text, " ");

        if (column > HELP_COLUMN && column + 1 + size > LINE_END) {
            printf("\n%*s", HELP_COLUMN, "");
            column = HELP_COLUMN;
        } else if (column > HELP_COLUMN) {
            putchar(' ');
            column++;
        }
        printf("%.*s", size, text);
        column += size;
        text += size;
        text += strspn(text, " ");
    }
    putchar('\n');
}

/* `given`: the command's options when none is given. */
static void print_option(const eg_option *o, const eg_options *given)
{
    bool learning = o->place >= offsetof(eg_options, train) &&
                    o->place < offsetof(eg_options, train) + sizeof given->train;
    char left[80];
    char help[256];
    char value[EG_VALUE_TEXT];

    if (o->letter != 0) {
        snprintf(left, sizeof left, "-%c, --%s %s", o->letter, o->name,
                 o->argument != NULL ? o->argument : "");
    } else {
        snprintf(left, sizeof left, "    --%s %s", o->name, o->argument != NULL ? o->argument : "");
    }
    if (o->fallback != NULL) {
        snprintf(help, sizeof help, "%s (default %s)", o->help, o->fallback);
    } else if (learning) { /* the trainer's own defaults */
        snprintf(help, sizeof help, "%s (default %s)", o->help, eg_option_value(value, given, o));
    } else {
        snprintf(help, sizeof help, "%s", o->help);
    }
    if (strlen(left) + 3 > HELP_COLUMN) {
        printf("  %s\n%*s", left, HELP_COLUMN, "");
    } else {
        printf("  %-*s", HELP_COLUMN - 2, left);
    }
    print_wrapped(help, HELP_COLUMN);
}

eagle_status eg_help_command(const eg_command *command, eagle_error *err)
{
    eg_options given;
    eagle_status st = eg_command_defaults(&given, command, err);

    if (st != EAGLE_OK) {
        return st;
    }
    printf("usage: eagle %s %s\n\n%s\n\noptions\n", command->name, command->synopsis,
           command->summary);
    for (int32_t i = 0; i < EG_OPT_COUNT; i++) {
        const eg_option *o = eg_option_at(i);

        if ((o->commands & command->bit) != 0) {
            print_option(o, &given);
        }
    }
    printf("\n%s", exit_codes);
    return EAGLE_OK;
}

void eg_help_version(void)
{
    const eagle_part *part = NULL;

    printf("eagle %s\narithmetic %s\ncpu %s, %d usable\nisa %s", eagle_version(), eagle_contract(),
           eagle_cpu_name(), eagle_cpu_count(), eagle_isa_name(eagle_isa_best()));
    for (int isa = EAGLE_ISA_PORTABLE; isa <= EAGLE_ISA_NEON; isa++) {
        if ((eagle_isa)isa != eagle_isa_best() && eagle_isa_usable((eagle_isa)isa)) {
            printf(", %s", eagle_isa_name((eagle_isa)isa));
        }
    }
    printf("\nparts\n");
    for (int i = 0; (part = eagle_part_at(i)) != NULL; i++) {
        printf("  %-20s %s%s\n", part->name, part->present ? "" : "missing: install ",
               part->library);
    }
}
