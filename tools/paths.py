# SPDX-License-Identifier: GPL-2.0
"""Paths of this repository, the build folder, and the kernel tree."""

import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build")

# tools/common.sh has the rules for LINUX=, and prints an error if it is not a folder.
if os.environ.get("LINUX"):
    _asked = subprocess.run(
        ["bash", "-c", '. "$1/tools/common.sh"; echo "$build"',
         os.path.basename(sys.argv[0]).removesuffix(".py"), TOP],
        stdout=subprocess.PIPE, text=True, check=False)
    if _asked.returncode:
        sys.exit(_asked.returncode)
    BUILD = _asked.stdout.strip()

LINUX = os.path.join(BUILD, "linux")
