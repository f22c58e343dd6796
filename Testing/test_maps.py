"""The networks' maps refuse what does not fit together."""

from __future__ import annotations

import numpy as np
import pytest

from ToothSegLib.errors import InputError
from ToothSegLib.maps import Maps

SHAPE = (3, 4, 5)


def some_maps(**changes: object) -> Maps:
    fields: dict = {
        "tooth": np.zeros(SHAPE, np.float32),
        "types": np.zeros((17, *SHAPE), np.float16),
        "offsets": np.zeros((3, *SHAPE), np.float16),
        "spacing_mm": 0.5,
        "origin": (0.0, 0.0, 0.0),
    }
    return Maps(**(fields | changes))


def test_offsets_may_be_absent() -> None:
    assert some_maps(offsets=None).offsets is None


def test_the_extent_is_that_of_the_voxels_not_of_their_centres() -> None:
    corners = some_maps(origin=(1.0, 2.0, 3.0)).extent()
    assert corners.tolist() == [[0.75, 1.75, 2.75], [3.25, 3.75, 4.25]]


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"tooth": np.zeros((4, 5))}, "tooth map has shape"),
        ({"types": np.zeros((9, *SHAPE))}, "type map has shape"),
        ({"types": np.zeros((17, 3, 4, 4))}, "type map has shape"),
        ({"offsets": np.zeros((2, *SHAPE))}, "offset map has shape"),
        ({"spacing_mm": 0.0}, "spacing is 0.0 mm"),
        ({"spacing_mm": float("nan")}, "spacing is nan mm"),
        ({"origin": (0.0, 1.0)}, "origin is"),
        ({"origin": (0.0, 1.0, float("inf"))}, "origin is"),
    ],
)
def test_what_does_not_fit_is_named(changes: dict, message: str) -> None:
    with pytest.raises(InputError, match=message):
        some_maps(**changes)


def test_values_are_read_at_voxels_whether_all_are_known_or_some() -> None:
    rng = np.random.default_rng(0)
    types, offsets = (rng.random((n, *SHAPE)).astype(np.float16) for n in (17, 3))
    at = np.array([3, 4, 17, 59])
    whole = some_maps(types=types, offsets=offsets)
    part = some_maps(
        types=types.reshape(17, -1)[:, at], offsets=offsets.reshape(3, -1)[:, at], at=at
    )
    where = at[[0, 2, 3]]
    np.testing.assert_array_equal(part.types_at(where), types.reshape(17, -1)[:, where])
    np.testing.assert_array_equal(part.types_at(where), whole.types_at(where))
    np.testing.assert_array_equal(part.offsets_at(where), whole.offsets_at(where))
    for unknown in ([5], [59, 60]):
        with pytest.raises(ValueError, match="tell nothing"):
            part.types_at(np.array(unknown))
    with pytest.raises(InputError, match="type map has shape"):
        some_maps(at=at)


def test_where_there_are_no_teeth_nothing_is_known() -> None:
    nowhere = np.zeros(0, np.intp)
    maps = some_maps(
        types=np.zeros((17, 0), np.float16), offsets=np.zeros((3, 0), np.float16), at=nowhere
    )
    assert maps.types_at(nowhere).shape == (17, 0)
