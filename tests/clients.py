#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Run real clients of devlink on base and series, and compare their output.

All parts run, or only the named ones:

    commands   the command set of iproute2's devlink, plain and with -j, with the output of
               `devlink monitor`: the machine's program, the one of tools/setup, and the programs
               of --devlink
    ynl        each do and dump of devlink.yaml through pyynl
    libmnl     dumps through libmnl and through devlink while objects change: a list must be
               complete, or the dump must end with an error
    follow     subscribe, dump, apply notifications, compare with a new dump: five minutes
               (--short: 20 seconds) with devlink_torture in the same guest; series only, because
               the base panics or hangs (docs/results.md)

DIFFERENCES has the expected differences between base and series, with the subjects of their
patches.  It is an error if one does not occur.  VARIES has the differences from run to run.
follow.py has the changes that devlink does not notify, which follow ignores.  With --lose, each
Nth notification is dropped, so follow must fail.
"""

import argparse
import concurrent.futures
import difflib
import errno
import json
import os
import re
import signal
import struct
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tools"))
import dumps  # noqa: E402
import follow  # noqa: E402
import guest  # noqa: E402
import kernel_log  # noqa: E402
import ksft  # noqa: E402
import models  # noqa: E402
from options import Parser  # noqa: E402
from models import Netlink, NlError, write  # noqa: E402

BUS = "/sys/bus/netdevsim"
PATHS = {"DEV": "netdevsim/netdevsim10", "SYSFS": f"{BUS}/devices/netdevsim10",
         "DEBUGFS": "/sys/kernel/debug/netdevsim/netdevsim10"}
count = {"passed": 0, "failed": 0, "skipped": 0}

# Differences from run to run, and the reason.  Only the group is compared.
VARIES = [
    (r"^([0-9a-f]{16}) (?:[0-9a-f]{2} ?)+$", "the content of a region is random"),
    (r"(\.data\[\d+\] = |'region-chunk-data': b).*", "... with -j, and with pyynl"),
    (r"(test_binary: > |\.test_binary\[\d+\] = ).*", "... also in a health dump"),
    (r'(last_dump_(?:date|time)(?: = | |":")|dump-ts(?:-ns)?\': )[^ ",]*',
     "the time of a health dump"),
    (r"((?:bytes|packets|dropped)(?: = | |': ))\d+", "packets are trapped all the time"),
]

# Differences between base and series: parts, subject of the patch, pattern of the lines.
DIFFERENCES = [
    ("commands", "devlink: region: fix leak of snapshot ids that the kernel has chosen",
     r"(region|monitor).*dummy.*snapshot"),
    ("commands", "netdevsim: health: fix deadlock of break_health with device removal",
     r"health show: .*\bdummy( > state|\]\.(error|recover|grace_period|burst_period|auto_))"),
    ("commands ynl", "netdevsim: add parallel ops", r"parallel[01]"),
    ("commands ynl", "netdevsim: add parallel getters",
     r"test3|monitor: .*(\[param,del\]|\"del\".*).*test2"),
    ("commands ynl", "netdevsim: add a shared buffer", r"^. sb[ -]"),
]

# A command that begins with ! runs in a shell.
COMMANDS = re.split(r" *[;\n] *", """
dev show; dev show DEV; -s dev show DEV; dev show netdevsim/none; dev info; dev info DEV
dev param show
dev param show DEV name test1; dev param set DEV name test2 value 77 cmode runtime
dev param set DEV name test2 value x cmode runtime
dev param set DEV name max_macs value 16 cmode driverinit
dev param set DEV name test1 value false cmode driverinit
dev param set DEV name test1 value true cmode permanent
dev param set DEV name test2 default cmode runtime
dev param set DEV name none value 1 cmode runtime; dev param show DEV; port show; port show DEV/0
port show DEV/9; port set DEV/0 type eth; port set DEV/0 type ib; port split DEV/0 count 4
port unsplit DEV/0
port add DEV flavour pcisf pfnum 0 sfnum 88; port del DEV/0; port param show
port param set DEV/0 name none value 1 cmode runtime; port health show
port function set DEV/0 hw_addr 00:11:22:33:44:55; dev eswitch show DEV
!echo 2 > SYSFS/sriov_numvfs
dev eswitch set DEV mode switchdev; dev eswitch set DEV inline-mode link
dev eswitch set DEV encap-mode basic
dev eswitch show DEV; -s port show; port function set DEV/128 hw_addr 00:11:22:33:44:55
port function set DEV/128 state active; port function set DEV/128 roce enable
port function rate show
port function rate add DEV/node1 tx_max 10mbit; port function rate add DEV/node2
port function rate add DEV/node2; port function rate add DEV/node3 parent node1
port function rate set DEV/node2 tx_share 1mbit tx_max 20mbit
port function rate set DEV/node2 tx_share 30mbit tx_max 20mbit
port function rate set DEV/node2 parent node1
port function rate set DEV/128 tx_max 5mbit parent node2; port function rate set DEV/128 tx_max 1bit
port function rate set DEV/128 tc-bw 0:20 1:0 2:0 3:20 4:20 5:20 6:20 7:0
port function rate set DEV/129 tx_priority 3 tx_weight 5; port function rate set DEV/129 parent none
port function rate show; port function rate show DEV/node2; port function rate show DEV/129
port function rate del DEV/node1; port function rate set DEV/128 noparent
port function rate set DEV/node2 noparent; port function rate del DEV/node3
port function rate del DEV/node2
port function rate show; region show; region new DEV/dummy; region new DEV/dummy snapshot 25
region new DEV/dummy snapshot 25; region new DEV/none; region show DEV/dummy
region read DEV/dummy snapshot 25 address 0 length 32
region read DEV/dummy snapshot 25 address 32760 length 32
region read DEV/dummy address 0 length 16; region dump DEV/dummy snapshot 25
region del DEV/dummy snapshot 25
region del DEV/dummy snapshot 25; region del DEV/dummy snapshot 0; region new DEV/dummy
!echo 1 > DEBUGFS/take_snapshot; region show; health show; health show DEV reporter dummy
health diagnose DEV reporter dummy; health diagnose DEV reporter empty
health dump show DEV reporter dummy
health dump clear DEV reporter dummy; !echo broken by the test > DEBUGFS/health/break_health
health show DEV reporter dummy; health dump show DEV reporter dummy
health diagnose DEV reporter dummy
health set DEV reporter dummy grace_period 10 auto_recover false
health set DEV reporter dummy burst_period 5
health set DEV reporter dummy auto_dump false; health set DEV reporter empty grace_period 10
!echo 1 > DEBUGFS/health/fail_recover; !echo broken again > DEBUGFS/health/break_health
health recover DEV reporter dummy; !echo 0 > DEBUGFS/health/fail_recover
health recover DEV reporter dummy
health dump clear DEV reporter dummy; health test DEV reporter dummy
health recover DEV reporter none
health show; sb show; sb show DEV sb 0; sb pool show; sb pool show DEV pool 0
sb pool set DEV pool 0 size 100 thtype static; sb port pool show
sb port pool set DEV/0 pool 0 th 10
sb tc bind show; sb tc bind set DEV/0 tc 0 type ingress pool 0 th 10; sb occupancy show DEV
sb occupancy snapshot DEV; sb occupancy clearmax DEV; resource show DEV
resource set DEV path IPv4/fib size 100
resource set DEV path IPv4/none size 100; resource show DEV; resource show DEV/0
resource show scope dev
dpipe table show DEV; dpipe table dump DEV name none
dpipe table set DEV name none counters_enabled true
dpipe header show DEV; trap show; trap show DEV trap blackhole_route; -s trap show DEV trap fid_miss
trap set DEV trap blackhole_route action trap; trap set DEV trap ttl_value_is_too_small action drop
trap set DEV trap none action drop; trap group show; trap group set DEV group l3_drops action trap
trap group set DEV group l3_drops policer 2; trap group set DEV group l3_drops nopolicer
trap group set DEV group l3_drops policer 9; trap group show DEV group l3_drops; trap policer show
trap policer set DEV policer 1 rate 2000 burst 64; trap policer set DEV policer 1 rate 1
trap policer set DEV policer 1 burst 1000000; trap policer show DEV policer 1; trap show; lc show
lc set DEV lc 0 type card; dev selftests show; dev selftests show DEV; dev selftests run DEV
dev selftests run DEV id flash; !echo 1 > DEBUGFS/fw_update_flash_chunk_time_ms
dev flash DEV file dummy
dev flash DEV file none; dev flash DEV file dummy component fw.mgmt overwrite settings
dev flash DEV file dummy overwrite x; dev reload DEV; dev reload DEV action driver_reinit
dev reload DEV action fw_activate; dev reload DEV action driver_reinit limit no_reset
!echo 1 > DEBUGFS/fail_reload; dev reload DEV; -s dev show DEV; port show
!echo 0 > DEBUGFS/fail_reload
dev reload DEV; !echo 1 > DEBUGFS/dont_allow_reload; dev reload DEV
!echo 0 > DEBUGFS/dont_allow_reload
!ip netns add space; dev reload DEV netns space; dev show; -N space port show
-N space dev reload DEV netns 1
!ip netns del space; -s dev show; region show; health show; resource show DEV
port function rate show
monitor nonsense
""".strip())

# Values with which requests of pyynl are valid.
VALUES = {
    "bus-name": "netdevsim", "dev-name": "netdevsim10", "port-index": 0, "port-type": 2,
    "port-flavour": 7,
    "port-pci-pf-number": 0, "port-pci-sf-number": 88, "port-split-count": 4,
    "port-function": {"hw-addr": "020000000001"}, "sb-index": 0, "sb-pool-index": 0,
    "sb-pool-type": 0,
    "sb-pool-threshold-type": 0, "sb-pool-size": 100, "sb-threshold": 10, "sb-tc-index": 0,
    "eswitch-mode": 1,
    "dpipe-table-name": "none", "resource-scope-mask": 1, "dpipe-table-counters-enabled": 1,
    "resource-id": 2,
    "resource-size": 100, "reload-action": 1, "param-name": "test2", "param-type": 3,
    "param-value-data": struct.pack("=I", 77), "param-value-cmode": 0, "region-name": "dummy",
    "region-snapshot-id": 1, "region-chunk-addr": 16, "region-chunk-len": 600,
    "health-reporter-name": "dummy",
    "health-reporter-graceful-period": 10, "health-reporter-auto-recover": 0,
    "health-reporter-auto-dump": 1,
    "health-reporter-burst-period": 5, "flash-update-file-name": "dummy",
    "trap-name": "blackhole_route",
    "trap-action": 1, "trap-group-name": "l3_drops", "trap-policer-id": 2,
    "trap-policer-rate": 1000,
    "trap-policer-burst": 128, "rate-node-name": "node1", "rate-tx-share": 125000,
    "rate-tx-max": 1250000,
    "linecard-index": 0, "linecard-type": "card", "selftests": {"flash": True},
}


def flatten(value, path=""):
    """JSON as a line for each value, with its path."""
    if isinstance(value, dict) and value:
        return [line for key, item in value.items() for line in flatten(item, f"{path}.{key}")]
    if isinstance(value, list) and value:
        names = [next(iter(item.values()), "") if isinstance(item, dict) else n for n,
                 item in enumerate(value)]
        return [line for name,
                item in zip(names, value) for line in flatten(item, f"{path}[{name}]")]
    return [f"{path} = {value}"]


def lines_of(text):
    """The same for plain output, in which a line belongs to the less indented one above it."""
    try:
        return flatten(json.loads(text))
    except ValueError:
        # After two notifications of one reporter, `devlink -j monitor` prints no valid JSON.
        text = text.replace('{"command"', '\n{"command"').replace("\r", "\n").expandtabs()
    lines, above = [], []
    # When an update fails, it depends on timing whether devlink ends the line.
    for line in filter(str.strip, text.splitlines()):
        indent = 0 if line.strip()[:1] in ("[", "{") else len(line) - len(line.lstrip())
        above = [pair for pair in above if pair[0] < indent] + [(indent, line.strip())]
        lines.append(" > ".join(pair[1] for pair in above))
    return lines


# -- inside the guest ---------------------------------------------------------------

def one_pass(program, *option):
    """Runs all commands on a new device: [(command, lines)]"""
    write(f"{BUS}/new_device", "10 3")
    replies = []
    with tempfile.TemporaryFile("w+") as said, \
            subprocess.Popen([program, *option, "monitor"], stdout=said, stderr=said) as monitor:
        time.sleep(1)
        for command in COMMANDS:
            words = re.sub("|".join(PATHS), lambda match: PATHS[match.group()], command)
            argv = ["sh", "-c", words[1:]] if words[0] == "!" else [program, *option,
                                                                    *words.split()]
            result = subprocess.run(["timeout", "30", *argv], stdin=subprocess.DEVNULL, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
            errors = [f"error: {line}" for line in result.stderr.splitlines() if line]
            replies.append((command,
                            lines_of(result.stdout) + errors + [f"status {result.returncode}"]))
        write(f"{BUS}/del_device", "10")
        time.sleep(1)
        monitor.send_signal(signal.SIGINT)
        monitor.wait()
        said.seek(0)
        return replies + [("monitor", lines_of(said.read()))]


def guest_commands(options):
    programs = options.devlink
    passes = ([(programs[0],), (programs[1], "-j")] if options.short else
              [(program, *option) for program in programs for option in ([], ["-j"])])
    return {" ".join([dumps.version(words[0]), *words[1:]]): one_pass(*words) for words in passes}


def ynl_calls(ynl):
    """Each do and dump: (title, operation, flags, attributes).  Operations that add objects are
    first, operations that remove objects last."""
    def turn(name):
        return name != "eswitch-set", name[-4:] != "-new", bool(re.search("-del$|-clear$",
                                                                          name)), name == "reload"
    for name in sorted(ynl.ops, key=turn):
        for mode in [mode for mode in ("do", "dump") if mode in ynl.ops[name].yaml]:
            wanted = (ynl.ops[name].yaml[mode] or {}).get("request", {}).get("attributes", [])
            values = {attr: VALUES[attr] for attr in wanted if attr in VALUES}
            if name == "param-set":     # the specification lacks it
                values["param-value-data"] = VALUES["param-value-data"]
            plain = {attr: value for attr, value in values.items() if attr != "port-index"}
            handle = {attr: value for attr,
                      value in plain.items() if attr in ("bus-name", "dev-name")}
            ways = {"": values, "no port": plain, "handle": handle,
                    "no device": {**values, "dev-name": "none"}}
            if "rate-node-name" in values:
                ways["leaf"] = {**handle, "port-index": 128, "rate-tx-max": 2500000}
            if mode == "dump" and name not in ("region-read", "health-reporter-dump-get"):
                ways = {"": values, "all": {}}
            for way, chosen in ways.items():
                yield f"{name} {mode} {way}", name, [
                    Netlink.NLM_F_DUMP] if mode == "dump" else [], chosen


def guest_ynl(_):
    write(f"{BUS}/new_device", "10 2")
    write(f"{BUS}/devices/netdevsim10/sriov_numvfs", "2")
    ynl, replies = models.Family("devlink"), []
    for title, name, flags, values in ynl_calls(ynl):
        try:
            lines = [str(reply) for reply in ynl.find(name, *flags, **values)] + ["done"]
        except NlError as error:
            lines = [f"{errno.errorcode[error.error]} {error.nl_msg.extack or ''}"]
        replies.append((title, lines))
    return {"pyynl": replies}


# -- on the host --------------------------------------------------------------------

def check(what, good, found=""):
    count["passed" if good else "failed"] += 1
    print(f"{'ok    ' if good else 'not ok'} {what}" + ("" if good else f": {found}"), flush=True)


def run_guest(options, part, kernel):
    """The guest.Result, the output, and the result of the part, if it has one"""
    said = []
    command = " ".join([sys.executable, os.path.abspath(__file__), "--guest", part, *(
        ["--short"] if options.short else []), *(f"--devlink {path}" for path in options.devlink),
        f"--minutes {options.minutes} --seed {options.seed} --lose {options.lose}"])
    limit = 240 if options.short else 600 + 60 * options.minutes
    with tempfile.TemporaryDirectory() as out:
        result = guest.run(kernel, options.config, command, limit=limit, out=out, write=said.append)
        found = None
        if os.path.exists(f"{out}/result"):
            with open(f"{out}/result", encoding="utf-8") as f:
                found = json.load(f)
    return result, b"".join(said).decode(errors="replace"), found


def ended(title, result, said):
    splats = kernel_log.reports(result.log)
    check(f"{title}: the guest ends by itself, and the kernel reports nothing",
          result.status == 0 and not splats,
          "\n".join([result.why or f"status {result.status}", *said.splitlines()[-30:],
                     *(line for _, lines in splats[:3] for line in lines[:40])]))


def same(part, base, series):
    """base and series: {pass: [(command, lines)]}.  All differences must be expected."""
    seen = {subject: 0 for parts, subject, _ in DIFFERENCES if part in parts}
    for name in base:
        unexpected = []
        for (command, *before), (_, *after) in zip(base[name], series[name]):
            for lines in (before[0], after[0]):
                for pattern, _ in VARIES:
                    lines[:] = [re.sub(pattern, r"\1...", line) for line in lines]
            for line in [*difflib.unified_diff(before[0], after[0], n=0, lineterm="")][2:]:
                text = f"{line[0]} {command}: {line[1:]}"
                if line[0] == "@":
                    continue
                subject = next((subject for parts, subject, pattern in DIFFERENCES
                                if part in parts and re.search(pattern, text)), None)
                if subject:
                    seen[subject] += 1
                else:
                    unexpected.append(text)
        good = sum(lines[-1] in ("status 0", "done") for _, lines in series[name])
        check(f"{part}, {name}: {len(base[name])} replies are the same, {good} of them no errors",
              not unexpected,
              "\n    " + "\n    ".join(unexpected))
    for subject, times in seen.items():
        check(f"{part}: {times} lines differ by: {subject}", times, "no line differs")


def main():
    parser = Parser(__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--config", default="perf", choices=guest.MACHINES)
    parser.add_argument("--minutes", type=float, default=5)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--lose", type=int, default=0)
    parser.add_argument("--guests", type=int, default=ksft.PARALLEL["uml"],
                        help="number of guests that run at the same time")
    parser.add_argument("--devlink", action="append", default=[], metavar="PATH")
    parser.add_argument("--guest", choices=GUESTS, help=argparse.SUPPRESS)
    parser.add_argument("parts", nargs="*", metavar="PART")
    options = parser.parse_args()
    if {*options.parts} - {*GUESTS}:
        parser.error(f"the parts are {', '.join(GUESTS)}")
    if options.guest:
        found = GUESTS[options.guest](options)
        with open("/tmp/out/result", "w", encoding="utf-8") as f:
            json.dump(found, f)
        return 0
    options.devlink = ["/sbin/devlink", f"{TOP}/build/tools/bin/devlink", *options.devlink]
    ksft.build()
    parts = [part for part in GUESTS if part in options.parts or not options.parts]
    jobs = [(part, kernel) for part in parts for kernel in (["series"] if part == "follow"
                                                            else ["base", "series"])]
    with concurrent.futures.ThreadPoolExecutor(options.guests) as pool:
        results = {job: pool.submit(run_guest, options, *job) for job in reversed(jobs)}
        for part in parts:
            found = {kernel: results[part, kernel].result() for job, kernel in jobs if job == part}
            for kernel, (result, said, _) in found.items():
                ended(f"{part}, {kernel}", result, said)
            found = {kernel: one for kernel, (_, _, one) in found.items() if one}
            if part == "follow" and found:
                follow.judge(found["series"], check)
            elif part == "libmnl":
                for kernel, one in found.items():
                    dumps.judge(kernel, one, check)
            elif len(found) == 2:
                same(part, **found)
    subjects = subprocess.run(["git", "-C", guest.LINUX, "log", "--format=%s",
                               "refs/worktree/base..HEAD"],
                              stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    check("each expected difference has a patch",
          {subject for _, subject, _ in DIFFERENCES} <= {*subjects})
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] else 0


GUESTS = {"follow": follow.in_guest, "libmnl": dumps.in_guest, "commands": guest_commands,
          "ynl": guest_ynl}

if __name__ == "__main__":
    guest.program(main)
