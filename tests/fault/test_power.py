#!/usr/bin/env python3
"""What libpower.so and power_loss.py do, against a probe that does to files what it is told. TAP.

usage: test_power.py LIBPOWER PROBE
"""
import os
import random
import shutil
import sqlite3
import subprocess
import sys
import tempfile

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))
import power_loss  # noqa: E402

SHIM, PROBE = map(os.path.abspath, sys.argv[1:3])
SETTLED = ["sync-directory"]

# (what it says, files before, what the probe does, files after; None: not there)
CASES = [
    ("a write that was not synced is lost", {"a": "old text"}, ["write:a:0:NEW"], {"a": "old text"}),
    ("a write that was synced stays", {"a": "old text"}, ["write:a:0:NEW", "sync:a"], {"a": "NEW text"}),
    ("a sync covers what was before it, not what came after", {"a": "old text"},
     ["write:a:0:NEW", "sync:a", "write:a:4:TEXT"], {"a": "NEW text"}),
    ("a sync of one file does not cover another", {"a": "aaa", "b": "bbb"},
     ["write:a:0:AAA", "write:b:0:BBB", "sync:b"], {"a": "aaa", "b": "BBB"}),
    ("several writes to one place are taken back to the first", {"a": "0"},
     ["write:a:0:1", "write:a:0:2", "write:a:0:3"], {"a": "0"}),
    ("what was appended and not synced is cut off", {"a": "one"}, ["append:a:two", "sync:a", "append:a:three"],
     {"a": "onetwo"}),
    ("what was cut off and not synced comes back", {"a": "0123456789"}, ["cut:a:4"], {"a": "0123456789"}),
    ("a file cut for writing anew comes back", {"a": "0123456789"}, ["create:a", "append:a:new"], {"a": "0123456789"}),
    ("what was cut off and synced is gone", {"a": "0123456789"}, ["cut:a:4", "sync:a"], {"a": "0123"}),
    ("a file that grew without a sync has its old size", {"a": "x"}, ["cut:a:5000"], {"a": "x"}),
    ("a new name is lost with its directory's sync missing", {}, ["create:a", "append:a:x", "sync:a"], {"a": None}),
    ("a new name stays with its directory synced", {}, ["create:a", "append:a:x", "sync:a"] + SETTLED, {"a": "x"}),
    ("a synced name does not save what was not synced in the file", {}, ["create:a"] + SETTLED + ["append:a:x"],
     {"a": ""}),
    ("a name taken away comes back", {"a": "x"}, ["unlink:a"], {"a": "x"}),
    ("a name taken away durably is gone", {"a": "x"}, ["unlink:a"] + SETTLED, {"a": None}),
    ("a rename is taken back", {"a": "x"}, ["rename:a:b"], {"a": "x", "b": None}),
    ("a rename over a file is taken back with that file", {"a": "new", "b": "old"}, ["rename:a:b"],
     {"a": "new", "b": "old"}),
    ("a durable rename over a file stays", {"a": "new", "b": "old"}, ["rename:a:b"] + SETTLED,
     {"a": None, "b": "new"}),
    ("the careful replacement survives", {"a": "old"},
     ["create:t", "append:t:new", "sync:t", "rename:t:a"] + SETTLED, {"a": "new", "t": None}),
    ("the careless replacement shows an empty file", {"a": "old"},
     ["create:t", "append:t:new", "rename:t:a"] + SETTLED, {"a": "", "t": None}),
    ("a directory made and not synced is lost", {}, ["mkdir:d"], {"d": None}),
]


class World:
    def __init__(self, files):
        self.base = tempfile.mkdtemp()
        self.root = os.path.join(self.base, "root")
        self.journal = os.path.join(self.base, "journal")
        os.mkdir(self.root)
        os.mkdir(self.journal)
        for name, text in files.items():
            with open(os.path.join(self.root, name), "w", encoding="utf-8") as file:
                file.write(text)

    def play(self, steps, **environment):
        return subprocess.run([PROBE] + steps, cwd=self.root, stderr=subprocess.DEVNULL,
                              env=dict(os.environ, LD_PRELOAD=SHIM, POWER_JOURNAL=self.journal, **environment)).returncode

    def lose(self, chance=None):
        return power_loss.lose(self.journal, [self.root], chance)

    def text(self, name):
        path = os.path.join(self.root, name)
        if os.path.isdir(path):
            return "directory"
        if not os.path.exists(path):
            return None
        with open(path, encoding="utf-8") as file:
            return file.read()

    def end(self):
        shutil.rmtree(self.base)


def case(files, steps, expected):
    world = World(files)
    try:
        ended = world.play(steps)
        if ended != -9:
            return f"the probe ended with {ended}"
        world.lose()
        for name, text in expected.items():
            if world.text(name) != text:
                return f"{name} is {world.text(name)!r}, not {text!r}"
        return None
    finally:
        world.end()


def chance_loses_some_of_it():
    """Over many tries a page that was not synced is sometimes there and sometimes not; a synced one always is."""
    seen = set()
    for seed in range(40):
        world = World({"a": "s" * 4096 + "o" * 8192})
        try:
            world.play(["write:a:0:S", "sync:a", "write:a:4096:X", "write:a:8192:Y"])
            world.lose(random.Random(seed))
            text = world.text("a")
            if text[0] != "S":
                return "a synced byte was lost"
            seen.add(text[4096] + text[8192])
        finally:
            world.end()
    return None if seen == {"oo", "Xo", "oY", "XY"} else f"seen only {sorted(seen)}"


def sqlite_rows(synchronous):
    world = World({})
    try:
        world.play(["sqlite:a.db:PRAGMA journal_mode=WAL;", f"sqlite:a.db:PRAGMA synchronous={synchronous};",
                    "sqlite:a.db:CREATE TABLE t(x);", "sqlite:a.db:INSERT INTO t VALUES(1);", "sync-directory",
                    "sqlite:a.db:INSERT INTO t VALUES(2);"])
        world.lose()
        with sqlite3.connect(os.path.join(world.root, "a.db")) as db:
            if db.execute("PRAGMA integrity_check").fetchone() != ("ok",):
                return "damaged"
            return [row[0] for row in db.execute("SELECT x FROM t")]
    except sqlite3.OperationalError:
        return []
    finally:
        world.end()


def a_commit_of_sqlite_survives():
    rows = sqlite_rows("FULL")
    return None if rows == [1, 2] else f"rows {rows}"


def a_commit_of_sqlite_without_a_sync_is_lost():
    rows = sqlite_rows("OFF")
    return None if 2 not in rows else f"rows {rows}"


def a_sync_can_be_made_to_fail():
    world = World({"a": "x"})
    try:
        if world.play(["write:a:0:y", "sync:a"], POWER_FAIL_SYNC_AT="1") != 3:
            return "the sync did not fail"
        world.lose()
        return None if world.text("a") == "x" else "a failed sync made something durable"
    finally:
        world.end()


def a_process_can_be_killed_at_any_change():
    for at, expected in ((1, "abc"), (2, "Abc"), (3, "ABc")):
        world = World({"a": "abc"})
        try:
            ended = world.play(["write:a:0:A", "write:a:1:B", "write:a:2:C"], POWER_KILL_AT=str(at))
            if ended != -9 or world.text("a") != expected:
                return f"at {at} it ended with {ended} and {world.text('a')!r}"
        finally:
            world.end()
    return None


def main():
    tests = [(what, lambda rest=rest: case(*rest)) for what, *rest in CASES]
    tests += [(test.__name__.replace("_", " "), test)
              for test in (chance_loses_some_of_it, a_commit_of_sqlite_survives,
                           a_commit_of_sqlite_without_a_sync_is_lost, a_sync_can_be_made_to_fail,
                           a_process_can_be_killed_at_any_change)]
    print(f"1..{len(tests)}")
    for number, (what, test) in enumerate(tests, 1):
        wrong = test()
        print(f"{'not ' if wrong else ''}ok {number} - {what}")
        if wrong:
            print(f"# {wrong}")


if __name__ == "__main__":
    main()
