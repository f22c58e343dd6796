"""The grey values that learning gets of a scan: as noisy, and in the same place, as in use."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ToothSegLib.compute.normalise import normalise
from ToothSegLib.training.scan_case import scan_case
from ToothSegLib.volume import Volume


def learned(array: np.ndarray) -> np.ndarray:
    """Of a scan of 1 mm what is learned from, on its grid of 0.5 mm."""
    image = Volume(array, (1.0,) * 3)
    empty = image.with_array(np.zeros(array.shape, np.uint8))
    return scan_case(image, empty, 1.0, whole=True).tissue.numpy().astype(float)


def seen(array: np.ndarray) -> np.ndarray:
    """What a network gets of it in use."""
    return normalise(torch.from_numpy(array)).numpy()


def test_most_of_the_noise_stays() -> None:
    noise = np.random.default_rng(0).normal(0.0, 100.0, (24, 32, 40)).astype(np.float32)
    fine = learned(noise)
    assert fine.shape == (48, 64, 80)
    assert 0.7 < fine.std() / seen(noise).std() < 1.0


@pytest.mark.parametrize("axis", [0, 1, 2])
def test_what_is_seen_stays_where_it_is(axis: int) -> None:
    steps = np.broadcast_to(np.arange(32.0, dtype=np.float32), (32, 32, 32))
    ramp = np.ascontiguousarray(np.moveaxis(steps, 2, axis))
    others = tuple({0, 1, 2} - {axis})
    fine, coarse = learned(ramp).mean(axis=others), seen(ramp).mean(axis=others)
    # Two fine voxels lie a quarter to either side of the centre of a coarse one.
    pairs = fine.reshape(-1, 2)
    step = float(coarse[17] - coarse[16])
    assert pairs.mean(axis=1)[4:-4] == pytest.approx(coarse[4:-4], abs=0.02 * step)
    assert np.diff(pairs)[4:-4, 0] == pytest.approx(np.full(24, step / 2), rel=0.25)
