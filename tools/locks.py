# SPDX-License-Identifier: GPL-2.0
"""The locks of a devlink instance, and a picture of them.  Everything in the picture is read from
the head of net/devlink/lock.c, so the two agree.
"""

import re
import textwrap
from xml.sax.saxutils import escape

SOURCE = "net/devlink/lock.c"
# The rows of the picture: the name in lock.c, and the colour.  `late` is objs_rwsem acquired again
# after the locks of the callback were released.
ROWS = {
    "device_lock": "#d9d9d9",
    "locks of a nested instance": "#d9d9d9",
    "lock": "#a6c8ea",
    "ops_rwsem": "#f6c991",
    "objs_rwsem": "#a9d8a3",
    "ops lock": "#f3aeb4",
    "RTNL, locks of netdevs and drivers": "#eeeeee",
    "late": "#a9d8a3",
    "leaf locks": "#d8c4e6",
}
LANE, GAP, LEFT, TOP, ROW, BOX = 196, 8, 14, 100, 66, 38


class Wrong(Exception):
    """lock.c does not have what the picture needs."""


class Locks:
    """The contents of the head of lock.c.

    modes:  {mode: {lock: how it is held}}, without `report`
    chains: {mode: [(row, the locks before it were released)]}, outermost first
    matrix: {mode: {mode: can run concurrently}}
    ops, leaf: a sentence that names these locks
    """

    def __init__(self, text):
        comment = re.search(r"^/\* The locks of a devlink instance\.\n(.*?)^ \*/", text,
                            re.M | re.S)
        if not comment:
            raise Wrong("does not begin with the comment 'The locks of a devlink instance.'")
        lines = [line.expandtabs()[3:].rstrip() for line in comment.group(1).splitlines()]
        self.head = "\n".join(lines).strip("\n")
        self.modes = self._modes(lines)
        self.matrix = self._matrix(lines)
        self.chains = self._chains()
        self.ops = self._sentence("Ops locks")
        self.leaf = self._sentence("Leaf locks")

    @staticmethod
    def _modes(lines):
        names = {"FULL": "full", "EXCL": "exclusive", "SHARED": "shared", "OBJS": "objs"}
        modes = {}
        for line in lines:
            cells = re.split(r"  +", line.strip())
            if len(cells) == 5 and cells[0].removeprefix("DEVL_LOCK_") in names:
                modes[names[cells[0].removeprefix("DEVL_LOCK_")]] = dict(
                    zip(("lock", "ops_rwsem", "objs_rwsem"), cells[1:]))
        if list(modes) != list(names.values()):
            raise Wrong("has no table of DEVL_LOCK_FULL, EXCL, SHARED and OBJS")
        return modes

    @staticmethod
    def _matrix(lines):
        for i, line in enumerate(lines):
            columns = line.split()
            if columns[:1] == ["full"] and len(columns) == 5:
                rows = [row.split() for row in lines[i + 1:i + 6]]
                if [row[0] for row in rows] != columns or any(len(row) != 6 for row in rows):
                    break
                matrix = {row[0]: {c: cell == "yes" for c, cell in zip(columns, row[1:])}
                          for row in rows}
                if any(matrix[a][b] != matrix[b][a] for a in matrix for b in matrix):
                    raise Wrong("has a table of modes that is not symmetric")
                return matrix
        raise Wrong("has no table of modes that are concurrent")

    def _chains(self):
        order = re.search(r"^Order of the locks:\n\n(.*?)\n\n", self.head, re.M | re.S)
        if not order:
            raise Wrong("has no paragraph 'Order of the locks:'")
        chains = {}
        for name, text in re.findall(r"^  ?(\w+): +((?:.*\n?)(?:^ {10,}.*\n?)*)", order.group(1),
                                     re.M):
            chain, released = [], False
            for lock in " ".join(text.split()).split(" -> "):
                row = lock.removesuffix(", released")
                if row == "objs_rwsem" and released:
                    row = "late"
                if row not in ROWS:
                    raise Wrong(f"names '{row}' in the order of the locks: add it to ROWS in "
                                "tools/locks.py")
                chain.append((row, released))
                released = lock.endswith(", released")
            if [row for row, _ in chain] != [row for row in ROWS if row in dict(chain)]:
                raise Wrong(f"has another order of the locks for {name} than ROWS in "
                            "tools/locks.py")
            chains[name] = chain
        if list(chains) != list(self.matrix):
            raise Wrong(f"has the order of the locks for {', '.join(chains)}")
        return chains

    def _sentence(self, title):
        """The first sentence below a title."""
        text = re.search(rf"^{title}\n((?: .*\n)+)", self.head, re.M)
        if not text:
            raise Wrong(f"has no paragraph '{title}'")
        return " ".join(text.group(1).split()).split(". ", maxsplit=1)[0]

    def named(self):
        """All fields that the head names."""
        return sorted(set(re.findall(r"\w+->(\w+)", self.head)))

    def held(self, mode, row):
        """The text below the name of a lock."""
        if row == "late":
            return "for writing, late change"
        how = self.modes.get(mode, {}).get(row, "")
        return "" if how in ("held", "-") else how


class Svg:
    """Text and boxes."""

    def __init__(self):
        self.parts = []

    def text(self, x, y, text, style=""):
        """A line of text."""
        self.parts.append(f'<text x="{x:g}" y="{y:g}"{style and " " + style}>{escape(text)}</text>')

    def box(self, x, y, width, height, fill, extra='stroke="#555"'):
        """A rectangle."""
        self.parts.append(f'<rect x="{x:g}" y="{y:g}" width="{width:g}" height="{height:g}" rx="4" '
                          f'fill="{fill}" {extra}/>')

    def arrow(self, x, y1, y2, extra=""):
        """A vertical arrow."""
        self.parts.append(f'<path d="M{x:g} {y1:g}V{y2:g}" stroke="#333" stroke-width="1.5" '
                          f'fill="none" marker-end="url(#end)"{extra}/>')

    def page(self, width, height, title):
        """The whole picture, on white, so that it is also readable on a dark page."""
        return "\n".join([
            f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" '
            f'viewBox="0 0 {width} {height}" font-family="sans-serif" font-size="13" fill="#111">',
            f"<title>{escape(title)}</title>",
            '<defs><marker id="end" markerWidth="8" markerHeight="8" refX="7" refY="4" '
            'orient="auto"><path d="M0 0L8 4L0 8z" fill="#333"/></marker></defs>',
            f'<rect width="{width}" height="{height}" fill="#fff"/>', *self.parts, "</svg>"]) + "\n"


TITLE = 'font-weight="bold" font-size="15"'
BOLD, MIDDLE, SMALL = 'font-weight="bold"', 'text-anchor="middle"', 'font-size="11" fill="#444"'


def lanes(svg, locks, users):
    """A column for each mode: the locks from the outermost to the innermost."""
    rows = list(ROWS)
    for i, (mode, chain) in enumerate(locks.chains.items()):
        x = LEFT + i * (LANE + GAP)
        middle = x + LANE / 2
        svg.box(x, 32, LANE, TOP + len(rows) * ROW - 42, "#f8f8f8", 'stroke="#ddd"')
        svg.text(middle, 52, mode, f"{TITLE} {MIDDLE}")
        for n, line in enumerate(textwrap.wrap(users[mode], 33)):
            svg.text(middle, 68 + 13 * n, line, f"{MIDDLE} {SMALL}")
        end = None
        for row, released in chain:
            y = TOP + rows.index(row) * ROW
            if end:
                svg.arrow(middle, end, y - 1, ' stroke-dasharray="3 2"' if released else "")
                if released:
                    svg.text(middle + 6, (end + y) / 2 + 3, "released", SMALL)
            svg.box(x + 10, y, LANE - 20, BOX, ROWS[row])
            how = locks.held(mode, row)
            name = {"late": "objs_rwsem", "lock": "lock (instance lock)"}.get(row, row)
            text = [name, how] if how else textwrap.wrap(name, 22)
            for n, line in enumerate(text):
                svg.text(middle, y + BOX / 2 + 5 + (n - (len(text) - 1) / 2) * 15, line,
                         f"{MIDDLE} {SMALL}" if how and n else MIDDLE)
            end = y + BOX
    return TOP + len(rows) * ROW


def table(svg, locks, top):
    """A table of the modes that can run concurrently, and the names of the ops and leaf locks."""
    svg.text(LEFT, top + 22, "Can two of these run concurrently on one instance?", TITLE)
    svg.text(LEFT, top + 40, "Yes: unless both need the same ops lock.", SMALL)
    svg.text(LEFT, top + 55, "No: one blocks until the other has ended. In a wait section of full, "
             "objs does not block.", SMALL)
    cell, height, y = 88, 28, top + 90
    for i, mode in enumerate(locks.matrix):
        svg.text(LEFT + 90 + i * cell + cell / 2, y - 8, mode, MIDDLE)
        svg.text(LEFT + 80, y + i * height + 19, mode, 'text-anchor="end"')
        for j, good in enumerate(locks.matrix[mode].values()):
            svg.box(LEFT + 90 + j * cell, y + i * height, cell - 3, height - 3,
                    "#bfe3ba" if good else "#f0f0f0", 'stroke="none"')
            svg.text(LEFT + 90 + j * cell + cell / 2, y + i * height + 18,
                     "yes" if good else "no", MIDDLE)
    x = LEFT + 90 + 5 * cell + 30
    for title, row, names in (("Ops locks", "ops lock", locks.ops),
                              ("Leaf locks", "leaf locks", locks.leaf)):
        svg.box(x, top + 12, 14, 14, ROWS[row])
        svg.text(x + 22, top + 24, title, BOLD)
        lines = textwrap.wrap(names, 60)
        for n, line in enumerate(lines):
            svg.text(x + 22, top + 42 + 16 * n, line)
        top += 38 + 16 * len(lines)
    for line in ("Dashed arrow: the locks of the callback were released before.",
                 f"Read from the head of {SOURCE}, where each lock is explained."):
        svg.text(x, top + 22, line, SMALL)
        top += 16
    return max(y + 5 * height, top) + 14


def picture(locks, users):
    """The picture; users has the tasks that use a mode."""
    svg = Svg()
    svg.text(LEFT, 22, "Order of the locks, by mode: the outermost lock is at the top", TITLE)
    bottom = lanes(svg, locks, users)
    return svg.page(2 * LEFT + 5 * LANE + 4 * GAP, table(svg, locks, bottom),
                    "The locks of a devlink instance")
