#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The cost of devlink: base and series in turn, several boots of each.

usage: bench.py [--boots N] [--part PART]

Each boot of a part is a guest of its own, base and series alternate, and each boot gives one
number for each row.  The table has medians over the boots, their spread (half the distance
between the quartiles), and two ratios: of the medians, and of the fastest boots.  Other work
of the machine only adds time, so the limit of a row is for the second.  A row above its limit
fails.  Parts, rows and limits are in bench_rows.py, the workloads in tests/bench/.

The machine must be idle.  The part "instructions" does not need that: QEMU counts
instructions, on one CPU of x86_64.  They are the same each time, and do not include what
caches and atomic operations cost.
"""

import collections
import datetime
import json
import os
import shlex
import statistics
import sys

import bench_rows
import guest
from options import Parser
import results

KERNELS = ("base", "series")
WORKLOADS = os.path.join(guest.TOP, "tests", "bench", "workloads.py")
LATENCY = os.path.join(guest.TOP, "docs", "latency.json")


def run(kernel, config, *words, write):
    """The workloads in a guest, which gets LINUX= also"""
    environment = []
    if os.environ.get("LINUX"):
        environment = ["env", f"LINUX={os.path.realpath(os.environ['LINUX'])}"]
    command = shlex.join([*environment, sys.executable, WORKLOADS, *words])
    return guest.run(kernel, config, command, limit=900, memory="4G", write=write)


def rows_of(kernel, part):
    """The rows that a part prints in a guest of its own, and the seconds that the guest took"""
    output = []
    result = run(kernel, part.config, part.name, write=output.append)
    text = b"".join(output).decode(errors="replace")
    if result.status:
        sys.exit(f"bench: {kernel}, {part.name}: {result.why or f'status {result.status}'}\n{text}")
    return json.loads(text), result.seconds


def measure(parts, boots):
    """{kernel: {row: [a value for each boot]}}, times in ns, and {kernel: {when: latencies}}"""
    values = {kernel: collections.defaultdict(list) for kernel in KERNELS}
    curves = {kernel: collections.defaultdict(collections.Counter) for kernel in KERNELS}
    for number in range(boots):
        # In turn, and not always the same one first
        for kernel in KERNELS[::-1] if number % 2 else KERNELS:
            total = 0
            for part in parts:
                if part.boots and number >= part.boots:
                    continue
                found, seconds = rows_of(kernel, part)
                total += seconds
                for when, counts in found.pop("curves", {}).items():
                    curves[kernel][when].update(counts)
                for row, value in found.items():
                    values[kernel][row].append(value)
            print(f"boot {number + 1} of {boots}, {kernel}: {total:.0f} s",
                  file=sys.stderr, flush=True)
    return values, curves


def summary(values):
    """Median, half the distance between the quartiles, and the least"""
    if not values:
        return None, None, None
    quarters = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 else [0] * 3
    return statistics.median(values), (quarters[2] - quarters[0]) / 2, min(values)


def judged(row, values):
    """The columns of a row, and whether it is within its limit"""
    (base, base_spread, base_best), (series, series_spread, best) = (
        summary([value / (1000 if row.unit == "us" else 1) for value in values[kernel][row.name]])
        for kernel in KERNELS)
    ratio_of_best = best / base_best if base else None
    good, against = True, None
    if row.limit:
        against = ratio_of_best
        if row.limit.of:
            against = min(values["series"][row.name]) / min(values["series"][row.limit.of])
        good = row.limit.holds(against)
    return {"part": row.part, "unit": row.unit,
            "base": base, "base +-": base_spread, "series": series, "series +-": series_spread,
            "ratio": series / base if base else None, "ratio of best": ratio_of_best,
            "limit": str(row.limit) if row.limit else None, "is": against,
            "boots": len(values["series"][row.name])}, good


def line(name, columns, good):
    def cell(kernel):
        median, spread = columns[kernel], columns[f"{kernel} +-"]
        if median is None:
            return f"{'-':>19}"
        return f"{median:{'12.2f' if columns['unit'] == 'us' else '12.0f'}} " \
               f"{100 * spread / median:5.1f}%"

    ratios = " ".join(f"{columns[k]:8.3f}" if columns[k] else f"{'-':>8}"
                      for k in ("ratio", "ratio of best"))
    limit = f"{columns['limit']}: {columns['is']:.3f}" if columns["limit"] else ""
    return f"{name:60} {columns['unit'][:5]:>5} {cell('base')} {cell('series')} {ratios}  " \
           f"{limit}{'' if good else ', FAILED'}"


def keep_latencies(curves, values):
    """The latencies that tools/picture.py draws"""
    requests = {f"{kernel}, {when}": dict(sorted(counts.items(), key=lambda item: float(item[0])))
                for kernel, found in curves.items() for when, counts in found.items()}
    wait = statistics.median(values["base"]["max of port, during an update"])
    with open(LATENCY, "w", encoding="utf-8") as f:
        json.dump({"request": "DEVLINK_CMD_PORT_GET", "date": str(datetime.date.today()),
                   "boots": len(values["base"]["max of port, idle"]),
                   "trees": {kernel: results.tree_of("perf", kernel) for kernel in KERNELS},
                   "update of the base, seconds": wait / 1e9,
                   "requests by microseconds": requests}, f, indent=0)
        f.write("\n")


def main():
    parser = Parser(__doc__)
    parser.add_argument("--boots", type=int, default=5)
    parser.add_argument("--part", choices=bench_rows.PARTS)
    args = parser.parse_args()
    if args.boots < 1:
        sys.exit(f"bench: BOOTS={args.boots} must be 1 or more")
    names = [args.part] if args.part else list(bench_rows.PARTS)
    values, curves = measure([bench_rows.PARTS[name] for name in names], args.boots)
    rows = [row for row in bench_rows.ROWS if row.part in names]
    wrong = {row.name for row in rows} ^ set(values["series"])
    wrong |= {row.name for row in rows
              if row.limit and not row.limit.of and not values["base"][row.name]}
    if wrong:
        sys.exit("bench: bench_rows.py and workloads.py do not agree on: "
                 + ", ".join(sorted(wrong)))

    failed = 0
    print(f"\n{'row':60} {'unit':>5} {'base':>12}     +- {'series':>12}     +- {'ratio':>8} "
          f"{'of best':>8}  limit")
    for row in rows:
        columns, good = judged(row, values)
        failed += not good
        print(line(row.name, columns, good))
        results.record("bench", row.name, columns, f"make bench PART={row.part}"
                       f" BOOTS={columns['boots']}", good, bench_rows.PARTS[row.part].config,
                       "series")
    known = {row.name for row in bench_rows.ROWS}
    results.remove("bench", lambda row: row["key"] not in known)
    if "latency" in names:
        keep_latencies(curves, values)
    print(f"\n{failed} of {len(rows)} rows above their limit (medians of the boots; +-: half "
          "the distance between the quartiles; also in docs/results.md)")
    return 1 if failed else 0


if __name__ == "__main__":
    guest.program(main)
