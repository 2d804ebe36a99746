#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Many hostile messages to devlink: the selftest devlink_fuzz.py, for as long as it takes.

usage: fuzz.py [--messages N] [--seed S] KERNEL CONFIG

The seed is the date, if none is given. The last result of each configuration is in
docs/fuzz.md.
"""

import argparse
import datetime
import os
import re
import sys

import guest
import ksft


def record(name, title, head, key, row):
    """A table in docs/, of which one row is new: the one that begins with the key."""
    path = os.path.join(guest.TOP, "docs", name)
    rows = []
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            rows = [line.strip() for line in f if line.startswith("|")][2:]
    rows = [line for line in rows if not line.startswith(f"| {key} |")] + [f"| {key} | {' | '.join(row)} |"]
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(f"{title}\n| {' | '.join(head)} |\n|{'---|' * len(head)}\n" + "\n".join(sorted(rows)) + "\n")


def show(outcome, why, splats, output):
    """What ksft.run() says, for people."""
    for title, lines in splats:
        print("\n".join("    | " + line for line in lines[:60]))
    if outcome != "pass":
        print("\n".join("    > " + line[:1000] for line in output.splitlines()[-40:]))
    print(f"{outcome}  {why}")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--messages", type=int, default=1000000)
    parser.add_argument("--seed", type=int, default=int(datetime.date.today().strftime("%Y%m%d")))
    parser.add_argument("kernel")
    parser.add_argument("config")
    options = parser.parse_args()
    print(f"{options.messages} messages from seed {options.seed} ({options.kernel}, {options.config})", flush=True)
    ksft.build()
    outcome, why, splats, seconds, output, _ = ksft.run(
        options.kernel, options.config, "devlink_fuzz.py", f"-n {options.messages} -s {options.seed}",
        limit=600 + options.messages / 100)
    show(outcome, why, splats, output)
    said = re.search(r"^# (.* s, .*)$", output, re.M)
    record("fuzz.md",
           "# The last `make fuzz`\n\n"
           "Hostile messages made from `Documentation/netlink/specs/devlink.yaml`, by the selftest\n"
           "`devlink_fuzz.py`. The same again: `make fuzz KERNEL= CONFIG= MESSAGES= SEED=`.\n",
           ["kernel, configuration", "date", "messages", "seed", "seconds", "result", "what came back"],
           f"{options.kernel}, {options.config}",
           [str(datetime.date.today()), str(options.messages), str(options.seed), f"{seconds:.0f}",
            outcome if outcome == "pass" else f"{outcome}: {why[:200]}", said.group(1) if said else ""])
    return outcome == "fail"


if __name__ == "__main__":
    guest.program(main)
