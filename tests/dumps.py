# SPDX-License-Identifier: GPL-2.0
"""The part `libmnl` of clients.py: dumps through libmnl and through devlink while objects change.

A user of libmnl can detect an inconsistent dump in two ways: by NLM_F_DUMP_INTR, which devlink does
not use, and by a handler of the last message, which reads the error in it.  iproute2 has such a
handler, mnl_cb_run() by itself has none.
"""

import ctypes
import os
import re
import signal
import struct
import subprocess
import time

import models
from models import Netlink, NlAttrs, write

# pylint: disable=protected-access
BUS = "/sys/bus/netdevsim"
STEADY = {"bus-name": "netdevsim", "dev-name": "netdevsim12"}


def mnl_dump(family, name, size, handler, hook):
    """Dumps with libmnl and a buffer of this size, and calls the hook after the first message.
    With `handler`, the last message has a handler, as in iproute2.  Returns the objects, and the
    number of messages with the error."""
    mnl = ctypes.CDLL("libmnl.so.0", use_errno=True)
    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_void_p, use_errno=True)
    pointer, shown, messages, result = ctypes.c_void_p, [], 0, 1

    @callback
    def show(message, _):
        length, = struct.unpack("=I", ctypes.string_at(message, 4))
        one = family._decode(NlAttrs(ctypes.string_at(message, length), 20), "devlink")
        shown.append(f"{one['dev-name']}/{one.get('port-index', '')}{one.get('trap-name', '')}")
        return 1

    @callback
    def done(message, _):
        error, = struct.unpack("=i", ctypes.string_at(message + 16, 4))
        ctypes.set_errno(-error)
        return -1 if error < 0 else 0
    ends = (callback * Netlink.GENL_ID_CTRL)()
    ends[Netlink.NLMSG_DONE] = done
    mnl.mnl_socket_open.restype = pointer
    sock = pointer(mnl.mnl_socket_open(Netlink.NETLINK_GENERIC))
    buffer = ctypes.create_string_buffer(size)
    request = bytes(family._encode_message(family.ops[name], {}, [Netlink.NLM_F_DUMP], 1))
    mnl.mnl_socket_bind(sock, 0, 0)
    mnl.mnl_socket_sendto(sock, request, len(request))
    while result == 1:
        result = mnl.mnl_socket_recvfrom(sock, buffer, ctypes.c_size_t(size))
        if result >= 0:
            result = mnl.mnl_cb_run2(buffer, ctypes.c_size_t(result), 1,
                                     mnl.mnl_socket_get_portid(sock), show,
                                     None, ends if handler else None, len(ends) if handler else 0)
        error, messages = ctypes.get_errno(), messages + 1
        if messages == 1:
            hook()
    mnl.mnl_socket_close(sock)
    return shown, f"{messages} messages, {os.strerror(error) if result < 0 else 'ok'}"


def version(program):
    return subprocess.run([program, "-V"], stdout=subprocess.PIPE, text=True,
                          check=True).stdout.split()[-1]


def in_guest(options):
    family, dumps = models.Family("devlink"), []
    for number, ports in ((11, 120), (12, 120), *((number, 1) for number in range(13, 23))):
        write(f"{BUS}/new_device", f"{number} {ports}")

    def dump(what, name, size=4096, handler=False, hook=lambda: None):
        dumps.append(
            (f"{name}, {what}, buffer of {size}{', handler of the end' if handler else ''}",
             *mnl_dump(family, name, size, handler, hook)))

    def reload():
        for number in range(13, 23):
            family.do("reload", {**STEADY, "dev-name": f"netdevsim{number}"})
    for size in (1024, 4096, 8192, 32768):
        for name in ("port-get", "trap-get"):
            dump("nothing changes", name, size)
    for handler in (False, True):
        dump("devices are reloaded", "trap-get", handler=handler, hook=reload)
    dump("a device is removed", "port-get", hook=lambda: write(f"{BUS}/del_device", "11"))
    return {"dumps": dumps, **during_changes(family, options)}


def change_objects(family):
    """Adds and removes devices, rate nodes and, by reloads, traps, for ever"""
    family.reopen()
    while True:
        write(f"{BUS}/new_device", "11 4")
        for number in range(13, 23):
            family.do("reload", {**STEADY, "dev-name": f"netdevsim{number}"})
            for command in ("rate-new", "rate-del"):
                family.do(command, {**STEADY, "rate-node-name": "changes"})
        write(f"{BUS}/del_device", "11")


def during_changes(family, options):
    """{program and command: [complete, with an error, neither]} of the device that does not
    change"""
    write(f"{BUS}/devices/netdevsim12/sriov_numvfs", "2")
    family.do("eswitch-set", {**STEADY, "eswitch-mode": "switchdev"})
    for node in range(150):
        family.do("rate-new", {**STEADY, "rate-node-name": f"steady{node}"})

    def show(program, command):
        result = subprocess.run([program, *command.split()], stdout=subprocess.PIPE,
                                stderr=subprocess.PIPE, text=True, check=False)
        device, names = "", []
        for line in result.stdout.splitlines():
            device = line.split(":")[0] if line[0] != " " else device
            names.append(" ".join([device, *line.split()[:2]]) if line.split()[0] == "name"
                         else device)
        return result.returncode or result.stderr, sorted(
            name for name in names if re.match("netdevsim/netdevsim12[/ ]", name)
            and "changes" not in name)
    commands = ["port show", "port function rate show", "trap show"]
    steady = {command: show(options.devlink[0], command)[1] for command in commands}
    versions = {program: version(program) for program in options.devlink}
    counts = {f"{name} {command}": [0, 0, 0] for name in versions.values() for command in commands}
    child = os.fork()
    if not child:
        try:
            change_objects(family)
        finally:
            os._exit(1)
    end = time.monotonic() + (8 if options.short else 40)
    while time.monotonic() < end:
        for program, name in versions.items():
            for command in commands:
                error, names = show(program, command)
                counts[f"{name} {command}"][1 if error else 2 * (names != steady[command])] += 1
    os.kill(child, signal.SIGKILL)
    return {"changing": os.waitpid(child, 0)[1] == signal.SIGKILL, "counts": counts,
            "steady": sum(map(len, steady.values()))}


def judge(kernel, found, check):
    whole = {}
    for what, shown, end in found["dumps"]:
        name = what.split(",", 1)[0]
        shown = [one for one in shown if name == "trap-get" or one.startswith("netdevsim12/")]
        says = f"{kernel}: {what}: {len(shown)} objects, {end}"
        silent = "ok" in end and sorted(shown) != whole.setdefault(name, sorted(shown))
        if "of 1024" in what:
            check(says, "No space" in end)
        elif kernel == "base" and "removed" in what:
            check(f"{says}: the test detects that objects are missing", silent)
        else:
            check(says, not silent)
    check(f"{kernel}: some objects change all the time, {found['steady']} do not",
          found["changing"])
    for title, (good, errors, bad) in found["counts"].items():
        check(f"{kernel}: {title}: {good} complete, {errors} with an error, {bad} incomplete",
              good and (not bad or kernel == "base"))
