"""Options of `toothseg batch` that are refused once, before anything is written."""

from __future__ import annotations

from pathlib import Path

import pytest

from batch_stub import write_scan
from ToothSegLib.batch import run
from ToothSegLib.cli.main import main
from ToothSegLib.models import from_anywhere, shipped_bundles


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


def test_a_name_of_a_bundle_goes_before_a_folder_of_that_name(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As `load_bundle` has it; a worker elsewhere would take the folder for another bundle."""
    monkeypatch.chdir(tmp_path)
    (name,) = shipped_bundles()[:1]
    for folder in (name, "mine"):
        (tmp_path / folder).mkdir()
    asked = []
    monkeypatch.setattr(run, "run_batch", lambda *args, **_: asked.append(args[2].model) or 1 / 0)
    for model in (name, "mine", "nowhere", None):
        words = [] if model is None else ["--model", model]
        assert main(["batch", "scans", "-o", "out", *words]) == 1
    assert asked == [name, str(tmp_path / "mine"), "nowhere", None]
    assert [from_anywhere(each) for each in (name, Path("mine"), None)] == [*asked[:2], None]
