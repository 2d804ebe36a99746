#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Results of the long runs: docs/results.json, and docs/results.md, which is generated from it.

Each program that measures calls record(). Without an option, this program generates the page.

A tree is named by a hash of the code that results depend on, without comments and white
space. Prose names it with the words "tree ID", for example "Measured on 2026-11-29, tree
0123456789ab". If it is not the present tree, ", older than these patches" must follow.
"""

import argparse
import collections
import datetime
import fcntl
import functools
import glob
import hashlib
import json
import os
import re
import subprocess
import sys

import guest

DOCS = os.path.join(guest.TOP, "docs")
DATA = os.path.join(DOCS, "results.json")
PAGE = os.path.join(DOCS, "results.md")
PROSE = ["README.md", "docs/*.md", "patches/*/*/0000-cover-letter.patch"]
# git lists the files directly in a folder if its name ends with a slash.
CODE = ["net/devlink/", "include/net/devlink.h", "include/trace/events/devlink.h",
        "drivers/net/netdevsim/"]
# String and character constants, comments, white space
TOKENS = re.compile(rb"""("(?:\\.|[^"\\\n])*"|'(?:\\.|[^'\\\n])*')|//[^\n]*|/\*.*?\*/|\s+""", re.S)
NAMED = re.compile(r"\btree\s+`?([0-9a-f]{12})\b`?(,\s+older\s+than\s+these\s+patches\b)?", re.I)
OLDER = "older"         # the tree of a row if it is not known
MACHINES = {"uml": "UML, 2 CPUs", "qemu": "QEMU, x86_64"}

# run: (title, name of its key, the columns that say why a row is not good, text)
RUNS = {
    "bench": ("Measurements", "row", ["ratio of best", "limit", "is"],
              "Base and series in turn, in guests of their own: medians over the boots, and half\n"
              "the distance between the quartiles. Other load only adds, so a limit applies to\n"
              "the best boots. Instructions are counted by QEMU, on one CPU. *nothing*: the\n"
              "command finds and locks its object, and changes nothing. If a limit names another\n"
              "row, the cost grows with the number of objects, possibly on the base as well.\n"
              "Times of single commands have no limit, because boots of one kernel differ too\n"
              "much. Their instructions have one."),
    "mutants": ("Mutants", "mutant", ["what the test says"],
                "A patch in `tests/mutants/` removes one lock or re-check of the series. A row is\n"
                "good if its test fails with the patch and passes without it."),
    "torture": ("Torture", "kernel, configuration", ["result"],
                "Random operations in parallel, by the selftest `devlink_torture.sh`: one guest\n"
                "after the other, each with the next seed. Nothing is required of the base."),
    "fuzz": ("Malformed messages", "kernel, configuration", ["result"],
             "Messages made from `Documentation/netlink/specs/devlink.yaml`, by the selftest\n"
             "`devlink_fuzz.py`."),
    "faults": ("Allocations that fail", "kernel, configuration", ["result"],
               "Each allocation of each case of the selftest `devlink_faults` fails once."),
    "soak": ("Soak", "step", ["what failed"],
             "The steps that do not fit into `make test`."),
}
# The column of a run by which its table is divided
PARTS = {"bench": "part"}


def git(*args, data=None):
    done = subprocess.run(["git", "-C", guest.LINUX, *args], input=data, check=False,
                          stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    return done.stdout if done.returncode == 0 else b""


def tree_id(commit="HEAD"):
    """The name of the code of a commit; empty if there is no such commit."""
    return name_of(git("ls-tree", commit, "--", *CODE).decode())


@functools.cache
def name_of(listed):
    files = re.findall(r"^\d+ blob (\w+)\t(.*\.[ch])$", listed, re.M)
    if not files:
        return ""
    digest = hashlib.sha256()
    texts = git("cat-file", "--batch", data="".join(f"{blob}\n" for blob, _ in files).encode())
    for _, name in files:
        head, _, texts = texts.partition(b"\n")
        size = int(head.split()[2])
        code = TOKENS.sub(lambda match: match[1] or b"", texts[:size])
        digest.update(b"%s %d %s\n" % (name.encode(), len(code), code))
        texts = texts[size + 1:]
    return digest.hexdigest()[:12]


def present():
    found = tree_id()
    if not found:
        linux = os.path.relpath(guest.LINUX, guest.TOP)
        sys.exit(f"results: there is no devlink in {linux}: run 'make tree'")
    return found


def tree_of(config, kernel):
    """The tree that a kernel was built from; without a configuration, the tree of these patches."""
    if not config:
        return present()
    commit = read(os.path.join(guest.kernel_dir(kernel, config), "commit")).strip()
    return (tree_id(commit) if commit else "") or OLDER


def read(path):
    if not os.path.exists(path):
        return ""
    with open(path, encoding="utf-8") as f:
        return f.read()


def load():
    return json.loads(read(DATA) or "[]")


def save(rows):
    """Writes the data, one row per line, so that a diff shows the changed rows, and the page."""
    rows.sort(key=lambda row: (row["run"], row["key"]))
    lines = ",\n".join(json.dumps(row, ensure_ascii=False) for row in rows)
    for path, text in (DATA, f"[\n{lines}\n]\n"), (PAGE, page(rows)):
        with open(f"{path}.partial", "w", encoding="utf-8") as f:
            f.write(text)
        os.rename(f"{path}.partial", path)


def change(run, drop, new):
    """Replaces the rows of a run for which drop(row) is true. Several programs may call this."""
    folder = os.open(DOCS, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        save([row for row in load() if row["run"] != run or not drop(row)] + new)
    finally:
        os.close(folder)


def record(run, key, columns, command, good, config, kernel):
    """Adds a row, or replaces the one with the same run and key. `command` repeats the run. A run
    without a guest has no config."""
    change(run, lambda row: row["key"] == key,
           [{"run": run, "key": key, "date": str(datetime.date.today()),
             "tree": tree_of(config, kernel),
             "machine": MACHINES[guest.MACHINES[config]] if config else "host",
             "command": command, "good": bool(good), "columns": columns}])


def remove(run, drop):
    """Removes the rows of a run for which drop(row) is true: they are no longer measured."""
    change(run, drop, [])


# -- the page -----------------------------------------------------------------------

def shown(value):
    if isinstance(value, bool):
        return "yes" if value else "**no**"
    if isinstance(value, float):
        value = f"{value:.0f}" if abs(value) >= 1000 else f"{value:.4g}"
    text = "" if value is None else str(value)
    return " ".join(text.split()).replace("|", "\\|").replace("<", "&lt;")


def cells(row):
    """The cells of a row, by column."""
    return {**row["columns"], "good": row["good"], "date": row["date"], "tree": row["tree"],
            "machine": row["machine"], "command": f"`{row['command']}`"}


def table(first, rows, columns):
    lines = [f"| {' | '.join([first, *columns])} |", "|---" * (len(columns) + 1) + "|"]
    for row in rows:
        found = cells(row)
        values = [row["key"], *(found.get(column) for column in columns)]
        lines.append(f"| {' | '.join(map(shown, values))} |")
    return "\n".join(lines)


def section(first, rows, part=None):
    """A table. A line above it has the values that all rows have in common."""
    found = [cells(row) for row in rows]
    columns = dict.fromkeys(c for row in found for c, value in row.items()
                            if c != part and value not in (None, ""))
    common = [c for c in ("good", "date", "tree", "machine", "command")
              if len({row[c] for row in found}) == 1]
    above = [", ".join(f"{c}: {shown(found[0][c])}" for c in common)] if common else []
    return "\n\n".join([*above, table(first, rows, [c for c in columns if c not in common])])


def page(rows):
    now = present()
    known = {now, tree_id("refs/worktree/base")}
    total = collections.Counter(row["run"] for row in rows)
    other = collections.Counter(row["run"] for row in rows if row["tree"] not in known)
    out = ["# Results, generated from docs/results.json by tools/results.py",
           f"The tree of these patches is {now}. `tools/results.py --tree` prints this name of\n"
           "the code of devlink and netdevsim. An *older* row was measured before trees had names.",
           "Rows of other trees: " + ", ".join(f"{run} {other[run]} of {total[run]}"
                                               for run in RUNS if other[run]) + "."
           if other else "All rows are of this tree.",
           "## Not good"]
    bad = [row for row in rows if not row["good"]]
    for run, (title, first, why, _) in RUNS.items():
        mine = [row for row in bad if row["run"] == run]
        if mine:
            out += [f"{title}:", table(first, mine, [*why, "date", "tree", "command"])]
    if not bad:
        out.append("All rows are good.")
    for run, (title, first, _, text) in RUNS.items():
        mine = [row for row in rows if row["run"] == run]
        part = PARTS.get(run)
        if mine:
            out += [f"## {title}", text]
        for name in sorted({row["columns"][part] for row in mine}) if part else [None] * bool(mine):
            if part:
                out.append(f"### {name}")
            out.append(section(first, [row for row in mine if not part or
                                       row["columns"][part] == name], part))
    return "\n\n".join(out) + "\n"


# -- the check ----------------------------------------------------------------------

def stale_prose():
    """A line for each tree in prose that is not the present one and not marked as older."""
    now = present()
    for pattern in PROSE:
        for path in sorted(glob.glob(os.path.join(guest.TOP, pattern))):
            text = read(path)
            for match in NAMED.finditer(text) if path != PAGE else ():
                if match[1] != now and not match[2]:
                    line = text.count("\n", 0, match.start()) + 1
                    yield (f"{os.path.relpath(path, guest.TOP)}:{line}: tree {match[1]} is not "
                           f"that of these patches, {now}: measure again, or write "
                           "', older than these patches' after it")


def check():
    bad = list(stale_prose())
    if read(PAGE) != (page(load()) if os.path.exists(DATA) else ""):
        bad.append("docs/results.md differs from docs/results.json: run tools/results.py")
    for line in bad:
        print(f"results: {line}", file=sys.stderr)
    return bool(bad)


def main():
    parser = argparse.ArgumentParser(description=__doc__,
                                     formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group()
    what.add_argument("--tree", nargs="?", const="HEAD", metavar="COMMIT",
                      help="print the name of the tree of a commit of build/linux")
    what.add_argument("--check", action="store_true",
                      help="fail if the page or a tree in prose is not up to date")
    options = parser.parse_args()
    if options.check:
        return check()
    if options.tree:
        found = tree_id(options.tree)
        if not found:
            sys.exit(f"results: {options.tree} is no commit of build/linux with devlink: "
                     "run 'make tree', or name another")
        print(found)
    else:
        change("", lambda row: False, [])
    return 0


if __name__ == "__main__":
    guest.program(main)
