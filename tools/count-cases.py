#!/usr/bin/env python3
"""Counts test cases in JUnit files, as Meson writes them for TAP and Node.js for its runner.

usage: count-cases.py FILE...
Prints "PASSED FAILED SKIPPED", then the name of each failed case, one a line.
"""
import sys
import xml.etree.ElementTree as ElementTree


def main(paths):
    passed = skipped = 0
    failed = []
    for path in paths:
        for case in ElementTree.parse(path).iter("testcase"):
            if case.find("failure") is not None or case.find("error") is not None:
                failed.append(f'{case.get("classname", "")}: {case.get("name", "")}')
            elif case.find("skipped") is not None:
                skipped += 1
            else:
                passed += 1
    print(passed, len(failed), skipped)
    for name in failed:
        print(name)


main(sys.argv[1:])
