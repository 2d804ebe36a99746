#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Runs the selftest devlink_torture.sh in a guest, and searches the shortest replay that fails.

A replay has fewer operations, threads and kinds of operations. A replay of a race may pass by
chance, so each is tried several times. The replay that is printed has failed. A shorter one may
fail also.
"""

import os
import re
import time

import guest
import ksft

PROGRAM = "devlink_torture.sh"
EACH = {"uml": 60, "qemu": 120}         # seconds of torture in one guest
MORE = {"uml": 240, "qemu": 600}        # seconds more, for the boot and to detect a hang
# Seconds for one command; under QEMU, the default of the program
PATIENCE = {"perf": 20, "lockdep": 60, "kasan": 60}
TRIES = 3                               # for each shorter replay
SHRINK = 15 * 60                        # seconds for all of them
FUNCTION = re.compile(r"\b((?:devl|nsim)\w*)\+0x")


def run(kernel, config, args, seconds):
    if config in PATIENCE:
        args += f" -w {PATIENCE[config]}"
    return ksft.run(kernel, config, PROGRAM, args, limit=seconds + MORE[guest.MACHINES[config]])


def signature(result):
    """How it failed, without the parts that differ from run to run."""
    said = re.search(r"^# FAIL after [^:]*: (.*)", result.output, re.M)
    if said and " hangs: " in said.group(1):
        return "a command hangs"
    text = said.group(1) if said else result.why
    if result.splats:
        title, lines = result.splats[0]
        frames = [m.group(1) for line in lines for m in [FUNCTION.search(line)] if m]
        text = re.sub(r" \(\d+ times\)$|, CPU.*|, ip.*", "", title)
        text += "".join(f" in {frame}" for frame in frames[:1])
    return re.sub(r"0x[0-9a-f]+|\d+", "N", text)


def replay_of(output, seed):
    """The options that repeat the run. After a panic, the last operation is not known."""
    said = re.search(r"^# again: (.*)", output, re.M)
    if said:
        return said.group(1)
    seen = re.findall(r"^# \d+ s: operation (\d+)", output, re.M)
    return f"-s {seed} -n {2 * int(seen[-1]) if seen else 200}"


class Shrinker:
    """Tries replays with fewer options than the shortest one that has failed."""

    def __init__(self, kernel, config, args, wanted):
        self.kernel, self.config, self.wanted = kernel, config, wanted
        self.options = dict(re.findall(r"-(\w) (\S+)", args))
        self.until = time.monotonic() + SHRINK

    def args(self):
        return " ".join(f"-{name} {value}" for name, value in self.options.items())

    def fails(self, **change):
        """Whether a replay with the change fails. If so, the change is kept."""
        before = dict(self.options)
        self.options.update({name: str(value) for name, value in change.items()})
        for _ in range(TRIES):
            if time.monotonic() > self.until:
                break
            result = run(self.kernel, self.config, self.args(), EACH[guest.MACHINES[self.config]])
            if result.outcome == "fail" and self.wanted in ("", signature(result)):
                self.wanted = signature(result)
                print(f"    fails:  {self.args()}", flush=True)
                return True
        print(f"    passes: {self.args()}", flush=True)
        self.options = before
        return False

    def halve(self, name, items):
        """Drops a half of the items, then a quarter, ... if the replay fails without them."""
        size = len(items) // 2
        while size:
            at = 0
            while at < len(items) and len(items) > 1:
                rest = items[:at] + items[at + size:]
                if rest and self.fails(**{name: ",".join(rest)}):
                    items = rest
                else:
                    at += size
            size //= 2

    def shrink(self):
        if not self.fails():
            print("the replay passes: the race is too rare to find a shorter one")
            return
        while int(self.options["n"]) > 8 and self.fails(n=int(self.options["n"]) // 2):
            pass
        threads = self.options.get("J") or ",".join(map(str, range(int(self.options.pop("j", 12)))))
        self.halve("J", threads.split(","))
        kinds = self.options.get("o") or ",".join(all_kinds())
        self.halve("o", kinds.split(","))
        while int(self.options["n"]) > 8 and self.fails(n=int(self.options["n"]) // 2):
            pass
        print(f"shortest replay found: {PROGRAM} {self.args()}", flush=True)


def all_kinds():
    """The kinds of operations that the program lists, except `commands`, which is all of them."""
    path = os.path.join(guest.LINUX, ksft.TESTS, "devlink_torture")
    kinds = os.popen(f"{path} -h").read().strip().splitlines()[-1].split()
    return [kind for kind in kinds if kind != "commands"]
