/* The subcommand table. */
#include <stdio.h>
#include <string.h>

#include "usher/command/commands.h"
#include "usher/host/error.h"

static const struct command commands[] = {
    {"init", command_init, "decide how this pod's etcd starts, register it, write the start plan (init container)"},
    {"sidecar", command_sidecar, "answer probes, promote and take out this pod's own member (beside etcd)"},
    {"leave", command_leave, "order this pod's member out of the cluster (through the sidecar)"},
    {"status", command_status, "print what the sidecar knows, as JSON"},
    {"explain", command_explain, "print decision and reason for a saved snapshot, or all reasons (--reasons)"},
    {"install", command_install, "copy etcd-usher-exec into a shared directory"},
    {"version", command_version, "print the version"},
};

static void print_usage(FILE *to)
{
    fputs("usage: etcd-usher COMMAND [FLAGS]\n\ncommands:\n", to);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        fprintf(to, "  %-9s %s\n", commands[i].name, commands[i].help);
    fputs("\n`etcd-usher COMMAND --help` lists the flags of a command.\n", to);
}

int main(int argc, char *argv[])
{
    if (argc < 2) {
        print_usage(stderr);
        return USHER_EXIT_USAGE;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0 || strcmp(argv[1], "help") == 0) {
        print_usage(stdout);
        return USHER_EXIT_DONE;
    }
    if (strcmp(argv[1], "--version") == 0)
        return (int)command_version(argc - 1, argv + 1);
    for (size_t i = 0; i < sizeof commands / sizeof commands[0]; i++)
        if (strcmp(argv[1], commands[i].name) == 0)
            return (int)commands[i].run(argc - 1, argv + 1);
    fprintf(stderr, "etcd-usher: no such command: %s\n\n", argv[1]);
    print_usage(stderr);
    return USHER_EXIT_USAGE;
}
