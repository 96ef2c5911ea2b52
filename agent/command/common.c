#include "usher/command/common.h"

#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <unistd.h>

bool command_wants_help(int argc, char *const argv[])
{
    for (int i = 1; i < argc; i++)
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    return argc == 2 && strcmp(argv[1], "help") == 0;
}

bool command_settings(enum settings_command command, const char *name, int argc, char *argv[], struct settings *out,
                      enum usher_exit *out_exit)
{
    struct usher_error err = {0};

    if (command_wants_help(argc, argv)) {
        printf("usage: etcd-usher %s [FLAGS]\n\nflags (each is also an environment variable):\n", name);
        settings_print_help(stdout, command);
        *out_exit = USHER_EXIT_DONE;
        return false;
    }
    if (!settings_read(command, argc, argv, environ, out, &err)) {
        *out_exit = command_end(name, err.exit, &err);
        return false;
    }
    log_setup(out->log_format, out->log_level, name);
    return true;
}

void command_harden(void)
{
    struct rlimit none = {0, 0};

    prctl(PR_SET_DUMPABLE, 0);
    setrlimit(RLIMIT_CORE, &none);
}

enum usher_exit command_end(const char *name, enum usher_exit exit, const struct usher_error *err)
{
    int fd;

    if (exit == USHER_EXIT_DONE)
        return exit;
    fprintf(stderr, "etcd-usher %s: %s\n", name, err->text);
    fd = open("/dev/termination-log", O_WRONLY | O_TRUNC | O_CLOEXEC);
    if (fd >= 0) {
        ssize_t written = write(fd, err->text, strnlen(err->text, sizeof err->text));
        (void)written; /* best effort: the same words stand in the log */
        close(fd);
    }
    return exit;
}
