#!/usr/bin/env python3
"""What the documents promise: links within the tree lead somewhere, each program has a manual page that mandoc
accepts, is installed and explains every option that the program names itself; every setting of the centre is explained."""
import pathlib
import re
import subprocess
import sys

LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")
PROGRAM = re.compile(r"executable\('([\w-]+)'")
SETTING = re.compile(r'(?:read_\w+\(\w+, |find\()root, (?:NULL|"(\w+)"), "(\w+)"')
OPTION = re.compile(r"(?<![\w-])--([a-z][a-z-]+)")


def broken_links():
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "-z", "--cached", "--others", "--exclude-standard", "*.md"],
        check=True, capture_output=True).stdout.decode()
    for page in map(pathlib.Path, filter(None, listed.split("\0"))):
        for target in LINK.findall(page.read_text(encoding="utf-8")):
            if "://" not in target and not (page.parent / target).exists():
                yield f"{page}: {target} is not there"


def words_of_usage(program):
    """Options that the program names when asked for help."""
    path = pathlib.Path("build/src/programs", program)
    if not path.exists():
        return set()
    told = subprocess.run([path, "--help"], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=20)
    return set(OPTION.findall(told.stdout + told.stderr))


def pages_wanting():
    installed = pathlib.Path("docs/man/meson.build").read_text(encoding="utf-8")
    for program in PROGRAM.findall(pathlib.Path("src/programs/meson.build").read_text(encoding="utf-8")):
        pages = list(pathlib.Path("docs/man").glob(f"{program}.[1-8]"))
        if not pages:
            yield f"docs/man: no page for {program}"
            continue
        text = pages[0].read_text(encoding="utf-8").replace("\\-", "-")
        if f"'{pages[0].name}'" not in installed:
            yield f"docs/man/meson.build: {pages[0].name} is not installed"
        for option in sorted(words_of_usage(program) - {"help"}):
            if not re.search(rf"-{option}(?![\w-])", text):
                yield f"{pages[0]}: --{option} is not explained"


def settings_not_explained():
    explained = pathlib.Path("docs/settings.md").read_text(encoding="utf-8")
    for section, name in SETTING.findall(pathlib.Path("src/service/settings.c").read_text(encoding="utf-8")):
        member = f"{section}.{name}" if section else name
        if f"`{member}`" not in explained:
            yield f"docs/settings.md: {member} is not explained"


def pages_not_accepted():
    pages = sorted(pathlib.Path("docs/man").glob("*.[1-8]"))
    told = subprocess.run(["mandoc", "-Tlint", "-Wwarning", *pages], capture_output=True, text=True)
    yield from filter(None, told.stdout.splitlines())


def main():
    complaints = [*broken_links(), *pages_wanting(), *settings_not_explained(), *pages_not_accepted()]
    print("\n".join(complaints) or "documents hold")
    return 1 if complaints else 0


sys.exit(main())
