#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Run the tests of netdev's robot on a patch or a posting, without network and without compiling.

NIPA=path, a clone of https://github.com/linux-netdev/nipa, has the tests of the robot.  Without it,
equivalents give the same verdicts.

The arguments of `patch` are SRC and MAIL.  The arguments of `series` are SRC, TREE and the mails,
the cover letter first.  SRC is a clean work tree.  A patch must apply to its HEAD, and is applied
afterwards.  For a series, all patches must be applied.  --history: SRC has the commits that Fixes:
tags name.

Prints a line for each test: its name, and ok, WARN, FAIL, skip or `-` (nothing to test).
The output of the test follows, indented.
"""

import email
import email.utils
import fnmatch
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile
import types

from options import Parser

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
OK, FAIL, WARN = 0, 1, 250
NAMES = {OK: "ok", WARN: "WARN"}
ROBOT = "nipa@localhost"    # the committer of the patches
# The author of the patches below the tested one, see tools/mail.sh
NOBODY = "devlink-locks@example.org"
FIXES = re.compile(r"^[ \t]*Fixes:[ \t]*(.*)$", re.I | re.M)
# The messages of checkpatch.pl that netdev ignores.
IGNORED = ("COMMIT_LOG_LONG_LINE,MACRO_ARG_REUSE,ALLOC_SIZEOF_STRUCT,NO_AUTHOR_SIGN_OFF,"
           "GIT_COMMIT_ID,CAMELCASE,FILE_PATH_CHANGES,BAD_REPORTED_BY_LINK")


class Tree:
    """The work tree, with the attributes that nipa's tests use."""

    def __init__(self, path, pfx=""):
        self.path, self.pfx, self.branch = path, pfx, "HEAD~"

    def run(self, *argv, cwd=".", check=False):
        try:
            return subprocess.run(argv, cwd=os.path.join(self.path, cwd), stdin=subprocess.DEVNULL,
                                  stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                  errors="replace", check=check)
        except FileNotFoundError:
            return subprocess.CompletedProcess(argv, 127, "", f"the tree has no {argv[0]}\n")

    def git(self, *args):
        return self.run("git", *args, check=True).stdout

    def files(self, kinds, suffix=""):
        """The files that HEAD adds (A), modifies (M) or deletes (D)."""
        names = self.git("diff", "--name-only", f"--diff-filter={kinds}", "HEAD~..")
        return [name for name in names.splitlines() if name.endswith(suffix)]

    def read(self, name):
        try:
            with open(os.path.join(self.path, name), encoding="utf-8", errors="replace") as f:
                return f.read()
        except FileNotFoundError:
            return ""

    def before_after(self, tool, before, after):
        """The results of tool(files) before and after the patch."""
        head = self.git("rev-parse", "HEAD").strip()
        old = []
        if before:
            self.git("checkout", "-q", "HEAD~")
            old = tool(before)
            self.git("checkout", "-q", head)
        return old, tool(after)


def changed_lines(tree, pattern, *paths):
    """The lines that HEAD adds, and the lines that it removes, in paths."""
    lines = tree.git("show", "--format=", *(["--", *paths] if paths else [])).split("\n")
    return ([line for line in lines if line[:1] == sign and re.search(pattern, line[1:])]
            for sign in "+-")


def source_inline(tree, _mail):
    added, removed = changed_lines(tree, r"(?i)^([^*/]*\W)?inline\W", "*.c")
    if not added:
        return OK, ""
    return (WARN if len(added) == len(removed) else FAIL,
            "\n".join(["inline in a .c file:", *added]))


def header_inline(tree, _mail):
    kind = r"((unsigned|long|short) )*(char|bool|void|int|u\d*)"
    added, _ = changed_lines(tree, r"^static (?!(__always_)?inline).*\(.*[^\\]$|"
                             rf"^(static )?(?!(__always_)?inline ){kind} \w*\(.*\) *\{{.*[^\\]$",
                             "*.h")
    return (FAIL if added
            else OK), "\n".join(["a function in a header that is not inline:", *added])


def deprecated_api(tree, _mail):
    result, said = OK, []
    for word, bad, *paths in (("dev_hold", WARN), ("dev_put", WARN), ("put_net", WARN),
                              ("get_net", WARN), ("init_dummy_netdev", WARN),
                              ("__free", WARN, "drivers/net"), ("module_param", FAIL)):
        added, removed = changed_lines(tree, f"(?i){word}" if bad == FAIL else rf"(?i)\W{word}\(",
                                       *paths)
        if not added:
            continue
        if len(added) > len(removed):
            result = bad
        elif bad == FAIL:
            result = WARN
        else:
            continue
        said += [f"{word} was {len(removed)} times there, now {len(added)}:", *added]
    return result, "\n".join(said)


def checkpatch(tree, _mail):
    spell = ["--codespell"] if shutil.which("codespell") else []
    r = tree.run("scripts/checkpatch.pl", "-g", "HEAD", "--strict", *spell, "--max-line-length=80",
                 f"--ignore={IGNORED}", "--show-types")
    total = re.search(r"^total: (\d+) errors, (\d+) warnings, (\d+) checks", r.stdout, re.M)
    if not total:
        return FAIL, r.stderr or r.stdout
    errors, others = int(total[1]), int(total[2]) + int(total[3])
    said = re.findall(r"^(?:ERROR|WARNING|CHECK):.*(?:\n#\d+: FILE.*)?", r.stdout, re.M)
    return FAIL if errors else WARN if others else OK, "\n".join(said)


def kdoc(tree, _mail):
    def ask(files):
        said = tree.run("scripts/kernel-doc", "-Wall", "-none", *files).stderr if files else ""
        # A line that ends with a colon continues in the next line.
        return [line for line in said.replace(":\n", ": ").splitlines() if line.strip()]

    def place(line):
        return re.sub(r"^(\w+: +[^ :]*:)\d+", r"\1", line)

    def unparsed(lines):
        return sum(not re.match(r"(warning|error): +[\w/.-]*:\d", line, re.I) for line in lines)

    before, after = tree.before_after(ask, tree.files("MD"), tree.files("AM"))
    old = {place(line) for line in before}
    new = [line for line in after if place(line) not in old]
    return FAIL if new or unparsed(after) > unparsed(before) else OK, "\n".join(new)


def linter(suffix, command, error, warning=None, here=False):
    """A test that counts the lines that match `error` and `warning`, before and after the patch."""
    def test(tree, _mail):
        def ask(files):
            return [line for name in files for line in
                    (tree.run(*command, os.path.basename(name), cwd=os.path.dirname(name)) if here
                     else
                     tree.run(*command, name)).stdout.splitlines()]

        before, after = tree.before_after(ask, tree.files("M", suffix), tree.files("AM", suffix))
        for pattern, bad in ((error, FAIL), (warning, WARN)):
            old, new = ([line for line in lines if pattern and re.search(pattern, line, re.I)]
                        for lines in (before, after))
            if len(new) > len(old):
                same = {re.sub(r":\d+", "", line) for line in old}
                return bad, "\n".join([f"{len(old)} before, {len(new)} now; new ones:",
                                       *(line for line in new
                                         if re.sub(r":\d+", "", line) not in same)])
        return OK, ""
    return test


pylint = linter(".py", ["pylint"], r": E\d{4}: ", r": [WC]\d{4}: ")
ruff = linter(".py", ["ruff", "check", "--output-format", "pylint"], ".")
yamllint = linter(".yaml", ["yamllint"], " error ", " warning ", here=True)


def shellcheck(tree, _mail):
    def ask(files):
        return {name: tree.run("shellcheck", "-x", "-e", "SC2317", "-e", "SC2329",
                               os.path.basename(name), cwd=os.path.dirname(name) or ".").stdout
                for name in files}

    def count(kinds, texts):
        return sum(bool(re.search(rf" \(({kinds})\):", line)) for text in texts
                   for line in text.splitlines())

    before, after = tree.before_after(ask, tree.files("M", ".sh"), tree.files("AM", ".sh"))
    before = before or {}
    # A file that is new, or had no messages before, must have none after the patch.
    clean = [text for name, text in after.items() if not before.get(name)]
    errors = count("error", after.values()) + count("warning|info|style", clean)
    result = (FAIL if errors > count("error", before.values()) else
              WARN if count("warning", after.values()) > count("warning", before.values()) else OK)
    return result, "\n".join(text for name, text in after.items() if text != before.get(name))


def makefile_errors(text):
    """The rules for lists in a Makefile: one list for a variable, one item per line after a tab,
    sorted, and a comment at the end."""
    lists, name = {}, None
    for number, line in enumerate(text.split("\n"), 1):
        start = re.match(r"([A-Z_][A-Z0-9_]*)\s*(:?=|\+=)(.*)$", line)
        if start:
            name, item = start[1], start[3].strip()
            if item.startswith("$") or len(name) < 3 or "FLAGS" in name or "LIBS" in name:
                name = None
            elif item != "\\":
                lists.setdefault(name, []).append((number, "\t" + item))
        elif name:
            lists.setdefault(name, []).append((number, line))
        if not line.endswith("\\"):
            name = None

    for name, lines in lists.items():
        last, end = lines[-1][0], lines[-1][1].strip()
        items = []
        for number, line in lines[:-1] if end.startswith("#") else lines:
            item = line[1:]
            if item.endswith(" \\"):
                item = item[:-2].strip()
            if not line.startswith("\t"):
                yield f"{number}: {name}: no tab before '{line}'"
            if " " in item and "$" not in item:
                yield f"{number}: {name}: more than one item: '{item}'"
            if not item.startswith("$"):
                items.append((number, item))
        if len(lines) > 1 and not end.startswith("#"):
            yield (f"{last}: {name}: the last line is '{end}': end the list with ' \\' and a line "
                   f"'# end of {name}'")
        elif len(lines) > 1 and len(end) > 5 and name not in end:
            yield f"{last}: {name}: the comment at the end does not name it: '{end}'"
        for (_, a), (number, b) in zip(items, items[1:]):
            if a >= b and (a.count("/"), a.lower()) > (b.count("/"), b.lower()):
                yield f"{number}: {name}: '{b}' comes before '{a}'"
        for (a, _), (b, _) in zip(lines, lines[1:]):
            if b != a + 1:
                yield f"{b}: {name}: a second list, the first is in line {lines[0][0]}"


def config_errors(text):
    """Options must be sorted, without regard to `_`."""
    before = ""
    for number, line in enumerate(text.split("\n"), 1):
        if line.strip().startswith("#") or "=" not in line:
            continue
        if before and key_of(line) < key_of(before):
            yield f"{number}: {line} comes before {before}"
        before = line


def key_of(line):
    return line.split("=")[0].strip().replace("_", "")


def check_selftest(tree, mail):
    touched = re.findall(r"^--- (.*)\n\+\+\+ b/(.*tools/testing/selftests/.*)$", mail, re.M)
    touched = [(old, name) for old, name in touched if "/net/" in name]
    bad = []
    for old, name in touched:
        folder, base = os.path.split(name)
        rules = {"config": config_errors, ".gitignore": config_errors, "Makefile": makefile_errors}
        if base in rules:
            bad += [f"{name}:{error}" for error in rules[base](tree.read(name))]
        lists = []
        if old != "/dev/null" or base.endswith(".bpf.c"):
            continue
        if base.endswith((".sh", ".py")):
            lists, item = ["Makefile"], base
        elif base.endswith(".c"):
            lists, item = ["Makefile", ".gitignore"], base.split(".")[0]
        bad += [f"{name}: {item} is not in {folder}/{where}" for where in lists
                if not re.search(item, tree.read(f"{folder}/{where}"))]
    return FAIL if bad else OK, "\n".join(bad)


def addresses(message, *headers):
    found = [value for header in headers for value in message.get_all(header, [])]
    return {address.lower() for _, address in email.utils.getaddresses(map(str, found))}


def cc_maintainers(tree, mail):
    have = addresses(email.message_from_string(mail), "to", "cc", "from", "sender")
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as f:
        f.write(mail)
        f.flush()
        said = tree.run("scripts/get_maintainer.pl", "--git-min-percent", "35", "--", f.name).stdout
    wanted, blamed = set(), set()
    for line in said.splitlines():
        match = re.search(r'[^ <"]*@[^ >"]*', line)
        if match:
            wanted.add(match[0].lower())
            if "blamed_fixes" in line:
                blamed.add(match[0].lower())
    # netdev does not require these.
    wanted -= {"linux-kernel@vger.kernel.org", "davem@davemloft.net", ROBOT, NOBODY}
    same = [{"idosch@nvidia.com", "idosch@mellanox.com"},
            *(set(re.findall(r'[^ <"]*@[^ >"]*', line))
              for line in tree.read(".mailmap").splitlines())]
    missing = {who for who in wanted - have
               if not any(who in line and line & have for line in same)}
    if not missing:
        return OK, ""
    others = len(wanted) - len(missing)
    return (FAIL if missing & blamed or others < 2 else WARN,
            "not in To or Cc: " + " ".join(who + " (author of the fixed commit)" * (who in blamed)
                                           for who in sorted(missing)))


def fixes_faults(tree, line, message, history):
    """The errors that netdev finds in a Fixes: tag.  Without history, the commit is not
    checked."""
    match = re.match(r"(commit)?\s*([0-9a-f]{5,})(\s*)(.*)$", line, re.I)
    if not match:
        yield "no commit"
        return
    word, commit, space, subject = match.groups()
    if word:
        yield f"the word '{word}'"
    if not subject:
        yield "no subject"
    elif not space:
        yield "no space before the subject"
    if re.search(rf"\n\n[^\n]*{re.escape(line)}\n\n", message):
        yield "empty lines before and after it"
    if len(commit) < 12:
        yield "fewer than 12 digits"
    subject = subject.rstrip()
    inside = re.match(r"\((.*)\)", subject)
    if inside:
        subject = inside[1]
    elif subject.startswith("("):
        yield "no closing parenthesis"
        subject = subject[1:]
    inside = re.match("[\"\u201c](.*)[\"\u201d]$|['\u2018](.*)['\u2019]$", subject)
    if inside:
        subject = inside[1] or inside[2] or ""
    elif subject[:1] in "\"'\u201c\u2018" and subject:
        yield "no closing quote"
        subject = subject[1:]
    if not history:
        return
    r = tree.run("git", "log", "-1", "--format=%s", commit, "--")
    if r.returncode:
        yield "there is no such commit"
        return
    is_now, subject = r.stdout.strip(), subject.strip()
    head, dots, tail = subject.partition(" ... ")
    if subject.endswith("..."):
        good = is_now.startswith(subject[:-3].strip())
    elif subject.startswith("..."):
        good = is_now.endswith(subject[3:].strip())
    else:
        good = is_now.startswith(head) and (not dots or is_now.endswith(tail))
    if not good:
        yield f"the subject of that commit is \"{is_now}\""


def verify_fixes(tree, _mail, history=True):
    message = tree.git("log", "-1", "--format=%B")
    bad = [f"Fixes: {line}: {fault}" for line in FIXES.findall(message)
           for fault in fixes_faults(tree, line, message, history)]
    return FAIL if bad else OK, "\n".join(bad)


def verify_signedoff(tree, _mail):
    log = tree.git("log", "-1", "--format=%ae%n%an%n%ce%n%cn%n%b").split("\n", 4)
    signed = "\n".join(re.findall(r"^\s*Signed-off-by:.*", log[4], re.I | re.M)).lower()
    bad = [f"no Signed-off-by of the {who}, {name} <{address}>" for who, address, name in
           (("author", log[0], log[1]), ("committer", log[2], log[3]))
           if f"<{address.lower()}>" not in signed and
           not re.search(rf":\s*{re.escape(name.lower())}\s*<", signed)]
    return FAIL if bad else OK, "\n".join(bad)


def maintainers(tree, series):
    """Each new file must have an entry in MAINTAINERS that only covers few files."""
    new = {name for mail in series
           for name in re.findall(r"^--- /dev/null\n\+\+\+ b/(.*)$", mail, re.M)
           if not name.startswith(("Documentation/", "tools/testing/"))}
    files, result, bad = tree.git("ls-files").splitlines(), OK, []

    def covered(pattern):
        folder, base = os.path.split(pattern)
        return [name for name in files if (not folder or name.startswith(folder + "/")) and
                fnmatch.fnmatchcase(os.path.basename(name), base or "*")]

    for name in sorted(new):
        if name.endswith(("/Makefile", "/Kconfig")):
            continue
        said = tree.run("scripts/get_maintainer.pl", "--sections", name).stdout
        sizes = [sum(len(covered(line[2:].strip())) for line in section.splitlines()
                     if line[:2] == "F:")
                 for section in re.split(r"\n\s*\n", said) if re.search(r"^\w:", section, re.M)]
        if any(0 < size < (3 if "Kconfig" in new else 75) for size in sizes):
            continue
        bad.append(f"{name}: MAINTAINERS has no entry of its own: add F: {name} to the right one")
        result = WARN if min(sizes, default=0 if not said.strip()
                             else 500) < 500 and result != FAIL else FAIL
    return result, "\n".join(bad)


# Each test of a patch: the program that it needs, and the suffix of the files that it checks.
PATCH = {"checkpatch": ("", ""), "kdoc": ("", ""), "source_inline": ("", ".c"),
         "header_inline": ("", ".h"), "deprecated_api": ("", ""), "check_selftest": ("", ""),
         "pylint": ("pylint", ".py"), "ruff": ("ruff", ".py"), "shellcheck": ("shellcheck", ".sh"),
         "yamllint": ("yamllint", ".yaml"), "cc_maintainers": ("", ""), "verify_fixes": ("", ""),
         "verify_signedoff": ("", "")}
# tools/check has the rules of the other two.
SERIES = {"fixes_present": None, "series_format": None, "maintainers": maintainers}


def load(nipa):
    """nipa's own classes."""
    sys.path.insert(0, nipa)
    sys.dont_write_bytecode = True
    # For code that uses the network.  These tests do not.
    sys.modules.setdefault("requests", types.ModuleType("requests"))
    import core     # pylint: disable=import-error
    return core


def theirs(nipa, kind, name):
    """A test of nipa, with the interface of the tests in this file."""
    core = load(nipa)
    test = core.Test(f"{nipa}/tests/{kind}/{name}", name)
    if name == "cc_maintainers":
        module = sys.modules[f"tests.patch.{name}.test"]
        module.ignore_emails.add(NOBODY)
        # The check for stale addresses needs the network.
        module.stale_db.is_stale = lambda *_: False

    def run(tree, thing):
        with tempfile.TemporaryDirectory() as out:
            os.mkdir(f"{out}/{name}")
            # pylint: disable=protected-access
            code, said, err, desc = test._exec(tree, thing,
                                               f"{out}/{name}" if kind == "patch" else out)
            for report in sorted(glob.glob(f"{out}/{name}/fmt-*")):
                with open(report, encoding="utf-8") as f:
                    err += "\n" + f.read()
        return code, desc.strip() + "\n" + (said if name == "kdoc" else err)
    return run


def report(name, verdict, said=""):
    print(name, verdict)
    if verdict not in ("ok", "-"):
        print("".join(f"  {line}\n" for line in said.splitlines() if line.strip()), end="")


def patch_tests(nipa, tree, mail, history):
    files = tree.files("AM")
    thing = mail
    if nipa:
        core = load(nipa)
        thing = core.Patch(mail)
        thing.first_in_series = True
    for name, (program, suffix) in PATCH.items():
        if suffix and not any(file.endswith(suffix) for file in files):
            report(name, "-")
            continue
        if program and not shutil.which(program):
            report(name, "skip", f"there is no {program}: run 'make setup'")
            continue
        fixes = not history and FIXES.search(tree.git("log", "-1", "--format=%B"))
        if nipa and not (fixes and name == "verify_fixes"):
            code, said = theirs(nipa, "patch", name)(tree, thing)
        elif name == "verify_fixes":
            code, said = verify_fixes(tree, mail, history)
        else:
            code, said = globals()[name](tree, mail)
        if fixes and code == OK and name in ("cc_maintainers", "verify_fixes"):
            report(name, "skip",
                   "the tree has no history, so the commits in Fixes: and their authors are "
                   "unknown: use LINUX=path of a clone with history")
            continue
        report(name, NAMES.get(code, "FAIL"), said)


def series_tests(nipa, tree, cover, mails):
    thing = mails
    if nipa:
        core = load(nipa)
        thing = core.Series()
        thing.tree_mark_expected = False
        if cover:
            thing.set_cover_letter(cover)
        for mail in mails:
            thing.add_patch(core.Patch(mail))
    for name, ours in SERIES.items():
        # The robot does not test this tree, which has a maintainer for all files.
        if name == "maintainers" and tree.pfx == "driver-core":
            report(name, "-")
            continue
        test = theirs(nipa, "series", name) if nipa else ours
        if test:
            code, said, *_ = test(tree, thing)
            report(name, NAMES.get(code, "FAIL"), said)


def apply(tree, mail):
    with tempfile.NamedTemporaryFile("w", encoding="utf-8") as f:
        f.write(mail)
        f.flush()
        # A run that was stopped may have left a patch.
        tree.run("git", "am", "--quit")
        r = tree.run("git", "-c", "commit.gpgSign=false", "am", "-q", "-s", "--", f.name)
    if r.returncode:
        tree.run("git", "am", "--abort")
        sys.exit(f"nipa: git am does not apply the mail: {r.stderr.strip()}")


def main(argv):
    parser = Parser(__doc__)
    parser.add_argument("--history", action="store_true")
    parser.add_argument("what", choices=("patch", "series"))
    parser.add_argument("src", metavar="SRC")
    parser.add_argument("more", nargs="+", metavar="TREE, MAIL")
    options = parser.parse_args(argv)
    single = options.what == "patch"
    if single and len(options.more) != 1 or not single and len(options.more) < 2:
        parser.error("after SRC, patch takes one MAIL, series takes TREE and at least one MAIL")
    nipa = os.environ.get("NIPA")   # tools/check has verified it
    mails = []
    for name in options.more if single else options.more[1:]:
        with open(name, encoding="utf-8") as f:
            mails.append(f.read())
    with tempfile.TemporaryDirectory() as home:
        # Without history, checkpatch.pl must not look for the commits that a message names.
        if not options.history:
            with open(f"{home}/.checkpatch.conf", "w", encoding="utf-8") as f:
                f.write("--ignore UNKNOWN_COMMIT_ID\n")
        os.environ.update(HOME=home, TMPDIR=home, GIT_CONFIG_GLOBAL="/dev/null", LC_ALL="C.UTF-8",
                          GIT_COMMITTER_NAME="nipa", GIT_COMMITTER_EMAIL=ROBOT,
                          PATH=f"{os.environ['PATH']}:{TOP}/build/tools/bin")
        tempfile.tempdir = home
        if nipa:
            load(nipa).log_init("org", f"{home}/log", force_single_thread=True)
        if single:
            tree = Tree(options.src)
            apply(tree, mails[0])
            patch_tests(nipa, tree, mails[0], options.history)
        else:
            cover = mails.pop(0) if re.search(r"^Subject: \[.* 0+/\d+\]", mails[0], re.M) else None
            series_tests(nipa, Tree(options.src, options.more[0]), cover, mails)


if __name__ == "__main__":
    main(sys.argv[1:])
