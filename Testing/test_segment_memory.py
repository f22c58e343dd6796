"""A scan that nothing needs any more is let go of before the result's files are made."""

from __future__ import annotations

import weakref
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest

from ToothSegLib import cascade
from ToothSegLib.results import outputs
from ToothSegLib.segment_file import segment_file
from ToothSegLib.volume import Volume
from ToothSegLib.volume_io import write_volume


@pytest.mark.parametrize("slices", [False, True])
def test_the_scan_goes_unless_it_is_drawn(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, slices: bool
) -> None:
    values = np.random.default_rng(0).integers(-1000, 2000, (8, 9, 10)).astype(np.int16)
    write_volume(tmp_path / "scan.nrrd", Volume(values, (0.4,) * 3))
    scans: list[weakref.ref[np.ndarray]] = []
    there: list[bool] = []

    def segment(volume: Volume, **how: Any) -> SimpleNamespace:
        scans.append(weakref.ref(volume.array))
        return SimpleNamespace(provenance={})

    def write_outputs(*what: Any, **how: Any) -> list[Path]:
        there.append(scans[0]() is not None)
        assert (how["slices_of"] is not None) == slices
        return []

    monkeypatch.setattr(cascade, "segment", segment)
    monkeypatch.setattr(outputs, "write_outputs", write_outputs)
    bundle: Any = None
    segment_file(tmp_path / "scan.nrrd", tmp_path / "out", bundle=bundle, slices=slices)
    assert there == [slices]
