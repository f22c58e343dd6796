"""Grey values of any device become those that the networks learnt from."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ToothSegLib.compute.normalise import normalise


def a_scan() -> np.ndarray:
    """A tenth of it air, the rest tissue from 0 to 1000."""
    rng = np.random.default_rng(0)
    tissue = rng.uniform(0, 1000, (20, 20, 20)).astype(np.float32)
    return np.where(rng.random(tissue.shape) < 0.01, -30, tissue).astype(np.float32)


@pytest.mark.parametrize(("offset", "scale"), [(0.0, 1.0), (-1024.0, 4.0), (5e4, 0.01)])
def test_the_devices_own_scale_is_gone(offset: float, scale: float) -> None:
    scan = a_scan()
    values = normalise(offset + scale * scan)
    assert values.dtype == np.float32
    assert np.allclose(values, normalise(scan), atol=2e-3)
    assert (values < 0).mean() == pytest.approx(0.02, abs=0.002)
    assert (values > 1).mean() == pytest.approx(0.01, abs=0.002)


def test_neither_metal_nor_a_fill_value_drowns_the_tissue() -> None:
    scan = a_scan()
    as_ever = normalise(scan)
    scan[0, 0, 0], scan[1, 1, 1], scan[2, 2, 2] = 4000, 8000, -30_000
    values = normalise(scan)
    assert 1.5 < values[0, 0, 0] < values[1, 1, 1] < 3.5
    assert values[2, 2, 2] == -0.25
    assert np.allclose(values[5:], as_ever[5:], atol=0.02)


def test_one_value_everywhere_is_nothing() -> None:
    """As where hardly anything but the filling outside of a cylinder is in the box."""
    flat = np.full((8, 8, 8), 7.0, np.float32)
    assert not normalise(flat).any()
    flat[0, 0, 0] = 9.0
    assert not normalise(flat).any()


def test_training_sees_the_same_values_and_no_scan_is_changed() -> None:
    scan = a_scan()
    before = scan.copy()
    assert np.array_equal(normalise(torch.from_numpy(scan)).numpy(), normalise(scan))
    assert np.array_equal(scan, before)
