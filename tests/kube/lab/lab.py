import concurrent.futures
import json
import os
import subprocess
import tempfile
import time
from pathlib import Path

from . import config, network
from .image import etcd_image, make_image, tools_image, usher_image
from .machine import Cgroup, Machine, command, remove_tree, started_at, wait_until
from .pki import Pki

ROOT = Path(__file__).resolve().parents[3]
BUILD = Path(os.environ.get("USHER_BUILD_DIR", ROOT / "build/release"))
HIDDEN_IN_NODES = ("/var/lib/", "/var/log/", "/run/")  # a node has its own of these


def tool(*args):
    """The last line that a build tool of this tree prints. Its first run takes minutes."""
    done = subprocess.run([ROOT / "tests/tools" / args[0], *args[1:]], stdout=subprocess.PIPE, text=True, timeout=3600, check=False)
    assert done.returncode == 0, f"tests/tools/{' '.join(args)} failed"
    return Path(done.stdout.strip().splitlines()[-1])


class Node(Machine):
    def __init__(self, lab, number):
        self.number = number
        super().__init__(f"n{number}", lab.folder / f"n{number}", f"{lab.cgroup}/n{number}")


class Lab:
    """A cluster: one control machine and some nodes. `domain` is its DNS domain (give two that get linked different ones); `node_grace_s`
    is how long a silent node counts as alive (8: quick to notice, but a busy machine may lose a living node). Its addresses follow from its
    index: the first free one from `first_index` on."""

    def __init__(self, domain="cluster.local", node_grace_s=40, apiserver_flags=(), first_index=0):
        self.domain, self.node_grace_s, self.apiserver_flags = domain, node_grace_s, list(apiserver_flags)
        self.first_index = first_index
        self.pause_name = "usher-lab-pause:1"
        self.index = self.folder = self.control = self.pki = None
        self.nodes, self.images, self.linked, self.links, self.took, self.past = {}, [], [], [], {}, {}

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.down()

    # -- up and down --
    def up(self, nodes=1, limit=240.0):
        """Builds what is missing, starts everything, waits until all nodes are Ready. After a failure nothing is left running."""
        assert os.geteuid() == 0, "the lab needs root: it makes namespaces, cgroups and mounts"
        self.bin, self.etcd = tool("build-lab"), tool("build-etcd", "3.6")
        began = time.monotonic()
        try:
            self._prepare()
            self._start_control()
            for number in range(1, nodes + 1):
                self.nodes[number] = Node(self, number)
                self._issue_for(self.nodes[number])
            self._on_each(self._boot)
            self._wait_api(limit)
            self.kubectl("apply", "-f", "-", input=json.dumps(config.STORAGE_CLASS))
            for node in self.nodes.values():
                self.wait_node(node.number, limit=limit)
            wait_until(lambda: self.kubectl("get", "serviceaccount", "default", check=False), "the default service account", limit)
        except BaseException as error:
            if isinstance(error, Exception) and self.control is not None:
                print(self.tails())
            self.down()
            raise
        self.took["up"] = time.monotonic() - began
        return self

    def _prepare(self):
        self.index = network.Index(self.first_index)
        self.addresses = network.Addresses(self.index.number)
        self.cgroup = f"/usher-lab-{self.index.number}"
        self._clear_after_last()
        self.folder = Path(tempfile.mkdtemp(prefix="usher-lab-")).resolve()
        assert not str(self.folder).startswith(HIDDEN_IN_NODES), f"{self.folder}: nodes have other folders there; set TMPDIR"
        self.folder.chmod(0o755)
        self.index.write_folder(self.folder)
        kind = command("stat", "-f", "-c", "%T", self.folder).strip()
        self.snapshotter = "native" if kind == "overlayfs" else "overlayfs"
        for part in ("volumes", "images", "home"):
            (self.folder / part).mkdir()
        (self.folder / "resolv.conf").write_text(f"nameserver {self.addresses.control}\n")
        self.images.append(make_image(self.pause_name, {"/pause": self.bin / "pause"}, ["/pause"], into=self.folder / "images"))
        self.pki = Pki(self.folder / "pki", self.addresses.server)
        service = f"kubernetes.default.svc.{self.domain}"
        names = [".".join(service.split(".")[:count]) for count in (1, 2, 3)] + [service]
        self.pki.issue("apiserver", "kube-apiserver",
                       hosts=[*names, "localhost", self.addresses.control, self.addresses.api_service, "127.0.0.1"])
        self.pki.issue("apiserver-kubelet", "kube-apiserver-kubelet-client", "system:masters")
        self.kubeconfig = self.pki.kubeconfig("admin", "admin", "system:masters")
        for name in ("controller-manager", "scheduler", "proxy"):
            self.pki.kubeconfig(name, f"system:kube-{name}")

    def _clear_after_last(self):
        """A run that was killed left its cgroups and its folder; what ran in it ended with it."""
        network.take_up(self.addresses)
        last = self.index.last_folder()
        Cgroup(self.cgroup).remove()
        if last and Path(last).name.startswith("usher-lab-") and Path(last).exists():
            remove_tree(Path(last))

    def _on_each(self, action):
        """On all nodes that are there, at once; the first error is raised when all have ended."""
        with concurrent.futures.ThreadPoolExecutor(max_workers=4) as pool:
            for done in [pool.submit(action, node) for node in self.nodes.values()]:
                done.result()

    def _issue_for(self, node):
        self.pki.issue(node.name, f"system:node:{node.name}", "system:nodes", [node.name, self.addresses.node(node.number)])
        self.pki.kubeconfig(f"{node.name}-client", f"system:node:{node.name}", "system:nodes")

    def _start_control(self):
        self.control = Machine("control", self.folder / "control", f"{self.cgroup}/control")
        self.control.power_on()
        network.lay_bridge(self.control, self.addresses)
        self.control.start("etcd", self.etcd, f"--data-dir={self.folder}/control/etcd", "--listen-client-urls=http://127.0.0.1:2379",
                           "--advertise-client-urls=http://127.0.0.1:2379", "--unsafe-no-fsync", "--log-level=warn")
        self._start_api()
        self.control.start("controller-manager", self.bin / "kube-controller-manager",
                           *config.controller_manager(self, self.pki.folder / "controller-manager.kubeconfig"))
        self.control.start("scheduler", self.bin / "kube-scheduler", *config.scheduler(self.pki.folder / "scheduler.kubeconfig"))
        self.control.start("provisioner", "/usr/bin/python3", "-I", Path(__file__).with_name("provisioner.py"), self.addresses.server,
                           self.pki.folder, self.folder / "volumes")
        self._start_dns()

    def _start_api(self):
        self.control.start("apiserver", self.bin / "kube-apiserver", *config.apiserver(self))

    def _start_dns(self):
        corefile = self.folder / "control/Corefile"
        corefile.write_text(config.corefile(self, self.kubeconfig))
        self.control.kill("coredns")
        self.control.start("coredns", self.bin / "coredns", "-conf", corefile)

    def _boot(self, node):
        node.power_on()
        node.own_folders()
        node.fix_sysctls(vm__overcommit_memory=1, vm__panic_on_oom=0, kernel__panic=10, kernel__panic_on_oops=1,
                         kernel__keys__root_maxkeys=1000000, kernel__keys__root_maxbytes=25000000)
        network.plug_in(self.control, node, node.number, self.addresses)
        config.pod_network(self, node)
        node.start("containerd", "containerd", *config.containerd(self, node))
        wait_until(lambda: "Server:" in node.run("ctr", "version", check=False), f"{node.name}'s containerd answers", 60)
        for image in self.images:
            self._import(node, image)
        node.start("kubelet", self.bin / "kubelet", *config.kubelet(self, node))
        node.start("proxy", self.bin / "kube-proxy", *config.proxy(self, node))

    def down(self):
        """Ends all that up() started, and nothing else. Safe to call at any time, and again."""
        began = time.monotonic()
        for link in self.links:
            link.close()
        if self.control is not None:
            network.take_up(self.addresses)
        for machine in self.machines():
            machine.remove()
            self.past.update(machine.namespaces)
        if self.control is not None:
            Cgroup(self.cgroup).remove()
        if self.folder is not None:
            remove_tree(self.folder)
        if self.index is not None:
            self.index.close()
            self.last_index, self.last_folder = self.index.number, self.folder
        for other in self.linked:
            other.linked.remove(self)
            other.links = [link for link in other.links if link not in self.links]
        self.nodes, self.images, self.linked, self.links = {}, [], [], []
        self.index = self.folder = self.control = None
        self.took["down"] = time.monotonic() - began

    def machines(self):
        return [*self.nodes.values(), *([self.control] if self.control is not None else [])]

    def leftovers(self):
        """Whatever shows that this lab is, or was, there: after down() an empty list is what it should be."""
        if self.index is not None:
            self.last_index, self.last_folder = self.index.number, self.folder
            self.past = {namespace: ended for machine in self.machines() for namespace, ended in machine.namespaces.items()}
        found = [f"cgroup {folder}" for folder in Cgroup(f"/usher-lab-{self.last_index}").folders if folder.exists()]
        found += [f"folder {self.last_folder}"] if self.last_folder.exists() else []
        cable = network.Index.cable(self.last_index)
        found += [f"link {cable}" for link in json.loads(command("ip", "-j", "link")) if link["ifname"] == cable]
        found += [f"route {route['dst']}" for route in json.loads(command("ip", "-j", "route")) if route.get("dev") == cable]
        for process in Path("/proc").glob("[0-9]*"):
            try:
                began = started_at(process)
                ours = [kind for (kind, number), ended in self.past.items()
                        if began < ended and os.stat(process / "ns" / kind).st_ino == number]
                mounts = (process / "mountinfo").read_text(errors="replace")
                said = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
            except OSError:
                continue  # it ended meanwhile
            if ours or str(self.last_folder) in mounts or (str(self.last_folder) in said and int(process.name) != os.getpid()):
                found.append(f"process {process.name} {ours}: {said[:200]}")
        return found

    # -- the API --
    def kubectl(self, *args, input=None, check=True, limit=300):
        """What kubectl prints; RuntimeError when it fails, unless `check` is off."""
        return command(self.bin / "kubectl", *args, text=input, check=check, env=self.env(), limit=limit)

    def helm(self, *args, input=None, check=True, limit=600):
        return command(self.bin / "helm", *args, text=input, check=check, env=self.env(), limit=limit)

    def get(self, *args):
        """Objects, decoded: get("pods", "-l", "app=x") has "items"."""
        return json.loads(self.kubectl("get", *args, "-o", "json"))

    def env(self):
        """For programs that speak to this cluster. They keep their caches in the lab."""
        home = str(self.folder / "home")
        return {"PATH": f"{self.bin}:{os.environ['PATH']}", "KUBECONFIG": str(self.kubeconfig), "HOME": home,
                "KUBECACHEDIR": f"{home}/.kube/cache", "XDG_CACHE_HOME": f"{home}/.cache", "XDG_CONFIG_HOME": f"{home}/.config",
                "XDG_DATA_HOME": f"{home}/.local/share"}

    def api_stop(self):
        """SIGKILL for the API server alone: pods and their etcd go on."""
        self.control.kill("apiserver")

    def api_start(self, limit=120.0):
        self._start_api()
        self._wait_api(limit)

    def _wait_api(self, limit):
        wait_until(lambda: self.kubectl("get", "--raw", "/readyz", check=False) == "ok", "the API server is ready", limit, 0.1)

    # -- nodes --
    def load_image(self, tar):
        """Into the store of each node that is on, and of those that come later."""
        self.images.append(Path(tar))
        self._on_each(lambda node: node.is_on and self._import(node, tar))

    def load_usual_images(self):
        """etcd-usher:test (of the programs of build/release, or from the tar of `docker save` that $USHER_IMAGE names), etcd under the names
        of its makers and of Kubernetes, usher-lab-tools:1 (a shell, curl)."""
        into, given = self.folder / "images", os.environ.get("USHER_IMAGE")
        self.usher_tar = Path(given).resolve() if given else usher_image(BUILD, into=into)
        for image in (tools_image(into=into), self.usher_tar, etcd_image(self.etcd, self.bin / "etcdctl", into=into)):
            self.load_image(image)

    @staticmethod
    def _import(node, tar):
        node.run("ctr", "-n", "k8s.io", "images", "import", tar)

    def power_off(self, number):
        """Pulls the plug: everything on the node is gone at once. Its disk stays, with what was written and not yet synced, too."""
        self.nodes[number].power_off()
        self.control.run("ip", "link", "delete", self.nodes[number].name, check=False)

    def power_on(self, number):
        """Boots it again on the same disk; wait_node() waits until it is Ready."""
        self._boot(self.nodes[number])

    def cut_cable(self, number):
        """The node runs on and reaches nobody."""
        self.control.run("ip", "link", "set", self.nodes[number].name, "down")

    def mend_cable(self, number):
        self.control.run("ip", "link", "set", self.nodes[number].name, "up")

    def node_is_ready(self, number):
        said = self.kubectl("get", "node", f"n{number}", "-o", 'jsonpath={.status.conditions[?(@.type=="Ready")].status}', check=False)
        return said == "True"

    def wait_node(self, number, ready=True, limit=120.0):
        wait_until(lambda: self.node_is_ready(number) == ready, f"node n{number} {'Ready' if ready else 'not Ready'}", limit, 0.1)

    # -- pods --
    def pod_ip(self, pod, namespace="default"):
        """Reachable from this machine, and from every pod."""
        return self.kubectl("get", "pod", pod, "-n", namespace, "-o", "jsonpath={.status.podIP}")

    def wait(self, condition, what, limit=180.0, every=0.1):
        return wait_until(condition, what, limit, every)

    def tails(self):
        """For a failed test: the ends of all logs, and what the cluster says."""
        questions = (("get", "pods,pvc,nodes", "-A", "-o", "wide"), ("get", "events", "-A"))
        said = [self.kubectl(*question, check=False, limit=20) for question in questions]
        return "\n".join([*(machine.tails() for machine in self.machines()), *said])


def connect(one, other):
    """A route between the pods of two labs, and, where their domains differ, each other's names. The link has cut() and mend()."""
    link = network.Link(one, other)
    for near, far in ((one, other), (other, one)):
        near.links.append(link)
        near.linked.append(far)
        near._start_dns()
    return link
