#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Boot one of the built kernels, run one command in it as root, and end the guest.

Only the output of the command is printed, without delay.  The exit status is the status of the
command.  If the guest ends without one, the exit status is one of these:

    201  the time limit: the command was still running, the guest was alive
    202  the kernel panicked (an oops also panics)
    203  the guest did not boot
    204  the guest hung: it sent no more signs of life
"""

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
import typing

import kernel_log
from options import Parser
from paths import BUILD, LINUX, OLDER, TOP     # pylint: disable=unused-import  # for its users

TIME_LIMIT, PANIC, NO_BOOT, HUNG = 201, 202, 203, 204

# The machine for a configuration.  UML is a process of the host, and fast.  It does not support
# KCSAN, which runs under QEMU without KVM, some 20 times slower.  QEMU also counts instructions.
MACHINES = {"perf": "uml", "count": "qemu", "lockdep": "uml",
            "kasan": "qemu" if OLDER else "uml", "kcsan": "qemu"}
# The mount tag of the root.  Linux 5.10 only knows /dev/root.
ROOT = "/dev/root" if OLDER else "root"
# Seconds for the boot, and between two signs of life.
PATIENCE = {"uml": (60, 30), "qemu": (240, 120)}

# The guests that run, and the signal that ended all of them.
RUNNING, STOPPED = set(), []


@dataclasses.dataclass
class Job:
    """A command, and how its guest runs."""
    kernel: str
    config: str
    command: str
    limit: float = 300      # seconds for the command
    patience: tuple = None  # seconds, see PATIENCE
    memory: str = None
    args: str = ""          # appended to the kernel's command line
    counts: bool = True     # whether the clock of the configuration count counts instructions
    directory: str = TOP    # of the command
    leaks: bool = False     # whether kmemleak scans after the command
    out: str = None         # a folder that gets the files of /tmp/out
    # Called with each part of the output, in bytes. Without `write_err`, errors go to `write`.
    write: typing.Callable = None
    write_err: typing.Callable = None

    @property
    def machine(self):
        """The machine for the configuration."""
        return MACHINES[self.config]

    def check(self):
        """Ends the program if there is no such kernel."""
        if self.config not in MACHINES:
            raise SystemExit(f"guest: CONFIG={self.config}: there are {', '.join(MACHINES)}")
        if not os.path.exists(os.path.join(kernel_dir(self.kernel, self.config), "what")):
            raise SystemExit(f"guest: there is no kernel {self.kernel}-{self.config}: run "
                             f"'make kernel KERNEL={self.kernel} CONFIG={self.config}'")


@dataclasses.dataclass
class Result:
    """How a guest ended: the command's status, or one of the above."""
    status: int
    why: str
    log: list          # the kernel's lines, without their stamps
    seconds: float
    leaks: list        # the report of kmemleak, if the job requested it
    lockdep_off: bool  # lockdep reached a limit, or found a bug, and stopped checking


def kernel_dir(kernel, config):
    """The folder of a built kernel."""
    return os.path.join(BUILD, "kernels", f"{kernel}-{config}")


def job_dir():
    """A folder that host and guest share; in the project, which each guest can read."""
    os.makedirs(f"{BUILD}/guests", exist_ok=True)
    return tempfile.mkdtemp(dir=f"{BUILD}/guests")


def uml_command(image, job, job_fds, memory):
    out, err, control, console = job_fds
    return [os.path.join(image, "linux"), f"mem={memory}", "ncpus=2", "seccomp=on",
            f"uml_dir={job}/", "umid=guest", "noreboot", "panic=-1",
            # Otherwise, UML before 6.7 adds the number of a block device, which it cannot mount.
            *([f"root={ROOT}"] if OLDER else []), "rootfstype=hostfs", "rootflags=/", "ro",
            f"init={TOP}/tools/guest-init", "ssl=null", f"con0=null,fd:{console}", f"con1={out}",
            f"con2=null,fd:{err}", f"con3=null,fd:{control}"]


def qemu_command(image, job, job_fds, memory, append, counts=False):
    out, err, control, console = job_fds
    # If the clock counts instructions, a nanosecond each, there is one CPU.  Otherwise there are
    # two sockets, because the MP table has one CPU for each.
    speed = (["-accel", "tcg,thread=single", "-icount", "shift=0,sleep=off", "-smp", "1"] if counts
             else ["-accel", "tcg,thread=multi", "-smp", "2,sockets=2"])
    command = ["qemu-system-x86_64", *speed, "-cpu", "qemu64", "-m", memory,
               "-nodefaults", "-no-user-config", "-display", "none", "-no-reboot",
               "-kernel", os.path.join(image, "bzImage"),
               "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
               "-device", f"virtio-9p-pci,fsdev=root,mount_tag={ROOT}",
               "-fsdev", f"local,id=out,path={job}/out,security_model=none",
               "-device", "virtio-9p-pci,fsdev=out,mount_tag=out",
               "-device", "virtio-rng-pci",
               "-chardev", f"{console},id=console", "-serial", "chardev:console",
               "-device", "virtio-serial-pci,id=ports"]
    for number, (name, chardev) in enumerate((("out", out), ("err", f"file,path=/dev/fd/{err}"),
                                              ("control", f"file,path=/dev/fd/{control}")), 1):
        command += ["-chardev", f"{chardev},id={name}", "-device",
                    f"virtserialport,bus=ports.0,nr={number},chardev={name},name={name}"]
    return command + ["-append", f"console=ttyS0 root={ROOT} rootfstype=9p "
                      "rootflags=trans=virtio,version=9p2000.L,cache=loose,msize=512000 ro "
                      f"init={TOP}/tools/guest-init panic=-1 {append}"]


def run(kernel, config, command, **how):
    """Runs a command in a guest and returns its Result.  `how` has the other fields of a Job."""
    job = Job(kernel, config, command, **how)
    job.check()
    if STOPPED:
        raise KeyboardInterrupt
    folder = job_dir()
    process = None
    try:
        _share(folder, command=job.command, dir=job.directory,
               modules=kernel_dir(kernel, config), **({"leaks": ""} if job.leaks else {}))
        start = time.monotonic()
        process, selector = _start(job, folder)
        RUNNING.add(process)
        ended = _watch(job, selector, start)
        status, why = how_ended(job, *ended, _read(f"{folder}/machine.log"))
        if job.out:
            shutil.copytree(f"{folder}/out", job.out, dirs_exist_ok=True)
        return Result(status, why, ended[2], time.monotonic() - start,
                      _read(f"{folder}/out/kmemleak").splitlines(),
                      _read(f"{folder}/out/debug_locks").strip() == "0")
    finally:
        if process:
            _kill(process)
            RUNNING.discard(process)
        shutil.rmtree(folder, ignore_errors=True)


def _share(folder, **texts):
    """Writes the files that guest-init reads."""
    os.mkdir(f"{folder}/out")
    for name, text in {"path": f"{TOP}/build/tools/bin", **texts}.items():
        with open(f"{folder}/{name}", "w", encoding="utf-8") as f:
            f.write(text + "\n")


def _start(job, folder):
    """The process of the guest, and a selector of all its outputs."""
    selector = selectors.DefaultSelector()
    ends = []
    for name in ("out", "err", "control", "console"):
        ours, theirs = os.pipe()
        os.set_inheritable(theirs, True)
        selector.register(ours, selectors.EVENT_READ, name)
        ends.append(theirs)
    image = kernel_dir(job.kernel, job.config)
    append = f"guest.job={folder} guest.machine={job.machine} {job.args}"
    if job.machine == "uml":
        fds = [f"null,fd:{ends[0]}", *ends[1:]]
        argv = uml_command(image, folder, fds, job.memory or "1G") + append.split()
    else:
        fds = [f"file,path=/dev/fd/{ends[0]}", *ends[1:3], f"file,path=/dev/fd/{ends[3]}"]
        argv = qemu_command(image, folder, fds, job.memory or "3G", append,
                            job.counts and job.config == "count")
    with open(f"{folder}/machine.log", "wb") as log:
        # run() ends it.
        process = subprocess.Popen(     # pylint: disable=consider-using-with
            argv, stdin=subprocess.DEVNULL, pass_fds=ends, start_new_session=True,
            cwd=folder, stdout=log, stderr=subprocess.STDOUT)
    for end in ends:
        os.close(end)
    return process, selector


def how_ended(job, status, started, log, why, machine_log):
    """The status, and one line if the guest ended without a status of the command."""
    if status is not None:
        return status, ""
    panic = kernel_log.panic(log)
    if not started:
        said = log or machine_log.split("\n")
        said = panic or next(filter(None, reversed(said)), "it said nothing")
        return NO_BOOT, f"the guest did not boot: {said}"
    if panic:
        return PANIC, f"the kernel panicked: {panic}"
    if why == "limit":
        return TIME_LIMIT, f"the time limit of {job.limit:.0f} s: the command was still running"
    return HUNG, "the guest hung: " + (
        f"no sign of life for {_patience(job)[1]} s" if why else "it ended without a word")


def _patience(job):
    return job.patience or PATIENCE[job.machine]


def _read(path):
    try:
        with open(path, encoding="utf-8", errors="replace") as f:
            return f.read()
    except FileNotFoundError:
        return ""


def _watch(job, selector, start):
    """Reads all outputs until the guest reports the status of the command, ends, or must be
    ended."""
    status, started, why, finish = None, None, "", None
    control, console = b"", b""
    last = start
    boot_time, alive_time = _patience(job)
    write_err = job.write_err or job.write
    while selector.get_map():
        now = time.monotonic()
        if started is None:
            if now - start > boot_time:
                break
        elif finish is None and now - last > alive_time:
            why = "silent"
            break
        elif finish is None and now - started > job.limit:
            why = "limit"
            break
        ready = selector.select(1 if finish is None else 0.3)
        if finish is not None and not ready:
            break               # all output has been read
        for key, _ in ready:
            data = os.read(key.fd, 65536)
            if not data:
                selector.unregister(key.fd)
                os.close(key.fd)
                continue
            if key.data == "out" and job.write:
                job.write(data)
            elif key.data == "err" and write_err:
                write_err(data)
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
    return status, started, kernel_log.without_stamps(console.decode(errors="replace")), why


def _signal(process):
    # A hung UML ignores SIGTERM; its helpers are in its process group.
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        pass


def _kill(process):
    _signal(process)
    process.wait()


def shell(kernel, config):
    """An interactive shell: the terminal is the guest's."""
    Job(kernel, config, "").check()
    image, machine = kernel_dir(kernel, config), MACHINES[config]
    job = job_dir()
    _share(job, shell="", dir=TOP, modules=image)
    console = os.open(f"{job}/console", os.O_RDWR | os.O_CREAT)
    # Nothing reads these, but each port needs a pipe.
    err, control = os.pipe()[1], os.pipe()[1]
    append = f"guest.job={job} guest.machine={machine}"
    if machine == "uml":
        argv = uml_command(image, job, ["fd:0,fd:1", err, control, console], "1G") + append.split()
    else:
        # The serial line is a terminal, a virtio port is not.
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
    parser = Parser(__doc__)
    parser.add_argument("--time", type=float, default=300, metavar="SECONDS",
                        help="the limit for the command, 300 by default")
    parser.add_argument("--out", metavar="FOLDER",
                        help="copy the files that the command writes to /tmp/out to FOLDER")
    parser.add_argument("--log", metavar="FILE", help="write the kernel's log to FILE")
    parser.add_argument("--shell", action="store_true", help="an interactive shell")
    parser.add_argument("kernel")
    parser.add_argument("config")
    parser.add_argument("command", nargs="?")
    options = parser.parse_args()
    if options.shell:
        return shell(options.kernel, options.config)
    if not options.command:
        parser.error("CMD= is empty: write the command for the guest")

    def writer(stream):
        def write(data):
            stream.buffer.write(data)
            stream.flush()
        return write

    result = run(options.kernel, options.config, options.command, limit=options.time,
                 out=options.out, write=writer(sys.stdout), write_err=writer(sys.stderr))
    if options.log:
        with open(options.log, "w", encoding="utf-8") as f:
            f.write("\n".join(result.log) + "\n")
    if result.why:
        print(f"guest: {result.why}", file=sys.stderr)
        for _, lines in kernel_log.reports(result.log):
            print("\n".join(lines[:40]), file=sys.stderr)
    return result.status


def program(main):
    """Runs main() of a program.  If the program is stopped, all its guests end, also the guests
    that threads wait for."""
    name = os.path.basename(sys.argv[0]).removesuffix(".py")

    def stop(number, _):
        STOPPED.append(number)
        for process in list(RUNNING):
            _signal(process)
        raise KeyboardInterrupt

    for number in (signal.SIGINT, signal.SIGTERM):
        # A shell starts programs in the background with SIGINT ignored.
        if signal.getsignal(number) != signal.SIG_IGN:
            signal.signal(number, stop)
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        print(f"{name}: stopped", file=sys.stderr)
        sys.exit(128 + STOPPED[0])


if __name__ == "__main__":
    program(main)
