#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The workloads of `make bench` and `make run`: runs in a guest and prints its rows as JSON.

usage: workloads.py commands|latency|parallel|instances|instructions
       workloads.py scale_KIND
       workloads.py lookups INSTANCES

The time of a row is that of system calls alone.
"""

import collections
import contextlib
import json
import os
import re
import statistics
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(TOP, "tools"))
# pylint: disable=wrong-import-position,wrong-import-order,import-error
import devlink_requests as requests  # noqa: E402
import many  # noqa: E402
from measure import (BATCH, Devlink, Netlink, cost, error_of, messages_of,  # noqa: E402
                     open_socket, received)
from netdevsim import (DEBUGFS, PARALLEL_GETTERS, PORT_FUNCTIONS, add_switchdev,  # noqa: E402
                       del_device, write)

LATENCIES = 2000        # requests one by one
CHUNK_MS = 20           # of the 50 chunks of an update of netdevsim


def dumped_by(readers, message):
    """Nanoseconds for each answer when several processes ask, on a CPU each."""
    ends = [os.pipe() for _ in range(readers)]
    for number in range(readers):
        if os.fork() == 0:
            os.sched_setaffinity(0, {number % os.cpu_count()})
            os.write(ends[number][1], b"%f" % cost(message, BATCH // 4))
            os._exit(0)
    costs = [float(os.read(end[0], 100)) for end in ends]
    for _ in range(readers):
        os.wait()
    return statistics.mean(costs) / readers


def commands(devlink):
    """Commands on one device"""
    device, rows = 60001, {}
    add_switchdev(device, 1)
    messages = devlink.messages(device, requests.COMMANDS)
    for readers in (1, 2):
        rows[f"ports dumped by {readers}"] = dumped_by(readers, messages["ports, dump"])
    os.sched_setaffinity(0, {1})
    for name, message in messages.items():
        rows[f"uncontended: {name}"] = cost(message, BATCH // 4)
    return rows


def instructions(devlink):
    """The same commands where a nanosecond is an instruction"""
    add_switchdev(60004, 1)
    # Some of many small batches meet no interrupt, and no full slab.
    return {f"instructions: {name}": cost(message, BATCH // 16, budget=0, fewest=60)
            for name, message in devlink.messages(60004, requests.COMMANDS).items()}


def latencies(message, count):
    """Microseconds from request to answer.  Each request follows the answer before, so the
    CPU does not get idle in between: User Mode Linux wakes an idle one slowly."""
    taken = []
    with open_socket() as sock:
        for _ in range(count):
            start = time.perf_counter_ns()
            sock.send(message)
            sock.recv(1 << 20)
            taken.append((time.perf_counter_ns() - start) / 1000)
            # The end of a dump
            received(sock)
    return taken


def during_an_update(device, message):
    """Latencies while the device updates its firmware.  Update and requests are on a CPU
    each: the time of a request is the wait for a lock, and not for a CPU."""
    with subprocess.Popen(["taskset", "-c", "0", "devlink", "dev", "flash",
                           f"netdevsim/netdevsim{device}", "file", "bench"],
                          stdout=subprocess.PIPE) as flash:
        flash.stdout.read(1)
        taken = latencies(message, 1)
        # If the first request has waited for the end of the update, devlink ends now, and
        # no further request is during the update.
        end = time.monotonic() + 0.1
        while time.monotonic() < end:
            pass
        while flash.poll() is None and len(taken) < LATENCIES:
            taken += latencies(message, LATENCIES // 10)
        flash.stdout.read()
    if flash.returncode:
        raise SystemExit("workloads: devlink dev flash failed")
    return taken


def latency(devlink):
    """Get requests when a device is idle, and while it updates its firmware"""
    write("/lib/firmware/bench", "x")
    rows, curves = {}, {}
    for device, vfs, named in ((60001, 1, requests.FROM_CORE),
                               (60006, requests.VFS, requests.PARALLEL_GETTERS)):
        if named is requests.PARALLEL_GETTERS:
            for path in (PORT_FUNCTIONS, PARALLEL_GETTERS):
                if os.path.exists(path):
                    write(path, "1")
        add_switchdev(device, vfs)
        write(f"{DEBUGFS}/netdevsim{device}/fw_update_flash_chunk_time_ms", str(CHUNK_MS))
        os.sched_setaffinity(0, {1})
        for name, message in devlink.messages(device, named).items():
            found = {"idle": latencies(message, LATENCIES),
                     "during an update": during_an_update(device, message)}
            for when, taken in found.items():
                taken.sort()
                for which, share in (("p50", 0.5), ("p99", 0.99), ("max", 1)):
                    at = min(int(len(taken) * share), len(taken) - 1)
                    rows[f"{which} of {name}, {when}"] = 1000 * taken[at]
            if name == "port":
                curves = {when: collections.Counter(round(us, 1) for us in taken)
                          for when, taken in found.items()}
        del_device(device)
    return {**rows, "curves": curves}


def in_parallel(messages, rounds=12):
    """Nanoseconds until all are answered, each sent by a process of its own; the least of
    some rounds"""
    go, done = os.pipe(), os.pipe()
    workers = []
    for message in messages:
        pid = os.fork()
        if pid == 0:
            sock = open_socket()
            while os.read(go[0], 1) == b"g":
                sock.send(message)
                # The status is the last of the replies.
                kind = None
                while kind != Netlink.NLMSG_ERROR:
                    *_, (kind, last) = messages_of(sock.recv(1 << 16))
                os.write(done[1], b"e" if error_of(kind, last) else b"d")
            os._exit(0)
        workers.append(pid)
    times = []
    for _ in range(rounds):
        start = time.perf_counter_ns()
        os.write(go[1], b"g" * len(messages))
        answers = b""
        while len(answers) < len(messages):
            answers += os.read(done[0], len(messages))
        times.append(time.perf_counter_ns() - start)
        if b"e" in answers:
            raise SystemExit("workloads: a command failed")
    os.write(go[1], b"q" * len(messages))
    for pid in workers:
        os.waitpid(pid, 0)
    return min(times)


@contextlib.contextmanager
def held(callbacks, callback, command):
    """While this command is in its callback"""
    write(callbacks, f"{callback} delay_ms 100000")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while True:
            with open(callbacks, encoding="ascii") as f:
                if re.search(rf"^{callback} .* 1$", f.read(), re.M):
                    break
            if process.poll() is not None:
                raise SystemExit(f"workloads: {' '.join(command)} was not in its callback")
            time.sleep(0.01)
        yield
        write(callbacks, f"{callback} delay_ms 0")
    if process.returncode:
        raise SystemExit(f"workloads: {' '.join(command)} failed")


def parallel(devlink):
    """Commands whose callbacks take 10 ms, in parallel; nothing if netdevsim has no parallel
    ops, as in the base"""
    device, rows = 60002, {}
    if not os.path.exists(PORT_FUNCTIONS):
        return rows
    callbacks, dev = f"{DEBUGFS}/netdevsim{device}/callbacks", f"netdevsim/netdevsim{device}"
    write(PORT_FUNCTIONS, "1")
    add_switchdev(device, requests.VFS)
    for callback in ("port_fn_set", "trap_action_set", "health_diagnose"):
        write(callbacks, f"{callback} delay_ms 10")
    ports = [devlink.message(device, request) for request in requests.PORT_SETS]
    mixed = [devlink.message(device, request) for request in requests.MIXED_SETS]
    info = ["devlink", "dev", "info", dev]
    alone, four = "1 command of 10 ms", "4 commands of 10 ms, different objects"
    rows[alone] = in_parallel(ports[:1])
    rows[four] = in_parallel(mixed)
    rows["4 commands of 10 ms, different ports"] = in_parallel(ports)
    with held(callbacks, "info_get", info):
        rows[f"{four}, during info"] = in_parallel(mixed)
    with held(callbacks, "health_diagnose",
              ["devlink", "health", "diagnose", dev, "reporter", requests.PARALLEL]):
        rows[f"{alone}, during diagnose"] = in_parallel(ports[:1])
        with held(callbacks, "info_get", info):
            with subprocess.Popen(info, stdout=subprocess.DEVNULL) as second:
                time.sleep(1)       # enough for the second one to wait for the first
                rows[f"{alone}, during diagnose, info waits"] = in_parallel(ports[:1])
                write(callbacks, "info_get delay_ms 0")
                second.wait()
    return rows


def main():
    parts = {"commands": commands, "latency": latency, "parallel": parallel,
             "instances": many.instances, "instructions": instructions}
    words = sys.argv[1:]
    if len(words) == 2 and words[0] == "lookups" and words[1].isdigit():
        rows = many.lookups(Devlink(), int(words[1]))
    elif len(words) == 1 and words[0] in parts:
        rows = parts[words[0]](Devlink())
    elif len(words) == 1 and words[0].removeprefix("scale_") in many.KINDS:
        rows = many.scale(Devlink(), words[0].removeprefix("scale_"))
    else:
        sys.exit(__doc__)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
