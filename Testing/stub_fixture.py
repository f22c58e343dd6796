"""A cascade that costs nothing, for the tests of the command line."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import TYPE_CHECKING

import numpy as np

import ToothSegLib
from phantom_fixture import segmentation
from ToothSegLib.formats import scan_checksum
from ToothSegLib.report import SCAN_SHA256, Segmentation
from ToothSegLib.volume import Volume

if TYPE_CHECKING:
    import pytest  # not in a worker, which would only wait for it


def put_cascade(
    patch: pytest.MonkeyPatch, segment: Callable[..., Segmentation] | None = None
) -> None:
    """Put a function in the place of `cascade.segment`, and a bundle in that of any weights."""
    stub = SimpleNamespace(segment=segment or bright_voxels)
    patch.setattr(ToothSegLib, "cascade", stub, raising=False)
    patch.setattr(
        "ToothSegLib.models.load_bundle", lambda name=None: SimpleNamespace(name=name or "made-up")
    )


def bright_voxels(
    volume: Volume,
    *,
    scan_sha256: str | None = None,
    progress: Callable[[float, str], None] | None = None,
    **_: object,
) -> Segmentation:
    """Voxels from 1000 to 1048 are the tooth of that number less 1000."""
    if progress is not None:
        progress(0.5, "looking")
    values = volume.array.astype(float) - 1000
    labels = np.where((values > 10) & (values < 49), values, 0).astype(np.uint8)
    result = segmentation(volume.with_array(labels))
    result.provenance[SCAN_SHA256] = scan_sha256 or scan_checksum.scan_sha256(volume)
    return result
