#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""The pictures of the documentation, which are the same when their data are.

usage: picture.py [latency|waits]

docs/latency.svg comes from docs/latency.json, which `make bench PART=latency` writes, and
docs/waits.svg from docs/waits.csv.  Both have a white background and dark text, for light and
dark pages.
"""

import csv
import json
import os
import sys

import guest

try:
    import matplotlib
    matplotlib.use("svg")
    from matplotlib import patches, pyplot
except ImportError as error:
    sys.exit(f"picture: {error}: run `make pictures`, which installs it")

DOCS = os.path.join(guest.TOP, "docs")
BASE, SERIES, TEXT, GREY = "#b3400e", "#1f6f8b", "#222222", "#666666"
TICKS = {10: "10 µs", 100: "100 µs", 1e3: "1 ms", 1e4: "10 ms", 1e5: "100 ms", 1e6: "1 s",
         1e7: "10 s"}
# Curves may cover each other, so a wide one comes first: (line of latency.json, label, style)
CURVES = [
    ("base, idle", "base, idle", {"color": BASE, "linewidth": 5, "alpha": 0.35}),
    ("series, idle", "series, idle", {"color": SERIES, "linewidth": 2, "linestyle": "--"}),
    ("series, during an update", "series, during the update", {"color": SERIES, "linewidth": 1.5}),
]
# The content of a cell of waits.csv: (mark, colour, legend)
CELLS = {
    "core": ("●", "#cfe8d5", "does not block: devlink answers"),
    "driver": ("○", "#d3e6f0", "does not block: the driver answers, its callback has parallel ops"),
    "part": ("◐", "#fbe9b7", "blocks in part, see below"),
    "blocks": ("×", "#f3c5b2", "blocks until the update ends"),
    "-": ("", "#ffffff", "the driver has no such object"),
}
BEFORE = "base: every driver"
GAP = 0.9               # between the rows of base and series


def save(figure, name, title):
    path = os.path.join(DOCS, name)
    # Without a date, and without the version of matplotlib
    figure.savefig(path, format="svg", bbox_inches="tight", pad_inches=0.15, facecolor="white",
                   metadata={"Date": None, "Creator": None, "Title": title})
    pyplot.close(figure)
    print(os.path.relpath(path))


def read(name):
    path = os.path.join(DOCS, name)
    try:
        with open(path, encoding="utf-8") as f:
            return f.read()
    except FileNotFoundError:
        sys.exit(f"picture: there is no docs/{name}: run `make bench PART=latency`")


def latency():
    """For each time, the share of the requests that were answered by then"""
    data = json.loads(read("latency.json"))
    requests = {line: sorted((float(us), count) for us, count in counts.items())
                for line, counts in data["requests by microseconds"].items()}
    figure, axes = pyplot.subplots(figsize=(8.4, 3.9))
    for line, label, style in CURVES:
        times, shares, total = [], [], sum(count for _, count in requests[line])
        answered = 0
        for us, count in requests[line]:
            answered += count
            times.append(us)
            shares.append(100 * answered / total)
        axes.step([times[0], *times], [0, *shares], where="post",
                  label=f"{label}: {total} requests", solid_capstyle="butt", **style)
    blocked = [us for us, _ in requests["base, during an update"]]
    seconds = data["update of the base, seconds"]
    axes.axvspan(min(blocked) / 1.08, max(blocked) * 1.08, color=BASE, alpha=0.35, linewidth=0)
    axes.text(min(blocked) / 1.25, 68, "base, during the update:\nblocked until the update ends\n"
              f"(here {seconds:.1f} s)", color=BASE, ha="right", va="center")
    axes.set_xscale("log")
    axes.set_xlim(10, 1e7)
    axes.set_xticks(list(TICKS), list(TICKS.values()))
    axes.minorticks_off()
    axes.set_ylim(0, 101)
    axes.grid(color="#dddddd", linewidth=0.6)
    axes.set_axisbelow(True)
    axes.set_xlabel(f"latency of {data['request']}, log scale")
    axes.set_ylabel("requests answered within this latency, %")
    axes.legend(frameon=False, loc="center left", bbox_to_anchor=(0.33, 0.3))
    title = "`devlink port show` during a firmware update (netdevsim, User Mode Linux, 2 CPUs)"
    axes.set_title(title, loc="left", fontsize=10)
    figure.text(0.125, -0.05, f"Boots of each kernel: {data['boots']}. Requests follow each other "
                "without a pause on one CPU: User Mode Linux wakes\nan idle CPU slowly. The update "
                "runs on the other CPU. The test chooses the length of netdevsim's update.",
                color=GREY, fontsize=8, va="top")
    save(figure, "latency.svg", title)


def waits():
    """Which reads block during a firmware update, by driver"""
    rows = list(csv.DictReader(read("waits.csv").splitlines()))
    kinds = [name for name in rows[0] if name not in ("driver", "note", "source")]
    table = [(BEFORE, ["blocks"] * len(kinds))] + \
        [(row["driver"], [row[kind] for kind in kinds]) for row in rows]
    wrong = {cell for _, cells in table for cell in cells} - set(CELLS)
    if wrong or not all(row["source"] for row in rows):
        sys.exit(f"picture: docs/waits.csv: wrong cells {sorted(wrong)}, or a row without a source")

    figure, axes = pyplot.subplots(figsize=(9.2, 6.6))

    def square(x, y, cell):
        mark, colour, _ = CELLS[cell]
        axes.add_patch(patches.Rectangle((x, y), 1, 1, facecolor=colour, edgecolor="#bbbbbb",
                                         linewidth=0.6, clip_on=False))
        axes.text(x + 0.5, y + 0.5, mark, ha="center", va="center")

    axes.text(-0.15, 1.45, "series:", ha="right", va="center", fontweight="bold")
    for number, (driver, cells) in enumerate(table):
        y = number + (GAP if number else 0)
        axes.text(-0.15, y + 0.5, driver, ha="right", va="center",
                  fontweight="normal" if number else "bold")
        for x, cell in enumerate(cells):
            if cell != "-":
                square(x, y, cell)
    bottom = len(table) + GAP
    axes.hlines([number + GAP for number in range(1, len(table) + 1)], 0, len(kinds),
                color="#dddddd", linewidth=0.6, zorder=0)
    for x, kind in enumerate(kinds):
        axes.text(x + 0.35, -0.15, kind, rotation=50, ha="left", va="bottom",
                  rotation_mode="anchor")
    axes.set_xlim(0, len(kinds))
    axes.set_ylim(bottom, 0)
    axes.set_axis_off()
    title = "Which reads block during a firmware update"
    axes.set_title(title, loc="left", x=-0.18, fontsize=11, pad=78, fontweight="bold")
    y = bottom + 0.6
    for cell, (_, _, words) in CELLS.items():
        square(0, y, cell)
        axes.text(1.2, y + 0.5, words, va="center")
        y += 1.15
    notes = [f"{row['driver']}: {row['note']}" for row in rows if row["note"]]
    axes.text(0, y + 0.2, "\n".join([*notes, "By inspection of the code; "
                                    "docs/waits.csv has the files."]),
              va="top", color=GREY, fontsize=8)
    save(figure, "waits.svg", title)


def main():
    drawings = {"latency": latency, "waits": waits}
    names = sys.argv[1:] or list(drawings)
    if not set(names) <= set(drawings):
        sys.exit(__doc__)
    # Identifiers that do not change, and text as outlines, which need no font of the reader
    matplotlib.rcParams.update({"svg.hashsalt": "devlink", "svg.fonttype": "path", "font.size": 9,
                                "text.color": TEXT, "axes.labelcolor": TEXT, "axes.edgecolor": GREY,
                                "xtick.color": TEXT, "ytick.color": TEXT,
                                "axes.spines.top": False, "axes.spines.right": False})
    for name in names:
        drawings[name]()


if __name__ == "__main__":
    main()
