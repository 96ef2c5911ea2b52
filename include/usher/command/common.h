/* What the commands share: settings or usage, hardening of the process, the last line. */
#ifndef USHER_COMMAND_COMMON_H
#define USHER_COMMAND_COMMON_H

#include "usher/host/settings.h"

/* --help or -h anywhere, or `help` alone. */
bool command_wants_help(int argc, char *const argv[]);

/* False: the command ends with *out_exit (help was printed, or all bad settings were). */
USHER_MUST_CHECK bool command_settings(enum settings_command command, const char *name, int argc, char *argv[], struct settings *out,
                                       enum usher_exit *out_exit);

/* No core dumps: credentials live in this process. */
void command_harden(void);

/* Prints the error, and writes it to /dev/termination-log where there is one (Kubernetes shows it). Returns `exit`. */
enum usher_exit command_end(const char *name, enum usher_exit exit, const struct usher_error *err);

#endif
