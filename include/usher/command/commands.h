/* One file a subcommand: parse, wire the parts together, run; no logic of its own. argv[0] is the subcommand's name. */
#ifndef USHER_COMMAND_COMMANDS_H
#define USHER_COMMAND_COMMANDS_H

#include "usher/host/error.h"

struct command {
    const char *name;
    enum usher_exit (*run)(int argc, char *argv[]);
    const char *help;
};

enum usher_exit command_init(int argc, char *argv[]);
enum usher_exit command_sidecar(int argc, char *argv[]);
enum usher_exit command_leave(int argc, char *argv[]);
enum usher_exit command_status(int argc, char *argv[]);
enum usher_exit command_explain(int argc, char *argv[]);
enum usher_exit command_install(int argc, char *argv[]);
enum usher_exit command_version(int argc, char *argv[]);

#define USHER_VERSION "0.1.0"

#endif
