"""Commands that are printed to be copied."""

from __future__ import annotations

import shlex
import subprocess
import sys


def command_line(*words: str) -> str:
    """Words as one types them, in quotes where they need some: in cmd.exe on Windows, else in a
    shell."""
    return subprocess.list2cmdline(words) if sys.platform == "win32" else shlex.join(words)
