#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0
"""One page with what the last runs found: build/report.html, and the picture of the README.

usage: report.py [--check]

Everything comes from docs/: bench.json of the last `make bench` of each part, and the tables
that the long runs keep there.  It fails when the table of promises names a test or a mutant
that does not exist, and says which run is missing.  --check does only the former.
"""

import html
import io
import json
import os
import re
import sys

import guest
import ksft

try:
    import markdown
    import matplotlib
    from matplotlib import pyplot
except ImportError as error:
    if sys.argv[1:] != ["--check"]:
        sys.exit(f"report: {error}: run `make report`, which installs it")

DOCS = os.path.join(guest.TOP, "docs")
PICTURE = os.path.join(DOCS, "latency.svg")
PAGE = os.path.join(guest.TOP, "build", "report.html")
COLOURS = {"base": "#c1440e", "series": "#1f6f8b"}
MAIN = "port"           # the view in the README's picture
# (title, file in docs/, the command that makes it)
RUNS = [
    ("Mutants: locks taken out, one at a time", "mutants.md", "make mutants"),
    ("Torture", "torture.md", "make torture"),
    ("Hostile messages", "fuzz.md", "make fuzz"),
    ("Allocations that fail", "faults.md", "make faults"),
    ("The in-tree selftests", "selftests.md", "make test"),
    ("What does not fit into make test", "soak.md", "make soak"),
    ("Real drivers on models of their hardware", "models.md", "make models"),
    ("The hardware kit on the models", "hwkit.md", "tests/hwkit.py models"),
]
STYLE = """
body { font: 15px/1.45 sans-serif; max-width: 75em; margin: 2em auto; padding: 0 1em; color: #222 }
table { border-collapse: collapse; font-size: 13px; margin: 1em 0 }
td, th { border-bottom: 1px solid #ddd; padding: .2em .8em .2em 0; text-align: left; vertical-align: top }
td.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
.bad { color: #c1440e; font-weight: bold }
.missing { background: #fdf0e8; padding: .5em 1em }
code { background: #f4f4f4 } svg { max-width: 100%; height: auto }
.grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(24em, 1fr)) }
"""


def read(name):
    path = os.path.join(DOCS, name)
    if not os.path.exists(path):
        return None
    with open(path, encoding="utf-8") as f:
        return f.read()


def histogram(axes, bench, view):
    """How long a request for the view takes beside a firmware update, base and series."""
    per_doubling = bench["buckets"]
    for kernel, colour in COLOURS.items():
        counts = {int(b): n for b, n in bench["latencies"][kernel][view]["beside a flash"].items()}
        total = sum(counts.values())
        axes.bar([2 ** (b / per_doubling) for b in counts], [100 * n / total for n in counts.values()],
                 width=[2 ** (b / per_doubling) * 0.17 for b in counts], color=colour,
                 label=f"{kernel}, {total} request{'s' * (total > 1)}")
    axes.set_xscale("log")
    axes.set_xlim(1, 1e7)
    axes.set_xticks([1, 1e3, 1e6], ["1 µs", "1 ms", "1 s"])
    axes.set_ylabel("% of the requests")
    axes.legend(frameon=False, loc="upper center")


def svg(figure):
    out = io.StringIO()
    figure.savefig(out, format="svg", bbox_inches="tight", metadata={"Date": None})
    pyplot.close(figure)
    return re.sub(r"^.*?(?=<svg)", "", out.getvalue(), flags=re.S)


def pictures(bench):
    """{view: picture}; that of one view is larger, for the README."""
    matplotlib.use("svg")
    # Pictures that are the same when the numbers are, with text that can be searched
    matplotlib.rcParams.update({"svg.hashsalt": "devlink", "svg.fonttype": "none", "font.size": 9,
                                "axes.spines.top": False, "axes.spines.right": False})
    found = {}
    for view in bench["latencies"]["series"]:
        figure, axes = pyplot.subplots(figsize=(7.2, 2.6) if view == MAIN else (4.2, 2.2))
        histogram(axes, bench, view)
        axes.set_title(f"{view}: from request to answer, while the device updates its firmware",
                       fontsize=9, loc="left", wrap=True)
        found[view] = svg(figure)
    return found


def cell(row, kernel):
    """Median and spread of a row, which is in nanoseconds, bytes or instructions."""
    measured = row[kernel]
    if not measured:
        return '<td class="n">-</td>'
    if row["row"].startswith("instructions"):
        return f'<td class="n">{measured["median"]:.0f}</td>'
    value, unit = measured["median"], "B"
    if "bytes" not in row["row"]:
        for unit, factor in (("ms", 1e6), ("µs", 1e3)):
            if value >= factor:
                break
        value /= factor
    spread = f" ± {100 * measured['spread'] / measured['median']:.1f} %"
    return f'<td class="n">{value:.2f} {unit}{spread if len(measured["values"]) > 1 else ", one boot"}</td>'


def bench_table(bench):
    lines = ["<table><tr><th>row</th><th>base</th><th>series</th><th>of the medians</th>"
             "<th>of the fastest boots</th><th>may be</th><th>part, date, boots, trees of base and series"
             "</th></tr>"]
    for row in bench["rows"]:
        limit = row["limit"]
        ratios = "".join(f'<td class="n">{row[k]:.3f}</td>' if row[k] else '<td class="n">-</td>'
                         for k in ("ratio", "ratio_of_best"))
        may = ""
        if limit["factor"]:
            may = (f"{'at least' if limit['factor'] < 0 else 'at most'} {abs(limit['factor'])} times "
                   f"{html.escape(limit['of'])}: {limit['is']:.3f}")
        lines.append(f"<tr><td>{html.escape(row['row'])}</td>{cell(row, 'base')}{cell(row, 'series')}"
                     f"{ratios}<td class=\"{'' if limit['good'] else 'bad'}\">{may}</td>"
                     f"<td>{row['part']}, {row['date']}, {row['boots']}, {row['trees']['base'][:12]} "
                     f"{row['trees']['series'][:12]}</td></tr>")
    return "\n".join(lines + ["</table>"])


def check_promises(text):
    """Every test that is named exists and is run, and so does every mutant."""
    bad = []
    programs = ksft.programs()
    for row in re.findall(r"^\|.*\|$", text, re.M)[2:]:
        cells = row.strip("|").split("|")
        if len(cells) != 3:
            bad.append(f"a row that has not three columns: {row}")
            continue
        for program, case in re.findall(r"`(devlink[\w.]*):([^`]+)`", cells[1]):
            path = os.path.join(guest.LINUX, programs.get(program, ""), program)
            if "." not in program:
                path += ".c"
            source = ""
            if os.path.exists(path):
                with open(path, encoding="utf-8") as f:
                    source = f.read()
            # In ALL_TESTS=" ... ", in ksft_run([ ... ]), or in a table of strings
            run = re.search(r'^ALL_TESTS="(.*?)"|ksft_run\(\[(.*?)\]', source, re.M | re.S)
            found = re.findall(r"\w+", run.group(0)) if run else re.findall(r'"(.*?)"', source)
            if case not in found:
                bad.append(f"{program}:{case}")
        for name in re.findall(r"`([^`]+)`", cells[2]):
            if not os.path.exists(os.path.join(guest.TOP, "tests", "mutants", f"{name}.patch")):
                bad.append(f"tests/mutants/{name}.patch")
    if bad:
        sys.exit("report: docs/promises.md names what does not exist: " + ", ".join(bad))


def section(title, name, command):
    text = read(name)
    if text is None:
        return f'<h2>{title}</h2>\n<p class="missing">Not run yet: <code>{command}</code></p>\n'
    body = markdown.markdown(re.sub(r"^# .*\n", "", text), extensions=["tables"])
    return f"<h2>{title}</h2>\n<p>Again: <code>{command}</code>. From <code>docs/{name}</code>.</p>\n{body}\n"


def main():
    if sys.argv[1:] not in ([], ["--check"]):
        sys.exit(__doc__)
    check_promises(read("promises.md"))
    if sys.argv[1:]:
        return
    parts = []
    bench = read("bench.json")
    if bench:
        bench = json.loads(bench)
        drawn = pictures(bench)
        with open(PICTURE, "w", encoding="utf-8") as f:
            f.write(drawn[MAIN])
        bad = sum(not row["limit"]["good"] for row in bench["rows"])
        parts += [drawn.pop(MAIN),
                  section("What is promised, and what holds it", "promises.md", "make test"),
                  "<h2>What it costs</h2>",
                  "<p>Again: <code>make bench</code>, on an idle machine, with <code>BOOTS=</code> and "
                  "<code>PART=</code> as in the table. Base and series are booted in turn, User Mode "
                  "Linux with two CPUs: medians, and half the distance between the quartiles. "
                  "Instructions are counted by QEMU. "
                  f"Not as it should be: {bad} of {len(bench['rows'])} rows.</p>",
                  bench_table(bench),
                  "<h2>Reading beside a firmware update</h2>",
                  "<p>A request to the base waits for the end of the update, so there is one for each boot.</p>",
                  '<div class="grid">' + "\n".join(drawn.values()) + "</div>"]
    else:
        parts += ['<p class="missing">Nothing measured yet: <code>make bench</code></p>',
                  section("What is promised, and what holds it", "promises.md", "make test")]
    parts += [section(*run) for run in RUNS]
    with open(os.path.join(guest.TOP, "bases", "7.3.conf"), encoding="utf-8") as f:
        version = re.search(r"^version=(\S+)", f.read(), re.M).group(1)
    os.makedirs(os.path.dirname(PAGE), exist_ok=True)
    with open(PAGE, "w", encoding="utf-8") as f:
        f.write(f"<!doctype html>\n<html lang=en><meta charset=utf-8><title>Parallel devlink</title>\n"
                f"<style>{STYLE}</style>\n<h1>Parallel devlink: what was measured and tested</h1>\n"
                f"<p>Base: Linux {version}. Each section says when it was measured.</p>\n"
                + "\n".join(parts) + "\n</html>\n")
    print(f"{os.path.relpath(PAGE)}" + (f" and {os.path.relpath(PICTURE)}" if bench else ""))


if __name__ == "__main__":
    main()
