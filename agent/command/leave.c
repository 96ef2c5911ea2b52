/* `etcd-usher leave`: an operator's order, over the control socket. `etcd-usher status`: what the sidecar knows. */
#include <stdio.h>
#include <stdlib.h>

#include "usher/command/commands.h"
#include "usher/command/common.h"
#include "usher/serve/control.h"

enum { STATUS_LIMIT_MS = 5000, LEAVE_SLACK_MS = 5000 };

static void print_progress(void *self, const char *text)
{
    (void)self;
    fprintf(stderr, "%s\n", text);
}

static enum usher_exit ask(const char *name, const struct settings *settings, const char *line, int64_t limit_ms)
{
    struct control_verdict verdict = {.exit = USHER_EXIT_FAILED};
    struct usher_error err = {0};
    struct bounded_text text;

    bounded_text_init(&text, CONTROL_ANSWER_BYTES);
    if (!control_ask(settings->plan_dir, line, deadline_in_ms(limit_ms), print_progress, NULL, &verdict, &text, &err)) {
        bounded_text_done(&text);
        return command_end(name, err.exit, &err);
    }
    printf("%s\n", bounded_text_c(&text));
    bounded_text_done(&text);
    return verdict.exit;
}

static enum usher_exit run(enum settings_command command, const char *name, const char *line, int argc, char *argv[])
{
    struct settings *settings = calloc(1, sizeof *settings);
    enum usher_exit result = USHER_EXIT_FAILED;

    if (settings != NULL && command_settings(command, name, argc, argv, settings, &result))
        result = ask(name, settings, line, command == SETTINGS_FOR_LEAVE ? settings->leave_timeout_ms + LEAVE_SLACK_MS : STATUS_LIMIT_MS);
    free(settings);
    return result;
}

enum usher_exit command_leave(int argc, char *argv[]) { return run(SETTINGS_FOR_LEAVE, "leave", CONTROL_LEAVE_ORDER, argc, argv); }

enum usher_exit command_status(int argc, char *argv[]) { return run(SETTINGS_FOR_STATUS, "status", CONTROL_STATUS, argc, argv); }
