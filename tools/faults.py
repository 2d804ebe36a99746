#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Every allocation fails once: all that the selftest devlink_faults can, in some guests.

usage: faults.py KERNEL CONFIG

The last result of each kernel is in docs/faults.md.
"""

import concurrent.futures
import datetime
import re
import sys

import fuzz
import guest
import ksft

LIMIT = 4 * 3600


def main():
    if len(sys.argv) != 3:
        sys.exit(__doc__)
    kernel, config = sys.argv[1:]
    ksft.build()
    parts = ksft.PARALLEL[guest.MACHINES[config]]
    with concurrent.futures.ThreadPoolExecutor(parts) as pool:
        results = list(pool.map(lambda part: ksft.run(kernel, config, "devlink_faults", f"-f -x {part}/{parts}",
                                                      limit=LIMIT), range(parts)))
    cases = failed = 0
    outcomes, whys = [], []
    for outcome, why, splats, _, output, _ in results:
        fuzz.show(outcome, why, splats, output)
        outcomes.append(outcome)
        whys += [why] if outcome != "pass" else []
        found = re.findall(r"^# .*: \d+ allocations, (\d+) failed", output, re.M)
        cases += len(found)
        failed += sum(map(int, found))
    worst = next((outcome for outcome in ("fail", "skip") if outcome in outcomes), "pass")
    seconds = max(result.seconds for result in results)
    print(f"{worst}: {cases} cases, {failed} allocations made to fail, {seconds:.0f} s")
    fuzz.record("faults.md",
                "# The last `make faults`\n\n"
                "Each allocation of each case of the selftest `devlink_faults` fails once.\n",
                ["kernel, configuration", "date", "cases", "allocations that failed", "seconds", "result"],
                f"{kernel}, {config}",
                [str(datetime.date.today()), str(cases), str(failed), f"{seconds:.0f}",
                 "; ".join([worst] + whys)[:300]])
    return worst == "fail"


if __name__ == "__main__":
    guest.program(main)
