/* etcd-usher-exec [--leave-first] -- etcd FLAGS...   waits for the plan, then becomes etcd
 * etcd-usher-exec leave                              asks the sidecar (for exec hooks)
 * Exit: etcd's own; 2 usage; 3 refused; 128+signal when stopped while waiting. */
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "launcher.h"

enum { POLL_MS = 50, SAY_AGAIN_MS = 10 * 1000 };

static struct launch_plan plan; /* the one plan of this program; too large for a small stack */

static int usage(void)
{
    say("usage: etcd-usher-exec [--leave-first] -- etcd FLAGS... | etcd-usher-exec leave", END);
    return EXIT_USAGE;
}

static volatile sig_atomic_t stop_signal;
static void note_signal(int number) { stop_signal = number; }

static void catch_signals(bool catches)
{
    struct sigaction action = {.sa_handler = catches ? note_signal : SIG_DFL};

    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static void say_waiting(const char *reason, const char *message, long long waited_ms)
{
    char seconds[24], *at = seconds + sizeof seconds - 1;
    long long value = waited_ms / 1000;

    *at = '\0';
    do
        *--at = (char)('0' + value % 10);
    while ((value /= 10) > 0);
    say("holding etcd back for ", at, " s: ", reason, ": ", message, END);
}

/* A plan `new` whose etcd has started once must not found again when the data is gone: the mark is the plan's own token. */
static bool was_launched(const char *token, bool marks)
{
    char path[4096], old[512];
    size_t length = strlen(plan_directory());
    (void)old;

    if (length + 16 > sizeof path)
        return true;
    memcpy(path, plan_directory(), length);
    memcpy(path + length, "/launched", 10);
    if (marks) {
        unlink(path);
        return symlink(token, path) != 0; /* a link holds the token: written in one step, never half */
    }
    ssize_t count = readlink(path, old, sizeof old - 1);
    return count > 0 && (size_t)count == strlen(token) && memcmp(old, token, (size_t)count) == 0;
}

/* Until the plan says start. False: a signal came. */
static bool wait_for_plan(void)
{
    long long began_ms = now_ms(), said_ms = -SAY_AGAIN_MS;
    char last[64] = "-";

    for (;;) {
        enum plan_reading reading = plan_file_read(&plan);
        const char *reason = "no-plan", *message = "waiting for the start plan of etcd-usher init";
        if (reading == PLAN_READING_WHOLE && strcmp(plan.state, "start") == 0) {
            bool is_new = strcmp(plan.initial_cluster_state, "new") == 0;
            if (!is_new || !was_launched(plan.token, false))
                return true;
            reason = "founded-before";
            message = "this plan founded a cluster once already; waiting for a new plan";
        } else if (reading == PLAN_READING_WHOLE) {
            reason = plan.reason;
            message = plan.message;
        }
        if (strncmp(last, reason, sizeof last - 1) != 0 || now_ms() - said_ms >= SAY_AGAIN_MS) {
            size_t length = strlen(reason) < sizeof last ? strlen(reason) : sizeof last - 1;
            memcpy(last, reason, length);
            last[length] = '\0';
            said_ms = now_ms();
            say_waiting(reason, message, said_ms - began_ms);
        }
        if (stop_signal != 0)
            return false;
        poll(NULL, 0, POLL_MS);
        if (stop_signal != 0)
            return false;
    }
}

static int launch(char **argv, bool leaves_first)
{
    catch_signals(true);
    if (!wait_for_plan())
        return 128 + stop_signal;
    if (!rewrite_for_plan(&plan, argv))
        return EXIT_REFUSED;
    if (strcmp(plan.initial_cluster_state, "new") == 0 && was_launched(plan.token, true)) {
        say("cannot write the mark `launched` in the plan directory", END);
        return EXIT_FAILED;
    }
    catch_signals(false);
    if (stop_signal != 0) /* it came after the plan: etcd would never hear of it */
        return 128 + stop_signal;
    if (leaves_first)
        return supervise(argv);
    execvp(argv[0], argv);
    say("cannot start ", argv[0], END);
    return 127;
}

int main(int argc, char *argv[])
{
    bool leaves_first = false;
    int at = 1;

    if (argc == 2 && strcmp(argv[1], "leave") == 0) {
        int code = control_leave(leave_limit_ms());
        if (code < 0)
            say("the sidecar did not answer; the member stays as it is", END);
        return code < 0 ? EXIT_FAILED : code;
    }
    if (argc == 2 && (strcmp(argv[1], "version") == 0 || strcmp(argv[1], "--version") == 0)) {
        say("0.1.0", END);
        return EXIT_DONE;
    }
    if (at < argc && strcmp(argv[at], "--leave-first") == 0) {
        leaves_first = true;
        at++;
    }
    if (at + 1 >= argc || strcmp(argv[at], "--") != 0)
        return usage();
    return launch(argv + at + 1, leaves_first);
}
