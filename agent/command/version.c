#include <stdio.h>

#include "usher/command/commands.h"
#include "usher/command/common.h"

enum usher_exit command_version(int argc, char *argv[])
{
    if (argc > 1) {
        bool wants_help = command_wants_help(argc, argv);
        fputs("usage: etcd-usher version\n", wants_help ? stdout : stderr);
        return wants_help ? USHER_EXIT_DONE : USHER_EXIT_USAGE;
    }
    puts("etcd-usher " USHER_VERSION);
    return USHER_EXIT_DONE;
}
