#!/usr/bin/env python3
"""Which unit tests start threads, or run a program of ours that does: the thread sanitizer has nothing to say about others.

usage: threaded-tests.py BUILD names      test names, one a line, as `meson test` takes them
       threaded-tests.py BUILD targets    the files that ninja must build for them, relative to the build directory
"""
import json
import os
import subprocess
import sys


def introspect(build, what):
    return json.loads(subprocess.run(["meson", "introspect", build, what], check=True, capture_output=True).stdout)


def starts_threads(path):
    symbols = subprocess.run(["nm", "--dynamic", "--undefined-only", path], capture_output=True, text=True)
    return "pthread_create" in symbols.stdout


def main(build, what):
    built = {target["id"]: target["filename"] for target in introspect(build, "--targets")}
    files = {file for names in built.values() for file in names}
    threaded = {}
    for test in introspect(build, "--tests"):
        if not any(suite.endswith(":unit") for suite in test["suite"]):
            continue
        used = {word for word in test["cmd"] if word in files}
        used.update(file for target in test["depends"] for file in built[target])
        programs = {file for file in used if os.access(file, os.X_OK)}
        if any(starts_threads(program) for program in programs):
            threaded[test["name"]] = programs
    if what == "names":
        print(*sorted(threaded), sep="\n")
    else:
        print(*sorted({os.path.relpath(file, build) for used in threaded.values() for file in used}), sep="\n")


main(*sys.argv[1:])
