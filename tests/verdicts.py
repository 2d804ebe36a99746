#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Check that each sample log in tests/logs/ gets its verdict, without a kernel.

A sample has the verdict and its reason, then the output of the test and the kernel's log.
Each sample must be needed: the opposite verdict must not be accepted, a report must not be found
without the kernel's log, and for each line of kernel_log.REPORTS, a sample must get another
verdict without that line.
"""

import glob
import os
import re
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tools"))
import guest            # noqa: E402
import kernel_log       # noqa: E402
import verdict          # noqa: E402
from options import Parser  # noqa: E402

LOGS = os.path.join(TOP, "tests", "logs")
OPPOSITE = {"pass": "fail", "fail": "pass", "skip": "pass"}
count = {"passed": 0, "failed": 0}


def check(what, good, found=""):
    """One test."""
    count["passed" if good else "failed"] += 1
    if not good:
        print(f"not ok {what}: {found}", flush=True)


class Sample:
    """A file of tests/logs/."""

    def __init__(self, path):
        self.name = os.path.basename(path).removesuffix(".log")
        with open(path, encoding="utf-8") as f:
            head, *parts = re.split(r"^== (\w+)\n", f.read(), flags=re.M)
        self.wanted = dict(re.split(r": ?", line, maxsplit=1) for line in head.splitlines())
        self.parts = dict(zip(parts[::2], parts[1::2]))

    def found(self, without=""):
        """The verdict and its reason."""
        parts = {name: "" if name == without else text for name, text in self.parts.items()}
        log = kernel_log.without_stamps(parts.get("kernel", ""))
        status = int(self.wanted["status"]) if "status" in self.wanted else None
        # As if a guest had ended in this way
        job = guest.Job("sample", "perf", "true")
        status, why = guest.how_ended(job, status, 1, log, self.wanted.get("ended", ""), "")
        ended = guest.Result(status, why, log, 1, parts.get("kmemleak", "").splitlines(),
                             without != "kernel" and self.wanted.get("lockdep") == "off")
        outcome, words, *_ = verdict.judge(ended, parts.get("output", ""),
                                           "installed" in self.wanted,
                                           int(self.wanted.get("cases", 0)))
        return outcome, words

    def all(self):
        """The verdict, and all reports, also reports that do not count."""
        log = kernel_log.without_stamps(self.parts.get("kernel", ""))
        return self.found(), kernel_log.reports(log)

    def right(self, outcome=None):
        """Whether it gets the expected verdict, or the given one."""
        return self.found() == (outcome or self.wanted["verdict"], self.wanted["why"])


def main():
    Parser(__doc__).parse_args()
    samples = [Sample(path) for path in sorted(glob.glob(f"{LOGS}/*.log"))]
    check("tests/logs/ has samples", len(samples) > 50, len(samples))
    for sample in samples:
        wanted = sample.wanted["verdict"]
        check(f"{sample.name}: {wanted}", sample.right(), sample.found())
        check(f"{sample.name}: not {OPPOSITE[wanted]}", not sample.right(OPPOSITE[wanted]))
        if sample.wanted["why"].startswith("the kernel reported"):
            part = "kmemleak" if "kmemleak" in sample.parts else "kernel"
            check(f"{sample.name}: pass without its {part} log",
                  sample.found(part)[0] == "pass", sample.found(part))
    reports, before = kernel_log.REPORTS, [sample.all() for sample in samples]
    for pattern in reports:
        kernel_log.REPORTS = tuple(other for other in reports if other != pattern)
        check(f"a sample needs {pattern}", [sample.all() for sample in samples] != before)
    kernel_log.REPORTS = reports
    print(f"{count['passed']} passed, {count['failed']} failed, 0 skipped")
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
