#!/usr/bin/env python3
"""Counts test cases: in Meson's testlog.json the TAP lines of each test program, in JUnit files (*.xml) of
Node.js's runner the cases.

usage: count-cases.py FILE...
Prints "PASSED FAILED SKIPPED", then the name of each failed case, one a line. A program that failed without saying
which case counts as one failed.
"""
import json
import re
import sys
import xml.etree.ElementTree as ElementTree

TAP = re.compile(r"^(not )?ok\b\s*\d*\s*(?:- )?(.*?)(\s*# SKIP.*)?$", re.IGNORECASE | re.MULTILINE)


class Cases:
    def __init__(self):
        self.passed = self.skipped = 0
        self.failed = []

    def add_meson(self, path):
        for line in open(path, encoding="utf-8"):
            program = json.loads(line)
            failed_before = len(self.failed)
            skipped_before = self.skipped
            passed_before = self.passed
            for not_ok, name, skip in TAP.findall(program.get("stdout", "")):
                if skip:
                    self.skipped += 1
                elif not_ok:
                    self.failed.append(f'{program["name"]}: {name}')
                else:
                    self.passed += 1
            # cmocka writes a skipped case as "not ok N # SKIP", which Meson takes for a failure.
            only_skipped = program["returncode"] == 0 and self.skipped > skipped_before
            if program["result"] not in ("OK", "SKIP") and len(self.failed) == failed_before and not only_skipped:
                self.failed.append(f'{program["name"]}: {program["result"]}')
            elif program["result"] == "OK" and self.passed == passed_before and self.skipped == skipped_before:
                self.passed += 1  # a test that has no cases of its own

    def add_junit(self, path):
        for case in ElementTree.parse(path).iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                self.failed.append(f'{case.get("file", case.get("classname", ""))}: {case.get("name", "")}')
            elif case.find("skipped") is not None:
                self.skipped += 1
            else:
                self.passed += 1


def main(paths):
    cases = Cases()
    for path in paths:
        (cases.add_junit if path.endswith(".xml") else cases.add_meson)(path)
    print(cases.passed, len(cases.failed), cases.skipped)
    for name in cases.failed:
        print(name)


main(sys.argv[1:])
