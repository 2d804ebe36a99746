#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The table of `make run`: the same tests on both kernels, side by side.

Each row is a case of a selftest that the series adds, in a guest of its own, or a measurement. The
exit status is 0 if every row passes with the series and no row passes on the base. Measurements run
alone, after the tests. A row with another result is run again after all others, alone, and printed
again: a race may not happen on the base, which has two more tries, and a test that reads the clock
can fail on a busy machine, so the series has one more. A hang or a report of the kernel with the
series counts the first time.

With BASE=, the rows are the selftests in the patches for that kernel. Those that need a sanitizer
run with CONFIG=kasan. The kernels are built if needed.
"""

import concurrent.futures
import json
import os
import re
import subprocess
import sys
import textwrap

import bench
import guest
import ksft
from options import Parser

INSTANCES = 1000
# Whether a row must pass, and the tries after the first one
WANTED = {"base": False, "series": True}
TRIES = {"2nd": ["base", "series"], "3rd": ["base"]}

# The title of the row, the selftest or the function of this file that it runs, and a configuration
# if only that one shows the bug
ROWS = [
    ("health report during device removal", "devlink_races.sh:break_health_del_test"),
    ("health report during reload", "devlink_races.sh:break_health_reload_test"),
    ("netns deleted, driver refuses to reload", "devlink_races.sh:netns_del_test"),
    ("request blocks, instance changes netns", "devlink_races.sh:netns_move_test"),
    ("SIGKILL to a reload that blocks", "devlink_races.sh:reload_kill_test"),
    ("rebind after the netns was deleted", "devlink_lifetime.sh:rebind_netns_test"),
    ("change between two messages of a dump", "devlink_dumps.py"),
    ("order of replies and notifications", "devlink_notify.py"),
    ("concurrent health reports are counted", "devlink_races.sh:health_count_test"),
    ("SIGKILL to a command that blocks", "devlink_instances.sh:waiters_kill_test"),
    ("get requests during a firmware update", "devlink_get.sh:flash_test"),
    ("port functions during a firmware update",
     "devlink_parallel_getters.sh:getters_exclusive_test"),
    ("get requests while a reload waits", "devlink_get.sh:wait_section_test"),
    ("parallel ops behind a blocked command", "devlink_parallel_races.sh:convoy_test"),
    ("packets trapped during a firmware update", "devlink_parallel_races.sh:traps_test"),
    (f"get by handle, 1 and {INSTANCES} instances", "lookups"),
]
LIFETIME = [
    ("ports added to a device without a driver", "devlink_lifetime.sh:unbound_ports_test"),
    ("rebind after the netns was deleted", "devlink_lifetime.sh:rebind_netns_test"),
    ("removal with rate nodes but no VFs", "devlink_lifetime.sh:rate_nodes_removal_test"),
    ("reload with rate nodes but no VFs", "devlink_lifetime.sh:rate_nodes_reload_test"),
    ("reload after a failed reload", "devlink_lifetime.sh:failed_reload_reload_test"),
    ("removal after a failed reload", "devlink_lifetime.sh:failed_reload_removal_test"),
    ("removal of a busy device", "devlink_lifetime.sh:busy_removal_test"),
]
OLDER_ROWS = {
    "6.12": ROWS[:5] + LIFETIME,
    "6.1": ROWS[:4],
    "5.10": [
        ("health request, its port is removed", "devlink_races.sh:health_port_test", "kasan"),
        ("port split, its port is removed", "devlink_races.sh:split_port_test", "kasan"),
        ("netns deleted, driver refuses to reload", "devlink_races.sh:netns_del_test", "kasan"),
    ],
}


def lookups(kernel, config):
    """The cost of a get with many instances: passes unless it is twice the cost with one."""
    output = []
    result = bench.run(kernel, config, "lookups", str(INSTANCES), write=output.append)
    if result.status:
        return False, result.why or f"FAILS: exit status {result.status}"
    alone, among = (nanoseconds / 1000 for nanoseconds in json.loads(b"".join(output)))
    return among < 2 * alone, f"{alone:.1f} and {among:.1f} us"


def cell(kernel, config, test, slow=False):
    """(passed, a few words, whether another try may give another result)"""
    if test in globals():
        return *globals()[test](kernel, config), True
    outcome, why, splats, seconds, output, again = ksft.run(kernel, config, test, slow=slow)
    if outcome == "pass":
        return True, f"passes, {seconds:.0f} s", True
    if outcome == "skip":
        return False, "SKIPS: not in netdevsim of the base", False
    if "panicked" in why:
        frames = [m.group(1) for _, lines in splats for line in lines
                  for m in [re.search(r"\] \?? ?(\w+)\+0x", line)] if m and
                  m.group(1).startswith(("devlink_", "nsim_", "netlink_"))]
        return False, f"OOPS in {frames[0]}(), {seconds:.0f} s" if frames else f"OOPS: {why}", again
    hang = re.search(r"hang: .*", output)
    if hang:
        return False, f"HANGS, reported after {seconds:.0f} s", again
    # The first failure of the shell or of KTAP, and the number of others
    first, *others = [re.sub(r".*\[FAIL\] ?|^not ok \d+ (?:\w+\.)?", "", one)
                      for one in why.split("; ")]
    more = f" and {len(others)} more" if others else ""
    first = textwrap.shorten(first, 35 - len(more), placeholder=" ...")
    return False, f"FAILS: {first}{more}", again


def wrong(ended):
    """The kernels of {kernel: cell()} that have another result than wanted"""
    return [kernel for kernel, (passed, *_) in ended.items() if passed != WANTED[kernel]]


def again_alone(test, config, ended):
    """Changes {kernel: cell()} to the result of another try, if the result was wrong."""
    for number, kernels in TRIES.items():
        for kernel in set(wrong(ended)) & set(kernels):
            if ended[kernel][2]:
                passed, words, again = cell(kernel, config, test, slow=WANTED[kernel])
                ended[kernel] = passed, f"{words} ({number} try)", again


def build(kernel, config):
    """Builds a kernel, unless it is up to date."""
    if subprocess.run([os.path.join(guest.TOP, "tools", "kernel"), kernel, config],
                      check=False).returncode:
        sys.exit(1)


def main():
    parser = Parser(__doc__)
    parser.add_argument("config", nargs="?", default="perf", metavar="CONFIG",
                        choices=tuple(guest.MACHINES))
    default = parser.parse_args().config
    rows = [(what, test, (config or [default])[0])
            for what, test, *config in (OLDER_ROWS[guest.OLDER] if guest.OLDER else ROWS)]
    configs = {config for _, _, config in rows}
    for config in sorted(configs):
        build("base", config)
        build("series", config)
    tests = [row for row in rows if "." in row[1]]
    late, bad = [], []

    def show(what, base, series):
        print(f"{what:42} {base:42} {series}", flush=True)

    def ended_first(what, test, config, ended):
        show(what, *(words for _, words, _ in ended.values()))
        if wrong(ended):
            late.append((what, test, config, ended))

    print()
    show("", *WANTED)
    # Most tests wait most of the time.
    with concurrent.futures.ThreadPoolExecutor(
            min(ksft.PARALLEL[guest.MACHINES[config]] for config in configs)) as pool:
        # Whole programs take longest, and start first.
        first = sorted(tests, key=lambda row: ":" in row[1])
        cells = {what: {kernel: pool.submit(cell, kernel, config, test) for kernel in WANTED}
                 for what, test, config in first}
        try:
            for what, test, config in tests:
                ended_first(what, test, config,
                            {kernel: one.result() for kernel, one in cells[what].items()})
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    for what, test, config in rows:
        if "." not in test:
            ended_first(what, test, config,
                        {kernel: cell(kernel, config, test) for kernel in WANTED})
    for what, test, config, ended in late:
        again_alone(test, config, ended)
        show(what, *(words for _, words, _ in ended.values()))
        if wrong(ended):
            bad.append(what)
    print()
    if bad:
        print("run: the base must fail and the series must pass, but not in: " + "; ".join(bad),
              file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    guest.program(main)
