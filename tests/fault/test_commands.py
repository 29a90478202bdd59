#!/usr/bin/env python3
"""What `shikaku list-log` and `shikaku verify-log` say of a log that was written, damaged, or is not there. TAP.

usage: test_commands.py LOG_SERVICE SHIKAKU
"""
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time

SERVICE, SHIKAKU = map(os.path.abspath, sys.argv[1:3])


def call(*arguments):
    done = subprocess.run([SHIKAKU, *arguments], capture_output=True, text=True)
    return done.returncode, done.stdout, done.stderr


class Log:
    """A log with some events in it that nobody writes any more."""

    def __init__(self):
        self.place = tempfile.mkdtemp()
        self.state = os.path.join(self.place, "state")
        self.directory = os.path.join(self.state, "log")
        self.file = os.path.join(self.directory, f"{1:020}.log")
        os.mkdir(self.state)
        service = subprocess.Popen([SERVICE, "serve", self.state], stderr=subprocess.DEVNULL)
        while subprocess.run([SERVICE, "ready", self.state]).returncode != 0:
            time.sleep(0.02)
        load = subprocess.Popen([SERVICE, "load", self.state, "4"], stdout=subprocess.PIPE, text=True)
        self.told = [load.stdout.readline().strip() for _ in range(20)]
        service.kill()
        service.wait()
        self.told += load.communicate()[0].split()

    def change_byte(self, offset):
        with open(self.file, "r+b") as file:
            file.seek(offset)
            byte = file.read(1)[0]
            file.seek(offset)
            file.write(bytes([byte ^ 1]))


def a_whole_log_verifies(log):
    status, out, _ = call("verify-log", log.directory)
    assert status == 0 and "異常はありません" in out and "Nothing was found" in out, out


def every_event_is_listed_in_order_with_the_id_that_its_answer_had(log):
    status, out, _ = call("list-log", log.directory)
    events = [json.loads(line) for line in out.splitlines()]
    assert status == 0
    assert [event["sequence"] for event in events] == list(range(1, len(events) + 1))
    assert set(log.told) <= {event["event_id"] for event in events}
    assert {event["kind"] for event in events} == {"check_by_card", "enrolment"}


def a_listing_may_begin_later(log):
    _, every, _ = call("list-log", log.directory)
    _, some, _ = call("list-log", log.directory, "--from", "5")
    assert some.splitlines() == every.splitlines()[4:]


def no_person_and_no_answer_is_listed(log):
    _, out, _ = call("list-log", log.directory)
    assert "eligible" not in out and "person\":" not in out, out.splitlines()[0]


def a_changed_byte_is_found_wherever_it_lies(log):
    header, first = (0, 8, 30, 66), (4096, 4096 + 5, 4096 + 60, 4096 + 223, 4096 + 240, 4096 + 300)
    for offset in header + first:
        log.change_byte(offset)
        status, out, _ = call("verify-log", log.directory)
        log.change_byte(offset)
        assert status == 1 and "異常があります" in out, f"{offset}: {out}"
        assert out.startswith(f"{1:020}.log, "), out
    assert call("verify-log", log.directory)[0] == 0


def where_there_is_no_log_nothing_is_called_whole(log):
    assert call("verify-log", log.place)[0] == 1
    assert call("verify-log", log.place + "/missing")[0] == 1
    assert call("list-log", log.place)[0] == 1


def wrong_usage_is_told(log):
    for arguments in (["verify-log"], ["list-log"], ["list-log", log.directory, "--from"],
                      ["list-log", log.directory, "--from", "0"], ["list-log", log.directory, "--from", "x"],
                      ["verify-log", log.directory, "more"]):
        assert call(*arguments)[0] == 2, arguments


def main():
    tests = (a_whole_log_verifies, every_event_is_listed_in_order_with_the_id_that_its_answer_had,
             a_listing_may_begin_later, no_person_and_no_answer_is_listed, a_changed_byte_is_found_wherever_it_lies,
             where_there_is_no_log_nothing_is_called_whole, wrong_usage_is_told)
    log = Log()
    print(f"1..{len(tests)}")
    for number, test in enumerate(tests, 1):
        try:
            test(log)
            print(f"ok {number} - {test.__name__}")
        except AssertionError as wrong:
            print(f"not ok {number} - {test.__name__}\n# {wrong}")
    shutil.rmtree(log.place)


if __name__ == "__main__":
    main()
