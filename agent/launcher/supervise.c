/* --leave-first: the parent of etcd. SIGTERM asks the sidecar to take the member out first, then goes on to etcd. As PID 1 it reaps whatever
 * ends. Signals are blocked and taken one by one: no handlers. */
#include <errno.h>
#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include "launcher.h"

static pid_t start_child(char **argv, const sigset_t *old_mask)
{
    pid_t child = fork();

    if (child == 0) {
        sigprocmask(SIG_SETMASK, old_mask, NULL);
        execvp(argv[0], argv);
        say("cannot start ", argv[0], END);
        _exit(127);
    }
    return child;
}

/* The child's end as this program's exit status; -1 = it still runs. */
static int reap(pid_t child)
{
    int status, result = -1;
    pid_t ended;

    while ((ended = waitpid(-1, &status, WNOHANG)) > 0)
        if (ended == child)
            result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    return result;
}

/* The leave is asked by a child of its own, so that etcd's end and further signals are still noticed meanwhile. */
static pid_t start_leave(void)
{
    pid_t asker = fork();

    if (asker == 0)
        _exit(control_leave(leave_limit_ms()) < 0 ? 1 : 0);
    return asker;
}

int supervise(char **argv)
{
    sigset_t all, old_mask;
    pid_t child, asker = 0;

    sigfillset(&all);
    sigprocmask(SIG_SETMASK, &all, &old_mask);
    child = start_child(argv, &old_mask);
    if (child < 0) {
        say("cannot fork", END);
        return EXIT_FAILED;
    }
    for (;;) {
        siginfo_t info;
        int signal_number = sigwaitinfo(&all, &info);
        if (signal_number == SIGCHLD) {
            int status, result = -1;
            pid_t ended;
            while ((ended = waitpid(-1, &status, WNOHANG)) > 0) {
                if (ended == child)
                    result = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
                if (ended == asker && asker > 0) {
                    asker = -1;
                    kill(child, SIGTERM);
                }
            }
            if (result >= 0) {
                if (asker > 0)
                    kill(asker, SIGKILL);
                reap(child);
                return result;
            }
        } else if (signal_number == SIGTERM && asker == 0) {
            asker = start_leave();
            if (asker < 0)
                kill(child, SIGTERM);
        } else if (signal_number > 0 && signal_number != SIGTERM) {
            kill(child, signal_number);
        } else if (signal_number == SIGTERM && asker < 0) {
            kill(child, SIGTERM);
        } else if (signal_number < 0 && errno != EINTR) {
            return EXIT_FAILED;
        }
    }
}
