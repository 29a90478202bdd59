#!/usr/bin/env python3
"""Arrows point down: an include in src/X may name only X and the folders below it.

The rule is the table under "Layers" in docs/architecture.md; this reads it from there. Tests and fuzz targets
may include anything of src/, since they stand above it; tests/unit/X only what X itself may include, and
tests/unit/support.
Then a look through all tracked files for what has no place in the tree: paths of one machine, hosts of package
registries, marks of unfinished work.
"""
import pathlib
import re
import subprocess
import sys

INCLUDE = re.compile(r'^\s*#\s*include\s*"([^"]+)"', re.MULTILINE)
ROW = re.compile(r"^  ((?:[a-z]+/\s+)+)(.*)$")


def rows_of_architecture(text):
    block = text.split("## Layers", 1)[1].split("```")[1]
    for line in block.splitlines():
        row = ROW.match(line)
        if row:
            yield row.group(1).replace("/", " ").split(), re.split(r"\s{2,}", row.group(2).strip())[-1]


def direct_layers(text):
    """folder -> folders named beside it, or None where it may include anything."""
    layers = {}
    for folders, below in rows_of_architecture(text):
        for folder in folders:
            if "anything" in below:
                layers[folder] = None
                continue
            layers[folder] = set()
            if "knows nothing" in below:
                continue
            for name, only in re.findall(r"([a-z]+)(?:\(([a-z, ]+)\))?", below):
                if not only or folder in re.split(r"[, ]+", only):
                    layers[folder].add(name)
    return layers


def reachable(layers, folder):
    seen, todo = set(), [folder]
    while todo:
        name = todo.pop()
        if name not in seen:
            seen.add(name)
            todo.extend(layers.get(name) or ())
    return seen


def owner(path):
    """The folder of src/ whose rules this file follows; None for what stands above all of them."""
    parts = path.parts
    if parts[0] == "src" and len(parts) > 2:
        return parts[1]
    if parts[:2] == ("tests", "unit") and len(parts) > 3 and parts[2] != "support":
        return parts[2]
    return None


def upward_includes(files, layers):
    for path in files:
        if path.suffix not in (".c", ".h"):
            continue
        folder = owner(path)
        if folder is not None and folder not in layers:
            yield f"{path}: the folder {folder} is not in the table of docs/architecture.md"
            continue
        if folder is None or layers[folder] is None:
            continue
        allowed = reachable(layers, folder)
        text = path.read_text(encoding="utf-8")
        for found in INCLUDE.finditer(text):
            target = found.group(1).split("/")[0] if "/" in found.group(1) else ""
            line = text.count("\n", 0, found.start(1)) + 1
            if not target and path.parts[0] == "src":
                yield f'{path}:{line}: "{found.group(1)}" does not name its folder'
            elif target in layers and target not in allowed:
                yield f'{path}:{line}: {folder}/ may not include "{found.group(1)}"'


# Written in pieces so that this file does not find itself.
OUT_OF_PLACE = [
    (re.compile(r"(?<![\w\"'$}])/" + r"(?:work|root|home)/[\w.]"), "a path of one machine"),
    (re.compile(r"registry\." + r"npmjs|deb\." + r"debian\.org|pypi\." + r"org"), "a package registry's host"),
    (re.compile(r"\b(?:TO" + r"DO|FIX" + r"ME|XX" + r"X|HA" + r"CK)\b"), "a mark of unfinished work"),
    (re.compile(r"\b(?:white|black)" + r"list|\bsla" + r"ve\b", re.IGNORECASE), "say what it does instead"),
]
TEXT = {".c", ".h", ".md", ".ts", ".tsx", ".css", ".html", ".py", ".sh", ".build", ".json", ".sql", ".txt", ".conf", ""}


def out_of_place(files):
    for path in files:
        if path.suffix not in TEXT or "corpus" in path.parts or path.name in ("package-lock.json", "LICENSE"):
            continue
        try:
            lines = path.read_text(encoding="utf-8").splitlines()
        except UnicodeDecodeError:
            continue
        for number, line in enumerate(lines, 1):
            for pattern, what in OUT_OF_PLACE:
                found = pattern.search(line)
                if found:
                    yield f"{path}:{number}: {what}: {found.group(0)}"


def main():
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        check=True, capture_output=True).stdout.decode()
    files = [path for path in map(pathlib.Path, filter(None, listed.split("\0"))) if path.is_file()]
    layers = direct_layers(pathlib.Path("docs/architecture.md").read_text(encoding="utf-8"))
    complaints = [*upward_includes(files, layers), *out_of_place(files)]
    print("\n".join(complaints) or f"{len(files)} files, {len(layers)} folders: all arrows point down")
    return 1 if complaints else 0


sys.exit(main())
