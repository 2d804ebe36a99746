# SPDX-License-Identifier: GPL-2.0
"""Parses the output of a selftest: the tests that passed, failed or were skipped, and why.

The kernel's own parser of KTAP, tools/testing/kunit/kunit_parser.py of the tree, reads it.
This file adds the parts of kselftest that the parser does not support.
"""

import collections
import dataclasses
import functools
import importlib
import os
import re
import sys

import paths

KUNIT = os.path.join(paths.LINUX, "tools", "testing", "kunit")

RESULT = re.compile(r"^(\s*)(not ok|ok) (\d+)\b(.*)$")
DIRECTIVE = re.compile(r"\s*#\s*(SKIP|XFAIL|TODO)\b:?\s*(.*)$", re.I)
VERSION = re.compile(r"^\s*K?TAP version \d+\s*$", re.M)
BEGINS = re.compile(r"^(?:1\.\.\d+\b|(?:not )?ok \d+\b)", re.M)
SKIP_ALL = re.compile(r"^1\.\.0\s+# *SKIP\b *(.*)$", re.M | re.I)
TOTALS = re.compile(r"^# Totals: (.*)$", re.M)
# tools/testing/selftests/net/lib.sh: log_test_result(), with its message on the next line
SHELL = re.compile(r"^[ \t]*TEST: (.*?)[ \t]*\[ ?(OK|FAIL|XFAIL|SKIP) ?\][ \t]*"
                   r"(?:\n[ \t]+(?!TEST: )(\S.*))?", re.M)

# Stands for a # in a description, which kunit_parser takes for the start of a directive.
NUMBER_SIGN = "\uff03"


@dataclasses.dataclass
class Results:
    """The tests of a program."""
    passed: int = 0
    failed: list = dataclasses.field(default_factory=list)      # lines
    skipped: list = dataclasses.field(default_factory=list)     # "name (reason)"
    expected: list = dataclasses.field(default_factory=list)    # the same: expected failures

    def __str__(self):
        words = [f"{self.passed} tests"] if self.passed else []
        words += [f"{len(names)} {what}: {', '.join(names)}" for what, names in
                  (("skipped", self.skipped), ("expected to fail", self.expected)) if names]
        return ", ".join(words)


class Errors:
    """Replaces kunit_printer.Printer, and keeps the errors."""

    def __init__(self):
        self.found = collections.Counter()

    def print_with_timestamp(self, message):
        """Called for each line that kunit.py would print."""
        if message.startswith("[ERROR] Test: "):
            name, _, error = message.removeprefix("[ERROR] Test: ").partition(": ")
            self.found[f"{'KTAP' if name == 'main' else name}: {error}"] += 1

    @staticmethod
    def red(text):
        """No colors."""
        return text

    green = yellow = red

    @staticmethod
    def color_len():
        """The length of a color."""
        return 0


@functools.cache
def _kunit():
    if not os.path.exists(f"{KUNIT}/kunit_parser.py"):
        sys.exit(f"there is no {KUNIT}/kunit_parser.py: run 'make tree'")
    before = sys.dont_write_bytecode
    # Importing must not add files to the tree, which is compiled.
    sys.dont_write_bytecode = True
    sys.path.insert(0, KUNIT)
    try:
        return importlib.import_module("kunit_parser")
    finally:
        sys.path.remove(KUNIT)
        sys.dont_write_bytecode = before


def _with_reason(name, reason):
    name, reason = (" ".join(text.replace(NUMBER_SIGN, "#").split()) for text in (name, reason))
    return f"{name} ({reason})" if name and reason else name or reason or "no reason given"


def _for_kunit(line):
    """A line in the form that kunit_parser reads.

    The parser only supports SKIP, after " # ".  kselftest also prints XFAIL, after "ok", which is
    not a failure.  TODO is its older name in TAP, after "not ok".  Both become SKIP with the
    directive as the reason.  kselftest only prints "not ok" with XFAIL if a cleanup fails, which
    stays a failure.
    """
    result = RESULT.match(line)
    if not result:
        return line
    indent, status, number, text = result.groups()
    directive = DIRECTIVE.search(text)
    comment = ""
    if directive:
        word, reason = directive.group(1).upper(), directive.group(2)
        text = text[:directive.start()]
        if (word, status) in (("XFAIL", "ok"), ("TODO", "not ok")):
            status, comment = "ok", f" # SKIP {word} {reason}"
        else:
            comment = f" # {word} {reason}"
    elif " # " in text:
        text, _, comment = text.partition(" # ")
        comment = f" # {comment}"
    return f"{indent}{status} {number}{text.replace('#', NUMBER_SIGN)}{comment}"


def _leaves(tests):
    """The tests without subtests, and those that fail while their subtests do not."""
    for test in tests:
        yield from _leaves(test.subtests)
        if not test.subtests or not test.ok_status() and all(
                sub.ok_status() for sub in test.subtests):
            yield test


def _ktap(text, results):
    """Adds the results in KTAP."""
    kunit = _kunit()
    skipped = SKIP_ALL.search(text)
    if skipped and not re.search(RESULT.pattern, text, re.M):
        # A plan of 0 is an error for kunit_parser, but kselftest skips a program in this way.
        results.skipped.append(_with_reason("", skipped.group(1)))
        return
    if not VERSION.search(text):
        if not BEGINS.search(text):
            return
        # kunit_parser requires a version line, which some programs of kselftest lack.
        text = f"TAP version 13\n{text}"
    lines = [_for_kunit(line) for line in text.splitlines()]
    said = {}
    for line, original in zip(lines, text.splitlines()):
        match = kunit.TEST_RESULT.match(line)
        if match and match.group(1) == "not ok":
            said[match.group(4)] = " ".join(original.split())
    # parse_run_tests() would hide results after the end of the plan.
    errors = Errors()
    stream = kunit.extract_tap_lines(lines)
    main = kunit.parse_test(stream, 0, [], False, errors)
    failed = []
    for test in _leaves(main.subtests):
        if test.status == kunit.TestStatus.SUCCESS:
            results.passed += 1
        elif test.status == kunit.TestStatus.SKIPPED:
            expected = re.match(r"(?:XFAIL|TODO)\b *(.*)", test.skip_reason)
            (results.expected if expected else results.skipped).append(
                _with_reason(test.name, expected.group(1) if expected else test.skip_reason))
        elif test.status == kunit.TestStatus.FAILURE:
            failed.append(said.get(test.name, f"not ok {test.name}"))
        elif not errors.found:
            failed.append(f"{test.name or 'a test'}: {test.status.name}")
    results.failed += failed
    results.failed += [f"{error}" + (f" ({times} times)" if times > 1 else "")
                       for error, times in errors.found.items()]
    more = [line for line in stream if kunit.TEST_RESULT.match(line)]
    if more:
        results.failed.append(f"KTAP: {len(more)} results more than the plan has")
    totals = TOTALS.search(text)
    if totals:
        # kunit_parser ignores this comment.  It shows if lines were lost or not counted.
        counted = sum(map(int, re.findall(r":(\d+)", totals.group(1))))
        if counted != len(main.subtests):
            results.failed.append(
                f"KTAP: {len(main.subtests)} results, and the program counts {counted}")
        if re.search(r"\b(?:fail|error):[1-9]", totals.group(1)) and not results.failed:
            results.failed.append(" ".join(totals.group(0).split()))
    bail_out = re.search(r"^Bail out! *(.*)$", text, re.M)
    if bail_out:
        results.failed.insert(0, bail_out.group(0).strip())


def _shell(text, results):
    """Adds the results in the form of net/lib.sh, and in the other forms of shell programs."""
    for name, result, message in SHELL.findall(text):
        if result == "OK":
            results.passed += 1
        elif result == "FAIL":
            results.failed.append(" ".join(f"TEST: {name} [FAIL] {message}".split()))
        else:
            (results.skipped if result == "SKIP" else results.expected).append(
                _with_reason(name, message))
    results.failed += re.findall(r"^FAIL: .*", text, re.M)
    # A case of ALL_TESTS, or a helper, that does not exist
    results.failed += re.findall(r"^\S+: line \d+: .*: command not found$", text, re.M)
    # A case that cannot run only prints this.
    results.skipped += [_with_reason("", reason) for reason in
                        re.findall(r"^SKIP: *(.*)$", text, re.M)]


def parse(text):
    """The Results of a program."""
    results = Results()
    _shell(text, results)
    _ktap(text, results)
    return results


def split_installed(text):
    """The output of run_kselftest.sh, and the output of the program, which it prints with "# " in
    front.  kunit_parser would ignore these lines as comments."""
    lines = text.splitlines()
    return ("\n".join(line for line in lines if not line.startswith("#")),
            "\n".join(line.removeprefix("#").removeprefix(" ") for line in lines
                      if line.startswith("#")))
