# SPDX-License-Identifier: GPL-2.0
"""Paths of this repository, the build folder, and the kernel tree."""

import os
import subprocess
import sys

TOP = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
BUILD = os.path.join(TOP, "build")
OLDER = ""              # the older kernel that BASE= names, or empty

# tools/common.sh has the rules for LINUX= and BASE=, and prints an error if one is wrong.
if os.environ.get("LINUX") or os.environ.get("BASE"):
    _asked = subprocess.run(
        ["bash", "-c",
         '. "$1/tools/common.sh"; echo "$build"; [ "$base" = $default_base ] || echo "$base"',
         os.path.basename(sys.argv[0]).removesuffix(".py"), TOP],
        stdout=subprocess.PIPE, text=True, check=False)
    if _asked.returncode:
        sys.exit(_asked.returncode)
    BUILD, *_old = _asked.stdout.splitlines()
    OLDER = "".join(_old)

LINUX = os.path.join(BUILD, "linux")
