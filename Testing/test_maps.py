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
