#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Run the selftests of netdevsim, each in a guest of its own, and print a table.

usage: ksft.py KERNEL CONFIG [PROGRAM[:CASE[,CASE ...]] ...]
       ksft.py installed KERNEL CONFIG [PROGRAM ... | -PROGRAM ...]
       ksft.py compare CONFIG CONFIG [PROGRAM ... | -PROGRAM ...]
       ksft.py report CONFIG PROGRAM[:CASE] ...

PROGRAM selects a program, -PROGRAM all except this one. CASE selects a case of it: a function of
ALL_TESTS or ksft_run(), or the name that a program in C prints. A program of which fewer results
come than cases were selected fails.

`installed` runs the programs that run by default, or the selected ones, with run_kselftest.sh
in the folder that `make install` of the selftests fills. That folder has nothing else of the
tree.

`compare` runs the programs of the base, or the selected ones, on the series in the second
configuration, and those that do not pass on the base in the first one. It fails if the base has
another result, or if a program fails that docs/selftests.md does not list. `report` fails unless
the kernel reports an error of devlink on the base and none with the series: for races that only a
sanitizer sees.

All kernels run the programs of build/linux, also the base: a test that the series adds shows there
the bug that it is for. A program fails by its exit status, by a failed or missing test in its
output (tools/test_output.py), or by a report of the kernel (tools/kernel_log.py: lockdep, KASAN,
KCSAN, WARN, a leak, a hung task). Reports with the same first frames are printed once. A data race
only counts if devlink or netdevsim is in one of its stacks. Results are printed as they come.

A test that reads the clock can fail on a busy machine. A program that fails without a report of
the kernel runs once more, alone, as on a slow machine, and the table shows both results.
"""

import concurrent.futures
import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys
import typing

import guest
import verdict

TESTS = "tools/testing/selftests/drivers/net/netdevsim"
# The second is not in the base.
FOLDERS = TESTS, f"{TESTS}/faults"
INSTALLED = os.path.join(guest.BUILD, "installed")
# The limit for one program, in seconds; under QEMU everything is slow.
LIMIT = {"perf": 900, "lockdep": 1800, "kasan": 1800, "kcsan": 1800}

# If more programs fail, the reason is not the clock, and none runs once more.
AGAIN = 4

# Guests at the same time.  Two guests of UML use almost all of two processors.  With a third one,
# both are busy until the last long program runs.  One guest of QEMU uses both.
PARALLEL = {"uml": 3, "qemu": 1}


class Outcome(typing.NamedTuple):
    """How a program ended."""
    outcome: str        # pass, fail or skip
    why: str
    splats: list
    seconds: float
    output: str
    again: bool         # run it again: it failed without a report of the kernel and without a
                        # hang, or the guest did not boot, as with QEMU on a busy machine


class Lines:
    """Output in whole lines: a parser cannot read a result with an error message inside."""

    def __init__(self):
        self.lines, self.rest = [], b""

    def add(self, data):
        """Adds a part of the output."""
        *whole, self.rest = (self.rest + data).split(b"\n")
        self.lines += [line + b"\n" for line in whole]

    def end(self):
        """Adds the last line, which may have no end."""
        self.lines += [self.rest] * bool(self.rest)


def makefile(folder, base=False):
    """The text of a Makefile in the tree or in the base; empty if there is none."""
    if base:
        return subprocess.run(["git", "-C", guest.LINUX, "show",
                               f"refs/worktree/base:{folder}/Makefile"], stdout=subprocess.PIPE,
                              stderr=subprocess.DEVNULL, check=False, text=True).stdout
    path = os.path.join(guest.LINUX, folder, "Makefile")
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as f:
        return f.read()


def programs(base=False):
    """The programs that the Makefiles list, or all if there is none: {program: its folder}"""
    if not makefile(TESTS, base):
        return {os.path.basename(path): TESTS for path in glob.glob(f"{guest.LINUX}/{TESTS}/*.sh")}
    return {word: folder for folder in FOLDERS
            for match in re.finditer(r"^TEST_(?:GEN_)?PROGS(?:_EXTENDED)?\s*[:+]?=(.*)$",
                                     makefile(folder, base).replace("\\\n", " "), re.M)
            for word in match.group(1).split("#")[0].split()}


def cases(program):
    """The names of the cases of a program, or nothing if it has none."""
    path = os.path.join(guest.LINUX, programs().get(program, ""), program)
    in_c = "." not in program
    path += ".c" * in_c
    if not os.path.exists(path):
        return []
    with open(path, encoding="utf-8") as f:
        source = f.read()
    if in_c:
        # In tables, with the name first
        return re.findall(r'^\t(?:CMD\(|{ )(?:\.name = )?"(.*?)"', source, re.M)
    listed = re.search(r'^ALL_TESTS="(.*?)"|\bksft_run\(\[(.*?)\]', source, re.M | re.S)
    return re.findall(r"\w+", listed.group(1) or listed.group(2)) if listed else []


def selected(name):
    """The program and the cases of PROGRAM[:CASE[,CASE ...]]"""
    program, _, words = name.partition(":")
    # A case in C can have other characters in its name, and is the only one.
    return program, [word for word in (words.split(",") if "." in program else [words]) if word]


def build():
    """Compiles the tests in C on the host.  The guests can run the host's programs."""
    folders = [folder for folder in FOLDERS if "TEST_GEN_" in makefile(folder)]
    if not folders:
        return
    headers = os.path.join(guest.BUILD, "headers")
    # Several programs may do this at the same time.
    with open(f"{headers}.lock", "w", encoding="ascii") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        for argv in (["make", "-s", "-C", guest.LINUX, f"O={headers}", "ARCH=x86", "headers"],
                     *(["make", "-s", "-C", f"{guest.LINUX}/{folder}",
                        f"OUTPUT={guest.LINUX}/{folder}",
                        f"KHDR_INCLUDES=-isystem {headers}/usr/include"] for folder in folders)):
            if subprocess.run(argv, stdout=sys.stderr, check=False).returncode:
                sys.exit(f"ksft: '{' '.join(argv)}' failed")


def install():
    """Installs the selftests of the folders; returns the programs that run by default."""
    build()
    shutil.rmtree(INSTALLED, ignore_errors=True)
    targets = [folder.removeprefix("tools/testing/selftests/") for folder in FOLDERS]
    argv = ["make", "-s", "-C", f"{guest.LINUX}/tools/testing/selftests", "install",
            f"TARGETS={' '.join(targets)}", f"INSTALL_PATH={INSTALLED}", "FORCE_TARGETS=1",
            # For net/lib, which has programs for BPF
            f"CLANG={shutil.which('clang-19') or 'clang'}",
            f"KHDR_INCLUDES=-isystem {guest.BUILD}/headers/usr/include"]
    if subprocess.run(argv, stdout=sys.stderr, check=False).returncode:
        sys.exit(f"ksft: '{' '.join(argv)}' failed")
    with open(f"{INSTALLED}/kselftest-list.txt", encoding="utf-8") as f:
        return [line.strip().partition(":")[2] for line in f
                if line.partition(":")[0] in targets]


def run(kernel, config, name, args="", limit=None, slow=None, installed=False):
    """Runs a program, or some cases of it, and returns its Outcome."""
    program, only = selected(name)
    slow = "KSFT_MACHINE_SLOW=yes " if slow or config != "perf" else ""
    chosen = ""
    if only and program.endswith(".sh"):
        chosen = f"TESTS='{' '.join(only)}' "
    elif only:
        option = "-t" if program.endswith(".py") else "-p"
        args = "".join(f"{option} '{case}' " for case in only) + args
    # Some are not executable.  kselftest's own runner calls an interpreter for these also.
    folder = os.path.join(guest.LINUX, programs()[program])
    how = "./" if os.access(os.path.join(folder, program), os.X_OK) else "bash "
    command = f"{how}{program} {args}"
    if installed:
        collection = programs()[program].removeprefix("tools/testing/selftests/")
        # The limit in the file "settings" is for a machine that runs one program at a time.
        command = f"./run_kselftest.sh -o {LIMIT[config]} -t {collection}:{program}"
        folder = INSTALLED
    output, errors = Lines(), Lines()
    errors.lines = output.lines
    ended = guest.run(kernel, config, f"NO_COLOR=1 {slow}{chosen}{command}",
                      limit=limit or LIMIT[config], write=output.add, write_err=errors.add,
                      leaks=config == "kasan", directory=folder)
    output.end()
    errors.end()
    said = b"".join(output.lines).decode(errors="replace")
    outcome, why, splats, said = verdict.judge(ended, said, installed, len(only))
    return Outcome(outcome, why, splats, ended.seconds, said,
                   ended.status == guest.NO_BOOT or
                   outcome == "fail" and not ended.why and not splats and "hang: " not in said)


def run_all(jobs, installed=False):
    """Yields each (kernel, configuration, program) with its result, in the order of their ends."""
    with concurrent.futures.ThreadPoolExecutor(
            min((PARALLEL[guest.MACHINES[config]] for _, config, _ in jobs), default=1)) as pool:
        try:
            # From the end: the last program, udp_tunnel_nic.sh, takes longest and must start first.
            running = {pool.submit(run, *job, installed=installed): job for job in reversed(jobs)}
            for one in concurrent.futures.as_completed(running):
                yield running[one], one.result()
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            raise


def compare(base_config, series_config, names):
    with open(os.path.join(guest.TOP, "docs", "selftests.md"), encoding="utf-8") as f:
        may_fail = re.findall(r"^\| `([^`]+)` \| fails", f.read(), re.M)
    configs, results = {"series": series_config, "base": base_config}, {"series": {}, "base": {}}

    def good(name):
        one, base = results["series"][name], results["base"].get(name)
        return one.outcome == "pass" or base and base.outcome == one.outcome and (
            one.outcome != "fail" or name in may_fail)

    def show(kernel, name, one, title=""):
        results[kernel][name] = one
        print(f"{title or name:34} {kernel + ', ' + configs[kernel]:16} {one.outcome:6} "
              f"{one.seconds:5.0f}s  {one.why}", flush=True)
        for _, lines in one.splats:
            print("\n".join("    | " + line for line in lines[:40]), flush=True)

    print(f"{'program':34} {'kernel':16} {'result':6} {'time':>6}")
    for kernel, config in configs.items():
        # A program that passes with the series is not run on the base.
        chosen = [name for name in names if kernel == "series" or not good(name)]
        for (_, _, name), one in run_all([(kernel, config, name) for name in chosen]):
            show(kernel, name, one)
        late = [name for name in chosen if results[kernel][name].again and name not in may_fail]
        for name in late if len(late) <= AGAIN else ():
            show(kernel, name, run(kernel, config, name, slow=True), f"again, alone: {name}")
    count = {"pass": 0, "fail": 0, "skip": 0}
    for name in names:
        skips = results["series"][name].outcome == "skip"
        count["fail" if not good(name) else "skip" if skips else "pass"] += 1
        if not good(name):
            print(f"{name}: the base has another result, or docs/selftests.md does not list the "
                  "failure: FAIL")
    return count


def report(config, names):
    count = {"pass": 0, "fail": 0, "skip": 0}
    both = {name: {} for name in names}
    for (kernel, _, name), one in run_all([(kernel, config, name) for name in names
                                           for kernel in ("base", "series")]):
        both[name][kernel] = one
        if len(both[name]) < 2:
            continue
        base, series = both[name]["base"], both[name]["series"]
        found = [title for title, lines in base.splats if any("devlink" in line for line in lines)]
        good = found and series.outcome == "pass"
        count["pass" if good else "fail"] += 1
        print(f"{name}: base: {found[0] if found else 'no report'}; "
              f"series: {series.outcome} {series.why}", flush=True)
    return count


def one_kernel(kernel, config, names, installed=False):
    count = {"pass": 0, "fail": 0, "skip": 0}
    shown, late = set(), []

    def show(name, title, one):
        title = title.partition(":")[0] + " (a part)" if "," in name else title
        print(f"{title:34} {one.outcome:6} {one.seconds:5.0f}s  {one.why}", flush=True)
        for what, lines in one.splats:
            if what not in shown:
                shown.add(what)
                print("\n".join("    | " + line for line in lines[:60]), flush=True)
        if one.outcome == "fail":
            print("\n".join("    > " + line for line in one.output.splitlines()[-30:]), flush=True)

    print(f"{'program':34} {'result':6} {'time':>6}  ({kernel}, {config})")
    for (_, _, name), one in run_all([(kernel, config, name) for name in names], installed):
        count[one.outcome] += 1
        show(name, name, one)
        if one.again:
            late.append(name)
            print(f"    {name} is run again, alone, at the end", flush=True)
    for name in late if len(late) <= AGAIN else ():
        one = run(kernel, config, name, slow=True, installed=installed)
        count["fail"] -= 1
        count[one.outcome] += 1
        show(name, f"again, alone: {name}", one)
    return count


def main():
    if {"-h", "--help"} & {*sys.argv[1:]}:
        print(__doc__.strip())
        return 0
    # Without argparse, because -PROGRAM is not an option.
    least = {"compare": 3, "installed": 3, "report": 3}.get("".join(sys.argv[1:2]), 2)
    if len(sys.argv) <= least:
        sys.exit("ksft: write KERNEL CONFIG [PROGRAM ...], or 'installed', 'compare' or 'report' "
                 "and their words: ksft.py --help")
    kernel, config, *names = sys.argv[1:]
    configs = [config] * (kernel != "installed") + names[:1] * (kernel in ("compare", "installed"))
    for word in configs:
        if word not in guest.MACHINES:
            sys.exit(f"ksft: CONFIG={word}: there are {', '.join(guest.MACHINES)}")
    known = programs()
    for name in names[kernel in ("compare", "installed"):]:
        program, only = selected(name.removeprefix("-"))
        if program not in known:
            sys.exit(f"ksft: TEST={name}: there are {' '.join(known)}")
        if only and kernel == "installed":
            sys.exit(f"ksft: TEST={name}: an installed program runs all of its cases")
        for case in only:
            if case not in cases(program):
                sys.exit(f"ksft: TEST={name}: {program} has no case '{case}'; it has "
                         f"{', '.join(cases(program)) or 'none that can be selected'}")

    def choose(default):
        chosen = [name for name in names[1:] if name[0] != "-"] or default
        return [name for name in chosen if f"-{name}" not in names]

    if kernel == "installed":
        count = one_kernel(config, names[0], choose(install()), installed=True)
    elif kernel == "compare":
        build()
        count = compare(config, names[0], choose(programs(base=True)))
    elif kernel == "report":
        build()
        count = report(config, names)
    else:
        build()
        count = one_kernel(kernel, config, names or known)
    print(f"{count['pass']} passed, {count['fail']} failed, {count['skip']} skipped")
    return 1 if count["fail"] else 0


if __name__ == "__main__":
    guest.program(main)
