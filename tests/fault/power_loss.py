#!/usr/bin/env python3
"""Takes back what a killed process had not synced: what a power loss would have taken.

usage: power_loss.py [--some SEED] JOURNAL ROOT...

JOURNAL is the directory that libpower.so kept its journal in (power.h), ROOT the directories whose files it is about.
Without --some everything that was not synced is lost. With it chance decides, page by page and name by name: a disk
may have written any of it. The journal is emptied. Prints one line: how much was lost.
"""
import argparse
import os
import random
import shutil
import struct
from collections import defaultdict

# struct power_record
RECORD = struct.Struct("=IIQQQQQQQQIIII")
MAGIC = 0x52574F50
WRITE, SIZE, SYNC, CREATE, UNLINK, RENAME, MKDIR, RMDIR, SYNC_DIRECTORY = range(1, 10)
NAMES = (CREATE, UNLINK, RENAME, MKDIR, RMDIR)


class Record:
    def __init__(self, fields, payload):
        (_, self.kind, self.number, self.device, self.file, self.other_parent, self.offset, self.length, self.size,
         self.before, self.kept, zeros, _, _) = fields
        self.payload = bytes(self.before) if zeros else payload


def read_journal(directory):
    records = []
    with open(os.path.join(directory, "journal"), "rb") as journal:
        while head := journal.read(RECORD.size):
            if len(head) < RECORD.size:
                break  # the kill came while it was written: then the change itself was not made
            fields = RECORD.unpack(head)
            assert fields[0] == MAGIC, "the journal is damaged"
            payload = journal.read(fields[12])
            if len(payload) < fields[12]:
                break
            records.append(Record(fields, payload))
    records.sort(key=lambda record: record.number)
    return records


def not_synced(records):
    """Writes by file and names by age, as far as no later sync covers them."""
    synced = defaultdict(int)
    for record in records:
        if record.kind in (SYNC, SYNC_DIRECTORY):
            key = record.device, record.file
            synced[key] = max(synced[key], record.before)
    files, names = defaultdict(list), []
    for record in records:
        if record.kind in (WRITE, SIZE) and record.number > synced[record.device, record.file]:
            files[record.device, record.file].append(record)
        elif record.kind in NAMES:
            parent = record.other_parent if record.kind == RENAME else record.file
            if record.number > synced[record.device, parent]:
                names.append(record)
    return files, names


def paths_by_inode(roots):
    found = {}
    for root in roots:
        for directory, _, names in os.walk(root):
            for path in [directory] + [os.path.join(directory, name) for name in names]:
                state = os.lstat(path)
                found[state.st_dev, state.st_ino] = path
    return found


def undo_name(record, roots, journal):
    directories = paths_by_inode(roots)
    parent = directories.get((record.device, record.file))
    if parent is None:
        return
    name, _, other = record.payload.rstrip(b"\0").decode().partition("\0")
    path = os.path.join(parent, name)
    kept = os.path.join(journal, f"kept.{record.number}")
    if record.kind == CREATE and os.path.lexists(path):
        os.unlink(path)
    elif record.kind == UNLINK and record.kept and not os.path.lexists(path):
        os.link(kept, path)
    elif record.kind == RENAME:
        other_parent = directories.get((record.device, record.other_parent))
        if other_parent and os.path.lexists(os.path.join(other_parent, other)):
            other_path = os.path.join(other_parent, other)
            os.rename(other_path, path)
            if record.kept:
                os.link(kept, other_path)
    elif record.kind == MKDIR:
        shutil.rmtree(path, ignore_errors=True)
    elif record.kind == RMDIR:
        os.makedirs(path, exist_ok=True)


def pieces(record, page):
    """The record's range cut at page borders: (page number, start, old bytes or what was no byte then)."""
    start, end = record.offset, record.offset + max(record.length, len(record.payload))
    while start < end:
        stop = min(end, (start // page + 1) * page)
        old = record.payload[start - record.offset:stop - record.offset]
        yield start // page, start, old + bytes(stop - start - len(old))
        start = stop


def undo_writes(path, records, chance):
    page = chance.choice((512, 4096)) if chance else 4096
    count = defaultdict(int)
    for record in records:
        for number, _, _ in pieces(record, page):
            count[number] += 1
    undone = {number: chance.randint(0, most) if chance else most for number, most in count.items()}
    sizes = [record.size for record in records] + [os.path.getsize(path)]
    size = chance.choice(sizes) if chance else sizes[0]
    lost = sum(undone.values())
    with open(path, "r+b", buffering=0) as file:
        for record in reversed(records):
            for number, start, old in pieces(record, page):
                if undone[number] > 0:
                    undone[number] -= 1
                    os.pwrite(file.fileno(), old, start)
        file.truncate(size)
    return lost


def lose(journal, roots, chance):
    records = read_journal(journal)
    files, names = not_synced(records)
    # Names reach the disk in their order: chance keeps the first few.
    kept_names = chance.randint(0, len(names)) if chance else 0
    for record in reversed(names[kept_names:]):
        undo_name(record, roots, journal)
    where = paths_by_inode(roots)
    pages = sum(undo_writes(where[key], writes, chance) for key, writes in files.items() if key in where)
    for path in where.values():
        if path.endswith("-shm") and os.path.lexists(path):
            os.unlink(path)  # SQLite's shared memory: no part of what is stored
    for name in os.listdir(journal):
        os.unlink(os.path.join(journal, name))
    return len(records), pages, len(names) - kept_names


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--some", metavar="SEED")
    parser.add_argument("journal")
    parser.add_argument("roots", nargs="+")
    options = parser.parse_args()
    chance = random.Random(options.some) if options.some is not None else None
    records, pages, names = lose(options.journal, options.roots, chance)
    print(f"of {records} records, lost {pages} pieces of pages and {names} names")


if __name__ == "__main__":
    main()
