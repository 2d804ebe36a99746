#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Run a selftest of devlink for a long time, and record the result in docs/results.md.

fuzz     devlink_fuzz.py: malformed messages
faults   devlink_faults: each allocation fails once, in some guests in parallel
torture  devlink_torture.sh: random operations, in one guest after the other, each with the next
         seed. The first failure ends the run: a report of the kernel, a hang, or an inconsistency
         that the program sees. Then a shorter replay is searched that fails in the same way.
"""

import argparse
import concurrent.futures
import datetime
import random
import re
import time

import guest
import ksft
import results
import shrink

FAULTS_LIMIT = 4 * 3600     # seconds for a guest
KEPT = 5                    # minutes of torture: shorter runs, as in `make test`, are not recorded


def record(options, columns, good, more=""):
    """Only base and series have rows: a single commit is not measured again."""
    if options.kernel in ("base", "series"):
        results.record(options.run, f"{options.kernel}, {options.config}", columns,
                       f"make {options.run} KERNEL={options.kernel} CONFIG={options.config}{more}",
                       good or options.kernel == "base", options.config, options.kernel)


def show(result, splats=None, tail=40):
    """Prints the reports of the kernel, and the last lines of a test that did not pass."""
    for title, lines in result.splats[:splats]:
        print("\n".join("    | " + line for line in [title] + lines[1:60]))
    if result.outcome != "pass":
        print("\n".join("    > " + line[:1000] for line in result.output.splitlines()[-tail:]),
              flush=True)


def fuzz(options):
    print(f"{options.messages} messages from seed {options.seed} "
          f"({options.kernel}, {options.config})", flush=True)
    ksft.build()
    result = ksft.run(options.kernel, options.config, "devlink_fuzz.py",
                      f"-n {options.messages} -s {options.seed}",
                      limit=600 + options.messages / 100)
    show(result)
    print(f"{result.outcome}  {result.why}")
    said = re.search(r"^# (.* s, .*)$", result.output, re.M)
    good = result.outcome == "pass"
    record(options, {"messages": options.messages, "seed": options.seed,
                     "seconds": round(result.seconds),
                     "result": "pass" if good else f"{result.outcome}: {result.why[:200]}",
                     "what came back": said.group(1) if said else ""},
           good, f" MESSAGES={options.messages} SEED={options.seed}")
    return result.outcome == "fail"


def faults(options):
    ksft.build()
    parts = ksft.PARALLEL[guest.MACHINES[options.config]]
    with concurrent.futures.ThreadPoolExecutor(parts) as pool:
        ended = list(pool.map(
            lambda part: ksft.run(options.kernel, options.config, "devlink_faults",
                                  f"-f -x {part}/{parts}", limit=FAULTS_LIMIT), range(parts)))
    failed = []
    for result in ended:
        show(result)
        print(f"{result.outcome}  {result.why}")
        failed += re.findall(r"^# .*: \d+ allocations, (\d+) failed", result.output, re.M)
    outcomes = [result.outcome for result in ended]
    worst = next((outcome for outcome in ("fail", "skip") if outcome in outcomes), "pass")
    whys = [result.why for result in ended if result.outcome != "pass"]
    allocations, seconds = sum(map(int, failed)), max(result.seconds for result in ended)
    print(f"{worst}: {len(failed)} cases, {allocations} allocations made to fail, {seconds:.0f} s")
    record(options, {"cases": len(failed), "allocations that failed": allocations,
                     "seconds": round(seconds), "result": "; ".join([worst] + whys)[:300]},
           worst == "pass")
    return worst == "fail"


def torture(options):
    ksft.build()
    if options.shrink:
        shrink.Shrinker(options.kernel, options.config, options.shrink, "").shrink()
        return 0
    rng = random.Random(options.seed)
    first = options.seed if options.seed is not None else rng.randrange(10 ** 9)
    each = options.each or shrink.EACH[guest.MACHINES[options.config]]
    each = min(each, max(10, int(options.minutes * 60)))
    seed, guests, operations, start, result = first, 0, 0, time.monotonic(), None
    tortured = 0
    while tortured < options.minutes * 60:
        result = shrink.run(options.kernel, options.config, f"-t {each} -s {seed}", each)
        if result.outcome == "fail" and result.why.startswith("the guest did not boot"):
            print(f"seed {seed}: {result.why}: trying again", flush=True)
            result = shrink.run(options.kernel, options.config, f"-t {each} -s {seed}", each)
        guests += 1
        did = re.search(r"(\d+) operations", result.output)
        operations += int(did.group(1)) if did else 0
        tortured += min(each, result.seconds)
        if result.outcome == "fail":
            print(f"FAILED after {result.seconds:.0f} s: {result.why}")
            show(result, splats=3, tail=250)
        if result.outcome != "pass":
            break
        print(f"seed {seed}: pass, {each} s, {did.group(1) if did else 0} operations", flush=True)
        seed += 1
    last = first + guests - 1
    minutes = tortured / 60
    failed, skipped = result.outcome == "fail", result.outcome == "skip"
    what = f"fails: {shrink.signature(result)}" if failed else \
        f"skips: {result.why}" if skipped else "no splats"
    if options.minutes >= KEPT:
        record(options, {"minutes": round(minutes, 1), "guests": guests, "operations": operations,
                         "seeds": f"{first} to {last}", "result": what},
               result.outcome == "pass", f" MINUTES={options.minutes:g} SEED={first}")
    print(f"{minutes:.1f} minutes in {guests} guests, seeds {first} to {last}, "
          f"{time.monotonic() - start:.0f} s: {what}")
    if failed:
        args = shrink.replay_of(result.output, seed)
        print(f"again: make torture KERNEL={options.kernel} CONFIG={options.config} SEED={seed}\n"
              f"searching a replay that is shorter than {args}", flush=True)
        if not options.no_shrink:
            shrink.Shrinker(options.kernel, options.config, args, shrink.signature(result)).shrink()
    print(f"{guests - failed - skipped} passed, {int(failed)} failed, {int(skipped)} skipped")
    return int(failed)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    runs = parser.add_subparsers(dest="run", required=True, metavar="fuzz|faults|torture")
    for run in (fuzz, faults, torture):
        one = runs.add_parser(run.__name__)
        one.set_defaults(function=run)
        if run is fuzz:
            one.add_argument("--messages", type=int, default=1000000)
            one.add_argument("--seed", type=int, help="default: the date",
                             default=int(datetime.date.today().strftime("%Y%m%d")))
        elif run is torture:
            one.add_argument("--minutes", type=float, default=10)
            one.add_argument("--seed", type=int, help="of the first guest")
            one.add_argument("--each", type=int, metavar="SECONDS", help="of each guest")
            one.add_argument("--no-shrink", action="store_true")
            one.add_argument("--shrink", metavar="ARGS",
                             help='shorten a replay that fails, such as "-s 1 -n 300"')
        one.add_argument("kernel", metavar="KERNEL")
        one.add_argument("config", metavar="CONFIG", choices=guest.MACHINES)
    options = parser.parse_args()
    return options.function(options)


if __name__ == "__main__":
    guest.program(main)
