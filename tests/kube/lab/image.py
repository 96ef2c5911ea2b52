"""Container images without a registry or an engine: the files of `docker save`, which containerd imports."""
import hashlib
import io
import json
import os
import re
import shutil
import tarfile
from pathlib import Path

from .machine import command

PATH = "/usr/local/bin:/usr/bin:/bin"
ETCD_NAMES = "quay.io/coreos/etcd:v3.6.14 registry.k8s.io/etcd:3.6.14-0"
IMAGE_ROOT = Path(__file__).resolve().parents[2] / "tools/image-root"


def add(archive, path, content):
    """One entry: bytes or a Path is a file, text is what a symbolic link points at, None is a folder."""
    entry = tarfile.TarInfo(path.strip("/"))
    entry.mode, data = 0o644, b""
    if content is None:
        entry.type, entry.mode = tarfile.DIRTYPE, 0o1777 if entry.name == "tmp" else 0o755
    elif isinstance(content, str):
        entry.type, entry.linkname, entry.mode = tarfile.SYMTYPE, content, 0o777
    elif isinstance(content, Path):
        data = content.read_bytes()
        entry.mode = 0o755 if os.access(content, os.X_OK) else 0o644
    else:
        data = content
    entry.size = len(data)
    archive.addfile(entry, io.BytesIO(data))


def layer_of(files):
    """All files in one layer, each after its folders. Nothing in it depends on when it was made."""
    made, buffer = set(), io.BytesIO()
    with tarfile.open(fileobj=buffer, mode="w") as archive:
        for path in sorted(files):
            for folder in reversed(Path(path.strip("/")).parents[:-1]):
                if str(folder) not in made and f"/{folder}" not in files:
                    add(archive, str(folder), None)
                made.add(str(folder))
            add(archive, path, files[path])
    return buffer.getvalue()


def make_image(name, files, entrypoint=(), user="", env=None, into=".", **more):
    """Writes an image to a tar in the folder `into` and returns its path; `name` may be several names, with a blank between them. `files`:
    path in the image -> Path, bytes, link target (str) or None (a folder). `more` goes into the image's configuration as it is (Cmd=[...],
    WorkingDir="..."). Give it a tag other than latest, for which the kubelet asks a registry each time. Of `user` containerd 1.6 takes the
    user alone: the group is 0 unless the pod says runAsGroup."""
    names = name.split()
    for each in names:
        assert ":" in each.rsplit("/", 1)[-1] and not each.endswith(":latest"), f"{each} needs a tag other than latest"
    layer = layer_of(files)
    environment = [f"{key}={value}" for key, value in (env or {"PATH": PATH}).items()]
    config = json.dumps({
        "architecture": {"x86_64": "amd64", "aarch64": "arm64"}[os.uname().machine], "os": "linux",
        "config": {"Entrypoint": list(entrypoint), "User": user, "Env": environment, **more},
        "rootfs": {"type": "layers", "diff_ids": [f"sha256:{hashlib.sha256(layer).hexdigest()}"]},
        "history": [{"created_by": "tests/kube/lab/image.py"}],
    }).encode()
    config_name = f"{hashlib.sha256(config).hexdigest()}.json"
    manifest = json.dumps([{"Config": config_name, "RepoTags": names, "Layers": ["layer.tar"]}]).encode()
    target = Path(into) / (re.sub(r"[^\w.-]", "_", names[0]) + ".tar")
    with tarfile.open(target, "w") as archive:
        for path, content in ((config_name, config), ("layer.tar", layer), ("manifest.json", manifest)):
            add(archive, path, content)
    return target


def with_libraries(*programs):
    """Programs of this machine, each at its place, with the libraries and the loader that they need."""
    files = {}
    for program in map(Path, programs):
        files[str(program)] = program.resolve()
        listed = command("ldd", program, check=False)  # a static program has none
        for library in re.findall(r"(/\S+) \(0x", listed):
            files[library] = Path(library).resolve()
    return files


def people(name="nonroot", number=65532):
    """What a library may look up: users, groups, and in which order names are resolved."""
    return {
        "/etc/passwd": f"root:x:0:0:root:/root:/sbin/nologin\n{name}:x:{number}:{number}::/:/sbin/nologin\n".encode(),
        "/etc/group": f"root:x:0:\n{name}:x:{number}:\n".encode(), "/etc/nsswitch.conf": b"hosts: files dns\n", "/tmp": None,
    }


def etcd_image(etcd, etcdctl, name=ETCD_NAMES, into="."):
    """As etcd's own images since 3.5: the programs alone, no shell, and no entry point (a pod that gives `args` alone gets no etcd)."""
    programs = {"/usr/local/bin/etcd": Path(etcd), "/usr/local/bin/etcdctl": Path(etcdctl)}
    files = {**programs, "/var/etcd": None, "/var/lib/etcd": None, **people()}
    return make_image(name, files, into=into, Cmd=["/usr/local/bin/etcd"], WorkingDir="/var/lib/etcd/")


def tree_of(root):
    """All that lies below a folder, as make_image takes it."""
    return {f"/{path.relative_to(root)}": os.readlink(path) if path.is_symlink() else None if path.is_dir() else path
            for path in Path(root).rglob("*")}


def usher_image(build, name="etcd-usher:test", into="."):
    """The image of a build (build/release) as the Dockerfile makes it, of the same file system, without an engine."""
    root = Path(into) / "usher-root"
    command(IMAGE_ROOT, build, root)
    return make_image(name, tree_of(root), ["/usr/local/bin/etcd-usher"], "65532:65532", into=into)


def image_id(tar):
    """Of the (first) image in a tar of `docker save`: the digest of its configuration, as a pod's status tells it."""
    with tarfile.open(tar) as archive:
        return "sha256:" + Path(json.load(archive.extractfile("manifest.json"))[0]["Config"]).stem


def tools_image(name="usher-lab-tools:1", into="."):
    """A shell and small programs of this machine, for pods that look around."""
    wanted = "sh sleep cat ls mkdir rm touch cp mv id env date getent grep sed df stat curl"
    found = {tool: shutil.which(tool) for tool in wanted.split()}
    files = {**people(), **with_libraries(*[path for path in found.values() if path])}
    files.update({f"/bin/{tool}": path for tool, path in found.items() if path and path != f"/bin/{tool}"})
    return make_image(name, files, ["/bin/sh"], into=into)
