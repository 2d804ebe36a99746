# SPDX-License-Identifier: GPL-2.0
"""The result of a selftest, from the outputs of its guest: pass, fail or skip, and why."""

import re
import typing

import kernel_log
import test_output

# Exit statuses of kselftest
XFAIL, SKIP = 2, 4


class Verdict(typing.NamedTuple):
    """The result of a selftest."""
    outcome: str        # pass, fail or skip
    why: str
    splats: list        # reports of the kernel: (title, lines)
    output: str         # of the program


def _installed(status, output):
    """The program's exit status, its output and its line in the output of run_kselftest.sh."""
    outer, inner = test_output.split_installed(output)
    results = test_output.parse(outer)
    if results.failed or not (results.passed or results.skipped or results.expected):
        said = "; ".join(results.failed) or "run_kselftest.sh: no result of the program"
        return status or 1, inner, said
    if results.skipped:
        return SKIP, inner, ""
    return XFAIL if results.expected else status, inner, ""


def judge(ended, output, installed=False, least=0):
    """`ended` is a guest.Result, and `least` the least number of results."""
    status, said = ended.status, ""
    if installed:
        status, output, said = _installed(status, output)
    splats = kernel_log.failures(ended.log, ended.leaks, ended.lockdep_off)
    tests = test_output.parse(output)
    lines = output.strip().splitlines()
    if ended.why:
        outcome, why = "fail", ended.why
    elif splats:
        outcome, why = "fail", f"the kernel reported: {splats[0][0]}"
    elif tests.failed or said:
        outcome, why = "fail", "; ".join(tests.failed) or said
    elif status == SKIP or status == 0 and tests.skipped and not (tests.passed or tests.expected):
        reasons = [line.strip() for line in lines if re.search(r"\bskip", line, re.I) and
                   not line.startswith(("# Totals", "Totals"))]
        outcome, why = "skip", str(tests) if tests.skipped else (
            reasons or lines or ["no reason given"])[0]
    # kselftest only checks the status for XFAIL, but a shell or Python that cannot run the
    # program also ends with 2.
    elif status and not (status == XFAIL and tests.expected):
        outcome, why = "fail", f"exit status {status}: {(lines or ['no output'])[-1]}"
    elif tests.passed + len(tests.skipped) + len(tests.expected) < least:
        outcome, why = "fail", f"fewer results than cases: {tests or 'none'}, {least} cases"
    else:
        outcome, why = "pass", str(tests)
    return Verdict(outcome, why, splats, output)
