"""A batch of three tiny scans in this process, with a cascade that costs nothing."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace

import pytest

import ToothSegLib
from batch_stub import write_scan
from stub_fixture import bright_voxels
from ToothSegLib.batch import run
from ToothSegLib.batch.entry import Options
from ToothSegLib.batch.one_scan import segment_one
from ToothSegLib.report import Finding, Segmentation, measure_teeth
from ToothSegLib.volume import Volume

CONFIDENCES = {11: 0.97, 21: 0.98, 16: 0.61, 34: 0.7, 35: 0.72}
TEETH = {"sure": (11, 21), "unsure": (11, 16), "worst": (11, 34, 35)}
FINDINGS = {
    16: Finding("number-unsure", "high", "The number of 16 is unsure.", (16,)),
    34: Finding("split", "high", "34 and 35 are small and close together.", (34, 35)),
}


def segment(volume: Volume, **_: object) -> Segmentation:
    """The teeth of a scan of `batch_stub.write_scan`, each with its finding."""
    labels = bright_voxels(volume).labels
    teeth = measure_teeth(labels, CONFIDENCES)
    findings = [FINDINGS[tooth.fdi] for tooth in teeth if tooth.fdi in FINDINGS]
    made_by = {"bundle": "made-up", "weights": {"fine": "ab" * 32}}
    return Segmentation(labels, teeth, findings, provenance=made_by)


def run_here(
    patch: pytest.MonkeyPatch, scans: Path, out: Path, *, stl: bool = False, picture: bool = False
) -> list[str]:
    """`toothseg batch` in this process; what became of the scans."""
    patch.setattr(ToothSegLib, "cascade", SimpleNamespace(segment=segment), raising=False)

    def work_here(tasks, *_):  # type: ignore[no-untyped-def]
        yield from map(segment_one, tasks)

    patch.setattr(run.pool, "work_here", work_here)
    options = Options(device="cpu", stl=stl, picture=picture)
    return [entry.status for entry in run.run_batch(scans, out, options, jobs=1).entries]


def make_batch(patch: pytest.MonkeyPatch, folder: Path) -> Path:
    """The scans of `TEETH` in ``folder/scans``, and their results in a folder that is given."""
    for name, teeth in TEETH.items():
        write_scan(folder / "scans" / f"{name}.nrrd", teeth)
    assert run_here(patch, folder / "scans", folder / "out") == ["done"] * 3
    return folder / "out"
