"""Options of `toothseg batch` that are refused once, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_stub import write_scan
from ToothSegLib.cli.main import main


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--device", "mps", "--jobs", "1"], "this computer has no mps device"),
        (
            ["--dask", "tcp://localhost:1", "--jobs", "4"],
            "--jobs 4 with --dask: a cluster does as many scans at a time as it has workers; "
            "start more of them with 'dask worker --nworkers'",
        ),
    ],
)
def test_options_that_cannot_be_are_refused(
    words: list[str],
    said: str,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capfd: pytest.CaptureFixture[str],
) -> None:
    import torch

    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    write_scan(tmp_path / "scans" / "scan.nrrd")
    out = tmp_path / "out"
    assert main(["batch", str(tmp_path / "scans"), "-o", str(out), *words]) == 2
    line = capfd.readouterr().err
    assert line.startswith(f"toothseg: error: {said}")
    assert line.count("\n") == 1
    assert not out.exists()
