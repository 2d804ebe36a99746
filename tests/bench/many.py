# SPDX-License-Identifier: GPL-2.0
"""The workloads of `make bench` with many instances, ports, snapshots or namespaces."""

import os
import statistics
import time

import devlink_requests as requests
from bench_rows import INSTANCES, SCALE
from measure import BATCH, ask, cost, dump_cost, free_memory, timed
from netdevsim import BUS, SNAPSHOTS, NetworkNamespaces, add_device, del_device, write


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
            index = devlink.attribute(ask(devlink.message(1, get))[0], "index")
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
        write(f"{BUS}/devices/netdevsim60003/new_port", str(number))

    def remove(self, number):
        write(f"{BUS}/devices/netdevsim60003/del_port", str(number))


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
