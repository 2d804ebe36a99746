#!/usr/bin/python3
"""What the README promises of guests, trees and bad input, each as a test.

Guests are those of the perf kernel of the base, which torture breaks; trees are a git
repository of three files, so that nothing large is made.
"""

import hashlib
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tools"))
import guest  # noqa: E402

TMP = tempfile.mkdtemp(prefix="workbench-test.", dir=guest.BUILD)
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
    check("... its output alone, all of it", r.stdout == wanted, r.stdout[-200:])
    check("... and what it says on stderr there", r.stderr == b"problem\n", r.stderr[-200:])

    out = f"{TMP}/out"
    r = exec_guest("id -u; nproc; echo text >/tmp/out/file; mkdir /tmp/out/d", "--out", out)
    check("a command is root, on two CPUs", r.stdout == b"0\n2\n", r.stdout)
    check("... and its files come back", os.path.isdir(f"{out}/d") and
          open(f"{out}/file", encoding="utf-8").read() == "text\n", os.listdir(out))
    r = exec_guest("touch /etc/devlink-locks-test")
    check("... but not into the host's file system",
          r.returncode == 1 and not os.path.exists("/etc/devlink-locks-test"), r.returncode)

    for what, status, word, command, options in (
            ("the time limit", guest.TIME_LIMIT, b"time limit of 2 s", "sleep 60", ["--time", "2"]),
            ("a panic", guest.PANIC, b"the kernel panicked: sysrq", "echo c >/proc/sysrq-trigger", [])):
        r = exec_guest(command, *options)
        first = r.stderr.splitlines()[:1]
        check(f"{what} has its status", r.returncode == status, r.returncode)
        check("... and one line that says so", first and word in first[0], first)

    r = guest.run("base", "perf", "true", args="init=/nowhere")
    check("a guest that does not boot has its status", r.status == guest.NO_BOOT, r.status)
    check("... and one line that says so", "did not boot" in r.why and "\n" not in r.why, r.why)
    r = guest.run("base", "perf", "pkill -STOP -f -o '^/bin/sh .*guest-init' ; kill -STOP -1; sleep 99",
                  patience=(60, 5))
    check("a guest that hangs has its status", r.status == guest.HUNG, (r.status, r.why))

    # A shell starts what runs in the background with the signal ignored.
    process = subprocess.Popen([f"{TOP}/tools/guest.py", "base", "perf", "sleep 77"],
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
    one_line("a TEST= that is not there is one line",
             shell("tools/ksft.py base perf nonsense.sh"), "TEST=nonsense.sh", "devlink.sh")

    base = dict(line.split("=", 1) for line in open(f"{TOP}/base", encoding="utf-8").read().splitlines()
                if "=" in line and not line.startswith("#"))
    real = os.environ.get("XDG_CACHE_HOME") or os.path.expanduser("~/.cache")
    deb = shell(f"ls {real}/devlink-locks/debs/{base['package']}_*.deb").stdout.split()
    cache = f"{TMP}/cache/devlink-locks/debs"
    os.makedirs(cache)
    fetch = f"tools/fetch deb {base['package']} '{base['version']}' {{}} {base['suites'].strip(chr(34))}"
    if deb:
        # Not the file itself: the program removes what it does not trust.
        with open(f"{cache}/{os.path.basename(deb[0])}", "wb") as f:
            f.write(b"something else")
        r = shell(fetch.format(base["sha256"]), env={**os.environ, "XDG_CACHE_HOME": f"{TMP}/cache"})
        one_line("a changed checksum is one line", r, "has the sum", base["sha256"][:12])
        check("... and the file is gone", not os.listdir(cache), os.listdir(cache))
    else:
        skip("a changed checksum", "no package was downloaded here (LINUX= in use)")
    env = {**os.environ, "XDG_CACHE_HOME": f"{TMP}/cache",
           "http_proxy": "http://127.0.0.1:9", "https_proxy": "http://127.0.0.1:9"}
    r = shell(fetch.format(base["sha256"]), env=env)
    last = r.stderr.strip().splitlines()[-1:]
    check("no network is said", r.returncode != 0 and last and "suites" in last[0] and
          "cannot read" in r.stderr, (r.returncode, r.stderr))


def torture():
    r = shell("tools/torture.py --minutes 2 --seed 3 --no-shrink base perf")
    check("torture of the base fails, says how and how to do it again",
          r.returncode == 1 and "seeds 3 to 3" in r.stdout and ": fails: " in r.stdout and
          "again: make torture KERNEL=base CONFIG=perf SEED=3" in r.stdout, r.stdout + r.stderr)


def git(where, *args):
    return subprocess.run(["git", "-C", where, *args], text=True, check=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE).stdout


def trees():
    """make tree and make export, with LINUX= a repository of one file."""
    for who in ("AUTHOR", "COMMITTER"):
        os.environ[f"GIT_{who}_NAME"], os.environ[f"GIT_{who}_EMAIL"] = "Tester", "t@example.org"
    top, user = f"{TMP}/top", f"{TMP}/user"
    os.makedirs(f"{top}/patches/1-first")
    os.makedirs(f"{top}/patches/2-second")
    shutil.copytree(f"{TOP}/tools", f"{top}/tools")
    os.makedirs(user)
    git(user, "init", "-q", "-b", "main")
    with open(f"{user}/file", "w", encoding="utf-8") as f:
        f.write("".join(f"line {i}\n" for i in range(30)))
    git(user, "add", "file")
    git(user, "commit", "-q", "-m", "base")
    for name, tree in (("1-first", "net"), ("2-second", "net-next v2")):
        with open(f"{top}/patches/{name}/0000-cover-letter.patch", "w", encoding="utf-8") as f:
            f.write(f"From {'0' * 40} Mon Sep 17 00:00:00 2001\nFrom: T <t@example.org>\n"
                    f"Date: Sun, 1 Nov 2026 00:00:00 +0000\nSubject: [PATCH {tree} 0/9] {name}\n\nWhy.\n\n")
    env = {**os.environ, "LINUX": user}
    linux = f"{top}/build/user-user/linux"

    def tool(name, *args):
        return shell(" ".join([f"{top}/tools/{name}", *args]), env=env, cwd=top)

    if shutil.disk_usage(TMP).free < 11 << 30:
        skip("trees", "less than 11 GB of free space")
        return
    r = tool("tree")
    check("LINUX= gets a work tree on a branch of its own", r.returncode == 0 and
          git(linux, "branch", "--show-current") == "devlink-locks\n", r.stderr)
    for line, end in ((3, "end/1-first"), (20, None), (25, None)):
        text = open(f"{linux}/file", encoding="utf-8").read()
        with open(f"{linux}/file", "w", encoding="utf-8") as f:
            f.write(text.replace(f"line {line}\n", f"line {line} changed\n"))
        git(linux, "commit", "-q", "-a", "-m", f"change {line}\n\nBecause.")
        if end:
            git(linux, "branch", end)
    r = tool("tree")
    check("work that is not exported is kept, and said", r.returncode == 0 and
          "not exported" in r.stderr and "25 changed" in open(f"{linux}/file").read(), r.stderr)
    r = tool("export")
    names = sorted(os.path.relpath(os.path.join(d, f), f"{top}/patches")
                   for d, _, files in os.walk(f"{top}/patches") for f in files)
    check("export writes each series", names == [
        "1-first/0000-cover-letter.patch", "1-first/0001-change-3.patch",
        "2-second/0000-cover-letter.patch", "2-second/0001-change-20.patch",
        "2-second/0002-change-25.patch"], (names, r.stderr))
    subjects = [line for n in names for line in open(f"{top}/patches/{n}", encoding="utf-8")
                if line.startswith("Subject: ")]
    check("... with its prefix and numbers", subjects[1] == "Subject: [PATCH net 1/1] change 3\n" and
          subjects[2] == "Subject: [PATCH net-next v2 0/2] 2-second\n", subjects)

    def digest():
        return [hashlib.sha256(open(f"{top}/patches/{n}", "rb").read()).hexdigest() for n in names]

    before = digest()
    tool("export")
    check("a second export changes no byte", digest() == before)
    git(linux, "reset", "-q", "--hard", "refs/worktree/base")
    git(linux, "update-ref", "refs/worktree/applied", "HEAD")
    os.unlink(f"{top}/build/user-user/applied")
    r = tool("tree")
    check("the patches apply again", r.returncode == 0 and
          git(linux, "rev-list", "--count", "refs/worktree/base..HEAD") == "3\n", r.stderr)
    r = tool("export")
    check("... and export changes no byte", digest() == before, r.stderr)
    patch = f"{top}/patches/2-second/0001-change-20.patch"
    text = open(patch, encoding="utf-8").read()
    with open(patch, "w", encoding="utf-8") as f:
        f.write(text.replace("line 19", "line nineteen"))
    head = git(linux, "rev-parse", "HEAD")
    r = tool("tree")
    check("a patch that does not apply: which, which file, what to do",
          r.returncode != 0 and "2-second/0001-change-20.patch does not apply" in r.stderr and
          "file:" in r.stderr and "am --3way" in r.stderr, r.stderr)
    check("... and the tree is as it was", git(linux, "rev-parse", "HEAD") == head and
          not git(linux, "status", "--porcelain"))

    if os.geteuid() == 0:
        small = f"{top}/build/small"
        os.makedirs(small)
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=10M", "tmpfs", small], check=True)
        try:
            one_line("a full disk is one line",
                     shell(f". {top}/tools/common.sh; build={small}; need_space 10", env=env,
                           executable="/bin/bash"), "10 GB")
        finally:
            subprocess.run(["umount", small], check=True)
    else:
        skip("a full disk", "making a small file system needs root")


def main():
    try:
        bad_input()
        trees()
        guests()
        torture()
    finally:
        shutil.rmtree(TMP, ignore_errors=True)
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    sys.exit(main())
