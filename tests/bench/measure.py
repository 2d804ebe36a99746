# SPDX-License-Identifier: GPL-2.0
"""Messages to devlink, and the time of the system calls that send them.

Many requests go into one system call, so that what the call itself takes, 50 to 400 us in
User Mode Linux, does not count.
"""

import os
import socket
import struct
import sys
import time

import devlink_requests as requests
import guest
import netdevsim

sys.path.append(os.path.join(guest.LINUX, "tools", "net", "ynl"))
# pylint: disable=wrong-import-position,import-error
from pyynl.lib import Netlink, YnlFamily  # noqa: E402
from pyynl.lib.ynl import NlMsg  # noqa: E402

SPEC = os.path.join(guest.LINUX, "Documentation", "netlink", "specs", "devlink.yaml")
SO_SNDBUFFORCE, SO_RCVBUFFORCE = 32, 33     # of asm/socket.h; Python does not have them
BATCH = 4000                # requests in a system call
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
                and not os.path.exists(netdevsim.PORT_FUNCTIONS):
            values["health-reporter-name"] = "dummy"
        data = self._encode_message(self.ops[request.op], values, [], 0)
        # YNL asks for an ACK after each reply, which would be measured.
        flags = Netlink.NLM_F_REQUEST | {"get": 0, "dump": Netlink.NLM_F_DUMP,
                                         "set": Netlink.NLM_F_ACK}[request.kind]
        return data[:6] + struct.pack("H", flags) + data[8:]

    def messages(self, device, named):
        return {name: self.message(device, request) for name, request in named.items()}

    def attribute(self, message, name):
        """An attribute of a reply"""
        attrs = self.nlproto.decode(self, NlMsg(message, 0), None).raw_attrs
        return self._decode(attrs, "devlink")[name]


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


def batches(message, count, budget, fewest):
    """Nanoseconds for each of so many requests in a system call, once per batch"""
    data, end = message * count, time.monotonic() + budget
    number = 0
    while number < fewest or time.monotonic() < end:
        # To close the socket is the fast way to discard the replies.
        with open_socket() as sock:
            start = time.perf_counter_ns()
            sock.send(data)
            taken = time.perf_counter_ns() - start
            if not number and len(received(sock)) < count:
                raise SystemExit(f"workloads: fewer replies than {count} requests")
        number += 1
        yield taken / count


def cost(message, count=BATCH, budget=BUDGET, fewest=FEWEST):
    """Of the fastest batch: other work of the machine only adds time"""
    return min(batches(message, count, budget, fewest))


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
    # The receive queue of a socket is freed after an RCU grace period.
    time.sleep(1)
    netdevsim.write("/proc/sys/vm/drop_caches", "3")
    with open("/proc/meminfo", encoding="ascii") as f:
        return next(int(line.split()[1]) << 10 for line in f if line.startswith("MemFree"))
