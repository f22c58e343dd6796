"""Ctrl-C: nothing is left behind, at whatever moment it comes."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from cli_fixture import environment, written_scan
from stub_fixture import bright_voxels, put_cascade
from ToothSegLib.cli import console
from ToothSegLib.cli.main import main
from ToothSegLib.errors import Cancelled


@pytest.fixture
def scan(tmp_path: Path) -> Path:
    """See `cli_fixture.written_scan`."""
    return written_scan(tmp_path)


def test_ctrl_c_leaves_nothing_and_gives_130(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def interrupted(volume, *, cancelled, **_):
        os.kill(os.getpid(), signal.SIGINT)
        assert cancelled()
        raise Cancelled("cancelled")

    put_cascade(monkeypatch, interrupted)
    before = signal.getsignal(signal.SIGINT)
    assert main(["segment", str(scan), "-o", str(tmp_path / "out")]) == 130
    assert capfd.readouterr().err == "toothseg: cancelled, nothing was written\n"
    assert not (tmp_path / "out").exists()
    assert signal.getsignal(signal.SIGINT) == before


def test_ctrl_c_after_the_cascade_still_leaves_nothing(
    scan: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def deaf(volume, **_):
        os.kill(os.getpid(), signal.SIGINT)
        return bright_voxels(volume)

    put_cascade(monkeypatch, deaf)
    assert main(["segment", str(scan), "-o", str(tmp_path / "out")]) == 130
    assert not (tmp_path / "out").exists()


@pytest.mark.skipif(os.name != "posix", reason="Ctrl-C of another process")
def test_ctrl_c_is_heeded_while_a_scan_is_read(scan: Path, tmp_path: Path) -> None:
    words = ["segment", str(scan), "-o", str(tmp_path / "out")]
    code = (
        "import sys, time\n"
        "from pathlib import Path\n"
        "from ToothSegLib import segment_file, volume_io\n"
        "from ToothSegLib.formats import itk_io\n"
        "from ToothSegLib.cli.main import main\n"
        "def slow(path, **_):\n"
        "    with itk_io.itk_errors(Path(path)):\n"  # as a large scan
        "        print('reading', flush=True)\n"
        "        time.sleep(600)\n"
        "volume_io.read_volume, segment_file._needed = slow, lambda *_: ()\n"
        f"sys.exit(main({words!r}))"
    )
    with subprocess.Popen(
        [sys.executable, "-c", code],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=environment(),
    ) as run:
        assert run.stdout is not None
        assert run.stdout.readline() == "reading\n"
        run.send_signal(signal.SIGINT)
        try:
            _, err = run.communicate(timeout=120)
        finally:
            run.kill()
    assert (run.returncode, err) == (130, "toothseg: cancelled, nothing was written\n")


def test_a_second_ctrl_c_stops_at_once() -> None:
    with console.working(quiet=True) as (_, cancelled):
        os.kill(os.getpid(), signal.SIGINT)
        assert cancelled()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGINT)
