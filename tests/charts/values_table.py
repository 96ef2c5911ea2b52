#!/usr/bin/python3
"""values_table.py [--write]: the table of values in charts/etcd/README.md, from values.yaml. Prints it, or writes it between its two marks.

A value's description is the comment above it. A group without a comment is not a row of its own; each value in it must have one."""
import json
import os
import re
import sys

import yaml

ROOT = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
CHART = os.path.join(ROOT, "charts", "etcd")
BEGIN, END = "<!-- values: written by tests/charts/values_table.py -->", "<!-- end of values -->"


def keys_of(text):
    """[(path, comment)] of every key of a block-style YAML text, in order; keys inside flow style or list items are not looked at."""
    stack, comment, found = [], [], []
    for line in text.splitlines():
        if not line.strip():
            comment = []
            continue
        if line.lstrip().startswith("#"):
            comment.append(line.strip().lstrip("# "))
            continue
        match = re.match(r"( *)([A-Za-z][\w-]*):", line)
        if not match:
            raise ValueError(f"not a key: {line}")
        depth = len(match.group(1)) // 2
        stack = stack[:depth] + [match.group(2)]
        found.append((".".join(stack), " ".join(comment)))
        comment = []
    return found


def value_at(values, path):
    for key in path.split("."):
        values = values[key]
    return values


def leaves(text):
    """[(path, description, default)]. A commented group that is not itself commented inside is one row."""
    values, found, rows = yaml.safe_load(text), keys_of(text), []
    described = {path for path, comment in found if comment}
    for path, comment in found:
        parent = path.rsplit(".", 1)[0] if "." in path else None
        value = value_at(values, path)
        has_children = any(other.startswith(path + ".") for other, _ in found)
        if comment and not (has_children and any(other.startswith(path + ".") for other in described)):
            rows.append((path, comment, value))
        elif not has_children and not any(path.startswith(other + ".") for other in described):
            raise ValueError(f"{path} has no comment above it, and neither has its group ({parent})")
    return rows


def shown(value):
    return f"`{value}`" if isinstance(value, str) and value else f"`{json.dumps(value)}`"


def table(text):
    rows = ["| value | meaning | default |", "|---|---|---|"]
    rows += [f"| `{path}` | {comment.replace('|', chr(92) + '|')} | {shown(value)} |" for path, comment, value in leaves(text)]
    return "\n".join(rows)


def readme_with(readme, rows):
    begin, end = readme.index(BEGIN) + len(BEGIN), readme.index(END)
    return readme[:begin] + "\n" + rows + "\n" + readme[end:]


def main():
    with open(os.path.join(CHART, "values.yaml"), encoding="utf-8") as source:
        rows = table(source.read())
    if sys.argv[1:] != ["--write"]:
        print(rows)
        return
    path = os.path.join(CHART, "README.md")
    with open(path, encoding="utf-8") as source:
        readme = source.read()
    with open(path, "w", encoding="utf-8") as target:
        target.write(readme_with(readme, rows))


if __name__ == "__main__":
    main()
