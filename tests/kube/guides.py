"""The guides as tests read them: blocks of shell lines under their headings, run word by word, and a book of which ones were run.

A block is known by where it stands, as "heading / words in bold at the start of the paragraph before it", such as
"3. Install the target as joiners / Back". ```sh is run, ```yaml that begins with `# NAME.yaml` is written to that file, and ```text is
what the block before it prints: each of its lines must be found again, with other numbers, and "..." stands for anything.
"""
import json
import os
import re
import shutil
import subprocess
from dataclasses import dataclass, field
from pathlib import Path

import yaml
from release import ROOT

READ_ME = ("README.md", "charts/etcd/README.md", "manifests/README.md")
ALL = (*READ_ME, "docs/drop-in.md", "docs/kubernetes.md", "docs/migrate-between-clusters.md", "docs/operations.md")
NOT_RUN = {  # blocks that no test runs as they stand, and why
    ("README.md", "etcd-usher"): "make's own families, not a cluster's commands: .ci and `make check` run them",
    ("README.md", "Try it by hand"): "processes on this machine, on fixed ports and folders; tests/cluster starts the same two programs",
}
TOOLS = ("kubectl", "helm", "etcdctl")
LIMIT_S = 600  # for one block


@dataclass
class Block:
    where: str
    lines: list = field(default_factory=list)
    shown: list = field(default_factory=list)

    def commands(self):
        """Whole commands: a line that ends with a backslash goes on in the next."""
        return [line for line in "\n".join(self.lines).replace("\\\n", " ").splitlines() if line.strip() and not line.lstrip().startswith("#")]


class Guide:
    def __init__(self, name):
        self.name, self.blocks, self.files, self.strays = name, [], {}, []
        self.text = (ROOT / name).read_text(encoding="utf-8")
        self.words = re.findall(r"`([A-Z][A-Z_-]+)`", "\n".join(re.findall(r"^\| (`[A-Z].*?) \|", self.text, re.M)))
        self._parse(self.text.splitlines())

    def _parse(self, lines):
        kind = heading = part = ""
        inside, was_blank, last = False, True, None
        for line in lines:
            if line.startswith("```"):
                inside, kind = not inside, line[3:].strip() if not inside else ""
                if kind == "sh":
                    last = self._block(heading, part)
                elif kind == "yaml":
                    name = None
            elif inside and kind == "sh":
                last.lines.append(line)
            elif inside and kind == "text":
                last.shown.append(line)
            elif inside and kind == "yaml":
                name = name or line.removeprefix("# ")
                self.files[name] = self.files.get(name, "") + line + "\n"
            elif line.startswith("#"):
                heading, part = line.lstrip("# "), ""
            elif was_blank and (bold := re.match(r"\*\*(.+?)\*\*", line)):
                part = bold.group(1).rstrip(":.")
            if kind != "sh" and re.match(rf"(    |\$ )?({'|'.join(TOOLS)}) ", line):
                self.strays.append(line.strip())
            was_blank = not line.strip()

    def _block(self, heading, part):
        where = f"{heading} / {part}" if part else heading
        found = next((block for block in self.blocks if block.where == where), None)
        if found is None:
            self.blocks.append(found := Block(where))
        return found

    def block(self, where):
        found = [block for block in self.blocks if block.where == where]
        assert found, f"{self.name} has no block {where!r}, but {[block.where for block in self.blocks]}"
        return found[0]


class Walk:
    """One person who follows a guide: a folder with a copy of the tree's charts, a kubeconfig, words for the guide's own words."""

    ran = {}  # (guide, block) -> how often, in this session

    def __init__(self, guide, folder, env, words, limit=LIMIT_S):
        self.guide, self.folder, self.env, self.words, self.limit = Guide(guide), Path(folder), env, words, limit
        for part in ("charts", "manifests"):
            shutil.copytree(ROOT / part, self.folder / part, dirs_exist_ok=True)
        self.guide.words = self.guide.words or list(words)  # a README has no list of its words
        unknown = set(words) - set(self.guide.words)
        assert not unknown, f"{guide} has no table row for {unknown}"
        for name, text in self.guide.files.items():
            if name.endswith(".yaml"):
                (self.folder / name).write_text(self.filled(text))

    def filled(self, text):
        for word in sorted(self.words, key=len, reverse=True):
            text = re.sub(rf"(?<![A-Z_-]){word}(?![A-Z_-])", self.words[word], text)
        return text

    def shell(self, text):
        return subprocess.run(["bash", "-euo", "pipefail", "-c", text], cwd=self.folder, env={**os.environ, **self.env}, capture_output=True,
                              text=True, timeout=self.limit, check=False)

    def run(self, where, **words):
        """All lines of the block, each by the shell of a person: an exit status other than 0 fails, and so does what is shown and not seen."""
        self.words.update(words)
        block = self.guide.block(where)
        print(f"\n== {self.guide.name}: {where}")
        text = self.filled("\n".join(block.lines))
        left = [word for word in self.guide.words if re.search(rf"(?<![A-Z_-]){word}(?![A-Z_-])", text)]
        assert not left, f"nothing was put in the place of {left} in: {text}"
        done = self.shell(text)
        said = done.stdout + done.stderr
        print(f"{text}\n{said}")
        assert done.returncode == 0, f"{self.guide.name}: {where}: exit status {done.returncode}\n{text}\n{said}"
        missing = [line for line in block.shown if line.strip() not in ("", "...") and not is_seen(self.filled(line), said)]
        assert not missing, f"{self.guide.name}: {where}: not seen: {missing}\nbut: {said}"
        key = (self.guide.name, where)
        self.ran[key] = self.ran.get(key, 0) + 1
        return done.stdout


def summary():
    """What was run in this session, for its last lines."""
    blocks = {(name, block.where): len(block.commands()) for name in ALL for block in Guide(name).blocks}
    ran = sum(count for key, count in blocks.items() if key in Walk.ran)
    yield f"guides: {ran} of {sum(blocks.values())} commands run, {len(Walk.ran)} of {len(blocks)} blocks, in {len(ALL)} documents"
    for (name, where), why in NOT_RUN.items():
        yield f"never run: {name}: {where} ({blocks[name, where]} commands): {why}"


def kubeconfig(path, namespace, **labs):
    """One file with a context for each lab, in that namespace, the first of them the current one."""
    parts = {name: json.loads(Path(lab.kubeconfig).read_text(encoding="utf-8")) for name, lab in labs.items()}
    path.write_text(json.dumps({
        "apiVersion": "v1", "kind": "Config", "current-context": next(iter(labs)),
        "clusters": [{"name": name, "cluster": part["clusters"][0]["cluster"]} for name, part in parts.items()],
        "users": [{"name": name, "user": part["users"][0]["user"]} for name, part in parts.items()],
        "contexts": [{"name": name, "context": {"cluster": name, "user": name, "namespace": namespace}} for name in parts]}))
    path.chmod(0o600)
    return {**next(iter(labs.values())).env(), "KUBECONFIG": str(path)}


def load_images(lab):
    """Those of the lab, under the names that the charts have, too: what is typed names no image."""
    lab.load_usual_images()
    values = yaml.safe_load((ROOT / "charts/etcd/values.yaml").read_text(encoding="utf-8"))
    names = {"etcd-usher:test": values["usher"]["image"], "quay.io/coreos/etcd:v3.6.14": values["image"]}
    for node in lab.nodes.values():
        known = node.run("ctr", "-n", "k8s.io", "images", "ls", "-q").split()
        for name, wanted in names.items():
            full = next(found for found in known if found.endswith(name))
            node.run("ctr", "-n", "k8s.io", "images", "tag", full, f"{wanted['repository']}:{wanted['tag']}")


def is_seen(line, text):
    """Is there such a line, whatever its IDs, numbers, and blanks are?"""
    words = []
    for piece in re.split(r"(\.\.\.|\b[0-9a-f]{13,16}\b|(?<![-\w])\d+(?:\.\d+)*[smh]*|\s+|[-+]{4,})", line.strip()):
        if piece == "...":
            words.append(".*")
        elif re.fullmatch(r"[0-9a-f]{13,16}", piece):
            words.append(r"[0-9a-f]{12,16}")
        elif re.fullmatch(r"\d+(\.\d+)*[smh]*", piece):
            words.append(r"[\d.]+[smh]*[\d.smh]*")
        elif re.fullmatch(r"[-+]{4,}", piece):
            words.append(r"[-+]+")
        else:
            words.append(r"\s+" if piece.isspace() else re.escape(piece))
    return re.search("".join(words), text) is not None
