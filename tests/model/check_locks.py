#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Checks the locking rules of devlink with SPIN, on a model of net/devlink/lock.c.

The rules are in net/devlink/lock.c and in devlink-locking.rst of the kernel tree.  A row is one
exhaustive search.  A configuration must have no error.  A mutant breaks one rule and must have
exactly the listed errors.  They show that the rule is needed and that the model has it.

With a WORD, only the rows that contain one of the words are checked.  --short checks the rows that
`make test` checks.  --trail prints the shortest run to an error of each row, one step per line.

The last line counts the rows.  If the code is changed on purpose, the model must be changed first.
"""

import concurrent.futures
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile

HERE = os.path.dirname(os.path.abspath(__file__))
sys.path.insert(0, os.path.join(HERE, "..", "..", "tools"))
from options import Parser  # noqa: E402

JOBS = 2
MEMORY = 8000       # MB, the limit of one search

RUNNING = set()
FOLDER = tempfile.mkdtemp(prefix="check_locks.")

# Operations of devlink.pml
PROBE, STATE_SET, REPORT, WORK, WORK_TRYLOCK = 8, 64, 2048, 8192, 16384
ALL = 8191 - PROBE - STATE_SET
PORT = 8191 - PROBE - REPORT
# FORM: each object may have another form
ANY = 4


def one(ops, bound=1, kill=0):
    return {"OPS": ops, "FORM": ANY, "BOUND": bound, "KILL": kill}


def nested(port=1, children=1, ops=255, kill=0, flush=0, rates=0, refuse=0):
    if port != 1:
        ops &= ~64  # the port is set in full mode
    return {"OPS": ops, "PORT": port, "CHILDREN": children, "KILL": kill, "FLUSH": flush,
            "RATES": rates, "REFUSE": refuse}


# The port that the nested instance belongs to: mode of its get requests
PORT_OBJS, PORT_SHARED, PORT_EXCL = 0, 1, 2
# A reload of T removes the nested instance, whose rate commands the driver refuses
SUBFUNCTION = {"flush": 1, "refuse": 1}
# T is a shared instance that has the rate objects of the others
SHARED_RATES = {"rates": 1}
# As in SUBFUNCTION, and commands, but not the driver, add and remove rate objects
RATE_COMMANDS = {"flush": 1, "rates": 1, "ops": 251}

S = "short"
# Model, rule that is broken or "", title, tasks, definitions, errors, S if short
ROWS = [
    "No error",
    ("devlink", "", "all operations, objects are replaced", 3, one(ALL), "", ""),
    ("devlink", "", "port: full mode calls it, no reports", 3, one(PORT), "", ""),
    ("devlink", "", "a work that calls devl_lock()", 2, one(ALL + WORK), "", ""),
    ("devlink", "", "a work that calls devl_trylock()", 2,
     one(ALL + WORK_TRYLOCK), "", ""),
    ("devlink", "", "register, unregister and probe", 2, one(ALL + PROBE, bound=0), "", ""),
    ("devlink", "", "one task is killed", 2, one(ALL, kill=1), "", S),
    ("devlink", "", "all operations", 2, one(ALL), "", S),
    ("devlink", "", "one task is killed during probe", 2,
     one(ALL + PROBE, bound=0, kill=1), "", ""),
    ("nested", "", "subfunction", 3, nested(PORT_SHARED, **SUBFUNCTION), "", ""),
    ("nested", "", "subfunction, get requests are objs", 3,
     nested(PORT_OBJS, **SUBFUNCTION), "", ""),
    ("nested", "", "subfunction, get requests are exclusive", 3,
     nested(PORT_EXCL, **SUBFUNCTION), "", ""),
    ("nested", "", "shared instance", 3, nested(PORT_SHARED, **SHARED_RATES), "", ""),
    ("nested", "", "two nested instances", 2, nested(children=2, **SHARED_RATES), "", ""),
    ("nested", "", "two nested instances, a task is killed", 2,
     nested(children=2, kill=1, **SHARED_RATES), "", ""),
    ("nested", "", "subfunction, commands add rate objects", 3, nested(**RATE_COMMANDS), "", ""),
    ("nested", "", "no livelock of rate commands", 3, nested(ops=49, refuse=1), "", ""),
    ("nested", "", "subfunction", 2, nested(PORT_SHARED, **SUBFUNCTION), "", S),
    "Modes and their locks",
    ("devlink", "FULL_OPS_RWSEM", "full: ops_rwsem is held for writing", 2,
     one(ALL), "existence last order whole", S),
    ("devlink", "FULL_OBJS_RWSEM", "full: objs_rwsem is held for writing", 2,
     one(ALL), "existence order whole", ""),
    ("devlink", "FULL_LOCK_ORDER", "full: ops_rwsem before objs_rwsem", 2,
     one(ALL), "deadlock", ""),
    ("devlink", "FULL_NO_OPS_LOCK", "full: no ops lock", 2, one(ALL), "deadlock", ""),
    ("devlink", "EXCL_LOCK", "exclusive: the instance lock is held", 2,
     one(ALL), "exclusion existence last order whole", ""),
    ("devlink", "EXCL_NOT_OPS_RWSEM", "exclusive does not block shared", 2,
     one(ALL), "bounded", ""),
    ("devlink", "SHARED_OPS_RWSEM", "shared: ops_rwsem is held for reading", 2,
     one(ALL), "existence last order whole", ""),
    ("devlink", "OBJS_OBJS_RWSEM", "objs: objs_rwsem is held for reading", 2,
     one(ALL), "existence order whole", ""),
    ("devlink", "OBJS_NOT_DRIVER", "objs: must not call the driver", 2,
     one(ALL), "exclusion", S),
    ("devlink", "SHARED_PARALLEL", "shared only if the callbacks have parallel ops", 2,
     one(ALL), "exclusion last order whole", ""),
    ("devlink", "FULL_NOT_PARALLEL", "recover with parallel ops is not full", 3,
     one(2 + 128 + REPORT), "exclusion", ""),
    ("devlink", "MODE_MONOTONE", "a command does not go back to an earlier mode", 2,
     one(ALL), "rounds", ""),
    ("devlink", "RECHECK_REGISTERED", "registered is checked after each wait", 2,
     one(ALL), "existence", S),
    "Ops locks",
    ("devlink", "OPS_LOCK_SHARED", "held by shared commands", 2,
     one(ALL), "exclusion last order whole", ""),
    ("devlink", "OPS_LOCK_EXCL", "held by exclusive commands", 2,
     one(ALL), "exclusion order whole", ""),
    ("devlink", "OPS_LOCK_REPORT", "held by reports", 2, one(ALL), "exclusion", ""),
    ("devlink", "OPS_LOCK_UNTIL_LATE_CHANGE", "held until the late change is made", 2,
     one(ALL), "last order whole", S),
    ("devlink", "OPS_LOCK_UNTIL_NOTIFIED", "held until the notification is sent", 2,
     one(ALL), "last", ""),
    "Late changes and messages",
    ("devlink", "LATE_CHANGE_OBJS_RWSEM", "objs_rwsem is held for writing", 2,
     one(ALL), "order whole", S),
    ("devlink", "OBJS_RWSEM_UNTIL_REPLY", "objs_rwsem is held until the reply is sent", 2,
     one(ALL), "existence order whole", ""),
    ("devlink", "LEAF_LOCK_UNTIL_REPLY", "the leaf lock is held until the reply is sent", 2,
     one(ALL), "order", ""),
    ("devlink", "EXCEPT_NETDEV_EVENT", "exception: notifications of a netdev event", 2,
     one(ALL), "last", ""),
    ("devlink", "NETDEV_NO_OPS_LOCK", "a netdev event calls getters with RTNL only", 2,
     one(ALL), "deadlock lockdep", ""),
    "Registration and wait sections",
    ("devlink", "REGISTER_FULL", "registered is set in full mode", 2,
     one(ALL + PROBE, bound=0), "whole", ""),
    ("devlink", "WAIT_NOT_IN_PROBE", "no wait section in probe", 2,
     one(ALL + PROBE, bound=0), "whole", ""),
    ("devlink", "WAIT_LISTS", "lists are not changed in a wait section", 2,
     one(ALL), "existence whole", ""),
    ("devlink", "WAIT_NO_DEPENDENCY", "devl_wait_end() leaves no dependency", 2,
     one(ALL), "lockdep", S),
    ("devlink", "TRYLOCK_NO_DEPENDENCY", "devl_trylock() leaves no dependency", 2,
     one(ALL + WORK_TRYLOCK), "lockdep", ""),
    "Killable waits",
    ("devlink", "KILLED_UNLOCKS_OPS_RWSEM", "killed in full: ops_rwsem is released", 2,
     one(ALL, kill=1), "bounded deadlock unlock", S),
    ("devlink", "KILLED_UNLOCKS_MODE", "killed at the ops lock: the mode is unlocked", 2,
     one(ALL, kill=1), "unlock", ""),
    ("devlink", "LATE_CHANGE_NOT_KILLABLE", "late changes are not killable", 2,
     one(ALL, kill=1), "last", ""),
    ("devlink", "RECHECK_KILLED", "a killed task does not begin a reload", 2,
     one(ALL, kill=1), "killed", ""),
    "Drivers",
    ("devlink", "REPORTS_END", "reports end before the reporter is destroyed", 2,
     one(ALL), "existence", ""),
    ("devlink", "REPORTS_END_UNLOCKED", "no lock of the callback is held for that", 2,
     one(ALL), "deadlock", ""),
    ("devlink", "REPORT_NO_LOCK", "parallel reports take no instance lock", 2,
     one(ALL), "deadlock", ""),
    ("devlink", "NO_DEVL_LOCK_IN_CALLBACK", "no devl_lock() in a parallel callback", 2,
     one(ALL), "deadlock lockdep", S),
    ("devlink", "NO_FLUSH_IN_CALLBACK", "nor waiting for a work that calls it", 2,
     one(ALL + WORK), "deadlock lockdep", ""),
    ("devlink", "NO_FLUSH_IN_CALLBACK", "nor for devl_trylock()", 2,
     one(ALL + WORK_TRYLOCK), "deadlock", ""),
    ("devlink", "NO_LOCK_AROUND_DEVL_LOCK", "nor a lock inside which devl_lock() is called", 2,
     one(ALL), "deadlock lockdep", ""),
    "Nested instances",
    ("nested", "NESTED_NOTIFY_LATE_CHANGE", "nested notification: objs_rwsem, for writing", 2,
     nested(PORT_OBJS, **SUBFUNCTION), "order", S),
    ("nested", "NESTED_NOTIFY_OPS_LOCK", "nested notification: the ops lock of the port", 2,
     nested(PORT_SHARED, **SUBFUNCTION), "last order", ""),
    ("nested", "TOPMOST_TRYLOCK", "commands do not wait for T with C locked", 2,
     nested(**SUBFUNCTION), "deadlock lockdep", S),
    ("nested", "RESTART_LOCK", "commands that start over hold the restart lock", 3,
     nested(ops=49, refuse=1), "livelock", ""),
    ("nested", "NO_RATES_NO_TOPMOST", "without rate objects, T is not locked", 2,
     nested(**SUBFUNCTION), "deadlock lockdep", ""),
    ("nested", "RATE_GET_TRYLOCK", "get requests do not wait for T with C locked", 3,
     nested(**RATE_COMMANDS), "deadlock lockdep", ""),
    ("nested", "RATES_LATE_CHANGE", "the list of T is changed with objs_rwsem held", 2,
     nested(**SHARED_RATES), "order whole", ""),
    ("nested", "KILLED_UNLOCKS_RESTART", "killed: the restart lock is released", 3,
     nested(ops=33, kill=1, refuse=1), "deadlock unlock", ""),
    ("nested", "REMOVE_WITHOUT_RATES", "T does not wait for one with rate objects", 2,
     nested(flush=1, rates=1), "deadlock lockdep", ""),
    ("nested", "REMOVE_WITHOUT_RATES", "also if commands have added these", 2,
     nested(flush=1), "deadlock lockdep", ""),
]


class Failure(Exception):
    """Its text says how to correct it."""


def model(name):
    """The rules of a model, its properties by their number, its locks and its operations."""
    with open(os.path.join(HERE, f"{name}.pml"), encoding="utf-8") as f:
        text = f.read()
    properties = re.search(r"^mtype = { (.*) };", text, re.M).group(1).split(", ")
    locks = re.findall(r'"(\S+)"', re.search(r"lock_names\[\] = {(.*?)};", text, re.S).group(1))
    operations = re.findall(r"^#define (\w+)\t+(\d+)\t+/\*", text, re.M)
    return (set(re.findall(r"\b(?:rule|broken)\((\w+),", text)), properties[::-1], locks,
            {value: op for op, value in operations})


def run(folder, *args):
    """Returns what a program printed, and its CPU seconds."""
    with subprocess.Popen(args, cwd=folder, text=True, stdin=subprocess.DEVNULL,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT) as process:
        RUNNING.add(process)
        out = process.stdout.read()
        _, status, usage = os.wait4(process.pid, 0)
        RUNNING.discard(process)
        process.returncode = os.waitstatus_to_exitcode(status)
    return out, usage.ru_utime + usage.ru_stime


def stop(*_):
    """Also ends the searches: a large one runs for minutes."""
    for process in list(RUNNING):
        process.terminate()
    shutil.rmtree(FOLDER, ignore_errors=True)
    os._exit(130)


def search(row, trail=False):
    """Returns the states, the CPU seconds and the errors of a row, or with trail the steps."""
    name, broken, what, tasks, definitions, expected, _ = row
    rules, properties, locks, operations = model(name)
    if broken and broken not in rules:
        raise Failure(f"{name}.pml has no rule {broken}: correct the row '{what}'")
    values = {rule: int(rule != broken) for rule in rules} | {"TASKS": tasks} | definitions
    live = "livelock" in what + expected
    kind = ["-DNP", "-DNFAIR=3"] if live else ["-DSAFETY"] + ["-DBFS"] * trail
    with tempfile.TemporaryDirectory(dir=FOLDER) as folder:
        source = [*(f"-D{key}={value}" for key, value in values.items()),
                  os.path.join(HERE, f"{name}.pml")]
        out, seconds = run(folder, "nice", "spin", "-a", *source)
        # Compiling with -O2 takes longer than a search with two tasks.
        more, cpu = run(folder, "nice", "gcc", f"-O{max(0, tasks - 2)}", "-w", "-DCOLLAPSE",
                        f"-DMEMLIM={MEMORY}", *kind, "-o", "pan", "pan.c")
        seconds += cpu
        if not os.path.exists(os.path.join(folder, "pan")):
            raise Failure(f"{name}.pml does not build with {' '.join(source[:-1])}: correct it\n"
                          f"{out}{more}")
        out, cpu = run(folder, "nice", "./pan", "-m1000000",
                       *(["-l", "-f"] if live else [] if trail else ["-c0"]))
        if trail:
            return "\n".join(re.findall(r"pan:1: .*", out)[:1] + list(steps(
                run(folder, "spin", "-t", "-p", "-k", f"{name}.pml.trail", *source)[0],
                locks, operations)))
    found = {properties[int(n) - 1] for n in re.findall(r"assertion violated \(+(\d+)&&", out)}
    for text, error in (("invalid end state (at", "deadlock"), ("lockdep: cycle", "lockdep"),
                        ("non-progress cycle (at", "livelock"), ("violated (held", "unlock"),
                        ("violated ((held", "unlock")):
        if text in out:
            found.add(error)
    states = re.search(r"(\d\S*) states, stored", out)
    if not states or "max search depth too small" in out or \
            "Search not completed" in out and not found:
        raise Failure(f"the search of '{what}' is not complete, free memory or raise MEMORY in "
                      f"check_locks.py:\n{out[-500:]}")
    return int(float(states.group(1))), seconds + cpu, " ".join(sorted(found))


def steps(text, locks, operations):
    """The steps of a trail in the words of the kernel."""
    words = ((r"locked\[(.*)\] = 1", "locks"), (r"locked\[(.*)\] = 0", "unlocks"),
             (r"readers\[(.*)\] = .*\+1\)", "locks for reading"),
             (r"readers\[(.*)\] = .*-1\)", "unlocks"),
             (r"writers\[(.*)\] = .*\+1\)", "waits to write"))
    for number, step in re.findall(r"proc +(\d+) \(task[^[]*\[(.*)\]\n", text):
        step = re.sub(r"^\(*op==(\d+)\)*$", lambda x: "begins " + operations.get(x[1], x[1]), step)
        for pattern, word in words:
            match = re.fullmatch(pattern, step)
            if match:
                index = match[1]
                if re.fullmatch(r"[\d()*+]+", index):
                    index = locks[eval(index)]  # pylint: disable=eval-used # digits only
                step = f"{word} {index}"
        if not re.search(r"c_code|held|users|^\(|^else$|in_callback|in_serial|lates|fulls|assert|"
                         r"writers", step):
            yield f"  task {number} {step}"


def check(rows, headings):
    print(f"{'':8}{'rule':28}{'':52}{'tasks':>5}{'states':>12}{'CPU s':>7}  "
          "errors (a row with a rule must have some)", flush=True)
    passed, total = 0, 0
    with concurrent.futures.ThreadPoolExecutor(JOBS) as pool:
        results = {id(row): pool.submit(search, row) for row in rows}
        try:
            for row in ROWS:
                if isinstance(row, str):
                    if headings:
                        print(row)
                    continue
                if id(row) not in results:
                    continue
                states, seconds, found = results[id(row)].result()
                good = set(found.split()) == set(row[5].split())
                passed += good
                total += seconds
                note = "" if good else f"  fail: expected {row[5] or 'no error'}, see --trail"
                print(f"{row[0]:8}{row[1]:28}{row[2]:52}{row[3]:5}{states:12,}{seconds:7.1f}  "
                      f"{found or 'no error'}{note}", flush=True)
        except Failure:
            pool.shutdown(wait=False, cancel_futures=True)
            raise
    print(f"{total:.0f} s of CPU")
    print(f"{passed} passed, {len(rows) - passed} failed, 0 skipped")
    return passed != len(rows)


def main():
    parser = Parser(__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--trail", action="store_true")
    parser.add_argument("words", nargs="*", metavar="WORD")
    options = parser.parse_args()
    words = options.words
    for program, package in (("spin", "spin"), ("gcc", "gcc")):
        if not shutil.which(program):
            sys.exit(f"check_locks: there is no {program}: run `make model`, which installs it, or "
                     f"`tools/setup {package}`")
    rows = [row for row in ROWS if not isinstance(row, str) and (row[6] or not options.short)
            and (not words or any(word in " ".join(map(str, row)) for word in words))]
    if not rows:
        sys.exit(f"check_locks: no row contains {' or '.join(words)}: run it without a word, which "
                 "prints all rows")
    signal.signal(signal.SIGINT, stop)
    signal.signal(signal.SIGTERM, stop)
    try:
        if options.trail:
            for row in rows:
                print(f"{row[0]} {row[1]} {row[2]}: {search(row, True) or 'no error'}", flush=True)
            return 0
        return check(rows, not words and not options.short)
    except Failure as failure:
        sys.exit(f"check_locks: {failure}")


if __name__ == "__main__":
    try:
        sys.exit(main())
    finally:
        shutil.rmtree(FOLDER, ignore_errors=True)
