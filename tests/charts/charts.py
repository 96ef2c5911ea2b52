"""What the tests of charts share: helm and kubectl, rendering, and looking into what was rendered."""
import copy
import os
import re
import subprocess

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHART = os.path.join(ROOT, "charts", "etcd")
LIBRARY = os.path.join(ROOT, "charts", "etcd-usher")
MANIFESTS = os.path.join(ROOT, "manifests")
DROPINS = os.path.join(ROOT, "charts", "dropins")
AGENT = os.path.join(ROOT, "build", os.environ.get("FLAVOUR", "release"), "etcd-usher")


def run(*words, **more):
    return subprocess.run(words, capture_output=True, text=True, timeout=300, check=False, **more)


def output_of(*words, **more):
    done = run(*words, **more)
    assert done.returncode == 0, f"{' '.join(words)}\n{done.stdout}{done.stderr}"
    return done.stdout


def helm_path():
    if not hasattr(helm_path, "found"):
        helm_path.found = output_of(os.path.join(ROOT, "tests", "tools", "build-helm")).strip().splitlines()[-1]
    return helm_path.found


def helm(*words, **more):
    """The finished process; its home is nobody's, so that no plugin or repository of this machine has a say."""
    env = dict(os.environ, HELM_CONFIG_HOME="/nonexistent", HELM_DATA_HOME="/nonexistent", KUBECONFIG="/nonexistent")
    return run(helm_path(), *words, env=env, **more)


def kubectl_path():
    """kubectl of the lab (tests/tools/build-lab), where that was built; else None. It is not built for this alone: nine minutes."""
    cache = os.environ.get("ETCD_USHER_CACHE") or os.path.join(os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache"), "etcd-usher")
    lab = os.path.join(cache, "lab")
    found = [os.path.join(lab, name, "bin", "kubectl") for name in (os.listdir(lab) if os.path.isdir(lab) else [])]
    found = [path for path in found if os.access(path, os.X_OK)]
    return max(found, key=os.path.getmtime) if found else None


def template(*words, chart=CHART, release="etcd", kubernetes="1.34.0"):
    done = helm("template", release, chart, "--kube-version", kubernetes, *words)
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects_in(text):
    return [document for document in yaml.safe_load_all(text) if document]


def objects(*words, **more):
    return objects_in(template(*words, **more))


def refusal(*words, kubernetes="1.34.0"):
    """What helm says to values that must not pass."""
    done = helm("template", "etcd", CHART, "--kube-version", kubernetes, *words)
    assert done.returncode != 0, f"helm took {words}"
    return done.stderr


def only(found, kind, name=None):
    matching = [item for item in found if item["kind"] == kind and name in (None, item["metadata"]["name"])]
    assert len(matching) == 1, f"{len(matching)} of kind {kind} {name or ''} in {[(i['kind'], i['metadata']['name']) for i in found]}"
    return matching[0]


def pod_of(found):
    return only(found, "StatefulSet")["spec"]["template"]["spec"]


def containers_of(pod):
    """name -> container, init containers and others."""
    everything = pod.get("initContainers", []) + pod["containers"]
    names = [container["name"] for container in everything]
    assert len(set(names)) == len(names), names
    return dict(zip(names, everything))


def env_of(container):
    names = [entry["name"] for entry in container.get("env", [])]
    assert len(set(names)) == len(names), f"a variable twice: {names}"
    return {entry["name"]: entry.get("value") for entry in container.get("env", [])}


def breaches_of_restricted(pod):
    """What of Kubernetes' pod security level `restricted` this pod does not keep (the rules of 1.34)."""
    breaches = []
    for name in ("hostNetwork", "hostPID", "hostIPC"):
        if pod.get(name):
            breaches.append(name)
    allowed = {"configMap", "csi", "downwardAPI", "emptyDir", "ephemeral", "persistentVolumeClaim", "projected", "secret"}
    breaches += [f"volume {volume['name']}" for volume in pod.get("volumes", []) if not allowed & set(volume)]
    pod_level = pod.get("securityContext", {})
    for name, container in containers_of(pod).items():
        own = container.get("securityContext", {})
        for key, good in (("allowPrivilegeEscalation", False), ("privileged", None)):
            if own.get(key) not in (good, None) or (good is False and own.get(key) is not False):
                breaches.append(f"{name}: {key}")
        if "ALL" not in own.get("capabilities", {}).get("drop", []):
            breaches.append(f"{name}: capabilities are not dropped")
        if set(own.get("capabilities", {}).get("add", [])) - {"NET_BIND_SERVICE"}:
            breaches.append(f"{name}: capabilities are added")
        if own.get("runAsNonRoot", pod_level.get("runAsNonRoot")) is not True:
            breaches.append(f"{name}: runAsNonRoot")
        if own.get("runAsUser", pod_level.get("runAsUser")) == 0:
            breaches.append(f"{name}: runs as root")
        if own.get("seccompProfile", pod_level.get("seccompProfile", {})).get("type") not in ("RuntimeDefault", "Localhost"):
            breaches.append(f"{name}: seccompProfile")
        breaches += [f"{name}: hostPort" for port in container.get("ports", []) if port.get("hostPort")]
    return breaches


def expand(text, variables):
    """$(NAME) as Kubernetes fills it in: a name that is not known stays."""
    return re.sub(r"\$\(([A-Za-z_][A-Za-z0-9_]*)\)", lambda match: variables.get(match.group(1), match.group(0)), text)


def without(item, *paths):
    """A copy without these paths ("metadata.labels"), where they are there."""
    item = copy.deepcopy(item)
    for path in paths:
        *parents, last = path.split(".")
        at = item
        for parent in parents:
            at = at.get(parent, {})
        at.pop(last, None)
    return item


def help_flags(command):
    """The flags that the agent's help names, as variables: USHER_..."""
    return set(re.findall(r"USHER_[A-Z_]+", output_of(AGENT, command, "--help")))


# --- kustomize, as far as manifests/ and charts/dropins/ use it -------------------------------------------------------------------------

def read_yaml(*path):
    with open(os.path.join(*path), encoding="utf-8") as source:
        return objects_in(source.read())


def at_pointer(item, pointer):
    """(holder, last key) of a JSON pointer; `-` and numbers index lists."""
    *parents, last = [part.replace("~1", "/").replace("~0", "~") for part in pointer.lstrip("/").split("/")]
    for part in parents:
        item = item[int(part)] if isinstance(item, list) else item[part]
    if isinstance(item, list):
        last = len(item) if last == "-" else int(last)
    return item, last


def patched(item, operations):
    item = copy.deepcopy(item)
    for operation in operations:
        holder, key = at_pointer(item, operation["path"])
        value = copy.deepcopy(operation.get("value"))
        if operation["op"] == "test":
            assert holder[key] == value, f"{operation['path']} is {holder[key]!r}, not {value!r}"
        elif operation["op"] == "remove":
            del holder[key]
        elif operation["op"] == "add" and isinstance(holder, list):
            holder.insert(key, value)
        elif operation["op"] in ("add", "replace"):
            assert operation["op"] == "add" or key in holder or isinstance(holder, list), f"{operation['path']} is not there to be replaced"
            holder[key] = value
        else:
            raise AssertionError(f"no such operation: {operation['op']}")
    return item


def kustomized(folder):
    """The objects of a folder with a kustomization: resources, patches by place, namespace. What else stands in one is an error."""
    kustomization = read_yaml(folder, "kustomization.yaml")[0]
    unknown = set(kustomization) - {"apiVersion", "kind", "resources", "patches", "namespace", "images"}
    assert not unknown, f"{folder}: {unknown} is not understood here"
    found = []
    for name in kustomization["resources"]:
        path = os.path.normpath(os.path.join(folder, name))
        found += kustomized(path) if os.path.isdir(path) else read_yaml(path)
    for patch in kustomization.get("patches", []):
        target = only(found, patch["target"]["kind"], patch["target"].get("name"))
        operations = [operation for document in read_yaml(folder, patch["path"]) for operation in document]
        found[found.index(target)] = patched(target, operations)
    if "namespace" in kustomization:
        for item in found:
            item["metadata"]["namespace"] = kustomization["namespace"]
            for subject in item.get("subjects", []):
                subject["namespace"] = kustomization["namespace"]
    return found
