#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Run real drivers on models of their hardware (tests/models), base and series.

For each driver, a guest of each kernel runs at the same time.  In a guest, each devlink command
of the driver is a stream: a process that sends the command repeatedly through one socket.
Setting links up and down, VLANs, FDB entries and events of the model are streams also.

    callback   one slow callback runs; get requests for core state must not wait for it
    commands   all streams that neither add nor remove objects of devlink
    changes    also reload, moves to a netns, unbind and bind, firmware that dies, accesses
               that fail
    faults     the same, with allocations that fail: only reports of the kernel and streams that
               are stuck count; not with --short

Then all kernels run the reproducers of bugs.  Without --short, the last kernel gets malformed
messages from three processes (devlink_fuzz.py of the series), all commands at random
(devlink_torture.sh), and probes in which an allocation fails.

The table shows for each stream how often it ran per second, and its longest time.
A kernel other than the first one fails if

  - the kernel reports an error, or the guest ends early;
  - a stream has not ended a minute after its phase, unless the driver is known to hang;
  - in "callback", a get request takes longer than half of the callback;
  - a stream is slower than in the first kernel: its average time is more than SLOWER times as
    long, and longer by more than ERRORS standard errors and by more than LEAST seconds.

Times also differ by chance, so the last two count only if a second run has them also.  The option
--kernels series,series shows the size of this effect.  A kernel is `base`, `series` or a commit of
build/linux: `make kernel KERNEL=commit CONFIG=lockdep` builds it.  With kasan, all commands are
slower, and no times are compared.
"""

import concurrent.futures
import contextlib
import copy
import ctypes
import dataclasses
import datetime
import fcntl
import functools
import json
import math
import os
import random
import re
import resource
import select
import shutil
import signal
import socket
import struct
import subprocess
import sys
import threading
import time
import zlib

import guest
import kernel_log
import ksft
from options import Parser

sys.path.append(os.path.join(guest.LINUX, "tools", "net", "ynl"))
# pylint: disable=wrong-import-order,import-error
from pyynl.lib import YnlFamily, Netlink, NlError
from pyynl.lib.ynl import NlAttrs, NlMsg

SELFTESTS = os.path.join(guest.LINUX, "tools", "testing", "selftests", "drivers", "net",
                         "netdevsim")
SPECS = os.path.join(guest.LINUX, "Documentation", "netlink", "specs")
DOCS = os.path.join(guest.TOP, "docs", "models.md")
INTRODUCTION = """# The last `make models` of each driver

Unmodified drivers on models of their hardware (`tests/models/`), base and series, in
guests of User Mode Linux with lockdep and slab poisoning. `make models DRIVER=name` repeats
one. A row is a process that sends a command, waits for 50 ms, and sends it again, so the
maximum is 20 per second. *each s*: how often the command succeeded per second. *worst s*: the
longest time of one command, in seconds. *STUCK*: the command had not ended a minute after the
phase. *-*: the guest ended before it had a result.

The phases run one after the other. *callback*: one slow callback runs. *commands*: no
objects are added or removed. *changes*: also reload, unbinding, and devices that die. If
firmware is dead while a driver is bound, the worst time can include a wait of the driver
for it, such as 10 s in `fbnic_mbx_poll_tx_ready()`. *faults*: the same, with allocations
that fail. The lines after the phases count the most frequent errors of commands. *known*: a
report of the kernel that does not count, and the reason. Then each reproducer of a bug has
two lines. The base can pass a reproducer by chance. In *changes*, a kernel that reloads more often
can serve fewer requests. The head of `tools/models.py` says what passes and what fails.

Not modelled, by an estimate from the drivers' source: mlx5 (some 40 commands with
capability tables, event queues, flow steering, and SR-IOV, which this PCI bus does not have:
more than 2000 lines), mlxsw (5 queues by DMA, and some 330 accesses to registers: up to 1000
lines), ice and nfp (large firmware interfaces), ionic (some 250 lines, less to learn than
from pds_core), hinic (cannot be built for User Mode Linux).
"""
SECONDS = {"callback": 8, "commands": 40, "changes": 40, "faults": 20}
SHORT = {"callback": 4, "commands": 11, "changes": 9}
PAUSE = 0.05            # after each command: without it, get requests would use a whole CPU
GRACE = 60              # seconds after a phase until a stream is stuck
LOAD = 120              # seconds until the driver must have registered its device
SLOWER, ERRORS, LEAST = 1.5, 4, 0.02
FEWEST = 5              # runs of a stream in a phase that are enough to compare
CALLBACK = 2.0          # seconds that the slow callback must take

FUZZERS, MESSAGES = 3, 4000
PROBES = 60             # seconds for probes in which an allocation fails
TORTURE = 60            # seconds of devlink_torture.sh
LISTENERS, REMOVALS = 2000, 6
CALM = 20               # seconds until a command hangs, or a device that died was reset
FAILSLAB = "/sys/kernel/debug/failslab"
# As `known` of a driver, for all drivers.
KNOWN = {r"\bunregister_irq_proc\+0x": "removes a file of /proc/irq that could not be allocated",
         r"^ref_tracker: memory allocation failure":
             "an allocation failed in a tracker of references"}

NLMSG_HDRLEN = 16
AF_BRIDGE, NUD_NOARP, NTF_MASTER = 7, 0x40, 0x4
IFLA_AF_SPEC, IFLA_BRIDGE_VLAN_INFO = 26, 2
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 1
CLONE_NEWNET = 0x40000000
# Attributes of a parameter's value, which the netlink specification does not have.
VALUES, VALUE, VALUE_DATA, VALUE_CMODE = 84, 85, 86, 87
CMODE_DRIVERINIT = 1


@dataclasses.dataclass
class Driver:
    """The data of a driver that the guest cannot discover."""
    device: str                 # bus/name, as devlink has it
    driver: str                 # in /sys/bus/BUS/drivers
    modules: tuple              # to load first
    model: str = ""             # the module of the model, with parameters
    before: tuple = ()          # commands before the modules are loaded
    after: tuple = ()           # commands after the driver has registered its device
    delay: int = 0              # microseconds for each command of the model
    slow: str = ""              # the stream with the slow callback
    slow_delay: int = 0         # the delay with which it takes at least CALLBACK seconds
    gets: tuple = ()            # streams that are get requests of core state in this driver
    flash: str = ""             # a file for flash
    files: dict = dataclasses.field(default_factory=dict)       # firmware
    values: dict = dataclasses.field(default_factory=dict)      # to set, by parameter
    bridge: bool = False        # ports can be in a bridge
    # {parameter of the model: (value, value that is written half a second later)}
    deaths: dict = dataclasses.field(default_factory=dict)
    bugs: dict = dataclasses.field(default_factory=dict)        # function of the guest, by title
    kasan: dict = dataclasses.field(default_factory=dict)       # the same, only KASAN sees them
    known: dict = dataclasses.field(default_factory=dict)       # reports (regular expression: why)
    hangs: str = ""             # a bug of base and series that can make tasks hang


def pldm(vendor, device, component, data):
    """A PLDM package for a PCI device: header, the device, one component, checksum, data."""
    name = b"1"
    descriptors = struct.pack("<HHHHHH", 0, 2, vendor, 0x100, 2, device)
    record = struct.pack("<BIBBHB", 2, 0, 1, len(name), 0, 1) + name + descriptors
    record = struct.pack("<BH", 1, len(record) + 2) + record
    size = 36 + len(name) + len(record) + 24 + len(name) + 4
    header = bytes.fromhex("f018878ccb7d49439800a02f059aca02") + b"\1" + \
        struct.pack("<H13xHBB", size, 8, 1, len(name)) + name
    info = struct.pack("<HHHIHHIIBB", 1, 10, component, 0, 0, 0, size, len(data), 1, len(name))
    head = header + record + info + name
    return head + struct.pack("<I", zlib.crc32(head)) + data


PRESTERA_FIRMWARE = struct.pack(">II", 0x351d9d06, 4001000) + bytes(8 + 3000)
ZL3073X_FIRMWARE = "".join(
    f"{name} {words}\n" + "00000000\n" * words
    for name, words in (("utility", 64), ("firmware1", 64), ("firmware2", 16), ("config0", 16))
).encode()

DRIVERS = {
    "mv88e6xxx": Driver(
        device="mdio_bus/model-0:00", driver="mv88e6085", modules=("tag_dsa", "mv88e6xxx"),
        model="mv88e6xxx_model conduit=conduit",
        before=("ip link add conduit type dummy", "ip link set conduit up"),
        delay=50, slow="region pvt", slow_delay=1000, bridge=True,
        values={"ATU_hash": (b"\0", b"\1", b"\2", b"\3")},
        bugs={"read error in a snapshot of the PVT": "read_error"},
        kasan={"snapshot of a full ATU": "full_table"},
        known={r"\b_?phy_state_machine\+0x": "phylib reports each access of a PHY that fails"}),
    "prestera": Driver(
        device="pci/0000:00:00.0", driver="Prestera DX", modules=("prestera", "prestera_pci"),
        model="prestera_model", delay=1000, slow="traps, dump", slow_delay=50000, bridge=True,
        deaths={"dead": (1, 0)},
        known={r"\b__prestera_router_fib_event\+0x":
               "the driver warns of a route that it cannot add"},
        files={"mrvl/prestera/mvsw_prestera_fw-v4.1.img": PRESTERA_FIRMWARE}),
    "pds_core": Driver(
        device="pci/0000:00:00.0", driver="pds_core", modules=("pds_core",),
        model="pds_core_model", delay=1000, slow="flash", slow_delay=50000, flash="dummy",
        deaths={"dead": (1, 0)},
        known={r"\bpdsc_intr_alloc(\.cold)?\+0x": "a small one in docs/known-bugs.md"},
        bugs={"removal during a health report": "removal_in_report"}),
    "zl3073x": Driver(
        device="i2c/0-0070", driver="zl3073x-i2c", modules=("zl3073x_i2c",),
        model="zl3073x_model", delay=50, slow="flash", slow_delay=1500, gets=("params, dump",),
        flash="zl3073x", files={"zl3073x": ZL3073X_FIRMWARE}),
    "dsa_loop": Driver(
        device="mdio_bus/fixed-0:1f", driver="dsa-loop", modules=("tag_none", "dsa_loop"),
        before=("ip link add eth0 type dummy", "ip link set eth0 up"), bridge=True,
        known={r"\bdsa_register_switch\+0x": "a small one in docs/known-bugs.md"}),
    "bnxt": Driver(
        device="pci/0000:00:00.0", driver="bnxt_en", modules=("bnxt_en",), model="bnxt_model",
        delay=1000, slow="flash", slow_delay=150000, flash="bnxt", deaths={"die": (2, None)},
        files={"bnxt": bytes(4 << 20)}, hangs="2 in docs/known-bugs.md",
        bugs={"diagnosis of an error that the driver has not noticed": "diagnose_hangs",
              "update, the response is poisoned": "flash_works",
              "reload that activates a live patch": "live_patch"},
        known={r"net/devlink/dev\.c:\d+ at devlink_reload\+":
               "its port is registered during a reload"},
        values={name: tuple(struct.pack("=I", n) for n in numbers) for name, numbers in
                (("msix_vec_per_pf_max", (16, 64)), ("msix_vec_per_pf_min", (4, 8)))}),
    "fbnic": Driver(
        device="pci/0000:00:00.0", driver="fbnic", modules=("fbnic",), model="fbnic_model",
        delay=1000, slow="dump fw", slow_delay=400000, flash="fbnic",
        files={"fbnic": pldm(0x1d9b, 0x13, 1, bytes(100000))}, deaths={"dead": (1, 0)}),
    "ena": Driver(
        device="pci/0000:00:00.0", driver="ena", modules=("ena",), model="ena_model",
        delay=1000, values={"enable_phc": (True,)}, deaths={"dead": (1, 0)},
        known={r"\bena_device_init\+0x(.|\n)*\bena_probe\+0x": "a small one in docs/known-bugs.md",
               r" at free_irq\+0x(.|\n)*\bena_up\+0x": "a small one in docs/known-bugs.md"},
        bugs={"reload without a PTP clock": "reload_hangs", "removal after a reload": "removal",
              "removal after a reset that failed": "clock_stays"}),
}


# -- inside the guest ---------------------------------------------------------------

class Family(YnlFamily):
    """A netlink family of a specification.  YNL encodes requests.  Replies are only decoded on
    demand, and may have attributes that the specification lacks."""

    def __init__(self, name):
        super().__init__(os.path.join(SPECS, f"{name}.yaml"), schema="", process_unknown=True)
        # The specifications lack values of any type, and VLANs of a bridge port.
        for family, attrs, attr, number in (("devlink", "devlink", "param-value-data", VALUE_DATA),
                                            ("rt-link", "link-attrs", "af-spec", IFLA_AF_SPEC)):
            if family == name:
                attrs = self.attr_sets[attrs]
                attrs.attrs[attr] = attrs.new_attr({"name": attr, "type": "binary"}, number)

    def reopen(self):
        """Opens another socket, for a process that was forked or is in another netns."""
        # pylint: disable-next=attribute-defined-outside-init  # YnlFamily defines it
        self.sock = socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, self.nlproto.proto_num)
        for option in (Netlink.NETLINK_CAP_ACK, Netlink.NETLINK_EXT_ACK,
                       Netlink.NETLINK_GET_STRICT_CHK):
            self.sock.setsockopt(Netlink.SOL_NETLINK, option, 1)

    def ask(self, name, *flags, **values):
        """Sends a request and returns the replies, not decoded."""
        values = {key.replace("_", "-"): value for key, value in values.items()}
        number = random.randrange(1, 1 << 31)
        self.sock.send(self._encode_message(self.ops[name], values, flags, number))
        replies = []
        while True:
            data, start = self.sock.recv(1 << 18), 0
            while start < len(data):
                length, kind, _, answers = struct.unpack_from("IHHI", data, start)
                if answers == number:
                    # The last message of a diagnosis has no errno.
                    if kind == Netlink.NLMSG_DONE and length == NLMSG_HDRLEN:
                        return replies
                    message = NlMsg(data, start)
                    if message.error:
                        raise NlError(message)
                    if message.done:
                        return replies
                    replies.append(message)
                start += (length + 3) & ~3

    def find(self, name, *flags, **values):
        """Sends a request and returns the decoded replies."""
        op = self.ops[name]
        return [self._decode(self.nlproto.decode(self, reply, op).raw_attrs, op.attr_set.name)
                for reply in self.ask(name, *flags, **values)]


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def shell(command):
    if os.system(command):
        sys.exit(f"models: '{command}' failed")


def set_up(name, up):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        request = struct.pack("16sh14x", name.encode(), 0)
        flags = struct.unpack("16sh14x", fcntl.ioctl(sock, SIOCGIFFLAGS, request))[1]
        flags = flags | IFF_UP if up else flags & ~IFF_UP
        fcntl.ioctl(sock, SIOCSIFFLAGS, struct.pack("16sh14x", name.encode(), flags))


@dataclasses.dataclass
class Stream:
    """kind: get (of core state), command, slow (the callback of the first phase), change."""
    name: str
    kind: str
    call: object
    pause: float = PAUSE


class Device:
    """A device of a driver in this guest, and its streams."""

    def __init__(self, driver):
        self.driver = driver
        bus, name = driver.device.split("/", 1)
        self.name = name
        self.handle = {"bus-name": bus, "dev-name": name}
        self.sysfs = f"/sys/bus/{bus.removesuffix('_bus')}/drivers/{driver.driver}"
        if not os.path.exists(self.sysfs):
            self.sysfs = f"/sys/bus/{bus}/drivers/{driver.driver}"
        self.parameters = f"/sys/module/{driver.model.split(' ')[0]}/parameters"
        self.devlink = Family("devlink")
        self.link, self.neighbour, self.bridged = None, None, ""
        self.streams = []

    def reopen(self):
        for family in (self.devlink, self.link, self.neighbour):
            if family:
                family.reopen()

    def ask(self, command, *flags, **values):
        return self.devlink.ask(command, *flags, **self.handle, **values)

    def dump(self, command, **values):
        return self.ask(command, Netlink.NLM_F_DUMP, **values)

    def find(self, command, *flags, **values):
        try:
            return self.devlink.find(command, *flags, **self.handle, **values)
        except NlError:
            return []

    def model(self, parameter, value):
        write(f"{self.parameters}/{parameter}", str(value))

    def model_says(self, parameter):
        with open(f"{self.parameters}/{parameter}", encoding="ascii") as f:
            return f.read()

    def delay(self, microseconds):
        if self.driver.model:
            self.model("delay", microseconds)

    def add(self, name, kind, call, probe=True, **more):
        """Adds a stream, unless the driver lacks the command."""
        if probe:
            try:
                call()
            except NlError as error:
                if error.error == 95:           # EOPNOTSUPP
                    return
            if name in self.driver.gets:
                kind = "get"
        self.streams.append(Stream(name, kind, call, **more))

    def discover(self):
        ask, dump, every = self.ask, self.dump, Netlink.NLM_F_DUMP
        self.add("dev", "get", lambda: ask("get"))
        self.add("dev, dump", "get", lambda: self.devlink.ask("get", every))
        self.add("info", "command", lambda: ask("info-get"))
        self.add("resources", "command", lambda: ask("resource-dump"))
        if any("eswitch-mode" in reply for reply in self.find("eswitch-get")):
            self.add("eswitch", "command", lambda: ask("eswitch-get"))
        self.add("selftests", "command", lambda: ask("selftests-get"))
        for command, name in (("rate-get", "rates, dump"), ("sb-get", "shared buffers, dump"),
                              ("linecard-get", "line cards, dump")):
            if self.find(command, every):
                self.add(name, "get", functools.partial(dump, command))
        self.discover_ports()
        self.discover_regions()
        self.discover_reporters()
        self.discover_traps()
        self.discover_params()
        if self.driver.flash:
            self.add("flash", "command", lambda: ask("flash-update",
                                                     flash_update_file_name=self.driver.flash))
        self.discover_changes()
        for stream in self.streams:
            if stream.name == self.driver.slow:
                return
        if self.driver.slow:
            sys.exit(f"models: there is no command '{self.driver.slow}'")

    def discover_ports(self):
        ports = self.find("port-get", Netlink.NLM_F_DUMP)
        if ports:
            index = ports[0]["port-index"]
            self.add("port", "get", lambda: self.ask("port-get", port_index=index))
            self.add("ports, dump", "get", lambda: self.dump("port-get"))
        names = [port["port-netdev-name"] for port in ports if "port-netdev-name" in port]
        if not names:
            with contextlib.suppress(FileNotFoundError):
                names = os.listdir(f"{self.sysfs}/{self.name}/net")
        if not names:
            return
        self.link = Family("rt-link")
        self.add("link up, down", "command", functools.partial(up_and_down, names[0]))
        if not self.driver.bridge:
            return
        self.neighbour = Family("rt-neigh")
        shell("ip link add br0 type bridge vlan_filtering 1 && ip link set br0 up")
        self.bridged = names[1]
        self.fill_bridge()
        self.add("FDB entry", "command", functools.partial(self.fdb, names[1]))
        self.add("VLAN", "command", functools.partial(self.vlan, names[1]))
        self.add("bridge port", "command", functools.partial(self.join, names[2]))
        # Frames last: in 7.3, they make lockdep report prestera and switch itself off.
        for what, kind in (("learn", "command"), ("frames", "change")):
            if os.path.exists(f"{self.parameters}/{what}"):
                self.add(what, kind, functools.partial(self.model, what, 16), probe=False)

    def fdb(self, port):
        mac = bytes([2, 0, 1, 0]) + random.randrange(1 << 16).to_bytes(2, "big")
        entry = {"ndm-family": AF_BRIDGE, "ndm-ifindex": socket.if_nametoindex(port),
                 "ndm-state": NUD_NOARP, "ndm-flags": NTF_MASTER, "lladdr": mac}
        self.neighbour.ask("newneigh", Netlink.NLM_F_CREATE, **entry)
        self.neighbour.ask("delneigh", **entry)

    def vlan(self, port):
        vlan = {"ifi-family": AF_BRIDGE, "ifi-index": socket.if_nametoindex(port),
                "af-spec": struct.pack("HHHH", 8, IFLA_BRIDGE_VLAN_INFO, 0,
                                       random.randrange(2, 4000))}
        self.link.ask("setlink", **vlan)
        self.link.ask("dellink", **vlan)

    def join(self, port):
        self.link.ask("setlink", ifname=port, master=socket.if_nametoindex("br0"))
        self.link.ask("setlink", ifname=port, master=0)

    def fill_bridge(self):
        set_up(self.bridged, True)
        self.link.ask("setlink", ifname=self.bridged, master=socket.if_nametoindex("br0"))

    def discover_regions(self):
        regions = self.find("region-get", Netlink.NLM_F_DUMP)
        if not regions:
            return
        self.add("regions, dump", "get", lambda: self.dump("region-get"))
        seen = set()
        for region in regions:
            port = {"port-index": region["port-index"]} if "port-index" in region else {}
            if (region["region-name"], bool(port)) in seen:
                continue
            seen.add((region["region-name"], bool(port)))
            self.add(f"{'port ' if port else ''}region {region['region-name']}", "command",
                     functools.partial(self.snapshot,
                                       {"region-name": region["region-name"], **port}))

    def snapshot(self, region):
        number = self.devlink.find("region-new", **self.handle, **region)[0]["region-snapshot-id"]
        try:
            self.dump("region-read", region_snapshot_id=number, **region)
        finally:
            self.ask("region-del", region_snapshot_id=number, **region)

    def discover_reporters(self):
        reporters = self.find("health-reporter-get", Netlink.NLM_F_DUMP)
        if reporters:
            self.add("reporters, dump", "get", lambda: self.dump("health-reporter-get"))
        for reporter in reporters:
            name = reporter["health-reporter"]["health-reporter-name"]
            one = functools.partial(self.ask, health_reporter_name=name)
            self.add(f"diagnose {name}", "command",
                     functools.partial(one, "health-reporter-diagnose"))
            self.add(f"dump {name}", "command",
                     functools.partial(self.fresh_dump, {"health-reporter-name": name}))
            self.add(f"test {name}", "command", functools.partial(one, "health-reporter-test"))
            self.add(f"set {name}", "command",
                     lambda one=one: one("health-reporter-set",
                                         health_reporter_auto_recover=1))
            self.add(f"recover {name}", "change", functools.partial(one, "health-reporter-recover"),
                     pause=0.2)

    def fresh_dump(self, reporter):
        self.dump("health-reporter-dump-get", **reporter)
        self.ask("health-reporter-dump-clear", **reporter)

    def discover_traps(self):
        groups = self.find("trap-group-get", Netlink.NLM_F_DUMP)
        traps = self.find("trap-get", Netlink.NLM_F_DUMP)
        policers = self.find("trap-policer-get", Netlink.NLM_F_DUMP)
        if groups:
            self.add("trap groups, dump", "get", lambda: self.dump("trap-group-get"))
        if traps:
            drop = next((trap for trap in traps if trap["trap-type"] in (0, "drop")), traps[0])
            name = drop["trap-name"]
            self.add("trap", "command", lambda: self.ask("trap-get", trap_name=name))
            self.add("traps, dump", "command", lambda: self.dump("trap-get"))
            self.add("trap set", "command", lambda: self.ask(
                "trap-set", trap_name=name, trap_action=random.randrange(2)))
            group = drop["trap-group-name"]
            self.add("trap group set", "command", lambda: self.ask(
                "trap-group-set", trap_group_name=group, trap_action=random.randrange(2)))
        if policers:
            one = {"trap-policer-id": policers[0]["trap-policer-id"]}
            self.add("policer", "command", lambda: self.ask("trap-policer-get", **one))
            self.add("policer set", "command", lambda: self.ask(
                "trap-policer-set", **one, trap_policer_rate=policers[0]["trap-policer-rate"]))

    def discover_params(self):
        params = self.find("param-get", Netlink.NLM_F_DUMP)
        if not params:
            return
        self.add("params, dump", "command", lambda: self.dump("param-get"))
        for param in params:
            param = param["param"]
            for value in NlAttrs(param.get(f"UnknownAttr({VALUES})", b"")):
                found = {attr.type: attr.raw for attr in NlAttrs(value.raw)}
                data = found.get(VALUE_DATA)
                boolean = param["param-type"] in (6, "flag")
                now = data if not boolean else data is not None
                values = self.driver.values.get(param["param-name"],
                                                (True, False) if boolean else (now,))
                self.add(f"set {param['param-name']}", "command",
                         functools.partial(self.set_param, param, found[VALUE_CMODE][0], values))
                break

    def set_param(self, param, cmode, values):
        value = random.choice(values)
        data = {} if value is False else {"param-value-data": b"" if value is True else value}
        self.ask("param-set", param_name=param["param-name"], param_type=param["param-type"],
                 param_value_cmode=cmode, **data)

    def discover_changes(self):
        stats = self.find("get")[0].get("dev-stats", {}).get("reload-stats", {})
        info = stats.get("reload-action-info", [])
        for action in info if isinstance(info, list) else [info]:
            action = action["reload-action"]
            self.add(f"reload {action}", "change",
                     functools.partial(self.ask, "reload", reload_action=action), pause=0.5)
            if "reinit" in str(action):
                self.add("move to a netns and back", "change", self.move, pause=1)
        self.add("unbind, bind", "change", self.bind, probe=False, pause=0.5)
        for parameter, values in self.driver.deaths.items():
            self.add("firmware dies", "change", functools.partial(self.change, parameter, *values),
                     probe=False, pause=2)
        if self.driver.model:
            self.add("accesses fail", "change", functools.partial(self.change, "fail", 97, 0),
                     probe=False, pause=2)

    def move(self):
        """Moves with the socket of this process, and back with a socket of the other netns."""
        libc = ctypes.CDLL(None, use_errno=True)
        with open("/proc/self/ns/net", "rb") as here:
            if libc.unshare(CLONE_NEWNET):
                raise OSError(ctypes.get_errno(), "unshare")
            with open("/proc/self/ns/net", "rb") as there:
                back = copy.copy(self.devlink)
                back.reopen()
                libc.setns(here.fileno(), CLONE_NEWNET)
                self.ask("reload", netns_fd=there.fileno())
                try:
                    back.ask("reload", **self.handle, netns_fd=here.fileno())
                finally:
                    back.sock.close()

    def bind(self):
        if os.path.exists(f"{self.sysfs}/{self.name}"):
            write(f"{self.sysfs}/unbind", self.name)
            time.sleep(random.random() / 4)
        write(f"{self.sysfs}/bind", self.name)
        if self.bridged:
            self.fill_bridge()

    def change(self, parameter, value, back):
        self.model(parameter, value)
        time.sleep(0.5)
        if back is not None:
            self.model(parameter, back)


def up_and_down(name):
    set_up(name, True)
    set_up(name, False)


def read_error(device):
    """One access in the middle of the snapshot fails, so the snapshot must fail."""
    device.model("fail", 700)
    device.model("commands", 0)
    try:
        device.ask("region-new", region_name="pvt")
    except NlError as error:
        return "" if error.error == 5 else str(error)
    finally:
        device.model("fail", 0)
    return "the snapshot was taken in spite of the error"


def full_table(device):
    """More addresses than there are databases: 4096, for which 64 KiB are allocated."""
    device.delay(0)
    device.model("learn", 8000)
    device.snapshot({"region-name": "atu"})
    return ""


def flash_works(device):
    device.ask("flash-update", flash_update_file_name=device.driver.flash)
    return ""


def live_patch(device):
    """The model has a live patch that is not active."""
    device.ask("reload", reload_action="fw-activate", reload_limits={"value": 2, "selector": 2})
    return ""


def removal_in_report(device):
    """A notification to many sockets takes so long that the removal can free the reporter
    during it.  The driver reads the status every 5 s and then reports."""
    resource.setrlimit(resource.RLIMIT_NOFILE, (LISTENERS + 100, LISTENERS + 100))
    group = device.devlink.nlproto.get_mcast_id("config", device.devlink.mcast_groups)
    listeners = []
    for _ in range(LISTENERS):
        listeners.append(socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, Netlink.NETLINK_GENERIC))
        listeners[-1].bind((0, 0))
        listeners[-1].setsockopt(Netlink.SOL_NETLINK, Netlink.NETLINK_ADD_MEMBERSHIP, group)
    device.delay(0)
    for attempt in range(REMOVALS):
        device.model("status_delay", 1000000)
        device.model("dead", 1)
        device.model("status_reads", 0)
        while not int(device.model_says("status_reads")):
            time.sleep(0.001)
        time.sleep(0.98 - 0.03 * attempt)
        threading.Timer(0.2, lambda: (device.model("dead", 0),
                                      device.model("status_delay", 0))).start()
        write(f"{device.sysfs}/unbind", device.name)
        time.sleep(0.5)
        write(f"{device.sysfs}/bind", device.name)
    return ""


def hangs(device, command, **values):
    """Whether a command does not return."""
    if not os.fork():
        device.reopen()
        with contextlib.suppress(NlError):
            device.ask(command, **values)
        os._exit(0)
    for _ in range(CALM * 10):
        time.sleep(0.1)
        if os.waitpid(-1, os.WNOHANG)[0]:
            return ""
    return f"{command} hangs"


def diagnose_hangs(device):
    """The interface is down, so the driver does not poll the status."""
    device.model("die", 5)
    return hangs(device, "health-reporter-diagnose", health_reporter_name="fw")


def reload_hangs(device):
    """The parameter enable_phc is not set, which is the default."""
    return hangs(device, "reload")


def with_clock(device):
    for param in (param["param"] for param in device.find("param-get", Netlink.NLM_F_DUMP)):
        device.set_param(param, CMODE_DRIVERINIT, (True,))
    device.ask("reload")
    if not os.listdir("/sys/class/ptp"):
        sys.exit("models: a reload with enable_phc does not add a PTP clock")


def removal(device):
    with_clock(device)
    write(f"{device.sysfs}/unbind", device.name)
    return ""


def clock_stays(device):
    """The device does not respond to the reset, which its death causes."""
    with_clock(device)
    device.model("dead", 2)
    time.sleep(CALM)
    write(f"{device.sysfs}/unbind", device.name)
    return "the PTP clock exists after the removal" if os.listdir("/sys/class/ptp") else ""


def probe_faults(device):
    """One allocation fails in each probe: each of the first ones, and then at growing
    distances."""
    device.delay(0)
    for file, value in (("ignore-gfp-wait", "N"), ("verbose", 0)):
        write(f"{FAILSLAB}/{file}", str(value))
    number, end = 1, time.monotonic() + PROBES
    write(f"{device.sysfs}/unbind", device.name)
    with open(f"{device.sysfs}/bind", "wb", buffering=0) as bind:
        while time.monotonic() < end:
            with open("/proc/self/fail-nth", "r+b", buffering=0) as nth:
                nth.write(b"%d" % number)
                with contextlib.suppress(OSError):
                    bind.write(device.name.encode())
                left = int(os.pread(nth.fileno(), 32, 0))
                nth.write(b"0")
            if os.path.exists(f"{device.sysfs}/{device.name}"):
                write(f"{device.sysfs}/unbind", device.name)
            if left:
                break
            number += 1 + number // 20
    return ""


def torture(device):
    """All commands at random and concurrently, with readers that check their replies."""
    if device.driver.flash:
        shutil.copy(f"/lib/firmware/{device.driver.flash}", "/lib/firmware/devlink_torture")
    device.delay(device.driver.delay)
    result = subprocess.run([f"{SELFTESTS}/devlink_torture.sh", "-D", device.driver.device,
                             "-t", str(TORTURE), "-s", "1", "-w", str(GRACE)],
                            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                            check=False)
    print(result.stdout)
    said = re.findall(r"^(?:# FAIL after|1\.\.0 # SKIP).*", result.stdout, re.M)
    return (said or ["it fails"])[0] if result.returncode else ""


def fuzz(device):
    """Sends malformed messages from several processes."""
    device.delay(0)
    # pylint: disable-next=consider-using-with
    running = [subprocess.Popen([f"{SELFTESTS}/devlink_fuzz.py", "--device", device.driver.device,
                                 "-s", str(seed), "-n", str(MESSAGES)],
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
               for seed in range(FUZZERS)]
    bad = []
    for process in running:
        output = process.communicate()[0]
        if process.returncode:
            bad += re.findall(r"^(?:not ok|Bail|# ).*", output, re.M) or output.splitlines()[-1:]
    return "; ".join(bad)


def run_stream(device, stream, begin, seconds, faults):
    """Runs a stream in a process of its own, and returns counts and times."""
    device.reopen()
    if faults:
        write("/proc/self/make-it-fail", "1")
    seen = {"n": 0, "total": 0.0, "squares": 0.0, "worst": 0.0, "errors": {}}
    os.read(begin, 1)
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        start = time.monotonic()
        try:
            stream.call()
            took = time.monotonic() - start
            seen["n"] += 1
            seen["total"] += took
            seen["squares"] += took * took
        except (NlError, OSError) as error:
            took = time.monotonic() - start
            said = str(error)[:80]
            seen["errors"][said] = seen["errors"].get(said, 0) + 1
        seen["worst"] = max(seen["worst"], took)
        time.sleep(stream.pause * (0.5 + random.random()))
    return seen


def run_phase(device, streams, seconds, faults):
    """{stream: its counts and times, or the stack where it is stuck}"""
    results, running = {}, {}
    # All streams begin when this end is closed.
    begin, begun = os.pipe()
    for stream in streams:
        ours, theirs = os.pipe()
        pid = os.fork()
        if not pid:
            os.close(begun)
            try:
                os.write(theirs, json.dumps(run_stream(device, stream, begin, seconds,
                                                        faults)).encode())
            finally:
                os._exit(0)
        os.close(theirs)
        running[ours] = (stream.name, pid)
    os.close(begin)
    os.close(begun)
    end = time.monotonic() + seconds + GRACE
    while running:
        for pipe in select.select(list(running), [], [], 1)[0]:
            name, pid = running.pop(pipe)
            results[name] = json.loads(os.read(pipe, 1 << 16) or '{"stuck": "it died"}')
            os.close(pipe)
            os.waitpid(pid, 0)
        for pipe, (name, pid) in list(running.items()) if time.monotonic() > end else ():
            with open(f"/proc/{pid}/stack", encoding="ascii") as f:
                stack = f.read()
            # A process in user space, or one that exits, is slow but not stuck.
            if stack and "do_exit" not in stack:
                results[name] = {"stuck": stack}
                del running[pipe]
                os.kill(pid, signal.SIGKILL)
    return {stream.name: results[stream.name] for stream in streams}


def load(driver):
    for name, contents in driver.files.items():
        path = f"/lib/firmware/{name}"
        os.makedirs(os.path.dirname(path), exist_ok=True)
        with open(path, "wb") as f:
            f.write(contents)
    for command in driver.before:
        shell(command)
    for module in driver.modules + ((driver.model,) if driver.model else ()):
        shell(f"modprobe {module}")
    device, end = Device(driver), time.monotonic() + LOAD
    while not device.find("get"):
        if time.monotonic() > end:
            sys.exit(f"models: {driver.device} is not registered after {LOAD} s")
        time.sleep(0.1)
    for command in driver.after:
        shell(command)
    return device


def in_guest(name, seconds, bug):
    """Prints a line of JSON for each phase, or the result of the reproducer of a bug."""
    driver = DRIVERS[name]
    # Several guests share the processors of the machine: a guest may get none for a while.
    write("/sys/module/rcupdate/parameters/rcu_cpu_stall_timeout", str(GRACE))
    device = load(driver)
    if bug:
        why = globals()[bug](device)
        print(why)
        return int(bool(why))
    device.discover()

    def phase(what, streams):
        results = run_phase(device, streams, seconds[what], what == "faults")
        with open("/proc/lockdep_stats", encoding="ascii") as f:
            lockdep = bool(re.search(r"debug_locks: +1", f.read()))
        print(json.dumps({"phase": what, "results": results, "lockdep": lockdep}), flush=True)
        return not any("stuck" in result for result in results.values())

    gets = [stream for stream in device.streams if stream.kind == "get"]
    slow = [stream for stream in device.streams if stream.name == driver.slow]
    commands = [stream for stream in device.streams if stream.kind == "command"]
    device.delay(driver.slow_delay)
    if slow and not phase("callback", gets + slow):
        return 1
    device.delay(driver.delay)
    if not phase("commands", gets + commands):
        return 1
    if not phase("changes", device.streams):
        return 1
    if "faults" not in seconds:
        return 0
    for file, value in (("task-filter", "Y"), ("probability", 1), ("interval", 1), ("times", -1),
                        ("verbose", 0), ("ignore-gfp-wait", "N")):
        write(f"{FAILSLAB}/{file}", str(value))
    return 0 if phase("faults", device.streams) else 1


# -- outside ------------------------------------------------------------------------

@dataclasses.dataclass
class Run:
    """The results of a guest, and the reports of its kernel."""
    phases: dict        # {phase: {stream: its counts and times}}
    lockdep: dict       # {phase: whether lockdep was on at its end}
    why: str
    splats: list
    known: dict         # {title: why it does not count as a failure}


def run_guest(kernel, config, name, seconds, bug=""):
    output = []
    result = guest.run(kernel, config,
                       f"python3 {__file__} --guest {name} '{json.dumps(seconds)}' {bug}",
                       limit=LOAD + 4 * GRACE + sum(seconds.values()), write=output.append,
                       write_err=output.append)
    phases, lockdep, said = {}, {}, []
    for line in b"".join(output).decode(errors="replace").splitlines():
        if line.startswith("{"):
            found = json.loads(line)
            phases[found["phase"]] = found["results"]
            lockdep[found["phase"]] = found["lockdep"]
        else:
            said.append(line)
    why = result.why or (f"exit status {result.status}: {(said or ['it said nothing'])[-1]}"
                         if result.status and (bug or len(phases) < len(seconds)) else "")
    splats = kernel_log.reports(result.log)
    if result.lockdep_off:
        splats.append(("lockdep switched itself off: nothing was checked after that", []))
    known = {splat[0]: reason for splat in splats
             for pattern, reason in (KNOWN | DRIVERS[name].known).items()
             if re.search(pattern, "\n".join([splat[0], *splat[1]]))}
    return Run(phases, lockdep, why, [splat for splat in splats if splat[0] not in known], known)


def mean(seen):
    return seen["total"] / seen["n"]


def error_of(seen):
    """The standard error of the mean."""
    variance = max(seen["squares"] / seen["n"] - mean(seen) ** 2, 0)
    return math.sqrt(variance / seen["n"])


def is_slower(first, other):
    """Why a stream is slower than in the first kernel, or ""."""
    if first.get("n", 0) < FEWEST or "n" not in other:
        return ""
    if not other["n"]:
        return f"never succeeded, {first['n']} times in the first kernel"
    more = mean(other) - mean(first)
    error = math.hypot(error_of(first), error_of(other))
    if mean(other) < SLOWER * mean(first) or more < max(ERRORS * error, LEAST):
        return ""
    return f"{mean(other):.3f} s, {mean(first):.3f} s in the first kernel"


def waits(results, driver):
    """{stream: why} for get requests that waited for the callback."""
    slow = results.get(driver.slow, {})
    if "n" not in slow:
        return {}
    taken = mean(slow) if slow["n"] else slow["worst"]
    if taken < CALLBACK:
        return {driver.slow: f"takes {taken:.1f} s, less than the {CALLBACK} s that are needed"}
    return {name: f"took {seen['worst']:.2f} s during a callback of {taken:.1f} s"
            for name, seen in results.items()
            if name != driver.slow and seen.get("worst", 0) > taken / 2}


def judge(name, first, run):
    """Failures: {(phase, stream): why} of those that may be noise, and a list of the others."""
    noise, certain = {}, []
    for title, lines in run.splats:
        certain.append("\n".join([f"the kernel reported: {title}",
                                  *(f"    | {line}" for line in lines[:40])]))
    hangs = any("stuck" in seen for results in run.phases.values() for seen in results.values())
    if run.why and not hangs:
        certain.append(run.why)
    for phase, results in run.phases.items():
        for stream, seen in results.items():
            if "stuck" in seen:
                if not DRIVERS[name].hangs:
                    certain.append(f"{phase}, {stream}: stuck\n{seen['stuck']}")
            elif phase in ("commands",
                           "changes") and run.lockdep[phase] == first.lockdep.get(phase):
                why = is_slower(first.phases[phase].get(stream, {}), seen)
                if why:
                    noise[phase, stream] = why
        if phase == "callback":
            noise.update({(phase, stream): why
                          for stream, why in waits(results, DRIVERS[name]).items()})
    return noise, certain


def cell(seen, seconds):
    if "stuck" in seen:
        return "STUCK", "-"
    if not seen:
        return "-", "-"
    return f"{seen['n'] / seconds:.1f}", f"{seen['worst']:.2f}"


def show(name, kernels, runs, seconds):
    """Prints and returns the table of a driver: a pair of columns for each kernel."""
    driver, table = DRIVERS[name], []

    def line(text):
        table.append(text.rstrip())
        print(text)

    print()
    line(f"{name}: {driver.delay} us for each command of the model" if driver.model else
         f"{name}: its model is the driver's own")
    line(f"{'':36}" + "".join(f"{kernel[:16]:>17}  " for kernel in kernels))
    line(f"{'':36}" + f"{'each s':>9}{'worst s':>8}  " * len(kernels))
    for phase, length in seconds.items():
        rows = {stream: None for run in runs for stream in run.phases.get(phase, {})}
        if rows:
            line(f"  {phase}")
        for stream in rows:
            cells = [cell(run.phases.get(phase, {}).get(stream, {}), length) for run in runs]
            line(f"    {stream:32}" + "".join(f"{rate:>9}{worst:>8}  " for rate, worst in cells))
    for kernel, run in zip(kernels, runs):
        errors = {}
        for results in run.phases.values():
            for seen in results.values():
                for said, count in seen.get("errors", {}).items():
                    errors[said] = errors.get(said, 0) + count
        for said, count in sorted(errors.items(), key=lambda one: -one[1])[:6]:
            line(f"  {kernel}: {count} times: {said}")
        if driver.hangs and any("stuck" in seen for results in run.phases.values()
                                for seen in results.values()):
            line(f"  {kernel}: stuck: known: {driver.hangs}")
        for title, why in run.known.items():
            line(f"  {kernel}: {title}: known: {why}")
        for phase, lockdep in run.lockdep.items():
            if lockdep != runs[0].lockdep.get(phase):
                line(f"  {kernel}: {phase}: no times are compared: lockdep was switched off "
                     "in one of the kernels")
    sys.stdout.flush()
    return table


def run_all(kernels, config, name, seconds, bug=""):
    """Runs a guest of each kernel at the same time."""
    with concurrent.futures.ThreadPoolExecutor(len(kernels)) as pool:
        return list(pool.map(lambda kernel: run_guest(kernel, config, name, seconds, bug), kernels))


def record(name, lines):
    """Replaces the section of the driver in docs/models.md."""
    sections = {}
    if os.path.exists(DOCS):
        with open(DOCS, encoding="utf-8") as f:
            sections = dict(re.findall(r"^## (.*)\n\n((?:    .*\n|\n)*)", f.read(), re.M))
    sections[name] = "".join(f"    {line}".rstrip() + "\n" for line in lines)
    with open(DOCS, "w", encoding="utf-8") as f:
        f.write(INTRODUCTION + "".join(f"\n## {title}\n\n{text.rstrip()}\n"
                                       for title, text in sorted(sections.items())))


def reproduce(name, kernels, config):
    """Runs the reproducers; returns whether all kernels after the first one pass, and lines."""
    good, lines = True, []
    bugs = DRIVERS[name].bugs | (DRIVERS[name].kasan if config == "kasan" else {})
    for title, bug in bugs.items():
        lines.append(f"  {title}")
        print(lines[-1])
        for number, (kernel, run) in enumerate(zip(kernels,
                                                   run_all(kernels, config, name, {}, bug))):
            why = run.why or (run.splats[0][0] if run.splats else "")
            fails = bool(why and number)
            lines.append(f"    {kernel}: {'FAIL: ' if fails else ''}{why or 'passes'}")
            print(lines[-1], flush=True)
            good = good and not fails
    return good, lines


def stress(name, kernel, config):
    """Malformed messages, torture and failing probes; returns whether all pass, and lines."""
    good, lines = True, []
    for title, what in ((f"{FUZZERS * MESSAGES} malformed messages", "fuzz"),
                        (f"torture for {TORTURE} s", "torture"),
                        ("probes in which an allocation fails", "probe_faults")):
        if what == "torture" and DRIVERS[name].hangs:
            lines.append(f"  {title}: left out, the driver hangs: {DRIVERS[name].hangs}")
            print(lines[-1])
            continue
        run = run_guest(kernel, config, name, {}, what)
        why = run.why or (run.splats[0][0] if run.splats else "")
        # A panic is a report and also ends the guest.
        fails = why and not (run.known and not run.splats and why.startswith("the kernel panicked"))
        good = good and not fails
        lines += [f"  {title}", f"    {kernel}: {'FAIL: ' if fails else ''}{why or 'passes'}",
                  *(f"    {kernel}: {splat}: known: {reason}" for splat,
                    reason in run.known.items())]
        print("\n".join(lines[-2 - len(run.known):]), flush=True)
        for _, splat in run.splats[:1]:
            print("\n".join(f"    | {line}" for line in splat[:40]), flush=True)
    return good, lines


def compare(name, kernels, config, seconds):
    """Runs a driver in all kernels; returns whether it passed."""
    noise, certain = {}, {}
    for attempt in range(2):
        runs = run_all(kernels, config, name, seconds)
        table = show(name, kernels, runs, seconds)
        first = runs[0]
        if first.why or first.splats:
            table.append(f"  {kernels[0]}: {first.why or first.splats[0][0]}")
            print(table[-1])
        before, noise = noise, {}
        for number, (kernel, run) in enumerate(zip(kernels, runs)):
            if number:
                maybe, sure = judge(name, first, run)
                if config == "kasan":
                    maybe = {}
                noise.update({(number, kernel, *key): why for key, why in maybe.items()})
                certain.update({(kernel, why): why for why in sure})
        if attempt:
            noise = {key: why for key, why in noise.items() if key in before}
        if certain or not noise or attempt:
            break
        for (_, kernel, phase, stream), why in noise.items():
            print(f"  {kernel}, {phase}, {stream}: {why}: runs again (2nd try)")
    for (kernel, _), why in certain.items():
        print(f"{name}, {kernel}: FAIL: {why}")
    for (_, kernel, phase, stream), why in noise.items():
        print(f"{name}, {kernel}: FAIL: {phase}, {stream}: {why}")
    sys.stdout.flush()
    good, lines = reproduce(name, kernels, config)
    if seconds is SHORT:
        return good and not certain and not noise
    fuzzed, more = stress(name, kernels[-1], config)
    good = good and fuzzed and not certain and not noise
    if kernels == ["base", "series"]:
        record(name if config == "lockdep" else f"{name}, {config}", [*table, *lines, *more,
                      f"  {datetime.date.today()}: {'passed' if good else 'FAILED'}"])
    return good


def main():
    if sys.argv[1:2] == ["--guest"]:
        return in_guest(sys.argv[2], json.loads(sys.argv[3]), "".join(sys.argv[4:]))
    parser = Parser(__doc__)
    parser.add_argument("--short", action="store_true")
    parser.add_argument("--config", choices=("lockdep", "kasan"), default="lockdep")
    parser.add_argument("--kernels", default="base,series", metavar="KERNEL,KERNEL[,...]")
    parser.add_argument("driver", nargs="*", metavar="DRIVER")
    options = parser.parse_args()
    for name in options.driver:
        if name not in DRIVERS:
            sys.exit(f"models: DRIVER={name}: there are {' '.join(DRIVERS)}")
    if not options.short:
        ksft.build()
    print("docs/models.md explains rows and columns. Only a line with FAIL counts as a failure.")
    passed = [compare(name, options.kernels.split(","), options.config,
                      SHORT if options.short else SECONDS)
              for name in options.driver or DRIVERS]
    print(f"{sum(passed)} passed, {len(passed) - sum(passed)} failed, 0 skipped")
    return 0 if all(passed) else 1


if __name__ == "__main__":
    guest.program(main)
