"""Surfaces are not exported mirrored, whatever kinds of transform are above the teeth."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from export_fixture import names_in, read_stl
from node_fixture import bent_transform, linear_transform
from ToothSegLib.errors import InputError
from ToothSegLib.surfaces import is_manifold

MIRROR = np.diag([-1.0, 1.0, 1.0, 1.0])
UPSIDE_DOWN = np.diag([1.0, -1.0, -1.0, 1.0])


def put_under(node: Any, *transforms: Any) -> None:
    """Put a node under the first transform, that under the next, and so on."""
    for transform in transforms:
        node.SetAndObserveTransformNodeID(transform.GetID())
        node = transform


@pytest.mark.parametrize("bent_first", [True, False])
def test_a_mirror_above_or_below_a_bend_is_refused(
    exporter: Any, scene: Any, teeth_node: Any, tmp_path: Path, bent_first: bool
) -> None:
    transforms = [bent_transform("Bend"), linear_transform(MIRROR, "Mirror")]
    names = ["Bend", "Mirror"]
    if not bent_first:
        transforms.reverse()
        names.reverse()
    put_under(teeth_node, *transforms)
    with pytest.raises(InputError, match=f"{names[0]}, with what is above it, mirrors the teeth"):
        exporter.export_surfaces(teeth_node, tmp_path)
    assert names_in(tmp_path) == []


@pytest.mark.parametrize("turns", [[], [UPSIDE_DOWN], [MIRROR, MIRROR]])
def test_a_bend_alone_turned_or_mirrored_twice_is_exported(
    exporter: Any, scene: Any, teeth_node: Any, tmp_path: Path, turns: list[np.ndarray]
) -> None:
    put_under(teeth_node, bent_transform(), *map(linear_transform, turns))
    surface = read_stl(exporter.export_surfaces(teeth_node, tmp_path)[0])
    assert is_manifold(surface)
    assert surface.volume_mm3 > 0
