#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Run devlink_torture.sh in one guest after the other, with a new seed each.

usage: torture.py [--minutes M] [--seed S] [--each SECONDS] KERNEL CONFIG
       torture.py --shrink "ARGS" KERNEL CONFIG

The first failure ends it: a report of the kernel, a hang, or something that the program
saw and that cannot be. Then the shortest replay is looked for that still fails in the
same way: fewer operations, threads and kinds of operations. A race is not lost for sure
because a replay passes, so each is tried several times; what is printed has been seen to
fail, but something shorter may fail, too. --shrink begins with a replay, such as
"-s 1 -n 300".

docs/torture.md has the last result for each kernel and configuration.
"""

import argparse
import datetime
import os
import random
import re
import sys
import time

import guest
import ksft

PROGRAM = "devlink_torture.sh"
EACH = {"uml": 60, "qemu": 120}         # seconds of torture in one guest
MORE = {"uml": 240, "qemu": 600}        # for the boot, or until it is clear that one hangs
PATIENCE = {"perf": 20, "lockdep": 60, "kasan": 60}  # for one command; under QEMU what the program thinks
TRIES = 3                               # for each shorter replay
SHRINK = 15 * 60                        # seconds to look for them
KERNELS = ("base", "series")
DOCS = os.path.join(guest.TOP, "docs", "torture.md")
FUNCTION = re.compile(r"\b((?:devl|nsim)\w*)\+0x")
ROW = re.compile(r"^\| (\w+) \| (\w+) \| (.*) \|$", re.M)


def signature(result):
    """How it failed, without what is different each time."""
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


def run(kernel, config, args, seconds):
    if config in PATIENCE:
        args += f" -w {PATIENCE[config]}"
    return ksft.run(kernel, config, PROGRAM, args, limit=seconds + MORE[guest.MACHINES[config]])


def show(result):
    _, why, splats, seconds, output, _ = result
    print(f"FAILED after {seconds:.0f} s: {why}")
    for title, lines in splats[:3]:
        print("\n".join("    | " + line for line in [title] + lines[:60]))
    print("\n".join("    > " + line for line in output.splitlines()[-250:]), flush=True)


class Shrinker:
    """Replays with the options that are known to fail, and with fewer."""

    def __init__(self, kernel, config, args, wanted):
        self.kernel, self.config, self.wanted = kernel, config, wanted
        self.options = dict(re.findall(r"-(\w) (\S+)", args))
        self.until = time.monotonic() + SHRINK

    def args(self):
        return " ".join(f"-{name} {value}" for name, value in self.options.items())

    def fails(self, **change):
        """Whether the change still fails; then it is kept."""
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
        """Drops a half of the items, then a quarter, ... as long as it fails without."""
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
            print("the replay passes: the race is not likely enough for it")
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
    """What the program says that there is, but not that all commands are one kind."""
    path = os.path.join(guest.LINUX, ksft.TESTS, "devlink_torture")
    kinds = os.popen(f"{path} -h").read().strip().splitlines()[-1].split()
    return [kind for kind in kinds if kind != "commands"]


def replay_of(output, seed):
    """The options that do the same again: the last operation is not known after a panic."""
    said = re.search(r"^# again: (.*)", output, re.M)
    if said:
        return said.group(1)
    seen = re.findall(r"^# \d+ s: operation (\d+)", output, re.M)
    return f"-s {seed} -n {2 * int(seen[-1]) if seen else 200}"


def record(kernel, config, text):
    rows = {}
    if os.path.exists(DOCS):
        with open(DOCS, encoding="utf-8") as f:
            rows = {(row[0], row[1]): row[2] for row in ROW.findall(f.read())
                    if row[0] in KERNELS}
    rows[kernel, config] = text
    with open(DOCS, "w", encoding="utf-8") as f:
        f.write("# The last `make torture` of each kernel and configuration\n\n"
                "To do one again: `make torture KERNEL=... CONFIG=... MINUTES=... SEED=...`,\n"
                "with the first of its seeds.\n\n"
                "| kernel | configuration | date | minutes | guests | operations | seeds | result |\n"
                "|---|---|---|---|---|---|---|---|\n")
        for (kernel_, config_), row in sorted(rows.items()):
            f.write(f"| {kernel_} | {config_} | {row} |\n")


def torture(options):
    rng = random.Random(options.seed)
    first = options.seed if options.seed is not None else rng.randrange(10 ** 9)
    each = options.each or EACH[guest.MACHINES[options.config]]
    each = min(each, max(10, int(options.minutes * 60)))
    seed, guests, operations, start, result = first, 0, 0, time.monotonic(), None
    tortured = 0
    while tortured < options.minutes * 60:
        result = run(options.kernel, options.config, f"-t {each} -s {seed}", each)
        if result.outcome == "fail" and result.why.startswith("the guest did not boot"):
            print(f"seed {seed}: {result.why}: once more", flush=True)
            result = run(options.kernel, options.config, f"-t {each} -s {seed}", each)
        guests += 1
        did = re.search(r"(\d+) operations", result.output)
        operations += int(did.group(1)) if did else 0
        tortured += min(each, result.seconds)
        if result.outcome == "fail":
            show(result)
            break
        print(f"seed {seed}: {result.outcome}, {each} s, {did.group(1) if did else 0} operations", flush=True)
        seed += 1
    last = first + guests - 1
    minutes = tortured / 60
    failed = result.outcome == "fail"
    what = f"fails: {signature(result)}" if failed else "silent"
    # A short run, as in `make test`, says too little to be kept.
    if options.kernel in KERNELS and options.minutes >= 5:
        record(options.kernel, options.config,
               f"{datetime.date.today()} | {minutes:.1f} | {guests} | {operations} | "
               f"{first} to {last} | {what}")
    print(f"{minutes:.1f} minutes in {guests} guests, seeds {first} to {last}, "
          f"{time.monotonic() - start:.0f} s: {what}")
    if failed:
        args = replay_of(result.output, seed)
        print(f"again: make torture KERNEL={options.kernel} CONFIG={options.config} SEED={seed}\n"
              f"looking for a replay that is shorter than {args}", flush=True)
        if not options.no_shrink:
            Shrinker(options.kernel, options.config, args, signature(result)).shrink()
    print(f"{guests - failed} passed, {int(failed)} failed, 0 skipped")
    return failed


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--minutes", type=float, default=10)
    parser.add_argument("--seed", type=int)
    parser.add_argument("--each", type=int)
    parser.add_argument("--no-shrink", action="store_true")
    parser.add_argument("--shrink", metavar="ARGS")
    parser.add_argument("kernel")
    parser.add_argument("config", choices=guest.MACHINES)
    options = parser.parse_args()
    ksft.build()
    if options.shrink:
        Shrinker(options.kernel, options.config, options.shrink, "").shrink()
        return 0
    return int(torture(options))


if __name__ == "__main__":
    guest.program(main)
