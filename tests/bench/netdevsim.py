# SPDX-License-Identifier: GPL-2.0
"""Devices of netdevsim, and network namespaces, for the workloads of `make bench`."""

import ctypes
import os
import subprocess

BUS, DEBUGFS = "/sys/bus/netdevsim", "/sys/kernel/debug/netdevsim"
# Of netdevsim with the series: what devices and ports that are added later have
PORT_FUNCTIONS, PARALLEL_GETTERS = f"{DEBUGFS}/port_functions", f"{DEBUGFS}/parallel_getters"
SNAPSHOTS = 16          # the most that a region keeps
CLONE_NEWNET = 0x40000000


def write(path, text):
    with open(path, "w", encoding="ascii") as f:
        f.write(text)


def add_device(number, ports=0):
    write(f"{BUS}/new_device", f"{number} {ports}")


def del_device(number):
    write(f"{BUS}/del_device", str(number))


def add_switchdev(number, vfs):
    """A device with two ports and those of VFs."""
    add_device(number, 2)
    write(f"{BUS}/devices/netdevsim{number}/sriov_numvfs", str(vfs))
    subprocess.run(["devlink", "dev", "eswitch", "set", f"netdevsim/netdevsim{number}",
                    "mode", "switchdev"], check=True)


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
