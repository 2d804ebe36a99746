#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Remove locks and re-checks from the series, one at a time, and check that a test fails.

usage: mutants.py [NAME ...]

tests/mutants/NAME.patch is a mutant. Its first lines describe the change. A line "Caught-by:
PROGRAM:CASE" names the test that must fail with it, on the perf kernel or on the one of a line
"Config: CONFIG". That test must pass on the series: otherwise its failure would prove nothing. If
a mutant lives, a test is missing. The last result of each mutant is in docs/results.md.
"""

import concurrent.futures
import os
import re
import shutil
import subprocess
import sys
import tempfile
import threading

import guest
import ksft
import results

MUTANTS = os.path.join(guest.TOP, "tests", "mutants")
AT_ONCE = 3


def git(*args, index=None, **kwargs):
    env = dict(os.environ, **({"GIT_INDEX_FILE": index} if index else {}))
    return subprocess.run(["git", "-C", guest.LINUX, *args], check=True, text=True, env=env,
                          stdout=subprocess.PIPE, **kwargs).stdout.strip()


def commit_of(patch):
    """A commit of the committed series with the patch."""
    with tempfile.TemporaryDirectory() as folder:
        index = os.path.join(folder, "index")
        git("read-tree", "HEAD", index=index)
        git("apply", "--cached", patch, index=index)
        return git("-c", "user.name=-", "-c", "user.email=-", "commit-tree", "-p", "HEAD", "-m",
                   "mutant", git("write-tree", index=index))


def test(kernel, config, name):
    subprocess.run([os.path.join(guest.TOP, "tools", "kernel"), kernel, config], check=True,
                   stderr=subprocess.DEVNULL)
    return ksft.run(kernel, config, name)


def judge(name, good):
    """(description of the mutant, its test, configuration, whether the test failed, why)"""
    patch = os.path.join(MUTANTS, f"{name}.patch")
    with open(patch, encoding="utf-8") as f:
        head = f.read().partition("diff --git")[0]
    what = " ".join(head.partition("Caught-by:")[0].split())
    catcher = re.search(r"^Caught-by: (.*\S)$", head, re.M).group(1)
    config = (re.findall(r"^Config: (\w+)$", head, re.M) or ["perf"])[0]
    outcome, why = good(config, catcher)
    if outcome != "pass":
        return what, catcher, config, False, f"{catcher} does not pass without it: {why}"
    try:
        commit = commit_of(patch)
    except subprocess.CalledProcessError:
        return what, catcher, config, False, "does not apply to the series: write it for this tree"
    outcome, why, *_ = test(commit, config, catcher)
    shutil.rmtree(guest.kernel_dir(commit, config), ignore_errors=True)
    why = why.replace("[FAIL] ", "").replace("TEST: ", "")[:160]
    # A kernel that does not boot was not tested.
    caught = outcome == "fail" and not why.startswith("the guest did not boot")
    return what, catcher, config, caught, why if outcome == "fail" else "LIVES"


def main():
    known = sorted(name[:-6] for name in os.listdir(MUTANTS) if name.endswith(".patch"))
    names = sys.argv[1:] or known
    for name in names:
        if name not in known:
            sys.exit(f"mutants: there is no tests/mutants/{name}.patch")
    ksft.build()
    results.remove("mutants", lambda row: row["key"] not in known)
    passes, lock = {}, threading.Lock()

    def good(*where):
        with lock:
            if where not in passes:
                passes[where] = test("series", *where)[:2]
            return passes[where]

    def tell(name, what, catcher, config, caught, why):
        print(f"{name:32} {catcher:38} {'caught: ' if caught else 'fail: '}{why}", flush=True)
        results.record("mutants", name, {"what it does": what, "test": f"`{catcher}`",
                                         "what the test says": why},
                       f"make mutants NAME={name}", caught, config, "series")
        return caught

    passed, alone = 0, []
    # A test waits most of the time: build another kernel concurrently.
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        for name, verdict in zip(names, pool.map(lambda name: judge(name, good), names)):
            if verdict[-1] == "LIVES":
                alone.append(name)
            else:
                passed += tell(name, *verdict)
    # Some races need both processors for themselves.
    for name in alone:
        passed += tell(name, *judge(name, good))
    print(f"{passed} passed, {len(names) - passed} failed, 0 skipped")
    return passed != len(names)


if __name__ == "__main__":
    guest.program(main)
