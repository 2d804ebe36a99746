# SPDX-License-Identifier: GPL-2.0
"""The parts and rows of `make bench`, and what each row may cost."""

import dataclasses
import os
import sys

import guest

sys.path.append(os.path.join(guest.TOP, "tests", "bench"))
# pylint: disable=wrong-import-position,import-error
from devlink_requests import COMMANDS, FROM_CORE, PARALLEL_GETTERS  # noqa: E402

INSTANCES = (1, 100, 1000, 4000)
# {kind of object: (few, many)}
SCALE = {"instance": (100, 4000), "port": (100, 4096), "snapshot": (100, 1000),
         "namespace": (8, 64)}


@dataclasses.dataclass(frozen=True)
class Part:
    """Rows that are measured in the same guest."""
    name: str
    config: str = "perf"
    boots: int = None       # the most that make sense


@dataclasses.dataclass(frozen=True)
class Limit:
    """A row must take at most, or at least, `factor` times the base or another row."""
    factor: float
    of: str = None          # a row of the series; None is the same row of the base
    least: bool = False

    def __str__(self):
        return f"at {'least' if self.least else 'most'} {self.factor} times " + \
            (f'"{self.of}"' if self.of else "the base")

    def holds(self, ratio):
        return ratio >= self.factor if self.least else ratio <= self.factor


@dataclasses.dataclass(frozen=True)
class Row:
    """part is the name of one; unit is "us", "B" or "instructions"."""
    name: str
    part: str
    limit: Limit = None
    unit: str = "us"


PARTS = {part.name: part for part in (
    Part("commands"), Part("latency"), Part("parallel"), Part("instances"),
    # QEMU counts instructions: every boot gives the same number.
    Part("instructions", "count", boots=1),
    # Slow, and as coarse as an RCU grace period
    *(Part(f"scale_{kind}", boots=1) for kind in SCALE))}


def commands():
    for readers in (1, 2):
        yield Row(f"ports dumped by {readers}", "commands")
    # No limit: UML differs by more than 3 % from boot to boot.  Instructions have one.
    for name in COMMANDS:
        yield Row(f"uncontended: {name}", "commands")


def latency():
    for name in {**FROM_CORE, **PARALLEL_GETTERS}:
        for which in ("p50", "p99", "max"):
            idle = f"{which} of {name}, idle"
            yield Row(idle, "latency")
            yield Row(f"{which} of {name}, during an update", "latency",
                      Limit(2, idle) if which == "p99" else None)


def instructions():
    for name in COMMANDS:
        yield Row(f"instructions: {name}", "instructions", Limit(1.03), "instructions")


def parallel():
    alone, diagnose = "1 command of 10 ms", "1 command of 10 ms, during diagnose"
    yield Row(alone, "parallel")
    four = "4 commands of 10 ms, different objects"
    yield Row(four, "parallel", Limit(1.15, alone))
    yield Row("4 commands of 10 ms, different ports", "parallel", Limit(3.6, alone, least=True))
    yield Row(f"{four}, during info", "parallel", Limit(1.15, alone))
    yield Row(diagnose, "parallel", Limit(1.15, alone))
    yield Row(f"{diagnose}, info waits", "parallel", Limit(1.2, diagnose))


def instances():
    alone = "dump of a namespace with 1 instance"
    yield Row(alone, "instances")
    few, *more = (f"get by name, {count} instances" for count in INSTANCES)
    yield Row(few, "instances")
    yield Row("get by index", "instances")
    for name in more:
        yield Row(name, "instances", Limit(1.1, few))
    yield Row("create an instance", "instances")
    yield Row("memory of an instance", "instances", Limit(1.05), "B")
    yield Row(f"the same dump, {INSTANCES[-1]} instances in another namespace", "instances",
              Limit(1.1, alone))
    yield Row(f"dump of {INSTANCES[-1]}, an instance", "instances")
    yield Row("delete an instance", "instances")


def scale():
    for kind, (few, many) in SCALE.items():
        for count in (few, many):
            if kind == "port" and count == many:
                yield Row("memory of a port and its netdev", f"scale_{kind}", Limit(1.05), "B")
            for what in ("make", "list", "remove"):
                limit = Limit(1.2, f"{what} one of {few} {kind}s") if count == many else None
                # The core of networking compares the name of a netdev with all others.
                if (what, kind) == ("make", "port"):
                    limit = None
                yield Row(f"{what} one of {count} {kind}s", f"scale_{kind}", limit)


ROWS = [*commands(), *latency(), *instructions(), *parallel(), *instances(), *scale()]
