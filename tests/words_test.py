#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""Samples for words.py, each with the lines in which it must find a phrase."""

import sys

import words

PATCH = """S

diff --git a/x b/x
--- a/x
+++ b/x
@@ -1 +1,2 @@
 /* beside */
-/* a knob */
+/* moved: */
+\t/* a knob */
+/* anew */
"""
SAMPLES = [
    ("message.patch", "Subject: [PATCH] x\n\nThe reader has\nto wait.\n", [3]),
    ("added.patch", PATCH, [11]),
    ("fixes.patch", "Subject: [PATCH] x\n\nFixes: 123456789abc (\"x: get rid of y\")\n", []),
    ("program.py", '"""What the file lists."""\n# the other\n# one is gone\n', [1, 3]),
    ("page.md", "Are callers told at once? What does a reader see? It must not block.\n", [1]),
    ("clean.md", "A reader must not call the driver. It has two locks.\n", []),
]


def main():
    failed = 0
    for name, text, expected in SAMPLES:
        found = [number for number, _, _ in words.findings(name, text)]
        if found != expected:
            failed += 1
            print(f"{name}: found in lines {found}, expected {expected}")
    print(f"{len(SAMPLES) - failed} passed, {failed} failed, 0 skipped")
    return failed != 0


if __name__ == "__main__":
    sys.exit(main())
