#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Run the steps of `make test`, or with `soak` the steps that take too long for it.

With a WORD, only the steps of the soak run that have it in their title: all of them take many
hours.  docs/results.md has the last result of each.

A step is a program.  If its last line is "N passed, N failed, N skipped", these numbers count.
Otherwise, the program counts as one test, by its exit status.  All steps run, also after a
failure.  The last line has the sums, and the lines before it the failures, the reasons for skips,
and the tests that were tried again.
"""

import os
import re
import subprocess
import sys
import time

import guest
from options import Parser
import results

T = os.path.join(guest.TOP, "tools")
# Kernels with patches in patches/stable-*.
OLDER = [name.removeprefix("stable-") for name in sorted(os.listdir(f"{guest.TOP}/patches"))
         if name.startswith("stable-")]
# KASAN is left to the soak, as its kernel takes long to compile.  lockdep has slab poisoning.
KERNELS = [("base", "perf"), ("series", "perf"), ("series", "lockdep"), ("base", "lockdep")]
# Programs of the base that are no tests of devlink, and that take half of the time of all, read the
# clock (hw_stats_l3.sh), or also fail on the base (udp_tunnel_nic.sh).
LONG = ["ethtool-coalesce.sh", "hw_stats_l3.sh", "nexthop.sh", "udp_tunnel_nic.sh"]
# All except bnxt: it deadlocks by itself, see docs/known-bugs.md, and a guest waits for a minute.
MODELS = ["mv88e6xxx", "prestera", "pds_core", "zl3073x", "dsa_loop", "fbnic", "ena"]
ADDED = ["devlink_dumps.py", "devlink_get.sh", "devlink_get_changes.sh", "devlink_instances.sh",
         "devlink_lifetime.sh", "devlink_nested.sh", "devlink_notify.py", "devlink_parallel.sh",
         "devlink_parallel_getters.sh", "devlink_parallel_races.sh", "devlink_privilege.py",
         "devlink_races.sh"]
DEVLINK = ["devlink.sh", "devlink_in_netns.sh", "devlink_trap.sh", *ADDED]

TEST = [
    ("the programs themselves", [f"{guest.TOP}/tests/lint"]),
    ("verdicts on sample logs", [f"{guest.TOP}/tests/verdicts.py"]),
    ("patches/ agrees with the tree", [f"{T}/export", "--check"]),
    ("each posting applies on what it needs", [f"{T}/pages.py", "needs"]),
    *[(f"the patches for {base} apply", ["env", f"BASE={base}", f"{T}/tree", "--try"])
      for base in OLDER],
    ("guarantees have tests and mutants", [f"{T}/guarantees.py"]),
    ("SPIN is installed", [f"{T}/setup", "spin"]),
    ("locking rules on a model", [f"{guest.TOP}/tests/model/check_locks.py", "--short"]),
    *[(f"kernel {kernel}-{config}", [f"{T}/kernel", kernel, config]) for kernel, config in KERNELS],
    ("guests and bad input", [f"{guest.TOP}/tests/workbench.py"]),
    ("base and series (make run)", [f"{T}/run.py"]),
    ("real clients", [f"{guest.TOP}/tests/clients.py", "--short"]),
    ("selftests of the base",
     [f"{T}/ksft.py", "compare", "perf", "lockdep", *(f"-{name}" for name in LONG)]),
    ("selftests that the series adds, installed, lockdep",
     [f"{T}/ksft.py", "installed", "series", "lockdep", *ADDED]),
    ("selftests that are not run by default, lockdep",
     [f"{T}/ksft.py", "series", "lockdep", "devlink_faults", "devlink_fuzz.py"]),
    ("real drivers on models (make models)", [f"{T}/models.py", "--short", *MODELS]),
    ("torture, two minutes, lockdep",
     [f"{T}/long.py", "torture", "--minutes", "2", "--seed", "1", "--no-shrink", "series",
      "lockdep"]),
    ("mails (make send)", [f"{T}/send", "--try"]),
]

# The steps of the soak: title, program, kernels; before them each posting, compiled.
SOAK = [
    ("faults that a compiler sees", [f"{guest.TOP}/tests/workbench.py", "compiled_faults"], []),
    ("all users of devlink (make drivers)", [f"{T}/drivers"], []),
    ("races that only kcsan sees, base and series",
     [f"{T}/ksft.py", "report", "kcsan", "devlink_races.sh:region_snapshot_test",
      "devlink_races.sh:health_count_test"], [("base", "kcsan"), ("series", "kcsan")]),
    ("the long selftests of the base", [f"{T}/ksft.py", "compare", "perf", "lockdep", *LONG],
     [("base", "perf"), ("series", "perf"), ("series", "lockdep")]),
    *[(f"{name}, {config}", [f"{T}/ksft.py", "series", config, name], [("series", config)])
      for config in ("lockdep", "kcsan", "kasan") for name in DEVLINK],
    *[(f"real drivers on models, {config}", [f"{T}/models.py", "--config", config],
       [("base", config), ("series", config)]) for config in ("lockdep", "kasan")],
    ("real clients, in full", [f"{guest.TOP}/tests/clients.py"],
     [("base", "perf"), ("series", "perf")]),
    ("a client that follows, lockdep",
     [f"{guest.TOP}/tests/clients.py", "--config", "lockdep", "follow"],
     [("series", "lockdep")]),
    *[(f"base and series of {base} (make run BASE={base})",
       ["make", "-C", guest.TOP, "run", f"BASE={base}"], []) for base in OLDER],
    ("the hardware kit", [f"{guest.TOP}/tests/hwkit.py"], [("base", "perf"), ("series", "perf")]),
    ("the hardware kit on models", [f"{guest.TOP}/tests/hwkit.py", "models"],
     [("base", "lockdep"), ("series", "lockdep")]),
    ("a package of the kernel in QEMU (make deb)", [f"{guest.TOP}/tests/hwkit.py", "package"], []),
    ("all other selftests, kasan",
     [f"{T}/ksft.py", "series", "kasan", *(f"-{name}" for name in DEVLINK)], [("series", "kasan")]),
]

COUNTS = re.compile(r"^(\d+) passed, (\d+) failed, (\d+) skipped$")


def postings():
    """The names in patches/series, in order.  tools/common.sh reads the file."""
    listed = subprocess.run(["bash", "-c", '. "$1/common.sh"; postings', "test", T],
                            stdout=subprocess.PIPE, text=True, check=False)
    if listed.returncode:
        sys.exit(1)
    return [line.split()[0] for line in listed.stdout.splitlines()]


def step(title, argv, env):
    """Prints the output of the program, and returns [passed, failed, skipped], the failures, the
    reasons for skips, and the tests that were tried again."""
    print(f"\n== {title}", flush=True)
    start = time.monotonic()
    counts, reasons, bad, again, last = None, [], [], [], "it printed nothing"
    with subprocess.Popen(argv, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, errors="replace",
                          env=env) as process:
        try:
            for line in process.stdout:
                match = COUNTS.match(line.strip())
                if match:
                    counts = [int(n) for n in match.groups()]
                    continue
                print(line, end="", flush=True)
                last = line.strip() or last
                if re.search(r"\bskip(ped)?\b", line):
                    reasons.append(line.strip())
                if re.search(r"^\s*not ok\b|^(?!\s*ok\b).*\b(fail|FAIL)\b", line):
                    bad.append(line.strip())
                if "again, alone: " in line or re.search(r"\((2nd|3rd) try\)", line):
                    again.append(line.strip())
        except KeyboardInterrupt:
            # Not SIGINT, which is ignored in the background of a shell.
            process.terminate()
            process.wait()
            raise
    if counts is None:
        counts = [0, 1, 0] if process.returncode else [1, 0, 0]
    elif process.returncode and not counts[1]:
        counts[1] = 1
    print(f"-- {title}: {counts[0]} passed, {counts[1]} failed, {counts[2]} skipped, "
          f"{time.monotonic() - start:.0f} s", flush=True)
    return (counts, [f"{title}: {b}" for b in bad[:5] or [last]] if counts[1] else [],
            # A program can pass with a case that is skipped.
            [f"{title}: {r}" for r in reasons if counts[2] or " skipped: " in r],
            [f"{title}: {a}" for a in again])


def soak(word, env):
    """Runs each step that has the word in its title, and records and yields its result."""
    steps = [*[(f"each patch of {name} compiled (make check)", [f"{T}/check", name], [])
               for name in postings()], *SOAK]
    chosen = [entry for entry in steps if word in entry[0]]
    if not chosen:
        sys.exit(f"test: no step of the soak has '{word}' in its title; there are\n  " +
                 "\n  ".join(entry[0] for entry in steps))
    results.remove("soak", lambda row: row["key"] not in [title for title, *_ in steps])
    built = set()
    for title, argv, kernels in chosen:
        for kernel, config in kernels:
            if (kernel, config) not in built:
                yield step(f"kernel {kernel}-{config}", [f"{T}/kernel", kernel, config], env)
            built.add((kernel, config))
        start = time.monotonic()
        counts, failed, skipped, again = step(title, argv, env)
        columns = {"minutes": round((time.monotonic() - start) / 60),
                   **dict(zip(("passed", "failed", "skipped"), counts)),
                   "what failed": "; ".join(failed)[:200]}
        # The last one of several kernels is a kernel of the series.
        config = kernels[-1][1] if kernels else None
        results.record("soak", title, columns, f"make soak STEP='{title}'", not counts[1],
                       config, "series")
        yield counts, failed, skipped, again


def main():
    parser = Parser(__doc__)
    parser.add_argument("what", nargs="?", choices=("test", "soak"), default="test")
    parser.add_argument("word", nargs="?", default="", metavar="WORD")
    options = parser.parse_args()
    if options.word and options.what == "test":
        parser.error("WORD is for the soak: test.py soak WORD")
    env = dict(os.environ)
    # The mails are only tried: the user needs no name in the configuration of git.
    for who in ("AUTHOR", "COMMITTER"):
        env |= {f"GIT_{who}_NAME": "A Tester", f"GIT_{who}_EMAIL": "tester@example.org"}
    start = time.monotonic()
    total, failures, skips, twice = [0, 0, 0], [], [], []
    for counts, failed, reasons, again in (
            soak(options.word, env) if options.what == "soak" else
            (step(title, argv, env) for title, argv in TEST)):
        total = [a + b for a, b in zip(total, counts)]
        failures += failed
        skips += reasons
        twice += again
    print()
    for line in skips:
        print(f"skipped: {line}")
    for line in twice:
        print(f"tried again: {line}")
    for line in failures:
        print(f"FAILED: {line}")
    print(f"{(time.monotonic() - start) / 60:.0f} minutes")
    print(f"{total[0]} passed, {total[1]} failed, {total[2]} skipped")
    return 1 if total[1] else 0


if __name__ == "__main__":
    guest.program(main)
