#!/usr/bin/python3
"""Process 1 of a machine. It starts daemons, starts one again that ended, reaps what its children leave behind, and ends when its standard
input does: with it the kernel ends everything else in the machine, so that nothing outlives the lab, however that ends.

One JSON object a line on standard input, {"do": "start", "name", "args", "env", "log"} or {"do": "kill", "name"}; each gets one of answer.
"""
import json
import os
import select
import signal
import sys
import time

PAUSE_S = 0.5  # before a daemon that ended is started again


class Daemon:
    def __init__(self, args, env, log):
        self.args, self.env, self.log = args, env, log
        self.pid, self.again_at = 0, None

    def start(self):
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND
        actions = [(os.POSIX_SPAWN_OPEN, 0, "/dev/null", os.O_RDONLY, 0), (os.POSIX_SPAWN_OPEN, 1, self.log, flags, 0o644),
                   (os.POSIX_SPAWN_DUP2, 1, 2)]
        self.again_at = None
        self.pid = os.posix_spawnp(self.args[0], self.args, self.env, file_actions=actions, setsid=True, setsigdef=[signal.SIGPIPE])


def reap(daemons):
    while True:
        try:
            pid, status = os.waitpid(-1, os.WNOHANG)
        except ChildProcessError:
            return
        if pid == 0:
            return
        for name, daemon in daemons.items():
            if daemon.pid == pid:
                print(f"{name} ended with {os.waitstatus_to_exitcode(status)}", file=sys.stderr, flush=True)
                daemon.pid, daemon.again_at = 0, time.monotonic() + PAUSE_S


def obey(order, daemons):
    name = order["name"]
    if order["do"] == "start":
        daemons[name] = Daemon(order["args"], order["env"], order["log"])
        daemons[name].start()
        return {"pid": daemons[name].pid}
    daemon = daemons.pop(name, None)
    if daemon is not None and daemon.pid:
        os.kill(daemon.pid, signal.SIGKILL)
        os.waitpid(daemon.pid, 0)
    return {"pid": 0}


def start_again(daemons):
    """Starts what is due; says how long to wait for the next, or None."""
    due = []
    for daemon in daemons.values():
        if daemon.again_at is not None and daemon.again_at <= time.monotonic():
            daemon.start()
        if daemon.again_at is not None:
            due.append(daemon.again_at)
    return max(0.0, min(due) - time.monotonic()) if due else None


def main():
    woken, waker = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(waker, warn_on_full_buffer=False)
    daemons, pending = {}, b""
    print(json.dumps({"pid": os.getpid()}), flush=True)
    while True:
        ready, _, _ = select.select([0, woken], [], [], start_again(daemons))
        if woken in ready:
            os.read(woken, 4096)
            reap(daemons)
        if 0 in ready:
            piece = os.read(0, 65536)
            if not piece:
                return
            *lines, pending = (pending + piece).split(b"\n")
            for line in lines:
                try:
                    answer = obey(json.loads(line), daemons)
                except OSError as error:
                    answer = {"error": str(error)}
                print(json.dumps(answer), flush=True)


main()
