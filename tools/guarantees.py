#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Check that the tests and mutants of docs/guarantees.md exist.

Each program must run the tests that the table names, and each patch in tests/mutants/ must be
in a row.
"""

import argparse
import os
import re
import sys

import guest
import ksft

TABLE = os.path.join(guest.TOP, "docs", "guarantees.md")
MUTANTS = os.path.join(guest.TOP, "tests", "mutants")


def problems(text):
    """A line for each problem of the table."""
    mutants = {name.removesuffix(".patch") for name in os.listdir(MUTANTS)}
    named = set()
    for row in re.findall(r"^\|.*\|$", text, re.M)[2:]:
        cells = row.strip("|").split("|")
        if len(cells) != 3:
            yield f"a row does not have three columns: {row}"
            continue
        for program, case in re.findall(r"`(devlink[\w.]*):([^`]+)`", cells[1]):
            if case not in ksft.cases(program):
                yield (f"no selftest of build/linux runs {program}:{case}: correct its name, "
                       "or add it")
        named.update(re.findall(r"`([^`]+)`", cells[2]))
    for name in sorted(named - mutants):
        yield f"there is no tests/mutants/{name}.patch: correct its name, or remove it"
    for name in sorted(mutants - named):
        yield f"no row names the mutant {name}: add it to the guarantee that its test checks"


def main():
    argparse.ArgumentParser(description=__doc__,
                            formatter_class=argparse.RawDescriptionHelpFormatter).parse_args()
    with open(TABLE, encoding="utf-8") as f:
        bad = list(problems(f.read()))
    for line in bad:
        print(f"guarantees: docs/guarantees.md: {line}", file=sys.stderr)
    return bool(bad)


if __name__ == "__main__":
    guest.program(main)
