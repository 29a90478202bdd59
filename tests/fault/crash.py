#!/usr/bin/env python3
"""Cuts the power of a service again and again, and checks that every answer a client received has its event.

Each round: the service is started under libpower.so, clients put load on it, it is killed at a moment that chance
picks, what it had not synced is taken back, and it is started again. Then everything that any client was ever told
must be there. Commands are split like a shell does and run without one.

The list command and the clients speak in event ids: in each line of theirs the first word of 32 hexadecimal digits;
lines without one are ignored.
"""
import argparse
import os
import random
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time

EVENT_ID = re.compile(r"\b[0-9a-f]{32}\b")
HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, HERE)
import power_loss  # noqa: E402


class Broken(Exception):
    """The service is not as it must be."""


class Service:
    def __init__(self, options):
        self.options = options
        self.journal = os.path.abspath(options.directory) + ".power"
        shutil.rmtree(self.journal, ignore_errors=True)
        os.mkdir(self.journal)
        self.process = None

    def start(self, kill_at=0):
        """False: it killed itself, as told, before it was ready."""
        environment = dict(os.environ, LD_PRELOAD=os.path.abspath(self.options.shim), POWER_JOURNAL=self.journal,
                           POWER_SYNC_DELAY_US=str(self.options.sync_delay), POWER_KILL_AT=str(kill_at))
        output = open(self.options.output, "a", encoding="utf-8")
        self.process = subprocess.Popen(shlex.split(self.options.start), env=environment, stdin=subprocess.DEVNULL,
                                        stdout=output, stderr=output, start_new_session=True)
        output.close()
        deadline = time.monotonic() + self.options.patience
        while not self.is_ready():
            if self.process.poll() is not None:
                if kill_at and self.process.returncode == -signal.SIGKILL:
                    return False
                raise Broken(f"the service ended with {self.process.returncode} before it was ready")
            if time.monotonic() > deadline:
                raise Broken("the service is not ready")
            time.sleep(0.02)
        return True

    def is_ready(self):
        ready = subprocess.run(shlex.split(self.options.ready), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        return ready.returncode == 0

    def kill(self):
        """All of its processes at one moment. Whoever left its process group is found by its parent."""
        if self.process is None:
            return
        try:
            os.killpg(self.process.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.process.wait()
        while True:
            try:
                os.killpg(self.process.pid, 0)
                time.sleep(0.005)
            except ProcessLookupError:
                break
        self.process = None

    def lose_power(self, chance):
        return power_loss.lose(self.journal, [self.options.directory], chance)


def event_ids(text):
    return [found[0] for found in map(EVENT_ID.search, text.split("\n")) if found]


def run_ids(command):
    done = subprocess.run(shlex.split(command), stdout=subprocess.PIPE, text=True)
    if done.returncode != 0:
        raise Broken(f"{command}: ended with {done.returncode}")
    return event_ids(done.stdout)


def run_load(options, seconds, service):
    """What the clients were told until the service was killed, or killed itself."""
    with open(options.output + ".told", "w+", encoding="utf-8") as told:
        clients = subprocess.Popen(shlex.split(options.load), stdout=told, stdin=subprocess.DEVNULL)
        try:
            service.process.wait(seconds)
        except subprocess.TimeoutExpired:
            pass
        service.kill()
        try:
            clients.wait(options.patience)
        except subprocess.TimeoutExpired:
            clients.kill()
            clients.wait()
        told.seek(0)
        # The last line may be cut: then it was not told in full.
        text = told.read()
        return event_ids(text[:text.rfind("\n") + 1])


def check(options, told):
    listed = run_ids(options.list)
    there = set(listed)
    if len(there) != len(listed):
        raise Broken(f"{len(listed) - len(there)} events stand twice in the log")
    lost = told - there
    if lost:
        raise Broken(f"{len(lost)} answers have no event, among them {min(lost)}")
    for command in options.must_be_listed:
        missing = set(run_ids(command)) - there
        if missing:
            raise Broken(f"{len(missing)} of what '{command}' lists have no event, among them {min(missing)}")
    return len(listed)


def lose_and_check(options, chance, service):
    some = {"all": False, "some": True}.get(options.lose, chance.random() < 0.5)
    _, pages, names = service.lose_power(chance if some else None)
    for command in options.check:
        if subprocess.run(shlex.split(command)).returncode != 0:
            raise Broken(f"{command} found something")
    return f"{'some' if some else 'all'} of what was not synced is lost: {pages} pieces of pages, {names} names"


def play_round(options, chance, service, told):
    """Load and a kill at a moment, or at one of the service's changes to its files – maybe while it starts."""
    kill_at = 0
    if options.kill_at_change and chance.random() < 0.5:
        kill_at = chance.randint(1, options.kill_at_change)
    seconds = chance.uniform(options.shortest, options.longest)
    received = []
    if service.start(kill_at):
        if told:
            check(options, told)
        received = run_load(options, options.longest * 3 if kill_at else seconds, service)
    service.kill()
    told |= set(received)
    when = f"at change {kill_at}" if kill_at else f"after {seconds:.2f} s"
    return f"killed {when}; {lose_and_check(options, chance, service)}; {len(received)} answers received"


def play(options, chance):
    service = Service(options)
    told = set()
    try:
        for number in range(1, options.rounds + 1):
            said = play_round(options, chance, service, told)
            print(f"round {number}: {said}, {len(told)} in all", flush=True)
        service.start()
        print(f"{check(options, told)} events in the log, {len(told)} of them answered", flush=True)
    finally:
        service.kill()
    if not told:
        raise Broken("no client was ever told anything: this has proved nothing")


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--shim", required=True, help="libpower.so")
    parser.add_argument("--directory", required=True, help="what the service stores; JOURNAL becomes DIRECTORY.power")
    parser.add_argument("--start", required=True, help="runs the service in the foreground")
    parser.add_argument("--ready", required=True, help="succeeds once the service answers")
    parser.add_argument("--load", required=True, help="clients: print each event id as its answer arrives, end when "
                        "the service is gone")
    parser.add_argument("--list", required=True, help="prints the ids of all events in the log")
    parser.add_argument("--must-be-listed", action="append", default=[],
                        help="prints ids of what has happened: each must be in the log, too")
    parser.add_argument("--check", action="append", default=[], help="must succeed between power loss and restart")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--shortest", type=float, default=0.05, help="seconds of load before the kill")
    parser.add_argument("--longest", type=float, default=0.8)
    parser.add_argument("--kill-at-change", type=int, default=0, metavar="MOST",
                        help="half of the rounds: the service kills itself at its change number 1 to MOST to a file "
                        "(only for a service of one process)")
    parser.add_argument("--lose", choices=("all", "some", "either"), default="either",
                        help="what a power loss takes of what was not synced")
    parser.add_argument("--sync-delay", type=int, default=3000, help="microseconds that a sync takes at most")
    parser.add_argument("--patience", type=float, default=30, help="seconds for start and end")
    parser.add_argument("--output", default=os.devnull, help="what the service prints")
    parser.add_argument("--seed", default=None)
    parser.add_argument("--expect-loss", action="store_true",
                        help="succeed only if answers without an event are found: for a build that does not sync")
    options = parser.parse_args()
    if options.output == os.devnull:
        options.output = os.path.abspath(options.directory) + ".output"
    seed = options.seed if options.seed is not None else str(random.randrange(1 << 32))
    print(f"seed {seed}", flush=True)
    try:
        play(options, random.Random(seed))
    except Broken as broken:
        print(f"found: {broken}", flush=True)
        if options.expect_loss and "have no event" in str(broken):
            return 0
        if os.path.exists(options.output):
            with open(options.output, encoding="utf-8", errors="replace") as output:
                sys.stderr.write("".join(output.readlines()[-20:]))
        return 1
    if options.expect_loss:
        print("nothing was lost, although it had to be")
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
