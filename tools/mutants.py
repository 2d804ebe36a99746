#!/usr/bin/python3
"""Takes locks and re-checks out of the series, one at a time, and says which test sees it.

usage: mutants.py [NAME ...]

tests/mutants/NAME.patch says in its first lines what it takes out, and in a line
"Caught-by: PROGRAM:CASE" which test is to fail with it.  That test has to pass on the
series, or its failure would say nothing.  A mutant that lives is a missing test.  The
result of a whole run goes into docs/mutants.md.
"""

import datetime
import os
import re
import shutil
import subprocess
import sys
import tempfile

import guest
import ksft

MUTANTS = os.path.join(guest.TOP, "tests", "mutants")
CONFIG = "perf"


def git(*args, index=None, **kwargs):
    env = dict(os.environ, **({"GIT_INDEX_FILE": index} if index else {}))
    return subprocess.run(["git", "-C", guest.LINUX, *args], check=True, text=True, env=env,
                          stdout=subprocess.PIPE, **kwargs).stdout.strip()


def commit_of(patch):
    """The series as it is committed, with the patch."""
    with tempfile.TemporaryDirectory() as folder:
        index = os.path.join(folder, "index")
        git("read-tree", "HEAD", index=index)
        git("apply", "--cached", patch, index=index)
        return git("-c", "user.name=-", "-c", "user.email=-", "commit-tree", "-p", "HEAD", "-m",
                   "mutant", git("write-tree", index=index))


def test(kernel, name):
    subprocess.run([os.path.join(guest.TOP, "tools", "kernel"), kernel, CONFIG], check=True,
                   stderr=subprocess.DEVNULL)
    return ksft.run(kernel, CONFIG, name)


def main():
    names = sys.argv[1:] or sorted(name[:-6] for name in os.listdir(MUTANTS)
                                   if name.endswith(".patch"))
    good, rows, count = {}, [], {"passed": 0, "failed": 0}
    for name in names:
        patch = os.path.join(MUTANTS, f"{name}.patch")
        if not os.path.exists(patch):
            sys.exit(f"mutants: there is no tests/mutants/{name}.patch")
        with open(patch, encoding="utf-8") as f:
            head = f.read().partition("diff --git")[0]
        what = " ".join(head.partition("Caught-by:")[0].split())
        catcher = re.search(r"^Caught-by: (\S+)$", head, re.M).group(1)
        if catcher not in good:
            good[catcher] = test("series", catcher)
        if good[catcher][0] != "pass":
            verdict = f"{catcher} does not pass without it: {good[catcher][1]}"
        else:
            try:
                commit = commit_of(patch)
            except subprocess.CalledProcessError:
                commit, verdict = None, "does not apply to the series any more: make it anew"
            if commit:
                outcome, why, *_ = test(commit, catcher)
                shutil.rmtree(guest.kernel_dir(commit, CONFIG), ignore_errors=True)
                verdict = "caught: " + why if outcome == "fail" else "LIVES"
        caught = verdict.startswith("caught")
        count["passed" if caught else "failed"] += 1
        verdict = verdict.replace("[FAIL] ", "").replace("TEST: ", "")
        print(f"{name:32} {catcher:38} {'' if caught else 'fail: '}{verdict[:160]}", flush=True)
        rows.append((name, what, catcher, verdict[:160].replace("|", "/")))
    if not sys.argv[1:]:
        with open(os.path.join(guest.TOP, "docs", "mutants.md"), "w", encoding="utf-8") as f:
            f.write("# What the tests see when a lock or a re-check is taken out\n\n"
                    f"The last `make mutants`: {datetime.date.today()}, {count['passed']} caught, "
                    f"{count['failed']} not. The patches are in `tests/mutants/`.\n\n"
                    "| taken out | test | what it says |\n|---|---|---|\n")
            for _, what, catcher, verdict in rows:
                f.write(f"| {what} | `{catcher}` | {verdict} |\n")
    print(f"{count['passed']} passed, {count['failed']} failed, 0 skipped")
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print("mutants: stopped", file=sys.stderr)
        sys.exit(130)
