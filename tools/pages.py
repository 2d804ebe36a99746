#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Write the pages that are generated from the patches and from build/linux:

    patches/README.md   the postings and their patches
    docs/locking.md     the page of the series about locking, and the head of net/devlink/lock.c
    docs/locks.svg      a picture of the locks

usage: pages.py [--check]
       pages.py needs

Then check docs/: the tree must define each `file:name` of docs/tour.md, and each relative link
must lead to a file or a heading.  --check writes nothing and fails if a page differs from the one
that would be written.  `make export` calls this.

`needs` applies each posting to the base with only the postings that it needs: those that its reason
in patches/series names, and those that these need.
"""

import email.parser
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

import guest
import locks
from rst import Wrong, anchor, escape, markdown

PATCHES = os.path.join(guest.TOP, "patches")
DOCS = os.path.join(guest.TOP, "docs")
RST = "Documentation/networking/devlink/devlink-locking.rst"
# The table of modes in the page does not have this mode.
REPORT = "reports to a health reporter with parallel ops"


def read(path):
    """A file of this repository."""
    with open(path, encoding="utf-8") as f:
        return f.read()


def git(*args):
    """git in build/linux."""
    return subprocess.run(["git", "-C", guest.LINUX, *args], stdout=subprocess.PIPE,
                          stderr=subprocess.DEVNULL, check=False, encoding="utf-8",
                          errors="replace")


def in_tree(path):
    """A file of the tree after the last posting, or None."""
    shown = git("show", f"HEAD:{path}")
    return None if shown.returncode else shown.stdout


# patches/README.md

def postings():
    """(name, now or later, reason) of each line in patches/series; tools/common.sh reads it."""
    listed = subprocess.run(
        ["bash", "-c", '. "$1/common.sh"; postings', "pages", f"{guest.TOP}/tools"],
        stdout=subprocess.PIPE, text=True, check=False)
    if listed.returncode:
        sys.exit(1)
    for line in listed.stdout.splitlines():
        name, state, _, reason = line.split(" ", 3)
        yield name, state, reason


def mail(path):
    """Subject without its prefix, message, and (files, added, removed) of a stored patch."""
    message = email.parser.Parser().parsestr(read(path))
    subject = re.sub(r"^(\[[^]]*\] *)+", "", " ".join(message["Subject"].split()))
    body = message.get_payload()
    stat = re.search(r"^ (\d+) files? changed"
                     r"(?:, (\d+) insertions?\(\+\))?(?:, (\d+) deletions?\(-\))?$", body, re.M)
    return subject, body, [int(n or 0) for n in stat.groups()] if stat else [0, 0, 0]


def needed(reason, before):
    """The postings that a reason names."""
    return [other for other in before if re.search(rf"(?<![\w/-]){other}(?![\w-])", reason)]


def section(name, state, reason, before):
    """A posting: its row in the overview, its section, and its number of patches."""
    folder = os.path.join(PATCHES, name)
    files = sorted(f for f in os.listdir(folder) if f.endswith(".patch"))
    title, body, _ = mail(os.path.join(folder, files[0]))
    if files[0].startswith("0000-"):
        files = files[1:]
    first = escape(body.strip().split("\n\n")[0])
    needs = ", ".join(f"[{other}]({anchor(other)})" for other in needed(reason, before))
    needs = needs or "no other posting"
    rows, total = [], [0, 0]
    for number, file in enumerate(files, 1):
        subject, _, (changed, added, removed) = mail(os.path.join(folder, file))
        rows.append(f"| {number} | [{escape(subject)}]({name}/{file}) | {changed} | "
                    f"+{added} -{removed} |")
        total = [total[0] + added, total[1] + removed]
    tree = name.split("/")[0]
    return (f"| [{name}]({anchor(name)}) | {escape(title)} | {len(files)} | "
            f"+{total[0]} -{total[1]} |",
            "\n".join([f"\n## {name}", "", f"**{escape(title)}**", "", re.sub(":$", ".", first), "",
                       f"Tree: {tree}. Needs: {needs}. *{state}*: {escape(reason)}.", "",
                       "| | subject | files | lines |", "|---|---|---|---|", *rows]), len(files))


def patches_page():
    """patches/README.md"""
    overview, sections, count, before = [], [], 0, []
    for name, state, reason in postings():
        row, text, patches = section(name, state, reason, before)
        overview.append(row)
        sections.append(text)
        count += patches
        before.append(name)
    older = []
    if glob.glob(os.path.join(PATCHES, "stable-*")):
        older = ["The folders `stable-*` are drafts for [older kernels](../docs/older-kernels.md)."]
    return "\n".join([
        "# The patches", "",
        f"Written by `make export`: {len(before)} postings with {count} patches, in the order in "
        "which they apply.",
        "[`series`](series) is the list that the tools read. *now*: may be sent. *later*: waits "
        "for what follows the word. The lines of a posting are the sums of its patches.",
        *older, "",
        "| posting | title | patches | lines |", "|---|---|---|---|", *overview, *sections]) + "\n"


def check_needs():
    """Applies each posting to the base, on top of what it needs; returns the exit status."""
    needs, passed, failed = {}, 0, 0
    with tempfile.TemporaryDirectory() as folder:
        index = os.path.join(folder, "index")
        environ = {**os.environ, "GIT_INDEX_FILE": index}
        subprocess.run(["git", "-C", guest.LINUX, "read-tree", "refs/worktree/base"], env=environ,
                       check=True)
        shutil.copy(index, f"{index}.base")
        for name, _, reason in postings():
            direct = needed(reason, needs)
            needs[name] = {*direct, *(one for other in direct for one in needs[other])}
            shutil.copy(f"{index}.base", index)
            files = [path for one in needs if one in needs[name] or one == name
                     for path in sorted(glob.glob(f"{PATCHES}/{one}/*.patch"))
                     if not os.path.basename(path).startswith("0000-")]
            below = ", ".join(direct) or "the base"
            applied = subprocess.run(["git", "-C", guest.LINUX, "apply", "--cached", *files],
                                     env=environ, stderr=subprocess.PIPE, text=True, check=False)
            if applied.returncode:
                failed += 1
                first = applied.stderr.splitlines()[0].removeprefix("error: ")
                print(f"FAIL   {name} does not apply on {below}: {first}: "
                      "name what it needs in patches/series")
            else:
                passed += 1
                print(f"ok     {name} applies on {below}")
    print(f"{passed} passed, {failed} failed, 0 skipped")
    return 1 if failed else 0


# docs/locking.md

def tables(text):
    """The tables of a Markdown page, each a list of rows, without emphasis."""
    for found in re.findall(r"(?:^\|.*\n?)+", text, re.M):
        yield [[re.sub(r"[*`\\]", "", cell.strip()) for cell in line.strip("|\n").split(" | ")]
               for line in found.splitlines() if not line.startswith("|---")]


def locking_pages():
    """{path: text} of docs/locking.md and docs/locks.svg, or {} if the tree lacks their source."""
    rst, code = in_tree(RST), in_tree(locks.SOURCE)
    if rst is None or code is None:
        if os.path.exists(f"{DOCS}/locking.md"):
            missing = RST if rst is None else locks.SOURCE
            raise Wrong(f"there is no {missing} in the tree for docs/locking.md: remove the page, "
                        "or export a tree that has its source")
        return {}
    page = markdown(rst, RST)
    try:
        described = locks.Locks(code)
    except locks.Wrong as error:
        raise Wrong(f"{locks.SOURCE} {error}") from error
    fields = git("grep", "-ohE", r"\w+(\[\w+\])?;", "HEAD", "--", "net/devlink",
                 "include/net/devlink.h").stdout
    unknown = [name for name in described.named() if name not in re.findall(r"^\w+", fields, re.M)]
    if unknown:
        raise Wrong(f"{locks.SOURCE} names {', '.join(unknown)}, which net/devlink does not have")
    users, matrix = {"report": REPORT}, None
    for head, *rows in tables(page):
        if head[-1] == "users":
            users.update((row[0], row[-1]) for row in rows)
        elif head[1:] == list(described.matrix):
            matrix = {row[0]: {mode: cell == "yes" for mode, cell in zip(head[1:], row[1:])}
                      for row in rows}
    if matrix != described.matrix or set(users) != set(matrix):
        raise Wrong(f"{RST} and {locks.SOURCE} have different tables of modes: correct one")
    title, rest = page.split("\n\n", 1)
    return {
        os.path.join(DOCS, "locks.svg"): locks.picture(described, users),
        os.path.join(DOCS, "locking.md"): "\n".join([
            f"*Written by `make export` (`tools/pages.py`) from `{RST}`",
            f"and the head of `{locks.SOURCE}`, as they are after the last posting. Change them",
            "there: this file is overwritten.*", "", title, "",
            "![The locks of a devlink instance, order, which modes are concurrent](locks.svg)",
            "", rest, f"## The head of {locks.SOURCE}", "", "```", described.head, "```"]) + "\n"}


# Checks

def defined(name, text):
    """Whether the name is in the first line of a definition: function, struct, table or test."""
    return re.search(rf"^(?![ \t*/#]).*\b{re.escape(name)}\b|^\s*def {re.escape(name)}\b|"
                     rf"^#define {re.escape(name)}\b", text, re.M)


def check_tour(path, errors):
    """Each `file` and `file:name` of the page is in the tree."""
    for where in sorted(set(re.findall(r"`([\w./-]+/[\w.-]+(?::\w+)?)`", read(path)))):
        file, _, name = where.partition(":")
        text = in_tree(file)
        if text is None and not name and os.path.exists(os.path.join(guest.TOP, file)):
            continue
        if text is None:
            errors.append(f"docs/tour.md: {file} is not in the tree: name another file")
        elif name and not defined(name, text):
            errors.append(f"docs/tour.md: {file} does not define {name}: correct the name")


def headings(path):
    """The fragments of links to the headings of a page."""
    text = re.sub(r"^```.*?^```", "", read(path), flags=re.M | re.S)
    return {anchor(heading) for heading in re.findall(r"^#+ (.*)$", text, re.M)}


def check_links(path, errors):
    """Each relative link leads to a file; a link whose text names a patch, to that patch."""
    name = os.path.relpath(path, guest.TOP)
    text = re.sub(r"^```.*?^```", "", read(path), flags=re.M | re.S)
    for shown, target in re.findall(r"\[((?:\\.|[^]\\])*)\]\(([^)\s]+)\)", text):
        if re.match(r"[a-z]+:", target):
            continue
        file, _, end = target.partition("#")
        there = os.path.join(os.path.dirname(path), file) if file else path
        if not os.path.exists(there):
            errors.append(f"{name}: there is no {target}: correct the link")
        elif end and there.endswith(".md") and f"#{end}" not in headings(there):
            errors.append(f"{name}: {file or name} has no heading #{end}: correct the link")
        patch = re.match(r"([\w-]+/[\w-]+) (\d+)\b(?:: (.*))?", shown)
        if not patch:
            continue
        if f"/{patch.group(1)}/{int(patch.group(2)):04}-" not in target:
            errors.append(f"{name}: the link of {patch.group(1)} {patch.group(2)} leads to "
                          f"{target}: correct one of them")
        elif patch.group(3) and os.path.exists(there) and patch.group(3) != escape(mail(there)[0]):
            errors.append(f"{name}: {patch.group(1)} {patch.group(2)} is not '{patch.group(3)}' "
                          f"but '{mail(there)[0]}': correct one of them")


def main():
    if sys.argv[1:] not in ([], ["--check"], ["needs"]):
        sys.exit(__doc__)
    if git("rev-parse", "HEAD").returncode:
        sys.exit("pages: there is no tree in build/linux: run 'make tree'")
    if sys.argv[1:] == ["needs"]:
        return check_needs()
    errors = []
    try:
        pages = {os.path.join(PATCHES, "README.md"): patches_page(), **locking_pages()}
    except Wrong as error:
        sys.exit(f"pages: {error}")
    stale = [path for path, text in pages.items() if not os.path.exists(path) or read(path) != text]
    if sys.argv[1:]:
        errors += [f"{os.path.relpath(path, guest.TOP)} differs from the tree: run 'make export'"
                   for path in stale]
    else:
        for path in stale:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as f:
                f.write(pages[path])
            print(f"pages: {os.path.relpath(path, guest.TOP)}", file=sys.stderr)
    if os.path.exists(f"{DOCS}/tour.md"):
        check_tour(f"{DOCS}/tour.md", errors)
    for folder in (guest.TOP, DOCS, PATCHES):
        for file in sorted(os.listdir(folder)) if os.path.isdir(folder) else []:
            if file.endswith(".md"):
                check_links(os.path.join(folder, file), errors)
    for error in errors:
        print(f"pages: {error}", file=sys.stderr)
    return 1 if errors else 0


if __name__ == "__main__":
    sys.exit(main())
