"""Tiles cover everything, evenly, and blending them gives back what one piece would give."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from torch import Tensor, nn

from ToothSegLib import inference
from ToothSegLib.compute import backends
from ToothSegLib.compute.tiles import fitted_tile, gaussian_weights, tile_starts
from ToothSegLib.errors import Cancelled
from ToothSegLib.progress import Progress

CPU = "cpu"


class Twice(nn.Module):
    """Looks at nothing but the voxel itself, so that tiling must not change its answer."""

    def forward(self, image: Tensor) -> tuple[Tensor, Tensor]:
        return 2.0 * image, nn.functional.avg_pool3d(image, 2)


@given(size=st.integers(1, 400), tile=st.integers(1, 200), overlap=st.floats(0, 0.8))
def test_tiles_cover_the_axis(size: int, tile: int, overlap: float) -> None:
    starts = tile_starts(size, tile, overlap)
    covered = set().union(*(range(s, s + tile) for s in starts))
    assert covered >= set(range(size))
    assert starts == sorted(set(starts))
    assert size <= tile or starts[-1] + tile == size
    steps = [b - a for a, b in zip(starts, starts[1:], strict=False)]
    assert not steps or max(steps) - min(steps) <= 1
    assert all(step <= max(1, tile * (1 - overlap) + 1) for step in steps)


@given(size=st.integers(1, 400), largest=st.integers(2, 200), overlap=st.floats(0, 0.8))
def test_fitted_tiles_keep_number_and_overlap(size: int, largest: int, overlap: float) -> None:
    tile = fitted_tile(size, largest, overlap)
    assert 1 <= tile <= min(size, largest)
    starts = tile_starts(size, tile, overlap)
    assert len(starts) <= len(tile_starts(size, largest, overlap))
    assert all(b - a <= tile * (1 - overlap) + 1 for a, b in pairwise(starts))


def test_a_box_little_larger_than_a_tile_is_not_computed_twice() -> None:
    assert fitted_tile(12, 11, 0.3) == 8  # of a box of 192 voxels, two tiles of 128, not of 176


def test_weights_are_highest_in_the_middle_and_never_next_to_nothing() -> None:
    weights = gaussian_weights((16, 24, 32))
    assert weights.shape == (16, 24, 32)
    # A millionth, as the corners would have it, is divided by where no other tile covers them.
    assert float(weights.min()) == pytest.approx(1e-3)
    assert weights[8, 12, 16] > 0.99 * weights.max()
    assert np.array_equal(weights, weights[::-1])


def test_weights_that_others_use_too_cannot_be_changed() -> None:
    with pytest.raises(ValueError, match="read-only"):
        gaussian_weights((16, 16, 16))[0, 0, 0] = 0


@pytest.mark.parametrize("shape", [(30, 41, 52), (16, 16, 16), (5, 70, 33)])
def test_tiling_changes_nothing(shape: tuple[int, ...], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(backends, "half_type", lambda device: None)
    image = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    whole = inference._tiled(Twice(), image, CPU, Progress())
    monkeypatch.setattr(inference, "TILE", (16, 32, 32))
    tiled = inference._tiled(Twice(), image, CPU, Progress())
    assert whole[0].shape == (1, *shape)
    assert whole[1].shape == (1, *(-(-n // 2) for n in shape))
    for one, many in zip(whole, tiled, strict=True):
        assert np.allclose(one, many, atol=1e-5)
    assert np.allclose(whole[0][0], 2.0 * image)


def test_a_run_is_cancelled_between_tiles(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(inference, "TILE", (16, 16, 16))
    asked = iter([False, False, True])
    with pytest.raises(Cancelled):
        inference._tiled(
            Twice(), np.zeros((48, 48, 48), np.float32), CPU, Progress(None, lambda: next(asked))
        )
