#!/usr/bin/env python3
"""Fails where a folder includes what DESIGN forbids it, and where the layout is left.

Prints each violation as file:line: reason.
"""
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]

TOP_LEVEL = {"CMakeLists.txt", "CMakePresets.json", "LICENSE", "README.md",
             "include", "schemas", "src", "tests", "tools"}

# Folder: the prefixes that its quoted includes may have, and the libraries that it may use. A file
# belongs to the first folder that it lies in. "" = headers beside the file, without a prefix.
FOLDERS = [
    ("include/heartbeat/", {"heartbeat"}, set()),
    ("src/core/", {"heartbeat", "core"}, set()),
    ("src/wire/", {"heartbeat", "wire"}, {"msgpack"}),
    ("src/bus/", {"heartbeat", "bus"}, {"zmq"}),
    ("src/store/", {"heartbeat", "store"}, {"sqlite"}),
    ("src/client/", {"heartbeat", "client", "wire", "bus"}, {"zmq"}),
    ("src/daemon/", {"heartbeat", "daemon", "core", "wire", "bus", "store"},
     {"spdlog", "CLI", "toml"}),
    ("tools/telling/history", {"heartbeat", "store", "telling"}, {"nlohmann"}),
    ("tools/telling/", {"heartbeat", "telling"}, {"nlohmann"}),
    ("tools/hbgate/", {"heartbeat", "client", "wire", "bus", "store", "telling", ""},
     {"nlohmann", "CLI", "boost"}),
    ("tools/hbctl/history.cpp", {"heartbeat", "store", "telling", ""}, {"nlohmann"}),
    ("tools/hbctl/", {"heartbeat", "client", "bus", "telling", "watch", ""}, {"nlohmann", "CLI", "ncurses"}),
    ("tools/hbload/", {"heartbeat", "client", "wire", "bus", ""}, {"nlohmann", "CLI", "zmq"}),
    ("tools/demo/", {"heartbeat"}, set()),
    ("tools/examples/", {"heartbeat"}, set()),
    ("tools/", {"heartbeat", "client", ""}, {"nlohmann", "CLI"}),
]

LIBRARIES = {
    "zmq": r"zmq(_addon)?\.h(pp)?$", "msgpack": r"msgpack(\.h(pp)?$|/)", "spdlog": r"(spdlog|fmt)/",
    "sqlite": r"sqlite3", "nlohmann": r"nlohmann/", "boost": r"boost/", "CLI": r"CLI/", "toml": r"toml(\+\+/|\.hpp$)",
    "ncurses": r"(n?curses(w/.*)?|term)\.h$",
}

# The core is pure: time is an argument, and it starts nothing and prints nothing.
CORE_FORBIDDEN = {"thread", "mutex", "iostream", "fstream", "ctime"}

INCLUDE = re.compile(r'^\s*#\s*include\s*(["<])([^">]+)[">]')
NOW = re.compile(r"::\s*now\s*\(")
CLASS = re.compile(r"\b(?:class|struct)\s+(\w*(?:Manager|Helper|Utils))\b")


def include_violations(path, quote, header):
    folder = next((entry for entry in FOLDERS if path.startswith(entry[0])), None)
    if folder is None:
        return
    name, prefixes, libraries = folder
    library = next((key for key, form in LIBRARIES.items() if re.match(form, header)), None)
    if library:
        if library not in libraries:
            yield f"{name} may not use {library} (<{header}>)"
    elif quote == '"' or header.split("/")[0] in OWN:
        prefix = header.rpartition("/")[0].split("/")[0]
        if prefix not in prefixes:
            yield f'{name} may not include "{header}"'
    if name == "src/core/" and header in CORE_FORBIDDEN:
        yield f"{name} may not include <{header}>: it is pure"


# Prefixes of the project's own headers, so that <core/…> is no way round.
OWN = {prefix for _, prefixes, _ in FOLDERS for prefix in prefixes if prefix}


def file_violations(path):
    text = (ROOT / path).read_text(encoding="utf-8")
    for number, line in enumerate(text.splitlines(), start=1):
        include = INCLUDE.match(line)
        if include:
            for reason in include_violations(path, *include.groups()):
                yield number, reason
        code = line.split("//")[0]
        if path.startswith("src/core/") and NOW.search(code):
            yield number, "src/core/ may not read a clock: time is an argument"
        name = CLASS.search(code)
        if name:
            yield number, f"{name[1]}: a class is named by what it is, not Manager, Helper or Utils"


def tracked_files():
    """What git has, and what it would add: a new file is checked before it is committed."""
    listing = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=ROOT, stdout=subprocess.PIPE, check=True).stdout.decode()
    return sorted(path for path in listing.split("\0") if path and (ROOT / path).is_file())


def main():
    files = tracked_files()
    sources = [path for path in files if path.endswith((".cpp", ".hpp", ".h", ".cc"))]
    if not sources:
        print("no source files found: the check would prove nothing")
        return 1
    violations = []
    for path in files:
        top = path.split("/")[0]
        if top not in TOP_LEVEL and not top.startswith("."):
            violations.append(f"{path}:1: {top} does not belong at the top level")
    for path in sources:
        violations += [f"{path}:{number}: {reason}" for number, reason in file_violations(path)]
    print("\n".join(violations) or f"{len(sources)} files: layout as designed")
    return 1 if violations else 0


if __name__ == "__main__":
    sys.exit(main())
