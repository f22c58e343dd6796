"""Where `toothseg evaluate --json` writes to: files, links, pipes, and its own output."""

from __future__ import annotations

import json
import os
import threading
from pathlib import Path

import pytest

from phantom_fixture import dentition
from ToothSegLib.cli.main import main
from ToothSegLib.volume_io import write_volume


@pytest.fixture
def labels(tmp_path: Path) -> str:
    """A label map, to be its own truth."""
    write_volume(tmp_path / "labels.nrrd", dentition())
    return str(tmp_path / "labels.nrrd")


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="Windows has no such pipes")
def test_a_pipe_is_written_into(labels: str, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    read: list[str] = []
    reader = threading.Thread(target=lambda: read.append(pipe.read_text()), daemon=True)
    reader.start()
    assert main(["evaluate", labels, labels, "--json", str(pipe), "--quiet"]) == 0
    reader.join(10)
    assert json.loads(read[0])["identification"]["recall"] == 1.0
    assert pipe.is_fifo()


def test_a_link_stays_and_leads_to_the_figures(labels: str, tmp_path: Path) -> None:
    there = tmp_path / "elsewhere" / "figures.json"
    there.parent.mkdir()
    link = tmp_path / "link.json"
    link.symlink_to(there)
    for _ in range(2):  # of a file that is not there yet, too
        assert main(["evaluate", labels, labels, "--json", str(link), "--quiet"]) == 0
        assert link.is_symlink()
        assert json.loads(there.read_text())["resampled"] is False
        there.write_text("older")


def test_a_folder_is_no_file(
    labels: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["evaluate", labels, labels, "--json", str(tmp_path)]) == 2
    assert capsys.readouterr().err == f"toothseg: error: cannot write {tmp_path}: Is a directory\n"


@pytest.mark.parametrize("name", ["-", "/dev/stdout"])
def test_figures_are_printed_instead_of_the_table(
    labels: str, name: str, capfd: pytest.CaptureFixture[str]
) -> None:
    if name != "-" and not os.path.exists(name):
        pytest.skip("there is none on Windows")
    assert main(["evaluate", labels, labels, "--json", name]) == 0
    assert json.loads(capfd.readouterr().out)["resampled"] is False
