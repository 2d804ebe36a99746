# SPDX-License-Identifier: GPL-2.0
"""Converts reStructuredText, with the roles that the kernel uses, to GitHub's Markdown.

docutils is the parser. pandoc merges the rows of a simple table that has empty cells.
"""

import re
import textwrap

try:
    from docutils import core, nodes, utils
    from docutils.parsers.rst import roles
except ImportError:
    core = None

ROLES = "c:func", "c:type", "c:struct", "c:enum", "c:member", "c:macro", "ref", "doc"


class Wrong(Exception):
    """An error and its fix, in one line."""


def escape(text):
    """Text with the special characters of Markdown escaped."""
    return re.sub(r"([][|\\`*<]|(?<!\w)_|_(?!\w))", r"\\\1", text)


def anchor(heading):
    """The fragment of a link to a heading, as GitHub generates it."""
    return "#" + re.sub(r"[^\w -]", "", re.sub(r"[`*\\]", "", heading).lower()).replace(" ", "-")


def role(kind, _rawtext, content, *_args, **_kwargs):
    """A role of Sphinx, as the text that Sphinx shows."""
    shown = re.sub(r"\s*<[^<>]*>$", "", content).lstrip("~!")
    if kind == "c:func" and not shown.endswith(")"):
        shown += "()"
    node = nodes.inline if kind in ("ref", "doc") else nodes.literal
    return [node(text=shown)], []


class Markdown:
    """One page."""

    def __init__(self, text, name):
        self.name = name
        if core is None:
            raise Wrong("docutils is missing: run 'tools/setup'")
        for kind in ROLES:
            roles.register_local_role(kind, role)
        try:
            tree = core.publish_doctree(text, settings_overrides={
                "report_level": 2, "halt_level": 2, "warning_stream": False, "raw_enabled": False,
                "file_insertion_enabled": False, "_disable_config": True})
        except utils.SystemMessage as error:
            raise Wrong(f"{name}: {' '.join(str(error).split())}") from error
        self.text = "\n\n".join(self.block(tree)) + "\n"

    def unknown(self, node):
        """The error for a node that cannot be converted."""
        return Wrong(f"{self.name}: '{node.tagname}' has no Markdown here: add it to tools/rst.py")

    def inline(self, node):
        """Text, emphasis, code and links."""
        if isinstance(node, nodes.Text):
            return escape(node.astext().replace("\n", " "))
        if isinstance(node, nodes.literal):
            code = " ".join(node.astext().split())
            return f"`` {code} ``" if "`" in code else f"`{code}`"
        inner = self.content(node)
        if isinstance(node, nodes.emphasis):
            return f"*{inner}*"
        if isinstance(node, nodes.strong):
            return f"**{inner}**"
        if isinstance(node, nodes.reference):
            return f"[{inner}]({node.get('refuri') or anchor(node.astext())})"
        if isinstance(node, (nodes.inline, nodes.title_reference)):
            return inner
        raise self.unknown(node)

    def content(self, node):
        """The contents of a paragraph or a title."""
        return "".join(self.inline(child) for child in node.children)

    def row(self, node):
        """A row of a table."""
        cells = [" ".join(" ".join(self.blocks(entry)).split()) for entry in node.children]
        cells = [re.sub(r"(?<!\\)\|", r"\|", cell) for cell in cells]
        return "| " + " | ".join(cells) + " |"

    def table(self, node):
        """A table with one header."""
        heads, rows = [], []
        for row in node.findall(nodes.row):
            (heads if isinstance(row.parent, nodes.thead) else rows).append(self.row(row))
        spans = any(entry.get("morecols") or entry.get("morerows")
                    for entry in node.findall(nodes.entry))
        if len(heads) != 1 or spans:
            raise Wrong(f"{self.name}: a table has cells that span others, or not one header: "
                        "Markdown has no such table")
        columns = len(list(node.findall(nodes.colspec)))
        return "\n".join([heads[0], "|" + "---|" * columns, *rows])

    def items(self, node, depth):
        """A list."""
        items = []
        for number, item in enumerate(node.children, 1):
            mark = f"{number}. " if isinstance(node, nodes.enumerated_list) else "- "
            inner = "\n\n".join(self.blocks(item, depth))
            items.append(mark + inner.replace("\n", "\n" + " " * len(mark)))
        return "\n".join(items)

    def blocks(self, node, depth=0):
        """The blocks in a node."""
        return [block for child in node.children for block in self.block(child, depth)]

    def block(self, node, depth=0):
        """The blocks of Markdown for a node, without the empty lines between them."""
        if isinstance(node, (nodes.comment, nodes.target, nodes.system_message)):
            return []
        if isinstance(node, nodes.title):
            return ["#" * max(depth, 1) + " " + self.content(node)]
        if isinstance(node, nodes.paragraph):
            return [textwrap.fill(self.content(node), 96, break_long_words=False,
                                  break_on_hyphens=False)]
        if isinstance(node, nodes.literal_block):
            return [f"```\n{node.astext()}\n```"]
        if isinstance(node, nodes.table):
            return [self.table(node)]
        if isinstance(node, (nodes.bullet_list, nodes.enumerated_list)):
            return [self.items(node, depth)]
        if isinstance(node, (nodes.section, nodes.document)):
            return self.blocks(node, depth + 1)
        if isinstance(node, nodes.Admonition):
            inner = "\n\n".join(self.blocks(node, depth)).split("\n")
            return ["\n".join(f"> {line}".rstrip() for line in inner)]
        raise self.unknown(node)


def markdown(text, name):
    """The page as Markdown. Errors contain the name."""
    return Markdown(text, name).text
