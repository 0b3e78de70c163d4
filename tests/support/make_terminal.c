/* SPDX-License-Identifier: MIT */
/* make_terminal.c - runs a command with a pseudo terminal as its stdout, and copies what it writes
 * there, for the scripts that test what people see.
 *
 *     make_terminal COMMAND [ARGUMENT...]
 *
 * Exit code of the command, or 125. The terminal writes \r\n for \n. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

/* Opens both ends; false when the system has no pseudo terminals. */
static int open_pair(int *master, int *slave)
{
    *slave = -1;
    *master = posix_openpt(O_RDWR | O_NOCTTY);
    if (*master >= 0 && grantpt(*master) == 0 && unlockpt(*master) == 0) {
        *slave = open(ptsname(*master), O_RDWR | O_NOCTTY);
    }
    return *slave >= 0;
}

int main(int argc, char **argv)
{
    int master = -1;
    int slave = -1;
    int status = 0;
    char buffer[4096];
    ssize_t n = 0;
    pid_t child = 0;

    if (argc < 2 || !open_pair(&master, &slave)) {
        return 125;
    }
    child = fork();
    if (child == 0) {
        dup2(slave, STDOUT_FILENO);
        close(master);
        close(slave);
        execvp(argv[1], argv + 1);
        _exit(125);
    }
    close(slave);
    while (child > 0 && (n = read(master, buffer, sizeof buffer)) > 0) {
        fwrite(buffer, 1, (size_t)n, stdout); /* read fails when the last writer is gone */
    }
    if (child < 0 || waitpid(child, &status, 0) != child || !WIFEXITED(status)) {
        return 125;
    }
    return WEXITSTATUS(status);
}
