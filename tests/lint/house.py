#!/usr/bin/python3
"""house.py RULE: the rules of the house that a reader of text can hold. Prints each breach as file:line: text; ends with 1 when there was one."""
import os
import re
import subprocess
import sys

# Floors from the ground. A room includes its own headers and those of rooms that stand lower, never those of a neighbour on its own floor.
FLOOR = {"core": 1, "host": 2, "http": 3, "member": 3, "serve": 3, "etcd": 4, "kube": 4, "world": 5, "command": 6, "main": 7}
# The launcher links libc alone; these words are all that it shares with the sidecar.
LAUNCHER_MAY_INCLUDE = {"usher/serve/control_protocol.h", "usher/compiler.h"}
# member and serve know etcd and Kubernetes only as `struct world`, and http not at all.
ONLY_CORE_AND_HOST = {"member", "serve"}

CORE_MAY_INCLUDE = {"stdbool.h", "stdint.h", "stddef.h", "string.h", "assert.h", "limits.h", "usher/compiler.h"}

# What is forbidden, and what to use instead.
BANNED = {
    "strcpy": "bounded_text", "strncpy": "bounded_text", "strcat": "bounded_text", "strncat": "bounded_text", "stpcpy": "bounded_text",
    "sprintf": "snprintf or bounded_text", "vsprintf": "vsnprintf", "gets": "fgets", "atoi": "strtoull with its checks",
    "atol": "strtoull with its checks", "atoll": "strtoull with its checks", "atof": "strtod with its checks", "strtok": "strcspn",
    "strtok_r": "strcspn", "system": "nothing: no shell is ever started", "popen": "nothing: no shell is ever started",
    "tmpnam": "mkstemp", "mktemp": "mkstemp", "tempnam": "mkstemp", "alloca": "a bounded array", "rand": "getrandom",
    "srand": "getrandom", "random": "getrandom", "gethostbyname": "getaddrinfo", "inet_addr": "inet_pton", "asctime": "strftime",
    "ctime": "strftime", "localtime": "gmtime_r", "gmtime": "gmtime_r", "vfork": "fork or posix_spawn", "signal": "sigaction (signal(X, SIG_IGN) and SIG_DFL are fine)",
    "setjmp": "a return value", "longjmp": "a return value",
}

# The scanf family splits bounded words; numbers it reads without seeing overflow, and a word without a width it writes without end.
SCANF = re.compile(r'\bf?s?scanf\s*\([^"]*"(?:\\.|[^"\\])*?%(?:\d*(?:hh|ll|[hljzt])?[diouxXeEfg]|s|\[)')
HARMLESS_SIGNAL = re.compile(r"\bsignal\s*\(\s*SIG\w+,\s*SIG_(IGN|DFL)\s*\)")

FUNCTION_LINES, FILE_LINES = 75, 550       # about a screen, about 500: what is a little over is told as a note, not refused
FUNCTION_NOTE, FILE_NOTE = 60, 500


def files(*roots, endings=(".c", ".h")):
    for root in roots:
        for folder, _, names in sorted(os.walk(root)):
            for name in sorted(names):
                if name.endswith(endings):
                    yield os.path.join(folder, name)


def read(path):
    with open(path, encoding="utf-8") as source:
        return source.read()


def code_of(text):
    """The text with comments and the insides of literals blanked, line for line."""
    def blank(match):
        piece = match.group(0)
        if piece[0] in "\"'":
            return piece[0] + " " * (len(piece) - 2) + piece[-1]
        return re.sub(r"[^\n]", " ", piece)
    return re.sub(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"|\'(?:\\.|[^\'\\\n])*\'', blank, text, flags=re.S)


def includes(path):
    for number, line in enumerate(read(path).splitlines(), 1):
        found = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
        if found:
            yield number, found.group(1), found.group(2)


def room_of(path):
    if path == "agent/main.c":
        return "main"
    parts = path.split("/")
    return parts[2] if path.startswith("include/usher/") and len(parts) > 3 else parts[1] if path.startswith("agent/") else None


def floors():
    breaches = []
    for path in files("agent", "include"):
        room = room_of(path)
        if room is None:                    # include/usher/*.h stands under everything
            breaches += [f"{path}:{n}: stands under all rooms and includes {name}" for n, kind, name in includes(path) if kind == '"']
            continue
        if room not in FLOOR and room != "launcher":
            breaches.append(f"{path}: no such room: {room}")
            continue
        for number, kind, name in includes(path):
            if kind == "<":
                continue
            other = name.split("/")[1] if name.startswith("usher/") and name.count("/") >= 2 else None
            if room == "launcher":
                fine = name in LAUNCHER_MAY_INCLUDE or "/" not in name
            elif other is None:             # a private header beside the file, or usher/compiler.h
                fine = "/" not in name or name.startswith("usher/")
            elif room in ONLY_CORE_AND_HOST:
                fine = other in (room, "core", "host")
            else:
                fine = other == room or FLOOR.get(other, 99) < FLOOR[room]
            if not fine:
                breaches.append(f"{path}:{number}: {room} includes {name}")
    return breaches


def core_includes():
    breaches = []
    for path in files("agent/core", "include/usher/core"):
        for number, _, name in includes(path):
            if name not in CORE_MAY_INCLUDE and not name.startswith("usher/core/") and not os.path.exists(f"agent/core/{name}"):
                breaches.append(f"{path}:{number}: core is pure and includes {name}")
    return breaches


def banned():
    pattern = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
    breaches = []
    for path in files("agent", "include"):
        text = read(path)
        for number, line in enumerate(code_of(text).splitlines(), 1):
            for found in pattern.finditer(HARMLESS_SIGNAL.sub("", line)):
                breaches.append(f"{path}:{number}: {found.group(1)}(): use {BANNED[found.group(1)]}")
        for number, line in enumerate(text.splitlines(), 1):
            if SCANF.search(line):
                breaches.append(f"{path}:{number}: scanf without a width, or for a number: use strtoull with its checks")
    return breaches


def length():
    breaches, notes = [], []
    for path in files("agent", "include"):
        lines = code_of(read(path)).splitlines()
        for limit, out in ((FILE_LINES, breaches), (FILE_NOTE, notes)):
            if len(lines) > limit:
                out.append(f"{path}: {len(lines)} lines (at most {FILE_LINES})")
                break
        begin = None
        for number, line in enumerate(lines, 1):
            if line.startswith("{"):
                begin = number
            elif line.startswith("}") and begin:
                size, previous = number - begin + 1, lines[begin - 2].strip()
                if line.rstrip() == "}" and size > FUNCTION_LINES:
                    breaches.append(f"{path}:{begin - 1}: {size} lines (at most {FUNCTION_LINES}): {previous}")
                elif line.rstrip() == "}" and size > FUNCTION_NOTE:
                    notes.append(f"{path}:{begin - 1}: {size} lines: {previous}")
                begin = None
    for note in notes:
        print("note:", note)
    return breaches


def tracked():
    listed = subprocess.run(["git", "ls-files", "--cached", "--others", "--exclude-standard"], capture_output=True, text=True, check=False)
    names = listed.stdout.split("\n") if listed.returncode == 0 else list(files(".", endings=""))
    return [name for name in names if name and os.path.isfile(name)]


def whitespace():
    breaches = []
    for path in tracked():
        if path == "LICENSE" or path.startswith("tests/wire/") or path.endswith((".bin", ".wal", ".patch", ".diff", ".png", ".svg")):
            continue                        # not ours to lay out: a licence, recorded bytes, patches
        with open(path, "rb") as source:
            data = source.read()
        if b"\0" in data:
            continue
        for number, line in enumerate(data.split(b"\n"), 1):
            if line.endswith((b" ", b"\t", b"\r")):
                breaches.append(f"{path}:{number}: blank at the end of the line")
            if b"\t" in line and not path.endswith(("Makefile", ".mk", ".go", ".tsv", "build-etcd")):
                breaches.append(f"{path}:{number}: tab")
        if data and not data.endswith(b"\n"):
            breaches.append(f"{path}: no newline at the end")
    return breaches


def names():
    """Every path that a document names exists, relative to the document or to the root."""
    breaches = []
    for path in tracked():
        if not path.endswith(".md"):
            continue
        inside = False
        for number, line in enumerate(read(path).splitlines(), 1):
            if line.lstrip().startswith("```"):
                inside = not inside
            if inside:
                continue
            links = re.findall(r"\]\(([^)#\s]+)(?:#[^)]*)?\)", line)
            paths = re.findall(r"`((?:agent|include|tests|docs|charts|manifests|\.ci)/[\w./*-]*\w[\w./*-]*)`", line)
            for name in [link for link in links if ":" not in link] + paths:
                name = name.split("*")[0]
                if not os.path.exists(os.path.join(os.path.dirname(path), name)) and not os.path.exists(name) \
                        and not os.path.isdir(os.path.dirname(name)):
                    breaches.append(f"{path}:{number}: there is no {name}")
                elif "*" not in line and not os.path.exists(os.path.join(os.path.dirname(path), name)) and not os.path.exists(name):
                    breaches.append(f"{path}:{number}: there is no {name}")
    return breaches


def main():
    rules = {"floors": floors, "core-includes": core_includes, "banned": banned, "length": length, "whitespace": whitespace, "names": names}
    breaches = rules[sys.argv[1]]()
    print("\n".join(breaches))
    sys.exit(1 if breaches else 0)


main()
