# SPDX-License-Identifier: GPL-2.0
"""The part `follow` of clients.py: a client that works like an exporter.

It subscribes, dumps everything, applies the notifications, and dumps again if some were lost.
devlink_torture runs in the same guest.  It stops every 10 seconds, and the cache must be equal to a
new dump.

Changes that devlink does not notify are ignored: SILENT.  A second cache loses each 5th
notification, and must differ.
"""

import errno
import select
import signal
import socket
import struct
import subprocess
import time

import models
from models import NlError

BUS = "/sys/bus/netdevsim"
PATHS = {"DEV": "netdevsim/netdevsim10", "DEBUGFS": "/sys/kernel/debug/netdevsim/netdevsim10"}

# Attributes that devlink changes without a notification, by the reason.
SILENT = {
    "counters of traps, groups and policers": ["stats"],
    "trap-set, trap-group-set and trap-policer-set do not notify user space": [
        "trap-action", "trap-group policer", "trap-policer-rate", "trap-policer-burst"],
    "a health dump is stored and cleared": ["health-reporter-dump-ts",
                                            "health-reporter-dump-ts-ns"],
    "health-reporter-set does not notify user space": [f"health-reporter-{name}" for name in (
        "graceful-period", "burst-period", "auto-recover", "auto-dump")],
    "is in replies only": ["region-max-snapshots"],
}
# Some objects have no notification.  They are dumped again after a notification of the first kind.
AGAIN = {"get": "health-reporter-get"}
# The attributes that identify an object, by kind.  The kind is the name of the command.
KEYS = {"get": (), "port-get": ("port-index",), "param-get": ("param-name",),
        "region-get": ("port-index", "region-name"),
        "health-reporter-get": ("port-index", "health-reporter-name"),
        "trap-get": ("trap-name",), "trap-group-get": ("trap-group-name",),
        "trap-policer-get": ("trap-policer-id",), "rate-get": ("port-index", "rate-node-name"),
        "linecard-get": ("linecard-index",)}
# The getters of this device of the torture fail, so notifications are lost.
LOOSE, LOOSE_KINDS = "netdevsim64", ("param-get", "trap-get", "trap-group-get", "trap-policer-get")
NLM_F_DUMP_INTR, SO_RCVBUFFORCE = 0x10, 33


class Family(models.Family):
    """pyynl, with an error for dumps that were interrupted, which pyynl ignores."""

    def __init__(self):
        super().__init__("devlink")

    def _recvmsg(self, flags=0):
        reply, more = super()._recvmsg(flags)
        if struct.unpack_from("=H", reply, 6)[0] & NLM_F_DUMP_INTR:
            raise InterruptedError(errno.EINTR, "the dump was interrupted")
        return reply, more

    def list(self, kind, **handle):
        """A dump.  If a device fails, the objects of the other devices."""
        while True:
            try:
                return self.dump(kind, handle)
            except NlError as error:
                if error.error in (errno.EAGAIN, errno.EINTR):
                    continue
                return [] if handle else [one for device in self.list("get") for one in self.list(
                    kind, **{name: device[name] for name in ("bus-name", "dev-name")})]


class Cache:
    """The objects according to the notifications: {(device, kind, ...): attributes}"""

    def __init__(self, lose=0):
        self.lose, self.seen, self.objects, self.again = lose, 0, {}, set()

    @staticmethod
    def parse(kind, message):
        """{key: attributes} of an object, and of the snapshots of a region"""
        message = {**message, **message.get("param", {}), **message.get("health-reporter", {})}
        device = message["dev-name"]
        key = (device, kind, *(message.get(name) for name in KEYS[kind]))
        if device == LOOSE and kind in LOOSE_KINDS:
            return {}
        if kind == "trap-group-get":
            message["trap-group policer"] = message.pop("trap-policer-id", None)
        snapshots = message.pop("region-snapshots", {}).get("region-snapshot", [])
        snapshots += [message] if "region-snapshot-id" in message else []
        found = {(device, "snapshot", *key[2:], one["region-snapshot-id"]): {} for one in snapshots}
        silent = {"param", "health-reporter",
                  *(name for names in SILENT.values() for name in names)}
        if message not in snapshots:
            found[key] = {name: value for name, value in message.items() if name not in silent}
        return found

    def notified(self, name, message):
        self.seen += 1
        if self.lose and self.seen % self.lose == 0 or name.startswith("flash"):
            return
        kind, _, what = f"-{name.removesuffix('-ntf')}".rpartition("-")
        for key, value in self.parse(f"{kind}-get"[1:], message).items():
            if what != "del":
                self.objects[key] = value
                if key[1] in AGAIN:
                    self.again.add((AGAIN[key[1]], key[0]))
                continue
            self.objects.pop(key, None)
            if key[1] == "region-get":          # with its snapshots
                self.drop(lambda old, key=key: old[:4] == (key[0], "snapshot", *key[2:]))
            if key[1] == "get":
                self.drop(lambda old, key=key: old[:2] == (key[0], "health-reporter-get"))

    def drop(self, which):
        self.objects = {key: value for key, value in self.objects.items() if not which(key)}

    def replace(self, family, kind, device=None):
        """Replaces the objects of a kind, of one device or of all, by a new dump"""
        handle = {"bus-name": "netdevsim", "dev-name": device} if device else {}
        found = [self.parse(kind, one) for one in family.list(kind, **handle)]
        kinds = [kind, "snapshot" if kind == "region-get" else kind]
        self.drop(lambda key: key[1] in kinds and device in (None, key[0]))
        for objects in found:
            self.objects.update(objects)

    def update(self, family):
        while self.again:
            self.replace(family, *self.again.pop())

    def sync(self, family):
        self.objects = {}
        for kind in KEYS:
            self.replace(family, kind)


class Follower:
    """Caches that get the same notifications"""

    def __init__(self, *caches):
        self.family, self.caches = Family(), caches
        self.count = {"notifications": 0, "resyncs": 0}
        self.subscribe(1 << 16)

    def subscribe(self, size):
        """Starts again, because it is not known which notifications were lost.  Those received
        before the dumps are older than the dumps.  Those received later are applied to them."""
        while True:
            self.family.sock.close()
            self.family.reopen()
            self.family.sock.setsockopt(socket.SOL_SOCKET, SO_RCVBUFFORCE, size)
            self.family.ntf_subscribe("config")
            self.family.async_msg_queue.queue.clear()
            try:
                for cache in self.caches:
                    cache.sync(self.family)
                return
            except OSError as error:
                size = self.lost(error)

    def lost(self, error):
        """Returns the size of the next buffer.  The first buffer is too small on purpose."""
        if error.errno not in (errno.ENOBUFS, errno.EINTR):
            raise error
        self.count["resyncs"] += 1
        return 64 << 20

    def follow(self, seconds, quiet=1000):
        """Applies notifications for that time, or until none came for the time `quiet`"""
        last = time.monotonic()
        end = last + seconds
        while time.monotonic() < min(end, last + quiet):
            select.select([self.family.sock], [], [], 0.1)
            try:
                self.family.check_ntf()
                while not self.family.async_msg_queue.empty():
                    message, last = self.family.async_msg_queue.get_nowait(), time.monotonic()
                    self.count["notifications"] += 1
                    for cache in self.caches:
                        cache.notified(message["name"], message["msg"])
                for cache in self.caches:
                    cache.update(self.family)
            except OSError as error:
                self.subscribe(self.lost(error))

    def differences(self):
        """The differences of each cache to a new dump, as text, and the dump"""
        fresh = Cache()
        fresh.sync(Family())
        return [[f"{key}: cache {cache.objects.get(key)}, dump {fresh.objects.get(key)}"
                 for key in sorted({*cache.objects, *fresh.objects}, key=str)
                 if cache.objects.get(key) != fresh.objects.get(key)]
                for cache in self.caches], fresh.objects


def in_guest(options):
    """Compares while torture is stopped with SIGSTOP.  Torture ends by itself."""
    seconds, pause = (20, 4) if options.short else (int(60 * options.minutes), 10)
    models.write("/lib/firmware/devlink_torture", "0" * 1000)
    models.write(f"{BUS}/new_device", "10 3")
    found = {"differences": [], "lossy": 0, "stops": 0, "objects": 0}
    # A device with objects of all kinds, which torture does not change.
    family, handle = Family(), {"bus-name": "netdevsim", "dev-name": "netdevsim10"}
    models.write(f"{BUS}/devices/netdevsim10/sriov_numvfs", "2")
    family.do("eswitch-set", {**handle, "eswitch-mode": "switchdev"})
    family.do("rate-new", {**handle, "rate-node-name": "node"})
    kinds, follower = set(), Follower(Cache(options.lose), Cache(5))
    for name in ("new_device", "del_device"):   # more than the client can receive
        models.write(f"{BUS}/{name}", "20 100" if name == "new_device" else "20")
    with open("/tmp/torture", "w+", encoding="utf-8") as said, subprocess.Popen(
            [f"{models.SELFTESTS}/devlink_torture", "-t", str(seconds), "-s", str(options.seed),
             "-w", "120"], stdout=said, stderr=said) as torture:
        while torture.poll() is None:
            follower.follow(pause)
            torture.send_signal(signal.SIGSTOP)
            for _ in range(3):                  # some notifications may be late
                follower.follow(30, quiet=1.5)
                (different, lossy), objects = follower.differences()
                if not different:
                    break
            torture.send_signal(signal.SIGCONT)
            kinds |= {key[1] for key in objects}
            found["stops"] += 1
            found["lossy"] += bool(lossy)
            found["objects"] = max(found["objects"], len(objects))
            found["differences"] += [f"stop {found['stops']}: {line}" for line in different]
        said.seek(0)
        return {**found, **follower.count, "missing": sorted({*KEYS, "snapshot"} - kinds),
                "torture": torture.returncode, "said": said.read().splitlines()[-60:]}


def judge(found, check):
    check(f"follow: torture passes: {' '.join(found['said'][-3:-2])}", found["torture"] == 0,
          found["said"])
    check(f"follow: a cache of up to {found['objects']} objects, "
          f"{found['notifications']} notifications, "
          f"{found['resyncs']} resyncs is equal to a new dump, {found['stops']} times",
          not found["differences"],
          "\n    " + "\n    ".join(found["differences"][:40]))
    check("follow: there are objects of all kinds except line cards",
          found["missing"] == ["linecard-get"], found)
    check(f"follow: a cache without each 5th notification differs, {found['lossy']} times",
          found["lossy"])
    check("follow: a client that was too slow dumps again", found["resyncs"])
