"""What is read at single voxels is what PyTorch enlarges the whole map to."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ToothSegLib.compute.doubling import doubled_at


@pytest.mark.parametrize("shape", [(8, 12, 6), (7, 5, 9), (2, 1, 3)])
def test_values_are_those_of_the_enlarged_map(shape: tuple[int, int, int]) -> None:
    rng = np.random.default_rng(0)
    half = rng.normal(size=(4, *(-(-n // 2) for n in shape))).astype(np.float32)
    large = torch.nn.functional.interpolate(
        torch.from_numpy(half)[None], scale_factor=2.0, mode="trilinear", align_corners=False
    )[0].numpy()
    expected = large[:, : shape[0], : shape[1], : shape[2]].reshape(4, -1)
    where = np.flatnonzero(rng.random(shape) < 0.5)
    np.testing.assert_allclose(doubled_at(half, where, shape), expected[:, where], atol=1e-6)
    everywhere = np.arange(np.prod(shape))
    np.testing.assert_allclose(doubled_at(half, everywhere, shape), expected, atol=1e-6)


def test_nowhere_is_nothing() -> None:
    half = np.ones((3, 2, 2, 2), np.float32)
    assert doubled_at(half, np.zeros(0, np.intp), (4, 4, 4)).shape == (3, 0)
