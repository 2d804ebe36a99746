#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Test the statements of the README about guests, trees and bad input.

With names of parts, only these parts run.  `compiled_faults`, faults that `make check` only sees
when it compiles, only runs by its name: it takes some ten minutes.

Guests run the perf kernel of the base, which torture breaks.  Trees are git repositories of a few
files.
"""

import glob
import hashlib
import os
import re
import shutil
import signal
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tools"))
import guest  # noqa: E402
import locks  # noqa: E402
import rst  # noqa: E402
from options import Parser  # noqa: E402

TMP = os.path.join(guest.BUILD, f"workbench-test.{os.getpid()}")
count = {"passed": 0, "failed": 0, "skipped": 0}


def check(what, good, found=""):
    count["passed" if good else "failed"] += 1
    print(f"{'ok    ' if good else 'not ok'} {what}" + ("" if good else f": {found!r}"), flush=True)


def skip(what, why):
    count["skipped"] += 1
    print(f"skip   {what}: {why}", flush=True)


def shell(command, **kwargs):
    kwargs.setdefault("cwd", TOP)
    return subprocess.run(command, shell=True, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False, **kwargs)


def exec_guest(command, *options):
    return subprocess.run([f"{TOP}/tools/guest.py", *options, "base", "perf", command],
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)


def guests():
    r = exec_guest("seq 100000; echo problem >&2; exit 7")
    check("a guest returns the status of the command", r.returncode == 7, r.returncode)
    wanted = "".join(f"{i}\n" for i in range(1, 100001)).encode()
    check("... its complete output, and nothing else", r.stdout == wanted, r.stdout[-200:])
    check("... and its errors on stderr", r.stderr == b"problem\n", r.stderr[-200:])

    out = f"{TMP}/out"
    r = exec_guest("id -u; nproc; echo text >/tmp/out/file; mkdir /tmp/out/d", "--out", out)
    check("a command is root, on two CPUs", r.stdout == b"0\n2\n", r.stdout)
    check("... and the host gets its files", os.path.isdir(f"{out}/d") and
          read(f"{out}/file") == "text\n", os.listdir(out))
    r = exec_guest("touch /etc/devlink-locks-test")
    check("... but not into the host's file system",
          r.returncode == 1 and not os.path.exists("/etc/devlink-locks-test"), r.returncode)

    for what, status, word, command, options in (
            ("the time limit", guest.TIME_LIMIT, b"time limit of 2 s", "sleep 60", ["--time", "2"]),
            ("a panic", guest.PANIC, b"the kernel panicked: sysrq", "echo c >/proc/sysrq-trigger",
             [])):
        r = exec_guest(command, *options)
        first = r.stderr.splitlines()[:1]
        check(f"{what} has its status", r.returncode == status, r.returncode)
        check("... and one line about it", first and word in first[0], first)

    r = guest.run("base", "perf", "true", args="init=/nowhere")
    check("a guest that does not boot has its status", r.status == guest.NO_BOOT, r.status)
    check("... and one line about it", "did not boot" in r.why and "\n" not in r.why, r.why)
    r = guest.run("base", "perf",
                  "pkill -STOP -f -o '^/bin/sh .*guest-init' ; kill -STOP -1; sleep 99",
                  patience=(60, 5))
    check("a guest that hangs has its status", r.status == guest.HUNG, (r.status, r.why))

    # A shell starts programs in the background with the signal ignored.
    process = subprocess.Popen(     # pylint: disable=consider-using-with
        [f"{TOP}/tools/guest.py", "base", "perf", "sleep 77"],
        stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True,
        preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))
    time.sleep(4)
    process.send_signal(signal.SIGINT)
    error = process.communicate(timeout=20)[1]
    check("Ctrl-C ends a guest", process.returncode == 130 and error == "guest: stopped\n",
          (process.returncode, error))
    time.sleep(1)
    left = shell(f"pgrep -af '{guest.BUILD}/guests' | grep '[k]ernels/base-perf/linux'").stdout
    check("... and leaves no process", not left, left)


def one_line(what, result, *words):
    lines = result.stderr.strip().splitlines()
    check(what, result.returncode != 0 and len(lines) == 1 and all(w in lines[0] for w in words),
          (result.returncode, result.stderr, result.stdout[-300:]))


def bad_input():
    one_line("a wrong KERNEL= is one line", shell("tools/kernel nonsense perf"), "KERNEL=nonsense")
    one_line("a wrong CONFIG= is one line", shell("tools/kernel base nonsense"), "CONFIG=nonsense")
    one_line("a kernel that is not built is one line",
             shell("tools/guest.py nonsense perf true"), "make kernel KERNEL=nonsense")
    one_line("a LINUX= that is not there is one line",
             shell("tools/tree", env={**os.environ, "LINUX": "/nonsense"}), "LINUX=/nonsense")
    one_line("a BASE= that does not exist is one line",
             shell("tools/tree", env={**os.environ, "BASE": "nonsense"}), "BASE=nonsense", "7.3")
    for base, right, wrong in (("7.3", "net/devlink-races", "stable-"),
                               ("6.12", "stable-6.12/devlink-races", "net/")):
        r = shell(". tools/common.sh; postings", env={**os.environ, "BASE": base},
                  executable="/bin/bash")
        found = [line.split()[0] for line in r.stdout.splitlines()]
        check(f"BASE={base} has postings of its own", right in found and r.returncode == 0 and
              not any(name.startswith(wrong) for name in found), (found, r.stderr[-300:]))
    one_line("a TEST= that is not there is one line",
             shell("tools/ksft.py base perf nonsense.sh"), "TEST=nonsense.sh", "devlink.sh")
    for name, *words in (("devlink_races.sh:nonsense_test", "nonsense_test", "netns_del_test"),
                         ("devlink_races.sh:netns_del_test,nonsense_test", "nonsense_test"),
                         ("devlink_notify.py:nonsense", "nonsense", "health_order"),
                         ("devlink_faults:nonsense", "nonsense", "region-new"),
                         ("devlink.sh:nonsense", "nonsense", "fw_flash_test")):
        one_line(f"... nor {name}", shell(f"tools/ksft.py base perf {name}"), *words)
    one_line("... nor a case of an installed program",
             shell("tools/ksft.py installed base perf devlink.sh:reload_test"), "all of its cases")
    one_line("... nor a CONFIG=", shell("tools/ksft.py base nonsense"), "CONFIG=nonsense", "perf")
    for command, *words in (("tools/ksft.py base", "KERNEL CONFIG"),
                            ("tools/ksft.py installed base", "KERNEL CONFIG"),
                            ("tools/guest.py base perf", "CMD= is empty"),
                            ("tools/guest.py --nonsense base perf true", "--nonsense"),
                            ("tools/models.py --config perf", "lockdep"),
                            ("tools/test.py nonsense", "soak"), ("tools/run.py x", "x"),
                            ("tools/nipa.py patch", "SRC"), ("tests/workbench.py x", "guests"),
                            ("tests/hwkit.py x", "models"), ("tests/verdicts.py x", "x"),
                            ("tests/model/check_locks.py --x", "--x"),
                            ("tests/clients.py x", "follow")):
        one_line(f"{command}: wrong options are one line", shell(command), *words)

    # Shell and Python must use the same folder for the tree.
    os.makedirs(f"{TMP}/linux")
    os.symlink("linux", f"{TMP}/link")
    for linux in ("", f"{TMP}/linux", "linux", "./linux/", f"{TMP}/link", f"{TMP}/link/../link"):
        env = {**os.environ, "LINUX": linux}
        of_shell = shell(f'. "{TOP}/tools/common.sh"; echo "$build $linux"', env=env, cwd=TMP,
                         executable="/bin/bash")
        of_python = shell(f"python3 -c 'import sys; sys.path.insert(0, \"{TOP}/tools\"); "
                          "import paths; print(paths.BUILD, paths.LINUX)'", env=env, cwd=TMP)
        check(f"shell and Python agree about LINUX={linux.replace(TMP, '')}", of_shell.stdout and
              of_shell.stdout == of_python.stdout, (of_shell, of_python))

    base = dict(line.split("=", 1) for line in read(f"{TOP}/bases/7.3.conf").splitlines()
                if "=" in line and not line.startswith("#"))
    real = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    deb = shell(f"ls {real}/devlink-locks/debs/{base['package']}_*.deb").stdout.split()
    cache = f"{TMP}/cache/devlink-locks/debs"
    os.makedirs(cache)
    suites = base["suites"].strip('"')
    fetch = f"tools/fetch deb {base['package']} '{base['version']}' {{}} {suites}"
    if deb:
        # A copy, because the program removes a file with a wrong checksum.
        with open(f"{cache}/{os.path.basename(deb[0])}", "wb") as f:
            f.write(b"something else")
        r = shell(fetch.format(base["sha256"]),
                  env={**os.environ, "XDG_CACHE_HOME": f"{TMP}/cache"})
        one_line("a changed checksum is one line", r, "has the sum", base["sha256"][:12])
        check("... and the file is removed", not os.listdir(cache), os.listdir(cache))
    else:
        skip("a changed checksum", "no package was downloaded here (LINUX= in use)")
    env = {**os.environ, "XDG_CACHE_HOME": f"{TMP}/cache",
           "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    r = shell(fetch.format(base["sha256"]), env=env)
    last = r.stderr.strip().splitlines()[-1:]
    check("no network is an error", r.returncode != 0 and last and "suites" in last[0] and
          "cannot read" in r.stderr, (r.returncode, r.stderr))


def torture():
    r = shell("tools/long.py torture --minutes 2 --seed 3 --no-shrink base perf")
    check("torture of the base fails, and prints the failure and a command that repeats it",
          r.returncode == 1 and "seeds 3 to 3" in r.stdout and ": fails: " in r.stdout and
          "again: make torture KERNEL=base CONFIG=perf SEED=3" in r.stdout, r.stdout + r.stderr)


# A comment, and a string that looks like a comment
CODE = """/* Comment */
int one(void)
{
	return puts("/* no comment */");	// comment
}
"""
# Records a result in {top}, as a program of tools/ does.
RECORD = """import sys
sys.path.insert(0, "tools")
import results
results.record("fuzz", "series, perf", {"result": "pass"}, "make fuzz", %s, None, "series")
"""


def results():
    """tools/results.py, with a tree of one file."""
    top = f"{TMP}/results"
    linux, core = f"{top}/build/linux", f"{top}/build/linux/net/devlink/core.c"
    shutil.copytree(f"{TOP}/tools", f"{top}/tools")
    shutil.copytree(f"{TOP}/bases", f"{top}/bases")
    env = {**os.environ, "LINUX": "", "PYTHONDONTWRITEBYTECODE": "1"}

    def tool(*args):
        return shell(" ".join([f"{top}/tools/results.py", *args]), cwd=top, env=env)

    def commit(text):
        write(core, text)
        git(linux, "add", ".")
        git(linux, "-c", "user.name=T", "-c", "user.email=t@example.org", "commit", "-q", "-m", "x")
        return tool("--tree").stdout.strip()

    one_line("no tree is one line", tool("--tree"), "run 'make tree'")
    os.makedirs(linux)
    git(linux, "init", "-q", "-b", "main")
    first = commit(CODE)
    check("a tree has a name of 12 digits", re.fullmatch("[0-9a-f]{12}", first), first)
    same = commit(CODE.replace("Comment", "Two\n words").replace("\t", "  ")
                  .replace("// comment", ""))
    check("... that does not depend on comments and white space", same == first, same)
    other = commit(CODE.replace("no comment", "nothing"))
    check("... but on code, also on a string that looks like a comment",
          other not in ("", first), other)
    check("... also for another commit", tool("--tree", "HEAD~2").stdout.strip() == first)

    os.makedirs(f"{top}/docs")
    for good in (False, True):
        write(f"{top}/record.py", RECORD % good)
        shell("/usr/bin/python3 record.py", cwd=top, env=env)
        text = read(f"{top}/docs/results.md")
        check(f"a result is recorded, good is {good}", f"tree: {other}" in text and
              "All rows are of this tree." in text and ("All rows are good." in text) == good, text)
    check("... and replaces the one before it",
          read(f"{top}/docs/results.json").count('"series, perf"') == 1)
    r = tool("--check")
    check("results that are up to date pass", r.returncode == 0 and not r.stderr, r.stderr)
    page = read(f"{top}/docs/results.md")
    write(f"{top}/docs/results.md", page + "more\n")
    one_line("a page that is edited is one line", tool("--check"), "docs/results.md",
             "run tools/results.py")
    write(f"{top}/docs/results.md", page)

    older = ", older\nthan these patches"
    for path in ("README.md", "docs/some.md", "patches/net/first/0000-cover-letter.patch"):
        where = f"{top}/{path}"
        write(where, f"Line\nMeasured on 2026-11-29, tree {other}.\nTree {first}{older}.\n")
        r = tool("--check")
        check(f"{path}: this tree, and another that is marked as older, pass",
              r.returncode == 0, r.stderr)
        write(where, f"Line\nMeasured on 2026-11-29, tree\n{first}.\n")
        one_line("... another tree is one line", tool("--check"), f"{path}:2: ", first, other,
                 "measure again", "', older than these patches'")
        os.unlink(where)

    commit(CODE)
    one_line("a new tree needs a new page", tool("--check"), "docs/results.md",
             "run tools/results.py")
    tool()
    text = read(f"{top}/docs/results.md")
    check("... which has the number of rows of other trees",
          "Rows of other trees: fuzz 1 of 1." in text, text)


def guarantees():
    """tools/guarantees.py, with a table of one row."""
    top = f"{TMP}/guarantees"
    shutil.copytree(f"{TOP}/tools", f"{top}/tools")
    shutil.copytree(f"{TOP}/bases", f"{top}/bases")
    tests = f"{top}/build/linux/{KSFT_DIR}"
    write(f"{tests}/Makefile", "TEST_PROGS := devlink_x.sh\n")
    write(f"{tests}/devlink_x.sh", 'ALL_TESTS="one_test"\n')
    write(f"{top}/tests/mutants/first.patch", "")
    for what, row, *words in (
            ("", "| a | `devlink_x.sh:one_test` | `first` |"),
            ("a test that does not run", "| a | `devlink_x.sh:two_test` | `first` |",
             "devlink_x.sh:two_test"),
            ("a mutant that does not exist", "| a | `devlink_x.sh:one_test` | `first`, `second` |",
             "second.patch"),
            ("a mutant without a guarantee", "| a | `devlink_x.sh:one_test` | |",
             "the mutant first")):
        write(f"{top}/docs/guarantees.md",
              f"| guarantee | test | mutant |\n|---|---|---|\n{row}\n")
        r = shell(f"{top}/tools/guarantees.py", cwd=top, env={**os.environ, "LINUX": ""})
        if words:
            one_line(f"guarantees: {what} is one line", r, "docs/guarantees.md", *words)
        else:
            check("guarantees that have tests and mutants pass", r.returncode == 0, r.stderr)


def git(where, *args):
    return subprocess.run(["git", "-C", where, *args], text=True, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


# Replaces the kernel's own: prints a list, and netdev for patches in net/.
GET_MAINTAINER = """#!/bin/sh
case " $* " in
*" --no-l "*)	echo 'Maintainer <m@example.org>'; exit ;;
esac
echo list@example.org
for file; do ! grep -qs '^+++ b/net/' "$file" || echo netdev@vger.kernel.org; done
"""
SERIES = """# A comment

net/first         now         one fix
iwl-net/single    now         one patch without a cover letter
net-next/second   later  v2   waits for net/first; applies on iwl-net/single
driver-core/last  later       needs a stable tag
"""


def write(path, text):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def series_errors(top, tool):
    """patches/series: each error is one line with its fix."""
    series = f"{top}/patches/series"
    for what, text, *words in (
            ("a folder that does not exist", "net/nowhere now why\n",
             "patches/series:7:", "no folder patches/net/nowhere", "make it, or remove the line"),
            ("a duplicate", "net/first later again\n", "patches/series:7:", "line 3", "remove one"),
            ("a bad word", "net/more soon why\n", "patches/series:7:", "'soon'", "'now'",
             "'later'"),
            ("a bad tree", "linux/more now why\n", "patches/series:7:", "linux/more", "net-next"),
            ("a bad version", "net/more now v1 why\n", "patches/series:7:", "v1", "v2 or higher"),
            ("no reason", "net/more now v2\n", "patches/series:7:", "no reason", "why"),
            ("a folder that is not listed", "", "patches/net/more is not listed", "add a line"),
            ("more than 15 patches marked now", "net/more now why\n", "16 patches for net ",
             "at most 15", "mark a posting later")):
        if not text or "net/more" in text:
            os.makedirs(f"{top}/patches/net/more")
        if "15" in what:
            for i in range(1, 17):
                write(f"{top}/patches/net/more/{i:04}-patch.patch", "")
        write(series, SERIES + text)
        one_line(f"patches/series: {what} is one line", tool("tree"), *words)
        shutil.rmtree(f"{top}/patches/net/more", ignore_errors=True)
    write(series, SERIES)
    write(f"{top}/patches/1-old/0001-patch.patch", "")
    one_line("patches/series: a patch outside of the postings is one line", tool("tree"),
             "patches/1-old is not listed", "remove it")
    shutil.rmtree(f"{top}/patches/1-old")
    os.unlink(series)
    one_line("no patches/series is one line", tool("tree"), "no patches/series", "TREE/POSTING")
    write(series, SERIES)
    r = tool("test.py", "soak", "nonsense")
    steps = [line.split()[3] for line in r.stderr.splitlines() if "each patch of" in line]
    check("the soak has a step for each posting, in order",
          steps == ["net/first", "iwl-net/single", "net-next/second", "driver-core/last"], r.stderr)


def mails(top, user, linux, tool, digest):
    """make send with LINUX=, which only makes a dry run."""
    if shell("git send-email -h; perl -MMail::Address -e 1").returncode:
        skip("mails", "git send-email or perl's Mail::Address is missing: make setup")
        return
    before = digest()

    def mail(name):
        return read(f"{top}/build/user-user/mail/{name}")

    r = tool("send", "--try")
    check("send --try keeps no mails, and tells nobody to send them", r.returncode == 0 and
          "3 passed" in r.stdout and "send-email" not in r.stdout and
          not os.path.exists(f"{top}/build/user-user/mail"), (r.stdout, r.stderr))
    r = tool("send")
    check("send makes mails of the postings marked now, and no others", r.returncode == 0 and
          [line for line in r.stdout.splitlines() if line.startswith("ok ")] ==
          ["ok  [PATCH net 0/1] first", "ok  [PATCH net 1/1] change 3",
           "ok  [PATCH iwl-net] change 10"],
          (r.stdout, r.stderr))
    text = mail("iwl-net/single/0001-change-10.patch")
    check("... netdev only in Cc where MAINTAINERS names it", "netdev" not in text and
          "list@example.org" in text, text)
    check("... Intel's list for iwl-net alone", "intel-wired-lan@lists.osuosl.org" in text and
          "intel" not in mail("net/first/0001-change-3.patch"), text)
    base = git(user, "rev-parse", "HEAD").strip()
    check("... base-commit in the first mail of a posting", f"\nbase-commit: {base}\n" in text and
          f"\nbase-commit: {base}\n" in mail("net/first/0000-cover-letter.patch") and
          "base-commit" not in mail("net/first/0001-change-3.patch"), text)
    check("... and no prerequisites if it applies there", "prerequisite-patch-id" not in text, text)

    r = tool("send", "net-next/second",
             env={"TRAILERS": "Tested-by: A <a@example.org>; Link: b:c\nTool: d"})
    check("POSTING= selects a posting, and shows why it is marked later", r.returncode == 0 and
          "waits for net/first" in r.stderr and r.stdout.count("ok  ") == 3 and
          r.stdout.count("ok  [PATCH net-next v2 ") == 3, (r.stdout, r.stderr))
    text = mail("net-next/second/0000-cover-letter.patch")
    check("... with the patches before it, if it does not apply to the base alone",
          text.count("\nprerequisite-patch-id: ") == 2, text)
    check("... netdev in Cc of all mails of a posting that touches net/",
          all("netdev@vger.kernel.org" in mail(f"net-next/second/{name}") for name in
              ("0000-cover-letter.patch", "0001-change-12.patch", "0002-fix-25.patch")))
    check("TRAILERS= is in each patch, before the sign-off",
          all("\nTested-by: A <a@example.org>\nLink: b:c\nTool: d\n"
              "Signed-off-by: Tester <t@example.org>\n" in
              mail(f"net-next/second/{name}")
              for name in ("0001-change-12.patch", "0002-fix-25.patch")) and
          "Tested-by" not in mail("net-next/second/0000-cover-letter.patch"),
          mail("net-next/second/0001-change-12.patch"))
    check("... and not in patches/", digest() == before)
    one_line("a bad TRAILERS= is one line", tool("send", "net/first", env={"TRAILERS": "nonsense"}),
             "TRAILERS=nonsense", "Key: value")
    for name in ("send", "check"):
        one_line(f"{name}: a wrong POSTING= is one line", tool(name, "second"), "POSTING=second",
                 "net-next/second")

    r = tool("send", "driver-core/last")
    check("driver-core: Fixes: without Cc: stable is refused", r.returncode != 0 and
          "driver-core/last/0001-change-28.patch" in r.stderr and
          "add the line 'Cc: stable@vger.kernel.org'" in r.stderr, r.stderr)
    message = git(linux, "log", "-1", "--format=%B").strip()
    git(linux, "commit", "-q", "--amend", "-m", f"{message}\nCc: stable@vger.kernel.org")
    tool("export")
    r = tool("send", "driver-core/last")
    check("... and accepted with it",
          r.returncode == 0 and "[PATCH driver-core] change 28" in r.stdout,
          (r.stdout, r.stderr))
    check("a commit in Fixes: that the tree lacks is reported, last", "could not be put in Cc" in
          "".join(r.stdout.splitlines()[-3:]) and "LINUX=path" in r.stdout, r.stdout)


def rules(linux, tool):
    """make check: POSTING=, and rules that depend on the tree."""
    r = tool("check", "--quick", "net/first")
    check("check checks one posting", "change 3" in r.stdout and "change 10" not in r.stdout and
          "change 12" not in r.stdout, (r.stdout, r.stderr))
    check("... a patch for net needs Fixes:", "net takes only fixes: add a line Fixes:" in r.stdout,
          r.stdout)
    check("... and so does a posting",
          "no patch has Fixes: move the folder to patches/net-next/" in r.stdout,
          r.stdout)
    r = tool("check", "--quick", "net-next/second")
    check("a patch for net-next needs Fixes: if its subject says fix",
          r.stdout.count("add a line Fixes:") == 1 and
          "fix 25: rules" in r.stdout and "columns" not in r.stdout, r.stdout)
    r = tool("check", "--quick", "driver-core/last")
    check("a patch with Fixes: passes the rules", "1/1 change 28 " in r.stdout and
          "28: rules" not in r.stdout, r.stdout)
    check("... and without history, each test that cannot run is one line", all(
        r.stdout.count(f"skipped {test}: the tree has no history") == 1 and "LINUX=path" in r.stdout
        for test in ("verify_fixes", "cc_maintainers")), r.stdout)
    message = git(linux, "log", "-1", "--format=%B")
    git(linux, "commit", "-q", "--amend", "-m", "x" * 71 + " " + message)
    r = tool("check", "--quick", "driver-core/last")
    git(linux, "reset", "-q", "--hard", "refs/worktree/applied")
    check("a subject of more than 75 columns does not",
          "the subject has 81 columns: shorten it" in r.stdout,
          r.stdout)


def show(top, linux, tool):
    """make show and make range-diff."""
    r = tool("show", "posting", "net-next/second")
    check("show prints the diff of a posting, statistics first", r.returncode == 0 and
          r.stdout.startswith(" file ") and "+line 12 changed" in r.stdout and
          "+line 25 changed" in r.stdout and "+line 10 changed" not in r.stdout and
          "+line 28 changed" not in r.stdout, (r.stdout, r.stderr))
    r = tool("show", "posting", "net/first", "file")
    check("... and a file after a posting", r.stdout.splitlines() ==
          [f"line {i}{' changed' * (i == 3)}" for i in range(30)], (r.stdout, r.stderr))
    one_line("show: a wrong POSTING= is one line", tool("show", "posting", "first"),
             "POSTING=first", "net/first")
    one_line("show: no POSTING= is one line", tool("show", "posting", '""'), "POSTING=",
             "net/first")
    one_line("show: a FILE= that is not there is one line",
             tool("show", "posting", "net/first", "nothing"), "FILE=nothing", "ls-tree")

    git(top, "init", "-q")
    git(top, "commit", "-q", "--allow-empty", "-m", "no patches")
    git(top, "add", "patches")
    git(top, "commit", "-q", "-m", "patches")
    head = git(linux, "rev-parse", "HEAD").strip()

    def compared(*args):
        r = tool("show", "range-diff", *args)
        return r, re.findall(r"^ *[-\d]+: +[-0-9a-f]+ ([=!<>]) +[-\d]+: +[-0-9a-f]+ (.*)$",
                             r.stdout, re.M)

    subjects = ["change 3", "change 10", "change 12", "fix 25", "change 28"]
    r, rows = compared("HEAD")
    check("range-diff of the same patches finds no difference",
          rows == [("=", s) for s in subjects], (r.stdout, r.stderr))
    # The patches before it have commits already.  Only it and the patches after it are applied.
    changed = f"{top}/patches/net-next/second/0002-fix-25.patch"
    old = read(changed)
    write(changed, old.replace("+line 25 changed", "+line 25 different"))
    git(top, "commit", "-q", "-a", "-m", "another patch")
    write(changed, old)
    r, rows = compared("HEAD")
    check("... of one changed patch, only that one", rows == list(zip("===!=", subjects)) and
          "    -+line 25 different\n    ++line 25 changed\n" in r.stdout, (r.stdout, r.stderr))
    r, rows = compared("HEAD", "net-next/second")
    check("... and of one posting", rows == [("=", "change 12"), ("!", "fix 25")],
          (r.stdout, r.stderr))
    check("... and the tree has not changed", git(linux, "rev-parse", "HEAD").strip() == head and
          not git(linux, "status", "--porcelain"))
    one_line("range-diff: no OLD= is one line", tool("show", "range-diff", '""'), "OLD=")
    one_line("range-diff: a wrong OLD= is one line", tool("show", "range-diff", "nothing"),
             "OLD=nothing", "git log")
    one_line("range-diff: a revision with other paths is one line",
             tool("show", "range-diff", "HEAD~2"), "OLD=HEAD~2 has no patches/series",
             "git range-diff")
    write(changed, old.replace(" line 24", " line twentyfour"))
    git(top, "commit", "-q", "-a", "-m", "a patch that does not apply")
    write(changed, old)
    one_line("range-diff: a patch that does not apply is one line",
             tool("show", "range-diff", "HEAD"), "net-next/second/0002-fix-25.patch of HEAD",
             "git range-diff")
    write(f"{top}/patches/series", SERIES.replace("net/first  ", "net/former "))
    git(top, "mv", "patches/net/first", "patches/net/former")
    git(top, "commit", "-q", "-a", "-m", "another name")
    git(top, "mv", "patches/net/former", "patches/net/first")
    write(f"{top}/patches/series", SERIES)
    one_line("range-diff: a posting that was not there is one line",
             tool("show", "range-diff", "HEAD", "net/first"), "has no posting net/first",
             "net/former")
    shutil.rmtree(f"{top}/.git")


def readers(top, tool):
    """The pages that export writes, and its checks of the other pages."""
    text = read(f"{top}/patches/README.md")
    check("patches/README.md has the tree, the needed postings and the reason",
          "Tree: net-next. Needs: [net/first](#netfirst), [iwl-net/single](#iwl-netsingle). "
          "*later*: waits for net/first; applies on iwl-net/single.\n" in text
          and "Tree: net. Needs: no other posting. *now*: one fix.\n" in text, text)
    check("... and each patch with its size",
          "\n| 2 | [fix 25](net-next/second/0002-fix-25.patch) | 1 | +1 -1 |\n" in text and
          "\n| 1 | [change 10](iwl-net/single/0001-change-10.patch) | 1 | +1 -1 |\n" in text, text)
    check("... and the first paragraph of the cover letter", "\n**second**\n\nWhy.\n" in text, text)
    check("export --check finds nothing wrong", tool("export", "--check").returncode == 0)
    r = tool("pages.py", "needs")
    check("each posting applies on what it needs",
          r.returncode == 0 and
          "ok     net-next/second applies on net/first, iwl-net/single\n" in r.stdout, r.stdout)
    changed = f"{top}/patches/net-next/second/0002-fix-25.patch"
    old = read(changed)
    write(changed, old.replace(" line 24", " line twentyfour"))
    r = tool("pages.py", "needs")
    check("... and one that does not fails",
          r.returncode == 1 and
          "FAIL   net-next/second does not apply on net/first, iwl-net/single: " in r.stdout,
          r.stdout)
    write(changed, old)
    write(f"{top}/patches/README.md", text + "more\n")
    one_line("a changed page is one line", tool("export", "--check"), "patches/README.md",
             "make export")
    write(f"{top}/patches/README.md", text)
    patch = "../patches/net/first/0001-change-3.patch"
    for what, page, *words in (
            ("a name that is not in the tree", "`net/file:nothing`", "does not define nothing"),
            ("a file that is not in the tree", "`net/nothing`", "net/nothing is not in the tree"),
            ("a link that leads nowhere", "[a](../patches/nothing)", "no ../patches/nothing"),
            ("a link to a heading that is not there", "[a](../patches/README.md#nothing)",
             "no heading #nothing"),
            ("a link to another patch", f"[net/first 2]({patch})", "net/first 2", patch),
            ("a subject of another patch", f"[net/first 1: change 4]({patch})", "change 4",
             "change 3")):
        write(f"{top}/docs/tour.md", f"# Tour\n\n{page}\n")
        one_line(f"{what} is one line", tool("export", "--check"), "docs/tour.md", *words)
    write(f"{top}/docs/tour.md",
          f"# Tour\n\n`net/file:line` and [it](#tour), [net/first 1: change 3]({patch})\n")
    r = tool("export", "--check")
    check("... and correct ones are accepted", r.returncode == 0 and not r.stderr, r.stderr)
    shutil.rmtree(f"{top}/docs")


def locking_page():
    """docs/locking.md and the picture of the locks."""
    page = rst.markdown(
        "Title\n=====\n\nSee :c:func:`devl_lock`, :c:type:`struct a <a>`, ``x | y`` and *b*,\n"
        ":doc:`page`, `Title`_.\n\n- one\n  two\n\n== ====\n\\  head\n== ====\na\n"
        "b  ``|``\n== ====\n\n::\n\n  code\n", "page")
    check("roles, lists and tables as Markdown", page ==
          "# Title\n\nSee `devl_lock()`, `struct a`, `x | y` and *b*, page, [Title](#title).\n\n"
          "- one two\n\n|  | head |\n|---|---|\n| a |  |\n| b | `\\|` |\n\n```\ncode\n```\n", page)
    for what, text in (("a directive without Markdown", ".. figure:: a.png\n"),
                       ("an unknown role", ":x:`a`\n"), ("a wrong table", "== ==\na\n")):
        try:
            check(f"{what} is refused", False, rst.markdown(text, "page"))
        except rst.Wrong as error:
            check(f"{what} is refused, in one line", "\n" not in str(error), str(error))
    source = f"{guest.LINUX}/{locks.SOURCE}"
    if not os.path.exists(source):
        skip("a picture of the locks", f"there is no {locks.SOURCE} in the tree")
        return
    text = read(source)
    for what, old, new, word in (
            ("another order", "lock ->\n *\t\tops_rwsem -> objs_rwsem",
             "objs_rwsem ->\n *\t\tops_rwsem -> lock", "another order of the locks for full"),
            ("an unknown lock", "objs:\tobjs_rwsem", "objs:\tother_rwsem", "'other_rwsem'"),
            ("a table that is not symmetric", "objs\t\t-", "objs\t\tyes", "not symmetric")):
        try:
            check(f"the picture: {what} is refused", text.count(old) == 1 and
                  not locks.Locks(text.replace(old, new)), text.count(old))
        except locks.Wrong as error:
            check(f"the picture: {what} is refused", word in str(error), str(error))


def trees():
    """The tools that read patches/, with LINUX= a repository of a few files."""
    for who in ("AUTHOR", "COMMITTER"):
        os.environ[f"GIT_{who}_NAME"], os.environ[f"GIT_{who}_EMAIL"] = "Tester", "t@example.org"
    top, user = f"{TMP}/top", f"{TMP}/user"
    shutil.copytree(f"{TOP}/tools", f"{top}/tools")
    shutil.copytree(f"{TOP}/bases", f"{top}/bases")
    os.makedirs(user)
    git(user, "init", "-q", "-b", "main")
    for name in ("file", "net/file", "net/devlink/core.c"):
        write(f"{user}/{name}", "".join(f"line {i}\n" for i in range(30)))
    write(f"{user}/scripts/get_maintainer.pl", GET_MAINTAINER)
    os.chmod(f"{user}/scripts/get_maintainer.pl", 0o755)
    git(user, "add", ".")
    git(user, "commit", "-q", "-m", "base")
    write(f"{top}/patches/series", SERIES)
    for name, subject in (("net/first", "[PATCH net-next v9 0/9] first"),
                          ("net-next/second", "second")):
        write(f"{top}/patches/{name}/0000-cover-letter.patch",
              f"From {'0' * 40} Mon Sep 17 00:00:00 2001\nFrom: T <t@example.org>\n"
              f"Date: Sun, 1 Nov 2026 00:00:00 +0000\nSubject: {subject}\n\nWhy.\n\n")
    for name in ("iwl-net/single", "driver-core/last"):
        os.makedirs(f"{top}/patches/{name}")
    environ = {**os.environ, "LINUX": user}
    linux = f"{top}/build/user-user/linux"

    def tool(name, *args, env=None):
        return shell(" ".join([f"{top}/tools/{name}", *args]), env={**environ, **(env or {})},
                     cwd=top)

    if shutil.disk_usage(TMP).free < 11 << 30:
        skip("trees", "less than 11 GB of free space")
        return
    series_errors(top, tool)
    r = tool("tree")
    check("LINUX= gets a work tree on a branch of its own", r.returncode == 0 and
          git(linux, "branch", "--show-current") == "devlink-locks\n", r.stderr)
    one_line("a posting without commits is one line", tool("export"), "net/first has no commits")
    for line, path, end, subject, message in (
            (3, "file", "net/first", "change 3", ""),
            (10, "file", "iwl-net/single", "change 10", ""),
            (12, "file", None, "change 12", ""), (25, "net/file", "net-next/second", "fix 25", ""),
            (28, "file", None, "change 28", '\n\nFixes: 123456789abc ("something")')):
        text = read(f"{linux}/{path}")
        write(f"{linux}/{path}", text.replace(f"line {line}\n", f"line {line} changed\n"))
        git(linux, "commit", "-q", "-a", "-m", f"{subject}\n\nBecause.{message}")
        if end:
            git(linux, "branch", "-f", f"end/{end}")
    r = tool("tree")
    check("work that is not exported is kept, and reported", r.returncode == 0 and
          "not exported" in r.stderr and "28 changed" in read(f"{linux}/file"), r.stderr)
    r = tool("export")
    names = sorted(os.path.relpath(os.path.join(d, f), f"{top}/patches")
                   for d, _, files in os.walk(f"{top}/patches") for f in files if f != "series")
    check("export writes each posting, and a list of all", names == [
        "README.md", "driver-core/last/0001-change-28.patch", "iwl-net/single/0001-change-10.patch",
        "net-next/second/0000-cover-letter.patch", "net-next/second/0001-change-12.patch",
        "net-next/second/0002-fix-25.patch",
        "net/first/0000-cover-letter.patch", "net/first/0001-change-3.patch"], (names, r.stderr))

    def subjects():
        return [line for n in names for line in read(f"{top}/patches/{n}").splitlines()
                if line.startswith("Subject: ")]

    found = subjects()
    check("... with tree, version and numbers in its subjects", found[3:] == [
        "Subject: [PATCH net-next v2 1/2] change 12", "Subject: [PATCH net-next v2 2/2] fix 25",
        "Subject: [PATCH net 0/1] first", "Subject: [PATCH net 1/1] change 3"], found)
    check("... also in a cover letter without them",
          found[2] == "Subject: [PATCH net-next v2 0/2] second", found)
    check("... and no numbers without a cover letter", found[:2] == [
        "Subject: [PATCH driver-core] change 28", "Subject: [PATCH iwl-net] change 10"], found)

    def digest():
        return [hashlib.sha256(open(f"{top}/patches/{n}", "rb").read()).hexdigest() for n in names]

    before = digest()
    tool("export")
    check("a second export changes no byte", digest() == before)
    os.symlink("user-user/linux", f"{top}/build/linux")
    write(f"{top}/docs/results.json", "[]\n")
    one_line("export --check sees a page of results that is not generated",
             tool("export", "--check", env={"LINUX": ""}), "docs/results.md",
             "run tools/results.py")
    tool("results.py", env={"LINUX": ""})
    r = tool("export", "--check", env={"LINUX": ""})
    check("... and accepts it when it is", r.returncode == 0, r.stderr)
    os.unlink(f"{top}/build/linux")
    write(f"{top}/patches/series", SERIES.replace("v2", "v3"))
    tool("export")
    check("a new version is one word in patches/series",
          sum("[PATCH net-next v3 " in line for line in subjects()) == 3, subjects())
    write(f"{top}/patches/series", SERIES)
    tool("export")
    check("... and back", digest() == before)
    head = git(linux, "rev-parse", "HEAD").strip()
    with open(f"{linux}/program", "wb") as f:
        f.write(bytes(range(256)))
    git(linux, "add", "program")
    git(linux, "commit", "-q", "--amend", "--no-edit")
    one_line("a binary file in a patch is one line", tool("export"),
             "driver-core/last has a binary file",
             "git rm --cached")
    git(linux, "reset", "-q", "--hard", head)
    cover = f"{top}/patches/net-next/second/0000-cover-letter.patch"
    os.rename(cover, f"{TMP}/cover")
    one_line("two patches without a cover letter are one line", tool("export"),
             "net-next/second has 2 patches",
             "write patches/net-next/second/0000-cover-letter.patch")
    os.rename(f"{TMP}/cover", cover)
    git(linux, "branch", "-D", "-q", "end/net/first")
    one_line("a posting without an end is one line", tool("export"), "net/first has no end",
             "branch -f end/net/first")
    git(linux, "reset", "-q", "--hard", "refs/worktree/base")
    git(linux, "update-ref", "refs/worktree/applied", "HEAD")
    os.unlink(f"{top}/build/user-user/applied")
    r = tool("tree")
    check("the patches apply again", r.returncode == 0 and
          git(linux, "rev-list", "--count", "refs/worktree/base..HEAD") == "5\n", r.stderr)
    r = tool("export")
    check("... and export changes no byte", digest() == before, r.stderr)
    readers(top, tool)
    show(top, linux, tool)
    mails(top, user, linux, tool, digest)
    rules(linux, tool)
    patch = f"{top}/patches/net-next/second/0001-change-12.patch"
    write(patch, read(patch).replace("line 11", "line eleven"))
    head = git(linux, "rev-parse", "HEAD")
    r = tool("tree")
    check("a patch that does not apply: the error has its name, the file and the fix",
          r.returncode != 0 and "file:" in r.stderr and
          "net-next/second/0001-change-12.patch does not apply" in r.stderr and
          "am --3way" in r.stderr, r.stderr)
    check("... and the tree has not changed", git(linux, "rev-parse", "HEAD") == head and
          not git(linux, "status", "--porcelain"))

    if os.geteuid() == 0:
        small = f"{top}/build/small"
        os.makedirs(small)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=10M", "tmpfs", small], check=True)
        try:
            one_line("a full disk is one line",
                     shell(f". {top}/tools/common.sh; build={small}; need_space 10", env=environ,
                           executable="/bin/bash"), "10 GB")
        finally:
            subprocess.run(["umount", small], check=True)
    else:
        skip("a full disk", "making a small file system needs root")


# A kernel of few files, for the scripts that check that they are in one.
KERNEL = ["scripts/checkpatch.pl", "scripts/spelling.txt", "scripts/const_structs.checkpatch",
          "scripts/get_maintainer.pl", "scripts/kernel-doc", "tools/docs/kernel-doc",
          "tools/lib/python",
          ".pylintrc", ".mailmap", "COPYING", "CREDITS", "Kbuild", "Makefile", "README"]
MAINTAINERS = """List of maintainers
===================

NETWORKING
M:	A Maintainer <m@example.org>
R:	A Reviewer <r@example.org>
L:	netdev@vger.kernel.org
S:	Maintained
F:	Documentation/
F:	net/
F:	include/net/
F:	tools/testing/selftests/net/*/

DRIVERS
M:	A Maintainer <m@example.org>
R:	A Reviewer <r@example.org>
S:	Maintained
F:	drivers/

THE REST
M:	Somebody <rest@example.org>
L:	linux-kernel@vger.kernel.org
S:	Buried alive in reporters
F:	*
F:	*/
"""
SPDX = "SPDX-License-Identifier: GPL-2.0\n"
C, H = f"// {SPDX}\n", f"/* {SPDX[:-1]} */\n\n"
SH, PY = f"#!/bin/sh\n# {SPDX}\n", f'# {SPDX}"""Nothing."""\n'
LISTS = f"# {SPDX}\nTEST_PROGS := \\\n{{}}# end of TEST_PROGS\n\ninclude ../lib.mk\n".format
LONG_LINE = "int long_line = 1000000000 + 2000000000 + 3000000000 + 4000000000 + 50000000;\n"
KDOC = """/**
 * documented() - return its argument
 * @a: the argument
 *
 * Return: the argument
 */
int documented(int a)
{
	return a;
}
"""
KSFT = "tools/testing/selftests/net"
# A patch for each fault: its name, its files, and the tests that must fail, no others.  Each patch
# has files of its own: later patches to a Makefile or a header with a fault would also fail.
FAULTS = [
    ("nothing", {"net/good.c": C + KDOC, f"{KSFT}/good/Makefile": LISTS("\ta.py \\\n\ta.sh \\\n"),
                 f"{KSFT}/good/config": "CONFIG_A_B=y\nCONFIG_AB_C=y\n",
                 f"{KSFT}/good/a.sh": SH + "echo a\n",
                 f"{KSFT}/good/a.py": f'{PY}\nprint("inline")\n'}, ""),
    ("long line for long line", {"net/long.c": C + LONG_LINE.replace("5", "55555")}, "checkpatch"),
    ("inline in a string", {"net/string.c": C + 'char mode[] = "inline-mode";\n'}, "source_inline"),
    ("function in a header",
     {"include/net/function.h": H + "static int get(int a)\n{\n\treturn a;\n}\n"},
     "header_inline"),
    ("put_net", {"net/put.c": C + "void put(struct net *net)\n{\n\tput_net(net);\n}\n"},
     "deprecated_api"),
    ("module_param", {"net/param.c": C + "int number;\nmodule_param(number, int, 0);\n"},
     "deprecated_api"),
    ("argument not documented", {"net/kdoc.c": C + KDOC.replace(" * @a: the argument\n", "")},
     "kdoc"),
    ("file of a stranger", {"drivers/sub/stranger.c": C + "int stranger = 3;\n"}, "cc_maintainers"),
    ("wrong subject in a tag", {"net/fixes.c": C + "int number_of_tags;\n"},
     "checkpatch verify_fixes"),
    ("right subject in a tag", {"net/fixed.c": C + "int number_of_fixed;\n"}, ""),
    ("author who does not sign", {"net/author.c": C + "int author;\n"}, "verify_signedoff"),
    ("no end of a list",
     {f"{KSFT}/end/Makefile": f"# {SPDX}\nTEST_PROGS := \\\n\ta.sh \\\n\tb.sh\n\nall:\n"},
     "check_selftest"),
    ("list not sorted", {f"{KSFT}/sort/Makefile": LISTS("\tb.sh \\\n\ta.sh \\\n")},
     "check_selftest"),
    ("two lists", {f"{KSFT}/two/Makefile": LISTS("\ta.sh \\\n") + "TEST_PROGS += b.sh\n"},
     "check_selftest"),
    ("config not sorted", {f"{KSFT}/config/config": "CONFIG_AB_C=y\nCONFIG_A_B=y\n"},
     "check_selftest"),
    ("program not listed", {f"{KSFT}/good/other.sh": SH + "echo other\n"}, "check_selftest"),
    ("binary not ignored", {f"{KSFT}/binary/Makefile": LISTS("\tbinary \\\n"),
                            f"{KSFT}/binary/binary.c": C + "int main(void)\n{\n\treturn 0;\n}\n"},
     "check_selftest"),
    ("import of nothing", {"net/nothing.py": f"{PY}\nimport no_module\n\nno_module.run()\n"},
     "pylint"),
    ("no docstring", {"net/docstring.py": f'{PY}\n\ndef run():\n    print("run")\n'}, "pylint"),
    ("imports not sorted", {"net/imports.py": f"{PY}\nimport sys\nimport os\n\nprint(os, sys)\n"},
     "ruff"),
    ("no quotes", {"net/quotes.sh": SH + "rm $1\n"}, "shellcheck"),
    ("spaces at the end", {"Documentation/spaces.yaml": f"# {SPDX}---\na: b  \n"},
     "checkpatch yamllint"),
    ("file of nobody", {"lib/nobody.c": C + "int nobody;\n"}, ""),
]


def netdev_faults():
    """make check finds each fault, and gives the same verdicts as nipa's own tests."""
    user, top = f"{TMP}/small", f"{TMP}/netdev"
    linux = f"{top}/build/user-small/linux"
    os.makedirs(user)
    git(user, "init", "-q", "-b", "main")
    shell(f"git -C {guest.LINUX} archive base {' '.join(KERNEL)} | tar -x -C {user}")
    write(f"{user}/MAINTAINERS", MAINTAINERS)
    for name in ("Documentation", "include", "drivers", "fs", "init", "ipc", "kernel", "lib"):
        write(f"{user}/{name}/file", "")
    # With this many files, THE REST does not count as an entry of its own.
    for i in range(80):
        write(f"{user}/arch/{i}", "")
    write(f"{user}/net/long.c", C + LONG_LINE)
    write(f"{user}/drivers/sub/stranger.c", C + "int stranger = 2;\n")
    env = {**os.environ, "LINUX": user, "GIT_COMMITTER_NAME": "Tester",
           "GIT_COMMITTER_EMAIL": "t@example.org",
           "GIT_AUTHOR_NAME": "A Stranger", "GIT_AUTHOR_EMAIL": "stranger@example.org"}
    author = "The devlink-locks authors <devlink-locks@example.org>"

    def run(command, **more):
        return shell(command, env={**env, **more}, cwd=top)

    for name in ("net-next/code", "net-next/tests"):
        write(f"{top}/patches/{name}/0000-cover-letter.patch",
              f"From {'0' * 40} Mon Sep 17 00:00:00 2001\nFrom: {author}\n"
              f"Date: Sun, 1 Nov 2026 00:00:00 +0000\nSubject: faults\n\nWhy.\n\n")
    write(f"{top}/patches/series", "net-next/code later faults\nnet-next/tests later faults\n")
    shutil.copytree(f"{TOP}/tools", f"{top}/tools")
    shutil.copytree(f"{TOP}/bases", f"{top}/bases")
    os.makedirs(f"{top}/build")
    os.symlink(f"{TOP}/build/tools", f"{top}/build/tools")
    run(f"cd {user} && git add . && git commit -q -m 'first commit' && "
        "git commit -q --allow-empty -m second")
    first = git(user, "rev-parse", "--short=12", "HEAD~").strip()
    run("tools/tree")
    for title, files, _ in FAULTS:
        for name, text in files.items():
            write(f"{linux}/{name}", text)
            os.chmod(f"{linux}/{name}", 0o755 if name.endswith(".sh") else 0o644)
        tag = f'\n\nFixes: {first} ("{title.split()[0].replace("right", "first")} commit")' * (
            "tag" in title)
        who = "Somebody Else <else@example.org>" if "author" in title else author
        write(f"{TMP}/message", f"net: {title}\n\nA patch with this fault and no other.{tag}\n")
        run(f"cd {linux} && git add -f . && git commit -q --author '{who}' -F {TMP}/message")
        if title == "author who does not sign":
            git(linux, "branch", "-f", "end/net-next/code")
    r = run("tools/export")
    check("a patch for each fault", r.returncode == 0, r.stderr)

    def verdicts(**more):
        r = run("tools/check --quick", **more)
        found = {}
        for title, text in re.findall(r"^net-next/\S+ \d+/\d+ net: (.*): \w+\n((?:  .*\n)*)",
                                      r.stdout, re.M):
            found.setdefault(title, set()).update(re.findall(r"^  (\w+):$", text, re.M))
        return r, found, [line for line in r.stdout.splitlines()
                          if re.match(r"\d+/\d+ |the posting", line)]

    one_line("a NIPA= that is no clone of nipa is one line", run("tools/check", NIPA=user),
             f"NIPA={user}",
             "git clone https://github.com/linux-netdev/nipa")
    r, found, rows = verdicts(NIPA="")
    lacks = set(re.findall(r"^skipped (\w+): there is no", r.stdout, re.M))
    for test in lacks:
        skip(f"faults that {test} finds", "it is not installed: make setup")
    for title, _, wanted in FAULTS:
        check(f"make check sees in a patch: {title}",
              found.get(title, set()) == set(wanted.split()) - lacks,
              (wanted, found.get(title), r.stderr))
    check("... and in a posting, a new file without an entry in MAINTAINERS",
          "net-next/tests: series\n  maintainers:\n    lib/nobody.c: " in r.stdout and
          "net-next/code: series" not in r.stdout, r.stdout)
    if not os.environ.get("NIPA"):
        skip("netdev's own tests give the same verdicts", "NIPA= is not set, see README.md")
        return
    r, theirs, their_rows = verdicts()
    check("netdev's own tests give the same verdicts", (found, rows) == (theirs, their_rows),
          ([(a, b) for a, b in zip(rows, their_rows) if a != b],
           {title: (found.get(title), theirs.get(title)) for title in {*found, *theirs}
            if found.get(title) != theirs.get(title)}, r.stderr))


# A posting for each fault that only a compiler finds: the text that it adds to each file, and the
# column that must fail, no others.
KSFT_DIR = "tools/testing/selftests/drivers/net/netdevsim"
COMPILED = [
    ("nothing", {"net/devlink/core.c": "/* Nothing */\n"}, ""),
    ("not initialized",
     {"net/devlink/sb.c": "int devlink_fault(int a);\n\nint devlink_fault(int a)\n{\n"
      "\tint b;\n\n\tif (a)\n\t\tb = a;\n\treturn b;\n}\n"}, "clang"),
    ("division of 64 bits", {"net/devlink/dpipe.c": "u64 devlink_ratio(u64 a, u32 b);\n\n"
                             "u64 devlink_ratio(u64 a, u32 b)\n{\n\treturn a / b;\n}\n"}, "i386"),
    ("not exported",
     {"drivers/net/netdevsim/health.c": "void devlink_notify_register(struct devlink *devlink);\n"
      "void nsim_fault(struct devlink *devlink);\n\nvoid nsim_fault(struct devlink *devlink)\n{\n"
      "\tdevlink_notify_register(devlink);\n}\n"}, "modpost"),
    ("selftest", {f"{KSFT_DIR}/devlink_fault.c": "int main(void)\n{\n\treturn nothing;\n}\n",
                  f"{KSFT_DIR}/Makefile": "TEST_GEN_FILES := devlink_fault\n"}, "selftests"),
]


def compiled_faults():
    """make check finds each fault that netdev's robot finds when it compiles.  The tree shares all
    objects with build/linux."""
    user, top = f"{TMP}/compiled", f"{TMP}/compile"
    linux = f"{top}/build/user-compiled/linux"
    git(TMP, "clone", "-q", "-s", "-n", guest.LINUX, user)
    git(user, "update-ref", "HEAD", "base")
    env = {**os.environ, "LINUX": user}
    shutil.copytree(f"{TOP}/tools", f"{top}/tools")
    shutil.copytree(f"{TOP}/bases", f"{top}/bases")
    shutil.copytree(f"{TOP}/configs", f"{top}/configs")
    os.makedirs(f"{top}/build")
    os.symlink(f"{TOP}/build/tools", f"{top}/build/tools")
    names = [f"net-next/fault-{i}" for i in range(len(COMPILED))]
    for name in names:
        os.makedirs(f"{top}/patches/{name}")
    write(f"{top}/patches/series", "".join(f"{name} later a fault\n" for name in names))
    shell("tools/tree", env=env, cwd=top)
    for name, (title, files, _) in zip(names, COMPILED):
        for path, text in files.items():
            if path.endswith("Makefile"):   # before the line that includes lib.mk
                text += read(f"{linux}/{path}")
            elif os.path.exists(f"{linux}/{path}"):
                text = f"{read(f'{linux}/{path}')}\n{text}"
            write(f"{linux}/{path}", text)
        git(linux, "add", ".")
        git(linux, "commit", "-q", "-m", f"net: {title}\n\nA posting with this fault and no other.")
        git(linux, "branch", "-f", f"end/{name}")
    r = shell("tools/export", env=env, cwd=top)
    check("a posting for each fault that a compiler sees", r.returncode == 0, r.stderr)
    r = shell("tools/check", env=env, cwd=top)
    lacks = set(re.findall(r"^skipped (\w+): there is no", r.stdout, re.M))
    for name, (title, _, wanted) in zip(names, COMPILED):
        found = set(re.findall(rf"^{name}.*: (build|W=1|sparse|clang|i386|modpost|selftests)$",
                               r.stdout, re.M))
        if wanted in lacks:
            skip(f"make check sees in a posting: {title}",
                 f"there is no {wanted}: tools/setup clang-19")
        else:
            check(f"make check sees in a posting: {title}", found == set(wanted.split()),
                  (wanted, found, r.stderr))


def semantic_patch():
    """tests/cocci: drivers with errors, and one without an error."""
    cocci = "scripts/coccinelle/locks/devlink_parallel.cocci"
    if shell("command -v spatch").returncode:
        skip("semantic patch", "there is no spatch: make setup")
        return
    sources = sorted(glob.glob(f"{TOP}/tests/cocci/*.c"))
    check("the semantic patch has drivers to check", len(sources) > 8, sources)
    with open(f"{guest.LINUX}/{cocci}", encoding="utf-8") as f:
        options = re.search(r"Options: *(.*)", f.read()).group(1)
    for mode, form in (("report", r"^(\S+/tests/cocci/\w+\.c):(\d+):\d+-\d+: ERROR: "),
                       ("org", r"^\* TODO \[\[view:(\S+)::face=\S+?::linb=(\d+)::"),
                       ("context", r"^--- (\S+)|^-(.*)")):
        r = shell(f"spatch -D {mode} --very-quiet --use-coccigrep {options} "
                  f"--cocci-file {cocci} --dir {TOP}/tests/cocci",
                  cwd=guest.LINUX, env={**os.environ, "PATH": "/usr/sbin:/usr/bin:/sbin:/bin"})
        found, source = {}, None
        for path, line in re.findall(form, r.stdout, re.M):
            source = path or source
            if line:
                found.setdefault(source, []).append(line)
        for source in sources:
            with open(source, encoding="utf-8") as f:
                lines = f.read().splitlines()
            here = [line if mode == "context" else str(i) for i, line in enumerate(lines, 1)
                    if "/* here */" in line]
            name = os.path.basename(source)
            check(f"semantic patch, {mode}: {name}: {lines[1][3:]}", r.returncode == 0 and
                  found.get(source, []) == here and bool(here) == (name != "right.c"),
                  (here, found.get(source), r.stderr[-300:]))


def main():
    parts = {part.__name__: part for part in (
        semantic_patch, bad_input, locking_page, results, guarantees, trees, netdev_faults, guests,
        torture, compiled_faults)}
    parser = Parser(__doc__)
    parser.add_argument("part", nargs="*", metavar="PART", help=", ".join(parts))
    options = parser.parse_args()
    wrong = {*options.part} - {*parts}
    if wrong:
        parser.error(f"there is no part {', '.join(wrong)}: there are {', '.join(parts)}")
    os.makedirs(TMP)
    try:
        for name, part in parts.items():
            if name in (options.part or [name for name in parts if name != "compiled_faults"]):
                part()
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
