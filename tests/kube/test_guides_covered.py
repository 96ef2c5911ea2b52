"""Offline, at once: each block of commands in the guides is run by a test, or stands in guides.NOT_RUN; and each word to fill in is explained."""
import ast
import re
from pathlib import Path

import guides
import pytest

MODULES = sorted(Path(__file__).parent.glob("test_guide*.py"))


def texts(tree, names):
    """Literal texts in it, also by the name of a constant of the module."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str):
            yield node.value
        elif isinstance(node, ast.Name) and node.id in names:
            yield names[node.id]


def run_in(path):
    """(guide, block) of each walk.run("block") in the module. A function that names no guide is about all that the module names; one that no
    test calls does not count."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    constants = {node.targets[0].id: node.value for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Name)}
    constants.update({name.id: value for node in tree.body if isinstance(node, ast.Assign) and isinstance(node.targets[0], ast.Tuple)
                      for name, value in zip(node.targets[0].elts, node.value.elts)})
    names = {name: value.value for name, value in constants.items() if isinstance(value, ast.Constant)}
    used = {node.id for node in ast.walk(tree) if isinstance(node, ast.Name)}
    everywhere = set(texts(tree, names)) & set(guides.ALL)
    for function in (node for node in tree.body if isinstance(node, ast.FunctionDef)):
        if not function.name.startswith("test_") and function.name not in used:
            continue
        about = set(texts(function, names)) & set(guides.ALL) or everywhere
        for call in ast.walk(function):
            if isinstance(call, ast.Call) and isinstance(call.func, ast.Attribute) and call.func.attr == "run" and call.args:
                what = call.args[0]
                blocks = [what.value] if isinstance(what, ast.Constant) else []
                if isinstance(what, ast.Subscript):  # one of a table of blocks
                    blocks = [value.value for value in constants[what.value.id].values]
                yield from ((guide, block) for guide in about for block in blocks)


@pytest.mark.parametrize("name", guides.ALL)
def test_each_command_is_run(name):
    guide = guides.Guide(name)
    run = {block for path in MODULES for found, block in run_in(path) if found == name}
    excused = {where for found, where in guides.NOT_RUN if found == name}
    there = {block.where: block.commands() for block in guide.blocks}
    assert guide.blocks and all(there.values()), f"{name} has a block without a command"
    missing = {where: there[where] for where in there.keys() - run - excused}
    assert not missing, f"no test runs these: {missing}"
    assert excused <= there.keys() and not excused & run, "guides.NOT_RUN names what is not there, or is run"
    assert not guide.strays, f"commands outside of ```sh: {guide.strays}"


@pytest.mark.parametrize("name", [name for name in guides.ALL if name.startswith("docs/")])
def test_each_word_to_fill_in_is_explained(name):
    guide = guides.Guide(name)
    capitals = {word for block in guide.blocks for line in block.lines for word in re.findall(r"(?<![\w$(.-])[A-Z][A-Z_-]{2,}(?![\w-])", line)}
    capitals -= {"SET_NAME", "SET_NAMESPACE"}  # words of the drop-ins' own files, which the commands replace
    assert capitals <= set(guide.words), f"not in the table of {name}: {capitals - set(guide.words)}"
    text = "\n".join(line for block in guide.blocks for line in block.lines) + "".join(guide.files.values())
    assert not [word for word in guide.words if word not in text], "the table explains a word that no command has"


def test_what_a_guide_shows_is_compared():
    shown = "| bb1ea7f3ab4eb9d1 | started | etcd-0 | http://etcd-0...:2380 | false |"
    said = "|  aa1ea7f3ab4eb9d | started | etcd-%d | http://etcd-%d.etcd:2380 |      %s |\n"
    assert guides.is_seen(shown, said % (0, 0, "false"))
    assert not guides.is_seen(shown, said % (0, 0, "true"))
    assert not guides.is_seen(shown, said % (1, 1, "false"))


def test_a_guide_is_read_as_it_stands(tmp_path, monkeypatch):
    """A block, its part in bold, a command over two lines, a comment, what is shown, a file, and a command that is hidden in a text block."""
    (tmp_path / "g.md").write_text("# G\n\n| word | is |\n|---|---|\n| `POD` | x |\n\n## Look\n\n```sh\nkubectl a \\\n    b\n# c\nhelm d\n```\n\n**Back:** so\n\n"
                                   "```sh\nkubectl e POD\n```\n\n```text\nseen\n```\n\n```yaml\n# f.yaml\nx: 1\n```\n\n    kubectl stray POD\n")
    monkeypatch.setattr(guides, "ROOT", tmp_path)
    guide = guides.Guide("g.md")
    assert [block.where for block in guide.blocks] == ["Look", "Look / Back"] and guide.words == ["POD"]
    assert len(guide.block("Look").commands()) == 2 and guide.block("Look / Back").shown == ["seen"]
    assert guide.files == {"f.yaml": "# f.yaml\nx: 1\n"} and guide.strays == ["kubectl stray POD"]
