"""Between two pieces of metal it is dark, and nowhere else darker than it was."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from ToothSegLib.synthesis import tissues
from ToothSegLib.synthesis.metal_shadows import darken
from ToothSegLib.synthesis.pictures import make_picture

_SIZE = (24, 48, 48)


def head(*pieces: tuple[int, int, int]) -> torch.Tensor:
    tissue = torch.full(_SIZE, tissues.DENTINE, dtype=torch.uint8)
    for z, y, x in pieces:
        tissue[z : z + 2, y : y + 2, x : x + 2] = tissues.METAL
    return tissue


def darkened(tissue: torch.Tensor, seed: int) -> torch.Tensor:
    before = torch.ones(_SIZE)
    after = darken(before, tissue, 0.5, torch.Generator().manual_seed(seed))
    assert torch.equal(before, torch.ones(_SIZE))
    return before - after


@pytest.fixture(autouse=True)
def always(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ToothSegLib.synthesis.metal_shadows._HAVE", 1.0)


def test_it_is_darkest_between_the_two() -> None:
    tissue = head((10, 24, 8), (10, 24, 38))
    depths = []
    for seed in range(20):
        shadow = darkened(tissue, seed)
        assert shadow.min() >= 0.0
        assert not shadow[tissue == tissues.METAL].any()
        depths.append(float(shadow.max()))
        between = shadow[11, 24, 12:36]
        if depths[-1] > 0:
            assert between.min() > 0.7 * depths[-1]
            assert shadow[11, :8].max() < 0.3 * depths[-1]
            assert shadow[23].max() < 0.3 * depths[-1]
    assert sum(depth > 0 for depth in depths) > 10
    assert max(depths) <= 0.5


def test_pieces_at_other_heights_throw_none_on_each_other() -> None:
    far = head((2, 24, 8), (20, 24, 38))
    assert not any(darkened(far, seed).any() for seed in range(10))
    assert not darkened(head(), 0).any()


def test_pictures_have_them_where_they_are_asked_for() -> None:
    tissue = head((10, 24, 8), (10, 24, 38))
    for shadows in (False, True):
        seen = [
            make_picture(tissue, 0.5, torch.Generator().manual_seed(3), shadows=shadows)
            for _ in range(2)
        ]
        assert torch.equal(*seen)
        assert np.isfinite(seen[0].numpy()).all()
    plain = make_picture(tissue, 0.5, torch.Generator().manual_seed(3))
    assert torch.equal(
        plain, make_picture(tissue, 0.5, torch.Generator().manual_seed(3), shadows=False)
    )
    assert not torch.equal(plain, seen[0])
