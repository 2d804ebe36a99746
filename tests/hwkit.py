#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Test the hardware kit, tools/hwkit and tools/deb, also with bad input.

A copy of hwkit runs in guests of the perf kernels of base and series, on netdevsim.  `models` runs
it on the drivers of tools/models.py.  docs/hwkit.md has the last tables.  `package` builds the
package of a small configuration with tools/deb, boots its kernel in QEMU, and runs hwkit there.
"""

import ast
import concurrent.futures
import importlib.machinery
import importlib.util
import json
import os
import re
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
sys.path.insert(0, os.path.join(TOP, "tools"))
import guest  # noqa: E402
import kernel_log  # noqa: E402
from options import Parser  # noqa: E402

HWKIT, COPY = f"{TOP}/tools/hwkit", "/tmp/hwkit"
DEV = "netdevsim/netdevsim1"
DEBUGFS = "/sys/kernel/debug/netdevsim/netdevsim1"
# The get commands of netdevsim on base and series.
ROWS = ["dev", "dev, dump", "info", "eswitch", "resource", "port", "port, dump", "param",
        "param, driverinit", "param, dump", "region", "region, dump", "health", "health, dump",
        "trap", "trap, dump", "trap group", "trap group, dump", "trap policer",
        "trap policer, dump", "rate", "rate, dump"]
count = {"passed": 0, "failed": 0, "skipped": 0}
INTRODUCTION = """# hwkit on the models, in guests of User Mode Linux with lockdep

`tests/hwkit.py models` writes this page. It runs `tools/hwkit`, the tool for machines with
real devices, on the models of [models.md](models.md). Each command of a model takes a fixed time,
so the tables show which requests block, not how fast a device is. *idle*: the command alone. *reads*:
all get commands concurrently. *diagnose*, *snapshot* and *flash*: the same, together with
diagnose, with snapshots, or during a firmware update. On the base, bnxt has no row *flash*: the
update fails there, because of the bug that net/bnxt 3 fixes.

"""


def check(what, good, found=""):
    count["passed" if good else "failed"] += 1
    print(f"{'ok    ' if good else 'not ok'} {what}" + ("" if good else f": {found}"), flush=True)


def run(argv, **kwargs):
    kwargs.setdefault("stdout", subprocess.PIPE)
    if "input" not in kwargs:
        kwargs["stdin"] = subprocess.DEVNULL
    return subprocess.run(argv, text=True, stderr=subprocess.PIPE, check=False, **kwargs)


def one_line(what, result, status, *words):
    lines = result.stderr.splitlines()
    check(what, result.returncode == status and len(lines) == 1 and
          all(word in lines[0] for word in words),
          (result.returncode, result.stderr, result.stdout))


# -- inside the guest ---------------------------------------------------------------

def write(path, value):
    with open(path, "w", encoding="ascii") as f:
        f.write(str(value))


def devlink(*args):
    return run(["devlink", "-j", *args]).stdout


def state():
    """The state that commands can change, without traffic counters."""
    return [devlink(*words.split()) for words in
            ("dev show", "dev info", f"dev eswitch show {DEV}", "port show", "dev param show",
             "region show", "health show", f"resource show {DEV}", "port function rate show")]


def snapshots():
    return [snapshot for region in json.loads(devlink("region", "show"))["regions"].values()
            for snapshot in region.get("snapshot", [])]


def hwkit(*args, **kwargs):
    return run([COPY, *args], **kwargs)


def table(output):
    """{(row, phase): (count, median, p99, max)}"""
    found, row = {}, ""
    for line in output.splitlines():
        match = re.fullmatch(r"(.*?) +(idle|reads|diagnose|snapshot|flash|reload) +(\d+) +(.*)",
                             line)
        if match:
            row = match.group(1) or row
            values = [float(word) if word != "-" else None for word in match.group(4).split()]
            found[row, match.group(2)] = (int(match.group(3)), *values)
    return found


def measured(what, result, rows, phase):
    found = table(result.stdout)
    missing = [row for row in rows if not found.get((row, phase), (0,))[0]]
    check(what, result.returncode == 0 and not result.stderr and not missing,
          (result.returncode, result.stderr, missing, result.stdout))
    return found


def reads(kernel):
    before = state()
    result = hwkit("--seconds", "4", DEV)
    print(result.stdout)
    found = measured("the get commands of netdevsim are measured, idle", result, ROWS, "idle")
    measured("... and concurrently", result, ROWS, "reads")
    check("... in order", all(0 < median <= p99 <= top for _, median, p99, top in found.values()),
          found)
    check("... each line fits into a mail", max(map(len, result.stdout.splitlines())) < 78)
    check("... missing objects are listed",
          re.search(r"^Not present on this device: [^:]*linecard", result.stdout, re.M),
          result.stdout)
    check("... base or series is recognized", ("with the series" if kernel == "series" else
                                               "without the series") in result.stdout,
          result.stdout)
    check("... the driver is named", re.search("^driver +netdevsim", result.stdout, re.M),
          result.stdout)
    check("... nothing is changed", state() == before, (before, state()))


def slow(kernel):
    """On the base, get requests block for as long as a firmware update takes."""
    write(f"{DEBUGFS}/fw_update_flash_chunk_time_ms", 40)
    found = measured("a firmware update", hwkit("--seconds", "0.5", "--flash", "dummy", DEV),
                     ["port", "dev", "health", "flash"], "flash")
    if ("flash", "flash") in found:
        took = found["flash", "flash"][3]
        for row in ("port", "dev, dump", "health"):
            worst = found[row, "flash"][3]
            check(f"... '{row}' {'does not block' if kernel == 'series' else 'blocks'} during it",
                  (worst < took / 2) == (kernel == "series"), (worst, took))
    result = hwkit("--seconds", "0.5", "--flash", "/lib/firmware/dummy", "--repeat", "2", DEV)
    found = measured("... twice, named by its path", result, ["port", "flash"], "flash")
    check("... and counted", found.get(("flash", "flash"), (0,))[0] == 2, result.stdout)
    measured("a reload", hwkit("--seconds", "0.5", "--reload", "--repeat", "3", DEV),
             ["dev", "reload"],
             "reload")
    result = hwkit("--seconds", "1", "--diagnose", "all", "--snapshot", "all", DEV)
    measured("diagnose", result, ["port", "diagnose dummy", "diagnose empty"], "diagnose")
    measured("snapshots", result, ["port", "snapshot dummy", "read dummy"], "snapshot")
    check("... none is left", not snapshots(), snapshots())


def bad_input():
    before = state()
    one_line("no such device", hwkit("pci/0000:08:00.0"), 1, "no devlink device pci/0000:08:00.0",
             DEV)
    one_line("a name without a bus", hwkit("netdevsim1"), 2, "BUS/DEVICE")
    one_line("no device", hwkit(), 2, "BUS/DEVICE")
    one_line("an unknown option", hwkit("--nonsense", DEV), 2, "--nonsense")
    one_line("a bad number", hwkit("--seconds", "x", DEV), 2, "--seconds", "'x'")
    one_line("no permission", hwkit(DEV, user=65534, group=65534, extra_groups=[]), 1,
             "run hwkit as root")
    one_line("a reporter that is not there", hwkit("--diagnose", "nonsense", DEV), 1,
             "--diagnose nonsense",
             "dummy")
    one_line("a region that is not there", hwkit("--snapshot", "nonsense", DEV), 1,
             "--snapshot nonsense",
             "dummy")
    one_line("a file that is not there", hwkit("--flash", "nonsense", DEV), 1,
             "/lib/firmware/nonsense")
    one_line("a file outside the firmware folders", hwkit("--flash", __file__, DEV), 1,
             "copy the file there")
    one_line("--component without --flash", hwkit("--component", "fw", DEV), 2, "--flash")
    write(f"{DEBUGFS}/dont_allow_reload", "Y")
    result = hwkit("--seconds", "0.2", "--reload", DEV)
    one_line("a reload that the driver refuses", result, 1, "--reload: refused", "forbid")
    check("... the results before it are shown", table(result.stdout).get(("port", "reads")),
          result.stdout)
    write(f"{DEBUGFS}/dont_allow_reload", "N")
    one_line("an update that the driver refuses",
             hwkit("--seconds", "0.2", "--flash", "dummy", "--component", "nonsense", DEV), 1,
             "--flash: refused", "component")
    with open(COPY, encoding="utf-8") as f, open(f"{COPY}.none", "w", encoding="utf-8") as other:
        other.write(f.read().replace('FAMILY = "devlink"', 'FAMILY = "nodevlink"'))
    one_line("a kernel without devlink", run([sys.executable, f"{COPY}.none", DEV]), 1,
             "this kernel has no devlink")
    check("nothing is changed by any of them", state() == before, (before, state()))

    for _ in range(16):
        devlink("region", "new", f"{DEV}/dummy")
    full = snapshots()
    one_line("a region with the maximum number of snapshots", hwkit("--snapshot", "dummy", DEV), 1,
             "--snapshot: refused", "maximum number")
    check("... its snapshots stay", snapshots() == full and len(full) == 16, (full, snapshots()))
    for snapshot in full:
        devlink("region", "del", f"{DEV}/dummy", "snapshot", str(snapshot))


def closed():
    """Closed and full outputs."""
    before = state()
    for what, seconds, wait in (("a pipe that is closed", "60", 0),
                                ("... that is closed later", "0.5", 2)):
        ours, theirs = os.pipe()
        process = subprocess.Popen(     # pylint: disable=consider-using-with
            [COPY, "--seconds", seconds, DEV], stdout=theirs, stderr=subprocess.PIPE, text=True)
        os.close(theirs)
        time.sleep(wait)
        os.close(ours)
        start = time.monotonic()
        error = process.communicate(timeout=60)[1]
        one_line(what, subprocess.CompletedProcess([], process.returncode, "", error), 1, "output")
        check("... is noticed before the end of the measurement", time.monotonic() - start < 20,
              time.monotonic() - start)
    with open("/dev/full", "w", encoding="ascii") as full:
        one_line("a full disk", hwkit("--seconds", "0.2", DEV, stdout=full), 1, "cannot write",
                 "No space")
    one_line("no output at all", run(["sh", "-c", f"exec {COPY} {DEV} >&-"]), 1,
             "no standard output")
    check("nothing is changed by any of them", state() == before, (before, state()))


def hwkit_group(*args):
    """hwkit in a process group of its own, as in a terminal."""
    return subprocess.Popen([COPY, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                            text=True, start_new_session=True,
                            preexec_fn=lambda: signal.signal(signal.SIGINT, signal.SIG_DFL))


def ended(what, process, status, *words):
    out, error = process.communicate(timeout=120)
    one_line(what, subprocess.CompletedProcess([], process.returncode, out, error), status, *words)


def ctrl_c():
    before = state()
    monitor = subprocess.Popen(     # pylint: disable=consider-using-with
        ["stdbuf", "-oL", "devlink", "monitor"], stdout=subprocess.PIPE, text=True)

    def wait_for(words):
        return next((line for line in monitor.stdout if words in line), None)

    process = hwkit_group("--seconds", "30", "--snapshot", "dummy", DEV)
    wait_for("[region,del]")
    os.killpg(process.pid, signal.SIGINT)
    ended("Ctrl-C", process, 130, "stopped")
    check("... nothing is changed", state() == before, (before, state()))

    write(f"{DEBUGFS}/fw_update_flash_chunk_time_ms", 100)
    process = hwkit_group("--seconds", "0.2", "--flash", "dummy", "--repeat", "100", DEV)
    wait_for("[flash,begin]")
    os.killpg(process.pid, signal.SIGINT)
    start = time.monotonic()
    ended("Ctrl-C during a firmware update", process, 130, "flash", "must not be interrupted")
    check("... which is completed first", wait_for("[flash,end]"))
    check("... and no other is begun", time.monotonic() - start < 60, time.monotonic() - start)
    check("... nothing else is changed", state() == before, (before, state()))

    # The first snapshot only tests the command.
    process = hwkit_group("--seconds", "3", "--snapshot", "dummy", DEV)
    for _ in range(3):
        wait_for("[region,new]")
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    time.sleep(3)
    left = run(["pgrep", "-f", f"^[^ ]*python3 {COPY}"]).stdout
    check("a kill leaves no process, and no snapshot", not left and not snapshots(),
          (left, snapshots()))

    process = hwkit_group("--seconds", "0.5", "--snapshot", "dummy", DEV)
    for _ in range(3):
        wait_for("[region,new]")
    write("/sys/bus/netdevsim/del_device", "1")
    ended("a device that is removed", process, 1, DEV)
    monitor.terminate()


def in_guest(kernel):
    shutil.copy(HWKIT, COPY)
    os.chmod(COPY, 0o755)
    write("/sys/bus/netdevsim/new_device", "1 2")
    write("/sys/bus/netdevsim/new_device", "2 1")
    write("/sys/bus/netdevsim/devices/netdevsim1/sriov_numvfs", "1")
    run(["devlink", "dev", "eswitch", "set", DEV, "mode", "switchdev"])
    run(["devlink", "port", "function", "rate", "add", f"{DEV}/node"])
    reads(kernel)
    slow(kernel)
    bad_input()
    closed()
    ctrl_c()
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")


def on_model(name, kernel):
    """Measure all commands that the driver of a model implements, and print the table."""
    import models
    driver = models.DRIVERS[name]
    device = models.load(driver)
    device.delay(driver.delay)
    shutil.copy(HWKIT, COPY)
    options = []
    # Not every reporter has a diagnosis, not every region an immediate snapshot.
    for option, command in (("--diagnose", "health-reporter-get"), ("--snapshot", "region-get")):
        if device.find(command, models.Netlink.NLM_F_DUMP) and \
           hwkit("--seconds", "0.1", option, "all", driver.device).returncode == 0:
            options += [option, "all"]
    if driver.flash:
        options += ["--flash", driver.flash]
    result = hwkit("--seconds", "5", *options, driver.device)
    print(result.stdout)
    found = table(result.stdout)
    check(f"{name}: {len(found)} measurements", found.get(("dev", "reads")) and
          all(found[row, phase][0] for row, phase in found if phase in ("idle", "reads")), found)
    # The base may have bugs of drivers that the series fixes.
    if kernel == "base" and "--flash: refused" in result.stderr:
        print(f"    the base fails: {result.stderr.strip()}")
    else:
        check(f"{name}: hwkit {' '.join(options)}", result.returncode == 0 and not result.stderr and
              (not driver.flash or found["flash", "flash"][0] == 1),
              (result.returncode, result.stderr))
    process = hwkit_group("--seconds", "0.5", "--reload", driver.device)
    try:
        out, error = process.communicate(timeout=120)
    except subprocess.TimeoutExpired:
        # The second SIGINT ends hwkit even if the system call does not return.
        for _ in range(2):
            os.killpg(process.pid, signal.SIGINT)
            time.sleep(1)
        error = process.stderr.readline()
        check(f"{name}: Ctrl-C ends hwkit during a reload that hangs", process.wait(20) == 130,
              error)
        if kernel == "base":
            print("    the base hangs: reload")
        else:
            check(f"{name}: a reload does not hang", False)
        print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
        return
    result = subprocess.CompletedProcess([], process.returncode, out, error)
    if "does not implement it" in result.stderr:
        one_line(f"{name}: hwkit --reload, which the driver does not implement", result, 1,
                 "--reload: refused")
    else:
        found = table(result.stdout)
        check(f"{name}: hwkit --reload",
              result.returncode == 0 and found.get(("reload", "reload"), (0,))[0],
              (result.returncode, result.stderr, result.stdout))
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")


# -- on the host --------------------------------------------------------------------

def guest_run(kernel, config, *args, command="", **kwargs):
    """Run tests in a guest and return their output. shown() prints it and counts."""
    output = []
    command += " ".join([sys.executable, os.path.abspath(__file__), "--guest", *args])
    result = guest.run(kernel, config, command, limit=1800, write=output.append, **kwargs)
    return f"{kernel}-{config}", result, b"".join(output).decode(errors="replace")


def shown(name, result, output, known=()):
    """Print the output, add its counts, and check that all tests ran and the kernel is fine."""
    print(output, end="")
    counts = re.search(r"^(\d+) passed, (\d+) failed, (\d+) skipped$", output, re.M)
    for key, number in zip(count, counts.groups() if counts else ()):
        count[key] += int(number)
    splats = [(title, lines) for title, lines in kernel_log.reports(result.log)
              if not any(re.search(one, "\n".join([title, *lines])) for one in known)]
    check(f"{name}: all tests ran", result.status == 0 and counts, (result.status, result.why))
    if name == "base-lockdep":
        for title, _ in splats:
            print(f"    the base reports: {title}")
    else:
        check(f"{name}: the kernel reports nothing", not splats,
              "\n".join(line for _, lines in splats for line in lines[:40]))
    return output


def program():
    """hwkit has the syntax of Python 3.6, and the numbers of the kernel."""
    with open(HWKIT, encoding="utf-8") as f:
        ast.parse(f.read(), feature_version=(3, 6))
    loader = importlib.machinery.SourceFileLoader("hwkit", HWKIT)
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("hwkit", loader))
    loader.exec_module(module)
    for prefix, numbers in (("DEVLINK_CMD", module.CMD), ("DEVLINK_ATTR", module.ATTR)):
        asserts = "".join(f'_Static_assert({prefix}_{name} == {number}, "{name}");\n'
                          for name, number in numbers.items())
        compiled = run(["gcc", "-fsyntax-only", f"-I{guest.LINUX}/include/uapi", "-xc", "-"],
                       input=f"#include <linux/devlink.h>\n{asserts}")
        check(f"hwkit has the numbers of {prefix}_*", numbers and not compiled.returncode,
              compiled.stderr)
    result = run([HWKIT, "pci/nonsense"])
    said = [words for words in ("this kernel has no devlink", "no devlink device pci/nonsense")
            if words in result.stderr]
    one_line(f"hwkit on the host is one line: {said}", result, 1, *said or ["devlink"])


def deb(*args):
    return run([f"{TOP}/tools/deb", *args], cwd=TOP)


def deb_bad_input(folder):
    for what, text, *words in (
            ("a file that is not there", None, "HOST_CONFIG=", "is not a file"),
            ("a file that is no configuration", "text\n", "is not a configuration"),
            ("a configuration for another machine",
             "# Linux/alpha 6.1 Kernel Configuration\nCONFIG_SMP=y\n", "is for alpha")):
        path = f"{folder}/config"
        if text:
            with open(path, "w", encoding="ascii") as f:
                f.write(text)
        one_line(f"make deb: {what} is one line", deb("series", path), 1, *words)
    one_line("make deb: a wrong KERNEL= is one line", deb("nonsense"), 1, "KERNEL=nonsense")


SMALL = """
. tools/common.sh
commit=$(snapshot series)
lock_source
source_at "$commit"
mkdir -p "$src/obj-small"
kmake small x86_64 tinyconfig
cat configs/common.config configs/x86_64.config - >"$src/obj-small/fragment" <<'END'
CONFIG_MODULES=y
CONFIG_MODULE_UNLOAD=y
CONFIG_NETDEVSIM=m
END
(cd "$src" && scripts/kconfig/merge_config.sh -m -O obj-small obj-small/.config obj-small/fragment)
kmake small x86_64 olddefconfig
cp "$src/obj-small/.config" "$1"
rm -rf "$src/obj-small"
"""


def package(folder):
    """Build a package, and boot the kernel that it contains."""
    config = f"{folder}/config"
    result = run([f"{TOP}/tools/setup", "debhelper", "libdw-dev", "openssl"])
    check("the packages that make deb needs are installed", result.returncode == 0, result.stderr)
    result = run(["bash", "-c", SMALL, "small", config], cwd=TOP)
    check("a small configuration", result.returncode == 0, result.stderr)
    start = time.monotonic()
    result = deb("series", config)
    path = result.stdout.strip()
    check("make deb builds a package, and prints its path",
          result.returncode == 0 and os.path.exists(path),
          result.stderr)
    if result.returncode:
        return
    print(f"    {os.path.getsize(path) >> 10} KB, {time.monotonic() - start:.0f} s")
    start = time.monotonic()
    check("... once",
          deb("series", config).stdout.strip() == path and time.monotonic() - start < 10)
    name = run(["dpkg-deb", "-f", path, "Package"]).stdout.strip()
    release = name.replace("linux-image-", "")
    check("... the name says that it is the series", re.fullmatch(
        r"linux-image-\d+\.\d+\.\d+-devlink-series", name), name)
    left = [name for name in os.listdir(f"{guest.BUILD}/src")
            if name.endswith((".deb", ".changes", ".buildinfo"))]
    check("... no other package is left", not left and os.listdir(os.path.dirname(path)), left)
    # guest.py boots it like a kernel of the configuration count: x86_64.
    image = guest.kernel_dir("deb", "count")
    shutil.rmtree(image, ignore_errors=True)
    run(["dpkg-deb", "-x", path, image])
    shutil.copy(f"{image}/boot/vmlinuz-{release}", f"{image}/bzImage")
    with open(f"{image}/what", "w", encoding="ascii") as f:
        f.write(name)
    output = shown(*guest_run("deb", "count", "package", command="uname -r; ", counts=False))
    check("... it is the kernel that boots", release in output.splitlines(), output)
    shutil.rmtree(image)


def in_package():
    write("/sys/bus/netdevsim/new_device", "1 2")
    shutil.copy(HWKIT, COPY)
    result = hwkit("--seconds", "5", "--flash", "dummy", "--diagnose", "all", "--snapshot", "all",
                   "--reload", DEV)
    print(result.stdout)
    for phase, row in (("reads", "port"), ("flash", "port"), ("diagnose", "diagnose dummy"),
                       ("snapshot", "snapshot dummy"), ("reload", "reload")):
        measured(f"hwkit in the package's kernel: {phase}", result, [row], phase)
    check("... which is the series", "with the series" in result.stdout, result.stdout)
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")


def side_by_side(*jobs, known=()):
    """Run guests at the same time. The outputs are in the order of the jobs."""
    with concurrent.futures.ThreadPoolExecutor(len(jobs)) as pool:
        return [shown(*one.result(),
                      known) for one in [pool.submit(guest_run, *job) for job in jobs]]


def on_models(names):
    import models
    names = names or list(models.DRIVERS)
    for name in names:
        if name not in models.DRIVERS:
            sys.exit(f"hwkit: DRIVER={name}: there are {' '.join(models.DRIVERS)}")
    path, tables = f"{TOP}/docs/hwkit.md", {}
    if os.path.exists(path):
        with open(path, encoding="utf-8") as f:
            tables = dict(re.findall(r"^## (.*)\n\n((?:    .*\n|\n)*)", f.read(), re.M))
    for name in names:
        kernels = ("base", "series")
        outputs = side_by_side(*((kernel, "lockdep", "model", name, kernel) for kernel in kernels),
                               known=models.KNOWN | models.DRIVERS[name].known)
        for kernel, output in zip(kernels, outputs):
            lines = re.split(r"^(?:not )?ok +", output, flags=re.M)[0].rstrip().splitlines()
            tables[f"{name}, {kernel}"] = "".join(f"    {line}".rstrip() + "\n" for line in lines)
    with open(path, "w", encoding="utf-8") as f:
        f.write(INTRODUCTION + "\n".join(
            f"## {name}\n\n{text.rstrip()}\n" for name, text in sorted(tables.items())))


def main():
    if sys.argv[1:2] == ["--guest"]:
        return {"package": in_package, "model": on_model,
                "netdevsim": in_guest}[sys.argv[2]](*sys.argv[3:])
    parser = Parser(__doc__)
    parser.add_argument("what", nargs="?", choices=("netdevsim", "models", "package"),
                        default="netdevsim")
    parser.add_argument("driver", nargs="*", metavar="DRIVER")
    options = parser.parse_args()
    if options.driver and options.what != "models":
        parser.error("DRIVER is for the models: hwkit.py models DRIVER")
    with tempfile.TemporaryDirectory(prefix="hwkit-test.", dir=guest.BUILD) as folder:
        if options.what == "models":
            on_models(options.driver)
        elif options.what == "package":
            package(folder)
        else:
            program()
            deb_bad_input(folder)
            side_by_side(*((kernel, "perf", "netdevsim", kernel) for kernel in ("base", "series")))
    print(f"{count['passed']} passed, {count['failed']} failed, {count['skipped']} skipped")
    return 1 if count["failed"] else 0


if __name__ == "__main__":
    guest.program(main)
