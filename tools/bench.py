#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""What devlink costs: base and series in turn, several boots of each.

usage: bench.py [--boots N] [--instances N] [--json FILE]
                [--part commands|throughput|instructions|instances|parallel|scale_KIND]

Every boot is a guest of its own (perf kernels, nothing else running), base and series
alternate, and each gives one number for each row.  Printed are the medians over the
boots, their spread (half the distance between the quartiles), and two ratios: of the
medians, and of the fastest boots.  What else the machine does only ever adds, so the
second is what the row is judged by: it fails when that is above what it may be, be it
against the base or against another row of the series.  docs/bench.json keeps the last run
of each part, from which `make report` draws.

Many requests go into one system call, whose time is taken inside the guest: what is
measured is the kernel, not the machine that it runs on.  Run it on an idle machine.
The rows "instructions" need none: QEMU counts them, on one CPU of x86_64.  They are the
same each time, and know nothing of caches and of what an atomic operation takes.
"""

import argparse
import contextlib
import ctypes
import datetime
import json
import math
import os
import re
import socket
import statistics
import struct
import subprocess
import sys
import time

import guest

# What a row costs at most: (times the base), or (times another row of the series).
BASE = 1.03             # instructions
MEMORY = 1.05
FLAT = 1.1
GROWN = 1.2             # for each of many objects, times each of few
COUNTS = (1, 100, 1000, 4000)
BATCH = 4000            # requests to a system call, which costs 50 to 400 us by itself
LATENCIES = 2000        # requests one by one, of which the slowest in a hundred counts
TOGETHER = 1.15         # commands on different objects at the same time, times one of them
SERIAL = 7.2            # at the least, eight on one object, times one: they take turns
CONVOY = 1.2            # one beside a long one while others wait, times beside the long one
VFS = 4                 # netdevsim has no more
TWICE = 2               # what that may take beside a firmware update, times what it takes idle
BUCKETS = 4             # for each doubling of a latency, in the pictures
# {what: (few, many)} objects, and where they are.  A region of netdevsim keeps 16 snapshots,
# so many of them are on as many devices as it takes.
SCALE = {"instance": (100, 4000), "port": (100, 4096), "snapshot": (100, 1000), "namespace": (8, 64)}
SNAPSHOTS = 16
PARTS = ["commands", "throughput", "instructions", "parallel", "instances",
         *(f"scale_{name}" for name in SCALE)]
# Slow, and as coarse as what waits for RCU is, or the same each time: one boot tells enough.
ONCE = ("scale", "instructions")
BUDGET = 2.0            # seconds for one number: it is the fastest batch of those that
FEWEST = 10             # fit, at least this many; what else the machine does only ever adds


# -- inside the guest ---------------------------------------------------------------

GET, GETFAMILY = 1, 3
BUS_NAME, DEV_NAME, INDEX = 1, 2, 184
REQUEST, ACK, DUMP = 1, 4, 0x300
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33
CLONE_NEWNET = 0x40000000
# Of netdevsim with the series: what devices and ports that are added later have
PORT_FUNCTIONS = "/sys/kernel/debug/netdevsim/port_functions"
PARALLEL_GETTERS = "/sys/kernel/debug/netdevsim/parallel_getters"


def attr(kind, data):
    return struct.pack("HH", 4 + len(data), kind) + data + bytes(-len(data) % 4)


def message(family, command, attrs=b"", flags=0):
    body = struct.pack("BBxx", command, 1) + attrs
    return struct.pack("IHHII", 16 + len(body), family, REQUEST | flags, 0, 0) + body


class Netlink:
    """A generic netlink socket with room for the replies to a whole batch."""

    family = None

    def __init__(self):
        self.socket = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 16)
        for option in (SO_SNDBUFFORCE, SO_RCVBUFFORCE):
            self.socket.setsockopt(socket.SOL_SOCKET, option, 256 << 20)
        self.socket.bind((0, 0))
        if not Netlink.family:
            reply = self.ask(message(16, GETFAMILY, attr(2, b"devlink\0")))[0]
            Netlink.family = next(struct.unpack("H", data)[0] for kind, data in attrs_of(reply)
                                  if kind == 1)

    def ask(self, data):
        self.socket.send(data)
        return self.replies()

    def replies(self):
        found = []
        while True:
            try:
                data = self.socket.recv(1 << 20, socket.MSG_DONTWAIT)
            except BlockingIOError:
                return found
            while data:
                length, kind = struct.unpack_from("IH", data)
                if kind == 2 and struct.unpack_from("i", data, 16)[0]:
                    error = -struct.unpack_from("i", data, 16)[0]
                    raise OSError(error, os.strerror(error))
                if kind > 3 or kind == 2:
                    found.append(data[:length])
                data = data[(length + 3) & ~3:]


def cost(*messages):
    """Nanoseconds for each of the messages; each has a reply."""
    data = b"".join(messages)
    times, end = [], time.monotonic() + BUDGET
    while len(times) < FEWEST or time.monotonic() < end:
        # A new one each time: to close it is the fast way to be rid of the replies.
        netlink = Netlink()
        start = time.perf_counter_ns()
        netlink.socket.send(data)
        times.append((time.perf_counter_ns() - start) / len(messages))
        if len(times) == 1:
            got = len(netlink.replies())
            if got < len(messages):
                raise SystemExit(f"{len(messages)} requests, {got} replies")
        netlink.socket.close()
    return min(times)


def mean_cost(*messages):
    """The same where the clock is too coarse for the fastest batch: of all of them."""
    data, count, start = b"".join(messages), 0, time.perf_counter_ns()
    while time.perf_counter_ns() - start < BUDGET * 1e9 or count < FEWEST:
        netlink = Netlink()
        netlink.socket.send(data)
        if not count and len(netlink.replies()) < len(messages):
            raise SystemExit(f"fewer replies than {len(messages)} requests")
        netlink.socket.close()
        count += 1
    return (time.perf_counter_ns() - start) / (count * len(messages))


def attrs_of(msg):
    at = 20
    while at + 4 <= len(msg):
        length, kind = struct.unpack_from("HH", msg, at)
        yield kind & 0x3fff, msg[at + 4:at + length]
        at += (length + 3) & ~3


def handle(number):
    return attr(BUS_NAME, b"netdevsim\0") + attr(DEV_NAME, b"netdevsim%d\0" % number)


def write(name, text):
    put(f"/sys/bus/netdevsim/{name}", text)


def put(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def free_memory():
    with open("/proc/sys/vm/drop_caches", "w", encoding="ascii") as f:
        f.write("3")
    with open("/proc/meminfo", encoding="ascii") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("MemFree"))


def local_dump():
    """In a namespace with one instance: its dump."""
    return cost(*[message(Netlink().family, GET, flags=DUMP)] * (BATCH // 4))


def in_namespace():
    return float(subprocess.run(["ip", "netns", "exec", "bench", sys.executable, __file__,
                                 "--guest", "local_dump"], check=True,
                                stdout=subprocess.PIPE, text=True).stdout)


def uapi(enum):
    """{name: number} of an enumeration in uapi/linux/devlink.h."""
    header = os.path.realpath(f"{os.path.dirname(__file__)}/../build/linux/include/uapi/linux/devlink.h")
    with open(header, encoding="utf-8") as f:
        text = re.sub(r"/\*.*?\*/", "", f.read(), flags=re.S)
    body = re.search(rf"enum {enum} {{(.*?)}}", text, re.S).group(1)
    found, number = {}, 0
    for entry in filter(None, (e.strip() for e in body.split(","))):
        name, _, value = (part.strip() for part in entry.partition("="))
        if "_MAX - 1" in value:
            continue
        number = found[value] if value in found else int(value, 0) if value else number
        found[name] = number
        number += 1
    return found


def requests(device):
    """{what: message} for commands on a device with two ports in switchdev mode: views,
    those that have to ask netdevsim, those that set something, and what does nothing but
    to find and lock."""
    commands, attrs = uapi("devlink_command"), uapi("devlink_attr")
    debugfs = f"/sys/kernel/debug/netdevsim/netdevsim{device}"

    def request(command, flags=0, **values):
        data = handle(device)
        for name, value in values.items():
            if isinstance(value, int):
                value = struct.pack("I", value)
            value = value.encode() + b"\0" if isinstance(value, str) else value
            data += attr(attrs["DEVLINK_ATTR_" + name], value)
        return message(Netlink().family, commands["DEVLINK_CMD_" + command], data, flags)

    views = {
        "dev": request("GET"),
        "port": request("PORT_GET", PORT_INDEX=0),
        "region": request("REGION_GET", REGION_NAME="dummy"),
        "health": request("HEALTH_REPORTER_GET", HEALTH_REPORTER_NAME="dummy"),
        "trap group": request("TRAP_GROUP_GET", TRAP_GROUP_NAME="l3_drops"),
        "resource": request("RESOURCE_DUMP"),
        "param": request("PARAM_GET", PARAM_NAME="max_macs"),
        "rate": request("RATE_GET", PORT_INDEX=128),
        "ports, dump": request("PORT_GET", DUMP),
    }
    asking = {
        "info": request("INFO_GET"),
        "eswitch": request("ESWITCH_GET"),
        "trap": request("TRAP_GET", TRAP_NAME="blackhole_route"),
        "policer": request("TRAP_POLICER_GET", TRAP_POLICER_ID=1),
        "param that netdevsim has": request("PARAM_GET", PARAM_NAME="test2"),
        # As the last of `locks`, but there is something to do.
        "diagnose, undeclared": request("HEALTH_REPORTER_DIAGNOSE", HEALTH_REPORTER_NAME="dummy"),
    }
    sets = {
        "trap set": request("TRAP_SET", ACK, TRAP_NAME="blackhole_route", TRAP_ACTION=b"\1"),
        "policer set": request("TRAP_POLICER_SET", ACK, TRAP_POLICER_ID=1,
                               TRAP_POLICER_RATE=struct.pack("Q", 1000)),
        "rate set": request("RATE_SET", ACK, PORT_INDEX=128,
                            RATE_TX_MAX=struct.pack("Q", 125000000)),
        "health set": request("HEALTH_REPORTER_SET", ACK, HEALTH_REPORTER_NAME="dummy",
                              HEALTH_REPORTER_AUTO_RECOVER=b"\1"),
        "param set": request("PARAM_SET", ACK, PARAM_NAME="max_macs", PARAM_TYPE=b"\3",
                             PARAM_VALUE_CMODE=b"\1", PARAM_VALUE_DATA=32),
    }
    locks = {
        "nothing, structure (port set)": request("PORT_SET", ACK, PORT_INDEX=0),
        "nothing, view (health set)": request("HEALTH_REPORTER_SET", ACK,
                                              HEALTH_REPORTER_NAME="dummy"),
        "nothing, object (trap group set)": request("TRAP_GROUP_SET", ACK,
                                                    TRAP_GROUP_NAME="l3_drops"),
        # A mutex more, and the reporter is looked for twice.  The base has none of those.
        "nothing, declared (health dump clear)":
            request("HEALTH_REPORTER_DUMP_CLEAR", ACK,
                    HEALTH_REPORTER_NAME="parallel0" if os.path.exists(PORT_FUNCTIONS)
                    else "dummy"),
        # The mode changes from shared to exclusive.
        "nothing, undeclared (health dump clear)": request("HEALTH_REPORTER_DUMP_CLEAR", ACK,
                                                           HEALTH_REPORTER_NAME="dummy"),
    }
    return views, asking, sets, locks


def parallel_getters(device):
    """{what: message} for get requests whose getter netdevsim has with parallel ops, and for
    ports that have functions."""
    commands, attrs = uapi("devlink_command"), uapi("devlink_attr")

    def request(command, flags=0, **values):
        return message(Netlink().family, commands["DEVLINK_CMD_" + command],
                       handle(device) + b"".join(attr(attrs["DEVLINK_ATTR_" + name], value)
                                                 for name, value in values.items()), flags)

    return {
        "info": request("INFO_GET"),
        "eswitch": request("ESWITCH_GET"),
        "param with a getter": request("PARAM_GET", PARAM_NAME=b"test2\0"),
        "trap": request("TRAP_GET", TRAP_NAME=b"blackhole_route\0"),
        "policer": request("TRAP_POLICER_GET", TRAP_POLICER_ID=struct.pack("I", 1)),
        "pool": request("SB_POOL_GET", SB_INDEX=struct.pack("I", 0),
                        SB_POOL_INDEX=struct.pack("H", 0)),
        "port with a function": request("PORT_GET", PORT_INDEX=struct.pack("I", 128)),
        f"2 ports and {VFS} with functions, dump": request("PORT_GET", DUMP),
    }


def latencies(msg, count):
    """Microseconds from request to answer, one after the other."""
    netlink = Netlink()
    taken = []
    for _ in range(count):
        start = time.perf_counter_ns()
        netlink.socket.send(msg)
        netlink.socket.recv(1 << 20)
        taken.append((time.perf_counter_ns() - start) / 1000)
        netlink.replies()
    return sorted(taken)


def throughput(msg, readers, costs_of):
    """Nanoseconds for each answer when several processes ask, each for itself."""
    ends = [os.pipe() for _ in range(readers)]
    for number in range(readers):
        if os.fork() == 0:
            os.sched_setaffinity(0, {number % os.cpu_count()})
            os.write(ends[number][1], b"%f" % costs_of(*[msg] * (BATCH // 4)))
            os._exit(0)
    costs = [float(os.read(end[0], 100)) for end in ends]
    for _ in range(readers):
        os.wait()
    return statistics.mean(costs) / readers


def dumped(device, costs_of=cost, where=""):
    """{row: time of a dump of its ports} for one reader, and for two at the same time."""
    views = requests(device)[0]
    return {f"ports dumped by {readers}{where}": throughput(views["ports, dump"], readers,
                                                            costs_of)
            for readers in (1, 2)}


def dumped_in_qemu():
    """Prints such rows, where two processors are two threads of QEMU."""
    write("new_device", "60005 2")
    print(json.dumps(dumped(60005, mean_cost, ", under QEMU")))


def commands():
    """Prints rows about commands on one device as JSON."""
    device, rows = 60001, {}
    switchdev(device, 1)
    views, asking, sets, locks = requests(device)
    rows.update(dumped(device))
    os.sched_setaffinity(0, {1})
    for name, msg in {**views, **asking, **sets, **locks}.items():
        rows[f"uncontended: {name}"] = cost(*[msg] * (BATCH // 4))
    flashed, pictures = beside_a_flash(device, views)
    rows.update(flashed)
    write("del_device", str(device))

    # What calls the driver: the getters have parallel ops, if netdevsim has such getters.
    device = 60006
    for path in (PORT_FUNCTIONS, PARALLEL_GETTERS):
        if os.path.exists(path):
            put(path, "1")
    switchdev(device, VFS)
    rows.update(beside_a_flash(device, parallel_getters(device))[0])
    write("del_device", str(device))
    print(json.dumps({**rows, "latencies": pictures}))


def switchdev(device, vfs):
    """Adds a device with two ports and those of VFs."""
    write("new_device", f"{device} 2")
    write(f"devices/netdevsim{device}/sriov_numvfs", str(vfs))
    subprocess.run(["devlink", "dev", "eswitch", "set", f"netdevsim/netdevsim{device}",
                    "mode", "switchdev"], check=True)


def beside_a_flash(device, gets):
    """Rows and pictures of these requests when the device is idle, and while it updates its
    firmware."""
    rows, pictures = {}, {}
    idle = {name: latencies(msg, LATENCIES) for name, msg in gets.items()}
    # The base waits for the end of the update: then one request is enough.
    firmware = "/lib/firmware/bench"
    with open(firmware, "wb") as f:
        f.write(bytes(1000))
    put(f"/sys/kernel/debug/netdevsim/netdevsim{device}/fw_update_flash_chunk_time_ms", "20")
    for name, msg in gets.items():
        # On the other CPU: what counts is who waits for a lock, not who for a CPU.
        with subprocess.Popen(["taskset", "-c", "0", "devlink", "dev", "flash",
                               f"netdevsim/netdevsim{device}", "file", "bench"],
                              stdout=subprocess.PIPE) as flash:
            flash.stdout.read(1)
            beside = latencies(msg, 1)
            time.sleep(0.1)     # enough for devlink to end, if that one has waited for it
            while flash.poll() is None and len(beside) < LATENCIES:
                beside += latencies(msg, LATENCIES // 10)
            for which, at in (("p50", 0.5), ("p99", 0.99), ("max", 1)):
                for when, taken in (("idle", idle[name]), ("beside a flash", sorted(beside))):
                    rows[f"{which} of {name}, {when}"] = \
                        1000 * taken[min(int(len(taken) * at), len(taken) - 1)]
            flash.stdout.read()
        pictures[name] = {"idle": histogram(idle[name]), "beside a flash": histogram(beside)}
    return rows, pictures


def instructions():
    """Prints rows about the same commands where a nanosecond is an instruction, as JSON."""
    global BUDGET, FEWEST       # pylint: disable=global-statement
    BUDGET, FEWEST = 0, 60      # of smaller ones: some meet no interrupt, and no full slab
    write("new_device", "60004 2")
    write("devices/netdevsim60004/sriov_numvfs", "1")
    subprocess.run(["devlink", "dev", "eswitch", "set", "netdevsim/netdevsim60004",
                    "mode", "switchdev"], check=True)
    print(json.dumps({f"instructions: {name}": cost(*[msg] * (BATCH // 16))
                      for messages in requests(60004) for name, msg in messages.items()}))


def histogram(microseconds):
    """{bucket: how many}"""
    counts = {}
    for taken in microseconds:
        bucket = round(BUCKETS * math.log2(taken))
        counts[bucket] = counts.get(bucket, 0) + 1
    return counts


def at_the_same_time(messages, rounds=12):
    """Nanoseconds until all are answered, each sent by a process of its own; the least of
    some rounds.  netdevsim has room for SNAPSHOTS."""
    go, done = os.pipe(), os.pipe()
    workers = []
    for msg in messages:
        pid = os.fork()
        if pid == 0:
            netlink = Netlink()
            while os.read(go[0], 1) == b"g":
                netlink.socket.send(msg)
                # Its status comes after what it has to say.
                kind = 0
                while kind != 2:
                    answer = netlink.socket.recv(1 << 16)
                    while answer:
                        length, kind = struct.unpack_from("IH", answer)
                        error = kind == 2 and struct.unpack_from("i", answer, 16)[0]
                        answer = answer[(length + 3) & ~3:]
                os.write(done[1], b"e" if error else b"d")
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
            raise SystemExit("a command failed")
    os.write(go[1], b"q" * len(messages))
    for pid in workers:
        os.waitpid(pid, 0)
    return min(times)


def parallel():
    """Prints rows about commands whose callbacks take 10 ms, at the same time, as JSON;
    none where netdevsim has no parallel ops, as in the base."""
    device, rows = 60002, {}
    callbacks = f"/sys/kernel/debug/netdevsim/netdevsim{device}/callbacks"
    if os.path.exists(PORT_FUNCTIONS):
        put(PORT_FUNCTIONS, "1")
        switchdev(device, VFS)
        for callback in ("port_fn_set", "trap_action_set", "trap_policer_set", "region_snapshot",
                         "health_diagnose"):
            put(callbacks, f"{callback} delay_ms 10")
        ports = [port_set(device, 128 + number) for number in range(VFS)]
        for count in (1, 2, 4):
            rows[f"{count} commands of 10 ms, different ports"] = at_the_same_time(ports[:count])
        rows["8 commands of 10 ms, different objects"] = at_the_same_time(
            ports + mixed(device), SNAPSHOTS // 2)
        rows["8 commands of 10 ms, one port"] = at_the_same_time(ports[:1] * 8)
        dev = f"netdevsim/netdevsim{device}"
        with held(callbacks, "info_get", ["devlink", "dev", "info", dev]):
            rows["8 commands of 10 ms, different objects, during info"] = at_the_same_time(
                ports + mixed(device), SNAPSHOTS // 2)
        with held(callbacks, "health_diagnose",
                  ["devlink", "health", "diagnose", dev, "reporter", "parallel0"]):
            rows["1 commands of 10 ms, during diagnose"] = at_the_same_time(ports[:1])
            with held(callbacks, "info_get", ["devlink", "dev", "info", dev]):
                second = subprocess.Popen(  # pylint: disable=consider-using-with
                    ["devlink", "dev", "info", dev], stdout=subprocess.DEVNULL)
                time.sleep(1)       # enough for the second one to wait for the first
                rows["1 commands of 10 ms, during diagnose, info waits"] = \
                    at_the_same_time(ports[:1])
            second.wait()
        write("del_device", str(device))
    print(json.dumps(rows))


@contextlib.contextmanager
def held(callbacks, callback, command):
    """While this command is in its callback."""
    put(callbacks, f"{callback} delay_ms 100000")
    with subprocess.Popen(command, stdout=subprocess.DEVNULL) as process:
        while True:
            with open(callbacks, encoding="ascii") as f:
                if re.search(rf"^{callback} .* 1$", f.read(), re.M):
                    break
            if process.poll() is not None:
                raise SystemExit(f"{command} was not in its callback")
            time.sleep(0.01)
        yield
        put(callbacks, f"{callback} delay_ms 0")
    if process.returncode:
        raise SystemExit(f"{command} failed")


def port_set(device, port):
    commands, attrs = uapi("devlink_command"), uapi("devlink_attr")
    function = uapi("devlink_port_function_attr")["DEVLINK_PORT_FUNCTION_ATTR_HW_ADDR"]
    data = handle(device) + attr(attrs["DEVLINK_ATTR_PORT_INDEX"], struct.pack("I", port)) + \
        attr(attrs["DEVLINK_ATTR_PORT_FUNCTION"] | 0x8000, attr(function, b"\2\0\0\0\0\1"))
    return message(Netlink().family, commands["DEVLINK_CMD_PORT_SET"], data, ACK)


def mixed(device):
    """Four commands on four objects that are not ports."""
    commands, attrs = uapi("devlink_command"), uapi("devlink_attr")

    def request(command, **values):
        data = handle(device)
        for name, value in values.items():
            value = value.encode() + b"\0" if isinstance(value, str) else value
            data += attr(attrs["DEVLINK_ATTR_" + name], value)
        return message(Netlink().family, commands["DEVLINK_CMD_" + command], data, ACK)

    return [request("TRAP_SET", TRAP_NAME="blackhole_route", TRAP_ACTION=b"\1"),
            request("REGION_NEW", REGION_NAME="dummy"),
            request("HEALTH_REPORTER_DIAGNOSE", HEALTH_REPORTER_NAME="parallel0"),
            request("HEALTH_REPORTER_DIAGNOSE", HEALTH_REPORTER_NAME="parallel1")]


def two_lookups(instances):
    """Prints the cost of a get by name, alone and among others, for `make run`."""
    netlink, costs = Netlink(), []
    for first, last in ((1, 1), (2, instances)):
        for number in range(first, last + 1):
            write("new_device", f"{number} 0")
        costs.append(cost(*[message(netlink.family, GET, handle(last // 2 + 1))] * BATCH))
    print(*costs)


def lookups_among(instances):
    """Prints the rows of this boot as JSON."""
    os.sched_setaffinity(0, {1})
    rows = {}
    netlink = Netlink()
    counts = [count for count in COUNTS if count <= instances]

    # The instance that is asked for, one of those in the middle, is asked for all
    # the time: what the others cost is in the row, cold caches are not.
    def lookups(count):
        name = f"get by name, {count} instances"
        wanted = count // 2 + 1
        by_name = message(netlink.family, GET, handle(wanted))
        rows[name] = cost(*[by_name] * BATCH)

    subprocess.run(["ip", "netns", "add", "bench"], check=True)
    subprocess.run(["ip", "netns", "exec", "bench", "sh", "-c",
                    "echo 60000 0 >/sys/bus/netdevsim/new_device"], check=True)
    rows["dump of a namespace with 1 instance"] = in_namespace()

    free = free_memory()
    made, creating = 0, []
    for count in counts:
        while made < count:
            made += 1
            start = time.perf_counter_ns()
            write("new_device", f"{made} 0")
            creating.append(time.perf_counter_ns() - start)
        lookups(count)
        if count == 1:
            index = next(data for kind, data in
                         attrs_of(netlink.ask(message(netlink.family, GET, handle(1)))[0])
                         if kind == INDEX)
            rows["get by index"] = cost(*[message(netlink.family, GET, attr(INDEX, index))] * BATCH)
    rows["create an instance"] = statistics.median(creating)
    rows["memory of an instance, bytes"] = (free - free_memory()) / made
    rows[f"the same, {made} instances in another"] = in_namespace()

    rows[f"dump of {made}, an instance"] = dump_cost(message(netlink.family, GET, flags=DUMP), made)

    # Each waits for RCU several times; the guest ends with the others.
    deleting = []
    for number in range(1, 41):
        start = time.perf_counter_ns()
        write("del_device", str(number))
        deleting.append(time.perf_counter_ns() - start)
    rows["delete an instance"] = statistics.median(deleting)
    print(json.dumps(rows))


def timed(what, numbers, which):
    """Nanoseconds for one: the fastest, or the median where it waits for RCU"""
    taken = []
    for number in numbers:
        start = time.perf_counter_ns()
        what(number)
        taken.append(time.perf_counter_ns() - start)
    return which(taken)


def dump_cost(msg, expected):
    """Nanoseconds for each object of a dump, the fastest of those that fit"""
    netlink, taken, end = Netlink(), [], time.monotonic() + BUDGET
    while len(taken) < 10 or time.monotonic() < end:
        start = time.perf_counter_ns()
        netlink.socket.send(msg)
        done = got = 0
        while not done:
            data = netlink.socket.recv(1 << 20)
            while data:
                length, kind = struct.unpack_from("IH", data)
                got += kind > 3
                done = kind == 3
                data = data[(length + 3) & ~3:]
        taken.append((time.perf_counter_ns() - start) / got)
        if got != expected:
            raise SystemExit(f"{expected} objects, {got} in the dump")
    return min(taken)


class Objects:
    """What there can be many of, numbered from 0: make(), remove(), list()"""

    def before(self, count):
        """Before so many are made: they need somewhere to be."""


class Instances(Objects):
    """Devices without ports"""

    def make(self, number):
        write("new_device", f"{number + 1} 0")

    def remove(self, number):
        write("del_device", str(number + 1))

    def list(self, count):
        return dump_cost(message(Netlink().family, GET, flags=DUMP), count)


class Ports(Objects):
    """Those of one device, with their netdevs"""

    def __init__(self):
        write("new_device", "60003 0")

    def make(self, number):
        write("devices/netdevsim60003/new_port", str(number))

    def remove(self, number):
        write("devices/netdevsim60003/del_port", str(number))

    def list(self, count):
        command = uapi("devlink_command")["DEVLINK_CMD_PORT_GET"]
        return dump_cost(message(Netlink().family, command, handle(60003), DUMP), count)


class Snapshots(Objects):
    """As many on a device as its region keeps"""

    def __init__(self):
        self.commands, self.attrs = uapi("devlink_command"), uapi("devlink_attr")
        self.netlink, self.devices = Netlink(), 0

    def ask(self, command, number):
        attrs = handle(61000 + number // SNAPSHOTS) + \
            attr(self.attrs["DEVLINK_ATTR_REGION_NAME"], b"dummy\0") + \
            attr(self.attrs["DEVLINK_ATTR_REGION_SNAPSHOT_ID"], struct.pack("I", number % SNAPSHOTS))
        self.netlink.ask(message(self.netlink.family, self.commands[command], attrs, ACK))

    def make(self, number):
        self.ask("DEVLINK_CMD_REGION_NEW", number)

    def remove(self, number):
        self.ask("DEVLINK_CMD_REGION_DEL", number)

    def before(self, count):
        while self.devices * SNAPSHOTS < count:
            write("new_device", f"{61000 + self.devices} 0")
            self.devices += 1

    def list(self, count):
        # A message for each region, with all of its snapshots
        msg = message(self.netlink.family, self.commands["DEVLINK_CMD_REGION_GET"], flags=DUMP)
        return dump_cost(msg, self.devices) * self.devices / count


class Namespaces(Objects):
    """Each with a device"""

    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.files = {}

    def before(self, count):
        # What is left of those that were removed is taken apart in the background.
        time.sleep(5)

    def enter(self, number):
        if self.libc.setns(self.files[number], 0):
            raise OSError(ctypes.get_errno(), "setns")

    def make(self, number):
        if self.libc.unshare(CLONE_NEWNET):
            raise OSError(ctypes.get_errno(), "unshare")
        self.files[number] = os.open("/proc/self/ns/net", os.O_RDONLY)
        write("new_device", f"{62000 + number} 0")

    def remove(self, number):
        write("del_device", str(62000 + number))
        self.libc.setns(self.home, 0)
        os.close(self.files.pop(number))

    def list(self, count):
        self.enter(count // 2)
        return dump_cost(message(Netlink().family, GET, flags=DUMP), 1)


KINDS = {"instance": Instances, "port": Ports, "snapshot": Snapshots, "namespace": Namespaces}


def scale(name):
    """Prints rows about each of few and of many objects as JSON."""
    os.sched_setaffinity(0, {1})
    objects, rows = KINDS[name](), {}
    few, many = SCALE[name]
    for count in (few, many):
        objects.before(count)
        free = free_memory()
        for number in range(count - few):
            objects.make(number)
        if name == "port" and count > few:
            rows["memory of a port and its netdev, bytes"] = (free - free_memory()) / (count - few)
        # What the last few cost, with the others there
        last = range(count - few, count)
        rows[f"make one of {count} {name}s"] = timed(objects.make, last, min)
        rows[f"list one of {count} {name}s"] = objects.list(count)
        rows[f"remove one of {count} {name}s"] = timed(objects.remove, last, statistics.median)
    print(json.dumps(rows))


# -- on the host --------------------------------------------------------------------

def limits(names):
    """{row: (factor, or None; the row that it is compared with, or None for the base)}; a
    factor below 0 is what it has to be at the least."""
    first_get = next((name for name in names if name.startswith("get by name")), None)
    first_dump = next((name for name in names if name.startswith("dump of a namespace")), None)
    found = {}
    for name in names:
        if name.startswith("get by name") and name != first_get:
            found[name] = FLAT, first_get
        elif name.startswith("the same"):
            found[name] = FLAT, first_dump
        elif name.startswith("p99") and name.endswith("beside a flash"):
            found[name] = TWICE, name.replace("beside a flash", "idle")
        elif name == "1 commands of 10 ms, different ports":
            found[name] = None, None
        elif name.endswith("info waits"):
            found[name] = CONVOY, "1 commands of 10 ms, during diagnose"
        elif "of 10 ms, one port" in name:
            found[name] = -SERIAL, "1 commands of 10 ms, different ports"
        elif "of 10 ms" in name:
            found[name] = TOGETHER, "1 commands of 10 ms, different ports"
        elif re.match(r"(make|list|remove) one of ", name):
            what, count, kind = name.split()[0], *name.split()[3:5]
            few = SCALE[kind[:-1]][0]
            # The name of a netdev is looked for among all of them: not devlink's.
            netdev = what == "make" and kind == "ports"
            found[name] = (None, None) if int(count) == few or netdev else \
                (GROWN, f"{what} one of {few} {kind}")
        elif name.startswith("memory"):
            found[name] = MEMORY, None
        elif name.startswith("instructions"):
            found[name] = BASE, None
        else:
            # Time in UML differs by more than that from boot to boot.
            found[name] = None, None
    return found


def shown(name, value):
    if name.startswith("instructions"):
        return f"{value:8.0f}   "
    return f"{value:8.0f} B " if "bytes" in name else f"{value / 1000:8.2f} us"


def config_of(part):
    return "count" if part in ("instructions", "throughput") else "perf"


def host(args):
    boots, latencies_of, parts = {"base": [], "series": []}, {"base": {}, "series": {}}, {}
    for number in range(args.boots):
        # In turn, and not always the same one first.
        for kernel in sorted(boots, reverse=number % 2 == 1):
            # A guest for each part, so that what one leaves does not cost in another.
            rows, seconds = {}, 0
            for part in [args.part] if args.part else PARTS:
                if part.startswith(ONCE) and number:
                    continue
                output = []
                what = str(args.instances) if part == "instances" else part
                result = guest.run(kernel, config_of(part),
                                   f"{sys.executable} {os.path.realpath(__file__)} "
                                   f"--guest {what}", limit=900, memory="4G", write=output.append,
                                   counts=part == "instructions")
                if result.status:
                    sys.exit(f"bench: {kernel}, {part}: {result.why or f'status {result.status}'}\n"
                             + b"".join(output).decode(errors="replace"))
                found = json.loads(b"".join(output))
                parts.update({name: part for name in found})
                rows.update(found)
                seconds += result.seconds
            for name, pictures in rows.pop("latencies", {}).items():
                for when, counts in pictures.items():
                    total = latencies_of[kernel].setdefault(name, {}).setdefault(when, {})
                    for bucket, count in counts.items():
                        total[bucket] = total.get(bucket, 0) + count
            boots[kernel].append(rows)
            print(f"boot {number + 1} of {args.boots}, {kernel}: {seconds:.0f} s",
                  file=sys.stderr, flush=True)

    names = list(boots["series"][0])
    may = limits(names)
    bad, table = 0, []
    print(f"\n{'':44} {'base':>11} {'+-':>5}   {'series':>11} {'+-':>5}   {'ratio':>6} {'best':>6}")
    for name in names:
        row = {"row": name}
        for kernel in ("base", "series"):
            values = [boot[name] for boot in boots[kernel] if name in boot]
            if not values:
                row[kernel] = None
                continue
            quarter = statistics.quantiles(values, n=4, method="inclusive") if len(values) > 1 \
                else [values[0]] * 3
            row[kernel] = {"median": statistics.median(values), "values": values,
                           "spread": (quarter[2] - quarter[0]) / 2, "best": min(values)}
        for ratio, of in (("ratio", "median"), ("ratio_of_best", "best")):
            row[ratio] = row["series"][of] / row["base"][of] if row["base"] else None
        factor, other = may[name]
        against = row["ratio_of_best"]
        if other:
            against = row["series"]["best"] / next(
                r for r in table if r["row"] == other)["series"]["best"]
        good = not factor or (against <= factor if factor > 0 else against >= -factor)
        row["limit"] = {"factor": factor, "of": other or "base", "is": against, "good": good}
        table.append(row)
        bad += not good
        cells = "   ".join(f"{shown(name, row[k]['median'])} "
                           f"{100 * row[k]['spread'] / row[k]['median']:4.1f}%"
                           if row[k] else f"{'-':>17}" for k in ("base", "series"))
        ratios = " ".join(f"{row[k]:6.3f}" if row[k] else f"{'-':>6}"
                          for k in ("ratio", "ratio_of_best"))
        note = f"   {against:.2f} times {'idle' if 'flash' in name else 'the first'}" if other else ""
        print(f"{name:44} {cells}   {ratios}{note}"
              + ("" if good else f"   {'ABOVE' if factor > 0 else 'BELOW'} {abs(factor)}"))
    keep(args, table, parts, latencies_of)
    print(f"\n(medians of {args.boots} boots, of one for make, list and remove; +-: half the distance between the quartiles; "
          f"best: ratio of the fastest boots; also in {os.path.relpath(args.json)})")
    return 1 if bad else 0


def keep(args, table, parts, latencies_of):
    """Writes the rows, and with them those of parts that were not run again."""
    config = config_of(args.part)
    trees = {}
    for kernel in latencies_of:
        with open(f"{guest.kernel_dir(kernel, config)}/what", encoding="ascii") as what:
            trees[kernel] = what.read().partition("-")[0]
    for row in table:
        once = parts[row["row"]].startswith(ONCE)
        row.update(part=parts[row["row"]], date=str(datetime.date.today()), trees=trees,
                   boots=1 if once else args.boots)
    old = {"rows": [], "latencies": latencies_of}
    if os.path.exists(args.json):
        with open(args.json, encoding="utf-8") as f:
            old = json.load(f)
    run = set(parts.values())
    rows = table + [row for row in old["rows"] if row["part"] not in run]
    rows.sort(key=lambda row: PARTS.index(row["part"]))
    with open(args.json, "w", encoding="utf-8") as f:
        json.dump({"buckets": BUCKETS, "rows": rows, "latencies":
                   latencies_of if latencies_of["series"] else old["latencies"]}, f)
        f.write("\n")


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--boots", type=int, default=5)
    parser.add_argument("--instances", type=int, default=COUNTS[-1])
    parser.add_argument("--json")
    parser.add_argument("--part", choices=PARTS)
    parser.add_argument("--guest")
    args = parser.parse_args()
    if args.guest == "local_dump":
        print(local_dump())
    elif args.guest in ("commands", "instructions", "parallel"):
        globals()[args.guest]()
    elif args.guest == "throughput":
        dumped_in_qemu()
    elif args.guest and args.guest.startswith("scale_"):
        scale(args.guest.partition("_")[2])
    elif args.guest == "two_lookups":
        two_lookups(args.instances)
    elif args.guest:
        lookups_among(int(args.guest))
    else:
        args.json = args.json or f"{guest.TOP}/docs/bench.json"
        return host(args)
    return 0


if __name__ == "__main__":
    guest.program(main)
