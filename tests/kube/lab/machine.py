"""A machine made of namespaces (network, mounts, processes, host name, IPC) and a cgroup of its own."""
import json
import math
import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

HERE = Path(__file__).resolve().parent
NAMESPACES = ("net", "mnt", "pid", "uts", "ipc")
sys.path.insert(0, str(HERE.parents[1] / "cluster"))
from bed.process import wait_until  # noqa: E402

PATH = "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"


def command(*args, text=None, check=True, env=None, limit=120):
    """Runs a program to its end and returns what it printed; with `check` an exit status other than 0 is an error that shows everything."""
    args = [str(arg) for arg in args]
    done = subprocess.run(args, input=text, capture_output=True, text=True, env=env, timeout=limit, check=False)
    if check and done.returncode != 0:
        raise RuntimeError(f"{' '.join(args)}\nended with {done.returncode}: {done.stderr.strip()}\n{done.stdout.strip()}".rstrip())
    return done.stdout


class Cgroup:
    """The same folder in each cgroup hierarchy of this host. Where there is version 2 alone, processes may live in leaves only: the
    machine's own get one beside the groups of its pods. (That case was tried without a kubelet so far; hybrid is what was used.)"""

    LEAF = "machine"

    def __init__(self, name):
        self.name = name  # "/usher-lab-0/n1"
        roots, self.is_version_2 = self.hierarchies()
        self.folders = [root / name.lstrip("/") for root in roots]

    @staticmethod
    def hierarchies():
        mounts = [line.split() for line in Path("/proc/mounts").read_text(encoding="utf-8").splitlines()]
        old, new = ([Path(mount[1]) for mount in mounts if mount[2] == kind] for kind in ("cgroup", "cgroup2"))
        has_memory = any("memory" in mount[3].split(",") for mount in mounts if mount[2] == "cgroup")
        if has_memory:
            return old + new, False
        if not new or "memory" not in (new[0] / "cgroup.controllers").read_text():
            raise RuntimeError("the lab needs cgroups: no hierarchy here has the memory controller")
        return new[:1], True

    def make(self):
        for folder in self.folders:
            folder.mkdir(parents=True, exist_ok=True)
            if self.is_version_2:
                self.pass_controllers_on(folder)
            elif (folder / "cpuset.cpus").exists():  # empty in a new group: nothing could enter it
                for group in (folder.parent, folder):
                    for name in ("cpuset.cpus", "cpuset.mems"):
                        (group / name).write_text((group.parent / name).read_text())

    def pass_controllers_on(self, folder):
        """The kubelet wants all of these in the group that it is given, and hands them on to its pods."""
        (folder / self.LEAF).mkdir(exist_ok=True)
        for group in (folder.parent.parent, folder.parent, folder):
            for controller in (group / "cgroup.controllers").read_text().split():
                if controller in ("cpu", "cpuset", "memory", "pids", "hugetlb", "io"):
                    (group / "cgroup.subtree_control").write_text(f"+{controller}")

    def inside(self, *args):
        """The command line that runs `args` in it from its first moment on."""
        entrances = [str(folder / self.LEAF if self.is_version_2 else folder) for folder in self.folders]
        enter = 'while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs"; shift; done; shift; exec "$@"'
        return ["sh", "-ec", enter, "sh", *entrances, "--", *args]

    def processes(self):
        found = set()
        for folder in self.folders:
            for path in [folder / "cgroup.procs", *folder.rglob("cgroup.procs")]:
                try:
                    found.update(int(pid) for pid in path.read_text().split())
                except OSError:
                    pass  # a pod's group that was just removed
        return found - {0}

    def remove(self):
        """Bottom-up. A group that was just emptied may be busy for a moment."""
        def is_gone():
            for folder in self.folders:
                for path in sorted([folder, *folder.rglob("*/")], key=lambda path: len(path.parts), reverse=True):
                    try:
                        path.rmdir()
                    except OSError:
                        pass
            return not any(folder.exists() for folder in self.folders)
        wait_until(is_gone, lambda: f"the cgroups of {self.name} are gone; in them: {self.processes()}", 30)


def started_at(process):
    """Seconds since this machine's boot, as CLOCK_BOOTTIME counts them; `process` is its folder in /proc."""
    return int((process / "stat").read_text().rpartition(")")[2].split()[19]) / os.sysconf("SC_CLK_TCK")


class Machine:
    """`name` is also its host name. Its folder holds var/lib and var/log, which outlive a power failure, and its logs."""

    def __init__(self, name, folder, cgroup):
        self.name, self.folder, self.cgroup = name, folder, Cgroup(cgroup)
        self.lock = threading.Lock()
        self.popen, self.pid = None, 0
        self.namespaces = {}  # (kind, number) -> when it ended, for numbers are used again

    @property
    def is_on(self):
        return self.popen is not None and self.popen.poll() is None

    def power_on(self):
        assert not self.is_on, f"{self.name} is on already"
        for part in ("lib", "log", "logs"):
            (self.folder / part).mkdir(parents=True, exist_ok=True)
        self.cgroup.make()
        with open(self.folder / "logs/init.log", "ab") as log:
            self.popen = subprocess.Popen(
                self.cgroup.inside("unshare", "--net", "--mount", "--pid", "--uts", "--ipc", "--fork", "--kill-child", "--mount-proc",
                                   "/usr/bin/python3", "-I", str(HERE / "init.py")),
                stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=log, text=True, start_new_session=True, env={"PATH": PATH})
        self._answer()
        others = self.cgroup.processes() - {self.popen.pid}
        assert len(others) == 1, f"{self.name}: expected its process 1 alone, found {others}"
        self.pid = others.pop()
        self.namespaces.update({(kind, os.stat(f"/proc/{self.pid}/ns/{kind}").st_ino): math.inf for kind in NAMESPACES})
        self.shell("mount --make-rshared /", f"hostname {self.name}", "ip link set lo up", "echo 1 >/proc/sys/net/ipv4/ip_forward")

    def own_folders(self):
        """/var/lib and /var/log of its own, and an empty /run."""
        self.shell("mount -t tmpfs -o mode=755 run /run", "mkdir /run/lock", f"mount --bind {self.folder}/lib /var/lib",
                   f"mount --bind {self.folder}/log /var/log")

    def fix_sysctls(self, **wanted):
        """Files in the place of kernel-wide settings that hold what the kubelet wants to write there: the host keeps its own."""
        (self.folder / "sysctl").mkdir(exist_ok=True)
        for name, value in wanted.items():
            (self.folder / "sysctl" / name).write_text(f"{value}\n")
        self.shell(*(f"mount --bind {self.folder}/sysctl/{name} /proc/sys/{name.replace('__', '/')}" for name in wanted))

    def power_off(self):
        """As when the plug is pulled: SIGKILL for everything in it, at once."""
        if self.popen is None:
            return
        now = time.clock_gettime(time.CLOCK_BOOTTIME)
        self.namespaces = {namespace: min(ended, now) for namespace, ended in self.namespaces.items()}
        for process in (self.pid, self.popen.pid):
            if process and self.popen.poll() is None:
                try:
                    os.kill(process, signal.SIGKILL)
                except ProcessLookupError:
                    pass
        self.popen.wait(30)
        self.popen.stdin.close()
        self.popen.stdout.close()
        wait_until(lambda: not self.cgroup.processes(), lambda: f"{self.name} is off; still there: {self.cgroup.processes()}", 30)
        self.popen, self.pid = None, 0
        self.cgroup.remove()  # or the kubelet of its next life takes the empty groups of dead pods for pods

    def remove(self):
        self.power_off()
        self.cgroup.remove()

    def _answer(self):
        line = self.popen.stdout.readline()
        if not line:
            raise RuntimeError(f"{self.name} is off: {(self.folder / 'logs/init.log').read_text()[-2000:]}")
        answer = json.loads(line)
        if "error" in answer:
            raise RuntimeError(f"{self.name}: {answer['error']}")
        return answer

    def _order(self, **order):
        with self.lock:
            self.popen.stdin.write(json.dumps(order) + "\n")
            self.popen.stdin.flush()
            return self._answer()

    def start(self, name, *args, env=None):
        """A daemon: it is started again whenever it ends, until kill()."""
        args = [str(arg) for arg in args]
        self._order(do="start", name=name, args=args, env={"PATH": PATH, "HOME": str(self.folder), **(env or {})}, log=str(self.log(name)))

    def kill(self, name):
        self._order(do="kill", name=name)

    def log(self, name):
        return self.folder / "logs" / f"{name}.log"

    def run(self, *args, **how):
        """A command inside, to its end."""
        assert self.is_on, f"{self.name} is off"
        return command("nsenter", "-t", self.pid, "-m", "-n", "-u", "-i", "-p", *args, **how)

    def shell(self, *lines):
        return self.run("sh", "-ec", "\n".join(lines))

    def network(self, *lines):
        """Commands in its network alone; process IDs in them are those of this machine's."""
        command("nsenter", "-t", self.pid, "-n", "sh", "-ec", "\n".join(lines))

    def tails(self, lines=15):
        texts = []
        for path in sorted((self.folder / "logs").glob("*.log")):
            tail = path.read_text(errors="replace").splitlines()[-lines:]
            texts.append(f"--- {self.name} {path.stem}\n" + "\n".join(line[:300] for line in tail))
        return "\n".join(texts)


def remove_tree(folder):
    shutil.rmtree(folder, ignore_errors=True)
    wait_until(lambda: not folder.exists() or shutil.rmtree(folder, ignore_errors=True), f"{folder} is gone", 10)
