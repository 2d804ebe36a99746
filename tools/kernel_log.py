# SPDX-License-Identifier: GPL-2.0
"""Reports and the reason of a panic in a kernel's log."""

import re

# A report starts at a line that matches one of these.  Each has a sample in tests/logs/.
# Most sanitizers and lockdep start with BUG: or WARNING:.
REPORTS = (
    r"\bWARNING: ",
    r"\bBUG: ",
    r"\bBUG [\w-]+ \(",             # the slab allocator
    r"\bkernel BUG at ",
    r"\bOops\b",
    r"\bUBSAN: ",
    r"\bODEBUG: .*(?: object|disabled)",
    r"\bKernel panic\b",
    r"\bINFO: task .* blocked.* for more than ",
    r"\bINFO: rcu\w* .*detected .*stall",
    r"\bINFO: trying to register non-static key",
    r"\bref_tracker: ",
    r"\brefcount_t: ",
    r"\bunregister_netdevice: waiting for ",
    r"\blist_(?:add|del) corruption",
    r"\bkmemleak: \d+ new suspected ",
    r"\bWatchdog detected hard LOCKUP",
    r"\birq \d+: nobody cared",
)

# A function in a stack, and functions that only report.
FRAME = re.compile(r"([A-Za-z_][\w.]*)\+0x[0-9a-f]+/0x")
REPORTERS = re.compile(r"dump_stack|show_stack|print_|kasan_|__kasan|kcsan_|check_|"
                       r"um_set_signals|uml_curr_cpu|__warn|report_bug|lockdep_|__might")
PANICKED = re.compile(r"Kernel panic - not syncing: (.*)")
# A kernel line starts with a time stamp and the task or CPU.
STAMP = re.compile(r"^(?:<\d>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")

# Names of functions of devlink and netdevsim in a report of a data race.
OURS = re.compile(r"_*(devl|nsim)")

# A data race of 7.3 inside the workqueue code, with any caller: a worker reads a bit of a word
# while queue_work() sets another bit of it.
WORKQUEUE = re.compile(r"data-race in (move_linked_works / queue_work_on|"
                       r"queue_work_on / move_linked_works)\b")

# Leaks of 7.3 outside devlink, by the function that allocates.  bind stores the reason why a
# device is not ready for a driver.  It is never freed if no driver is bound later.
NOT_OURS = re.compile(r"\bdevice_set_deferred_probe_reason\+0x")

# A report without an end is cut here.
LONGEST = 150


def without_stamps(console):
    """The lines of a console, without their stamps."""
    return [STAMP.sub("", line.rstrip("\r")) for line in console.splitlines()]


def panic(log):
    """The reason of a panic, or None."""
    return next((match.group(1) for match in map(PANICKED.search, log) if match), None)


def _end(log, first):
    """The line after a report.  A report ends after its last stack.  Reports of KASAN and KCSAN
    have several stacks and end with a ruled line."""
    ruled = "KASAN" in log[first] or "KCSAN" in log[first]
    in_trace = False
    for i in range(first + 1, min(first + LONGEST, len(log))):
        line = log[i]
        if "---[ end trace" in line or ruled and line.startswith("====="):
            return i
        if not ruled and in_trace and not line.startswith((" ", "\t")):
            return i
        in_trace = in_trace or "Call Trace:" in line
    return min(first + LONGEST, len(log))


def reports(log):
    """All reports in a log: (title, lines).  Reports with the same title and first frames are
    one, with a count in its title."""
    start = re.compile("|".join(REPORTS))
    found = {}
    i = 0
    while i < len(log):
        if not start.search(log[i]):
            i += 1
            continue
        first, i = i, _end(log, i)
        lines = log[first:i]
        frames = [m.group(1) for line in lines for m in [FRAME.search(line)] if m]
        frames = [frame for frame in frames if not REPORTERS.match(frame)]
        title = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+", "N", lines[0])
        known = found.setdefault((title, tuple(frames[:3])), [lines, 0])
        known[1] += 1
    return [(lines[0] + (f" ({count} times)" if count > 1 else ""), lines)
            for lines, count in found.values()]


def _counts(title, lines):
    if "KCSAN" in title:
        # Data races of other code do not count: most are in the guest's file system.
        return not WORKQUEUE.search(title) and any(
            OURS.match(frame.group(1)) for frame in map(FRAME.search, lines) if frame)
    # The log only has the number of leaks.  The leaks are in their own file.
    return not re.match(r"kmemleak: \d+ new suspected", title)


def failures(log, leaks=(), lockdep_off=False):
    """The reports that fail a test, in the form of reports(), also leaks that kmemleak found and
    the end of lockdep."""
    found = [report for report in reports(log) if _counts(*report)]
    leaks = [leak for leak in re.split(r"^(?=unreferenced object )", "\n".join(leaks), flags=re.M)
             if leak.strip() and not NOT_OURS.search(leak)]
    if leaks:
        found.append((f"kmemleak: {len(leaks)} leaks", "".join(leaks).splitlines()))
    if lockdep_off:
        found.append(("lockdep switched itself off: nothing was checked after that", []))
    return found
