# SPDX-License-Identifier: GPL-2.0
"""The devlink requests that `make bench` measures, by the name of their row.

The device is a netdevsim device in switchdev mode with two ports and at least one VF.
"""

import typing

VFS = 4                 # the most that netdevsim has
FIRST_VF = 128          # index of the port of its first VF
PARALLEL = "parallel0"  # a reporter with parallel_ops; the base does not have it


class Request(typing.NamedTuple):
    """An operation of devlink.yaml; kind is "get", "dump", or "set": with an ACK."""
    op: str
    kind: str
    values: dict


def get(op, **values):
    return Request(op, "get", {name.replace("_", "-"): value for name, value in values.items()})


def dump(op, **values):
    return get(op, **values)._replace(kind="dump")


def set_(op, **values):
    return get(op, **values)._replace(kind="set")


def reporter(op, name):
    return set_(f"health-reporter-{op}", health_reporter_name=name)


# Core state only
FROM_CORE = {
    "dev": get("get"),
    "port": get("port-get", port_index=0),
    "region": get("region-get", region_name="dummy"),
    "health": get("health-reporter-get", health_reporter_name="dummy"),
    "trap group": get("trap-group-get", trap_group_name="l3_drops"),
    "resource": get("resource-dump"),
    "param": get("param-get", param_name="max_macs"),
    "rate": get("rate-get", port_index=FIRST_VF),
    "ports, dump": dump("port-get"),
}

# With a callback of netdevsim
FROM_DRIVER = {
    "info": get("info-get"),
    "eswitch": get("eswitch-get"),
    "trap": get("trap-get", trap_name="blackhole_route"),
    "policer": get("trap-policer-get", trap_policer_id=1),
    "param with a getter": get("param-get", param_name="test2"),
    "diagnose without parallel_ops":
        get("health-reporter-diagnose", health_reporter_name="dummy"),
}

SETS = {
    "trap set": set_("trap-set", trap_name="blackhole_route", trap_action=1),
    "policer set": set_("trap-policer-set", trap_policer_id=1, trap_policer_rate=1000),
    "rate set": set_("rate-set", port_index=FIRST_VF, rate_tx_max=125000000),
    "health set": set_("health-reporter-set", health_reporter_name="dummy",
                       health_reporter_auto_recover=1),
    "param set": set_("param-set", param_name="max_macs", param_type=3, param_value_cmode=1,
                      param_value_data=32),
}

# They find and lock the object and have nothing to do: one for each mode of locking
LOCKS = {
    "nothing, full (port set)": set_("port-set", port_index=0),
    "nothing, objs (health set)": set_("health-reporter-set", health_reporter_name="dummy"),
    "nothing, shared (trap group set)": set_("trap-group-set", trap_group_name="l3_drops"),
    "nothing, with parallel_ops (health dump clear)": reporter("dump-clear", PARALLEL),
    "nothing, without parallel_ops (health dump clear)": reporter("dump-clear", "dummy"),
}

COMMANDS = {**FROM_CORE, **FROM_DRIVER, **SETS, **LOCKS}

# With a callback of netdevsim that has parallel ops in the series
PARALLEL_GETTERS = {
    **{name: FROM_DRIVER[name] for name in ("info", "eswitch", "param with a getter", "trap",
                                            "policer")},
    "pool": get("sb-pool-get", sb_index=0, sb_pool_index=0),
    "port with a function": get("port-get", port_index=FIRST_VF),
    f"2 ports and {VFS} with functions, dump": dump("port-get"),
}

# Commands with the same ops lock
PORT_SETS = [set_("port-set", port_index=FIRST_VF + number,
                  port_function={"hw-addr": b"\2\0\0\0\0\1"}) for number in range(VFS)]
# Commands that can run in parallel, on different objects
MIXED_SETS = [
    PORT_SETS[0],
    SETS["trap set"],
    reporter("diagnose", PARALLEL),
    reporter("diagnose", "parallel1"),
]
