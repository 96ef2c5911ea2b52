#include <stdio.h>

#include "usher/command/commands.h"

enum usher_exit command_version(int argc, char *argv[])
{
    (void)argc;
    (void)argv;
    puts("etcd-usher " USHER_VERSION);
    return USHER_EXIT_DONE;
}
