"""A command's own standard error: as the process's, and not lost where that is sent nowhere."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

import ToothSegLib

# Tells what the stream is like, and writes to it while the process's own leads nowhere.
CODE = """
import os, sys
from ToothSegLib.cli.output import output
from ToothSegLib.formats.itk_io import itk_errors

def kind():
    return sys.stderr.isatty(), sys.stderr.encoding, sys.stderr.errors

before, stream = kind(), sys.stderr
open_before = len(os.listdir("/dev/fd"))
with output():
    kept = sys.stderr
    assert kind() == before, (kind(), before)
    assert kept.fileno() != 2
    with itk_errors("scan.mha"):
        print("heard \\udce9", file=sys.stderr)
        os.write(2, b"not heard")
assert sys.stderr is stream
assert len(os.listdir("/dev/fd")) == open_before
print("by whoever kept it", file=kept)
print("afterwards", file=sys.stderr)
"""
SAID = b"heard \\udce9\nby whoever kept it\nafterwards\n"


def run(stderr: int, **more: str) -> subprocess.Popen[bytes]:
    root = str(Path(ToothSegLib.__file__).parents[1])
    return subprocess.Popen(
        [sys.executable, "-c", CODE], stderr=stderr, env={**os.environ, "PYTHONPATH": root, **more}
    )


@pytest.mark.skipif(os.name != "posix", reason="/dev/fd")
@pytest.mark.parametrize("encoding", ["utf-8", "latin-1", "ascii:replace"])
def test_what_is_written_while_standard_error_leads_nowhere_arrives(encoding: str) -> None:
    with run(subprocess.PIPE, PYTHONIOENCODING=encoding) as process:
        _, said = process.communicate(timeout=60)
    assert (process.returncode, said) == (0, SAID)


@pytest.mark.skipif(os.name != "posix", reason="terminals of Unix")
def test_a_terminal_stays_one() -> None:
    ours, theirs = os.openpty()
    with run(theirs) as process:
        os.close(theirs)
        assert process.wait(timeout=60) == 0
        assert os.read(ours, 1000).replace(b"\r\n", b"\n") == SAID
    os.close(ours)
