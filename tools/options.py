# SPDX-License-Identifier: GPL-2.0
"""Options of the programs: --help prints the description, errors are one line."""

import argparse


class Parser(argparse.ArgumentParser):
    """A parser with the docstring of a program as its help."""

    def __init__(self, description):
        super().__init__(description=description, allow_abbrev=False,
                         formatter_class=argparse.RawDescriptionHelpFormatter)

    def error(self, message):
        name = self.prog.removesuffix(".py")
        self.exit(2, f"{name}: {message}: see {self.prog} --help\n")
