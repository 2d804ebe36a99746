#!/usr/bin/python3
"""What `make bench` and `make run` measure: runs in a guest and prints its rows as JSON.

usage: workloads.py commands|latency|parallel|instances|instructions
       workloads.py scale_KIND
       workloads.py lookups INSTANCES

The time of a row is that of system calls alone.  Many requests go into one of them, so
that what the call itself takes, 50 to 400 us in User Mode Linux, does not count.
"""

import collections
import contextlib
import ctypes
import json
import os
import re
import socket
import statistics
import struct
import subprocess
import sys
import time

TOP = os.path.dirname(os.path.dirname(os.path.dirname(os.path.abspath(__file__))))
sys.path.append(os.path.join(TOP, "tools"))
# pylint: disable=wrong-import-position,wrong-import-order,import-error
import guest  # noqa: E402

sys.path.append(os.path.join(guest.LINUX, "tools", "net", "ynl"))
from pyynl.lib import Netlink, YnlFamily  # noqa: E402
from pyynl.lib.ynl import NlMsg  # noqa: E402

import devlink_requests as requests  # noqa: E402
from bench_rows import INSTANCES, SCALE  # noqa: E402

SPEC = os.path.join(guest.LINUX, "Documentation", "netlink", "specs", "devlink.yaml")
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33     # of asm/socket.h; Python does not have them
CLONE_NEWNET = 0x40000000
NETDEVSIM, DEBUGFS = "/sys/bus/netdevsim", "/sys/kernel/debug/netdevsim"
# Of netdevsim with the series: what devices and ports that are added later have
PORT_FUNCTIONS, PARALLEL_GETTERS = f"{DEBUGFS}/port_functions", f"{DEBUGFS}/parallel_getters"

BATCH = 4000            # requests in a system call
LATENCIES = 2000        # requests one by one
SNAPSHOTS = 16          # the most that a region of netdevsim keeps
CHUNK_MS = 20           # of the 50 chunks of an update of netdevsim
BUDGET, FEWEST = 2.0, 10    # seconds for a row, and the least number of batches


class Devlink(YnlFamily):
    """Messages of devlink's specification."""

    def __init__(self):
        super().__init__(SPEC, schema="", process_unknown=True)
        # The specification leaves it out: its type depends on the parameter.
        attrs = self.attr_sets["devlink"]
        attrs.attrs["param-value-data"] = attrs.new_attr(
            {"name": "param-value-data", "type": "u32"}, attrs["param-value-cmode"].value - 1)

    def message(self, device, request):
        """A request as bytes; without a device it is for all of them."""
        values = dict(request.values)
        if device is not None:
            values = {"bus-name": "netdevsim", "dev-name": f"netdevsim{device}", **values}
        if values.get("health-reporter-name") == requests.PARALLEL \
                and not os.path.exists(PORT_FUNCTIONS):
            values["health-reporter-name"] = "dummy"
        data = self._encode_message(self.ops[request.op], values, [], 0)
        # YNL asks for an ACK after each reply, which would be measured.
        flags = Netlink.NLM_F_REQUEST | {"get": 0, "dump": Netlink.NLM_F_DUMP,
                                         "set": Netlink.NLM_F_ACK}[request.kind]
        return data[:6] + struct.pack("H", flags) + data[8:]

    def messages(self, device, named):
        return {name: self.message(device, request) for name, request in named.items()}


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def add_device(number, ports=0):
    write(f"{NETDEVSIM}/new_device", f"{number} {ports}")


def del_device(number):
    write(f"{NETDEVSIM}/del_device", str(number))


def add_switchdev(number, vfs):
    """A device with two ports and those of VFs."""
    add_device(number, 2)
    write(f"{NETDEVSIM}/devices/netdevsim{number}/sriov_numvfs", str(vfs))
    subprocess.run(["devlink", "dev", "eswitch", "set", f"netdevsim/netdevsim{number}",
                    "mode", "switchdev"], check=True)


def open_socket():
    """A generic netlink socket with room for the replies to a whole batch."""
    sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, Netlink.NETLINK_GENERIC)
    for option in (SO_SNDBUFFORCE, SO_RCVBUFFORCE):
        sock.setsockopt(socket.SOL_SOCKET, option, 256 << 20)
    sock.bind((0, 0))
    return sock


def messages_of(data):
    """(type, bytes) of each message.  YNL cannot read the end of a diagnosis, which has no
    errno."""
    at = 0
    while at < len(data):
        length, kind = struct.unpack_from("IH", data, at)
        yield kind, data[at:at + length]
        at += (length + 3) & ~3


def error_of(kind, message):
    return -struct.unpack_from("i", message, 16)[0] if kind == Netlink.NLMSG_ERROR else 0


def received(sock):
    """The replies that are there, and ACKs"""
    found = []
    while True:
        try:
            data = sock.recv(1 << 20, socket.MSG_DONTWAIT)
        except BlockingIOError:
            return found
        for kind, message in messages_of(data):
            error = error_of(kind, message)
            if error:
                raise OSError(error, os.strerror(error))
            if kind != Netlink.NLMSG_DONE:
                found.append(message)


def ask(message):
    with open_socket() as sock:
        sock.send(message)
        return received(sock)


def batches(message, count):
    """Nanoseconds for each of so many requests in a system call, once per batch."""
    data, end = message * count, time.monotonic() + BUDGET
    number = 0
    while number < FEWEST or time.monotonic() < end:
        # To close the socket is the fast way to discard the replies.
        with open_socket() as sock:
            start = time.perf_counter_ns()
            sock.send(data)
            taken = time.perf_counter_ns() - start
            if not number and len(received(sock)) < count:
                raise SystemExit(f"workloads: fewer replies than {count} requests")
        number += 1
        yield taken / count


def cost(message, count=BATCH):
    """Of the fastest batch: other work of the machine only adds time."""
    return min(batches(message, count))


def dump_cost(message, expected):
    """Nanoseconds for each object of a dump, the fastest of those that fit"""
    taken, end = [], time.monotonic() + BUDGET
    with open_socket() as sock:
        while len(taken) < FEWEST or time.monotonic() < end:
            start = time.perf_counter_ns()
            sock.send(message)
            spent, got, done = time.perf_counter_ns() - start, 0, False
            while not done:
                start = time.perf_counter_ns()
                data = sock.recv(1 << 20)
                spent += time.perf_counter_ns() - start
                for kind, _ in messages_of(data):
                    done = kind == Netlink.NLMSG_DONE
                    got += not done
            if got != expected:
                raise SystemExit(f"workloads: {expected} objects, {got} in the dump")
            taken.append(spent / got)
    return min(taken)


def timed(what, numbers, which):
    """Nanoseconds of one call: the fastest, or the median if it waits for RCU"""
    taken = []
    for number in numbers:
        start = time.perf_counter_ns()
        what(number)
        taken.append(time.perf_counter_ns() - start)
    return which(taken)


def free_memory():
    write("/proc/sys/vm/drop_caches", "3")
    with open("/proc/meminfo", encoding="ascii") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("MemFree"))


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
    global BUDGET, FEWEST       # pylint: disable=global-statement
    BUDGET, FEWEST = 0, 60      # small batches: some meet no interrupt, and no full slab
    add_switchdev(60004, 1)
    return {f"instructions: {name}": cost(message, BATCH // 16)
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
    for callback in ("port_fn_set", "trap_action_set", "trap_policer_set", "region_snapshot",
                     "health_diagnose"):
        write(callbacks, f"{callback} delay_ms 10")
    ports = [devlink.message(device, request) for request in requests.PORT_SETS]
    mixed = ports + [devlink.message(device, request) for request in requests.OTHER_SETS]
    info = ["devlink", "dev", "info", dev]
    alone, eight = "1 command of 10 ms", "8 commands of 10 ms, different objects"
    rows[alone] = in_parallel(ports[:1])
    for count in (2, requests.VFS):
        rows[f"{count} commands of 10 ms, different ports"] = in_parallel(ports[:count])
    # Each round makes a snapshot, and half of the rounds are with info.
    rows[eight] = in_parallel(mixed, SNAPSHOTS // 2)
    rows["8 commands of 10 ms, one port"] = in_parallel(ports[:1] * 8)
    with held(callbacks, "info_get", info):
        rows[f"{eight}, during info"] = in_parallel(mixed, SNAPSHOTS // 2)
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


class NetworkNamespaces:
    """New ones, by number; the process moves between them and its own."""

    def __init__(self):
        self.libc = ctypes.CDLL(None, use_errno=True)
        self.home = os.open("/proc/self/ns/net", os.O_RDONLY)
        self.files = {}

    def _done(self, status, what):
        if status:
            raise OSError(ctypes.get_errno(), what)

    def new(self, number):
        self._done(self.libc.unshare(CLONE_NEWNET), "unshare")
        self.files[number] = os.open("/proc/self/ns/net", os.O_RDONLY)

    def enter(self, number):
        self._done(self.libc.setns(self.files[number], 0), "setns")

    def leave(self):
        self._done(self.libc.setns(self.home, 0), "setns")

    def remove(self, number):
        self.leave()
        os.close(self.files.pop(number))


def lookups(devlink, instances):
    """Nanoseconds of a get by name, alone and among other instances"""
    found = []
    for first, last in ((1, 1), (2, instances)):
        for number in range(first, last + 1):
            add_device(number)
        found.append(cost(devlink.message(last // 2 + 1, requests.get("get"))))
    return found


def instances(devlink):
    """Get requests and dumps among many instances"""
    os.sched_setaffinity(0, {1})
    rows, namespaces, get = {}, NetworkNamespaces(), requests.get("get")
    dump_all = devlink.message(None, requests.dump("get"))

    def dump_of_namespace():
        namespaces.enter(0)
        found = cost(dump_all, BATCH // 4)
        namespaces.leave()
        return found

    namespaces.new(0)
    add_device(60000)
    namespaces.leave()
    rows["dump of a namespace with 1 instance"] = dump_of_namespace()

    free = free_memory()
    made, creating = 0, []
    for count in INSTANCES:
        while made < count:
            made += 1
            start = time.perf_counter_ns()
            add_device(made)
            creating.append(time.perf_counter_ns() - start)
        # The same instance all the time: the others count, cold caches do not.
        rows[f"get by name, {count} instances"] = cost(devlink.message(count // 2 + 1, get))
        if count == 1:
            reply = NlMsg(ask(devlink.message(1, get))[0], 0)
            attrs = devlink.nlproto.decode(devlink, reply, None).raw_attrs
            index = devlink._decode(attrs, "devlink")["index"]
            rows["get by index"] = cost(devlink.message(None, requests.get("get", index=index)))
    rows["create an instance"] = statistics.median(creating)
    rows["memory of an instance"] = (free - free_memory()) / made
    rows[f"the same dump, {made} instances in another namespace"] = dump_of_namespace()
    rows[f"dump of {made}, an instance"] = dump_cost(dump_all, made)
    # The removal of each waits for RCU; the guest ends with the others.
    rows["delete an instance"] = timed(del_device, range(1, 41), statistics.median)
    return rows


class Instances:
    """Devices without ports"""

    def __init__(self, devlink):
        self.dump = devlink.message(None, requests.dump("get"))

    def prepare(self, count):
        """Before there are so many"""

    def make(self, number):
        add_device(number + 1)

    def remove(self, number):
        del_device(number + 1)

    def list(self, count):
        return dump_cost(self.dump, count)


class Ports(Instances):
    """Those of one device, with their netdevs"""

    def __init__(self, devlink):
        super().__init__(devlink)
        add_device(60003)
        self.dump = devlink.message(60003, requests.dump("port-get"))

    def make(self, number):
        write(f"{NETDEVSIM}/devices/netdevsim60003/new_port", str(number))

    def remove(self, number):
        write(f"{NETDEVSIM}/devices/netdevsim60003/del_port", str(number))


class Snapshots(Instances):
    """As many on a device as its region keeps, and on as many devices as it takes"""

    def __init__(self, devlink):
        super().__init__(devlink)
        self.devlink, self.devices = devlink, 0
        self.dump = devlink.message(None, requests.dump("region-get"))

    def prepare(self, count):
        while self.devices * SNAPSHOTS < count:
            add_device(61000 + self.devices)
            self.devices += 1

    def _ask(self, op, number):
        ask(self.devlink.message(61000 + number // SNAPSHOTS, requests.set_(
            op, region_name="dummy", region_snapshot_id=number % SNAPSHOTS)))

    def make(self, number):
        self._ask("region-new", number)

    def remove(self, number):
        self._ask("region-del", number)

    def list(self, count):
        # A reply for each region, with all of its snapshots
        return dump_cost(self.dump, self.devices) * self.devices / count


class Namespaces(Instances):
    """Network namespaces, each with a device"""

    def __init__(self, devlink):
        super().__init__(devlink)
        self.namespaces = NetworkNamespaces()

    def prepare(self, count):
        # The kernel destroys the namespaces that were removed before in the background.
        time.sleep(5)

    def make(self, number):
        self.namespaces.new(number)
        add_device(62000 + number)

    def remove(self, number):
        del_device(62000 + number)
        self.namespaces.remove(number)

    def list(self, count):
        self.namespaces.enter(count // 2)
        return dump_cost(self.dump, 1)


KINDS = {"instance": Instances, "port": Ports, "snapshot": Snapshots, "namespace": Namespaces}


def scale(devlink, kind):
    """Each of few and of many objects"""
    os.sched_setaffinity(0, {1})
    objects, rows = KINDS[kind](devlink), {}
    few, many = SCALE[kind]
    for count in (few, many):
        objects.prepare(count)
        free = free_memory()
        for number in range(count - few):
            objects.make(number)
        if kind == "port" and count > few:
            rows["memory of a port and its netdev"] = (free - free_memory()) / (count - few)
        # The last few, with the others there
        last = range(count - few, count)
        rows[f"make one of {count} {kind}s"] = timed(objects.make, last, min)
        rows[f"list one of {count} {kind}s"] = objects.list(count)
        rows[f"remove one of {count} {kind}s"] = timed(objects.remove, last, statistics.median)
    return rows


def main():
    parts = {"commands": commands, "latency": latency, "parallel": parallel,
             "instances": instances, "instructions": instructions}
    words = sys.argv[1:]
    if len(words) == 2 and words[0] == "lookups" and words[1].isdigit():
        rows = lookups(Devlink(), int(words[1]))
    elif len(words) == 1 and words[0] in parts:
        rows = parts[words[0]](Devlink())
    elif len(words) == 1 and words[0].removeprefix("scale_") in KINDS:
        rows = scale(Devlink(), words[0].removeprefix("scale_"))
    else:
        sys.exit(__doc__)
    print(json.dumps(rows))


if __name__ == "__main__":
    main()
