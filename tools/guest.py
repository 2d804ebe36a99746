#!/usr/bin/python3
"""Boot one of the built kernels, run one command in it as root, power it off.

usage: guest.py [--time S] [--out DIR] [--log FILE] KERNEL CONFIG COMMAND
       guest.py --shell KERNEL CONFIG

The output of the command is printed alone, as it comes; its exit status is the
status of this program.  What ends without a status of its own has one of these:

    201  the time limit: the command was still running, the guest was alive
    202  the kernel panicked (an oops panics, too)
    203  the guest did not boot
    204  the guest hung: it said nothing any more

What the command writes to /tmp/out is in DIR afterwards.
"""

import argparse
import dataclasses
import os
import re
import selectors
import shutil
import signal
import subprocess
import sys
import tempfile
import time

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build")
if os.environ.get("LINUX"):
    BUILD = os.path.join(BUILD, "user-" + os.path.basename(os.path.realpath(os.environ["LINUX"])))
LINUX = os.path.join(BUILD, "linux")

TIME_LIMIT, PANIC, NO_BOOT, HUNG = 201, 202, 203, 204

# The machine for a configuration: UML is a process of the host, and fast; KCSAN, which it
# cannot do, runs under QEMU without KVM, some 20 times slower; so does what counts
# instructions instead of time.
MACHINES = {"perf": "uml", "count": "qemu", "lockdep": "uml",
            "kasan": "uml", "kcsan": "qemu"}
# Seconds for the boot, and between two signs of life.
PATIENCE = {"uml": (60, 30), "qemu": (240, 120)}

# What the kernel says when it is not well: one list for all programs here.
# A report starts at such a line; reports are told apart by their first frames.
SPLAT = re.compile(
    r"WARNING: |BUG: |KASAN: |KCSAN: |UBSAN: |Oops|general protection fault|"
    r"INFO: task .* blocked for more than|INFO: rcu_.* (?:stall|detected)|"
    r"possible (?:circular|recursive) locking|inconsistent lock state|"
    r"suspicious RCU usage|sleeping function called|scheduling while atomic|"
    r"ref_tracker: |unregister_netdevice: waiting for|refcount_t: |"
    r"list_(?:add|del) corruption|ODEBUG: |kmemleak: .* new suspected|"
    r"Kernel panic|unable to handle|workqueue lockup|held lock freed|"
    r"lock held when returning")
# A function in a stack, and those that only report.
FRAME = re.compile(r"([A-Za-z_][\w.]*)\+0x[0-9a-f]+/0x")
REPORTERS = re.compile(r"dump_stack|show_stack|print_|kasan_|__kasan|kcsan_|check_|"
                       r"um_set_signals|uml_curr_cpu|__warn|report_bug|lockdep_|__might")
PANICKED = re.compile(r"Kernel panic - not syncing: (.*)")
# What a kernel line starts with: a time stamp and the task or CPU.
STAMP = re.compile(r"^(?:<\d>)?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? ?")


# The guests there are, and the signal that ends all of them.
RUNNING, STOPPED = set(), []


@dataclasses.dataclass
class Result:
    """How a guest ended: the command's status, or one of the above."""
    status: int
    why: str
    log: list          # the kernel's lines, without their stamps
    seconds: float
    leaks: list        # what kmemleak found, where it was asked for
    lockdep_off: bool  # lockdep found its limits, or a bug, and stopped checking


def kernel_dir(kernel, config):
    return os.path.join(BUILD, "kernels", f"{kernel}-{config}")


def job_dir():
    """What host and guest share; in the project, which is always seen by the guest."""
    os.makedirs(f"{BUILD}/guests", exist_ok=True)
    return tempfile.mkdtemp(dir=f"{BUILD}/guests")


def uml_command(image, job, job_fds, memory):
    out, err, control, console = job_fds
    return [os.path.join(image, "linux"), f"mem={memory}", "ncpus=2", "seccomp=on",
            f"uml_dir={job}/", "umid=guest", "noreboot", "panic=-1",
            "rootfstype=hostfs", "rootflags=/", "ro", f"init={TOP}/tools/guest-init",
            "con=null", "ssl=null", f"con0=null,fd:{console}", f"con1={out}",
            f"con2=null,fd:{err}", f"con3=null,fd:{control}"]


def qemu_command(image, job, job_fds, memory, append, counts):
    out, err, control, console = job_fds
    # Where the clock counts instructions, a nanosecond each, there is one CPU; otherwise two
    # sockets, since the MP table has one CPU of each.
    speed = (["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-smp", "1"] if counts
             else ["-accel", "tcg,thread=multi", "-smp", "2,sockets=2"])
    command = ["qemu-system-x86_64", *speed, "-cpu", "qemu64", "-m", memory,
               "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
               "-kernel", os.path.join(image, "bzImage"),
               "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
               "-device", "virtio-9p-pci,fsdev=root,mount_tag=root",
               "-fsdev", f"local,id=out,path={job}/out,security_model=none",
               "-device", "virtio-9p-pci,fsdev=out,mount_tag=out",
               "-device", "virtio-rng-pci",
               "-chardev", f"{console},id=console", "-serial", "chardev:console",
               "-device", "virtio-serial-pci,id=ports"]
    for number, (name, chardev) in enumerate((("out", out), ("err", f"file,path=/dev/fd/{err}"),
                                              ("control", f"file,path=/dev/fd/{control}")), 1):
        command += ["-chardev", f"{chardev},id={name}", "-device",
                    f"virtserialport,bus=ports.0,nr={number},chardev={name},name={name}"]
    return command + ["-append", "console=ttyS0 root=root rootfstype=9p "
                      "rootflags=trans=virtio,version=9p2000.L,cache=loose,msize=512000 ro "
                      f"init={TOP}/tools/guest-init panic=-1 {append}"]


def run(kernel, config, command, limit=300, out=None, write=None, write_err=None,
        leaks=False, args="", memory=None, directory=None, patience=None, counts=True):
    """Run a command in a guest; `write` gets its output as it comes, in bytes.  Without
    `counts`, the time is real in a guest of the configuration count, too."""
    image = kernel_dir(kernel, config)
    machine = MACHINES.get(config)
    if machine is None:
        raise SystemExit(f"guest: CONFIG={config}: there are {', '.join(MACHINES)}")
    if not os.path.exists(os.path.join(image, "what")):
        raise SystemExit(f"guest: there is no kernel {kernel}-{config}: "
                         f"run 'make kernel KERNEL={kernel} CONFIG={config}'")
    if STOPPED:
        raise KeyboardInterrupt
    boot_time, alive_time = patience or PATIENCE[machine]
    job = job_dir()
    process = None
    try:
        os.mkdir(f"{job}/out")
        for name, text in (("command", command), ("dir", directory or TOP),
                           ("path", f"{TOP}/build/tools/bin"), ("modules", image)):
            with open(f"{job}/{name}", "w", encoding="utf-8") as f:
                f.write(text + "\n")
        if leaks:
            open(f"{job}/leaks", "w").close()

        selector = selectors.DefaultSelector()
        ends = []
        for name in ("out", "err", "control", "console"):
            ours, theirs = os.pipe()
            os.set_inheritable(theirs, True)
            selector.register(ours, selectors.EVENT_READ, name)
            ends.append(theirs)
        append = f"guest.job={job} guest.machine={machine} {args}"
        if machine == "uml":
            fds = [f"null,fd:{ends[0]}", *ends[1:]]
            argv = uml_command(image, job, fds, memory or "1G") + append.split()
        else:
            fds = [f"file,path=/dev/fd/{ends[0]}", *ends[1:3], f"file,path=/dev/fd/{ends[3]}"]
            argv = qemu_command(image, job, fds, memory or "3G", append,
                                counts and config == "count")
        start = time.monotonic()
        process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, pass_fds=ends,
                                   start_new_session=True, cwd=job,
                                   stdout=open(f"{job}/machine.log", "wb"),
                                   stderr=subprocess.STDOUT)
        RUNNING.add(process)
        for end in ends:
            os.close(end)
        ended = _watch(process, selector, start, boot_time, alive_time, limit, write, write_err)
        status, started, log, why = ended
        panic = next((m.group(1) for m in map(PANICKED.search, log) if m), None)
        if status is not None:
            why = ""
        elif not started:
            said = log or _read(f"{job}/machine.log").split("\n")
            said = panic or next(filter(None, reversed(said)), "it said nothing")
            status, why = NO_BOOT, f"the guest did not boot: {said}"
        elif panic:
            status, why = PANIC, f"the kernel panicked: {panic}"
        elif why == "limit":
            status, why = TIME_LIMIT, f"the time limit of {limit:.0f} s: the command was still running"
        else:
            status, why = HUNG, "the guest hung: " + (
                f"no sign of life for {alive_time} s" if why else "it ended without a word")
        if out:
            shutil.copytree(f"{job}/out", out, dirs_exist_ok=True)
        return Result(status, why, log, time.monotonic() - start,
                      _read(f"{job}/out/kmemleak").splitlines(),
                      _read(f"{job}/out/debug_locks").strip() == "0")
    finally:
        if process:
            _kill(process)
            RUNNING.discard(process)
        shutil.rmtree(job, ignore_errors=True)


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def _watch(process, selector, start, boot_time, alive_time, limit, write, write_err):
    """Read all that comes, until the guest has said how the command ended, is
    gone, or has to go."""
    status, started, why, finish = None, None, "", None
    control, console = b"", b""
    last = start
    while selector.get_map():
        now = time.monotonic()
        if started is None:
            if now - start > boot_time:
                break
        elif finish is None and now - last > alive_time:
            why = "silent"
            break
        elif finish is None and now - started > limit:
            why = "limit"
            break
        ready = selector.select(1 if finish is None else 0.3)
        if finish is not None and not ready:
            break               # all that it said has been read
        for key, _ in ready:
            data = os.read(key.fd, 65536)
            if not data:
                selector.unregister(key.fd)
                os.close(key.fd)
                continue
            if key.data == "out" and write:
                write(data)
            elif key.data == "err" and (write_err or write):
                (write_err or write)(data)
            elif key.data == "console":
                console += data
            elif key.data == "control":
                control += data
                last = time.monotonic()
                if started is None and b"started" in control:
                    started = last
                found = re.search(rb"status (\d+)\r?\n", control)
                if found and finish is None:
                    status = int(found.group(1))
                    finish = last
    log = [STAMP.sub("", line.rstrip("\r"))
           for line in console.decode(errors="replace").splitlines()]
    return status, started, log, why


def _signal(process):
    # A hung UML ignores SIGTERM; its helpers are in its process group.
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _kill(process):
    _signal(process)
    process.wait()


def splats(log):
    """The kernel's complaints in a log: (title, lines), once each, folded by
    title and first frames, with a count in the title where one came again."""
    found = {}
    i = 0
    while i < len(log):
        if not SPLAT.search(log[i]):
            i += 1
            continue
        first = i
        i += 1
        # A report ends behind its last stack; KASAN and KCSAN have several and
        # draw a line below.
        ruled = "KASAN" in log[first] or "KCSAN" in log[first]
        in_trace = False
        while i < len(log) and i - first < 150:
            line = log[i]
            if "---[ end trace" in line or ruled and line.startswith("====="):
                break
            if not ruled and in_trace and not line.startswith((" ", "\t")):
                break
            in_trace = in_trace or "Call Trace:" in line
            i += 1
        lines = log[first:i]
        frames = [m.group(1) for line in lines for m in [FRAME.search(line)] if m]
        frames = [frame for frame in frames if not REPORTERS.match(frame)]
        title = re.sub(r"0x[0-9a-f]+|\b[0-9a-f]{8,}\b|\d+", "N", lines[0])
        known = found.setdefault((title, tuple(frames[:3])), [lines, 0])
        known[1] += 1
    return [(lines[0] + (f" ({count} times)" if count > 1 else ""), lines)
            for lines, count in found.values()]


def shell(kernel, config):
    """An interactive shell: the terminal is the guest's."""
    image, machine = kernel_dir(kernel, config), MACHINES.get(config, "uml")
    job = job_dir()
    os.mkdir(f"{job}/out")
    for name, text in (("shell", ""), ("dir", TOP), ("path", f"{TOP}/build/tools/bin")):
        with open(f"{job}/{name}", "w", encoding="utf-8") as f:
            f.write(text + "\n")
    console = os.open(f"{job}/console", os.O_RDWR | os.O_CREAT)
    # Nobody listens, but each port needs its own.
    err, control = os.pipe()[1], os.pipe()[1]
    append = f"guest.job={job} guest.machine={machine}"
    if machine == "uml":
        argv = uml_command(image, job, ["fd:0,fd:1", err, control, console], "1G") + append.split()
    else:
        # A port is no terminal, the serial line is.
        argv = qemu_command(image, job, ["null", err, control, "stdio,signal=off"], "3G",
                            f"{append} loglevel=3")
    state = subprocess.run(["stty", "-g"], stdout=subprocess.PIPE, text=True, check=False).stdout
    try:
        subprocess.run(["stty", "raw", "-echo"], check=False)
        return subprocess.run(argv, pass_fds=(err, control, console), cwd=job,
                              stderr=subprocess.DEVNULL, check=False).returncode
    finally:
        subprocess.run(["stty", *state.split()], check=False)
        shutil.rmtree(job, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--time", type=float, default=300)
    parser.add_argument("--out")
    parser.add_argument("--log")
    parser.add_argument("--shell", action="store_true")
    parser.add_argument("kernel")
    parser.add_argument("config")
    parser.add_argument("command", nargs="?")
    options = parser.parse_args()
    if options.shell:
        return shell(options.kernel, options.config)
    if not options.command:
        parser.error("CMD= is empty")

    def writer(stream):
        def write(data):
            stream.buffer.write(data)
            stream.flush()
        return write

    result = run(options.kernel, options.config, options.command, options.time, options.out,
                 writer(sys.stdout), writer(sys.stderr))
    if options.log:
        with open(options.log, "w", encoding="utf-8") as f:
            f.write("\n".join(result.log) + "\n")
    if result.why:
        print(f"guest: {result.why}", file=sys.stderr)
        for title, lines in splats(result.log):
            print("\n".join(lines[:40]), file=sys.stderr)
    return result.status


def program(main):
    """What a program here does: main(), and when it is stopped no guest stays behind, also
    those that threads wait for."""
    name = os.path.basename(sys.argv[0]).removesuffix(".py")

    def stop(number, _):
        STOPPED.append(number)
        for process in list(RUNNING):
            _signal(process)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        # A shell starts what runs in the background with SIGINT ignored.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print(f"{name}: stopped", file=sys.stderr)
        sys.exit(128 + STOPPED[0])


if __name__ == "__main__":
    program(main)
