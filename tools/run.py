#!/usr/bin/python3
"""The table of `make run`: the same workload on both kernels, side by side.

Each row is a case of a selftest that a series adds, in a guest of its own, or
something that is measured.  On the base it hangs, panics, fails or takes its time,
which is what the row is about.  The exit status is 0 when every row passes with the
series, and none does on the base.  What is not so at first is tried once more: a race may
not have happened on the base, and on a slow machine a test that looks at the clock fails.
Not so when the series hangs, or its kernel reports something.
"""

import json
import re
import sys

import bench
import guest
import ksft

INSTANCES = 1000

# What the row shows, and the test that does, or the function of this file.  A series
# adds its rows here.
ROWS = [
    ("health reports during device removal", "devlink_races.sh:break_health_del_test"),
    ("health reports during reload", "devlink_races.sh:break_health_reload_test"),
    ("netns deleted, reload refused", "devlink_races.sh:netns_del_test"),
    ("command waits, instance changes netns", "devlink_races.sh:netns_move_test"),
    ("reload killed while it waits", "devlink_races.sh:reload_kill_test"),
    ("driver bound again, its netns deleted", "devlink_lifetime.sh:rebind_netns_test"),
    ("changes between two messages of a dump", "devlink_dumps.py"),
    ("replies against notifications", "devlink_notify.py"),
    ("concurrent health reports", "devlink_races.sh:health_count_test"),
    ("command killed while it waits", "devlink_instances.sh:waiters_kill_test"),
    ("get requests during a firmware update", "devlink_get.sh:flash_test"),
    ("ports with functions during an update", "devlink_parallel_getters.sh:getters_exclusive_test"),
    ("get requests during reload and recovery", "devlink_get.sh:wait_section_test"),
    ("parallel ops behind a blocked command", "devlink_parallel_races.sh:convoy_test"),
    ("traps during a firmware update", "devlink_parallel_races.sh:traps_test"),
    (f"get by name, 1 and {INSTANCES} instances", "lookups"),
]


def lookups(kernel, config):
    """What a get costs among many instances: passes unless it is twice as much."""
    output = []
    result = bench.run(kernel, config, "lookups", str(INSTANCES), write=output.append)
    if result.status:
        return False, result.why or f"FAILS: exit status {result.status}"
    alone, among = (nanoseconds / 1000 for nanoseconds in json.loads(b"".join(output)))
    return among < 2 * alone, f"{alone:.1f} and {among:.1f} us"


def cell(kernel, config, test, slow=False):
    """(passed, a few words, whether to try again makes sense)"""
    if test in globals():
        return *globals()[test](kernel, config), True
    outcome, why, splats, seconds, output, again = ksft.run(kernel, config, test, slow=slow)
    if outcome == "pass":
        return True, f"passes, {seconds:.0f} s", True
    if outcome == "skip":
        return False, "SKIPS: netdevsim has no such callback", False
    if "panicked" in why:
        frames = [m.group(1) for _, lines in splats for line in lines
                  for m in [re.search(r"\] \?? ?(\w+)\+0x", line)] if m and
                  m.group(1).startswith(("devlink_", "nsim_", "netlink_"))]
        return False, f"OOPS in {frames[0]}(), {seconds:.0f} s" if frames else f"OOPS: {why}", again
    hang = re.search(r"hang: .*", output)
    if hang:
        return False, f"HANGS, reported after {seconds:.0f} s", again
    return False, "FAILS: " + re.sub(r".*\[FAIL\] ?", "", why)[:34], again


def twice(kernel, test, wanted):
    passed, words, again = cell(kernel, "perf", test)
    if passed != wanted and again:
        passed, words, _ = cell(kernel, "perf", test, slow=wanted)
        words += " (2nd try)"
    return passed, words


def main():
    bad = []
    print(f"\n{'':42} {'base':42} series")
    for what, test in ROWS:
        print(f"{what:42} ", end="", flush=True)
        base_good, base = twice("base", test, False)
        print(f"{base:42} ", end="", flush=True)
        good, series = twice("series", test, True)
        print(series, flush=True)
        if not good or base_good:
            bad.append(what)
    print()
    if bad:
        print("run: the base is to fail and the series to pass, and it is not so for: "
              + "; ".join(bad), file=sys.stderr)
    return 1 if bad else 0


if __name__ == "__main__":
    guest.program(main)
