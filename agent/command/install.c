/* `etcd-usher install DIR`: copies the launcher, which lies beside this program, for containers that share DIR. */
#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "usher/command/commands.h"
#include "usher/command/common.h"
#include "usher/host/text_file.h"

enum { LAUNCHER_BYTES = 4 * 1024 * 1024, INSTALLED_MODE = 0755 };

static bool install(const char *directory, struct usher_error *err)
{
    char own[PATH_BYTES], from[PATH_BYTES + 32], to[PATH_BYTES + 32];
    ssize_t length = readlink("/proc/self/exe", own, sizeof own - 1);
    struct bounded_text text;
    struct stat entry;
    char *slash;
    bool is_done = false;

    if (stat(directory, &entry) == 0 && !S_ISDIR(entry.st_mode))
        return usher_error_set(err, "%s is not a directory", directory);
    if (length < 0)
        return usher_error_errno(err, errno, "cannot tell where this program lies");
    own[length] = '\0';
    slash = strrchr(own, '/');
    if (slash != NULL)
        *slash = '\0';
    snprintf(from, sizeof from, "%s/etcd-usher-exec", own);
    snprintf(to, sizeof to, "%s/etcd-usher-exec", directory);
    bounded_text_init(&text, LAUNCHER_BYTES);
    switch (text_file_read(from, LAUNCHER_BYTES, &text, err)) {
    case TEXT_FILE_READ:
        is_done = text_file_write(to, bounded_text_c(&text), text.length_bytes, INSTALLED_MODE, false, err);
        break;
    case TEXT_FILE_ABSENT:
        is_done = usher_error_set(err, "the launcher %s is missing", from);
        break;
    case TEXT_FILE_UNREADABLE:
    case TEXT_FILE_UNKNOWN:
        is_done = false;
        break;
    }
    bounded_text_done(&text);
    return is_done;
}

enum usher_exit command_install(int argc, char *argv[])
{
    bool wants_help = command_wants_help(argc, argv);
    struct usher_error err = {0};

    if (wants_help || argc != 2 || argv[1][0] == '-') {
        fputs("usage: etcd-usher install DIR\n\n"
              "Copies the launcher etcd-usher-exec, which lies beside this program, into DIR: a directory that etcd's\ncontainer shares.\n",
              wants_help ? stdout : stderr);
        return wants_help ? USHER_EXIT_DONE : USHER_EXIT_USAGE;
    }
    return command_end("install", install(argv[1], &err) ? USHER_EXIT_DONE : USHER_EXIT_FAILED, &err);
}
