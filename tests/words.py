#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Find terms of earlier drafts, and phrases that the kernel's documentation does not use.

usage: words.py [FILE ...]

Without FILE, all texts of the project are read: the messages and the added lines of the patches,
the pages, the programs and their comments. Lines that a patch only moves do not count. Prints one
line for each finding: file, line, the phrase, and the words to write instead.
"""

import bisect
import os
import re
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))

# (pattern, the words to write instead). Case is ignored, except in (?-i:...).
PHRASES = [
    (r"beside", "concurrently with, in parallel with, during, next to"),
    (r"meanwhile|in the meantime", "concurrently"),
    (r"at once", "without blocking, immediately, or at the same time"),
    (r"a moment ago", "no longer guaranteed"),
    (r"on (?:its|their) way out", "being removed, being dismantled"),
    (r"who(?:m|so)?ever", "the noun: caller, reader, driver"),
    (r"anew", "again; recreated"),
    (r"mended", "fixed"),
    (r"knobs?", "debugfs file, option"),
    (r"be rid of|gets? rid of", "discard, remove"),
    (r"(?:all|nothing|nobody|none|anything|everything) but|"
     r"but (?:for|that) (?:the|a|of|one|what|those)",
     "except"),
    (r"ha(?:s|ve|d|ving) to", "must"),
    (r"(?:is|are|was|were) gone", "freed, removed, unregistered"),
    (r"comes? (?:and|or) goe?s?", "registered and unregistered, added and removed"),
    (r"half[ -]made", "partly initialized"),
    (r"hostile", "malformed"),
    (r"(?:ends?|ended|is|are|was|were|run|runs|ran|stays?|stayed) silent", "no splats"),
    (r"promis(?:e|es|ed)", "guarantee"),
    (r"(?:found|seen|proven) by reading", "found by code inspection"),
    (r"(?:un)?declared callbacks?|undeclared", "with parallel_ops, without parallel_ops"),
    (r"object store|the store", "objs_rwsem"),
    (r"command mutex(?:es)?", "ops lock"),
    (r"asks? (?:the|its|a|this|that) drivers?|ask(?:s|ing)_\w+|\w+_asks_driver", "needs_driver"),
    (r"(?-i:DEVL_(?:STRUCTURE|EXCLUSIVE|OBJECT|VIEW|UNLOCKED))", "DEVL_LOCK_*"),
    (r"(?<=[.:] )(?-i:Who|What|Whatever)(?= [^.?]*\.)", "a noun as the subject"),
    (r"by hand of|that of (?:the|a) (?:one|other)", "repeat the noun"),
]
ANY = re.compile("|".join(rf"(?P<p{n}>(?<![\w-])(?:{pattern})(?![\w-]))"
                          for n, (pattern, _) in enumerate(PHRASES)), re.I)


def files():
    """The names of all text files, without data, pictures, recorded results and this file."""
    listed = subprocess.run(["git", "-C", TOP, "ls-files", "-co", "--exclude-standard"], check=True,
                            stdout=subprocess.PIPE, text=True).stdout.split("\n")
    return [name for name in listed if name and os.path.exists(os.path.join(TOP, name)) and
            not re.search(r"\.(json|svg|csv|log)$|^(COPYING|docs/results\.md|tests/words.*\.py)$",
                          name)]


def lines_of_patch(text):
    """(number, line) of the message, and of the lines that the patch adds and not only moves."""
    lines = text.split("\n")
    start = next((n for n, line in enumerate(lines) if line.startswith("diff --git")), len(lines))
    removed = {line[1:].strip() for line in lines[start:] if line.startswith("-")}
    for number, line in enumerate(lines, 1):
        if number <= start:
            # These lines have subjects and names of others.
            if not re.match(r"(Fixes|Cc|Link|From|Date): ", line):
                yield number, line
        elif re.match(r"\+(?!\+\+)", line) and line[1:].strip() not in removed:
            yield number, line[1:]


def findings(name, text):
    """(number, phrase, instead) for each phrase, also if a line ends in the middle of it."""
    numbered = list(lines_of_patch(text) if name.endswith(".patch") else
                    enumerate(text.split("\n"), 1))
    # One string, with single spaces for line ends and comment marks, and for each line the
    # position where it begins
    joined, starts, before = "", [], ""
    for number, line in numbered:
        starts.append((len(joined), number))
        mark = re.match(r'\s*("""|(?:/\*\*?|#+|//)(?=\s))', line)
        # The first word of a comment begins a sentence.
        if mark and not re.match(rf"\s*{re.escape(mark.group(1))}", before):
            joined += ". "
        joined += re.sub(r"\s+", " ", re.sub(r'^([\s*#/>|-]|""")+', "", line)) + " "
        before = line
    for match in ANY.finditer(joined):
        number = starts[bisect.bisect(starts, (match.start(), len(joined))) - 1][1]
        yield number, match.group(0).strip(), PHRASES[int(match.lastgroup[1:])][1]


def main():
    found = 0
    names = sys.argv[1:] or files()
    for name in names:
        with open(os.path.join(TOP, name), encoding="utf-8") as f:
            for number, phrase, instead in findings(name, f.read()):
                print(f"{name}:{number}: '{phrase}': write {instead}")
                found += 1
    print(f"{len(names)} files checked, {found} phrases to replace")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
