"""Where a command's output goes: to terminals, pipes and full disks, and nowhere."""

from __future__ import annotations

import io
import os
import subprocess
import sys
from pathlib import Path

import pytest

from cli_fixture import environment, python, written_scan
from stub_fixture import put_cascade
from ToothSegLib.cli import console
from ToothSegLib.cli.main import main

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
    return subprocess.Popen(
        [sys.executable, "-c", CODE], stderr=stderr, env={**environment(), **more}
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


def test_a_name_that_the_terminal_has_no_letters_for_is_no_fault(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    scan = written_scan(tmp_path)
    put_cascade(monkeypatch)
    terminal = io.TextIOWrapper(io.BytesIO(), "cp1252", "strict")
    monkeypatch.setattr(sys, "stdout", terminal)
    out = tmp_path / "\N{GREEK SMALL LETTER ALPHA}"
    assert main(["segment", str(scan), "-o", str(out), "--no-picture"]) == 0
    assert rb"\u03b1" in terminal.buffer.getvalue()
    # Not everything that stands in for a terminal can be told so.
    monkeypatch.setattr(sys, "stdout", io.StringIO())
    assert main(["segment", str(scan), "-o", str(out), "--no-picture"]) == 0


def test_the_bar_shows_per_cent_and_stage_on_a_terminal_only(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    for stream, quiet, shown in (
        (Terminal(), False, True), (Terminal(), True, False), (io.StringIO(), False, False),
    ):  # fmt: skip
        monkeypatch.setattr(sys, "stderr", stream)
        with console.working(quiet=quiet) as (progress, cancelled):
            progress(0.42, "finding the jaws")
            assert not cancelled()
        text = stream.getvalue()
        assert ("finding the jaws" in text and "42%" in text) == shown
        assert bool(text) == shown


# A command that shows a bar, prints something, and ends with a code.
COMMAND = """
import sys
from ToothSegLib.cli import console, doctor
from ToothSegLib.cli.main import main

def run(args):
    with console.working() as (progress, cancelled):
        progress(0.5, "half way")
    print("a problem", flush={flush})
    return {code}

doctor.run = run
sys.exit(main(["doctor"]))
"""


@pytest.mark.parametrize("flush", [False, True])
@pytest.mark.parametrize("code", [0, 2])
def test_a_reader_that_has_had_enough_is_no_error(code: int, flush: bool) -> None:
    gone = "import os\nread, write = os.pipe(); os.close(read); os.dup2(write, 1)\n"
    run = python(gone + COMMAND.format(code=code, flush=flush))
    assert (run.returncode, run.stderr) == (code, "")


FULL = "toothseg: error: what was printed cannot be written: No space left on device\n"


@pytest.mark.skipif(not os.path.exists("/dev/full"), reason="needs Linux")
@pytest.mark.parametrize("flush", [False, True])
@pytest.mark.parametrize(
    ("where", "code", "expected", "told"),
    [
        (">&-", 0, 0, ""),
        (">&-", 2, 2, ""),
        ("2>&-", 0, 0, ""),
        (">&- 2>&-", 2, 2, ""),
        ("> /dev/full", 0, 2, FULL),
        ("> /dev/full", 1, 1, ""),
        ("> /dev/full 2> /dev/full", 0, 2, ""),
    ],
)
def test_where_the_output_goes_changes_no_exit_code_but_that_of_a_full_disk(
    where: str, code: int, expected: int, told: str, flush: bool
) -> None:
    command = COMMAND.format(code=code, flush=flush)
    words = ["sh", "-c", f'exec "$0" -c "$1" {where}', sys.executable, command]
    run = subprocess.run(words, capture_output=True, text=True, env=environment(), check=False)
    assert (run.returncode, run.stderr) == (expected, told)
