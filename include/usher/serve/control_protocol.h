/* The control socket: a UNIX stream socket in the plan directory, mode 0660. Whoever reaches it stands in this pod; an order to
 * leave comes over it, so it is never offered over the network.
 *
 * The client sends ONE line, keeps its writing side open (its end means that the client is gone), and reads lines until `done`; then the
 * socket is closed:
 *   leave asked                an order (`etcd-usher leave`)
 *   leave evaluate exec-hook   the same evaluation as GET /prestop, asked by an exec hook or by --leave-first
 *   status                     what the sidecar knows
 * Answers:
 *   progress <text>                  any number of times
 *   done <exit> <reason> <text>      the exit code of the command (0 to 4), the reason's short name, one line for people;
 *                                    for `status` the text is a JSON object
 * No answer line holds a control character. A line that is not understood is answered with `done 2 unknown <text>`.
 *
 * Freestanding on purpose: the launcher, which links nothing but libc, includes this, too. */
#ifndef USHER_SERVE_CONTROL_PROTOCOL_H
#define USHER_SERVE_CONTROL_PROTOCOL_H

#define CONTROL_SOCKET_NAME "control.sock"
#define CONTROL_LEAVE_ORDER "leave asked"
#define CONTROL_LEAVE_HOOK "leave evaluate exec-hook"
#define CONTROL_STATUS "status"
#define CONTROL_PROGRESS "progress "
#define CONTROL_DONE "done "

enum {
    CONTROL_REQUEST_BYTES = 256,           /* with the newline */
    CONTROL_ANSWER_BYTES = 256 * 1024,     /* the longest line: the status */
    CONTROL_LEAVE_ANSWER_BYTES = 2 * 1024, /* the longest line for anything but the status */
};

#endif
