"""Processes that a test starts and ends, by PID; nothing outlives the test."""
import ctypes
import os
import signal
import subprocess
import time

LIBC = ctypes.CDLL(None, use_errno=True)
PR_SET_PDEATHSIG = 1


def die_with_parent():
    LIBC.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)


class Process:
    def __init__(self, args, log, env):
        self.log = log
        with open(log, "ab") as out:
            self.popen = subprocess.Popen([str(arg) for arg in args], stdin=subprocess.DEVNULL, stdout=out, stderr=out,
                                          env={"PATH": os.environ["PATH"], **env}, preexec_fn=die_with_parent)

    @property
    def is_running(self):
        return self.popen.poll() is None

    def signal(self, number):
        if self.is_running:
            self.popen.send_signal(number)

    def stop(self, limit=40.0):
        """SIGTERM, and SIGKILL when that does not end it in time."""
        self.signal(signal.SIGTERM)
        return self.wait(limit)

    def kill(self):
        self.signal(signal.SIGCONT)
        self.signal(signal.SIGKILL)
        return self.wait(10)

    def wait(self, limit):
        try:
            return self.popen.wait(limit)
        except subprocess.TimeoutExpired:
            self.popen.kill()
            return self.popen.wait(10)

    def tail(self, lines=25):
        try:
            with open(self.log, errors="replace") as text:
                return "".join(line[:400] if line.endswith("\n") else line[:400] + "\n" for line in text.readlines()[-lines:])
        except OSError:
            return ""


def wait_until(condition, what, limit=60.0, every=0.03):
    deadline = time.monotonic() + limit
    while True:
        value = condition()
        if value:
            return value
        assert time.monotonic() < deadline, f"waited {limit:.0f} s in vain: {what() if callable(what) else what}"
        time.sleep(every)
